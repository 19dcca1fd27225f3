import { describe, expect, test } from "vitest";
import { TestMachine } from "./machine.test-support.ts";
import { NO_EXCLUSIVE } from "./registers.ts";

/** The evaluator's memory. */
const BASE = 0x10000;
const END = 0x11000;

function machineWith(registers: Readonly<Record<string, number>>, memory: readonly number[] = []): TestMachine {
  const machine = new TestMachine();
  machine.registers = registers;
  for (const [n, word] of memory.entries()) machine.memory.setUint32(4 * n, word, true);
  return machine;
}

describe("an instruction that faults has changed no register", () => {
  const faultsAt = (info: number) => ({ kind: "exception", exception: "memory", info });
  test.each([
    ["ldm r0!, {r1, r2, r3}", 0xe8b0000e, END - 8, END],
    ["ldmdb r0!, {r1, r2}", 0xe9300006, BASE + 4, BASE - 4],
    ["ldm r0, {r0, r1}", 0xe8900003, END - 4, END],
    ["pop {r1, r2} with sp = r0's place", 0xe8b00006, END - 4, END],
    ["ldrd r2, r3, [r0], #8", 0xe0c020d8, END - 4, END],
    ["ldr r1, [r0, #4]!", 0xe5b01004, END - 4, END],
    ["ldr r1, [r0], #4", 0xe4901004, END, END],
    ["str r1, [r0, #-4]!", 0xe5201004, BASE, BASE - 4],
    ["stm r0!, {r1, r2, r3}", 0xe8a0000e, END - 8, END],
    ["swp r1, r2, [r0]", 0xe1001092, END, END],
  ])("%s", (_text, word, base, fault) => {
    const before = { r0: base, r1: 1, r2: 2, r3: 3 };
    const machine = machineWith(before);
    expect(machine.execute([word])).toEqual(faultsAt(fault));
    for (const [name, value] of Object.entries(before)) expect(machine.register(name)).toBe(value);
  });
});

describe("several registers", () => {
  test("ldm: the four ways to count", () => {
    for (const [word, first, after] of [
      [0xe8b00006, 8, 16], // ldmia r0!, {r1, r2}
      [0xe9b00006, 12, 16], // ldmib
      [0xe8300006, 4, 0], // ldmda
      [0xe9300006, 0, 0], // ldmdb
    ] as const) {
      const machine = machineWith({ r0: BASE + 8 }, [10, 11, 12, 13, 14]);
      expect(machine.execute([word])).toEqual({ kind: "next" });
      expect([machine.register("r1"), machine.register("r2")]).toEqual([10 + first / 4, 11 + first / 4]);
      expect(machine.register("r0")).toBe(BASE + after);
    }
  });

  test("push and pop", () => {
    const machine = machineWith({ r13: BASE + 16, r4: 4, r14: 0x9001 });
    machine.execute([0xe92d4010]); // push {r4, lr}
    expect(machine.register("r13")).toBe(BASE + 8);
    machine.registers = { r4: 0 };
    expect(machine.execute([0xe8bd8010])).toEqual({ kind: "return", target: 0x9001 }); // pop {r4, pc}
    expect([machine.register("r4"), machine.register("r13")]).toEqual([4, BASE + 16]);
  });

  test("a store of the base register stores what it was", () => {
    const machine = machineWith({ r0: BASE, r1: 1 });
    machine.execute([0xe8a00003]); // stmia r0!, {r0, r1}
    expect(machine.memory.getUint32(0, true)).toBe(BASE);
    expect(machine.register("r0")).toBe(BASE + 8);
  });

  test("any alignment, as Linux makes it", () => {
    const machine = machineWith({ r0: BASE + 1 }, [0x11223300, 0x55667744, 0x88]);
    machine.execute([0xe8900006]); // ldm r0, {r1, r2}
    expect([machine.register("r1"), machine.register("r2")]).toEqual([0x44112233, 0x88556677]);
  });
});

describe("exclusive accesses", () => {
  const LDREX = 0xe1901f9f; // ldrex r1, [r0]
  const STREX = 0xe1802f93; // strex r2, r3, [r0]

  test("a pair stores once", () => {
    const machine = machineWith({ r0: BASE, r3: 7 }, [5]);
    machine.execute([LDREX]);
    machine.execute([STREX]);
    expect([machine.register("r1"), machine.register("r2"), machine.memory.getUint32(0, true)]).toEqual([5, 0, 7]);
    machine.registers = { r3: 9 };
    machine.execute([STREX]);
    expect([machine.register("r2"), machine.memory.getUint32(0, true)]).toEqual([1, 7]);
  });

  test("fails where memory has changed, at another address, after clrex", () => {
    for (const between of [
      (machine: TestMachine) => machine.memory.setUint32(0, 6, true),
      (machine: TestMachine) => void (machine.registers = { r0: BASE + 4 }),
      (machine: TestMachine) => void machine.execute([0xf57ff01f]),
    ]) {
      const machine = machineWith({ r0: BASE, r3: 7 }, [5, 5]);
      machine.execute([LDREX]);
      between(machine);
      machine.execute([STREX]);
      expect(machine.register("r2")).toBe(1);
      expect(machine.memory.getUint32(0, true)).not.toBe(7);
    }
  });

  test("ldrexd and strexd take both words", () => {
    const machine = machineWith({ r0: BASE, r4: 3, r5: 4 }, [1, 2]);
    machine.execute([0xe1b02f9f]); // ldrexd r2, r3, [r0]
    expect([machine.register("r2"), machine.register("r3")]).toEqual([1, 2]);
    machine.execute([0xe1a01f94]); // strexd r1, r4, r5, [r0]
    expect([machine.register("r1"), machine.memory.getUint32(0, true), machine.memory.getUint32(4, true)]).toEqual([
      0, 3, 4,
    ]);
  });

  test("must be aligned", () => {
    expect(machineWith({ r0: BASE + 2 }).execute([LDREX])).toEqual({
      kind: "exception",
      exception: "addressError",
      info: BASE + 2,
    });
    expect(machineWith({ r0: BASE + 4 }).execute([0xe1b02f9f])).toEqual({
      kind: "exception",
      exception: "addressError",
      info: BASE + 4,
    });
    expect(machineWith({ r0: NO_EXCLUSIVE }).execute([0xe1d01f9f])).toEqual({
      kind: "exception",
      exception: "memory",
      info: NO_EXCLUSIVE,
    }); // ldrexb
  });
});
