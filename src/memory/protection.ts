/**
 * What the host does about page protection. Two kinds behind one interface: the host's MMU, where a forbidden access of
 * translated code traps by itself, and software, where translated code looks at the page table before each access.
 * `AddressSpace` is the only caller. Addresses and lengths are guest addresses, multiples of 4096; a length may be 2^32.
 */
import type { HostAccess, HostMmu } from "../host/mmu.ts";
import { isZero } from "./mapped-files.ts";
import { MemoryError } from "./memory-error.ts";
import type { SharedObject } from "./shared-object.ts";
import { PAGE_COUNT, PAGE_READ, PAGE_SIZE, PAGE_WRITE } from "./page-table.ts";

export interface PageProtection {
  /** "software": translated code must test the page table itself. */
  readonly kind: "mmu" | "software";
  /** How many mappings one guest may have (Linux: vm.max_map_count). */
  readonly maxMappings: number;
  /** Allows PAGE_READ and PAGE_WRITE as `bits` says, nothing else. Throws `MemoryError` ENOMEM, nothing changed. */
  protect(address: number, length: number, bits: number): void;
  /** The same, and the pages become zero; their memory goes back to the host where that is possible. */
  renew(address: number, length: number, bits: number): void;
  /** Whether `share` can be had. */
  readonly canShare: boolean;
  /** Shows the object's bytes from `offset` on there, instead of the memory's own. Throws as `protect` does. */
  share(address: number, length: number, bits: number, object: SharedObject, offset: number): void;
  /** One byte a page: 0 where the page is certainly zero. Null: nothing is known. */
  touched(address: number, length: number): Uint8Array | null;
}

/** The host's MMU where there is one, else software checks. */
export function hostProtection(memory: WebAssembly.Memory, mmu: HostMmu | null): PageProtection {
  return mmu === null ? softwareProtection(memory) : mmuProtection(mmu);
}

function hostAccess(bits: number): HostAccess {
  return (bits & PAGE_WRITE) !== 0 ? "readWrite" : (bits & PAGE_READ) !== 0 ? "read" : "none";
}

export function mmuProtection(mmu: HostMmu): PageProtection {
  const require = (done: boolean) => {
    if (!done) throw new MemoryError("ENOMEM", "the host refused to change pages (memory, or vm.max_map_count)");
  };
  return {
    kind: "mmu",
    // A guest mapping costs at least two of the host's (itself and the gap after it): see host/mapping-budget.ts, which
    // refuses what this rough bound lets through.
    maxMappings: 24_000,
    protect: (address, length, bits) => require(mmu.protect(address, length, hostAccess(bits))),
    renew: (address, length, bits) => require(mmu.renew(address, length, hostAccess(bits))),
    canShare: process.platform === "linux",
    share: (address, length, bits, object, offset) =>
      require(mmu.share(address, length, hostAccess(bits), object.bytes, offset)),
    touched: (address, length) => mmu.touched(address, length),
  };
}

/** Page protection by nothing but the page table. */
export function softwareProtection(memory: WebAssembly.Memory): PageProtection {
  const bytes = new Uint8Array(memory.buffer);
  // Pages that may have been written since they were last zero. Filling only those keeps a large reservation that was
  // never used from being committed by its own munmap.
  const dirty = new Uint8Array(PAGE_COUNT);
  const protect = (address: number, length: number, bits: number) => {
    if ((bits & PAGE_WRITE) !== 0) dirty.fill(1, address / PAGE_SIZE, (address + length) / PAGE_SIZE);
  };
  return {
    kind: "software",
    maxMappings: 65_530,
    protect,
    canShare: false,
    share() {
      throw new MemoryError("ENOMEM", "memory cannot be shared without the host's MMU");
    },
    // A stack is writable as a whole, and so marked as a whole: what may have been written is looked at. The rest is not even
    // read, because there are hosts where that commits memory.
    touched(address, length) {
      const first = address / PAGE_SIZE;
      return dirty
        .slice(first, first + length / PAGE_SIZE)
        .map((mark, page) =>
          Number(mark !== 0 && !isZero(bytes.subarray(address + page * PAGE_SIZE, address + (page + 1) * PAGE_SIZE))),
        );
    },
    renew(address, length, bits) {
      const first = address / PAGE_SIZE;
      const marks = dirty.subarray(first, first + length / PAGE_SIZE);
      let page = marks.indexOf(1);
      while (page >= 0) {
        const clean = marks.indexOf(0, page);
        const end = clean < 0 ? marks.length : clean;
        bytes.fill(0, (first + page) * PAGE_SIZE, (first + end) * PAGE_SIZE);
        marks.fill(0, page, end);
        page = marks.indexOf(1, end);
      }
      protect(address, length, bits);
    },
  };
}
