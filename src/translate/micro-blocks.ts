/**
 * Blocks of guest code as micro-operations. They are kept for every process that has the same words at the same place.
 */
import { CodeFault, type CodeReader, type Instruction, type Isa } from "../cpu/isa.ts";
import { MicroWriter } from "./micro-writer.ts";

/** A longer run of straight code is cut. */
const MAX_BLOCK = 64;
/** Blocks that are kept in one mode. One takes some hundred bytes. */
const MAX_BLOCKS = 200_000;
/** Words that are allocated together. */
const CHUNK = 1 << 16;

/** Instructions that run one after the other; only the last may go elsewhere. */
export interface MicroBlock {
  readonly pc: number;
  /** Where control goes on if the last instruction does not say: behind it. */
  readonly end: number;
  /** How many instructions it has. */
  readonly length: number;
  /** Memory that it shares with others; there, its operations from `start` on, and from `source` on the guest's words. */
  readonly words: Int32Array;
  readonly start: number;
  readonly source: number;
  /** Only where operations leave some to the interpreter. */
  readonly instructions: readonly Instruction[] | null;
}

/** The blocks of one mode, by address. */
export class MicroBlocks {
  readonly #blocks = new Map<number, MicroBlock>();
  readonly #writer = new MicroWriter();
  #chunk = new Int32Array(0);
  #used = 0;

  /** Has any process run the block that begins here? */
  has(pc: number): boolean {
    return this.#blocks.has(pc);
  }

  /** The block at `pc` as its code is now. Throws `CodeFault` if its first instruction cannot be fetched. */
  at(isa: Isa, code: CodeReader, pc: number, mode: number): MicroBlock {
    const known = this.#blocks.get(pc);
    if (known !== undefined && isStill(known, code)) return known;
    const block = this.#make(isa, code, pc, mode);
    if (this.#blocks.size >= MAX_BLOCKS) this.#blocks.clear();
    this.#blocks.set(pc, block);
    return block;
  }

  #make(isa: Isa, code: CodeReader, pc: number, mode: number): MicroBlock {
    const instructions = decode(isa, code, pc, mode);
    const last = instructions.at(-1) as Instruction;
    const end = (last.pc + last.size) >>> 0;
    const { words: written, isWhole } = this.#writer.write(isa, instructions, mode);
    const count = sourceLength(pc, end);
    this.#makeRoom(written.length + count);
    const words = this.#chunk;
    const start = this.#used;
    const source = start + written.length;
    words.set(written, start);
    for (let n = 0; n < count; n++) words[source + n] = code.read32(sourceAddress(pc, n));
    this.#used = source + count;
    return { pc, end, length: instructions.length, words, start, source, instructions: isWhole ? null : instructions };
  }

  #makeRoom(words: number): void {
    if (this.#used + words <= this.#chunk.length) return;
    this.#chunk = new Int32Array(Math.max(CHUNK, words));
    this.#used = 0;
  }
}

/** The first instruction, and those behind it as far as they follow each other and can be fetched. */
function decode(isa: Isa, code: CodeReader, pc: number, mode: number): Instruction[] {
  const instructions = [isa.decode(code, pc, mode)];
  try {
    for (;;) {
      const last = instructions.at(-1) as Instruction;
      if (last.flow.kind !== "next" || instructions.length === MAX_BLOCK) break;
      instructions.push(isa.decode(code, (last.pc + last.size) >>> 0, mode));
    }
  } catch (error) {
    if (!(error instanceof CodeFault)) throw error;
  }
  return instructions;
}

/** A block's source is the aligned words in which it lies: how many, and the address of each. */
const sourceLength = (pc: number, end: number): number => (((end + 2) >>> 2) - (pc >>> 2)) & 0x3fffffff;
const sourceAddress = (pc: number, n: number): number => ((pc & ~3) + 4 * n) >>> 0;

/** Whether the code is what the block was made from; false as well where a page of it is gone. */
function isStill({ pc, end, words, source }: MicroBlock, code: CodeReader): boolean {
  const count = sourceLength(pc, end);
  try {
    for (let n = 0; n < count; n++) if ((code.read32(sourceAddress(pc, n)) | 0) !== words[source + n]) return false;
    return true;
  } catch (error) {
    if (error instanceof CodeFault) return false;
    throw error;
  }
}
