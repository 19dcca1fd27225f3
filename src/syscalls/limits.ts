/** Resource limits, priorities and scheduling parameters. */
import { errno } from "../kernel/errno.ts";
import { limitOf, UNLIMITED, type LimitName, type ResourceLimit } from "../kernel/limits.ts";
import type { Process } from "../kernel/process.ts";
import type { Task } from "../kernel/task.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { full, partial, type SyscallRow } from "./row.ts";

// ── limits ──────────────────────────────────────────────────────────────────────────────────────────────────────────
function resource(call: SyscallContext, number: number): LimitName {
  const name = limitOf(call.abi.architecture, number);
  if (name === null) throw errno.EINVAL;
  return name;
}

/** The two kernel tables that a limit also governs. */
function set(call: SyscallContext, process: Process, name: LimitName, limit: ResourceLimit): void {
  process.limits.set(name, limit, call.task.credentials.isPrivileged);
  if (name === "RLIMIT_AS") process.space.limits.addressSpace = process.limits.soft(name);
  if (name === "RLIMIT_DATA") process.space.limits.data = process.limits.soft(name);
}

/** In the 32-bit interface whatever does not fit is "no limit". */
function toLong(call: SyscallContext, value: bigint): number {
  return value >= BigInt(call.abi.rlimInfinity) ? call.abi.rlimInfinity : Number(value);
}
function fromLong(call: SyscallContext, value: number | bigint): bigint {
  return Number(value) >= call.abi.rlimInfinity ? UNLIMITED : BigInt(value);
}

function getrlimit(call: SyscallContext, number: number, address: number): number {
  const { soft, hard } = call.process.limits.get(resource(call, number));
  call.abi.structs.rlimit.write(call.memory, address, { rlim_cur: toLong(call, soft), rlim_max: toLong(call, hard) });
  return 0;
}

function setrlimit(call: SyscallContext, number: number, address: number): number {
  const { rlim_cur, rlim_max } = call.abi.structs.rlimit.read(call.memory, address);
  const limit = { soft: fromLong(call, rlim_cur), hard: fromLong(call, rlim_max) };
  set(call, call.process, resource(call, number), limit);
  return 0;
}

function prlimit(call: SyscallContext, pid: number, number: number, newAt: number, oldAt: number): number {
  const name = resource(call, number);
  if (pid < 0) throw errno.ESRCH; // to sched_setscheduler(2) and its kin that is EINVAL
  const process = processOf(call, pid);
  const { rlimit64 } = call.abi.structs;
  const old = process.limits.get(name);
  if (newAt !== 0) {
    const { rlim_cur, rlim_max } = rlimit64.read(call.memory, newAt);
    set(call, process, name, { soft: BigInt(rlim_cur), hard: BigInt(rlim_max) });
  }
  if (oldAt !== 0) rlimit64.write(call.memory, oldAt, { rlim_cur: old.soft, rlim_max: old.hard });
  return 0;
}

function processOf(call: SyscallContext, pid: number): Process {
  return taskOf(call, pid).process;
}

/** 0 is the caller. Throws ESRCH. */
function taskOf(call: SyscallContext, pid: number): Task {
  if (pid < 0) throw errno.EINVAL;
  const task = pid === 0 ? call.task : call.kernel.tasks.get(pid);
  if (task === undefined) throw errno.ESRCH;
  return task;
}

// ── priorities ──────────────────────────────────────────────────────────────────────────────────────────────────────
/** The value is kept and given back; tasks of one run take turns all the same. */
const niceValues = new WeakMap<Process, number>();
const nice = (process: Process): number => niceValues.get(process) ?? 0;

function setNice(call: SyscallContext, process: Process, value: number): void {
  const wanted = Math.max(-20, Math.min(19, value));
  if (wanted < nice(process) && !call.task.credentials.isPrivileged) throw errno.EACCES;
  niceValues.set(process, wanted);
}

/** The processes that PRIO_PROCESS, PRIO_PGRP or PRIO_USER mean. Throws EINVAL, ESRCH. */
function prioritized(call: SyscallContext, which: number, who: number): Process[] {
  const all = [...call.kernel.processes.values()];
  const byKind: Readonly<Record<number, () => Process[]>> = {
    0: () => [processOf(call, who)],
    1: () => all.filter((process) => process.pgid === (who === 0 ? call.process.pgid : who)),
    2: () => all.filter((process) => process.leader?.credentials.uid === (who === 0 ? call.task.credentials.uid : who)),
  };
  const found = byKind[which]?.();
  if (found === undefined) throw errno.EINVAL;
  if (found.length === 0) throw errno.ESRCH;
  return found;
}

const NICE_NOTE = "the value is kept and given back, but changes nothing";

// ── scheduling ──────────────────────────────────────────────────────────────────────────────────────────────────────
interface Scheduling {
  readonly policy: number;
  readonly priority: number;
  readonly resetOnFork: boolean;
}
const scheduling = new WeakMap<Task, Scheduling>();
const OTHER: Scheduling = { policy: 0, priority: 0, resetOnFork: false };
const RESET_ON_FORK = 0x40000000;

/** SCHED_FIFO and SCHED_RR. */
const isRealTime = (policy: number): boolean => policy === 1 || policy === 2;
const KNOWN_POLICIES: ReadonlySet<number> = new Set([0, 1, 2, 3, 5]);

function setScheduling(call: SyscallContext, pid: number, policyAndFlags: number, priority: number): number {
  const policy = policyAndFlags & ~RESET_ON_FORK;
  if (!KNOWN_POLICIES.has(policy)) throw errno.EINVAL;
  if (isRealTime(policy) ? priority < 1 || priority > 99 : priority !== 0) throw errno.EINVAL;
  const task = taskOf(call, pid);
  if (isRealTime(policy) && !call.task.credentials.isPrivileged) throw errno.EPERM;
  scheduling.set(task, { policy, priority, resetOnFork: (policyAndFlags & RESET_ON_FORK) !== 0 });
  return 0;
}

/** Of any task, and of init, which is the first process's parent though it is no task of this kernel. */
function schedulingOf(call: SyscallContext, pid: number): Scheduling {
  if (pid === call.kernel.init.pid && !call.kernel.tasks.has(pid)) return OTHER;
  return scheduling.get(taskOf(call, pid)) ?? OTHER;
}

/** One processor: tasks of a run take turns on one host thread. */
function setAffinity(call: SyscallContext, pid: number, size: number, address: number): number {
  taskOf(call, pid);
  const bytes = call.memory.readBytes(address, Math.min(size, 128));
  const first = call.abi.littleEndian ? bytes[0] : bytes[call.abi.word - 1];
  if (((first ?? 0) & 1) === 0) throw errno.EINVAL;
  return 0;
}

function getAffinity(call: SyscallContext, pid: number, size: number, address: number): number {
  if (size % call.abi.word !== 0 || size === 0) throw errno.EINVAL;
  if (pid < 0) throw errno.ESRCH; // EINVAL would mean that the mask is too small
  taskOf(call, pid);
  const mask = new Uint8Array(call.abi.word);
  mask[call.abi.littleEndian ? 0 : call.abi.word - 1] = 1;
  call.memory.writeBytes(address, mask);
  return mask.length;
}

/** SCHED_ATTR_SIZE_VER0: the first form of the struct, which programs may still give. */
const FIRST_ATTR_SIZE = 48;

function schedAttr(call: SyscallContext, address: number) {
  const { schedAttr: layout } = call.abi.structs;
  const size = call.memory.readU32(address) || FIRST_ATTR_SIZE;
  if (size < FIRST_ATTR_SIZE || size > 4096) {
    call.memory.writeU32(address, layout.size);
    throw errno.E2BIG;
  }
  const bytes = new Uint8Array(layout.size);
  bytes.set(call.memory.readBytes(address, Math.min(size, layout.size)));
  return layout.unpack(bytes);
}

const SCHED_NOTE = "parameters are kept and given back; tasks take turns all the same";
const ONE_CPU = "there is one processor";

export const LIMIT_ROWS: readonly SyscallRow[] = [
  full("getrlimit", [arg.choice("resource"), arg.structOut("rlimit")], getrlimit),
  full("ugetrlimit", [arg.choice("resource"), arg.structOut("rlimit")], getrlimit),
  full("setrlimit", [arg.choice("resource"), arg.structIn("rlimit")], setrlimit),
  full("prlimit64", [arg.pid, arg.choice("resource"), arg.structIn("rlimit64"), arg.structOut("rlimit64")], prlimit),

  // getpriority(2) answers 20 - nice, so that no result looks like an error.
  partial("getpriority", [arg.choice("priority"), arg.int], NICE_NOTE, (call, which, who) =>
    Math.max(...prioritized(call, which, who).map((process) => 20 - nice(process))),
  ),
  partial("setpriority", [arg.choice("priority"), arg.int, arg.int], NICE_NOTE, (call, which, who, value) => {
    for (const process of prioritized(call, which, who)) setNice(call, process, value);
    return 0;
  }),
  partial("nice", [arg.int], NICE_NOTE, (call, increment) => {
    try {
      setNice(call, call.process, nice(call.process) + Math.max(-40, Math.min(40, increment)));
    } catch (error) {
      throw error === errno.EACCES ? errno.EPERM : error;
    }
    return 0;
  }),
  partial("ioprio_get", [arg.int, arg.int], "IOPRIO_CLASS_NONE for everybody", () => 0),
  partial("ioprio_set", [arg.int, arg.int, arg.hexadecimal], "changes nothing", () => 0),

  full("sched_yield", [], (call) => {
    call.kernel.scheduler.yield();
    return 0;
  }),
  partial(
    "sched_setscheduler",
    [arg.pid, arg.choice("scheduling"), arg.structIn("schedParam", "sched_param")],
    SCHED_NOTE,
    (call, pid, policy, param) => {
      if (param === 0) throw errno.EINVAL;
      return setScheduling(
        call,
        pid,
        policy,
        Number(call.abi.structs.schedParam.read(call.memory, param).sched_priority),
      );
    },
  ),
  partial("sched_getscheduler", [arg.pid], SCHED_NOTE, (call, pid) => {
    const { policy, resetOnFork } = schedulingOf(call, pid);
    return policy | (resetOnFork ? RESET_ON_FORK : 0);
  }),
  partial("sched_setparam", [arg.pid, arg.structIn("schedParam", "sched_param")], SCHED_NOTE, (call, pid, param) => {
    if (param === 0) throw errno.EINVAL;
    const { policy } = schedulingOf(call, pid);
    return setScheduling(
      call,
      pid,
      policy,
      Number(call.abi.structs.schedParam.read(call.memory, param).sched_priority),
    );
  }),
  partial("sched_getparam", [arg.pid, arg.structOut("schedParam", "sched_param")], SCHED_NOTE, (call, pid, param) => {
    if (param === 0) throw errno.EINVAL;
    const { priority } = schedulingOf(call, pid);
    call.abi.structs.schedParam.write(call.memory, param, { sched_priority: priority });
    return 0;
  }),
  partial(
    "sched_setattr",
    [arg.pid, arg.pointer, arg.uint],
    `${SCHED_NOTE}; SCHED_DEADLINE is EINVAL`,
    (call, pid, address, flags) => {
      if (flags !== 0) throw errno.EINVAL;
      const attributes = schedAttr(call, address);
      const result = setScheduling(call, pid, Number(attributes.sched_policy), Number(attributes.sched_priority));
      setNice(call, processOf(call, pid), Number(attributes.sched_nice));
      return result;
    },
  ),
  partial(
    "sched_getattr",
    [arg.pid, arg.pointer, arg.uint, arg.uint],
    SCHED_NOTE,
    (call, pid, address, size, flags) => {
      const { schedAttr: layout } = call.abi.structs;
      if (flags !== 0 || size < FIRST_ATTR_SIZE || size > 4096) throw errno.EINVAL;
      const { policy, priority } = schedulingOf(call, pid);
      const known = Math.min(size, layout.size);
      const packed = layout.pack({
        size: known,
        sched_policy: policy,
        sched_nice: nice(processOf(call, pid)),
        sched_priority: priority,
      });
      call.memory.writeBytes(address, packed.subarray(0, known));
      return 0;
    },
  ),
  full("sched_get_priority_max", [arg.choice("scheduling")], (_call, policy) => {
    if (!KNOWN_POLICIES.has(policy) && policy !== 6) throw errno.EINVAL;
    return isRealTime(policy) ? 99 : 0;
  }),
  full("sched_get_priority_min", [arg.choice("scheduling")], (_call, policy) => {
    if (!KNOWN_POLICIES.has(policy) && policy !== 6) throw errno.EINVAL;
    return isRealTime(policy) ? 1 : 0;
  }),
  partial(
    "sched_rr_get_interval",
    [arg.pid, arg.structOut("timespec32", "timespec")],
    "always 10 ms",
    (call, pid, address) => {
      taskOf(call, pid);
      call.abi.structs.timespec32.write(call.memory, address, { tv_sec: 0, tv_nsec: 10_000_000 });
      return 0;
    },
  ),
  partial(
    "sched_rr_get_interval_time64",
    [arg.pid, arg.structOut("timespec64", "timespec")],
    "always 10 ms",
    (call, pid, address) => {
      taskOf(call, pid);
      call.abi.structs.timespec64.write(call.memory, address, { tv_sec: 0, tv_nsec: 10_000_000 });
      return 0;
    },
  ),
  partial("sched_setaffinity", [arg.pid, arg.size, arg.pointer], ONE_CPU, setAffinity),
  partial("sched_getaffinity", [arg.pid, arg.size, arg.pointer], ONE_CPU, getAffinity),
  partial("getcpu", [arg.intsOut(1), arg.intsOut(1), arg.pointer], ONE_CPU, (call, cpu, node) => {
    if (cpu !== 0) call.memory.writeU32(cpu, 0);
    if (node !== 0) call.memory.writeU32(node, 0);
    return 0;
  }),
];
