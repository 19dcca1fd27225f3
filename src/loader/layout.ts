/** Where a 32-bit guest's stack and mappings lie: as on a 32-bit MIPS Linux, without randomisation. */
import type { AddressLayout } from "./image.ts";

/** TASK_SIZE of MIPS32: 2 GiB less 32 KiB. */
const TASK_SIZE = 0x7fff8000;
const PAGE = 4096;
/** Kept free between the stack and the end, as Linux keeps a page for delay slots and the vDSO there. */
const ABOVE_STACK = 0x8000;
/** The stack may take a sixth of the address space, but always gets this much room (Linux: MIN_GAP and MAX_GAP). */
const MAX_STACK = Math.floor(TASK_SIZE / 6 / PAGE) * PAGE;
const MIN_STACK = 32 * PAGE;
const MIN_GAP = 128 * 1024 * 1024;
/** stack_guard_gap: 256 pages. */
const GUARD = 256 * PAGE;

/** The layout for a soft RLIMIT_STACK of `stackLimit` bytes (Infinity: none). */
export function addressLayout(stackLimit: number): AddressLayout {
  const wanted = Number.isFinite(stackLimit) ? Math.ceil(stackLimit / PAGE) * PAGE : MAX_STACK;
  const stackSize = Math.min(Math.max(wanted, MIN_STACK), MAX_STACK);
  const stackTop = TASK_SIZE - ABOVE_STACK;
  return { limit: TASK_SIZE, stackTop, stackSize, mmapBase: stackTop - Math.max(stackSize + GUARD, MIN_GAP) };
}

/** Where a PIE goes: two thirds up (ELF_ET_DYN_BASE). */
export const PIE_BASE = Math.floor(((TASK_SIZE / 3) * 2) / 0x10000) * 0x10000;
