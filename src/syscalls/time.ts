/** Clocks, sleeping and timers. Times inside are nanoseconds as bigints; only the structs' fields round. */
import { errno } from "../kernel/errno.ts";
import type { Process } from "../kernel/process.ts";
import type { Task } from "../kernel/task.ts";
import { DISARMED } from "../kernel/timers.ts";
import type { IntervalTimer, TimerClock, TimerNotice, TimerSetting } from "../kernel/timers.ts";
import { Wait } from "../kernel/wait.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { full, partial } from "./row.ts";
import type { SyscallRow } from "./row.ts";
import { Struct } from "./struct.ts";
import type { FieldType } from "./struct.ts";

const SECOND = 1_000_000_000n;
const MICROSECOND = 1000n;
/** sysconf(_SC_CLK_TCK) ticks of times(2). */
const TICK = 10_000_000n;
/** The step of the COARSE clocks: a jiffy at 250 Hz. */
const JIFFY = 4_000_000n;

// ── clocks ──────────────────────────────────────────────────────────────────────────────────────────────────────────
const CLOCK = {
  realtime: 0,
  monotonic: 1,
  process: 2,
  thread: 3,
  monotonicRaw: 4,
  realtimeCoarse: 5,
  monotonicCoarse: 6,
  boottime: 7,
  realtimeAlarm: 8,
  boottimeAlarm: 9,
  tai: 11,
} as const;

/** A clock as this file uses it. */
interface ClockRow {
  readonly now: (call: SyscallContext) => bigint;
  readonly resolution: bigint;
  /** What a timer on it counts; null: it has none (EOPNOTSUPP). */
  readonly timer: TimerClock | null;
  readonly settable: boolean;
}

const monotonic = (call: SyscallContext) => call.kernel.clock.monotonic();
const realtime = (call: SyscallContext) => call.kernel.clock.realtime();
const coarse = (now: (call: SyscallContext) => bigint) => (call: SyscallContext) => {
  const time = now(call);
  return time - (time % JIFFY);
};
const clock = (
  now: (call: SyscallContext) => bigint,
  timer: TimerClock | null,
  resolution = 1n,
  settable = false,
): ClockRow => ({ now, timer, resolution, settable });

const CLOCKS: ReadonlyMap<number, ClockRow> = new Map([
  [CLOCK.realtime, clock(realtime, "realtime", 1n, true)],
  [CLOCK.monotonic, clock(monotonic, "monotonic")],
  [CLOCK.process, clock((call) => processTime(call, call.process), "process")],
  [CLOCK.thread, clock((call) => taskTime(call, call.task), "thread")],
  [CLOCK.monotonicRaw, clock(monotonic, null)],
  [CLOCK.realtimeCoarse, clock(coarse(realtime), null, JIFFY)],
  [CLOCK.monotonicCoarse, clock(coarse(monotonic), null, JIFFY)],
  [CLOCK.boottime, clock(monotonic, "monotonic")],
  [CLOCK.realtimeAlarm, clock(realtime, "realtime")],
  [CLOCK.boottimeAlarm, clock(monotonic, "monotonic")],
  [CLOCK.tai, clock(realtime, "realtime")],
]);

function processTime(call: SyscallContext, process: Process): bigint {
  call.kernel.scheduler.bookTime();
  const { user, system } = process.cpuTime;
  return user + system;
}

function taskTime(call: SyscallContext, task: Task): bigint {
  call.kernel.scheduler.bookTime();
  return task.userTime + task.systemTime;
}

/** A clock that clock_getcpuclockid(3) or pthread_getcpuclockid(3) made: ~pid << 3 | per-thread << 2 | kind. */
function cpuClock(call: SyscallContext, id: number): ClockRow {
  const number = ~(id >> 3);
  const perThread = (id & 4) !== 0;
  const kind = id & 3;
  if (kind === 3) throw errno.EINVAL;
  if (perThread) {
    const task = number === 0 ? call.task : call.kernel.tasks.get(number);
    if (task?.process !== call.process) throw errno.EINVAL;
    return clock(() => (kind === 1 ? (taskTime(call, task), task.userTime) : taskTime(call, task)), "thread");
  }
  const process = number === 0 ? call.process : call.kernel.processes.get(number);
  if (process === undefined) throw errno.EINVAL;
  const now = () => (kind === 1 ? (processTime(call, process), process.cpuTime.user) : processTime(call, process));
  return clock(now, process === call.process ? "process" : null);
}

/** Throws EINVAL. */
function clockOf(call: SyscallContext, id: number): ClockRow {
  if (id < 0) return cpuClock(call, id);
  const found = CLOCKS.get(id);
  if (found === undefined) throw errno.EINVAL;
  return found;
}

// ── time in structs ─────────────────────────────────────────────────────────────────────────────────────────────────
/** Which of the two time ABIs a call belongs to. */
type Width = "timespec32" | "timespec64";

function writeTime(call: SyscallContext, address: number, time: bigint, width: Width): void {
  call.abi.structs[width].write(call.memory, address, { tv_sec: time / SECOND, tv_nsec: time % SECOND });
}

/** Throws EINVAL where the fields are out of range. */
function readTime(call: SyscallContext, address: number, width: Width): bigint {
  const fields = call.abi.structs[width].read(call.memory, address);
  return normal(call, fields.tv_sec, fields.tv_nsec);
}

function normal(call: SyscallContext, sec: number | bigint, nsec: number | bigint): bigint {
  const seconds = BigInt(sec);
  // A 32-bit program's tv_nsec is a long: the upper half of a 64-bit field is padding.
  const nanoseconds = call.abi.word === 4 ? BigInt.asIntN(32, BigInt(nsec)) : BigInt(nsec);
  if (seconds < 0n || nanoseconds < 0n || nanoseconds >= SECOND) throw errno.EINVAL;
  return seconds * SECOND + nanoseconds;
}

export type SpecWidth = "itimerspec32" | "itimerspec64";

export function writeSetting(
  call: SyscallContext,
  address: number,
  { value, interval }: TimerSetting,
  width: SpecWidth,
): void {
  call.abi.structs[width].write(call.memory, address, {
    "it_interval.tv_sec": interval / SECOND,
    "it_interval.tv_nsec": interval % SECOND,
    "it_value.tv_sec": value / SECOND,
    "it_value.tv_nsec": value % SECOND,
  });
}

export function readSetting(call: SyscallContext, address: number, width: SpecWidth): TimerSetting {
  const fields = call.abi.structs[width].read(call.memory, address);
  return {
    value: normal(call, fields["it_value.tv_sec"], fields["it_value.tv_nsec"]),
    interval: normal(call, fields["it_interval.tv_sec"], fields["it_interval.tv_nsec"]),
  };
}

// ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────────────
function clockGetTime(call: SyscallContext, id: number, address: number, width: Width): number {
  writeTime(call, address, clockOf(call, id).now(call), width);
  return 0;
}

function clockGetResolution(call: SyscallContext, id: number, address: number, width: Width): number {
  const { resolution } = clockOf(call, id);
  if (address !== 0) writeTime(call, address, resolution, width);
  return 0;
}

/** Nobody sets the host's clock from here. */
function clockSetTime(call: SyscallContext, id: number, address: number, width: Width): never {
  if (!clockOf(call, id).settable) throw errno.EINVAL;
  readTime(call, address, width);
  throw errno.EPERM;
}

function getTimeOfDay(call: SyscallContext, address: number, zone: number): number {
  const now = realtime(call);
  if (address !== 0) {
    const { timeval } = call.abi.structs;
    timeval.write(call.memory, address, { tv_sec: now / SECOND, tv_usec: (now % SECOND) / MICROSECOND });
  }
  // struct timezone { int tz_minuteswest, tz_dsttime; }: always UTC.
  if (zone !== 0) call.memory.fill(zone, 8, 0);
  return 0;
}

function time(call: SyscallContext, address: number): number {
  const seconds = Number(realtime(call) / SECOND) | 0;
  if (address !== 0) call.memory.writeU32(address, seconds);
  return seconds;
}

function times(call: SyscallContext, address: number): number {
  const { process } = call;
  call.kernel.scheduler.bookTime();
  const ticks = (nanoseconds: bigint) => nanoseconds / TICK;
  if (address !== 0) {
    call.abi.structs.tms.write(call.memory, address, {
      tms_utime: ticks(process.cpuTime.user),
      tms_stime: ticks(process.cpuTime.system),
      tms_cutime: ticks(process.childrenUserTime),
      tms_cstime: ticks(process.childrenSystemTime),
    });
  }
  return Number(BigInt.asIntN(32, ticks(monotonic(call))));
}

/** `struct timex` with longs of the guest, and the 64-bit one of the time64 calls. */
const timexFields = (long: FieldType) =>
  [
    ["modes", "u32"],
    ["offset", long],
    ["freq", long],
    ["maxerror", long],
    ["esterror", long],
    ["status", "i32"],
    ["constant", long],
    ["precision", long],
    ["tolerance", long],
    ["time.tv_sec", long],
    ["time.tv_usec", long],
    ["tick", long],
    ["ppsfreq", long],
    ["jitter", long],
    ["shift", "i32"],
    ["stabil", long],
    ["jitcnt", long],
    ["calcnt", long],
    ["errcnt", long],
    ["stbcnt", long],
    ["tai", "i32"],
    ["-", "bytes:44"],
  ] as const;
/** What an unsynchronised Linux answers: errors of 16 s, status STA_UNSYNC, state TIME_ERROR. */
const STA_UNSYNC = 0x40;
const TIME_ERROR = 5;

function adjustTime(call: SyscallContext, address: number, wide: boolean): number {
  const timex = new Struct("timex", call.abi, timexFields(wide ? "i64" : "long"));
  const { modes } = timex.read(call.memory, address);
  if (modes !== 0) throw errno.EPERM;
  const now = realtime(call);
  timex.write(call.memory, address, {
    maxerror: 16_000_000,
    esterror: 16_000_000,
    status: STA_UNSYNC,
    constant: 2,
    precision: 1,
    tolerance: 32_768_000,
    "time.tv_sec": now / SECOND,
    "time.tv_usec": (now % SECOND) / MICROSECOND,
    tick: 10_000,
  });
  return TIME_ERROR;
}

// ── sleeping ────────────────────────────────────────────────────────────────────────────────────────────────────────
/** Sleeps until the monotonic clock says `deadline`; interrupted, writes what is left to `remainder`. */
function sleep(call: SyscallContext, deadline: bigint, remainder: number, width: Width): Wait {
  const wait: Wait = new Wait<number>([], deadline, (reason) => {
    const left = deadline - call.kernel.clock.monotonic();
    if (left <= 0n) return 0;
    if (reason !== "signal") return wait;
    if (remainder !== 0) writeTime(call, remainder, left, width);
    call.task.restart = () => sleep(call, deadline, remainder, width);
    throw errno.ERESTART_RESTARTBLOCK;
  });
  return wait;
}

/** Sleeps until a clock says `target`, however that clock runs; interrupted, it begins again with the same target. */
function sleepUntil(call: SyscallContext, { now, timer }: ClockRow, target: bigint): number | Wait {
  const left = target - now(call);
  if (left <= 0n) return 0;
  // Processor time stands still while this task waits, and may run for another one.
  const step = timer === "process" && left < 1_000_000n ? 1_000_000n : left;
  return new Wait<number>([], call.kernel.clock.monotonic() + step, (reason) => {
    if (reason === "signal") throw errno.ERESTARTNOHAND;
    return sleepUntil(call, { now, timer, resolution: 1n, settable: false }, target);
  });
}

function nanosleep(call: SyscallContext, request: number, remainder: number): Wait {
  return sleep(call, call.kernel.clock.monotonic() + readTime(call, request, "timespec32"), remainder, "timespec32");
}

const TIMER_ABSTIME = 1;

function clockNanosleep(
  call: SyscallContext,
  id: number,
  flags: number,
  request: number,
  remainder: number,
  width: Width,
): number | Wait {
  const row = clockOf(call, id);
  if (row.timer === "thread") throw errno.EINVAL;
  if (row.timer === null) throw errno.EOPNOTSUPP;
  const wanted = readTime(call, request, width);
  if ((flags & TIMER_ABSTIME) !== 0) return sleepUntil(call, row, wanted);
  if (row.timer === "process") return sleepUntil(call, row, row.now(call) + wanted);
  return sleep(call, call.kernel.clock.monotonic() + wanted, remainder, width);
}

// ── interval timers ─────────────────────────────────────────────────────────────────────────────────────────────────
const INTERVAL_TIMERS: readonly IntervalTimer[] = ["real", "virtual", "profile"];

function intervalTimer(call: SyscallContext, which: number) {
  const name = INTERVAL_TIMERS[which];
  if (name === undefined) throw errno.EINVAL;
  return call.process.timers.interval(name);
}

function writeIntervals(call: SyscallContext, address: number, { value, interval }: TimerSetting): void {
  // Rounded up: a timer that runs never shows zero.
  const microseconds = (time: bigint) => (time + MICROSECOND - 1n) / MICROSECOND;
  const [left, period] = [microseconds(value), microseconds(interval)];
  call.abi.structs.itimerval.write(call.memory, address, {
    "it_interval.tv_sec": period / 1_000_000n,
    "it_interval.tv_usec": period % 1_000_000n,
    "it_value.tv_sec": left / 1_000_000n,
    "it_value.tv_usec": left % 1_000_000n,
  });
}

function readIntervals(call: SyscallContext, address: number): TimerSetting {
  // A null pointer disarms, as Linux has it since ever.
  if (address === 0) return DISARMED;
  const fields = call.abi.structs.itimerval.read(call.memory, address);
  const part = (sec: number | bigint, usec: number | bigint) => {
    const [seconds, microseconds] = [BigInt(sec), BigInt(usec)];
    if (seconds < 0n || microseconds < 0n || microseconds >= 1_000_000n) throw errno.EINVAL;
    return seconds * SECOND + microseconds * MICROSECOND;
  };
  return {
    value: part(fields["it_value.tv_sec"], fields["it_value.tv_usec"]),
    interval: part(fields["it_interval.tv_sec"], fields["it_interval.tv_usec"]),
  };
}

function getIntervalTimer(call: SyscallContext, which: number, address: number): number {
  writeIntervals(call, address, intervalTimer(call, which).get());
  return 0;
}

function setIntervalTimer(call: SyscallContext, which: number, address: number, oldAddress: number): number {
  const timer = intervalTimer(call, which);
  const old = timer.set(readIntervals(call, address));
  if (oldAddress !== 0) writeIntervals(call, oldAddress, old);
  return 0;
}

function alarm(call: SyscallContext, seconds: number): number {
  const { value } = call.process.timers.interval("real").set({ value: BigInt(seconds) * SECOND, interval: 0n });
  // To the nearest second, but not to 0 (alarm(2): the number of seconds remaining).
  return value === 0n ? 0 : Math.max(Number((value + SECOND / 2n) / SECOND), 1);
}

// ── POSIX timers ────────────────────────────────────────────────────────────────────────────────────────────────────
const SIGEV_SIGNAL = 0;
const SIGEV_NONE = 1;
const SIGEV_THREAD = 2;
const SIGEV_THREAD_ID = 4;

/** struct sigevent { sigval_t value; int signo; int notify; int tid; … } */
function readNotice(call: SyscallContext, address: number): (id: number) => TimerNotice {
  const { signals } = call.kernel;
  if (address === 0) {
    return (id) => ({ kind: "signal", signal: signals.number("SIGALRM"), value: id, task: null });
  }
  const [value, signal, notify, tid] = [0, 4, 8, 12].map((offset) => call.memory.readS32(address + offset)) as [
    number,
    number,
    number,
    number,
  ];
  if (notify === SIGEV_NONE) return () => ({ kind: "none" });
  if (![SIGEV_SIGNAL, SIGEV_THREAD, SIGEV_THREAD_ID].includes(notify)) throw errno.EINVAL;
  if (!signals.isValid(signal)) throw errno.EINVAL;
  let task: Task | null = null;
  if (notify === SIGEV_THREAD_ID) {
    task = call.kernel.tasks.get(tid) ?? null;
    if (task?.process !== call.process) throw errno.EINVAL;
  }
  return () => ({ kind: "signal", signal, value, task });
}

function timerCreate(call: SyscallContext, id: number, event: number, idAddress: number): number {
  const { timer } = clockOf(call, id);
  if (timer === null) throw errno.EOPNOTSUPP;
  const notice = readNotice(call, event);
  call.memory.check(idAddress, 4, "write");
  const { timers } = call.process;
  const number = timers.create(timer, timer === "thread" ? call.task : null, notice);
  call.memory.writeS32(idAddress, number);
  return 0;
}

function timerSetTime(
  call: SyscallContext,
  id: number,
  flags: number,
  address: number,
  oldAddress: number,
  width: SpecWidth,
): number {
  const { timer } = call.process.timers.get(id);
  const setting = readSetting(call, address, width);
  const old = timer.set(setting, (flags & TIMER_ABSTIME) !== 0);
  if (oldAddress !== 0) writeSetting(call, oldAddress, old, width);
  return 0;
}

function timerGetTime(call: SyscallContext, id: number, address: number, width: SpecWidth): number {
  writeSetting(call, address, call.process.timers.get(id).timer.get(), width);
  return 0;
}

const timespecIn = {
  timespec32: arg.structIn("timespec32", "timespec"),
  timespec64: arg.structIn("timespec64", "timespec"),
};
const timespecOut = {
  timespec32: arg.structOut("timespec32", "timespec"),
  timespec64: arg.structOut("timespec64", "timespec"),
};
const specIn = {
  itimerspec32: arg.structIn("itimerspec32", "itimerspec"),
  itimerspec64: arg.structIn("itimerspec64", "itimerspec"),
};
const specOut = {
  itimerspec32: arg.structOut("itimerspec32", "itimerspec"),
  itimerspec64: arg.structOut("itimerspec64", "itimerspec"),
};
const clockId = arg.int;

/** The calls that exist once for each time ABI. */
function twice(suffix: "" | "_time64", width: Width, specWidth: SpecWidth): readonly SyscallRow[] {
  const name64 = (name: string) => (suffix === "" ? name : `${name}64`);
  return [
    full(name64("clock_gettime"), [clockId, timespecOut[width]], (call, id, at) => clockGetTime(call, id, at, width)),
    full(suffix === "" ? "clock_getres" : "clock_getres_time64", [clockId, timespecOut[width]], (call, id, at) =>
      clockGetResolution(call, id, at, width),
    ),
    partial(
      name64("clock_settime"),
      [clockId, timespecIn[width]],
      "always EPERM: the host's clock stays",
      (call, id, at) => clockSetTime(call, id, at, width),
    ),
    full(
      suffix === "" ? "clock_nanosleep" : "clock_nanosleep_time64",
      [clockId, arg.int, timespecIn[width], timespecOut[width]],
      (call, id, flags, request, remainder) => clockNanosleep(call, id, flags, request, remainder, width),
    ),
    full(
      name64("timer_settime"),
      [arg.int, arg.int, specIn[specWidth], specOut[specWidth]],
      (call, id, flags, at, oldAt) => timerSetTime(call, id, flags, at, oldAt, specWidth),
    ),
    full(name64("timer_gettime"), [arg.int, specOut[specWidth]], (call, id, at) =>
      timerGetTime(call, id, at, specWidth),
    ),
    partial(name64("clock_adjtime"), [clockId, arg.pointer], "only asks; setting is EPERM", (call, id, at) => {
      if (!clockOf(call, id).settable) throw errno.EOPNOTSUPP;
      return adjustTime(call, at, suffix !== "");
    }),
  ];
}

export const TIME_ROWS: readonly SyscallRow[] = [
  ...twice("", "timespec32", "itimerspec32"),
  ...twice("_time64", "timespec64", "itimerspec64"),
  full("gettimeofday", [arg.structOut("timeval"), arg.pointer], getTimeOfDay),
  partial("settimeofday", [arg.structIn("timeval"), arg.pointer], "always EPERM: the host's clock stays", () => {
    throw errno.EPERM;
  }),
  full("time", [arg.pointer], time),
  partial("stime", [arg.pointer], "always EPERM: the host's clock stays", () => {
    throw errno.EPERM;
  }),
  full("times", [arg.structOut("tms")], times),
  partial("adjtimex", [arg.pointer], "only asks; setting is EPERM", (call, at) => adjustTime(call, at, false)),
  full("nanosleep", [timespecIn.timespec32, timespecOut.timespec32], nanosleep),
  full("getitimer", [arg.int, arg.structOut("itimerval")], getIntervalTimer),
  full("setitimer", [arg.int, arg.structIn("itimerval"), arg.structOut("itimerval")], setIntervalTimer),
  full("alarm", [arg.uint], alarm),
  full("timer_create", [clockId, arg.pointer, arg.pointer], timerCreate),
  full("timer_getoverrun", [arg.int], (call, id) => call.process.timers.get(id).overrun),
  full("timer_delete", [arg.int], (call, id) => {
    call.process.timers.delete(id);
    return 0;
  }),
];
