/**
 * The state of the MIPS processor before and after a sequence, as the program and this side both lay it out: 32-bit words in
 * the guest's byte order.
 */
import { type Difference, hex } from "./generator.ts";

/** Indices of words. */
export const LAYOUT = {
  /** 32 words; those that the harness keeps for itself stay 0. */
  gpr: 0,
  hi: 32,
  lo: 33,
  fcsr: 34,
  /** Of the signal that ended the sequence, or 0. */
  signal: 35,
  signalCode: 36,
  signalPc: 37,
  /** 32 doubles; the first word of each is the one at the lower address. */
  fpr: 40,
  scratch: 104,
  words: 168,
} as const;

export const RECORD_SIZE = LAYOUT.words * 4;
const SIGFPE = 8;
/** FCSR: a Cause bit, the Enable bit that lets it trap, and what si_code Linux makes of it; the first enabled one counts. */
const CAUSES = [
  { cause: 1 << 16, enable: 1 << 11, code: 7 }, // invalid operation: FPE_FLTINV
  { cause: 1 << 15, enable: 1 << 10, code: 3 }, // division by zero: FPE_FLTDIV
  { cause: 1 << 14, enable: 1 << 9, code: 4 }, // overflow: FPE_FLTOVF
  { cause: 1 << 13, enable: 1 << 8, code: 5 }, // underflow: FPE_FLTUND
  { cause: 1 << 12, enable: 1 << 7, code: 6 }, // inexact: FPE_FLTRES
] as const;
const FCSR_CAUSES = 0x3f << 12;

/**
 * Where two records differ, in words that name a register. In two things about SIGFPE the peer (QEMU 7.2) is corrected to
 * what Linux does: Linux takes the enabled Cause bits back, so that the handler can restore FCSR, and chooses si_code
 * among the enabled causes, where QEMU chooses among all.
 */
export function differences(ours: Uint8Array, peer: Uint8Array, littleEndian: boolean): Difference[] {
  const found: Difference[] = [];
  const read = (bytes: Uint8Array) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const word = (index: number) => view.getUint32(index * 4, littleEndian);
    return (index: number) => {
      if (word(LAYOUT.signal) !== SIGFPE) return word(index);
      const fcsr = word(LAYOUT.fcsr);
      if (index === LAYOUT.fcsr) return (fcsr & ~FCSR_CAUSES) >>> 0;
      const trapped = CAUSES.find(({ cause, enable }) => fcsr & cause && fcsr & enable);
      return index === LAYOUT.signalCode && trapped ? trapped.code : word(index);
    };
  };
  const [a, b] = [read(ours), read(peer)];
  for (let index = 0; index < LAYOUT.words; index++) {
    if (a(index) === b(index)) continue;
    found.push({ where: nameOf(index), ours: hex(a(index)), peer: hex(b(index)) });
  }
  return found;
}

export function nameOf(index: number): string {
  if (index < 32) return `$${index}`;
  if (index >= LAYOUT.scratch) return `scratch+${(index - LAYOUT.scratch) * 4}`;
  if (index >= LAYOUT.fpr)
    return `$f${(index - LAYOUT.fpr) >> 1}${(index - LAYOUT.fpr) & 1 ? " (second word)" : " (first word)"}`;
  const names = {
    hi: "HI",
    lo: "LO",
    fcsr: "FCSR",
    signal: "signal",
    signalCode: "si_code",
    signalPc: "pc of the signal",
  };
  return Object.entries(names).find(([key]) => LAYOUT[key as keyof typeof names] === index)?.[1] ?? `word ${index}`;
}
