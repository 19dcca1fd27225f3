import { beforeEach, describe, expect, test } from "vitest";
import { assemble } from "../cpu/mips/assemble.test-support.ts";
import { mipsIsa } from "../cpu/mips/isa.ts";
import { GPR, GPR_NAMES } from "../cpu/mips/registers.ts";
import { CodeFault } from "../cpu/isa.ts";
import { Engine, type Exit } from "./engine.ts";
import { PAGE_TABLE, STATE_BYTES } from "./layout.ts";
import { TranslationCache } from "./translation-cache.ts";

/** Where the tests' code lies, and a page of data. */
const CODE = 0x400000;
const DATA = 0x500000;
const ENOUGH = 1_000_000;

let memory: WebAssembly.Memory;

/** A machine with nothing but a CPU; pages are checked in software. */
class TestMachine {
  readonly engine: Engine;
  readonly bytes: DataView;
  readonly pages: Uint8Array;
  calls = 0;
  onCall: () => boolean = () => false;
  readonly #littleEndian: boolean;

  constructor(littleEndian = true, cache = new TranslationCache()) {
    this.#littleEndian = littleEndian;
    const state = new WebAssembly.Memory({ initial: STATE_BYTES / 65536, maximum: STATE_BYTES / 65536 });
    this.bytes = new DataView(memory.buffer);
    new Uint8Array(memory.buffer, CODE, 0x4000).fill(0);
    new Uint8Array(memory.buffer, DATA, 0x2000).fill(0);
    this.pages = new Uint8Array(state.buffer, PAGE_TABLE, 1 << 20);
    this.pages.fill(7, CODE >>> 12, (CODE >>> 12) + 4);
    this.pages[DATA >>> 12] = 3;
    this.engine = new Engine({
      isa: mipsIsa({ littleEndian }),
      memory,
      state,
      code: {
        read16: (at) => this.bytes.getUint16(this.#executable(at), littleEndian),
        read32: (at) => this.bytes.getUint32(this.#executable(at), littleEndian),
      },
      softwareChecks: true,
      cache,
      systemCall: () => {
        this.calls++;
        return this.onCall();
      },
    });
  }

  #executable(at: number): number {
    if (((this.pages[at >>> 12] as number) & 4) === 0) throw new CodeFault(at);
    return at;
  }

  load(source: string, at = CODE): void {
    const lines = source.split("\n").map((line) => line.replace(/#.*/, "").trim());
    lines
      .filter(Boolean)
      .forEach((line, i) => this.bytes.setUint32(at + 4 * i, assemble(line, at + 4 * i), this.#littleEndian));
  }

  get(register: string): number {
    return this.engine.view.getInt32(
      (GPR[(GPR_NAMES as readonly string[]).indexOf(register)] as { offset: number }).offset,
      true,
    );
  }
  set(register: string, value: number): void {
    this.engine.view.setInt32(
      (GPR[(GPR_NAMES as readonly string[]).indexOf(register)] as { offset: number }).offset,
      value,
      true,
    );
  }

  /** Loads and runs a program until it leaves by something else than fuel. */
  run(source: string, fuel = ENOUGH): Exit {
    this.load(source);
    this.engine.pc = CODE;
    return this.goOn(fuel);
  }
  goOn(fuel = ENOUGH): Exit {
    for (;;) {
      const exit = this.engine.run(fuel);
      if (exit.reason !== "yield") return exit;
    }
  }
}

let machine: TestMachine;
beforeEach(() => {
  memory ??= new WebAssembly.Memory({ initial: 65536, maximum: 65536, shared: true });
});

/** Everything in three ways: by the interpreter alone, by translated code alone, and by both in turn. */
describe.each([
  ["interpreted", Number.POSITIVE_INFINITY],
  ["translated", 0],
  ["mixed", 2],
])("%s", (_, translateAfter) => {
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
