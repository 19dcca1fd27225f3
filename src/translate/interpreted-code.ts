/**
 * Guest code as the interpreter runs it: blocks of decoded instructions. What was decoded is kept for every process that
 * has the same words at the same place; which blocks are there, and how often each has run, is one engine's.
 */
import { CodeFault, type CodeReader, type Instruction, type Isa } from "../cpu/isa.ts";
import { isSource, RecordingReader } from "./source.ts";

/** A longer run of straight code is cut. */
const MAX_BLOCK = 64;
/** Blocks that are kept decoded in one mode. One takes about a kilobyte. */
const MAX_DECODED = 100_000;

/** Instructions that run one after the other; only the last may go elsewhere. */
export interface Decoded {
  readonly pc: number;
  readonly instructions: readonly Instruction[];
  /** Where control goes on if the last instruction does not say: behind it. */
  readonly end: number;
  /** Pairs of guest address and the word that was read there. */
  readonly source: Int32Array;
}

/** Decodes the block at `pc`; throws `CodeFault` if its first instruction cannot be fetched. */
function decode(isa: Isa, reader: RecordingReader, pc: number, mode: number): Decoded {
  const instructions: Instruction[] = [];
  let end = pc;
  reader.take();
  while (instructions.length < MAX_BLOCK) {
    try {
      const instruction = isa.decode(reader, end, mode);
      instructions.push(instruction);
      end = (end + instruction.size) >>> 0;
      if (instruction.flow.kind !== "next") break;
    } catch (error) {
      if (!(error instanceof CodeFault) || instructions.length === 0) throw error;
      break;
    }
  }
  return { pc, instructions, end, source: reader.take() };
}

/** What has been decoded in one mode, by address. */
export class DecodedCode {
  readonly #blocks = new Map<number, Decoded>();

  /** Has any process run the block that begins here? */
  has(pc: number): boolean {
    return this.#blocks.has(pc);
  }

  /** The block at `pc` as its code is now. Throws `CodeFault`. */
  at(isa: Isa, reader: RecordingReader, code: CodeReader, pc: number, mode: number): Decoded {
    const known = this.#blocks.get(pc);
    if (known !== undefined && isSource(known.source, code)) return known;
    const decoded = decode(isa, reader, pc, mode);
    if (this.#blocks.size >= MAX_DECODED) this.#blocks.clear();
    this.#blocks.set(pc, decoded);
    return decoded;
  }
}

/** A block in one engine. */
export class InterpretedBlock {
  readonly pc: number;
  readonly instructions: readonly Instruction[];
  readonly end: number;
  /** How often control came here by a call or a backward branch, and more for what is slow to interpret. */
  heat = 0;
  /** The table holds translated code that begins here. */
  isTranslated = false;
  /** Its code has changed or gone. */
  isDropped = false;
  /** The block that ran after this one last time. */
  next: InterpretedBlock | null = null;

  constructor({ pc, instructions, end }: Decoded) {
    this.pc = pc;
    this.instructions = instructions;
    this.end = end;
  }
}

/** The blocks of one engine in one mode. */
export class InterpretedCode {
  readonly #blocks = new Map<number, InterpretedBlock>();
  readonly #byPage = new Map<number, InterpretedBlock[]>();

  get(pc: number): InterpretedBlock | undefined {
    return this.#blocks.get(pc);
  }

  add(decoded: Decoded): InterpretedBlock {
    const block = new InterpretedBlock(decoded);
    this.#blocks.set(block.pc, block);
    const last = (decoded.end - 1) >>> 12;
    for (let page = block.pc >>> 12; ; page++) {
      const there = this.#byPage.get(page);
      if (there) there.push(block);
      else this.#byPage.set(page, [block]);
      if (page >= last) break;
    }
    return block;
  }

  /** Code of the pages `first` to `last` has changed or gone. */
  drop(first: number, last: number): void {
    if (last - first < this.#byPage.size) {
      for (let page = first; page <= last; page++) this.#dropPage(page);
    } else {
      for (const page of [...this.#byPage.keys()]) if (page >= first && page <= last) this.#dropPage(page);
    }
  }

  #dropPage(page: number): void {
    const there = this.#byPage.get(page);
    if (there === undefined) return;
    for (const block of there) {
      block.isDropped = true;
      if (this.#blocks.get(block.pc) === block) this.#blocks.delete(block.pc);
    }
    this.#byPage.delete(page);
  }
}
