/**
 * Conditions and the flag-setting half of the arithmetic (ARM DDI 0406C, A8.3 and A2.2.1). What each flag's slot holds is
 * said in registers.ts.
 *
 * A comparison and the branch on it nearly always stand in one block. So that `cmp a, b; blt` becomes `a < b` and not
 * four flags and a test of two of them, a subtraction notes its operands beside the values that it puts into the flags;
 * as long as the flags still hold these very values, a condition is asked of the operands. The flags themselves then
 * cost nothing where the next instruction that sets them comes before anybody looks.
 */
import type { Emitter, I32, Value } from "../emitter.ts";
import { CF, NF, VF, ZF } from "./registers.ts";

/** An arithmetic result with what it does to C (0 or 1) and V (bit 31). */
export interface Sum {
  readonly value: I32;
  readonly carry: I32;
  readonly overflow: I32;
}

/** What the flags were made of. */
export interface Comparison {
  readonly negative: Value;
  readonly zero: Value;
  readonly carry: Value;
  /** Does the condition hold? Undefined: the flags say it as quickly. */
  readonly holds: (e: Emitter, condition: number) => I32 | undefined;
}
/** By the value in VF, which is made for one comparison only. */
const comparisons = new WeakMap<Value, Comparison>();

/** Notes that the flags, with this value in VF, come from a comparison that conditions can be asked of. */
export function noteComparison(e: Emitter, overflow: Value, comparison: Comparison): void {
  if (!e.computes) comparisons.set(overflow, comparison);
}

export function add(e: Emitter, a: I32, b: I32): Sum {
  const value = e.i32.add(a, b);
  return { value, carry: e.i32.ltU(value, a), overflow: e.i32.and(e.i32.xor(a, value), e.i32.xor(b, value)) };
}

/** `a + constant`; as a subtraction, where that gives the same flags, because comparisons are translated best. */
export function addConstant(e: Emitter, a: I32, constant: number): Sum {
  if ((constant | 0) === 0) return { value: a, carry: e.const32(0), overflow: e.const32(0) };
  if ((constant | 0) === -0x80000000) return add(e, a, e.const32(constant));
  const { carry, overflow } = subtract(e, a, e.const32(-constant), e.i32.add(a, e.const32(constant)));
  return { value: e.i32.add(a, e.const32(constant)), carry, overflow };
}

export function subtract(e: Emitter, a: I32, b: I32, value = e.i32.sub(a, b)): Sum {
  const carry = e.i32.geU(a, b);
  const overflow = e.i32.and(e.i32.xor(a, b), e.i32.xor(a, value));
  if (!e.computes) {
    const holds: Comparison["holds"] = (emitter, condition) => CONDITIONS[condition]!.operands?.(emitter, a, b);
    noteComparison(e, overflow, { negative: value, zero: value, carry, holds });
  }
  return { value, carry, overflow };
}

/** `a + b + C`. */
export function addWithCarry(e: Emitter, a: I32, b: I32): Sum {
  const carryIn = e.get(CF);
  const partial = e.i32.add(a, b);
  const value = e.i32.add(partial, carryIn);
  const carry = e.i32.or(e.i32.ltU(partial, a), e.i32.ltU(value, carryIn));
  return { value, carry, overflow: e.i32.and(e.i32.xor(a, value), e.i32.xor(b, value)) };
}

/** `a - b - (1 - C)`. */
export function subtractWithCarry(e: Emitter, a: I32, b: I32): Sum {
  return addWithCarry(e, a, e.i32.xor(b, e.const32(-1)));
}

export function setNz(e: Emitter, result: I32): void {
  e.set(NF, result);
  e.set(ZF, result);
}

export function setNzcv(e: Emitter, { value, carry, overflow }: Sum): void {
  setNz(e, value);
  e.set(CF, carry);
  e.set(VF, overflow);
}

/** Sets N and Z from a 64-bit result (A8.8.257). */
export function setNz64(e: Emitter, low: I32, high: I32): void {
  e.set(NF, high);
  e.set(ZF, e.i32.or(low, high));
}

/** NZCV from bits 31 to 28 of a word, as `msr` and `vmrs APSR_nzcv, fpscr` write them. */
export function setNzcvFromWord(e: Emitter, word: I32): void {
  e.set(NF, word);
  e.set(ZF, e.i32.xor(e.i32.and(word, e.const32(0x40000000)), e.const32(0x40000000)));
  e.set(CF, e.i32.and(e.i32.shrU(word, e.const32(29)), e.const32(1)));
  e.set(VF, e.i32.shl(word, e.const32(3)));
}

/** NZCV in bits 31 to 28. */
export function nzcvAsWord(e: Emitter): I32 {
  const n = e.i32.and(e.get(NF), e.const32(0x80000000));
  const z = e.i32.shl(e.i32.eqz(e.get(ZF)), e.const32(30));
  const c = e.i32.shl(e.get(CF), e.const32(29));
  const v = e.i32.shl(e.i32.shrU(e.get(VF), e.const32(31)), e.const32(28));
  return e.i32.or(e.i32.or(n, z), e.i32.or(c, v));
}

/** The condition code "always". */
export const ALWAYS = 14;

/** How a condition is asked of the flags, and how of the operands of a subtraction. Each is followed by its opposite. */
const CONDITIONS: readonly {
  readonly flags: (e: Emitter) => I32;
  readonly operands?: (e: Emitter, a: I32, b: I32) => I32;
}[] = [
  // eq, ne
  { flags: (e) => e.i32.eqz(e.get(ZF)), operands: (e, a, b) => e.i32.eq(a, b) },
  { flags: (e) => e.i32.ne(e.get(ZF), e.const32(0)), operands: (e, a, b) => e.i32.ne(a, b) },
  // cs, cc
  { flags: (e) => e.get(CF) },
  { flags: (e) => e.i32.eqz(e.get(CF)), operands: (e, a, b) => e.i32.ltU(a, b) },
  // mi, pl
  { flags: (e) => e.i32.ltS(e.get(NF), e.const32(0)) },
  { flags: (e) => e.i32.geS(e.get(NF), e.const32(0)) },
  // vs, vc
  { flags: (e) => e.i32.ltS(e.get(VF), e.const32(0)) },
  { flags: (e) => e.i32.geS(e.get(VF), e.const32(0)) },
  // hi, ls
  { flags: (e) => e.i32.and(e.get(CF), e.i32.ne(e.get(ZF), e.const32(0))), operands: (e, a, b) => e.i32.gtU(a, b) },
  { flags: (e) => e.i32.or(e.i32.eqz(e.get(CF)), e.i32.eqz(e.get(ZF))), operands: (e, a, b) => e.i32.leU(a, b) },
  // ge, lt
  { flags: (e) => e.i32.geS(e.i32.xor(e.get(NF), e.get(VF)), e.const32(0)), operands: (e, a, b) => e.i32.geS(a, b) },
  { flags: (e) => e.i32.ltS(e.i32.xor(e.get(NF), e.get(VF)), e.const32(0)), operands: (e, a, b) => e.i32.ltS(a, b) },
  // gt, le
  {
    flags: (e) =>
      e.i32.and(e.i32.geS(e.i32.xor(e.get(NF), e.get(VF)), e.const32(0)), e.i32.ne(e.get(ZF), e.const32(0))),
    operands: (e, a, b) => e.i32.gtS(a, b),
  },
  {
    flags: (e) => e.i32.or(e.i32.ltS(e.i32.xor(e.get(NF), e.get(VF)), e.const32(0)), e.i32.eqz(e.get(ZF))),
    operands: (e, a, b) => e.i32.leS(a, b),
  },
];

/** Does condition 0 to 13 hold? Zero or one. */
export function conditionHolds(e: Emitter, condition: number): I32 {
  const noted = e.computes ? undefined : comparisons.get(e.get(VF));
  const current =
    noted && e.get(NF) === noted.negative && e.get(ZF) === noted.zero && e.get(CF) === noted.carry ? noted : undefined;
  return current?.holds(e, condition) ?? CONDITIONS[condition]!.flags(e);
}
