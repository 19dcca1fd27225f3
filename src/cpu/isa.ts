/** What every guest ISA (one folder in `cpu/`) gives to the translator, the debugger and the machines. */
import type { Emitter, Slot } from "./emitter.ts";

/** Where control goes after an instruction, as far as its encoding says. */
export type Flow =
  | { readonly kind: "next" }
  /** An unconditional direct jump. */
  | { readonly kind: "jump"; readonly target: number }
  /** A conditional direct branch; falls through to `pc + size`. */
  | { readonly kind: "branch"; readonly target: number }
  /** A direct call that comes back at `pc + size`. */
  | { readonly kind: "call"; readonly target: number }
  /** A conditional direct call (MIPS `bgezal`): like `branch` whose taken side is a call. */
  | { readonly kind: "conditionalCall"; readonly target: number }
  | { readonly kind: "callIndirect" }
  | { readonly kind: "jumpIndirect" }
  | { readonly kind: "return" }
  | { readonly kind: "systemCall" }
  /** Always ends the block without a successor in the region (break, illegal, leave). */
  | { readonly kind: "stop" };

/** A decoded instruction. A branch with a delay slot is one instruction of 8 bytes that holds its slot's. */
export interface Instruction {
  readonly pc: number;
  /** Bytes, with the delay slot if there is one. */
  readonly size: number;
  readonly flow: Flow;
  /** The encoding, for messages. */
  readonly word: number;
  /** Set where the encoding is known but not supported: says what it is ("DSP ASE instruction"). */
  readonly unsupported?: string;
}

/** Reads guest code; throws `CodeFault` where the page is not executable. Values come in guest byte order. */
export interface CodeReader {
  read16(address: number): number;
  read32(address: number): number;
}

export class CodeFault extends Error {
  readonly address: number;
  constructor(address: number) {
    super(`no executable page at 0x${address.toString(16)}`);
    this.address = address;
  }
}

/** Offsets 0 to 0xff of the CPU-state memory belong to the translator, the ISA's registers come after. */
export const REGISTERS_BASE = 0x100;
/** The ISA's registers end below this offset. */
export const REGISTERS_END = 0x1000;

export interface Isa<I extends Instruction = Instruction> {
  readonly name: string;
  readonly littleEndian: boolean;
  /** Every slot of a task's registers (what a task switch saves and a debugger shows); aliases left out. */
  readonly slots: readonly Slot[];
  /**
   * An uncached slot in which an instruction that announces new code (MIPS `synci`) leaves an address in the changed
   * line with bit 0 set, before it ends its block with `Emitter.leave`. Zero: nothing.
   */
  readonly changedCode?: Slot<"i32">;
  /**
   * The translation mode: what translated code takes for granted about CPU state, as a small integer (FR mode, how
   * floating-point flags are kept …). Code for one mode is never run in another; an instruction that changes the mode
   * ends with `Emitter.leave`.
   */
  mode(state: DataView): number;
  /** Never throws but `CodeFault`; an encoding without meaning decodes to an instruction that raises "illegal". */
  decode(code: CodeReader, pc: number, mode: number): I;
  /** Emits one instruction. Emits the end of the block exactly if `flow.kind` is not "next". */
  lift(emitter: Emitter, instruction: I, mode: number): void;
  /** Assembler text as GNU objdump prints it, without the address. */
  disassemble(instruction: I): string;
}
