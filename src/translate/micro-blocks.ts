/**
 * Blocks of guest code as micro-operations. They are kept for every process that has the same words at the same place.
 */
import { CodeFault, type CodeReader, type Instruction, type Isa } from "../cpu/isa.ts";
import { MicroWriter } from "./micro-writer.ts";

/** A longer run of straight code is cut. */
const MAX_BLOCK = 64;
/** What is kept in one mode, whatever the guest makes of its memory: 128 MiB. Beyond, all goes and is made again. */
const MOST_WORDS = 1 << 25;
/** Words that a block takes beside its own, in objects and tables. */
const BESIDE = 64;
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
  /** Operations leave no instruction to the interpreter. */
  readonly isWhole: boolean;
  /** Only where they do, and there only after the block's code has been looked at. */
  instructions: readonly Instruction[] | null;
}

/** Blocks in a form that outlives the run. */
export interface KeptBlocks {
  /** For each block, ascending: pc, end, length, start, source, and 1 if it is whole. */
  readonly index: Int32Array;
  readonly words: Int32Array;
}
const INDEX_WORDS = 6;
const NOTHING: KeptBlocks = { index: new Int32Array(0), words: new Int32Array(0) };
export const countOf = ({ index }: KeptBlocks): number => index.length / INDEX_WORDS;
/** More words are not kept: 32 MiB. */
const MOST_KEPT = 1 << 23;

/** Words that a block takes in memory. */
const weightOf = (block: MicroBlock): number => sizeOf(block) + BESIDE;

/** A bound for those who hold blocks. */
export class Weight {
  #words = 0;

  /** Takes one more block; true: it is one too many, and all before it are to go. */
  add(block: MicroBlock): boolean {
    this.#words += weightOf(block);
    if (this.#words <= MOST_WORDS) return false;
    this.#words = weightOf(block);
    return true;
  }
}

/** The blocks of one mode, by address. */
export class MicroBlocks {
  readonly #blocks = new Map<number, MicroBlock>();
  readonly #writer = new MicroWriter();
  /** How many were made in this run. */
  added = 0;
  #kept = NOTHING;
  #chunk = new Int32Array(0);
  #used = 0;
  readonly #weight = new Weight();

  /** True: the block that begins here has run, in some process of this run or of an earlier one. */
  has(pc: number): boolean {
    return this.#blocks.has(pc) || this.#find(pc) >= 0;
  }

  /** The block at `pc` as its code is now. Throws `CodeFault` if its first instruction cannot be fetched. */
  at(isa: Isa, code: CodeReader, pc: number, mode: number): MicroBlock {
    const known = this.#blocks.get(pc);
    if (known !== undefined && isStill(known, code)) return known;
    const restored = this.#restored(pc);
    const isUsable = restored !== undefined && isStill(restored, code);
    if (isUsable && !restored.isWhole) restored.instructions = decode(isa, code, pc, mode);
    const block = isUsable ? restored : this.#make(isa, code, pc, mode);
    if (!isUsable) this.added++;
    if (this.#weight.add(block)) {
      this.#blocks.clear();
      this.#chunk = new Int32Array(0);
      this.#used = 0;
    }
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
    const { length } = instructions;
    return { pc, end, length, words, start, source, isWhole, instructions: isWhole ? null : instructions };
  }

  /** All blocks, for a later run. */
  take(): KeptBlocks {
    const blocks: MicroBlock[] = [];
    let total = 0;
    for (const block of this.#all()) {
      const size = sizeOf(block);
      if (total + size > MOST_KEPT) break;
      total += size;
      blocks.push(block);
    }
    const index = new Int32Array(blocks.length * INDEX_WORDS);
    const kept = new Int32Array(total);
    let at = 0;
    blocks.forEach((block, n) => {
      const { pc, end, length, words, start, source, isWhole } = block;
      const size = sizeOf(block);
      kept.set(words.subarray(start, start + size), at);
      index.set([pc, end, length, at, at + source - start, isWhole ? 1 : 0], n * INDEX_WORDS);
      at += size;
    });
    return { index, words: kept };
  }

  /** By address. */
  #all(): MicroBlock[] {
    const blocks = [...this.#blocks.values()];
    const { index } = this.#kept;
    for (let at = 0; at < index.length; at += INDEX_WORDS) {
      const pc = (index[at] as number) >>> 0;
      if (!this.#blocks.has(pc)) blocks.push(this.#restored(pc) as MicroBlock);
    }
    return blocks.sort((a, b) => a.pc - b.pc);
  }

  /** Blocks of an earlier run. */
  restore(kept: KeptBlocks): void {
    this.#kept = kept;
  }

  /** The block at `pc` that an earlier run has left. */
  #restored(pc: number): MicroBlock | undefined {
    const at = this.#find(pc);
    if (at < 0) return undefined;
    const { index, words } = this.#kept;
    const word = (n: number): number => index[at + n] as number;
    const [end, length, start, source, isWhole] = [word(1) >>> 0, word(2), word(3), word(4), word(5) === 1];
    return { pc, end, length, words, start, source, isWhole, instructions: null };
  }

  /** Where `pc` stands in the index of the earlier run, or -1. */
  #find(pc: number): number {
    const { index } = this.#kept;
    let low = 0;
    let high = index.length / INDEX_WORDS - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = (index[middle * INDEX_WORDS] as number) >>> 0;
      if (found === pc) return middle * INDEX_WORDS;
      if (found < pc) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
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

/** How many words a block takes: operations, then source. */
const sizeOf = ({ pc, end, start, source }: MicroBlock): number => source - start + sourceLength(pc, end);

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
