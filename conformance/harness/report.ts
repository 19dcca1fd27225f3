/** What a suite found, row by row, and how that becomes totals, a list of surprises, and an exit code. */
import { writeFileSync } from "node:fs";

/** One case as one side saw it. */
export interface Verdict {
  readonly passed: boolean;
  /** In a few words: "exit 134", "line 3: …". */
  readonly detail: string;
}

export interface Row {
  /** Stable: expected failures are listed under it. */
  readonly name: string;
  /** Where one name stands for several builds: "-O2". */
  readonly variant?: string;
  readonly ours: Verdict;
  /** Absent where the suite asks babelf alone. */
  readonly peer?: Verdict;
}

export interface SkippedRow {
  readonly name: string;
  readonly variant?: string;
  readonly why: string;
}

export interface SuiteResult {
  readonly suite: string;
  readonly target: string;
  readonly rows: readonly Row[];
  readonly skipped: readonly SkippedRow[];
  readonly seconds: number;
  /** Text for a reader that is not a row, such as a reproducer. */
  readonly notes?: readonly string[];
}

/** A failure that is known: whose it is, and why. */
export interface ExpectedFailure {
  readonly suite: string;
  readonly name: string;
  readonly side: "ours" | "peer";
  /** All targets if absent. */
  readonly targets?: readonly string[];
  readonly reason: string;
}

export interface Judgement {
  readonly side: "ours" | "peer";
  readonly passed: number;
  readonly total: number;
  readonly expected: readonly { row: Row; reason: string }[];
  readonly unexpected: readonly Row[];
  /** Listed as failures, but all their rows passed. */
  readonly stale: readonly ExpectedFailure[];
}

export function judge(result: SuiteResult, side: "ours" | "peer", known: readonly ExpectedFailure[]): Judgement {
  const relevant = known.filter(
    (k) => k.suite === result.suite && k.side === side && (!k.targets || k.targets.includes(result.target)),
  );
  const asked = result.rows.filter((row) => row[side] !== undefined);
  const failed = asked.filter((row) => !row[side]?.passed);
  const reasonOf = (row: Row) => relevant.find((k) => k.name === row.name)?.reason;
  return {
    side,
    passed: asked.length - failed.length,
    total: asked.length,
    expected: failed.flatMap((row) => {
      const reason = reasonOf(row);
      return reason === undefined ? [] : [{ row, reason }];
    }),
    unexpected: failed.filter((row) => reasonOf(row) === undefined),
    stale: relevant.filter(
      (k) => result.rows.some((row) => row.name === k.name) && !failed.some((row) => row.name === k.name),
    ),
  };
}

function label(row: { name: string; variant?: string }): string {
  return row.variant === undefined ? row.name : `${row.name} ${row.variant}`;
}

/** Prints one suite's result; true if nothing about our side surprises. */
export function printResult(
  result: SuiteResult,
  names: { ours: string; peer: string },
  known: readonly ExpectedFailure[],
): boolean {
  const print = (line: string) => process.stdout.write(`${line}\n`);
  print(`\n${result.suite} ${result.target}`);
  for (const skipped of groupSkipped(result.skipped)) print(`  left out: ${skipped}`);
  let good = true;
  for (const side of ["ours", "peer"] as const) {
    const judged = judge(result, side, known);
    if (judged.total === 0) continue;
    print(`  ${names[side].padEnd(14)} ${judged.passed} of ${judged.total}`);
    for (const { row, reason } of judged.expected) print(`    known:  ${label(row)}: ${row[side]?.detail} (${reason})`);
    for (const row of judged.unexpected) print(`    FAILED: ${label(row)}: ${row[side]?.detail}`);
    for (const k of judged.stale) print(`    listed as a known failure, but passes now: ${k.name}`);
    if (side === "ours" && (judged.unexpected.length > 0 || judged.stale.length > 0)) good = false;
  }
  for (const note of result.notes ?? []) print(note);
  print(`  ${Math.round(result.seconds)} s`);
  return good;
}

function groupSkipped(skipped: readonly SkippedRow[]): string[] {
  const byReason = new Map<string, Set<string>>();
  for (const row of skipped) byReason.set(row.why, (byReason.get(row.why) ?? new Set()).add(row.name));
  return [...byReason].map(([why, names]) => `${[...names].join(", ")} (${why})`);
}

/** The same for a program: written where `--json` says. */
export function writeSummary(
  file: string,
  results: readonly SuiteResult[],
  names: { ours: string; peer: string },
  known: readonly ExpectedFailure[],
): void {
  const suites = results.map((result) => ({
    suite: result.suite,
    target: result.target,
    seconds: result.seconds,
    skipped: result.skipped,
    sides: (["ours", "peer"] as const).map((side) => {
      const judged = judge(result, side, known);
      const row = (r: Row) => ({ name: r.name, ...(r.variant ? { variant: r.variant } : {}), detail: r[side]?.detail });
      return {
        side,
        name: names[side],
        passed: judged.passed,
        total: judged.total,
        expected: judged.expected.map((e) => ({ ...row(e.row), reason: e.reason })),
        unexpected: judged.unexpected.map(row),
      };
    }),
  }));
  writeFileSync(file, `${JSON.stringify({ suites }, null, 2)}\n`);
}
