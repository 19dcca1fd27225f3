/**
 * What a region must load into its locals and where, and what it must store back before it leaves: two small data-flow
 * problems over containers, solved to a fixed point.
 *
 * A container is *dirty* where its local may differ from CPU state; every way out stores the dirty ones. It is *live*
 * where its local may still be read, by code or by such a store. Locals are filled at the region's entries and after
 * calls (*reload points*) with what is live there.
 */

/** A set of containers, by index. */
export class ContainerSet {
  readonly words: number[];
  constructor(size: number, words?: number[]) {
    this.words = words ?? (size <= 32 ? [0] : new Array<number>((size + 31) >>> 5).fill(0));
  }
  has(index: number): boolean {
    return (((this.words[index >>> 5] as number) >>> (index & 31)) & 1) !== 0;
  }
  add(index: number): void {
    (this.words[index >>> 5] as number) |= 1 << (index & 31);
  }
  addAll(other: ContainerSet): void {
    for (let w = 0; w < this.words.length; w++) (this.words[w] as number) |= other.words[w] as number;
  }
  clear(): void {
    this.words.fill(0);
  }
  copy(): ContainerSet {
    return new ContainerSet(0, this.words.slice());
  }
}

export interface BlockFacts {
  /** Containers read before they are wholly written. */
  readonly exposed: ContainerSet;
  /** Containers wholly written, on every way through the block. */
  readonly defined: ContainerSet;
  /** Containers written at all. */
  readonly written: ContainerSet;
  /** Somewhere in the block, or on its way out, dirty containers are stored. */
  readonly flushes: boolean;
  /** Successors reached with locals intact. */
  readonly successors: readonly number[];
}

export interface Dataflow {
  readonly dirtyIn: readonly ContainerSet[];
  readonly liveIn: readonly ContainerSet[];
}

/** `size` is the number of containers; blocks that are not reached are null. */
export function solve(blocks: readonly (BlockFacts | null)[], size: number): Dataflow {
  const alone = blocks.length === 1 ? blocks[0] : undefined;
  // Most cold blocks: nothing comes from elsewhere, nothing is live afterwards but what a way out stores.
  if (alone && alone.successors.length === 0) return { dirtyIn: [new ContainerSet(size)], liveIn: [alone.exposed] };
  const dirtyIn = blocks.map(() => new ContainerSet(size));
  const liveIn = blocks.map(() => new ContainerSet(size));
  const words = (size + 31) >>> 5;
  for (let changed = true; changed;) {
    changed = false;
    for (let b = 0; b < blocks.length; b++) {
      const block = blocks[b] as BlockFacts | null;
      if (!block) continue;
      for (const s of block.successors) {
        for (let w = 0; w < words; w++) {
          const to = (dirtyIn[s] as ContainerSet).words;
          const out = ((dirtyIn[b] as ContainerSet).words[w] as number) | (block.written.words[w] as number);
          if ((out & ~(to[w] as number)) !== 0) {
            (to[w] as number) |= out;
            changed = true;
          }
        }
      }
    }
  }
  for (let changed = true; changed;) {
    changed = false;
    for (let b = blocks.length - 1; b >= 0; b--) {
      const block = blocks[b] as BlockFacts | null;
      if (!block) continue;
      const live = (liveIn[b] as ContainerSet).words;
      for (let w = 0; w < words; w++) {
        let after = 0;
        for (const s of block.successors) after |= (liveIn[s] as ContainerSet).words[w] as number;
        after = (after & ~(block.defined.words[w] as number)) | (block.exposed.words[w] as number);
        if (block.flushes) after |= (dirtyIn[b] as ContainerSet).words[w] as number;
        if ((after & ~(live[w] as number)) !== 0) {
          (live[w] as number) |= after;
          changed = true;
        }
      }
    }
  }
  return { dirtyIn, liveIn };
}
