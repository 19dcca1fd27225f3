/** Advanced SIMD: permutations, table lookups, duplicates and constants (ARM DDI 0406C A7.4.6 and A8.8.331, A8.8.340, A8.8.419). */
import type { Emitter, V128 } from "../emitter.ts";
import type { Fields } from "../decode-table.ts";
import type { ArmRow } from "./row.ts";
import { rowsOf } from "./row.ts";
import * as lanes from "./simd-lanes.ts";
import { both, evenIfQuad, registerOf, setVector, sizes, vector } from "./simd-lift.ts";
import { splatScalar } from "./simd-long.ts";
import { expandSingle } from "./vfp-move.ts";

const row = rowsOf("Advanced SIMD permutation");
const constantRow = rowsOf("Advanced SIMD constant");
const needs = "neon";

const bytes = (of: (i: number) => number): number[] => Array.from({ length: 16 }, (_, i) => of(i));

// ── two registers at once ─────────────────────────────────────────────────────────────────────────────────────────

/**
 * Where lane `n` of the results comes from: below `count` a lane of d, from there one of m; first the new d, then the
 * new m.
 */
type Permutation = (n: number, count: number) => number;
const transpose: Permutation = (n, count) => {
  const odd = n >= count ? 1 : 0;
  const lane = n % count;
  return (lane & 1) * count + (lane & ~1) + odd;
};
const unzip: Permutation = (n, count) => (n < count ? 2 * n : 2 * (n - count) + 1);
const zip: Permutation = (n, count) => (n >> 1) + (n & 1) * count;
const swap: Permutation = (n, count) => (n + count) % (2 * count);

/** The shuffle for one result. Of D registers the lower halves count; the other half of the result is the same again. */
function shuffleOf(permutation: Permutation, z: number, quad: boolean, second: boolean): number[] {
  const size = 1 << z;
  const count = (quad ? 16 : 8) / size;
  return bytes((i) => {
    const lane = Math.floor(i / size) % count;
    const source = permutation(second ? lane + count : lane, count);
    return (source < count ? source * size : 16 + (source - count) * size) + (i % size);
  });
}
const exchange = (
  mnemonic: string,
  opcode: string,
  permutation: Permutation,
  when: (fields: Fields) => boolean,
): ArmRow =>
  row(
    mnemonic,
    `1111 0011 1D11 zz10 dddd 0${opcode}qM0 mmmm` as string,
    "Vd, Vm",
    (e, fields) => {
      const quad = fields["q"] === 1;
      const z = fields["z"]!;
      const [d, m] = [registerOf(fields, "d"), registerOf(fields, "m")];
      const [a, b] = [vector(e, quad, d), vector(e, quad, m)];
      const first = e.i8x16.shuffle(a, b, shuffleOf(permutation, z, quad, false));
      const second = e.i8x16.shuffle(a, b, shuffleOf(permutation, z, quad, true));
      setVector(e, quad, d, first);
      setVector(e, quad, m, second);
    },
    {
      needs,
      when: both(
        evenIfQuad("d", "m"),
        when,
        (fields) => registerOf(fields, "d") !== registerOf(fields, "m") || mnemonic === "vswp",
      ),
    },
  );

// ── table lookup ──────────────────────────────────────────────────────────────────────────────────────────────────

/** The bytes of `m` choose among those of `length` D registers; where they choose none the result is `otherwise`. */
function lookUp(e: Emitter, n: number, length: number, m: V128, otherwise: V128 | undefined): V128 {
  /** Two registers; the upper half zero where there is no second one. */
  const pair = (first: number): V128 => {
    const low = vector(e, false, first);
    return first + 1 < n + length
      ? e.i8x16.shuffle(
          low,
          vector(e, false, first + 1),
          bytes((i) => i + (i < 8 ? 0 : 8)),
        )
      : e.i64x2.replaceLane(low, e.const64(0n), 1);
  };
  let found = e.i8x16.swizzle(pair(n), m);
  if (length > 2) found = e.v128.or(found, e.i8x16.swizzle(pair(n + 2), e.i8x16.sub(m, lanes.splat(e, 0, 16n))));
  return otherwise === undefined
    ? found
    : e.v128.bitselect(found, otherwise, e.i8x16.ltU(m, lanes.splat(e, 0, BigInt(8 * length))));
}
const table = (mnemonic: string, op: 0 | 1): ArmRow =>
  row(
    `${mnemonic}.8`,
    `1111 0011 1D11 nnnn dddd 10ll N${op}M0 mmmm` as string,
    "Dd, table, Dm",
    (e, fields) => {
      const [d, m] = [registerOf(fields, "d"), registerOf(fields, "m")];
      const otherwise = op === 1 ? vector(e, false, d) : undefined;
      setVector(e, false, d, lookUp(e, registerOf(fields, "n"), fields["l"]! + 1, vector(e, false, m), otherwise));
    },
    { needs, when: (fields) => registerOf(fields, "n") + fields["l"]! < 32 },
  );

// ── duplicates ────────────────────────────────────────────────────────────────────────────────────────────────────

const duplicate = (z: 0 | 1 | 2, immediate: string): ArmRow =>
  row(
    `vdup.${lanes.laneBits(z)}`,
    `1111 0011 1D11 ${immediate} dddd 1100 0qM0 mmmm` as string,
    "Vd, Dm[x]",
    (e, fields) => {
      setVector(
        e,
        fields["q"] === 1,
        registerOf(fields, "d"),
        splatScalar(e, z, registerOf(fields, "m"), fields["x"]!),
      );
    },
    { needs, when: evenIfQuad("d") },
  );

// ── constants ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** AdvSIMDExpandImm's lanes: their size and bits, by cmode; `inverted`: the op bit, which here only chooses vmov.i64. */
interface Constant {
  readonly z: number;
  readonly bits: bigint;
}
export function expandConstant(cmode: number, op: number, imm8: number): Constant {
  const byte = BigInt(imm8);
  switch (cmode >> 1) {
    case 0:
    case 1:
    case 2:
    case 3:
      return { z: 2, bits: byte << BigInt(8 * (cmode >> 1)) };
    case 4:
    case 5:
      return { z: 1, bits: byte << BigInt(8 * ((cmode >> 1) - 4)) };
    case 6:
      return { z: 2, bits: (cmode & 1) === 0 ? (byte << 8n) | 0xffn : (byte << 16n) | 0xffffn };
  }
  if ((cmode & 1) !== 0) return { z: 2, bits: BigInt(expandSingle(imm8) >>> 0) };
  if (op === 0) return { z: 0, bits: byte };
  let bits = 0n;
  for (let n = 0n; n < 8n; n++) if (((byte >> n) & 1n) === 1n) bits |= 0xffn << (8n * n);
  return { z: 3, bits };
}
type Combine = (e: Emitter, constant: V128, d: V128) => V128;
const put: Combine = (_e, constant) => constant;
const putInverted: Combine = (e, constant) => e.v128.not(constant);
const set: Combine = (e, constant, d) => e.v128.or(d, constant);
const clear: Combine = (e, constant, d) => e.v128.andnot(d, constant);

/** `cmodes`: which, with x for bits that are the shift. */
const constant = (mnemonic: string, cmodes: string, op: 0 | 1, combine: Combine, operand: string): ArmRow =>
  constantRow(
    mnemonic,
    `1111 001i 1D00 0iii dddd ${cmodes} 0q${op}1 iiii` as string,
    `Vd, ${operand}`,
    (e, fields) => {
      const quad = fields["q"] === 1;
      const d = registerOf(fields, "d");
      const { z, bits } = constantOf(mnemonic, cmodes, fields);
      setVector(e, quad, d, combine(e, lanes.splat(e, z, bits), vector(e, quad, d)));
    },
    { needs, when: evenIfQuad("d") },
  );
const constantOf = (mnemonic: string, cmodes: string, fields: Fields): Constant => {
  let shift = fields["x"] ?? 0;
  const cmode = [...cmodes].reduceRight((value, bit, n) => {
    const weight = 1 << (3 - n);
    if (bit === "x") {
      const set = shift & 1;
      shift >>= 1;
      return value + set * weight;
    }
    return value + Number(bit) * weight;
  }, 0);
  return expandConstant(cmode, mnemonic.endsWith("i64") ? 1 : 0, fields["i"]!);
};

const CONSTANT_ROWS: readonly ArmRow[] = [
  constant("vmov.i32", "0xx0", 0, put, "vimm32"),
  constant("vorr.i32", "0xx1", 0, set, "vimm32"),
  constant("vmov.i16", "10x0", 0, put, "vimm16"),
  constant("vorr.i16", "10x1", 0, set, "vimm16"),
  constant("vmov.i32", "110x", 0, put, "vimmOnes"),
  constant("vmov.i8", "1110", 0, put, "vimm8"),
  constant("vmov.f32", "1111", 0, put, "vimmFloat"),
  constant("vmvn.i32", "0xx0", 1, putInverted, "vimm32"),
  constant("vbic.i32", "0xx1", 1, clear, "vimm32"),
  constant("vmvn.i16", "10x0", 1, putInverted, "vimm16"),
  constant("vbic.i16", "10x1", 1, clear, "vimm16"),
  constant("vmvn.i32", "110x", 1, putInverted, "vimmOnes"),
  constant("vmov.i64", "1110", 1, put, "vimm64"),
];

export const SIMD_PERMUTE_ROWS: readonly ArmRow[] = [
  exchange("vswp", "0000", swap, sizes(0)),
  exchange("vtrn.{size}", "0001", transpose, sizes(0, 1, 2)),
  // Of two words a D register's unzip and zip are transpositions, and those encodings are undefined.
  exchange("vuzp.{size}", "0010", unzip, (fields) => fields["z"]! < (fields["q"] === 1 ? 3 : 2)),
  exchange("vzip.{size}", "0011", zip, (fields) => fields["z"]! < (fields["q"] === 1 ? 3 : 2)),
  row(
    "vext.8",
    "1111 0010 1D11 nnnn dddd iiii NqM0 mmmm",
    "Vd, Vn, Vm, #index",
    (e, fields) => {
      const quad = fields.q === 1;
      const size = quad ? 16 : 8;
      const [n, m] = [vector(e, quad, registerOf(fields, "n")), vector(e, quad, registerOf(fields, "m"))];
      const order = bytes((i) => {
        const from = (i % size) + fields.i;
        return from < size ? from : 16 + from - size;
      });
      setVector(e, quad, registerOf(fields, "d"), e.i8x16.shuffle(n, m, order));
    },
    { needs, when: both(evenIfQuad("d", "n", "m"), (fields) => fields["q"] === 1 || fields["i"]! < 8) },
  ),
  table("vtbl", 0),
  table("vtbx", 1),
  duplicate(0, "xxx1"),
  duplicate(1, "xx10"),
  duplicate(2, "x100"),
  ...CONSTANT_ROWS,
];

// ── how they print ────────────────────────────────────────────────────────────────────────────────────────────────

const immediate = (value: bigint): string => `#${BigInt.asIntN(32, value)}\t@ 0x${value.toString(16).padStart(8, "0")}`;
const list = (first: number, count: number): string =>
  count === 1 ? `{d${first}}` : `{d${first}-d${first + count - 1}}`;
export const PERMUTE_FORMATS: Readonly<Record<string, (fields: Fields) => string>> = {
  index: (fields) => String(fields["i"]!),
  table: (fields) => list(registerOf(fields, "n"), fields["l"]! + 1),
  vimm32: (fields) => immediate(BigInt(fields["i"]!) << BigInt(8 * fields["x"]!)),
  vimm16: (fields) => immediate(BigInt(fields["i"]!) << BigInt(8 * fields["x"]!)).replace("0x0000", "0x"),
  vimm8: (fields) => `#${fields["i"]!}\t@ 0x${fields["i"]!.toString(16).padStart(2, "0")}`,
  vimmOnes: (fields) => immediate(expandConstant(12 + fields["x"]!, 0, fields["i"]!).bits),
  vimm64: (fields) => `#0x${expandConstant(14, 1, fields["i"]!).bits.toString(16).padStart(16, "0")}`,
  vimmFloat: (fields) => {
    const bits = expandSingle(fields["i"]!);
    const value = new Float32Array(Int32Array.of(bits).buffer)[0]!;
    return `#${value}\t@ 0x${(bits >>> 0).toString(16)}`;
  },
};
