/**
 * IEEE arithmetic by WebAssembly's own floating point, for the meanings of any ISA: one set of operators for singles and
 * doubles, and the tests that say whether the host's answer is the whole answer (no flag due, nothing flushed).
 */
import type { Emitter, F32, F64, I32, I64 } from "./emitter.ts";

/** A floating-point value of either format. */
export type Float = F32 | F64;

/** The emitter's operators for one format, so that a meaning is written once for singles and doubles. */
export interface FloatOperators {
  readonly format: "s" | "d";
  constant(e: Emitter, value: number): Float;
  binary(e: Emitter, name: "add" | "sub" | "mul" | "div", a: Float, b: Float): Float;
  unary(e: Emitter, name: "abs" | "neg" | "sqrt" | "ceil" | "floor" | "trunc" | "nearest", a: Float): Float;
  compare(e: Emitter, name: "eq" | "ne" | "lt" | "le" | "gt" | "ge", a: Float, b: Float): I32;
  /** The biased exponent with the sign above it. */
  exponent(e: Emitter, a: Float): I32;
  readonly exponentMask: number;
}

const f32Bits = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0]!;
const f64Bits = (value: number): bigint => new BigUint64Array(Float64Array.of(value).buffer)[0]!;

export const SINGLE_OPERATORS: FloatOperators = {
  format: "s",
  constant: (e, value) => e.constF32(f32Bits(value)),
  binary: (e, name, a, b) => e.f32[name](a as F32, b as F32),
  unary: (e, name, a) => e.f32[name](a as F32),
  compare: (e, name, a, b) => e.f32[name](a as F32, b as F32),
  exponent: (e, a) => e.i32.shrU(e.i32.reinterpretF32(a as F32), e.const32(23)),
  exponentMask: 0xff,
};
export const DOUBLE_OPERATORS: FloatOperators = {
  format: "d",
  constant: (e, value) => e.constF64(f64Bits(value)),
  binary: (e, name, a, b) => e.f64[name](a as F64, b as F64),
  unary: (e, name, a) => e.f64[name](a as F64),
  compare: (e, name, a, b) => e.f64[name](a as F64, b as F64),
  exponent: (e, a) => e.i32.wrapI64(e.i64.shrU(e.i64.reinterpretF64(a as F64), e.const64(52n))),
  exponentMask: 0x7ff,
};

/** 1 where `a` is an infinity or a NaN. */
export function notFinite(e: Emitter, f: FloatOperators, a: Float): I32 {
  const difference = f.binary(e, "sub", a, a);
  return f.compare(e, "ne", difference, difference);
}

/**
 * 1 where `a` is an infinity, a NaN, zero, subnormal or close to it: where the biased exponent is all ones, 0, 1 or 2.
 * (1 would do: only the smallest normal number may have been rounded up from a tiny one. The test is cheaper so.)
 */
export function extreme(e: Emitter, f: FloatOperators, a: Float): I32 {
  return e.i32.eqz(e.i32.and(e.i32.add(f.exponent(e, a), e.const32(1)), e.const32(f.exponentMask & ~3)));
}

/** 1 where `a` is extreme or `b` is not finite, as one test: subtracted from itself, a `b` that is finite changes nothing. */
export function extremeOrNotFinite(e: Emitter, f: FloatOperators, a: Float, b: Float): I32 {
  return extreme(e, f, f.binary(e, "add", a, f.binary(e, "sub", b, b)));
}

export const isZero = (e: Emitter, f: FloatOperators, a: Float): I32 => f.compare(e, "eq", a, f.constant(e, 0));

// ── may it be inexact? ────────────────────────────────────────────────────────────────────────────────────────────

/** The error of the sum a + b = s (Knuth's TwoSum: exact unless something overflows, and then not a zero). */
export function sumError(e: Emitter, f: FloatOperators, a: Float, b: Float, s: Float): Float {
  const bb = f.binary(e, "sub", s, a);
  return f.binary(e, "add", f.binary(e, "sub", a, f.binary(e, "sub", s, bb)), f.binary(e, "sub", b, bb));
}
/** 1 unless a + b = s exactly, where s is finite. */
export const sumInexact = (e: Emitter, f: FloatOperators, a: Float, b: Float, s: Float): I32 =>
  f.compare(e, "ne", sumError(e, f, a, b, s), f.constant(e, 0));

/** Zero bits at the end of a double's significand; at most 52. */
const trailingZeros = (e: Emitter, a: F64): I64 => e.i64.ctz(e.i64.or(e.i64.reinterpretF64(a), e.const64(1n << 52n)));

/** 1 where the product of two doubles may need more than 53 bits: an odd part of 53 - n bits times one of 53 - m has at most 106 - n - m. */
const longProduct = (e: Emitter, a: F64, b: F64): I32 =>
  e.i64.ltU(e.i64.add(trailingZeros(e, a), trailingZeros(e, b)), e.const64(53n));

const widen = (e: Emitter, a: Float): F64 => e.f64.promoteF32(a as F32);

/** Singles: the double product is exact. */
export function productInexact(e: Emitter, f: FloatOperators, a: Float, b: Float, product: Float): I32 {
  if (f.format === "d") return longProduct(e, a as F64, b as F64);
  return e.f64.ne(e.f64.mul(widen(e, a), widen(e, b)), widen(e, product));
}

const SMALLEST_NORMAL = 2 ** -1022;

/** 1 unless x × y is certain to be exactly `target`: for a quotient and a root, whose products lead back. */
export function notExactly(e: Emitter, f: FloatOperators, x: Float, y: Float, target: Float): I32 {
  if (f.format === "s") return e.f64.ne(e.f64.mul(widen(e, x), widen(e, y)), widen(e, target));
  // A subnormal target could have been reached by rounding.
  const normal = e.f64.ge(e.f64.abs(target as F64), e.constF64(f64Bits(SMALLEST_NORMAL)));
  const equal = e.f64.eq(e.f64.mul(x as F64, y as F64), target as F64);
  return e.i32.or(longProduct(e, x as F64, y as F64), e.i32.eqz(e.i32.and(normal, equal)));
}
