import { expect, test } from "vitest";
import type { Emitter } from "../cpu/emitter.ts";
import type { Flow, Instruction, Isa } from "../cpu/isa.ts";
import { BlockBuilder } from "./block-builder.ts";
import { findRegion, type RegionLimits } from "./region.ts";

/** The addresses of the blocks of the region at `head`, in a program of four-byte instructions that do nothing but flow. */
function blocksAt(program: Readonly<Record<number, Flow>>, head: number, limits: Partial<RegionLimits>): number[] {
  const decode = (_: unknown, pc: number): Instruction => ({ pc, size: 4, word: 0, flow: program[pc] ?? NEXT });
  const lift = (e: Emitter, { pc, flow }: Instruction): void => {
    if (flow.kind === "branch") e.branch(e.const32(1), flow.target, pc + 4);
    else if (flow.kind === "callIndirect") e.callIndirect(e.const32(0), pc + 4);
    else if (flow.kind === "jumpIndirect") e.jumpIndirect(e.const32(0));
    else if (flow.kind === "return") e.returnTo(e.const32(0));
  };
  const isa: Isa = { name: "test", littleEndian: true, slots: [], mode: () => 0, decode, lift, disassemble: () => "" };
  const code = { read16: () => 0, read32: () => 0 };
  const { blocks } = findRegion(isa, code, new BlockBuilder(), [head], 0, { instructions: 100, ...limits });
  return blocks.map(({ pc }) => pc).sort((a, b) => a - b);
}

const NEXT: Flow = { kind: "next" };

const NESTED: Readonly<Record<number, Flow>> = {
  0x100: NEXT,
  0x108: { kind: "branch", target: 0x108 }, // the inner loop
  0x110: { kind: "branch", target: 0x104 }, // the outer one
  0x114: { kind: "return" },
};

test("a function's region has all of it", () => {
  expect(blocksAt(NESTED, 0x100, { loopOnly: true })).toEqual([0x100, 0x104, 0x108, 0x10c, 0x114]);
});

test("the region of an inner loop's head is without the loop around it", () => {
  expect(blocksAt(NESTED, 0x108, { loopOnly: true })).toEqual([0x108]);
  expect(blocksAt(NESTED, 0x104, { loopOnly: true })).toEqual([0x104, 0x108, 0x10c]);
});

test("a computed jump goes back to labels before the head, too", () => {
  const labels: Readonly<Record<number, Flow>> = { 0x200: { kind: "jumpIndirect" }, 0x204: { kind: "jumpIndirect" } };
  const jumpTargets = (): number[] => [0x200, 0x204];
  expect(blocksAt(labels, 0x204, { loopOnly: true, jumpTargets })).toEqual([0x200, 0x204]);
});

test("what a computed call was seen to go to is not part of the region", () => {
  const program: Readonly<Record<number, Flow>> = { 0x300: { kind: "callIndirect" }, 0x304: { kind: "return" } };
  expect(blocksAt(program, 0x300, { jumpTargets: (pc) => (pc === 0x300 ? [0x400] : []) })).toEqual([0x300, 0x304]);
});
