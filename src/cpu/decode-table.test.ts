import { describe, expect, test } from "vitest";
import type { Row } from "./decode-table.ts";
import { compilePattern, DecodeTable, disassembler, extractFields, findOverlaps } from "./decode-table.ts";

const row = (mnemonic: string, bits: string, extra: Partial<Row> = {}): Row => ({
  mnemonic,
  bits,
  operands: "",
  group: "test",
  ...extra,
});
const fieldsOf = (bits: string, word: number) => extractFields(compilePattern(row("x", bits)), word);

describe("patterns", () => {
  test("fix their zeros and ones", () => {
    const { width, mask, value } = compilePattern(row("x", "1010 ---- aaaa 0000"));
    expect({ width, mask, value }).toEqual({ width: 16, mask: 0xf00f, value: 0xa000 });
  });

  test("bit 31 is an ordinary bit", () => {
    const { mask, value } = compilePattern(row("x", "1 ------------------------------ f"));
    expect([mask >>> 0, value >>> 0]).toEqual([0x80000000, 0x80000000]);
  });

  test("fields are unsigned", () => {
    expect(fieldsOf("000000 sssss ttttt ddddd aaaaa 100001", 0x03e5_b7e1)).toEqual({ s: 31, t: 5, d: 22, a: 31 });
    expect(fieldsOf("xxxxxxxxxxxxxxxx yyyyyyyyyyyyyyyy", 0xffff8000)).toEqual({ x: 0xffff, y: 0x8000 });
  });

  test("upper and lower case are different fields, and neighbours end each other", () => {
    expect(fieldsOf("0000 aaaa AAAA bbbb", 0x0123)).toEqual({ a: 1, A: 2, b: 3 });
  });

  test("a letter that comes back continues its field", () => {
    // Thumb-2 data processing: i:imm3:imm8.
    expect(fieldsOf("11110 i 000100 nnnn 0 iii dddd iiiiiiii", 0xf445_53ff)).toEqual({ i: 0xdff, n: 5, d: 3 });
  });

  test.each([
    ["too short", "0101"],
    ["too long", "0101 0101 0101 0101 0"],
    ["a strange character", "0101 0101 0101 010?"],
  ])("%s: refused", (_what, bits) => {
    expect(() => new DecodeTable([row("x", bits)])).toThrow(/^x: /);
  });

  test("one table has one width", () => {
    expect(() => new DecodeTable([row("a", "0".repeat(16)), row("b", "0".repeat(32))])).toThrow(
      "b: 32 bits in a table of 16",
    );
  });
});

describe("lookup", () => {
  const table = new DecodeTable([
    row("or", "000000 sssss ttttt ddddd 00000 100101"),
    row("move", "000000 sssss 00000 ddddd 00000 100101"),
    row("even", "000001 aaaaa bbbbb ----------------", { when: ({ a, b }) => (a! + b!) % 2 === 0 }),
    row("any", "000001 aaaaa bbbbb ----------------"),
  ]);
  const find = (word: number) => table.find(word)?.row.mnemonic;

  test("the most specific row wins", () => {
    expect(find(0x00851025)).toBe("or");
    expect(find(0x00801025)).toBe("move");
  });

  test("a row whose condition fails is passed over", () => {
    expect(find(0x04420000)).toBe("even");
    expect(find(0x04430000)).toBe("any");
  });

  test("nothing matches an unallocated word", () => {
    expect(find(0xffffffff)).toBeUndefined();
    expect(find(0x00851065)).toBeUndefined();
  });

  test("a wide table answers as a search of its rows would", () => {
    // Every value of two separated fields, with a special case in each.
    const rows: Row[] = [];
    for (let n = 0; n < 64; n++) {
      const [high, low] = [(n >>> 3).toString(2).padStart(3, "0"), (n & 7).toString(2).padStart(3, "0")];
      rows.push(row(`op${n}`, `${high} aaaaaaaaaa ${low}`), row(`special${n}`, `${high} 0000011111 ${low}`));
    }
    const wide = new DecodeTable(rows);
    for (let word = 0; word < 0x10000; word += 7) {
      const slow = wide.patterns.find(({ mask, value }) => (word & mask) === value);
      expect(wide.find(word)?.row.mnemonic).toBe(slow?.row.mnemonic);
    }
  });
});

describe("overlaps", () => {
  test("a special case is none", () => {
    expect(
      findOverlaps(new DecodeTable([row("or", "0000 ssss tttt dddd"), row("move", "0000 ssss 0000 dddd")])),
    ).toEqual([]);
  });
  test("two rows that cross are one", () => {
    expect(
      findOverlaps(new DecodeTable([row("a", "0000 ssss 0000 dddd"), row("b", "0000 0000 tttt dddd")])),
    ).toHaveLength(1);
  });
  test("a row twice is one", () => {
    expect(findOverlaps(new DecodeTable([row("a", "0000 ssss 0000 dddd"), row("b", "0000 tttt 0000 ----")]))).toEqual([
      'a "0000 ssss 0000 dddd" and b "0000 tttt 0000 ----"',
    ]);
  });
});

test("disassembly replaces the operand names that it knows, in mnemonics in braces", () => {
  const print = disassembler<{ readonly pc: number }>({
    S: ({ s }) => (s === 1 ? "s" : ""),
    rd: ({ d }) => `r${d}`,
    label: ({ i }, { pc }) => `0x${(pc + i!).toString(16)}`,
  });
  const adds = row("add{S}", "0".repeat(16), { operands: "rd,#label[rd]{rd}" });
  expect(print(adds, { s: 1, d: 3, i: 8 }, { pc: 0x100 })).toBe("adds\tr3,#0x108[r3]r3");
  expect(print(row("nop", "0".repeat(16)), {}, { pc: 0 })).toBe("nop");
});
