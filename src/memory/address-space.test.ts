import { describe, expect, test } from "vitest";
import { count } from "../host/mapping-budget.ts";
import { STACK_GUARD_GAP } from "./mapping.ts";
import { GuestFault } from "./guest-fault.ts";
import { PAGE_EXEC, PAGE_READ, PAGE_SIZE, PAGE_WRITE } from "./page-table.ts";
import { at, codeOf, KINDS, LIMIT, MMAP_BASE, newSpace, options, request, RW } from "./testing.ts";

const P = PAGE_SIZE;

describe.each(KINDS)("address space, %s", (kind) => {
  test("places mappings downwards from mmapBase, zeroed, and merges equal neighbours", () => {
    const space = newSpace(kind);
    const a = space.map(request(P));
    const b = space.map(request(1));
    expect([a, b]).toEqual([MMAP_BASE - P, MMAP_BASE - 2 * P]);
    expect(space.guest.readU32(a)).toBe(0);
    expect(space.mappings()).toHaveLength(1);
    expect(space.totalBytes).toBe(2 * P);
  });

  test("takes a hint if it is free, rounded up, and another place if it is not", () => {
    const space = newSpace(kind);
    expect(space.map(request(P, { address: 0x20000001 }))).toBe(0x20001000);
    expect(space.map(request(P, { address: 0x20001000 }))).toBe(MMAP_BASE - P);
    expect(space.map(request(P, { address: 4 }))).toBe(0x10000);
    expect(space.map(request(P, { address: LIMIT - 1 }))).toBe(MMAP_BASE - 2 * P);
  });

  test("refuses what mmap refuses", () => {
    const space = newSpace(kind);
    space.map(at(0x10000, P));
    const codes = [
      request(0),
      request(P, { offset: 5 }),
      at(0x10001, P),
      at(LIMIT - P, 2 * P),
      at(0xfffff000, P),
      at(0, P),
      at(0x10000, P, { noReplace: true }),
      request(0xffffffff),
      request(LIMIT),
      request(P, { address: 0x10800, noReplace: true }),
    ].map((r) => codeOf(() => space.map(r)));
    expect(codes).toEqual([
      "EINVAL",
      "EINVAL",
      "EINVAL",
      "ENOMEM",
      "ENOMEM",
      "EPERM",
      "EEXIST",
      "ENOMEM",
      "ENOMEM",
      "EINVAL",
    ]);
    expect(space.map(at(0, P, { privileged: true }))).toBe(0);
  });

  test("fills the address space, upwards above mmapBase in the end, then ENOMEM", () => {
    const space = newSpace(kind);
    expect(space.map(request(MMAP_BASE - 0x10000, { protection: 0 }))).toBe(0x10000);
    expect(space.map(request(P, { protection: 0 }))).toBe(MMAP_BASE);
    expect(space.map(request(LIMIT - MMAP_BASE - P, { protection: 0 }))).toBe(MMAP_BASE + P);
    expect(codeOf(() => space.map(request(1)))).toBe("ENOMEM");
    space.unmap(0x30000000, P);
    expect(space.map(request(P))).toBe(0x30000000);
  });

  test("unmaps with splits, and what is mapped there again is zero", () => {
    const space = newSpace(kind);
    space.map(at(0x20000, 3 * P));
    for (let i = 0; i < 3; i++) space.guest.writeU8(0x20000 + i * P, 7);
    space.unmap(0x20000 + P, P);
    expect(space.mappings().map((m) => [m.start, m.end])).toEqual([
      [0x20000, 0x20000 + P],
      [0x20000 + 2 * P, 0x20000 + 3 * P],
    ]);
    expect(() => space.guest.readU8(0x20000 + P)).toThrow(GuestFault);
    expect(space.explain(0x20000 + P, "read")).toBe("unmapped");
    space.map(at(0x20000 + P, P));
    expect([0, 1, 2].map((i) => space.guest.readU8(0x20000 + i * P))).toEqual([7, 0, 7]);
    space.map(at(0x20000, 3 * P));
    expect([0, 1, 2].map((i) => space.guest.readU8(0x20000 + i * P))).toEqual([0, 0, 0]);
    expect([
      codeOf(() => space.unmap(0x20001, P)),
      codeOf(() => space.unmap(0x20000, 0)),
      codeOf(() => space.unmap(0x20000, 0xffffffff)),
      codeOf(() => space.unmap(0x50000000, P)),
    ]).toEqual(["EINVAL", "EINVAL", "EINVAL", ""]);
  });

  test("protects, splits and merges back; keeps the bytes", () => {
    const space = newSpace(kind);
    space.map(at(0x20000, 3 * P));
    space.guest.writeU8(0x20000 + P, 9);
    space.protect(0x20000 + P, 1, 0);
    expect(space.mappings()).toHaveLength(3);
    expect(space.explain(0x20000 + P, "read")).toBe("protected");
    expect(() => space.guest.readU8(0x20000 + P)).toThrow(GuestFault);
    space.protect(0x20000 + P, P, PAGE_READ);
    expect(() => space.guest.writeU8(0x20000 + P, 1)).toThrow(GuestFault);
    expect(space.guest.readU8(0x20000 + P)).toBe(9);
    space.protect(0x20000 + P, P, RW);
    expect(space.mappings()).toHaveLength(1);
  });

  test("writable and executable pages can be read", () => {
    const space = newSpace(kind);
    space.map(at(0x20000, P, { protection: PAGE_WRITE }));
    space.map(at(0x30000, P, { protection: PAGE_EXEC }));
    space.guest.writeU16(0x20000, 0x1234);
    expect(space.guest.readU16(0x20000)).toBe(0x1234);
    expect(space.guest.code.read32(0x30000)).toBe(0);
    expect(space.guest.readU32(0x30000)).toBe(0);
    expect(() => space.guest.code.read32(0x20000)).toThrow(GuestFault);
  });

  test("mprotect over a gap changes what comes before it", () => {
    const space = newSpace(kind);
    space.map(at(0x20000, P));
    space.map(at(0x20000 + 2 * P, P));
    expect(codeOf(() => space.protect(0x20000, 3 * P, PAGE_READ))).toBe("ENOMEM");
    expect(space.mappings().map((m) => m.protection)).toEqual([PAGE_READ, RW]);
    expect(codeOf(() => space.protect(0x20001, P, 0))).toBe("EINVAL");
    expect(codeOf(() => space.protect(0x20000, 0, 0))).toBe("");
    expect(codeOf(() => space.protect(0x20000 + P, P, 0))).toBe("ENOMEM");
    expect(codeOf(() => space.protect(0x20000, 0xffffffff, 0))).toBe("ENOMEM");
  });

  test("tells of changed code, and of nothing else", () => {
    const space = newSpace(kind);
    const seen: [number, number][] = [];
    const stop = space.onCodeChange((start, end) => seen.push([start, end]));
    space.map(at(0x20000, 4 * P, { protection: RW }));
    space.protect(0x20000 + P, 2 * P, PAGE_READ | PAGE_EXEC);
    expect(seen.splice(0)).toEqual([[0x20000 + P, 0x20000 + 3 * P]]);
    space.protect(0x20000 + P, P, PAGE_READ | PAGE_EXEC);
    space.protect(0x20000, P, PAGE_READ);
    expect(seen).toEqual([]);
    space.protect(0x20000 + 2 * P, P, RW);
    expect(seen.splice(0)).toEqual([[0x20000 + 2 * P, 0x20000 + 3 * P]]);
    space.map(at(0x20000 + P, P, { protection: PAGE_EXEC }));
    expect(seen.splice(0)).toEqual([[0x20000 + P, 0x20000 + 2 * P]]);
    space.remap({ address: 0x20000 + P, oldLength: P, newLength: P, mayMove: true, fixed: 0x90000, dontUnmap: false });
    expect(seen.splice(0)).toEqual([[0x20000 + P, 0x20000 + 2 * P]]);
    stop();
    space.unmap(0x90000, P);
    expect(seen).toEqual([]);
  });

  test("brk grows, shrinks, stops at a neighbour and at RLIMIT_DATA", () => {
    const space = newSpace(kind);
    space.setBrkStart(0x400123);
    expect(space.brk(0)).toBe(0x400123);
    expect(space.brk(0x400122)).toBe(0x400123);
    expect(space.brk(0x402345)).toBe(0x402345);
    expect(space.mappings().map((m) => [m.start, m.end, m.name])).toEqual([[0x401000, 0x403000, "[heap]"]]);
    space.guest.writeU8(0x402fff, 5);
    expect(space.brk(0x401001)).toBe(0x401001);
    expect(() => space.guest.readU8(0x402fff)).toThrow(GuestFault);
    expect(space.brk(0x403000)).toBe(0x403000);
    expect(space.guest.readU8(0x402fff)).toBe(0);
    space.map(at(0x410000, P));
    expect(space.brk(0x420000)).toBe(0x403000);
    space.limits.data = space.dataBytes + P;
    expect(space.brk(0x406000)).toBe(0x403000);
    expect(space.brk(0x404000)).toBe(0x404000);
    expect(space.brk(0xfffff000)).toBe(0x404000);
    expect(space.brk(0x400123)).toBe(0x400123);
  });

  test("a stack keeps a gap below it free of placed mappings", () => {
    const space = newSpace(kind);
    const low = space.mapStack(MMAP_BASE, 0x800000, RW);
    expect(low).toBe(MMAP_BASE - 0x800000);
    space.guest.writeU32(MMAP_BASE - 4, 1);
    space.guest.writeU32(low, 1);
    expect(() => space.guest.writeU32(low - 4, 1)).toThrow(GuestFault);
    expect(space.map(request(P))).toBe(low - STACK_GUARD_GAP - P);
    expect(space.map(request(P, { address: low - P }))).toBe(low - STACK_GUARD_GAP - 2 * P);
    expect(space.map(at(low - P, P))).toBe(low - P);
    expect(space.dataBytes).toBe(3 * P);
    space.protect(MMAP_BASE - P, P, RW | PAGE_EXEC, true);
    expect(space.find(low)?.protection).toBe(RW | PAGE_EXEC);
    expect(codeOf(() => space.protect(low - P, P, RW, true))).toBe("EINVAL");
  });

  test("mremap shrinks, grows in place, moves, and refuses", () => {
    const space = newSpace(kind);
    const remap = (
      address: number,
      oldLength: number,
      newLength: number,
      mayMove = false,
      fixed: number | null = null,
    ) => space.remap({ address, oldLength, newLength, mayMove, fixed, dontUnmap: false });
    space.map(at(0x20000, 4 * P));
    for (let i = 0; i < 4; i++) space.guest.writeU8(0x20000 + i * P, i + 1);
    expect(remap(0x20000, 4 * P, 3 * P)).toBe(0x20000);
    expect(space.isFree(0x23000, P)).toBe(true);
    expect(remap(0x20000, 3 * P, 4 * P)).toBe(0x20000);
    expect(space.guest.readU8(0x23000)).toBe(0);
    space.map(at(0x24000, P, { protection: PAGE_READ }));
    expect(codeOf(() => remap(0x20000, 4 * P, 5 * P))).toBe("ENOMEM");
    const moved = remap(0x20000, 4 * P, 5 * P, true);
    expect(moved).toBe(MMAP_BASE - 5 * P);
    expect([0, 1, 2, 3, 4].map((i) => space.guest.readU8(moved + i * P))).toEqual([1, 2, 3, 0, 0]);
    expect(space.isFree(0x20000, 4 * P)).toBe(true);
    space.protect(moved + P, P, 0);
    expect(codeOf(() => remap(moved, 3 * P, 4 * P, true))).toBe("EFAULT");
    expect(remap(moved + P, P, P, true, 0x24000)).toBe(0x24000);
    space.protect(0x24000, P, RW);
    expect(space.guest.readU8(0x24000)).toBe(2);
    expect([
      codeOf(() => remap(0x24001, P, P)),
      codeOf(() => remap(0x24000, P, 0)),
      codeOf(() => remap(0x24000, P, P, false, 0x90000)),
      codeOf(() => remap(0x24000, P, P, true, 0x24000)),
      codeOf(() => remap(0x24000, P, P, true, LIMIT)),
      codeOf(() => remap(0x60000, P, P)),
      codeOf(() => remap(0x24000, 0, P, true)),
      codeOf(() => remap(0x24000, P, 0xfffff000, true)),
    ]).toEqual(["EINVAL", "EINVAL", "EINVAL", "EINVAL", "EINVAL", "EFAULT", "EINVAL", "ENOMEM"]);
  });

  test("mremap with MREMAP_DONTUNMAP leaves an empty mapping behind", () => {
    const space = newSpace(kind);
    space.map(at(0x20000, 2 * P));
    space.guest.writeU32(0x21000, 77);
    const moved = space.remap({
      address: 0x20000,
      oldLength: 2 * P,
      newLength: 2 * P,
      mayMove: true,
      fixed: null,
      dontUnmap: true,
    });
    expect(space.guest.readU32(moved + P)).toBe(77);
    expect(space.guest.readU32(0x21000)).toBe(0);
    space.guest.writeU32(0x21000, 1);
    expect(space.totalBytes).toBe(4 * P);
  });

  test("madvise DONTNEED empties private anonymous memory", () => {
    const space = newSpace(kind);
    space.map(at(0x20000, 3 * P));
    space.map(at(0x30000, P, { shared: true }));
    for (const a of [0x20000, 0x21000, 0x22000, 0x30000]) space.guest.writeU8(a, 3);
    space.advise(0x21000, P, "dontneed");
    space.advise(0x30000, P, "dontneed");
    expect([0x20000, 0x21000, 0x22000, 0x30000].map((a) => space.guest.readU8(a))).toEqual([3, 0, 3, 3]);
    space.guest.writeU8(0x21000, 4);
    space.advise(0x21000, P, "dontneed");
    expect(space.guest.readU8(0x21000)).toBe(0);
    expect(codeOf(() => space.advise(0x22000, 2 * P, "dontneed"))).toBe("ENOMEM");
    expect(space.guest.readU8(0x22000)).toBe(0);
    expect(codeOf(() => space.advise(0x30000, P, "free"))).toBe("EINVAL");
    expect(codeOf(() => space.advise(0x30001, P, "none"))).toBe("EINVAL");
    space.advise(0x30000, P, "remove");
    expect(space.guest.readU8(0x30000)).toBe(0);
  });

  test("keeps RLIMIT_AS", () => {
    const space = newSpace(kind);
    space.limits.addressSpace = 4 * P;
    space.map(at(0x20000, 3 * P));
    expect(codeOf(() => space.map(request(2 * P)))).toBe("ENOMEM");
    space.map(at(0x21000, 3 * P));
    expect(space.totalBytes).toBe(4 * P);
    expect(codeOf(() => space.map(request(P)))).toBe("ENOMEM");
  });

  test("poke writes through any protection of mapped pages", () => {
    const space = newSpace(kind);
    const seen: number[] = [];
    space.map(at(0x20000, P, { protection: PAGE_READ | PAGE_EXEC }));
    space.map(at(0x21000, P, { protection: 0 }));
    space.onCodeChange((start) => seen.push(start));
    space.poke(0x20ffe, new Uint8Array([1, 2, 3, 4]));
    expect(space.guest.readU16(0x20ffe)).toBe(0x0201);
    expect(seen).toEqual([0x20000]);
    expect(() => space.guest.writeU8(0x20ffe, 0)).toThrow(GuestFault);
    space.protect(0x21000, P, PAGE_READ);
    expect(space.guest.readU16(0x21000)).toBe(0x0403);
    expect(codeOf(() => space.poke(0x21fff, new Uint8Array(2)))).toBe("EFAULT");
  });

  test("clone copies mappings, bytes, protection and the break; the two are apart", () => {
    const space = newSpace(kind);
    space.setBrkStart(0x400000);
    space.brk(0x401000);
    space.guest.writeU32(0x400000, 11);
    space.map(at(0x20000, 2 * P));
    space.guest.writeU32(0x21000, 12);
    space.protect(0x21000, P, 0);
    const copy = space.clone(options(kind));
    expect(copy.mappings()).toEqual(space.mappings());
    expect(copy.guest.readU32(0x400000)).toBe(11);
    expect(() => copy.guest.readU32(0x21000)).toThrow(GuestFault);
    copy.protect(0x21000, P, RW);
    expect(copy.guest.readU32(0x21000)).toBe(12);
    copy.guest.writeU32(0x400000, 13);
    expect(space.guest.readU32(0x400000)).toBe(11);
    expect(copy.brk(0)).toBe(0x401000);
  });

  test.runIf(kind === "mmu")("munmap, MADV_DONTNEED and destroy give memory back to the host", () => {
    const space = newSpace(kind);
    const size = 0x8000000;
    for (const release of [
      (address: number) => space.unmap(address, size),
      (address: number) => space.advise(address, size, "dontneed"),
      () => space.destroy(),
    ]) {
      const address = space.map(request(size));
      space.guest.fill(address, size, 1);
      const used = process.memoryUsage.rss();
      release(address);
      expect(used - process.memoryUsage.rss()).toBeGreaterThan(size / 2);
    }
  });

  test("a guest cannot use up the host's mappings", { timeout: 60_000 }, () => {
    // Touching pages one by one before they get one protection leaves one host mapping for each.
    const space = newSpace(kind);
    const code = codeOf(() => {
      for (let round = 0; round < 7; round++) {
        const base = 0x100000 + round * 0x5000000;
        space.map(at(base, 0x5000000, { protection: 0 }));
        for (let i = 0; i < 10_000; i++) {
          space.protect(base + i * 2 * P, P, RW);
          space.guest.writeU8(base + i * 2 * P, 1);
        }
        space.protect(base, 0x5000000, RW);
        expect(space.mappings()).toHaveLength(1);
      }
    });
    expect(code).toBe(kind === "mmu" ? "ENOMEM" : "");
    if (kind === "mmu") expect(count()).toBeLessThan(55_000);
    space.destroy();
    const again = newSpace(kind);
    expect(again.guest.readU8(again.map(request(P)))).toBe(0);
  });

  test("a reservation that nobody touches costs no memory, moved or unmapped", () => {
    const space = newSpace(kind);
    const size = 0x10000000;
    const used = process.memoryUsage.rss();
    const address = space.map(request(size, { protection: 0 }));
    const moved = space.remap({
      address,
      oldLength: size,
      newLength: size,
      mayMove: true,
      fixed: 0x20000,
      dontUnmap: false,
    });
    space.unmap(moved, size);
    expect(process.memoryUsage.rss() - used).toBeLessThan(size / 4);
  });

  test("destroy leaves nothing", () => {
    const space = newSpace(kind);
    space.map(at(0x20000, P));
    space.guest.writeU8(0x20000, 1);
    space.destroy();
    expect(space.mappings()).toEqual([]);
    expect(space.pageTable.every((byte) => byte === 0)).toBe(true);
    space.map(at(0x20000, P));
    expect(space.guest.readU8(0x20000)).toBe(0);
  });

  test("refuses more mappings than vm.max_map_count", { timeout: 30_000 }, () => {
    const space = newSpace(kind);
    let count = 0;
    const code = codeOf(() => {
      for (;;) {
        space.map(at(0x100000 + count * 2 * P, P, { protection: PAGE_READ }));
        count++;
      }
    });
    expect([code, count]).toEqual(["ENOMEM", kind === "mmu" ? 24_000 : 65_530]);
    space.destroy();
  });
});
