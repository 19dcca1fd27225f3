/**
 * The page table: one byte for each 4 KiB page of the guest's 4 GiB. `AddressSpace` writes it, everyone may read it:
 * TypeScript before it touches a guest byte, and translated code where the host's MMU is not to be had. The bytes lie in
 * the CPU-state memory, so the guest cannot reach them.
 *
 * PAGE_READ, PAGE_WRITE and PAGE_EXEC say what is allowed *now*: a page beyond the end of its file has none of them,
 * and a page that may be written or executed may also be read, as on the hosts that Linux programs know (man 2 mmap,
 * NOTES). So one AND with one bit decides an access.
 */
export const PAGE_READ = 1;
export const PAGE_WRITE = 2;
export const PAGE_EXEC = 4;
/** Some mapping covers the page, even with PROT_NONE: an access that is not allowed is SEGV_ACCERR, not SEGV_MAPERR. */
export const PAGE_MAPPED = 8;
/** A file mapping covers the page, but the file ends before it: an access is SIGBUS. */
export const PAGE_BEYOND_EOF = 16;

export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 4096;
/** Pages, and so bytes of the table, of a 32-bit address space. */
export const PAGE_COUNT = 0x100000;

/** The protection bits that a mapping's request can hold. */
export const PROTECTION_MASK = PAGE_READ | PAGE_WRITE | PAGE_EXEC;

/** The table byte of a page with the given protection. */
export function pageBits(protection: number): number {
  const readable = (protection & PROTECTION_MASK) === 0 ? 0 : PAGE_READ;
  return (protection & PROTECTION_MASK) | readable | PAGE_MAPPED;
}

/** Rounds up to a page; 2^32 - 1 gives 2^32, not 0. */
export function pageCeil(value: number): number {
  return Math.ceil(value / PAGE_SIZE) * PAGE_SIZE;
}

/** Rounds down to a page. */
export function pageFloor(value: number): number {
  return Math.floor(value / PAGE_SIZE) * PAGE_SIZE;
}
