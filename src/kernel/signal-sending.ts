/** Sending signals: to a task, to a process, and by the kernel to a task that went wrong (signal(7), kill(2)). */
import { continueProcess } from "./job-control.ts";
import type { Kernel } from "./kernel.ts";
import { membersOf } from "./process-group.ts";
import type { Process } from "./process.ts";
import { DEFAULT_ACTION, SIG_DFL, SIG_IGN } from "./signal-actions.ts";
import { hasSignal, signalBit } from "./signal.ts";
import type { SignalName } from "./signal.ts";
import { kernelSignal } from "./siginfo.ts";
import type { SignalInfo } from "./siginfo.ts";
import type { SignalQueue } from "./signal-queue.ts";
import type { Task } from "./task.ts";

/** tkill(2): only this task can take it. Throws EAGAIN where RLIMIT_SIGPENDING is reached (real-time signals only). */
export function sendToTask(task: Task, info: SignalInfo): void {
  send(task.process, task.signals, [task], info);
}

/** kill(2): any task of the process that does not block it takes it. Throws EAGAIN as above. */
export function sendToProcess(process: Process, info: SignalInfo): void {
  send(process, process.signals, process.tasks, info);
}

/** A signal from the kernel itself, by name, to a process. */
export function raiseInProcess(process: Process, name: SignalName): void {
  const signal = process.kernel.signals.number(name);
  if (signal !== 0) sendToProcess(process, kernelSignal(signal));
}

/** A signal from the kernel itself, by name, to a process group. False where it has no members. */
export function raiseInGroup(kernel: Kernel, pgid: number, name: SignalName): boolean {
  const members = membersOf(kernel, pgid);
  for (const member of members) raiseInProcess(member, name);
  return members.length > 0;
}

/** A signal from the kernel itself, by name, to a task (SIGPIPE of a write). */
export function raiseInTask(task: Task, name: SignalName): void {
  const signal = task.process.kernel.signals.number(name);
  if (signal !== 0) sendToTask(task, kernelSignal(signal));
}

/**
 * A signal that the task cannot escape, because it cannot go on (a CPU exception): if it blocks or ignores the signal,
 * it gets the default action, and dies.
 */
export function forceSignal(task: Task, info: SignalInfo): void {
  const { actions } = task.process;
  const action = actions.get(info.signal);
  const blocked = hasSignal(task.blocked, info.signal);
  if (blocked || action.handler === SIG_IGN) {
    actions.set(info.signal, { ...action, handler: SIG_DFL });
    task.setBlocked(task.blocked & ~signalBit(info.signal));
  }
  // One that is pending already (sent by kill) must not swallow what is known about the exception.
  task.signals.discard(signalBit(info.signal));
  task.signals.add(info, Infinity);
  task.attention = true;
}

/** A signal frame could not be built or read: SIGSEGV, and no second try if that is the one that failed. */
export function forceSegv(task: Task, failed: number): void {
  const segv = task.process.kernel.signals.number("SIGSEGV");
  if (failed === segv) task.process.actions.set(segv, DEFAULT_ACTION);
  forceSignal(task, kernelSignal(segv));
}

function send(process: Process, queue: SignalQueue, tasks: Iterable<Task>, info: SignalInfo): void {
  const { kernel } = process;
  const { signals } = kernel;
  if (process.exit !== null) return;
  const bit = signalBit(info.signal);
  // A stop undoes a continuation that is still to come, and the other way round.
  if ((signals.stops & bit) !== 0n) discardEverywhere(process, signalBit(signals.number("SIGCONT")));
  else if (signals.defaultAction(info.signal) === "continue") {
    discardEverywhere(process, signals.stops);
    continueProcess(process);
  }
  const takers = [...tasks];
  const blockedByAll = takers.every((task) => hasSignal(task.blocked, info.signal));
  if (!blockedByAll && process.actions.ignores(info.signal)) return;
  queue.add(info, process.limits.soft("RLIMIT_SIGPENDING"));
  if (info.signal === signals.number("SIGKILL")) continueProcess(process, true);
  process.signalArrival.wake();
  for (const task of takers) {
    if (hasSignal(task.blocked, info.signal)) continue;
    kernel.scheduler.notify(task);
    // One that runs (or waits and can be woken) is enough, except for what concerns the whole process.
    if (signals.defaultAction(info.signal) === "ignore") break;
  }
}

function discardEverywhere(process: Process, set: bigint): void {
  process.signals.discard(set);
  for (const task of process.tasks) task.signals.discard(set);
}
