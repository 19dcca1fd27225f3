/**
 * Micro-operations: what a block of guest code becomes for the interpreter. Each is two 32-bit words, some are four, and
 * works on one file of words, which is CPU state: registers, small constants, and temporary values.
 *
 *     word 0   bits 0-7 the number of the operation, 8-19 the place that its result goes to, 20-31 operand a: a place
 *     word 1   of an operator or `select`: operands b (bits 0-15) and c (16-31), places, too; else see below
 *
 * They know nothing of the process: they are as good in another one that has the same code, and in a later run.
 */
import { MICRO_CONSTANTS, MICRO_TEMPORARIES, MICRO_TEMPORARIES_END } from "./layout.ts";

/** Words of an operation. */
export const MICRO_WORDS = 2;

/** The integer operators of an `Emitter`, numbered by their place here. */
export const MICRO_OPERATORS = [
  ...["eq", "ne", "ltS", "ltU", "gtS", "gtU", "leS", "leU", "geS", "geU", "eqz", "clz", "ctz", "popcnt"],
  ...["add", "sub", "mul", "divS", "divU", "remS", "remU", "and", "or", "xor", "shl", "shrS", "shrU", "rotl", "rotr"],
  ...["extend8S", "extend16S"],
] as const;

/**
 * The other operations. V8 makes a jump table only of literals, so `micro-machine.ts` repeats the numbers.
 *
 * `pc`: the instruction's address, for whoever asks where it happened.
 */
export const MICRO = {
  /** Word 1: the number. */
  constant: 31,
  copy: 32,
  /** a ? b : c */
  select: 33,
  /** a: address; word 1: pc. */
  load8U: 34,
  load8S: 35,
  load16U: 36,
  load16S: 37,
  load32: 38,
  /** a: address; in the place of the result: the value's place; word 1: pc. */
  store8: 39,
  store16: 40,
  store32: 41,
  /** Goes on that many words further (word 1) if a is zero. */
  skipUnless: 42,
  skip: 43,
  /** The interpreter runs an instruction as it is; word 1: its number in the block. */
  interpret: 44,
  /** If a is not zero; in the place of the result: the information's place; word 1: pc; word 2: which exception. */
  raiseIf: 45,
  raise: 46,
  /** Word 1: address. */
  jump: 47,
  /** a: condition; word 1: address where it holds; word 2: where not. */
  branch: 48,
  /** Word 1: address; word 2: return address. */
  callDirect: 49,
  /** a: address; word 1: pc; word 2: return address. */
  callIndirect: 50,
  /** a: address; word 1: pc. */
  jumpIndirect: 51,
  returnTo: 52,
  /** Word 1: the next address. */
  systemCall: 53,
  /** a: address. */
  leave: 54,
  /** Behind the last instruction: control goes on behind the block. */
  end: 55,
  /** As `load32`, `store32` and `copy`, with two words of the file, the less significant one first. */
  load64: 56,
  store64: 57,
  copy64: 58,
} as const;

/** Word 0. */
export const microWord = (operation: number, to: number, a: number): number => operation | (to << 8) | (a << 20);

/** Places of the file. */
export const FIRST_TEMPORARY = MICRO_TEMPORARIES >> 2;
export const TEMPORARIES = (MICRO_TEMPORARIES_END - MICRO_TEMPORARIES) >> 2;
const LEAST = -32;
const MOST = 255;

/** Where a constant stands in the file, or -1. */
export function placeOfConstant(n: number): number {
  return n >= LEAST && n <= MOST ? (MICRO_CONSTANTS >> 2) + n - LEAST : -1;
}

/** Writes the constants into a file. */
export function placeConstants(file: Int32Array): void {
  for (let n = LEAST; n <= MOST; n++) file[placeOfConstant(n)] = n;
}
