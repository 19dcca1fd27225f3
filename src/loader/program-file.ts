/** How the loader sees files: given by the kernel's file tree, or by a test from bytes. */

import type { Backing } from "../memory/mapping.ts";

/** A regular file that the caller may execute. */
export interface ProgramFile {
  /** Bytes. */
  readonly size: number;
  /** The bytes from `offset`; fewer than `length` only where the file ends. */
  read(offset: number, length: number): Uint8Array;
  /** What segments are mapped from; without it the loader maps them through `read`. */
  readonly backing?: Backing;
}

/**
 * Opens a file of the guest's tree for execution (`path` as the guest writes it). Throws a `LoadError` or a kernel
 * `Errno` (any object with an errno `name` such as "ENOENT").
 */
export type OpenProgramFile = (path: string) => ProgramFile;

/** A `ProgramFile` over bytes in memory. */
export class BytesFile implements ProgramFile {
  readonly #bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  get size(): number {
    return this.#bytes.length;
  }
  read(offset: number, length: number): Uint8Array {
    return this.#bytes.subarray(offset, offset + length);
  }
}
