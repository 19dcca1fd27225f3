import { expect, test } from "vitest";
import { type Block, CONST, Node, type Terminator } from "./ir.ts";
import { RegionGraph } from "./region-graph.ts";
import { Walk } from "./structure.ts";

const condition = new Node(0, CONST, "i32");

/** Blocks at 0, 4, 8 … that end at random. */
function randomBlocks(random: (n: number) => number): Block[] {
  const count = 1 + random(12);
  const any = (): number => 4 * random(count + 1);
  return Array.from({ length: count }, (_, i) => {
    const ends: Terminator[] = [
      { kind: "jump", target: any() },
      { kind: "branch", condition, taken: any(), notTaken: any() },
      { kind: "branch", condition, taken: any(), notTaken: any() },
      { kind: "call", target: 0x1000, returnAddress: 4 * i + 4, returnKey: 4 * i + 4 },
      {
        kind: "jumpIndirect",
        target: condition,
        candidates: [...new Set(Array.from({ length: 1 + random(4) }, any))].sort((a, b) => a - b),
      },
      { kind: "return", target: condition, expected: null },
    ];
    return { key: 4 * i, pc: 4 * i, lastPc: 4 * i, effects: [], terminator: ends[random(ends.length)] as Terminator };
  });
}

test("every region can be structured, and each of its nodes is written once", () => {
  let seed = 1;
  const random = (n: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 16) % n;
  };
  let switches = 0;
  let entrySwitches = 0;
  for (let round = 0; round < 3000; round++) {
    const graph = new RegionGraph({
      entries: [0],
      blocks: randomBlocks(random),
      size: 1,
      pages: new Set(),
      unwanted: new Set(),
    });
    for (const [block, { terminator }] of graph.blocks.entries()) {
      const place = graph.switchOf(block);
      if (terminator.kind === "jumpIndirect" && place >= 0) expect(graph.hop(block, place)).toBe(place);
    }
    const written = new Map<number, number>();
    const nothing = (): void => {};
    new Walk(graph.shape, {
      openBlock: nothing,
      openLoop: nothing,
      end: nothing,
      br: nothing,
      node: (node, walk) => {
        written.set(node, (written.get(node) ?? 0) + 1);
        for (const to of graph.successorsOfNode(node)) walk.inside(() => walk.edge(node, to));
      },
    }).run();
    expect([...written.keys()].sort((a, b) => a - b)).toEqual(graph.nodes.map((_, i) => i));
    expect(new Set(written.values())).toEqual(new Set([1]));
    switches += graph.nodes.filter(({ kind }) => kind === "switch").length;
    if (graph.entrySwitch >= 0) entrySwitches++;
  }
  expect(switches).toBeGreaterThan(500);
  expect(entrySwitches).toBeGreaterThan(30);
});
