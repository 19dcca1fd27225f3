/** VFP data processing: arithmetic, comparison, selection, rounding (ARM DDI 0406C A7.5, A8.8; DDI 0487 F6 for ARMv8's). */
import type { Emitter, F32, F64, I32 } from "../emitter.ts";
import type { Fields } from "../decode-table.ts";
import type { Float } from "../host-float.ts";
import {
  extreme,
  extremeOrNotFinite,
  isZero,
  notExactly,
  notFinite,
  productInexact,
  sumError,
  sumInexact,
} from "../host-float.ts";
import type { Feature } from "./models.ts";
import { NF, VF, ZF } from "./registers.ts";
import type { ArmRow, Lift } from "./row.ts";
import { rowsOf } from "./row.ts";
import { VFP_COMPARE_ROWS } from "./vfp-compare.ts";
import type { Fast, FloatOperators, Letter } from "./vfp-lift.ts";
import { COPROCESSOR, FLOATS, LETTERS, TYPE, inexactClear, names, operate, register, rejects } from "./vfp-lift.ts";
import type { OperationPair } from "./vfp-operations.ts";
import {
  ADD,
  DIV,
  FMA,
  FMS,
  FNMA,
  FNMS,
  MAXNM,
  MINNM,
  MLA,
  MLS,
  MUL,
  NMLA,
  NMLS,
  NMUL,
  RINT,
  SQRT,
  SUB,
} from "./vfp-operations.ts";

const row = rowsOf("VFP data processing");

type FastFloat = Fast<"f32" | "f64">;
/** `checking`: Inexact may be clear. */
type Meaning = (e: Emitter, f: FloatOperators, operands: readonly Float[], checking: boolean) => FastFloat;

// ── the host's arithmetic ─────────────────────────────────────────────────────────────────────────────────────────

const sum: Meaning = (e, f, [a, b]) => {
  const value = f.binary(e, "add", a!, b!);
  // A sum that is subnormal or zero is exact.
  return { value, rare: notFinite(e, f, value), inexact: () => [sumInexact(e, f, a!, b!, value)] };
};
const difference: Meaning = (e, f, [a, b]) => {
  const value = f.binary(e, "sub", a!, b!);
  return { value, rare: notFinite(e, f, value), inexact: () => [sumInexact(e, f, a!, f.unary(e, "neg", b!), value)] };
};
/** A product of zero is zero without flags. */
const zeroProduct = (e: Emitter, f: FloatOperators, a: Float, b: Float, product: Float): I32 =>
  e.i32.and(isZero(e, f, product), e.i32.or(isZero(e, f, a), isZero(e, f, b)));
const product =
  (negate: boolean): Meaning =>
  (e, f, [a, b]) => {
    const plain = f.binary(e, "mul", a!, b!);
    return {
      value: negate ? f.unary(e, "neg", plain) : plain,
      rare: extreme(e, f, plain),
      inexact: () => [productInexact(e, f, a!, b!, plain)],
      harmless: () => zeroProduct(e, f, a!, b!, plain),
    };
  };
const quotient: Meaning = (e, f, [a, b]) => {
  const value = f.binary(e, "div", a!, b!);
  return {
    value,
    rare: extreme(e, f, value),
    inexact: () => [notExactly(e, f, value, b!, a!)],
    harmless: () => e.i32.and(isZero(e, f, value), isZero(e, f, a!)),
  };
};
const root: Meaning = (e, f, [a]) => {
  const value = f.unary(e, "sqrt", a!);
  return { value, rare: notFinite(e, f, value), inexact: () => [notExactly(e, f, value, value, a!)] };
};
/** ±d ± n × m, rounded twice. */
const accumulate =
  (negateAddend: boolean, negateProduct: boolean): Meaning =>
  (e, f, [d, n, m]) => {
    const plain = f.binary(e, "mul", n!, m!);
    const middle = negateProduct ? f.unary(e, "neg", plain) : plain;
    const addend = negateAddend ? f.unary(e, "neg", d!) : d!;
    const total = f.binary(e, "add", addend, middle);
    return {
      value: total,
      rare: extremeOrNotFinite(e, f, plain, total),
      inexact: () => [productInexact(e, f, n!, m!, plain), sumInexact(e, f, addend, middle, total)],
      // A zero product plus a finite number is that number, never inexact.
      harmless: () => e.i32.and(zeroProduct(e, f, n!, m!, plain), e.i32.eqz(notFinite(e, f, total))),
    };
  };

/** `harmless`: no flag but Inexact. */
type Fused = { readonly value: Float; readonly rare: I32; readonly harmless: () => I32 };

/**
 * Singles with one rounding. In doubles the product is exact and the sum is rounded once; rounding that to a single
 * gives the wrong neighbour only if the double lies exactly between two singles, but the exact sum did not.
 */
function fusedSingle(e: Emitter, f: FloatOperators, d: Float, n: Float, m: Float): Fused {
  const wide = (a: Float): F64 => e.f64.promoteF32(a as F32);
  const [addend, product] = [wide(d), e.f64.mul(wide(n), wide(m))];
  const total = e.f64.add(addend, product);
  const value = e.f32.demoteF64(total);
  const low = e.i64.and(e.i64.reinterpretF64(total), e.const64(0x1fffffffn));
  const between = e.i64.eq(low, e.const64(0x10000000n));
  return {
    value,
    rare: e.i32.or(between, extreme(e, f, value)),
    // Often the sum lies there itself, as of two singles of like size.
    harmless: () =>
      e.i32.and(
        isZero(e, FLOATS.d, sumError(e, FLOATS.d, addend, product, total)),
        e.i32.or(e.i32.eqz(extreme(e, f, value)), isZero(e, FLOATS.d, total)),
      ),
  };
}

const f64Bits = (value: number): bigint => new BigUint64Array(Float64Array.of(value).buffer)[0]!;
const constant = (e: Emitter, value: number): F64 => e.constF64(f64Bits(value));

/** Veltkamp's splitting: a double as the sum of two with 26 bits each. */
function split(e: Emitter, a: F64): readonly [F64, F64] {
  const scaled = e.f64.mul(constant(e, 134217729), a);
  const high = e.f64.sub(scaled, e.f64.sub(scaled, a));
  return [high, e.f64.sub(a, high)];
}
/** The error of the product n × m = p (Dekker): exact for numbers of everyday size. */
function productError(e: Emitter, n: F64, m: F64, p: F64): F64 {
  const [n1, n0] = split(e, n);
  const [m1, m0] = split(e, m);
  const rest = e.f64.sub(e.f64.sub(e.f64.sub(p, e.f64.mul(n1, m1)), e.f64.mul(n0, m1)), e.f64.mul(n1, m0));
  return e.f64.sub(e.f64.mul(n0, m0), rest);
}
/**
 * Doubles with one rounding: product and sum with their errors, and the errors put in again. What that rounds twice is
 * the sum of the errors, by less than 2^-52 units in the last place of the result; so the result is right unless the exact
 * sum lies that close to the middle between two doubles, which a rest that is greater by 2^-50 of itself would show.
 */
function fusedDouble(e: Emitter, f: FloatOperators, d: Float, n: Float, m: Float): Fused {
  const [addend, a, b] = [d as F64, n as F64, m as F64];
  const p = e.f64.mul(a, b);
  const total = e.f64.add(p, addend);
  const [first, second] = [sumError(e, f, p, addend, total) as F64, productError(e, a, b, p)];
  const errors = e.f64.add(first, second);
  const value = e.f64.add(total, errors);
  const rest = e.f64.add(e.f64.sub(total, value), errors);
  const settled = e.f64.eq(value, e.f64.add(value, e.f64.mul(rest, constant(e, 1 + 2 ** -50))));
  // Everything above is exact only without overflow and underflow on the way.
  const within = (x: F64, least: number, greatest: number): I32 =>
    e.i32.and(e.f64.ge(e.f64.abs(x), constant(e, least)), e.f64.le(e.f64.abs(x), constant(e, greatest)));
  const everyday = e.i32.and(
    e.i32.and(within(a, 2 ** -400, 2 ** 400), within(b, 2 ** -400, 2 ** 400)),
    e.i32.and(e.f64.le(e.f64.abs(addend), constant(e, 2 ** 900)), within(value, 2 ** -700, 2 ** 900)),
  );
  return {
    value,
    rare: e.i32.eqz(e.i32.and(everyday, settled)),
    // Where the sum of the errors is exact, only the last addition rounds.
    harmless: () => e.i32.and(everyday, isZero(e, f, sumError(e, f, first, second, errors))),
  };
}
/** Whether it is exact is the helper's to find out. */
const fused =
  (negateAddend: boolean, negateProduct: boolean): Meaning =>
  (e, f, [d, n, m], checking) => {
    const fast = (f.format === "s" ? fusedSingle : fusedDouble)(
      e,
      f,
      negateAddend ? f.unary(e, "neg", d!) : d!,
      negateProduct ? f.unary(e, "neg", n!) : n!,
      m!,
    );
    if (!checking) return fast;
    const clear = inexactClear(e);
    return {
      value: fast.value,
      rare: e.i32.or(fast.rare, clear),
      harmless: () => e.i32.and(fast.harmless(), e.i32.eqz(clear)),
    };
  };

// ── arithmetic rows ───────────────────────────────────────────────────────────────────────────────────────────────

type Source = "d" | "n" | "m";
const lift =
  (
    operations: OperationPair,
    letter: Letter,
    sources: readonly Source[],
    meaning: Meaning,
    vectors = true,
  ): Lift<Fields> =>
  (e, fields, context) => {
    const f = FLOATS[letter];
    const destination = register(fields, letter, "d");
    const registers = sources.map((name) => register(fields, letter, name));
    if (rejects(e, context, letter === "d" ? [destination, ...registers] : [], vectors)) return;
    const operands = registers.map((n) => f.get(e, n));
    f.set(
      e,
      destination,
      operate(e, context, operations[letter], operands, (checking) => meaning(e, f, operands, checking)),
    );
  };

const three = (
  mnemonic: string,
  opcode: string,
  op: 0 | 1,
  operations: OperationPair,
  meaning: Meaning,
  accumulates = false,
  needs: Feature = "vfp2",
): ArmRow[] =>
  LETTERS.map((x) =>
    row(
      `${mnemonic}{c}.${TYPE[x]}`,
      `cccc 1110 ${opcode} nnnn dddd ${COPROCESSOR[x]} N${op}M0 mmmm` as string,
      names(x, "*d, *n, *m"),
      lift(operations, x, accumulates ? ["d", "n", "m"] : ["n", "m"], meaning),
      { needs },
    ),
  );

/** Operations on the sign bit alone, and copies. */
const simple = (mnemonic: string, bits: string, copy: "abs" | "neg" | undefined): ArmRow[] =>
  LETTERS.map((x) =>
    row(
      `${mnemonic}{c}.${TYPE[x]}`,
      `cccc 1110 1D11 ${bits.slice(0, 4)} dddd ${COPROCESSOR[x]} ${bits.slice(4)}M0 mmmm` as string,
      names(x, "*d, *m"),
      (e, fields, context) => {
        const f = FLOATS[x];
        const [d, m] = [register(fields, x, "d"), register(fields, x, "m")];
        if (rejects(e, context, x === "d" ? [d, m] : [], true)) return;
        const a = f.get(e, m);
        f.set(e, d, copy === undefined ? a : f.unary(e, copy, a));
      },
      { needs: "vfp2" },
    ),
  );

// ── ARMv8: selection, maximum and minimum, rounding to integral ───────────────────────────────────────────────────

/** The conditions of vsel. */
const SELECTS: readonly (readonly [name: string, bits: string, holds: (e: Emitter) => I32])[] = [
  ["eq", "00", (e) => e.i32.eqz(e.get(ZF))],
  ["vs", "01", (e) => e.i32.shrU(e.get(VF), e.const32(31))],
  ["ge", "10", (e) => e.i32.geS(e.i32.xor(e.get(NF), e.get(VF)), e.const32(0))],
  [
    "gt",
    "11",
    (e) => e.i32.and(e.i32.ne(e.get(ZF), e.const32(0)), e.i32.geS(e.i32.xor(e.get(NF), e.get(VF)), e.const32(0))),
  ],
];
const selectRows = LETTERS.flatMap((x) =>
  SELECTS.map(([name, bits, holds]) =>
    row(
      `vsel${name}.${TYPE[x]}`,
      `1111 1110 0D${bits} nnnn dddd ${COPROCESSOR[x]} N0M0 mmmm` as string,
      names(x, "*d, *n, *m"),
      (e, fields, context) => {
        const f = FLOATS[x];
        const [d, n, m] = [register(fields, x, "d"), register(fields, x, "n"), register(fields, x, "m")];
        if (rejects(e, context, x === "d" ? [d, n, m] : [], true)) return;
        f.set(e, d, e.select(holds(e), f.get(e, n), f.get(e, m)));
      },
      { needs: "v8" },
    ),
  ),
);

/** The host's answer is right where the operands differ. */
const extremum =
  (name: "lt" | "gt"): Meaning =>
  (e, f, [a, b]) => {
    const first = f.compare(e, name, a!, b!);
    const second = f.compare(e, name, b!, a!);
    return { value: e.select(first, a!, b!), rare: e.i32.eqz(e.i32.or(first, second)) };
  };
const extremumRows = (mnemonic: string, op: 0 | 1, operations: OperationPair, meaning: Meaning): ArmRow[] =>
  LETTERS.map((x) =>
    row(
      `${mnemonic}.${TYPE[x]}`,
      `1111 1110 1D00 nnnn dddd ${COPROCESSOR[x]} N${op}M0 mmmm` as string,
      names(x, "*d, *n, *m"),
      lift(operations, x, ["n", "m"], meaning),
      { needs: "v8" },
    ),
  );

const ROUNDERS = { n: "nearest", p: "ceil", m: "floor", z: "trunc", r: "nearest", x: "nearest" } as const;
type Integral = keyof typeof RINT;
const integral =
  (name: Integral): Meaning =>
  (e, f, [a]) => {
    if (name === "a") return { value: a!, rare: e.const32(1) };
    const value = f.unary(e, ROUNDERS[name], a!);
    return {
      value,
      rare: f.compare(e, "ne", a!, a!),
      inexact: name === "x" ? () => [f.compare(e, "ne", value, a!)] : undefined,
    };
  };
const integralRows = [
  ...LETTERS.flatMap((x) =>
    (["a", "n", "p", "m"] as const).map((name, n) =>
      row(
        `vrint${name}.${TYPE[x]}`,
        `1111 1110 1D11 10${n >> 1}${n & 1} dddd ${COPROCESSOR[x]} 01M0 mmmm` as string,
        names(x, "*d, *m"),
        lift(RINT[name], x, ["m"], integral(name)),
        { needs: "v8" },
      ),
    ),
  ),
  ...LETTERS.flatMap((x) =>
    (
      [
        ["r", "0110", 0],
        ["z", "0110", 1],
        ["x", "0111", 0],
      ] as const
    ).map(([name, opcode, op]) =>
      row(
        `vrint${name}{c}.${TYPE[x]}`,
        `cccc 1110 1D11 ${opcode} dddd ${COPROCESSOR[x]} ${op}1M0 mmmm` as string,
        names(x, "*d, *m"),
        lift(RINT[name], x, ["m"], integral(name)),
        { needs: "v8" },
      ),
    ),
  ),
];

export const VFP_ARITHMETIC_ROWS: readonly ArmRow[] = [
  ...three("vmla", "0D00", 0, MLA, accumulate(false, false), true),
  ...three("vmls", "0D00", 1, MLS, accumulate(false, true), true),
  ...three("vnmls", "0D01", 0, NMLS, accumulate(true, false), true),
  ...three("vnmla", "0D01", 1, NMLA, accumulate(true, true), true),
  ...three("vmul", "0D10", 0, MUL, product(false)),
  ...three("vnmul", "0D10", 1, NMUL, product(true)),
  ...three("vadd", "0D11", 0, ADD, sum),
  ...three("vsub", "0D11", 1, SUB, difference),
  ...three("vdiv", "1D00", 0, DIV, quotient),
  ...three("vfnms", "1D01", 0, FNMS, fused(true, false), true, "vfp4"),
  ...three("vfnma", "1D01", 1, FNMA, fused(true, true), true, "vfp4"),
  ...three("vfma", "1D10", 0, FMA, fused(false, false), true, "vfp4"),
  ...three("vfms", "1D10", 1, FMS, fused(false, true), true, "vfp4"),
  ...simple("vmov", "000001", undefined),
  ...simple("vabs", "000011", "abs"),
  ...simple("vneg", "000101", "neg"),
  ...LETTERS.map((x) =>
    row(
      `vsqrt{c}.${TYPE[x]}`,
      `cccc 1110 1D11 0001 dddd ${COPROCESSOR[x]} 11M0 mmmm` as string,
      names(x, "*d, *m"),
      lift(SQRT, x, ["m"], root),
      { needs: "vfp2" },
    ),
  ),
  ...VFP_COMPARE_ROWS,
  ...selectRows,
  ...extremumRows("vmaxnm", 0, MAXNM, extremum("gt")),
  ...extremumRows("vminnm", 1, MINNM, extremum("lt")),
  ...integralRows,
];
