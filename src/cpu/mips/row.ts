/** The shape of a MIPS instruction row, and of what it decodes to. */
import type { FieldsOf, Fields, Row } from "../decode-table.ts";
import type { Emitter, Exception } from "../emitter.ts";
import type { Flow, Instruction } from "../isa.ts";

/**
 * What a meaning knows besides its fields.
 *
 * Field letters are the same in all rows, because operand-formats.ts prints them: `s` `t` `d` `r` registers, `a` shift
 * amount, `i` 16-bit immediate or offset, `o` branch offset in words, `j` jump index, `c` code or condition code.
 */
export interface LiftContext {
  readonly pc: number;
  /** Address of the instruction after this one (and after its delay slot). */
  readonly next: number;
  readonly littleEndian: boolean;
  /** The ISA's translation mode (see `Isa.mode`). */
  readonly mode: number;
  /** True while the instruction in a branch's delay slot is emitted. */
  readonly inDelaySlot: boolean;
  /** For a branch: emits the instruction in its delay slot. */
  delaySlot(): void;
  /** For a branch: what its delay slot does to the end of the block; the functions of branching.ts look at it. */
  readonly slotEnds: boolean;
}

/** Emits an instruction. */
export type Lift<F = Fields> = (e: Emitter, fields: F, context: LiftContext) => void;

export interface RowInfo<F = Fields> {
  /** Where control goes; left out for "next". `target`s come from `branchTarget` and `jumpTarget`. */
  readonly flow?: (fields: F, pc: number) => Flow;
  /** The instruction has a delay slot: it is decoded together with the next one, and `pc + 8` is its `next`. */
  readonly delaySlot?: true;
  /** The MIPS32 release that brought the instruction; 1 if left out. */
  readonly release?: 2;
  /** The encoding is known but not supported; says what it is. */
  readonly unsupported?: string;
  /** A special case that only exists to print and to translate better (`move`): not an instruction of its own. */
  readonly alias?: true;
  /** See `Row.when`. */
  readonly when?: (fields: F) => boolean;
}

export interface MipsRow extends Row, RowInfo {
  readonly lift: Lift;
}

/** An instruction, and where it is a branch, the one in its delay slot. */
export interface MipsInstruction extends Instruction {
  readonly row: MipsRow;
  readonly fields: Fields;
  readonly slot?: MipsInstruction;
}

type MakeRow = <const B extends string>(
  mnemonic: string,
  bits: B,
  operands: string,
  lift: Lift<FieldsOf<B>>,
  info?: RowInfo<FieldsOf<B>>,
) => MipsRow;

/**
 * Row maker for one chapter of the manual:
 *
 *     const row = rowsOf("Arithmetic");
 *     row("addu", "000000 sssss ttttt ddddd 00000 100001", "rd,rs,rt", (e, f) => setGpr(e, f.d, …))
 */
export function rowsOf(group: string): MakeRow {
  return (mnemonic, bits, operands, lift, info) =>
    // The engine gives `lift`, `flow` and `when` exactly the fields that `bits` names.
    ({ mnemonic, bits, operands, group, lift, ...info }) as unknown as MipsRow;
}

/**
 * Ends the instruction with an exception, always. For rows whose flow is "stop"; works in a delay slot, too, where the
 * block's end belongs to the branch.
 */
export function raiseAlways(e: Emitter, context: LiftContext, exception: Exception, info = 0): void {
  if (context.inDelaySlot) e.raiseIf(e.const32(1), exception, e.const32(info));
  else e.raise(exception, e.const32(info));
}

/**
 * Ends the block after this instruction and lets the dispatcher go on, because the translation mode may have changed
 * (`ctc1`) or code was invalidated (`synci`). For rows whose flow is "stop", as the last thing that their meaning does;
 * in a delay slot the branch leaves instead of linking to its target.
 */
export function leaveBlock(e: Emitter, context: LiftContext): void {
  if (!context.inDelaySlot) e.leave(context.next);
}

/** The flow of rows that end with `raiseAlways` or `leaveBlock`. */
export const STOP = { flow: (): Flow => ({ kind: "stop" }) } as const;
