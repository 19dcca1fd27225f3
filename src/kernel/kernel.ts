/** The kernel of one run: what all its processes share. Two runs in one host process know nothing of each other. */
import type { WakeReason } from "./wait.ts";
import { Wait } from "./wait.ts";
import { FutexTable } from "./futex.ts";
import type { RunLimits } from "./limits.ts";
import { Process } from "./process.ts";
import type { ProcessParts } from "./process.ts";
import type { Credentials } from "./credentials.ts";
import { SignalTable } from "./signal.ts";
import { Task } from "./task.ts";
import { errno } from "./errno.ts";

/** Where the kernel gets the time from: `host/clock.ts`, or a clock that a test moves. All in nanoseconds. */
export interface Clock {
  monotonic(): bigint;
  realtime(): bigint;
  /** Processor time of the host thread that runs the tasks. */
  threadTime(): { readonly user: bigint; readonly system: bigint };
  /** Calls `alarm` once at or after `deadline` (monotonic); returns what cancels it. */
  setAlarm(deadline: bigint, alarm: () => void): () => void;
}

/** What the kernel asks of the scheduler. */
export interface TaskControl {
  /** Parks the running task until `wait` is over. */
  park(task: Task, wait: Wait<unknown>): void;
  /** A signal or its end is there for the task: it is woken if it waits. */
  notify(task: Task): void;
  /** The processor time used by the running task since it was last booked; booked to it by this call. */
  bookTime(): void;
}

export interface KernelOptions {
  readonly architecture: "generic" | "mips";
  readonly clock: Clock;
  readonly limits?: RunLimits;
  /** One line to whoever started babelf, about something that is not supported. Each text is passed on once. */
  readonly warn?: (line: string) => void;
}

/**
 * The process that would be everyone's ancestor. It does not exist: the initial program has pid 2, its parent is pid 1
 * of session 1, which takes no signals (EPERM), as a real init would not from a user.
 */
export const INIT = Object.freeze({ pid: 1, sid: 1 });
export const FIRST_PID = 2;
const LAST_PID = 32767;

export class Kernel {
  readonly init = INIT;
  readonly architecture: "generic" | "mips";
  readonly signals: SignalTable;
  readonly clock: Clock;
  readonly limits: RunLimits;
  readonly futexes = new FutexTable();
  readonly processes = new Map<number, Process>();
  readonly tasks = new Map<number, Task>();
  /** Set by the machine once its scheduler is there. */
  control: TaskControl | null = null;
  /** Monotonic time of the boot (uptime, CLOCK_BOOTTIME), nanoseconds. */
  readonly booted: bigint;
  readonly #warn: (line: string) => void;
  readonly #warned = new Set<string>();
  #lastPid = FIRST_PID - 1;

  constructor(options: KernelOptions) {
    this.architecture = options.architecture;
    this.signals = new SignalTable(options.architecture);
    this.clock = options.clock;
    this.limits = options.limits ?? {};
    this.#warn = options.warn ?? (() => undefined);
    this.booted = this.clock.monotonic();
  }

  /** Tells whoever started babelf, once for each text. */
  warnOnce(line: string): void {
    if (this.#warned.has(line)) return;
    this.#warned.add(line);
    this.#warn(line);
  }

  /** A new process with its first task, both in the tables. Throws EAGAIN where the run's limit is reached. */
  createProcess(parent: Process | null, parts: ProcessParts, registerBytes: number, credentials: Credentials): Task {
    if (this.tasks.size >= (this.limits.processes ?? Infinity)) throw errno.EAGAIN;
    const pid = this.#allocatePid();
    const process = new Process(this, pid, parent, parts);
    const task = new Task(pid, process, registerBytes, credentials, "");
    this.processes.set(pid, process);
    this.tasks.set(pid, task);
    return task;
  }

  #allocatePid(): number {
    for (let tries = FIRST_PID; tries <= LAST_PID; tries++) {
      this.#lastPid = this.#lastPid >= LAST_PID ? FIRST_PID : this.#lastPid + 1;
      const pid = this.#lastPid;
      if (!this.tasks.has(pid) && !this.processes.has(pid)) return pid;
    }
    throw errno.EAGAIN;
  }
}

export type { Process, Task, WakeReason };
