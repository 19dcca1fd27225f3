/** `-d in_asm`: what the translator reads of the guest's code, as GNU objdump prints it. */
import createDebug from "debug";
import type { Instruction, Isa } from "../cpu/isa.ts";

const debug = createDebug("babelf:in_asm");

/** The address without ARM's Thumb bit, which no instruction's own address has. */
const place = (pc: number): string => (pc & ~1).toString(16).padStart(8, "0");

/** One line an instruction; what belongs to it (a delay slot, an IT block's instructions) follows without an address. */
export function listingOf(isa: Isa, instruction: Instruction): string[] {
  const { pc, word } = instruction;
  const digits = (pc & 1) !== 0 && word <= 0xffff ? 4 : 8;
  const [first = "", ...rest] = isa.disassemble(instruction).split("\n");
  return [
    `${place(pc)}:\t${word.toString(16).padStart(digits, "0")}\t${first}`,
    ...rest.map((line) => `        \t        \t${line}`),
  ];
}

/** The same ISA; while the listing is asked for, each instruction that it decodes is printed. */
export function listed(isa: Isa): Isa {
  if (!debug.enabled) return isa;
  return {
    ...isa,
    decode(code, pc, mode) {
      const instruction = isa.decode(code, pc, mode);
      for (const line of listingOf(isa, instruction)) debug("%s", line);
      return instruction;
    },
  };
}
