/**
 * The language in which the meaning of an instruction is written.
 *
 * A meaning builds *values*; the translator turns them into WebAssembly. A value is computed at most once, stands for
 * what it was when it was made (reading a slot and overwriting the slot later does not change the value), may be used
 * any number of times, and costs nothing when it is not used. Loads, stores, `call`s and exits happen in the order in
 * which they were asked for.
 */
import type { Operators, Type } from "./operators.ts";
export type { Type } from "./operators.ts";

/**
 * A typed value of the guest computation. Made only by an `Emitter`; opaque to `cpu/`, which does not even ask whether it is
 * truthy: an emitter that computes at once has plain numbers here.
 */
export interface Value<T extends Type = Type> {
  readonly type: T;
}
export type I32 = Value<"i32">;
export type I64 = Value<"i64">;
export type F32 = Value<"f32">;
export type F64 = Value<"f64">;
export type V128 = Value<"v128">;

/**
 * A piece of CPU state, at `offset` bytes into the CPU-state memory (always little-endian there), a multiple of its size.
 *
 * - A `cached` slot lives in a Wasm local while a region runs, and in memory whenever the region has left. Slots may
 *   overlap (a double register and its halves); the translator keeps them coherent.
 * - A slot that is not `cached` is always in memory: helpers may read and write it.
 */
export interface Slot<T extends Type = Type> {
  readonly name: string;
  readonly type: T;
  readonly offset: number;
  readonly cached: boolean;
}

/**
 * The rare case, written in TypeScript. `run` gets a view of the whole CPU-state memory; argument n is at
 * `HELPER_ARGUMENTS + 16 * n` (at most four), the result goes to `HELPER_RESULT`, all little-endian, as raw bits, so
 * that NaN payloads survive. A helper may touch slots that are not cached, and nothing else.
 */
export interface Helper<R extends Type | "none" = Type | "none"> {
  readonly name: string;
  readonly result: R;
  readonly run: (state: DataView) => void;
}
export const HELPER_ARGUMENTS = 0x40;
export const HELPER_RESULT = 0x80;

/** Why a region stops at an instruction. What signal that becomes is the operating system's business, not the CPU's. */
export const EXCEPTIONS = [
  "illegal", // reserved, unallocated or unsupported encoding
  "breakpoint", // info: the instruction's code field
  "trap", // conditional trap; info: the instruction's code field
  "overflow", // integer overflow
  "floatingPoint", // an enabled floating-point exception; details are in the ISA's own status slot
  "coprocessorUnusable", // info: coprocessor number
  "addressError", // misaligned address where alignment is required; info: the address
  "memory", // access to a page without permission; info: the address
  "fetch", // instruction fetch from such a page; info: the address
] as const;
export type Exception = (typeof EXCEPTIONS)[number];

export interface Emitter extends Operators {
  /** Values are computed at once (an interpreter): notes about how a value came about are of no use. */
  readonly computes: boolean;
  // ── literals ────────────────────────────────────────────────────────────────────────────────────────────────
  /** A 32-bit constant; taken modulo 2^32. */
  const32(n: number): I32;
  /** A 64-bit constant; taken modulo 2^64. */
  const64(n: bigint): I64;
  /** Floating constants from their bits. */
  constF32(bits: number): F32;
  constF64(bits: bigint): F64;
  constV128(lo: bigint, hi: bigint): V128;

  // ── CPU state ───────────────────────────────────────────────────────────────────────────────────────────────
  get<T extends Type>(slot: Slot<T>): Value<T>;
  set<T extends Type>(slot: Slot<T>, value: Value<T>): void;

  // ── guest memory: guest byte order, any alignment, addresses modulo 2^32 ────────────────────────────────────
  load8U(address: I32): I32;
  load8S(address: I32): I32;
  load16U(address: I32): I32;
  load16S(address: I32): I32;
  load32(address: I32): I32;
  load64(address: I32): I64;
  loadF32(address: I32): F32;
  loadF64(address: I32): F64;
  /** 16 bytes; the guest's byte order is that of one 128-bit number. */
  loadV128(address: I32): V128;
  store8(address: I32, value: I32): void;
  store16(address: I32, value: I32): void;
  store32(address: I32, value: I32): void;
  store64(address: I32, value: I64): void;
  storeF32(address: I32, value: F32): void;
  storeF64(address: I32, value: F64): void;
  storeV128(address: I32, value: V128): void;
  /** Atomic compare-and-exchange at a naturally aligned address; returns what was there before. */
  compareExchange8(address: I32, expected: I32, replacement: I32): I32;
  compareExchange16(address: I32, expected: I32, replacement: I32): I32;
  compareExchange32(address: I32, expected: I32, replacement: I32): I32;
  compareExchange64(address: I32, expected: I64, replacement: I64): I64;
  fence(): void;

  // ── choices inside one instruction ──────────────────────────────────────────────────────────────────────────
  /** Both arms are computed, without a branch. */
  select<T extends Type>(condition: I32, ifTrue: Value<T>, ifFalse: Value<T>): Value<T>;
  /** Runs `then` only where `condition` is not zero. `set`s inside merge with the values from before. */
  when(condition: I32, then: () => void): void;
  /** A value from one of two arms; only the chosen arm runs, with its loads, stores, `set`s and calls. */
  either<T extends Type>(condition: I32, then: () => Value<T>, otherwise: () => Value<T>): Value<T>;
  /** Calls a helper; the result (if any) is a value. */
  call<R extends Type>(helper: Helper<R>, ...args: Value[]): Value<R>;
  callVoid(helper: Helper<"none">, ...args: Value[]): void;

  /**
   * What follows belongs to the instruction at `pc`, where faults in it are reported: for an `Instruction` that holds
   * several of the guest's (ARM's IT block). Execution may go on there, so CPU state must say how.
   */
  at(pc: number): void;

  // ── leaving the straight line ───────────────────────────────────────────────────────────────────────────────
  /** Stops at this instruction with a guest exception if `condition` is not zero; slots set so far are kept. */
  raiseIf(condition: I32, exception: Exception, info?: I32): void;

  // ── the end of a block: exactly one of these, last ──────────────────────────────────────────────────────────
  /** Stops at this instruction with a guest exception, always. */
  raise(exception: Exception, info?: I32): void;
  jump(target: number): void;
  /** `onTaken` is emitted on the taken edge only (a branch-likely's delay slot). */
  branch(condition: I32, taken: number, notTaken: number, onTaken?: () => void): void;
  /** A call: the region goes on at `returnAddress` when the callee comes back there. The link register is already set. */
  callDirect(target: number, returnAddress: number): void;
  callIndirect(target: I32, returnAddress: number): void;
  /** A jump to a computed address that is not known to be a return. */
  jumpIndirect(target: I32): void;
  /** A jump to a computed address that most likely matches an earlier call. */
  returnTo(target: I32): void;
  /** The system-call instruction; execution goes on at `next` unless the kernel says otherwise. */
  systemCall(next: number): void;
  /**
   * Ends the region here; the dispatcher goes on at `next` (after a change of translation mode, a code barrier …). A
   * computed `next` is for MIPS, where such an instruction may stand in the delay slot of any branch.
   */
  leave(next: number | I32): void;
}
