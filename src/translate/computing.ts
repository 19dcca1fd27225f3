/**
 * The operators of an `Emitter` that computes at once. A value is its bits: a signed number for i32 and f32, a bigint for
 * i64, f64 (both signed) and v128 (unsigned). Integers are JavaScript's own arithmetic; what has rounding, NaNs or lanes
 * is asked of WebAssembly (cpu/operators-on-bits.ts), bit for bit what translated code computes, and slow.
 */
import type { Value } from "../cpu/emitter.ts";
import type { Operators } from "../cpu/operators.ts";
import { type Bits, OPERATORS_ON_BITS } from "../cpu/operators-on-bits.ts";

/** A value as `cpu/` holds it. */
export const asValue = <V extends Value>(bits: Bits): V => bits as unknown as V;
export const asNumber = (value: Value): number => value as unknown as number;
export const asBigint = (value: Value): bigint => value as unknown as bigint;

type OnNumbers = (a: number, b: number) => number;
type OnBigints = (a: bigint, b: bigint) => Bits;

const signed = (n: bigint): bigint => BigInt.asIntN(64, n);
const unsigned = (n: bigint): bigint => BigInt.asUintN(64, n);

function countBits(n: number): number {
  let count = 0;
  for (let rest = n; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** Division by zero is the meaning's to prevent, as in WebAssembly. */
const I32: Readonly<Record<string, OnNumbers>> = {
  eq: (a, b) => (a === b ? 1 : 0),
  ne: (a, b) => (a !== b ? 1 : 0),
  ltS: (a, b) => (a < b ? 1 : 0),
  ltU: (a, b) => (a >>> 0 < b >>> 0 ? 1 : 0),
  gtS: (a, b) => (a > b ? 1 : 0),
  gtU: (a, b) => (a >>> 0 > b >>> 0 ? 1 : 0),
  leS: (a, b) => (a <= b ? 1 : 0),
  leU: (a, b) => (a >>> 0 <= b >>> 0 ? 1 : 0),
  geS: (a, b) => (a >= b ? 1 : 0),
  geU: (a, b) => (a >>> 0 >= b >>> 0 ? 1 : 0),
  eqz: (a) => (a === 0 ? 1 : 0),
  clz: (a) => Math.clz32(a),
  ctz: (a) => (a === 0 ? 32 : 31 - Math.clz32(a & -a)),
  popcnt: countBits,
  add: (a, b) => (a + b) | 0,
  sub: (a, b) => (a - b) | 0,
  mul: (a, b) => Math.imul(a, b),
  divS: (a, b) => (a / b) | 0,
  divU: (a, b) => ((a >>> 0) / (b >>> 0)) | 0,
  remS: (a, b) => (a % b) | 0,
  remU: (a, b) => ((a >>> 0) % (b >>> 0)) | 0,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b) => a << b,
  shrS: (a, b) => a >> b,
  shrU: (a, b) => (a >>> b) | 0,
  rotl: (a, b) => (a << b) | (a >>> -b),
  rotr: (a, b) => (a >>> b) | (a << -b),
  reinterpretF32: (a) => a,
  extend8S: (a) => (a << 24) >> 24,
  extend16S: (a) => (a << 16) >> 16,
};

const I64: Readonly<Record<string, OnBigints>> = {
  eq: (a, b) => (a === b ? 1 : 0),
  ne: (a, b) => (a !== b ? 1 : 0),
  ltS: (a, b) => (a < b ? 1 : 0),
  ltU: (a, b) => (unsigned(a) < unsigned(b) ? 1 : 0),
  gtS: (a, b) => (a > b ? 1 : 0),
  gtU: (a, b) => (unsigned(a) > unsigned(b) ? 1 : 0),
  leS: (a, b) => (a <= b ? 1 : 0),
  leU: (a, b) => (unsigned(a) <= unsigned(b) ? 1 : 0),
  geS: (a, b) => (a >= b ? 1 : 0),
  geU: (a, b) => (unsigned(a) >= unsigned(b) ? 1 : 0),
  eqz: (a) => (a === 0n ? 1 : 0),
  add: (a, b) => signed(a + b),
  sub: (a, b) => signed(a - b),
  mul: (a, b) => signed(a * b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b) => signed(a << (b & 63n)),
  shrS: (a, b) => a >> (b & 63n),
  shrU: (a, b) => signed(unsigned(a) >> (b & 63n)),
  reinterpretF64: (a) => a,
};

/** Between types, where no rounding is needed. */
const CONVERSIONS: Readonly<Record<string, (a: never) => Bits>> = {
  "i32.wrapI64": (a: bigint) => Number(BigInt.asIntN(32, a)),
  "i64.extendI32S": (a: number) => BigInt(a),
  "i64.extendI32U": (a: number) => BigInt(a >>> 0),
  "f32.reinterpretI32": (a: number) => a,
  "f64.reinterpretI64": (a: bigint) => a,
};

/** All operators; `slow` is called before one that takes a microsecond. */
export function computingOperators(slow: () => void): Operators {
  const byType: Record<string, Record<string, unknown>> = {};
  const quick: Readonly<Record<string, Readonly<Record<string, unknown>>>> = { i32: I32, i64: I64 };
  for (const [name, { params, run }] of OPERATORS_ON_BITS) {
    const [type, method] = name.split(".") as [string, string];
    const onBits = (...args: unknown[]): Bits => {
      slow();
      return run(args.slice(0, params.length) as Bits[], args.slice(params.length).flat() as number[]);
    };
    (byType[type] ??= {})[method] = quick[type]?.[method] ?? CONVERSIONS[name] ?? onBits;
  }
  return byType as unknown as Operators;
}
