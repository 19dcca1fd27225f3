/** Integer instructions against qemu-arm's registers, and disassembly against objdump's text. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { armIsa } from "./isa.ts";
import { CODE, codeAt, TestMachine } from "./machine.test-support.ts";

const linesOf = (file: string): string[] =>
  readFileSync(new URL(`./witness/${file}`, import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));

const NAMES = [...Array(13).keys()].map((n) => `r${n}`).concat("r14");

describe("registers after random instructions are qemu-arm's", () => {
  const cases = linesOf("integer.txt");
  test.each(["a32", "t32"])("%s", (set) => {
    const mine = cases.filter((line) => line.startsWith(set));
    expect(mine.length).toBeGreaterThan(200);
    for (const line of mine) {
      const [before, changed = ""] = line.split("|");
      const [, code = "", cpsr = "", ...registers] = before!.trim().split(" ");
      const thumb = set === "t32";
      const encodings = code.split(",").map((word) => Number.parseInt(word, 16));
      const machine = new TestMachine();
      const expected: Record<string, number> = { cpsr: Number.parseInt(cpsr, 16) };
      for (const [n, name] of NAMES.entries()) expected[name] = Number.parseInt(registers[n]!, 16);
      machine.registers = expected;
      for (const change of changed
        .trim()
        .split(" ")
        .filter((word) => word !== "")) {
        const [name, value] = change.split("=");
        expected[name!] = Number.parseInt(value!, 16);
      }
      const bytes = code.split(",").reduce((sum, word) => sum + word.length / 2, 0);
      machine.place = CODE | Number(thumb);
      while (machine.place - (CODE | Number(thumb)) < bytes)
        expect(machine.step(codeAt(CODE, encodings, thumb)), line).toEqual({ kind: "next" });
      const found = Object.fromEntries(Object.keys(expected).map((name) => [name, machine.register(name)]));
      expect(found, line).toEqual(expected);
    }
  });
});

test("disassembly is objdump's", () => {
  const isa = armIsa({ cpu: "max" });
  const lines = linesOf("disassembly.txt");
  expect(lines.length).toBeGreaterThan(900);
  for (const line of lines) {
    const [place = "", ...text] = line.split("\t");
    const [set, at = "", word = ""] = place.split(" ");
    const address = Number.parseInt(at, 16);
    const thumb = set !== "a32";
    const code = codeAt(address, [Number.parseInt(word, 16)], thumb);
    expect(isa.disassemble(isa.decode(code, address | Number(thumb), 0)), line).toBe(text.join("\t"));
  }
});
