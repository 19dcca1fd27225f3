/** A process: the thread group of Linux. What its tasks share. */
import type { AddressSpace } from "../memory/address-space.ts";
import type { GuestMemory } from "../memory/guest-memory.ts";
import { Credentials } from "./credentials.ts";
import type { FileTable } from "./fs/file-table.ts";
import type { FsContext } from "./fs/fs-context.ts";
import type { Kernel } from "./kernel.ts";
import { ResourceLimits } from "./limits.ts";
import { SignalActions } from "./signal-actions.ts";
import { SignalQueue } from "./signal-queue.ts";
import type { Task } from "./task.ts";
import { ProcessTimers } from "./timers.ts";
import type { Terminal } from "./tty/terminal.ts";
import { WaitQueue } from "./wait.ts";

/** How a process ended. */
export type ExitStatus =
  { readonly kind: "exited"; readonly code: number } | { readonly kind: "killed"; readonly signal: number };

/** What a process is made of; for clone(2) some of it is the parent's own, some a copy. */
export interface ProcessParts {
  readonly space: AddressSpace;
  readonly memory: GuestMemory;
  readonly files: FileTable;
  readonly fs: FsContext;
  readonly actions?: SignalActions;
  readonly limits?: ResourceLimits;
  /** The signal that tells the parent of the end; 0: none. SIGCHLD if left out. */
  readonly exitSignal?: number;
}

const ROOT = new Credentials(0, 0, []);

export class Process {
  readonly kernel: Kernel;
  readonly pid: number;
  parent: Process | null;
  readonly children = new Set<Process>();
  /** Process group and session. */
  pgid: number;
  sid: number;
  /** The controlling terminal; null without one. */
  terminal: Terminal | null;
  readonly tasks = new Set<Task>();

  space: AddressSpace;
  memory: GuestMemory;
  files: FileTable;
  fs: FsContext;
  actions: SignalActions;
  /** Signals to the process as a whole: any task may take them. */
  readonly signals: SignalQueue;
  limits: ResourceLimits;
  readonly timers: ProcessTimers;

  /** Guest path of the program, and its arguments: /proc/self/exe, cmdline. */
  executable = "";
  argv: readonly string[] = [];
  /** The auxiliary vector's bytes as the program got them: /proc/self/auxv. */
  auxiliaryVector: Uint8Array = new Uint8Array();
  /** Guest address of the page with the signal trampolines ([vdso]). */
  trampolines = 0;
  /** Personality(2)'s value. */
  personality = 0;

  exit: ExitStatus | null = null;
  /** Tells the parent of the end; 0: nothing does. */
  exitSignal: number;
  /** Has run execve(2): its parent cannot move it to another group any more. */
  hasExeced = false;
  /** PR_SET_CHILD_SUBREAPER: gets the orphans among its descendants. */
  childSubreaper = false;
  /** The task that ended last: who the process was, when it is a zombie. */
  lastTask: Task | null = null;
  /** Woken when the process leaves its parent's memory (vfork(2)); null once it has, or had its own from the start. */
  vforkDone: WaitQueue | null = null;
  /** Woken when the process has ended. */
  readonly ended = new WaitQueue();
  /** Woken when a child ends, stops or goes on. */
  readonly childEvents = new WaitQueue();
  /** Woken when a signal is queued for the process or one of its tasks, blocked or not (rt_sigtimedwait, signalfd). */
  readonly signalArrival = new WaitQueue();
  /** The signal that stopped the process; 0 while it is not stopped. */
  stopSignal = 0;
  /** The parent has not waited for the stop, or the continuation after it, yet. */
  stopUnseen = false;
  continued = false;
  /** Processor time of children that were waited for, and of tasks that ended. */
  childrenUserTime = 0n;
  childrenSystemTime = 0n;
  endedUserTime = 0n;
  endedSystemTime = 0n;
  /** Monotonic time of the start, nanoseconds. */
  readonly started: bigint;

  constructor(kernel: Kernel, pid: number, parent: Process | null, parts: ProcessParts) {
    this.kernel = kernel;
    this.pid = pid;
    this.parent = parent;
    this.pgid = parent?.pgid ?? pid;
    this.sid = parent?.sid ?? kernel.init.sid;
    this.terminal = parent?.terminal ?? null;
    this.space = parts.space;
    this.memory = parts.memory;
    this.files = parts.files;
    this.fs = parts.fs;
    this.actions = parts.actions ?? new SignalActions(kernel.signals);
    this.signals = new SignalQueue(kernel.signals);
    this.limits = parts.limits ?? new ResourceLimits();
    this.exitSignal = parts.exitSignal ?? kernel.signals.number("SIGCHLD");
    this.timers = new ProcessTimers(this);
    this.started = kernel.clock.monotonic();
    parent?.children.add(this);
  }

  get ppid(): number {
    return this.parent?.pid ?? this.kernel.init.pid;
  }

  /** The first task; its tid is the pid. */
  get leader(): Task | null {
    for (const task of this.tasks) return task;
    return null;
  }

  /** Who it is, or was. */
  get credentials(): Credentials {
    return (this.leader ?? this.lastTask)?.credentials ?? ROOT;
  }

  get name(): string {
    return (this.leader ?? this.lastTask)?.name ?? "";
  }

  /** A table of its own where it shares one with another process (execve(2), unshare(2)). */
  unshareFiles(): void {
    if (!this.files.isShared) return;
    const own = this.files.clone();
    own.limit = () => this.limits.soft("RLIMIT_NOFILE");
    this.files.leave();
    this.files = own;
  }

  /** The parent that waits in vfork(2) goes on. */
  releaseVfork(): void {
    const { vforkDone } = this;
    this.vforkDone = null;
    vforkDone?.wake();
  }

  /** Processor time of all tasks so far, nanoseconds. */
  get cpuTime(): { readonly user: bigint; readonly system: bigint } {
    let user = this.endedUserTime;
    let system = this.endedSystemTime;
    for (const task of this.tasks) {
      user += task.userTime;
      system += task.systemTime;
    }
    return { user, system };
  }
}
