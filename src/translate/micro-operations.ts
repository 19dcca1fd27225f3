/**
 * Micro-operations: what a block of guest code becomes when it runs a second time in the interpreter. Each is four 32-bit
 * words, and works on one file of words, which is CPU state: registers, small constants, and temporary values.
 *
 *     word 0   the number of the operation, and above it (from bit 8) the place that its result goes to
 *     word 1-3 operands a, b, c: places in the file, unless it says otherwise below
 *
 * They know nothing of the process: they are as good in another one that has the same code, and in a later run.
 */
import { MICRO_CONSTANTS, MICRO_TEMPORARIES, MICRO_TEMPORARIES_END } from "./layout.ts";

/** Words of an operation. */
export const MICRO_WORDS = 4;

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
  /** a: the number itself. */
  constant: 31,
  copy: 32,
  /** a ? b : c */
  select: 33,
  /** a: address; c: pc. */
  load8U: 34,
  load8S: 35,
  load16U: 36,
  load16S: 37,
  load32: 38,
  /** a: address; b: value; c: pc. */
  store8: 39,
  store16: 40,
  store32: 41,
  /** Goes on b words further if a is zero. */
  skipUnless: 42,
  /** Goes on a words further. */
  skip: 43,
  /** The interpreter runs an instruction as it is; a: its number in the block. */
  interpret: 44,
  /** If a is not zero; b: information; c: pc; in the place of the result: which exception. */
  raiseIf: 45,
  raise: 46,
  /** a, b: addresses; c: pc. */
  jump: 47,
  /** a: condition; b: address where it holds; c: where not. */
  branch: 48,
  /** a: address; b: return address. */
  callDirect: 49,
  /** a: address, in the file; b: return address; c: pc. */
  callIndirect: 50,
  /** a: address, in the file; c: pc. */
  jumpIndirect: 51,
  returnTo: 52,
  /** a: the next address. */
  systemCall: 53,
  /** a: address, in the file. */
  leave: 54,
  /** Behind the last instruction: control goes on behind the block. */
  end: 55,
} as const;

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
