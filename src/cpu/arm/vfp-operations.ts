/**
 * The floating-point operations of VFP and Advanced SIMD, each as an exact function of bits (the FP… functions of ARM DDI
 * 0406C A2.7, and of ARM DDI 0487 for what ARMv8 adds). From one definition come the helper that VFP's rare path calls,
 * and the one that does all lanes of a vector with the standard FPSCR value.
 */
import type { Helper } from "../emitter.ts";
import { HELPER_ARGUMENTS, HELPER_RESULT } from "../emitter.ts";
import type { FloatContext, FloatFormat, IntegerRange, Quick, Relation, Rounding } from "../softfloat/index.ts";
import {
  DIVIDE_BY_ZERO,
  F16,
  F32,
  F64,
  INEXACT,
  INPUT_FLUSHED,
  INT16,
  INT32,
  INVALID,
  UINT16,
  UINT32,
  UNDERFLOW,
  add,
  alternativeHalf,
  compare,
  convertFormat,
  divide,
  fromAlternativeHalf,
  fromInteger,
  isInfinity,
  isNan,
  isNegative,
  isSignalling,
  isZero,
  multiply,
  multiplyAdd,
  quickAdd,
  quickConvert,
  quickDivide,
  quickMultiply,
  quickSquareRoot,
  quickToInteger,
  roundToIntegral,
  squareRoot,
  toInteger,
} from "../softfloat/index.ts";
import { reciprocalEstimate, reciprocalRootEstimate } from "./estimates.ts";
import { FPSCR_AHP, STANDARD_FPSCR, floatContext, recordFlags, roundingOf } from "./fpscr.ts";
import { FPSCR } from "./vfp-registers.ts";

/** Formats: half (in the low bits of a word), single, double, word. */
export type Format = "h" | "s" | "d" | "w";
type WasmType = "i32" | "f32" | "f64";
const WASM_TYPE = { h: "i32", s: "f32", d: "f64", w: "i32" } as const satisfies Record<Format, WasmType>;
const FLOAT: Readonly<Record<"s" | "d", FloatFormat>> = { s: F32, d: F64 };

export interface Operation {
  readonly name: string;
  readonly operands: readonly Format[];
  readonly result: Format;
  /** One operation, as FPSCR says. */
  readonly helper: Helper<WasmType>;
  /** Four at once on 32-bit lanes, with the standard FPSCR value. Only where all formats have 32 bits. */
  readonly vectorHelper: Helper<"v128">;
  readonly compute: Compute;
}

/** The operation on bits; `fpscr` for what the context does not say. Operands are flushed already. */
type Compute = (context: FloatContext, operands: readonly bigint[], fpscr: number) => bigint;
/** The operation on numbers, where the host's arithmetic can do it; NaN where not (see softfloat/quick.ts). */
type QuickCompute = (quick: Quick, a: number, b: number, c: number) => number;
const quick: Quick = { rounding: "nearestEven", inexact: false };

const SMALLEST = { s: 2 ** -126, d: 2 ** -1022 } as const;

function readNumber(state: DataView, format: Format, offset: number): number {
  if (format === "w" || format === "h") return state.getInt32(offset, true);
  const value = format === "s" ? state.getFloat32(offset, true) : state.getFloat64(offset, true);
  // Subnormal operands may have to be flushed.
  return value !== 0 && Math.abs(value) < SMALLEST[format] ? Number.NaN : value;
}
function writeNumber(state: DataView, format: Format, offset: number, value: number): void {
  if (format === "s") state.setFloat32(offset, value, true);
  else if (format === "d") state.setFloat64(offset, value, true);
  else state.setInt32(offset, value, true);
}

const readBits = (state: DataView, format: Format, offset: number): bigint =>
  format === "d" ? state.getBigUint64(offset, true) : BigInt(state.getUint32(offset, true));
const writeBits = (state: DataView, format: Format, offset: number, bits: bigint): void => {
  if (format === "d") state.setBigUint64(offset, bits, true);
  else state.setUint32(offset, Number(BigInt.asUintN(32, bits)), true);
};

/** FPUnpack's flush to zero; half precision is never flushed. */
function flushed(format: Format, bits: bigint, context: FloatContext): bigint {
  if (!context.flushResults || (format !== "s" && format !== "d")) return bits;
  const f = FLOAT[format];
  if ((bits & f.infinity) !== 0n || (bits & f.fractionMask) === 0n) return bits;
  context.flags |= INPUT_FLUSHED;
  return bits & f.signBit;
}

function define(
  name: string,
  operands: string,
  result: Format,
  compute: Compute,
  quickCompute?: QuickCompute,
): Operation {
  const formats = operands.split("") as Format[];
  /** One operation at `first`, `first + 16` …; the flags go to FPSCR. */
  const evaluate = (state: DataView, first: number, resultAt: number, fpscr: number): void => {
    if (quickCompute !== undefined) {
      const number = (n: number): number => (n < formats.length ? readNumber(state, formats[n]!, first + 16 * n) : 0);
      quick.rounding = roundingOf(fpscr);
      quick.inexact = false;
      const value = quickCompute(quick, number(0), number(1), number(2));
      if (!Number.isNaN(value)) {
        writeNumber(state, result, resultAt, value);
        if (quick.inexact) recordFlags(state, INEXACT);
        return;
      }
    }
    const context = floatContext(fpscr);
    const bits = formats.map((format, n) => flushed(format, readBits(state, format, first + 16 * n), context));
    writeBits(state, result, resultAt, compute(context, bits, fpscr));
    recordFlags(state, context.flags);
  };
  const run = (state: DataView): void =>
    evaluate(state, HELPER_ARGUMENTS, HELPER_RESULT, state.getInt32(FPSCR.offset, true));
  const runAll = (state: DataView): void => {
    for (let lane = 0; lane < 16; lane += 4)
      evaluate(state, HELPER_ARGUMENTS + lane, HELPER_RESULT + lane, STANDARD_FPSCR);
  };
  return {
    name,
    operands: formats,
    result,
    helper: { name, result: WASM_TYPE[result], run },
    vectorHelper: { name: `${name}.vector`, result: "v128", run: runAll },
    compute,
  };
}

/** The same operation on singles and doubles. */
export interface OperationPair {
  readonly s: Operation;
  readonly d: Operation;
}
type FormatCompute = (format: FloatFormat, context: FloatContext, a: bigint, b: bigint, c: bigint) => bigint;
type FormatQuick = (quick: Quick, format: FloatFormat, a: number, b: number, c: number) => number;
const pair = (name: string, count: number, compute: FormatCompute, quickly?: FormatQuick): OperationPair => {
  const of = (letter: "s" | "d"): Operation => {
    const format = FLOAT[letter];
    return define(
      `${name}.${letter}`,
      letter.repeat(count),
      letter,
      (context, [a, b, c]) => compute(format, context, a!, b!, c!),
      quickly && ((q, a, b, c) => quickly(q, format, a, b, c)),
    );
  };
  return { s: of("s"), d: of("d") };
};

const negate = (format: FloatFormat, bits: bigint): bigint => bits ^ format.signBit;

// ── arithmetic ────────────────────────────────────────────────────────────────────────────────────────────────────

export const ADD = pair("vadd", 2, (f, context, a, b) => add(f, a, b, context), quickAdd);
// FPSub: unlike an addition of the negative, it leaves the sign of a NaN.
export const SUB = pair(
  "vsub",
  2,
  (f, context, a, b) => (isNan(f, b) ? add(f, a, b, context) : add(f, a, negate(f, b), context)),
  (q, f, a, b) => quickAdd(q, f, a, -b),
);
export const MUL = pair("vmul", 2, (f, context, a, b) => multiply(f, a, b, context), quickMultiply);
export const NMUL = pair(
  "vnmul",
  2,
  (f, context, a, b) => negate(f, multiply(f, a, b, context)),
  (q, f, a, b) => -quickMultiply(q, f, a, b),
);
export const DIV = pair("vdiv", 2, (f, context, a, b) => divide(f, a, b, context), quickDivide);
export const SQRT = pair("vsqrt", 1, (f, context, a) => squareRoot(f, a, context), quickSquareRoot);

/** ±d ± n × m with two roundings; a result between the two is flushed, too. */
const accumulate = (name: string, negateAddend: boolean, negateProduct: boolean): OperationPair =>
  pair(
    name,
    3,
    (f, context, d, n, m) => {
      const product = multiply(f, n, m, context);
      return add(f, negateAddend ? negate(f, d) : d, negateProduct ? negate(f, product) : product, context);
    },
    (q, f, d, n, m) => {
      const product = quickMultiply(q, f, n, m);
      return quickAdd(q, f, negateAddend ? -d : d, negateProduct ? -product : product);
    },
  );
export const MLA = accumulate("vmla", false, false);
export const MLS = accumulate("vmls", false, true);
export const NMLA = accumulate("vnmla", true, true);
export const NMLS = accumulate("vnmls", true, false);

/** ±d ± n × m with one rounding. */
const fuse = (name: string, negateAddend: boolean, negateProduct: boolean): OperationPair =>
  pair(name, 3, (f, context, d, n, m) =>
    multiplyAdd(f, negateProduct ? negate(f, n) : n, m, negateAddend ? negate(f, d) : d, context),
  );
export const FMA = fuse("vfma", false, false);
export const FMS = fuse("vfms", false, true);
export const FNMA = fuse("vfnma", true, true);
export const FNMS = fuse("vfnms", true, false);

/** FPMax and FPMin: a NaN operand counts, and +0 is greater than -0. */
function extremum(f: FloatFormat, a: bigint, b: bigint, greatest: boolean, context: FloatContext): bigint {
  const relation = compare(f, a, b, false, context);
  // Of the flags of the comparison (a signalling NaN's) the addition gives the same, and the NaN that comes of it.
  if (relation === "unordered") return add(f, a, b, context);
  if (relation === "equal") return greatest ? a & b : a | b;
  return (relation === "greater") === greatest ? a : b;
}
/** FPMaxNum and FPMinNum: a number wins over a quiet NaN. */
function numericExtremum(f: FloatFormat, a: bigint, b: bigint, greatest: boolean, context: FloatContext): bigint {
  const quietNan = (x: bigint): boolean => isNan(f, x) && !isSignalling(f, x, context.nans);
  if (quietNan(a) && !isNan(f, b)) return b;
  if (quietNan(b) && !isNan(f, a)) return a;
  return extremum(f, a, b, greatest, context);
}
export const MAX = pair("vmax", 2, (f, context, a, b) => extremum(f, a, b, true, context));
export const MIN = pair("vmin", 2, (f, context, a, b) => extremum(f, a, b, false, context));
export const MAXNM = pair("vmaxnm", 2, (f, context, a, b) => numericExtremum(f, a, b, true, context));
export const MINNM = pair("vminnm", 2, (f, context, a, b) => numericExtremum(f, a, b, false, context));
export const ABD = pair("vabd", 2, (f, context, a, b) => {
  const difference = isNan(f, b) ? add(f, a, b, context) : add(f, a, negate(f, b), context);
  return difference & ~f.signBit;
});

// ── comparison ────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a comparison's helper gives. */
export const RELATION_BITS: Readonly<Record<Relation, bigint>> = { greater: 0n, unordered: 1n, equal: 2n, less: 4n };
const comparison = (name: string, signalling: boolean): OperationPair => {
  const of = (letter: "s" | "d"): Operation =>
    define(
      `${name}.${letter}`,
      letter + letter,
      "w",
      (context, [a, b]) => RELATION_BITS[compare(FLOAT[letter], a!, b!, signalling, context)],
    );
  return { s: of("s"), d: of("d") };
};
export const COMPARE = comparison("vcmp", false);
export const COMPARE_SIGNALLING = comparison("vcmpe", true);

const ALL_ONES = 0xffffffffn;
/** A comparison of Advanced SIMD, whose result is all ones or all zeros. */
const test = (name: string, signalling: boolean, holds: (relation: Relation) => boolean, absolute = false): Operation =>
  define(name, "ss", "w", (context, [a, b]) => {
    const [x, y] = absolute ? [a! & ~F32.signBit, b! & ~F32.signBit] : [a!, b!];
    return holds(compare(F32, x, y, signalling, context)) ? ALL_ONES : 0n;
  });
export const CEQ = test("vceq", false, (relation) => relation === "equal");
export const CGE = test("vcge", true, (relation) => relation === "greater" || relation === "equal");
export const CGT = test("vcgt", true, (relation) => relation === "greater");
export const ACGE = test("vacge", true, (relation) => relation === "greater" || relation === "equal", true);
export const ACGT = test("vacgt", true, (relation) => relation === "greater", true);

// ── conversion ────────────────────────────────────────────────────────────────────────────────────────────────────

export const CVT_S_D = define(
  "vcvt.s.d",
  "d",
  "s",
  (context, [a]) => convertFormat(F64, F32, a!, context),
  (q, a) => quickConvert(q, F32, a),
);
export const CVT_D_S = define(
  "vcvt.d.s",
  "s",
  "d",
  (context, [a]) => convertFormat(F32, F64, a!, context),
  (_q, a) => a,
);

/** From half precision: subnormal halves are never flushed, and AHP has no infinities and NaNs. */
const fromHalf = (letter: "s" | "d"): Operation =>
  define(`vcvtb.${letter}.h`, "h", letter, (context, [a], fpscr) => {
    const half = a! & 0xffffn;
    const plain = { ...context, flushResults: false };
    const result =
      (fpscr & FPSCR_AHP) !== 0
        ? fromAlternativeHalf(FLOAT[letter], half, plain)
        : convertFormat(F16, FLOAT[letter], half, plain);
    context.flags |= plain.flags;
    return result;
  });
const toHalf = (letter: "s" | "d"): Operation =>
  define(`vcvtb.h.${letter}`, letter, "h", (context, [a], fpscr) => {
    const plain = { ...context, flushResults: false };
    const result =
      (fpscr & FPSCR_AHP) !== 0
        ? alternativeHalf(FLOAT[letter], a!, plain)
        : convertFormat(FLOAT[letter], F16, a!, plain);
    context.flags |= plain.flags;
    return result;
  });
export const FROM_HALF: OperationPair = { s: fromHalf("s"), d: fromHalf("d") };
export const TO_HALF: OperationPair = { s: toHalf("s"), d: toHalf("d") };

/** Four conversions at once, of and to lanes of so many bytes; `kept`: the bits of FPSCR that count beside `standard`. */
export function halfVector(
  operation: Operation,
  from: 2 | 4,
  to: 2 | 4,
  standard: number,
  kept: number,
): Helper<"v128"> {
  const run = (state: DataView): void => {
    const fpscr = standard | (state.getInt32(FPSCR.offset, true) & kept);
    const context = floatContext(fpscr);
    const get = (at: number): number => (from === 2 ? state.getUint16(at, true) : state.getUint32(at, true));
    for (let lane = 0; lane < 4; lane++) {
      const bits = flushed(operation.operands[0]!, BigInt(get(HELPER_ARGUMENTS + from * lane)), context);
      const result = Number(operation.compute(context, [bits], fpscr));
      if (to === 2) state.setUint16(HELPER_RESULT + to * lane, result, true);
      else state.setUint32(HELPER_RESULT + to * lane, result, true);
    }
    recordFlags(state, context.flags);
  };
  return { name: `${operation.name}.vector`, result: "v128", run };
}

/** Integers that a conversion gives or takes. */
export type IntegerType = "s32" | "u32" | "s16" | "u16";
const RANGE: Readonly<Record<IntegerType, IntegerRange>> = { s32: INT32, u32: UINT32, s16: INT16, u16: UINT16 };
const integerOf = (type: IntegerType, word: bigint): bigint => {
  const bits = type.endsWith("32") ? 32 : 16;
  return type.startsWith("s") ? BigInt.asIntN(bits, word) : BigInt.asUintN(bits, word);
};

/** To an integer, second operand: fraction bits. Undefined rounding: FPSCR's. */
export function toFixed(letter: "s" | "d", type: IntegerType, rounding: Rounding | undefined): Operation {
  return fixedOperation(`vcvt.${type}.${letter} ${rounding ?? "fpscr"}`, () =>
    define(
      `vcvt.${type}.${letter} ${rounding ?? "fpscr"}`,
      `${letter}w`,
      "w",
      (context, [a, fraction]) =>
        toInteger(FLOAT[letter], a!, RANGE[type], rounding ?? context.rounding, context, Number(fraction)),
      type === "s32"
        ? (q, a, fraction) => (fraction === 0 ? quickToInteger(q, a, rounding ?? q.rounding, 2 ** 31) : Number.NaN)
        : undefined,
    ),
  );
}
/** From an integer, second operand: fraction bits. Conversions from fixed point always round to nearest. */
export function fromFixed(letter: "s" | "d", type: IntegerType, rounding: Rounding | undefined): Operation {
  return fixedOperation(`vcvt.${letter}.${type} ${rounding ?? "fpscr"}`, () =>
    define(`vcvt.${letter}.${type} ${rounding ?? "fpscr"}`, "ww", letter, (context, [a, fraction]) => {
      const own: FloatContext = { ...context, rounding: rounding ?? context.rounding };
      const result = fromInteger(FLOAT[letter], integerOf(type, a!), own, Number(fraction));
      context.flags |= own.flags;
      return result;
    }),
  );
}
const fixedOperations = new Map<string, Operation>();
function fixedOperation(name: string, make: () => Operation): Operation {
  let operation = fixedOperations.get(name);
  if (operation === undefined) fixedOperations.set(name, (operation = make()));
  return operation;
}

/** FPRoundInt; undefined rounding: FPSCR's. */
const integral = (name: string, rounding: Rounding | undefined, exact: boolean): OperationPair =>
  pair(name, 1, (f, context, a) => roundToIntegral(f, a, rounding ?? context.rounding, exact, context));
export const RINT = {
  a: integral("vrinta", "nearestAway", false),
  n: integral("vrintn", "nearestEven", false),
  p: integral("vrintp", "up", false),
  m: integral("vrintm", "down", false),
  z: integral("vrintz", "towardZero", false),
  r: integral("vrintr", undefined, false),
  x: integral("vrintx", undefined, true),
} as const;

// ── estimates and steps ───────────────────────────────────────────────────────────────────────────────────────────

const propagated = (f: FloatFormat, a: bigint, context: FloatContext): bigint => {
  if (isSignalling(f, a, context.nans)) context.flags |= INVALID;
  return context.nans.propagate(f, [a], false);
};
const invalidOf = (f: FloatFormat, context: FloatContext): bigint => {
  context.flags |= INVALID;
  return context.nans.defaultNan(f);
};
const exponentOf = (a: bigint): number => Number((a >> 23n) & 0xffn);

/** FPRecipEstimate. */
export const RECPE = define("vrecpe", "s", "s", (context, [bits]) => {
  const a = bits!;
  const sign = a & F32.signBit;
  if (isNan(F32, a)) return propagated(F32, a, context);
  if (isInfinity(F32, a)) return sign;
  if (isZero(F32, a)) {
    context.flags |= DIVIDE_BY_ZERO;
    return sign | F32.infinity;
  }
  const exponent = exponentOf(a);
  if (exponent >= 253) {
    context.flags |= UNDERFLOW;
    return sign;
  }
  const estimate = reciprocalEstimate(0x100 | Number((a >> 15n) & 0xffn));
  return sign | (BigInt(253 - exponent) << 23n) | (BigInt(estimate & 0xff) << 15n);
});

/** FPRSqrtEstimate. */
export const RSQRTE = define("vrsqrte", "s", "s", (context, [bits]) => {
  const a = bits!;
  if (isNan(F32, a)) return propagated(F32, a, context);
  if (isZero(F32, a)) {
    context.flags |= DIVIDE_BY_ZERO;
    return a | F32.infinity;
  }
  if (isNegative(F32, a)) return invalidOf(F32, context);
  if (isInfinity(F32, a)) return 0n;
  const exponent = exponentOf(a);
  const fraction = Number(a & F32.fractionMask);
  const scaled = (exponent & 1) !== 0 ? 0x80 | (fraction >> 16) : 0x100 | (fraction >> 15);
  return (BigInt((380 - exponent) >> 1) << 23n) | (BigInt(reciprocalRootEstimate(scaled) & 0xff) << 15n);
});

const infinityTimesZero = (a: bigint, b: bigint): boolean =>
  (isInfinity(F32, a) && isZero(F32, b)) || (isZero(F32, a) && isInfinity(F32, b));
const ONE_AND_A_HALF = 0x3fc00000n;
const TWO = 0x40000000n;
const THREE = 0x40400000n;
const HALF = 0x3f000000n;

const difference = (minuend: bigint, product: bigint, context: FloatContext): bigint =>
  isNan(F32, product) ? add(F32, minuend, product, context) : add(F32, minuend, negate(F32, product), context);
/** FPRecipStep: 2 - a × b. */
export const RECPS = define("vrecps", "ss", "s", (context, [a, b]) =>
  infinityTimesZero(a!, b!) ? TWO : difference(TWO, multiply(F32, a!, b!, context), context),
);
/** FPRSqrtStep: (3 - a × b) / 2. */
export const RSQRTS = define("vrsqrts", "ss", "s", (context, [a, b]) =>
  infinityTimesZero(a!, b!)
    ? ONE_AND_A_HALF
    : multiply(F32, difference(THREE, multiply(F32, a!, b!, context), context), HALF, context),
);
