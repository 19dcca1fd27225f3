/** The worker process of library.ts: takes a case, runs it with babelf's `run`, sends back what came of it. */
import { run, type RunOptions } from "../../src/index.ts";
import type { Case } from "./outcome.ts";
import type { WorkerReply } from "./library.ts";

/** babelf's own exit codes: the run took longer than its limit; babelf itself failed. */
const TIMED_OUT = 124;
const INTERNAL_ERROR = 70;

function placeOf({ cwd, sysroot, isSystem }: Case): Partial<RunOptions> {
  if (sysroot === undefined) return { cwd };
  if (isSystem !== true) return { cwd, sysroot };
  return { rootfs: sysroot, overlay: "memory", identity: { uid: 0, gid: 0 }, start: cwd };
}

async function answer(request: Case): Promise<WorkerReply> {
  const result = await run({
    program: request.program,
    args: request.args,
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C", ...request.env },
    ...placeOf(request),
    limits: { wallTime: request.timeout },
    ...(request.argv0 === undefined ? {} : { argv0: request.argv0 }),
    ...(request.stdin === undefined ? {} : { stdin: request.stdin }),
    ...(request.translateAfter === undefined ? {} : { translateAfter: request.translateAfter }),
  });
  const stderr = result.failure === null ? result.stderrBytes : Buffer.from(`babelf: ${result.failure}\n`);
  const kept = { stdout: result.stdoutBytes, stderr };
  if (result.signal !== null) return { ending: { kind: "signal", signal: result.signal }, ...kept };
  if (result.failure !== null && result.exitCode === TIMED_OUT) return { ending: { kind: "timeout" }, ...kept };
  if (result.failure !== null && result.exitCode === INTERNAL_ERROR)
    return { ending: { kind: "broken", message: result.failure }, ...kept };
  return { ending: { kind: "exit", code: result.exitCode ?? -1 }, ...kept };
}

process.on("message", (request: Case) => {
  answer(request).then(
    (reply) => process.send?.(reply),
    (error: unknown) => {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      const reply: WorkerReply = {
        ending: { kind: "broken", message },
        stdout: new Uint8Array(),
        stderr: Buffer.from(message),
      };
      process.send?.(reply);
    },
  );
});
