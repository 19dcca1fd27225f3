/**
 * Advanced SIMD (NEON) and the cryptography extension, complete (ARM DDI 0406C A7.4, A7.7; DDI 0487 F6 for ARMv8's).
 *
 * - simd-lanes.ts integer arithmetic on lanes, simd-lift.ts registers and operands
 * - simd-integer.ts, simd-long.ts, simd-shift.ts, simd-permute.ts, simd-float.ts, simd-load-store.ts, simd-crypto.ts the
 *   instructions, by what they do
 *
 * Everything is done on vectors of the host; a helper does what those cannot: shifts by a register, unusual floating-point
 * numbers, estimates, cryptography.
 */
import type { Fields, OperandFormats } from "../decode-table.ts";
import type { ArmRow } from "./row.ts";
import { SIMD_CRYPTO_ROWS } from "./simd-crypto.ts";
import { SIMD_FLOAT_ROWS } from "./simd-float.ts";
import { SIMD_INTEGER_ROWS } from "./simd-integer.ts";
import { SIMD_FORMATS } from "./simd-lift.ts";
import { ELEMENT_FORMATS, SIMD_LOAD_STORE_ROWS } from "./simd-load-store.ts";
import { SIMD_LONG_ROWS, scalarOf } from "./simd-long.ts";
import { PERMUTE_FORMATS, SIMD_PERMUTE_ROWS } from "./simd-permute.ts";
import { SHIFT_FORMATS, SIMD_SHIFT_ROWS } from "./simd-shift.ts";

/** All rows of Advanced SIMD, in their A32 form. */
export const SIMD_ROWS: readonly ArmRow[] = [
  ...SIMD_INTEGER_ROWS,
  ...SIMD_LONG_ROWS,
  ...SIMD_SHIFT_ROWS,
  ...SIMD_PERMUTE_ROWS,
  ...SIMD_FLOAT_ROWS,
  ...SIMD_LOAD_STORE_ROWS,
  ...SIMD_CRYPTO_ROWS,
];

const scalar = (fields: Fields): string => {
  const { register, index } = scalarOf(fields);
  return `d${register}[${index}]`;
};

/** How the operand names of `SIMD_ROWS` are printed, besides VFP's. */
export const SIMD_OPERANDS: OperandFormats<unknown> = {
  ...SIMD_FORMATS,
  ...SHIFT_FORMATS,
  ...PERMUTE_FORMATS,
  ...ELEMENT_FORMATS,
  scalar,
  wordScalar: (fields) => scalar({ ...fields, z: 2 }),
};
