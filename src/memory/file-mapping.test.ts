import { describe, expect, test } from "vitest";
import { GuestFault } from "./guest-fault.ts";
import { PAGE_EXEC, PAGE_READ, PAGE_SIZE } from "./page-table.ts";
import { at, codeOf, KINDS, MemoryFile, newSpace, options, request, RW } from "./testing.ts";

const P = PAGE_SIZE;

/** Bytes 1, 2, 3 … 250, 1 …: no zeros. */
function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i % 250) + 1);
}

describe.each(KINDS)("file mappings, %s", (kind) => {
  test("private: the file's bytes, zeros to the end of its last page, SIGBUS after it", () => {
    const space = newSpace(kind);
    const file = new MemoryFile(pattern(P + 10), { writable: false });
    const a = space.map(request(3 * P, { backing: file, protection: PAGE_READ }));
    expect(space.guest.readBytes(a, P + 12)).toEqual(new Uint8Array([...pattern(P + 10), 0, 0]));
    expect(() => space.guest.readU8(a + 2 * P)).toThrow(GuestFault);
    expect([
      space.explain(a, "read"),
      space.explain(a, "write"),
      space.explain(a + 2 * P, "read"),
      space.explain(a + 2 * P, "write"),
      space.explain(a + 3 * P, "read"),
    ]).toEqual(["ok", "protected", "beyondEof", "protected", "unmapped"]);
    space.protect(a, 3 * P, RW);
    space.guest.writeU8(a, 99);
    expect(() => space.guest.writeU8(a + 2 * P, 1)).toThrow(GuestFault);
    expect(file.bytes[0]).toBe(1);
    space.advise(a, 3 * P, "dontneed");
    expect(space.guest.readU8(a)).toBe(1);
    expect(space.find(a)).toMatchObject({ name: "/tmp/file", offset: 0, start: a, end: a + 3 * P });
  });

  test("an offset beyond 2^32, and splits that carry it", () => {
    const space = newSpace(kind);
    const base = 5 * 2 ** 32;
    const file = new MemoryFile(pattern(3 * P), { offsetBase: base });
    const a = space.map(request(2 * P, { backing: file, offset: base + P }));
    expect(space.guest.readBytes(a, P)).toEqual(pattern(3 * P).slice(P, 2 * P));
    space.protect(a + P, P, PAGE_READ);
    expect(space.mappings().map((m) => m.offset)).toEqual([base + P, base + 2 * P]);
    space.protect(a + P, P, RW);
    expect(space.mappings()).toHaveLength(1);
    expect(codeOf(() => space.map(request(P, { backing: file, offset: 2 ** 53 - P })))).toBe("EOVERFLOW");
  });

  test("holds the file open until its last mapping is gone", () => {
    const space = newSpace(kind);
    const file = new MemoryFile(pattern(4 * P));
    const a = space.map(request(4 * P, { backing: file }));
    space.protect(a + P, P, 0);
    space.unmap(a + 2 * P, P);
    expect(file.retained).toBe(1);
    space.unmap(a, 2 * P);
    expect(file.retained).toBe(1);
    space.map(at(a + 3 * P, P));
    expect(file.retained).toBe(0);
    space.map(request(P, { backing: file }));
    space.destroy();
    expect(file.retained).toBe(0);
  });

  test("a file that cannot be read leaves nothing mapped", () => {
    const space = newSpace(kind);
    const file = new MemoryFile(pattern(2 * P));
    file.read = () => {
      throw new RangeError("disk on fire");
    };
    expect(() => space.map(request(2 * P, { backing: file }))).toThrow("disk on fire");
    expect(space.mappings()).toEqual([]);
    expect(file.retained).toBe(0);
    expect(space.pageTable.every((byte) => byte === 0)).toBe(true);
  });

  test("shared: writes back the changed bytes and no others", () => {
    const space = newSpace(kind);
    const file = new MemoryFile(pattern(2 * P + 5));
    const a = space.map(request(3 * P, { backing: file, shared: true }));
    space.guest.writeU32(a + P + 8, 0);
    file.bytes[0] = 200; // somebody else
    space.sync(a, 3 * P);
    expect(file.writes).toEqual([[P + 8, 4]]);
    expect(file.bytes[0]).toBe(200);
    space.sync(a, 3 * P);
    expect(file.writes).toHaveLength(1);
    space.guest.fill(a + 2 * P, 20, 0xff);
    space.protect(a, 3 * P, 0);
    space.unmap(a, 3 * P);
    expect(file.writes[1]).toEqual([2 * P, 5]);
    expect(file.bytes).toHaveLength(2 * P + 5);
    expect(codeOf(() => space.sync(a, P))).toBe("ENOMEM");
  });

  test("shared of a read-only file can never be written", () => {
    const space = newSpace(kind);
    const file = new MemoryFile(pattern(P), { writable: false });
    expect(codeOf(() => space.map(request(P, { backing: file, shared: true })))).toBe("EACCES");
    const a = space.map(request(P, { backing: file, shared: true, protection: PAGE_READ }));
    expect(codeOf(() => space.protect(a, P, RW))).toBe("EACCES");
    expect(codeOf(() => space.protect(a, P, PAGE_READ | PAGE_EXEC))).toBe("");
  });

  test("a mapping that became writable later is written back too", () => {
    const space = newSpace(kind);
    const file = new MemoryFile(pattern(P));
    const a = space.map(request(P, { backing: file, shared: true, protection: 0 }));
    space.protect(a, P, RW);
    space.guest.writeU8(a + 1, 0);
    space.destroy();
    expect(file.writes).toEqual([[1, 1]]);
  });

  test("read(2) and write(2) of a mapped file meet the mapping", () => {
    const space = newSpace(kind);
    const file = new MemoryFile(new Uint8Array(2 * P));
    const a = space.map(request(2 * P, { backing: file, shared: true }));
    space.guest.writeU8(a + 3, 33);
    space.guest.writeU8(a + P, 44);
    space.flushShared(file, 0, 10);
    expect([file.bytes[3], file.bytes[P]]).toEqual([33, 0]);
    file.bytes[4] = 55;
    file.bytes[P + 1] = 66;
    space.refreshShared(file, 4, 1);
    expect([space.guest.readU8(a + 4), space.guest.readU8(a + P + 1)]).toEqual([55, 0]);
    space.refreshShared(file, P + 1, 1);
    expect(space.guest.readU8(a + P)).toBe(44);
    space.flushShared(file, 0, Infinity);
    expect([file.bytes[P], file.bytes[P + 1]]).toEqual([44, 66]);
    expect(file.writes).toEqual([
      [3, 1],
      [P, 1],
    ]);
  });

  test("two mappings of a page meet at msync", () => {
    const space = newSpace(kind);
    const file = new MemoryFile(new Uint8Array(3 * P));
    const a = space.map(request(2 * P, { backing: file, shared: true }));
    const b = space.map(request(2 * P, { backing: file, shared: true, offset: P, protection: PAGE_READ }));
    space.guest.writeU8(a + P + 7, 70);
    space.sync(a, 2 * P);
    expect(space.guest.readU8(b + 7)).toBe(70);
    space.guest.writeU8(a + P + 8, 80);
    const c = space.map(request(P, { backing: file, offset: P }));
    expect(space.guest.readU8(c + 8)).toBe(80);
    expect(() => space.guest.writeU8(b, 0)).toThrow(GuestFault);
  });

  test("truncation takes pages away, growth brings them", () => {
    const space = newSpace(kind);
    const file = new MemoryFile(pattern(2 * P + 100));
    const a = space.map(request(4 * P, { backing: file, shared: true }));
    const b = space.map(request(4 * P, { backing: file, protection: PAGE_READ }));
    file.bytes = file.bytes.slice(0, P + 50);
    space.refreshShared(file, 0, 0);
    expect([space.guest.readU8(a + P + 49), space.guest.readU8(a + P + 50)]).toEqual([pattern(2 * P)[P + 49], 0]);
    expect([space.explain(a + 2 * P, "read"), space.explain(b + 2 * P, "read")]).toEqual(["beyondEof", "beyondEof"]);
    expect(() => space.guest.readU8(b + 2 * P)).toThrow(GuestFault);
    file.bytes = new Uint8Array([...file.bytes, ...pattern(2 * P)]);
    space.refreshShared(file, 0, 0);
    expect(space.guest.readBytes(a, file.size)).toEqual(file.bytes);
    expect(space.guest.readU8(b + 3 * P)).toBe(file.bytes[3 * P]);
    space.guest.writeU8(a + 3 * P, 0);
    space.sync(a, 4 * P);
    expect(file.writes).toEqual([[3 * P, 1]]);
  });

  test("a file that shrinks or grows unseen is never touched beyond the pages that are open", () => {
    const space = newSpace(kind);
    const file = new MemoryFile(pattern(2 * P));
    const a = space.map(request(4 * P, { backing: file, shared: true }));
    space.guest.writeU8(a + P, 0);
    file.bytes = pattern(4 * P);
    space.sync(a, 4 * P);
    space.advise(a, 4 * P, "dontneed");
    space.protect(a, 4 * P, 0);
    space.protect(a, 4 * P, RW);
    expect(space.guest.readU8(a + P)).toBe(0);
    expect(() => space.guest.readU8(a + 2 * P)).toThrow(GuestFault);
    file.bytes = new Uint8Array(0);
    const copy = space.clone(options(kind));
    expect([space.guest.readU8(a), copy.explain(a, "read")]).toEqual([1, "beyondEof"]);
    file.bytes = new Uint8Array(1);
    copy.refreshShared(file, 0, 0);
    expect(copy.guest.readBytes(a, P).every((byte) => byte === 0)).toBe(true);
    space.destroy();
    copy.destroy();
  });

  test("mremap reads on in the file, and doubles a shared mapping", () => {
    const space = newSpace(kind);
    const file = new MemoryFile(pattern(3 * P));
    const a = space.map(request(P, { address: 0x20000, backing: file, shared: true }));
    const remap = (oldLength: number, newLength: number) =>
      space.remap({ address: a, oldLength, newLength, mayMove: true, fixed: null, dontUnmap: false });
    expect(remap(P, 2 * P)).toBe(a);
    expect(space.guest.readU8(a + P)).toBe(pattern(2 * P)[P]);
    space.guest.writeU8(a, 222);
    const twin = remap(0, 3 * P);
    expect(space.guest.readU8(twin)).toBe(222);
    expect(space.guest.readU8(twin + 2 * P)).toBe(pattern(3 * P)[2 * P]);
    space.map(at(a + 2 * P, P));
    const moved = remap(2 * P, 3 * P);
    expect(moved).not.toBe(a);
    expect(space.guest.readBytes(moved + 1, 3 * P - 1)).toEqual(pattern(3 * P).slice(1));
  });
});
