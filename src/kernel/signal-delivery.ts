/** Taking signals: what a task does with what is pending, on its way back to guest code or out of a wait. */
import { stopProcess } from "./job-control.ts";
import { isOrphaned } from "./process-group.ts";
import { DEFAULT_ACTION, SIG_DFL, SIG_IGN } from "./signal-actions.ts";
import type { SignalAction } from "./signal-actions.ts";
import { signalBit } from "./signal.ts";
import type { SignalSet } from "./signal.ts";
import type { SignalInfo } from "./siginfo.ts";
import type { Task } from "./task.ts";

/** A handler is to run. Nothing has been changed but that the signal is no longer pending. */
export interface Delivery {
  readonly info: SignalInfo;
  readonly action: SignalAction;
}

/** The next pending signal of `set`, taken off its queue; the task's own before the process's. */
export function dequeueSignal(task: Task, set: SignalSet): SignalInfo | null {
  return task.signals.take(set) ?? task.process.signals.take(set);
}

/**
 * Takes signals until there is one with a handler, which is returned, or none is left: null. Default actions are done
 * here; after one of them the task may have stopped or ended (`task.state`).
 */
export function nextDelivery(task: Task): Delivery | null {
  const { process } = task;
  const { signals } = process.kernel;
  task.attention = false;
  while (task.state !== "ended") {
    const info = dequeueSignal(task, ~task.blocked);
    if (info === null) return null;
    const action = process.actions.get(info.signal);
    if (action.handler === SIG_IGN) continue;
    if (action.handler !== SIG_DFL) {
      task.attention = task.deliverable !== 0n;
      return { info, action };
    }
    switch (signals.defaultAction(info.signal)) {
      case "ignore":
      case "continue":
        continue;
      case "stop":
        // Nobody could continue a group that is orphaned: what a terminal sends does not stop it.
        if (info.signal !== signals.number("SIGSTOP") && isOrphaned(process.kernel, process.pgid)) continue;
        stopProcess(process, info.signal);
        // What else is pending is looked at when the task goes on.
        task.attention = true;
        return null;
      default:
        process.kernel.endProcess(process, { kind: "killed", signal: info.signal });
        return null;
    }
  }
  return null;
}

/** The mask that the handler's frame keeps and its return brings back. */
export function maskToRestore(task: Task): SignalSet {
  return task.savedBlocked ?? task.blocked;
}

/** The frame stands: blocks what the action says and forgets a one-shot handler (SA_RESETHAND). */
export function enterHandler(task: Task, { info, action }: Delivery): void {
  if (action.resetHandler) {
    task.process.actions.set(info.signal, { ...DEFAULT_ACTION, mask: action.mask, rawFlags: action.rawFlags });
  }
  task.savedBlocked = null;
  let blocked = task.blocked | action.mask;
  if (!action.noDefer) blocked |= signalBit(info.signal);
  task.setBlocked(blocked);
}

/** No handler ran after rt_sigsuspend or its like: the old mask comes back. */
export function restoreMask(task: Task): void {
  if (task.savedBlocked === null) return;
  const mask = task.savedBlocked;
  task.savedBlocked = null;
  task.setBlocked(mask);
}
