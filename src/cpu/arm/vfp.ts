/**
 * VFPv2 to VFPv4 with single and double precision, and what ARMv8 adds to it (ARM DDI 0406C A7.5 to A7.9).
 *
 * - vfp-registers.ts where the registers lie; fpscr.ts the control word, the environment and the translation mode
 * - vfp-operations.ts what each operation computes, bit by bit; vfp-lift.ts how it is translated when speed counts
 * - vfp-arithmetic.ts, vfp-compare.ts, vfp-convert.ts, vfp-move.ts the instructions
 *
 * VFP's short vectors are not there, as in all ARMv7-A processors but the oldest: data processing raises "illegal" while
 * FPSCR.Len or Stride is not zero. A load or store of an address that is not a multiple of four works.
 */
import type { Fields, OperandFormats } from "../decode-table.ts";
import { GPR_NAMES } from "./registers.ts";
import type { ArmRow } from "./row.ts";
import { VFP_ARITHMETIC_ROWS } from "./vfp-arithmetic.ts";
import { VFP_CONVERT_ROWS, immediateOf } from "./vfp-convert.ts";
import type { Letter } from "./vfp-lift.ts";
import { register } from "./vfp-lift.ts";
import { VFP_MOVE_ROWS, expandSingle } from "./vfp-move.ts";

export { readFpscr, resetVfp, vfpMode, writeFpscr } from "./fpscr.ts";
export { VFP_END, VFP_SLOTS } from "./vfp-registers.ts";

/** All rows of VFP, in their A32 form. */
export const VFP_ROWS: readonly ArmRow[] = [...VFP_ARITHMETIC_ROWS, ...VFP_CONVERT_ROWS, ...VFP_MOVE_ROWS];

type PrintContext = { readonly pcValue: number };

const hex = (n: number): string => `0x${(n >>> 0).toString(16)}`;
/** `{d8-d15}`. */
const list =
  (letter: Letter) =>
  (fields: Fields): string => {
    const first = register(fields, letter, "d");
    const last = first + fields["i"]! - 1;
    return last === first ? `{${letter}${first}}` : `{${letter}${first}-${letter}${last}}`;
  };
/** As many decimal places as objdump prints of such a constant. */
const decimal = (value: number): string => {
  const places = Number.isInteger(2 * value) ? 1 : Number.isInteger(8 * value) ? 3 : 7;
  return (value < 0 ? "" : " ") + value.toFixed(places);
};
const asFloat = (bits: number): number => new Float32Array(Int32Array.of(bits).buffer)[0]!;

/** How the operand names of `VFP_ROWS` (and of `SIMD_ROWS`, for registers) are printed, as GNU objdump does. `rt` and `rn` are the core registers'. */
export const VFP_OPERANDS: OperandFormats<PrintContext> = {
  Sd: (fields) => `s${register(fields, "s", "d")}`,
  Sn: (fields) => `s${register(fields, "s", "n")}`,
  Sm: (fields) => `s${register(fields, "s", "m")}`,
  Sm1: (fields) => `s${register(fields, "s", "m") + 1}`,
  Dd: (fields) => `d${register(fields, "d", "d")}`,
  Dn: (fields) => `d${register(fields, "d", "n")}`,
  Dm: (fields) => `d${register(fields, "d", "m")}`,
  Qd: (fields) => `q${register(fields, "d", "d") >> 1}`,
  Qn: (fields) => `q${register(fields, "d", "n") >> 1}`,
  Qm: (fields) => `q${register(fields, "d", "m") >> 1}`,
  x: (fields) => String(fields["x"]!),
  ru: (fields) => GPR_NAMES[fields["u"]!]!,
  fimm: (fields) => {
    const bits = expandSingle(fields["i"]!);
    return `#${fields["i"]!}\t@ ${hex(bits)} ${decimal(asFloat(bits))}`;
  },
  fbits16: (fields) => `#${16 - immediateOf(fields)}`,
  fbits32: (fields) => `#${32 - immediateOf(fields)}`,
  vlistS: list("s"),
  vlistD: list("d"),
  vaddress: (fields, { pcValue }) => {
    const offset = 4 * fields["i"]!;
    const sign = fields["U"] === 1 ? "" : "-";
    const text = offset === 0 && sign === "" ? "" : `, #${sign}${offset}`;
    const target = fields["n"] === 15 ? `\t@ ${hex((pcValue & ~3) + (sign === "" ? offset : -offset))}` : "";
    return `[${GPR_NAMES[fields["n"]!]!}${text}]${target}`;
  },
};
