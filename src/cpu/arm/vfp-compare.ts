/**
 * VFP comparison, and its way to the condition flags (ARM DDI 0406C A8.8.302, A8.8.348): `vcmp` notes its operands
 * (vfp-registers.ts), and a condition after `vmrs APSR_nzcv, fpscr` becomes one comparison of them.
 */
import type { Emitter, F32, F64, I32 } from "../emitter.ts";
import type { Float } from "../host-float.ts";
import { noteComparison, setNzcvFromWord } from "./flags.ts";
import { MODE_FLUSH, MODE_SOFT } from "./fpscr.ts";
import { CF, NF, VF, ZF } from "./registers.ts";
import type { ArmRow } from "./row.ts";
import { rowsOf } from "./row.ts";
import type { FloatOperators } from "./vfp-lift.ts";
import { COPROCESSOR, FLOATS, LETTERS, TYPE, names, register, rejects } from "./vfp-lift.ts";
import type { OperationPair } from "./vfp-operations.ts";
import { COMPARE, COMPARE_SIGNALLING } from "./vfp-operations.ts";
import { COMPARED, FP_NZCV } from "./vfp-registers.ts";

const row = rowsOf("VFP data processing");

// ── the flags of the last comparison ──────────────────────────────────────────────────────────────────────────────

interface Compared {
  readonly f: FloatOperators;
  readonly a: Float;
  readonly b: Float;
}
/** By the value in `FP_NZCV`, which is made for one comparison only. */
const comparisons = new WeakMap<I32, Compared>();

/** What `FP_NZCV` and `COMPARED` stand for: the comparison that was last in this block, or what is in the slots. */
const comparedLast = (e: Emitter): Compared =>
  (e.computes ? undefined : comparisons.get(e.get(FP_NZCV))) ?? {
    f: FLOATS.d,
    a: e.get(COMPARED[0]),
    b: e.get(COMPARED[1]),
  };
const fromComparison = (e: Emitter): I32 => e.i32.and(e.get(FP_NZCV), e.const32(1));

const unordered = (e: Emitter, { f, a, b }: Compared): I32 =>
  e.i32.or(f.compare(e, "ne", a, a), f.compare(e, "ne", b, b));

/** The flags of a comparison (A2.6.4), N, Z, C and V in bits 31 to 28. */
function nzcvOf(e: Emitter, compared: Compared): I32 {
  const { f, a, b } = compared;
  const less = f.compare(e, "lt", a, b);
  const bit = (condition: I32, n: number): I32 => e.i32.shl(condition, e.const32(n));
  const nz = e.i32.or(bit(less, 31), bit(f.compare(e, "eq", a, b), 30));
  return e.i32.or(nz, e.i32.or(bit(e.i32.eqz(less), 29), bit(unordered(e, compared), 28)));
}

/** FPSCR's N, Z, C and V in bits 31 to 28. */
export const fpscrNzcv = (e: Emitter): I32 =>
  e.either(
    fromComparison(e),
    () => nzcvOf(e, comparedLast(e)),
    () => e.get(FP_NZCV),
  );

/** By condition code: how it is asked of the operands. With NaNs, `ge` is not the opposite of `lt`. */
const CONDITIONS: readonly ((e: Emitter, compared: Compared) => I32)[] = [
  (e, { f, a, b }) => f.compare(e, "eq", a, b),
  (e, { f, a, b }) => f.compare(e, "ne", a, b),
  (e, { f, a, b }) => e.i32.eqz(f.compare(e, "lt", a, b)), // cs
  (e, { f, a, b }) => f.compare(e, "lt", a, b), // cc
  (e, { f, a, b }) => f.compare(e, "lt", a, b), // mi
  (e, { f, a, b }) => e.i32.eqz(f.compare(e, "lt", a, b)), // pl
  unordered, // vs
  (e, compared) => e.i32.eqz(unordered(e, compared)), // vc
  (e, { f, a, b }) => e.i32.eqz(f.compare(e, "le", a, b)), // hi
  (e, { f, a, b }) => f.compare(e, "le", a, b), // ls
  (e, { f, a, b }) => f.compare(e, "ge", a, b),
  (e, { f, a, b }) => e.i32.eqz(f.compare(e, "ge", a, b)), // lt
  (e, { f, a, b }) => f.compare(e, "gt", a, b),
  (e, { f, a, b }) => e.i32.eqz(f.compare(e, "gt", a, b)), // le
];

/** `vmrs APSR_nzcv, fpscr`. */
export function setNzcvFromFpscr(e: Emitter): void {
  if (e.computes) {
    setNzcvFromWord(e, fpscrNzcv(e));
    return;
  }
  const word = e.get(FP_NZCV);
  const chosen = fromComparison(e);
  const compared = comparedLast(e);
  const { f, a, b } = compared;
  const less = f.compare(e, "lt", a, b);
  const negative = e.select(chosen, e.i32.shl(less, e.const32(31)), word);
  const zero = e.select(chosen, f.compare(e, "ne", a, b), e.i32.eqz(e.i32.and(word, e.const32(1 << 30))));
  const carry = e.select(chosen, e.i32.eqz(less), e.i32.and(e.i32.shrU(word, e.const32(29)), e.const32(1)));
  const overflow = e.select(chosen, e.i32.shl(unordered(e, compared), e.const32(31)), e.i32.shl(word, e.const32(3)));
  e.set(NF, negative);
  e.set(ZF, zero);
  e.set(CF, carry);
  e.set(VF, overflow);
  if (comparisons.has(word))
    noteComparison(e, overflow, {
      negative,
      zero,
      carry,
      holds: (emitter, condition) => CONDITIONS[condition]!(emitter, compared),
    });
}

// ── comparison ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Not zero where `a` is subnormal. */
const subnormal = (e: Emitter, f: FloatOperators, a: Float): I32 =>
  e.i32.and(f.tiny(e, a), f.compare(e, "lt", f.unary(e, "abs", a), f.constant(e, f.smallestNormal)));

const asDouble = (e: Emitter, f: FloatOperators, a: Float): F64 =>
  f.format === "s" ? e.f64.promoteF32(a as F32) : (a as F64);

/** `second` is left out: zero. */
function compareInto(
  e: Emitter,
  f: FloatOperators,
  mode: number,
  operations: OperationPair,
  a: Float,
  second: Float | undefined,
): void {
  const operation = operations[f.format];
  const b = second ?? f.constant(e, 0);
  if ((mode & MODE_SOFT) !== 0) {
    // Numbers may be flushed or not.
    const relation = e.call(operation.helper, a, b) as I32;
    const bit = (n: number, to: number): I32 =>
      e.i32.shl(e.i32.and(e.i32.shrU(relation, e.const32(n)), e.const32(1)), e.const32(to));
    const carry = e.i32.xor(bit(2, 29), e.const32(1 << 29));
    e.set(FP_NZCV, e.i32.or(e.i32.or(bit(2, 31), bit(1, 30)), e.i32.or(carry, bit(0, 28))));
    return;
  }
  // A NaN makes this a NaN; of numbers, only those whose difference overflows do.
  const difference = second === undefined || a === b ? a : f.binary(e, "sub", a, b);
  let flags = f.compare(e, "ne", difference, difference);
  let [x, y] = [a, b];
  if ((mode & MODE_FLUSH) !== 0) {
    const [flushA, flushB] = [subnormal(e, f, a), subnormal(e, f, b)];
    x = e.select(flushA, f.constant(e, 0), a);
    y = e.select(flushB, f.constant(e, 0), b);
    flags = e.i32.or(flags, e.i32.or(flushA, flushB));
  }
  e.when(flags, () => {
    e.call(operation.helper, a, b);
  });
  if (e.computes) {
    // Flags cost no more than to note the operands, and reading them less.
    e.set(FP_NZCV, nzcvOf(e, { f, a: x, b: y }));
    return;
  }
  const compared = e.const32(1);
  comparisons.set(compared, { f, a: x, b: y });
  e.set(COMPARED[0], asDouble(e, f, x));
  e.set(COMPARED[1], asDouble(e, f, y));
  e.set(FP_NZCV, compared);
}

export const VFP_COMPARE_ROWS: readonly ArmRow[] = LETTERS.flatMap((x) =>
  ([0, 1] as const).flatMap((signalling) => {
    const mnemonic = `vcmp${signalling === 1 ? "e" : ""}{c}.${TYPE[x]}`;
    const operations = signalling === 1 ? COMPARE_SIGNALLING : COMPARE;
    const f = FLOATS[x];
    return [
      row(
        mnemonic,
        `cccc 1110 1D11 0100 dddd ${COPROCESSOR[x]} ${signalling}1M0 mmmm` as string,
        names(x, "*d, *m"),
        (e, fields, context) => {
          const [d, m] = [register(fields, x, "d"), register(fields, x, "m")];
          if (rejects(e, context, x === "d" ? [d, m] : [])) return;
          compareInto(e, f, context.mode, operations, f.get(e, d), f.get(e, m));
        },
        { needs: "vfp2" },
      ),
      row(
        mnemonic,
        `cccc 1110 1D11 0101 dddd ${COPROCESSOR[x]} ${signalling}100 0000` as string,
        names(x, "*d, #0.0"),
        (e, fields, context) => {
          const d = register(fields, x, "d");
          if (rejects(e, context, x === "d" ? [d] : [])) return;
          compareInto(e, f, context.mode, operations, f.get(e, d), undefined);
        },
        { needs: "vfp2" },
      ),
    ];
  }),
);
