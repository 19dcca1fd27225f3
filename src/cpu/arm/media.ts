/**
 * Saturation, arithmetic on parts of a register, packing, extension, bit fields and reversals (ARM DDI 0406C, A4.4.4 to
 * A4.4.8; encodings in A5.2.6, A5.4 and A6.3.13 to A6.3.15).
 */
import type { Fields } from "../decode-table.ts";
import type { Emitter, I32, I64 } from "../emitter.ts";
import { stickQ } from "./multiply.ts";
import { GE, PC, readGpr, writeGpr } from "./registers.ts";
import type { LiftContext } from "./row.ts";
import { twinRows, withoutPc } from "./row.ts";
import { ASR, LSL, shiftByConstant } from "./shifter.ts";

const { a32, t32, both, row } = twinRows("Media");
export const MEDIA_A32 = a32;
export const MEDIA_T32 = t32;

interface Three {
  readonly d: number;
  readonly n: number;
  readonly m: number;
}
const PURE = { needs: "v6", guarded: true, harmless: true, when: withoutPc } as const;
const V6 = { needs: "v6", harmless: true, when: withoutPc } as const;
const V6T2 = { needs: "v6t2", guarded: true, harmless: true } as const;

// ── saturation ────────────────────────────────────────────────────────────────────────────────────────────────────

/** `value` held within `low` and `high`, as signed numbers. */
function clamp(e: Emitter, value: I32, low: number, high: number): I32 {
  const least = e.const32(low);
  const most = e.const32(high);
  const above = e.select(e.i32.ltS(value, least), least, value);
  return e.select(e.i32.gtS(value, most), most, above);
}

/** A 64-bit sum as a signed word; sets Q where it does not fit. */
function saturateWord(e: Emitter, sum: I64): I32 {
  const low = e.i32.wrapI64(sum);
  const fits = e.i64.eq(sum, e.i64.extendI32S(low));
  stickQ(e, e.i32.eqz(fits));
  const limit = e.i32.xor(e.i32.wrapI64(e.i64.shrS(sum, e.const64(63n))), e.const32(0x7fffffff));
  return e.select(fits, low, limit);
}

for (const [name, arm, thumb, doubles, subtracts] of [
  ["qadd", "00", "00", false, false],
  ["qsub", "01", "10", false, true],
  ["qdadd", "10", "01", true, false],
  ["qdsub", "11", "11", true, true],
] as const) {
  both(
    `${name}{c}`,
    `cccc 00010 ${arm} 0 nnnn dddd 0000 0101 mmmm` as "dnm",
    `11111010 1000 nnnn 1111 dddd 10 ${thumb} mmmm` as "dnm",
    "rd, rm, rn",
    (e, { d, n, m }, context) => {
      const wide = e.i64.extendI32S(readGpr(e, context, n));
      const second = doubles ? e.i64.extendI32S(saturateWord(e, e.i64.add(wide, wide))) : wide;
      const first = e.i64.extendI32S(readGpr(e, context, m));
      writeGpr(e, context, d, saturateWord(e, subtracts ? e.i64.sub(first, second) : e.i64.add(first, second)));
    },
    { needs: "v5te", harmless: true, when: withoutPc },
  );
}

/** Saturates to the `bits` that `s` says, and sets Q where that changed the value. */
const saturate =
  (isSigned: boolean) =>
  (
    e: Emitter,
    {
      d,
      n,
      s,
      h,
      k,
    }: { readonly d: number; readonly n: number; readonly s: number; readonly h: number; readonly k: number },
    context: LiftContext,
  ): void => {
    const { value } = shiftByConstant(e, readGpr(e, context, n), h === 1 ? ASR : LSL, k);
    const result = isSigned
      ? clamp(e, value, s === 31 ? -0x80000000 : -(2 ** s), 2 ** s - 1)
      : clamp(e, value, 0, 2 ** s - 1);
    stickQ(e, e.i32.ne(result, value));
    writeGpr(e, context, d, result);
  };
for (const [name, arm, thumb, isSigned] of [
  ["ssat", "0110101", "1100", true],
  ["usat", "0110111", "1110", false],
] as const) {
  const operandText = isSigned ? "rd, {satplus}, rn{satshift}" : "rd, {sat}, rn{satshift}";
  a32.push(row(`${name}{c}`, `cccc ${arm} sssss dddd kkkkk h 01 nnnn` as "sdkhn", operandText, saturate(isSigned), V6));
  // Thumb has no `asr #32`: those bits are the instruction on halfwords.
  t32.push(
    row(`${name}{c}`, `11110 0 ${thumb} h 0 nnnn 0 kkk dddd kk 0 sssss` as "sdkhn", operandText, saturate(isSigned), {
      ...V6,
      when: (f) => withoutPc(f) && (f.h === 0 || f.k !== 0),
    }),
  );
}

const halfOf = (e: Emitter, value: I32, which: 0 | 1, isSigned: boolean): I32 => {
  if (which === 1) return isSigned ? e.i32.shrS(value, e.const32(16)) : e.i32.shrU(value, e.const32(16));
  return isSigned ? e.i32.extend16S(value) : e.i32.and(value, e.const32(0xffff));
};
/** Two halves, of which the low 16 bits count, as one word. */
const packed = (e: Emitter, low: I32, high: I32): I32 =>
  e.i32.or(e.i32.and(low, e.const32(0xffff)), e.i32.shl(high, e.const32(16)));

const saturateHalves =
  (isSigned: boolean) =>
  (
    e: Emitter,
    { d, n, s }: { readonly d: number; readonly n: number; readonly s: number },
    context: LiftContext,
  ): void => {
    const value = readGpr(e, context, n);
    const halves = ([0, 1] as const).map((which) => {
      const half = halfOf(e, value, which, true);
      const result = isSigned ? clamp(e, half, -(2 ** s), 2 ** s - 1) : clamp(e, half, 0, 2 ** s - 1);
      stickQ(e, e.i32.ne(result, half));
      return result;
    });
    writeGpr(e, context, d, packed(e, halves[0]!, halves[1]!));
  };
both(
  "ssat16{c}",
  "cccc 01101010 ssss dddd 1111 0011 nnnn",
  "11110 0 1100 1 0 nnnn 0000 dddd 0000 ssss",
  "rd, {satplus}, rn",
  saturateHalves(true),
  V6,
);
both(
  "usat16{c}",
  "cccc 01101110 ssss dddd 1111 0011 nnnn",
  "11110 0 1110 1 0 nnnn 0000 dddd 0000 ssss",
  "rd, {sat}, rn",
  saturateHalves(false),
  V6,
);

// ── parallel addition and subtraction ─────────────────────────────────────────────────────────────────────────────

const byteOf = (e: Emitter, value: I32, n: number, isSigned: boolean): I32 => {
  const down = n === 0 ? value : e.i32.shrU(value, e.const32(8 * n));
  return isSigned ? e.i32.extend8S(down) : n === 3 ? down : e.i32.and(down, e.const32(0xff));
};

/** How a lane's exact result becomes the lane; and whether GE says what the result was. */
interface Flavour {
  readonly prefix: string;
  readonly arm: string;
  readonly thumb: string;
  readonly isSigned: boolean;
  readonly setsGe: boolean;
  readonly finish: (e: Emitter, sum: I32, bits: number) => I32;
}
const FLAVOURS: readonly Flavour[] = [
  { prefix: "s", arm: "001", thumb: "000", isSigned: true, setsGe: true, finish: (_e, sum) => sum },
  {
    prefix: "q",
    arm: "010",
    thumb: "001",
    isSigned: true,
    setsGe: false,
    finish: (e, sum, bits) => clamp(e, sum, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1),
  },
  {
    prefix: "sh",
    arm: "011",
    thumb: "010",
    isSigned: true,
    setsGe: false,
    finish: (e, sum) => e.i32.shrS(sum, e.const32(1)),
  },
  { prefix: "u", arm: "101", thumb: "100", isSigned: false, setsGe: true, finish: (_e, sum) => sum },
  {
    prefix: "uq",
    arm: "110",
    thumb: "101",
    isSigned: false,
    setsGe: false,
    finish: (e, sum, bits) => clamp(e, sum, 0, 2 ** bits - 1),
  },
  {
    prefix: "uh",
    arm: "111",
    thumb: "110",
    isSigned: false,
    setsGe: false,
    finish: (e, sum) => e.i32.shrS(sum, e.const32(1)),
  },
];
/** Per lane: add or subtract; `exchanged`: the second operand's halves change places. */
const LANE_OPERATIONS = [
  { name: "add16", arm: "000", thumb: "001", bits: 16, adds: [true, true], exchanged: false },
  { name: "asx", arm: "001", thumb: "010", bits: 16, adds: [false, true], exchanged: true },
  { name: "sax", arm: "010", thumb: "110", bits: 16, adds: [true, false], exchanged: true },
  { name: "sub16", arm: "011", thumb: "101", bits: 16, adds: [false, false], exchanged: false },
  { name: "add8", arm: "100", thumb: "000", bits: 8, adds: [true, true, true, true], exchanged: false },
  { name: "sub8", arm: "111", thumb: "100", bits: 8, adds: [false, false, false, false], exchanged: false },
] as const;

for (const flavour of FLAVOURS) {
  for (const { name, arm, thumb, bits, adds, exchanged } of LANE_OPERATIONS) {
    const laneMask = bits === 8 ? 0xff : 0xffff;
    const lift = (e: Emitter, { d, n, m }: Three, context: LiftContext): void => {
      const a = readGpr(e, context, n);
      const b = readGpr(e, context, m);
      const lane = (value: I32, which: number): I32 =>
        bits === 8 ? byteOf(e, value, which, flavour.isSigned) : halfOf(e, value, which as 0 | 1, flavour.isSigned);
      let result = e.const32(0);
      let ge = e.const32(0);
      for (const [which, isAdd] of adds.entries()) {
        const x = lane(a, which);
        const y = lane(b, exchanged ? 1 - which : which);
        const exact = isAdd ? e.i32.add(x, y) : e.i32.sub(x, y);
        result = e.i32.or(
          result,
          e.i32.shl(e.i32.and(flavour.finish(e, exact, bits), e.const32(laneMask)), e.const32(bits * which)),
        );
        if (!flavour.setsGe) continue;
        // Set where the result is not negative; for an unsigned addition, where it carries out of the lane.
        const holds =
          !flavour.isSigned && isAdd ? e.i32.gtS(exact, e.const32(laneMask)) : e.i32.geS(exact, e.const32(0));
        ge = e.i32.or(ge, e.i32.and(e.i32.sub(e.const32(0), holds), e.const32(laneMask << (bits * which))));
      }
      writeGpr(e, context, d, result);
      if (flavour.setsGe) e.set(GE, ge);
    };
    both(
      `${flavour.prefix}${name}{c}`,
      `cccc 01100 ${flavour.arm} nnnn dddd 1111 ${arm} 1 mmmm` as "dnm",
      `11111010 1 ${thumb} nnnn 1111 dddd 0 ${flavour.thumb} mmmm` as "dnm",
      "rd, rn, rm",
      lift,
      flavour.setsGe ? V6 : PURE,
    );
  }
}

both(
  "sel{c}",
  "cccc 01101000 nnnn dddd 1111 1011 mmmm",
  "11111010 1010 nnnn 1111 dddd 1000 mmmm",
  "rd, rn, rm",
  (e, { d, n, m }, context) => {
    const ge = e.get(GE);
    const [a, b] = [readGpr(e, context, n), readGpr(e, context, m)];
    writeGpr(e, context, d, e.i32.or(e.i32.and(a, ge), e.i32.and(b, e.i32.xor(ge, e.const32(-1)))));
  },
  PURE,
);

const absoluteDifferences = (
  e: Emitter,
  { n, m }: { readonly n: number; readonly m: number },
  context: LiftContext,
): I32 => {
  const [a, b] = [readGpr(e, context, n), readGpr(e, context, m)];
  let sum = e.const32(0);
  for (let which = 0; which < 4; which++) {
    const difference = e.i32.sub(byteOf(e, a, which, false), byteOf(e, b, which, false));
    const sign = e.i32.shrS(difference, e.const32(31));
    sum = e.i32.add(sum, e.i32.sub(e.i32.xor(difference, sign), sign));
  }
  return sum;
};
both(
  "usad8{c}",
  "cccc 01111000 dddd 1111 mmmm 0001 nnnn",
  "11111011 0111 nnnn 1111 dddd 0000 mmmm",
  "rd, rn, rm",
  (e, f, context) => writeGpr(e, context, f.d, absoluteDifferences(e, f, context)),
  PURE,
);
both(
  "usada8{c}",
  "cccc 01111000 dddd aaaa mmmm 0001 nnnn",
  "11111011 0111 nnnn aaaa dddd 0000 mmmm",
  "rd, rn, rm, ra",
  (e, f, context) => writeGpr(e, context, f.d, e.i32.add(absoluteDifferences(e, f, context), readGpr(e, context, f.a))),
  PURE,
);

// ── packing and extension ─────────────────────────────────────────────────────────────────────────────────────────

both(
  "pkh{packed}{c}",
  "cccc 01101000 nnnn dddd kkkkk h 01 mmmm",
  "11101010 1100 nnnn 0 kkk dddd kk h 0 mmmm",
  "rd, rn, rm{satshift}",
  (e, { d, n, m, k, h }, context) => {
    const { value: shifted } = shiftByConstant(e, readGpr(e, context, m), h === 1 ? ASR : LSL, k);
    const first = readGpr(e, context, n);
    const [low, high] = h === 1 ? [shifted, first] : [first, shifted];
    writeGpr(e, context, d, e.i32.or(e.i32.and(low, e.const32(0xffff)), e.i32.and(high, e.const32(-0x10000))));
  },
  PURE,
);

/** What is extended, from a register rotated right by 8 * r. */
const EXTENSIONS: readonly {
  readonly name: string;
  readonly short: string;
  readonly arm: string;
  readonly thumb: string;
  readonly extend: (e: Emitter, value: I32) => I32;
  readonly pairs?: true;
}[] = [
  {
    name: "sxtab16",
    short: "sxtb16",
    arm: "000",
    thumb: "010",
    pairs: true,
    extend: (e, v) => packed(e, e.i32.extend8S(v), e.i32.extend8S(e.i32.shrU(v, e.const32(16)))),
  },
  { name: "sxtab", short: "sxtb", arm: "010", thumb: "100", extend: (e, v) => e.i32.extend8S(v) },
  { name: "sxtah", short: "sxth", arm: "011", thumb: "000", extend: (e, v) => e.i32.extend16S(v) },
  {
    name: "uxtab16",
    short: "uxtb16",
    arm: "100",
    thumb: "011",
    pairs: true,
    extend: (e, v) => e.i32.and(v, e.const32(0x00ff00ff)),
  },
  { name: "uxtab", short: "uxtb", arm: "110", thumb: "101", extend: (e, v) => e.i32.and(v, e.const32(0xff)) },
  { name: "uxtah", short: "uxth", arm: "111", thumb: "001", extend: (e, v) => e.i32.and(v, e.const32(0xffff)) },
];
for (const { name, short, arm, thumb, extend, pairs } of EXTENSIONS) {
  const extended = (e: Emitter, { m, r }: { readonly m: number; readonly r: number }, context: LiftContext): I32 => {
    const value = readGpr(e, context, m);
    return extend(e, r === 0 ? value : e.i32.rotr(value, e.const32(8 * r)));
  };
  both(
    `${short}{c}${pairs ? "" : "{w}"}`,
    `cccc 01101 ${arm} 1111 dddd rr 00 0111 mmmm` as "dmr",
    `11111010 0 ${thumb} 1111 1111 dddd 10 rr mmmm` as "dmr",
    "rd, rm{rotation}",
    (e, f, context) => writeGpr(e, context, f.d, extended(e, f, context)),
    PURE,
  );
  both(
    `${name}{c}`,
    `cccc 01101 ${arm} nnnn dddd rr 00 0111 mmmm` as "dnmr",
    `11111010 0 ${thumb} nnnn 1111 dddd 10 rr mmmm` as "dnmr",
    "rd, rn, rm{rotation}",
    (e, f, context) => {
      const first = readGpr(e, context, f.n);
      const second = extended(e, f, context);
      const sum = pairs
        ? packed(e, e.i32.add(first, second), e.i32.add(halfOf(e, first, 1, false), halfOf(e, second, 1, false)))
        : e.i32.add(first, second);
      writeGpr(e, context, f.d, sum);
    },
    PURE,
  );
}

// ── bit fields, reversals, counting ───────────────────────────────────────────────────────────────────────────────

/** `l` is the lowest bit, `w` the width - 1. */
const field =
  (isSigned: boolean) =>
  (
    e: Emitter,
    { d, n, l, w }: { readonly d: number; readonly n: number; readonly l: number; readonly w: number },
    context: LiftContext,
  ): void => {
    const left = e.i32.shl(readGpr(e, context, n), e.const32(31 - l - w));
    const down = e.const32(31 - w);
    writeGpr(
      e,
      context,
      d,
      isSigned
        ? e.i32.shrS(left, down)
        : l === 0 && w < 31
          ? e.i32.and(readGpr(e, context, n), e.const32(2 ** (w + 1) - 1))
          : e.i32.shrU(left, down),
    );
  };
const fits = (f: { readonly d: number; readonly n: number; readonly l: number; readonly w: number }): boolean =>
  f.d !== PC && f.n !== PC && f.l + f.w <= 31;
both(
  "sbfx{c}",
  "cccc 0111101 wwwww dddd lllll 101 nnnn",
  "11110 0 11 0100 nnnn 0 lll dddd ll 0 wwwww",
  "rd, rn, {lsb}, {width}",
  field(true),
  { ...V6T2, when: fits },
);
both(
  "ubfx{c}",
  "cccc 0111111 wwwww dddd lllll 101 nnnn",
  "11110 0 11 1100 nnnn 0 lll dddd ll 0 wwwww",
  "rd, rn, {lsb}, {width}",
  field(false),
  { ...V6T2, when: fits },
);

/** Bits `l` to `b` of a register become `value`'s lowest. */
function insert(
  e: Emitter,
  context: LiftContext,
  { d, l, b }: { readonly d: number; readonly l: number; readonly b: number },
  value: I32,
): void {
  const mask = e.const32((2 ** (b - l + 1) - 1) * 2 ** l);
  const kept = e.i32.and(readGpr(e, context, d), e.i32.xor(mask, e.const32(-1)));
  writeGpr(e, context, d, e.i32.or(kept, e.i32.and(e.i32.shl(value, e.const32(l)), mask)));
}
both(
  "bfc{c}",
  "cccc 0111110 bbbbb dddd lllll 001 1111",
  "11110 0 11 0110 1111 0 lll dddd ll 0 bbbbb",
  "rd, {lsb}, {insertwidth}",
  (e, f, context) => insert(e, context, f, e.const32(0)),
  { ...V6T2, when: ({ d, l, b }) => d !== PC && b >= l },
);
both(
  "bfi{c}",
  "cccc 0111110 bbbbb dddd lllll 001 nnnn",
  "11110 0 11 0110 nnnn 0 lll dddd ll 0 bbbbb",
  "rd, rn, {lsb}, {insertwidth}",
  (e, f, context) => insert(e, context, f, readGpr(e, context, f.n)),
  { ...V6T2, when: ({ d, l, b }) => d !== PC && b >= l },
);

const swapAlternateBytes = (e: Emitter, v: I32): I32 =>
  e.i32.or(
    e.i32.and(e.i32.shrU(v, e.const32(8)), e.const32(0x00ff00ff)),
    e.i32.and(e.i32.shl(v, e.const32(8)), e.const32(0xff00ff00)),
  );
/** Exchanges neighbouring groups of `by` bits; `mask` has the lower ones. */
const exchange = (e: Emitter, v: I32, by: number, mask: number): I32 =>
  e.i32.or(
    e.i32.and(e.i32.shrU(v, e.const32(by)), e.const32(mask)),
    e.i32.shl(e.i32.and(v, e.const32(mask)), e.const32(by)),
  );

export const REVERSALS = {
  rev: (e: Emitter, v: I32): I32 =>
    e.i32.or(
      e.i32.and(e.i32.rotr(v, e.const32(8)), e.const32(0xff00ff00)),
      e.i32.and(e.i32.rotl(v, e.const32(8)), e.const32(0x00ff00ff)),
    ),
  rev16: swapAlternateBytes,
  revsh: (e: Emitter, v: I32): I32 => e.i32.extend16S(swapAlternateBytes(e, v)),
  rbit: (e: Emitter, v: I32): I32 => {
    const nibbles = exchange(e, exchange(e, exchange(e, v, 1, 0x55555555), 2, 0x33333333), 4, 0x0f0f0f0f);
    return REVERSALS.rev(e, nibbles);
  },
} as const;

/** T32 has the operand's number twice. */
const twice = (fields: Fields): boolean => withoutPc(fields) && fields["m"] === fields["n"];

for (const [name, arm, thumb, needs, narrow] of [
  ["rev", "01101011 1111 dddd 1111 0011", "1001 nnnn 1111 dddd 1000", "v6", true],
  ["rev16", "01101011 1111 dddd 1111 1011", "1001 nnnn 1111 dddd 1001", "v6", true],
  ["rbit", "01101111 1111 dddd 1111 0011", "1001 nnnn 1111 dddd 1010", "v6t2", false],
  ["revsh", "01101111 1111 dddd 1111 1011", "1001 nnnn 1111 dddd 1011", "v6", true],
  ["clz", "00010110 1111 dddd 1111 0001", "1011 nnnn 1111 dddd 1000", "v5", false],
] as const) {
  const operation = name === "clz" ? (e: Emitter, value: I32): I32 => e.i32.clz(value) : REVERSALS[name];
  const lift = (e: Emitter, { d, m }: { readonly d: number; readonly m: number }, context: LiftContext): void =>
    writeGpr(e, context, d, operation(e, readGpr(e, context, m)));
  a32.push(row(`${name}{c}`, `cccc ${arm} mmmm` as "dm", "rd, rm", lift, { ...PURE, needs }));
  t32.push(
    row(`${name}{c}${narrow ? ".w" : ""}`, `11111010 ${thumb} mmmm` as "dm", "rd, rm", lift, {
      ...PURE,
      needs: "v6t2",
      when: twice,
    }),
  );
}
