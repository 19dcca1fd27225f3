/**
 * What a guest's ABI says about system calls: everything that differs from one architecture to the next. Handlers are
 * written once and ask the ABI; a new architecture adds one of these and no handler.
 */
import type { Errno } from "../../kernel/errno.ts";
import type { GuestMemory } from "../../memory/guest-memory.ts";
import type { DataModel } from "../struct.ts";
import type { ConstantSets } from "./constants.ts";
import type { SignalAbi } from "./signal-abi.ts";
import type { Structs } from "./structs.ts";

/** Finds a register's place in the CPU-state memory by the ISA's own name for it (`Slot.name`). */
export type SlotOffset = (name: string) => number;

export interface Abi extends DataModel {
  /** "mips o32", "arm eabi" … */
  readonly name: string;
  /** uname(2)'s machine: "mips", "armv7l" … */
  readonly machine: string;
  /** The number of every call that Linux has on this architecture. */
  readonly numbers: ReadonlyMap<string, number>;
  /** The row (`SyscallRow.name`) of a call, for those that are not the row of their own name. */
  readonly rowNames: ReadonlyMap<string, string>;
  /** The lowest of those numbers (4000 on o32, 0 elsewhere). */
  readonly firstNumber: number;
  /** True where a 64-bit argument starts at an even register (MIPS o32, ARM EABI). */
  readonly pairsAligned: boolean;
  readonly constants: ConstantSets;
  readonly structs: Structs;
  /** Signal sets, structs and frames, and which signal a CPU exception is. */
  readonly signals: SignalAbi;
  /** SHMLBA: what shmat(2) wants addresses to be a multiple of. */
  readonly sharedMemoryBoundary: number;
  /** `RLIM_INFINITY` of getrlimit(2) (prlimit64 has its own, all ones everywhere). */
  readonly rlimInfinity: number;
  /** Which numbers of `kernel/` tables are this architecture's. */
  readonly architecture: "generic" | "mips";

  // ── registers; `registers` is the CPU-state memory ──────────────────────────────────────────────────────────
  syscallNumber(registers: DataView): number;
  /** Argument register `index` (0 to 3 and on: those passed on the stack are read from there), as a signed 32-bit value. */
  argument(registers: DataView, memory: GuestMemory, index: number): number;
  /** How many arguments are in registers. */
  readonly registerArguments: number;
  succeed(registers: DataView, result: number): void;
  /** A 64-bit result on a 32-bit guest (in two registers). */
  succeedWide(registers: DataView, result: bigint): void;
  fail(registers: DataView, error: Errno): void;
  errnoNumber(error: Errno): number;
  /** Sets the second result register, for the one call that has two results; null where pipe(2) writes to memory. */
  readonly secondResult: ((registers: DataView, value: number) => void) | null;
  /** Where system calls are made indirectly (`syscall(nr, …)` of o32): its number, else -1. */
  readonly indirectNumber: number;
  /** set_thread_area(2) where it sets a register (`rdhwr $29` of MIPS, TPIDRURO of ARM). */
  setThreadPointer(registers: DataView, pointer: number): void;
  threadPointer(registers: DataView): number;
  /** prctl(PR_SET_FP_MODE): null on architectures without modes; `set` is false for a mode that is not to be had. */
  readonly fpMode: {
    get(registers: DataView): number;
    set(registers: DataView, mode: number): boolean;
  } | null;
  stackPointer(registers: DataView): number;
  setStackPointer(registers: DataView, address: number): void;
  /** clone(2)'s fourth argument is the thread pointer, the fifth the child's tid (CLONE_BACKWARDS); else the other way round. */
  readonly cloneTlsFirst: boolean;
  /** Moves the program counter back onto the system-call instruction, so that it runs again with its old arguments. */
  rewind(registers: DataView): void;
}
