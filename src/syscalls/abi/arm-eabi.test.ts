/**
 * Every struct and every constant of the ARM EABI against what the guest's own compiler and kernel headers say.
 * `arm-eabi.expected.json` was printed by C programs of `offsetof`, `sizeof` and the constants' names, built with Debian
 * 12's arm-linux-gnueabihf-gcc: Linux 6.1's headers for structs, glibc's and Linux's for constants.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { errno } from "../../kernel/errno.ts";
import { GuestMemory } from "../../memory/guest-memory.ts";
import { ROWS } from "../rows.ts";
import { armEabi } from "./arm-eabi.ts";
import { EABI_NUMBERS, EABI_ROWS } from "./arm-eabi-numbers.ts";
import type { ConstantSubject } from "./constants.ts";
import type { StructName } from "./structs.ts";

interface Expected {
  /** Name, size, and offset and size of every field. */
  readonly structs: readonly (readonly [StructName, number, Readonly<Record<string, readonly [number, number]>>])[];
  readonly constants: Readonly<Record<ConstantSubject, Readonly<Record<string, number>>>>;
}

const expected = JSON.parse(readFileSync(new URL("arm-eabi.expected.json", import.meta.url), "utf8")) as Expected;

const NAMES = "r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 sl fp ip sp lr".split(" ");
const OFFSETS: Readonly<Record<string, number>> = {
  ...Object.fromEntries(NAMES.map((name, index) => [name, 0x100 + 4 * index])),
  tpidruro: 0x140,
  exaddr: 0x144,
  d0: 0x200,
};
const PC = 0;
const abi = armEabi({
  machine: "armv7l",
  slotOffset: (name) => OFFSETS[name] ?? Number.NaN,
  pcOffset: PC,
  status: {
    readCpsr: () => 0x10,
    writeCpsr: () => undefined,
    readFpscr: () => 0,
    writeFpscr: () => undefined,
    doubles: 32,
  },
  noReservation: 0xffffffff,
});

describe("struct layouts", () => {
  test.each(expected.structs)("%s", (name, size, fields) => {
    const struct = abi.structs[name];
    const named = struct.fields.filter((field) => field.name !== "-");
    const laid = Object.fromEntries(named.map((field) => [field.name, [field.offset, field.size]]));
    expect(laid).toEqual(fields);
    expect(struct.size).toBe(size);
  });

  test("none is left out", () => {
    expect(expected.structs.map(([name]) => name).sort()).toEqual(Object.keys(abi.structs).sort());
  });
});

describe("constants", () => {
  test.each(Object.keys(abi.constants) as ConstantSubject[])("%s", (subject) => {
    const numbers = abi.constants[subject].guest;
    const unsigned = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, value >>> 0]));
    expect(unsigned).toEqual(expected.constants[subject]);
  });
});

describe("system-call numbers", () => {
  test("are Linux's", () => {
    const some = { exit: 1, lseek: 19, ugetrlimit: 191, mmap2: 192, openat: 322, arm_fadvise64_64: 270, statx: 397 };
    for (const [name, number] of Object.entries(some)) expect(EABI_NUMBERS.get(name)).toBe(number);
    expect(EABI_NUMBERS.get("clock_gettime64")).toBe(403);
    expect(EABI_NUMBERS.get("set_mempolicy_home_node")).toBe(450);
    expect(EABI_NUMBERS.get("set_tls")).toBe(0xf0005);
  });

  test("each name for a row names one", () => {
    const rows = new Set(ROWS.map((row) => row.name));
    for (const [call, row] of EABI_ROWS) {
      expect(EABI_NUMBERS.has(call)).toBe(true);
      expect([...rows]).toContain(row);
    }
  });
});

describe("registers", () => {
  const registers = new DataView(new ArrayBuffer(0x400));
  const memory = undefined as unknown as GuestMemory;

  test("the number, seven arguments, the result", () => {
    for (let n = 0; n < 8; n++) registers.setInt32(0x100 + 4 * n, 0 - n, true);
    expect(abi.syscallNumber(registers)).toBe(-7);
    expect([0, 3, 4, 6].map((n) => abi.argument(registers, memory, n))).toEqual([0, -3, -4, -6]);
    abi.succeed(registers, 42);
    expect(registers.getInt32(0x100, true)).toBe(42);
    abi.fail(registers, errno.ENOENT);
    expect(registers.getInt32(0x100, true)).toBe(-2);
    abi.succeedWide(registers, 0x1_2345_6789n);
    expect([registers.getUint32(0x100, true), registers.getUint32(0x104, true)]).toEqual([0x23456789, 1]);
  });

  test("a call is made again: four bytes back, in Thumb code two", () => {
    registers.setUint32(PC, 0x10004, true);
    abi.rewind(registers);
    expect(registers.getUint32(PC, true)).toBe(0x10000);
    registers.setUint32(PC, 0x10003, true);
    abi.rewind(registers);
    expect(registers.getUint32(PC, true)).toBe(0x10001);
  });
});
