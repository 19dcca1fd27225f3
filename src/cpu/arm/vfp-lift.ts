/** What VFP's meanings share: registers by format, and how an operation with flags is translated. */
import type { Fields } from "../decode-table.ts";
import type { Emitter, F32, F64, I32, Type, Value } from "../emitter.ts";
import type { Float, FloatOperators as HostOperators } from "../host-float.ts";
import { DOUBLE_OPERATORS, SINGLE_OPERATORS } from "../host-float.ts";
import { FPSCR_IXC, MODE_FLUSH, MODE_INEXACT, MODE_ONLY_16, MODE_SHORT_VECTORS, MODE_SOFT } from "./fpscr.ts";
import type { LiftContext } from "./row.ts";
import type { Operation } from "./vfp-operations.ts";
import { D, FPSCR, S } from "./vfp-registers.ts";

export type Letter = "s" | "d";
export const LETTERS: readonly Letter[] = ["s", "d"];

/** In the bits of an instruction: coprocessor 10 is single, 11 double precision. */
export const COPROCESSOR = { s: "1010", d: "1011" } as const;
/** In a mnemonic. */
export const TYPE = { s: "f32", d: "f64" } as const;
/** Operands with `*` for the letter. */
export const names = (letter: Letter, registers: string): string => registers.replaceAll("*", letter.toUpperCase());

/**
 * The number of the register that the letter `name` (d, n or m) and its one-bit twin (D, N or M) give: the twin is a
 * single's lowest bit, and a double's highest.
 */
export function register(fields: Fields, letter: Letter, name: "d" | "n" | "m"): number {
  const four = fields[name]!;
  const one = fields[name.toUpperCase()]!;
  return letter === "s" ? (four << 1) | one : (one << 4) | four;
}

/**
 * Whether the instruction does not exist in this mode, in which case "illegal" was raised: a double register that the
 * processor does not have, or data processing (`vectors`) while FPSCR asks for short vectors.
 */
export function rejects(e: Emitter, { mode }: LiftContext, doubles: readonly number[], vectors = false): boolean {
  const rejected =
    ((mode & MODE_ONLY_16) !== 0 && doubles.some((n) => n > 15)) || (vectors && (mode & MODE_SHORT_VECTORS) !== 0);
  if (rejected) e.raiseIf(e.const32(1), "illegal");
  return rejected;
}

/** The emitter's operators for one format, with the registers that hold it. */
export interface FloatOperators extends HostOperators {
  get(e: Emitter, n: number): Float;
  set(e: Emitter, n: number, value: Float): void;
  /** Not zero where `a` is subnormal or the smallest normal number. */
  tiny(e: Emitter, a: Float): I32;
  readonly smallestNormal: number;
}

export const FLOATS: Readonly<Record<Letter, FloatOperators>> = {
  s: {
    ...SINGLE_OPERATORS,
    smallestNormal: 2 ** -126,
    get: (e, n) => e.get(S[n]!),
    set: (e, n, value) => e.set(S[n]!, value as F32),
    tiny: (e, a) => {
      const magnitude = e.i32.shl(e.i32.reinterpretF32(a as F32), e.const32(1));
      return e.i32.ltU(e.i32.sub(magnitude, e.const32(1)), e.const32(1 << 24));
    },
  },
  d: {
    ...DOUBLE_OPERATORS,
    smallestNormal: 2 ** -1022,
    get: (e, n) => e.get(D[n]!),
    set: (e, n, value) => e.set(D[n]!, value as F64),
    tiny: (e, a) => {
      const magnitude = e.i64.shl(e.i64.reinterpretF64(a as F64), e.const64(1n));
      return e.i64.ltU(e.i64.sub(magnitude, e.const64(1n)), e.const64(1n << 53n));
    },
  },
};

/** An operation done with the host's arithmetic. */
export interface Fast<T extends Type> {
  readonly value: Value<T>;
  /** Not zero where the value may be wrong, or a flag other than Inexact may be due; undefined: never. */
  readonly rare: I32 | undefined;
  /** One is not zero where the operation may be inexact; undefined: never. Only asked for where it is not rare. */
  readonly inexact?: (() => readonly I32[]) | undefined;
  /** Not zero where a rare case is `value` and no flag after all; only computed in rare cases. */
  readonly harmless?: (() => I32) | undefined;
}

const orElse = (e: Emitter, a: I32 | undefined, b: I32 | undefined): I32 | undefined =>
  a === undefined ? b : b === undefined ? a : e.i32.or(a, b);

/** 1 while the sticky Inexact flag is clear. */
export const inexactClear = (e: Emitter): I32 => e.i32.eqz(e.i32.and(e.get(FPSCR), e.const32(FPSCR_IXC)));
/** Where a condition is not zero and Inexact still clear, asks for the operation's flags. Most operations meet no condition. */
export function whileInexactClear(e: Emitter, conditions: readonly I32[], ask: () => void): void {
  for (const condition of conditions) e.when(condition, () => e.when(inexactClear(e), () => ask()));
}

/** Operands of which one is subnormal, where those are flushed. */
function flushes(e: Emitter, operation: Operation, operands: readonly Value[]): I32 | undefined {
  let found: I32 | undefined;
  for (const [n, format] of operation.operands.entries())
    if (format === "s" || format === "d") found = orElse(e, found, FLOATS[format].tiny(e, operands[n] as Float));
  return found;
}

/** An operation with a result in a register, as the mode asks. `fast` is not called where the rounding is not to nearest. */
export function operate<T extends Type>(
  e: Emitter,
  { mode }: LiftContext,
  operation: Operation,
  operands: readonly Value[],
  fast: (checking: boolean) => Fast<T>,
): Value<T> {
  const ask = (): Value<T> => e.call(operation.helper, ...operands) as Value<T>;
  if ((mode & MODE_SOFT) !== 0) return ask();
  const checking = (mode & MODE_INEXACT) === 0;
  const { value, rare, inexact, harmless } = fast(checking);
  let condition = rare;
  let flushed: I32 | undefined;
  if ((mode & MODE_FLUSH) !== 0) {
    flushed = flushes(e, operation, operands);
    const { result } = operation;
    const out = result === "s" || result === "d" ? FLOATS[result].tiny(e, value as Float) : undefined;
    condition = orElse(e, condition, orElse(e, flushed, out));
  }
  const usual = (): Value<T> => {
    if (checking && inexact !== undefined) whileInexactClear(e, inexact(), ask);
    return value;
  };
  if (condition === undefined) return usual();
  if (harmless === undefined) return e.either(condition, ask, usual);
  const isHarmless = (): I32 => (flushed === undefined ? harmless() : e.i32.and(harmless(), e.i32.eqz(flushed)));
  return e.either(condition, () => e.either(isHarmless(), () => value, ask), usual);
}
