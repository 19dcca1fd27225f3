/** Advanced SIMD: operations between lanes of different lengths, and by scalar (ARM DDI 0406C A7.4.2, A7.4.3). */
import type { Emitter, V128 } from "../emitter.ts";
import type { Fields } from "../decode-table.ts";
import type { ArmRow } from "./row.ts";
import { rowsOf } from "./row.ts";
import { POLYNOMIAL_LONG } from "./simd-crypto.ts";
import * as lanes from "./simd-lanes.ts";
import { both, even, evenIfQuad, registerOf, saturated, setVector, sizes, vector } from "./simd-lift.ts";
import { D } from "./vfp-registers.ts";

const longRow = rowsOf("Advanced SIMD, different lengths");
const scalarRow = rowsOf("Advanced SIMD by scalar");
const needs = "neon";

type When = (fields: Fields) => boolean;
const notLong: When = sizes(0, 1, 2);
const HALFWORDS_AND_WORDS: When = sizes(1, 2);

/** `d` is the wide destination's old value; `n` and `m` as the registers are. */
type LongMeaning = (e: Emitter, z: number, u: boolean, n: V128, m: V128, d: V128) => V128;

const product: LongMeaning = (e, z, u, n, m) => lanes.multiplyLow(e, z, u, n, m);
const accumulate: LongMeaning = (e, z, u, n, m, d) => lanes.add(e, z + 1, d, lanes.multiplyLow(e, z, u, n, m));
const subtract: LongMeaning = (e, z, u, n, m, d) => lanes.sub(e, z + 1, d, lanes.multiplyLow(e, z, u, n, m));
const doubling: LongMeaning = (e, z, _u, n, m) => saturated(e, lanes.doublingLong(e, z, n, m));
const doublingAccumulate: LongMeaning = (e, z, _u, n, m, d) =>
  saturated(e, lanes.addSaturating(e, z + 1, false, d, saturated(e, lanes.doublingLong(e, z, n, m))));
const doublingSubtract: LongMeaning = (e, z, _u, n, m, d) =>
  saturated(e, lanes.subSaturating(e, z + 1, false, d, saturated(e, lanes.doublingLong(e, z, n, m))));

const difference: LongMeaning = (e, z, u, n, m) => lanes.extendLow(e, z, true, lanes.absoluteDifference(e, z, u, n, m));

/** Lane sizes: `n` is wide in `w` forms and in `hn` forms, `m` in the latter; the destination is wide but in those. */
interface LongForm {
  readonly wideN?: boolean;
  readonly wideM?: boolean;
  readonly narrowD?: boolean;
}
const long = (
  mnemonic: string,
  u: "u" | 0 | 1,
  opcode: string,
  meaning: LongMeaning,
  when: When = notLong,
  form: LongForm = {},
): ArmRow => {
  const { wideN = false, wideM = false, narrowD = false } = form;
  const quads = [
    ...(narrowD ? [] : (["d"] as const)),
    ...(wideN ? (["n"] as const) : []),
    ...(wideM ? (["m"] as const) : []),
  ];
  const operands = `${narrowD ? "Dd" : "Qd"}, ${wideN ? "Qn" : "Dn"}, ${wideM ? "Qm" : "Dm"}`;
  return longRow(
    mnemonic,
    `1111 001${u} 1Dzz nnnn dddd ${opcode} N0M0 mmmm` as string,
    operands,
    (e, fields) => {
      const d = registerOf(fields, "d");
      const n = vector(e, wideN, registerOf(fields, "n"));
      const m = vector(e, wideM, registerOf(fields, "m"));
      setVector(e, !narrowD, d, meaning(e, fields["z"]!, fields["u"] === 1, n, m, vector(e, !narrowD, d)));
    },
    { needs, when: both(even(...quads), when) },
  );
};

/** The upper halves of sums or differences of wide lanes, perhaps rounded. */
const highHalf =
  (operation: "add" | "sub", rounding: boolean): LongMeaning =>
  (e, z, _u, n, m) => {
    const wide = lanes[operation](e, z + 1, n, m);
    const result = rounding
      ? lanes.add(e, z + 1, wide, lanes.splat(e, z + 1, 1n << BigInt(lanes.laneBits(z) - 1)))
      : wide;
    return lanes.narrowHigh(e, z + 1, result, result);
  };
const WIDE_SOURCES: LongForm = { wideN: true, wideM: true, narrowD: true };

const LONG_ROWS: readonly ArmRow[] = [
  long("vaddl.{su}{size}", "u", "0000", (e, z, u, n, m) =>
    lanes.add(e, z + 1, lanes.extendLow(e, z, u, n), lanes.extendLow(e, z, u, m)),
  ),
  long(
    "vaddw.{su}{size}",
    "u",
    "0001",
    (e, z, u, n, m) => lanes.add(e, z + 1, n, lanes.extendLow(e, z, u, m)),
    notLong,
    { wideN: true },
  ),
  long("vsubl.{su}{size}", "u", "0010", (e, z, u, n, m) =>
    lanes.sub(e, z + 1, lanes.extendLow(e, z, u, n), lanes.extendLow(e, z, u, m)),
  ),
  long(
    "vsubw.{su}{size}",
    "u",
    "0011",
    (e, z, u, n, m) => lanes.sub(e, z + 1, n, lanes.extendLow(e, z, u, m)),
    notLong,
    { wideN: true },
  ),
  long("vaddhn.i{wide}", 0, "0100", highHalf("add", false), notLong, WIDE_SOURCES),
  long("vraddhn.i{wide}", 1, "0100", highHalf("add", true), notLong, WIDE_SOURCES),
  long("vsubhn.i{wide}", 0, "0110", highHalf("sub", false), notLong, WIDE_SOURCES),
  long("vrsubhn.i{wide}", 1, "0110", highHalf("sub", true), notLong, WIDE_SOURCES),
  long("vabal.{su}{size}", "u", "0101", (e, z, u, n, m, d) => lanes.add(e, z + 1, d, difference(e, z, u, n, m, d))),
  long("vabdl.{su}{size}", "u", "0111", difference),
  long("vmlal.{su}{size}", "u", "1000", accumulate),
  long("vmlsl.{su}{size}", "u", "1010", subtract),
  long("vmull.{su}{size}", "u", "1100", product),
  long("vqdmlal.s{size}", 0, "1001", doublingAccumulate, HALFWORDS_AND_WORDS),
  long("vqdmlsl.s{size}", 0, "1011", doublingSubtract, HALFWORDS_AND_WORDS),
  long("vqdmull.s{size}", 0, "1101", doubling, HALFWORDS_AND_WORDS),
  long("vmull.p8", 0, "1110", (e, _z, _u, n, m) => lanes.polynomialMultiplyLong(e, n, m), sizes(0)),
  longRow(
    "vmull.p64",
    "1111 0010 1D10 nnnn dddd 1110 N0M0 mmmm",
    "Qd, Dn, Dm",
    (e, fields) => {
      const product = e.call(POLYNOMIAL_LONG, e.get(D[registerOf(fields, "n")]!), e.get(D[registerOf(fields, "m")]!));
      setVector(e, true, registerOf(fields, "d"), product);
    },
    { needs: "crypto", when: even("d") },
  ),
];

// ── by scalar ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** D register and index of the scalar: a halfword's is in D0 to D7, a word's in D0 to D15. */
export function scalarOf(fields: Fields): { readonly register: number; readonly index: number } {
  const [m, high] = [fields["m"]!, fields["M"]!];
  return fields["z"] === 1 ? { register: m & 7, index: (high << 1) | (m >> 3) } : { register: m, index: high };
}
/** A scalar in all lanes. */
export function splatScalar(e: Emitter, z: number, register: number, index: number): V128 {
  const all = e.f64x2.splat(e.get(D[register]!));
  const bytes = 1 << z;
  return e.i8x16.shuffle(
    all,
    all,
    Array.from({ length: 16 }, (_, i) => index * bytes + (i % bytes)),
  );
}

const scalarLong = (mnemonic: string, u: "u" | 0, opcode: string, meaning: LongMeaning): ArmRow =>
  scalarRow(
    mnemonic,
    `1111 001${u} 1Dzz nnnn dddd ${opcode} N1M0 mmmm` as string,
    "Qd, Dn, scalar",
    (e, fields) => {
      const d = registerOf(fields, "d");
      const { register, index } = scalarOf(fields);
      const m = splatScalar(e, fields["z"]!, register, index);
      setVector(
        e,
        true,
        d,
        meaning(e, fields["z"]!, fields["u"] === 1, vector(e, false, registerOf(fields, "n")), m, vector(e, true, d)),
      );
    },
    { needs, when: both(even("d"), HALFWORDS_AND_WORDS) },
  );

/** `q` is where the other rows have their sign. */
export const scalarSame = (
  mnemonic: string,
  opcode: string,
  when: When,
  meaning: (e: Emitter, z: number, n: V128, m: V128, d: V128) => V128,
): ArmRow =>
  scalarRow(
    mnemonic,
    `1111 001q 1Dzz nnnn dddd ${opcode} N1M0 mmmm` as string,
    "Vd, Vn, scalar",
    (e, fields) => {
      const quad = fields["q"] === 1;
      const d = registerOf(fields, "d");
      const { register, index } = scalarOf(fields);
      const m = splatScalar(e, fields["z"]!, register, index);
      setVector(e, quad, d, meaning(e, fields["z"]!, vector(e, quad, registerOf(fields, "n")), m, vector(e, quad, d)));
    },
    { needs, when: both(evenIfQuad("d", "n"), when) },
  );

const SCALAR_ROWS: readonly ArmRow[] = [
  scalarSame("vmla.i{size}", "0000", HALFWORDS_AND_WORDS, (e, z, n, m, d) =>
    lanes.add(e, z, d, lanes.multiply(e, z, n, m)),
  ),
  scalarSame("vmls.i{size}", "0100", HALFWORDS_AND_WORDS, (e, z, n, m, d) =>
    lanes.sub(e, z, d, lanes.multiply(e, z, n, m)),
  ),
  scalarSame("vmul.i{size}", "1000", HALFWORDS_AND_WORDS, (e, z, n, m) => lanes.multiply(e, z, n, m)),
  scalarSame("vqdmulh.s{size}", "1100", HALFWORDS_AND_WORDS, (e, z, n, m) =>
    saturated(e, lanes.doublingHigh(e, z, false, n, m)),
  ),
  scalarSame("vqrdmulh.s{size}", "1101", HALFWORDS_AND_WORDS, (e, z, n, m) =>
    saturated(e, lanes.doublingHigh(e, z, true, n, m)),
  ),
  scalarLong("vmlal.{su}{size}", "u", "0010", accumulate),
  scalarLong("vmlsl.{su}{size}", "u", "0110", subtract),
  scalarLong("vmull.{su}{size}", "u", "1010", product),
  scalarLong("vqdmlal.s{size}", 0, "0011", doublingAccumulate),
  scalarLong("vqdmlsl.s{size}", 0, "0111", doublingSubtract),
  scalarLong("vqdmull.s{size}", 0, "1011", doubling),
];

export const SIMD_LONG_ROWS: readonly ArmRow[] = [...LONG_ROWS, ...SCALAR_ROWS];
