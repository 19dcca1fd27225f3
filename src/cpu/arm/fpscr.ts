/** FPSCR (ARM DDI 0406C B4.1.58): its fields, the environment they ask for, and the translation mode that follows. */
import type { FloatContext, FloatFormat, NanPolicy, Rounding } from "../softfloat/index.ts";
import {
  DIVIDE_BY_ZERO,
  INEXACT,
  INPUT_FLUSHED,
  INVALID,
  OVERFLOW,
  RESULT_FLUSHED,
  UNDERFLOW,
  alwaysDefaultNan,
  keepFirstNan,
} from "../softfloat/index.ts";
import { COMPARED, FPSCR, FP_NZCV, QC, SIXTEEN } from "./vfp-registers.ts";

export const FPSCR_NZCV = 0xf0000000;
export const FPSCR_QC = 1 << 27;
/** Alternative half precision. */
export const FPSCR_AHP = 1 << 26;
/** Default NaN. */
export const FPSCR_DN = 1 << 25;
/** Flush to zero. */
export const FPSCR_FZ = 1 << 24;
const STRIDE_AND_LENGTH = 0x00370000;
const ROUNDING_SHIFT = 22;
const ROUNDING = 3 << ROUNDING_SHIFT;
/** Sticky flags: input denormal, inexact, underflow, overflow, division by zero, invalid operation. */
export const FPSCR_IDC = 1 << 7;
export const FPSCR_IXC = 1 << 4;
const UFC = 1 << 3;
const OFC = 1 << 2;
const DZC = 1 << 1;
const IOC = 1 << 0;
/** The flags of a comparison (A2.6.4). */
const NZCV_LESS = 0x80000000;
const NZCV_EQUAL = 0x60000000;
const NZCV_GREATER = 0x20000000;
const NZCV_UNORDERED = 0x30000000;
/** What `vmsr` can change. The trap enables (bits 8 to 15) are zero: no ARMv7-A core traps. */
export const FPSCR_WRITABLE =
  FPSCR_NZCV | FPSCR_QC | FPSCR_AHP | FPSCR_DN | FPSCR_FZ | ROUNDING | STRIDE_AND_LENGTH | FPSCR_IDC | 0x1f;
/** The part that the word `FPSCR` of CPU state keeps. */
export const FPSCR_KEPT = FPSCR_WRITABLE & ~(FPSCR_NZCV | FPSCR_QC);

/** By FPSCR's RMode. */
const ROUNDINGS: readonly Rounding[] = ["nearestEven", "up", "down", "towardZero"];
export const roundingOf = (fpscr: number): Rounding => ROUNDINGS[(fpscr >>> ROUNDING_SHIFT) & 3]!;

const defaultNan = (format: FloatFormat): bigint => format.infinity | format.quietBit;
const DEFAULT_NANS = alwaysDefaultNan(false, defaultNan);
const FIRST_NANS = keepFirstNan(defaultNan);
/** As FPProcessNaNs; of three operands, which a fused multiply-add has, the addend counts first (FPProcessNaNs3). */
const PROPAGATED_NANS: NanPolicy = {
  ...FIRST_NANS,
  propagate: (format, operands, infinityTimesZero) =>
    FIRST_NANS.propagate(
      format,
      operands.length === 3 ? [operands[2]!, operands[0]!, operands[1]!] : operands,
      infinityTimesZero,
    ),
};

/** The environment that an FPSCR value asks for. Operands are flushed before an operation sees them (FPUnpack). */
export const floatContext = (fpscr: number): FloatContext => ({
  rounding: roundingOf(fpscr),
  nans: (fpscr & FPSCR_DN) !== 0 ? DEFAULT_NANS : PROPAGATED_NANS,
  tininessBeforeRounding: true,
  flushInputs: false,
  flushResults: (fpscr & FPSCR_FZ) !== 0,
  flags: 0,
});

/** What Advanced SIMD computes with, whatever FPSCR says (StandardFPSCRValue). */
export const STANDARD_FPSCR = FPSCR_DN | FPSCR_FZ;

const FLAG_BITS: readonly (readonly [flag: number, bit: number])[] = [
  [INVALID, IOC],
  [DIVIDE_BY_ZERO, DZC],
  [OVERFLOW, OFC],
  [UNDERFLOW, UFC],
  [RESULT_FLUSHED, UFC],
  [INEXACT, FPSCR_IXC],
  [INPUT_FLUSHED, FPSCR_IDC],
];
/** IEEE flags as FPSCR's sticky bits. */
export const stickyBits = (flags: number): number =>
  FLAG_BITS.reduce((bits, [flag, bit]) => ((flags & flag) !== 0 ? bits | bit : bits), 0);

/** Adds IEEE flags to FPSCR in CPU state. */
export function recordFlags(state: DataView, flags: number): void {
  if (flags !== 0) state.setInt32(FPSCR.offset, state.getInt32(FPSCR.offset, true) | stickyBits(flags), true);
}

// ── the translation mode ──────────────────────────────────────────────────────────────────────────────────────────

/**
 * What translated code takes for granted, as bits of the mode.
 *
 * INEXACT: the sticky Inexact flag is set, so nobody needs to find out whether an operation is inexact. Code for the
 * other case stays right when the flag becomes set; the next entry from the dispatcher finds the better mode.
 *
 * FLUSH: subnormal numbers are flushed, rounding is to nearest. SOFT: another rounding; each operation is a helper call.
 * Neither: the host's arithmetic gives the right result, and only results that look unusual go to a helper. Advanced SIMD
 * does not care: it always flushes and rounds to nearest.
 *
 * SHORT_VECTORS: FPSCR.Len or Stride is not zero, and VFP's data processing raises "illegal" (A2.6.1 lets ARMv7 do that).
 *
 * ONLY_16: D16 to D31 do not exist.
 */
export const MODE_INEXACT = 1;
export const MODE_FLUSH = 2;
export const MODE_SOFT = 4;
export const MODE_SHORT_VECTORS = 8;
export const MODE_ONLY_16 = 16;

/** The translation mode, 0 to 31. */
export function vfpMode(state: DataView): number {
  const fpscr = state.getInt32(FPSCR.offset, true);
  return (
    ((fpscr & FPSCR_IXC) !== 0 ? MODE_INEXACT : 0) |
    ((fpscr & ROUNDING) !== 0 ? MODE_SOFT : (fpscr & FPSCR_FZ) !== 0 ? MODE_FLUSH : 0) |
    ((fpscr & STRIDE_AND_LENGTH) !== 0 ? MODE_SHORT_VECTORS : 0) |
    (state.getInt32(SIXTEEN.offset, true) !== 0 ? MODE_ONLY_16 : 0)
  );
}

// ── FPSCR as one word, for signal frames, ptrace and debuggers ────────────────────────────────────────────────────

/** FPSCR, from registers in memory (no region running). Unsigned. */
export function readFpscr(state: DataView): number {
  const get = (offset: number): number => state.getInt32(offset, true);
  let fpscr = get(FPSCR.offset);
  const nzcv = get(FP_NZCV.offset);
  if ((nzcv & 1) === 0) fpscr |= nzcv;
  else {
    const [a, b] = COMPARED.map(({ offset }) => state.getFloat64(offset, true)) as [number, number];
    fpscr |= a < b ? NZCV_LESS : a === b ? NZCV_EQUAL : a > b ? NZCV_GREATER : NZCV_UNORDERED;
  }
  for (let n = 0; n < 16; n += 4) if (get(QC.offset + n) !== 0) fpscr |= FPSCR_QC;
  return fpscr >>> 0;
}

/** Sets FPSCR as `vmsr` does. */
export function writeFpscr(state: DataView, value: number): void {
  const set = (offset: number, bits: number): void => state.setInt32(offset, bits, true);
  set(FPSCR.offset, value & FPSCR_KEPT);
  set(FP_NZCV.offset, value & FPSCR_NZCV);
  for (let n = 0; n < 16; n += 4) set(QC.offset + n, n === 0 ? value & FPSCR_QC : 0);
}

/** The unit as a new program finds it. `sixteen`: only D0 to D15 exist (VFPv2). */
export function resetVfp(state: DataView, options: { readonly sixteen: boolean }): void {
  writeFpscr(state, 0);
  state.setInt32(SIXTEEN.offset, options.sixteen ? 1 : 0, true);
}
