/**
 * Every struct and every constant of the o32 ABI against what the guest's own compiler and kernel headers say.
 * `mips-o32.expected.json` was printed by a C program of `offsetof`, `sizeof` and the constants' names, built with
 * Debian 12's mips(el)-linux-gnu-gcc: Linux 6.1's headers, and glibc's for struct flock and the names that only it has.
 * Both byte orders print the same but for what is in `bigEndian`.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { constantSets, type ConstantSubject } from "./constants.ts";
import { MIPS_CONSTANTS } from "./mips-constants.ts";
import { O32_NUMBERS } from "./mips-o32-numbers.ts";
import { MIPS_BIG_ENDIAN_FIELDS, MIPS_FIELDS } from "./mips-structs.ts";
import { layOut, type StructName } from "./structs.ts";

/** Name, size, and offset and size of every field. */
type Layout = readonly [StructName, number, Readonly<Record<string, readonly [number, number]>>];

interface Expected {
  readonly structs: readonly Layout[];
  readonly bigEndian: readonly Layout[];
  readonly constants: Readonly<Record<ConstantSubject, Readonly<Record<string, number>>>>;
}

const expected = JSON.parse(readFileSync(new URL("mips-o32.expected.json", import.meta.url), "utf8")) as Expected;
const structs = layOut({ littleEndian: true, word: 4, alignmentOf64: 8 }, MIPS_FIELDS);
const constants = constantSets(MIPS_CONSTANTS);

const bigEndian = layOut({ littleEndian: false, word: 4, alignmentOf64: 8 }, MIPS_BIG_ENDIAN_FIELDS);
const different = new Set(expected.bigEndian.map(([name]) => name));
const layouts = [
  ...expected.structs.map((layout) => [`mipsel ${layout[0]}`, structs, ...layout] as const),
  ...expected.structs
    .filter(([name]) => !different.has(name))
    .map((layout) => [`mips ${layout[0]}`, bigEndian, ...layout] as const),
  ...expected.bigEndian.map((layout) => [`mips ${layout[0]}`, bigEndian, ...layout] as const),
];

describe("struct layouts", () => {
  test.each(layouts)("%s", (_title, set, name, size, fields) => {
    const struct = set[name];
    const named = struct.fields.filter((field) => field.name !== "-");
    const laid = Object.fromEntries(named.map((field) => [field.name, [field.offset, field.size]]));
    expect(laid).toEqual(fields);
    expect(struct.size).toBe(size);
  });

  test("none is left out", () => {
    expect(expected.structs.map(([name]) => name).sort()).toEqual(Object.keys(structs).sort());
  });
});

describe("constants", () => {
  test.each(Object.keys(constants) as ConstantSubject[])("%s", (subject) => {
    const numbers = constants[subject].guest;
    const unsigned = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, value >>> 0]));
    const known = Object.entries(expected.constants[subject]).map(([name, value]) => [name, value >>> 0]);
    expect(unsigned).toMatchObject(Object.fromEntries(known));
    // Nothing is left unproved.
    expect(Object.keys(numbers).filter((name) => !(name in expected.constants[subject]))).toEqual([]);
  });
});

test("system-call numbers", () => {
  expect(O32_NUMBERS.get("exit")).toBe(4001);
  expect(O32_NUMBERS.get("mmap2")).toBe(4210);
  expect(O32_NUMBERS.get("openat")).toBe(4288);
  expect(O32_NUMBERS.get("clock_gettime64")).toBe(4403);
  expect(O32_NUMBERS.get("set_mempolicy_home_node")).toBe(4450);
});
