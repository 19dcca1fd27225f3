/** File descriptors of a process: small numbers for open file descriptions. */
import { errno } from "../errno.ts";
import type { FileDescription } from "./file-description.ts";
import { releaseOwner } from "./locks.ts";

/** /proc/sys/fs/nr_open: no limit lets numbers go beyond. */
const NR_OPEN = 1 << 20;

interface Slot {
  readonly description: FileDescription;
  closeOnExec: boolean;
}

export class FileTable {
  /** RLIMIT_NOFILE's soft value: the first number that is too high. */
  limit: () => number;
  readonly #slots: (Slot | undefined)[] = [];
  /** Processes that share the table (CLONE_FILES). */
  #users = 1;
  /** No free number below it. */
  #lowestFree = 0;

  constructor(limit: () => number = () => 1024) {
    this.limit = limit;
  }

  /** Throws EBADF. */
  get(fd: number): FileDescription {
    const slot = this.#slots[fd];
    if (slot === undefined) throw errno.EBADF;
    return slot.description;
  }

  has(fd: number): boolean {
    return this.#slots[fd] !== undefined;
  }

  /** The lowest free number, not below `from`. Throws EMFILE, and EINVAL for a `from` beyond the limit. */
  add(description: FileDescription, closeOnExec = false, from = 0): number {
    let fd: number;
    try {
      fd = this.#findFree(from);
    } catch (error) {
      if (description.references === 0) {
        description.retain();
        description.release();
      }
      throw error;
    }
    description.retain();
    this.#slots[fd] = { description, closeOnExec };
    return fd;
  }

  /** Throws EMFILE unless `count` more descriptors can be had: for calls that make two (pipe). */
  reserve(count: number): void {
    const limit = this.#end;
    let free = 0;
    for (let fd = this.#lowestFree; fd < limit && free < count; fd++) if (this.#slots[fd] === undefined) free++;
    if (free < count) throw errno.EMFILE;
  }

  #findFree(from: number): number {
    const limit = this.#end;
    if (from < 0 || (from > 0 && from >= limit)) throw errno.EINVAL;
    let fd = Math.max(from, this.#lowestFree);
    while (this.#slots[fd] !== undefined) fd++;
    if (fd >= limit) throw errno.EMFILE;
    if (from <= this.#lowestFree) this.#lowestFree = fd + 1;
    return fd;
  }

  get #end(): number {
    return Math.min(this.limit(), NR_OPEN);
  }

  /** dup(2), fcntl(F_DUPFD). */
  duplicate(fd: number, from = 0, closeOnExec = false): number {
    return this.add(this.get(fd), closeOnExec, from);
  }

  /** dup2(2), dup3(2) with two different numbers: closes what `to` was. Throws EBADF. */
  duplicateTo(fd: number, to: number, closeOnExec = false): number {
    const description = this.get(fd);
    if (to < 0 || to >= this.#end) throw errno.EBADF;
    if (fd === to) return to;
    description.retain();
    if (this.#slots[to] !== undefined) this.close(to);
    while (this.#slots.length < to) this.#slots.push(undefined);
    this.#slots[to] = { description, closeOnExec };
    return to;
  }

  /** Throws EBADF. */
  close(fd: number): void {
    const slot = this.#slots[fd];
    if (slot === undefined) throw errno.EBADF;
    this.#slots[fd] = undefined;
    if (fd < this.#lowestFree) this.#lowestFree = fd;
    // fcntl(2): a process loses its locks on a file when it closes any descriptor for it.
    releaseOwner(slot.description.path.inode.identity, this);
    slot.description.release();
  }

  /** close_range(2), both ends included; with `closeOnExec` it only sets that flag. Throws EINVAL. */
  closeRange(first: number, last: number, closeOnExec = false): void {
    if (first > last) throw errno.EINVAL;
    const end = Math.min(last, this.#slots.length - 1);
    for (let fd = first; fd <= end; fd++) {
      const slot = this.#slots[fd];
      if (slot === undefined) continue;
      if (closeOnExec) slot.closeOnExec = true;
      else this.close(fd);
    }
  }

  closeOnExec(fd: number): boolean {
    const slot = this.#slots[fd];
    if (slot === undefined) throw errno.EBADF;
    return slot.closeOnExec;
  }

  setCloseOnExec(fd: number, closeOnExec: boolean): void {
    const slot = this.#slots[fd];
    if (slot === undefined) throw errno.EBADF;
    slot.closeOnExec = closeOnExec;
  }

  /** Ascending by number. */
  *entries(): IterableIterator<readonly [fd: number, description: FileDescription]> {
    for (const [fd, slot] of this.#slots.entries()) if (slot !== undefined) yield [fd, slot.description];
  }

  /** fork(2): the same descriptions under the same numbers. */
  clone(): FileTable {
    const copy = new FileTable(this.limit);
    for (const slot of this.#slots) {
      slot?.description.retain();
      copy.#slots.push(slot && { ...slot });
    }
    copy.#lowestFree = this.#lowestFree;
    return copy;
  }

  /** execve(2) */
  closeForExec(): void {
    for (const [fd, slot] of this.#slots.entries()) if (slot?.closeOnExec === true) this.close(fd);
  }

  get isShared(): boolean {
    return this.#users > 1;
  }

  /** clone(2) with CLONE_FILES: one more process uses this very table. */
  share(): this {
    this.#users++;
    return this;
  }

  /** A process leaves the table (exit(2), unshare(2)); the last one closes everything. */
  leave(): void {
    if (--this.#users === 0) this.closeAll();
  }

  closeAll(): void {
    for (const [fd, slot] of this.#slots.entries()) if (slot !== undefined) this.close(fd);
  }
}
