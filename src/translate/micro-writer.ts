/**
 * An `Emitter` that writes micro-operations. What an instruction does is asked of its meaning once, here, and no longer
 * each time that it runs: that takes a tenth of the time.
 *
 * A value knows where in the file it is. Reading a register makes no copy: the value is said to be in the register, and is
 * *stale* once the register is written. A meaning that uses a stale value is written again,
 * carefully: then reading makes a copy. What micro-operations do not have (floating-point and 64-bit arithmetic, vectors, helpers)
 * leaves the whole instruction to the interpreter.
 */
import {
  type Emitter,
  type Exception,
  EXCEPTIONS,
  type F32,
  type F64,
  type Helper,
  type I32,
  type I64,
  type Slot,
  type Type,
  type Value,
} from "../cpu/emitter.ts";
import type { Instruction, Isa } from "../cpu/isa.ts";
import { OPERATORS, type Operators } from "../cpu/operators.ts";
import {
  FIRST_TEMPORARY,
  MICRO,
  MICRO_OPERATORS,
  MICRO_WORDS,
  microWord,
  placeOfConstant,
  TEMPORARIES,
} from "./micro-operations.ts";

/** Thrown where a meaning needs what micro-operations do not have, and where it uses a stale value. */
const UNWRITABLE = Symbol("unwritable");
const STALE = Symbol("stale");
/** Words that one block may take. */
const MOST_WORDS = 1 << 13;
/** Room for what stands for an instruction that does not fit, and for the end. */
const RESERVE = MICRO_WORDS * 128;
/** Where a value is that is stale. */
const NOWHERE = -1;

class MicroValue {
  place = NOWHERE;
  /** Words that it takes. */
  width = 1;
  /** Where the operation begins that made it, or -1. */
  maker = -1;
}
const known = (value: Value): MicroValue => value as unknown as MicroValue;

export class MicroWriter implements Emitter {
  readonly i32: Operators["i32"];
  readonly i64: Operators["i64"];
  readonly f32: Operators["f32"];
  readonly f64: Operators["f64"];
  readonly v128: Operators["v128"];
  readonly i8x16: Operators["i8x16"];
  readonly i16x8: Operators["i16x8"];
  readonly i32x4: Operators["i32x4"];
  readonly i64x2: Operators["i64x2"];
  readonly f32x4: Operators["f32x4"];
  readonly f64x2: Operators["f64x2"];
  readonly computes = true;

  readonly #words = new Int32Array(MOST_WORDS);
  #end = 0;
  #limit = 0;
  #pc = 0;
  /** The first `#valueCount` are those of the instruction, the others will be used again. */
  readonly #values: MicroValue[] = [];
  #valueCount = 0;
  #temporaries = 0;
  /** Operations from here on may be changed: nothing has seen what they left, and all of them run or none. */
  #open = 0;
  #isCareful = false;

  constructor() {
    const operators = this.#operators();
    this.i32 = operators.i32;
    this.i64 = operators.i64;
    this.f32 = operators.f32;
    this.f64 = operators.f64;
    this.v128 = operators.v128;
    this.i8x16 = operators.i8x16;
    this.i16x8 = operators.i16x8;
    this.i32x4 = operators.i32x4;
    this.i64x2 = operators.i64x2;
    this.f32x4 = operators.f32x4;
    this.f64x2 = operators.f64x2;
  }

  /**
   * The micro-operations of a block, in the writer's own memory until the next call; and whether they are all of it:
   * otherwise some ask for an instruction.
   */
  write<I extends Instruction>(
    isa: Isa<I>,
    instructions: readonly I[],
    mode: number,
  ): { readonly words: Int32Array; readonly isWhole: boolean } {
    let isWhole = true;
    if (instructions.length * MICRO_WORDS >= RESERVE) throw new RangeError("a block of too many instructions");
    this.#end = 0;
    for (let i = 0; i < instructions.length; i++) {
      const instruction = instructions[i] as I;
      if (this.#tries(isa, instruction, mode)) continue;
      this.#put(MICRO.interpret, 0, 0, i);
      isWhole = false;
    }
    this.#limit = MOST_WORDS;
    this.#put(MICRO.end, 0, 0, 0);
    return { words: this.#words.subarray(0, this.#end), isWhole };
  }

  #tries<I extends Instruction>(isa: Isa<I>, instruction: I, mode: number): boolean {
    const start = this.#end;
    this.#limit = MOST_WORDS - RESERVE;
    for (this.#isCareful = false; ; this.#isCareful = true) {
      this.#end = this.#open = start;
      this.#pc = instruction.pc;
      this.#valueCount = this.#temporaries = 0;
      try {
        isa.lift(this, instruction, mode);
        return true;
      } catch (thrown) {
        if (thrown === STALE && !this.#isCareful) continue;
        if (thrown !== UNWRITABLE && thrown !== STALE) throw thrown;
        this.#end = start;
        this.#limit = MOST_WORDS;
        return false;
      }
    }
  }

  #operators(): Operators {
    const byType: Record<string, Record<string, unknown>> = {};
    for (const [type, methods] of Object.entries(OPERATORS)) {
      const made: Record<string, unknown> = (byType[type] = {});
      for (const method of Object.keys(methods)) made[method] = unwritable;
    }
    const i32 = byType["i32"] as Record<string, unknown>;
    MICRO_OPERATORS.forEach((name, number) => {
      const unary = OPERATORS.i32[name].params.length === 1;
      i32[name] = unary
        ? (a: I32): I32 => this.#make(number, this.#placeOf(a), 0)
        : (a: I32, b: I32): I32 => this.#make(number, this.#placeOf(a), this.#placeOf(b));
    });
    // The bits of a float are where the float is.
    for (const [to, from] of [
      ["i32", "F32"],
      ["f32", "I32"],
      ["i64", "F64"],
      ["f64", "I64"],
    ] as const)
      (byType[to] as Record<string, unknown>)[`reinterpret${from}`] = (a: Value): Value => a;
    return byType as unknown as Operators;
  }

  // ── words and values ────────────────────────────────────────────────────────────────────────────────────────

  #put(operation: number, to: number, a: number, word: number): void {
    this.#putWords(microWord(operation, to, a), word);
  }

  #putWords(first: number, second: number): void {
    const at = this.#end;
    if (at >= this.#limit) throw UNWRITABLE;
    this.#words[at] = first;
    this.#words[at + 1] = second;
    this.#end = at + MICRO_WORDS;
  }

  /** An operation with a result, which is in a place of its own. */
  #make<T extends Type>(operation: number, a: number, word: number): Value<T> {
    const place = this.#temporary(1);
    const made = this.#value<T>(place, 1, this.#end);
    this.#put(operation, place, a, word);
    return made;
  }

  /** The same with a result of 64 bits: where that comes to be, it stays. */
  #makeWide<T extends Type>(operation: number, a: number, word: number): Value<T> {
    const place = this.#temporary(2);
    this.#put(operation, place, a, word);
    this.#close();
    return this.#value<T>(place, 2, -1);
  }

  #value<T extends Type>(place: number, width: number, maker: number): Value<T> {
    if (this.#valueCount === this.#values.length) this.#values.push(new MicroValue());
    const value = this.#values[this.#valueCount++] as MicroValue;
    value.place = place;
    value.width = width;
    value.maker = maker;
    return value as unknown as Value<T>;
  }

  #temporary(width: number): number {
    const first = this.#temporaries;
    if (first + width > TEMPORARIES) throw UNWRITABLE;
    this.#temporaries += width;
    return FIRST_TEMPORARY + first;
  }

  #placeOf(value: Value): number {
    const { place } = known(value);
    if (place === NOWHERE) throw STALE;
    return place;
  }

  /** The place of a value of one word. */
  #narrow(value: Value): number {
    if (known(value).width !== 1) throw UNWRITABLE;
    return this.#placeOf(value);
  }

  /** What comes now may be reached, or be seen, without what stands before. */
  #close(): void {
    this.#open = this.#end;
  }

  const32(n: number): I32 {
    const place = placeOfConstant(n | 0);
    return place >= 0 ? this.#value(place, 1, -1) : this.#make(MICRO.constant, 0, n | 0);
  }
  constF32(bits: number): F32 {
    return this.const32(bits) as unknown as F32;
  }
  readonly const64 = unwritable;
  readonly constF64 = unwritable;
  readonly constV128 = unwritable;

  // ── CPU state ───────────────────────────────────────────────────────────────────────────────────────────────

  get<T extends Type>(slot: Slot<T>): Value<T> {
    const register = slot.offset >> 2;
    const width = widthOf(slot);
    if (!this.#isCareful) return this.#value(register, width, -1);
    return width === 1 ? this.#make(MICRO.copy, register, 0) : this.#makeWide(MICRO.copy64, register, 0);
  }

  set<T extends Type>(slot: Slot<T>, value: Value<T>): void {
    const register = slot.offset >> 2;
    const width = widthOf(slot);
    const it = known(value);
    const from = this.#placeOf(value);
    const redirected = !this.#isCareful && it.maker >= this.#open && !this.#isRead(register, it.maker + MICRO_WORDS);
    for (let n = 0; n < this.#valueCount; n++) {
      const other = this.#values[n] as MicroValue;
      if (other.place < register + width && other.place + other.width > register) other.place = NOWHERE;
    }
    if (redirected) {
      this.#redirect(it.maker, from, register);
      it.place = register;
      it.maker = -1;
    } else if (from === register) it.place = register;
    else {
      this.#put(width === 1 ? MICRO.copy : MICRO.copy64, register, from, 0);
      if (width !== 1) this.#close();
    }
  }

  /**
   * The operation at `maker` leaves its result in a register, not in `temporary`; behind it there are only operators and
   * their like.
   */
  #redirect(maker: number, temporary: number, register: number): void {
    const words = this.#words;
    const now = (place: number): number => (place === temporary ? register : place);
    const first = words[maker] as number;
    words[maker] = microWord(first & 0xff, register, first >>> 20);
    for (let at = maker + MICRO_WORDS; at < this.#end; at += MICRO_WORDS) {
      const word = words[at] as number;
      const operation = word & 0xff;
      if (operation === MICRO.constant) continue;
      const others = words[at + 1] as number;
      words[at] = microWord(operation, (word >>> 8) & 0xfff, now(word >>> 20));
      words[at + 1] = now(others & 0xffff) | (now(others >>> 16) << 16);
    }
  }

  /** Whether an operation from `start` on works with a register's old value. */
  #isRead(register: number, start: number): boolean {
    const words = this.#words;
    for (let at = start; at < this.#end; at += MICRO_WORDS) {
      const word = words[at] as number;
      if (word >>> 20 === register || ((word >>> 8) & 0xfff) === register) return true;
      if ((word & 0xff) === MICRO.constant) continue;
      const others = words[at + 1] as number;
      if ((others & 0xffff) === register || others >>> 16 === register) return true;
    }
    return false;
  }

  // ── guest memory ────────────────────────────────────────────────────────────────────────────────────────────

  #load<T extends Type>(operation: number, address: I32): Value<T> {
    const a = this.#placeOf(address);
    this.#close();
    return this.#make(operation, a, this.#pc);
  }
  #store(operation: number, address: I32, value: Value): void {
    this.#put(operation, this.#placeOf(value), this.#placeOf(address), this.#pc);
    this.#close();
  }

  load8U(address: I32): I32 {
    return this.#load(MICRO.load8U, address);
  }
  load8S(address: I32): I32 {
    return this.#load(MICRO.load8S, address);
  }
  load16U(address: I32): I32 {
    return this.#load(MICRO.load16U, address);
  }
  load16S(address: I32): I32 {
    return this.#load(MICRO.load16S, address);
  }
  load32(address: I32): I32 {
    return this.#load(MICRO.load32, address);
  }
  loadF32(address: I32): F32 {
    return this.#load(MICRO.load32, address);
  }
  store8(address: I32, value: I32): void {
    this.#store(MICRO.store8, address, value);
  }
  store16(address: I32, value: I32): void {
    this.#store(MICRO.store16, address, value);
  }
  store32(address: I32, value: I32): void {
    this.#store(MICRO.store32, address, value);
  }
  storeF32(address: I32, value: F32): void {
    this.#store(MICRO.store32, address, value);
  }
  load64(address: I32): I64 {
    return this.#makeWide(MICRO.load64, this.#placeOf(address), this.#pc);
  }
  loadF64(address: I32): F64 {
    return this.#makeWide(MICRO.load64, this.#placeOf(address), this.#pc);
  }
  store64(address: I32, value: I64): void {
    this.#store(MICRO.store64, address, value);
  }
  storeF64(address: I32, value: F64): void {
    this.#store(MICRO.store64, address, value);
  }
  readonly loadV128 = unwritable;
  readonly storeV128 = unwritable;
  readonly compareExchange8 = unwritable;
  readonly compareExchange16 = unwritable;
  readonly compareExchange32 = unwritable;
  readonly compareExchange64 = unwritable;
  fence(): void {
    // One host thread runs all tasks that share this memory.
  }

  // ── choices ─────────────────────────────────────────────────────────────────────────────────────────────────

  select<T extends Type>(condition: I32, ifTrue: Value<T>, ifFalse: Value<T>): Value<T> {
    return this.#make(MICRO.select, this.#placeOf(condition), this.#narrow(ifTrue) | (this.#narrow(ifFalse) << 16));
  }

  when(condition: I32, then: () => void): void {
    const skip = this.#skip(MICRO.skipUnless, condition);
    then();
    this.#land(skip);
  }

  either<T extends Type>(condition: I32, then: () => Value<T>, otherwise: () => Value<T>): Value<T> {
    const place = this.#temporary(1);
    const toSecond = this.#skip(MICRO.skipUnless, condition);
    this.#put(MICRO.copy, place, this.#narrow(then()), 0);
    const toEnd = this.#skip(MICRO.skip);
    this.#land(toSecond);
    this.#put(MICRO.copy, place, this.#narrow(otherwise()), 0);
    this.#land(toEnd);
    return this.#value(place, 1, -1);
  }

  /** Writes a skip whose length is not known yet; returns where it stands. */
  #skip(operation: number, condition?: I32): number {
    const at = this.#end;
    this.#put(operation, 0, condition === undefined ? 0 : this.#placeOf(condition), 0);
    this.#close();
    return at;
  }

  /** A skip goes on here. */
  #land(skip: number): void {
    this.#words[skip + 1] = this.#end - skip;
    this.#close();
  }

  readonly call: <R extends Type>(helper: Helper<R>, ...args: Value[]) => Value<R> = unwritable;
  readonly callVoid = unwritable;

  at(pc: number): void {
    this.#pc = pc;
    this.#close();
  }

  // ── ends ────────────────────────────────────────────────────────────────────────────────────────────────────

  raiseIf(condition: I32, exception: Exception, info?: I32): void {
    this.#raise(MICRO.raiseIf, this.#placeOf(condition), exception, info);
    this.#close();
  }
  raise(exception: Exception, info?: I32): void {
    this.#raise(MICRO.raise, 0, exception, info);
  }
  #raise(operation: number, condition: number, exception: Exception, info: I32 | undefined): void {
    const place = info === undefined ? placeOfConstant(0) : this.#placeOf(info);
    this.#put(operation, place, condition, this.#pc);
    this.#putWords(EXCEPTIONS.indexOf(exception), 0);
  }

  jump(target: number): void {
    this.#put(MICRO.jump, 0, 0, target);
  }
  branch(condition: I32, taken: number, notTaken: number, onTaken?: () => void): void {
    if (!onTaken) {
      this.#put(MICRO.branch, 0, this.#placeOf(condition), taken);
      this.#putWords(notTaken, 0);
      return;
    }
    const skip = this.#skip(MICRO.skipUnless, condition);
    onTaken();
    // Not reached where the taken edge has ended the block in another way.
    this.jump(taken);
    this.#land(skip);
    this.jump(notTaken);
  }
  callDirect(target: number, returnAddress: number): void {
    this.#put(MICRO.callDirect, 0, 0, target);
    this.#putWords(returnAddress, 0);
  }
  callIndirect(target: I32, returnAddress: number): void {
    this.#put(MICRO.callIndirect, 0, this.#placeOf(target), this.#pc);
    this.#putWords(returnAddress, 0);
  }
  jumpIndirect(target: I32): void {
    this.#put(MICRO.jumpIndirect, 0, this.#placeOf(target), this.#pc);
  }
  returnTo(target: I32): void {
    this.#put(MICRO.returnTo, 0, this.#placeOf(target), this.#pc);
  }
  systemCall(next: number): void {
    this.#put(MICRO.systemCall, 0, 0, next);
  }
  leave(next: number | I32): void {
    const target = typeof next === "number" ? this.const32(next) : next;
    this.#put(MICRO.leave, 0, this.#placeOf(target), this.#pc);
  }
}

function unwritable(): never {
  throw UNWRITABLE;
}

/** How many words a register takes. */
function widthOf({ type }: Slot): number {
  if (type === "v128") throw UNWRITABLE;
  return type === "i64" || type === "f64" ? 2 : 1;
}
