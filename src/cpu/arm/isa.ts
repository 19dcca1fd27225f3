/**
 * ARMv4T to ARMv7-A, and what ARMv8 added to AArch32, as Linux programs see them: the tables put together into an `Isa`.
 *
 * A conditional instruction is its row's meaning with a condition around it: a select for what is `guarded`, else a branch
 * around it. An IT block is one instruction (it-block.ts).
 */
import { DecodeTable } from "../decode-table.ts";
import type { CodeReader, Isa } from "../isa.ts";
import { BRANCH_A32, BRANCH_T16, BRANCH_T32 } from "./branch.ts";
import { coprocessorWord } from "./coprocessor.ts";
import { CRC_A32, CRC_T32 } from "./crc.ts";
import { DATA_PROCESSING_A32 } from "./data-processing.ts";
import { EXCLUSIVE_A32, EXCLUSIVE_T32 } from "./exclusive.ts";
import { ALWAYS } from "./flags.ts";
import {
  ILLEGAL,
  ILLEGAL_INFO,
  instructionOf,
  liftInstruction,
  MISALIGNED,
  NO_FIELDS,
  placeOf,
  RESERVED_16,
  RESERVED_32,
} from "./instruction.ts";
import { advanceIt, IT_ROW, liftItBlock, liftLeaving } from "./it-block.ts";
import { LOAD_MULTIPLE_A32, LOAD_MULTIPLE_T16, LOAD_MULTIPLE_T32 } from "./load-multiple.ts";
import { LOAD_STORE_A32, LOAD_STORE_T16, LOAD_STORE_T32 } from "./load-store.ts";
import { MEDIA_A32, MEDIA_T32 } from "./media.ts";
import type { ArmModel, Feature } from "./models.ts";
import { FEATURES } from "./models.ts";
import { MULTIPLY_A32, MULTIPLY_T32 } from "./multiply.ts";
import { printInstruction } from "./operand-formats.ts";
import { INTEGER_SLOTS, ITSTATE } from "./registers.ts";
import type { ArmInstruction, ArmRow } from "./row.ts";
import { SIMD_ROWS } from "./simd.ts";
import { HINTS_A32, HINTS_T16, HINTS_T32, SYSTEM_A32, SYSTEM_T16, SYSTEM_T32 } from "./system.ts";
import { DATA_PROCESSING_T16, DATA_PROCESSING_T32 } from "./thumb.ts";
import { VFP_ROWS, VFP_SLOTS, vfpMode } from "./vfp.ts";

export interface ArmOptions {
  readonly cpu: ArmModel;
}

/** Every A32 instruction, in the manual's order. */
export const A32_ROWS: readonly ArmRow[] = [
  ...DATA_PROCESSING_A32,
  ...MULTIPLY_A32,
  ...MEDIA_A32,
  ...LOAD_STORE_A32,
  ...EXCLUSIVE_A32,
  ...LOAD_MULTIPLE_A32,
  ...BRANCH_A32,
  ...SYSTEM_A32,
  ...HINTS_A32,
  ...CRC_A32,
  ...VFP_ROWS,
  ...SIMD_ROWS,
];
export const T16_ROWS: readonly ArmRow[] = [
  ...DATA_PROCESSING_T16,
  ...LOAD_STORE_T16,
  ...LOAD_MULTIPLE_T16,
  ...BRANCH_T16,
  ...SYSTEM_T16,
  ...HINTS_T16,
  IT_ROW,
];
/** Without the coprocessor space, which is found by its A32 form. */
export const T32_ROWS: readonly ArmRow[] = [
  ...DATA_PROCESSING_T32,
  ...MULTIPLY_T32,
  ...MEDIA_T32,
  ...LOAD_STORE_T32,
  ...EXCLUSIVE_T32,
  ...LOAD_MULTIPLE_T32,
  ...BRANCH_T32,
  ...SYSTEM_T32,
  ...HINTS_T32,
  ...CRC_T32,
];

/** The tables of one processor. */
export interface ArmTables {
  /** A32 words whose upper four bits are a condition, and those where they are 1111. */
  readonly conditional: DecodeTable<ArmRow>;
  readonly unconditional: DecodeTable<ArmRow>;
  readonly thumb16: DecodeTable<ArmRow>;
  readonly thumb32: DecodeTable<ArmRow>;
}

/** The rows as a processor has them: what it lacks stays known, so that the message can name it. */
function rowsFor(rows: readonly ArmRow[], features: ReadonlySet<Feature>): readonly ArmRow[] {
  return rows.map((row) => {
    const { needs } = row;
    if (needs === undefined || features.has(needs)) return row;
    const { guarded: _, ...rest } = row;
    return { ...rest, ...ILLEGAL_INFO, lift: ILLEGAL, unsupported: `instruction that this processor lacks (${needs})` };
  });
}

const tables = new Map<ArmModel, ArmTables>();

/** The decode tables of a processor, compiled at first use. */
export function armTables(cpu: ArmModel): ArmTables {
  let found = tables.get(cpu);
  if (found === undefined) {
    const features = FEATURES[cpu];
    const a32 = rowsFor(A32_ROWS, features);
    found = {
      conditional: new DecodeTable(a32.filter(({ bits }) => !bits.startsWith("1111"))),
      unconditional: new DecodeTable(a32.filter(({ bits }) => bits.startsWith("1111"))),
      thumb16: new DecodeTable(rowsFor(T16_ROWS, features)),
      thumb32: new DecodeTable(rowsFor(T32_ROWS, features)),
    };
    tables.set(cpu, found);
  }
  return found;
}

function decodeArm(from: ArmTables, pc: number, word: number): ArmInstruction {
  const table = word >>> 28 === 15 ? from.unconditional : from.conditional;
  return instructionOf(pc, 4, word, table.find(word), word, undefined);
}

/** One Thumb instruction, in an IT block if `it` is a condition. */
function decodeThumb(from: ArmTables, code: CodeReader, pc: number, it: number | undefined): ArmInstruction {
  const first = code.read16(pc & ~1);
  if (first >>> 11 < 0x1d) return instructionOf(pc, 2, first, from.thumb16.find(first), first, it);
  const word = ((first << 16) | code.read16(((pc & ~1) + 2) >>> 0)) >>> 0;
  const encoded = coprocessorWord(word);
  if (encoded === undefined) return instructionOf(pc, 4, word, from.thumb32.find(word), word, it);
  const found = (encoded >>> 28 === 15 ? from.unconditional : from.conditional).find(encoded);
  return instructionOf(pc, 4, word, found, encoded, it);
}

/** `it` together with the instructions of its block. */
function decodeItBlock(from: ArmTables, code: CodeReader, it: ArmInstruction): ArmInstruction {
  const block: ArmInstruction[] = [];
  let size = 2;
  let pc = (it.pc + 2) >>> 0;
  for (let state = it.word & 0xff; state !== 0; state = advanceIt(state)) {
    let part = decodeThumb(from, code, pc, state >>> 4);
    const isLast = advanceIt(state) === 0;
    // What may go elsewhere must come last (A8.3.1); a system call may stand anywhere, but no compiler puts it there.
    if (
      part.row === IT_ROW ||
      (part.fields["c"] < ALWAYS && part.thumb && part.row.flow !== undefined && part.size === 2) ||
      (!isLast && part.flow.kind !== "next" && part.row.raises === undefined && !part.row.always)
    ) {
      part = {
        ...part,
        flow: { kind: "stop" },
        row: part.size === 2 ? RESERVED_16 : RESERVED_32,
        fields: NO_FIELDS,
        condition: ALWAYS,
        unsupported: `${disassembleArm(part).split("\t")[0]!} inside of an IT block`,
      };
    }
    block.push(part);
    size += part.size;
    pc = (pc + part.size) >>> 0;
    if (part.flow.kind !== "next") break;
  }
  const last = block.at(-1)!;
  const flow =
    last.flow.kind === "branch" && last.row.flow?.(last.fields, placeOf(last.pc, last.size)).kind !== "jump"
      ? { kind: "branch" as const, target: (it.pc + size) >>> 0 }
      : last.flow;
  const unsupported = block.find((part) => part.unsupported !== undefined)?.unsupported;
  const whole = { ...it, size, flow, block };
  return unsupported === undefined ? whole : { ...whole, unsupported };
}

/** ITSTATE's place in the translation mode; VFP's part is below. */
const IT_SHIFT = 16;

/** An ARM processor. Little-endian; a big-endian program is the loader's to refuse. */
export function armIsa({ cpu }: ArmOptions): Isa<ArmInstruction> {
  const from = armTables(cpu);
  return {
    name: "arm",
    littleEndian: true,
    slots: [...INTEGER_SLOTS, ...VFP_SLOTS],
    mode: (state) => vfpMode(state) | (state.getInt32(ITSTATE.offset, true) << IT_SHIFT),

    decode(code: CodeReader, pc: number, mode: number): ArmInstruction {
      if ((pc & 1) === 0) {
        if ((pc & 2) === 0) return decodeArm(from, pc, code.read32(pc));
        return {
          pc,
          size: 4,
          flow: { kind: "stop" },
          word: 0,
          row: MISALIGNED,
          fields: NO_FIELDS,
          thumb: false,
          condition: ALWAYS,
          inItBlock: false,
        };
      }
      const it = mode >>> IT_SHIFT;
      // In the middle of an IT block: one instruction, which then leaves this mode.
      if (it !== 0) return { ...decodeThumb(from, code, pc, it >>> 4), flow: { kind: "stop" } };
      const instruction = decodeThumb(from, code, pc, undefined);
      return instruction.row === IT_ROW ? decodeItBlock(from, code, instruction) : instruction;
    },

    lift(e, instruction, mode): void {
      const it = mode >>> IT_SHIFT;
      if (it !== 0 && instruction.inItBlock) liftLeaving(e, it, instruction, mode & 0xffff);
      else if (instruction.block) liftItBlock(e, instruction, mode);
      else liftInstruction(e, instruction, mode);
    },

    disassemble: disassembleArm,
  };
}

/** GNU objdump's text; an IT block's instructions follow after newlines. */
export function disassembleArm(instruction: ArmInstruction): string {
  const context = { ...placeOf(instruction.pc, instruction.size), ...instruction };
  const text = printInstruction(instruction.row, instruction.fields, context);
  return [text, ...(instruction.block ?? []).map(disassembleArm)].join("\n");
}

/** One line of docs/instructions.md. */
export interface InstructionRow {
  readonly isa: string;
  readonly mnemonic: string;
  readonly bits: string;
  readonly group: string;
}

/** The supported instructions for the generated documentation; aliases and repeated mnemonics only once. */
export function instructionRows(): readonly InstructionRow[] {
  const rows = new Map<string, InstructionRow>();
  for (const [set, from] of [
    ["A32", A32_ROWS],
    ["T16", T16_ROWS],
    ["T32", T32_ROWS],
  ] as const) {
    for (const { mnemonic: template, bits, group, alias, unsupported, needs } of from) {
      const mnemonic = template.replaceAll(/\{[^}]*\}|\.[nw]$/g, "");
      const isa = `${set}, ${needs ?? "v4t"}`;
      if (alias || unsupported !== undefined || mnemonic === "" || rows.has(`${set} ${mnemonic}`)) continue;
      rows.set(`${set} ${mnemonic}`, { isa, mnemonic, bits, group });
    }
  }
  return [...rows.values()];
}
