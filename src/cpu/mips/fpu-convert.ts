/** Conversions (MIPS32 AFP vol II-A, "FPU Convert"): between formats, and to integers by FCSR's or a fixed rounding. */
import type { Emitter, F32, F64, I32, I64 } from "../emitter.ts";
import type { Conversion } from "./fpu-operations.ts";
import { CEIL, CVT, CVT_D_L, CVT_D_S, CVT_S_D, CVT_S_L, CVT_S_W, FLOOR, ROUND, TRUNC } from "./fpu-operations.ts";
import type { Fast, Float } from "./fpu-lift.ts";
import { FLOATS, SINGLE, extreme, operate, rejects, rememberExact, views } from "./fpu-lift.ts";
import type { MipsRow } from "./row.ts";
import { rowsOf } from "./row.ts";

const row = rowsOf("FPU convert");

const FMT = { s: "10000", d: "10001", w: "10100", l: "10101" } as const;
const TWO_63 = 0x43e0000000000000n;

/** The host's instruction that rounds as the conversion does, in the modes that round to nearest. */
const ROUNDERS = { cvt: "nearest", round: "nearest", trunc: "trunc", ceil: "ceil", floor: "floor" } as const;

/** 1 unless `back`, the integer that the double or single was made from or into, is exactly `a`. */
const differ = (e: Emitter, back: F64, a: F64): I32 => e.f64.ne(back, a);

function toWord(e: Emitter, name: keyof typeof ROUNDERS, letter: "s" | "d", a: Float): Fast<"i32"> {
  const f = FLOATS[letter];
  const rounded = f.unary(e, ROUNDERS[name], a);
  const inRange = f.compare(e, "lt", f.unary(e, "abs", rounded), f.constant(e, 2 ** 31));
  const value = letter === "s" ? e.i32.truncSatF32S(rounded as F32) : e.i32.truncSatF64S(rounded as F64);
  return { value, rare: e.i32.eqz(inRange), inexact: () => [f.compare(e, "ne", rounded, a)] };
}
function toLong(e: Emitter, name: keyof typeof ROUNDERS, letter: "s" | "d", a: Float): Fast<"i64"> {
  const f = FLOATS[letter];
  const rounded = f.unary(e, ROUNDERS[name], a);
  const inRange = f.compare(e, "lt", f.unary(e, "abs", rounded), f.constant(e, 2 ** 63));
  const value = letter === "s" ? e.i64.truncSatF32S(rounded as F32) : e.i64.truncSatF64S(rounded as F64);
  return { value, rare: e.i32.eqz(inRange), inexact: () => [f.compare(e, "ne", rounded, a)] };
}

/** `op.w.fmt` and `op.l.fmt`, whose function fields are those of the word form. */
const toInteger = (name: keyof typeof ROUNDERS, conversion: Conversion, word: string, long: string): MipsRow[] =>
  (["s", "d"] as const).flatMap((x) => [
    row(`${name}.w.${x}`, `010001 ${FMT[x]} 00000 sssss ddddd ${word}` as string, "fd,fs", (e, fields, context) => {
      const [s, d] = [fields["s"]!, fields["d"]!];
      if (rejects(e, context, [x, s])) return;
      const a = FLOATS[x].get(e, context, s);
      e.set(
        views(context).w[d]!,
        operate(e, context, conversion.w[x], [a], () => toWord(e, name, x, a)),
      );
    }),
    row(
      `${name}.l.${x}`,
      `010001 ${FMT[x]} 00000 sssss ddddd ${long}` as string,
      "fd,fs",
      (e, fields, context) => {
        const [s, d] = [fields["s"]!, fields["d"]!];
        if (rejects(e, context, [x, s], ["l", d])) return;
        const a = FLOATS[x].get(e, context, s);
        e.set(
          views(context).l[d]!,
          operate(e, context, conversion.l[x], [a], () => toLong(e, name, x, a)),
        );
      },
      { release: 2 },
    ),
  ]);

/** 1 where the double `value`, made from the long `a`, is not exactly it. 2^63 saturates, and is never exact. */
const longDiffers = (e: Emitter, value: F64, a: I64): I32 =>
  e.i32.or(e.i64.ne(e.i64.truncSatF64S(value), a), e.f64.eq(value, e.constF64(TWO_63)));

export const FPU_CONVERT_ROWS: readonly MipsRow[] = [
  row("cvt.s.d", "010001 10001 00000 sssss ddddd 100000", "fd,fs", (e, { s, d }, context) => {
    if (rejects(e, context, ["d", s])) return;
    const a = e.get(views(context).d[s]!);
    const value = operate<"f32">(e, context, CVT_S_D, [a], () => {
      const single = e.f32.demoteF64(a);
      const zero = e.constF64(0n);
      return {
        value: single,
        rare: extreme(e, SINGLE, single),
        inexact: () => [differ(e, e.f64.promoteF32(single), a)],
        harmless: () => e.f64.eq(a, zero),
      };
    });
    e.set(views(context).s[d]!, value);
  }),
  row("cvt.s.w", "010001 10100 00000 sssss ddddd 100000", "fd,fs", (e, { s, d }, context) => {
    const a = e.get(views(context).w[s]!);
    const value = operate<"f32">(e, context, CVT_S_W, [a], () => {
      const single = e.f32.convertI32S(a);
      return {
        value: single,
        rare: undefined,
        inexact: () => [differ(e, e.f64.promoteF32(single), e.f64.convertI32S(a))],
      };
    });
    e.set(views(context).s[d]!, value);
  }),
  row(
    "cvt.s.l",
    "010001 10101 00000 sssss ddddd 100000",
    "fd,fs",
    (e, { s, d }, context) => {
      if (rejects(e, context, ["l", s])) return;
      const a = e.get(views(context).l[s]!);
      const value = operate<"f32">(e, context, CVT_S_L, [a], () => {
        const single = e.f32.convertI64S(a);
        return { value: single, rare: undefined, inexact: () => [longDiffers(e, e.f64.promoteF32(single), a)] };
      });
      e.set(views(context).s[d]!, value);
    },
    { release: 2 },
  ),
  row("cvt.d.s", "010001 10000 00000 sssss ddddd 100001", "fd,fs", (e, { s, d }, context) => {
    if (rejects(e, context, ["d", d])) return;
    const a = e.get(views(context).s[s]!);
    const value = operate<"f64">(e, context, CVT_D_S, [a], () => ({
      value: e.f64.promoteF32(a),
      rare: e.f32.ne(a, a),
    }));
    e.set(views(context).d[d]!, value);
  }),
  row("cvt.d.w", "010001 10100 00000 sssss ddddd 100001", "fd,fs", (e, { s, d }, context) => {
    if (rejects(e, context, ["d", d])) return;
    e.set(views(context).d[d]!, e.f64.convertI32S(e.get(views(context).w[s]!)));
    rememberExact(e);
  }),
  row(
    "cvt.d.l",
    "010001 10101 00000 sssss ddddd 100001",
    "fd,fs",
    (e, { s, d }, context) => {
      if (rejects(e, context, ["l", s], ["d", d])) return;
      const a = e.get(views(context).l[s]!);
      const value = operate<"f64">(e, context, CVT_D_L, [a], () => {
        const double = e.f64.convertI64S(a);
        return { value: double, rare: undefined, inexact: () => [longDiffers(e, double, a)] };
      });
      e.set(views(context).d[d]!, value);
    },
    { release: 2 },
  ),

  ...toInteger("cvt", CVT, "100100", "100101"),
  ...toInteger("round", ROUND, "001100", "001000"),
  ...toInteger("trunc", TRUNC, "001101", "001001"),
  ...toInteger("ceil", CEIL, "001110", "001010"),
  ...toInteger("floor", FLOOR, "001111", "001011"),
];
