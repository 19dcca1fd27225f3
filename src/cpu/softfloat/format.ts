/**
 * IEEE 754 binary formats, and what an instruction set adds to the standard: which NaNs it makes, how it rounds, what
 * it flushes. Nothing here knows a particular ISA.
 *
 * Numbers travel as their bits in a `bigint`: this is the rare path, where exactness and readable arithmetic count.
 */

/** A binary interchange format (IEEE 754-2008 3.6). */
export interface FloatFormat {
  readonly name: "f16" | "f32" | "f64";
  readonly width: number;
  /** Fraction bits as stored, without the hidden bit. */
  readonly fractionBits: number;
  readonly exponentBits: number;
  readonly bias: number;
  readonly signBit: bigint;
  readonly fractionMask: bigint;
  /** The most significant fraction bit, by which quiet and signalling NaNs are told apart. */
  readonly quietBit: bigint;
  readonly infinity: bigint;
  readonly largest: bigint;
}

const format = (name: FloatFormat["name"], width: number, fractionBits: number): FloatFormat => {
  const exponentBits = width - 1 - fractionBits;
  const infinity = ((1n << BigInt(exponentBits)) - 1n) << BigInt(fractionBits);
  return {
    name,
    width,
    fractionBits,
    exponentBits,
    bias: 2 ** (exponentBits - 1) - 1,
    signBit: 1n << BigInt(width - 1),
    fractionMask: (1n << BigInt(fractionBits)) - 1n,
    quietBit: 1n << BigInt(fractionBits - 1),
    infinity,
    largest: infinity - 1n,
  };
};
export const F16 = format("f16", 16, 10);
export const F32 = format("f32", 32, 23);
export const F64 = format("f64", 64, 52);

/** The exceptions of IEEE 754-2008 clause 7 in the standard's order, then two that some ISAs report. */
export const INVALID = 1;
export const DIVIDE_BY_ZERO = 2;
export const OVERFLOW = 4;
export const UNDERFLOW = 8;
export const INEXACT = 16;
/** A subnormal operand was taken as zero. */
export const INPUT_FLUSHED = 32;
/** A subnormal result was replaced by zero. */
export const RESULT_FLUSHED = 64;

export type Rounding = "nearestEven" | "nearestAway" | "towardZero" | "up" | "down";

/** How an ISA makes NaNs (IEEE 754-2008 6.2 leaves this open). */
export interface NanPolicy {
  /** True where a *set* top fraction bit means signalling, as in MIPS before NaN2008 and PA-RISC. */
  readonly signallingBitSet: boolean;
  defaultNan(format: FloatFormat): bigint;
  /**
   * The result of an operation with at least one NaN operand. `infinityTimesZero`: a fused multiply-add whose product
   * is invalid by itself.
   */
  propagate(format: FloatFormat, operands: readonly bigint[], infinityTimesZero: boolean): bigint;
  /** A NaN of one format as a NaN of another. */
  convert(from: FloatFormat, to: FloatFormat, nan: bigint): bigint;
}

/** The floating-point environment of one operation; `flags` accumulates. */
export interface FloatContext {
  rounding: Rounding;
  readonly nans: NanPolicy;
  readonly tininessBeforeRounding: boolean;
  flushInputs: boolean;
  flushResults: boolean;
  flags: number;
}

export const isNan = (format: FloatFormat, bits: bigint): boolean => (bits & ~format.signBit) > format.infinity;
export const isSignalling = (format: FloatFormat, bits: bigint, nans: NanPolicy): boolean =>
  isNan(format, bits) && ((bits & format.quietBit) !== 0n) === nans.signallingBitSet;
export const isInfinity = (format: FloatFormat, bits: bigint): boolean => (bits & ~format.signBit) === format.infinity;
export const isZero = (format: FloatFormat, bits: bigint): boolean => (bits & ~format.signBit) === 0n;
export const isNegative = (format: FloatFormat, bits: bigint): boolean => (bits & format.signBit) !== 0n;

/** Carries sign and leading payload bits over to another format; the caller makes the result quiet. */
export const resizeNan = (from: FloatFormat, to: FloatFormat, nan: bigint): bigint => {
  const shift = BigInt(to.fractionBits - from.fractionBits);
  const fraction = nan & from.fractionMask;
  return (
    (isNegative(from, nan) ? to.signBit : 0n) | to.infinity | (shift >= 0n ? fraction << shift : fraction >> -shift)
  );
};

/** NaNs as IEEE 754-2008 recommends: signalling operands first, then by position; made quiet, payload kept. */
export const keepFirstNan = (defaultNan: (format: FloatFormat) => bigint): NanPolicy => {
  const policy: NanPolicy = {
    signallingBitSet: false,
    defaultNan,
    propagate: (format, operands, infinityTimesZero) => {
      const chosen = operands.find((x) => isSignalling(format, x, policy));
      if (chosen !== undefined) return chosen | format.quietBit;
      return infinityTimesZero ? defaultNan(format) : operands.find((x) => isNan(format, x))!;
    },
    convert: (from, to, nan) => resizeNan(from, to, nan) | to.quietBit,
  };
  return policy;
};

/** Every NaN result is the default NaN. */
export const alwaysDefaultNan = (
  signallingBitSet: boolean,
  defaultNan: (format: FloatFormat) => bigint,
): NanPolicy => ({
  signallingBitSet,
  defaultNan,
  propagate: (format) => defaultNan(format),
  convert: (_from, to) => defaultNan(to),
});
