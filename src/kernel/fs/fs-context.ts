/**
 * What a process knows of the file tree (Linux's fs_struct): root, working directory and umask, and the calls that take
 * a path. Paths are byte strings (`byte-string.ts`), without a terminating NUL. `at` is the directory descriptor of the
 * *at() calls, null for AT_FDCWD. Flags are asm-generic's (`flags.ts`). Every method throws an `Errno` to fail.
 */
import type { Credentials } from "../credentials.ts";
import type { Wait } from "../wait.ts";
import type { ByteString } from "./byte-string.ts";
import type { Path } from "./dentry.ts";
import type { FileDescription } from "./file-description.ts";
import type { Attributes, Stat, StatFs, DeviceNumber } from "./inode.ts";

/** Null: AT_FDCWD. */
export type At = FileDescription | null;

/** utimensat(2): nanoseconds since the epoch, or UTIME_NOW, UTIME_OMIT. */
export type NewTime = bigint | "now" | "omit";

export declare class FsContext {
  root: Path;
  cwd: Path;
  umask: number;
  credentials: Credentials;
  constructor(root: Path, cwd: Path, credentials: Credentials, umask?: number);
  /** fork(2) */
  clone(credentials: Credentials): FsContext;

  // ── opening ────────────────────────────────────────────────────────────────────────────────────────────────────
  /** openat(2), openat2(2) with `resolve` (RESOLVE). Waits at a FIFO that nobody has opened on the other side. */
  open(at: At, path: ByteString, flags: number, mode: number, resolve?: number): FileDescription | Wait<FileDescription>;
  /** Opens a regular file for execve(2): EACCES unless it is a regular file with execute permission. */
  openExecutable(path: ByteString, at?: At, flags?: number): FileDescription;

  // ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────
  /** fstatat(2), statx(2): `flags` AT.SYMLINK_NOFOLLOW, AT.EMPTY_PATH (then fstat of `at`). */
  stat(at: At, path: ByteString, flags: number): Stat;
  /** faccessat2(2): `mode` ACCESS, `flags` AT.EACCESS, AT.SYMLINK_NOFOLLOW, AT.EMPTY_PATH. */
  access(at: At, path: ByteString, mode: number, flags: number): void;
  readlink(at: At, path: ByteString): ByteString;
  statfs(path: ByteString): StatFs;
  fstatfs(description: FileDescription): StatFs;
  /** getcwd(2)'s text, "(unreachable)" included; ENOENT where the directory was removed. */
  getcwd(): ByteString;
  /** The path as this process sees it, as /proc/self/fd/N prints it (" (deleted)" included). */
  nameOf(path: Path): ByteString;

  // ── changing the tree ──────────────────────────────────────────────────────────────────────────────────────────
  mkdir(at: At, path: ByteString, mode: number): void;
  /** mknodat(2): `mode` with its type; regular files, FIFOs and sockets; devices are EPERM. */
  mknod(at: At, path: ByteString, mode: number, device: DeviceNumber): void;
  /** unlinkat(2): `flags` AT.REMOVEDIR. */
  unlink(at: At, path: ByteString, flags: number): void;
  rmdir(at: At, path: ByteString): void;
  /** linkat(2): `flags` AT.SYMLINK_FOLLOW, AT.EMPTY_PATH. */
  link(oldAt: At, oldPath: ByteString, newAt: At, newPath: ByteString, flags: number): void;
  symlink(target: ByteString, at: At, path: ByteString): void;
  /** renameat2(2): `flags` RENAME. */
  rename(oldAt: At, oldPath: ByteString, newAt: At, newPath: ByteString, flags: number): void;

  // ── changing a file ────────────────────────────────────────────────────────────────────────────────────────────
  truncate(path: ByteString, size: number): void;
  /** fchmodat2(2) */
  chmod(at: At, path: ByteString, mode: number, flags: number): void;
  fchmod(description: FileDescription, mode: number): void;
  /** fchownat(2): 0xffffffff leaves an id as it is. */
  chown(at: At, path: ByteString, uid: number, gid: number, flags: number): void;
  fchown(description: FileDescription, uid: number, gid: number): void;
  /** utimensat(2); `path` null: the file of `at` itself (futimens). */
  setTimes(at: At, path: ByteString | null, atime: NewTime, mtime: NewTime, flags: number): void;

  // ── places ─────────────────────────────────────────────────────────────────────────────────────────────────────
  chdir(path: ByteString): void;
  fchdir(description: FileDescription): void;
  /** EPERM unless privileged. */
  chroot(path: ByteString): void;
  /** Mounting is the view's business: EPERM. */
  mount(): never;
  umount(): never;

  // ── extended attributes: EOPNOTSUPP where the file system has none ───────────────────────────────────────────
  getXattr(at: At, path: ByteString, name: ByteString, flags: number): Uint8Array;
  setXattr(at: At, path: ByteString, name: ByteString, value: Uint8Array, flags: number): void;
  listXattr(at: At, path: ByteString, flags: number): readonly ByteString[];
  removeXattr(at: At, path: ByteString, name: ByteString, flags: number): void;

  // ── without a path ─────────────────────────────────────────────────────────────────────────────────────────────
  /** memfd_create(2): `sealable` MFD_ALLOW_SEALING. */
  memfd(name: ByteString, sealable: boolean): FileDescription;
}
export type { Attributes };
