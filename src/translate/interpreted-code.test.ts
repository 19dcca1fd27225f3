import { expect, test } from "vitest";
import { InterpretedCode } from "./interpreted-code.ts";
import type { MicroBlock } from "./micro-blocks.ts";

/** A block at `pc` that takes so many words. */
function block(pc: number, words: number): MicroBlock {
  return {
    pc,
    end: pc,
    length: 1,
    words: new Int32Array(0),
    start: 0,
    source: words,
    isWhole: true,
    instructions: null,
  };
}

test("blocks of a page go together", () => {
  const code = new InterpretedCode();
  const [first, second] = [code.add(block(0x1000, 1)), code.add(block(0x2000, 1))];
  code.drop(1, 1);
  expect(first.isDropped).toBe(true);
  expect(code.get(0x1000)).toBeUndefined();
  expect(code.get(0x2000)).toBe(second);
});

test("what a guest makes run does not fill the host's memory", () => {
  const code = new InterpretedCode();
  const all = Array.from({ length: 9 }, (_, n) => code.add(block(0x1000 * (n + 1), 1 << 23)));
  const left = all.filter(({ pc }) => code.get(pc) !== undefined);
  expect(left.length).toBeLessThan(5);
  expect(left).toContain(all.at(-1));
  expect(all.every((each) => each.isDropped || left.includes(each))).toBe(true);
});
