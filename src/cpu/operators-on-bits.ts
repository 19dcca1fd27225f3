/**
 * The pure operators as functions on raw bits: every row of `OPERATORS` becomes a WebAssembly function of its own, so that
 * who computes at once (the interpreter, a test) gets what translated code gives, NaN payloads and traps included.
 *
 * Bits are numbers for i32 and f32 (signed), bigints for i64 and f64 (signed) and v128 (unsigned, lane 0 lowest).
 */
import type { AnyOperator, Type } from "./operators.ts";
import { OPERATORS } from "./operators.ts";

export type Bits = number | bigint;
export type OperatorOnBits = (operands: readonly Bits[], immediates: readonly number[]) => Bits;

const I32 = 0x7f;
const I64 = 0x7e;

/** What crosses the border to JavaScript for each type: only integers, since a float would lose its NaN's bits. */
const BORDER: Readonly<Record<Type, readonly number[]>> = {
  i32: [I32],
  f32: [I32],
  i64: [I64],
  f64: [I64],
  v128: [I64, I64],
};

function leb128(n: number): number[] {
  const bytes: number[] = [];
  let rest = n >>> 0;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return [...bytes, rest];
}

const vector = (items: readonly (readonly number[])[]): number[] => [...leb128(items.length), ...items.flat()];
const sized = (bytes: readonly number[]): number[] => [...leb128(bytes.length), ...bytes];
const section = (id: number, items: readonly (readonly number[])[]): number[] => [id, ...sized(vector(items))];

function operatorCode(opcode: number): number[] {
  return opcode <= 0xff ? [opcode] : [opcode >>> 8, ...leb128(opcode & 0xff)];
}

/** Code that pushes a parameter, which begins at local `index`. */
function pushParameter(type: Type, index: number): number[] {
  const get = [0x20, index];
  switch (type) {
    case "f32":
      return [...get, 0xbe];
    case "f64":
      return [...get, 0xbf];
    case "v128": // i64x2.splat(low), i64x2.replace_lane 1 (high)
      return [...get, 0xfd, 0x12, 0x20, index + 1, 0xfd, 0x1e, 1];
    default:
      return get;
  }
}

/** Code that turns the result into border values; `spare` is a v128 local. */
function popResult(type: Type, spare: number): number[] {
  switch (type) {
    case "f32":
      return [0xbc];
    case "f64":
      return [0xbd];
    case "v128":
      return [0x21, spare, 0x20, spare, 0xfd, 0x1d, 0, 0x20, spare, 0xfd, 0x1d, 1];
    default:
      return [];
  }
}

interface Variant extends AnyOperator {
  readonly immediates: readonly number[];
}

function compile(rows: readonly (readonly [string, Variant])[]): Record<string, (...args: Bits[]) => unknown> {
  const types: number[][] = [];
  const bodies: number[][] = [];
  for (const [, { opcode, params, result, immediates }] of rows) {
    const locals = params.flatMap((type) => BORDER[type]);
    types.push([0x60, ...sized(locals), ...sized(BORDER[result])]);
    let index = 0;
    const code = [1, 1, 0x7b]; // one v128 local
    for (const type of params) {
      code.push(...pushParameter(type, index));
      index += BORDER[type].length;
    }
    bodies.push(sized([...code, ...operatorCode(opcode), ...immediates, ...popResult(result, locals.length), 0x0b]));
  }
  const module = new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, types),
    ...section(
      3,
      types.map((_, n) => leb128(n)),
    ),
    ...section(
      7,
      rows.map(([name], n) => [...sized([...new TextEncoder().encode(name)]), 0, ...leb128(n)]),
    ),
    ...section(10, bodies),
  ]);
  return new WebAssembly.Instance(new WebAssembly.Module(module)).exports as Record<
    string,
    (...args: Bits[]) => unknown
  >;
}

const ALL: readonly (readonly [string, AnyOperator])[] = Object.entries(OPERATORS).flatMap(([type, rows]) =>
  Object.entries(rows as Record<string, AnyOperator>).map(([name, row]): readonly [string, AnyOperator] => [
    `${type}.${name}`,
    row,
  ]),
);
const immediateCount = ({ lanes, shuffle }: AnyOperator): number => (lanes !== undefined ? 1 : shuffle ? 16 : 0);
/** By name, and for operators with immediates by name and immediates, as they are first used. */
let variants: Map<string, (...args: Bits[]) => unknown> | undefined;

function functionOf(name: string, row: AnyOperator, immediates: readonly number[]): (...args: Bits[]) => unknown {
  variants ??= new Map(
    Object.entries(
      compile(
        ALL.flatMap(([each, { ...its }]) => (immediateCount(its) === 0 ? [[each, { ...its, immediates: [] }]] : [])),
      ),
    ),
  );
  const key = [name, ...immediates].join(" ");
  let found = variants.get(key);
  if (found === undefined) {
    found = compile([[key, { ...row, immediates }]])[key]!;
    variants.set(key, found);
  }
  return found;
}

interface OnBits extends AnyOperator {
  readonly areImmediates: (numbers: readonly number[]) => boolean;
  readonly run: OperatorOnBits;
}

/** Operators on bits by name (`"i32.add"`), with their signatures. */
export const OPERATORS_ON_BITS: ReadonlyMap<string, OnBits> = new Map(
  ALL.map(([name, row]): [string, OnBits] => {
    const areImmediates = (numbers: readonly number[]): boolean =>
      numbers.length === immediateCount(row) &&
      numbers.every((n) => Number.isInteger(n) && n >= 0 && n < (row.lanes ?? 32));
    const run: OperatorOnBits = (operands, immediates) => {
      const args = operands.flatMap((bits, n) => (row.params[n] === "v128" ? halves(bits as bigint) : [bits]));
      const result = functionOf(name, row, immediates)(...args);
      if (row.result !== "v128") return result as Bits;
      const [low, high] = result as [bigint, bigint];
      return BigInt.asUintN(64, low) | (BigInt.asUintN(64, high) << 64n);
    };
    return [name, { ...row, areImmediates, run }];
  }),
);

function halves(bits: bigint): [bigint, bigint] {
  return [BigInt.asUintN(64, bits), bits >> 64n];
}
