/**
 * A region's control flow as the graph that `structure.ts` turns into nested Wasm: a node for each block that is reached;
 * for computed jumps with known candidates a *switch*, which goes to the candidate that the pc local names; and, where
 * there are several entries or edges that make the graph irreducible, a *dispatcher* in front, which goes to the stub of
 * the entry that the pc parameter names.
 *
 * Blocks and switches have *places*: block n is place n, the switches come after the blocks.
 */
import type { Block, Terminator } from "./ir.ts";
import type { Region } from "./region.ts";
import { analyse, type Shape } from "./structure.ts";

export type GraphNode =
  | { readonly kind: "block"; readonly index: number }
  | { readonly kind: "switch"; readonly index: number }
  | { readonly kind: "dispatch" }
  /** Fills the locals for a place that the dispatcher enters: a block, or a switch for all other addresses. */
  | { readonly kind: "entry"; readonly index: number };

/** The shape of a graph with one node and no edges, as a block alone has. */
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
      return [terminator.returnKey];
    case "callIndirect":
      return [...terminator.copies.map(({ key }) => key), terminator.returnKey];
    case "return":
      return terminator.expected ? [terminator.expected.key] : NOWHERE;
    case "systemCall":
      return [terminator.next];
    default:
      return NOWHERE;
  }
}

/** The node of the dispatcher, where there is one. */
export const DISPATCHER = 0;

/** A switch is a table over addresses: it may span so many bytes. */
const MAX_SPAN = 0x8000;

/** The most of the places in a row that lie within `MAX_SPAN`. */
function densest(places: readonly number[], addressOf: (place: number) => number): readonly number[] {
  let best = places.slice(0, 1);
  for (let first = 0, end = 0; end < places.length; first++) {
    const limit = addressOf(places[first] as number) + MAX_SPAN;
    while (end < places.length && addressOf(places[end] as number) < limit) end++;
    if (end - first > best.length) best = places.slice(first, end);
  }
  return best;
}

export class RegionGraph {
  readonly blocks: readonly Block[];
  /** Blocks by key; a single block needs no map. */
  readonly #indexOf: Map<number, number> | null;
  /** Candidates of each switch, as blocks. */
  readonly switches: readonly (readonly number[])[];
  /** The switch in which a block's computed jump ends. */
  readonly #switchOf = new Map<number, number>();
  /** Switches that cannot be structured: their jumps leave the region. */
  readonly #dropped = new Set<number>();
  /** Edges that take another way, by `#edgeKey`: by the place of a switch, or by the dispatcher (-1). */
  readonly #detours = new Map<number, number>();
  /** Places that control can enter from outside or from the dispatcher; the first is where the region begins. */
  readonly entries: number[];
  /** The place of the switch that is one of them, or -1. */
  entrySwitch = -1;
  hasDispatcher = false;
  nodes: GraphNode[] = [];
  shape: Shape = SINGLE;
  /** Node of each place that is reached; -1 for others. */
  #nodeOf: number[] = [];
  #successors: number[][] = [];

  constructor({ blocks, entries }: Region) {
    this.blocks = blocks;
    this.#indexOf = blocks.length === 1 ? null : new Map(blocks.map(({ key }, i) => [key, i]));
    this.entries = entries.map((pc) => this.indexOf(pc));
    this.switches = this.#findSwitches();
    this.#structure();
    if (this.switches.length > 0) this.#openSwitch();
  }

  /** The block with that key, or -1: control leaves the region there. */
  indexOf(key: number): number {
    if (this.#indexOf) return this.#indexOf.get(key) ?? -1;
    return (this.blocks[0] as Block).key === key ? 0 : -1;
  }

  /** The place of the switch that a block's computed jump goes to, or -1: it leaves the region. */
  switchOf(block: number): number {
    return this.#switchOf.get(block) ?? -1;
  }

  isReached(place: number): boolean {
    return this.#nodeOf[place] !== -1;
  }

  nodeOf(place: number): number {
    return this.#nodeOf[place] as number;
  }

  successorsOfNode(node: number): readonly number[] {
    return this.#successors[node] as readonly number[];
  }

  /** Where the edge between two places leads with locals intact: to the second, or to a switch; -1: to the dispatcher. */
  hop(from: number, to: number): number {
    return this.#detours.get(this.#edgeKey(from, to)) ?? to;
  }

  #edgeKey(from: number, to: number): number {
    return from * (this.blocks.length + this.switches.length) + to;
  }

  /** Does the edge go back in reverse postorder, as every loop does somewhere? */
  isBackward(from: number, to: number): boolean {
    const { place } = this.shape;
    return (place[this.nodeOf(to)] as number) <= (place[this.nodeOf(from)] as number);
  }

  /** Computed jumps that have a candidate in common (a threaded interpreter's) share a switch. */
  #findSwitches(): (readonly number[])[] {
    const switches: Set<number>[] = [];
    for (const { terminator } of this.blocks) {
      if (terminator.kind !== "jumpIndirect") continue;
      const candidates = terminator.candidates.map((key) => this.indexOf(key)).filter((index) => index >= 0);
      if (candidates.length === 0) continue;
      const shared = switches.filter((other) => candidates.some((candidate) => other.has(candidate)));
      const whole = shared[0] ?? new Set<number>();
      if (shared.length === 0) switches.push(whole);
      for (const candidate of candidates) whole.add(candidate);
      for (const other of shared.slice(1)) {
        for (const candidate of other) whole.add(candidate);
        other.clear();
      }
    }
    const found = switches.filter((set) => set.size > 0);
    this.blocks.forEach(({ terminator }, block) => {
      if (terminator.kind !== "jumpIndirect") return;
      const first = terminator.candidates.map((key) => this.indexOf(key)).find((index) => index >= 0);
      const number = first === undefined ? -1 : found.findIndex((set) => set.has(first));
      if (number >= 0) this.#switchOf.set(block, this.blocks.length + number);
    });
    const pcOf = (block: number): number => (this.blocks[block] as Block).pc;
    return found.map((set) =>
      densest(
        [...set].sort((a, b) => pcOf(a) - pcOf(b)),
        pcOf,
      ),
    );
  }

  /** The address of a computed jump that goes to a switch. */
  jumpOf(place: number): number {
    const index = this.blocks.findIndex((_, block) => this.#switchOf.get(block) === place);
    return (this.blocks[index] as Block).lastPc;
  }

  #add(node: GraphNode): number {
    this.#successors.push([]);
    return this.nodes.push(node) - 1;
  }

  #connect(from: number, to: number): void {
    (this.#successors[from] as number[]).push(to);
  }

  /** Lays the graph out; each irreducible edge that is found takes another way, until none is left. */
  #structure(): void {
    do this.#layOut();
    while (this.#divertIrreducible());
  }

  /**
   * If a switch heads a loop, fuel may end there: it becomes an entry of the region, for the addresses of its candidates.
   * Not so in the copy of a function, which knows where it returns to.
   */
  #openSwitch(): void {
    const number = this.switches.findIndex((candidates, i) => {
      const place = this.blocks.length + i;
      if (candidates.some((candidate) => (this.blocks[candidate] as Block).key < 0)) return false;
      return this.isReached(place) && this.shape.isLoopHeader[this.nodeOf(place)] === true;
    });
    if (number < 0 || this.hasDispatcher) return;
    this.entrySwitch = this.blocks.length + number;
    this.entries.push(this.entrySwitch);
    this.#layOut();
    if (this.shape.irreducible.length === 0) return;
    this.entrySwitch = -1;
    this.entries.pop();
    this.#layOut();
  }

  #layOut(): void {
    this.nodes = [];
    this.#successors = [];
    this.#nodeOf = new Array<number>(this.blocks.length + this.switches.length).fill(-1);
    this.hasDispatcher = this.entries.length > 1 || [...this.#detours.values()].includes(-1);
    const work: number[] = [];
    if (this.hasDispatcher) {
      this.#add({ kind: "dispatch" });
      for (const index of this.entries) {
        const entry = this.#add({ kind: "entry", index });
        this.#connect(DISPATCHER, entry);
        this.#connect(entry, this.#reach(index, work));
      }
    } else this.#reach(this.entries[0] as number, work);
    for (let place = work.pop(); place !== undefined; place = work.pop()) {
      for (const to of this.#successorsOf(place)) {
        const hop = this.hop(place, to);
        this.#connect(this.nodeOf(place), hop < 0 ? DISPATCHER : this.#reach(hop, work));
      }
    }
    this.shape =
      this.nodes.length === 1 && this.#successors[0]?.length === 0 ? SINGLE : analyse({ successors: this.#successors });
  }

  #successorsOf(place: number): readonly number[] {
    if (place >= this.blocks.length) return this.switches[place - this.blocks.length] as readonly number[];
    const { terminator } = this.blocks[place] as Block;
    if (terminator.kind === "jumpIndirect") {
      const to = this.switchOf(place);
      return to < 0 ? NOWHERE : [to];
    }
    return successorKeys(terminator)
      .map((key) => this.indexOf(key))
      .filter((index) => index >= 0);
  }

  /** The place's node; a new one has its successors still to be followed. */
  #reach(place: number, work: number[]): number {
    if (!this.isReached(place)) {
      this.#nodeOf[place] = this.#add({ kind: place < this.blocks.length ? "block" : "switch", index: place });
      work.push(place);
    }
    return this.nodeOf(place);
  }

  /** True if there was an irreducible edge. */
  #divertIrreducible(): boolean {
    for (const edge of this.shape.irreducible) {
      const from = this.nodes[edge.from] as GraphNode;
      const to = this.nodes[edge.to] as GraphNode;
      if (from.kind === "block" && to.kind === "block") this.#divert(from.index, to.index);
      else if (to.kind === "switch") this.#drop(to.index);
      else if (from.kind === "switch") this.#drop(from.index);
      else throw new Error("irreducible edge at the dispatcher");
    }
    return this.shape.irreducible.length > 0;
  }

  #divert(from: number, to: number): void {
    const number = this.switches.findIndex(
      (candidates, i) => candidates.includes(to) && this.isReached(this.blocks.length + i) && !this.#dropped.has(i),
    );
    this.#detours.set(this.#edgeKey(from, to), number < 0 ? -1 : this.blocks.length + number);
    if (number < 0 && !this.entries.includes(to)) this.entries.push(to);
  }

  /** Gives a switch up: its jumps leave the region. */
  #drop(place: number): void {
    this.#dropped.add(place - this.blocks.length);
    for (const [block, to] of this.#switchOf) if (to === place) this.#switchOf.delete(block);
    for (const [edge, to] of this.#detours) if (to === place) this.#detours.delete(edge);
  }
}
