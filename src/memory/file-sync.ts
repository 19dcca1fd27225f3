/** Keeps the copies that an address space holds of shared file pages, and the files, in step. */
import { forEachChange, type MappedFile, type MappedFiles, remember, update } from "./mapped-files.ts";
import { type Mapping, slice } from "./mapping.ts";
import type { MappingList } from "./mapping-list.ts";
import { PAGE_SIZE, pageCeil, pageFloor, PAGE_WRITE } from "./page-table.ts";
import { Pages } from "./pages.ts";

/** Files that are mapped shared somewhere, by identity. */
const sharedFiles = new Map<unknown, { readonly syncs: Set<FileSync>; version: number }>();

export class FileSync {
  readonly #list: MappingList;
  readonly #pages: Pages;
  readonly #files: MappedFiles;

  constructor(list: MappingList, pages: Pages, files: MappedFiles) {
    this.#list = list;
    this.#pages = pages;
    this.#files = files;
  }

  /** Files that this address space has mapped shared, with the version of each that it shows. */
  readonly #shown = new Map<unknown, number>();

  /** A new shared mapping of a file: what happens to the file elsewhere is told here from now on. */
  join({ backing, shared }: Mapping): void {
    if (!shared || backing === null) return;
    const { identity } = backing;
    let file = sharedFiles.get(identity);
    if (file === undefined) sharedFiles.set(identity, (file = { syncs: new Set(), version: 0 }));
    file.syncs.add(this);
    this.#shown.set(identity, file.version);
  }

  /** The address space is no more. */
  close(): void {
    for (const identity of this.#shown.keys()) {
      const file = sharedFiles.get(identity);
      file?.syncs.delete(this);
      if (file?.syncs.size === 0) sharedFiles.delete(identity);
    }
    this.#shown.clear();
  }

  /** Every address space's for a file that is mapped shared somewhere. */
  static of(identity: unknown): Iterable<FileSync> {
    return sharedFiles.get(identity)?.syncs ?? [];
  }

  /** Another address space's task comes onto the processor: writes what this one's tasks have stored. */
  publish(): void {
    for (const identity of this.#shown.keys()) {
      if (sharedFiles.get(identity)?.syncs.size === 1) continue;
      for (const mapping of this.#sharing(identity)) this.flush(mapping);
    }
  }

  /** A task of this address space comes onto the processor: shows what others have published. */
  fetch(): void {
    for (const [identity, seen] of this.#shown) {
      const version = sharedFiles.get(identity)?.version ?? seen;
      if (version === seen) continue;
      this.#shown.set(identity, version);
      this.refresh(identity, 0, Number.MAX_SAFE_INTEGER);
    }
  }

  /** To be called when a shared mapping becomes writable, while its bytes still equal the file's. */
  track(mapping: Mapping): void {
    const { backing } = mapping;
    if (!mapping.shared || backing === null || (mapping.protection & PAGE_WRITE) === 0) return;
    const file = this.#files.get(backing.identity);
    if (file === undefined) return;
    this.#pages.reading(mapping, (end) => {
      for (let at = mapping.start; at < end; at += PAGE_SIZE) {
        remember(file, filePage(mapping, at), this.#pages.bytes(at, at + PAGE_SIZE));
      }
    });
  }

  /** Writes to its file what the guest changed in a mapping, and shows it in other mappings of the same page. */
  flush(mapping: Mapping): void {
    const { backing } = mapping;
    if (!mapping.shared || backing === null || backing.write === undefined) return;
    const file = this.#files.get(backing.identity);
    if (file === undefined || file.pristine.size === 0) return;
    const size = backing.size;
    this.#pages.reading(mapping, (end) => {
      for (let at = mapping.start; at < end; at += PAGE_SIZE) {
        const offset = mapping.offset + (at - mapping.start);
        const page = this.#pages.bytes(at, Math.min(at + PAGE_SIZE, at + Math.max(size - offset, 0)));
        forEachChange(file, filePage(mapping, at), page, (from, to) => {
          const bytes = page.slice(from, to);
          for (let done = 0; done < bytes.length;) {
            const count = backing.write!(bytes.subarray(done), offset + from + done);
            if (count <= 0) break;
            done += count;
          }
          update(file, offset + from, bytes);
          this.#written(backing.identity);
          this.#spread(mapping, offset + from, bytes);
        });
      }
    });
  }

  /** `flush` for all shared mappings of a file that reach into `offset` to `offset + length`. */
  flushFile(identity: unknown, offset: number, length: number): void {
    const file = this.#files.get(identity);
    if (file === undefined || file.pristine.size === 0) return;
    for (const mapping of this.#sharing(identity)) {
      const part = partOf(mapping, pageFloor(offset), pageCeil(offset + length));
      if (part !== null) this.flush(part);
    }
  }

  /** The file changed in this range, or in size: shared mappings show it, all mappings end where the file ends now. */
  refresh(identity: unknown, offset: number, length: number): void {
    const file = this.#files.get(identity);
    if (file === undefined) return;
    this.#resize(identity, file);
    for (const mapping of this.#sharing(identity)) {
      const from = Math.max(offset, mapping.offset);
      const to = Math.min(offset + length, mapping.offset + (mapping.end - mapping.start), file.size);
      if (from >= to) continue;
      const part = partOf(mapping, pageFloor(from), pageCeil(to))!;
      this.#pages.writing(part, () => {
        this.#pages.readFile(part, from, to);
        this.#note(file, part, from, to);
      });
    }
  }

  #resize(identity: unknown, file: MappedFile): void {
    const before = file.size;
    const [backing] = file.backings.keys();
    const size = backing?.size ?? before;
    if (size === before) return;
    const mappings = this.#list.all().filter((mapping) => mapping.backing?.identity === identity);
    file.size = size;
    for (const { object } of mappings) object?.resize(size);
    for (const page of [...file.pristine.keys()]) if (page * PAGE_SIZE >= size) file.pristine.delete(page);
    for (const mapping of mappings) {
      const oldEnd = Pages.eofAt(mapping, before);
      const newEnd = Pages.eofAt(mapping, size);
      if (newEnd > oldEnd) {
        const grown = slice(mapping, oldEnd, newEnd);
        this.#pages.load(grown);
        this.track(grown);
      } else if (newEnd < oldEnd) {
        this.#pages.clear(newEnd, oldEnd);
        this.#pages.apply(slice(mapping, newEnd, oldEnd));
      }
      // The rest of a torn page reads as zero (man 2 mmap); so does the hole before bytes appended later.
      const edge = Math.min(size, before);
      const at = mapping.start + (edge - mapping.offset);
      if (edge % PAGE_SIZE === 0 || at <= mapping.start || at >= mapping.end || (size > before && !mapping.shared))
        continue;
      const torn = slice(mapping, pageFloor(at), pageCeil(at));
      this.#pages.writing(torn, () => {
        const rest = this.#pages.bytes(at, torn.end);
        rest.fill(0);
        update(file, edge, rest);
        if (size > before) {
          const to = Math.min(size, pageCeil(edge));
          this.#pages.readFile(torn, edge, to);
          this.#note(file, torn, edge, to);
        }
      });
    }
  }

  /** Takes file bytes `from` to `to`, just read into `mapping`, as the file's own. */
  #note(file: MappedFile, mapping: Mapping, from: number, to: number): void {
    for (let at = from; at < to;) {
      const end = Math.min(pageFloor(at) + PAGE_SIZE, to);
      const start = mapping.start - mapping.offset;
      update(file, at, this.#pages.bytes(start + at, start + end));
      at = end;
    }
  }

  #written(identity: unknown): void {
    const file = sharedFiles.get(identity);
    if (file === undefined) return;
    // Others have not seen it; here it is shown already.
    if (this.#shown.get(identity) === file.version) this.#shown.set(identity, file.version + 1);
    file.version++;
  }

  /** Copies bytes just flushed from one mapping (at most a page) into the others of the same file. */
  #spread(from: Mapping, offset: number, bytes: Uint8Array): void {
    for (const mapping of this.#sharing(from.backing!.identity)) {
      const part = partOf(mapping, pageFloor(offset), pageCeil(offset + bytes.length));
      if (part === null || (part.start >= from.start && part.end <= from.end)) continue;
      this.#pages.writing(part, (end) => {
        const at = part.start + (offset - part.offset);
        if (at < end) this.#pages.bytes(at, at + bytes.length).set(bytes);
      });
    }
  }

  #sharing(identity: unknown): Mapping[] {
    return this.#list.all().filter((mapping) => mapping.shared && mapping.backing?.identity === identity);
  }
}

function filePage(mapping: Mapping, address: number): number {
  return (mapping.offset + (address - mapping.start)) / PAGE_SIZE;
}

/** The part of a mapping that shows file bytes `from` to `to` (whole pages), or null. */
function partOf(mapping: Mapping, from: number, to: number): Mapping | null {
  const start = mapping.start + Math.max(from - mapping.offset, 0);
  const end = Math.min(mapping.end, mapping.start + (to - mapping.offset));
  return start < end ? slice(mapping, start, end) : null;
}
