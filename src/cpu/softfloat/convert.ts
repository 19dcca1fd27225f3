/** Conversions between formats and to and from integers (IEEE 754-2008 5.4.1, 5.4.2, 5.8, 5.9). */
import type { FloatContext, FloatFormat, Rounding } from "./format.ts";
import { F16, INEXACT, INVALID, isInfinity, isNan, isNegative, isSignalling } from "./format.ts";
import { infinity, roundPack, shiftRound, unpack, zero } from "./round.ts";

export const convertFormat = (from: FloatFormat, to: FloatFormat, a: bigint, context: FloatContext): bigint => {
  if (isNan(from, a)) {
    if (isSignalling(from, a, context.nans)) context.flags |= INVALID;
    return context.nans.convert(from, to, a);
  }
  if (isInfinity(from, a)) return infinity(to, isNegative(from, a));
  const x = unpack(from, a, context);
  return x.significand === 0n ? zero(to, x.negative) : roundPack(to, x.negative, x.significand, x.exponent, context);
};

/** An integer of any size (signed as it stands) to a floating-point number; `fraction` of its low bits are binary places. */
export const fromInteger = (to: FloatFormat, n: bigint, context: FloatContext, fraction = 0): bigint =>
  n === 0n ? 0n : roundPack(to, n < 0n, n < 0n ? -n : n, -fraction, context);

/** What an integer type can hold. */
export interface IntegerRange {
  readonly least: bigint;
  readonly greatest: bigint;
}
const range = (width: bigint, signed: boolean): IntegerRange =>
  signed
    ? { least: -(1n << (width - 1n)), greatest: (1n << (width - 1n)) - 1n }
    : { least: 0n, greatest: (1n << width) - 1n };
export const INT16 = range(16n, true);
export const UINT16 = range(16n, false);
export const INT32 = range(32n, true);
export const UINT32 = range(32n, false);
export const INT64 = range(64n, true);
export const UINT64 = range(64n, false);

/**
 * A floating-point number to an integer with `fraction` binary places. Out of range is invalid (and then not inexact)
 * and gives the nearest end of the range, NaN gives 0; an ISA with another rule replaces the value if it sees INVALID.
 */
export const toInteger = (
  from: FloatFormat,
  a: bigint,
  to: IntegerRange,
  rounding: Rounding,
  context: FloatContext,
  fraction = 0,
): bigint => {
  if (isNan(from, a)) {
    context.flags |= INVALID;
    return 0n;
  }
  const negative = isNegative(from, a);
  if (isInfinity(from, a)) {
    context.flags |= INVALID;
    return negative ? to.least : to.greatest;
  }
  const x = unpack(from, a, context);
  const { value, exact } = shiftRound(x.significand, -(x.exponent + fraction), negative, rounding);
  const n = negative ? -value : value;
  if (n < to.least || n > to.greatest) {
    context.flags |= INVALID;
    return n < to.least ? to.least : to.greatest;
  }
  if (!exact) context.flags |= INEXACT;
  return n;
};

/** Rounds to an integral number in the same format; `signalInexact` as in roundToIntegralExact (5.9). */
export const roundToIntegral = (
  format: FloatFormat,
  a: bigint,
  rounding: Rounding,
  signalInexact: boolean,
  context: FloatContext,
): bigint => {
  if (isNan(format, a)) {
    if (isSignalling(format, a, context.nans)) context.flags |= INVALID;
    return context.nans.propagate(format, [a], false);
  }
  if (isInfinity(format, a)) return a;
  const x = unpack(format, a, context);
  const { value, exact } = shiftRound(x.significand, -x.exponent, x.negative, rounding);
  if (exact) return x.significand === 0n ? zero(format, x.negative) : a;
  if (signalInexact) context.flags |= INEXACT;
  return value === 0n ? zero(format, x.negative) : roundPack(format, x.negative, value, 0, { ...context, flags: 0 });
};

// ── ARM's alternative half precision: no infinities and NaNs, numbers up to 131008 instead ────────────────────────

/** The same numbers with a sixth exponent bit, so that the largest are not special. */
const WIDE_HALF: FloatFormat = {
  ...F16,
  width: 17,
  exponentBits: 6,
  signBit: 1n << 16n,
  infinity: 0x3fn << 10n,
  largest: (0x3fn << 10n) - 1n,
};
const HALF_SIGN = 0x8000n;
const LARGEST_HALF = 0x7fffn;

/** To alternative half precision: NaNs become zeros, and what is too large the largest number, both invalid (FPConvert). */
export const alternativeHalf = (from: FloatFormat, a: bigint, context: FloatContext): bigint => {
  const sign = isNegative(from, a) ? HALF_SIGN : 0n;
  if (isNan(from, a)) {
    context.flags |= INVALID;
    return sign;
  }
  const own: FloatContext = { ...context, flags: 0 };
  const magnitude = convertFormat(from, WIDE_HALF, a, own) & ~WIDE_HALF.signBit;
  if (magnitude > LARGEST_HALF) {
    context.flags |= INVALID;
    return sign | LARGEST_HALF;
  }
  context.flags |= own.flags;
  return sign | magnitude;
};

export const fromAlternativeHalf = (to: FloatFormat, half: bigint, context: FloatContext): bigint =>
  convertFormat(WIDE_HALF, to, (half & LARGEST_HALF) | ((half & HALF_SIGN) << 1n), context);
