/**
 * Any rounding mode, by the host's arithmetic: the host rounds to nearest, and the sign of the error that it made
 * (computed exactly, as in Muller et al., Handbook of Floating-Point Arithmetic, 2nd ed. 4.3 to 4.5) says whether the
 * result wanted is the neighbour. Twenty times as fast as the arithmetic on bits, for everyday numbers only.
 *
 * Every function returns NaN where it does not apply: for NaNs, infinities, zeros, very large and very small results,
 * and for rounding ties away from zero. No exception but Inexact can be due where it applies.
 */
import type { FloatFormat, Rounding } from "./format.ts";
import { F32 } from "./format.ts";

/** How to round, and what came of it. */
export interface Quick {
  rounding: Rounding;
  /** Set (never cleared) by an operation that was inexact. */
  inexact: boolean;
}

const double = new Float64Array(1);
const doubleWords = new Uint32Array(double.buffer);
const LOW = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 0 : 1;
const single = new Float32Array(1);
const singleWord = new Uint32Array(single.buffer);

/** The neighbour of a normal number: `step` 1 away from zero, -1 towards it. */
const neighbour = (format: FloatFormat, value: number, step: 1 | -1): number => {
  if (format === F32) {
    single[0] = value;
    singleWord[0]! += step;
    return single[0];
  }
  double[0] = value;
  const low = doubleWords[LOW]!;
  doubleWords[LOW] = low + step;
  if (step === 1 ? low === 0xffffffff : low === 0) doubleWords[1 - LOW]! += step;
  return double[0];
};

/** Rounds value + error, of which `error` only counts by its sign and `value` is the double next to the sum. */
const settle = (quick: Quick, format: FloatFormat, value: number, error: number): number => {
  let result = value;
  let rest = error;
  if (format === F32) {
    result = Math.fround(value);
    if (result !== value) rest = value - result;
  }
  const size = Math.abs(result);
  const [least, greatest] = format === F32 ? [2 ** -120, 2 ** 120] : [2 ** -900, 2 ** 900];
  if (!(size >= least && size <= greatest) || Number.isNaN(rest)) return Number.NaN;
  if (rest === 0) return result;
  quick.inexact = true;
  switch (quick.rounding) {
    case "nearestEven":
      return result;
    case "nearestAway":
      return Number.NaN;
    case "towardZero":
      return rest > 0 === result > 0 ? result : neighbour(format, result, -1);
    case "up":
      return rest > 0 ? neighbour(format, result, result > 0 ? 1 : -1) : result;
    case "down":
      return rest < 0 ? neighbour(format, result, result > 0 ? -1 : 1) : result;
  }
};

/** The error of the product a × b = p: exact for numbers of everyday size. */
const productError = (a: number, b: number, p: number): number => {
  const scaledA = 134217729 * a; // 2^27 + 1: Veltkamp's splitting
  const highA = scaledA - (scaledA - a);
  const lowA = a - highA;
  const scaledB = 134217729 * b;
  const highB = scaledB - (scaledB - b);
  const lowB = b - highB;
  return lowA * lowB - (p - highA * highB - lowA * highB - highA * lowB);
};
const everyday = (a: number): boolean => Math.abs(a) >= 2 ** -900 && Math.abs(a) <= 2 ** 900;

export const quickAdd = (quick: Quick, format: FloatFormat, a: number, b: number): number => {
  const s = a + b;
  const back = s - a;
  return settle(quick, format, s, a - (s - back) + (b - back));
};
export const quickMultiply = (quick: Quick, format: FloatFormat, a: number, b: number): number => {
  const p = a * b;
  return settle(quick, format, p, format === F32 ? 0 : productError(a, b, p));
};
export const quickDivide = (quick: Quick, format: FloatFormat, a: number, b: number): number => {
  if (!everyday(a)) return Number.NaN;
  const q = a / b;
  const back = q * b;
  const remainder = a - back - productError(q, b, back);
  return settle(quick, format, q, b > 0 ? remainder : -remainder);
};
export const quickSquareRoot = (quick: Quick, format: FloatFormat, a: number): number => {
  if (!everyday(a)) return Number.NaN;
  const root = Math.sqrt(a);
  const back = root * root;
  return settle(quick, format, root, a - back - productError(root, root, back));
};
/** To single. A double is any number that needs no rounding itself. */
export const quickConvert = (quick: Quick, format: FloatFormat, a: number): number => settle(quick, format, a, 0);

/** To an integer below 2^53 in size; `limit` is the first that does not fit. */
export const quickToInteger = (quick: Quick, a: number, rounding: Rounding, limit: number): number => {
  let n: number;
  switch (rounding) {
    case "towardZero":
      n = Math.trunc(a);
      break;
    case "up":
      n = Math.ceil(a);
      break;
    case "down":
      n = Math.floor(a);
      break;
    case "nearestEven": {
      n = Math.floor(a);
      const part = a - n;
      if (part > 0.5 || (part === 0.5 && n % 2 !== 0)) n += 1;
      break;
    }
    case "nearestAway":
      return Number.NaN;
  }
  if (!(Math.abs(n) < Math.min(limit, 2 ** 53))) return Number.NaN;
  if (n !== a) quick.inexact = true;
  return n;
};
