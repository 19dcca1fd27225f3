/** What code was made from: the words that were read, so that it can be told whether they are still the same. */
import { CodeFault, type CodeReader, type Isa } from "../cpu/isa.ts";

/** Is there an instruction at `pc`? */
export function isFetchable(
  where: { readonly isa: Isa; readonly code: CodeReader },
  pc: number,
  mode: number,
): boolean {
  try {
    where.isa.decode(where.code, pc, mode);
    return true;
  } catch (error) {
    if (error instanceof CodeFault) return false;
    throw error;
  }
}

/** Whether the code is still what was read; false as well where a page of it is gone. */
export function isSource(source: Int32Array, code: CodeReader): boolean {
  try {
    for (let i = 0; i < source.length; i += 2) {
      if ((code.read32((source[i] as number) >>> 0) | 0) !== source[i + 1]) return false;
    }
    return true;
  } catch {
    // A page of it is gone.
    return false;
  }
}

/** Notes every word that is read through it. */
export class RecordingReader implements CodeReader {
  readonly #code: CodeReader;
  #words = new Map<number, number>();

  constructor(code: CodeReader) {
    this.#code = code;
  }
  read32(address: number): number {
    const word = this.#code.read32(address);
    this.#words.set(address, word);
    return word;
  }
  read16(address: number): number {
    const aligned = (address & ~3) >>> 0;
    const half = this.#code.read16(address);
    // A page is a multiple of four bytes: where one half can be fetched, so can the other.
    this.#words.set(aligned, this.#code.read32(aligned));
    return half;
  }
  /** What was read since the last call, as pairs. */
  take(): Int32Array {
    const pairs = new Int32Array(this.#words.size * 2);
    let i = 0;
    for (const [address, word] of this.#words) {
      pairs[i++] = address;
      pairs[i++] = word;
    }
    this.#words = new Map();
    return pairs;
  }
}
