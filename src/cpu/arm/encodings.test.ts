/** Whatever bits a guest runs, decoding and translating them must not fail: the guest is hostile. */
import { expect, test } from "vitest";
import { BlockBuilder } from "../../translate/block-builder.ts";
import { armIsa, armTables } from "./isa.ts";
import { CODE, codeAt } from "./machine.test-support.ts";

/** xorshift32: the same numbers in every run. */
function numbers(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

test.each([
  ["max", false],
  ["max", true],
  ["arm926", false],
  ["arm926", true],
] as const)("%s, Thumb %s", (cpu, thumb) => {
  const isa = armIsa({ cpu });
  const tables = armTables(cpu);
  const narrow = thumb ? tables.thumb16.patterns : [];
  const wide = thumb ? tables.thumb32.patterns : [];
  const patterns = [...narrow, ...wide, ...tables.conditional.patterns, ...tables.unconditional.patterns];
  const next = numbers(12345);
  /** Random bits, mostly with a row's fixed bits and often with r15 somewhere. */
  const word = (): number => {
    let bits = next();
    const pattern = patterns[next() % patterns.length]!;
    if (next() % 4 !== 0) bits = (bits & ~pattern.mask) | pattern.value;
    if (next() % 3 === 0) bits |= 15 << (4 * (next() % 8));
    return (pattern.width === 16 ? bits & 0xffff : bits) >>> 0;
  };
  const builder = new BlockBuilder();
  for (let n = 0; n < 4000; n++) {
    const words = [word(), word(), word(), word(), word()];
    // In the middle of an IT block, too.
    const mode = [0, 1, 2, 4, 8, 16][next() % 6]! | (thumb && next() % 5 === 0 ? (8 | (next() % 0xe0)) << 16 : 0);
    const instruction = isa.decode(codeAt(CODE, words, thumb), CODE | Number(thumb), mode);
    builder.begin(CODE);
    isa.lift(builder, instruction, mode);
    isa.disassemble(instruction);
    if (builder.ended !== (instruction.flow.kind !== "next"))
      expect.fail(`${words[0]!.toString(16)}: flow ${instruction.flow.kind}, ended ${builder.ended}`);
  }
});
