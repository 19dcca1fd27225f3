/**
 * Runs instructions without translating them: an `Emitter` that computes at once what the translator would write code for.
 * So there is one meaning of an instruction, and no second implementation.
 *
 * It makes single steps (every register is exact at a fault, and its address is known), and runs the instructions for which
 * there are no micro-operations.
 */
import {
  type Emitter,
  type Exception,
  EXCEPTIONS,
  type F32,
  type F64,
  type Helper,
  HELPER_ARGUMENTS,
  HELPER_RESULT,
  type I32,
  type I64,
  type Slot,
  type Type,
  type V128,
  type Value,
} from "../cpu/emitter.ts";
import type { Instruction, Isa } from "../cpu/isa.ts";
import type { Bits } from "../cpu/operators-on-bits.ts";
import { asBigint, asNumber, asValue, computingOperators } from "./computing.ts";
import { MAY_READ, MAY_WRITE, PAGE_COUNT, PAGE_SHIFT, PAGE_TABLE } from "./layout.ts";

/** How a block ended, besides by its last instruction ("next"). */
export type Ending = "next" | "jump" | "call" | "return" | "systemCall" | "leave" | "exception";

/** Thrown where an instruction raises an exception, to leave its meaning. */
export const RAISED = Symbol("raised");
const PAGE_MASK = (1 << PAGE_SHIFT) - 1;
/** What a slow operator counts for. */
const SLOW = 2;

export interface InterpreterOptions {
  readonly littleEndian: boolean;
  readonly memory: WebAssembly.Memory;
  readonly state: WebAssembly.Memory;
}

export class Interpreter implements Emitter {
  /** How the last run ended. */
  ending: Ending = "next";
  /** Where to go on: the target of a jump, call or return, what follows a system call. */
  target = 0;
  /** A jump's or call's target is a computed one. */
  isComputed = false;
  /** For a call: where it comes back. */
  returnAddress = 0;
  exception: Exception = "illegal";
  info = 0;
  /** The instruction that runs: of an exception, the one that raised it. */
  pc = 0;
  /** Grows with the operators used that take far longer here than in translated code. */
  effort = 0;

  readonly #littleEndian: boolean;
  readonly #pages: Uint8Array;
  readonly #state: DataView;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #memory: DataView;

  readonly #operators = computingOperators(() => (this.effort += SLOW));
  readonly i32 = this.#operators.i32;
  readonly i64 = this.#operators.i64;
  readonly f32 = this.#operators.f32;
  readonly f64 = this.#operators.f64;
  readonly v128 = this.#operators.v128;
  readonly i8x16 = this.#operators.i8x16;
  readonly i16x8 = this.#operators.i16x8;
  readonly i32x4 = this.#operators.i32x4;
  readonly i64x2 = this.#operators.i64x2;
  readonly f32x4 = this.#operators.f32x4;
  readonly f64x2 = this.#operators.f64x2;
  readonly computes = true;

  constructor({ littleEndian, memory, state }: InterpreterOptions) {
    this.#littleEndian = littleEndian;
    this.#pages = new Uint8Array(state.buffer, PAGE_TABLE, PAGE_COUNT);
    this.#state = new DataView(state.buffer);
    this.#words = new Int32Array(state.buffer);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#memory = new DataView(memory.buffer);
  }

  /** Runs instructions that follow each other; `ending` and its companions say what came of it. */
  run<I extends Instruction>(isa: Isa<I>, instructions: readonly I[], mode: number): void {
    this.ending = "next";
    try {
      for (let i = 0; i < instructions.length; i++) {
        const instruction = instructions[i] as I;
        this.pc = instruction.pc;
        isa.lift(this, instruction, mode);
      }
    } catch (thrown) {
      if (thrown !== RAISED) throw thrown;
    }
  }

  // ── literals ────────────────────────────────────────────────────────────────────────────────────────────────

  const32(n: number): I32 {
    return asValue(n | 0);
  }
  const64(n: bigint): I64 {
    return asValue(BigInt.asIntN(64, n));
  }
  constF32(bits: number): F32 {
    return asValue(bits | 0);
  }
  constF64(bits: bigint): F64 {
    return asValue(BigInt.asIntN(64, bits));
  }
  constV128(lo: bigint, hi: bigint): V128 {
    return asValue(BigInt.asUintN(64, lo) | (BigInt.asUintN(64, hi) << 64n));
  }

  // ── CPU state ───────────────────────────────────────────────────────────────────────────────────────────────

  get<T extends Type>(slot: Slot<T>): Value<T> {
    const { type, offset } = slot;
    if (type === "i32" || type === "f32") return asValue(this.#words[offset >> 2] as number);
    return asValue(readBits(this.#state, offset, type, true));
  }

  set<T extends Type>(slot: Slot<T>, value: Value<T>): void {
    const { type, offset } = slot;
    if (type === "i32" || type === "f32") this.#words[offset >> 2] = asNumber(value);
    else writeBits(this.#state, offset, type, asBigint(value), true);
  }

  // ── guest memory ────────────────────────────────────────────────────────────────────────────────────────────

  /** The address of an access that is allowed; JavaScript must not touch any other. */
  #checked(value: I32, width: number, permission: number): number {
    const address = asNumber(value) >>> 0;
    if (((this.#pages[address >>> PAGE_SHIFT] as number) & permission) === 0) this.#fault(address);
    if ((address & PAGE_MASK) + width > PAGE_MASK + 1) {
      const next = ((address | PAGE_MASK) + 1) >>> 0;
      if (next === 0 || ((this.#pages[next >>> PAGE_SHIFT] as number) & permission) === 0) this.#fault(next);
    }
    return address;
  }

  #fault(address: number): never {
    return this.#raise("memory", address);
  }

  load8U(address: I32): I32 {
    return asValue(this.#bytes[this.#checked(address, 1, MAY_READ)] as number);
  }
  load8S(address: I32): I32 {
    return asValue(this.#memory.getInt8(this.#checked(address, 1, MAY_READ)));
  }
  load16U(address: I32): I32 {
    return asValue(this.#memory.getUint16(this.#checked(address, 2, MAY_READ), this.#littleEndian));
  }
  load16S(address: I32): I32 {
    return asValue(this.#memory.getInt16(this.#checked(address, 2, MAY_READ), this.#littleEndian));
  }
  load32(address: I32): I32 {
    return asValue(this.#memory.getInt32(this.#checked(address, 4, MAY_READ), this.#littleEndian));
  }
  load64(address: I32): I64 {
    return asValue(this.#memory.getBigInt64(this.#checked(address, 8, MAY_READ), this.#littleEndian));
  }
  loadF32(address: I32): F32 {
    return asValue(this.#memory.getInt32(this.#checked(address, 4, MAY_READ), this.#littleEndian));
  }
  loadF64(address: I32): F64 {
    return asValue(this.#memory.getBigInt64(this.#checked(address, 8, MAY_READ), this.#littleEndian));
  }
  loadV128(address: I32): V128 {
    return asValue(readBits(this.#memory, this.#checked(address, 16, MAY_READ), "v128", this.#littleEndian));
  }
  store8(address: I32, value: I32): void {
    this.#bytes[this.#checked(address, 1, MAY_WRITE)] = asNumber(value);
  }
  store16(address: I32, value: I32): void {
    this.#memory.setInt16(this.#checked(address, 2, MAY_WRITE), asNumber(value), this.#littleEndian);
  }
  store32(address: I32, value: I32): void {
    this.#memory.setInt32(this.#checked(address, 4, MAY_WRITE), asNumber(value), this.#littleEndian);
  }
  store64(address: I32, value: I64): void {
    this.#memory.setBigInt64(this.#checked(address, 8, MAY_WRITE), asBigint(value), this.#littleEndian);
  }
  storeF32(address: I32, value: F32): void {
    this.#memory.setInt32(this.#checked(address, 4, MAY_WRITE), asNumber(value), this.#littleEndian);
  }
  storeF64(address: I32, value: F64): void {
    this.#memory.setBigInt64(this.#checked(address, 8, MAY_WRITE), asBigint(value), this.#littleEndian);
  }
  storeV128(address: I32, value: V128): void {
    writeBits(this.#memory, this.#checked(address, 16, MAY_WRITE), "v128", asBigint(value), this.#littleEndian);
  }

  compareExchange8(address: I32, expected: I32, replacement: I32): I32 {
    const found = this.load8U(address);
    if (asNumber(found) === (asNumber(expected) & 0xff)) this.store8(address, replacement);
    return found;
  }
  compareExchange16(address: I32, expected: I32, replacement: I32): I32 {
    const found = this.load16U(address);
    if (asNumber(found) === (asNumber(expected) & 0xffff)) this.store16(address, replacement);
    return found;
  }
  compareExchange32(address: I32, expected: I32, replacement: I32): I32 {
    const found = this.load32(address);
    if (asNumber(found) === asNumber(expected)) this.store32(address, replacement);
    return found;
  }
  compareExchange64(address: I32, expected: I64, replacement: I64): I64 {
    const found = this.load64(address);
    if (asBigint(found) === asBigint(expected)) this.store64(address, replacement);
    return found;
  }
  fence(): void {
    // One host thread runs all tasks that share this memory.
  }

  // ── choices ─────────────────────────────────────────────────────────────────────────────────────────────────

  select<T extends Type>(condition: I32, ifTrue: Value<T>, ifFalse: Value<T>): Value<T> {
    return asNumber(condition) !== 0 ? ifTrue : ifFalse;
  }
  when(condition: I32, then: () => void): void {
    if (asNumber(condition) !== 0) then();
  }
  either<T extends Type>(condition: I32, then: () => Value<T>, otherwise: () => Value<T>): Value<T> {
    return asNumber(condition) !== 0 ? then() : otherwise();
  }

  call<R extends Type>(helper: Helper<R>, ...args: Value[]): Value<R> {
    this.#callHelper(helper, args);
    return asValue(readBits(this.#state, HELPER_RESULT, helper.result, true));
  }
  callVoid(helper: Helper<"none">, ...args: Value[]): void {
    this.#callHelper(helper, args);
  }
  #callHelper(helper: Helper, args: readonly Value[]): void {
    for (let n = 0; n < args.length; n++) {
      const bits = args[n] as unknown as Bits;
      const place = HELPER_ARGUMENTS + 16 * n;
      // A 64-bit argument leaves the upper half of its sixteen bytes alone to nobody.
      if (typeof bits === "number") this.#state.setInt32(place, bits, true);
      else writeBits(this.#state, place, "v128", bits, true);
    }
    this.effort += SLOW;
    helper.run(this.#state);
  }

  at(pc: number): void {
    this.pc = pc;
  }

  // ── ends ────────────────────────────────────────────────────────────────────────────────────────────────────

  #raise(exception: Exception, info: number): never {
    this.ending = "exception";
    this.exception = exception;
    this.info = info;
    throw RAISED;
  }

  #end(ending: Ending, target: number): void {
    this.ending = ending;
    this.target = target >>> 0;
    this.isComputed = false;
  }

  raiseIf(condition: I32, exception: Exception, info?: I32): void {
    if (asNumber(condition) !== 0) this.raise(exception, info);
  }
  raise(exception: Exception, info?: I32): void {
    this.#raise(exception, info === undefined ? 0 : asNumber(info));
  }
  jump(target: number): void {
    this.#end("jump", target);
  }
  branch(condition: I32, taken: number, notTaken: number, onTaken?: () => void): void {
    if (asNumber(condition) === 0) {
      this.#end("jump", notTaken);
      return;
    }
    onTaken?.();
    // The taken edge may have ended the block in another way.
    if (this.ending === "next") this.#end("jump", taken);
  }
  callDirect(target: number, returnAddress: number): void {
    this.returnAddress = returnAddress >>> 0;
    this.#end("call", target);
  }
  callIndirect(target: I32, returnAddress: number): void {
    this.callDirect(asNumber(target), returnAddress);
    this.isComputed = true;
  }
  jumpIndirect(target: I32): void {
    this.#end("jump", asNumber(target));
    this.isComputed = true;
  }
  returnTo(target: I32): void {
    this.#end("return", asNumber(target));
  }
  systemCall(next: number): void {
    this.#end("systemCall", next);
  }
  leave(next: number | I32): void {
    this.#end("leave", typeof next === "number" ? next : asNumber(next));
  }
}

/** The number that stands for an exception in CPU state. */
export const exceptionNumber = (exception: Exception): number => EXCEPTIONS.indexOf(exception);

function readBits(view: DataView, offset: number, type: Type, littleEndian: boolean): Bits {
  switch (type) {
    case "i32":
    case "f32":
      return view.getInt32(offset, littleEndian);
    case "i64":
    case "f64":
      return view.getBigInt64(offset, littleEndian);
    case "v128": {
      const [low, high] = littleEndian ? [offset, offset + 8] : [offset + 8, offset];
      return view.getBigUint64(low, littleEndian) | (view.getBigUint64(high, littleEndian) << 64n);
    }
  }
}

function writeBits(view: DataView, offset: number, type: Type, bits: bigint, littleEndian: boolean): void {
  if (type !== "v128") {
    view.setBigInt64(offset, bits, littleEndian);
    return;
  }
  const [low, high] = littleEndian ? [offset, offset + 8] : [offset + 8, offset];
  view.setBigUint64(low, BigInt.asUintN(64, bits), littleEndian);
  view.setBigUint64(high, BigInt.asUintN(64, bits >> 64n), littleEndian);
}
