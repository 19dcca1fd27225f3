/**
 * The MIPS32 release 2 floating-point unit, as a 24Kf has it: single, double, word and long formats, 64-bit registers
 * (Status.FR 0 or 1), eight condition codes, no paired single, no MIPS-3D.
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
const pairedSingle = rowsOf("FPU paired single");
const PAIRED_SINGLE = { ...STOP, unsupported: "paired single: the 24Kf has none (FIR.PS is 0)" } as const;

/** Known encodings that a processor without paired single refuses. */
const PAIRED_SINGLE_ROWS: readonly MipsRow[] = [
  pairedSingle("ps", "010001 10110 ----- ----- ----- ------", "", illegal, PAIRED_SINGLE),
];

/** All rows of the floating-point unit. */
export const FPU_ROWS: readonly MipsRow[] = [
  ...FPU_MOVE_ROWS,
  ...FPU_ARITHMETIC_ROWS,
  ...FPU_COMPARE_ROWS,
  ...FPU_CONVERT_ROWS,
  ...PAIRED_SINGLE_ROWS,
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
