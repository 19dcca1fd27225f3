/** Shifted operands and modified immediates (ARM DDI 0406C, A8.4, A5.2.4, A6.3.2). */
import type { Emitter, I32 } from "../emitter.ts";
import { CF } from "./registers.ts";

/** A shifted value; `carry` makes the shifter's carry-out (0 or 1), and is left out where C stays as it is. */
export interface Shifted {
  readonly value: I32;
  readonly carry?: () => I32;
}

export const LSL = 0;
export const LSR = 1;
export const ASR = 2;
export const ROR = 3;

const bit = (e: Emitter, value: I32, n: number): I32 =>
  n === 31
    ? e.i32.shrU(value, e.const32(31))
    : e.i32.and(n === 0 ? value : e.i32.shrU(value, e.const32(n)), e.const32(1));

/** A shift by a constant as encoded: an amount of 0 means 32 for `lsr` and `asr`, and `rrx` for `ror` (DecodeImmShift). */
export function shiftByConstant(e: Emitter, value: I32, type: number, amount: number): Shifted {
  switch (type) {
    case LSL:
      if (amount === 0) return { value };
      return { value: e.i32.shl(value, e.const32(amount)), carry: () => bit(e, value, 32 - amount) };
    case LSR:
      if (amount === 0) return { value: e.const32(0), carry: () => bit(e, value, 31) };
      return { value: e.i32.shrU(value, e.const32(amount)), carry: () => bit(e, value, amount - 1) };
    case ASR:
      if (amount === 0) return { value: e.i32.shrS(value, e.const32(31)), carry: () => bit(e, value, 31) };
      return { value: e.i32.shrS(value, e.const32(amount)), carry: () => bit(e, value, amount - 1) };
    default:
      if (amount === 0) {
        const top = e.i32.shl(e.get(CF), e.const32(31));
        return { value: e.i32.or(e.i32.shrU(value, e.const32(1)), top), carry: () => bit(e, value, 0) };
      }
      return { value: e.i32.rotr(value, e.const32(amount)), carry: () => bit(e, value, amount - 1) };
  }
}

/** A shift by the low byte of a register. */
export function shiftByRegister(e: Emitter, value: I32, type: number, register: I32): Shifted {
  const amount = e.i32.and(register, e.const32(0xff));
  const oldCarry = e.get(CF);
  const unlessZero = (carry: I32): I32 => e.select(amount, carry, oldCarry);
  const small = e.i32.ltU(amount, e.const32(32));
  /** The bit that falls out last, if `bitsLeft` shifts right to it; none beyond 32. */
  const lastBit = (bitsLeft: I32): I32 =>
    e.select(e.i32.leU(amount, e.const32(32)), e.i32.and(e.i32.shrU(value, bitsLeft), e.const32(1)), e.const32(0));
  switch (type) {
    case LSL:
      return {
        value: e.select(small, e.i32.shl(value, amount), e.const32(0)),
        carry: () => unlessZero(lastBit(e.i32.sub(e.const32(32), amount))),
      };
    case LSR:
      return {
        value: e.select(small, e.i32.shrU(value, amount), e.const32(0)),
        carry: () => unlessZero(lastBit(e.i32.sub(amount, e.const32(1)))),
      };
    case ASR: {
      const all = e.i32.shrU(value, e.const32(31));
      return {
        value: e.i32.shrS(value, e.select(small, amount, e.const32(31))),
        carry: () => unlessZero(e.select(small, lastBit(e.i32.sub(amount, e.const32(1))), all)),
      };
    }
    default: {
      const rotated = e.i32.rotr(value, amount);
      return { value: rotated, carry: () => unlessZero(e.i32.shrU(rotated, e.const32(31))) };
    }
  }
}

/** An immediate operand: the value, and C if it changes. */
export interface Immediate {
  readonly value: number;
  readonly carry?: number;
}

const rotateRight = (value: number, by: number): number =>
  by === 0 ? value : ((value >>> by) | (value << (32 - by))) >>> 0;

/** A32's immediate: 8 bits rotated right by twice a 4-bit count. */
export function armImmediate(i12: number): Immediate {
  const rotation = 2 * (i12 >>> 8);
  const value = rotateRight(i12 & 0xff, rotation);
  return rotation === 0 ? { value } : { value, carry: value >>> 31 };
}

/** T32's immediate: a byte repeated, or eight bits with the top one set anywhere. */
export function thumbImmediate(i12: number): Immediate {
  const byte = i12 & 0xff;
  switch (i12 >>> 8) {
    case 0:
      return { value: byte };
    case 1:
      return { value: (byte << 16) | byte };
    case 2:
      return { value: ((byte << 24) | (byte << 8)) >>> 0 };
    case 3:
      return { value: ((byte << 24) | (byte << 16) | (byte << 8) | byte) >>> 0 };
    default: {
      const value = rotateRight(0x80 | (i12 & 0x7f), i12 >>> 7);
      return { value, carry: value >>> 31 };
    }
  }
}

/** A byte of zero repeated is UNPREDICTABLE (A6.3.2). */
export const isThumbImmediate = (i12: number): boolean => i12 >>> 10 !== 0 || i12 >>> 8 === 0 || (i12 & 0xff) !== 0;
