/** Add, subtract, multiply, divide, square root, fused multiply-add, comparison (IEEE 754-2008 5.4.1, 5.6.1). */
import type { FloatContext, FloatFormat } from "./format.ts";
import { DIVIDE_BY_ZERO, INVALID, isInfinity, isNan, isNegative, isSignalling, isZero } from "./format.ts";
import { bitLength, infinity, roundPack, unpack, zero } from "./round.ts";

/** The NaN that comes of NaN operands, or undefined if there are none. */
const nanOf = (
  format: FloatFormat,
  operands: readonly bigint[],
  context: FloatContext,
  infinityTimesZero = false,
): bigint | undefined => {
  if (!operands.some((x) => isNan(format, x))) return undefined;
  if (operands.some((x) => isSignalling(format, x, context.nans))) context.flags |= INVALID;
  return context.nans.propagate(format, operands, infinityTimesZero);
};

const invalid = (format: FloatFormat, context: FloatContext): bigint => {
  context.flags |= INVALID;
  return context.nans.defaultNan(format);
};

/** The sign of an exact zero sum of operands with different signs (IEEE 754-2008 6.3). */
const zeroSum = (format: FloatFormat, context: FloatContext): bigint => zero(format, context.rounding === "down");

export const add = (format: FloatFormat, a: bigint, b: bigint, context: FloatContext): bigint => {
  const nan = nanOf(format, [a, b], context);
  if (nan !== undefined) return nan;
  return sum(format, a, b, context);
};

export const subtract = (format: FloatFormat, a: bigint, b: bigint, context: FloatContext): bigint => {
  const nan = nanOf(format, [a, b], context);
  if (nan !== undefined) return nan;
  return sum(format, a, b ^ format.signBit, context);
};

const sum = (format: FloatFormat, a: bigint, b: bigint, context: FloatContext): bigint => {
  const x = isInfinity(format, a) ? undefined : unpack(format, a, context);
  const y = isInfinity(format, b) ? undefined : unpack(format, b, context);
  if (x === undefined || y === undefined) {
    if (x === undefined && y === undefined && a !== b) return invalid(format, context);
    return x === undefined ? a : b;
  }
  const exponent = Math.min(x.exponent, y.exponent);
  const total =
    ((x.negative ? -x.significand : x.significand) << BigInt(x.exponent - exponent)) +
    ((y.negative ? -y.significand : y.significand) << BigInt(y.exponent - exponent));
  if (total === 0n) return x.negative === y.negative ? zero(format, x.negative) : zeroSum(format, context);
  return total < 0n
    ? roundPack(format, true, -total, exponent, context)
    : roundPack(format, false, total, exponent, context);
};

export const multiply = (format: FloatFormat, a: bigint, b: bigint, context: FloatContext): bigint => {
  const nan = nanOf(format, [a, b], context);
  if (nan !== undefined) return nan;
  const negative = isNegative(format, a) !== isNegative(format, b);
  const x = isInfinity(format, a) ? undefined : unpack(format, a, context);
  const y = isInfinity(format, b) ? undefined : unpack(format, b, context);
  if (x === undefined || y === undefined)
    return x?.significand === 0n || y?.significand === 0n ? invalid(format, context) : infinity(format, negative);
  const product = x.significand * y.significand;
  return product === 0n
    ? zero(format, negative)
    : roundPack(format, negative, product, x.exponent + y.exponent, context);
};

export const divide = (format: FloatFormat, a: bigint, b: bigint, context: FloatContext): bigint => {
  const nan = nanOf(format, [a, b], context);
  if (nan !== undefined) return nan;
  const negative = isNegative(format, a) !== isNegative(format, b);
  const x = isInfinity(format, a) ? undefined : unpack(format, a, context);
  const y = isInfinity(format, b) ? undefined : unpack(format, b, context);
  if (x === undefined) return y === undefined ? invalid(format, context) : infinity(format, negative);
  if (y === undefined) return zero(format, negative);
  if (y.significand === 0n) {
    if (x.significand === 0n) return invalid(format, context);
    context.flags |= DIVIDE_BY_ZERO;
    return infinity(format, negative);
  }
  if (x.significand === 0n) return zero(format, negative);
  // Two bits more than the result needs, then a sticky bit for the remainder.
  const shift = Math.max(0, format.fractionBits + 4 + bitLength(y.significand) - bitLength(x.significand));
  const numerator = x.significand << BigInt(shift);
  const quotient = numerator / y.significand;
  const sticky = quotient * y.significand === numerator ? quotient << 1n : (quotient << 1n) | 1n;
  return roundPack(format, negative, sticky, x.exponent - y.exponent - shift - 1, context);
};

/** The integer square root, rounded down. */
const integerRoot = (n: bigint): bigint => {
  let x = 1n << BigInt((bitLength(n) + 1) >> 1);
  for (;;) {
    const next = (x + n / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
};

export const squareRoot = (format: FloatFormat, a: bigint, context: FloatContext): bigint => {
  const nan = nanOf(format, [a], context);
  if (nan !== undefined) return nan;
  if (isInfinity(format, a)) return isNegative(format, a) ? invalid(format, context) : a;
  const x = unpack(format, a, context);
  if (x.significand === 0n) return zero(format, x.negative);
  if (x.negative) return invalid(format, context);
  let shift = Math.max(0, 2 * (format.fractionBits + 4) - bitLength(x.significand));
  if (((x.exponent - shift) & 1) !== 0) shift += 1;
  const radicand = x.significand << BigInt(shift);
  const root = integerRoot(radicand);
  const sticky = root * root === radicand ? root << 1n : (root << 1n) | 1n;
  return roundPack(format, false, sticky, (x.exponent - shift) / 2 - 1, context);
};

/** a × b + c with one rounding. */
export const multiplyAdd = (format: FloatFormat, a: bigint, b: bigint, c: bigint, context: FloatContext): bigint => {
  const infinityTimesZero =
    (isInfinity(format, a) && isZero(format, b)) || (isZero(format, a) && isInfinity(format, b));
  const nan = nanOf(format, [a, b, c], context, infinityTimesZero);
  if (nan !== undefined) {
    if (infinityTimesZero) context.flags |= INVALID;
    return nan;
  }
  const negative = isNegative(format, a) !== isNegative(format, b);
  const x = isInfinity(format, a) ? undefined : unpack(format, a, context);
  const y = isInfinity(format, b) ? undefined : unpack(format, b, context);
  const z = isInfinity(format, c) ? undefined : unpack(format, c, context);
  if (x === undefined || y === undefined) {
    if (x?.significand === 0n || y?.significand === 0n) return invalid(format, context);
    if (z === undefined && isNegative(format, c) !== negative) return invalid(format, context);
    return infinity(format, negative);
  }
  if (z === undefined) return c;
  const product = x.significand * y.significand;
  const productExponent = x.exponent + y.exponent;
  const exponent = Math.min(productExponent, z.exponent);
  const total =
    ((negative ? -product : product) << BigInt(productExponent - exponent)) +
    ((z.negative ? -z.significand : z.significand) << BigInt(z.exponent - exponent));
  if (total === 0n) return negative === z.negative ? zero(format, negative) : zeroSum(format, context);
  return total < 0n
    ? roundPack(format, true, -total, exponent, context)
    : roundPack(format, false, total, exponent, context);
};

export type Relation = "less" | "equal" | "greater" | "unordered";

/** Compares. A quiet comparison is invalid for signalling NaNs only, a signalling one for every NaN (5.11). */
export const compare = (
  format: FloatFormat,
  a: bigint,
  b: bigint,
  signalling: boolean,
  context: FloatContext,
): Relation => {
  if (isNan(format, a) || isNan(format, b)) {
    if (signalling || isSignalling(format, a, context.nans) || isSignalling(format, b, context.nans))
      context.flags |= INVALID;
    return "unordered";
  }
  const x = ordinal(format, a, context);
  const y = ordinal(format, b, context);
  return x < y ? "less" : x > y ? "greater" : "equal";
};

/** The bits of a number as an integer that is ordered as the number is. */
const ordinal = (format: FloatFormat, bits: bigint, context: FloatContext): bigint => {
  const flushed = !isInfinity(format, bits) && unpack(format, bits, context).significand === 0n;
  const magnitude = flushed ? 0n : bits & ~format.signBit;
  return isNegative(format, bits) ? -magnitude : magnitude;
};
