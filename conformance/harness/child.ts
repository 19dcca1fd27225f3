/** Runs a host program to its end with a time limit and bounded output. */
import { spawn } from "node:child_process";
import type { Outcome } from "./outcome.ts";

/** More than this on one stream ends the run: no case prints as much. */
const OUTPUT_LIMIT = 64 << 20;

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: Uint8Array;
  /** Seconds. */
  readonly timeout: number;
}

export function runChild(command: Command): Promise<Outcome> {
  return new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(command.file, command.args, {
      cwd: command.cwd,
      env: command.env ?? { PATH: process.env.PATH ?? "", LC_ALL: "C" },
      stdio: [command.stdin ? "pipe" : "ignore", "pipe", "pipe"],
      detached: true, // its own process group, so that a time-out also reaches its children
    });
    const chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
    let size = 0;
    let stopped: "timeout" | "output" | undefined;
    const stop = (why: "timeout" | "output") => {
      stopped ??= why;
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {
        child.kill("SIGKILL");
      }
    };
    const timer = setTimeout(() => stop("timeout"), command.timeout * 1000);
    for (const name of ["stdout", "stderr"] as const) {
      child[name]?.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > OUTPUT_LIMIT) stop("output");
        else chunks[name].push(chunk);
      });
    }
    if (command.stdin) {
      child.stdin?.on("error", () => {}); // the program may close its input early
      child.stdin?.end(command.stdin);
    }
    const finish = (ending: Outcome["ending"]) => {
      clearTimeout(timer);
      resolve({
        ending,
        stdout: Buffer.concat(chunks.stdout),
        stderr: Buffer.concat(chunks.stderr),
        seconds: (performance.now() - started) / 1000,
      });
    };
    child.on("error", (error) => finish({ kind: "broken", message: error.message }));
    child.on("close", (code, signal) => {
      if (stopped === "timeout") finish({ kind: "timeout" });
      else if (stopped === "output") finish({ kind: "broken", message: "more than 64 MiB of output" });
      else if (signal) finish({ kind: "signal", signal });
      else finish({ kind: "exit", code: code ?? -1 });
    });
  });
}

/** Runs a tool of ours (apt, tar, a compiler); throws one clear line when it fails. */
export async function runTool(file: string, args: readonly string[], options: Partial<Command> = {}): Promise<string> {
  const outcome = await runChild({ file, args, timeout: 900, ...options });
  if (outcome.ending.kind === "exit" && outcome.ending.code === 0) return Buffer.from(outcome.stdout).toString();
  if (outcome.ending.kind === "broken" && outcome.ending.message.includes("ENOENT"))
    throw new Error(`${file} is not installed`);
  const said = Buffer.from(outcome.stderr).toString().trim().split("\n");
  const error = said.find((line) => /error|^E:|cannot|undefined/i.test(line)) ?? said.at(-1) ?? "";
  throw new Error(`${file} ${args.slice(0, 3).join(" ")} … failed: ${error}`);
}
