/**
 * Open file descriptions (open(2)): what a file descriptor refers to. Several descriptors, in several processes, can
 * share one; it holds the position and the status flags.
 *
 * A kind of file implements `tryRead` and `tryWrite`, which never wait; `read` and `write` build the waiting on top. A
 * `write` that throws `EPIPE` always means that the calling task gets SIGPIPE as well.
 */
import type { Backing } from "../../memory/mapping.ts";
import { errno } from "../errno.ts";
import { Wait, WaitQueue } from "../wait.ts";
import type { ByteString } from "./byte-string.ts";
import type { Path } from "./dentry.ts";
import { O, POLL, S, SETTABLE_FLAGS } from "./flags.ts";
import type { Attributes, Stat } from "./inode.ts";
import { releaseDescription } from "./locks.ts";
import type { Terminal } from "../tty/terminal.ts";

/** Answer of `tryRead` and `tryWrite`: nothing can be moved now. */
export const WOULD_BLOCK = -1;

export interface DirectoryEntry {
  readonly ino: bigint;
  /** d_off: where to go on after this entry. */
  readonly next: number;
  /** DT_* */
  readonly type: number;
  readonly name: ByteString;
}

const READY = POLL.IN | POLL.OUT | POLL.RDNORM | POLL.WRNORM;
/** For files that are always ready: nobody ever wakes it. */
const NEVER = new WaitQueue();

export abstract class FileDescription {
  readonly path: Path;
  /** Access mode and status flags (O); what only open(2) itself looks at (O_CREAT …) is left out. */
  flags: number;
  /** fcntl(F_SETOWN), F_SETSIG. */
  owner = 0;
  ownerSignal = 0;
  #references = 0;
  readonly #onRelease = new Set<() => void>();

  constructor(path: Path, flags: number) {
    this.path = path;
    this.flags = flags & ~(O.CREAT | O.EXCL | O.NOCTTY | O.TRUNC | O.CLOEXEC);
    path.dentry.holders++;
  }

  // ── life ───────────────────────────────────────────────────────────────────────────────────────────────────────
  /** One more descriptor or mapping refers to it. */
  retain(): void {
    this.#references++;
  }

  /** One less; the last one closes it. */
  release(): void {
    if (--this.#references > 0) return;
    this.path.dentry.holders--;
    if ((this.flags & O.PATH) === 0) this.path.mount.watches.closed(this.path, this.writable);
    for (const listener of [...this.#onRelease]) listener();
    this.#onRelease.clear();
    releaseDescription(this);
    this.close();
  }

  /** Calls `listener` when the last reference goes; returns how to take that back. */
  onRelease(listener: () => void): () => void {
    this.#onRelease.add(listener);
    return () => {
      this.#onRelease.delete(listener);
    };
  }

  get references(): number {
    return this.#references;
  }

  /** Called once, when nothing refers to it any more. */
  protected close(): void {}

  // ── flags ──────────────────────────────────────────────────────────────────────────────────────────────────────
  get readable(): boolean {
    const mode = this.flags & O.ACCMODE;
    return (mode === O.RDONLY || mode === O.RDWR) && (this.flags & O.PATH) === 0;
  }
  get writable(): boolean {
    const mode = this.flags & O.ACCMODE;
    return (mode === O.WRONLY || mode === O.RDWR) && (this.flags & O.PATH) === 0;
  }
  get nonBlocking(): boolean {
    return (this.flags & O.NONBLOCK) !== 0;
  }
  /** fcntl(F_SETFL) */
  setFlags(flags: number): void {
    this.flags = (this.flags & ~SETTABLE_FLAGS) | (flags & SETTABLE_FLAGS);
  }

  // ── reading and writing ────────────────────────────────────────────────────────────────────────────────────────
  /** Moves what it can, at once; `WOULD_BLOCK` if that is nothing; 0 at the end. `nonBlocking` may change how much. */
  protected tryRead(_into: Uint8Array): number {
    throw errno.EINVAL;
  }
  protected tryWrite(_from: Uint8Array): number {
    throw errno.EINVAL;
  }
  /** A blocking write goes on until everything is written (pipes, terminals, sockets). */
  protected get writesAll(): boolean {
    return false;
  }

  /** EPIPE comes with SIGPIPE; only sockets for messages are different. */
  get signalsBrokenPipe(): boolean {
    return true;
  }

  /** Returns bytes read; 0 at the end. `into` is filled when the wait ends, so it must still be the caller's then. */
  read(into: Uint8Array): number | Wait<number> {
    if (!this.readable) throw errno.EBADF;
    const count = this.tryRead(into);
    if (count !== WOULD_BLOCK) return count;
    return this.waitFor(POLL.IN, () => this.tryRead(into));
  }

  write(from: Uint8Array): number | Wait<number> {
    if (!this.writable) throw errno.EBADF;
    const count = this.tryWrite(from);
    if (count === from.length || (count !== WOULD_BLOCK && (!this.writesAll || this.nonBlocking))) return count;
    if (this.nonBlocking) throw errno.EAGAIN;
    return this.#waitToWrite(from, Math.max(count, 0));
  }

  #waitToWrite(from: Uint8Array, written: number): Wait<number> {
    let done = written;
    const wait: Wait<number> = new Wait([this.waitQueue(POLL.OUT)], null, (reason) => {
      if (reason === "signal") {
        if (done > 0) return done;
        throw errno.ERESTARTSYS;
      }
      let count: number;
      try {
        count = this.tryWrite(from.subarray(done));
      } catch (error) {
        if (done > 0 && error !== errno.EPIPE) return done;
        throw error;
      }
      if (count !== WOULD_BLOCK) done += count;
      if (done === from.length || (count !== WOULD_BLOCK && !this.writesAll)) return done;
      this.waitQueue(POLL.OUT);
      return wait;
    });
    return wait;
  }

  /** Waits until `attempt` no longer answers `WOULD_BLOCK`. Throws EAGAIN on a non-blocking description. */
  protected waitFor(events: number, attempt: () => number): Wait<number> {
    if (this.nonBlocking) throw errno.EAGAIN;
    const wait: Wait<number> = new Wait([this.waitQueue(events)], null, (reason) => {
      // What came together with a signal comes first: a child's last words and end of file, before its SIGCHLD.
      const count = attempt();
      if (count !== WOULD_BLOCK) return count;
      if (reason === "signal") throw errno.ERESTARTSYS;
      this.waitQueue(events);
      return wait;
    });
    return wait;
  }

  /** readv(2): one read, spread over several buffers. */
  readv(into: readonly Uint8Array[]): number | Wait<number> {
    if (!this.readable) throw errno.EBADF;
    const count = this.#scatter(into);
    return count === WOULD_BLOCK ? this.waitFor(POLL.IN, () => this.#scatter(into)) : count;
  }

  #scatter(into: readonly Uint8Array[]): number {
    let total = 0;
    for (const [index, view] of into.entries()) {
      if (view.length === 0 && index < into.length - 1) continue;
      if (index > 0 && total > 0 && !this.mayReadMore) return total;
      const count = this.tryRead(view);
      if (count === WOULD_BLOCK) return total > 0 ? total : WOULD_BLOCK;
      total += count;
      if (count < view.length) break;
    }
    return total;
  }

  /** True if a second `tryRead` right after a full one still belongs to the same read(2). */
  protected get mayReadMore(): boolean {
    return true;
  }

  /** writev(2): one write of the buffers one after another, in one piece. */
  writev(from: readonly Uint8Array[]): number | Wait<number> {
    const only = from.length === 1 ? from[0] : undefined;
    if (only !== undefined) return this.write(only);
    return this.write(gather(from));
  }

  /** pread(2). Throws ESPIPE where there is no position. */
  pread(_into: Uint8Array, _offset: number): number | Wait<number> {
    throw errno.ESPIPE;
  }
  pwrite(_from: Uint8Array, _offset: number): number | Wait<number> {
    throw errno.ESPIPE;
  }
  preadv(into: readonly Uint8Array[], offset: number): number | Wait<number> {
    let total = 0;
    for (const view of into) {
      const count = this.pread(view, offset + total);
      if (typeof count !== "number") return count;
      total += count;
      if (count < view.length) break;
    }
    if (into.length === 0) return this.pread(new Uint8Array(), offset);
    return total;
  }
  pwritev(from: readonly Uint8Array[], offset: number): number | Wait<number> {
    return this.pwrite(gather(from), offset);
  }

  /** lseek(2): the new position. `whence`: SEEK. */
  seek(_offset: number, _whence: number): number {
    throw errno.ESPIPE;
  }
  /** Where read(2) and write(2) go on; 0 where there is no position. */
  get position(): number {
    return 0;
  }

  // ── the file behind it ─────────────────────────────────────────────────────────────────────────────────────────
  stat(): Stat {
    return this.path.inode.stat();
  }
  /** fchmod, fchown, futimens: of the file that is open, whatever its name leads to now. */
  setAttributes(changes: Attributes): void {
    this.path.inode.setAttributes(changes);
  }
  /** ftruncate(2) */
  truncate(_size: number): void {
    throw errno.EINVAL;
  }
  /** fallocate(2); `mode`: FALLOC. */
  allocate(_mode: number, _offset: number, _length: number): void {
    throw errno.ENODEV;
  }
  /** fsync(2), fdatasync(2) */
  sync(_dataOnly: boolean): void {
    throw errno.EINVAL;
  }
  /** getdents64(2): gives entries to `emit` until that returns false (no room: the entry comes again next time). */
  listEntries(_emit: (entry: DirectoryEntry) => boolean): void {
    throw errno.ENOTDIR;
  }
  /** For mmap(2). Throws ENODEV where a file cannot be mapped, EACCES where it is not open for reading. */
  backing(): Backing {
    throw errno.ENODEV;
  }
  /** fcntl(F_GET_SEALS); EINVAL where there are none. */
  get seals(): number {
    throw errno.EINVAL;
  }
  addSeals(_seals: number): void {
    throw errno.EINVAL;
  }

  // ── readiness ──────────────────────────────────────────────────────────────────────────────────────────────────
  /** POLL bits that hold now, errors and hang-ups included. */
  poll(): number {
    return READY;
  }
  /** Woken when one of `events` (POLL) may have become true. Asking starts whatever watching that needs. */
  waitQueue(_events: number): WaitQueue {
    return NEVER;
  }
  /** False where epoll_ctl(2) answers EPERM: regular files and directories. */
  get pollable(): boolean {
    const type = this.path.inode.type;
    return type !== S.IFREG && type !== S.IFDIR;
  }

  // ── ioctl(2) in the kernel's words ─────────────────────────────────────────────────────────────────────────────
  /** FIONREAD: bytes that can be read at once. */
  available(): number {
    throw errno.ENOTTY;
  }
  /** The terminal behind it, for TCGETS and the like; null: ENOTTY. */
  get terminal(): Terminal | null {
    return null;
  }

  /** The terminal that only its foreground may read; null also for a master, which is no terminal itself. */
  get jobControl(): Terminal | null {
    return this.terminal;
  }

  // ── pipes ──────────────────────────────────────────────────────────────────────────────────────────────────────
  /** fcntl(F_GETPIPE_SZ); EBADF on anything else. */
  get pipeSize(): number {
    throw errno.EBADF;
  }
  /** fcntl(F_SETPIPE_SZ): returns the size that was set. */
  setPipeSize(_size: number): number {
    throw errno.EBADF;
  }

  /** /proc/PID/fdinfo: lines beyond pos, flags and mnt_id. */
  describe(): string {
    return "";
  }
}

export function gather(views: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const view of views) length += view.length;
  const all = new Uint8Array(length);
  let at = 0;
  for (const view of views) {
    all.set(view, at);
    at += view.length;
  }
  return all;
}

/** open(2) with O_PATH: a place in the tree, good for the *at() calls, fstat and fchdir; nothing else. */
export class PathDescription extends FileDescription {
  override read(): never {
    throw errno.EBADF;
  }
  override write(): never {
    throw errno.EBADF;
  }
  override pread(): never {
    throw errno.EBADF;
  }
  override pwrite(): never {
    throw errno.EBADF;
  }
  override seek(): never {
    throw errno.EBADF;
  }
  override truncate(): never {
    throw errno.EBADF;
  }
  override allocate(): never {
    throw errno.EBADF;
  }
  override sync(): never {
    throw errno.EBADF;
  }
  override listEntries(): never {
    throw errno.EBADF;
  }
  override backing(): never {
    throw errno.EBADF;
  }
  override available(): never {
    throw errno.EBADF;
  }
}
