/** A task: what Linux schedules, a thread to the program. Everything that a thread owns for itself stands here. */
import { NO_SIGNALS } from "./signal.ts";
import type { SignalSet } from "./signal.ts";
import { SignalQueue } from "./signal-queue.ts";
import type { Process } from "./process.ts";
import type { Wait } from "./wait.ts";
import { Credentials } from "./credentials.ts";

/** sigaltstack(2); where there is none, `size` is 0. Addresses and sizes in guest bytes. */
export interface AlternateStack {
  readonly pointer: number;
  readonly size: number;
  /** SS_AUTODISARM: forgotten while a handler runs on it. */
  readonly autoDisarm: boolean;
}
export const NO_ALTERNATE_STACK: AlternateStack = { pointer: 0, size: 0, autoDisarm: false };

/** Whether a stack pointer lies on the alternate stack; stacks grow down. */
export function isOn(stack: AlternateStack, pointer: number): boolean {
  return pointer > stack.pointer && pointer - stack.pointer <= stack.size;
}

/** "running" is on the processor or ready for it. */
export type TaskState = "running" | "waiting" | "stopped" | "ended";

export class Task {
  /** Changes once, where a thread runs execve(2): then it is the process's only one, and its first. */
  tid: number;
  readonly process: Process;
  /** The name that prctl(PR_SET_NAME) gives and /proc shows: at most 15 bytes, Latin-1. */
  name: string;

  state: TaskState = "running";
  /**
   * The registers while another task is on the processor: a copy of the CPU-state memory's register part, which only
   * the machine (`user/`) reads.
   */
  readonly registers: Uint8Array;
  pc = 0;

  /** Signals that this task does not take now. */
  blocked: SignalSet = NO_SIGNALS;
  /** The mask to go back to after rt_sigsuspend, ppoll, pselect6: set while their own mask is in force. */
  savedBlocked: SignalSet | null = null;
  readonly signals: SignalQueue;
  alternateStack: AlternateStack = NO_ALTERNATE_STACK;
  /**
   * Something may wait for the task on its way back to guest code (a signal, its end): look before going on. A hint
   * that may be set for nothing, but is never clear while there is something.
   */
  attention = false;
  /** What restart_syscall(2) goes on with. */
  restart: (() => number | Wait) | null = null;

  /** set_tid_address(2): cleared and woken as a futex when the task ends. 0: none. */
  clearChildTid = 0;
  /** set_robust_list(2). */
  robustList: { readonly head: number; readonly length: number } | null = null;

  /** PR_SET_PDEATHSIG; 0: none. */
  parentDeathSignal = 0;

  credentials: Credentials;
  /** Processor time used so far, nanoseconds. */
  userTime = 0n;
  systemTime = 0n;
  /** prctl(PR_SET_PDEATHSIG), PR_SET_TIMERSLACK …: values that are kept and given back. */
  timerSlack = 50_000n;
  voluntarySwitches = 0;
  involuntarySwitches = 0;

  constructor(tid: number, process: Process, registerBytes: number, credentials: Credentials, name: string) {
    this.tid = tid;
    this.process = process;
    this.registers = new Uint8Array(registerBytes);
    this.signals = new SignalQueue(process.kernel.signals);
    this.credentials = credentials;
    this.name = name;
    process.tasks.add(this);
  }

  /**
   * Replaces the signal mask until the interrupted call is over (ppoll(2) and its like). The old one comes back when
   * the call returns, or when the handler that it led to returns.
   */
  suspendMask(mask: SignalSet): void {
    this.savedBlocked ??= this.blocked;
    this.setBlocked(mask);
  }

  /** Sets the signal mask; SIGKILL and SIGSTOP never stay in it. */
  setBlocked(mask: SignalSet): void {
    this.blocked = mask & ~this.process.kernel.signals.unstoppable;
    this.attention = true;
  }

  /** Pending and not blocked: what would interrupt a wait now. */
  get deliverable(): SignalSet {
    return (this.signals.pending | this.process.signals.pending) & ~this.blocked;
  }
}
