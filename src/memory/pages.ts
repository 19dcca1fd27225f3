import { GuestMemory } from "./guest-memory.ts";
import { isZero, type MappedFiles } from "./mapped-files.ts";
import type { Backing, Mapping } from "./mapping.ts";
import { SharedObject } from "./shared-object.ts";
import {
  PAGE_BEYOND_EOF,
  PAGE_COUNT,
  pageBits,
  pageCeil,
  PAGE_MAPPED,
  PAGE_READ,
  PAGE_SIZE,
  PAGE_WRITE,
} from "./page-table.ts";
import type { PageProtection } from "./protection.ts";

const WASM_PAGES = 65536;
/** Bytes asked of a file at once; host reads of more than 2 GiB fail. */
const READ_CHUNK = 0x4000_0000;

/**
 * The pages of one guest memory: bytes, page table and host protection, always changed together. It does not know which
 * mappings there are; `AddressSpace` tells it. Ranges are whole pages.
 *
 * What holds between calls: a page without PAGE_MAPPED is zero and closed on the host; a page with PAGE_READ or
 * PAGE_WRITE in the table allows at least that on the host, so that JavaScript may touch it after one look at the table.
 */
export class Pages {
  readonly table: Uint8Array;
  readonly #bytes: Uint8Array;
  readonly #protection: PageProtection;
  readonly #files: MappedFiles;

  constructor(
    memory: WebAssembly.Memory,
    table: Uint8Array,
    protection: PageProtection,
    files: MappedFiles,
    isEmpty: boolean,
  ) {
    if (memory.buffer.byteLength !== WASM_PAGES * 65536)
      throw new RangeError("guest memory must have 65,536 Wasm pages");
    if (table.length !== PAGE_COUNT) throw new RangeError(`the page table must have ${PAGE_COUNT} bytes`);
    this.table = table;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#protection = protection;
    this.#files = files;
    if (isEmpty) return;
    table.fill(0);
    protection.protect(0, PAGE_COUNT * PAGE_SIZE, 0);
  }

  /**
   * First address of the mapping's pages that lie wholly beyond the end of its file, at the size that the page table
   * reflects: the file's own may have changed since, and those pages must not be touched before `FileSync.refresh`.
   */
  eof(mapping: Mapping): number {
    const { backing } = mapping;
    if (backing === null) return mapping.end;
    const file = this.#files.get(backing.identity);
    if (file === undefined) throw new Error("the mapping is not in the list");
    return Pages.eofAt(mapping, file.size);
  }

  static eofAt(mapping: Mapping, size: number): number {
    return Math.min(mapping.end, mapping.start + pageCeil(Math.max(size - mapping.offset, 0)));
  }

  /** Gives the pages the mapping's protection. */
  apply(mapping: Mapping): void {
    const eof = this.eof(mapping);
    if (eof > mapping.start) this.#set(mapping.start, eof, pageBits(mapping.protection));
    if (eof < mapping.end) this.#set(eof, mapping.end, PAGE_MAPPED | PAGE_BEYOND_EOF);
  }

  /** Empties the pages and closes them: nothing is mapped there. */
  clear(start: number, end: number): void {
    this.#protection.renew(start, end - start, 0);
    this.table.fill(0, start / PAGE_SIZE, end / PAGE_SIZE);
  }

  /** `clear` of everything below `end`, where `mappings` are all that there are. */
  clearAll(mappings: readonly Mapping[], end: number): void {
    this.#protection.renew(0, end, 0);
    for (const mapping of mappings) this.table.fill(0, mapping.start / PAGE_SIZE, mapping.end / PAGE_SIZE);
  }

  /** Makes the pages zero, otherwise as they are; the mapping covers them all. */
  zero(mapping: Mapping): void {
    const eof = this.eof(mapping);
    // Who else shows them sees it too (MADV_REMOVE).
    if (mapping.object !== null) return this.writing(mapping, (end) => void this.#bytes.fill(0, mapping.start, end));
    if (eof > mapping.start) this.#protection.renew(mapping.start, eof - mapping.start, pageBits(mapping.protection));
  }

  /** Opens pages for the kernel itself, whatever the guest may do. `apply` closes them again. */
  open(start: number, end: number): void {
    if (end > start) this.#protection.protect(start, end - start, PAGE_READ | PAGE_WRITE);
  }

  /** Reads the file behind the (zero) pages into them, as far as it goes, and applies the protection. */
  load(mapping: Mapping): void {
    const { backing, object, start } = mapping;
    const eof = this.eof(mapping);
    if (object !== null && eof > start)
      this.#protection.share(start, eof - start, PAGE_READ | PAGE_WRITE, object, mapping.offset);
    if (backing !== null && eof > start) {
      try {
        this.open(start, eof);
        const [from, to] = [mapping.offset, mapping.offset + (eof - start)];
        if (object === null) this.readFile(mapping, from, to);
        else this.#readShared(mapping, from, to);
      } finally {
        this.apply(mapping);
      }
    } else {
      this.apply(mapping);
    }
  }

  /** Copies file bytes `from` to `to` to their place in the mapping, whose pages are open. */
  readFile(mapping: Mapping, from: number, to: number): void {
    const backing = mapping.backing!;
    const delta = mapping.start - mapping.offset;
    for (let at = from; at < to;) {
      const chunk = this.#bytes.subarray(at + delta, Math.min(to, at + READ_CHUNK) + delta);
      const count = backing.read(chunk, at);
      if (count <= 0) return;
      at += count;
    }
  }

  /** As `readFile`, but only pages that nobody has read yet: others may hold what was stored there since. */
  #readShared(mapping: Mapping, from: number, to: number): void {
    const delta = mapping.start - mapping.offset;
    for (let at = from; at < to; at += PAGE_SIZE) {
      if (!mapping.object!.load(at)) continue;
      const page = this.#bytes.subarray(at + delta, Math.min(at + PAGE_SIZE, to) + delta);
      this.#bytes.fill(0, at + delta, at + delta + PAGE_SIZE);
      for (let done = 0; done < page.length;) {
        const count = mapping.backing!.read(page.subarray(done), at + done);
        if (count <= 0) break;
        done += count;
      }
    }
  }

  /** The bytes, to be used at once; the caller has seen to it that the pages are open. */
  bytes(start: number, end: number): Uint8Array {
    return this.#bytes.subarray(start, end);
  }

  /** Calls `use` while the mapping's pages up to its end of file can be read, even if the guest may not. */
  reading(mapping: Mapping, use: (end: number) => void): void {
    const eof = this.eof(mapping);
    const closed = mapping.protection === 0 && eof > mapping.start;
    if (closed) this.#protection.protect(mapping.start, eof - mapping.start, PAGE_READ);
    try {
      use(eof);
    } finally {
      if (closed) this.#protection.protect(mapping.start, eof - mapping.start, 0);
    }
  }

  /** Calls `use` while the mapping's pages up to its end of file can be written. */
  writing(mapping: Mapping, use: (end: number) => void): void {
    const eof = this.eof(mapping);
    if ((mapping.protection & PAGE_WRITE) !== 0 || eof <= mapping.start) return use(eof);
    this.open(mapping.start, eof);
    try {
      use(eof);
    } finally {
      this.#protection.protect(mapping.start, eof - mapping.start, pageBits(mapping.protection));
    }
  }

  /**
   * Copies the mapping's bytes, as far as they reach into `length`, to zero pages at `target` of `to`; `apply` must
   * follow there. What the guest never touched is skipped, so that it is not committed by being copied.
   */
  copyTo(to: Pages, mapping: Mapping, target: number, length: number): void {
    const { object, start, offset } = mapping;
    if (object !== null) {
      const end = Math.min(this.eof(mapping), start + length);
      if (end > start) to.#protection.share(target, end - start, PAGE_READ, object, offset);
      return;
    }
    this.reading(mapping, (eof) => {
      const end = Math.min(eof, mapping.start + length);
      const delta = target - mapping.start;
      let opened = false;
      for (const [from, until] of this.#touched(mapping.start, end)) {
        if (!opened) to.open(target, end + delta);
        opened = true;
        to.#bytes.set(this.#bytes.subarray(from, until), from + delta);
      }
    });
  }

  /** Stretches of readable pages that may hold anything but zeros. */
  *#touched(start: number, end: number): IterableIterator<readonly [from: number, until: number]> {
    if (start >= end) return;
    const marks = this.#protection.touched(start, end - start);
    const isClean = (page: number): boolean => {
      if (marks !== null) return marks[page] === 0;
      const at = start + page * PAGE_SIZE;
      return isZero(this.#bytes.subarray(at, at + PAGE_SIZE));
    };
    const count = (end - start) / PAGE_SIZE;
    for (let page = 0; page < count; page++) {
      if (isClean(page)) continue;
      const first = page;
      while (page < count && !isClean(page)) page++;
      yield [start + first * PAGE_SIZE, start + page * PAGE_SIZE];
    }
  }

  get canShare(): boolean {
    return this.#protection.canShare;
  }

  /** The bytes behind a new shared mapping; null: the memory's own. */
  sharedObject(backing: Backing | null): SharedObject | null {
    if (!this.#protection.canShare) return null;
    return backing === null ? SharedObject.anonymous() : SharedObject.ofFile(backing.identity);
  }

  /** The guest's checked view of these pages. */
  guest(memory: WebAssembly.Memory, littleEndian: boolean): GuestMemory {
    return new GuestMemory({ memory, pageTable: this.table, littleEndian });
  }

  #set(start: number, end: number, bits: number): void {
    this.#protection.protect(start, end - start, bits);
    this.table.fill(bits, start / PAGE_SIZE, end / PAGE_SIZE);
  }
}
