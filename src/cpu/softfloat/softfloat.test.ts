import { describe, expect, test } from "vitest";
import type { FloatContext, FloatFormat, Quick, Rounding } from "./index.ts";
import {
  DIVIDE_BY_ZERO,
  F16,
  F32,
  F64,
  INEXACT,
  INPUT_FLUSHED,
  INT32,
  INT64,
  INVALID,
  OVERFLOW,
  RESULT_FLUSHED,
  UINT32,
  UINT64,
  UNDERFLOW,
  add,
  alwaysDefaultNan,
  compare,
  convertFormat,
  divide,
  fromInteger,
  isNan,
  keepFirstNan,
  multiply,
  multiplyAdd,
  quickAdd,
  quickDivide,
  quickMultiply,
  quickSquareRoot,
  quickToInteger,
  roundToIntegral,
  squareRoot,
  subtract,
  toInteger,
} from "./index.ts";

const NANS = keepFirstNan((format) => format.infinity | format.quietBit);
const context = (rounding: Rounding = "nearestEven", rest: Partial<FloatContext> = {}): FloatContext => ({
  rounding,
  nans: NANS,
  tininessBeforeRounding: false,
  flushInputs: false,
  flushResults: false,
  flags: 0,
  ...rest,
});

const buffer = new DataView(new ArrayBuffer(8));
const toHost = (format: FloatFormat, bits: bigint): number => {
  buffer.setBigUint64(0, bits);
  return format.width === 64 ? buffer.getFloat64(0) : buffer.getFloat32(4);
};
const fromHost = (format: FloatFormat, value: number): bigint => {
  if (format.width === 64) {
    buffer.setFloat64(0, value);
    return buffer.getBigUint64(0);
  }
  buffer.setFloat32(0, value);
  return BigInt(buffer.getUint32(0));
};

/** xorshift32: the same operands in every run. */
const randomBits = (seed: number): (() => bigint) => {
  let x = seed;
  const next = (): number => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
  return () => (BigInt(next()) << 32n) | BigInt(next());
};

const specials = (format: FloatFormat): bigint[] => {
  const one = BigInt(format.bias) << BigInt(format.fractionBits);
  const positive = [
    0n,
    1n,
    format.fractionMask,
    format.fractionMask + 1n,
    one - 1n,
    one,
    one + 1n,
    format.largest,
    format.infinity,
    format.infinity | format.quietBit,
    format.infinity | 1n,
  ];
  return positive.flatMap((x) => [x, x | format.signBit]);
};

/** Specials with each other, random bits, and random numbers of like size, where cancellation and ties happen. */
const operands = (format: FloatFormat, count: number): [bigint, bigint][] => {
  const special = specials(format);
  const pairs = special.flatMap((a) => special.map((b): [bigint, bigint] => [a, b]));
  const random = randomBits(12345);
  const mask = (format.signBit << 1n) - 1n;
  for (let i = 0; i < count; i++) {
    const a = random() & mask;
    const near =
      (a & ~(format.fractionMask >> 3n)) | (random() & format.fractionMask & (random() | (format.fractionMask << 20n)));
    pairs.push([a, random() & mask], [a, (near & mask) ^ (random() & format.signBit)]);
  }
  return pairs;
};

const FORMATS = [F32, F64];
const same = (format: FloatFormat, bits: bigint, host: number): boolean =>
  isNan(format, bits) ? Number.isNaN(format === F32 ? Math.fround(host) : host) : bits === fromHost(format, host);

describe.each(FORMATS)("$name as the host does it, rounding to nearest", (format) => {
  const binary = { add, subtract, multiply, divide };
  const host: Record<keyof typeof binary, (a: number, b: number) => number> = {
    add: (a, b) => a + b,
    subtract: (a, b) => a - b,
    multiply: (a, b) => a * b,
    divide: (a, b) => a / b,
  };
  test.each(Object.keys(binary) as (keyof typeof binary)[])("%s", (name) => {
    for (const [a, b] of operands(format, 5000)) {
      const result = binary[name](format, a, b, context());
      const expected = host[name](toHost(format, a), toHost(format, b));
      if (!same(format, result, expected))
        expect.fail(`${name} ${a.toString(16)} ${b.toString(16)}: ${result.toString(16)}, host ${expected}`);
    }
  });
  test("square root", () => {
    for (const [a] of operands(format, 3000)) {
      const result = squareRoot(format, a, context());
      if (!same(format, result, Math.sqrt(toHost(format, a)))) expect.fail(`${a.toString(16)}: ${result.toString(16)}`);
    }
  });
  test("compare", () => {
    for (const [a, b] of operands(format, 2000)) {
      const [x, y] = [toHost(format, a), toHost(format, b)];
      expect(compare(format, a, b, false, context())).toBe(
        x < y ? "less" : x > y ? "greater" : x === y ? "equal" : "unordered",
      );
    }
  });
  test("conversion to the other format", () => {
    const other = format === F32 ? F64 : F32;
    for (const [a] of operands(format, 5000)) {
      const result = convertFormat(format, other, a, context());
      if (!same(other, result, toHost(format, a))) expect.fail(`${a.toString(16)}: ${result.toString(16)}`);
    }
  });
  test("conversion to and from integers", () => {
    const random = randomBits(99);
    for (let i = 0; i < 3000; i++) {
      const n = BigInt.asIntN(64, random()) >> (random() & 63n);
      const host64 = Number(n); // rounds once, to double
      if (format === F64) expect(fromInteger(F64, n, context())).toBe(fromHost(F64, host64));
      const a = fromHost(format, (host64 / 1024) as number);
      const value = toHost(format, a);
      const back = toInteger(format, a, INT64, "towardZero", context());
      if (Math.abs(value) < 2 ** 63) expect(back).toBe(BigInt(Math.trunc(value)));
    }
  });
  test("round to integral", () => {
    for (const [a] of operands(format, 2000)) {
      const x = toHost(format, a);
      for (const [rounding, expected] of [
        ["towardZero", Math.trunc(x)],
        ["up", Math.ceil(x)],
        ["down", Math.floor(x)],
      ] as const) {
        const result = roundToIntegral(format, a, rounding, true, context());
        if (!same(format, result, expected)) expect.fail(`${rounding} ${a.toString(16)}: ${result.toString(16)}`);
      }
    }
  });
  test("directed roundings enclose the nearest result, one unit apart", () => {
    for (const [a, b] of operands(format, 1000)) {
      for (const operation of Object.values(binary)) {
        const near = context();
        const nearest = operation(format, a, b, near);
        if (isNan(format, nearest)) continue;
        const [down, up, zero] = (["down", "up", "towardZero"] as const).map((rounding) =>
          operation(format, a, b, context(rounding)),
        );
        const [low, high] = [toHost(format, down!), toHost(format, up!)];
        if ((near.flags & INEXACT) === 0) {
          expect([low, high]).toEqual(
            [toHost(format, nearest), toHost(format, nearest)].map((x) => (x === 0 ? expect.closeTo(0) : x)),
          );
          continue;
        }
        expect([down, up]).toContain(nearest);
        expect(zero).toBe(high <= 0 ? up : down);
        const ordinal = (bits: bigint): bigint => ((bits & format.signBit) !== 0n ? -(bits & ~format.signBit) : bits);
        expect(ordinal(up!) - ordinal(down!)).toBe(1n);
      }
    }
  });
});

describe.each(FORMATS)("$name by the host's arithmetic, in every rounding mode", (format) => {
  const close = (a: bigint): bigint =>
    (a & ~format.infinity) | ((BigInt(format.bias) + (a % 40n) - 20n) << BigInt(format.fractionBits));
  const both = [
    [quickAdd, add],
    [quickMultiply, multiply],
    [quickDivide, divide],
    [
      (q: Quick, f: FloatFormat, a: number) => quickSquareRoot(q, f, a),
      (f: FloatFormat, a: bigint, _b: bigint, c: FloatContext) => squareRoot(f, a, c),
    ],
  ] as const;
  test.each(["nearestEven", "towardZero", "up", "down"] as const)(
    "%s is what the arithmetic on bits gives",
    (rounding) => {
      let applied = 0;
      for (const [x, y] of operands(format, 1500))
        for (const [a, b] of [[x, y] as const, [close(x), close(y)] as const])
          for (const [quickly, exactly] of both) {
            const quick: Quick = { rounding, inexact: false };
            const value = quickly(quick, format, toHost(format, a), toHost(format, b));
            if (Number.isNaN(value)) continue;
            applied++;
            const c = context(rounding);
            const bits = exactly(format, a, b, c);
            if (fromHost(format, value) !== bits || c.flags !== (quick.inexact ? INEXACT : 0))
              expect.fail(`${a.toString(16)} ${b.toString(16)}: ${value}`);
          }
      expect(applied).toBeGreaterThan(10000);
    },
  );
  test.each(["nearestEven", "towardZero", "up", "down"] as const)("to integer, %s", (rounding) => {
    for (const [a] of operands(format, 500)) {
      const near = close(a);
      const quick: Quick = { rounding, inexact: false };
      const c = context(rounding);
      const value = quickToInteger(quick, toHost(format, near), rounding, 2 ** 31);
      expect([BigInt(value), quick.inexact]).toEqual([
        toInteger(format, near, INT32, rounding, c),
        c.flags === INEXACT,
      ]);
    }
  });
});

describe("fused multiply-add", () => {
  test("of singles is what doubles give where the double sum is exact", () => {
    const random = randomBits(7);
    for (let i = 0; i < 3000; i++) {
      const [a, b, c] = [0, 0, 0].map(() =>
        fromHost(F32, Number(BigInt.asIntN(24, random())) * 2 ** Number(random() & 7n)),
      );
      const exact = toHost(F32, a!) * toHost(F32, b!) + toHost(F32, c!); // below 2^53 × 2^-0: integers up to 2^62 may round
      if (Math.abs(exact) >= 2 ** 53) continue;
      expect(multiplyAdd(F32, a!, b!, c!, context())).toBe(fromHost(F32, exact));
    }
  });
  test("rounds once", () => {
    const a = 0x3f800001n; // 1 + 2^-23: its square is 1 + 2^-22 + 2^-46
    const c = fromHost(F32, -(1 + 2 ** -22));
    expect(toHost(F32, multiplyAdd(F32, a, a, c, context()))).toBe(2 ** -46);
  });
  test("infinity times zero is invalid, beside a quiet NaN, too", () => {
    const quiet = context();
    expect(multiplyAdd(F32, F32.infinity, 0n, 0x7fc12345n, quiet)).toBe(0x7fc00000n);
    expect(quiet.flags).toBe(INVALID);
  });
});

describe("flags", () => {
  const flagsOf = (run: (c: FloatContext) => bigint, rest: Partial<FloatContext> = {}): [bigint, number] => {
    const c = context("nearestEven", rest);
    return [run(c), c.flags];
  };
  test("of overflow, division by zero and invalid operations", () => {
    expect(flagsOf((c) => add(F32, F32.largest, F32.largest, c))).toEqual([F32.infinity, OVERFLOW | INEXACT]);
    expect(flagsOf((c) => divide(F32, 0x3f800000n, F32.signBit, c))).toEqual([
      F32.infinity | F32.signBit,
      DIVIDE_BY_ZERO,
    ]);
    expect(flagsOf((c) => divide(F32, 0n, 0n, c))).toEqual([0x7fc00000n, INVALID]);
    expect(flagsOf((c) => subtract(F64, F64.infinity, F64.infinity, c))).toEqual([0x7ff8000000000000n, INVALID]);
    expect(flagsOf((c) => multiply(F32, F32.infinity, 0n, c))).toEqual([0x7fc00000n, INVALID]);
    expect(flagsOf((c) => squareRoot(F32, 0xbf800000n, c))).toEqual([0x7fc00000n, INVALID]);
    expect(flagsOf((c) => squareRoot(F32, F32.signBit, c))).toEqual([F32.signBit, 0]);
  });
  test("an exact subnormal result raises nothing, an inexact one underflow", () => {
    expect(flagsOf((c) => multiply(F32, 0x00800000n, 0x3f000000n, c))).toEqual([0x00400000n, 0]);
    expect(flagsOf((c) => multiply(F32, 0x00800001n, 0x3f000000n, c))).toEqual([0x00400000n, UNDERFLOW | INEXACT]);
  });
  test("tininess before and after rounding differ just below the smallest normal number", () => {
    // (2 - 2^-23) × 2^-127 × (1 + 2^-24) lies less than a quarter unit below 2^-126.
    const run = (c: FloatContext): bigint => multiply(F64, 0x000fffffffffffffn, 0x3ff0000000000001n, c);
    expect(flagsOf(run)).toEqual([0x0010000000000000n, INEXACT]);
    expect(flagsOf(run, { tininessBeforeRounding: true })).toEqual([0x0010000000000000n, INEXACT | UNDERFLOW]);
  });
  test("flushing takes subnormal operands and results as zero of the same sign", () => {
    expect(flagsOf((c) => add(F32, 0x80000001n, 0x80000001n, c), { flushInputs: true })).toEqual([
      F32.signBit,
      INPUT_FLUSHED,
    ]);
    expect(flagsOf((c) => multiply(F32, 0x80800000n, 0x3f000000n, c), { flushResults: true })).toEqual([
      F32.signBit,
      RESULT_FLUSHED,
    ]);
  });
  test("quiet comparisons are invalid for signalling NaNs only", () => {
    const compared = (nan: bigint, signalling: boolean): number =>
      flagsOf((c) => BigInt(compare(F32, nan, 0n, signalling, c).length))[1];
    expect([compared(0x7fc00000n, false), compared(0x7fc00000n, true), compared(0x7f800001n, false)]).toEqual([
      0,
      INVALID,
      INVALID,
    ]);
  });
});

describe("NaNs", () => {
  test("keepFirstNan: signalling before quiet, then the first; made quiet", () => {
    expect(add(F32, 0x7fc00001n, 0x7fc00002n, context())).toBe(0x7fc00001n);
    expect(add(F32, 0x7fc00001n, 0xff800002n, context())).toBe(0xffc00002n);
    expect(convertFormat(F64, F32, 0xfff4000020000000n, context())).toBe(0xffe00001n);
  });
  test("alwaysDefaultNan, with the quiet bit inverted", () => {
    const legacy = alwaysDefaultNan(true, (format) => format.infinity | (format.fractionMask ^ format.quietBit));
    const c = context("nearestEven", { nans: legacy });
    expect(add(F32, 0x7f800001n, 0n, c)).toBe(0x7fbfffffn);
    expect(c.flags).toBe(0);
    expect(convertFormat(F32, F64, 0x7fc00000n, c)).toBe(0x7ff7ffffffffffffn);
    expect(c.flags).toBe(INVALID);
  });
});

describe("integers", () => {
  test.each([
    ["nearestEven", 2n, 4n, -2n],
    ["nearestAway", 3n, 4n, -3n],
    ["towardZero", 2n, 3n, -2n],
    ["up", 3n, 4n, -2n],
    ["down", 2n, 3n, -3n],
  ] as const)("%s rounds 2.5, 3.5 and -2.5", (rounding, a, b, c) => {
    const rounded = [2.5, 3.5, -2.5].map((x) => toInteger(F64, fromHost(F64, x), INT32, rounding, context()));
    expect(rounded).toEqual([a, b, c]);
  });
  test("out of range is invalid and not inexact", () => {
    const c = context();
    expect(toInteger(F64, fromHost(F64, 2 ** 31 + 0.5), INT32, "towardZero", c)).toBe(2n ** 31n - 1n);
    expect(toInteger(F64, fromHost(F64, -1), UINT64, "towardZero", c)).toBe(0n);
    expect(c.flags).toBe(INVALID);
    expect(toInteger(F64, fromHost(F64, 2 ** 32 - 1), UINT32, "towardZero", c)).toBe(2n ** 32n - 1n);
  });
  test("fixed point", () => {
    expect(toInteger(F32, fromHost(F32, 1.5), INT32, "towardZero", context(), 8)).toBe(384n);
    expect(fromInteger(F32, 384n, context(), 8)).toBe(fromHost(F32, 1.5));
  });
});

describe("half precision", () => {
  test("every f16 number survives the way to f32 and back", () => {
    for (let h = 0n; h < 0x10000n; h++)
      if (!isNan(F16, h)) expect(convertFormat(F32, F16, convertFormat(F16, F32, h, context()), context())).toBe(h);
  });
  test("known values", () => {
    expect(convertFormat(F16, F32, 0x3c00n, context())).toBe(0x3f800000n);
    expect(convertFormat(F16, F32, 1n, context())).toBe(fromHost(F32, 2 ** -24));
    expect(convertFormat(F32, F16, fromHost(F32, 65520), context())).toBe(F16.infinity);
    expect(convertFormat(F32, F16, fromHost(F32, 65519), context())).toBe(F16.largest);
  });
});
