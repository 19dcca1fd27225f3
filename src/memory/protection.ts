/**
 * What the host does about page protection. Two kinds behind one interface: the host's MMU, where a forbidden access of
 * translated code traps by itself, and software, where translated code looks at the page table before each access.
 * `AddressSpace` is the only caller. Addresses and lengths are guest addresses, multiples of 4096; a length may be 2^32.
 */
import type { HostMmu } from "../host/mmu.ts";
import { MemoryError } from "./memory-error.ts";
import { PAGE_COUNT, PAGE_SHIFT, PAGE_SIZE, PAGE_READ, PAGE_WRITE } from "./page-table.ts";

export interface PageProtection {
  /** "software": translated code must test the page table itself. */
  readonly kind: "mmu" | "software";
  /** Allows PAGE_READ and PAGE_WRITE as `bits` says, nothing else. Throws `MemoryError` ENOMEM, nothing changed. */
  protect(address: number, length: number, bits: number): void;
  /** Makes the pages zero, and gives their memory back to the host where that is possible. Keeps the protection. */
  discard(address: number, length: number): void;
}

export function mmuProtection(mmu: HostMmu): PageProtection {
  return {
    kind: "mmu",
    protect(address, length, bits) {
      // Reading is the least that an executable or writable page allows; see page-table.ts.
      const access = (bits & PAGE_WRITE) !== 0 ? "readWrite" : (bits & PAGE_READ) !== 0 ? "read" : "none";
      if (!mmu.protect(address, length, access)) {
        throw new MemoryError("ENOMEM", "the host refused to change page protection (vm.max_map_count?)");
      }
    },
    discard(address, length) {
      if (!mmu.discard(address, length)) throw new MemoryError("ENOMEM", "the host refused to drop pages");
    },
  };
}

/** Page protection by nothing but the page table. */
export function softwareProtection(memory: WebAssembly.Memory): PageProtection {
  const bytes = new Uint8Array(memory.buffer);
  // Pages that could have been written since they were last zero. Filling only those keeps a large reservation that
  // was never used from being committed by its own munmap.
  const dirty = new Uint8Array(PAGE_COUNT);
  return {
    kind: "software",
    protect(address, length, bits) {
      if ((bits & PAGE_WRITE) !== 0) dirty.fill(1, address >>> PAGE_SHIFT, (address + length) / PAGE_SIZE);
    },
    discard(address, length) {
      const last = (address + length) / PAGE_SIZE;
      for (let page = address / PAGE_SIZE; page < last; ) {
        const first = dirty.indexOf(1, page);
        if (first < 0 || first >= last) return;
        let end = dirty.indexOf(0, first);
        if (end < 0 || end > last) end = last;
        bytes.fill(0, first * PAGE_SIZE, end * PAGE_SIZE);
        // Whoever discards protects next (or keeps writing): `protect` marks the pages again. A page that stays
        // writable across a discard (MADV_DONTNEED) must stay marked, so the marks are left as they are.
        page = end;
      }
    },
  };
}
