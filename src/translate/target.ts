/** What code is made for, and how it names things outside of its function. */
import type { Helper } from "../cpu/emitter.ts";

/**
 * - "hot": a whole region, with its registers in locals from end to end.
 * - "cold": one block, which goes on in others by tail calls; quickly made.
 * - "step": one instruction, which hands the next address to its caller.
 */
export type Tier = "hot" | "cold" | "step";

export interface Target {
  readonly littleEndian: boolean;
  /** Store registers before every access that may fault. */
  readonly precise: boolean;
  /** Test the page table before every access. */
  readonly softwareChecks: boolean;
  readonly tier: Tier;
  /** For a cold block: its place among the counters, or -1: it does not count how often it runs. */
  readonly counter: number;
  /** Offset of this mode's indirect-branch cache in CPU state. */
  readonly indirectCache: number;
  /** Table slot of a guest address in this mode. */
  slotOf(pc: number): number;
  /** Function index of a region in the same module, or -1. */
  functionOf(pc: number): number;
  helperIndex(helper: Helper): number;
  readonly systemCallIndex: number;
  readonly resolveIndex: number;
  /** Function index of `heat`: a cold block has run often enough. */
  readonly heatIndex: number;
  /** Type index of (pc, depth) → pc. */
  readonly regionType: number;
}
