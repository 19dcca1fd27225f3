/** What is made for code that runs often: copies of what it calls, and targets of its computed jumps. */
import { beforeEach, describe, expect, test } from "vitest";
import { CODE, DATA, TestMachine, WAYS } from "./machine.test-support.ts";
import { TranslationCache } from "./translation-cache.ts";

let machine: TestMachine;

describe.each(WAYS)("%s", (_, translateAfter) => {
  beforeEach(() => {
    machine = new TestMachine(true, new TranslationCache(translateAfter));
  });

  /** A program's operations as a bytecode interpreter in MIPS code; `threaded`: each goes on to the next by itself. */
  function interpreter(threaded: boolean): { source: string; labels: number[] } {
    const next = `
    lbu t0,0(a0)
    addiu a0,a0,1
    sll t0,t0,2
    addu t0,t0,a1
    lw t0,0(t0)
    jr t0
    nop`;
    const end = threaded ? next : `\nbeq zero,zero,${CODE}\nnop`;
    const lines = (text: string): number => text.trim().split("\n").length;
    const labels: number[] = [];
    let source = next;
    for (const operation of ["addiu v0,v0,1", "sll v0,v0,1", "xor v0,v0,a2", "subu v0,v0,a3", "srl v0,v0,3"]) {
      labels.push(CODE + 4 * lines(source));
      source += `\n${operation}${end}`;
    }
    labels.push(CODE + 4 * lines(source));
    return { source: `${source}\nsyscall`, labels };
  }

  test.each([
    ["a switch in a loop", false],
    ["a threaded interpreter", true],
  ])("%s, with targets that come late", (_, threaded) => {
    const { source, labels } = interpreter(threaded);
    machine.pages[(DATA >>> 12) + 1] = 3;
    machine.load(source);
    labels.forEach((label, i) => machine.bytes.setUint32(DATA + 0x1000 + 4 * i, label, true));
    const HALT = labels.length - 1;
    const LENGTH = 4000;
    let seed = 1;
    const run = (operations: number): void => {
      let expected = 7;
      for (let i = 0; i < LENGTH; i++) {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
        const operation = (seed >>> 16) % operations;
        machine.bytes.setUint8(DATA + i, operation);
        if (operation === 0) expected = (expected + 1) | 0;
        else if (operation === 1) expected <<= 1;
        else if (operation === 2) expected ^= 0x5a5a5a5a;
        else if (operation === 3) expected = (expected - 0x1234567) | 0;
        else expected >>>= 3;
      }
      machine.bytes.setUint8(DATA + LENGTH, HALT);
      for (const [name, value] of Object.entries({
        a0: DATA,
        a1: DATA + 0x1000,
        a2: 0x5a5a5a5a,
        a3: 0x1234567,
        v0: 7,
      }))
        machine.set(name, value);
      machine.engine.pc = CODE;
      expect(machine.goOn(997)).toEqual({ reason: "left" });
      expect(machine.get("v0")).toBe(expected | 0);
      expect(machine.get("a0")).toBe(DATA + LENGTH + 1);
    };
    for (const operations of [2, 2, 3, 3, 5, 5, 1, 5]) run(operations);
  });

  describe("small functions, called so often that they are copied", () => {
    const STACK = 0x7ffff000;
    beforeEach(() => {
      machine.set("sp", STACK);
      machine.pages.fill(3, (STACK >>> 12) - 2, STACK >>> 12);
    });
    const fibonacci = (n: number): number => (n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2));

    test("recursion with two calls, in small slices", () => {
      machine.set("a0", 17);
      machine.load(`
      jal ${CODE + 16}
      nop
      syscall
      nop
      sltiu v0,a0,2             # 16: fib(a0)
      beq v0,zero,${CODE + 36}
      nop
      jr ra
      addu v0,a0,zero
      addiu sp,sp,-12           # 36
      sw ra,0(sp)
      sw s0,4(sp)
      sw a0,8(sp)
      jal ${CODE + 16}
      addiu a0,a0,-1
      addu s0,v0,zero
      lw a0,8(sp)
      jal ${CODE + 16}
      addiu a0,a0,-2
      addu v0,v0,s0
      lw ra,0(sp)
      lw s0,4(sp)
      jr ra
      addiu sp,sp,12`);
      machine.engine.pc = CODE;
      machine.set("s0", 77);
      expect(machine.goOn(333)).toEqual({ reason: "left" });
      expect([machine.get("v0"), machine.get("s0"), machine.get("sp")]).toEqual([fibonacci(17), 77, STACK]);
    });

    test("a function that sometimes returns elsewhere", () => {
      machine.set("a0", 20_000);
      machine.run(`
      addiu v0,zero,0
      jal ${CODE + 48}          # 4
      nop
      b ${CODE + 24}
      addiu v0,v0,1
      addiu v1,v1,1             # 20: every eighth time
      addiu a0,a0,-1            # 24
      bgtz a0,${CODE + 4}
      nop
      syscall
      nop
      nop
      andi t0,a0,7              # 48
      bne t0,zero,${CODE + 64}
      nop
      addiu ra,ra,8
      jr ra                     # 64
      nop`);
      expect([machine.get("v0"), machine.get("v1"), machine.get("a0")]).toEqual([17_500, 2_500, 0]);
    });

    test("a function whose loop is longer than a slice returns to its caller", () => {
      machine.set("a0", 3000);
      machine.load(`
      addiu v0,zero,0
      jal ${CODE + 48}          # 4
      addiu a1,zero,40
      jal ${CODE + 48}
      addiu a1,zero,30
      addiu a0,a0,-1
      bgtz a0,${CODE + 4}
      addiu v0,v0,1000
      syscall
      nop
      nop
      nop
      addiu a1,a1,-1            # 48
      bgtz a1,${CODE + 48}
      addiu v0,v0,1
      jr ra
      nop`);
      machine.engine.pc = CODE;
      expect(machine.goOn(13)).toEqual({ reason: "left" });
      expect(machine.get("v0")).toBe(3000 * 1070);
    });

    test("a function with a loop that is entered in its middle, called at two places", () => {
      machine.set("a0", 3000);
      machine.load(`
      addiu v0,zero,0
      jal ${CODE + 48}          # 4
      addiu a1,zero,6
      jal ${CODE + 48}
      sll v0,v0,1
      addiu a0,a0,-1
      bgtz a0,${CODE + 4}
      addiu v0,v0,1000
      syscall
      nop
      nop
      nop
      andi t0,a0,1              # 48
      beq t0,zero,${CODE + 68}
      addiu t1,zero,6
      addiu v0,v0,7             # 60
      nop
      addiu t1,t1,-1            # 68
      bgtz t1,${CODE + 60}
      xor v0,v0,t1
      jr ra
      nop`);
      machine.engine.pc = CODE;
      expect(machine.goOn(29)).toEqual({ reason: "left" });
      let expected = 0;
      for (let n = 3000; n > 0; n--) {
        const call = (): void => {
          let left = 6;
          let inMiddle = n % 2 === 0;
          do {
            if (!inMiddle) expected = (expected + 7) | 0;
            inMiddle = false;
            left--;
            expected ^= left;
          } while (left > 0);
        };
        call();
        expected <<= 1;
        call();
        expected = (expected + 1000) | 0;
      }
      expect(machine.get("v0")).toBe(expected);
    });

    test("a function that is a loop around a switch, called at two places", () => {
      const labels = [CODE + 84, CODE + 92, CODE + 100];
      labels.forEach((at, i) => machine.bytes.setUint32(DATA + 4 * i, at, true));
      machine.set("a0", 3000);
      machine.set("a1", DATA);
      machine.load(`
      addiu v0,zero,0
      jal ${CODE + 48}          # 4
      addiu a2,zero,9
      jal ${CODE + 48}
      addiu a2,zero,5
      addiu a0,a0,-1
      bgtz a0,${CODE + 4}
      addiu v0,v0,1000
      syscall
      nop
      nop
      nop
      addiu a2,a2,-1            # 48
      beq a2,zero,${CODE + 100}
      andi t0,a2,1
      sll t0,t0,2
      addu t0,t0,a1
      lw t0,0(t0)
      jr t0
      nop
      nop
      b ${CODE + 48}            # 84
      addiu v0,v0,1
      b ${CODE + 48}            # 92
      xor v0,v0,a0
      jr ra                     # 100
      nop`);
      machine.engine.pc = CODE;
      expect(machine.goOn(17)).toEqual({ reason: "left" });
      let expected = 0;
      for (let n = 3000; n > 0; n--) {
        for (const length of [9, 5])
          for (let i = length - 1; i > 0; i--) expected = i % 2 === 0 ? (expected + 1) | 0 : expected ^ n;
        expected = (expected + 1000) | 0;
      }
      expect(machine.get("v0")).toBe(expected);
    });

    test("a function with a switch", () => {
      const labels = [CODE + 72, CODE + 80, CODE + 88];
      labels.forEach((at, i) => machine.bytes.setUint32(DATA + 4 * i, at, true));
      machine.set("a0", 9000);
      machine.set("a1", DATA);
      machine.set("a3", 3);
      machine.run(`
      addiu v0,zero,0
      jal ${CODE + 44}          # 4
      nop
      jal ${CODE + 44}
      addiu v0,v0,5
      addiu a0,a0,-1
      bgtz a0,${CODE + 4}
      nop
      syscall
      nop
      nop
      divu zero,a0,a3           # 44
      mfhi t0
      sll t0,t0,2
      addu t0,t0,a1
      lw t0,0(t0)
      jr t0
      nop
      jr ra                     # 72
      addiu v0,v0,1
      jr ra                     # 80
      xor v0,v0,a0
      jr ra                     # 88
      sll v0,v0,1`);
      let expected = 0;
      for (let n = 9000; n > 0; n--) {
        const call = (): void => {
          if (n % 3 === 0) expected = (expected + 1) | 0;
          else if (n % 3 === 1) expected ^= n;
          else expected <<= 1;
        };
        call();
        expected = (expected + 5) | 0;
        call();
      }
      expect(machine.get("v0")).toBe(expected);
    });

    test("calls through a register, to more functions as time goes on, one of which goes on in another", () => {
      const functions = [80, 88, 96, 108].map((offset) => CODE + offset);
      functions.forEach((at, i) => machine.bytes.setUint32(DATA + 4 * i, at, true));
      machine.set("a1", DATA);
      machine.load(`
      addu t8,ra,zero
      addiu v0,zero,0
      and t0,a0,a2              # 8
      sll t0,t0,2
      addu t0,t0,a1
      lw t9,0(t0)
      jalr t9
      nop
      addiu a0,a0,-1
      bgtz a0,${CODE + 8}
      nop
      syscall
      nop
      nop
      nop
      nop
      nop
      nop
      nop
      nop
      jr ra                     # 80
      addu v0,v0,a0
      jr ra                     # 88
      xor v0,v0,a0
      sll v0,v0,1               # 96
      b ${CODE + 80}
      nop
      lw t9,4(a1)               # 108
      jr t9
      addiu v0,v0,3`);
      const add = (v: number, n: number): number => (v + n) | 0;
      const xor = (v: number, n: number): number => v ^ n;
      const model = [add, xor, (v: number, n: number) => add(v << 1, n), (v: number, n: number) => xor(add(v, 3), n)];
      for (const mask of [0, 1, 1, 3, 3, 2]) {
        let expected = 0;
        for (let n = 6000; n > 0; n--) expected = (model[n & mask] as (v: number, n: number) => number)(expected, n);
        machine.set("a0", 6000);
        machine.set("a2", mask);
        machine.engine.pc = CODE;
        expect(machine.goOn(777)).toEqual({ reason: "left" });
        expect(machine.get("v0")).toBe(expected);
      }
    });
  });
});

test("where a computed call goes late, its region learns", () => {
  const cache = new TranslationCache(2);
  machine = new TestMachine(true, cache);
  const [EARLY, LATE] = [CODE + 44, CODE + 56];
  machine.set("a0", 40_000);
  machine.set("a1", 20_000);
  machine.set("a2", EARLY);
  machine.set("a3", LATE);
  machine.load(`
    addu t9,a2,zero           # 0: the loop
    sltu t0,a0,a1
    movn t9,a3,t0
    jalr ra,t9                # 12
    nop
    addiu a0,a0,-1
    bne a0,zero,${CODE}
    nop
    syscall
    nop
    nop
    addiu v0,v0,1             # 44: early
    jr ra
    nop
    addiu v0,v0,3             # 56: late
    jr ra
    nop`);
  machine.engine.pc = CODE;
  expect(machine.goOn(997)).toEqual({ reason: "left" });
  expect(machine.get("v0")).toBe(20_001 + 3 * 19_999);
  const [mode] = cache.modes();
  expect(mode!.jumpTargets(CODE + 12)).toEqual([EARLY, LATE]);
  expect(mode!.missed.get(CODE)).toBe(1);
});
