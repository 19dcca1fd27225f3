/**
 * The arithmetic operations, each as an exact function of bits: one table, from which come the helpers that the rare
 * path calls and the operation that a reader of FCSR's Cause field does again.
 */
import type { Helper, Type } from "../emitter.ts";
import { HELPER_ARGUMENTS, HELPER_RESULT } from "../emitter.ts";
import type { FloatContext, FloatFormat, Relation, Rounding } from "../softfloat/index.ts";
import type { Quick } from "../softfloat/index.ts";
import {
  F32,
  F64,
  INEXACT,
  INT32,
  INT64,
  INVALID,
  add,
  compare,
  convertFormat,
  divide,
  fromInteger,
  multiply,
  squareRoot,
  subtract,
  toInteger,
} from "../softfloat/index.ts";
import {
  quickAdd,
  quickConvert,
  quickDivide,
  quickMultiply,
  quickSquareRoot,
  quickToInteger,
} from "../softfloat/index.ts";
import { ROUNDINGS, floatContext, mipsFlags, recordFlags } from "./fcsr.ts";
import { FCSR } from "./fpu-registers.ts";

/** Formats by the manual's letters: single, double, word, long. */
export type Format = "s" | "d" | "w" | "l";

export interface Operation {
  readonly name: string;
  /** For `LAST_OPERATION`: twice its index in `OPERATIONS`, plus 1 if its operands are 64 bits wide. Never 0. */
  readonly id: number;
  readonly operands: readonly Format[];
  readonly result: Format;
  /**
   * Computes as FCSR says. Operand n is at `first + n * stride`, the result goes to `resultAt` (or nowhere), all raw and
   * little-endian. Returns the IEEE flags.
   */
  readonly evaluate: (state: DataView, first: number, stride: number, fcsr: number, resultAt?: number) => number;
  /** Computes, and records the flags in FCSR. */
  readonly helper: Helper<Type>;
}

const WASM_TYPE = { s: "f32", d: "f64", w: "i32", l: "i64" } as const;
export const isWide = (format: Format): boolean => format === "d" || format === "l";

const readBits = (state: DataView, format: Format, offset: number): bigint =>
  isWide(format) ? state.getBigUint64(offset, true) : BigInt(state.getUint32(offset, true));
const writeBits = (state: DataView, format: Format, offset: number, bits: bigint): void => {
  if (isWide(format)) state.setBigUint64(offset, bits, true);
  else state.setUint32(offset, Number(bits), true);
};

/** An operand as a number; a long that may not be one is a NaN. */
const readNumber = (state: DataView, format: Format, offset: number): number => {
  switch (format) {
    case "s":
      return state.getFloat32(offset, true);
    case "d":
      return state.getFloat64(offset, true);
    case "w":
      return state.getInt32(offset, true);
    case "l": {
      const high = state.getInt32(offset + 4, true);
      return high < 0x200000 && high >= -0x200000 ? high * 2 ** 32 + state.getUint32(offset, true) : Number.NaN;
    }
  }
};
const writeNumber = (state: DataView, format: Format, offset: number, value: number): void => {
  switch (format) {
    case "s":
      state.setFloat32(offset, value, true);
      break;
    case "d":
      state.setFloat64(offset, value, true);
      break;
    case "w":
      state.setInt32(offset, value, true);
      break;
    case "l":
      state.setUint32(offset, value, true);
      state.setInt32(offset + 4, Math.floor(value / 2 ** 32), true);
      break;
  }
};

/** The operation on bits; flags go to the context. */
type Compute = (context: FloatContext, operands: readonly bigint[]) => bigint;
/** The operation on numbers, where the host's arithmetic can do it; NaN where not (see softfloat/quick.ts). */
type QuickCompute = (quick: Quick, a: number, b: number, c: number) => number;
/** Only ever used inside one helper call. */
const quick: Quick = { rounding: "nearestEven", inexact: false };

const table: (Operation | undefined)[] = [undefined];
/** All operations; index 0 is empty. */
export const OPERATIONS: readonly (Operation | undefined)[] = table;

const define = (
  name: string,
  operands: string,
  result: Format,
  compute: Compute,
  quickCompute?: QuickCompute,
): Operation => {
  const formats = operands.split("") as Format[];
  const evaluate: Operation["evaluate"] = (state, first, stride, fcsr, resultAt) => {
    if (quickCompute !== undefined) {
      const number = (n: number): number =>
        n < formats.length ? readNumber(state, formats[n]!, first + n * stride) : 0;
      quick.rounding = ROUNDINGS[fcsr & 3]!;
      quick.inexact = false;
      const value = quickCompute(quick, number(0), number(1), number(2));
      if (!Number.isNaN(value)) {
        if (resultAt !== undefined) writeNumber(state, result, resultAt, value);
        return quick.inexact ? INEXACT : 0;
      }
    }
    const context = floatContext(fcsr);
    const bits = compute(
      context,
      formats.map((format, n) => readBits(state, format, first + n * stride)),
    );
    if (resultAt !== undefined) writeBits(state, result, resultAt, bits);
    return context.flags;
  };
  const run = (state: DataView): void => {
    const fcsr = state.getInt32(FCSR.offset, true);
    const flags = evaluate(state, HELPER_ARGUMENTS, 16, fcsr, HELPER_RESULT);
    state.setInt32(FCSR.offset, recordFlags(fcsr, flags), true);
  };
  const id = 2 * table.length + (isWide(formats[0] ?? "w") ? 1 : 0);
  const operation: Operation = {
    name,
    id,
    operands: formats,
    result,
    evaluate,
    helper: { name, result: WASM_TYPE[result], run },
  };
  table.push(operation);
  return operation;
};

/** FCSR's Cause field after the operation that `last` (see `LAST_OPERATION`) names, on operands at `first`. */
export function causeOf(last: number, state: DataView, first: number, stride: number): number {
  const operation = OPERATIONS[last >> 1];
  if (operation === undefined) return 0;
  return mipsFlags(operation.evaluate(state, first, stride, state.getInt32(FCSR.offset, true))) << 12;
}

/** What stands for every operation that cannot raise an exception: it clears Cause. */
export const EXACT = define("exact", "", "w", () => 0n);

// ── arithmetic ────────────────────────────────────────────────────────────────────────────────────────────────────

/** The same operation on singles and doubles. */
export interface OperationPair {
  readonly s: Operation;
  readonly d: Operation;
}
const pair = (
  name: string,
  count: number,
  compute: (format: FloatFormat, context: FloatContext, operands: readonly bigint[]) => bigint,
  quickly: (quick: Quick, format: FloatFormat, a: number, b: number, c: number) => number,
): OperationPair => ({
  s: define(
    `${name}.s`,
    "s".repeat(count),
    "s",
    (context, operands) => compute(F32, context, operands),
    (q, a, b, c) => quickly(q, F32, a, b, c),
  ),
  d: define(
    `${name}.d`,
    "d".repeat(count),
    "d",
    (context, operands) => compute(F64, context, operands),
    (q, a, b, c) => quickly(q, F64, a, b, c),
  ),
});
const one = (format: FloatFormat): bigint => BigInt(format.bias) << BigInt(format.fractionBits);

export const ADD = pair("add", 2, (format, context, [a, b]) => add(format, a!, b!, context), quickAdd);
export const SUB = pair(
  "sub",
  2,
  (format, context, [a, b]) => subtract(format, a!, b!, context),
  (q, f, a, b) => quickAdd(q, f, a, -b),
);
export const MUL = pair("mul", 2, (format, context, [a, b]) => multiply(format, a!, b!, context), quickMultiply);
export const DIV = pair("div", 2, (format, context, [a, b]) => divide(format, a!, b!, context), quickDivide);
export const SQRT = pair("sqrt", 1, (format, context, [a]) => squareRoot(format, a!, context), quickSquareRoot);
// The manual allows an error of one unit in the last place for these two; they are done as division and square root.
export const RECIP = pair(
  "recip",
  1,
  (format, context, [a]) => divide(format, one(format), a!, context),
  (q, f, a) => quickDivide(q, f, 1, a),
);
export const RSQRT = pair(
  "rsqrt",
  1,
  (format, context, [a]) => divide(format, one(format), squareRoot(format, a!, context), context),
  (q, f, a) => quickDivide(q, f, 1, quickSquareRoot(q, f, a)),
);
// Operands fs, ft, fr. Before release 6 the product is rounded by itself, and the last negation flips even a NaN's sign.
export const MADD = pair(
  "madd",
  3,
  (format, context, [a, b, c]) => add(format, multiply(format, a!, b!, context), c!, context),
  (q, f, a, b, c) => quickAdd(q, f, quickMultiply(q, f, a, b), c),
);
export const MSUB = pair(
  "msub",
  3,
  (format, context, [a, b, c]) => subtract(format, multiply(format, a!, b!, context), c!, context),
  (q, f, a, b, c) => quickAdd(q, f, quickMultiply(q, f, a, b), -c),
);
export const NMADD = pair(
  "nmadd",
  3,
  (format, context, [a, b, c]) => add(format, multiply(format, a!, b!, context), c!, context) ^ format.signBit,
  (q, f, a, b, c) => -quickAdd(q, f, quickMultiply(q, f, a, b), c),
);
export const NMSUB = pair(
  "nmsub",
  3,
  (format, context, [a, b, c]) => subtract(format, multiply(format, a!, b!, context), c!, context) ^ format.signBit,
  (q, f, a, b, c) => -quickAdd(q, f, quickMultiply(q, f, a, b), -c),
);

// ── comparison ────────────────────────────────────────────────────────────────────────────────────────────────────

/** A comparison's result in the bits of `c.cond.fmt`'s condition: unordered 1, equal 2, less 4. */
const RELATION_BITS: Readonly<Record<Relation, bigint>> = { unordered: 1n, equal: 2n, less: 4n, greater: 0n };
const quickCompare: QuickCompute = (_q, a, b) => (a < b ? 4 : a === b ? 2 : a > b ? 0 : Number.NaN);
const comparison = (name: string, signalling: boolean): OperationPair => ({
  s: define(
    `${name}.s`,
    "ss",
    "w",
    (context, [a, b]) => RELATION_BITS[compare(F32, a!, b!, signalling, context)],
    quickCompare,
  ),
  d: define(
    `${name}.d`,
    "dd",
    "w",
    (context, [a, b]) => RELATION_BITS[compare(F64, a!, b!, signalling, context)],
    quickCompare,
  ),
});
export const COMPARE_QUIET = comparison("compareQuiet", false);
export const COMPARE_SIGNALLING = comparison("compareSignalling", true);

// ── conversion ────────────────────────────────────────────────────────────────────────────────────────────────────

export const CVT_S_D = define(
  "cvt.s.d",
  "d",
  "s",
  (context, [a]) => convertFormat(F64, F32, a!, context),
  (q, a) => quickConvert(q, F32, a),
);
export const CVT_D_S = define(
  "cvt.d.s",
  "s",
  "d",
  (context, [a]) => convertFormat(F32, F64, a!, context),
  (_q, a) => a,
);
export const CVT_S_W = define(
  "cvt.s.w",
  "w",
  "s",
  (context, [a]) => fromInteger(F32, BigInt.asIntN(32, a!), context),
  (q, a) => quickConvert(q, F32, a),
);
export const CVT_S_L = define(
  "cvt.s.l",
  "l",
  "s",
  (context, [a]) => fromInteger(F32, BigInt.asIntN(64, a!), context),
  (q, a) => quickConvert(q, F32, a),
);
export const CVT_D_L = define(
  "cvt.d.l",
  "l",
  "d",
  (context, [a]) => fromInteger(F64, BigInt.asIntN(64, a!), context),
  (_q, a) => a,
);

/** A conversion to word and long, from single and double. */
export interface Conversion {
  readonly name: string;
  /** By result and operand format. */
  readonly w: OperationPair;
  readonly l: OperationPair;
}
const toFixed = (name: string, result: "w" | "l", source: "s" | "d", rounding: Rounding | undefined): Operation => {
  const format = source === "s" ? F32 : F64;
  const range = result === "w" ? INT32 : INT64;
  return define(
    `${name}.${result}.${source}`,
    source,
    result,
    (context, [a]) => {
      const value = toInteger(format, a!, range, rounding ?? context.rounding, context);
      // Processors without NaN2008 answer every operand that they cannot convert with the greatest integer.
      const legacy = context.nans.signallingBitSet && (context.flags & INVALID) !== 0;
      return BigInt.asUintN(result === "w" ? 32 : 64, legacy ? range.greatest : value);
    },
    (q, a) => quickToInteger(q, a, rounding ?? q.rounding, result === "w" ? 2 ** 31 : 2 ** 63),
  );
};
const conversion = (name: string, rounding?: Rounding): Conversion => ({
  name,
  w: { s: toFixed(name, "w", "s", rounding), d: toFixed(name, "w", "d", rounding) },
  l: { s: toFixed(name, "l", "s", rounding), d: toFixed(name, "l", "d", rounding) },
});
export const CVT = conversion("cvt");
export const ROUND = conversion("round", "nearestEven");
export const TRUNC = conversion("trunc", "towardZero");
export const CEIL = conversion("ceil", "up");
export const FLOOR = conversion("floor", "down");
