/**
 * The pure WebAssembly operators, as one table: name, opcode, operand types, result type (WebAssembly core 2.0, 5.4);
 * those on vectors are in simd-operators.ts.
 * An opcode of two bytes (prefix 0xfc or 0xfd) is written as `prefix << 8 | n`. Operators that trap in Wasm (integer
 * division, plain trunc) are the caller's to guard; the trapping float-to-integer conversions are left out.
 */
import { SIMD_OPERATORS } from "./simd-operators.ts";

export type Type = "i32" | "i64" | "f32" | "f64" | "v128";

export interface Operator<P extends readonly Type[], R extends Type> {
  readonly opcode: number;
  readonly params: P;
  readonly result: R;
}
/** With the number of a lane (below `lanes`) as an immediate. */
export interface LaneOperator<P extends readonly Type[], R extends Type> extends Operator<P, R> {
  readonly lanes: number;
}
/** With sixteen numbers of bytes (below 32) as immediates. */
export interface ShuffleOperator extends Operator<readonly ["v128", "v128"], "v128"> {
  readonly shuffle: true;
}
/** A row as the builders see it. */
export interface AnyOperator extends Operator<readonly Type[], Type> {
  readonly lanes?: number;
  readonly shuffle?: true;
}
const op = <const P extends readonly Type[], R extends Type>(opcode: number, params: P, result: R): Operator<P, R> => ({
  opcode,
  params,
  result,
});

export const OPERATORS = {
  i32: {
    eq: op(0x46, ["i32", "i32"], "i32"),
    ne: op(0x47, ["i32", "i32"], "i32"),
    ltS: op(0x48, ["i32", "i32"], "i32"),
    ltU: op(0x49, ["i32", "i32"], "i32"),
    gtS: op(0x4a, ["i32", "i32"], "i32"),
    gtU: op(0x4b, ["i32", "i32"], "i32"),
    leS: op(0x4c, ["i32", "i32"], "i32"),
    leU: op(0x4d, ["i32", "i32"], "i32"),
    geS: op(0x4e, ["i32", "i32"], "i32"),
    geU: op(0x4f, ["i32", "i32"], "i32"),
    eqz: op(0x45, ["i32"], "i32"),
    clz: op(0x67, ["i32"], "i32"),
    ctz: op(0x68, ["i32"], "i32"),
    popcnt: op(0x69, ["i32"], "i32"),
    add: op(0x6a, ["i32", "i32"], "i32"),
    sub: op(0x6b, ["i32", "i32"], "i32"),
    mul: op(0x6c, ["i32", "i32"], "i32"),
    divS: op(0x6d, ["i32", "i32"], "i32"),
    divU: op(0x6e, ["i32", "i32"], "i32"),
    remS: op(0x6f, ["i32", "i32"], "i32"),
    remU: op(0x70, ["i32", "i32"], "i32"),
    and: op(0x71, ["i32", "i32"], "i32"),
    or: op(0x72, ["i32", "i32"], "i32"),
    xor: op(0x73, ["i32", "i32"], "i32"),
    shl: op(0x74, ["i32", "i32"], "i32"),
    shrS: op(0x75, ["i32", "i32"], "i32"),
    shrU: op(0x76, ["i32", "i32"], "i32"),
    rotl: op(0x77, ["i32", "i32"], "i32"),
    rotr: op(0x78, ["i32", "i32"], "i32"),
    wrapI64: op(0xa7, ["i64"], "i32"),
    reinterpretF32: op(0xbc, ["f32"], "i32"),
    extend8S: op(0xc0, ["i32"], "i32"),
    extend16S: op(0xc1, ["i32"], "i32"),
    truncSatF32S: op(0xfc00, ["f32"], "i32"),
    truncSatF32U: op(0xfc01, ["f32"], "i32"),
    truncSatF64S: op(0xfc02, ["f64"], "i32"),
    truncSatF64U: op(0xfc03, ["f64"], "i32"),
  },
  i64: {
    eq: op(0x51, ["i64", "i64"], "i32"),
    ne: op(0x52, ["i64", "i64"], "i32"),
    ltS: op(0x53, ["i64", "i64"], "i32"),
    ltU: op(0x54, ["i64", "i64"], "i32"),
    gtS: op(0x55, ["i64", "i64"], "i32"),
    gtU: op(0x56, ["i64", "i64"], "i32"),
    leS: op(0x57, ["i64", "i64"], "i32"),
    leU: op(0x58, ["i64", "i64"], "i32"),
    geS: op(0x59, ["i64", "i64"], "i32"),
    geU: op(0x5a, ["i64", "i64"], "i32"),
    eqz: op(0x50, ["i64"], "i32"),
    clz: op(0x79, ["i64"], "i64"),
    ctz: op(0x7a, ["i64"], "i64"),
    popcnt: op(0x7b, ["i64"], "i64"),
    add: op(0x7c, ["i64", "i64"], "i64"),
    sub: op(0x7d, ["i64", "i64"], "i64"),
    mul: op(0x7e, ["i64", "i64"], "i64"),
    divS: op(0x7f, ["i64", "i64"], "i64"),
    divU: op(0x80, ["i64", "i64"], "i64"),
    remS: op(0x81, ["i64", "i64"], "i64"),
    remU: op(0x82, ["i64", "i64"], "i64"),
    and: op(0x83, ["i64", "i64"], "i64"),
    or: op(0x84, ["i64", "i64"], "i64"),
    xor: op(0x85, ["i64", "i64"], "i64"),
    shl: op(0x86, ["i64", "i64"], "i64"),
    shrS: op(0x87, ["i64", "i64"], "i64"),
    shrU: op(0x88, ["i64", "i64"], "i64"),
    rotl: op(0x89, ["i64", "i64"], "i64"),
    rotr: op(0x8a, ["i64", "i64"], "i64"),
    extendI32S: op(0xac, ["i32"], "i64"),
    extendI32U: op(0xad, ["i32"], "i64"),
    reinterpretF64: op(0xbd, ["f64"], "i64"),
    extend8S: op(0xc2, ["i64"], "i64"),
    extend16S: op(0xc3, ["i64"], "i64"),
    extend32S: op(0xc4, ["i64"], "i64"),
    truncSatF32S: op(0xfc04, ["f32"], "i64"),
    truncSatF32U: op(0xfc05, ["f32"], "i64"),
    truncSatF64S: op(0xfc06, ["f64"], "i64"),
    truncSatF64U: op(0xfc07, ["f64"], "i64"),
  },
  f32: {
    eq: op(0x5b, ["f32", "f32"], "i32"),
    ne: op(0x5c, ["f32", "f32"], "i32"),
    lt: op(0x5d, ["f32", "f32"], "i32"),
    gt: op(0x5e, ["f32", "f32"], "i32"),
    le: op(0x5f, ["f32", "f32"], "i32"),
    ge: op(0x60, ["f32", "f32"], "i32"),
    abs: op(0x8b, ["f32"], "f32"),
    neg: op(0x8c, ["f32"], "f32"),
    ceil: op(0x8d, ["f32"], "f32"),
    floor: op(0x8e, ["f32"], "f32"),
    trunc: op(0x8f, ["f32"], "f32"),
    nearest: op(0x90, ["f32"], "f32"),
    sqrt: op(0x91, ["f32"], "f32"),
    add: op(0x92, ["f32", "f32"], "f32"),
    sub: op(0x93, ["f32", "f32"], "f32"),
    mul: op(0x94, ["f32", "f32"], "f32"),
    div: op(0x95, ["f32", "f32"], "f32"),
    min: op(0x96, ["f32", "f32"], "f32"),
    max: op(0x97, ["f32", "f32"], "f32"),
    copysign: op(0x98, ["f32", "f32"], "f32"),
    convertI32S: op(0xb2, ["i32"], "f32"),
    convertI32U: op(0xb3, ["i32"], "f32"),
    convertI64S: op(0xb4, ["i64"], "f32"),
    convertI64U: op(0xb5, ["i64"], "f32"),
    demoteF64: op(0xb6, ["f64"], "f32"),
    reinterpretI32: op(0xbe, ["i32"], "f32"),
  },
  f64: {
    eq: op(0x61, ["f64", "f64"], "i32"),
    ne: op(0x62, ["f64", "f64"], "i32"),
    lt: op(0x63, ["f64", "f64"], "i32"),
    gt: op(0x64, ["f64", "f64"], "i32"),
    le: op(0x65, ["f64", "f64"], "i32"),
    ge: op(0x66, ["f64", "f64"], "i32"),
    abs: op(0x99, ["f64"], "f64"),
    neg: op(0x9a, ["f64"], "f64"),
    ceil: op(0x9b, ["f64"], "f64"),
    floor: op(0x9c, ["f64"], "f64"),
    trunc: op(0x9d, ["f64"], "f64"),
    nearest: op(0x9e, ["f64"], "f64"),
    sqrt: op(0x9f, ["f64"], "f64"),
    add: op(0xa0, ["f64", "f64"], "f64"),
    sub: op(0xa1, ["f64", "f64"], "f64"),
    mul: op(0xa2, ["f64", "f64"], "f64"),
    div: op(0xa3, ["f64", "f64"], "f64"),
    min: op(0xa4, ["f64", "f64"], "f64"),
    max: op(0xa5, ["f64", "f64"], "f64"),
    copysign: op(0xa6, ["f64", "f64"], "f64"),
    convertI32S: op(0xb7, ["i32"], "f64"),
    convertI32U: op(0xb8, ["i32"], "f64"),
    convertI64S: op(0xb9, ["i64"], "f64"),
    convertI64U: op(0xba, ["i64"], "f64"),
    promoteF32: op(0xbb, ["f32"], "f64"),
    reinterpretI64: op(0xbf, ["i64"], "f64"),
  },
  ...SIMD_OPERATORS,
} as const;

type ValueOf<T extends Type> = { readonly type: T };
type Values<P extends readonly Type[]> = { [K in keyof P]: ValueOf<P[K]> };
type Method<O> = O extends ShuffleOperator
  ? (...arguments_: [a: ValueOf<"v128">, b: ValueOf<"v128">, bytes: readonly number[]]) => ValueOf<"v128">
  : O extends LaneOperator<infer P, infer R>
    ? (...arguments_: [...Values<P>, lane: number]) => ValueOf<R>
    : PlainMethod<O>;
type PlainMethod<O> = O extends Operator<infer P, infer R> ? (...operands: Values<P>) => ValueOf<R> : never;
/** `emitter.i32.add(a, b)` and so on: a method for each row of `OPERATORS`. */
export type Operators = {
  readonly [N in keyof typeof OPERATORS]: {
    readonly [M in keyof (typeof OPERATORS)[N]]: Method<(typeof OPERATORS)[N][M]>;
  };
};
