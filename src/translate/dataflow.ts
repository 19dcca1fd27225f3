/**
 * What a region must load into its locals and where, and what it must store back before it leaves: two small data-flow
 * problems over containers, solved to a fixed point.
 *
 * A container is *dirty* where its local may differ from CPU state; every way out stores the dirty ones. It is *live*
 * where its local may still be read, by code or by such a store. Locals are filled at the region's entries and after
 * calls (*reload points*) with what is live there.
 */

export interface BlockFacts {
  /** Containers read before they are wholly written. */
  readonly exposed: Uint8Array;
  /** Containers wholly written, on every way through the block. */
  readonly defined: Uint8Array;
  /** Containers written at all. */
  readonly written: Uint8Array;
  /** Somewhere in the block, or on its way out, dirty containers are stored. */
  readonly flushes: boolean;
  /** Successors reached with locals intact. */
  readonly successors: readonly number[];
}

export interface Dataflow {
  readonly dirtyIn: readonly Uint8Array[];
  readonly liveIn: readonly Uint8Array[];
}

export function solve(blocks: readonly BlockFacts[], containers: number): Dataflow {
  const dirtyIn = blocks.map(() => new Uint8Array(containers));
  const liveIn = blocks.map(() => new Uint8Array(containers));
  for (let changed = true; changed; ) {
    changed = false;
    blocks.forEach(({ written, successors }, b) => {
      const from = dirtyIn[b] as Uint8Array;
      for (const s of successors) {
        const to = dirtyIn[s] as Uint8Array;
        for (let c = 0; c < containers; c++) {
          if (!to[c] && (from[c] || written[c])) {
            to[c] = 1;
            changed = true;
          }
        }
      }
    });
  }
  for (let changed = true; changed; ) {
    changed = false;
    for (let b = blocks.length - 1; b >= 0; b--) {
      const { exposed, defined, flushes, successors } = blocks[b] as BlockFacts;
      const live = liveIn[b] as Uint8Array;
      for (let c = 0; c < containers; c++) {
        if (live[c]) continue;
        if (exposed[c] || (flushes && (dirtyIn[b] as Uint8Array)[c]) || (!defined[c] && successors.some((s) => (liveIn[s] as Uint8Array)[c]))) {
          live[c] = 1;
          changed = true;
        }
      }
    }
  }
  return { dirtyIn, liveIn };
}
