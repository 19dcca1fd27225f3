import { AnonymousBacking } from "./anonymous-backing.ts";
import { FileSync } from "./file-sync.ts";
import type { Access } from "./guest-fault.ts";
import type { GuestMemory } from "./guest-memory.ts";
import { MappedFiles } from "./mapped-files.ts";
import { hasOffset, type Mapping, type MapRequest, slice } from "./mapping.ts";
import { MappingList } from "./mapping-list.ts";
import { MemoryError } from "./memory-error.ts";
import {
  PAGE_BEYOND_EOF,
  PAGE_EXEC,
  pageBits,
  pageCeil,
  PAGE_READ,
  PAGE_SIZE,
  PAGE_WRITE,
  PROTECTION_MASK,
} from "./page-table.ts";
import { Pages } from "./pages.ts";
import { checkBounds, type MemoryLimits, Placement } from "./placement.ts";
import type { AccessExplanation, AddressSpaceOptions, Advice, RemapRequest } from "./requests.ts";

export type { AccessExplanation, AddressSpaceOptions, Advice, RemapRequest } from "./requests.ts";
export type { Backing, Mapping, MapRequest } from "./mapping.ts";
export { MemoryError } from "./memory-error.ts";

const ADDRESS_END = 0x1_0000_0000;

/**
 * A guest's address space (Linux: mm): its mappings, and the only one to change the pages under them. Method by method
 * it is the system call of that name, with Linux's checks in Linux's order; failures are thrown as `MemoryError`, and
 * what a file's `read` or `write` throws passes through. Addresses and lengths are unsigned 32-bit values.
 */
export class AddressSpace {
  readonly memory: WebAssembly.Memory;
  readonly pageTable: Uint8Array;
  readonly limit: number;
  readonly mmapBase: number;
  readonly mmapMinAddress: number;
  readonly littleEndian: boolean;
  /** The checked way to the bytes. */
  readonly guest: GuestMemory;
  /** RLIMIT_AS and RLIMIT_DATA in bytes; Infinity at first. */
  readonly limits: MemoryLimits;
  readonly #pages: Pages;
  readonly #files = new MappedFiles();
  readonly #list = new MappingList(this.#files);
  readonly #sync: FileSync;
  readonly #placement: Placement;
  readonly #codeListeners = new Set<(start: number, end: number) => void>();
  #brkStart = 0;
  #brk = 0;

  constructor(options: AddressSpaceOptions) {
    checkBounds(options.limit, options.mmapBase);
    this.memory = options.memory;
    this.pageTable = options.pageTable;
    this.limit = options.limit;
    this.mmapBase = options.mmapBase;
    this.mmapMinAddress = options.mmapMinAddress ?? 65536;
    this.littleEndian = options.littleEndian;
    this.#pages = new Pages(
      options.memory,
      options.pageTable,
      options.protection,
      this.#files,
      options.isEmpty ?? false,
    );
    this.guest = this.#pages.guest(options.memory, options.littleEndian);
    this.#sync = new FileSync(this.#list, this.#pages, this.#files);
    this.#placement = new Placement(this.#list, {
      limit: this.limit,
      mmapBase: this.mmapBase,
      mmapMinAddress: this.mmapMinAddress,
      maxMappings: options.protection.maxMappings,
    });
    this.limits = this.#placement.limits;
  }

  /** mmap(2). Returns the address. */
  map(request: MapRequest): number {
    const { offset, shared } = request;
    // Without the host's help, shared memory is a file that is copied to and fro.
    const backing = request.backing ?? (shared && !this.#pages.canShare ? new AnonymousBacking() : null);
    const protection = request.protection & PROTECTION_MASK;
    if (request.length === 0) throw new MemoryError("EINVAL", "a mapping of no bytes");
    const length = pageCeil(request.length);
    if (offset % PAGE_SIZE !== 0 || offset < 0) throw new MemoryError("EINVAL", "the offset is not a page's");
    if (offset + length > Number.MAX_SAFE_INTEGER) throw new MemoryError("EOVERFLOW", "the offset is too large");
    if (shared && backing !== null && backing.write === undefined && (protection & PAGE_WRITE) !== 0) {
      throw new MemoryError("EACCES", "the file is not open for writing");
    }
    const start = this.#placement.place(request, length);
    const end = start + length;
    const wanted: Mapping = {
      start,
      end,
      protection,
      shared,
      backing,
      offset: request.backing === null ? 0 : offset,
      object: null,
      name: request.name ?? backing?.name ?? "",
      growsDown: false,
    };
    this.#placement.charge(wanted, start, end);
    if (!this.#list.isFree(start, end)) this.#clear(start, end);
    if (backing !== null) {
      // The file as it is now, with what other mappings changed.
      this.#sync.refresh(backing.identity, 0, 0);
      this.flushShared(backing.identity, offset, length);
    }
    this.#establish(shared ? { ...wanted, object: this.#pages.sharedObject(backing) } : wanted);
    return start;
  }

  /** munmap(2) */
  unmap(address: number, length: number): void {
    if (address % PAGE_SIZE !== 0 || length === 0) throw new MemoryError("EINVAL", "not a range of pages");
    const end = address + pageCeil(length);
    if (end > this.limit) throw new MemoryError("EINVAL", "beyond the address space");
    this.#placement.checkCount(this.#list.splitsBy(address, end));
    if (!this.#list.isFree(address, end)) this.#clear(address, end);
  }

  /** mprotect(2). With `growsDown` (PROT_GROWSDOWN) the range reaches down to the start of the stack. */
  protect(address: number, length: number, protection: number, growsDown = false): void {
    if (address % PAGE_SIZE !== 0) throw new MemoryError("EINVAL", "the address is not a page's");
    if (length === 0) return;
    const wanted = protection & PROTECTION_MASK;
    const end = address + pageCeil(length);
    if (end > ADDRESS_END) throw new MemoryError("ENOMEM", "the range wraps around");
    let start = address;
    if (growsDown) {
      const mapping = this.#list.findNext(address);
      if (mapping === undefined || mapping.start >= end) throw new MemoryError("ENOMEM", "nothing is mapped there");
      if (!mapping.growsDown) throw new MemoryError("EINVAL", "PROT_GROWSDOWN, but not a stack");
      start = mapping.start;
    }
    // As Linux does, everything before the first obstacle is changed before the call fails.
    let failure: MemoryError | null = null;
    const changed: Mapping[] = [];
    let cursor = start;
    for (const part of this.#list.within(start, end)) {
      if (part.start !== cursor) break;
      failure = this.#protectFailure(part, wanted);
      if (failure !== null) break;
      changed.push(part);
      cursor = part.end;
    }
    if (failure === null && cursor < end) failure = new MemoryError("ENOMEM", "not all of the range is mapped");
    if (cursor > start && changed.some((part) => part.protection !== wanted)) {
      this.#placement.checkCount(2);
      this.#reprotect(changed, wanted);
    }
    if (failure !== null) throw failure;
  }

  /** mremap(2). Returns the new address. */
  remap(request: RemapRequest): number {
    const { address, mayMove, fixed, dontUnmap } = request;
    const oldLength = pageCeil(request.oldLength);
    const newLength = pageCeil(request.newLength);
    if ((fixed !== null || dontUnmap) && !mayMove) throw new MemoryError("EINVAL", "needs MREMAP_MAYMOVE");
    if (dontUnmap && oldLength !== newLength) throw new MemoryError("EINVAL", "MREMAP_DONTUNMAP cannot resize");
    if (address % PAGE_SIZE !== 0 || newLength === 0) throw new MemoryError("EINVAL", "not a range of pages");
    const mapping = this.#list.find(address);
    if (mapping === undefined) throw new MemoryError("EFAULT", "nothing is mapped there");
    if (fixed !== null) {
      if (fixed % PAGE_SIZE !== 0 || fixed + newLength > this.limit) throw new MemoryError("EINVAL", "a bad new place");
      if (address + oldLength > fixed && fixed + newLength > address) throw new MemoryError("EINVAL", "places overlap");
      if (fixed < this.mmapMinAddress) throw new MemoryError("EPERM", "below vm.mmap_min_addr");
    } else if (!dontUnmap && oldLength >= newLength) {
      if (oldLength > newLength) this.unmap(address + newLength, oldLength - newLength);
      return address;
    }
    if (oldLength === 0) {
      // Linux doubles any shared mapping; two views of the same anonymous bytes may not be to be had here.
      const { object, backing } = mapping;
      if (!mapping.shared || (object === null && backing === null))
        throw new MemoryError("EINVAL", "only what is shared can be doubled");
      if (backing !== null) this.#sync.flushFile(backing.identity, mapping.offset, mapping.end - mapping.start);
    }
    if (address + Math.min(oldLength, newLength) > mapping.end || address + oldLength > mapping.end) {
      throw new MemoryError("EFAULT", "the range is not one mapping");
    }
    if (newLength > oldLength || dontUnmap)
      this.#placement.charge({ ...mapping, start: 0, end: newLength - (dontUnmap ? 0 : oldLength) });
    const end = address + oldLength;
    if (fixed === null && !dontUnmap && oldLength > 0 && end === mapping.end) {
      const newEnd = address + newLength;
      if (newEnd <= this.limit && this.#list.isFreeForPlacement(end, newEnd)) {
        this.#establish(this.#continuation(mapping, end, newEnd));
        return address;
      }
    }
    if (!mayMove) throw new MemoryError("ENOMEM", "no room to grow in place");
    const target = fixed ?? this.#placement.findGap(newLength);
    if (fixed !== null && !this.#list.isFree(fixed, fixed + newLength)) this.#clear(fixed, fixed + newLength);
    this.#move(
      slice(mapping, address, address + Math.min(oldLength, newLength)),
      oldLength,
      target,
      newLength,
      dontUnmap,
    );
    return target;
  }

  /** msync(2): writes shared file mappings back. */
  sync(address: number, length: number): void {
    if (address % PAGE_SIZE !== 0) throw new MemoryError("EINVAL", "the address is not a page's");
    const end = address + pageCeil(length);
    if (end > ADDRESS_END) throw new MemoryError("ENOMEM", "the range wraps around");
    const parts = this.#list.within(address, end);
    for (const part of parts) this.#sync.flush(part);
    this.#requireMapped(parts, address, end);
  }

  /** madvise(2) */
  advise(address: number, length: number, advice: Advice): void {
    if (address % PAGE_SIZE !== 0) throw new MemoryError("EINVAL", "the address is not a page's");
    const end = address + pageCeil(length);
    if (end > ADDRESS_END) throw new MemoryError("EINVAL", "the range wraps around");
    const parts = this.#list.within(address, end);
    for (const part of parts) {
      if (advice === "free" && (part.shared || part.backing !== null)) {
        throw new MemoryError("EINVAL", "MADV_FREE is for private anonymous memory");
      }
      const isFile = part.backing !== null && !(part.backing instanceof AnonymousBacking);
      if (advice === "remove" && (!part.shared || isFile)) {
        throw new MemoryError("EINVAL", "MADV_REMOVE is done for shared anonymous memory only");
      }
      // What a shared mapping holds is kept by the file (or by the others who share it) and comes back.
      if (advice === "none" || (advice === "dontneed" && part.shared)) continue;
      this.#pages.zero(part);
      if (advice !== "remove" && part.backing !== null) this.#pages.load(part);
      if ((part.protection & PAGE_EXEC) !== 0) this.#codeChanged(part.start, part.end);
    }
    this.#requireMapped(parts, address, end);
  }

  /** brk(2): returns the break after the call, the old one if it could not move. 0 asks. */
  brk(address: number): number {
    if (address < this.#brkStart || address > this.limit) return this.#brk;
    const oldEnd = pageCeil(this.#brk);
    const newEnd = pageCeil(address);
    try {
      if (newEnd < oldEnd) {
        this.unmap(newEnd, oldEnd - newEnd);
      } else if (newEnd > oldEnd) {
        if (newEnd > this.limit || !this.#list.isFreeForPlacement(oldEnd, newEnd + PAGE_SIZE)) return this.#brk;
        const heap: Mapping = {
          start: oldEnd,
          end: newEnd,
          protection: PAGE_READ | PAGE_WRITE,
          shared: false,
          backing: null,
          offset: 0,
          name: "[heap]",
          growsDown: false,
          object: null,
        };
        this.#placement.charge(heap);
        this.#establish(heap);
      }
    } catch (error) {
      if (error instanceof MemoryError) return this.#brk;
      throw error;
    }
    this.#brk = address;
    return address;
  }

  /** Where the heap begins; the loader knows (end of the program's bss). */
  setBrkStart(address: number): void {
    this.#brkStart = address;
    this.#brk = address;
  }

  /**
   * Maps the stack, `size` bytes below `top`, whole: the host commits its pages when they are touched, so growing costs
   * nothing, and overrunning it meets an unmapped page. Both in whole pages. Returns its lowest address.
   */
  mapStack(top: number, size: number, protection: number): number {
    const start = top - size;
    if (start < this.mmapMinAddress || top > this.limit || !this.#list.isFree(start, top)) {
      throw new MemoryError("ENOMEM", "no room for the stack");
    }
    const stack: Mapping = {
      start,
      end: top,
      protection: protection & PROTECTION_MASK,
      shared: false,
      backing: null,
      offset: 0,
      name: "[stack]",
      growsDown: true,
      object: null,
    };
    this.#placement.charge(stack);
    this.#establish(stack);
    return start;
  }

  /** Sorted by address. */
  mappings(): readonly Mapping[] {
    return this.#list.all();
  }

  /** The mapping that holds `address`. */
  find(address: number): Mapping | undefined {
    return this.#list.find(address);
  }

  /**
   * Calls `listener` whenever executable pages (`start` to `end`) are unmapped, mapped over, moved, emptied or change
   * protection, until the returned function is called. Stores into pages that stay executable are not seen: guests
   * announce those themselves (cacheflush).
   */
  onCodeChange(listener: (start: number, end: number) => void): () => void {
    this.#codeListeners.add(listener);
    return () => this.#codeListeners.delete(listener);
  }

  /** Why an access faulted: SEGV_MAPERR, SEGV_ACCERR, SIGBUS, or (another thread was faster) not at all. */
  explain(address: number, access: Access): AccessExplanation {
    const mapping = this.#list.find(address >>> 0);
    if (mapping === undefined) return "unmapped";
    const bit = access === "read" ? PAGE_READ : access === "write" ? PAGE_WRITE : PAGE_EXEC;
    if ((pageBits(mapping.protection) & bit) === 0) return "protected";
    return (this.pageTable[address >>> 12]! & PAGE_BEYOND_EOF) !== 0 ? "beyondEof" : "ok";
  }

  /** What names the futex at `address`: this space, or the shared memory that is mapped there and the offset in it. */
  futexKey(address: number): { readonly space: unknown; readonly address: number } {
    const at = address >>> 0;
    const mapping = this.#list.find(at);
    if (mapping === undefined || !mapping.shared) return { space: this, address: at };
    const shown = mapping.object ?? mapping.backing?.identity;
    if (shown === undefined) return { space: this, address: at };
    return { space: shown, address: mapping.offset + (at - mapping.start) };
  }

  /** Whether no mapping touches the range. */
  isFree(address: number, length: number): boolean {
    return this.#list.isFree(address, address + length);
  }

  /** Whether mappings cover the whole range (mlock, mincore). */
  isMapped(address: number, length: number): boolean {
    let cursor = address;
    for (const part of this.#list.within(address, address + length)) {
      if (part.start > cursor) return false;
      cursor = part.end;
    }
    return cursor >= address + length;
  }

  /** All mapped bytes, as RLIMIT_AS counts them. */
  get totalBytes(): number {
    return this.#list.totalBytes;
  }

  /** Private writable bytes without the stack, as RLIMIT_DATA counts them. */
  get dataBytes(): number {
    return this.#list.dataBytes;
  }

  /** Before read(2) of a file: writes to it what shared mappings changed in that range of it. Cheap if none do. */
  flushShared(identity: unknown, offset: number, length: number): void {
    this.#sync.flushFile(identity, offset, length);
    for (const sync of FileSync.of(identity)) if (sync !== this.#sync) sync.flushFile(identity, offset, length);
  }

  /**
   * Before a task of another address space runs, and before one of this runs again: what is shared and is not one memory
   * for both (`SharedObject`) is copied.
   */
  publish(): void {
    if (!this.#pages.canShare) this.#sync.publish();
  }
  fetch(): void {
    if (!this.#pages.canShare) this.#sync.fetch();
  }

  /** After write(2) or truncate(2) of a file: mappings show the range, and the file's size, as they are now. */
  refreshShared(identity: unknown, offset: number, length: number): void {
    this.#sync.refresh(identity, offset, length);
    for (const sync of FileSync.of(identity)) if (sync !== this.#sync) sync.refresh(identity, offset, length);
  }

  /** Writes bytes whatever the protection (a debugger's breakpoints, the loader). All pages must be mapped: EFAULT. */
  poke(address: number, bytes: Uint8Array): void {
    const end = address + bytes.length;
    if (!this.isMapped(address, bytes.length)) throw new MemoryError("EFAULT", "nothing is mapped there");
    const first = Math.floor(address / PAGE_SIZE) * PAGE_SIZE;
    for (const part of this.#list.within(first, pageCeil(end))) {
      if (this.#pages.eof(part) < part.end) throw new MemoryError("EIO", "beyond the end of the file");
      this.#pages.writing(part, () => {
        const from = Math.max(address, part.start);
        const to = Math.min(end, part.end);
        this.#pages.bytes(from, to).set(bytes.subarray(from - address, to - address));
      });
      if ((part.protection & PAGE_EXEC) !== 0) this.#codeChanged(part.start, part.end);
    }
  }

  /**
   * A copy for fork(2) in another memory: every mapping with its bytes. Shared mappings show the same bytes in both;
   * where the host cannot share they are copied, and meet only in their file, through `flushShared` and `refreshShared`.
   */
  clone(options: AddressSpaceOptions): AddressSpace {
    const copy = new AddressSpace(options);
    Object.assign(copy.limits, this.limits);
    copy.#brkStart = this.#brkStart;
    copy.#brk = this.#brk;
    try {
      for (const mapping of this.#list.all()) {
        this.#flushQuietly(mapping);
        copy.#list.insert(mapping);
        this.#pages.copyTo(copy.#pages, mapping, mapping.start, copy.#pages.eof(mapping) - mapping.start);
        copy.#pages.apply(mapping);
        copy.#sync.join(mapping);
        copy.#sync.track(mapping);
      }
    } catch (error) {
      copy.destroy();
      throw error;
    }
    return copy;
  }

  /** exit(2), execve(2): writes shared mappings back, lets go of files, gives all memory back to the host. */
  destroy(): void {
    this.#codeListeners.clear();
    if (this.#list.count > 0) {
      const mappings = [...this.#list.all()];
      for (const mapping of mappings) this.#flushQuietly(mapping);
      // A kernel page may lie behind what the guest can use.
      const end = Math.max(this.limit, mappings.at(-1)!.end);
      this.#pages.clearAll(mappings, end);
      this.#list.replace(0, end, []);
      this.#files.settle(mappings);
    }
    this.#sync.close();
    this.setBrkStart(0);
  }

  /** Adds a mapping where nothing is, and fills its pages. */
  #establish(mapping: Mapping): void {
    this.#list.insert(mapping);
    try {
      this.#sync.join(mapping);
      this.#pages.load(mapping);
      this.#sync.track(mapping);
    } catch (error) {
      this.#clear(mapping.start, mapping.end, false);
      throw error;
    }
  }

  /** Empties a range: write back, forget, close. */
  #clear(start: number, end: number, flush = true): void {
    const parts = this.#list.within(start, end);
    if (flush) for (const part of parts) this.#flushQuietly(part);
    this.#pages.clear(start, end);
    this.#list.replace(start, end, []);
    this.#files.settle(parts);
    for (const part of parts) if ((part.protection & PAGE_EXEC) !== 0) this.#codeChanged(part.start, part.end);
  }

  /** munmap and exit do not fail because a disk is full: on Linux too the bytes are written, or lost, later. */
  #flushQuietly(mapping: Mapping): void {
    try {
      this.#sync.flush(mapping);
    } catch (error) {
      if (error instanceof TypeError || error instanceof RangeError) throw error;
    }
  }

  #protectFailure(part: Mapping, wanted: number): MemoryError | null {
    if ((wanted & PAGE_WRITE) === 0 || (part.protection & PAGE_WRITE) !== 0) return null;
    if (part.shared) {
      const readOnly = part.backing !== null && part.backing.write === undefined;
      return readOnly ? new MemoryError("EACCES", "the file is not open for writing") : null;
    }
    if (part.growsDown || this.dataBytes + (part.end - part.start) <= this.limits.data) return null;
    return new MemoryError("ENOMEM", "RLIMIT_DATA");
  }

  /** Gives adjacent parts one protection: one host call for each stretch of them without an end of file. */
  #reprotect(parts: readonly Mapping[], protection: number): void {
    const start = parts[0]!.start;
    const end = parts[parts.length - 1]!.end;
    const changed = parts.map((part) => ({ ...part, protection }));
    if (changed.every((part) => this.#pages.eof(part) === part.end)) {
      this.#pages.apply({ ...changed[0]!, backing: null, start, end });
    } else {
      for (const part of changed) this.#pages.apply(part);
    }
    this.#list.replace(start, end, changed);
    for (const [i, part] of parts.entries()) {
      if (part.protection === protection) continue;
      this.#sync.track(changed[i]!);
      if (((part.protection | protection) & PAGE_EXEC) !== 0) this.#codeChanged(part.start, part.end);
    }
  }

  /** The mapping that continues `mapping` from `start` to `end` beyond its own end. */
  #continuation(mapping: Mapping, start: number, end: number): Mapping {
    const offset = hasOffset(mapping) ? mapping.offset + (start - mapping.start) : 0;
    return { ...mapping, start, end, offset };
  }

  /** Moves `source` (what is kept of the old range) to the free place `target`, and lengthens it to `newLength`. */
  #move(source: Mapping, oldLength: number, target: number, newLength: number, keep: boolean): void {
    const kept = source.end - source.start;
    const whole: Mapping = { ...source, start: target, end: target + newLength, growsDown: false };
    try {
      if (kept > 0) {
        const moved = slice(whole, target, target + kept);
        this.#list.insert(moved);
        this.#pages.copyTo(this.#pages, source, target, kept);
        this.#pages.apply(moved);
      }
      if (newLength > kept) this.#establish(this.#continuation(whole, target + kept, target + newLength));
    } catch (error) {
      this.#clear(target, target + newLength, false);
      throw error;
    }
    if (oldLength === 0) return;
    if (!keep) return this.#clear(source.start, source.start + oldLength, false);
    // MREMAP_DONTUNMAP: the old place stays mapped, and is filled anew at the next touch.
    this.#flushQuietly(source);
    this.#pages.zero(source);
    this.#pages.load(source);
    if ((source.protection & PAGE_EXEC) !== 0) this.#codeChanged(source.start, source.end);
  }

  #requireMapped(parts: readonly Mapping[], start: number, end: number): void {
    let cursor = start;
    for (const part of parts) {
      if (part.start > cursor) break;
      cursor = part.end;
    }
    if (cursor < end) throw new MemoryError("ENOMEM", "not all of the range is mapped");
  }

  #codeChanged(start: number, end: number): void {
    for (const listener of this.#codeListeners) listener(start, end);
  }
}
