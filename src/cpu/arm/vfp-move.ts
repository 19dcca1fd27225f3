/** VFP and Advanced SIMD register transfers and VFP loads and stores (ARM DDI 0406C A7.6, A7.8, A7.9). */
import type { Emitter, F64, I32 } from "../emitter.ts";
import type { Fields } from "../decode-table.ts";
import { FPSCR_KEPT, FPSCR_NZCV, FPSCR_QC } from "./fpscr.ts";
import { PC, SP, readGpr, writeGpr } from "./registers.ts";
import type { ArmRow, Lift, LiftContext } from "./row.ts";
import { STOP, rowsOf } from "./row.ts";
import { fpscrNzcv, setNzcvFromFpscr } from "./vfp-compare.ts";
import type { Letter } from "./vfp-lift.ts";
import { COPROCESSOR, FLOATS, LETTERS, register, rejects } from "./vfp-lift.ts";
import { D, DOUBLEWORD, FPSCR, FP_NZCV, Q, QC, S, WORD } from "./vfp-registers.ts";

const transfer = rowsOf("VFP register transfer");
const access = rowsOf("VFP load and store");
const needs = "vfp2";

// ── constants ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** VFPExpandImm: sign, three bits of exponent, four of fraction. */
export function expandSingle(imm8: number): number {
  const sign = imm8 >> 7;
  const b = (imm8 >> 6) & 1;
  const exponent = ((b ^ 1) << 7) | (b !== 0 ? 0x7c : 0) | ((imm8 >> 4) & 3);
  return (sign << 31) | (exponent << 23) | ((imm8 & 15) << 19) | 0;
}
export function expandDouble(imm8: number): bigint {
  const single = new Float32Array(Int32Array.of(expandSingle(imm8)).buffer)[0]!;
  return new BigUint64Array(Float64Array.of(single).buffer)[0]!;
}

const constantRows = LETTERS.map((x) =>
  transfer(
    `vmov{c}.${x === "s" ? "f32" : "f64"}`,
    `cccc 1110 1D11 iiii dddd ${COPROCESSOR[x]} 0000 iiii` as string,
    `${x.toUpperCase()}d, fimm`,
    (e, fields, context) => {
      const d = register(fields, x, "d");
      if (rejects(e, context, x === "d" ? [d] : [], true)) return;
      if (x === "s") e.set(S[d]!, e.constF32(expandSingle(fields["i"]!)));
      else e.set(D[d]!, e.constF64(expandDouble(fields["i"]!)));
    },
    { needs: "vfp3" },
  ),
);

// ── between core and extension registers ──────────────────────────────────────────────────────────────────────────

const notPc =
  (...letters: readonly string[]) =>
  (fields: Fields): boolean =>
    letters.every((letter) => fields[letter] !== PC);

/** A scalar's place: the index grows with x and then the low bits of opc2. */
interface ScalarSize {
  readonly bits: 8 | 16 | 32;
  readonly opc1: string;
  readonly opc2: string;
}
const SCALARS: readonly ScalarSize[] = [
  { bits: 8, opc1: "1x", opc2: "xx" },
  { bits: 16, opc1: "0x", opc2: "x1" },
  { bits: 32, opc1: "0x", opc2: "00" },
];

/** The word that holds scalar `x` of D register `d`, and how far up in it the scalar is. */
const scalarWord = (
  d: number,
  x: number,
  bits: number,
): { readonly slot: (typeof WORD)[number]; readonly shift: number } => {
  const bit = x * bits;
  return { slot: WORD[2 * d + (bit >> 5)]!, shift: bit & 31 };
};

const toScalar =
  (bits: 8 | 16 | 32): Lift<Fields> =>
  (e, fields, context) => {
    const d = register(fields, "d", "d");
    if (rejects(e, context, [d])) return;
    const { slot, shift } = scalarWord(d, fields["x"]!, bits);
    const value = readGpr(e, context, fields["t"]!);
    if (bits === 32) e.set(slot, value);
    else {
      const mask = ((1 << bits) - 1) << shift;
      const kept = e.i32.and(e.get(slot), e.const32(~mask));
      e.set(slot, e.i32.or(kept, e.i32.and(e.i32.shl(value, e.const32(shift)), e.const32(mask))));
    }
  };
const fromScalar =
  (bits: 8 | 16 | 32, signed: boolean): Lift<Fields> =>
  (e, fields, context) => {
    const n = register(fields, "d", "n");
    if (rejects(e, context, [n])) return;
    const { slot, shift } = scalarWord(n, fields["x"]!, bits);
    const low = e.i32.shrU(e.get(slot), e.const32(shift));
    let value = low;
    if (bits !== 32)
      value = signed
        ? bits === 8
          ? e.i32.extend8S(low)
          : e.i32.extend16S(low)
        : e.i32.and(low, e.const32((1 << bits) - 1));
    writeGpr(e, context, fields["t"]!, value);
  };
const scalarRows = SCALARS.flatMap(({ bits, opc1, opc2 }): ArmRow[] => {
  const info = { needs: bits === 32 ? needs : "neon", when: notPc("t") } as const;
  return [
    transfer(
      `vmov{c}.${bits}`,
      `cccc 1110 0${opc1}0 dddd tttt 1011 D${opc2}1 0000` as string,
      "Dd[x], rt",
      toScalar(bits),
      info,
    ),
    ...(bits === 32
      ? [
          transfer(
            "vmov{c}.32",
            `cccc 1110 0${opc1}1 nnnn tttt 1011 N${opc2}1 0000` as string,
            "rt, Dn[x]",
            fromScalar(32, false),
            info,
          ),
        ]
      : [true, false].map((signed) =>
          transfer(
            `vmov{c}.${signed ? "s" : "u"}${bits}`,
            `cccc 1110 ${signed ? 0 : 1}${opc1}1 nnnn tttt 1011 N${opc2}1 0000` as string,
            "rt, Dn[x]",
            fromScalar(bits, signed),
            info,
          ),
        )),
  ];
});

const duplicateRows = ([8, 16, 32] as const).flatMap((bits) =>
  [false, true].map((quad) =>
    transfer(
      `vdup{c}.${bits}`,
      `cccc 1110 1${bits === 8 ? 1 : 0}${quad ? 1 : 0}0 dddd tttt 1011 D0${bits === 16 ? 1 : 0}1 0000` as string,
      quad ? "Qd, rt" : "Dd, rt",
      (e, fields, context) => {
        const d = register(fields, "d", "d");
        const value = readGpr(e, context, fields["t"]!);
        const all = bits === 8 ? e.i8x16.splat(value) : bits === 16 ? e.i16x8.splat(value) : e.i32x4.splat(value);
        if (quad) e.set(Q[d >> 1]!, all);
        else e.set(D[d]!, e.f64x2.extractLane(all, 0));
      },
      { needs: "neon", when: (fields) => fields["t"] !== PC && (!quad || (fields["d"]! & 1) === 0) },
    ),
  ),
);

const coreRows: readonly ArmRow[] = [
  transfer(
    "vmov{c}",
    "cccc 1110 0000 nnnn tttt 1010 N001 0000",
    "Sn, rt",
    (e, fields, context) => {
      e.set(WORD[register(fields, "s", "n")]!, readGpr(e, context, fields["t"]!));
    },
    { needs, when: notPc("t") },
  ),
  transfer(
    "vmov{c}",
    "cccc 1110 0001 nnnn tttt 1010 N001 0000",
    "rt, Sn",
    (e, fields, context) => {
      writeGpr(e, context, fields["t"]!, e.get(WORD[register(fields, "s", "n")]!));
    },
    { needs, when: notPc("t") },
  ),
  transfer(
    "vmov{c}",
    "cccc 1100 0100 uuuu tttt 1010 00M1 mmmm",
    "Sm, Sm1, rt, ru",
    (e, fields, context) => {
      const m = register(fields, "s", "m");
      e.set(WORD[m]!, readGpr(e, context, fields["t"]!));
      e.set(WORD[m + 1]!, readGpr(e, context, fields["u"]!));
    },
    { needs, when: (fields) => notPc("t", "u")(fields) && register(fields, "s", "m") !== 31 },
  ),
  transfer(
    "vmov{c}",
    "cccc 1100 0101 uuuu tttt 1010 00M1 mmmm",
    "rt, ru, Sm, Sm1",
    (e, fields, context) => {
      const m = register(fields, "s", "m");
      const [low, high] = [e.get(WORD[m]!), e.get(WORD[m + 1]!)];
      writeGpr(e, context, fields["t"]!, low);
      writeGpr(e, context, fields["u"]!, high);
    },
    {
      needs,
      when: (fields) => notPc("t", "u")(fields) && fields["t"] !== fields["u"] && register(fields, "s", "m") !== 31,
    },
  ),
  transfer(
    "vmov{c}",
    "cccc 1100 0100 uuuu tttt 1011 00M1 mmmm",
    "Dm, rt, ru",
    (e, fields, context) => {
      const m = register(fields, "d", "m");
      if (rejects(e, context, [m])) return;
      const low = e.i64.extendI32U(readGpr(e, context, fields["t"]!));
      const high = e.i64.extendI32U(readGpr(e, context, fields["u"]!));
      e.set(DOUBLEWORD[m]!, e.i64.or(low, e.i64.shl(high, e.const64(32n))));
    },
    { needs, when: notPc("t", "u") },
  ),
  transfer(
    "vmov{c}",
    "cccc 1100 0101 uuuu tttt 1011 00M1 mmmm",
    "rt, ru, Dm",
    (e, fields, context) => {
      const m = register(fields, "d", "m");
      if (rejects(e, context, [m])) return;
      const both = e.get(DOUBLEWORD[m]!);
      writeGpr(e, context, fields["t"]!, e.i32.wrapI64(both));
      writeGpr(e, context, fields["u"]!, e.i32.wrapI64(e.i64.shrU(both, e.const64(32n))));
    },
    { needs, when: (fields) => notPc("t", "u")(fields) && fields["t"] !== fields["u"] },
  ),
];

// ── FPSCR ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const systemRows: readonly ArmRow[] = [
  transfer("vmrs{c}", "cccc 1110 1111 0001 1111 1010 0001 0000", "APSR_nzcv, fpscr", setNzcvFromFpscr, {
    needs,
    alias: true,
  }),
  transfer(
    "vmrs{c}",
    "cccc 1110 1111 0001 tttt 1010 0001 0000",
    "rt, fpscr",
    (e, { t }, context) => {
      const qc = e.i32.shl(e.v128.anyTrue(e.get(QC)), e.const32(27));
      writeGpr(e, context, t, e.i32.or(fpscrNzcv(e), e.i32.or(qc, e.get(FPSCR))));
    },
    { needs },
  ),
  transfer(
    "vmsr{c}",
    "cccc 1110 1110 0001 tttt 1010 0001 0000",
    "fpscr, rt",
    (e, { t }, context) => {
      const value = readGpr(e, context, t);
      e.set(FPSCR, e.i32.and(value, e.const32(FPSCR_KEPT)));
      e.set(FP_NZCV, e.i32.and(value, e.const32(FPSCR_NZCV)));
      e.set(QC, e.i32x4.splat(e.i32.and(value, e.const32(FPSCR_QC))));
      e.leave(context.next);
    },
    { ...STOP, needs, when: notPc("t") },
  ),
];

// ── loads and stores ──────────────────────────────────────────────────────────────────────────────────────────────

/** Rn, which as the PC is aligned to a word. */
function base(e: Emitter, context: LiftContext, n: number): I32 {
  return n === PC ? e.const32(context.pcValue & ~3) : readGpr(e, context, n);
}
const at = (e: Emitter, address: I32, offset: number): I32 => e.i32.add(address, e.const32(offset));

function load(e: Emitter, letter: Letter, n: number, address: I32): void {
  if (letter === "s") e.set(S[n]!, e.loadF32(address));
  else e.set(D[n]!, e.loadF64(address));
}
function store(e: Emitter, letter: Letter, n: number, address: I32): void {
  const value = FLOATS[letter].get(e, n);
  if (letter === "s") e.storeF32(address, value as never);
  else e.storeF64(address, value as F64);
}

const singleRows = LETTERS.flatMap((x) =>
  ([1, 0] as const).map((isLoad) =>
    access(
      `v${isLoad === 1 ? "ld" : "st"}r{c}`,
      `cccc 1101 UD0${isLoad} nnnn dddd ${COPROCESSOR[x]} iiiiiiii` as string,
      `${x.toUpperCase()}d, vaddress`,
      (e, fields, context) => {
        const d = register(fields, x, "d");
        if (rejects(e, context, x === "d" ? [d] : [])) return;
        const offset = 4 * fields["i"]!;
        const address = at(e, base(e, context, fields["n"]!), fields["U"] === 1 ? offset : -offset);
        if (isLoad === 1) load(e, x, d, address);
        else store(e, x, d, address);
      },
      { needs },
    ),
  ),
);

/** The forms of load and store multiple: increment after, the same with writeback, decrement before with writeback. */
const MULTIPLE = [
  { bits: "01", w: 0, suffix: "ia", down: false },
  { bits: "01", w: 1, suffix: "ia", down: false },
  { bits: "10", w: 1, suffix: "db", down: true },
] as const;

const multipleRows = LETTERS.flatMap((x) =>
  MULTIPLE.flatMap(({ bits, w, suffix, down }) =>
    ([1, 0] as const).flatMap((isLoad): ArmRow[] => {
      // The immediate counts words; of doubles, its lowest bit is not in the field `i`.
      const lift =
        (odd: 0 | 1): Lift<Fields> =>
        (e, fields, context) => {
          const d = register(fields, x, "d");
          const count = fields["i"]!;
          const words = x === "d" ? 2 * count + odd : count;
          if (rejects(e, context, x === "d" ? [d + count - 1] : [])) return;
          const n = fields["n"] ?? SP;
          const start = base(e, context, n);
          const first = at(e, start, down ? -4 * words : 0);
          for (let i = 0; i < count; i++)
            (isLoad === 1 ? load : store)(e, x, d + i, at(e, first, i * (x === "d" ? 8 : 4)));
          if (w === 1) writeGpr(e, context, n, down ? first : at(e, start, 4 * words));
        };
      const fits = (fields: Fields): boolean => {
        const count = fields["i"]!;
        return count > 0 && count <= 16 && register(fields, x, "d") + count <= 32 && (w === 0 || fields["n"] !== PC);
      };
      const name = `v${isLoad === 1 ? "ld" : "st"}m${suffix}{c}`;
      const list = `vlist${x.toUpperCase()}`;
      const pattern = (rn: string): string =>
        `cccc 110${bits[0]} ${bits[1]}D${w}${isLoad} ${rn} dddd ${COPROCESSOR[x]} iiiiiii${x === "d" ? "0" : "i"}`;
      const rows = [access(name, pattern("nnnn"), `rn${w === 1 ? "!" : ""}, ${list}`, lift(0), { needs, when: fits })];
      // FLDMX and FSTMX transfer as the even number does, and step over one word more.
      if (x === "d")
        rows.push(
          access(
            `f${isLoad === 1 ? "ld" : "st"}m${suffix}x{c}`,
            pattern("nnnn").replace(/0$/, "1"),
            `rn${w === 1 ? "!" : ""}, ${list}\t@ Deprecated`,
            lift(1),
            {
              needs,
              when: fits,
            },
          ),
        );
      if (w === 1 && (isLoad === 1) !== down)
        rows.push(
          access(isLoad === 1 ? "vpop{c}" : "vpush{c}", pattern("1101"), list, lift(0), {
            needs,
            alias: true,
            when: fits,
          }),
        );
      return rows;
    }),
  ),
);

export const VFP_MOVE_ROWS: readonly ArmRow[] = [
  ...constantRows,
  ...scalarRows,
  ...duplicateRows,
  ...coreRows,
  ...systemRows,
  ...singleRows,
  ...multipleRows,
];
