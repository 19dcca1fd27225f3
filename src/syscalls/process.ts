/** The process itself: its end, its ids, its family, what it has used. */
import { errno } from "../kernel/errno.ts";
import type { Process } from "../kernel/process.ts";
import type { Task } from "../kernel/task.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { KEEP_REGISTERS, full, partial, unneeded } from "./row.ts";
import type { Result, SyscallRow } from "./row.ts";

// ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────────
function exit(call: SyscallContext, code: number): Result {
  call.kernel.endTask(call.task, code & 0xff);
  return KEEP_REGISTERS;
}

function exitGroup(call: SyscallContext, code: number): Result {
  call.kernel.endProcess(call.process, { kind: "exited", code: code & 0xff });
  return KEEP_REGISTERS;
}

// ── groups and sessions ─────────────────────────────────────────────────────────────────────────────────────────────
/** The process with this pid; 0 is the caller. Throws ESRCH. */
function processOf(call: SyscallContext, pid: number): Process {
  const found = pid === 0 ? call.process : call.kernel.processes.get(pid);
  if (found === undefined) throw errno.ESRCH;
  return found;
}

function setpgid(call: SyscallContext, pid: number, pgid: number): number {
  if (pgid < 0) throw errno.EINVAL;
  const target = processOf(call, pid);
  if (target !== call.process && target.parent !== call.process) throw errno.ESRCH;
  if (target !== call.process && target.hasExeced) throw errno.EACCES;
  if (target.sid !== call.process.sid || target.sid === target.pid) throw errno.EPERM;
  const group = pgid === 0 ? target.pid : pgid;
  const members = [...call.kernel.processes.values()].filter((other) => other.pgid === group);
  if (group !== target.pid && !members.some((other) => other.sid === target.sid)) throw errno.EPERM;
  target.pgid = group;
  return 0;
}

function setsid(call: SyscallContext): number {
  const { process } = call;
  if ([...call.kernel.processes.values()].some((other) => other.pgid === process.pid)) throw errno.EPERM;
  process.sid = process.pid;
  process.pgid = process.pid;
  process.terminal = null;
  return process.pid;
}

// ── what it has used ────────────────────────────────────────────────────────────────────────────────────────────────
const RUSAGE_SELF = 0;
const RUSAGE_CHILDREN = -1;
const RUSAGE_THREAD = 1;

/** Times of a process and its waited-for children, as wait4(2) tells them, and switches of `tasks`. */
export function writeUsage(call: SyscallContext, address: number, process: Process, tasks: readonly Task[]): void {
  const own = process.cpuTime;
  writeTimes(call, address, own.user + process.childrenUserTime, own.system + process.childrenSystemTime, tasks, 0);
}

function writeTimes(
  call: SyscallContext,
  address: number,
  user: bigint,
  system: bigint,
  tasks: readonly Task[],
  kibibytes: number,
): void {
  const sum = (count: (task: Task) => number) => tasks.reduce((total, task) => total + count(task), 0);
  const microseconds = (time: bigint) => (time / 1000n) % 1_000_000n;
  call.abi.structs.rusage.write(call.memory, address, {
    "ru_utime.tv_sec": user / 1_000_000_000n,
    "ru_utime.tv_usec": microseconds(user),
    "ru_stime.tv_sec": system / 1_000_000_000n,
    "ru_stime.tv_usec": microseconds(system),
    ru_maxrss: kibibytes,
    ru_nvcsw: sum((task) => task.voluntarySwitches),
    ru_nivcsw: sum((task) => task.involuntarySwitches),
  });
}

function getrusage(call: SyscallContext, who: number, address: number): number {
  const { process, task } = call;
  call.kernel.scheduler.bookTime();
  let user: bigint;
  let system: bigint;
  if (who === RUSAGE_SELF) ({ user, system } = process.cpuTime);
  else if (who === RUSAGE_THREAD) [user, system] = [task.userTime, task.systemTime];
  else if (who === RUSAGE_CHILDREN) [user, system] = [process.childrenUserTime, process.childrenSystemTime];
  else throw errno.EINVAL;
  const tasks = who === RUSAGE_THREAD ? [task] : who === RUSAGE_SELF ? [...process.tasks] : [];
  const kibibytes = who === RUSAGE_CHILDREN ? 0 : Math.round(process.space.totalBytes / 1024);
  writeTimes(call, address, user, system, tasks, kibibytes);
  return 0;
}

export const PROCESS_ROWS: readonly SyscallRow[] = [
  full("exit", [arg.int], exit, "none"),
  full("exit_group", [arg.int], exitGroup, "none"),
  full("getpid", [], (call) => call.process.pid),
  full("gettid", [], (call) => call.task.tid),
  full("getppid", [], (call) => call.process.ppid),
  full("getpgid", [arg.pid], (call, pid) => processOf(call, pid).pgid),
  full("getpgrp", [], (call) => call.process.pgid),
  full("setpgid", [arg.pid, arg.pid], setpgid),
  full("getsid", [arg.pid], (call, pid) => processOf(call, pid).sid),
  full("setsid", [], setsid),
  partial("getrusage", [arg.int, arg.structOut("rusage")], "ru_maxrss is what is mapped, page faults are 0", getrusage),
  full("set_tid_address", [arg.pointer], (call, address) => {
    call.task.clearChildTid = address;
    return call.task.tid;
  }),
  unneeded("rseq", [arg.pointer, arg.uint, arg.int, arg.hexadecimal], "the C libraries ask and do without"),
];
