/**
 * Advanced SIMD: single-precision arithmetic (ARM DDI 0406C A7.4, A8.8; DDI 0487 F6 for ARMv8's).
 *
 * It always flushes subnormal numbers, gives the default NaN and rounds to nearest. The host's arithmetic does four lanes
 * at once; where a lane has a subnormal operand or an unusual result, or the Inexact flag still has to be found out, a
 * helper does all lanes.
 */
import type { Emitter, I32, V128, Value } from "../emitter.ts";
import type { Fields } from "../decode-table.ts";
import type { Rounding } from "../softfloat/index.ts";
import { unsignedReciprocalEstimate, unsignedReciprocalRootEstimate } from "./estimates.ts";
import { HELPER_ARGUMENTS, HELPER_RESULT } from "../emitter.ts";
import type { Helper } from "../emitter.ts";
import { FPSCR_AHP, MODE_INEXACT, STANDARD_FPSCR } from "./fpscr.ts";
import type { Feature } from "./models.ts";
import type { ArmRow, LiftContext } from "./row.ts";
import { rowsOf } from "./row.ts";
import { pairs } from "./simd-integer.ts";
import * as lanes from "./simd-lanes.ts";
import { even, evenIfQuad, registerOf, setVector, vector } from "./simd-lift.ts";
import { scalarOf, splatScalar } from "./simd-long.ts";
import { inexactClear, whileInexactClear } from "./vfp-lift.ts";
import type { Operation } from "./vfp-operations.ts";
import * as operations from "./vfp-operations.ts";

const row = rowsOf("Advanced SIMD floating point");

// ── when the host's answer is right ───────────────────────────────────────────────────────────────────────────────

/** Moves what is to be found to the start of the signed range: 0 becomes the greatest number, subnormals the least ones. */
function biasedMagnitude(e: Emitter, a: V128): V128 {
  return e.i32x4.add(e.i32x4.shl(a, e.const32(1)), lanes.splat(e, 2, 0x7fffffffn));
}
/** Lanes with a bit set where one of the operands is subnormal. */
function subnormal(e: Emitter, operands: readonly V128[]): V128 {
  const least = operands.map((a) => biasedMagnitude(e, a)).reduce((a, b) => e.i32x4.minS(a, b));
  return e.i32x4.ltS(least, lanes.splat(e, 2, 0x80ffffffn));
}
const SMALLEST_NORMAL = 0x00800000n;
const INFINITY = 0x7f800000n;
/** Lanes with a bit set where a result is infinite, NaN, subnormal or the smallest normal number, or (`zeros`) zero. */
function unusual(e: Emitter, result: V128, zeros: boolean): V128 {
  const magnitude = e.f32x4.abs(result);
  const large = e.v128.not(e.f32x4.lt(magnitude, lanes.splat(e, 2, INFINITY)));
  let small = e.f32x4.le(magnitude, lanes.splat(e, 2, SMALLEST_NORMAL));
  if (!zeros) small = e.v128.and(small, e.f32x4.ne(result, lanes.zero(e)));
  return e.v128.or(large, small);
}

/** The host's answer for all lanes. */
interface Fast {
  readonly value: V128;
  /** Lanes that are not zero where it may be wrong or a flag may be due; subnormal operands are looked for besides. */
  readonly rare?: V128;
  /**
   * Lanes with a bit set where it is inexact, unless one is rare; false: it never is; true: it may be, and the helper does it
   * while the flag is clear.
   */
  readonly inexact: boolean | (() => V128);
  /** Lanes that are not zero where a rare lane is rare indeed; only computed in rare cases. */
  readonly confirmed?: () => V128;
}

function operate(
  e: Emitter,
  { mode }: LiftContext,
  operation: Operation,
  operands: readonly V128[],
  floats: readonly V128[],
  fast: Fast,
  extra: readonly Value[] = [],
): V128 {
  const ask = (): V128 => e.call(operation.vectorHelper, ...operands, ...extra) as V128;
  const inputs = floats.length === 0 ? undefined : subnormal(e, floats);
  const lanesOfAll = inputs === undefined ? fast.rare : fast.rare === undefined ? inputs : e.v128.or(inputs, fast.rare);
  let condition: I32 | undefined = lanesOfAll === undefined ? undefined : e.v128.anyTrue(lanesOfAll);
  const { value, inexact } = fast;
  const checking = inexact !== false && (mode & MODE_INEXACT) === 0;
  const check = checking && inexact === true ? inexactClear(e) : undefined;
  if (check !== undefined) condition = condition === undefined ? check : e.i32.or(condition, check);
  const usual = (): V128 => {
    if (checking && inexact !== true) whileInexactClear(e, [e.v128.anyTrue(inexact())], ask);
    return value;
  };
  if (condition === undefined) return usual();
  const { confirmed } = fast;
  if (confirmed === undefined) return e.either(condition, ask, usual);
  return e.either(
    condition,
    () => {
      const sure = e.v128.anyTrue(inputs === undefined ? confirmed() : e.v128.or(inputs, confirmed()));
      return e.either(check === undefined ? sure : e.i32.or(sure, check), ask, usual);
    },
    usual,
  );
}

type Meaning = (e: Emitter, operands: readonly V128[]) => Fast;

/** Lanes with a bit set where a + b = s has an error (Knuth's TwoSum). */
function sumInexact(e: Emitter, a: V128, b: V128, s: V128): V128 {
  const bb = e.f32x4.sub(s, a);
  const error = e.f32x4.add(e.f32x4.sub(a, e.f32x4.sub(s, bb)), e.f32x4.sub(b, bb));
  return e.f32x4.ne(error, lanes.zero(e));
}
const sum: Meaning = (e, [a, b]) => {
  const value = e.f32x4.add(a!, b!);
  return { value, rare: unusual(e, value, false), inexact: () => sumInexact(e, a!, b!, value) };
};
const difference: Meaning = (e, [a, b]) => {
  const value = e.f32x4.sub(a!, b!);
  return { value, rare: unusual(e, value, false), inexact: () => sumInexact(e, a!, e.f32x4.neg(b!), value) };
};
/** The lower or the higher two lanes as doubles. */
const widened = (e: Emitter, a: V128, high: boolean): V128 =>
  e.f64x2.promoteLowF32x4(high ? e.i8x16.shuffle(a, a, HIGH_HALF) : a);
/** A vector with a bit set where a lane of a × b = p is not exact: products of singles are exact as doubles. */
function productInexact(e: Emitter, a: V128, b: V128, p: V128): V128 {
  const [low, high] = [false, true].map((half) =>
    e.f64x2.ne(e.f64x2.mul(widened(e, a, half), widened(e, b, half)), widened(e, p, half)),
  ) as [V128, V128];
  return e.v128.or(low, high);
}
/** Lanes where a product is unusual although no factor is zero. */
const unusualProduct = (e: Emitter, a: V128, b: V128, value: V128): V128 => {
  const zeroFactor = e.v128.or(e.f32x4.eq(a, lanes.zero(e)), e.f32x4.eq(b, lanes.zero(e)));
  const zeroResult = e.f32x4.eq(value, lanes.zero(e));
  return e.v128.andnot(unusual(e, value, true), e.v128.and(zeroFactor, zeroResult));
};
const product: Meaning = (e, [a, b]) => {
  const value = e.f32x4.mul(a!, b!);
  return {
    value,
    rare: unusual(e, value, true),
    inexact: () => productInexact(e, a!, b!, value),
    confirmed: () => unusualProduct(e, a!, b!, value),
  };
};
const accumulate =
  (operation: "add" | "sub"): Meaning =>
  (e, [d, n, m]) => {
    const middle = e.f32x4.mul(n!, m!);
    const value = e.f32x4[operation](d!, middle);
    const result = unusual(e, value, false);
    return {
      value,
      rare: e.v128.or(unusual(e, middle, true), result),
      inexact: () => {
        const addend = operation === "sub" ? e.f32x4.neg(middle) : middle;
        return e.v128.or(productInexact(e, n!, m!, middle), sumInexact(e, d!, addend, value));
      },
      confirmed: () => e.v128.or(unusualProduct(e, n!, m!, middle), result),
    };
  };
/** The error of the sum a + b = s of doubles (Knuth's TwoSum). */
function sumError(e: Emitter, a: V128, b: V128, s: V128): V128 {
  const bb = e.f64x2.sub(s, a);
  return e.f64x2.add(e.f64x2.sub(a, e.f64x2.sub(s, bb)), e.f64x2.sub(b, bb));
}
const LOW_HALVES = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
const HIGH_HALF = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
/** As VFP's fused multiply-add: in doubles, two lanes at a time. */
const fused =
  (negate: boolean): Meaning =>
  (e, [d, n, m]) => {
    const factor = negate ? e.f32x4.neg(n!) : n!;
    const sums = [false, true].map((high) => {
      const [addend, x, y] = [d!, factor, m!].map((a) => widened(e, a, high)) as [V128, V128, V128];
      const product = e.f64x2.mul(x, y);
      return { addend, product, total: e.f64x2.add(addend, product) };
    });
    /** From two vectors of doublewords, of which the lower words count, one of words. */
    const joined = (of: (sum: (typeof sums)[number]) => V128): V128 =>
      e.i8x16.shuffle(of(sums[0]!), of(sums[1]!), [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]);
    const value = e.i8x16.shuffle(
      e.f32x4.demoteF64x2Zero(sums[0]!.total),
      e.f32x4.demoteF64x2Zero(sums[1]!.total),
      LOW_HALVES,
    );
    // A total exactly between two singles may have been rounded to there.
    const low = joined(({ total }) => total);
    const between = e.i32x4.eq(e.v128.and(low, lanes.splat(e, 2, 0x1fffffffn)), lanes.splat(e, 2, 0x10000000n));
    return {
      value,
      rare: e.v128.or(between, unusual(e, value, true)),
      inexact: true,
      confirmed: () => {
        const rounded = joined(({ addend, product, total }) =>
          e.f64x2.ne(sumError(e, addend, product, total), lanes.zero(e)),
        );
        const notZero = joined(({ total }) => e.f64x2.ne(total, lanes.zero(e)));
        const underflow = e.v128.and(e.f32x4.eq(value, lanes.zero(e)), notZero);
        return e.v128.or(e.v128.or(e.v128.and(between, rounded), underflow), unusual(e, value, false));
      },
    };
  };
const absoluteDifference: Meaning = (e, [a, b]) => {
  const plain = e.f32x4.sub(a!, b!);
  const inexact = (): V128 => sumInexact(e, a!, e.f32x4.neg(b!), plain);
  return { value: e.f32x4.abs(plain), rare: unusual(e, plain, false), inexact };
};
/** Wasm's minimum and maximum order zeros as ARM does; NaNs are the helper's. */
const extremum =
  (name: "min" | "max"): Meaning =>
  (e, [a, b]) => {
    const value = e.f32x4[name](a!, b!);
    return { value, rare: e.f32x4.ne(value, value), inexact: false };
  };
const comparison =
  (name: "eq" | "ge" | "gt", absolute: boolean): Meaning =>
  (e, operands) => {
    const [a, b] = (absolute ? operands.map((x) => e.f32x4.abs(x)) : operands) as [V128, V128];
    const nan = e.v128.or(e.f32x4.ne(a, a), e.f32x4.ne(b, b));
    return { value: e.f32x4[name](a, b), rare: nan, inexact: false };
  };
/** Only the helper. */
const slow: Meaning = (e, [a]) => ({ value: a!, rare: lanes.ones(e), inexact: false });

// ── three registers of the same length ────────────────────────────────────────────────────────────────────────────

interface Options {
  readonly accumulates?: boolean;
  readonly pairwise?: boolean;
  readonly needs?: Feature;
}
const same = (
  mnemonic: string,
  u: 0 | 1,
  size: "00" | "10",
  opcode: string,
  operation: Operation,
  meaning: Meaning,
  options: Options = {},
): ArmRow => {
  const { accumulates = false, pairwise = false, needs = "neon" } = options;
  const when = pairwise ? (fields: Fields) => fields["q"] === 0 : evenIfQuad("d", "n", "m");
  return row(
    `${mnemonic}.f32`,
    `1111 001${u} 0D${size} nnnn dddd ${opcode.slice(0, 4)} NqM${opcode[4]} mmmm` as string,
    "Vd, Vn, Vm",
    (e, fields, context) => {
      const quad = fields["q"] === 1;
      const d = registerOf(fields, "d");
      let operands = [vector(e, quad, registerOf(fields, "n")), vector(e, quad, registerOf(fields, "m"))];
      if (accumulates) operands.unshift(vector(e, quad, d));
      if (pairwise) operands = [...pairs(e, 2, operands[0]!, operands[1]!)];
      setVector(e, quad, d, operate(e, context, operation, operands, operands, meaning(e, operands)));
    },
    { needs, when },
  );
};
const { s: ADD } = operations.ADD;
const { s: SUB } = operations.SUB;
const { s: MUL } = operations.MUL;
const { s: MLA } = operations.MLA;
const { s: MLS } = operations.MLS;
const { s: MAX } = operations.MAX;
const { s: MIN } = operations.MIN;

const SAME_LENGTH: readonly ArmRow[] = [
  same("vfma", 0, "00", "11001", operations.FMA.s, fused(false), { accumulates: true, needs: "vfp4" }),
  same("vfms", 0, "10", "11001", operations.FMS.s, fused(true), { accumulates: true, needs: "vfp4" }),
  same("vadd", 0, "00", "11010", ADD, sum),
  same("vsub", 0, "10", "11010", SUB, difference),
  same("vpadd", 1, "00", "11010", ADD, sum, { pairwise: true }),
  same("vabd", 1, "10", "11010", operations.ABD.s, absoluteDifference),
  same("vmla", 0, "00", "11011", MLA, accumulate("add"), { accumulates: true }),
  same("vmls", 0, "10", "11011", MLS, accumulate("sub"), { accumulates: true }),
  same("vmul", 1, "00", "11011", MUL, product),
  same("vceq", 0, "00", "11100", operations.CEQ, comparison("eq", false)),
  same("vcge", 1, "00", "11100", operations.CGE, comparison("ge", false)),
  same("vcgt", 1, "10", "11100", operations.CGT, comparison("gt", false)),
  same("vacge", 1, "00", "11101", operations.ACGE, comparison("ge", true)),
  same("vacgt", 1, "10", "11101", operations.ACGT, comparison("gt", true)),
  same("vmax", 0, "00", "11110", MAX, extremum("max")),
  same("vmin", 0, "10", "11110", MIN, extremum("min")),
  same("vpmax", 1, "00", "11110", MAX, extremum("max"), { pairwise: true }),
  same("vpmin", 1, "10", "11110", MIN, extremum("min"), { pairwise: true }),
  same("vrecps", 0, "00", "11111", operations.RECPS, slow),
  same("vrsqrts", 0, "10", "11111", operations.RSQRTS, slow),
  same("vmaxnm", 1, "00", "11111", operations.MAXNM.s, extremum("max"), { needs: "v8" }),
  same("vminnm", 1, "10", "11111", operations.MINNM.s, extremum("min"), { needs: "v8" }),
];

// ── by scalar ─────────────────────────────────────────────────────────────────────────────────────────────────────

const byScalar = (
  mnemonic: string,
  opcode: string,
  operation: Operation,
  meaning: Meaning,
  accumulates: boolean,
): ArmRow =>
  row(
    `${mnemonic}.f32`,
    `1111 001q 1D10 nnnn dddd ${opcode} N1M0 mmmm` as string,
    "Vd, Vn, wordScalar",
    (e, fields, context) => {
      const quad = fields["q"] === 1;
      const d = registerOf(fields, "d");
      const { register, index } = scalarOf({ ...fields, z: 2 });
      const operands = [vector(e, quad, registerOf(fields, "n")), splatScalar(e, 2, register, index)];
      if (accumulates) operands.unshift(vector(e, quad, d));
      setVector(e, quad, d, operate(e, context, operation, operands, operands, meaning(e, operands)));
    },
    { needs: "neon", when: evenIfQuad("d", "n") },
  );
const BY_SCALAR: readonly ArmRow[] = [
  byScalar("vmla", "0001", MLA, accumulate("add"), true),
  byScalar("vmls", "0101", MLS, accumulate("sub"), true),
  byScalar("vmul", "1001", MUL, product, false),
];

// ── two registers ─────────────────────────────────────────────────────────────────────────────────────────────────

type Unary = (e: Emitter, m: V128, context: LiftContext) => V128;
/** `opcode`: bits 17 and 16, then bits 11 to 7. */
const misc = (mnemonic: string, opcode: string, meaning: Unary, needs: Feature = "neon", operands = "Vd, Vm"): ArmRow =>
  row(
    mnemonic,
    `1111 0011 1D11 10${opcode.slice(0, 2)} dddd ${opcode.slice(2)}qM0 mmmm` as string,
    operands,
    (e, fields, context) => {
      const quad = fields["q"] === 1;
      setVector(e, quad, registerOf(fields, "d"), meaning(e, vector(e, quad, registerOf(fields, "m")), context));
    },
    { needs, when: evenIfQuad("d", "m") },
  );

const withZero =
  (operation: Operation, meaning: Meaning, zeroFirst: boolean): Unary =>
  (e, m, context) => {
    const operands = zeroFirst ? [lanes.zero(e), m] : [m, lanes.zero(e)];
    return operate(e, context, operation, operands, [m], meaning(e, operands));
  };
const estimate =
  (operation: Operation): Unary =>
  (e, m) =>
    e.call(operation.vectorHelper, m) as V128;

const unsignedEstimate = (name: string, of: (n: number) => number): Unary => {
  const helper: Helper<"v128"> = {
    name,
    result: "v128",
    run: (state) => {
      for (let n = 0; n < 16; n += 4)
        state.setUint32(HELPER_RESULT + n, of(state.getUint32(HELPER_ARGUMENTS + n, true)), true);
    },
  };
  return (e, m) => e.call(helper, m);
};

/** Conversions: the constant is how many fraction bits the integers have. */
const toFixed =
  (type: "s32" | "u32", rounding: Rounding, fraction: number): Unary =>
  (e, m, context) => {
    const operation = operations.toFixed("s", type, rounding);
    const operands = [m, lanes.splat(e, 2, BigInt(fraction))];
    if (rounding === "nearestAway" || fraction !== 0) return e.call(operation.vectorHelper, ...operands) as V128;
    const rounded = e.f32x4[HOST_ROUNDING[rounding]](m);
    const value = type === "s32" ? e.i32x4.truncSatF32x4S(rounded) : e.i32x4.truncSatF32x4U(rounded);
    const inRange =
      type === "s32"
        ? e.f32x4.lt(e.f32x4.abs(rounded), lanes.splat(e, 2, 0x4f000000n))
        : e.v128.and(e.f32x4.ge(rounded, lanes.zero(e)), e.f32x4.lt(rounded, lanes.splat(e, 2, 0x4f800000n)));
    return operate(e, context, operation, operands, [m], {
      value,
      rare: e.v128.not(inRange),
      inexact: () => e.f32x4.ne(rounded, m),
    });
  };
const HOST_ROUNDING = { nearestEven: "nearest", towardZero: "trunc", up: "ceil", down: "floor" } as const;
const fromFixed =
  (type: "s32" | "u32", fraction: number): Unary =>
  (e, m, context) => {
    const operation = operations.fromFixed("s", type, "nearestEven");
    const converted = type === "s32" ? e.f32x4.convertI32x4S(m) : e.f32x4.convertI32x4U(m);
    // Scaling by a power of two is exact, and never makes a subnormal.
    const scale = BigInt(127 - fraction) << 23n;
    const value = fraction === 0 ? converted : e.f32x4.mul(converted, lanes.splat(e, 2, scale));
    return operate(e, context, operation, [m, lanes.splat(e, 2, BigInt(fraction))], [], { value, inexact: true });
  };
const integral =
  (name: keyof typeof operations.RINT, host: "nearest" | "ceil" | "floor" | "trunc" | undefined): Unary =>
  (e, m, context) => {
    const operation = operations.RINT[name].s;
    if (host === undefined) return e.call(operation.vectorHelper, m) as V128;
    const value = e.f32x4[host](m);
    return operate(e, context, operation, [m], [m], {
      value,
      rare: e.f32x4.ne(m, m),
      inexact: name === "x" && (() => e.f32x4.ne(value, m)),
    });
  };

const TWO_REGISTERS: readonly ArmRow[] = [
  misc("vcgt.f32", "0101000", withZero(operations.CGT, comparison("gt", false), false), "neon", "Vd, Vm, #0"),
  misc("vcge.f32", "0101001", withZero(operations.CGE, comparison("ge", false), false), "neon", "Vd, Vm, #0"),
  misc("vceq.f32", "0101010", withZero(operations.CEQ, comparison("eq", false), false), "neon", "Vd, Vm, #0"),
  misc("vcle.f32", "0101011", withZero(operations.CGE, comparison("ge", false), true), "neon", "Vd, Vm, #0"),
  misc("vclt.f32", "0101100", withZero(operations.CGT, comparison("gt", false), true), "neon", "Vd, Vm, #0"),
  misc("vabs.f32", "0101110", (e, m) => e.f32x4.abs(m)),
  misc("vneg.f32", "0101111", (e, m) => e.f32x4.neg(m)),
  misc("vrecpe.u32", "1101000", unsignedEstimate("vrecpe.u32", unsignedReciprocalEstimate)),
  misc("vrsqrte.u32", "1101001", unsignedEstimate("vrsqrte.u32", unsignedReciprocalRootEstimate)),
  misc("vrecpe.f32", "1101010", estimate(operations.RECPE)),
  misc("vrsqrte.f32", "1101011", estimate(operations.RSQRTE)),
  misc("vcvt.f32.s32", "1101100", fromFixed("s32", 0)),
  misc("vcvt.f32.u32", "1101101", fromFixed("u32", 0)),
  misc("vcvt.s32.f32", "1101110", toFixed("s32", "towardZero", 0)),
  misc("vcvt.u32.f32", "1101111", toFixed("u32", "towardZero", 0)),
  ...(
    [
      ["a", "00", "nearestAway"],
      ["n", "01", "nearestEven"],
      ["p", "10", "up"],
      ["m", "11", "down"],
    ] as const
  ).flatMap(([name, rm, rounding]) => [
    misc(`vcvt${name}.s32.f32`, `1100${rm}0`, toFixed("s32", rounding, 0), "v8"),
    misc(`vcvt${name}.u32.f32`, `1100${rm}1`, toFixed("u32", rounding, 0), "v8"),
  ]),
  misc("vrintn.f32", "1001000", integral("n", "nearest"), "v8"),
  misc("vrintx.f32", "1001001", integral("x", "nearest"), "v8"),
  misc("vrinta.f32", "1001010", integral("a", undefined), "v8"),
  misc("vrintz.f32", "1001011", integral("z", "trunc"), "v8"),
  misc("vrintm.f32", "1001101", integral("m", "floor"), "v8"),
  misc("vrintp.f32", "1001111", integral("p", "ceil"), "v8"),
];

// ── fixed point ───────────────────────────────────────────────────────────────────────────────────────────────────

const fixed = (mnemonic: string, u: 0 | 1, opcode: string, meaning: (fraction: number) => Unary): ArmRow =>
  row(
    mnemonic,
    `1111 001${u} 1D1i iiii dddd ${opcode} 0qM1 mmmm` as string,
    "Vd, Vm, right32",
    (e, fields, context) => {
      const quad = fields["q"] === 1;
      setVector(
        e,
        quad,
        registerOf(fields, "d"),
        meaning(32 - fields["i"]!)(e, vector(e, quad, registerOf(fields, "m")), context),
      );
    },
    { needs: "neon", when: evenIfQuad("d", "m") },
  );
const FIXED: readonly ArmRow[] = [
  fixed("vcvt.f32.s32", 0, "1110", (fraction) => fromFixed("s32", fraction)),
  fixed("vcvt.f32.u32", 1, "1110", (fraction) => fromFixed("u32", fraction)),
  fixed("vcvt.s32.f32", 0, "1111", (fraction) => toFixed("s32", "towardZero", fraction)),
  fixed("vcvt.u32.f32", 1, "1111", (fraction) => toFixed("u32", "towardZero", fraction)),
];

// ── half precision: AHP comes from FPSCR, all else is standard ────────────────────────────────────────────────────

const halfHelper = (operation: Operation, from: 2 | 4, to: 2 | 4): Helper<"v128"> =>
  operations.halfVector(operation, from, to, STANDARD_FPSCR, FPSCR_AHP);
const FROM_HALF = halfHelper(operations.FROM_HALF.s, 2, 4);
const TO_HALF = halfHelper(operations.TO_HALF.s, 4, 2);
const HALF: readonly ArmRow[] = [
  row(
    "vcvt.f16.f32",
    "1111 0011 1D11 0110 dddd 0110 00M0 mmmm",
    "Dd, Qm",
    (e, fields) => {
      setVector(e, false, registerOf(fields, "d"), e.call(TO_HALF, vector(e, true, registerOf(fields, "m"))));
    },
    { needs: "fp16", when: even("m") },
  ),
  row(
    "vcvt.f32.f16",
    "1111 0011 1D11 0110 dddd 0111 00M0 mmmm",
    "Qd, Dm",
    (e, fields) => {
      setVector(e, true, registerOf(fields, "d"), e.call(FROM_HALF, vector(e, false, registerOf(fields, "m"))));
    },
    { needs: "fp16", when: even("d") },
  ),
];

export const SIMD_FLOAT_ROWS: readonly ArmRow[] = [...SAME_LENGTH, ...BY_SCALAR, ...TWO_REGISTERS, ...FIXED, ...HALF];
