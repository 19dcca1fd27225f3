/**
 * An `Emitter` for tests that computes at once instead of making code: an instruction's meaning can be checked against
 * expected registers without the translator. Also checks the emitter's rules: types, alignment of atomics, one end.
 *
 *     const cpu = new Evaluator({ littleEndian: true });
 *     cpu.write(GPR[4], 7);
 *     cpu.run(() => isa.lift(cpu, instruction, 0));   // { kind: "next" }
 *     cpu.read(GPR[2]);
 */
import type { Emitter, Exception, F32, F64, Helper, I32, I64, Slot, Type, V128, Value } from "./emitter.ts";
import { HELPER_ARGUMENTS, HELPER_RESULT } from "./emitter.ts";
import type { Operators } from "./operators.ts";
import type { Bits } from "./operators-on-bits.ts";
import { OPERATORS_ON_BITS } from "./operators-on-bits.ts";

/** How the instruction ended. */
export type Exit =
  | { readonly kind: "next" }
  | { readonly kind: "exception"; readonly exception: Exception; readonly info: number }
  /** `jump`, and `branch` by the side that was taken. */
  | { readonly kind: "jump"; readonly target: number }
  | { readonly kind: "call"; readonly target: number; readonly returnAddress: number; readonly indirect: boolean }
  | { readonly kind: "jumpIndirect"; readonly target: number }
  | { readonly kind: "return"; readonly target: number }
  | { readonly kind: "systemCall"; readonly next: number }
  | { readonly kind: "leave"; readonly next: number };

/** Thrown inside a meaning that raises an exception; `run` catches it. */
class Raised {
  readonly exit: Exit;
  constructor(exit: Exit) {
    this.exit = exit;
  }
}

/** A computed value; see operators-on-bits.ts for how bits are kept. */
class Computed<T extends Type = Type> implements Value<T> {
  readonly type: T;
  readonly bits: Bits;
  constructor(type: T, bits: Bits) {
    this.type = type;
    this.bits = bits;
  }
}

function bitsOf(value: Value, type: Type): Bits {
  if (!(value instanceof Computed)) throw new Error("not a value of this evaluator");
  if (value.type !== type) throw new Error(`${value.type} where ${type} is wanted`);
  return value.bits;
}
const number = (value: I32): number => bitsOf(value, "i32") as number;
const address = (value: I32): number => number(value) >>> 0;

/** Reads raw bits of a type. */
function getBits(view: DataView, offset: number, type: Type, littleEndian = true): Bits {
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

function setBits(view: DataView, offset: number, type: Type, bits: Bits, littleEndian = true): void {
  switch (type) {
    case "i32":
    case "f32":
      view.setInt32(offset, bits as number, littleEndian);
      break;
    case "i64":
    case "f64":
      view.setBigInt64(offset, bits as bigint, littleEndian);
      break;
    case "v128": {
      const [low, high] = littleEndian ? [offset, offset + 8] : [offset + 8, offset];
      view.setBigUint64(low, BigInt.asUintN(64, bits as bigint), littleEndian);
      view.setBigUint64(high, (bits as bigint) >> 64n, littleEndian);
    }
  }
}

export interface EvaluatorOptions {
  readonly littleEndian: boolean;
  /** The only guest memory that there is; an access outside of it raises "memory". */
  readonly memoryBase?: number;
  readonly memorySize?: number;
}

const OPERATOR_METHODS = operatorMethods();

function operatorMethods(): Operators {
  const byType: Record<string, Record<string, (...args: unknown[]) => Value>> = {};
  for (const [name, { params, result, areImmediates, run }] of OPERATORS_ON_BITS) {
    const [type, method] = name.split(".") as [string, string];
    (byType[type] ??= {})[method] = (...args: unknown[]) => {
      const operands = args.slice(0, params.length) as Value[];
      const immediates = args.slice(params.length).flat() as number[];
      if (operands.length !== params.length || !areImmediates(immediates)) throw new Error(`${name}: wrong operands`);
      return new Computed(
        result,
        run(
          operands.map((operand, n) => bitsOf(operand, params[n]!)),
          immediates,
        ),
      );
    };
  }
  return byType as unknown as Operators;
}

export class Evaluator implements Emitter {
  readonly littleEndian: boolean;
  readonly computes = true;
  /** The CPU-state memory, as far as registers go. */
  readonly state = new DataView(new ArrayBuffer(0x1000));
  readonly memoryBase: number;
  readonly memory: DataView;
  /** Guest addresses of all bytes that were loaded and stored, in order; cleared by `run`. */
  readonly loaded: number[] = [];
  readonly stored: number[] = [];
  /** What `at` was last told. */
  pc = 0;
  #exit: Exit | undefined;

  constructor({ littleEndian, memoryBase = 0x10000, memorySize = 0x1000 }: EvaluatorOptions) {
    this.littleEndian = littleEndian;
    this.memoryBase = memoryBase;
    this.memory = new DataView(new ArrayBuffer(memorySize));
  }

  /** Runs one instruction's meaning and says how it ended. */
  run(lift: () => void): Exit {
    this.#exit = undefined;
    this.loaded.length = 0;
    this.stored.length = 0;
    try {
      lift();
    } catch (thrown) {
      if (thrown instanceof Raised) return thrown.exit;
      throw thrown;
    }
    return this.#exit ?? { kind: "next" };
  }

  /** A slot's bits; of i32 and f32 as a signed number, else a bigint. */
  read(slot: Slot): Bits {
    return getBits(this.state, slot.offset, slot.type);
  }

  write(slot: Slot, bits: Bits): void {
    setBits(this.state, slot.offset, slot.type, bits);
  }

  // ── operators and literals ──────────────────────────────────────────────────────────────────────────────────
  readonly i32 = OPERATOR_METHODS.i32;
  readonly i64 = OPERATOR_METHODS.i64;
  readonly f32 = OPERATOR_METHODS.f32;
  readonly f64 = OPERATOR_METHODS.f64;
  readonly v128 = OPERATOR_METHODS.v128;
  readonly i8x16 = OPERATOR_METHODS.i8x16;
  readonly i16x8 = OPERATOR_METHODS.i16x8;
  readonly i32x4 = OPERATOR_METHODS.i32x4;
  readonly i64x2 = OPERATOR_METHODS.i64x2;
  readonly f32x4 = OPERATOR_METHODS.f32x4;
  readonly f64x2 = OPERATOR_METHODS.f64x2;

  const32(n: number): I32 {
    return new Computed("i32", n | 0);
  }
  const64(n: bigint): I64 {
    return new Computed("i64", BigInt.asIntN(64, n));
  }
  constF32(bits: number): F32 {
    return new Computed("f32", bits | 0);
  }
  constF64(bits: bigint): F64 {
    return new Computed("f64", BigInt.asIntN(64, bits));
  }
  constV128(lo: bigint, hi: bigint): V128 {
    return new Computed("v128", BigInt.asUintN(64, lo) | (BigInt.asUintN(64, hi) << 64n));
  }

  // ── CPU state ───────────────────────────────────────────────────────────────────────────────────────────────
  get<T extends Type>(slot: Slot<T>): Value<T> {
    this.#mustBeOpen();
    return new Computed(slot.type, this.read(slot));
  }
  set<T extends Type>(slot: Slot<T>, value: Value<T>): void {
    this.#mustBeOpen();
    this.write(slot, bitsOf(value, slot.type));
  }

  // ── guest memory ────────────────────────────────────────────────────────────────────────────────────────────
  load8U(at: I32): I32 {
    return this.const32(this.memory.getUint8(this.#load(at, 1)));
  }
  load8S(at: I32): I32 {
    return this.const32(this.memory.getInt8(this.#load(at, 1)));
  }
  load16U(at: I32): I32 {
    return this.const32(this.memory.getUint16(this.#load(at, 2), this.littleEndian));
  }
  load16S(at: I32): I32 {
    return this.const32(this.memory.getInt16(this.#load(at, 2), this.littleEndian));
  }
  load32(at: I32): I32 {
    return this.#loadBits(at, "i32", 4);
  }
  load64(at: I32): I64 {
    return this.#loadBits(at, "i64", 8);
  }
  loadF32(at: I32): F32 {
    return this.#loadBits(at, "f32", 4);
  }
  loadF64(at: I32): F64 {
    return this.#loadBits(at, "f64", 8);
  }
  loadV128(at: I32): V128 {
    return this.#loadBits(at, "v128", 16);
  }
  store8(at: I32, value: I32): void {
    this.memory.setInt8(this.#store(at, 1), number(value));
  }
  store16(at: I32, value: I32): void {
    this.memory.setInt16(this.#store(at, 2), number(value), this.littleEndian);
  }
  store32(at: I32, value: I32): void {
    setBits(this.memory, this.#store(at, 4), "i32", bitsOf(value, "i32"), this.littleEndian);
  }
  store64(at: I32, value: I64): void {
    setBits(this.memory, this.#store(at, 8), "i64", bitsOf(value, "i64"), this.littleEndian);
  }
  storeF32(at: I32, value: F32): void {
    setBits(this.memory, this.#store(at, 4), "f32", bitsOf(value, "f32"), this.littleEndian);
  }
  storeF64(at: I32, value: F64): void {
    setBits(this.memory, this.#store(at, 8), "f64", bitsOf(value, "f64"), this.littleEndian);
  }
  storeV128(at: I32, value: V128): void {
    setBits(this.memory, this.#store(at, 16), "v128", bitsOf(value, "v128"), this.littleEndian);
  }

  compareExchange8(at: I32, expected: I32, replacement: I32): I32 {
    const found = this.load8U(at);
    if (number(found) === (number(expected) & 0xff)) this.store8(at, replacement);
    return found;
  }
  compareExchange16(at: I32, expected: I32, replacement: I32): I32 {
    mustBeAligned(at, 2);
    const found = this.load16U(at);
    if (number(found) === (number(expected) & 0xffff)) this.store16(at, replacement);
    return found;
  }
  compareExchange32(at: I32, expected: I32, replacement: I32): I32 {
    mustBeAligned(at, 4);
    const found = this.load32(at);
    if (number(found) === number(expected)) this.store32(at, replacement);
    return found;
  }
  compareExchange64(at: I32, expected: I64, replacement: I64): I64 {
    mustBeAligned(at, 8);
    const found = this.load64(at);
    if (bitsOf(found, "i64") === bitsOf(expected, "i64")) this.store64(at, replacement);
    return found;
  }
  fence(): void {
    this.#mustBeOpen();
  }

  // ── choices ─────────────────────────────────────────────────────────────────────────────────────────────────
  select<T extends Type>(condition: I32, ifTrue: Value<T>, ifFalse: Value<T>): Value<T> {
    if (ifTrue.type !== ifFalse.type) throw new Error(`select of ${ifTrue.type} and ${ifFalse.type}`);
    return number(condition) !== 0 ? ifTrue : ifFalse;
  }
  when(condition: I32, then: () => void): void {
    this.#mustBeOpen();
    if (number(condition) !== 0) then();
  }
  either<T extends Type>(condition: I32, then: () => Value<T>, otherwise: () => Value<T>): Value<T> {
    this.#mustBeOpen();
    return number(condition) !== 0 ? then() : otherwise();
  }
  call<R extends Type>(helper: Helper<R>, ...args: Value[]): Value<R> {
    this.#callHelper(helper, args);
    return new Computed(helper.result, getBits(this.state, HELPER_RESULT, helper.result));
  }
  callVoid(helper: Helper<"none">, ...args: Value[]): void {
    this.#callHelper(helper, args);
  }

  at(pc: number): void {
    this.#mustBeOpen();
    this.pc = pc;
  }

  // ── ends ────────────────────────────────────────────────────────────────────────────────────────────────────
  raiseIf(condition: I32, exception: Exception, info?: I32): void {
    this.#mustBeOpen();
    if (number(condition) !== 0)
      throw new Raised({ kind: "exception", exception, info: info === undefined ? 0 : address(info) });
  }
  raise(exception: Exception, info?: I32): void {
    this.#end({ kind: "exception", exception, info: info === undefined ? 0 : address(info) });
  }
  jump(target: number): void {
    this.#end({ kind: "jump", target });
  }
  branch(condition: I32, taken: number, notTaken: number, onTaken?: () => void): void {
    const isTaken = number(condition) !== 0;
    if (isTaken) onTaken?.();
    // On the taken edge the block may have ended in another way.
    if (this.#exit === undefined) this.#end({ kind: "jump", target: isTaken ? taken : notTaken });
  }
  callDirect(target: number, returnAddress: number): void {
    this.#end({ kind: "call", target, returnAddress, indirect: false });
  }
  callIndirect(target: I32, returnAddress: number): void {
    this.#end({ kind: "call", target: address(target), returnAddress, indirect: true });
  }
  jumpIndirect(target: I32): void {
    this.#end({ kind: "jumpIndirect", target: address(target) });
  }
  returnTo(target: I32): void {
    this.#end({ kind: "return", target: address(target) });
  }
  systemCall(next: number): void {
    this.#end({ kind: "systemCall", next });
  }
  leave(next: number | I32): void {
    this.#end({ kind: "leave", next: typeof next === "number" ? next : address(next) });
  }

  #mustBeOpen(): void {
    if (this.#exit !== undefined) throw new Error(`emitted after the end of the block (${this.#exit.kind})`);
  }

  #end(exit: Exit): void {
    this.#mustBeOpen();
    this.#exit = exit;
  }

  /** The offset of a guest access in `memory`. Raises "memory" with the first address that has none. */
  #access(at: I32, size: number, log: number[]): number {
    this.#mustBeOpen();
    for (let n = 0; n < size; n++) {
      const byte = (address(at) + n) >>> 0;
      const offset = byte - this.memoryBase;
      if (offset < 0 || offset >= this.memory.byteLength)
        throw new Raised({ kind: "exception", exception: "memory", info: byte });
    }
    for (let n = 0; n < size; n++) log.push(address(at) + n);
    return address(at) - this.memoryBase;
  }
  #load(at: I32, size: number): number {
    return this.#access(at, size, this.loaded);
  }
  #store(at: I32, size: number): number {
    return this.#access(at, size, this.stored);
  }
  #loadBits<T extends Type>(at: I32, type: T, size: number): Value<T> {
    return new Computed(type, getBits(this.memory, this.#load(at, size), type, this.littleEndian));
  }

  #callHelper(helper: Helper, args: readonly Value[]): void {
    this.#mustBeOpen();
    if (args.length > 4) throw new Error(`${helper.name}: ${args.length} arguments`);
    for (const [n, arg] of args.entries())
      setBits(this.state, HELPER_ARGUMENTS + 16 * n, arg.type, bitsOf(arg, arg.type));
    helper.run(this.state);
  }
}

function mustBeAligned(at: I32, size: number): void {
  if (address(at) % size !== 0) throw new Error(`atomic access of ${size} bytes at 0x${address(at).toString(16)}`);
}
