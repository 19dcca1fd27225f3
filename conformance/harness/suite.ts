/** What a suite is given and what it gives back. */
import type { Driver } from "./outcome.ts";
import type { SuiteResult } from "./report.ts";
import type { Target } from "./target.ts";

export interface SuiteOptions {
  /** What was asked for: one of the suite's `targets`. */
  readonly name: string;
  readonly target: Target;
  /** A driver a lane: lane n uses `ours[n]` only. */
  readonly ours: readonly Driver[];
  readonly peer: Driver;
  /** Cases at a time. */
  readonly jobs: number;
  /** Only cases whose name contains this. */
  readonly filter?: string;
  readonly seed: number;
  /** How many cases a generating suite makes, or c-torture takes; all, or the suite's default, if absent. */
  readonly count?: number;
  /** Seconds for a case; the suite's own if absent. */
  readonly timeout?: number;
  /** Sized for a continuous-integration machine. */
  readonly ci: boolean;
}

export interface Suite {
  readonly name: string;
  /** For `--help`: one line. */
  readonly summary: string;
  readonly targets: readonly string[];
  /** The guest that one of `targets` runs on, where it is not the guest's own name. */
  targetOf?(name: string): string;
  run(options: SuiteOptions): Promise<Omit<SuiteResult, "suite" | "target" | "seconds">>;
}
