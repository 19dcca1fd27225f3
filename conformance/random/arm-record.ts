/**
 * The state of the ARM processor before and after a sequence, as the program and this side both lay it out: 32-bit words,
 * little-endian.
 */
import { type Difference, hex } from "./generator.ts";

/** Indices of words. */
export const LAYOUT = {
  /** r0 to r14. */
  gpr: 0,
  /** N, Z, C, V, Q and GE. */
  cpsr: 15,
  fpscr: 16,
  /** Of the signal that ended the sequence, or 0. */
  signal: 17,
  signalCode: 18,
  /** With the Thumb bit. */
  signalPc: 19,
  /** D0 to D31; a multiple of 8 bytes. */
  doubles: 20,
  scratch: 84,
  words: 212,
} as const;

export const RECORD_SIZE = LAYOUT.words * 4;
export const SCRATCH_SIZE = (LAYOUT.words - LAYOUT.scratch) * 4;

/** FPSCR.FZ16 belongs to half-precision arithmetic (ARMv8.2), which the peer has. */
const FZ16 = 1 << 19;

const SIGILL = 4;
/** si_code: illegal opcode. */
const ILL_ILLOPC = 1;

/**
 * Where two records differ, in words that name a register. The peer (QEMU 7.2) is corrected to what Linux does: an undefined
 * instruction is an illegal opcode, not an illegal operand.
 */
export function differences(ours: Uint8Array, peer: Uint8Array): Difference[] {
  const found: Difference[] = [];
  const read = (bytes: Uint8Array) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const word = (index: number) => view.getUint32(index * 4, true);
    return (index: number) => {
      if (index === LAYOUT.signalCode && word(LAYOUT.signal) === SIGILL) return ILL_ILLOPC;
      return index === LAYOUT.fpscr ? (word(index) & ~FZ16) >>> 0 : word(index);
    };
  };
  const [a, b] = [read(ours), read(peer)];
  for (let index = 0; index < LAYOUT.words; index++) {
    if (a(index) !== b(index)) found.push({ where: nameOf(index), ours: hex(a(index)), peer: hex(b(index)) });
  }
  return found;
}

export function nameOf(index: number): string {
  if (index < LAYOUT.cpsr) return `r${index}`;
  if (index >= LAYOUT.scratch) return `scratch+${(index - LAYOUT.scratch) * 4}`;
  const double = (index - LAYOUT.doubles) >> 1;
  if (index >= LAYOUT.doubles) return `d${double}.w${(index - LAYOUT.doubles) & 1}`;
  return ["CPSR", "FPSCR", "signal", "si_code", "pc of the signal"][index - LAYOUT.cpsr] as string;
}
