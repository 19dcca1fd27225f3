/**
 * The CPU-state memory: a second Wasm memory beside the guest's, which guest code cannot address. One per host thread;
 * a task switch copies the register part (`REGISTERS_BASE` to `REGISTERS_END`) in and out.
 *
 *     0x000000  header: program counter, exit reason, fuel, helper arguments and result
 *     0x000100  the ISA's registers
 *     0x001000  constants and temporary values of micro-operations
 *     0x002000  indirect-branch cache
 *     0x100000  page table: one byte of access bits for each 4 KiB page of the guest (memory/)
 */
export const PC = 0x00;
/** Why the last run ended: index into `EXIT_REASONS`. */
export const EXIT_REASON = 0x04;
/** For an exception: its `info` value. */
export const EXIT_INFO = 0x08;
export const FUEL = 0x0c;
/** Where the interpreter's Wasm half goes on: a table slot, or 0: back to who called it. */
export const NEXT_SLOT = 0x10;
/** Where the region begins in which fuel ended. */
export const BUSY_REGION = 0x14;
/** The last computed jump or call that went where its region had no place for it: what it is, or 0; where; the region's start. */
export const MISS = 0x18;
export const MISS_SITE = 0x1c;
export const MISS_REGION = 0x20;
export const MISS_TARGET = 0x24;
export const MISSED_JUMP = 1;
export const MISSED_CALL = 2;

/** Small constants; values that live as long as an instruction. */
export const MICRO_CONSTANTS = 0x1000;
export const MICRO_TEMPORARIES = 0x1800;
export const MICRO_TEMPORARIES_END = 0x2000;

export const INDIRECT_CACHE = 0x2000;
/** Entries of 8 bytes: guest PC, table slot. */
export const INDIRECT_CACHE_ENTRIES = 4096;

export const PAGE_TABLE = 0x100000;
export const PAGE_SHIFT = 12;
export const PAGE_COUNT = 1 << (32 - PAGE_SHIFT);
/** Bits of a page's byte (the values of memory/page-table.ts, which this folder may not import). */
export const MAY_READ = 1;
export const MAY_WRITE = 2;

export const STATE_BYTES = 0x200000;
