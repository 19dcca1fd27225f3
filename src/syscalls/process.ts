/** The process itself: its end, its ids, its family, what it has used; and futexes. */
import { errno } from "../kernel/errno.ts";
import { FUTEX_BITSET_MATCH_ANY } from "../kernel/futex.ts";
import type { Process } from "../kernel/process.ts";
import type { Wait } from "../kernel/wait.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { KEEP_REGISTERS, full, missing, partial, unneeded } from "./row.ts";
import type { Result, SyscallRow } from "./row.ts";
import { timespecTimeout } from "./timeouts.ts";

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
  return process.pid;
}

// ── children ────────────────────────────────────────────────────────────────────────────────────────────────────────
const WAIT4_OPTIONS = 0x1 | 0x2 | 0x8 | 0x20000000 | 0x40000000 | 0x80000000;
const WEXITED = 4;
const WAITID_OPTIONS = WAIT4_OPTIONS | WEXITED | 0x01000000;
const WAITID_STATES = WEXITED | 2 | 8;
/** P_ALL, P_PID, P_PGID, P_PIDFD. */
const WAITID_TYPES = 4;
const INT_MIN = -0x8000_0000;

/** Nobody can have children before fork(2) is here. */
function wait(pid: number, options: number): never {
  if ((options & ~WAIT4_OPTIONS) !== 0) throw errno.EINVAL;
  if (pid === INT_MIN) throw errno.ESRCH;
  throw errno.ECHILD;
}

function waitid(_call: SyscallContext, type: number, id: number, _info: number, options: number): never {
  if ((options & ~WAITID_OPTIONS) !== 0 || (options & WAITID_STATES) === 0) throw errno.EINVAL;
  if (type < 0 || type >= WAITID_TYPES || (type === 1 && id <= 0)) throw errno.EINVAL;
  throw errno.ECHILD;
}

// ── what it has used ────────────────────────────────────────────────────────────────────────────────────────────────
const RUSAGE_SELF = 0;
const RUSAGE_CHILDREN = -1;
const RUSAGE_THREAD = 1;

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
  const sum = (count: (t: typeof task) => number) => tasks.reduce((total, t) => total + count(t), 0);
  const microseconds = (time: bigint) => (time / 1000n) % 1_000_000n;
  call.abi.structs.rusage.write(call.memory, address, {
    "ru_utime.tv_sec": user / 1_000_000_000n,
    "ru_utime.tv_usec": microseconds(user),
    "ru_stime.tv_sec": system / 1_000_000_000n,
    "ru_stime.tv_usec": microseconds(system),
    ru_maxrss: who === RUSAGE_CHILDREN ? 0 : Math.round(process.space.totalBytes / 1024),
    ru_nvcsw: sum((t) => t.voluntarySwitches),
    ru_nivcsw: sum((t) => t.involuntarySwitches),
  });
  return 0;
}

// ── futexes ─────────────────────────────────────────────────────────────────────────────────────────────────────────
const FUTEX = { WAIT: 0, WAKE: 1, REQUEUE: 3, CMP_REQUEUE: 4, WAKE_OP: 5, WAIT_BITSET: 9, WAKE_BITSET: 10 } as const;
const FUTEX_COMMAND = 0x7f;
const FUTEX_CLOCK_REALTIME = 0x100;

/** FUTEX_WAKE_OP's operations and comparisons, by their number (futex(2)). */
const OPERATIONS: readonly ((old: number, argument: number) => number)[] = [
  (_old, argument) => argument,
  (old, argument) => old + argument,
  (old, argument) => old | argument,
  (old, argument) => old & ~argument,
  (old, argument) => old ^ argument,
];
const COMPARISONS: readonly ((old: number, argument: number) => boolean)[] = [
  (old, argument) => old === argument,
  (old, argument) => old !== argument,
  (old, argument) => old < argument,
  (old, argument) => old <= argument,
  (old, argument) => old > argument,
  (old, argument) => old >= argument,
];

function futex(
  call: SyscallContext,
  address: number,
  operation: number,
  value: number,
  timeoutOrCount: number,
  address2: number,
  value3: number,
  wide: boolean,
): number | Wait {
  const { memory } = call;
  const { space } = call.process;
  const { futexes } = call.kernel;
  const aligned = (at: number) => {
    if ((at & 3) !== 0) throw errno.EINVAL;
    return at >>> 0;
  };
  const command = operation & FUTEX_COMMAND;
  switch (command) {
    case FUTEX.WAIT:
    case FUTEX.WAIT_BITSET: {
      const bitset = command === FUTEX.WAIT ? FUTEX_BITSET_MATCH_ANY : value3 >>> 0;
      if (bitset === 0) throw errno.EINVAL;
      const deadline = futexDeadline(call, timeoutOrCount, command === FUTEX.WAIT, operation, wide);
      if (memory.readS32(aligned(address)) !== (value | 0)) throw errno.EAGAIN;
      return futexes.wait(space, address >>> 0, bitset, deadline, () => {
        throw deadline === null ? errno.ERESTARTSYS : errno.ERESTART_RESTARTBLOCK;
      });
    }
    case FUTEX.WAKE:
    case FUTEX.WAKE_BITSET: {
      const bitset = command === FUTEX.WAKE ? FUTEX_BITSET_MATCH_ANY : value3 >>> 0;
      if (bitset === 0) throw errno.EINVAL;
      // Linux wakes one where it is asked for none.
      return futexes.wake(space, aligned(address), Math.max(value | 0, 1), bitset);
    }
    case FUTEX.REQUEUE:
    case FUTEX.CMP_REQUEUE: {
      if ((value | 0) < 0 || (timeoutOrCount | 0) < 0) throw errno.EINVAL;
      const [from, to] = [aligned(address), aligned(address2)];
      if (command === FUTEX.CMP_REQUEUE && memory.readS32(from) !== (value3 | 0)) throw errno.EAGAIN;
      const { woken, moved } = futexes.requeue(space, from, to, value, timeoutOrCount);
      return command === FUTEX.REQUEUE ? woken : woken + moved;
    }
    case FUTEX.WAKE_OP: {
      const [first, second] = [aligned(address), aligned(address2)];
      const old = memory.readS32(second);
      const shifted = (value3 & 0x8000_0000) !== 0;
      const operand = (value3 << 8) >> 20;
      const apply = OPERATIONS[(value3 >>> 28) & 7];
      const compare = COMPARISONS[(value3 >>> 24) & 15];
      if (apply === undefined || compare === undefined) throw errno.ENOSYS;
      memory.writeU32(second, apply(old, shifted ? 1 << (operand & 31) : operand) >>> 0);
      let woken = futexes.wake(space, first, value, FUTEX_BITSET_MATCH_ANY);
      if (compare(old, (value3 << 20) >> 20))
        woken += futexes.wake(space, second, timeoutOrCount, FUTEX_BITSET_MATCH_ANY);
      return woken;
    }
    default:
      throw errno.ENOSYS;
  }
}

/** FUTEX_WAIT's time-out is a duration; FUTEX_WAIT_BITSET's is a point on one of two clocks. Null: none. */
function futexDeadline(
  call: SyscallContext,
  address: number,
  relative: boolean,
  operation: number,
  wide: boolean,
): bigint | null {
  const { clock } = call.kernel;
  const now = clock.monotonic();
  const timeout = timespecTimeout(call, address, wide);
  if (timeout === null || relative) return timeout?.deadline ?? null;
  const point = timeout.given;
  return (operation & FUTEX_CLOCK_REALTIME) === 0 ? point : now + (point - clock.realtime());
}

const futexArguments = [arg.pointer, arg.int, arg.uint, arg.pointer, arg.pointer, arg.uint] as const;

/** clone(2) and what is made of it, and execve(2), come with the next step. */
const NO_PROCESSES = "processes and threads are not there yet";

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
  partial("wait4", [arg.pid, arg.pointer, arg.hexadecimal, arg.pointer], NO_PROCESSES, (_call, pid, _status, options) =>
    wait(pid, options),
  ),
  partial("waitpid", [arg.pid, arg.pointer, arg.hexadecimal], NO_PROCESSES, (_call, pid, _status, options) =>
    wait(pid, options),
  ),
  partial("waitid", [arg.int, arg.pid, arg.pointer, arg.hexadecimal, arg.pointer], NO_PROCESSES, waitid),
  partial("getrusage", [arg.int, arg.structOut("rusage")], "ru_maxrss is what is mapped, page faults are 0", getrusage),
  full("set_tid_address", [arg.pointer], (call, address) => {
    call.task.clearChildTid = address;
    return call.task.tid;
  }),
  full("set_robust_list", [arg.pointer, arg.size], (call, head, length) => {
    // struct robust_list_head: three longs.
    if (length !== 3 * call.abi.word) throw errno.EINVAL;
    call.task.robustList = { head, length };
    return 0;
  }),
  full("get_robust_list", [arg.pid, arg.pointer, arg.pointer], (call, tid, headAt, lengthAt) => {
    const task = tid === 0 ? call.task : call.kernel.tasks.get(tid);
    if (task === undefined) throw errno.ESRCH;
    call.memory.writeU32(lengthAt, 3 * call.abi.word);
    call.memory.writeU32(headAt, task.robustList?.head ?? 0);
    return 0;
  }),
  partial("futex", futexArguments, "no priority inheritance", (call, at, op, value, timeout, at2, value3) =>
    futex(call, at, op, value, timeout, at2, value3, call.abi.word === 8),
  ),
  partial("futex_time64", futexArguments, "no priority inheritance", (call, at, op, value, timeout, at2, value3) =>
    futex(call, at, op, value, timeout, at2, value3, true),
  ),
  unneeded("rseq", [arg.pointer, arg.uint, arg.int, arg.hexadecimal], "the C libraries ask and do without"),
  missing("fork", [], NO_PROCESSES),
  missing("vfork", [], NO_PROCESSES),
  missing("clone", [arg.hexadecimal, arg.pointer, arg.pointer, arg.pointer, arg.pointer], NO_PROCESSES),
  missing("clone3", [arg.pointer, arg.size], NO_PROCESSES),
  missing("execve", [arg.path, arg.pointer, arg.pointer], NO_PROCESSES),
  missing("execveat", [arg.directoryFd, arg.path, arg.pointer, arg.pointer, arg.hexadecimal], NO_PROCESSES),
];
