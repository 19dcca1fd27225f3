/** Taking numbers apart, and the one place where an exact result is rounded to a format (IEEE 754-2008 clauses 4 and 7). */
import type { FloatContext, FloatFormat, Rounding } from "./format.ts";
import { INEXACT, INPUT_FLUSHED, OVERFLOW, RESULT_FLUSHED, UNDERFLOW, isNegative } from "./format.ts";

/** A finite number: (-1)^negative × significand × 2^exponent. Zero has significand 0. */
export interface Finite {
  readonly negative: boolean;
  readonly significand: bigint;
  readonly exponent: number;
}

export const bitLength = (n: bigint): number => {
  if (n <= 0xffffffffn) return 32 - Math.clz32(Number(n));
  const hex = n.toString(16);
  return 4 * hex.length - Math.clz32(Number.parseInt(hex.charAt(0), 16)) + 28;
};

/** Takes a finite number apart; a subnormal becomes zero where the context flushes inputs. */
export const unpack = (format: FloatFormat, bits: bigint, context: FloatContext): Finite => {
  const negative = isNegative(format, bits);
  const fraction = bits & format.fractionMask;
  const biased = Number((bits & format.infinity) >> BigInt(format.fractionBits));
  if (biased !== 0)
    return {
      negative,
      significand: fraction | (format.fractionMask + 1n),
      exponent: biased - format.bias - format.fractionBits,
    };
  if (fraction !== 0n && context.flushInputs) {
    context.flags |= INPUT_FLUSHED;
    return { negative, significand: 0n, exponent: 0 };
  }
  return { negative, significand: fraction, exponent: 1 - format.bias - format.fractionBits };
};

/**
 * significand / 2^shift as an integer, rounded. A remainder that was thrown away earlier must be in `significand`'s
 * lowest bit already (a sticky bit, with `shift` at least 2).
 */
export const shiftRound = (
  significand: bigint,
  shift: number,
  negative: boolean,
  rounding: Rounding,
): { readonly value: bigint; readonly exact: boolean } => {
  if (shift <= 0) return { value: significand << BigInt(-shift), exact: true };
  const value = significand >> BigInt(shift);
  const remainder = significand - (value << BigInt(shift));
  if (remainder === 0n) return { value, exact: true };
  const half = 1n << BigInt(shift - 1);
  let away: boolean;
  switch (rounding) {
    case "nearestEven":
      away = remainder > half || (remainder === half && (value & 1n) === 1n);
      break;
    case "nearestAway":
      away = remainder >= half;
      break;
    case "towardZero":
      away = false;
      break;
    case "up":
      away = !negative;
      break;
    case "down":
      away = negative;
      break;
  }
  return { value: away ? value + 1n : value, exact: false };
};

export const zero = (format: FloatFormat, negative: boolean): bigint => (negative ? format.signBit : 0n);
export const infinity = (format: FloatFormat, negative: boolean): bigint => zero(format, negative) | format.infinity;

/** Rounds significand × 2^exponent (not zero) to the format, with flags. */
export const roundPack = (
  format: FloatFormat,
  negative: boolean,
  significand: bigint,
  exponent: number,
  context: FloatContext,
): bigint => {
  const { rounding } = context;
  const precision = format.fractionBits + 1;
  const smallest = 1 - format.bias;
  const top = exponent + bitLength(significand) - 1;
  const tinyBefore = top < smallest;
  if (tinyBefore && context.flushResults) {
    context.flags |= RESULT_FLUSHED;
    return zero(format, negative);
  }
  let unit = Math.max(top, smallest) - precision + 1;
  const rounded = shiftRound(significand, unit - exponent, negative, rounding);
  let { value } = rounded;
  if (value >> BigInt(precision) !== 0n) {
    value >>= 1n;
    unit += 1;
  }
  const biased = unit + precision - 1 + format.bias;
  if (biased >= 2 ** format.exponentBits - 1) {
    context.flags |= OVERFLOW | INEXACT;
    const toInfinity =
      rounding === "nearestEven" || rounding === "nearestAway" || rounding === (negative ? "down" : "up");
    return zero(format, negative) | (toInfinity ? format.infinity : format.largest);
  }
  if (!rounded.exact) {
    context.flags |= INEXACT;
    if (
      tinyBefore &&
      (context.tininessBeforeRounding ||
        staysTiny(format, significand, top - precision + 1 - exponent, top, negative, rounding))
    )
      context.flags |= UNDERFLOW;
  }
  // A subnormal has no hidden bit, and one that was rounded up to the smallest normal number carries into the exponent.
  return (
    zero(format, negative) |
    (biased > 1 || value > format.fractionMask
      ? (BigInt(biased) << BigInt(format.fractionBits)) | (value & format.fractionMask)
      : value)
  );
};

/** Whether the result would still be below the smallest normal number if the exponent had no lower bound (IEEE 754-2008 7.5 a). */
const staysTiny = (
  format: FloatFormat,
  significand: bigint,
  shift: number,
  top: number,
  negative: boolean,
  rounding: Rounding,
): boolean => {
  const { value } = shiftRound(significand, shift, negative, rounding);
  return top + (value >> BigInt(format.fractionBits + 1) !== 0n ? 1 : 0) < 1 - format.bias;
};
