/** The shape of an ARM instruction row, A32 or T32, and of what it decodes to. */
import type { Fields, FieldsOf, Row } from "../decode-table.ts";
import type { Emitter, Exception, I32 } from "../emitter.ts";
import type { Flow, Instruction } from "../isa.ts";
import type { Feature } from "./models.ts";

/**
 * What a meaning knows besides its fields.
 *
 * The condition of an instruction, from its bits (A32) or from the IT block it is in (T32), is not the meaning's
 * business: the meaning is emitted so that it runs only where the condition holds. The exception is a `guarded` row.
 */
export interface LiftContext {
  /** Address of the instruction, with the Thumb bit (registers.ts). */
  readonly pc: number;
  /** Address of the instruction after this one, with the Thumb bit: what goes into a link register, and into `e.jump`. */
  readonly next: number;
  readonly thumb: boolean;
  /** What r15 reads as: the instruction's address + 8 (A32) or + 4 (T32), without the Thumb bit. */
  readonly pcValue: number;
  /** True inside of an IT block, where 16-bit data processing leaves the flags alone. */
  readonly inItBlock: boolean;
  /** The ISA's translation mode (see `Isa.mode`). */
  readonly mode: number;
  /**
   * Only for `guarded` rows of a conditional instruction: the condition. The meaning runs always, and each register it
   * writes must keep its value where the condition is zero: `writeGpr` does that.
   */
  readonly guard: I32 | undefined;
}

/** Emits an instruction. */
export type Lift<F = Fields> = (e: Emitter, fields: F, context: LiftContext) => void;

/** Where control goes; `pc` and `next` have the Thumb bit, and so must targets. */
export type FlowOf<F = Fields> = (
  fields: F,
  at: { readonly pc: number; readonly next: number; readonly thumb: boolean; readonly pcValue: number },
) => Flow;

export interface RowInfo<F = Fields> {
  /** Left out for "next". As if the instruction were unconditional; isa.ts turns it into what a condition makes of it. */
  readonly flow?: FlowOf<F>;
  /** The instruction does nothing but raise this, so that a conditional one need not end its block. Its flow is "stop". */
  readonly raises?: Exception;
  /** What the processor must have; left out for what ARMv4T has. */
  readonly needs?: Feature;
  /** The encoding is known but not supported; says what it is. */
  readonly unsupported?: string;
  /** A special case that only exists to print or to translate better: not an instruction of its own. */
  readonly alias?: true;
  /**
   * The meaning only reads registers and writes registers through `writeGpr` (no flags, memory or exceptions, nothing
   * expensive), so that a conditional one becomes a select instead of a branch.
   */
  readonly guarded?: boolean | ((fields: F) => boolean);
  /** An IT block's condition does not matter: it always runs. */
  readonly always?: true;
  /** The instruction may raise or access memory never, whatever its registers hold. Left out: it may. */
  readonly harmless?: true;
  /** See `Row.when`. */
  readonly when?: (fields: F) => boolean;
}

/**
 * A row of one of the tables. The first four bits of a conditional A32 row are `cccc`, which the engine reads; a row with
 * `1111` there is unconditional. Rows of VFP and Advanced SIMD are given in their A32 form only.
 */
export interface ArmRow extends Row, RowInfo {
  readonly lift: Lift;
}

export interface ArmInstruction extends Instruction {
  readonly row: ArmRow;
  readonly fields: Fields;
  readonly thumb: boolean;
  /** 0 to 14 as in the encoding; 14 is always. */
  readonly condition: number;
  readonly inItBlock: boolean;
  /** For `it`: the instructions of its block, all part of this one. */
  readonly block?: readonly ArmInstruction[];
}

type MakeRow = <const B extends string>(
  mnemonic: string,
  bits: B,
  operands: string,
  lift: Lift<FieldsOf<B>>,
  info?: RowInfo<FieldsOf<B>>,
) => ArmRow;

/**
 * Row maker for one chapter of the manual:
 *
 *     const row = rowsOf("Data processing");
 *     row("clz{c}", "cccc 0001 0110 1111 dddd 1111 0001 mmmm", "rd, rm", (e, { d, m }, context) =>
 *       writeGpr(e, context, d, e.i32.clz(readGpr(e, context, m))), { guarded: true, needs: "v5" })
 */
export function rowsOf(group: string): MakeRow {
  return (mnemonic, bits, operands, lift, info) =>
    // The engine gives `lift`, `flow` and `when` exactly the fields that `bits` names.
    ({ mnemonic, bits, operands, group, lift, ...info }) as unknown as ArmRow;
}

/** The fields of `both`'s two patterns that both have. */
type Shared<A extends string, T extends string> = FieldsOf<A> & FieldsOf<T>;

/** Rows for what A32 and T32 have alike but for the places of the fields: `both` adds one to each table. */
export function twinRows(group: string): {
  readonly a32: ArmRow[];
  readonly t32: ArmRow[];
  readonly row: MakeRow;
  readonly both: <const A extends string, const T extends string>(
    mnemonic: string,
    arm: A,
    thumb: T,
    operands: string,
    lift: Lift<Shared<A, T>>,
    info?: RowInfo<Shared<A, T>>,
  ) => void;
} {
  const row = rowsOf(group) as (...args: readonly unknown[]) => ArmRow;
  const a32: ArmRow[] = [];
  const t32: ArmRow[] = [];
  return {
    a32,
    t32,
    row: rowsOf(group),
    both: (mnemonic, arm, thumb, operands, lift, info) => {
      a32.push(row(mnemonic, arm, operands, lift, info));
      t32.push(row(mnemonic, thumb, operands, lift, info));
    },
  };
}

/** Are all these registers other than r15? Using it there is UNPREDICTABLE in most instructions. */
export function withoutPc(fields: Fields): boolean {
  return fields["d"] !== 15 && fields["n"] !== 15 && fields["m"] !== 15 && fields["l"] !== 15 && fields["a"] !== 15;
}

/** The flow of rows that always raise or leave. */
export const STOP = { flow: (): Flow => ({ kind: "stop" }) } as const;

/** An instruction that only raises: meaning and info of its row. */
export function raising(
  exception: Exception,
): readonly [Lift<unknown>, { readonly flow: () => Flow; readonly raises: Exception }] {
  return [(e) => e.raise(exception), { flow: () => ({ kind: "stop" }), raises: exception }];
}
