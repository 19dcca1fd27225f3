/** Which blocks of guest code an engine has run, how often, and what came after them. */
import { type MicroBlock, Weight } from "./micro-blocks.ts";

/** A block in one engine. */
export class InterpretedBlock {
  readonly pc: number;
  readonly end: number;
  readonly code: MicroBlock;
  /** How often control came here by a call or a backward branch, and more for what is slow to interpret. */
  heat = 0;
  /** The table holds translated code that begins here. */
  isTranslated = false;
  /** Its code has changed or gone. */
  isDropped = false;
  /** The block that ran after this one last time. */
  next: InterpretedBlock | null = null;

  constructor(code: MicroBlock) {
    this.pc = code.pc;
    this.end = code.end;
    this.code = code;
  }
}

const LAST_PAGE = (1 << 20) - 1;

/** The blocks of one engine in one mode. */
export class InterpretedCode {
  readonly #blocks = new Map<number, InterpretedBlock>();
  readonly #byPage = new Map<number, InterpretedBlock[]>();
  readonly #weight = new Weight();

  get(pc: number): InterpretedBlock | undefined {
    return this.#blocks.get(pc);
  }

  add(code: MicroBlock): InterpretedBlock {
    if (this.#weight.add(code)) this.drop(0, LAST_PAGE);
    const block = new InterpretedBlock(code);
    this.#blocks.set(block.pc, block);
    const last = (block.end - 1) >>> 12;
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
