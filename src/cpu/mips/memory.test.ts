import { describe, expect, test } from "vitest";
import { TestMachine } from "./machine.test-support.ts";
import { LL_ADDRESS, NO_RESERVATION } from "./registers.ts";

const BASE = 0x10000;

function machine(littleEndian: boolean): TestMachine {
  const cpu = new TestMachine({ littleEndian });
  // Bytes 10 11 12 … so that a wrong byte shows its place.
  for (let n = 0; n < 16; n++) cpu.memory.setUint8(n, 0x10 + n);
  cpu.registers = { a0: BASE };
  return cpu;
}

const bytes = (cpu: TestMachine, from: number, count: number): string =>
  Array.from({ length: count }, (_, n) => cpu.memory.getUint8(from + n).toString(16)).join(" ");

describe.each([
  ["little", true],
  ["big", false],
] as const)("%s-endian", (_name, littleEndian) => {
  const either = (little: number, big: number): number => (littleEndian ? little : big);

  test.each([
    ["lw v0,4(a0)", 0x17161514, 0x14151617],
    ["lw v0,1(a0)", 0x14131211, 0x11121314],
    ["lh v0,2(a0)", 0x1312, 0x1213],
    ["lhu v0,3(a0)", 0x1413, 0x1314],
    ["lb v0,5(a0)", 0x15, 0x15],
    ["lbu v0,5(a0)", 0x15, 0x15],
  ])("%s", (source, little, big) => {
    const cpu = machine(littleEndian);
    expect(cpu.execute(source)).toEqual({ kind: "next" });
    expect(cpu.register("v0")).toBe(either(little, big));
  });

  test("small loads extend", () => {
    const cpu = machine(littleEndian);
    cpu.memory.setUint16(0, 0x8080);
    for (const [source, value] of [
      ["lb", 0xffffff80],
      ["lbu", 0x80],
      ["lh", 0xffff8080],
      ["lhu", 0x8080],
    ] as const) {
      cpu.execute(`${source} v0,0(a0)`);
      expect(cpu.register("v0")).toBe(value);
    }
  });

  test.each([
    ["sb v0,1(a0)", "10 dd 12 13", "10 dd 12 13"],
    ["sh v0,1(a0)", "10 dd cc 13", "10 cc dd 13"],
    ["sw v0,0(a0)", "dd cc bb aa", "aa bb cc dd"],
  ])("%s", (source, little, big) => {
    const cpu = machine(littleEndian);
    cpu.registers = { v0: 0xaabbccdd };
    cpu.execute(source);
    expect(bytes(cpu, 0, 4)).toBe(littleEndian ? little : big);
  });

  // MIPS32 AFP vol II-A, the figures at LWL, LWR, SWL and SWR: register aabbccdd, by the address's low two bits.
  test.each([
    ["lwl", [0x10bbccdd, 0x1110ccdd, 0x121110dd, 0x13121110], [0x10111213, 0x111213dd, 0x1213ccdd, 0x13bbccdd]],
    ["lwr", [0x13121110, 0xaa131211, 0xaabb1312, 0xaabbcc13], [0xaabbcc10, 0xaabb1011, 0xaa101112, 0x10111213]],
  ])("%s", (mnemonic, little, big) => {
    for (let n = 0; n < 4; n++) {
      const cpu = machine(littleEndian);
      cpu.registers = { v0: 0xaabbccdd };
      cpu.execute(`${mnemonic} v0,${n}(a0)`);
      expect(cpu.register("v0").toString(16)).toBe((littleEndian ? little : big)[n]!.toString(16));
      expect(cpu.loaded.every((address) => address >= BASE && address < BASE + 4)).toBe(true);
    }
  });

  test.each([
    [
      "swl",
      ["aa 11 12 13", "bb aa 12 13", "cc bb aa 13", "dd cc bb aa"],
      ["aa bb cc dd", "10 aa bb cc", "10 11 aa bb", "10 11 12 aa"],
    ],
    [
      "swr",
      ["dd cc bb aa", "10 dd cc bb", "10 11 dd cc", "10 11 12 dd"],
      ["dd 11 12 13", "cc dd 12 13", "bb cc dd 13", "aa bb cc dd"],
    ],
  ])("%s writes its own bytes and reads none", (mnemonic, little, big) => {
    for (let n = 0; n < 4; n++) {
      const cpu = machine(littleEndian);
      cpu.registers = { v0: 0xaabbccdd };
      cpu.execute(`${mnemonic} v0,${n}(a0)`);
      expect(bytes(cpu, 0, 4)).toBe((littleEndian ? little : big)[n]);
      expect(cpu.loaded).toEqual([]);
      const written = cpu.stored.map((address) => address - BASE).sort();
      const ascending = (mnemonic === "swl") === littleEndian;
      expect(written).toEqual([0, 1, 2, 3].filter((k) => (ascending ? k <= n : k >= n)));
    }
  });

  test("ll and sc: a reservation is good for one sc", () => {
    const cpu = machine(littleEndian);
    expect(cpu.execute("ll v0,4(a0)")).toEqual({ kind: "next" });
    expect(cpu.register("v0")).toBe(either(0x17161514, 0x14151617));
    cpu.registers = { v1: 0x01020304, t0: 0x55 };
    cpu.execute("sc v1,4(a0)");
    expect(cpu.register("v1")).toBe(1);
    expect(bytes(cpu, 4, 4)).toBe(littleEndian ? "4 3 2 1" : "1 2 3 4");
    cpu.execute("sc t0,4(a0)");
    expect(cpu.register("t0")).toBe(0);
    expect(bytes(cpu, 4, 4)).toBe(littleEndian ? "4 3 2 1" : "1 2 3 4");
  });
});

test("sc fails at another address, after another's write and without a reservation", () => {
  const cpu = machine(true);
  cpu.registers = { v0: 1 };
  cpu.execute("ll v1,0(a0)");
  cpu.execute("sc v0,4(a0)");
  expect(cpu.register("v0")).toBe(0);

  cpu.execute("ll v1,0(a0)");
  cpu.memory.setUint8(0, 0x99);
  cpu.registers = { v0: 1 };
  cpu.execute("sc v0,0(a0)");
  expect(cpu.register("v0")).toBe(0);

  cpu.execute("ll v1,0(a0)");
  cpu.write(LL_ADDRESS, NO_RESERVATION);
  cpu.registers = { v0: 1 };
  cpu.execute("sc v0,0(a0)");
  expect(cpu.register("v0")).toBe(0);
  expect(cpu.stored).toEqual([]);
});

test.each(["ll v0,2(a0)", "sc v0,2(a0)"])("%s must be aligned", (source) => {
  expect(machine(true).execute(source)).toEqual({ kind: "exception", exception: "addressError", info: BASE + 2 });
});

test("a load into register 0 still faults", () => {
  const cpu = machine(true);
  cpu.registers = { a0: 0 };
  expect(cpu.execute("lw zero,0(a0)")).toEqual({ kind: "exception", exception: "memory", info: 0 });
});

test("addresses wrap around", () => {
  const cpu = machine(true);
  cpu.registers = { a0: 0xffff8000 };
  expect(cpu.execute("lw v0,0(a0)")).toMatchObject({ exception: "memory", info: 0xffff8000 });
  cpu.registers = { a0: BASE + 0x8000 };
  expect(cpu.execute("lbu v0,-32768(a0)")).toEqual({ kind: "next" });
  expect(cpu.register("v0")).toBe(0x10);
});
