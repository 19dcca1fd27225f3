/** The end of tasks and processes: what they leave behind, who is told, and who takes over their children. */
import { FUTEX_BITSET_MATCH_ANY } from "./futex.ts";
import type { Kernel } from "./kernel.ts";
import { isOrphaned, membersOf } from "./process-group.ts";
import type { ExitStatus, Process } from "./process.ts";
import { releaseRobustList } from "./robust-list.ts";
import { SIG_IGN } from "./signal-actions.ts";
import { CLD_CONTINUED, CLD_EXITED, CLD_KILLED, CLD_STOPPED } from "./siginfo.ts";
import { raiseInProcess, sendToProcess, sendToTask } from "./signal-sending.ts";
import { kernelSignal } from "./siginfo.ts";
import type { Task } from "./task.ts";
import { leaveTerminal } from "./tty/sessions.ts";
import { GuestFault } from "../memory/guest-fault.ts";

/** exit_group(2), or death by a signal: all tasks end, and the process is a zombie until its parent has waited for it. */
export function endProcess(process: Process, status: ExitStatus): void {
  if (process.exit !== null) return;
  const { kernel } = process;
  process.exit = status;
  process.timers.clear();
  for (const task of [...process.tasks]) retireTask(task);
  process.stopSignal = 0;
  kernel.ipc.endProcess(process);
  leaveTerminal(process);
  leaveChildren(process);
  // Memory and files go before anyone is told: a parent that has waited finds the pipes closed.
  kernel.onProcessEnd(process);
  tellParentOfEnd(process);
  process.ended.wake();
  process.releaseVfork();
}

/** One task is over. Its registers, its place in the tables and what others wait for it to clear. */
export function retireTask(task: Task): void {
  const { process } = task;
  const { kernel } = process;
  kernel.scheduler.bookTime();
  process.endedUserTime += task.userTime;
  process.endedSystemTime += task.systemTime;
  kernel.scheduler.remove(task);
  releaseMemory(task);
  task.state = "ended";
  kernel.onTaskEnd(task);
  process.tasks.delete(task);
  kernel.tasks.delete(task.tid);
  process.lastTask = task;
}

/** The task leaves its address space (exit(2), execve(2)): robust futexes, and the word of set_tid_address(2). */
export function releaseMemory(task: Task): void {
  const { process } = task;
  releaseRobustList(task);
  const { clearChildTid } = task;
  task.clearChildTid = 0;
  if (clearChildTid === 0) return;
  try {
    process.memory.writeU32(clearChildTid, 0);
    process.kernel.futexes.wake(process.space.futexKey(clearChildTid), 1, FUTEX_BITSET_MATCH_ANY);
  } catch (error) {
    // Linux does not mind a bad address here either: nobody is left to tell.
    if (!(error instanceof GuestFault)) throw error;
  }
}

/** Orphans go to the next ancestor that asked for them (PR_SET_CHILD_SUBREAPER), else to init, which reaps at once. */
function leaveChildren(process: Process): void {
  const { kernel } = process;
  const heir = findReaper(process);
  const groups = new Set([process.pgid, ...[...process.children].map((child) => child.pgid)]);
  const looked = [...groups].filter((pgid) => !isOrphaned(kernel, pgid, process));
  for (const child of [...process.children]) {
    process.children.delete(child);
    child.parent = heir;
    heir?.children.add(child);
    for (const task of child.tasks) {
      if (task.parentDeathSignal !== 0) sendToTask(task, kernelSignal(task.parentDeathSignal));
    }
    if (child.exit === null) continue;
    if (heir === null) reap(child);
    else tellParentOfEnd(child);
  }
  for (const pgid of looked) hangUpIfStopped(kernel, pgid);
}

function findReaper(process: Process): Process | null {
  for (let at = process.parent; at !== null; at = at.parent) if (at.childSubreaper && at.exit === null) return at;
  return null;
}

/** A group that has just been orphaned and has stopped members gets SIGHUP and SIGCONT (setpgid(2)). */
function hangUpIfStopped(kernel: Kernel, pgid: number): void {
  const members = membersOf(kernel, pgid);
  if (!members.some((member) => member.stopSignal !== 0) || !isOrphaned(kernel, pgid)) return;
  for (const member of members) {
    raiseInProcess(member, "SIGHUP");
    raiseInProcess(member, "SIGCONT");
  }
}

function tellParentOfEnd(process: Process): void {
  const { kernel, parent, exit } = process;
  if (exit === null) return;
  if (parent === null) return reap(process);
  const chld = kernel.signals.number("SIGCHLD");
  const action = parent.actions.get(chld);
  // Who ignores SIGCHLD does not want to wait (wait(2), NOTES).
  const unwanted = process.exitSignal === chld && (action.handler === SIG_IGN || action.noChildWait);
  if (unwanted) reap(process);
  if (process.exitSignal !== 0 && !(unwanted && action.handler === SIG_IGN)) {
    if (exit.kind === "exited") send(process, parent, process.exitSignal, CLD_EXITED, exit.code);
    else send(process, parent, process.exitSignal, CLD_KILLED, exit.signal);
  }
  parent.childEvents.wake();
}

/** The parent hears that the process has stopped or goes on, unless it does not want to (SA_NOCLDSTOP). */
export function tellParentOfStop(process: Process, signal: number): void {
  tellParentOfChange(process, CLD_STOPPED, signal);
}
export function tellParentOfContinuation(process: Process): void {
  tellParentOfChange(process, CLD_CONTINUED, process.kernel.signals.number("SIGCONT"));
}

function tellParentOfChange(process: Process, code: number, status: number): void {
  const { kernel, parent } = process;
  if (parent === null) return;
  const chld = kernel.signals.number("SIGCHLD");
  if (!parent.actions.get(chld).noChildStop) send(process, parent, chld, code, status);
  parent.childEvents.wake();
}

const NANOSECONDS_A_TICK = 10_000_000n;

function send(process: Process, parent: Process, signal: number, code: number, status: number): void {
  const { user, system } = process.cpuTime;
  const ticks = (time: bigint) => Number(time / NANOSECONDS_A_TICK);
  const uid = process.credentials.uid;
  sendToProcess(parent, {
    signal,
    errno: 0,
    code,
    fields: { kind: "child", pid: process.pid, uid, status, userTime: ticks(user), systemTime: ticks(system) },
  });
}

/** The last trace of a process goes: its pid is free, its times are its parent's. */
export function reap(process: Process): void {
  const { kernel, parent } = process;
  if (parent !== null) {
    const { user, system } = process.cpuTime;
    parent.childrenUserTime += user + process.childrenUserTime;
    parent.childrenSystemTime += system + process.childrenSystemTime;
    parent.children.delete(process);
  }
  kernel.processes.delete(process.pid);
}
