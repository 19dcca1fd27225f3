/** What `random` needs of an instruction set: how sequences, registers and programs are made, and how records compare. */
import type { Target } from "../harness/target.ts";
import type { Random } from "./prng.ts";

/** One thing that the minimiser keeps or drops as a whole. */
export interface Unit {
  /** Assembler lines; `@to(n)` stands for the label of unit n, or of the end if that unit is gone. */
  readonly lines: readonly string[];
}

export interface Sequence {
  readonly units: readonly Unit[];
  /** Records to start from; the sequence runs once from each. */
  readonly states: readonly Uint8Array[];
}

export interface Difference {
  readonly where: string;
  readonly ours: string;
  readonly peer: string;
}

export interface Generator {
  /** Bytes of a record: the processor's state before or after a sequence, and the scratch memory's. */
  readonly recordSize: number;
  /** What whole programs have in common ("FR=1"); batches take turns. */
  readonly variants: readonly string[];
  makeUnits(random: Random, variant: string): Unit[];
  makeState(random: Random, littleEndian: boolean): Uint8Array;
  /** Assembles and links into `folder`; the program's path. It writes a record for each state of each sequence. */
  buildProgram(
    sequences: readonly Sequence[],
    target: Target,
    variant: string,
    folder: string,
    name: string,
  ): Promise<string>;
  differences(ours: Uint8Array, peer: Uint8Array, littleEndian: boolean): Difference[];
  /** The first sequence of a program as assembly. */
  listing(program: string, target: Target): Promise<string[]>;
  /** The registers before a sequence that matter for it, as "name=value". */
  before(listing: readonly string[], state: Uint8Array, variant: string, littleEndian: boolean): string[];
}

export function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}

/** The units' lines with labels in them, in sequence `index`. */
export function linesOf({ units }: Sequence, index: number): string[] {
  const label = (target: number) => `.Lq${index}_${Math.min(target, units.length)}`;
  return units.flatMap((unit, n) => [
    `.Lq${index}_${n}:`,
    ...unit.lines.map((line) => line.replace(/@to\((\d+)\)/g, (_, target) => label(Number(target)))),
  ]);
}

/** Takes units out and moves the branch targets behind them. */
export function dropUnits(units: Sequence["units"], at: number, size: number): Sequence["units"] {
  const moved = (to: number) => (to <= at ? to : Math.max(at, to - size));
  return units
    .filter((_, n) => n < at || n >= at + size)
    .map((unit) => ({
      lines: unit.lines.map((line) => line.replace(/@to\((\d+)\)/g, (_, to) => `@to(${moved(Number(to))})`)),
    }));
}
