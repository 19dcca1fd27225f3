/** A process's timers: setitimer(2), alarm(2), timer_create(2), and RLIMIT_CPU's clock. */
import { errno } from "./errno.ts";
import type { Process } from "./process.ts";
import { SI_MIPS_TIMER, SI_TIMER, kernelSignal } from "./siginfo.ts";
import type { SignalInfo } from "./siginfo.ts";
import { raiseInProcess, sendToProcess, sendToTask } from "./signal-sending.ts";
import type { SignalName } from "./signal.ts";
import type { Task } from "./task.ts";

/** What a timer counts. "realtime" follows the wall clock when that is set; "cpu" is the process's, "thread" a task's time. */
export type TimerClock = "realtime" | "monotonic" | "process" | "user" | "thread";

/** Nanoseconds; `value` 0: not armed. */
export interface TimerSetting {
  readonly value: bigint;
  readonly interval: bigint;
}
export const DISARMED: TimerSetting = { value: 0n, interval: 0n };

/** How often a timer on processor time looks again, at least: its clock does not tick while the task waits. */
const CPU_STEP = 1_000_000n;

/** A timer that calls `expire` with the number of periods that have passed. */
export class Timer {
  readonly #process: Process;
  readonly #clock: TimerClock;
  readonly #task: Task | null;
  readonly #expire: (periods: number) => void;
  /** On the timer's own clock; null: not armed. */
  #next: bigint | null = null;
  #interval = 0n;
  #cancel: (() => void) | null = null;

  constructor(process: Process, clock: TimerClock, task: Task | null, expire: (periods: number) => void) {
    this.#process = process;
    this.#clock = clock;
    this.#task = task;
    this.#expire = expire;
  }

  /** The time on the timer's clock, nanoseconds. */
  #now(): bigint {
    const { kernel } = this.#process;
    switch (this.#clock) {
      case "realtime":
        return kernel.clock.realtime();
      case "monotonic":
        return kernel.clock.monotonic();
      default: {
        kernel.scheduler.bookTime();
        if (this.#clock === "thread" && this.#task !== null) return this.#task.userTime + this.#task.systemTime;
        const { user, system } = this.#process.cpuTime;
        return this.#clock === "user" ? user : user + system;
      }
    }
  }

  /** Time left and interval. */
  get(): TimerSetting {
    if (this.#next === null) return { value: 0n, interval: this.#interval };
    const left = this.#next - this.#now();
    // It is armed, so it never shows 0 (POSIX, timer_gettime).
    return { value: left > 0n ? left : 1n, interval: this.#interval };
  }

  /** Arms for `value` from now, or at `value` on the clock itself if `absolute`; 0 disarms. Returns the setting before. */
  set(setting: TimerSetting, absolute = false): TimerSetting {
    const before = this.get();
    this.#disarm();
    this.#interval = setting.interval;
    if (setting.value !== 0n) {
      this.#next = absolute ? setting.value : this.#now() + setting.value;
      this.#arm();
    }
    return before;
  }

  clear(): void {
    this.#disarm();
    this.#interval = 0n;
  }

  #disarm(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#next = null;
  }

  #arm(): void {
    if (this.#next === null) return;
    const { clock } = this.#process.kernel;
    let left = this.#next - this.#now();
    const wall = this.#clock === "realtime" || this.#clock === "monotonic";
    if (!wall && left < CPU_STEP) left = CPU_STEP;
    this.#cancel = clock.setAlarm(clock.monotonic() + (left > 0n ? left : 0n), () => this.#ring());
  }

  #ring(): void {
    this.#cancel = null;
    if (this.#next === null) return;
    const late = this.#now() - this.#next;
    if (late >= 0n) {
      let periods = 1;
      if (this.#interval === 0n) this.#next = null;
      else {
        const missed = late / this.#interval;
        periods += Number(missed);
        this.#next += this.#interval * (missed + 1n);
      }
      this.#expire(periods);
    }
    if (this.#process.exit === null) this.#arm();
  }
}

/** sigevent's ways to tell (timer_create(2)). `signal` is a guest number, `value` the raw sigval. */
export type TimerNotice =
  | { readonly kind: "none" }
  | { readonly kind: "signal"; readonly signal: number; readonly value: number; readonly task: Task | null };

const MOST_OVERRUNS = 0x7fffffff;
/** Timers of one process (Linux counts them against RLIMIT_SIGPENDING). */
const MOST_TIMERS = 4096;

/** A timer made by timer_create(2). */
export class PosixTimer {
  readonly timer: Timer;
  readonly #process: Process;
  readonly #id: number;
  readonly #notice: TimerNotice;
  /** Expirations beyond the first since the signal was last sent. */
  overrun = 0;

  constructor(process: Process, id: number, clock: TimerClock, task: Task | null, notice: TimerNotice) {
    this.#process = process;
    this.#id = id;
    this.#notice = notice;
    this.timer = new Timer(process, clock, task, (periods) => this.#expire(periods));
  }

  #expire(periods: number): void {
    const notice = this.#notice;
    if (notice.kind === "none") return;
    const queue = notice.task === null ? this.#process.signals : notice.task.signals;
    const isOurs = (info: SignalInfo) => info.fields.kind === "timer" && info.fields.timer === this.#id;
    const sent = (overrun: number): SignalInfo => ({
      signal: notice.signal,
      errno: 0,
      code: this.#process.kernel.architecture === "mips" ? SI_MIPS_TIMER : SI_TIMER,
      fields: { kind: "timer", timer: this.#id, overrun, value: notice.value },
    });
    // One signal at a time: what expires while it is pending is an overrun.
    const counted = queue.replace(isOurs, (info) => {
      const before = info.fields.kind === "timer" ? info.fields.overrun : 0;
      this.overrun = Math.min(before + periods, MOST_OVERRUNS);
      return sent(this.overrun);
    });
    if (counted) return;
    this.overrun = Math.min(periods - 1, MOST_OVERRUNS);
    const info = sent(this.overrun);
    if (notice.task === null) sendToProcess(this.#process, info);
    else if (notice.task.state !== "ended") sendToTask(notice.task, info);
  }
}

export type IntervalTimer = "real" | "virtual" | "profile";
const INTERVAL_TIMERS: Readonly<Record<IntervalTimer, readonly [TimerClock, SignalName]>> = {
  real: ["monotonic", "SIGALRM"],
  virtual: ["user", "SIGVTALRM"],
  profile: ["process", "SIGPROF"],
};

export class ProcessTimers {
  readonly #process: Process;
  readonly #intervals = new Map<IntervalTimer, Timer>();
  readonly #posix = new Map<number, PosixTimer>();
  #nextCpuWarning = 0;

  constructor(process: Process) {
    this.#process = process;
  }

  /** setitimer(2)'s timers; alarm(2) is "real". */
  interval(which: IntervalTimer): Timer {
    let timer = this.#intervals.get(which);
    if (timer === undefined) {
      const [clock, signal] = INTERVAL_TIMERS[which];
      timer = new Timer(this.#process, clock, null, () => raiseInProcess(this.#process, signal));
      this.#intervals.set(which, timer);
    }
    return timer;
  }

  /** timer_create(2): the new timer's id. `notice` gets the id, which is the default sigval. Throws EAGAIN. */
  create(clock: TimerClock, task: Task | null, notice: (id: number) => TimerNotice): number {
    let id = 0;
    while (this.#posix.has(id)) id++;
    if (id >= MOST_TIMERS) throw errno.EAGAIN;
    this.#posix.set(id, new PosixTimer(this.#process, id, clock, task, notice(id)));
    return id;
  }

  /** Throws EINVAL. */
  get(id: number): PosixTimer {
    const timer = this.#posix.get(id);
    if (timer === undefined) throw errno.EINVAL;
    return timer;
  }

  /** timer_delete(2). Throws EINVAL. */
  delete(id: number): void {
    this.get(id).timer.clear();
    this.#posix.delete(id);
  }

  /** The process ends, or runs another program: nothing rings any more. (Interval timers survive execve(2).) */
  clear(keepIntervals = false): void {
    for (const { timer } of this.#posix.values()) timer.clear();
    this.#posix.clear();
    if (!keepIntervals) for (const timer of this.#intervals.values()) timer.clear();
  }

  /** RLIMIT_CPU: SIGXCPU at the soft limit and each second from there, SIGKILL at the hard one. */
  checkCpuLimit(): void {
    const process = this.#process;
    const { user, system } = process.cpuTime;
    const seconds = Number(user + system) / 1e9;
    const { soft, hard } = process.limits.get("RLIMIT_CPU");
    if (seconds >= Number(hard)) {
      sendToProcess(process, kernelSignal(process.kernel.signals.number("SIGKILL")));
    } else if (seconds >= Math.max(Number(soft), this.#nextCpuWarning)) {
      this.#nextCpuWarning = Math.floor(seconds) + 1;
      raiseInProcess(process, "SIGXCPU");
    }
  }
}
