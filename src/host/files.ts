/**
 * The host's files. A directory that is shown to a guest is held open, and everything in it is reached *through the
 * open directory*, by one name at a time that never contains a slash: `/proc/self/fd/N/name`, which is openat(2) in
 * Node's words. So another process that swaps a directory for a symbolic link at the wrong moment leads nowhere else.
 * Hosts without /proc (macOS, Windows) use plain paths; there such a race is only made unlikely.
 *
 * Names are byte strings (one character a byte). Failing calls throw Node's errors, with the host's errno name in
 * `code`.
 */
import fs from "node:fs";
import { getLibc } from "./libc.ts";
import { STATX_ALL, fromNode, fromStatx, isSame, statFile, statxBytes, type FileId, type HostStat } from "./stat.ts";

export { isSame, statFile, type HostStat } from "./stat.ts";

const { constants } = fs;
/** Not in `fs.constants`; the same on every Linux. */
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_REMOVEDIR = 0x200;
const AT_NO_AUTOMOUNT = 0x800;
const LOCK_EX = 2;
const LOCK_NB = 4;
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const S_IFSOCK = 0o140000;
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
const NON_BLOCK = constants.O_NONBLOCK ?? 0;

const hasProc = process.platform === "linux" && isDirectory("/proc/self/fd");

function isDirectory(path: string): boolean {
  try {
    return fs.statSync(path).isDirectory();
  } catch {
    return false;
  }
}

const BILLION = 1_000_000_000n;

/**
 * The *at() calls themselves, on Linux with koffi: the same as through /proc/self/fd, in half the time (and in a tenth
 * where there is no such name, because Node makes an error of that first).
 */
const native = hasProc ? getLibc() : null;

/** Directories held open at most; those not used for longest are closed and opened again when needed. */
const MAX_OPEN = 256;
const openDirectories = new Set<HostDirectory>();
/** The one that was used last, and so is the last in the set. */
let newest: HostDirectory | null = null;

const BEYOND_ASCII = /[^\0-\x7f]/;

/** A path for Node: a string where that says the same bytes. */
function hostPath(path: string): string | Buffer {
  return BEYOND_ASCII.test(path) ? Buffer.from(path, "latin1") : path;
}

/** A name for `native`. */
function nativeName(name: string): string | Uint8Array {
  return BEYOND_ASCII.test(name) ? cString(name) : name;
}

function cString(path: string): Uint8Array {
  return Buffer.from(`${path}\0`, "latin1");
}

class HostError extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

function check(result: number): void {
  if (result >= 0) return;
  const libc = getLibc();
  if (libc !== null) throw new HostError(libc.errorName());
}

/** Flags of `HostDirectory.open` in words, because their numbers differ between hosts. */
export interface OpenHow {
  readonly access: "read" | "write" | "readWrite";
  readonly append?: boolean;
  readonly sync?: boolean;
  /** Makes the file; EEXIST if there is one. Permissions without the host's umask. */
  readonly create?: number;
}

function openFlags(how: OpenHow): number {
  const access = { read: constants.O_RDONLY, write: constants.O_WRONLY, readWrite: constants.O_RDWR }[how.access];
  let flags = access | NO_FOLLOW | NON_BLOCK | (constants.O_NOCTTY ?? 0);
  if (how.append === true) flags |= constants.O_APPEND;
  if (how.sync === true) flags |= constants.O_SYNC ?? 0;
  if (how.create !== undefined) flags |= constants.O_CREAT | constants.O_EXCL;
  return flags;
}

/**
 * Called where no other directory is in use: a call that needs two must not have one closed, and its number given to
 * another, while it opens the second.
 */
function closeOldest(): void {
  if (openDirectories.size <= MAX_OPEN) return;
  for (const directory of openDirectories) {
    directory.close();
    if (openDirectories.size <= MAX_OPEN) return;
  }
}

/** An error for a name that no directory can have: it would lead elsewhere. */
function requirePlain(name: string): void {
  if (name === "" || name === "." || name === ".." || name.includes("/") || name.includes("\0")) {
    throw new HostError("EINVAL");
  }
}

/** The process's own umask: bits that the host takes off what we create, and that we put back. */
const hostUmask = process.umask();
export const umask = (): number => hostUmask;

export class HostDirectory {
  /** Null: the top, opened by its whole path. */
  parent: HostDirectory | null;
  /** A name in `parent`, or the whole path. */
  name: string;
  readonly #stat: FileId;
  /** The root of the tree that it belongs to: names move within a tree, never out of it. */
  readonly #top: HostDirectory;
  #fd = -1;
  #path = "";

  private constructor(parent: HostDirectory | null, name: string, stat: HostStat) {
    this.parent = parent;
    this.name = name;
    this.#top = parent === null ? this : parent.#top;
    this.#stat = { ino: stat.ino, devMajor: stat.devMajor, devMinor: stat.devMinor };
  }

  /** Closes every directory of the tree that `top` made, this one's or below; the next use opens it again. */
  static closeTree(top: HostDirectory): void {
    for (const directory of openDirectories) if (directory.#top === top) directory.close();
  }

  /** A directory by its absolute path on the host (byte string); symbolic links in it are the host's business. */
  static top(path: string): HostDirectory {
    const directory = new HostDirectory(null, path, fromNode(fs.statSync(hostPath(path), { bigint: true })));
    directory.#base();
    return directory;
  }

  /** The directory `name`, whose lstat is `stat`. It is opened when first used. */
  child(name: string, stat: HostStat): HostDirectory {
    requirePlain(name);
    return new HostDirectory(this, name, stat);
  }

  /** A path that means this directory. Throws ENOENT if it is no longer where it was and had to be closed. */
  #base(): string {
    if (!hasProc) return this.parent === null ? this.name : `${this.parent.#base()}/${this.name}`;
    if (this.#fd >= 0) {
      if (newest === this) return this.#path;
      openDirectories.delete(this);
      openDirectories.add(this);
      newest = this;
      return this.#path;
    }
    // Down from the nearest ancestor that is open; a guest may have made the way as long as it likes.
    const way: HostDirectory[] = [];
    for (let at: HostDirectory | null = this; at !== null && at.#fd < 0; at = at.parent) way.push(at);
    const isLong = way.length > MAX_OPEN / 4;
    for (let above: HostDirectory | undefined; ;) {
      const next = way.pop();
      if (next === undefined) break;
      next.#openItself();
      if (isLong) above?.close();
      above = next;
    }
    return this.#path;
  }

  /** The parent is open. */
  #openItself(): void {
    const { parent } = this;
    const path = parent === null ? this.name : `${parent.#path}/${this.name}`;
    const fd = fs.openSync(hostPath(path), O_PATH | constants.O_DIRECTORY | (parent === null ? 0 : NO_FOLLOW));
    if (!isSame(statFile(fd), this.#stat)) {
      fs.closeSync(fd);
      throw new HostError("ENOENT");
    }
    this.#fd = fd;
    this.#path = `/proc/self/fd/${fd}`;
    openDirectories.add(this);
    newest = this;
  }

  /** Lets the descriptor go; the next use opens it again. */
  close(): void {
    if (this.#fd < 0) return;
    fs.closeSync(this.#fd);
    this.#fd = -1;
    openDirectories.delete(this);
  }

  #at(name: string): string | Buffer {
    return hostPath(this.#text(name));
  }
  #text(name: string): string {
    requirePlain(name);
    return `${this.#base()}/${name}`;
  }
  #self(): string | Buffer {
    return hostPath(`${this.#base()}/.`);
  }

  // ── this directory ─────────────────────────────────────────────────────────────────────────────────────────────
  stat(): HostStat {
    return this.#fd >= 0 ? statFile(this.#fd) : fromNode(fs.lstatSync(this.#self(), { bigint: true }));
  }
  statfs(): fs.StatsFs {
    return fs.statfsSync(this.#self());
  }
  list(): fs.Dirent[] {
    return fs.readdirSync(this.#self(), { withFileTypes: true, encoding: "latin1" });
  }
  chmod(mode: number): void {
    fs.chmodSync(this.#self(), mode);
  }
  chown(uid: number, gid: number): void {
    fs.chownSync(this.#self(), uid, gid);
  }
  setTimes(atime: bigint, mtime: bigint): void {
    setTimes(`${this.#base()}/.`, atime, mtime);
  }
  access(want: number): void {
    fs.accessSync(this.#self(), want);
  }

  // ── names in it ────────────────────────────────────────────────────────────────────────────────────────────────
  /** lstat(2); undefined if there is no such name. */
  statChild(name: string): HostStat | undefined {
    closeOldest();
    if (native === null) {
      const stat = fs.lstatSync(this.#at(name), { bigint: true, throwIfNoEntry: false });
      return stat && fromNode(stat);
    }
    requirePlain(name);
    this.#base();
    const flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
    if (native.statx(this.#fd, nativeName(name), flags, STATX_ALL, statxBytes) === 0) return fromStatx();
    const code = native.errorName();
    if (code === "ENOENT") return undefined;
    throw new HostError(code);
  }

  /** Opens a regular file. Throws EACCES for anything else: a FIFO would block, a device is not for guests. */
  open(name: string, how: OpenHow): { readonly fd: number; readonly stat: HostStat } {
    const fd = this.#open(name, openFlags(how), how.create ?? 0);
    try {
      let stat = statFile(fd);
      if ((stat.mode & S_IFMT) !== S_IFREG) throw new HostError("EACCES");
      if (how.create !== undefined && (stat.mode & 0o7777) !== how.create) {
        fs.fchmodSync(fd, how.create);
        stat = statFile(fd);
      }
      return { fd, stat };
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
  }

  #open(name: string, flags: number, mode: number): number {
    if (native === null) return fs.openSync(this.#at(name), flags, mode);
    requirePlain(name);
    this.#base();
    const fd = native.openat(this.#fd, nativeName(name), flags | O_CLOEXEC, mode);
    check(fd);
    return fd;
  }

  readlink(name: string): string {
    return fs.readlinkSync(this.#at(name), "latin1");
  }
  mkdir(name: string, mode: number): void {
    const path = this.#at(name);
    fs.mkdirSync(path, mode & 0o777);
    if ((mode & (hostUmask | 0o7000)) !== 0) this.chmodChild(name, mode);
  }
  makeFifo(name: string, mode: number): void {
    const libc = getLibc();
    if (libc === null) throw new HostError("EPERM");
    check(libc.mkfifo(cString(this.#text(name)), mode));
    if ((mode & hostUmask) !== 0) this.chmodChild(name, mode);
  }
  /** The name of a socket; nothing of the host's listens there. */
  makeSocket(name: string, mode: number): void {
    const mknod = getLibc()?.mknod ?? null;
    if (mknod === null) throw new HostError("EPERM");
    check(mknod(cString(this.#text(name)), S_IFSOCK | mode, 0));
    if ((mode & hostUmask) !== 0) this.chmodChild(name, mode);
  }
  symlink(name: string, target: string): void {
    fs.symlinkSync(hostPath(target), this.#at(name));
  }
  /** Another name `name` here for `oldName` in `from`; a symbolic link itself, not what it leads to. */
  link(name: string, from: HostDirectory, oldName: string): void {
    fs.linkSync(from.#at(oldName), this.#at(name));
  }
  unlink(name: string): void {
    if (native === null) fs.unlinkSync(this.#at(name));
    else this.#unlink(name, 0);
  }
  rmdir(name: string): void {
    if (native === null) fs.rmdirSync(this.#at(name));
    else this.#unlink(name, AT_REMOVEDIR);
  }
  #unlink(name: string, flags: number): void {
    requirePlain(name);
    this.#base();
    check(getLibc()?.unlinkat(this.#fd, nativeName(name), flags) ?? 0);
  }
  /** Throws EINVAL where the host cannot `exchange`. */
  rename(name: string, to: HostDirectory, newName: string, how: "replace" | "exchange" | "noreplace"): void {
    const libc = how === "replace" ? null : getLibc();
    if (libc !== null) {
      const flags = how === "exchange" ? 2 : 1;
      check(libc.renameat2(AT_FDCWD, cString(this.#text(name)), AT_FDCWD, cString(to.#text(newName)), flags));
      return;
    }
    if (how === "exchange") throw new HostError("EINVAL");
    if (how === "noreplace" && to.statChild(newName) !== undefined) throw new HostError("EEXIST");
    fs.renameSync(this.#at(name), to.#at(newName));
  }

  /** chmod(2) without following a symbolic link: that throws ELOOP. */
  chmodChild(name: string, mode: number): void {
    this.#throughHandle(name, (path) => {
      fs.chmodSync(path, mode);
    });
  }
  chownChild(name: string, uid: number, gid: number): void {
    fs.lchownSync(this.#at(name), uid, gid);
  }
  setChildTimes(name: string, atime: bigint, mtime: bigint): void {
    setTimes(this.#text(name), atime, mtime);
  }
  truncateChild(name: string, size: number): void {
    const { fd } = this.open(name, { access: "write" });
    try {
      fs.ftruncateSync(fd, size);
    } finally {
      fs.closeSync(fd);
    }
  }
  /** access(2) by the host's rules; throws. */
  accessChild(name: string, want: number): void {
    this.#throughHandle(name, (path) => {
      fs.accessSync(path, want);
    });
  }

  /** Calls `act` with a path that means exactly the file that `name` is now, which is not a symbolic link. */
  #throughHandle(name: string, act: (path: string | Buffer) => void): void {
    const path = this.#at(name);
    if (!hasProc) {
      if (fs.lstatSync(path).isSymbolicLink()) throw new HostError("ELOOP");
      act(path);
      return;
    }
    const fd = fs.openSync(path, O_PATH | NO_FOLLOW);
    try {
      if ((statFile(fd).mode & S_IFMT) === S_IFLNK) throw new HostError("ELOOP");
      act(`/proc/self/fd/${fd}`);
    } finally {
      fs.closeSync(fd);
    }
  }
}

function timespecs(...times: readonly bigint[]): BigInt64Array<ArrayBuffer> {
  const fields: bigint[] = [];
  for (const time of times) {
    const nanoseconds = ((time % BILLION) + BILLION) % BILLION;
    fields.push((time - nanoseconds) / BILLION, nanoseconds);
  }
  return new BigInt64Array(fields);
}

/** Nanoseconds since the epoch; where there is no utimensat(2) to be had, Node's doubles lose the last digits. */
function setTimes(path: string, atime: bigint, mtime: bigint): void {
  const libc = getLibc();
  if (libc === null) fs.lutimesSync(hostPath(path), Number(atime) / 1e9, Number(mtime) / 1e9);
  else check(libc.utimensat(AT_FDCWD, cString(path), timespecs(atime, mtime), AT_SYMLINK_NOFOLLOW));
}

// ── open files ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Linux moves at most so much in one call. */
const MAX_TRANSFER = 0x7ffff000;

/**
 * Reads and writes of a few bytes go through this: a view of a guest's memory costs more to hand to the host than the
 * bytes cost to copy, and Node's checks of its arguments more than the system call.
 */
const SMALL = 512;
const small = new Uint8Array(SMALL);

export function readFile(fd: number, into: Uint8Array, offset: number): number {
  const { length } = into;
  if (length === 0) return 0;
  if (native !== null && length <= SMALL) {
    const count = native.pread(fd, small, length, offset);
    check(count);
    for (let n = 0; n < count; n++) into[n] = small[n] as number;
    return count;
  }
  return fs.readSync(fd, into, 0, Math.min(into.length, MAX_TRANSFER), offset);
}
/** `offset` null: where the host's own position is, which for a file opened to append is its end. */
export function writeFile(fd: number, from: Uint8Array, offset: number | null): number {
  const { length } = from;
  if (length === 0) return 0;
  if (native !== null && length <= SMALL && offset !== null) {
    small.set(from);
    const count = native.pwrite(fd, small, length, offset);
    check(count);
    return count;
  }
  return fs.writeSync(fd, from, 0, Math.min(from.length, MAX_TRANSFER), offset);
}
export function fileSize(fd: number): number {
  return fs.fstatSync(fd).size;
}
export function truncateFile(fd: number, size: number): void {
  fs.ftruncateSync(fd, size);
}
export function syncFile(fd: number, dataOnly: boolean): void {
  if (dataOnly) fs.fdatasyncSync(fd);
  else fs.fsyncSync(fd);
}
export function chmodFile(fd: number, mode: number): void {
  fs.fchmodSync(fd, mode);
}
export function chownFile(fd: number, uid: number, gid: number): void {
  fs.fchownSync(fd, uid, gid);
}
export function setFileTimes(fd: number, atime: bigint, mtime: bigint): void {
  const libc = getLibc();
  if (libc === null) fs.futimesSync(fd, Number(atime) / 1e9, Number(mtime) / 1e9);
  else check(libc.futimens(fd, timespecs(atime, mtime)));
}
export function closeFile(fd: number): void {
  fs.closeSync(fd);
}
/**
 * flock(2): takes the file for this process, as long as it has it open; false if another has it. Hosts without the call
 * do not know of each other.
 */
export function lockFile(fd: number): boolean {
  const libc = getLibc();
  if (libc === null || libc.flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  const code = libc.errorName();
  if (code === "EWOULDBLOCK" || code === "EAGAIN") return false;
  throw new HostError(code);
}
/** fallocate(2). Throws EOPNOTSUPP where the host has none. */
export function allocateFile(fd: number, mode: number, offset: number, length: number): void {
  const libc = getLibc();
  if (libc === null) throw new HostError("EOPNOTSUPP");
  check(libc.fallocate(fd, mode, offset, length));
}
/** lseek(2) of a descriptor that others share; null where it cannot be called. */
export function seekShared(fd: number, offset: number, whence: number): number | null {
  const libc = getLibc();
  if (libc === null) return null;
  const at = libc.lseek(fd, offset, whence);
  check(at);
  return at;
}

/** lseek(2) to data (3) or a hole (4); null where the host cannot tell. Throws ENXIO. */
export function seekFile(fd: number, offset: number, whence: 3 | 4): number | null {
  const libc = getLibc();
  if (libc === null) return null;
  const at = libc.lseek(fd, offset, whence);
  check(at);
  return at;
}

// ── paths that the person in front of the host wrote ─────────────────────────────────────────────────────────────────

/** The real absolute path as a byte string, and whether it is a directory; null if there is no such file. */
export function realPath(path: string): { readonly path: string; readonly isDirectory: boolean } | null {
  try {
    const real = fs.realpathSync.native(path, "latin1" as BufferEncoding);
    return { path: real, isDirectory: fs.statSync(hostPath(real)).isDirectory() };
  } catch {
    return null;
  }
}

/** Makes a directory, and those above it, unless they exist. */
export function makeDirectory(path: string): void {
  fs.mkdirSync(path, { recursive: true, mode: 0o700 });
}

/** The names in the host's `/`, byte strings. */
export function listTop(): string[] {
  return fs.readdirSync("/", { encoding: "latin1" });
}

/** Who we are on the host: effective ids; null where the host has no such thing. */
export function identity(): { readonly uid: number; readonly gid: number } | null {
  const uid = process.geteuid?.();
  const gid = process.getegid?.();
  return uid === undefined || gid === undefined ? null : { uid, gid };
}
