/** Comparisons, branches on their results, and conditional moves (MIPS32 AFP vol II-A, "FPU Compare", "FPU Conditional Branch"). */
import type { Emitter, I32 } from "../emitter.ts";
import { BRANCH, branchTarget, endWithBranch, endWithBranchLikely } from "./branching.ts";
import { COMPARE_QUIET, COMPARE_SIGNALLING } from "./fpu-operations.ts";
import type { Float, FloatOperators } from "./fpu-lift.ts";
import { FLOATS, operateForFlags, rejects } from "./fpu-lift.ts";
import { FCC } from "./fpu-registers.ts";
import { gpr, setGpr } from "./registers.ts";
import type { Lift, MipsRow } from "./row.ts";
import { rowsOf } from "./row.ts";

const compareRow = rowsOf("FPU compare");
const branchRow = rowsOf("FPU conditional branch");
const moveRow = rowsOf("FPU conditional move");

/**
 * The conditions by the last four bits of the encoding: 8 signalling, 4 true if less, 2 if equal, 1 if unordered. The
 * opposites (`c.or`, `c.neq` …) are the same instructions with the other branch.
 */
const CONDITIONS = [
  "f",
  "un",
  "eq",
  "ueq",
  "olt",
  "ult",
  "ole",
  "ule",
  "sf",
  "ngle",
  "seq",
  "ngl",
  "lt",
  "nge",
  "le",
  "ngt",
] as const;

/** Whether `a` and `b` are related as a condition says; one that is true of NaNs is written as the opposite of its opposite. */
function relation(e: Emitter, f: FloatOperators, condition: number, a: Float, b: Float): I32 {
  switch (condition & 7) {
    case 0:
      return e.const32(0);
    case 1:
      return e.i32.or(f.compare(e, "ne", a, a), f.compare(e, "ne", b, b));
    case 2:
      return f.compare(e, "eq", a, b);
    case 3:
      return e.i32.eqz(e.i32.or(f.compare(e, "lt", a, b), f.compare(e, "gt", a, b)));
    case 4:
      return f.compare(e, "lt", a, b);
    case 5:
      return e.i32.eqz(f.compare(e, "ge", a, b));
    case 6:
      return f.compare(e, "le", a, b);
    default:
      return e.i32.eqz(f.compare(e, "gt", a, b));
  }
}

/** 1 at least where `a` or `b` is a NaN; of finite numbers only where their difference overflows. */
function maybeUnordered(e: Emitter, f: FloatOperators, a: Float, b: Float): I32 {
  const difference = f.binary(e, "sub", a, b);
  return f.compare(e, "ne", difference, difference);
}

const LETTERS = ["s", "d"] as const;
const FMT = { s: "10000", d: "10001" } as const;
const four = (n: number): string => n.toString(2).padStart(4, "0");

const compareRows = LETTERS.flatMap((x) =>
  CONDITIONS.map((name, condition) =>
    compareRow(
      `c.${name}.${x}`,
      `010001 ${FMT[x]} ttttt sssss ccc 00 11 ${four(condition)}` as string,
      "cc_fs,ft",
      (e, fields, context) => {
        const [s, t, c] = [fields["s"]!, fields["t"]!, fields["c"]!];
        if (rejects(e, context, [x, s], [x, t])) return;
        const f = FLOATS[x];
        const [a, b] = [f.get(e, context, s), f.get(e, context, t)];
        const operation = ((condition & 8) !== 0 ? COMPARE_SIGNALLING : COMPARE_QUIET)[x];
        const result = operateForFlags(
          e,
          context,
          operation,
          [a, b],
          () => ({ value: relation(e, f, condition, a, b), rare: maybeUnordered(e, f, a, b) }),
          (found) => e.i32.ne(e.i32.and(found, e.const32(condition & 7)), e.const32(0)),
        );
        e.set(FCC[c]!, result);
      },
    ),
  ),
);

/** The condition that `bc1t`, `movt` (true) or `bc1f`, `movf` (false) look for. */
function isCondition(e: Emitter, code: number, wanted: boolean): I32 {
  const value = e.get(FCC[code]!);
  return wanted ? value : e.i32.eqz(value);
}

interface BranchFields {
  readonly c: number;
  readonly o: number;
}
const branchIf =
  (wanted: boolean): Lift<BranchFields> =>
  (e, { c, o }, context) =>
    endWithBranch(e, context, isCondition(e, c, wanted), branchTarget(context.pc, o));
const branchLikelyIf =
  (wanted: boolean): Lift<BranchFields> =>
  (e, { c, o }, context) =>
    endWithBranchLikely(e, context, isCondition(e, c, wanted), branchTarget(context.pc, o));

/** `mov{f,t,n,z}.fmt fd, fs`: fd keeps its value where the condition fails. */
const moveIf = (
  mnemonic: string,
  bits: string,
  operands: string,
  condition: (e: Emitter, fields: Readonly<Record<string, number>>) => I32,
): MipsRow[] =>
  LETTERS.map((x) =>
    moveRow(`${mnemonic}.${x}`, bits.replace("fmt", FMT[x]), operands, (e, fields, context) => {
      const [s, d] = [fields["s"]!, fields["d"]!];
      if (rejects(e, context, [x, s], [x, d])) return;
      const f = FLOATS[x];
      f.set(e, context, d, e.select(condition(e, fields), f.get(e, context, s), f.get(e, context, d)));
    }),
  );

export const FPU_COMPARE_ROWS: readonly MipsRow[] = [
  ...compareRows,

  branchRow("bc1f", "010001 01000 ccc 0 0 oooooooooooooooo", "cc_target", branchIf(false), BRANCH),
  branchRow("bc1t", "010001 01000 ccc 0 1 oooooooooooooooo", "cc_target", branchIf(true), BRANCH),
  branchRow("bc1fl", "010001 01000 ccc 1 0 oooooooooooooooo", "cc_target", branchLikelyIf(false), BRANCH),
  branchRow("bc1tl", "010001 01000 ccc 1 1 oooooooooooooooo", "cc_target", branchLikelyIf(true), BRANCH),

  moveRow("movf", "000000 sssss ccc 0 0 ddddd 00000 000001", "rd,rs,cc", (e, { s, d, c }) =>
    setGpr(e, d, e.select(isCondition(e, c, false), gpr(e, s), gpr(e, d))),
  ),
  moveRow("movt", "000000 sssss ccc 0 1 ddddd 00000 000001", "rd,rs,cc", (e, { s, d, c }) =>
    setGpr(e, d, e.select(isCondition(e, c, true), gpr(e, s), gpr(e, d))),
  ),
  ...moveIf("movf", "010001 fmt ccc 0 0 sssss ddddd 010001", "fd,fs,cc", (e, fields) =>
    isCondition(e, fields["c"]!, false),
  ),
  ...moveIf("movt", "010001 fmt ccc 0 1 sssss ddddd 010001", "fd,fs,cc", (e, fields) =>
    isCondition(e, fields["c"]!, true),
  ),
  ...moveIf("movz", "010001 fmt ttttt sssss ddddd 010010", "fd,fs,rt", (e, fields) => e.i32.eqz(gpr(e, fields["t"]!))),
  ...moveIf("movn", "010001 fmt ttttt sssss ddddd 010011", "fd,fs,rt", (e, fields) => gpr(e, fields["t"]!)),
];
