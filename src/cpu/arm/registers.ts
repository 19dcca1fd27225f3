/**
 * The ARM integer registers as slots of the CPU-state memory (ARM DDI 0406C, B1.3).
 *
 * **Addresses carry the Thumb bit.** Wherever the translator sees a guest code address (`Instruction.pc`, `flow.target`,
 * block keys, the PC in CPU state, what `returnTo` gets), bit 0 says which instruction set is there: `pc | 1` is Thumb
 * code at `pc`, an even address is A32 code. So CPSR.T is no state of its own, and the same bytes translated as A32 and
 * as T32 are two different things. Program-visible values are as the manual says: r15 reads as the address of the
 * instruction + 8 (A32) or + 4 (T32) with bit 0 clear, a link register gets bit 0 set in Thumb code.
 */
import type { Emitter, I32, Slot } from "../emitter.ts";
import { REGISTERS_BASE } from "../isa.ts";

const slot = (name: string, offset: number): Slot<"i32"> => ({
  name,
  type: "i32",
  offset: REGISTERS_BASE + offset,
  cached: true,
});

/** GNU objdump's names, by register number. */
export const GPR_NAMES = "r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 sl fp ip sp lr pc".split(" ");
export const SP = 13;
export const LR = 14;
export const PC = 15;

/** r0 to r14; register n is at 4 * n. The place of r15 is free: the PC is the translator's. */
export const GPR: readonly Slot<"i32">[] = GPR_NAMES.slice(0, PC).map((name, n) => slot(name, 4 * n));

/**
 * The condition flags, in the form in which they are cheapest to set: N is bit 31 of `NF`, Z is set where `ZF` is zero,
 * C is `CF` (0 or 1), V is bit 31 of `VF`. After most instructions NF and ZF are both the result.
 */
export const NF = slot("nf", 0x40);
export const ZF = slot("zf", 0x44);
export const CF = slot("cf", 0x48);
export const VF = slot("vf", 0x4c);
/** The sticky saturation flag Q: 0 or 1. */
export const QF = slot("qf", 0x50);
/** GE[3:0] as a mask of bytes: 0xff in byte n where GE[n] is set, else 0. */
export const GE = slot("ge", 0x54);
/**
 * ITSTATE as in CPSR, where the next instruction is inside of an IT block; else 0. Only after a fault, a signal or a
 * single step is it ever other than 0, since an IT block is translated as one instruction.
 */
export const ITSTATE = slot("itstate", 0x58);
/** The thread pointer that `set_tls` sets and programs read (CP15 c13, c0, 3), and the one that programs may write. */
export const TPIDRURO = slot("tpidruro", 0x5c);
export const TPIDRURW = slot("tpidrurw", 0x60);
/**
 * The local exclusive monitor: the address of the last load-exclusive and what it saw there (zero-extended).
 * `NO_EXCLUSIVE`, which the kernel must put there when it delivers a signal or switches tasks, is the open state.
 */
export const EXCLUSIVE_ADDRESS = slot("exaddr", 0x64);
export const EXCLUSIVE_VALUE: Slot<"i64"> = { name: "exval", type: "i64", offset: REGISTERS_BASE + 0x68, cached: true };
/** Not aligned to any exclusive access but a byte's; no page is mapped there. */
export const NO_EXCLUSIVE = 0xffffffff;

/** The integer registers of a task; the first byte after them, for whoever adds registers. */
export const INTEGER_SLOTS: readonly Slot[] = [
  ...GPR,
  ...[NF, ZF, CF, VF, QF, GE, ITSTATE, TPIDRURO, TPIDRURW, EXCLUSIVE_ADDRESS, EXCLUSIVE_VALUE],
];
export const INTEGER_END = REGISTERS_BASE + 0x80;

/** What reading a register gives, r15 included. `pcValue` is `LiftContext.pcValue`. */
export function readGpr(e: Emitter, { pcValue }: { readonly pcValue: number }, n: number): I32 {
  return n === PC ? e.const32(pcValue) : e.get(GPR[n]!);
}

/**
 * Writes r0 to r14. Where the instruction is conditional and its row is `guarded`, keeps the old value where the
 * condition fails.
 */
export function writeGpr(e: Emitter, { guard }: { readonly guard: I32 | undefined }, n: number, value: I32): void {
  const register = GPR[n]!;
  e.set(register, guard === undefined ? value : e.select(guard, value, e.get(register)));
}

// ── CPSR as one word, for signal frames, ptrace and debuggers ─────────────────────────────────────────────────────

const CPSR_N = 0x80000000;
const CPSR_Z = 0x40000000;
const CPSR_C = 0x20000000;
const CPSR_V = 0x10000000;
const CPSR_Q = 0x08000000;
const CPSR_T = 0x20;
const USER_MODE = 0x10;

/** CPSR, from registers in memory (no region running), for a task whose PC (with the Thumb bit) is `pc`. Unsigned. */
export function readCpsr(state: DataView, pc: number): number {
  const get = ({ offset }: Slot): number => state.getInt32(offset, true);
  let cpsr = USER_MODE;
  if (get(NF) < 0) cpsr |= CPSR_N;
  if (get(ZF) === 0) cpsr |= CPSR_Z;
  if (get(CF) !== 0) cpsr |= CPSR_C;
  if (get(VF) < 0) cpsr |= CPSR_V;
  if (get(QF) !== 0) cpsr |= CPSR_Q;
  for (let n = 0; n < 4; n++) cpsr |= ((get(GE) >>> (8 * n)) & 1) << (16 + n);
  const it = get(ITSTATE) & 0xff;
  cpsr |= ((it >>> 2) << 10) | ((it & 3) << 25);
  if ((pc & 1) !== 0) cpsr |= CPSR_T;
  return cpsr >>> 0;
}

/** Sets what a user program can set of CPSR: flags, GE and IT. The T bit is the caller's: it goes into the PC. */
export function writeCpsr(state: DataView, cpsr: number): void {
  const set = ({ offset }: Slot, value: number): void => state.setInt32(offset, value, true);
  set(NF, cpsr & CPSR_N);
  set(ZF, (cpsr & CPSR_Z) !== 0 ? 0 : 1);
  set(CF, (cpsr & CPSR_C) !== 0 ? 1 : 0);
  set(VF, (cpsr & CPSR_V) !== 0 ? CPSR_N : 0);
  set(QF, (cpsr & CPSR_Q) !== 0 ? 1 : 0);
  let ge = 0;
  for (let n = 0; n < 4; n++) if (((cpsr >>> (16 + n)) & 1) !== 0) ge |= 0xff << (8 * n);
  set(GE, ge);
  set(ITSTATE, (cpsr & CPSR_T) !== 0 ? (((cpsr >>> 10) & 0x3f) << 2) | ((cpsr >>> 25) & 3) : 0);
}
