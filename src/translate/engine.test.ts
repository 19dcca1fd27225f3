import { beforeEach, describe, expect, test } from "vitest";
import { assemble } from "../cpu/mips/assemble.test-support.ts";
import { CODE, DATA, TestMachine, WAYS } from "./machine.test-support.ts";
import { TranslationCache } from "./translation-cache.ts";

let machine: TestMachine;
describe.each(WAYS)("%s", (_, translateAfter) => {
  beforeEach(() => {
    machine = new TestMachine(true, new TranslationCache(translateAfter));
  });

  const SUM = `
  addiu v0,zero,0
  addu v0,v0,a0       # ${CODE + 4}
  addiu a0,a0,-1
  bne a0,zero,${CODE + 4}
  nop
  syscall`;

  describe("control flow", () => {
    test("a loop", () => {
      machine.set("a0", 1000);
      expect(machine.run(SUM)).toEqual({ reason: "left" });
      expect(machine.get("v0")).toBe(500500);
      expect(machine.engine.pc).toBe(CODE + 24);
    });

    test("a loop that runs out of fuel goes on where it was, with its registers", () => {
      machine.set("a0", 1000);
      machine.load(SUM);
      machine.engine.pc = CODE;
      let yields = 0;
      while (machine.engine.run(7).reason === "yield") yields++;
      expect(yields).toBeGreaterThan(100);
      expect(machine.get("v0")).toBe(500500);
    });

    test("recursion far deeper than the host's stack", () => {
      machine.set("sp", 0x7ffff000);
      machine.pages.fill(3, 0x7ff00000 >>> 12, 0x7ffff000 >>> 12);
      machine.set("a0", 50_000);
      machine.run(`
      jal ${CODE + 16}
      nop
      syscall
      nop
      beq a0,zero,${CODE + 52}   # depth(n) = n == 0 ? 0 : depth(n - 1) + 1
      addiu v0,zero,0
      addiu sp,sp,-8
      sw ra,4(sp)
      jal ${CODE + 16}
      addiu a0,a0,-1
      lw ra,4(sp)
      addiu sp,sp,8
      addiu v0,v0,1
      jr ra
      nop`);
      expect(machine.get("v0")).toBe(50_000);
      expect(machine.get("sp")).toBe(0x7ffff000);
    });

    test("a computed jump and a computed call", () => {
      machine.set("t9", CODE + 24);
      machine.set("t0", CODE + 16);
      machine.run(`
      jalr t9
      addiu a1,zero,5
      jr t0
      addiu v1,v0,1
      syscall              # 16
      nop
      jr ra                # 24
      addu v0,a1,a1`);
      expect(machine.get("v0")).toBe(10);
      expect(machine.get("v1")).toBe(11);
    });

    test("a branch-likely runs its delay slot only when taken", () => {
      machine.run(`
      beql zero,zero,${CODE + 16}
      addiu t0,zero,1
      addiu t1,zero,1
      nop
      bnel zero,zero,${CODE}     # 16
      addiu t2,zero,1
      syscall`);
      expect([machine.get("t0"), machine.get("t1"), machine.get("t2")]).toEqual([1, 0, 0]);
    });

    test("a loop that is entered in its middle", () => {
      const source = `
      beq a1,zero,${CODE + 20}
      addiu v0,zero,0
      addiu v0,v0,1        # 8
      addiu a0,a0,-1
      nop
      addiu v0,v0,100      # 20
      bgtz a0,${CODE + 8}
      addiu a0,a0,-1
      syscall`;
      machine.set("a0", 10);
      machine.run(source);
      expect(machine.get("v0")).toBe(100 + 5 * 101);
      machine.set("a0", 10);
      machine.set("a1", 1);
      machine.run(source);
      expect(machine.get("v0")).toBe(6 * 101);
    });

    test("a megabyte of straight code comes back now and then", () => {
      machine.pages.fill(7, 0x800000 >>> 12, 0x900000 >>> 12);
      machine.engine.pc = 0x800000;
      let yields = 0;
      for (; machine.engine.run(100_000).reason === "yield" && yields < 1000; yields++);
      expect(yields).toBeGreaterThan(3);
      expect(machine.engine.pc).toBe(0x900000);
    });

    test("a return to 0xffffffff is a fetch fault, not an exit", () => {
      machine.set("ra", -1);
      expect(machine.run("jr ra\nnop")).toEqual({
        reason: "exception",
        exception: "fetch",
        info: 0xffffffff,
        pc: 0xffffffff,
      });
    });

    test("a jump to a page without code", () => {
      machine.set("t0", 0x600000);
      expect(machine.run("jr t0\nnop")).toEqual({
        reason: "exception",
        exception: "fetch",
        info: 0x600000,
        pc: 0x600000,
      });
    });
  });

  describe("values", () => {
    test("registers that are exchanged through others keep their values", () => {
      machine.set("a0", 1);
      machine.set("a1", 2);
      machine.run(`
      move t0,a0
      move a0,a1
      move a1,t0
      addu t1,a0,zero
      addu a0,a0,a1
      addu v0,t1,t0
      syscall`);
      expect([machine.get("a0"), machine.get("a1"), machine.get("v0")]).toEqual([3, 1, 3]);
    });

    test("a value from before a conditional move is the old one", () => {
      machine.set("a0", 7);
      machine.set("a2", 9);
      machine.run(`
      addu t0,a0,a0
      movn a0,a2,t0
      addu v0,a0,t0
      movz a0,zero,zero
      addu v1,a0,t0
      syscall`);
      expect([machine.get("v0"), machine.get("v1")]).toEqual([23, 14]);
    });
  });

  describe("exceptions", () => {
    test("a trap stops with its code and with all registers as they were", () => {
      const exit = machine.run(`
      addiu t0,zero,1
      addiu t1,zero,2
      teq t0,t0,0x7
      addiu t0,zero,3
      syscall`);
      expect(exit).toEqual({ reason: "exception", exception: "trap", info: 7, pc: CODE + 8 });
      expect([machine.get("t0"), machine.get("t1")]).toEqual([1, 2]);
    });

    test("a fault tells address and instruction; in a delay slot, the branch's", () => {
      machine.set("a0", DATA + 0xffe);
      expect(machine.run("addiu t0,zero,1\nlw t1,0(a0)\nsyscall")).toEqual({
        reason: "exception",
        exception: "memory",
        info: DATA + 0x1000,
        pc: CODE + 4,
      });
      expect(machine.get("t0")).toBe(1);
      machine.set("a0", 0x1000);
      machine.engine.invalidate(CODE, CODE + 0x1000);
      expect(machine.run("nop\nb " + (CODE + 16) + "\nsw a0,4(a0)\nnop\nsyscall")).toEqual({
        reason: "exception",
        exception: "memory",
        info: 0x1004,
        pc: CODE + 4,
      });
    });

    test("single steps stop behind each instruction", () => {
      machine.load(`jal ${CODE + 16}\naddiu a0,zero,1\nsyscall\nnop\njr ra\naddiu a0,a0,1`);
      machine.engine.pc = CODE;
      machine.onCall = () => true;
      const pcs = [0, 1, 2].map(() => {
        expect(machine.engine.step()).toEqual({ reason: "stepped" });
        return machine.engine.pc - CODE;
      });
      expect(pcs).toEqual([16, 8, 12]);
      expect(machine.get("a0")).toBe(2);
      expect(machine.calls).toBe(1);
    });
  });

  describe("system calls and changed code", () => {
    test("a call that goes on reads its registers back", () => {
      machine.onCall = () => {
        machine.set("v0", machine.get("v0") + 1);
        return machine.calls < 3;
      };
      machine.run("addiu v0,zero,40\nsyscall\naddiu v0,v0,10\nsyscall\nsyscall\nsyscall");
      expect(machine.get("v0")).toBe(53);
      expect(machine.engine.pc).toBe(CODE + 20);
    });

    test("code that is changed during a call is not run in its old form", () => {
      machine.onCall = () => {
        if (machine.calls > 1) return false;
        machine.load("addiu v0,zero,2", CODE + 4);
        machine.engine.invalidate(CODE, CODE + 8);
        return true;
      };
      machine.run("syscall\naddiu v0,zero,1\nsyscall");
      expect(machine.get("v0")).toBe(2);
    });

    test("synci announces changed code", () => {
      const word = assemble("addiu v0,zero,2");
      machine.set("a0", CODE + 12);
      machine.set("a1", word);
      machine.set("t9", CODE + 12);
      machine.run(`
      jal ${CODE + 40}
      nop
      nop
      addiu v0,zero,1     # 12: becomes 2
      syscall
      nop
      nop
      nop
      nop
      nop
      sw a1,0(a0)         # 40
      synci 0(a0)
      jr ra
      nop`);
      expect(machine.get("v0")).toBe(2);
    });
  });

  describe("shared translations", () => {
    const CALL = `jal ${CODE + 16}\nnop\nsyscall\nnop\njr ra\naddiu v0,zero,7`;

    test("a second engine runs what the first has compiled, with slots far beyond its first table", () => {
      const cache = new TranslationCache(translateAfter);
      const mode = cache.mode(0);
      for (let pc = 0x800000; cache.slotCount < 100_000; pc += 4) cache.slotOf(mode, pc);
      for (let round = 0; round < 2; round++) {
        const next = new TestMachine(true, cache);
        expect(next.run(CALL)).toEqual({ reason: "left" });
        expect(next.get("v0")).toBe(7);
      }
    });

    test("other code at the same address is not taken for it", () => {
      const cache = new TranslationCache(translateAfter);
      new TestMachine(true, cache).run(CALL);
      const next = new TestMachine(true, cache);
      next.run(CALL.replace("7", "8"));
      expect(next.get("v0")).toBe(8);
    });
  });

  describe("big-endian memory", () => {
    test("loads and stores of every width", () => {
      machine = new TestMachine(false, new TranslationCache(translateAfter));
      machine.set("a0", DATA);
      machine.set("a1", 0x12345678);
      machine.run(`
      sw a1,0(a0)
      lbu t0,0(a0)
      lhu t1,2(a0)
      lh t2,0(a0)
      sh a1,4(a0)
      lb t3,5(a0)
      lw t4,1(a0)
      syscall`);
      expect([machine.get("t0"), machine.get("t1"), machine.get("t2"), machine.get("t3"), machine.get("t4")]).toEqual([
        0x12, 0x5678, 0x1234, 0x78, 0x34567856,
      ]);
    });
  });
});
