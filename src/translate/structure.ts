/**
 * Turns a control-flow graph into nested `block`, `loop` and `if`, as Wasm wants it (N. Ramsey, "Beyond Relooper", ICFP
 * 2022): a walk over the dominator tree in which a loop header opens a `loop` and a node with several forward
 * predecessors is placed behind a `block` that branches to it leave.
 *
 * Edges that make the graph irreducible (they enter a loop elsewhere than at its header) are handed to a dispatcher node
 * that is the root of the graph, so that what is left is always reducible.
 */

export interface Graph {
  /** Successors of each node; node 0 is the root and all others are reachable from it. */
  readonly successors: readonly (readonly number[])[];
}

export interface Shape {
  /** Nodes in reverse postorder, and each node's place in it. */
  readonly order: readonly number[];
  readonly place: readonly number[];
  readonly dominator: readonly number[];
  /** Targets of backward edges. */
  readonly isLoopHeader: readonly boolean[];
  /** Nodes with two or more forward predecessors. */
  readonly isMerge: readonly boolean[];
  /** Backward edges whose target does not dominate their source. */
  readonly irreducible: readonly { readonly from: number; readonly to: number }[];
}

function reversePostorder(successors: Graph["successors"]): number[] {
  const order: number[] = [];
  const seen = new Uint8Array(successors.length);
  const stack: { node: number; next: number }[] = [{ node: 0, next: 0 }];
  seen[0] = 1;
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const targets = successors[top.node] as readonly number[];
    if (top.next < targets.length) {
      const target = targets[top.next++] as number;
      if (!seen[target]) {
        seen[target] = 1;
        stack.push({ node: target, next: 0 });
      }
    } else {
      order.push(top.node);
      stack.pop();
    }
  }
  return order.reverse();
}

/** Analyses a graph: Cooper, Harvey and Kennedy's dominator algorithm over reverse postorder. */
export function analyse({ successors }: Graph): Shape {
  const count = successors.length;
  const order = reversePostorder(successors);
  const place = new Array<number>(count).fill(-1);
  order.forEach((node, i) => {
    place[node] = i;
  });
  const predecessors: number[][] = Array.from({ length: count }, () => []);
  for (const node of order)
    for (const target of successors[node] as readonly number[]) (predecessors[target] as number[]).push(node);

  const dominator = new Array<number>(count).fill(-1);
  dominator[0] = 0;
  for (let changed = true; changed;) {
    changed = false;
    for (const node of order) {
      if (node === 0) continue;
      let common = -1;
      for (const from of predecessors[node] as number[]) {
        if (dominator[from] === -1) continue;
        let a = from;
        let b = common === -1 ? from : common;
        while (a !== b) {
          while ((place[a] as number) > (place[b] as number)) a = dominator[a] as number;
          while ((place[b] as number) > (place[a] as number)) b = dominator[b] as number;
        }
        common = a;
      }
      if (dominator[node] !== common) {
        dominator[node] = common;
        changed = true;
      }
    }
  }
  const dominates = (a: number, b: number): boolean => {
    let node = b;
    while ((place[node] as number) > (place[a] as number)) node = dominator[node] as number;
    return node === a;
  };

  const isLoopHeader = new Array<boolean>(count).fill(false);
  const isMerge = new Array<boolean>(count).fill(false);
  const irreducible: { from: number; to: number }[] = [];
  for (const node of order) {
    let forward = 0;
    for (const from of predecessors[node] as number[]) {
      if ((place[from] as number) < (place[node] as number)) forward++;
      else {
        isLoopHeader[node] = true;
        if (!dominates(node, from)) irreducible.push({ from, to: node });
      }
    }
    isMerge[node] = forward >= 2;
  }
  return { order, place, dominator, isLoopHeader, isMerge, irreducible };
}

/** What the walk writes to. */
export interface Sink {
  openBlock(): void;
  openLoop(): void;
  end(): void;
  /** Branches to the enclosing construct `depth` levels out. */
  br(depth: number): void;
  /** Writes node's code and its terminator; for each edge taken it calls `Walk.edge`. */
  node(node: number, walk: Walk): void;
}

type Frame = { readonly kind: "loop" | "block"; readonly node: number } | { readonly kind: "other" };

/** The children in a tree of one node. */
const ALONE: readonly number[][] = [[]];

export class Walk {
  readonly #shape: Shape;
  readonly #sink: Sink;
  /** Of each node in the dominator tree. */
  readonly #children: readonly number[][];
  readonly #frames: Frame[] = [];

  constructor(shape: Shape, sink: Sink) {
    this.#shape = shape;
    this.#sink = sink;
    this.#children = shape.order.length === 1 ? ALONE : Array.from({ length: shape.place.length }, () => []);
    for (const node of shape.order)
      if (node !== 0) (this.#children[shape.dominator[node] as number] as number[]).push(node);
  }

  run(): void {
    this.#tree(0);
  }

  #tree(node: number): void {
    if (!this.#shape.isLoopHeader[node]) {
      this.#within(node);
      return;
    }
    this.#sink.openLoop();
    this.#frames.push({ kind: "loop", node });
    this.#within(node);
    this.#frames.pop();
    this.#sink.end();
  }

  #within(node: number): void {
    if ((this.#children[node] as number[]).length === 0) {
      this.#sink.node(node, this);
      return;
    }
    // Merge nodes below this one, the furthest in reverse postorder outermost.
    const merges = (this.#children[node] as number[]).filter((child) => this.#shape.isMerge[child]);
    for (const merge of merges.toReversed()) {
      this.#sink.openBlock();
      this.#frames.push({ kind: "block", node: merge });
    }
    this.#sink.node(node, this);
    for (const merge of merges) {
      this.#frames.pop();
      this.#sink.end();
      this.#tree(merge);
    }
  }

  /** Control goes from one node to another, here. */
  edge(from: number, to: number): void {
    const { place, isMerge } = this.#shape;
    if ((place[to] as number) <= (place[from] as number)) this.#sink.br(this.#depthOf("loop", to));
    else if (isMerge[to]) this.#sink.br(this.#depthOf("block", to));
    else this.#tree(to);
  }

  /** Says that `write` writes inside an `if` or `block` that the sink has opened. */
  inside(write: () => void): void {
    this.#frames.push({ kind: "other" });
    write();
    this.#frames.pop();
  }

  #depthOf(kind: "loop" | "block", node: number): number {
    for (let i = this.#frames.length - 1; i >= 0; i--) {
      const frame = this.#frames[i] as Frame;
      if (frame.kind === kind && frame.node === node) return this.#frames.length - 1 - i;
    }
    throw new Error(`no ${kind} for node ${node}: the graph is irreducible`);
  }
}
