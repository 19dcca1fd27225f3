/**
 * What a region must load into its locals and where, and what it must store back before it leaves: two small data-flow
 * problems over containers, solved to a fixed point.
 *
 * A container is *dirty* where its local may differ from CPU state; every way out stores the dirty ones. It is *live*
 * where its local may still be read, by code or by such a store. Locals are filled at the region's entries and after
 * calls (*reload points*) with what is live there.
 *
 * It is *needed* at a block if guest code from there on may read it before it is overwritten. Where fuel ends on the way
 * to a block, only what is needed there is stored: a loop that sets flags anew does not compute them in each round.
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
  and(other: ContainerSet): ContainerSet {
    return new ContainerSet(
      0,
      this.words.map((word, w) => word & (other.words[w] as number)),
    );
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
  /** An instruction in the middle may leave, and stores what is dirty then. */
  readonly leavesInside: boolean;
  /** At its end all that is dirty is stored. */
  readonly leavesAtEnd: boolean;
  /** Successors reached with locals intact. */
  readonly successors: readonly number[];
  /** Those of them that are reached by going back, where fuel may end. */
  readonly backward: readonly number[];
}

export interface Dataflow {
  readonly dirtyIn: readonly ContainerSet[];
  readonly liveIn: readonly ContainerSet[];
  readonly liveOut: readonly ContainerSet[];
  readonly needed: readonly ContainerSet[];
}

type Facts = readonly (BlockFacts | null)[];

/** `size` is the number of containers; blocks that are not reached are null. */
export function solve(blocks: Facts, size: number): Dataflow {
  const alone = blocks.length === 1 ? blocks[0] : undefined;
  // A block alone: nothing comes from elsewhere, nothing is live afterwards but what a way out stores.
  if (alone && alone.successors.length === 0)
    return { dirtyIn: [new ContainerSet(size)], liveIn: [alone.exposed], liveOut: [alone.written], needed: [] };
  const sets = (): ContainerSet[] => blocks.map(() => new ContainerSet(size));
  const flow = { dirtyIn: sets(), liveIn: sets(), liveOut: sets(), needed: sets() };
  const words = (size + 31) >>> 5;
  for (let w = 0; w < words; w++) {
    solveDirty(blocks, flow, w);
    solveNeeded(blocks, flow, w);
    solveLive(blocks, flow, w);
  }
  return flow;
}

const word = (sets: readonly ContainerSet[], block: number, w: number): number =>
  (sets[block] as ContainerSet).words[w] as number;

/** Adds bits to one word of a set; true if any of them is new. */
function grow(sets: readonly ContainerSet[], block: number, w: number, bits: number): boolean {
  const { words } = sets[block] as ContainerSet;
  const before = words[w] as number;
  words[w] = before | bits;
  return (bits & ~before) !== 0;
}

function solveDirty(blocks: Facts, { dirtyIn }: Dataflow, w: number): void {
  for (let changed = true; changed;) {
    changed = false;
    blocks.forEach((block, b) => {
      if (!block) return;
      const out = word(dirtyIn, b, w) | (block.written.words[w] as number);
      for (const s of block.successors) if (grow(dirtyIn, s, w, out)) changed = true;
    });
  }
}

/** Goes over the blocks from the last to the first until nothing changes. */
function backwards(blocks: Facts, visit: (block: BlockFacts, index: number) => boolean): void {
  for (let changed = true; changed;) {
    changed = false;
    for (let b = blocks.length - 1; b >= 0; b--) {
      const block = blocks[b] as BlockFacts | null;
      if (block && visit(block, b)) changed = true;
    }
  }
}

function solveNeeded(blocks: Facts, { needed }: Dataflow, w: number): void {
  backwards(blocks, (block, b) => {
    let after = block.leavesAtEnd ? -1 : 0;
    for (const s of block.successors) after |= word(needed, s, w);
    const before = block.leavesInside ? -1 : after & ~(block.defined.words[w] as number);
    return grow(needed, b, w, before | (block.exposed.words[w] as number));
  });
}

function solveLive(blocks: Facts, { dirtyIn, needed, liveIn, liveOut }: Dataflow, w: number): void {
  backwards(blocks, (block, b) => {
    const dirty = word(dirtyIn, b, w) | (block.written.words[w] as number);
    let after = block.leavesAtEnd ? dirty : 0;
    for (const s of block.successors) after |= word(liveIn, s, w);
    for (const s of block.backward) after |= dirty & word(needed, s, w);
    grow(liveOut, b, w, after);
    const before = (after & ~(block.defined.words[w] as number)) | (block.exposed.words[w] as number);
    return grow(liveIn, b, w, block.leavesInside ? before | word(dirtyIn, b, w) : before);
  });
}
