/**
 * FPU arithmetic (MIPS32 AFP vol II-A, "FPU Arithmetic"): one meaning for single and double.
 *
 * `abs` and `neg` only change the sign bit and raise nothing, with ABS2008 (FCSR bit 19) set or not. The manual makes
 * them arithmetic where the bit is 0 (signalling NaNs raise Invalid); QEMU does what is done here.
 */
import type { Emitter, I32 } from "../emitter.ts";
import type { Fields } from "../decode-table.ts";
import { ADD, DIV, MADD, MSUB, MUL, NMADD, NMSUB, RECIP, RSQRT, SQRT, SUB } from "./fpu-operations.ts";
import type { OperationPair } from "./fpu-operations.ts";
import {
  extreme,
  extremeOrNotFinite,
  isZero,
  notExactly,
  notFinite,
  productInexact,
  sumInexact,
} from "../host-float.ts";
import type { Fast, Float, FloatOperators } from "./fpu-lift.ts";
import { FLOATS, operate, rejects } from "./fpu-lift.ts";
import type { Lift, MipsRow } from "./row.ts";
import { rowsOf } from "./row.ts";

const row = rowsOf("FPU arithmetic");

// ── the operations ────────────────────────────────────────────────────────────────────────────────────────────────

type FastFloat = Fast<"f32" | "f64">;
type Meaning = (e: Emitter, f: FloatOperators, operands: readonly Float[]) => FastFloat;

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
const product: Meaning = (e, f, [a, b]) => {
  const value = f.binary(e, "mul", a!, b!);
  return {
    value,
    rare: extreme(e, f, value),
    inexact: () => [productInexact(e, f, a!, b!, value)],
    harmless: () => zeroProduct(e, f, a!, b!, value),
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
const reciprocal: Meaning = (e, f, [a]) => quotient(e, f, [f.constant(e, 1), a!]);
const reciprocalRoot: Meaning = (e, f, [a]) => {
  const middle = f.unary(e, "sqrt", a!);
  const one = f.constant(e, 1);
  const value = f.binary(e, "div", one, middle);
  return {
    value,
    // Of a NaN comes a NaN, of zero an infinity; nothing makes the quotient subnormal.
    rare: notFinite(e, f, value),
    inexact: () => [notExactly(e, f, middle, middle, a!), notExactly(e, f, value, middle, one)],
  };
};
/** ±(fs × ft ± fr), rounded twice. */
const multiplyAdd =
  (operation: "add" | "sub", negate: boolean): Meaning =>
  (e, f, [a, b, c]) => {
    const middle = f.binary(e, "mul", a!, b!);
    const total = f.binary(e, operation, middle, c!);
    const addend = (): Float => (operation === "add" ? c! : f.unary(e, "neg", c!));
    return {
      value: negate ? f.unary(e, "neg", total) : total,
      rare: extremeOrNotFinite(e, f, middle, total),
      inexact: () => [productInexact(e, f, a!, b!, middle), sumInexact(e, f, middle, addend(), total)],
      // A zero product plus a finite number is that number, never inexact.
      harmless: () => e.i32.and(zeroProduct(e, f, a!, b!, middle), e.i32.eqz(notFinite(e, f, total))),
    };
  };
type Letter = "s" | "d";
const LETTERS: readonly Letter[] = ["s", "d"];
/** The `fmt` field: 16 single, 17 double. */
const FMT = { s: "10000", d: "10001" } as const;
/** The format field of COP1X instructions. */
const FMT3 = { s: "000", d: "001" } as const;

const lift =
  (operations: OperationPair, letter: Letter, registers: readonly string[], meaning: Meaning): Lift<Fields> =>
  (e, fields, context) => {
    const f = FLOATS[letter];
    const destination = fields["d"]!;
    const sources = registers.map((name) => fields[name]!);
    if (rejects(e, context, ...[destination, ...sources].map((n) => [letter, n] as const))) return;
    const operands = sources.map((n) => f.get(e, context, n));
    f.set(
      e,
      context,
      destination,
      operate(e, context, operations[letter], operands, () => meaning(e, f, operands)),
    );
  };

const two = (mnemonic: string, code: string, operations: OperationPair, meaning: Meaning): MipsRow[] =>
  LETTERS.map((x) =>
    row(
      `${mnemonic}.${x}`,
      `010001 ${FMT[x]} ttttt sssss ddddd ${code}` as string,
      "fd,fs,ft",
      lift(operations, x, ["s", "t"], meaning),
    ),
  );
const one = (mnemonic: string, code: string, operations: OperationPair, meaning: Meaning, release?: 2): MipsRow[] =>
  LETTERS.map((x) =>
    row(
      `${mnemonic}.${x}`,
      `010001 ${FMT[x]} 00000 sssss ddddd ${code}` as string,
      "fd,fs",
      lift(operations, x, ["s"], meaning),
      release === undefined ? {} : { release },
    ),
  );
const three = (mnemonic: string, code: string, operations: OperationPair, meaning: Meaning): MipsRow[] =>
  LETTERS.map((x) =>
    row(
      `${mnemonic}.${x}`,
      `010011 rrrrr ttttt sssss ddddd ${code} ${FMT3[x]}` as string,
      "fd,fr,fs,ft",
      lift(operations, x, ["s", "t", "r"], meaning),
      { release: 2 },
    ),
  );
const sign = (mnemonic: "abs" | "neg", code: string): MipsRow[] =>
  LETTERS.map((x) =>
    row(`${mnemonic}.${x}`, `010001 ${FMT[x]} 00000 sssss ddddd ${code}` as string, "fd,fs", (e, fields, context) => {
      const [s, d] = [fields["s"]!, fields["d"]!];
      if (rejects(e, context, [x, s], [x, d])) return;
      const f = FLOATS[x];
      f.set(e, context, d, f.unary(e, mnemonic, f.get(e, context, s)));
    }),
  );

export const FPU_ARITHMETIC_ROWS: readonly MipsRow[] = [
  ...two("add", "000000", ADD, sum),
  ...two("sub", "000001", SUB, difference),
  ...two("mul", "000010", MUL, product),
  ...two("div", "000011", DIV, quotient),
  ...one("sqrt", "000100", SQRT, root),
  ...sign("abs", "000101"),
  ...sign("neg", "000111"),
  ...one("recip", "010101", RECIP, reciprocal, 2),
  ...one("rsqrt", "010110", RSQRT, reciprocalRoot, 2),
  ...three("madd", "100", MADD, multiplyAdd("add", false)),
  ...three("msub", "101", MSUB, multiplyAdd("sub", false)),
  ...three("nmadd", "110", NMADD, multiplyAdd("add", true)),
  ...three("nmsub", "111", NMSUB, multiplyAdd("sub", true)),
];
