/** VFP conversions: between formats, integers, fixed point and half precision (ARM DDI 0406C A8.8.304 to A8.8.311). */
import type { Emitter, F32, F64, I32 } from "../emitter.ts";
import type { Fields } from "../decode-table.ts";
import type { Float } from "../host-float.ts";
import { extreme } from "../host-float.ts";
import type { Rounding } from "../softfloat/index.ts";
import type { ArmRow, Lift } from "./row.ts";
import { rowsOf } from "./row.ts";
import type { Fast, Letter } from "./vfp-lift.ts";
import { FLOATS, LETTERS, operate, register, rejects } from "./vfp-lift.ts";
import type { IntegerType } from "./vfp-operations.ts";
import { CVT_D_S, CVT_S_D, FROM_HALF, TO_HALF, fromFixed, toFixed } from "./vfp-operations.ts";
import { D, S, WORD } from "./vfp-registers.ts";

const row = rowsOf("VFP conversion");
const TYPE = { s: "f32", d: "f64" } as const;
const COPROCESSOR = { s: "1010", d: "1011" } as const;

const doubles = (letter: Letter, ...numbers: number[]): readonly number[] => (letter === "d" ? numbers : []);

// ── to integers ───────────────────────────────────────────────────────────────────────────────────────────────────

const HOST_ROUNDING: Partial<Record<Rounding, "nearest" | "trunc" | "ceil" | "floor">> = {
  nearestEven: "nearest",
  towardZero: "trunc",
  up: "ceil",
  down: "floor",
};

/** Undefined rounding: FPSCR's, which is to nearest where this is asked for. */
function toInteger(e: Emitter, letter: Letter, signed: boolean, rounding: Rounding | undefined, a: Float): Fast<"i32"> {
  const rounder = HOST_ROUNDING[rounding ?? "nearestEven"];
  const f = FLOATS[letter];
  if (rounder === undefined) return { value: e.const32(0), rare: e.const32(1) };
  const rounded = f.unary(e, rounder, a);
  const value =
    letter === "s"
      ? signed
        ? e.i32.truncSatF32S(rounded as F32)
        : e.i32.truncSatF32U(rounded as F32)
      : signed
        ? e.i32.truncSatF64S(rounded as F64)
        : e.i32.truncSatF64U(rounded as F64);
  const inRange = signed
    ? f.compare(e, "lt", f.unary(e, "abs", rounded), f.constant(e, 2 ** 31))
    : e.i32.and(f.compare(e, "ge", rounded, f.constant(e, 0)), f.compare(e, "lt", rounded, f.constant(e, 2 ** 32)));
  return { value, rare: e.i32.eqz(inRange), inexact: () => [f.compare(e, "ne", rounded, a)] };
}
const liftToInteger =
  (x: Letter, signed: boolean, rounding: Rounding | undefined): Lift<Fields> =>
  (e, fields, context) => {
    const [d, m] = [register(fields, "s", "d"), register(fields, x, "m")];
    if (rejects(e, context, doubles(x, m))) return;
    const a = FLOATS[x].get(e, m);
    const operation = toFixed(x, signed ? "s32" : "u32", rounding);
    e.set(
      WORD[d]!,
      operate<"i32">(e, context, operation, [a, e.const32(0)], () => toInteger(e, x, signed, rounding, a)),
    );
  };
const toIntegerRows = LETTERS.flatMap((x) =>
  [true, false].flatMap((signed): ArmRow[] => {
    const type = signed ? "s32" : "u32";
    const operands = `Sd, ${x.toUpperCase()}m`;
    const opcode = signed ? "1101" : "1100";
    return [
      row(
        `vcvtr{c}.${type}.${TYPE[x]}`,
        `cccc 1110 1D11 ${opcode} dddd ${COPROCESSOR[x]} 01M0 mmmm` as string,
        operands,
        liftToInteger(x, signed, undefined),
        { needs: "vfp2" },
      ),
      row(
        `vcvt{c}.${type}.${TYPE[x]}`,
        `cccc 1110 1D11 ${opcode} dddd ${COPROCESSOR[x]} 11M0 mmmm` as string,
        operands,
        liftToInteger(x, signed, "towardZero"),
        { needs: "vfp2" },
      ),
      ...(
        [
          ["a", "00", "nearestAway"],
          ["n", "01", "nearestEven"],
          ["p", "10", "up"],
          ["m", "11", "down"],
        ] as const
      ).map(([name, rm, rounding]) =>
        row(
          `vcvt${name}.${type}.${TYPE[x]}`,
          `1111 1110 1D11 11${rm} dddd ${COPROCESSOR[x]} ${signed ? 1 : 0}1M0 mmmm` as string,
          operands,
          liftToInteger(x, signed, rounding),
          { needs: "v8" },
        ),
      ),
    ];
  }),
);

// ── from integers ─────────────────────────────────────────────────────────────────────────────────────────────────

function fromInteger(e: Emitter, letter: Letter, signed: boolean, a: I32): Fast<"f32" | "f64"> {
  const exact = (): F64 => (signed ? e.f64.convertI32S(a) : e.f64.convertI32U(a));
  if (letter === "d") return { value: exact(), rare: undefined };
  const value = signed ? e.f32.convertI32S(a) : e.f32.convertI32U(a);
  return { value, rare: undefined, inexact: () => [e.f64.ne(e.f64.promoteF32(value), exact())] };
}
const fromIntegerRows = LETTERS.flatMap((x) =>
  [true, false].map((signed) =>
    row(
      `vcvt{c}.${TYPE[x]}.${signed ? "s32" : "u32"}`,
      `cccc 1110 1D11 1000 dddd ${COPROCESSOR[x]} ${signed ? 1 : 0}1M0 mmmm` as string,
      `${x.toUpperCase()}d, Sm`,
      (e, fields, context) => {
        const [d, m] = [register(fields, x, "d"), register(fields, "s", "m")];
        if (rejects(e, context, doubles(x, d))) return;
        const a = e.get(WORD[m]!);
        const operation = fromFixed(x, signed ? "s32" : "u32", undefined);
        FLOATS[x].set(
          e,
          d,
          operate(e, context, operation, [a, e.const32(0)], () => fromInteger(e, x, signed, a)),
        );
      },
      { needs: "vfp2" },
    ),
  ),
);

// ── fixed point: in place, always a helper's work but for the everyday case ───────────────────────────────────────

const FIXED_TYPES: readonly (readonly [type: IntegerType, unsigned: 0 | 1, wide: 0 | 1])[] = [
  ["s16", 0, 0],
  ["u16", 1, 0],
  ["s32", 0, 1],
  ["u32", 1, 1],
];
/** The immediate is 16 or 32 less the number of fraction bits. */
const fractionBits = (wide: 0 | 1, immediate: number): number => (wide === 1 ? 32 : 16) - immediate;
const fixedRows = LETTERS.flatMap((x) =>
  FIXED_TYPES.flatMap(([type, unsigned, wide]): ArmRow[] => {
    const X = x.toUpperCase();
    const info = { needs: "vfp3", when: (fields: Fields) => fractionBits(wide, immediateOf(fields)) >= 0 } as const;
    const fraction = wide === 1 ? "fbits32" : "fbits16";
    return [
      row(
        `vcvt{c}.${TYPE[x]}.${type}`,
        `cccc 1110 1D11 101${unsigned} dddd ${COPROCESSOR[x]} ${wide}1j0 iiii` as string,
        `${X}d, ${X}d, ${fraction}`,
        (e, fields, context) => {
          const d = register(fields, x, "d");
          if (rejects(e, context, doubles(x, d))) return;
          const a = e.get(WORD[x === "d" ? 2 * d : d]!);
          const bits = fractionBits(wide, immediateOf(fields));
          FLOATS[x].set(e, d, e.call(fromFixed(x, type, "nearestEven").helper, a, e.const32(bits)) as Float);
        },
        info,
      ),
      row(
        `vcvt{c}.${type}.${TYPE[x]}`,
        `cccc 1110 1D11 111${unsigned} dddd ${COPROCESSOR[x]} ${wide}1j0 iiii` as string,
        `${X}d, ${X}d, ${fraction}`,
        (e, fields, context) => {
          const d = register(fields, x, "d");
          if (rejects(e, context, doubles(x, d))) return;
          const bits = fractionBits(wide, immediateOf(fields));
          const word = e.call(toFixed(x, type, "towardZero").helper, FLOATS[x].get(e, d), e.const32(bits)) as I32;
          // A narrow result is extended to the whole register.
          const extended =
            type === "s16" ? e.i32.extend16S(word) : type === "u16" ? e.i32.and(word, e.const32(0xffff)) : word;
          if (x === "s") e.set(WORD[d]!, extended);
          else
            e.set(
              D[d]!,
              e.f64.reinterpretI64(type.startsWith("s") ? e.i64.extendI32S(extended) : e.i64.extendI32U(extended)),
            );
        },
        info,
      ),
    ];
  }),
);
/** imm4:i. */
export const immediateOf = (fields: Fields): number => (fields["i"]! << 1) | fields["j"]!;

// ── half precision: the bottom or top half of a single register ───────────────────────────────────────────────────

const halfRows = LETTERS.flatMap((x) =>
  (["b", "t"] as const).flatMap((half): ArmRow[] => {
    const top = half === "t";
    const info = { needs: x === "s" ? "fp16" : "v8" } as const;
    const X = x.toUpperCase();
    return [
      row(
        `vcvt${half}{c}.${TYPE[x]}.f16`,
        `cccc 1110 1D11 0010 dddd ${COPROCESSOR[x]} ${top ? 1 : 0}1M0 mmmm` as string,
        `${X}d, Sm`,
        (e, fields, context) => {
          const d = register(fields, x, "d");
          if (rejects(e, context, doubles(x, d))) return;
          const word = e.get(WORD[register(fields, "s", "m")]!);
          FLOATS[x].set(e, d, e.call(FROM_HALF[x].helper, top ? e.i32.shrU(word, e.const32(16)) : word) as Float);
        },
        info,
      ),
      row(
        `vcvt${half}{c}.f16.${TYPE[x]}`,
        `cccc 1110 1D11 0011 dddd ${COPROCESSOR[x]} ${top ? 1 : 0}1M0 mmmm` as string,
        `Sd, ${X}m`,
        (e, fields, context) => {
          const m = register(fields, x, "m");
          if (rejects(e, context, doubles(x, m))) return;
          const slot = WORD[register(fields, "s", "d")]!;
          const result = e.call(TO_HALF[x].helper, FLOATS[x].get(e, m)) as I32;
          const kept = e.i32.and(e.get(slot), e.const32(top ? 0xffff : 0xffff0000));
          e.set(slot, e.i32.or(kept, top ? e.i32.shl(result, e.const32(16)) : result));
        },
        info,
      ),
    ];
  }),
);

export const VFP_CONVERT_ROWS: readonly ArmRow[] = [
  row(
    "vcvt{c}.f64.f32",
    "cccc 1110 1D11 0111 dddd 1010 11M0 mmmm",
    "Dd, Sm",
    (e, fields, context) => {
      const [d, m] = [register(fields, "d", "d"), register(fields, "s", "m")];
      if (rejects(e, context, [d])) return;
      const a = e.get(S[m]!);
      e.set(
        D[d]!,
        operate<"f64">(e, context, CVT_D_S, [a], () => ({ value: e.f64.promoteF32(a), rare: e.f32.ne(a, a) })),
      );
    },
    { needs: "vfp2" },
  ),
  row(
    "vcvt{c}.f32.f64",
    "cccc 1110 1D11 0111 dddd 1011 11M0 mmmm",
    "Sd, Dm",
    (e, fields, context) => {
      const [d, m] = [register(fields, "s", "d"), register(fields, "d", "m")];
      if (rejects(e, context, [m])) return;
      const a = e.get(D[m]!);
      const value = operate<"f32">(e, context, CVT_S_D, [a], () => {
        const single = e.f32.demoteF64(a);
        return {
          value: single,
          rare: extreme(e, FLOATS.s, single),
          inexact: () => [e.f64.ne(e.f64.promoteF32(single), a)],
          harmless: () => e.f64.eq(a, e.constF64(0n)),
        };
      });
      e.set(S[d]!, value);
    },
    { needs: "vfp2" },
  ),
  ...toIntegerRows,
  ...fromIntegerRows,
  ...fixedRows,
  ...halfRows,
];
