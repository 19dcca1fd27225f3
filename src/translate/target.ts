/** What code is made for, and how it names things outside of its function. */
import type { Helper } from "../cpu/emitter.ts";

export interface Target {
  readonly littleEndian: boolean;
  /** Store registers before every access that may fault. */
  readonly precise: boolean;
  /** Test the page table before every access. */
  readonly softwareChecks: boolean;
  /** Offset of this mode's indirect-branch cache in CPU state. */
  readonly indirectCache: number;
  /** Table slot of a guest address in this mode. */
  slotOf(pc: number): number;
  /** Guest address at which the region begins: calls of it are calls of the function itself. */
  readonly start: number;
  helperIndex(helper: Helper): number;
  readonly systemCallIndex: number;
  readonly resolveIndex: number;
  /** Type index of (pc, depth) → pc. */
  readonly regionType: number;
}
