/**
 * What a guest's ABI says about signals: sets and structs in memory, the frame that a handler runs on, and which signal
 * a CPU exception is. Part of `Abi`.
 */
import type { SignalAction } from "../../kernel/signal-actions.ts";
import type { Delivery } from "../../kernel/signal-delivery.ts";
import type { SignalInfo } from "../../kernel/siginfo.ts";
import type { SignalSet } from "../../kernel/signal.ts";
import type { Task } from "../../kernel/task.ts";
import type { GuestMemory } from "../../memory/guest-memory.ts";
import type { ConstantSet } from "../flags.ts";

/** A task with its registers in the CPU-state memory; a `SyscallContext` is one. */
export interface OnProcessor {
  readonly task: Task;
  readonly memory: GuestMemory;
  readonly registers: DataView;
}

/** `stack_t` as it stands in memory. */
export interface StackArgument {
  readonly pointer: number;
  readonly size: number;
  readonly flags: number;
}

/** A guest exception as the translator reports it (`cpu/emitter.ts` describes `info`). */
export interface CpuException {
  readonly exception: string;
  readonly info: number;
  readonly pc: number;
}

export interface SignalAbi {
  /** Bytes of the kernel's sigset_t, as the rt_ calls want it to be said. */
  readonly setBytes: number;
  readonly actionFlags: ConstantSet;
  /** sigprocmask's SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK. */
  readonly how: ConstantSet;
  /** MINSIGSTKSZ, bytes. */
  readonly minimumStack: number;

  readSet(memory: GuestMemory, address: number): SignalSet;
  writeSet(memory: GuestMemory, address: number, set: SignalSet): void;
  /** `struct sigaction` of rt_sigaction. */
  readAction(memory: GuestMemory, address: number): SignalAction;
  writeAction(memory: GuestMemory, address: number, action: SignalAction): void;
  /** The struct of the old sigaction(2) with its set of one word; null: the one above, of whose set only a word counts. */
  readonly oldAction: {
    read(memory: GuestMemory, address: number): SignalAction;
    write(memory: GuestMemory, address: number, action: SignalAction): void;
  } | null;
  /** `siginfo_t`, all 128 bytes. */
  packInfo(info: SignalInfo): Uint8Array;
  /** A `siginfo_t` that the guest made (rt_sigqueueinfo), for `signal`. */
  readInfo(memory: GuestMemory, address: number, signal: number): SignalInfo;
  readStack(memory: GuestMemory, address: number): StackArgument;
  writeStack(memory: GuestMemory, address: number, stack: StackArgument): void;

  /**
   * Builds the frame and points the registers at the handler. Throws `GuestFault` where the frame does not fit, with
   * the registers unchanged.
   */
  pushFrame(on: OnProcessor, delivery: Delivery, mask: SignalSet): void;
  /**
   * sigreturn and rt_sigreturn: brings registers, mask and alternate stack back. Throws `GuestFault` for a frame that
   * cannot be read.
   */
  popFrame(on: OnProcessor, withInfo: boolean): void;
  /** The code that handlers return to, for the page at `process.trampolines`. */
  readonly trampolines: Uint8Array;

  /** The signal that Linux makes of a CPU exception on this architecture; may clear what raised it. */
  exceptionSignal(on: OnProcessor, exception: CpuException): SignalInfo;
  /** What a system-call number without a call raises on this architecture; null: the answer is ENOSYS. */
  badCall(on: OnProcessor, number: number): SignalInfo | null;
}
