import { describe, expect, test } from "vitest";
import type { Registers } from "./machine.test-support.ts";
import { TestMachine } from "./machine.test-support.ts";

const PC = 0x400000;
const TARGET = 0x400100;
const NEXT = PC + 8;

/** Runs a branch whose delay slot adds 1 to s0. */
function branch(source: string, registers: Registers, slot = "addiu s0,s0,1"): { cpu: TestMachine; exit: unknown } {
  const cpu = new TestMachine();
  cpu.registers = registers;
  return { cpu, exit: cpu.execute(`${source}\n${slot}`, PC) };
}

const MINUS = 0xffffffff;

describe("conditions", () => {
  const CONDITIONS: readonly (readonly [string, readonly number[], readonly number[]])[] = [
    ["beq a0,a1", [5, 5], [5, 6]],
    ["beqz a0", [0], [0x100]],
    ["bne a0,a1", [5, 6], [5, 5]],
    ["bnez a0", [0x100], [0]],
    ["blez a0", [0], [1]],
    ["blez a0", [MINUS], [1]],
    ["bgtz a0", [1], [0]],
    ["bgtz a0", [1], [MINUS]],
    ["bltz a0", [MINUS], [0]],
    ["bgez a0", [0], [MINUS]],
  ];
  const registers = ([a0, a1 = 0]: readonly number[]): Registers => ({ a0: a0!, a1 });

  test.each(CONDITIONS)("%s", (source, taken, notTaken) => {
    for (const [values, target] of [
      [taken, TARGET],
      [notTaken, NEXT],
    ] as const) {
      const { cpu, exit } = branch(`${source},${TARGET}`, registers(values));
      expect(exit).toEqual({ kind: "jump", target });
      expect(cpu.register("s0")).toBe(1);
    }
  });

  test.each(CONDITIONS)("%s likely: the delay slot runs only where the branch is taken", (source, taken, notTaken) => {
    const likely = source.replace(" ", "l ");
    for (const [values, target, ran] of [
      [taken, TARGET, 1],
      [notTaken, NEXT, 0],
    ] as const) {
      const { cpu, exit } = branch(`${likely},${TARGET}`, registers(values));
      expect(exit).toEqual({ kind: "jump", target });
      expect(cpu.register("s0")).toBe(ran);
    }
  });

  test.each([
    ["bltzal", MINUS, 0],
    ["bgezal", 0, MINUS],
    ["bltzall", MINUS, 0],
    ["bgezall", 0, MINUS],
  ])("%s links whether it is taken or not", (mnemonic, taken, notTaken) => {
    for (const [a0, target] of [
      [taken, TARGET],
      [notTaken, NEXT],
    ] as const) {
      const { cpu, exit } = branch(`${mnemonic} a0,${TARGET}`, { a0 });
      expect(exit).toEqual({ kind: "jump", target });
      expect(cpu.register("ra")).toBe(NEXT);
      expect(cpu.register("s0")).toBe(mnemonic.endsWith("ll") && target === NEXT ? 0 : 1);
    }
  });

  test("backward", () => {
    expect(branch(`bnez a0,${PC - 64}`, { a0: 1 }).exit).toEqual({ kind: "jump", target: PC - 64 });
  });
});

describe("jumps and calls", () => {
  test.each([
    [`b ${TARGET}`, { kind: "jump", target: TARGET }],
    [`bgez zero,${TARGET}`, { kind: "jump", target: TARGET }],
    [`j ${TARGET}`, { kind: "jump", target: TARGET }],
    [`jal ${TARGET}`, { kind: "call", target: TARGET, returnAddress: NEXT, indirect: false }],
    [`bal ${TARGET}`, { kind: "call", target: TARGET, returnAddress: NEXT, indirect: false }],
    // Only asks where it is.
    [`bal ${NEXT}`, { kind: "jump", target: NEXT }],
    ["jr t9", { kind: "jumpIndirect", target: 0x12345678 }],
    ["jr ra", { kind: "return", target: 0x87654320 }],
    ["jr.hb ra", { kind: "return", target: 0x87654320 }],
    ["jalr t9", { kind: "call", target: 0x12345678, returnAddress: NEXT, indirect: true }],
    ["jalr.hb t9", { kind: "call", target: 0x12345678, returnAddress: NEXT, indirect: true }],
    ["jalr v0,t9", { kind: "call", target: 0x12345678, returnAddress: NEXT, indirect: true }],
    ["jalr zero,t9", { kind: "jumpIndirect", target: 0x12345678 }],
  ])("%s", (source, expected) => {
    const { cpu, exit } = branch(source, { t9: 0x12345678, ra: 0x87654320 });
    expect(exit).toEqual(expected);
    expect(cpu.register("s0")).toBe(1);
    const linked = /^(jal|bal|jalr|jalr\.hb) (?!v0|zero)/.test(source)
      ? "ra"
      : source.includes("v0")
        ? "v0"
        : undefined;
    if (linked !== undefined) expect(cpu.register(linked)).toBe(NEXT);
  });

  test("j stays in the 256 MiB region of its delay slot", () => {
    const cpu = new TestMachine();
    expect(cpu.execute("j 0x100", 0x6ffffffc)).toEqual({ kind: "jump", target: 0x70000100 });
  });
});

describe("delay slots", () => {
  test("condition, target and link are made before the slot runs", () => {
    expect(branch(`bnez s0,${TARGET}`, { s0: 0 }).exit).toEqual({ kind: "jump", target: NEXT });
    expect(branch("jr s0", { s0: 0x1000 }).exit).toEqual({ kind: "jumpIndirect", target: 0x1000 });
    expect(branch(`jal ${TARGET}`, {}, "move s0,ra").cpu.register("s0")).toBe(NEXT);
    expect(branch("jalr ra,ra", { ra: 0x1000 }).exit).toMatchObject({ target: 0x1000 });
  });

  test("the branch is one instruction of 8 bytes", () => {
    const cpu = new TestMachine();
    expect(cpu.decode(`beq a0,a1,${TARGET}\nnop`, PC)).toMatchObject({
      pc: PC,
      size: 8,
      flow: { kind: "branch", target: TARGET },
    });
    expect(cpu.isa.disassemble(cpu.decode(`jr ra\nmove v0,zero`, PC))).toBe("jr\tra\nmove\tv0,zero");
  });

  test("an exception in the slot keeps the link register", () => {
    const { cpu, exit } = branch(`jal ${TARGET}`, { a0: 0 }, "lw v0,0(a0)");
    expect(exit).toMatchObject({ exception: "memory", info: 0 });
    expect(cpu.register("ra")).toBe(NEXT);
  });

  test.each(["break 1", "teq zero,zero"])("%s in the slot", (slot) => {
    expect(branch("jr ra", {}, slot).exit).toMatchObject({
      kind: "exception",
      exception: slot.startsWith("break") ? "breakpoint" : "trap",
    });
    expect(branch(`beqzl a0,${TARGET}`, { a0: 0 }, slot).exit).toMatchObject({ kind: "exception" });
    expect(branch(`beqzl a0,${TARGET}`, { a0: 1 }, slot).exit).toMatchObject({
      kind: slot.startsWith("break") ? "leave" : "jump",
    });
  });

  test.each([
    ["jr ra", { kind: "leave", next: 0x1000 }],
    [`j ${TARGET}`, { kind: "leave", next: TARGET }],
    [`jal ${TARGET}`, { kind: "leave", next: TARGET }],
    [`beqz a0,${TARGET}`, { kind: "leave", next: TARGET }],
    [`bnez a0,${TARGET}`, { kind: "leave", next: NEXT }],
    [`bnezl a0,${TARGET}`, { kind: "leave", next: NEXT }],
    [`beqzl a0,${TARGET}`, { kind: "leave", next: TARGET }],
  ])("%s leaves where its slot must end the block", (source, expected) => {
    expect(branch(source, { ra: 0x1000 }, "synci 0(sp)").exit).toEqual(expected);
  });

  test.each([
    ["b 0x400100", "branch in a delay slot"],
    ["syscall", "system call in a delay slot"],
  ])("%s does not belong there", (slot, unsupported) => {
    const cpu = new TestMachine();
    const source = `jr ra\n${slot}`;
    expect(cpu.decode(source, PC)).toMatchObject({ unsupported, flow: { kind: "stop" } });
    expect(cpu.execute(source, PC)).toEqual({ kind: "exception", exception: "illegal", info: 0 });
  });
});
