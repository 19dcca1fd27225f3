/**
 * What a process knows of the file tree, and every call that takes a path. Paths are byte strings (`byte-string.ts`),
 * without a terminating NUL. `at` is the directory descriptor of the *at() calls, null for AT_FDCWD. Flags are
 * asm-generic's (`flags.ts`). Every method throws an `Errno` to fail.
 */
import type { Credentials } from "../credentials.ts";
import { errno } from "../errno.ts";
import type { Wait } from "../wait.ts";
import * as attributes from "./attributes.ts";
import type { NewTime } from "./attributes.ts";
import type { ByteString } from "./byte-string.ts";
import { pathName } from "./dentry.ts";
import type { Path } from "./dentry.ts";
import type { FileDescription } from "./file-description.ts";
import { ACCESS, AT, S } from "./flags.ts";
import { NO_DEVICE } from "./inode.ts";
import type { DeviceNumber, Inode, Stat, StatFs } from "./inode.ts";
import * as names from "./names.ts";
import * as opening from "./opening.ts";
import { require } from "./permission.ts";
import { Resolver } from "./resolver.ts";
import type { At } from "./resolver.ts";

import { changeXattr } from "./xattrs.ts";

export type { At } from "./resolver.ts";
export type { NewTime } from "./attributes.ts";

const ST_RDONLY = 1;
const ST_NOSUID = 2;
const ST_NODEV = 4;
const ST_NOEXEC = 8;

export class FsContext extends Resolver {
  /** Processes that share the context. */
  #users = 1;

  /** fork(2) */
  clone(credentials: Credentials): FsContext {
    return new FsContext(this.root, this.cwd, credentials, this.umask);
  }

  /** clone(2) with CLONE_FS: one more process uses this very context. */
  share(): this {
    this.#users++;
    return this;
  }

  get isShared(): boolean {
    return this.#users > 1;
  }

  /** A process leaves the context (exit(2), unshare(2)). */
  leave(): void {
    if (--this.#users > 0) return;
    this.letGo();
  }

  // ── opening (`opening.ts`) ─────────────────────────────────────────────────────────────────────────────────────────
  /** openat(2), openat2(2) with `resolve` (RESOLVE). Waits at a FIFO that nobody has opened on the other side. */
  open(at: At, path: ByteString, flags: number, mode: number, resolve = 0): FileDescription | Wait<FileDescription> {
    return opening.open(this, at, path, flags, mode, resolve);
  }
  /** Opens a regular file for execve(2): EACCES unless it is a regular file with execute permission. */
  openExecutable(path: ByteString, at: At = null, flags = 0): FileDescription {
    return opening.openExecutable(this, path, at, flags);
  }
  /** memfd_create(2): `sealable` MFD_ALLOW_SEALING. */
  memfd(name: ByteString, sealable: boolean): FileDescription {
    return opening.memfd(this, name, sealable);
  }

  // ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────
  /** fstatat(2), statx(2): `flags` AT.SYMLINK_NOFOLLOW, AT.EMPTY_PATH (then fstat of `at`). */
  stat(at: At, path: ByteString, flags: number): Stat {
    if (path.length === 0 && (flags & AT.EMPTY_PATH) !== 0 && at !== null) return at.stat();
    if (path.length === 0 && (flags & AT.EMPTY_PATH) !== 0) return this.cwd.inode.stat();
    const { parent, found } = this.walk(at, path, (flags & AT.SYMLINK_NOFOLLOW) === 0 ? "follow" : "nofollow");
    if (found === null) throw errno.ENOENT;
    return parent?.mount === found.mount ? found.inode.statSeen() : found.inode.stat();
  }

  /** faccessat2(2): `mode` ACCESS, `flags` AT.EACCESS, AT.SYMLINK_NOFOLLOW, AT.EMPTY_PATH. */
  access(at: At, path: ByteString, mode: number, flags: number): void {
    if ((mode & ~7) !== 0 || (flags & ~(AT.EACCESS | AT.SYMLINK_NOFOLLOW | AT.EMPTY_PATH)) !== 0) throw errno.EINVAL;
    const { inode, mount } = this.resolveAt(at, path, flags);
    if (mode === 0) return;
    const isFile = inode.type === S.IFREG || inode.isDirectory || inode.isSymlink;
    if ((mode & ACCESS.X_OK) !== 0 && inode.type === S.IFREG && mount.noExec) throw errno.EACCES;
    if ((mode & ACCESS.W_OK) !== 0 && isFile && mount.readOnly) throw errno.EROFS;
    if (!inode.mayAccess(mode, this.credentials, (flags & AT.EACCESS) === 0)) throw errno.EACCES;
  }

  readlink(at: At, path: ByteString): ByteString {
    // readlinkat(2): an empty path is the link that `at` was opened on with O_PATH | O_NOFOLLOW.
    const { inode } = path.length === 0 && at !== null ? at.path : this.resolve(at, path, false);
    if (!inode.isSymlink) throw path.length === 0 ? errno.ENOENT : errno.EINVAL;
    return inode.readlink();
  }

  statfs(path: ByteString): StatFs {
    return statfsOf(this.resolve(null, path, true));
  }
  fstatfs(description: FileDescription): StatFs {
    return statfsOf(description.path);
  }

  /** getcwd(2)'s text, "(unreachable)" included; ENOENT where the directory was removed. */
  getcwd(): ByteString {
    const { name, reachable, deleted } = pathName(this.cwd, this.root);
    if (deleted) throw errno.ENOENT;
    return reachable ? name : `(unreachable)${name}`;
  }

  /** The path as this process sees it, as /proc/self/fd/N prints it (" (deleted)" included). */
  nameOf(path: Path): ByteString {
    const { name, deleted } = pathName(path, this.root);
    return deleted ? `${name} (deleted)` : name;
  }

  // ── changing the tree (`names.ts`) ─────────────────────────────────────────────────────────────────────────────────
  mkdir(at: At, path: ByteString, mode: number): void {
    names.mkdir(this, at, path, mode);
  }
  /** mknodat(2): `mode` with its type; regular files, FIFOs, sockets, and devices if root asks. */
  mknod(at: At, path: ByteString, mode: number, device: DeviceNumber): void {
    names.mknod(this, at, path, mode, device);
  }
  /** bind(2) of a Unix socket: makes its name. Throws EADDRINUSE. */
  bindSocket(path: ByteString): Inode {
    try {
      return names.mknod(this, null, path, S.IFSOCK | 0o777, NO_DEVICE);
    } catch (error) {
      throw error === errno.EEXIST ? errno.EADDRINUSE : error;
    }
  }
  /** connect(2) to a Unix socket: who may write to it may. Throws EACCES, and ECONNREFUSED for what is no socket. */
  findSocket(path: ByteString): Inode {
    const { inode } = this.resolve(null, path, true);
    require(inode, ACCESS.W_OK, this.credentials);
    if (inode.type !== S.IFSOCK) throw errno.ECONNREFUSED;
    return inode;
  }
  /** unlinkat(2): `flags` AT.REMOVEDIR. */
  unlink(at: At, path: ByteString, flags: number): void {
    names.unlink(this, at, path, flags);
  }
  rmdir(at: At, path: ByteString): void {
    names.rmdir(this, at, path);
  }
  /** linkat(2): `flags` AT.SYMLINK_FOLLOW, AT.EMPTY_PATH. */
  link(oldAt: At, oldPath: ByteString, newAt: At, newPath: ByteString, flags: number): void {
    names.link(this, oldAt, oldPath, newAt, newPath, flags);
  }
  symlink(target: ByteString, at: At, path: ByteString): void {
    names.symlink(this, target, at, path);
  }
  /** renameat2(2): `flags` RENAME. */
  rename(oldAt: At, oldPath: ByteString, newAt: At, newPath: ByteString, flags: number): void {
    names.rename(this, oldAt, oldPath, newAt, newPath, flags);
  }

  // ── changing a file (`attributes.ts`) ──────────────────────────────────────────────────────────────────────────────
  truncate(path: ByteString, size: number): void {
    attributes.truncate(this, path, size);
  }
  /** fchmodat2(2) */
  chmod(at: At, path: ByteString, mode: number, flags: number): void {
    attributes.chmod(this, at, path, mode, flags);
  }
  fchmod(description: FileDescription, mode: number): void {
    attributes.fchmod(this, description, mode);
  }
  /** fchownat(2): 0xffffffff leaves an id as it is. */
  chown(at: At, path: ByteString, uid: number, gid: number, flags: number): void {
    attributes.chown(this, at, path, uid, gid, flags);
  }
  fchown(description: FileDescription, uid: number, gid: number): void {
    attributes.fchown(this, description, uid, gid);
  }
  /** utimensat(2); `path` null: the file of `at` itself (futimens). */
  setTimes(at: At, path: ByteString | null, atime: NewTime, mtime: NewTime, flags: number): void {
    attributes.setTimes(this, at, path, atime, mtime, flags);
  }

  // ── places ─────────────────────────────────────────────────────────────────────────────────────────────────────
  #enterable(path: Path): Path {
    if (!path.inode.isDirectory) throw errno.ENOTDIR;
    if (!path.inode.mayAccess(ACCESS.X_OK, this.credentials, false)) throw errno.EACCES;
    path.dentry.holders++;
    return path;
  }

  chdir(path: ByteString): void {
    this.cwd = this.#enterable(this.resolve(null, path, true));
  }
  fchdir(description: FileDescription): void {
    this.cwd = this.#enterable(description.path);
  }

  /** EPERM unless privileged. */
  chroot(path: ByteString): void {
    const found = this.#enterable(this.resolve(null, path, true));
    if (!this.credentials.isPrivileged) {
      found.dentry.holders--;
      throw errno.EPERM;
    }
    this.root = found;
  }

  /** Mounting is the view's business: EPERM. */
  mount(): never {
    throw errno.EPERM;
  }
  umount(): never {
    throw errno.EPERM;
  }

  // ── extended attributes (`xattrs.ts`) ──────────────────────────────────────────────────────────────────────────────
  getXattr(at: At, path: ByteString, name: ByteString, flags: number): Uint8Array {
    return this.resolveAt(at, path, flags).inode.getXattr(name);
  }
  listXattr(at: At, path: ByteString, flags: number): readonly ByteString[] {
    return this.resolveAt(at, path, flags).inode.listXattr();
  }
  /** `how`: XATTR. */
  setXattr(at: At, path: ByteString, name: ByteString, value: Uint8Array, flags: number, how = 0): void {
    changeXattr(this, at, path, name, value, flags, how);
  }
  removeXattr(at: At, path: ByteString, name: ByteString, flags: number): void {
    changeXattr(this, at, path, name, null, flags, 0);
  }
}

function statfsOf({ mount }: Path): StatFs {
  const facts = mount.fs.statfs();
  const flags =
    (mount.readOnly ? ST_RDONLY : 0) |
    (mount.noSuid ? ST_NOSUID : 0) |
    (mount.noDev ? ST_NODEV : 0) |
    (mount.noExec ? ST_NOEXEC : 0);
  return { ...facts, flags: facts.flags | flags };
}
