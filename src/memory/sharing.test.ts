import { describe, expect, test } from "vitest";
import type { AddressSpace } from "./address-space.ts";
import { PAGE_SIZE } from "./page-table.ts";
import { KINDS, MemoryFile, newSpace, options, request } from "./testing.ts";

const P = PAGE_SIZE;
const canShare = KINDS.includes("mmu") && process.platform === "linux";

/** What the machine does when a task of `to` follows one of `from`. */
function switchTo(to: AddressSpace, from: AddressSpace): void {
  from.publish();
  to.fetch();
}

describe.each(KINDS)("shared memory between switches of tasks, %s", (kind) => {
  test("anonymous and file mappings are seen by the next process", () => {
    const file = new MemoryFile(Uint8Array.from({ length: P }, () => 5));
    const parent = newSpace(kind);
    const shared = parent.map(request(4 * P, { shared: true }));
    const mapped = parent.map(request(P, { shared: true, backing: file }));
    parent.guest.writeU32(shared + P, 1);
    const child = parent.clone(options(kind));
    switchTo(child, parent);
    expect(child.guest.readU32(shared + P)).toBe(1);
    child.guest.writeU32(shared + P, 2);
    child.guest.writeU8(mapped, 6);
    switchTo(parent, child);
    expect([parent.guest.readU32(shared + P), parent.guest.readU8(mapped)]).toEqual([2, 6]);
    parent.advise(shared, 4 * P, "remove");
    parent.guest.writeU8(mapped + 1, 7);
    switchTo(child, parent);
    expect([child.guest.readU32(shared + P), child.guest.readU8(mapped), child.guest.readU8(mapped + 1)]).toEqual([
      0, 6, 7,
    ]);
    expect(child.futexKey(shared).space).toBe(parent.futexKey(shared).space);
    parent.destroy();
    child.guest.writeU8(mapped + 2, 8);
    child.destroy();
    expect([...file.bytes.subarray(0, 4)]).toEqual([6, 7, 8, 5]);
  });
});

describe.runIf(canShare)("shared mappings of two address spaces", () => {
  test("anonymous memory is one memory after a fork, private memory is two", () => {
    const parent = newSpace("mmu");
    const shared = parent.map(request(4 * P, { shared: true }));
    const own = parent.map(request(P));
    parent.guest.writeU32(shared + P, 1);
    parent.guest.writeU32(own, 1);
    const child = parent.clone(options("mmu"));
    expect([child.guest.readU32(shared + P), child.guest.readU32(own)]).toEqual([1, 1]);
    child.guest.writeU32(shared + P, 2);
    child.guest.writeU32(own, 2);
    parent.guest.writeU32(shared + 2 * P, 3);
    expect([parent.guest.readU32(shared + P), parent.guest.readU32(own), child.guest.readU32(shared + 2 * P)]).toEqual([
      2, 1, 3,
    ]);
    parent.destroy();
    expect(child.guest.readU32(shared + P)).toBe(2);
    child.destroy();
  });

  test("a futex in shared memory has one name, wherever it is mapped", () => {
    const parent = newSpace("mmu");
    const shared = parent.map(request(2 * P, { shared: true }));
    const own = parent.map(request(P));
    const child = parent.clone(options("mmu"));
    const moved = child.remap({
      address: shared,
      oldLength: 2 * P,
      newLength: 8 * P,
      mayMove: true,
      fixed: 0x3000_0000,
      dontUnmap: false,
    });
    expect(child.futexKey(moved + P + 8)).toEqual(parent.futexKey(shared + P + 8));
    expect(child.futexKey(moved + P + 8).space).toBe(parent.futexKey(shared + P + 8).space);
    expect(child.futexKey(own).space).not.toBe(parent.futexKey(own).space);
    child.guest.writeU8(moved + P, 7);
    expect(parent.guest.readU8(shared + P)).toBe(7);
    parent.destroy();
    child.destroy();
  });

  test("a split and a protected part still show the same bytes", () => {
    const parent = newSpace("mmu");
    const shared = parent.map(request(4 * P, { shared: true }));
    parent.unmap(shared + P, P);
    parent.protect(shared + 3 * P, P, 0);
    const child = parent.clone(options("mmu"));
    child.protect(shared + 3 * P, P, 3);
    parent.protect(shared + 3 * P, P, 3);
    child.guest.writeU8(shared + 3 * P, 9);
    child.guest.writeU8(shared + 2 * P, 8);
    expect([parent.guest.readU8(shared + 3 * P), parent.guest.readU8(shared + 2 * P)]).toEqual([9, 8]);
    parent.destroy();
    child.destroy();
  });

  test("madvise(MADV_REMOVE) empties it for all", () => {
    const parent = newSpace("mmu");
    const shared = parent.map(request(P, { shared: true }));
    parent.guest.writeU8(shared, 1);
    const child = parent.clone(options("mmu"));
    child.advise(shared, P, "remove");
    expect(parent.guest.readU8(shared)).toBe(0);
    parent.destroy();
    child.destroy();
  });

  test("two processes that map a file see each other's stores, and read(2) sees them", () => {
    const file = new MemoryFile(Uint8Array.from({ length: 2 * P }, () => 5));
    const [first, second] = [newSpace("mmu"), newSpace("mmu")];
    const a = first.map(request(2 * P, { backing: file, shared: true }));
    first.guest.writeU8(a + 10, 11);
    // Mapped while the other's store has not been written back.
    const b = second.map(request(2 * P, { backing: file, shared: true }));
    expect([second.guest.readU8(b + 10), second.guest.readU8(b + 11)]).toEqual([11, 5]);
    second.guest.writeU8(b + P, 12);
    expect(first.guest.readU8(a + P)).toBe(12);
    // A third process that has not mapped it reads the file.
    const third = newSpace("mmu");
    third.flushShared(file, 0, 2 * P);
    expect([file.bytes[10], file.bytes[P]]).toEqual([11, 12]);
    file.bytes[20] = 13;
    third.refreshShared(file, 20, 1);
    expect([first.guest.readU8(a + 20), second.guest.readU8(b + 20)]).toEqual([13, 13]);
    for (const space of [first, second, third]) space.destroy();
    expect(file.retained).toBe(0);
  });
});
