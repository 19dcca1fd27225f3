import { describe, expect, test } from "vitest";
import type { Registers } from "./machine.test-support.ts";
import { TestMachine } from "./machine.test-support.ts";

/** Instruction, registers before, registers after. */
type Case = readonly [string, Registers, Registers];

function run([source, before, after]: Case): void {
  const cpu = new TestMachine();
  cpu.registers = before;
  expect(cpu.execute(source)).toEqual({ kind: "next" });
  expect(Object.fromEntries(Object.keys(after).map((name) => [name, cpu.register(name)]))).toEqual(after);
}

describe("arithmetic and logic", () => {
  test.each<Case>([
    ["addu v0,a0,a1", { a0: 0xffffffff, a1: 2 }, { v0: 1 }],
    ["addu v0,v0,v0", { v0: 0x80000001 }, { v0: 2 }],
    ["subu v0,a0,a1", { a0: 1, a1: 2 }, { v0: 0xffffffff }],
    ["negu v0,a0", { a0: 0x80000000 }, { v0: 0x80000000 }],
    ["add v0,a0,a1", { a0: 0x7fffffff, a1: 0x80000000 }, { v0: 0xffffffff }],
    ["sub v0,a0,a1", { a0: 0x80000000, a1: 0xffffffff }, { v0: 0x80000001 }],
    ["addiu v0,a0,-1", { a0: 0 }, { v0: 0xffffffff }],
    ["addiu v0,a0,0", { a0: 7 }, { v0: 7 }],
    ["li v0,-32768", {}, { v0: 0xffff8000 }],
    ["li v0,0xffff", {}, { v0: 0xffff }],
    ["lui v0,0x8001", {}, { v0: 0x80010000 }],
    ["slt v0,a0,a1", { a0: 0x80000000, a1: 0 }, { v0: 1 }],
    ["sltu v0,a0,a1", { a0: 0x80000000, a1: 0 }, { v0: 0 }],
    ["sltu v0,zero,a1", { a1: 0x80000000 }, { v0: 1 }],
    ["sltu v0,zero,a1", { a1: 0 }, { v0: 0 }],
    ["slti v0,a0,-1", { a0: 0xfffffffe }, { v0: 1 }],
    // The immediate is sign-extended, then compared as unsigned.
    ["sltiu v0,a0,-1", { a0: 0xfffffffe }, { v0: 1 }],
    ["sltiu v0,a0,1", { a0: 0 }, { v0: 1 }],
    ["sltiu v0,a0,1", { a0: 0x100 }, { v0: 0 }],
    ["and v0,a0,a1", { a0: 0xff00ff00, a1: 0x0ff00ff0 }, { v0: 0x0f000f00 }],
    ["or v0,a0,a1", { a0: 0xff00ff00, a1: 0x0ff00ff0 }, { v0: 0xfff0fff0 }],
    ["move v0,a0", { a0: 0x12345678 }, { v0: 0x12345678 }],
    ["xor v0,a0,a1", { a0: 0xff00ff00, a1: 0x0ff00ff0 }, { v0: 0xf0f0f0f0 }],
    ["nor v0,a0,a1", { a0: 0xff00ff00, a1: 0x0ff00ff0 }, { v0: 0x000f000f }],
    ["andi v0,a0,0xff00", { a0: 0xffffffff }, { v0: 0xff00 }],
    ["xori v0,a0,0xffff", { a0: 0xffffffff }, { v0: 0xffff0000 }],
    ["clz v0,a0", { a0: 0 }, { v0: 32 }],
    ["clo v0,a0", { a0: 0xfffeffff }, { v0: 15 }],
    ["seb v0,a0", { a0: 0x1180 }, { v0: 0xffffff80 }],
    ["seh v0,a0", { a0: 0x18000 }, { v0: 0xffff8000 }],
    ["movn v0,a0,a1", { v0: 1, a0: 2, a1: 3 }, { v0: 2 }],
    ["movn v0,a0,a1", { v0: 1, a0: 2, a1: 0 }, { v0: 1 }],
    ["movz v0,a0,a1", { v0: 1, a0: 2, a1: 0 }, { v0: 2 }],
    ["movz v0,a0,a1", { v0: 1, a0: 2, a1: 3 }, { v0: 1 }],
    ["addiu zero,a0,1", { a0: 1 }, { zero: 0 }],
  ])("%s %o", (...args) => run(args));

  test.each([
    ["add v0,a0,a1", 0x7fffffff, 1],
    ["add v0,a0,a1", 0x80000000, 0xffffffff],
    ["addi v0,a0,-1", 0x80000000, 0],
    ["sub v0,a0,a1", 0x80000000, 1],
    ["sub v0,a0,a1", 0, 0x80000000],
    ["neg v0,a1", 0, 0x80000000],
  ])("%s overflows for %i, %i and leaves its register", (source, a0, a1) => {
    const cpu = new TestMachine();
    cpu.registers = { v0: 42, a0, a1 };
    expect(cpu.execute(source)).toEqual({ kind: "exception", exception: "overflow", info: 0 });
    expect(cpu.register("v0")).toBe(42);
  });
});

describe("shifts and fields", () => {
  test.each<Case>([
    ["sll v0,a0,0", { a0: 0x80000001 }, { v0: 0x80000001 }],
    ["sll v0,a0,31", { a0: 3 }, { v0: 0x80000000 }],
    ["srl v0,a0,31", { a0: 0x80000000 }, { v0: 1 }],
    ["sra v0,a0,31", { a0: 0x80000000 }, { v0: 0xffffffff }],
    ["rotr v0,a0,4", { a0: 0x12345678 }, { v0: 0x81234567 }],
    ["sllv v0,a0,a1", { a0: 1, a1: 33 }, { v0: 2 }],
    ["srlv v0,a0,a1", { a0: 0x80000000, a1: 0xffffffff }, { v0: 1 }],
    ["srav v0,a0,a1", { a0: 0x80000000, a1: 0x3f }, { v0: 0xffffffff }],
    ["rotrv v0,a0,a1", { a0: 0x12345678, a1: 36 }, { v0: 0x81234567 }],
    ["ext v0,a0,4,8", { a0: 0x12345678 }, { v0: 0x67 }],
    ["ext v0,a0,0,32", { a0: 0x92345678 }, { v0: 0x92345678 }],
    ["ext v0,a0,31,1", { a0: 0x80000000 }, { v0: 1 }],
    ["ins v0,a0,4,8", { v0: 0xffffffff, a0: 0x12345678 }, { v0: 0xfffff78f }],
    ["ins v0,a0,0,32", { v0: 0xffffffff, a0: 0x12345678 }, { v0: 0x12345678 }],
    ["ins v0,a0,31,1", { v0: 0x7fffffff, a0: 1 }, { v0: 0xffffffff }],
    ["wsbh v0,a0", { a0: 0x12345678 }, { v0: 0x34127856 }],
  ])("%s %o", (...args) => run(args));

  test.each([
    ["ext of bits beyond 31", 0x7c00f840 | (4 << 21)],
    ["ins that ends before it begins", 0x7c000084 | (4 << 6)],
  ])("%s is illegal", (_what, word) => {
    expect(new TestMachine().execute([word])).toEqual({ kind: "exception", exception: "illegal", info: 0 });
  });
});

describe("multiplication and division", () => {
  test.each<Case>([
    ["mul v0,a0,a1", { a0: 0x10001, a1: 0x10001 }, { v0: 0x20001 }],
    ["mult a0,a1", { a0: 0xffffffff, a1: 2 }, { hi: 0xffffffff, lo: 0xfffffffe }],
    ["multu a0,a1", { a0: 0xffffffff, a1: 2 }, { hi: 1, lo: 0xfffffffe }],
    ["mult a0,a1", { a0: 0x80000000, a1: 0x80000000 }, { hi: 0x40000000, lo: 0 }],
    ["madd a0,a1", { hi: 0, lo: 0xffffffff, a0: 1, a1: 1 }, { hi: 1, lo: 0 }],
    ["maddu a0,a1", { hi: 0, lo: 1, a0: 0xffffffff, a1: 0xffffffff }, { hi: 0xfffffffe, lo: 2 }],
    ["msub a0,a1", { hi: 0, lo: 0, a0: 1, a1: 1 }, { hi: 0xffffffff, lo: 0xffffffff }],
    ["msubu a0,a1", { hi: 1, lo: 0, a0: 0xffffffff, a1: 1 }, { hi: 0, lo: 1 }],
    ["div zero,a0,a1", { a0: 0xfffffff9, a1: 2 }, { lo: 0xfffffffd, hi: 0xffffffff }],
    ["divu zero,a0,a1", { a0: 0xfffffff9, a1: 2 }, { lo: 0x7ffffffc, hi: 1 }],
    ["div zero,a0,a1", { a0: 0x80000000, a1: 0xffffffff }, { lo: 0x80000000, hi: 0 }],
    ["div zero,a0,a1", { a0: 5, a1: 0 }, { lo: 5, hi: 0 }],
    ["divu zero,a0,a1", { a0: 0x80000000, a1: 0 }, { lo: 0x80000000, hi: 0 }],
    ["mfhi v0", { hi: 7 }, { v0: 7 }],
    ["mtlo a0", { a0: 7 }, { lo: 7 }],
  ])("%s %o", (...args) => run(args));
});

describe("traps", () => {
  test.each([
    ["teq a0,a1,7", 5, 5, 5, 6, 7],
    ["tne a0,a1", 5, 6, 5, 5, 0],
    ["tge a0,a1", 5, 5, 0x80000000, 0, 0],
    ["tgeu a0,a1", 0x80000000, 0, 4, 5, 0],
    ["tlt a0,a1,1023", 0x80000000, 0, 5, 5, 1023],
    ["tltu a0,a1", 4, 5, 0x80000000, 0, 0],
    ["teqi a0,-1", 0xffffffff, 0, 0xffff, 0, 0],
    ["tnei a0,-1", 0xffff, 0, 0xffffffff, 0, 0],
    ["tgei a0,-1", 0, 0, 0xfffffffe, 0, 0],
    ["tgeiu a0,-1", 0xffffffff, 0, 0, 0, 0],
    ["tlti a0,-1", 0xfffffffe, 0, 0, 0, 0],
    ["tltiu a0,-1", 0, 0, 0xffffffff, 0, 0],
  ])("%s traps for %i, %i and not for %i, %i", (source, a0, a1, b0, b1, info) => {
    const cpu = new TestMachine();
    cpu.registers = { a0, a1 };
    expect(cpu.execute(source)).toEqual({ kind: "exception", exception: "trap", info });
    cpu.registers = { a0: b0, a1: b1 };
    expect(cpu.execute(source)).toEqual({ kind: "next" });
  });

  test("break tells its whole code field", () => {
    expect(new TestMachine().execute("break 7")).toEqual({ kind: "exception", exception: "breakpoint", info: 7 << 10 });
  });

  test("syscall goes on after itself", () => {
    expect(new TestMachine().execute("syscall", 0x400100)).toEqual({ kind: "systemCall", next: 0x400104 });
  });
});
