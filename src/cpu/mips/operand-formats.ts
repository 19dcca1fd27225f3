/** How the operands of MIPS instructions are printed: GNU objdump's way for o32, by the manual's operand names. */
import type { Fields, OperandFormats } from "../decode-table.ts";
import { disassembler } from "../decode-table.ts";
import { signed16 } from "./arithmetic.ts";
import { branchTarget, jumpTarget } from "./branching.ts";
import { FPU_OPERANDS } from "./fpu.ts";
import { GPR_NAMES } from "./registers.ts";

interface PrintContext {
  readonly pc: number;
  readonly word: number;
}

const hex = (n: number): string => `0x${n.toString(16)}`;
const optional = (code: number): string => (code === 0 ? "" : hex(code));

const FORMATS: OperandFormats<PrintContext> = {
  ...FPU_OPERANDS,
  rs: ({ s }) => GPR_NAMES[s]!,
  rt: ({ t }) => GPR_NAMES[t]!,
  rd: ({ d }) => GPR_NAMES[d]!,
  base: ({ s }) => GPR_NAMES[s]!,
  // The index register of lwxc1 and its like.
  indexreg: ({ t }) => GPR_NAMES[t]!,
  fs: ({ s }) => `$f${s}`,
  ft: ({ t }) => `$f${t}`,
  fd: ({ d }) => `$f${d}`,
  fr: ({ r }) => `$f${r}`,
  cc: ({ c }) => `$fcc${c}`,
  c0: ({ d }) => `$${d}`,
  optsel: ({ l }) => (l === 0 ? "" : `,${l}`),
  sa: ({ a }) => hex(a!),
  lsb: ({ l }) => hex(l!),
  extsize: ({ m }) => hex(m! + 1),
  inssize: ({ m, l }) => hex(m! - l! + 1),
  simm: ({ i }) => `${signed16(i!)}`,
  uimm: ({ i }) => hex(i!),
  offset: ({ i }) => `${signed16(i!)}`,
  target: ({ o }, { pc }) => hex(branchTarget(pc, o!)),
  index: ({ j }, { pc }) => hex(jumpTarget(pc, j!)),
  hint: ({ h }) => hex(h!),
  stype: ({ a }) => hex(a!),
  code: ({ c }) => optional(c!),
  trapcode: ({ c }) => (c === 0 ? "" : `,${hex(c!)}`),
  breakcode: ({ c }) => {
    const [upper, lower] = [c! >>> 10, c! & 0x3ff];
    if (lower !== 0) return `${hex(upper)},${hex(lower)}`;
    return optional(upper);
  },
  copcode: ({ c }) => hex(c!),
  word: (_fields: Fields, { word }) => hex(word >>> 0),
};

export const printInstruction = disassembler(FORMATS);
