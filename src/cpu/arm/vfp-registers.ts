/**
 * Where the registers of VFP and Advanced SIMD lie in CPU-state memory (ARM DDI 0406C A2.6).
 *
 * The register file is 256 bytes: D0 to D31 are its doublewords, Q0 to Q15 pairs of them, S0 to S31 the words of D0 to
 * D15. All are slots over the same bytes, so that a region that only uses doubles of a register keeps a double.
 *
 * FPSCR is taken apart. Instead of the condition flags there are the numbers that were compared last: to note them costs
 * next to nothing, and hardly anybody looks at flags but by the `vmrs APSR_nzcv` that follows `vcmp`. QC, the sticky saturation flag, is a vector that is not zero where the
 * flag is set: an instruction that may saturate ors the difference into it. The rest is the word `FPSCR`.
 */
import type { Slot, Type } from "../emitter.ts";

const slot = <T extends Type>(name: string, type: T, offset: number, cached = true): Slot<T> => ({
  name,
  type,
  offset,
  cached,
});
const file = <T extends Type>(count: number, name: (n: number) => string, type: T, step: number): readonly Slot<T>[] =>
  Array.from({ length: count }, (_, n) => slot(name(n), type, VFP_BASE + step * n));

export const VFP_BASE = 0x200;
const CONTROL_BASE = VFP_BASE + 0x100;

export const S = file(32, (n) => `s${n}`, "f32", 4);
export const D = file(32, (n) => `d${n}`, "f64", 8);
export const Q = file(16, (n) => `q${n}`, "v128", 16);
/** The same as integers. `WORD` goes on to the words of D16 to D31, which are scalars but no S registers. */
export const WORD = file(64, (n) => `d${n >> 1}.w${n & 1}`, "i32", 4);
export const DOUBLEWORD = file(32, (n) => `d${n}.i`, "i64", 8);

/** FPSCR without N, Z, C, V and QC. */
export const FPSCR = slot("fpscr", "i32", CONTROL_BASE, false);
/** 1 where there are only D0 to D15 (VFPv2, VFPv3-D16). Fixed by the CPU model. */
export const SIXTEEN = slot("vfp.d16", "i32", CONTROL_BASE + 0x04, false);
/** N, Z, C and V in bits 31 to 28; or 1 where they are those of comparing `COMPARED[0]` with `COMPARED[1]`. */
export const FP_NZCV = slot("fpscr.nzcv", "i32", CONTROL_BASE + 0x08);
/** A single is kept as the double of its value. */
export const COMPARED: readonly [Slot<"f64">, Slot<"f64">] = [
  slot("vcmp.a", "f64", CONTROL_BASE + 0x10),
  slot("vcmp.b", "f64", CONTROL_BASE + 0x18),
];
export const QC = slot("fpscr.qc", "v128", CONTROL_BASE + 0x20);
export const VFP_END = CONTROL_BASE + 0x30;

/** Everything a task switch saves. */
export const VFP_SLOTS: readonly Slot[] = [...D, FPSCR, SIXTEEN, FP_NZCV, ...COMPARED, QC];
