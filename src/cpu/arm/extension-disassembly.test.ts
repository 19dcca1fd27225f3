/** Every VFP and Advanced SIMD row's text against GNU objdump 2.40 (`objdump -D -b binary -m arm`). */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { EXTENSION_ROWS, decodeExtension } from "./extension-witness.test-support.ts";
import { armIsa } from "./isa.ts";

const LINES = readFileSync(new URL("witness/extension-objdump.txt", import.meta.url), "utf8")
  .trim()
  .split("\n");

test("what objdump prints", () => {
  const isa = armIsa({ cpu: "max" });
  const rows = new Set();
  const wrong: string[] = [];
  for (const [n, line] of LINES.entries()) {
    const word = Number.parseInt(line.slice(0, 8), 16);
    const instruction = isa.decode({ read16: () => 0, read32: () => word }, 4 * n, 0);
    rows.add(decodeExtension(word)?.row);
    const text = isa.disassemble(instruction).replace(/\s+/g, " ").trim();
    if (text !== line.slice(9)) wrong.push(`${line}: ${text}`);
  }
  expect(wrong).toEqual([]);
  expect(EXTENSION_ROWS.filter((row) => !rows.has(row)).map(({ mnemonic }) => mnemonic)).toEqual([]);
});
