/**
 * What an address space knows of the files that it maps. Their bytes are copied into guest memory when they are mapped:
 * a host mapping of the file itself would raise SIGBUS inside V8 as soon as somebody truncated it. So a shared mapping
 * must be written back, and only what the guest changed may be: for every page of a shared mapping that was ever
 * writable, the bytes as the file has them are kept here, and compared.
 */
import type { Backing, Mapping } from "./mapping.ts";
import type { MappingObserver } from "./mapping-list.ts";
import { PAGE_SIZE } from "./page-table.ts";

export interface MappedFile {
  /** How many mappings each backing has; those of one file are equal in `identity`. */
  readonly backings: Map<Backing, number>;
  /** The size that the page table reflects. */
  size: number;
  /**
   * File page number → its bytes in the file; only for pages that the guest could have changed. Of a shared object they
   * are known once for all address spaces that show it.
   */
  pristine: Map<number, Uint8Array>;
}

/** Stands for every page of zeros, so that a sparse file costs no memory. Never written. */
const ZEROS = new Uint8Array(PAGE_SIZE);

export class MappedFiles implements MappingObserver {
  readonly #files = new Map<unknown, MappedFile>();

  get(identity: unknown): MappedFile | undefined {
    return this.#files.get(identity);
  }

  added(mapping: Mapping): void {
    const { backing, object } = mapping;
    if (object !== null) object.users++;
    if (backing === null) return;
    let file = this.#files.get(backing.identity);
    if (file === undefined) {
      file = { backings: new Map(), size: backing.size, pristine: new Map() };
      this.#files.set(backing.identity, file);
    }
    if (object !== null) {
      file.pristine = object.pristine;
      object.resize(file.size);
    }
    const count = file.backings.get(backing);
    if (count === undefined) backing.retain?.();
    file.backings.set(backing, (count ?? 0) + 1);
  }

  removed(mapping: Mapping): void {
    const { backing, object } = mapping;
    if (object !== null) object.users--;
    if (backing === null) return;
    const file = this.#files.get(backing.identity)!;
    // A count of 0 stays until `settle`: a split removes a mapping and adds it again in pieces.
    file.backings.set(backing, file.backings.get(backing)! - 1);
  }

  /** After an operation that removed mappings: lets go of what is mapped no more. */
  settle(removed: readonly Mapping[]): void {
    for (const { backing, object } of removed) {
      object?.settle();
      if (backing === null) continue;
      const file = this.#files.get(backing.identity);
      if (file === undefined || file.backings.get(backing) !== 0) continue;
      file.backings.delete(backing);
      if (file.backings.size === 0) this.#files.delete(backing.identity);
      backing.release?.();
    }
  }
}

/** Remembers file page `page` as `bytes` (guest memory, equal to the file now), unless it is known already. */
export function remember(file: MappedFile, page: number, bytes: Uint8Array): void {
  if (!file.pristine.has(page)) file.pristine.set(page, isZero(bytes) ? ZEROS : new Uint8Array(bytes));
}

/** The file's bytes from `offset` on (within one page) are now `bytes`. */
export function update(file: MappedFile, offset: number, bytes: Uint8Array): void {
  const page = Math.floor(offset / PAGE_SIZE);
  let known = file.pristine.get(page);
  if (known === undefined) return;
  if (known === ZEROS) {
    known = new Uint8Array(PAGE_SIZE);
    file.pristine.set(page, known);
  }
  known.set(bytes, offset % PAGE_SIZE);
}

/** Calls `changed` for every run of bytes in which `bytes`, the page as the guest has it, differs from the file's. */
export function forEachChange(
  file: MappedFile,
  page: number,
  bytes: Uint8Array,
  changed: (from: number, to: number) => void,
): void {
  const known = file.pristine.get(page);
  if (known === undefined) return;
  if (bytes.length === PAGE_SIZE && equal(bytes, known)) return;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === known[i]) continue;
    const from = i;
    while (i < bytes.length && bytes[i] !== known[i]) i++;
    changed(from, i);
  }
}

/** Whether all bytes are 0; their number and place must be multiples of 4. */
export function isZero(bytes: Uint8Array): boolean {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
  return true;
}

/** The same for two whole pages. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  const left = new Int32Array(a.buffer, a.byteOffset, PAGE_SIZE / 4);
  const right = new Int32Array(b.buffer, b.byteOffset, PAGE_SIZE / 4);
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}
