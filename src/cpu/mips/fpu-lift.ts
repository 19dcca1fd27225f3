/** What the FPU's meanings share: registers by format and FR mode, and how an operation with flags is translated. */
import type { Emitter, F32, F64, I32, Type, Value } from "../emitter.ts";
import { CHECK, MODE_FR, SOFT, modeLevel } from "./fpu-state.ts";
import { ENABLES_MASK, INEXACT_FLAG } from "./fcsr.ts";
import type { Float, FloatOperators as HostOperators } from "../host-float.ts";
import { DOUBLE_OPERATORS, SINGLE_OPERATORS } from "../host-float.ts";
import type { Format, Operation } from "./fpu-operations.ts";
import { EXACT } from "./fpu-operations.ts";
import type { FpuViews } from "./fpu-registers.ts";
import { FCSR, FPU_VIEWS, LAST_DOUBLES, LAST_OPERATION, LAST_SINGLES } from "./fpu-registers.ts";
import type { LiftContext } from "./row.ts";

export { extreme, notFinite } from "../host-float.ts";
export type { Float } from "../host-float.ts";

export const views = (context: LiftContext): FpuViews => FPU_VIEWS[(context.mode & MODE_FR) as 0 | 1];

/**
 * Whether register `n` cannot hold the format, in which case "illegal" was raised: with FR = 0 doubles live in even
 * registers only, and there is no long format.
 */
export function rejects(
  e: Emitter,
  context: LiftContext,
  ...registers: readonly (readonly [Format, number])[]
): boolean {
  const fr = (context.mode & MODE_FR) !== 0;
  const rejected = !fr && registers.some(([format, n]) => format === "l" || (format === "d" && (n & 1) !== 0));
  if (rejected) e.raiseIf(e.const32(1), "illegal");
  return rejected;
}

// ── single and double alike ───────────────────────────────────────────────────────────────────────────────────────

/** The emitter's operators for one format, with the registers that hold it. */
export interface FloatOperators extends HostOperators {
  get(e: Emitter, context: LiftContext, n: number): Float;
  set(e: Emitter, context: LiftContext, n: number, value: Float): void;
}

export const SINGLE: FloatOperators = {
  ...SINGLE_OPERATORS,
  get: (e, context, n) => e.get(views(context).s[n]!),
  set: (e, context, n, value) => e.set(views(context).s[n]!, value as F32),
};
export const DOUBLE: FloatOperators = {
  ...DOUBLE_OPERATORS,
  get: (e, context, n) => e.get(views(context).d[n]!),
  set: (e, context, n, value) => e.set(views(context).d[n]!, value as F64),
};
export const FLOATS = { s: SINGLE, d: DOUBLE } as const;

// ── operations with flags ─────────────────────────────────────────────────────────────────────────────────────────

/** An operation done with the host's arithmetic. */
export interface Fast<T extends Type> {
  readonly value: Value<T>;
  /** Not zero where the value may be wrong, or a flag other than Inexact may be due; undefined: never. */
  readonly rare: I32 | undefined;
  /** One is not zero where the operation may be inexact; undefined: never. Only asked for in CHECK mode, where it is not rare. */
  readonly inexact?: (() => readonly I32[]) | undefined;
  /** Not zero where a rare case is `value` and no flag after all; only computed in rare cases. */
  readonly harmless?: (() => I32) | undefined;
}

/** Notes the operation, so that a reader of Cause can do it again. */
function remember(e: Emitter, operation: Operation, operands: readonly Value[]): void {
  e.set(LAST_OPERATION, e.const32(operation.id));
  for (const [n, format] of operation.operands.entries()) {
    const value = operands[n]!;
    if (format === "s") e.set(LAST_SINGLES[n]!, value as F32);
    else if (format === "w") e.set(LAST_SINGLES[n]!, e.f32.reinterpretI32(value as I32));
    else if (format === "d") e.set(LAST_DOUBLES[n]!, value as F64);
    else e.set(LAST_DOUBLES[n]!, e.f64.reinterpretI64(value as Value<"i64">));
  }
}

/** After an instruction that cannot raise an exception. */
export function rememberExact(e: Emitter): void {
  e.set(LAST_OPERATION, e.const32(EXACT.id));
}

/** Raises "floatingPoint" if the helper that has just run found an exception that is enabled; the destination is not yet written. */
function raiseIfEnabled(e: Emitter): void {
  const fcsr = e.get(FCSR);
  e.raiseIf(e.i32.and(e.i32.and(e.i32.shrU(fcsr, e.const32(5)), fcsr), e.const32(ENABLES_MASK)), "floatingPoint");
}

/** The helper, in SOFT mode. */
function soft(e: Emitter, operation: Operation, operands: readonly Value[]): Value {
  const value = e.call(operation.helper, ...operands);
  e.set(LAST_OPERATION, e.const32(0));
  raiseIfEnabled(e);
  return value;
}

/** An operation with a result in a register, as the mode asks. `fast` is not called in SOFT mode. */
export function operate<T extends Type>(
  e: Emitter,
  context: LiftContext,
  operation: Operation,
  operands: readonly Value[],
  fast: () => Fast<T>,
): Value<T> {
  if (modeLevel(context.mode) === SOFT) return soft(e, operation, operands) as Value<T>;
  remember(e, operation, operands);
  const { value, rare, inexact, harmless } = fast();
  const ask = (): Value<T> => e.call(operation.helper, ...operands) as Value<T>;
  const usual = (): Value<T> => {
    if (modeLevel(context.mode) === CHECK && inexact !== undefined)
      for (const condition of inexact()) e.when(condition, () => e.when(inexactClear(e), () => void ask()));
    return value;
  };
  if (rare === undefined) return usual();
  return e.either(rare, harmless === undefined ? ask : () => e.either(harmless(), () => value, ask), usual);
}
const inexactClear = (e: Emitter): I32 => e.i32.eqz(e.i32.and(e.get(FCSR), e.const32(INEXACT_FLAG)));

/** A comparison: the host's result is right even for NaNs, so that the helper is only there for the flags. */
export function operateForFlags(
  e: Emitter,
  context: LiftContext,
  operation: Operation,
  operands: readonly Value[],
  fast: () => Fast<"i32">,
  fromHelper: (relation: I32) => I32,
): I32 {
  if (modeLevel(context.mode) === SOFT) return fromHelper(soft(e, operation, operands) as I32);
  remember(e, operation, operands);
  const { value, rare } = fast();
  if (rare !== undefined)
    e.when(rare, () => {
      e.call(operation.helper, ...operands);
    });
  return value;
}
