/**
 * FCSR, the floating-point control and status register (MIPS32 AFP vol I-A 6.5.5): its fields, and what an operation
 * does to them.
 *
 *     31..25 23   24   18       17..12           11..7        6..2          1..0
 *     FCC7-1 FCC0 FS   NAN2008  Cause E V Z O U I Enables VZOUI Flags VZOUI  RM
 */
import type { FloatContext, NanPolicy, Rounding } from "../softfloat/index.ts";
import {
  DIVIDE_BY_ZERO,
  INEXACT,
  INVALID,
  OVERFLOW,
  UNDERFLOW,
  alwaysDefaultNan,
  keepFirstNan,
} from "../softfloat/index.ts";

export const FCSR_FS = 1 << 24;
export const FCSR_ABS2008 = 1 << 19;
export const FCSR_NAN2008 = 1 << 18;
export const CAUSE_MASK = 0x3f << 12;
export const ENABLES_MASK = 0x1f << 7;
export const FLAGS_MASK = 0x1f << 2;
export const INEXACT_FLAG = 1 << 2;
/** The bits that `ctc1` can change, condition codes aside. NAN2008 and ABS2008 are fixed in every released processor. */
export const FCSR_WRITABLE = FCSR_FS | CAUSE_MASK | ENABLES_MASK | FLAGS_MASK | 3;

/**
 * FIR of a 24Kf: 64-bit registers, word, long, single and double formats; no paired single. Bits 15..8 are the
 * processor's number.
 */
export const FIR_24KF = 0x00739300;

/** By FCSR's RM field. */
export const ROUNDINGS: readonly Rounding[] = ["nearestEven", "towardZero", "up", "down"];

/** Before NaN2008 a *clear* top fraction bit made a NaN quiet; the one NaN that such a processor makes is all ones below it. */
const LEGACY_NANS: NanPolicy = alwaysDefaultNan(
  true,
  (format) => format.infinity | (format.fractionMask ^ format.quietBit),
);
const NANS_2008: NanPolicy = keepFirstNan((format) => format.infinity | format.quietBit);

/** The environment that an FCSR value asks for. */
export const floatContext = (fcsr: number): FloatContext => ({
  rounding: ROUNDINGS[fcsr & 3]!,
  nans: (fcsr & FCSR_NAN2008) !== 0 ? NANS_2008 : LEGACY_NANS,
  tininessBeforeRounding: false,
  // FS replaces subnormal results, exact ones too, and without a flag; subnormal operands are taken as they are.
  flushInputs: false,
  flushResults: (fcsr & FCSR_FS) !== 0,
  flags: 0,
});

const FLAG_BITS: readonly (readonly [flag: number, bit: number])[] = [
  [INEXACT, 1],
  [UNDERFLOW, 2],
  [OVERFLOW, 4],
  [DIVIDE_BY_ZERO, 8],
  [INVALID, 16],
];
/** IEEE flags in the order of FCSR's fields: I U O Z V. */
export const mipsFlags = (flags: number): number =>
  FLAG_BITS.reduce((bits, [flag, bit]) => ((flags & flag) !== 0 ? bits | bit : bits), 0);

/** FCSR after an operation: Cause is replaced; Flags are added to, unless one of the exceptions is enabled (6.6). */
export const recordFlags = (fcsr: number, flags: number): number => {
  const bits = mipsFlags(flags);
  const cause = (fcsr & ~CAUSE_MASK) | (bits << 12);
  return ((fcsr >>> 7) & bits) !== 0 ? cause : cause | (bits << 2);
};

/** Where condition code `n` is in FCSR. */
export const fccShift = (n: number): number => (n === 0 ? 23 : 24 + n);
