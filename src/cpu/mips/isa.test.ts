import { describe, expect, test } from "vitest";
import { compilePattern, extractFields, findOverlaps } from "../decode-table.ts";
import { REGISTERS_BASE, REGISTERS_END } from "../isa.ts";
import { encode } from "./assemble.test-support.ts";
import { instructionRows, MIPS_ROWS, mipsIsa, mipsTable } from "./isa.ts";
import { codeAt, TestMachine } from "./machine.test-support.ts";
import { SYNCI_LINE, USER_LOCAL } from "./registers.ts";

describe("the table", () => {
  test.each([1, 2] as const)("has no two rows of release %i that cross", (release) => {
    expect(findOverlaps(mipsTable(release))).toEqual([]);
  });

  test("the tree finds what a search of the rows finds", () => {
    const table = mipsTable(2);
    // A full-period generator, so that the words are the same in every run.
    let word = 1;
    for (let n = 0; n < 20000; n++) {
      word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
      // Half of the words: a row's own encoding with random fields, as random words are mostly loads and stores.
      const pattern = n % 2 === 0 ? table.patterns[n % table.patterns.length]! : undefined;
      const tried = pattern === undefined ? word : ((word & ~pattern.mask) | pattern.value) >>> 0;
      const slow = table.patterns.find((p) => {
        if (((tried ^ p.value) & p.mask) !== 0) return false;
        return p.row.when === undefined || p.row.when(extractFields(p, tried));
      });
      expect(table.find(tried)).toBe(slow);
    }
  });

  test("every word decodes, lifts and disassembles", () => {
    const cpu = new TestMachine();
    let word = 7;
    for (let n = 0; n < 5000; n++) {
      word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
      const exit = cpu.execute([word, 0], 0x400000);
      if (exit.kind === "exception") expect(exit.exception).toBeTypeOf("string");
      expect(cpu.isa.disassemble(cpu.decode([word, 0]))).not.toMatch(/undefined|NaN/);
    }
  });

  test("every row evaluates, in a delay slot, too", () => {
    for (const row of MIPS_ROWS) {
      const pattern = compilePattern(row);
      if (row.when !== undefined) continue;
      const word = encode(pattern, {});
      const cpu = new TestMachine();
      cpu.execute([word, 0]);
      cpu.execute([0x03e00008, word]); // jr ra
      cpu.execute([0x50000001, word]); // beqzl zero
    }
  });
});

describe("what this processor does not have", () => {
  test.each([
    ["daddiu v0,a0,1", 0x64820001, "MIPS64 instruction"],
    ["ld v0,0(a0)", 0xdc820000, "MIPS64 instruction"],
    ["aui v0,a0,1", 0x3c820001, "MIPS32 release 6 instruction"],
    ["muh v0,a0,a1", 0x008510d8, "MIPS32 release 6 instruction"],
    ["seleqz v0,a0,a1", 0x00851035, "MIPS32 release 6 instruction"],
    ["addq.ph v0,a0,a1", 0x7c851290, "DSP ASE instruction"],
    ["mult $ac1,a0,a1", 0x00850818, "DSP ASE instruction"],
    ["addv.b $w0,$w1,$w2", 0x7802080e, "MSA instruction"],
    ["jalx", 0x74000000, "jump to MIPS16e or microMIPS code"],
    ["sdbbp", 0x7000003f, "EJTAG debug breakpoint"],
  ])("%s is illegal by name", (_text, word, unsupported) => {
    const cpu = new TestMachine();
    expect(cpu.decode([word])).toMatchObject({ unsupported, flow: { kind: "stop" } });
    expect(cpu.execute([word])).toEqual({ kind: "exception", exception: "illegal", info: 0 });
  });

  test("a reserved encoding is just illegal", () => {
    const cpu = new TestMachine();
    expect(cpu.decode([0x0000003f | (1 << 21)]).unsupported).toBe("MIPS64 instruction");
    expect(cpu.decode([0x70000010]).unsupported).toBeUndefined();
    expect(cpu.execute([0x70000010])).toEqual({ kind: "exception", exception: "illegal", info: 0 });
  });

  test.each([
    ["mfc0", 0x40026000, 0],
    ["cache", 0xbc000000, 0],
    ["an unallocated coprocessor-0 word", 0x43ffffff, 0],
    ["lwc2", 0xc8000000, 2],
  ])("%s: coprocessor unusable", (_text, word, info) => {
    expect(new TestMachine().execute([word])).toEqual({ kind: "exception", exception: "coprocessorUnusable", info });
  });

  test("release 1 lacks release 2's instructions and says so", () => {
    const cpu = new TestMachine({ littleEndian: true, release: 1 });
    for (const source of ["seb v0,a0", "ext v0,a0,1,2", "rotr v0,a0,1", "rdhwr v0,$2"]) {
      expect(cpu.decode(source)).toMatchObject({ unsupported: "MIPS32 release 2 instruction", flow: { kind: "stop" } });
      expect(cpu.execute(source)).toMatchObject({ exception: "illegal" });
    }
    expect(cpu.execute("movn v0,a0,a1")).toEqual({ kind: "next" });
    // Linux emulates it there.
    expect(cpu.execute("rdhwr v1,$29")).toEqual({ kind: "next" });
  });

  test("a jump to MIPS16e code is an address error at its target", () => {
    const cpu = new TestMachine();
    expect(cpu.decode([], 0x400001)).toMatchObject({ size: 4, unsupported: "MIPS16e or microMIPS code" });
    expect(cpu.execute([], 0x400001)).toEqual({ kind: "exception", exception: "addressError", info: 0x400001 });
  });
});

describe("hardware registers", () => {
  test("rdhwr", () => {
    const cpu = new TestMachine();
    cpu.write(USER_LOCAL, 0x77ff7000);
    const read = (n: number): number => {
      expect(cpu.execute(`rdhwr v1,$${n}`)).toEqual({ kind: "next" });
      return cpu.register("v1");
    };
    expect(read(29)).toBe(0x77ff7000);
    expect([read(0), read(1), read(3)]).toEqual([0, 32, 2]);
    const before = read(2);
    const start = performance.now();
    while (performance.now() < start + 1);
    // A millisecond is half a million steps of two cycles at 1 GHz; the counter wraps.
    expect((read(2) - before) >>> 0).toBeGreaterThan(400_000);
    expect((read(2) - before) >>> 0).toBeLessThan(2 ** 31);
  });

  test("of those that are not there, rdhwr is illegal", () => {
    expect(new TestMachine().execute([0x7c03203b])).toMatchObject({ exception: "illegal" });
  });

  test("synci tells the line and leaves", () => {
    const cpu = new TestMachine();
    cpu.registers = { a0: 0x10047 };
    expect(cpu.execute("synci 0(a0)", 0x400000)).toEqual({ kind: "leave", next: 0x400004 });
    expect(cpu.read(SYNCI_LINE)).toBe(0x10041);
  });
});

test("registers lie apart, in the part that belongs to the ISA", () => {
  const size = { i32: 4, f32: 4, i64: 8, f64: 8, v128: 16 };
  const spans = mipsIsa({ littleEndian: true }).slots.map(({ offset, type }) => [offset, offset + size[type]] as const);
  spans.sort((a, b) => a[0] - b[0]);
  expect(spans[0]![0]).toBeGreaterThanOrEqual(REGISTERS_BASE);
  expect(spans.at(-1)![1]).toBeLessThanOrEqual(REGISTERS_END);
  for (const [n, [start]] of spans.entries()) if (n > 0) expect(start).toBeGreaterThanOrEqual(spans[n - 1]![1]);
});

test("CodeFault passes through decode", () => {
  const code = codeAt(0, []);
  const isa = mipsIsa({ littleEndian: true });
  const fault = new Error("no page");
  expect(() =>
    isa.decode(
      {
        ...code,
        read32: () => {
          throw fault;
        },
      },
      0,
      0,
    ),
  ).toThrow(fault);
});

test("the documentation lists each instruction once", () => {
  const rows = instructionRows();
  const names = rows.map(({ mnemonic }) => mnemonic);
  expect(new Set(names).size).toBe(names.length);
  expect(rows).toContainEqual({
    isa: "MIPS32 release 1",
    mnemonic: "addu",
    bits: "000000 sssss ttttt ddddd 00000 100001",
    group: "CPU arithmetic",
  });
  expect(names).not.toContain("li");
  expect(names).not.toContain(".word");
  expect(names).not.toContain("ps");
});
