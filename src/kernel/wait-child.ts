/** Waiting for children: wait4(2), waitid(2). */
import { errno } from "./errno.ts";
import { reap } from "./exit.ts";
import type { Process } from "./process.ts";
import { Wait } from "./wait.ts";

/** Which children count. */
export type ChildSelector =
  | { readonly kind: "any" }
  | { readonly kind: "pid"; readonly pid: number }
  | { readonly kind: "group"; readonly pgid: number };

export interface WaitOptions {
  /** WEXITED, WUNTRACED (WSTOPPED), WCONTINUED */
  readonly exited: boolean;
  readonly stopped: boolean;
  readonly continued: boolean;
  readonly noHang: boolean;
  /** WNOWAIT: the child can be waited for again. */
  readonly keep: boolean;
  /** __WALL, __WCLONE: all children, or those whose end is told by another signal than SIGCHLD. */
  readonly kinds: "all" | "clone" | "usual";
}

/** What has become of a child. */
export interface ChildEvent {
  readonly process: Process;
  readonly kind: "exited" | "killed" | "stopped" | "continued";
  /** Exit code, or the signal's number. */
  readonly status: number;
}

/** The next event, or null if there is none yet and the caller does not want to wait. Throws ECHILD. */
export function waitForChild(
  parent: Process,
  selector: ChildSelector,
  options: WaitOptions,
): ChildEvent | null | Wait<ChildEvent | null> {
  const look = (): ChildEvent | null => {
    let candidates = 0;
    for (const child of parent.children) {
      if (!isSelected(child, selector) || !isOfKind(child, options.kinds)) continue;
      candidates++;
      const event = eventOf(child, options);
      if (event !== null) return event;
    }
    if (candidates === 0) throw errno.ECHILD;
    return null;
  };
  const found = look();
  if (found !== null || options.noHang) return found;
  const wait: Wait<ChildEvent | null> = new Wait<ChildEvent | null>([parent.childEvents], null, (reason) => {
    const event = look();
    if (event !== null) return event;
    if (reason === "signal") throw errno.ERESTARTSYS;
    return wait;
  });
  return wait;
}

function isSelected(child: Process, selector: ChildSelector): boolean {
  switch (selector.kind) {
    case "any":
      return true;
    case "pid":
      return child.pid === selector.pid;
    default:
      return child.pgid === selector.pgid;
  }
}

function isOfKind(child: Process, kinds: WaitOptions["kinds"]): boolean {
  if (kinds === "all") return true;
  return (child.exitSignal !== child.kernel.signals.number("SIGCHLD")) === (kinds === "clone");
}

/** What of the child is to be told; once told, it is not told again. */
function eventOf(process: Process, options: WaitOptions): ChildEvent | null {
  const { exit } = process;
  if (exit !== null) {
    if (!options.exited) return null;
    if (!options.keep) reap(process);
    return exit.kind === "exited"
      ? { process, kind: "exited", status: exit.code }
      : { process, kind: "killed", status: exit.signal };
  }
  if (options.stopped && process.stopUnseen && process.stopSignal !== 0) {
    if (!options.keep) process.stopUnseen = false;
    return { process, kind: "stopped", status: process.stopSignal };
  }
  if (options.continued && process.continued) {
    if (!options.keep) process.continued = false;
    return { process, kind: "continued", status: process.kernel.signals.number("SIGCONT") };
  }
  return null;
}
