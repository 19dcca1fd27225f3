/** Every VFP and Advanced SIMD instruction against what QEMU answered (witness/extension.c says how). */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { DecodeTable, findOverlaps } from "../decode-table.ts";
import { MODE_INEXACT, MODE_SOFT } from "./fpscr.ts";
import { EXTENSION_ROWS, answer, digest, hashOf, nameOf, recordsOf } from "./extension-witness.test-support.ts";

const EXPECTED = new Map(
  readFileSync(new URL("witness/extension-expected.txt", import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
);
const GROUPS = Map.groupBy([...EXTENSION_ROWS.entries()], ([, { group }]) => group);

test("the witness knows every row but the stack's", () => {
  const unknown = EXTENSION_ROWS.map(nameOf).filter((name) => !EXPECTED.has(name));
  expect(unknown.filter((name) => !/^v(push|pop)/.test(name))).toEqual([]);
});

describe("as QEMU answers", () => {
  test.each([...GROUPS])("%s", (_group, rows) => {
    const wrong = rows.filter(([n, row]) => {
      const expected = EXPECTED.get(nameOf(row));
      return (
        expected !== undefined && hashOf(recordsOf(row, 1000 + n).map((record) => digest(answer(record)))) !== expected
      );
    });
    expect(wrong.map(([, row]) => nameOf(row))).toEqual([]);
  });
});

test("while Inexact is set, code that asks for it and code that takes it for granted agree with helpers alone", () => {
  const wrong: string[] = [];
  for (const [n, row] of EXTENSION_ROWS.entries())
    for (const record of recordsOf(row, 5000 + n, 6)) {
      record.setUint32(4, 0x10, true);
      const [fast, check, soft] = [MODE_INEXACT, 0, MODE_SOFT].map((mode) => digest(answer(record, mode)));
      if (fast !== check || fast !== soft) wrong.push(nameOf(row));
    }
  expect([...new Set(wrong)]).toEqual([]);
});

test("no two rows mean the same word", () => {
  for (const prefix of [true, false]) {
    const table = new DecodeTable(EXTENSION_ROWS.filter(({ bits }) => bits.startsWith("1111") === prefix));
    expect(findOverlaps(table)).toEqual([]);
  }
});
