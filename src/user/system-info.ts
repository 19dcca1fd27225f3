/** What /proc shows of the machine and its processes. */
import * as clock from "../host/clock.ts";
import { freeMemory, totalMemory } from "../host/process.ts";
import { fromText } from "../kernel/fs/byte-string.ts";
import type { ByteString } from "../kernel/fs/byte-string.ts";
import type { Path } from "../kernel/fs/dentry.ts";
import type { MappingInfo, ProcessInfo, SignalSets, SystemInfo, ThreadInfo } from "../kernel/fs/proc-info.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { LIMIT_NAMES } from "../kernel/limits.ts";
import type { Process } from "../kernel/process.ts";
import { SIG_DFL, SIG_IGN } from "../kernel/signal-actions.ts";
import { NO_SIGNALS, signalBit } from "../kernel/signal.ts";
import { errno } from "../kernel/errno.ts";
import type { Task } from "../kernel/task.ts";
import { GuestFault } from "../memory/guest-fault.ts";
import { PAGE_EXEC, PAGE_READ, PAGE_WRITE } from "../memory/page-table.ts";
import type { CString, ProcessImage } from "../loader/index.ts";
import type { Guest } from "./guest.ts";

/** What only the start of a program knows. */
export interface ProgramFacts {
  readonly image: ProcessImage;
  readonly executable: Path;
  readonly argv: readonly CString[];
  readonly envp: readonly CString[];
}

export interface SystemFacts {
  readonly release: string;
  readonly hostname: string;
  readonly programs: WeakMap<Process, ProgramFacts>;
}

const TASK_STATES = { running: "R", waiting: "S", stopped: "T", ended: "Z" } as const;

/** What runs; empty while the first program is being read. */
export interface Running {
  readonly kernel?: Kernel;
  readonly guest?: Guest;
}

export function systemInfo(running: Running, facts: SystemFacts): SystemInfo {
  return {
    current() {
      const task = running.kernel?.scheduler.current ?? null;
      return task === null ? null : { pid: task.process.pid, tid: task.tid };
    },
    processes: () => running.kernel?.processes.keys() ?? [],
    process(pid) {
      const process = running.kernel?.processes.get(pid);
      return process === undefined ? null : processInfo(process, facts.programs.get(process));
    },
    cpuinfo: () => running.guest?.cpuinfo ?? "",
    release: facts.release,
    version: "#1 SMP babelf",
    hostname: facts.hostname,
    get machine() {
      return running.guest?.abi.machine ?? "";
    },
    // All tasks take turns on one, as sched_getaffinity(2) says as well.
    processors: 1,
    totalMemory: totalMemory(),
    freeMemory: freeMemory(),
    uptime: () => clock.monotonic(),
    bootTime: Number((clock.realtime() - clock.monotonic()) / 1_000_000_000n),
  };
}

const bytesOf = (text: CString): ByteString =>
  typeof text === "string" ? fromText(text) : Buffer.from(text).toString("latin1");

function processInfo(process: Process, facts: ProgramFacts | undefined): ProcessInfo {
  const leader = process.leader;
  const { user, group, groups } = process.credentials;
  return {
    pid: process.pid,
    ppid: process.ppid,
    pgid: process.pgid,
    sid: process.sid,
    terminal: process.terminal,
    umask: process.fs.umask,
    name: process.name,
    executable: facts?.executable ?? null,
    arguments: (facts?.argv ?? []).map(bytesOf),
    environment: (facts?.envp ?? []).map(bytesOf),
    auxiliaryVector: process.auxiliaryVector,
    uids: [user.real, user.effective, user.saved, user.fs],
    gids: [group.real, group.effective, group.saved, group.fs],
    groups,
    fs: process.fs,
    files: process.files,
    threads: threadsOf(process),
    signals: signalSets(process, leader),
    limits: LIMIT_NAMES.map((name) => ({ name, ...process.limits.get(name) })),
    get mappings() {
      return mappings(process);
    },
    virtualSize: process.space.totalBytes,
    residentSize: process.space.totalBytes,
    startStack: facts?.image.stackPointer ?? 0,
    brkStart: facts?.image.brk ?? 0,
    startTime: process.started,
    nice: 0,
    readMemory: (address, into) => orEio(() => into.set(process.memory.readBytes(address, into.length))) && into.length,
    writeMemory: (address, from) => orEio(() => process.memory.writeBytes(address, from)) && from.length,
    setName(name) {
      if (leader !== null) leader.name = name.slice(0, 15);
    },
  };
}

function orEio(access: () => void): true {
  try {
    access();
    return true;
  } catch (error) {
    if (error instanceof GuestFault) throw errno.EIO;
    throw error;
  }
}

/** A zombie has one thread. */
function threadsOf(process: Process): ThreadInfo[] {
  if (process.exit !== null && process.lastTask !== null)
    return [{ ...threadInfo(process.lastTask), tid: process.pid }];
  return [...process.tasks].map(threadInfo);
}

function threadInfo(task: Task): ThreadInfo {
  const stopped = task.process.stopSignal !== 0 && task.state !== "ended";
  return {
    tid: task.tid,
    name: task.name,
    state: stopped ? "T" : TASK_STATES[task.state],
    userTime: task.userTime,
    systemTime: task.systemTime,
  };
}

function signalSets(process: Process, leader: Task | null): SignalSets {
  let ignored = NO_SIGNALS;
  let caught = NO_SIGNALS;
  for (let signal = 1; signal <= process.kernel.signals.last; signal++) {
    const { handler } = process.actions.get(signal);
    if (handler === SIG_IGN) ignored |= signalBit(signal);
    else if (handler !== SIG_DFL) caught |= signalBit(signal);
  }
  return {
    pending: leader?.signals.pending ?? NO_SIGNALS,
    sharedPending: process.signals.pending,
    blocked: leader?.blocked ?? NO_SIGNALS,
    ignored,
    caught,
  };
}

function* mappings(process: Process): Iterable<MappingInfo> {
  for (const mapping of process.space.mappings()) {
    const { backing, protection } = mapping;
    yield {
      start: mapping.start,
      end: mapping.end,
      readable: (protection & PAGE_READ) !== 0,
      writable: (protection & PAGE_WRITE) !== 0,
      executable: (protection & PAGE_EXEC) !== 0,
      shared: mapping.shared,
      offset: mapping.offset,
      deviceMajor: backing?.deviceMajor ?? 0,
      deviceMinor: backing?.deviceMinor ?? 0,
      inode: backing?.inode ?? 0,
      name: mapping.name,
    };
  }
}
