/** What the bench runs: cases, the ways to run each, and what one run gave. */
import type { Target } from "../conformance/harness/target.ts";

/** In the order of the printed tables. */
export const CLASSES = {
  integer: "Integer kernels",
  float: "Floating-point and vector kernels",
  program: "Whole programs",
  short: "Short runs",
  kernel: "System calls and processes",
  proportion: "Proportion: ten times the work",
} as const;
export type ClassName = keyof typeof CLASSES;

/** Who runs a case. `cold` is babelf without its caches, `node` is Node with nothing to do, `×10` is ten times the work. */
export type Way = "babelf" | "cold" | "qemu" | "native" | "wasm" | "node" | "babelf×10" | "qemu×10";

/** A command line, where it runs, and what to compare. */
export interface Run {
  readonly argv: readonly string[];
  /** The working directory: made anew for each run. */
  readonly cwd: string;
  readonly prepare?: (cwd: string) => void;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: Uint8Array;
  /** A file that it makes in its working directory: it must be the same everywhere. */
  readonly makes?: string;
  /** It measures by itself, and prints a Sample as JSON instead of the case's output. */
  readonly samples?: true;
  /** What it prints is not the case's output: Node with nothing to do. */
  readonly incomparable?: true;
}

export interface Setting {
  readonly target: Target;
  /** babelf's command, without options. */
  readonly babelf: readonly string[];
}

export interface Case {
  readonly class: ClassName;
  readonly name: string;
  /** Names of targets; all if absent. */
  readonly targets?: readonly string[];
  /** More rounds would take too long. */
  readonly rounds?: number;
  readonly ways: (setting: Setting) => Promise<Partial<Record<Way, Run>>>;
}

/** One run, measured by wait4(2): with all processes that it waited for. */
export interface Sample {
  /** Seconds of wall time. */
  readonly wall: number;
  /** Seconds of processor time, user and system. */
  readonly cpu: number;
  /** Largest resident set of one of its processes, MiB. */
  readonly peak: number;
}

export interface Measurement {
  readonly class: ClassName;
  readonly name: string;
  readonly target: string;
  readonly samples: Readonly<Partial<Record<Way, readonly Sample[]>>>;
  /** Why a way is missing or not to be believed. */
  readonly failure?: string;
}
