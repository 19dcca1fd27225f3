/** Multiplication and division (MIPS32 AFP vol II-A, "CPU Multiply and Divide"; `hi` and `lo` in vol I-A 3.4). */
import type { Emitter, I32, I64 } from "../emitter.ts";
import { gpr, HI, LO, setGpr } from "./registers.ts";
import { rowsOf } from "./row.ts";

const row = rowsOf("CPU multiply and divide");

/** The full product of two registers. */
function product(e: Emitter, s: number, t: number, signed: boolean): I64 {
  const widen = (n: number): I64 => (signed ? e.i64.extendI32S(gpr(e, n)) : e.i64.extendI32U(gpr(e, n)));
  return e.i64.mul(widen(s), widen(t));
}

function getHiLo(e: Emitter): I64 {
  return e.i64.or(e.i64.shl(e.i64.extendI32U(e.get(HI)), e.const64(32n)), e.i64.extendI32U(e.get(LO)));
}

function setHiLo(e: Emitter, value: I64): void {
  e.set(LO, e.i32.wrapI64(value));
  e.set(HI, e.i32.wrapI64(e.i64.shrU(value, e.const64(32n))));
}

/**
 * The divisor, or 1 where the division would trap in WebAssembly. What MIPS calls UNPREDICTABLE then comes out as in
 * QEMU: the quotient is the dividend and the remainder 0.
 */
function safeDivisor(e: Emitter, dividend: I32, divisor: I32, signed: boolean): I32 {
  let traps = e.i32.eqz(divisor);
  if (signed) {
    const overflow = e.i32.and(e.i32.eq(dividend, e.const32(0x80000000)), e.i32.eq(divisor, e.const32(-1)));
    traps = e.i32.or(traps, overflow);
  }
  return e.select(traps, e.const32(1), divisor);
}

export const MULTIPLY_ROWS = [
  row("mul", "011100 sssss ttttt ddddd 00000 000010", "rd,rs,rt", (e, { s, t, d }) =>
    setGpr(e, d, e.i32.mul(gpr(e, s), gpr(e, t))),
  ),
  row("mult", "000000 sssss ttttt 00000 00000 011000", "rs,rt", (e, { s, t }) => setHiLo(e, product(e, s, t, true))),
  row("multu", "000000 sssss ttttt 00000 00000 011001", "rs,rt", (e, { s, t }) => setHiLo(e, product(e, s, t, false))),
  row("madd", "011100 sssss ttttt 00000 00000 000000", "rs,rt", (e, { s, t }) =>
    setHiLo(e, e.i64.add(getHiLo(e), product(e, s, t, true))),
  ),
  row("maddu", "011100 sssss ttttt 00000 00000 000001", "rs,rt", (e, { s, t }) =>
    setHiLo(e, e.i64.add(getHiLo(e), product(e, s, t, false))),
  ),
  row("msub", "011100 sssss ttttt 00000 00000 000100", "rs,rt", (e, { s, t }) =>
    setHiLo(e, e.i64.sub(getHiLo(e), product(e, s, t, true))),
  ),
  row("msubu", "011100 sssss ttttt 00000 00000 000101", "rs,rt", (e, { s, t }) =>
    setHiLo(e, e.i64.sub(getHiLo(e), product(e, s, t, false))),
  ),

  row("div", "000000 sssss ttttt 00000 00000 011010", "zero,rs,rt", (e, { s, t }) => {
    const dividend = gpr(e, s);
    const divisor = safeDivisor(e, dividend, gpr(e, t), true);
    e.set(LO, e.i32.divS(dividend, divisor));
    e.set(HI, e.i32.remS(dividend, divisor));
  }),
  row("divu", "000000 sssss ttttt 00000 00000 011011", "zero,rs,rt", (e, { s, t }) => {
    const dividend = gpr(e, s);
    const divisor = safeDivisor(e, dividend, gpr(e, t), false);
    e.set(LO, e.i32.divU(dividend, divisor));
    e.set(HI, e.i32.remU(dividend, divisor));
  }),

  row("mfhi", "000000 00000 00000 ddddd 00000 010000", "rd", (e, { d }) => setGpr(e, d, e.get(HI))),
  row("mflo", "000000 00000 00000 ddddd 00000 010010", "rd", (e, { d }) => setGpr(e, d, e.get(LO))),
  row("mthi", "000000 sssss 00000 00000 00000 010001", "rs", (e, { s }) => e.set(HI, gpr(e, s))),
  row("mtlo", "000000 sssss 00000 00000 00000 010011", "rs", (e, { s }) => e.set(LO, gpr(e, s))),
];
