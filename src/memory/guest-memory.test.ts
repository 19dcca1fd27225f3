import { describe, expect, test } from "vitest";
import { GuestFault } from "./guest-fault.ts";
import { PAGE_EXEC, PAGE_READ, PAGE_SIZE } from "./page-table.ts";
import { at, KINDS, newSpace } from "./testing.ts";

const P = PAGE_SIZE;
const A = 0x20000;

function faultOf(run: () => unknown): GuestFault | null {
  try {
    run();
  } catch (error) {
    if (error instanceof GuestFault) return error;
    throw error;
  }
  return null;
}

describe.each(KINDS)("guest memory, %s", (kind) => {
  test.each([true, false])("typed access in guest byte order, little-endian %s", (littleEndian) => {
    const space = newSpace(kind, littleEndian);
    const memory = space.guest;
    space.map(at(A, 2 * P));
    const order = (bytes: number[]) => new Uint8Array(littleEndian ? bytes.reverse() : bytes);
    memory.writeU32(A + 1, 0x80020304);
    expect(memory.readBytes(A + 1, 4)).toEqual(order([0x80, 2, 3, 4]));
    expect([memory.readU32(A + 1), memory.readS32(A + 1)]).toEqual([0x80020304, 0x80020304 | 0]);
    memory.writeU16(A, 0xfffe);
    expect([memory.readU16(A), memory.readS16(A), memory.readS8(A + (littleEndian ? 1 : 0))]).toEqual([0xfffe, -2, -1]);
    memory.writeS16(A + P - 1, -2);
    expect(memory.readBytes(A + P - 1, 2)).toEqual(order([0xff, 0xfe]));
    memory.writeU64(A + P - 3, 0x8102030405060708n);
    expect(memory.readBytes(A + P - 3, 8)).toEqual(order([0x81, 2, 3, 4, 5, 6, 7, 8]));
    expect([memory.readU64(A + P - 3), memory.readS64(A + P - 3)]).toEqual([
      0x8102030405060708n,
      0x8102030405060708n - 2n ** 64n,
    ]);
    memory.writeF64(A, -1.5);
    memory.writeF32(A + 8, 0.25);
    expect([memory.readF64(A), memory.readF32(A + 8)]).toEqual([-1.5, 0.25]);
    memory.writeU32(A, 5);
    expect(memory.compareExchangeU32(A, 5, 0xfffffff0)).toBe(5);
    expect(memory.compareExchangeU32(A, 5, 7)).toBe(0xfffffff0);
    expect([memory.loadU32(A), memory.readU32(A)]).toEqual([0xfffffff0, 0xfffffff0]);
    expect(memory.readWords(A, 2)).toEqual(new Uint32Array([0xfffffff0, memory.readU32(A + 4)]));
  });

  test("faults name the first forbidden byte and write nothing", () => {
    const space = newSpace(kind);
    const memory = space.guest;
    space.map(at(A, P));
    expect(faultOf(() => memory.readU64(A - 4))).toMatchObject({ address: A - 4, access: "read" });
    expect(faultOf(() => memory.writeU32(A + P - 2, 0xffffffff))).toMatchObject({ address: A + P, access: "write" });
    expect(faultOf(() => memory.writeBytes(A + 10, new Uint8Array(P).fill(1)))).toMatchObject({ address: A + P });
    expect(faultOf(() => memory.fill(A, P + 1, 1))).toMatchObject({ address: A + P });
    expect(memory.readBytes(A, P).every((byte) => byte === 0)).toBe(true);
    expect(faultOf(() => memory.view(A, 3 * P, "read"))).toMatchObject({ address: A + P });
    expect(faultOf(() => memory.code.read16(A))).toMatchObject({ address: A, access: "execute" });
  });

  test("no address and no length reaches beyond the pages that are mapped", () => {
    const space = newSpace(kind);
    const memory = space.guest;
    space.map(at(0, P, { privileged: true }));
    space.map(at(0x7ffff000, P));
    for (const address of [-1, -2, -4, 0xffffffff, 0xfffffffe, 0x80000000, 0x7fffffff, 2 ** 32 - 3]) {
      expect(
        faultOf(() => memory.readU32(address)),
        String(address),
      ).not.toBeNull();
      expect(
        faultOf(() => memory.writeU64(address, 0n)),
        String(address),
      ).not.toBeNull();
      expect(
        faultOf(() => memory.readBytes(address, 0xffffffff)),
        String(address),
      ).not.toBeNull();
      expect(
        faultOf(() => memory.readCString(address, 0xffffffff)),
        String(address),
      ).toSatisfy((fault) => (address === 0x7fffffff ? fault === null : fault !== null));
    }
    expect(faultOf(() => memory.view(0, 0xffffffff, "write"))).toMatchObject({ address: P });
    expect(memory.readU32(2 ** 32)).toBe(0);
  });

  test("ranges of no bytes are allowed anywhere", () => {
    const memory = newSpace(kind).guest;
    expect(memory.view(5, 0, "write")).toHaveLength(0);
    expect(memory.readBytes(0xffffffff, 0)).toHaveLength(0);
    memory.writeBytes(0xffffffff, new Uint8Array());
    memory.fill(5, 0, 1);
  });

  test("views are the bytes themselves", () => {
    const space = newSpace(kind);
    space.map(at(A, P));
    space.guest.view(A + 4, 4, "write").set([1, 2, 3, 4]);
    expect(space.guest.readU32(A + 4)).toBe(0x04030201);
    expect([space.guest.accessible(A + 1, 2 * P, "read"), space.guest.accessible(A - 1, 2, "read")]).toEqual([
      P - 1,
      0,
    ]);
  });

  test("strings and word arrays end at their zero, at max, or at a fault", () => {
    const space = newSpace(kind);
    const memory = space.guest;
    space.map(at(A, 2 * P));
    memory.fill(A, 2 * P, 0x61);
    memory.writeU8(A + P + 2, 0);
    expect(memory.readCString(A + P - 3, 100)).toEqual(new Uint8Array(5).fill(0x61));
    expect(memory.readCString(A + P - 3, 5)).toBeNull();
    expect(memory.readCString(A + P - 3, 6)).toHaveLength(5);
    expect(memory.readCString(A + 2 * P - 8, 8)).toBeNull();
    expect(faultOf(() => memory.readCString(A + 2 * P - 8, 9))).toMatchObject({ address: A + 2 * P });
    for (const [i, word] of [10, 0xfffffff0, 0, 4].entries()) memory.writeU32(A + i * 4, word);
    expect(memory.readWordArray(A, 10)).toEqual([10, 0xfffffff0]);
    expect(memory.readWordArray(A, 3)).toEqual([10, 0xfffffff0]);
    expect(memory.readWordArray(A, 2)).toBeNull();
    expect(faultOf(() => memory.readWordArray(A + 2 * P - 8, 3))).toMatchObject({ address: A + 2 * P });
  });

  test("code is read where it may be executed", () => {
    const space = newSpace(kind, false);
    space.map(at(A, P, { protection: PAGE_READ | PAGE_EXEC }));
    space.poke(A + 4, new Uint8Array([0x27, 0xbd, 0xff, 0xe0]));
    expect([space.guest.code.read32(A + 4), space.guest.code.read16(A + 4)]).toEqual([0x27bdffe0, 0x27bd]);
    expect(faultOf(() => space.guest.code.read32(A + P - 2))).toMatchObject({ address: A + P, access: "execute" });
  });
});
