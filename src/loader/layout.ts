/** Where a 32-bit guest's stack and mappings lie: as on a 32-bit Linux, without randomisation. */
import type { AddressLayout, Machine } from "./image.ts";

/**
 * By architecture: the end of a program's addresses (TASK_SIZE), and where a PIE goes (ELF_ET_DYN_BASE).
 *
 * MIPS32: 2 GiB less 32 KiB, a PIE two thirds up. ARM: 3 GiB less the 16 MiB for modules, as on a 32-bit kernel with its
 * usual split (a 64-bit kernel, and qemu-arm, would give a program nearly 4 GiB), a PIE low.
 */
const MAPS: Readonly<Record<Machine, { readonly taskSize: number; readonly pieBase: number }>> = {
  mips: { taskSize: 0x7fff8000, pieBase: Math.floor(((0x7fff8000 / 3) * 2) / 0x10000) * 0x10000 },
  arm: { taskSize: 0xbf000000, pieBase: 0x400000 },
};
const PAGE = 4096;
/** Kept free between the stack and the end, as Linux keeps a page for delay slots and the vDSO there. */
const ABOVE_STACK = 0x8000;
/** The stack may take a sixth of the address space, but always gets this much room (Linux: MIN_GAP and MAX_GAP). */
const STACK_PART = 6;
const MIN_STACK = 32 * PAGE;
const MIN_GAP = 128 * 1024 * 1024;
/** stack_guard_gap: 256 pages. */
const GUARD = 256 * PAGE;

/** The layout for a soft RLIMIT_STACK of `stackLimit` bytes (Infinity: none). */
export function addressLayout(machine: Machine, stackLimit: number): AddressLayout {
  const { taskSize } = MAPS[machine];
  const maxStack = Math.floor(taskSize / STACK_PART / PAGE) * PAGE;
  const wanted = Number.isFinite(stackLimit) ? Math.ceil(stackLimit / PAGE) * PAGE : maxStack;
  const stackSize = Math.min(Math.max(wanted, MIN_STACK), maxStack);
  const stackTop = taskSize - ABOVE_STACK;
  return { limit: taskSize, stackTop, stackSize, mmapBase: stackTop - Math.max(stackSize + GUARD, MIN_GAP) };
}

export const pieBase = (machine: Machine): number => MAPS[machine].pieBase;
