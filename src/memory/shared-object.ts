/**
 * What several address spaces show at the same time: shared anonymous memory after a fork, or the pages of a file that
 * is mapped shared. The bytes are the host's, mapped into each Wasm memory, so a store in one is seen in all at once.
 *
 * Without the host's MMU there are no such objects: then each address space has its own copy (README.md).
 */
import { createSharedBytes, type SharedBytes } from "../host/shared-bytes.ts";
import { PAGE_SIZE } from "./page-table.ts";

/** Files that are mapped shared, by identity, in all runs: two runs may share a host file. */
const files = new Map<unknown, SharedObject>();

export class SharedObject {
  readonly bytes: SharedBytes;
  /** Of a file: its identity; null: anonymous memory. */
  readonly #file: unknown;
  /** Mappings that show it, in all address spaces. */
  users = 0;
  /** Of a file: see `MappedFile.pristine`. */
  readonly pristine = new Map<number, Uint8Array>();
  /** Pages of a file that hold its bytes already. */
  readonly #loaded = new Set<number>();
  #size = 0;
  #isClosed = false;

  constructor(bytes: SharedBytes, file: unknown) {
    this.bytes = bytes;
    this.#file = file;
  }

  /** New anonymous memory; null where the host cannot share. */
  static anonymous(): SharedObject | null {
    const bytes = createSharedBytes();
    return bytes === null ? null : new SharedObject(bytes, null);
  }

  /** The object of a file that is mapped shared; null where the host cannot share. */
  static ofFile(identity: unknown): SharedObject | null {
    let object = files.get(identity);
    if (object === undefined) {
      const bytes = createSharedBytes();
      if (bytes === null) return null;
      files.set(identity, (object = new SharedObject(bytes, identity)));
    }
    return object;
  }

  /** Whether the page at this offset must be read from the file first; it is taken to be, from now on. */
  load(offset: number): boolean {
    const page = offset / PAGE_SIZE;
    if (this.#loaded.has(page)) return false;
    this.#loaded.add(page);
    return true;
  }

  /** The file has this size: what it lost must be read again when it grows. */
  resize(size: number): void {
    if (size < this.#size) for (const page of this.#loaded) if (page * PAGE_SIZE >= size) this.#loaded.delete(page);
    this.#size = size;
  }

  /** After mappings have gone: lets go of the bytes with the last one. */
  settle(): void {
    if (this.users > 0 || this.#isClosed) return;
    this.#isClosed = true;
    if (files.get(this.#file) === this) files.delete(this.#file);
    this.bytes.close();
  }
}
