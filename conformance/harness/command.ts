/** babelf as its users start it: one process a run, straight from the sources. */
import path from "node:path";
import { runChild } from "./child.ts";
import type { Case, Driver, Outcome } from "./outcome.ts";

const MAIN = path.join(import.meta.dirname, "../../src/cli/main.ts");
/** Seconds above a case's own time: then babelf's own limit did not hold. */
const GRACE = 10;
/** babelf's own exit codes: docs/command-line.md. */
const TIMED_OUT = 124;
const INTERNAL_ERROR = 70;

const said = (outcome: Outcome) => Buffer.from(outcome.stderr).toString();

export function commandDriver(): Driver {
  return {
    name: "babelf",
    close() {},
    async run(request: Case): Promise<Outcome> {
      const args = [MAIN, `--timeout=${request.timeout}`];
      if (request.translateAfter !== undefined) args.push("--translate-after", String(request.translateAfter));
      const { sysroot, isSystem } = request;
      if (sysroot !== undefined && isSystem === true)
        args.push("--rootfs", sysroot, "--overlay", "memory", "--user", "root", "--chdir", request.cwd);
      else if (sysroot !== undefined) args.push("-L", sysroot);
      if (request.argv0 !== undefined) args.push("-0", request.argv0);
      const environment = { PATH: "/usr/bin:/bin", LC_ALL: "C", ...request.env };
      for (const [name, value] of Object.entries(environment)) args.push("-E", `${name}=${value}`);
      args.push(request.program, ...request.args);
      const outcome = await runChild({
        file: process.execPath,
        args,
        cwd: isSystem === true ? "/" : request.cwd,
        env: environment,
        ...(request.stdin ? { stdin: request.stdin } : {}),
        timeout: request.timeout + GRACE,
      });
      const { ending } = outcome;
      if (ending.kind === "timeout")
        return { ...outcome, ending: { kind: "broken", message: "babelf does not come back" } };
      if (ending.kind === "exit" && ending.code === TIMED_OUT && outcome.seconds >= request.timeout)
        return { ...outcome, ending: { kind: "timeout" } };
      if (ending.kind === "exit" && ending.code === INTERNAL_ERROR && said(outcome).includes("internal error"))
        return { ...outcome, ending: { kind: "broken", message: said(outcome) } };
      return outcome;
    },
  };
}
