/**
 * The CPU-state memory: a second Wasm memory beside the guest's, which guest code cannot address. One per host thread;
 * a task switch copies the register part (`REGISTERS_BASE` to `REGISTERS_END`) in and out.
 *
 *     0x000000  header: program counter, exit reason, fuel, helper arguments
 *     0x000100  the ISA's registers
 *     0x002000  indirect-branch cache
 *     0x100000  page table: one byte of access bits for each 4 KiB page of the guest (memory/)
 *     0x200000  counters: how often cold code may still run before it is translated anew
 */
export const PC = 0x00;
/** Why the last run ended: index into `EXIT_REASONS`. */
export const EXIT_REASON = 0x04;
/** For an exception: its `info` value. */
export const EXIT_INFO = 0x08;
export const FUEL = 0x0c;

export const INDIRECT_CACHE = 0x2000;
/** Entries of 8 bytes: guest PC, table slot. */
export const INDIRECT_CACHE_ENTRIES = 4096;

export const PAGE_TABLE = 0x100000;
export const PAGE_SHIFT = 12;

export const COUNTERS = 0x200000;
export const COUNTER_COUNT = 1 << 16;

export const STATE_BYTES = 0x240000;
