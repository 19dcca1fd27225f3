import { describe, expect, test } from "vitest";
import { analyse, type Sink, Walk } from "./structure.ts";

/** What the walk writes, as a tree that can be run. */
type Code =
  { do: "node"; node: number; edges: Code[][] } | { do: "block" | "loop"; body: Code[] } | { do: "br"; depth: number };

/** Structures a graph; each node's terminator is an n-way `if` over its edges. */
function structured(successors: number[][]): Code[] {
  const root: Code[] = [];
  const open: Code[][] = [root];
  const here = (): Code[] => open.at(-1) as Code[];
  const sink: Sink = {
    openBlock: () => {
      const body: Code[] = [];
      here().push({ do: "block", body });
      open.push(body);
    },
    openLoop: () => {
      const body: Code[] = [];
      here().push({ do: "loop", body });
      open.push(body);
    },
    end: () => {
      open.pop();
    },
    br: (depth) => {
      here().push({ do: "br", depth });
    },
    node: (node, walk) => {
      const edges: Code[][] = [];
      here().push({ do: "node", node, edges });
      for (const to of successors[node] as number[]) {
        const body: Code[] = [];
        edges.push(body);
        open.push(body);
        walk.inside(() => walk.edge(node, to));
        open.pop();
      }
    },
  };
  new Walk(analyse({ successors }), sink).run();
  return root;
}

/** Runs structured code along `choices`; returns the nodes that were passed. */
function run(code: Code[], successors: number[][], choices: number[]): number[] {
  const passed: number[] = [];
  let step = 0;
  /** Returns how many constructs are still to be left, or -1 at the end of the list. */
  const list = (items: Code[]): number => {
    for (const item of items) {
      const left = one(item);
      if (left >= 0) return left;
    }
    return -1;
  };
  const one = (item: Code): number => {
    if (item.do === "br") return item.depth;
    if (item.do === "node") {
      passed.push(item.node);
      const edges = successors[item.node] as number[];
      if (edges.length === 0 || step === choices.length) return 1 << 20;
      const left = list(item.edges[(choices[step++] as number) % edges.length] as Code[]);
      return left < 0 ? -1 : left - 1;
    }
    for (;;) {
      const left = list(item.body);
      if (left < 0) return -1;
      if (left > 0) return left - 1;
      if (item.do === "block") return -1;
    }
  };
  list(code);
  return passed;
}

function walkGraph(successors: number[][], choices: number[]): number[] {
  const passed = [0];
  for (const choice of choices) {
    const edges = successors[passed.at(-1) as number] as number[];
    if (edges.length === 0) break;
    passed.push(edges[choice % edges.length] as number);
  }
  return passed;
}

/** A small deterministic generator (xorshift32). */
function random(seed: number): (below: number) => number {
  let x = seed;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}

describe("structuring", () => {
  test("a loop with two exits and a join", () => {
    const successors = [[1], [2, 4], [3, 4], [1], []];
    const { isLoopHeader, isMerge } = analyse({ successors });
    expect(isLoopHeader).toEqual([false, true, false, false, false]);
    expect(isMerge[4]).toBe(true);
  });

  test("a loop entered in its middle is irreducible", () => {
    const { irreducible } = analyse({ successors: [[1, 2], [2], [1]] });
    expect(irreducible).toHaveLength(1);
  });

  test("random reducible graphs run as the graph does", () => {
    const next = random(1);
    let tried = 0;
    for (let round = 0; round < 4000; round++) {
      const size = 2 + next(9);
      const successors = Array.from({ length: size }, () => Array.from({ length: next(3) }, () => next(size)));
      const reached = new Set([0]);
      for (const node of reached) for (const to of successors[node] as number[]) reached.add(to);
      if (reached.size !== size || analyse({ successors }).irreducible.length > 0) continue;
      tried++;
      const code = structured(successors);
      const choices = Array.from({ length: 40 }, () => next(6));
      expect(run(code, successors, choices)).toEqual(walkGraph(successors, choices));
    }
    expect(tried).toBeGreaterThan(300);
  });
});
