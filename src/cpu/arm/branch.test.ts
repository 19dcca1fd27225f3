import { describe, expect, test } from "vitest";
import { findOverlaps } from "../decode-table.ts";
import { armIsa, armTables, instructionRows } from "./isa.ts";
import { CODE, codeAt, TestMachine } from "./machine.test-support.ts";
import { ITSTATE } from "./registers.ts";

const EQ = 0x40000010;
const NE = 0x10;

function machineWith(registers: Readonly<Record<string, number>>): TestMachine {
  const machine = new TestMachine();
  machine.registers = registers;
  return machine;
}

describe("addresses carry the Thumb bit", () => {
  test.each([
    ["A32 bx lr to Thumb", [0xe12fff1e], false, { r14: 0x9001 }, { kind: "return", target: 0x9001 }],
    [
      "A32 blx r3",
      [0xe12fff33],
      false,
      { r3: 0x9001 },
      { kind: "call", target: 0x9001, returnAddress: CODE + 4, indirect: true },
    ],
    [
      "A32 blx to Thumb",
      [0xfb000000],
      false,
      {},
      { kind: "call", target: CODE + 11, returnAddress: CODE + 4, indirect: false },
    ],
    ["A32 mov pc, lr", [0xe1a0f00e], false, { r14: 0x9000 }, { kind: "return", target: 0x9000 }],
    ["A32 add pc, pc, r0, lsl #2", [0xe08ff100], false, { r0: 2 }, { kind: "jumpIndirect", target: CODE + 16 }],
    [
      "T32 bl",
      [0xf000, 0xf802],
      true,
      {},
      { kind: "call", target: CODE + 9, returnAddress: CODE + 5, indirect: false },
    ],
    [
      "T32 blx to A32",
      [0xf000, 0xe802],
      true,
      {},
      { kind: "call", target: CODE + 8, returnAddress: CODE + 5, indirect: false },
    ],
    ["T16 bx r3 to A32", [0x4718], true, { r3: 0x9000 }, { kind: "jumpIndirect", target: 0x9000 }],
    ["T16 mov pc, r3 stays in Thumb", [0x469f], true, { r3: 0x9000 }, { kind: "jumpIndirect", target: 0x9001 }],
    ["T16 b", [0xe002], true, {}, { kind: "jump", target: CODE + 9 }],
    ["T16 cbz taken", [0xb110], true, { r0: 0 }, { kind: "jump", target: CODE + 9 }],
    ["T16 cbz not taken", [0xb110], true, { r0: 1 }, { kind: "jump", target: CODE + 3 }],
    ["T16 beq taken", [0xd002], true, { cpsr: EQ }, { kind: "jump", target: CODE + 9 }],
    ["T32 bne.w not taken", [0xf040, 0x8002], true, { cpsr: EQ }, { kind: "jump", target: CODE + 5 }],
    ["T16 svc", [0xdf00], true, {}, { kind: "systemCall", next: CODE + 3 }],
    ["A32 svcne not executed", [0x1f000000], false, { cpsr: EQ }, { kind: "jump", target: CODE + 4 }],
    ["A32 bxeq lr not executed", [0x012fff1e], false, { r14: 0x9000, cpsr: NE }, { kind: "jump", target: CODE + 4 }],
    ["A32 bxeq lr executed", [0x012fff1e], false, { r14: 0x9000, cpsr: EQ }, { kind: "return", target: 0x9000 }],
  ] as const)("%s", (_text, code, thumb, registers, exit) => {
    expect(machineWith(registers).execute(code, thumb)).toEqual(exit);
  });

  test("the link register says which instruction set to come back to", () => {
    const machine = machineWith({});
    machine.execute([0xf000, 0xf802], true);
    expect(machine.register("r14")).toBe(CODE + 5);
    machine.execute([0xeb000000]);
    expect(machine.register("r14")).toBe(CODE + 4);
  });

  test("tbb takes halfword distances from after it", () => {
    const machine = machineWith({ r0: 1, r1: 0x10000 });
    machine.memory.setUint8(1, 5);
    expect(machine.execute([0xe8d1, 0xf000], true)).toEqual({ kind: "jumpIndirect", target: CODE + 4 + 10 + 1 });
  });

  test("A32 code at an address that is no multiple of 4 is a misaligned fetch", () => {
    const machine = machineWith({});
    machine.place = CODE + 2;
    expect(machine.step(codeAt(CODE, [0, 0], false))).toEqual({
      kind: "exception",
      exception: "addressError",
      info: CODE + 2,
    });
  });
});

describe("IT blocks", () => {
  // itte eq; moveq r0, #1; addeq r1, #2; movne r2, #3
  const ITTE = [0xbf06, 0x2001, 0x3102, 0x2203];
  test.each([
    [EQ, [1, 2, 0]],
    [NE, [0, 0, 3]],
  ])("itte with CPSR %s", (cpsr, expected) => {
    const machine = machineWith({ cpsr });
    expect(machine.execute(ITTE, true)).toEqual({ kind: "next" });
    expect(["r0", "r1", "r2"].map((name) => machine.register(name))).toEqual(expected);
    expect(machine.register("cpsr")).toBe(cpsr);
    expect(machine.place).toBe(CODE + 9);
  });

  test("a comparison inside counts for what follows", () => {
    // itt eq; cmpeq r0, #1; moveq r1, #5
    const machine = machineWith({ cpsr: EQ, r0: 2 });
    machine.execute([0xbf04, 0x2801, 0x2105], true);
    expect(machine.register("r1")).toBe(0);
  });

  test("a conditional return ends the block only where it is taken", () => {
    // it ne; bxne lr
    expect(machineWith({ cpsr: NE, r14: 0x9001 }).execute([0xbf18, 0x4770], true)).toEqual({
      kind: "return",
      target: 0x9001,
    });
    expect(machineWith({ cpsr: EQ, r14: 0x9001 }).execute([0xbf18, 0x4770], true)).toEqual({
      kind: "jump",
      target: CODE + 5,
    });
  });

  test("a fault inside goes on inside", () => {
    // itt ne; addne r0, #1; ldrne r1, [r2]
    const code = [0xbf1c, 0x3001, 0x6811];
    const machine = machineWith({ cpsr: NE, r0: 1, r2: 0x20000 });
    expect(machine.execute(code, true)).toEqual({ kind: "exception", exception: "memory", info: 0x20000 });
    expect(machine.pc).toBe(CODE + 5);
    expect(machine.read(ITSTATE)).toBe(0x18);
    expect(machine.register("r0")).toBe(2);
    // The handler mends r2, and the load is done once more: the addition is not.
    machine.registers = { r2: 0x10000 };
    machine.memory.setUint32(0, 77, true);
    machine.place = machine.pc;
    expect(machine.step(codeAt(CODE, code, true))).toEqual({ kind: "leave", next: CODE + 7 });
    expect([machine.register("r0"), machine.register("r1"), machine.read(ITSTATE)]).toEqual([2, 77, 0]);
  });

  test("the rest of a block alone: branches leave, too", () => {
    const machine = machineWith({ cpsr: NE, r14: 0x9001 });
    machine.write(ITSTATE, 0x18);
    machine.place = CODE | 1;
    expect(machine.step(codeAt(CODE, [0x4770], true))).toEqual({ kind: "leave", next: 0x9001 });
    machine.registers = { cpsr: EQ };
    machine.write(ITSTATE, 0x18);
    expect(machine.step(codeAt(CODE, [0x4770], true))).toEqual({ kind: "leave", next: CODE + 3 });
  });
});

describe("the tables", () => {
  test("no two rows claim one encoding", () => {
    for (const table of Object.values(armTables("max"))) expect(findOverlaps(table)).toEqual([]);
  });

  test("a processor without an instruction names what is missing", () => {
    const old = armIsa({ cpu: "arm926" });
    const code = codeAt(CODE, [0xe3000001], false); // movw r0, #1
    const instruction = old.decode(code, CODE, 0);
    expect(instruction.unsupported).toContain("v6t2");
    const machine = new TestMachine("arm926");
    expect(machine.execute([0xe3000001])).toEqual({ kind: "exception", exception: "illegal", info: 0 });
    expect(new TestMachine("cortex-a9").execute([0xe710f110])).toEqual({
      kind: "exception",
      exception: "illegal",
      info: 0,
    }); // sdiv r0, r0, r1
    expect(new TestMachine("cortex-a15").execute([0xe710f110])).toEqual({ kind: "next" });
  });

  test("big-endian data is refused, and says so", () => {
    const machine = new TestMachine();
    expect(machine.decode([0xf1010200]).unsupported).toContain("big-endian");
    expect(machine.execute([0xf1010200])).toEqual({ kind: "exception", exception: "illegal", info: 0 });
  });

  test("unallocated and UNPREDICTABLE encodings are illegal", () => {
    for (const word of [0xe7f000f0, 0xe0800f9f, 0xe0010f92, 0xee000010, 0xffffffff]) {
      expect(new TestMachine().execute([word]), word.toString(16)).toEqual({
        kind: "exception",
        exception: "illegal",
        info: 0,
      });
    }
    expect(machineWith({ cpsr: NE }).execute([0x07f000f0])).toEqual({ kind: "next" }); // udfeq
  });

  test("the documentation's list", () => {
    const rows = instructionRows();
    for (const [isa, mnemonic] of [
      ["A32, v4t", "add"],
      ["A32, v6t2", "movw"],
      ["T32, v6t2", "tbb"],
    ]) {
      expect(rows).toContainEqual(expect.objectContaining({ isa, mnemonic }));
    }
    expect(rows.every((row) => /^[a-z0-9.]+$/.test(row.mnemonic))).toBe(true);
  });
});

describe("msr with the E bit (big-endian data) is refused, without it accepted", () => {
  test.each([
    ["A32 msr CPSR_x, r0", [0xe122f000], false],
    ["T32 msr CPSR_x, r0", [0xf380, 0x8200], true],
  ])("%s", (_, words, thumb) => {
    expect(machineWith({ r0: 0x200 }).execute(words, thumb)).toEqual({
      kind: "exception",
      exception: "illegal",
      info: 0,
    });
    expect(machineWith({ r0: 0x100 }).execute(words, thumb)).toEqual({ kind: "next" });
  });

  test.each([
    ["msr CPSR_x, #0x200", 0xe322fc02],
    ["msr CPSR_fsxc, #0x200", 0xe32ffc02],
  ])("%s", (_, word) => {
    expect(machineWith({}).execute([word], false)).toMatchObject({ exception: "illegal" });
  });

  test("without the mask's bit for it, E is not written", () => {
    expect(machineWith({ r0: 0x200 }).execute([0xe128f000], false)).toEqual({ kind: "next" });
  });
});
