/** Advanced SIMD: integer and bitwise operations on registers of the same length (ARM DDI 0406C A7.4.1, A7.4.5). */
import type { Emitter, V128 } from "../emitter.ts";
import type { Fields } from "../decode-table.ts";
import type { ArmRow } from "./row.ts";
import { rowsOf } from "./row.ts";
import * as lanes from "./simd-lanes.ts";
import { both, evenIfQuad, registerOf, saturated, setVector, sizes, vector } from "./simd-lift.ts";
import { REGISTER_SHIFTS } from "./simd-shift-operations.ts";

const row = rowsOf("Advanced SIMD integer");
const needs = "neon";

/** `z` lane size, `u` unsigned; `d` the destination's old value. */
type Meaning = (
  e: Emitter,
  at: { readonly z: number; readonly u: boolean; readonly d: V128 },
  n: V128,
  m: V128,
) => V128;

type When = (fields: Fields) => boolean;
const same = (mnemonic: string, bits: string, meaning: Meaning, when?: When, operands = "Vd, Vn, Vm"): ArmRow =>
  row(
    mnemonic,
    bits,
    operands,
    (e, fields) => {
      const quad = fields["q"] === 1;
      const d = registerOf(fields, "d");
      const at = { z: fields["z"] ?? 0, u: fields["u"] === 1, d: vector(e, quad, d) };
      setVector(
        e,
        quad,
        d,
        meaning(e, at, vector(e, quad, registerOf(fields, "n")), vector(e, quad, registerOf(fields, "m"))),
      );
    },
    { needs, when: when === undefined ? evenIfQuad("d", "n", "m") : both(evenIfQuad("d", "n", "m"), when) },
  );

/** The signed and unsigned forms. */
const SU = "{mnemonic}.{su}{size}";
const su = (mnemonic: string, opcode: string, meaning: Meaning, when?: When, operands?: string): ArmRow =>
  same(
    SU.replace("{mnemonic}", mnemonic),
    `1111 001u 0Dzz nnnn dddd ${opcode.slice(0, 4)} NqM${opcode[4]} mmmm`,
    meaning,
    when,
    operands,
  );
/** Forms for which the sign does not matter: `u` is part of the opcode. */
const plain = (mnemonic: string, u: 0 | 1, opcode: string, meaning: Meaning, when?: When): ArmRow =>
  same(`${mnemonic}{size}`, `1111 001${u} 0Dzz nnnn dddd ${opcode.slice(0, 4)} NqM${opcode[4]} mmmm`, meaning, when);
const bitwise = (mnemonic: string, u: 0 | 1, size: string, meaning: Meaning): ArmRow =>
  same(mnemonic, `1111 001${u} 0D${size} nnnn dddd 0001 NqM1 mmmm`, meaning);

const notLong: When = sizes(0, 1, 2);
const HALFWORDS_AND_WORDS: When = sizes(1, 2);
const onlyD: When = (fields) => fields["q"] === 0;

/** Neighbouring lanes of two D registers: the even ones and the odd ones of both, in the lower half of a vector. */
export function pairs(e: Emitter, z: number, n: V128, m: V128): readonly [V128, V128] {
  const bytes = 1 << z;
  const pick = (odd: number): number[] =>
    Array.from({ length: 16 }, (_, i) => {
      const lane = (i % 8) / bytes; // of the result's lower half; the upper is the same again
      const whole = Math.floor(lane);
      const perRegister = 4 / bytes;
      const source = whole < perRegister ? 0 : 16;
      return source + bytes * (2 * (whole % perRegister) + odd) + (i % bytes);
    });
  if (z === 2) return [e.i8x16.shuffle(n, m, wordPairs(0)), e.i8x16.shuffle(n, m, wordPairs(1))];
  return [e.i8x16.shuffle(n, m, pick(0)), e.i8x16.shuffle(n, m, pick(1))];
}
const wordPairs = (odd: number): number[] =>
  Array.from({ length: 16 }, (_, i) => ((i >> 2) & 1) * 16 + 4 * odd + (i & 3));

const pairwise =
  (combine: (e: Emitter, z: number, u: boolean, a: V128, b: V128) => V128): Meaning =>
  (e, { z, u }, n, m) => {
    const [even, odd] = pairs(e, z, n, m);
    return combine(e, z, u, even, odd);
  };

const SAME_LENGTH: readonly ArmRow[] = [
  su("vhadd", "00000", (e, { z, u }, n, m) => lanes.halvingAdd(e, z, u, n, m), notLong),
  su("vqadd", "00001", (e, { z, u }, n, m) => saturated(e, lanes.addSaturating(e, z, u, n, m))),
  su("vrhadd", "00010", (e, { z, u }, n, m) => lanes.halvingAddRounding(e, z, u, n, m), notLong),
  bitwise("vand", 0, "00", (e, _at, n, m) => e.v128.and(n, m)),
  bitwise("vbic", 0, "01", (e, _at, n, m) => e.v128.andnot(n, m)),
  row(
    "vorr",
    "1111 0010 0D10 nnnn dddd 0001 NqM1 mmmm",
    "Vd, Vn, Vm",
    (e, fields) => {
      const quad = fields.q === 1;
      const [n, m] = [registerOf(fields, "n"), registerOf(fields, "m")];
      const first = vector(e, quad, n);
      // With one register twice it is `vmov`.
      setVector(e, quad, registerOf(fields, "d"), n === m ? first : e.v128.or(first, vector(e, quad, m)));
    },
    { needs, when: evenIfQuad("d", "n", "m") },
  ),
  bitwise("vorn", 0, "11", (e, _at, n, m) => e.v128.or(n, e.v128.not(m))),
  bitwise("veor", 1, "00", (e, _at, n, m) => e.v128.xor(n, m)),
  bitwise("vbsl", 1, "01", (e, { d }, n, m) => e.v128.bitselect(n, m, d)),
  bitwise("vbit", 1, "10", (e, { d }, n, m) => e.v128.bitselect(n, d, m)),
  bitwise("vbif", 1, "11", (e, { d }, n, m) => e.v128.bitselect(d, n, m)),
  su("vhsub", "00100", (e, { z, u }, n, m) => lanes.halvingSub(e, z, u, n, m), notLong),
  su("vqsub", "00101", (e, { z, u }, n, m) => saturated(e, lanes.subSaturating(e, z, u, n, m))),
  su("vcgt", "00110", (e, { z, u }, n, m) => lanes.greater(e, z, u, n, m), notLong),
  su("vcge", "00111", (e, { z, u }, n, m) => lanes.greaterOrEqual(e, z, u, n, m), notLong),
  // Of register shifts, the operands are in the other order: shifted first.
  ...REGISTER_SHIFTS.map(({ mnemonic, opcode, helpers }) =>
    su(mnemonic, opcode, (e, { z, u }, n, m) => e.call(helpers[u ? 1 : 0]![z]!, m, n) as V128, undefined, "Vd, Vm, Vn"),
  ),
  su("vmax", "01100", (e, { z, u }, n, m) => lanes.maximum(e, z, u, n, m), notLong),
  su("vmin", "01101", (e, { z, u }, n, m) => lanes.minimum(e, z, u, n, m), notLong),
  su("vabd", "01110", (e, { z, u }, n, m) => lanes.absoluteDifference(e, z, u, n, m), notLong),
  su("vaba", "01111", (e, { z, u, d }, n, m) => lanes.add(e, z, d, lanes.absoluteDifference(e, z, u, n, m)), notLong),
  plain("vadd.i", 0, "10000", (e, { z }, n, m) => lanes.add(e, z, n, m)),
  plain("vsub.i", 1, "10000", (e, { z }, n, m) => lanes.sub(e, z, n, m)),
  plain(
    "vtst.",
    0,
    "10001",
    (e, { z }, n, m) => e.v128.not(lanes.equal(e, z, e.v128.and(n, m), lanes.zero(e))),
    notLong,
  ),
  plain("vceq.i", 1, "10001", (e, { z }, n, m) => lanes.equal(e, z, n, m), notLong),
  plain("vmla.i", 0, "10010", (e, { z, d }, n, m) => lanes.add(e, z, d, lanes.multiply(e, z, n, m)), notLong),
  plain("vmls.i", 1, "10010", (e, { z, d }, n, m) => lanes.sub(e, z, d, lanes.multiply(e, z, n, m)), notLong),
  plain("vmul.i", 0, "10011", (e, { z }, n, m) => lanes.multiply(e, z, n, m), notLong),
  plain("vmul.p", 1, "10011", (e, _at, n, m) => lanes.polynomialMultiply(e, n, m), sizes(0)),
  su("vpmax", "10100", pairwise(lanes.maximum), both(notLong, onlyD)),
  su("vpmin", "10101", pairwise(lanes.minimum), both(notLong, onlyD)),
  plain(
    "vqdmulh.s",
    0,
    "10110",
    (e, { z }, n, m) => saturated(e, lanes.doublingHigh(e, z, false, n, m)),
    HALFWORDS_AND_WORDS,
  ),
  plain(
    "vqrdmulh.s",
    1,
    "10110",
    (e, { z }, n, m) => saturated(e, lanes.doublingHigh(e, z, true, n, m)),
    HALFWORDS_AND_WORDS,
  ),
  plain(
    "vpadd.i",
    0,
    "10111",
    pairwise((e, z, _u, a, b) => lanes.add(e, z, a, b)),
    both(notLong, onlyD),
  ),
];

// ── two registers ─────────────────────────────────────────────────────────────────────────────────────────────────

type UnaryMeaning = (e: Emitter, z: number, m: V128, d: V128) => V128;
/** `opcode`: bits 17 and 16, then bits 11 to 7. */
const misc = (
  mnemonic: string,
  opcode: string,
  meaning: UnaryMeaning,
  when: When = notLong,
  operands = "Vd, Vm",
): ArmRow =>
  row(
    mnemonic,
    `1111 0011 1D11 zz${opcode.slice(0, 2)} dddd ${opcode.slice(2)}qM0 mmmm` as string,
    operands,
    (e, fields) => {
      const quad = fields["q"] === 1;
      const d = registerOf(fields, "d");
      setVector(e, quad, d, meaning(e, fields["z"]!, vector(e, quad, registerOf(fields, "m")), vector(e, quad, d)));
    },
    { needs, when: both(evenIfQuad("d", "m"), when) },
  );

const bytesOnly: When = sizes(0);
/** Reverses lanes of size z inside of blocks of size `block`. */
const reversal = (e: Emitter, z: number, block: number, m: V128): V128 => {
  const swap = ((1 << block) - 1) & ~((1 << z) - 1);
  return e.i8x16.shuffle(
    m,
    m,
    Array.from({ length: 16 }, (_, i) => i ^ swap),
  );
};
const isZero = (e: Emitter, z: number, m: V128): V128 => lanes.equal(e, z, m, lanes.zero(e));
const positive = (e: Emitter, z: number, m: V128): V128 => lanes.greater(e, z, false, m, lanes.zero(e));
const negative = (e: Emitter, z: number, m: V128): V128 => lanes.greater(e, z, false, lanes.zero(e), m);

const TWO_REGISTERS: readonly ArmRow[] = [
  misc("vrev64.{size}", "0000000", (e, z, m) => reversal(e, z, 3, m)),
  misc("vrev32.{size}", "0000001", (e, z, m) => reversal(e, z, 2, m), sizes(0, 1)),
  misc("vrev16.{size}", "0000010", (e, z, m) => reversal(e, z, 1, m), bytesOnly),
  misc("vpaddl.s{size}", "0000100", (e, z, m) => lanes.addPairsLong(e, z, false, m)),
  misc("vpaddl.u{size}", "0000101", (e, z, m) => lanes.addPairsLong(e, z, true, m)),
  misc("vcls.s{size}", "0001000", (e, z, m) => lanes.leadingSigns(e, z, m)),
  misc("vclz.i{size}", "0001001", (e, z, m) => lanes.leadingZeros(e, z, m)),
  misc("vcnt.{size}", "0001010", (e, _z, m) => e.i8x16.popcnt(m), bytesOnly),
  misc("vmvn", "0001011", (e, _z, m) => e.v128.not(m), bytesOnly),
  misc("vpadal.s{size}", "0001100", (e, z, m, d) => lanes.add(e, z + 1, d, lanes.addPairsLong(e, z, false, m))),
  misc("vpadal.u{size}", "0001101", (e, z, m, d) => lanes.add(e, z + 1, d, lanes.addPairsLong(e, z, true, m))),
  misc("vqabs.s{size}", "0001110", (e, z, m) => {
    const sign = lanes.shiftRight(e, z, false, m, lanes.laneBits(z) - 1);
    // |m| = (m ^ sign) - sign, which overflows as the subtraction does.
    return saturated(e, lanes.subSaturating(e, z, false, e.v128.xor(m, sign), sign));
  }),
  misc("vqneg.s{size}", "0001111", (e, z, m) => saturated(e, lanes.subSaturating(e, z, false, lanes.zero(e), m))),
  misc("vcgt.s{size}", "0100000", positive, notLong, "Vd, Vm, #0"),
  misc("vcge.s{size}", "0100001", (e, z, m) => e.v128.not(negative(e, z, m)), notLong, "Vd, Vm, #0"),
  misc("vceq.i{size}", "0100010", isZero, notLong, "Vd, Vm, #0"),
  misc("vcle.s{size}", "0100011", (e, z, m) => e.v128.not(positive(e, z, m)), notLong, "Vd, Vm, #0"),
  misc("vclt.s{size}", "0100100", negative, notLong, "Vd, Vm, #0"),
  misc("vabs.s{size}", "0100110", (e, z, m) => lanes.absolute(e, z, m)),
  misc("vneg.s{size}", "0100111", (e, z, m) => lanes.negate(e, z, m)),
];

export const SIMD_INTEGER_ROWS: readonly ArmRow[] = [...SAME_LENGTH, ...TWO_REGISTERS];
