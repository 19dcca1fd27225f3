/** The kernel of one run: what all its processes share. Two runs in one host process know nothing of each other. */
import { endProcess, retireTask } from "./exit.ts";
import { FutexTable } from "./futex.ts";
import { Ipc } from "./ipc/index.ts";
import { Network } from "./net/network.ts";
import type { NetPermission } from "./net/permission.ts";
import type { LimitReached, RunLimits } from "./limits.ts";
import { Process } from "./process.ts";
import type { ExitStatus, ProcessParts } from "./process.ts";
import { Scheduler } from "./scheduler.ts";
import type { Credentials } from "./credentials.ts";
import { SignalTable } from "./signal.ts";
import { Task } from "./task.ts";
import { errno } from "./errno.ts";

/** Where the kernel gets the time from: `host/clock.ts`, or a clock that a test moves. All in nanoseconds. */
export interface Clock {
  /** Also what the guest sees as the time since its boot. */
  monotonic(): bigint;
  realtime(): bigint;
  /** Processor time of the host thread that runs the tasks. */
  threadTime(): { readonly user: bigint; readonly system: bigint };
  /** Calls `alarm` once at or after `deadline` (monotonic); returns what cancels it. */
  setAlarm(deadline: bigint, alarm: () => void): () => void;
}

export interface KernelOptions {
  readonly architecture: "generic" | "mips";
  readonly clock: Clock;
  readonly limits?: RunLimits;
  /** What of the host's network the run may use; none if left out. */
  readonly network?: NetPermission;
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
  readonly ipc: Ipc;
  readonly network: Network;
  readonly processes = new Map<number, Process>();
  readonly tasks = new Map<number, Task>();
  readonly scheduler: Scheduler;
  readonly #warn: (line: string) => void;
  readonly #warned = new Set<string>();
  #lastPid = FIRST_PID - 1;

  constructor(options: KernelOptions) {
    this.architecture = options.architecture;
    this.signals = new SignalTable(options.architecture);
    this.clock = options.clock;
    this.limits = options.limits ?? {};
    this.ipc = new Ipc(this.clock);
    this.#warn = options.warn ?? (() => undefined);
    this.scheduler = new Scheduler(this.clock);
    this.network = new Network(this, options.network);
  }

  /** Tells whoever started babelf, once for each text. */
  warnOnce(line: string): void {
    if (this.#warned.has(line)) return;
    this.#warned.add(line);
    this.#warn(line);
  }

  /** The program that the run is for, while it lives. */
  get initial(): Process | null {
    return this.processes.get(FIRST_PID) ?? null;
  }

  /** A new process with its first task, both in the tables. Throws EAGAIN where a limit is reached. */
  createProcess(parent: Process | null, parts: ProcessParts, registerBytes: number, credentials: Credentials): Task {
    const pid = this.#allocatePid();
    const process = new Process(this, pid, parent, parts);
    const task = new Task(pid, process, registerBytes, credentials, "");
    this.processes.set(pid, process);
    this.tasks.set(pid, task);
    return task;
  }

  /** One more task of a process (a thread). Throws EAGAIN where a limit is reached. */
  createThread(process: Process, registerBytes: number, credentials: Credentials, name: string): Task {
    const tid = this.#allocatePid();
    const task = new Task(tid, process, registerBytes, credentials, name);
    this.tasks.set(tid, task);
    return task;
  }

  /** Throws EAGAIN where the run, or the user (RLIMIT_NPROC), has as many tasks as may be. */
  checkTaskLimit(task: Task): void {
    if (this.tasks.size >= (this.limits.processes ?? Infinity)) throw errno.EAGAIN;
    if (task.credentials.isPrivileged) return;
    if (this.tasks.size >= task.process.limits.soft("RLIMIT_NPROC")) throw errno.EAGAIN;
  }

  /** exit(2) of one task; with the last one the process has ended, with that task's code. */
  endTask(task: Task, code: number): void {
    const { process } = task;
    if (process.tasks.size === 1) this.endProcess(process, { kind: "exited", code });
    else retireTask(task);
  }

  /** exit_group(2), or death by a signal: all tasks end. The first reason counts. */
  endProcess(process: Process, status: ExitStatus): void {
    endProcess(process, status);
  }

  /** A limit on the whole run is reached: everything ends. `limitReached` keeps the first reason. */
  endRun(reason: LimitReached): void {
    this.limitReached ??= reason;
    const signal = this.signals.number("SIGKILL");
    for (const process of [...this.processes.values()]) this.endProcess(process, { kind: "killed", signal });
  }

  limitReached: LimitReached | null = null;

  /** Called when a process has ended: the machine gives its memory and files back, and ends the run with the initial one. */
  onProcessEnd: (process: Process) => void = () => undefined;

  /** Called when a task is about to leave the tables, with its memory still there. */
  onTaskEnd: (task: Task) => void = () => undefined;

  /** Called when a process has stopped: the command line stops babelf alike. */
  onProcessStop: (process: Process, signal: number) => void = () => undefined;

  #allocatePid(): number {
    for (let tries = FIRST_PID; tries <= LAST_PID; tries++) {
      this.#lastPid = this.#lastPid >= LAST_PID ? FIRST_PID : this.#lastPid + 1;
      const pid = this.#lastPid;
      if (!this.#isTaken(pid)) return pid;
    }
    throw errno.EAGAIN;
  }

  /** A number is free when neither a task nor a process, a group or a session goes by it. */
  #isTaken(pid: number): boolean {
    if (this.tasks.has(pid) || this.processes.has(pid)) return true;
    for (const process of this.processes.values()) if (process.pgid === pid || process.sid === pid) return true;
    return false;
  }
}
