/**
 * The MIPS32 release 2 floating-point unit, as a 24Kf has it: single, double, word and long formats, 64-bit registers
 * (Status.FR 0 or 1), eight condition codes, no paired single, no MIPS-3D.
 *
 * Where the manual leaves a choice, or QEMU's 24Kf and the manual differ, this unit does what QEMU's does:
 * - An operation on NaNs gives the default NaN, never an operand (the manual: "when possible" one of the operands).
 * - `abs` and `neg` change a bit and raise nothing (the manual: Invalid for signalling NaNs unless FCSR.ABS2008).
 * - `recip` and `rsqrt` round correctly at each step (the manual allows one unit in the last place).
 * - `madd` and its like round the product, then the sum, and raise the exceptions of both.
 * - FS = 1 replaces subnormal results by zero without a flag, and takes subnormal operands as they are.
 * - Underflow is for tiny *and* inexact results, tiny after rounding, with the exception enabled, too.
 *
 * - fpu-registers.ts where the registers lie; fcsr.ts the control word; fpu-state.ts both from outside, and the mode
 * - fpu-operations.ts what each operation computes, bit by bit; fpu-lift.ts how it is translated when speed counts
 * - fpu-arithmetic.ts, fpu-compare.ts, fpu-convert.ts, fpu-move.ts the instructions, by the manual's chapters
 */
import type { Fields, OperandFormats } from "../decode-table.ts";
import { branchTarget } from "./branching.ts";
import { FPU_ARITHMETIC_ROWS } from "./fpu-arithmetic.ts";
import { FPU_COMPARE_ROWS } from "./fpu-compare.ts";
import { FPU_CONVERT_ROWS } from "./fpu-convert.ts";
import { FPU_MOVE_ROWS } from "./fpu-move.ts";
import type { Lift, MipsRow } from "./row.ts";
import { STOP, raiseAlways, rowsOf } from "./row.ts";

export { FPU_SLOTS } from "./fpu-registers.ts";
export { fpuMode, readFcsr, resetFpu, writeFcsr } from "./fpu-state.ts";

const illegal: Lift = (e, _fields, context) => raiseAlways(e, context, "illegal");
const row = rowsOf("Unsupported");
const family = (unsupported: string, patterns: readonly string[]): readonly MipsRow[] =>
  patterns.map((bits) => row(".word", bits, "word", illegal, { ...STOP, unsupported }));

/** Encodings that other floating-point units give a meaning to. */
const UNSUPPORTED_FPU_ROWS: readonly MipsRow[] = [
  ...family("paired-single instruction (the 24Kf's FIR.PS is 0)", [
    "010001 10110 ----- ----- ----- ------",
    "010001 10000 ----- ----- ----- 100110", // cvt.ps.s
    "010011 ----- ----- ----- ----- 011110", // alnv.ps
    "010011 ----- ----- ----- ----- 1-- 110", // madd.ps and its like
  ]),
  ...family("MIPS64 instruction", ["010001 00001 ----- ----- 00000 000000", "010001 00101 ----- ----- 00000 000000"]), // dmfc1, dmtc1
  ...family("MIPS-3D or MIPS32 release 6 instruction", [
    "010001 01001 ----- ----------------", // bc1any2, bc1eqz
    "010001 01010 ----- ----------------", // bc1any4
    "010001 01101 ----- ----------------", // bc1nez
    "010001 1010- ----- ----- ----- 0-----", // cmp.cond.fmt
  ]),
];

/** All rows of the floating-point unit. */
export const FPU_ROWS: readonly MipsRow[] = [
  ...FPU_MOVE_ROWS,
  ...FPU_ARITHMETIC_ROWS,
  ...FPU_COMPARE_ROWS,
  ...FPU_CONVERT_ROWS,
  ...UNSUPPORTED_FPU_ROWS,
];

/** Condition code 0 is not printed. */
const cc = (fields: Fields): string => (fields["c"] === 0 ? "" : `$fcc${fields["c"]!},`);
const CONTROL_NAMES: Readonly<Record<number, string>> = {
  0: "c1_fir",
  1: "c1_ufr",
  4: "c1_unfr",
  25: "c1_fccr",
  26: "c1_fexr",
  28: "c1_fenr",
  31: "c1_fcsr",
};

/** How the operand names that only `FPU_ROWS` have are printed, as GNU objdump does. */
export const FPU_OPERANDS: OperandFormats<{ readonly pc: number }> = {
  cc_fs: (fields) => `${cc(fields)}$f${fields["s"]!}`,
  cc_target: (fields, { pc }) => `${cc(fields)}0x${branchTarget(pc, fields["o"]!).toString(16)}`,
  fcr: ({ s }) => CONTROL_NAMES[s!] ?? `$${s!}`,
};
