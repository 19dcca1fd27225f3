/** The MIPS32 integer registers as slots of the CPU-state memory (MIPS32 AFP vol I-A, 3.4; vol III-A for UserLocal). */
import type { Emitter, I32, Slot } from "../emitter.ts";
import { REGISTERS_BASE } from "../isa.ts";

const slot = (name: string, offset: number, cached = true): Slot<"i32"> => ({
  name,
  type: "i32",
  offset: REGISTERS_BASE + offset,
  cached,
});

/** The o32 names, by register number. */
export const GPR_NAMES = [
  ..."zero at v0 v1 a0 a1 a2 a3 t0 t1 t2 t3 t4 t5 t6 t7".split(" "),
  ..."s0 s1 s2 s3 s4 s5 s6 s7 t8 t9 k0 k1 gp sp s8 ra".split(" "),
] as const;

/** r0 to r31. Meanings never use GPR[0], which is in the state memory only so that register n is at 4 * n; it stays 0. */
export const GPR: readonly Slot<"i32">[] = GPR_NAMES.map((name, n) => slot(name, 4 * n));
export const HI = slot("hi", 0x80);
export const LO = slot("lo", 0x84);
/** UserLocal: the thread pointer that `set_thread_area` sets and `rdhwr $29` reads. */
export const USER_LOCAL = slot("userlocal", 0x88);
/**
 * The load-linked reservation: address and the value seen there. `NO_RESERVATION` in LL_ADDRESS, which the kernel must
 * put there when it delivers a signal or switches tasks, makes the next `sc` fail.
 */
export const LL_ADDRESS = slot("lladdr", 0x8c);
export const LL_VALUE = slot("llval", 0x90);
/** Not a multiple of 4, so no `ll` can have reserved it. */
export const NO_RESERVATION = 1;
/**
 * Written by `synci`, which then leaves the region: the cache line's address | 1; 0 where none is waiting. The machine
 * drops the translations of that line (32 bytes, `SYNCI_STEP`) and writes 0.
 */
export const SYNCI_LINE = slot("synci", 0x94, false);
export const SYNCI_STEP = 32;

/** The integer registers of a task; the first byte after them, for whoever adds registers. */
export const INTEGER_SLOTS: readonly Slot[] = [...GPR, HI, LO, USER_LOCAL, LL_ADDRESS, LL_VALUE, SYNCI_LINE];
export const INTEGER_END = REGISTERS_BASE + 0x98;

/** Reads a general register; register 0 is the constant 0. */
export function gpr(e: Emitter, n: number): I32 {
  return n === 0 ? e.const32(0) : e.get(GPR[n]!);
}

/** Writes a general register; a write to register 0 is dropped. */
export function setGpr(e: Emitter, n: number, value: I32): void {
  if (n !== 0) e.set(GPR[n]!, value);
}
