/** MIPS32 releases 1 and 2 as Linux programs see them (o32): the tables put together into an `Isa`. */
import type { Fields } from "../decode-table.ts";
import { DecodeTable, extractFields } from "../decode-table.ts";
import type { Emitter } from "../emitter.ts";
import type { CodeReader, Flow, Isa } from "../isa.ts";
import { ARITHMETIC_ROWS } from "./arithmetic.ts";
import { BRANCH_ROWS } from "./branch.ts";
import { FPU_ROWS, FPU_SLOTS, fpuMode } from "./fpu.ts";
import { LOAD_STORE_ROWS } from "./load-store.ts";
import { MULTIPLY_ROWS } from "./multiply.ts";
import { printInstruction } from "./operand-formats.ts";
import { INTEGER_SLOTS, SYNCI_LINE } from "./registers.ts";
import type { LiftContext, MipsInstruction, MipsRow } from "./row.ts";
import { raiseAlways, rowsOf, STOP } from "./row.ts";
import { SHIFT_ROWS } from "./shift.ts";
import { SYSTEM_ROWS } from "./system.ts";
import { TRAP_ROWS } from "./trap.ts";
import { UNSUPPORTED_ROWS } from "./unsupported.ts";

export interface MipsOptions {
  readonly littleEndian: boolean;
  /** The MIPS32 release: 1 (4Kc) or 2 (24Kf); 2 if left out. */
  readonly release?: 1 | 2;
}

/** Every instruction, in the manual's order. */
export const MIPS_ROWS: readonly MipsRow[] = [
  ...ARITHMETIC_ROWS,
  ...SHIFT_ROWS,
  ...MULTIPLY_ROWS,
  ...BRANCH_ROWS,
  ...LOAD_STORE_ROWS,
  ...TRAP_ROWS,
  ...SYSTEM_ROWS,
  ...FPU_ROWS,
];

const row = rowsOf("Reserved");
const illegal = (e: Emitter, _fields: unknown, context: LiftContext): void => raiseAlways(e, context, "illegal");
const ANY = "--------------------------------";
const RESERVED = row(".word", ANY, "word", illegal, STOP);
/** What a fetch from an address that is not a multiple of 4 gives: `jr` to MIPS16e or microMIPS code on a CPU without. */
const MISALIGNED = row(".word", ANY, "word", (e, _fields, { pc }) => e.raise("addressError", e.const32(pc)), STOP);
const NO_FIELDS: Fields = {};

/** The rows of one release: later instructions stay known, so that the message can name them. */
function rowsOfRelease(release: 1 | 2): readonly MipsRow[] {
  if (release === 2) return [...MIPS_ROWS, ...UNSUPPORTED_ROWS];
  const rows = MIPS_ROWS.map(({ delaySlot: _, ...later }): MipsRow => ({
    ...later,
    ...STOP,
    lift: illegal,
    unsupported: "MIPS32 release 2 instruction",
  }));
  return [...MIPS_ROWS.map((original, n) => (original.release === 2 ? rows[n]! : original)), ...UNSUPPORTED_ROWS];
}

const tables = new Map<1 | 2, DecodeTable<MipsRow>>();

/** The decode table of a release, compiled at first use. */
export function mipsTable(release: 1 | 2): DecodeTable<MipsRow> {
  let table = tables.get(release);
  if (table === undefined) tables.set(release, (table = new DecodeTable(rowsOfRelease(release))));
  return table;
}

const NEXT: Flow = { kind: "next" };
const FLOW_STOP: Flow = { kind: "stop" };

/** One instruction, without its delay slot. */
function decodeWord(table: DecodeTable<MipsRow>, pc: number, word: number): MipsInstruction {
  const pattern = table.find(word);
  const found = pattern?.row ?? RESERVED;
  const fields = pattern === undefined ? NO_FIELDS : extractFields(pattern, word);
  const flow = found.flow === undefined ? NEXT : found.flow(fields, pc);
  const instruction = { pc, size: 4, flow, word, row: found, fields };
  return found.unsupported === undefined ? instruction : { ...instruction, unsupported: found.unsupported };
}

/** Puts a branch and the instruction in its delay slot together. */
function withDelaySlot(branch: MipsInstruction, slot: MipsInstruction): MipsInstruction {
  // The manual calls a branch in a delay slot UNPREDICTABLE; a system call there would run twice under Linux.
  if (slot.row.delaySlot || slot.flow.kind === "systemCall") {
    const what = slot.row.delaySlot ? "branch" : "system call";
    return { ...branch, flow: FLOW_STOP, row: RESERVED, fields: NO_FIELDS, unsupported: `${what} in a delay slot` };
  }
  const flow = slot.flow.kind === "stop" ? FLOW_STOP : branch.flow;
  const both = { ...branch, size: 8, flow, slot };
  return slot.unsupported === undefined ? both : { ...both, unsupported: slot.unsupported };
}

/** The context of an instruction that is not in a delay slot. */
function contextOf(e: Emitter, instruction: MipsInstruction, mode: number, littleEndian: boolean): LiftContext {
  const { pc, size, slot } = instruction;
  return {
    pc,
    next: (pc + size) >>> 0,
    littleEndian,
    mode,
    inDelaySlot: false,
    slotEnds: slot?.flow.kind === "stop",
    delaySlot: () => {
      if (slot === undefined) return;
      const context = {
        pc: slot.pc,
        next: (slot.pc + 4) >>> 0,
        littleEndian,
        mode,
        inDelaySlot: true,
        slotEnds: false,
        delaySlot: () => {},
      };
      slot.row.lift(e, slot.fields, context);
    },
  };
}

/** A MIPS processor. */
export function mipsIsa({ littleEndian, release = 2 }: MipsOptions): Isa<MipsInstruction> {
  const table = mipsTable(release);
  return {
    name: littleEndian ? "mipsel" : "mips",
    littleEndian,
    slots: [...INTEGER_SLOTS, ...FPU_SLOTS],
    mode: fpuMode,
    changedCode: SYNCI_LINE,

    decode(code: CodeReader, pc: number): MipsInstruction {
      if ((pc & 3) !== 0) {
        return {
          pc,
          size: 4,
          flow: FLOW_STOP,
          word: 0,
          row: MISALIGNED,
          fields: NO_FIELDS,
          unsupported: "MIPS16e or microMIPS code",
        };
      }
      const instruction = decodeWord(table, pc, code.read32(pc));
      if (!instruction.row.delaySlot) return instruction;
      const slotPc = (pc + 4) >>> 0;
      return withDelaySlot(instruction, decodeWord(table, slotPc, code.read32(slotPc)));
    },

    lift(e, instruction, mode): void {
      instruction.row.lift(e, instruction.fields, contextOf(e, instruction, mode, littleEndian));
    },

    disassemble: disassembleMips,
  };
}

/** GNU objdump's text; a delay slot's instruction follows after a newline. */
export function disassembleMips(instruction: MipsInstruction): string {
  const text = printInstruction(instruction.row, instruction.fields, instruction);
  return instruction.slot === undefined ? text : `${text}\n${disassembleMips(instruction.slot)}`;
}

/** One line of docs/instructions.md. */
export interface InstructionRow {
  readonly isa: string;
  readonly mnemonic: string;
  readonly bits: string;
  readonly group: string;
}

/** The supported instructions for the generated documentation; aliases and repeated mnemonics (`rdhwr`) only once. */
export function instructionRows(): readonly InstructionRow[] {
  const rows = new Map<string, InstructionRow>();
  for (const { mnemonic, bits, group, release, alias, unsupported } of MIPS_ROWS) {
    if (alias || unsupported !== undefined || rows.has(mnemonic)) continue;
    rows.set(mnemonic, { isa: `MIPS32 release ${release ?? 1}`, mnemonic, bits, group });
  }
  return [...rows.values()];
}
