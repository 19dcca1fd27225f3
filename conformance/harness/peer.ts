/** The peer: QEMU's user mode, one process a run. */
import { runChild } from "./child.ts";
import type { Case, Driver, Outcome } from "./outcome.ts";
import type { Target } from "./target.ts";

export function peerDriver(target: Target): Driver {
  return {
    name: target.qemu,
    close() {},
    run(request: Case): Promise<Outcome> {
      const args: string[] = [];
      if (request.sysroot !== undefined) args.push("-L", request.sysroot);
      if (request.argv0 !== undefined) args.push("-0", request.argv0);
      args.push(request.program, ...request.args);
      return runChild({
        file: target.qemu,
        args,
        cwd: request.cwd,
        env: { PATH: "/usr/bin:/bin", LC_ALL: "C", ...request.env },
        ...(request.stdin ? { stdin: request.stdin } : {}),
        timeout: request.timeout,
      });
    },
  };
}
