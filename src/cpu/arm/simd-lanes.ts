/**
 * Integer arithmetic on the lanes of a vector, by lane size `z` as the instructions encode it (0 bytes, 1 halfwords, 2
 * words, 3 doublewords), with what Wasm does not have made of what it has. Nothing here knows a register.
 */
import type { Emitter, I32, V128 } from "../emitter.ts";

/** 0 to 3: lanes of 8, 16, 32 and 64 bits. */
export type LaneSize = 0 | 1 | 2 | 3;
export const laneBits = (z: number): number => 8 << z;

const NAMES = ["i8x16", "i16x8", "i32x4", "i64x2"] as const;
type Binary =
  | "add"
  | "sub"
  | "eq"
  | "mul"
  | "gtS"
  | "gtU"
  | "geS"
  | "geU"
  | "minS"
  | "minU"
  | "maxS"
  | "maxU"
  | "addSatS"
  | "addSatU"
  | "subSatS"
  | "subSatU"
  | "avgrU";
type Unary = "neg" | "abs";
type Shift = "shl" | "shrS" | "shrU";
/** The operators of one lane size; which of them exist is the caller's business. */
type LaneOperators = Readonly<Record<Binary, (a: V128, b: V128) => V128>> &
  Readonly<Record<Unary, (a: V128) => V128>> &
  Readonly<Record<Shift, (a: V128, n: I32) => V128>>;
const lanes = (e: Emitter, z: number): LaneOperators => e[NAMES[z]!] as unknown as LaneOperators;

/** The same bits in all lanes. */
export function splat(e: Emitter, z: number, bits: bigint): V128 {
  let all = BigInt.asUintN(8 << z, bits);
  for (let width = 8 << z; width < 64; width *= 2) all |= all << BigInt(width);
  return e.constV128(all, all);
}
export const zero = (e: Emitter): V128 => e.constV128(0n, 0n);
export const ones = (e: Emitter): V128 => e.constV128(-1n, -1n);
const signBits = (e: Emitter, z: number): V128 => splat(e, z, 1n << BigInt(laneBits(z) - 1));

// ── the same for all sizes ────────────────────────────────────────────────────────────────────────────────────────

export const add = (e: Emitter, z: number, a: V128, b: V128): V128 => lanes(e, z).add(a, b);
export const sub = (e: Emitter, z: number, a: V128, b: V128): V128 => lanes(e, z).sub(a, b);
export const equal = (e: Emitter, z: number, a: V128, b: V128): V128 => lanes(e, z).eq(a, b);
export const negate = (e: Emitter, z: number, a: V128): V128 => lanes(e, z).neg(a);
export const absolute = (e: Emitter, z: number, a: V128): V128 => lanes(e, z).abs(a);

/** Shifts by a constant, 0 to the lane size. */
export function shiftLeft(e: Emitter, z: number, a: V128, n: number): V128 {
  if (n === 0) return a;
  return n >= laneBits(z) ? zero(e) : lanes(e, z).shl(a, e.const32(n));
}
export function shiftRight(e: Emitter, z: number, unsigned: boolean, a: V128, n: number): V128 {
  if (n === 0) return a;
  if (!unsigned) return lanes(e, z).shrS(a, e.const32(Math.min(n, laneBits(z) - 1)));
  return n >= laneBits(z) ? zero(e) : lanes(e, z).shrU(a, e.const32(n));
}
/** Shifts right by 1 to the lane size, rounding halves up. */
export function shiftRightRounding(e: Emitter, z: number, unsigned: boolean, a: V128, n: number): V128 {
  const lastOut = e.v128.and(shiftRight(e, z, unsigned, a, n - 1), splat(e, z, 1n));
  return add(e, z, shiftRight(e, z, unsigned, a, n), lastOut);
}

export function greater(e: Emitter, z: number, unsigned: boolean, a: V128, b: V128): V128 {
  if (!unsigned) return lanes(e, z).gtS(a, b);
  if (z !== 3) return lanes(e, z).gtU(a, b);
  return e.i64x2.gtS(e.v128.xor(a, signBits(e, 3)), e.v128.xor(b, signBits(e, 3)));
}
export const greaterOrEqual = (e: Emitter, z: number, unsigned: boolean, a: V128, b: V128): V128 =>
  z === 3 ? e.v128.not(greater(e, 3, unsigned, b, a)) : unsigned ? lanes(e, z).geU(a, b) : lanes(e, z).geS(a, b);

export function minimum(e: Emitter, z: number, unsigned: boolean, a: V128, b: V128): V128 {
  if (z === 3) return e.v128.bitselect(b, a, greater(e, 3, unsigned, a, b));
  return unsigned ? lanes(e, z).minU(a, b) : lanes(e, z).minS(a, b);
}
export function maximum(e: Emitter, z: number, unsigned: boolean, a: V128, b: V128): V128 {
  if (z === 3) return e.v128.bitselect(a, b, greater(e, 3, unsigned, a, b));
  return unsigned ? lanes(e, z).maxU(a, b) : lanes(e, z).maxS(a, b);
}
export const absoluteDifference = (e: Emitter, z: number, unsigned: boolean, a: V128, b: V128): V128 =>
  sub(e, z, maximum(e, z, unsigned, a, b), minimum(e, z, unsigned, a, b));

const EVEN_BYTES = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30];
export function multiply(e: Emitter, z: number, a: V128, b: V128): V128 {
  if (z !== 0) return lanes(e, z).mul(a, b);
  return e.i8x16.shuffle(e.i16x8.extmulLowI8x16U(a, b), e.i16x8.extmulHighI8x16U(a, b), EVEN_BYTES);
}

// ── halving ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** (a + b) >> 1 without overflow: what both have, and half of what one has. */
export const halvingAdd = (e: Emitter, z: number, unsigned: boolean, a: V128, b: V128): V128 =>
  add(e, z, e.v128.and(a, b), shiftRight(e, z, unsigned, e.v128.xor(a, b), 1));
export const halvingAddRounding = (e: Emitter, z: number, unsigned: boolean, a: V128, b: V128): V128 =>
  unsigned && z < 2
    ? lanes(e, z).avgrU(a, b)
    : sub(e, z, e.v128.or(a, b), shiftRight(e, z, unsigned, e.v128.xor(a, b), 1));
export const halvingSub = (e: Emitter, z: number, unsigned: boolean, a: V128, b: V128): V128 =>
  sub(e, z, shiftRight(e, z, unsigned, e.v128.xor(a, b), 1), e.v128.andnot(b, a));

// ── saturation ────────────────────────────────────────────────────────────────────────────────────────────────────

/** The end of the signed range on the side of `a`'s sign. */
const signedLimit = (e: Emitter, z: number, a: V128): V128 =>
  e.v128.xor(shiftRight(e, z, false, a, laneBits(z) - 1), splat(e, z, (1n << BigInt(laneBits(z) - 1)) - 1n));

/** A result, and lanes that are not zero where it is not what it would be without saturation. */
export interface Saturated {
  readonly value: V128;
  readonly changed: V128;
}
export function addSaturating(e: Emitter, z: number, unsigned: boolean, a: V128, b: V128): Saturated {
  const total = add(e, z, a, b);
  if (z < 2) {
    const value = unsigned ? lanes(e, z).addSatU(a, b) : lanes(e, z).addSatS(a, b);
    return { value, changed: e.v128.xor(value, total) };
  }
  if (unsigned) {
    const carry = greater(e, z, true, a, total);
    return { value: e.v128.or(total, carry), changed: carry };
  }
  const overflow = shiftRight(e, z, false, e.v128.and(e.v128.xor(a, total), e.v128.xor(b, total)), laneBits(z) - 1);
  return { value: e.v128.bitselect(signedLimit(e, z, a), total, overflow), changed: overflow };
}
export function subSaturating(e: Emitter, z: number, unsigned: boolean, a: V128, b: V128): Saturated {
  const difference = sub(e, z, a, b);
  if (z < 2) {
    const value = unsigned ? lanes(e, z).subSatU(a, b) : lanes(e, z).subSatS(a, b);
    return { value, changed: e.v128.xor(value, difference) };
  }
  if (unsigned) {
    const borrow = greater(e, z, true, b, a);
    return { value: e.v128.andnot(difference, borrow), changed: borrow };
  }
  const overflow = shiftRight(e, z, false, e.v128.and(e.v128.xor(a, b), e.v128.xor(a, difference)), laneBits(z) - 1);
  return { value: e.v128.bitselect(signedLimit(e, z, a), difference, overflow), changed: overflow };
}

/** Lanes limited to what fits the signed or unsigned lanes of half their size. */
export function clampToNarrow(
  e: Emitter,
  wide: number,
  unsignedSource: boolean,
  unsignedResult: boolean,
  a: V128,
): Saturated {
  const bits = BigInt(laneBits(wide) / 2);
  const greatest = splat(e, wide, unsignedResult ? (1n << bits) - 1n : (1n << (bits - 1n)) - 1n);
  let value = minimum(e, wide, unsignedSource, a, greatest);
  if (!unsignedSource)
    value = maximum(e, wide, false, value, unsignedResult ? zero(e) : splat(e, wide, -(1n << (bits - 1n))));
  return { value, changed: e.v128.xor(value, a) };
}

/** a << n, 0 ≤ n < lane size, saturating to signed or unsigned lanes; `unsignedSource` says what `a` is. */
export function shiftLeftSaturating(
  e: Emitter,
  z: number,
  unsignedSource: boolean,
  unsignedResult: boolean,
  a: V128,
  n: number,
): Saturated {
  const shifted = shiftLeft(e, z, a, n);
  const lost = e.v128.not(equal(e, z, shiftRight(e, z, unsignedResult, shifted, n), a));
  if (unsignedSource) return { value: e.v128.or(shifted, lost), changed: lost };
  if (!unsignedResult) return { value: e.v128.bitselect(signedLimit(e, z, a), shifted, lost), changed: lost };
  // Negative numbers become zero.
  const negative = shiftRight(e, z, false, a, laneBits(z) - 1);
  return { value: e.v128.andnot(e.v128.or(shifted, lost), negative), changed: e.v128.or(lost, negative) };
}

// ── between sizes ─────────────────────────────────────────────────────────────────────────────────────────────────

/** The lower half's lanes (size `z`), widened. */
export function extendLow(e: Emitter, z: number, unsigned: boolean, a: V128): V128 {
  if (z === 0) return unsigned ? e.i16x8.extendLowI8x16U(a) : e.i16x8.extendLowI8x16S(a);
  if (z === 1) return unsigned ? e.i32x4.extendLowI16x8U(a) : e.i32x4.extendLowI16x8S(a);
  return unsigned ? e.i64x2.extendLowI32x4U(a) : e.i64x2.extendLowI32x4S(a);
}
/** Products of the lower halves' lanes, in twice their size. */
export function multiplyLow(e: Emitter, z: number, unsigned: boolean, a: V128, b: V128): V128 {
  if (z === 0) return unsigned ? e.i16x8.extmulLowI8x16U(a, b) : e.i16x8.extmulLowI8x16S(a, b);
  if (z === 1) return unsigned ? e.i32x4.extmulLowI16x8U(a, b) : e.i32x4.extmulLowI16x8S(a, b);
  return unsigned ? e.i64x2.extmulLowI32x4U(a, b) : e.i64x2.extmulLowI32x4S(a, b);
}
export function multiplyHigh(e: Emitter, z: number, a: V128, b: V128): V128 {
  return z === 1 ? e.i32x4.extmulHighI16x8S(a, b) : e.i64x2.extmulHighI32x4S(a, b);
}

/** For a shuffle: from wide lanes of both operands the half that begins at byte `at`. */
const halves = (wide: number, at: number): number[] => {
  const half = laneBits(wide) / 16;
  return Array.from({ length: 16 }, (_, n) => 2 * half * Math.floor(n / half) + at + (n % half));
};
/** The lower halves of the wide lanes of `a`, then of `b`. */
export const narrow = (e: Emitter, wide: number, a: V128, b: V128): V128 => e.i8x16.shuffle(a, b, halves(wide, 0));
/** The upper halves. */
export const narrowHigh = (e: Emitter, wide: number, a: V128, b: V128): V128 =>
  e.i8x16.shuffle(a, b, halves(wide, laneBits(wide) / 16));

/** Sums of neighbouring lanes, in twice their size. */
export function addPairsLong(e: Emitter, z: number, unsigned: boolean, a: V128): V128 {
  if (z === 0) return unsigned ? e.i16x8.extaddPairwiseI8x16U(a) : e.i16x8.extaddPairwiseI8x16S(a);
  if (z === 1) return unsigned ? e.i32x4.extaddPairwiseI16x8U(a) : e.i32x4.extaddPairwiseI16x8S(a);
  return e.i64x2.add(shiftRight(e, 3, unsigned, e.i64x2.shl(a, e.const32(32)), 32), shiftRight(e, 3, unsigned, a, 32));
}

// ── doubling products ─────────────────────────────────────────────────────────────────────────────────────────────

/** 1 bits in lanes where the doubled product of `a` and `b` overflows: both are the least number. */
const bothLeast = (e: Emitter, z: number, a: V128, b: V128): V128 =>
  e.v128.and(equal(e, z, a, signBits(e, z)), equal(e, z, b, signBits(e, z)));

/** The upper halves of doubled products, of halfwords or words. */
export function doublingHigh(e: Emitter, z: number, rounding: boolean, a: V128, b: V128): Saturated {
  const changed = bothLeast(e, z, a, b);
  if (z === 1 && rounding) return { value: e.i16x8.q15mulrSatS(a, b), changed };
  const high = (product: V128): V128 => {
    const sum = rounding ? add(e, z + 1, product, splat(e, z + 1, 1n << BigInt(laneBits(z) - 2))) : product;
    return shiftRight(e, z + 1, false, sum, laneBits(z) - 1);
  };
  const value = narrow(e, z + 1, high(multiplyLow(e, z, false, a, b)), high(multiplyHigh(e, z, a, b)));
  // Where it overflows, the value is the least number; one less is the greatest.
  return { value: add(e, z, value, changed), changed };
}
/** Doubled products of the lower halves' lanes. */
export function doublingLong(e: Emitter, z: number, a: V128, b: V128): Saturated {
  const product = multiplyLow(e, z, false, a, b);
  return addSaturating(e, z + 1, false, product, product);
}

// ── polynomials over {0, 1} ───────────────────────────────────────────────────────────────────────────────────────

export function polynomialMultiply(e: Emitter, a: V128, b: V128): V128 {
  let result = zero(e);
  for (let n = 0; n < 8; n++) {
    const bit = splat(e, 0, 1n << BigInt(n));
    result = e.v128.xor(result, e.v128.and(e.i8x16.eq(e.v128.and(a, bit), bit), e.i8x16.shl(b, e.const32(n))));
  }
  return result;
}
/** Of the lower halves' bytes, in halfwords. */
export function polynomialMultiplyLong(e: Emitter, a: V128, b: V128): V128 {
  const [x, y] = [extendLow(e, 0, true, a), extendLow(e, 0, true, b)];
  let result = zero(e);
  for (let n = 0; n < 8; n++) {
    const bit = splat(e, 1, 1n << BigInt(n));
    result = e.v128.xor(result, e.v128.and(e.i16x8.eq(e.v128.and(x, bit), bit), e.i16x8.shl(y, e.const32(n))));
  }
  return result;
}

// ── counting ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Every bit below the highest one that is set, too. */
function smear(e: Emitter, z: number, a: V128): V128 {
  let result = a;
  for (let n = 1; n < laneBits(z); n *= 2) result = e.v128.or(result, shiftRight(e, z, true, result, n));
  return result;
}
/** Leading zeros, in lanes of 8, 16 or 32 bits: the ones of what is not smeared. */
export function leadingZeros(e: Emitter, z: number, a: V128): V128 {
  let count = e.i8x16.popcnt(e.v128.not(smear(e, z, a)));
  if (z > 0) count = e.i16x8.extaddPairwiseI8x16U(count);
  if (z > 1) count = e.i32x4.extaddPairwiseI16x8U(count);
  return count;
}
/** Bits after the sign that are like it. */
export const leadingSigns = (e: Emitter, z: number, a: V128): V128 =>
  sub(e, z, leadingZeros(e, z, e.v128.xor(a, shiftRight(e, z, false, a, laneBits(z) - 1))), splat(e, z, 1n));
