/**
 * A region's control flow as the graph that `structure.ts` turns into nested Wasm: a node for each block that is reached
 * and, where there are several entries or edges that make the graph irreducible, a *dispatcher* in front, which goes to
 * the stub of the entry that the pc parameter names.
 */
import type { Block, Terminator } from "./ir.ts";
import type { Region } from "./region.ts";
import { analyse, type Shape } from "./structure.ts";

export type GraphNode =
  | { readonly kind: "block"; readonly index: number }
  | { readonly kind: "dispatch" }
  /** Fills the locals for a block that the dispatcher enters. */
  | { readonly kind: "entry"; readonly block: number; readonly pc: number };

/** The shape of a graph with one node and no edges, as most cold blocks have. */
const SINGLE: Shape = {
  order: [0],
  place: [0],
  dominator: [0],
  isLoopHeader: [false],
  isMerge: [false],
  irreducible: [],
};

const NOWHERE: readonly number[] = [];

/** Keys of the blocks in which control may go on after this one, with locals intact or not. */
function successorKeys(terminator: Terminator): readonly number[] {
  switch (terminator.kind) {
    case "jump":
      return [terminator.target];
    case "branch":
      return [terminator.taken, terminator.notTaken];
    case "call":
    case "callIndirect":
      return [terminator.returnAddress];
    case "systemCall":
      return [terminator.next];
    default:
      return NOWHERE;
  }
}

/** The node of the dispatcher, where there is one. */
export const DISPATCHER = 0;

export class RegionGraph {
  readonly blocks: readonly Block[];
  /** Blocks by key; a single block needs no map. */
  readonly #indexOf: Map<number, number> | null;
  /** Edges that go through the dispatcher, as `from * blocks + to`. */
  #viaDispatcher: Set<number> | null = null;
  /** Blocks that control can enter from outside or from the dispatcher; the first is where the region begins. */
  readonly entryBlocks: number[];
  hasDispatcher = false;
  nodes: GraphNode[] = [];
  shape: Shape = SINGLE;
  /** Node of each block that is reached; -1 for others. */
  #nodeOf: number[] = [];
  #successors: number[][] = [];

  constructor({ blocks, entries }: Region) {
    this.blocks = blocks;
    this.#indexOf = blocks.length === 1 ? null : new Map(blocks.map(({ key }, i) => [key, i]));
    this.entryBlocks = entries.map((pc) => this.indexOf(pc));
    // Each irreducible edge found becomes an edge through the dispatcher, until none is left.
    do this.#layOut();
    while (this.#divertIrreducible());
  }

  /** The block with that key, or -1: control leaves the region there. */
  indexOf(key: number): number {
    if (this.#indexOf) return this.#indexOf.get(key) ?? -1;
    return (this.blocks[0] as Block).key === key ? 0 : -1;
  }

  isReached(block: number): boolean {
    return this.#nodeOf[block] !== -1;
  }

  nodeOf(block: number): number {
    return this.#nodeOf[block] as number;
  }

  isDispatched(from: number, to: number): boolean {
    return this.#viaDispatcher !== null && this.#viaDispatcher.has(from * this.blocks.length + to);
  }

  /** Does the edge go back in reverse postorder, as every loop does somewhere? */
  isBackward(from: number, to: number): boolean {
    const { place } = this.shape;
    return (place[this.nodeOf(to)] as number) <= (place[this.nodeOf(from)] as number);
  }

  #add(node: GraphNode): number {
    this.#successors.push([]);
    return this.nodes.push(node) - 1;
  }

  #connect(from: number, to: number): void {
    (this.#successors[from] as number[]).push(to);
  }

  #layOut(): void {
    this.nodes = [];
    this.#successors = [];
    this.#nodeOf = this.blocks.map(() => -1);
    this.hasDispatcher = this.entryBlocks.length > 1 || this.#viaDispatcher !== null;
    const work: number[] = [];
    if (this.hasDispatcher) {
      this.#add({ kind: "dispatch" });
      for (const block of this.entryBlocks) {
        const entry = this.#add({ kind: "entry", block, pc: (this.blocks[block] as Block).key });
        this.#connect(DISPATCHER, entry);
        this.#connect(entry, this.#reach(block, work));
      }
    } else this.#reach(this.entryBlocks[0] as number, work);
    for (let block = work.pop(); block !== undefined; block = work.pop()) {
      for (const key of successorKeys((this.blocks[block] as Block).terminator)) {
        const to = this.indexOf(key);
        if (to >= 0)
          this.#connect(this.nodeOf(block), this.isDispatched(block, to) ? DISPATCHER : this.#reach(to, work));
      }
    }
    this.shape =
      this.nodes.length === 1 && this.#successors[0]?.length === 0 ? SINGLE : analyse({ successors: this.#successors });
  }

  /** The block's node; a new one has its successors still to be followed. */
  #reach(block: number, work: number[]): number {
    if (!this.isReached(block)) {
      this.#nodeOf[block] = this.#add({ kind: "block", index: block });
      work.push(block);
    }
    return this.nodeOf(block);
  }

  /** True if there was an irreducible edge. */
  #divertIrreducible(): boolean {
    for (const { from, to } of this.shape.irreducible) {
      const source = this.nodes[from] as GraphNode;
      const sink = this.nodes[to] as GraphNode;
      if (source.kind !== "block" || sink.kind !== "block") throw new Error("irreducible edge at the dispatcher");
      this.#viaDispatcher ??= new Set();
      this.#viaDispatcher.add(source.index * this.blocks.length + sink.index);
      if (!this.entryBlocks.includes(sink.index)) this.entryBlocks.push(sink.index);
    }
    return this.shape.irreducible.length > 0;
  }
}
