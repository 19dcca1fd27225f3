/** The FPU's state in CPU-state memory, for whoever looks at it from outside: translator, signal frames, debuggers, loader. */
import {
  CAUSE_MASK,
  ENABLES_MASK,
  FCSR_ABS2008,
  FCSR_FS,
  FCSR_NAN2008,
  FCSR_WRITABLE,
  FIR_24KF,
  INEXACT_FLAG,
  fccShift,
} from "./fcsr.ts";
import { causeOf } from "./fpu-operations.ts";
import { FCC, FCSR, FIR, LAST_DOUBLES, LAST_OPERATION, LAST_SINGLES, STATUS_FR } from "./fpu-registers.ts";

// ── how exactly flags must be kept ────────────────────────────────────────────────────────────────────────────────

/**
 * What translated code takes for granted about FCSR:
 *
 * - FAST: nearest rounding, no enables, no flushing, and the sticky Inexact flag is set. The host's arithmetic gives
 *   the right result; only results that look unusual go to a helper.
 * - CHECK: the same with the Inexact flag still clear: each operation also finds out whether it is inexact. Code for
 *   CHECK stays right when the flag becomes set, so nothing has to be left at once: the next entry from the dispatcher
 *   asks `fpuMode` and finds FAST.
 * - SOFT: anything else. Each operation is a helper call.
 */
export const FAST = 0;
export const CHECK = 1;
export const SOFT = 2;

/** Mode bits: FR, then the level. */
export const MODE_FR = 1;
export const modeLevel = (mode: number): number => (mode >> 1) & 3;

/** The FPU's part of the translation mode, 0 to 5. */
export function fpuMode(state: DataView): number {
  const fcsr = state.getInt32(FCSR.offset, true);
  const ordinary = (fcsr & (FCSR_FS | ENABLES_MASK | 3)) === 0;
  const level = !ordinary ? SOFT : (fcsr & INEXACT_FLAG) !== 0 ? FAST : CHECK;
  return (state.getInt32(STATUS_FR.offset, true) & MODE_FR) | (level << 1);
}

// ── FCSR as one word, for signal frames, ptrace and debuggers ─────────────────────────────────────────────────────

/** FCSR, from registers in memory (no region running). Unsigned. */
export function readFcsr(state: DataView): number {
  let fcsr = state.getInt32(FCSR.offset, true);
  const last = state.getInt32(LAST_OPERATION.offset, true);
  if (last !== 0) {
    const wide = (last & 1) !== 0;
    fcsr =
      (fcsr & ~CAUSE_MASK) |
      causeOf(last, state, wide ? LAST_DOUBLES[0]!.offset : LAST_SINGLES[0]!.offset, wide ? 8 : 4);
  }
  for (const [n, slot] of FCC.entries()) fcsr |= (state.getInt32(slot.offset, true) & 1) << fccShift(n);
  return fcsr >>> 0;
}

/** Sets FCSR as `ctc1` does; raises nothing. Read-only bits stay as they are. */
export function writeFcsr(state: DataView, value: number): void {
  const fixed = state.getInt32(FCSR.offset, true) & ~FCSR_WRITABLE;
  state.setInt32(FCSR.offset, fixed | (value & FCSR_WRITABLE), true);
  state.setInt32(LAST_OPERATION.offset, 0, true);
  for (const [n, slot] of FCC.entries()) state.setInt32(slot.offset, (value >>> fccShift(n)) & 1, true);
}

/**
 * The FPU as a new program finds it: all zero, FIR of the 24Kf.
 *
 * `fr`: 64-bit registers. Linux and QEMU set Status.FR for o32 programs whose .MIPS.abiflags ask for it or allow it:
 * fp_abi FPXX (5), FP64 (6) and FP64A (7); it is clear for plain double (1) and for programs without the section.
 * `nan2008`: EF_MIPS_NAN2008 in the ELF header, for which QEMU takes a P5600 instead of its usual 24Kf.
 */
export function resetFpu(state: DataView, options: { readonly fr: boolean; readonly nan2008: boolean }): void {
  writeFcsr(state, 0);
  state.setInt32(FCSR.offset, options.nan2008 ? FCSR_NAN2008 | FCSR_ABS2008 : 0, true);
  state.setInt32(FIR.offset, FIR_24KF, true);
  state.setInt32(STATUS_FR.offset, options.fr ? MODE_FR : 0, true);
}
