/**
 * What a process knows of the file tree (Linux's fs_struct): root, working directory and umask, and the calls that take
 * a path. Paths are byte strings (`byte-string.ts`), without a terminating NUL. `at` is the directory descriptor of the
 * *at() calls, null for AT_FDCWD. Flags are asm-generic's (`flags.ts`). Every method throws an `Errno` to fail.
 */
import { realtime } from "../../host/clock.ts";
import type { Credentials } from "../credentials.ts";
import { errno } from "../errno.ts";
import type { ControllingTerminal } from "../tty.ts";
import { Wait } from "../wait.ts";
import type { ByteString } from "./byte-string.ts";
import { Dentry, Mount, Path, pathName } from "./dentry.ts";
import { PathDescription } from "./file-description.ts";
import type { FileDescription } from "./file-description.ts";
import { ACCESS, AT, O, RENAME, RESOLVE, S } from "./flags.ts";
import type { Attributes, DeviceNumber, Inode, Stat, StatFs } from "./inode.ts";
import { require, requireOwner, requireRemovable } from "./permission.ts";
import { Quota } from "./sparse-bytes.ts";
import { TmpFs } from "./tmpfs.ts";
import { below, walk, type LastLink, type Walked } from "./walk.ts";

/** Null: AT_FDCWD. */
export type At = FileDescription | null;

/** utimensat(2): nanoseconds since the epoch, or UTIME_NOW, UTIME_OMIT. */
export type NewTime = bigint | "now" | "omit";

const PATH_MAX = 4096;
const UNCHANGED = 0xffffffff;
const KNOWN_RESOLVE = 0x3f;
const ST_RDONLY = 1;
const ST_NOSUID = 2;
const ST_NODEV = 4;
const ST_NOEXEC = 8;

/** What a name must be for a call that makes or removes it. */
interface Place {
  readonly parent: Path;
  readonly name: ByteString;
  readonly found: Path | null;
  readonly slash: boolean;
}

export class FsContext {
  #root: Path;
  #cwd: Path;
  /** Processes that share the context. */
  #users = 1;
  umask: number;
  /** Whose rights count; the machine sets it to the calling task's. */
  credentials: Credentials;

  /** What /dev/tty opens. */
  readonly terminal: ControllingTerminal;

  constructor(
    root: Path,
    cwd: Path,
    credentials: Credentials,
    umask = 0o022,
    terminal: ControllingTerminal = { current: null },
  ) {
    this.terminal = terminal;
    this.#root = root;
    this.#cwd = cwd;
    root.dentry.holders++;
    cwd.dentry.holders++;
    this.umask = umask;
    this.credentials = credentials;
  }

  /** fork(2) */
  clone(credentials: Credentials): FsContext {
    return new FsContext(this.#root, this.#cwd, credentials, this.umask, this.terminal);
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
    this.#root.dentry.holders--;
    this.#cwd.dentry.holders--;
  }

  get root(): Path {
    return this.#root;
  }
  get cwd(): Path {
    return this.#cwd;
  }

  // ── resolution ─────────────────────────────────────────────────────────────────────────────────────────────────
  #walk(at: At, path: ByteString, last: LastLink, resolve = 0): Walked {
    const start = at === null || (path.charCodeAt(0) === 0x2f && resolve === 0) ? this.#cwd : at.path;
    if (path.charCodeAt(0) === 0x2f && resolve === 0) return walk(this, this.#root, path, last);
    if (path.length > 0 && !start.inode.isDirectory) throw errno.ENOTDIR;
    return walk(this, start, path, last, resolve);
  }

  /** The file that a path means. Throws ENOENT. */
  resolve(at: At, path: ByteString, follow: boolean): Path {
    const { found } = this.#walk(at, path, follow ? "follow" : "nofollow");
    if (found === null) throw errno.ENOENT;
    return found;
  }

  /** As `resolve`, by AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH. */
  #resolveAt(at: At, path: ByteString, flags: number): Path {
    if (path.length === 0 && (flags & AT.EMPTY_PATH) !== 0) return at?.path ?? this.#cwd;
    return this.resolve(at, path, (flags & AT.SYMLINK_NOFOLLOW) === 0);
  }

  /** For calls that make or remove a name; `onDots`: what `/`, `.` and `..` answer. */
  #place(at: At, path: ByteString, onDots: (name: ByteString) => unknown): Place {
    const { parent, name, found, slash } = this.#walk(at, path, "parent");
    if (parent === null) throw onDots(name);
    return { parent, name, found, slash };
  }

  /** A name that is free, in a directory that may be written. Throws EEXIST, EROFS, EACCES, ENOENT. */
  #free(at: At, path: ByteString, isDirectory: boolean): Place {
    const place = this.#place(at, path, () => errno.EEXIST);
    if (place.found !== null) throw errno.EEXIST;
    if (place.slash && !isDirectory) throw errno.ENOENT;
    this.#requireCreatable(place.parent);
    return place;
  }

  #requireCreatable(parent: Path): void {
    if (parent.dentry.deleted) throw errno.ENOENT;
    requireWritable(parent.mount);
    require(parent.inode, ACCESS.W_OK | ACCESS.X_OK, this.credentials);
  }

  #creation(mode: number): { mode: number; uid: number; gid: number } {
    return { mode: mode & ~this.umask, uid: this.credentials.user.fs, gid: this.credentials.group.fs };
  }

  // ── opening ────────────────────────────────────────────────────────────────────────────────────────────────────
  /** openat(2), openat2(2) with `resolve` (RESOLVE). Waits at a FIFO that nobody has opened on the other side. */
  open(at: At, path: ByteString, flags: number, mode: number, resolve = 0): FileDescription | Wait<FileDescription> {
    if ((resolve & ~KNOWN_RESOLVE) !== 0) throw errno.EINVAL;
    if ((resolve & RESOLVE.BENEATH) !== 0 && (resolve & RESOLVE.IN_ROOT) !== 0) throw errno.EINVAL;
    if ((resolve & RESOLVE.CACHED) !== 0) throw errno.EAGAIN;
    let how = flags;
    if ((how & O.PATH) !== 0) how &= O.PATH | O.DIRECTORY | O.NOFOLLOW | O.CLOEXEC;
    const creates = (how & O.CREAT) !== 0;
    if (creates && (how & O.DIRECTORY) !== 0) throw errno.EINVAL;
    if ((how & O.TMPFILE) === O.TMPFILE && (how & O.PATH) === 0) return this.#openNameless(at, path, how, mode, resolve);

    const exclusive = creates && (how & O.EXCL) !== 0;
    const follow = (how & O.NOFOLLOW) === 0 && !exclusive;
    const { parent, name, found, slash } = this.#walk(at, path, follow ? "follow" : "nofollow", resolve);
    if (found === null) {
      if (!creates || parent === null) throw errno.ENOENT;
      if (slash) throw errno.EISDIR;
      this.#requireCreatable(parent);
      const creation = { ...this.#creation(mode & 0o7777), openFlags: how };
      const dentry = new Dentry(parent.dentry, name, parent.inode.create(name, creation));
      return this.#openFile(new Path(parent.mount, dentry), how & ~O.TRUNC);
    }
    if (exclusive) throw errno.EEXIST;
    return this.#openFound(found, how);
  }

  #openFound(path: Path, flags: number): FileDescription | Wait<FileDescription> {
    const { inode, mount } = path;
    const access = flags & O.ACCMODE;
    const writes = access !== O.RDONLY || (flags & O.TRUNC) !== 0;
    if (inode.isDirectory && (flags & O.CREAT) !== 0) throw errno.EISDIR;
    if (!inode.isDirectory && (flags & O.DIRECTORY) !== 0) throw errno.ENOTDIR;
    if ((flags & O.PATH) !== 0) return new PathDescription(path, flags);
    switch (inode.type) {
      case S.IFLNK:
        throw errno.ELOOP;
      case S.IFDIR:
        if (writes) throw errno.EISDIR;
        break;
      case S.IFSOCK:
        throw errno.ENXIO;
      case S.IFCHR:
      case S.IFBLK:
        if (mount.noDev) throw errno.EACCES;
        break;
      case S.IFREG:
        if (writes) requireWritable(mount);
    }
    let want = access === O.WRONLY ? ACCESS.W_OK : access === O.RDONLY ? ACCESS.R_OK : ACCESS.R_OK | ACCESS.W_OK;
    if ((flags & O.TRUNC) !== 0) want |= ACCESS.W_OK;
    require(inode, want, this.credentials);
    return this.#openFile(path, flags);
  }

  #openFile(path: Path, flags: number): FileDescription | Wait<FileDescription> {
    const { dentry } = path;
    const opened = dentry.inode.open(path, flags, this.credentials);
    if (opened instanceof Wait) return opened;
    if ((flags & O.TRUNC) !== 0 && dentry.inode.type === S.IFREG) {
      try {
        if (opened.writable) opened.truncate(0);
        else dentry.inode.setAttributes({ size: 0 });
      } catch (error) {
        discard(opened);
        throw error;
      }
    }
    // While it is open its name is kept, so that a rename or unlink reaches what /proc/self/fd shows.
    const { parent } = dentry;
    if (parent !== null && !dentry.deleted && !dentry.inode.isDirectory && parent.child(dentry.name) === undefined) {
      parent.keep(dentry);
      opened.onRelease(() => {
        if (dentry.holders === 0 && dentry.mounted === null && dentry.parent?.child(dentry.name) === dentry) {
          dentry.parent.children?.delete(dentry.name);
        }
      });
    }
    return opened;
  }

  #openNameless(at: At, path: ByteString, flags: number, mode: number, resolve: number): FileDescription | Wait<FileDescription> {
    if ((flags & O.ACCMODE) === O.RDONLY) throw errno.EINVAL;
    const { found } = this.#walk(at, path, "follow", resolve);
    if (found === null) throw errno.ENOENT;
    if (!found.inode.isDirectory) throw errno.ENOTDIR;
    this.#requireCreatable(found);
    const inode = found.inode.createNameless(this.#creation(mode & 0o7777));
    const dentry = new Dentry(found.dentry, `#${inode.stat().ino}`, inode);
    dentry.deleted = true;
    return inode.open(new Path(found.mount, dentry), flags & ~O.TMPFILE, this.credentials);
  }

  /** Opens a regular file for execve(2): EACCES unless it is a regular file with execute permission. */
  openExecutable(path: ByteString, at: At = null, flags = 0): FileDescription {
    const found = this.#resolveAt(at, path, flags);
    if (found.inode.isSymlink) throw errno.ELOOP;
    if (found.inode.type !== S.IFREG || found.mount.noExec) throw errno.EACCES;
    if (!found.inode.mayAccess(ACCESS.X_OK, this.credentials, false)) throw errno.EACCES;
    const opened = found.inode.open(found, O.RDONLY, this.credentials);
    if (opened instanceof Wait) throw errno.EACCES;
    return opened;
  }

  // ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────
  /** fstatat(2), statx(2): `flags` AT.SYMLINK_NOFOLLOW, AT.EMPTY_PATH (then fstat of `at`). */
  stat(at: At, path: ByteString, flags: number): Stat {
    if (path.length === 0 && (flags & AT.EMPTY_PATH) !== 0 && at !== null) return at.stat();
    if (path.length === 0 && (flags & AT.EMPTY_PATH) !== 0) return this.#cwd.inode.stat();
    const { parent, found } = this.#walk(at, path, (flags & AT.SYMLINK_NOFOLLOW) === 0 ? "follow" : "nofollow");
    if (found === null) throw errno.ENOENT;
    return parent?.mount === found.mount ? found.inode.statSeen() : found.inode.stat();
  }

  /** faccessat2(2): `mode` ACCESS, `flags` AT.EACCESS, AT.SYMLINK_NOFOLLOW, AT.EMPTY_PATH. */
  access(at: At, path: ByteString, mode: number, flags: number): void {
    if ((mode & ~7) !== 0 || (flags & ~(AT.EACCESS | AT.SYMLINK_NOFOLLOW | AT.EMPTY_PATH)) !== 0) throw errno.EINVAL;
    const { inode, mount } = this.#resolveAt(at, path, flags);
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
    const { name, reachable, deleted } = pathName(this.#cwd, this.#root);
    if (deleted) throw errno.ENOENT;
    return reachable ? name : `(unreachable)${name}`;
  }

  /** The path as this process sees it, as /proc/self/fd/N prints it (" (deleted)" included). */
  nameOf(path: Path): ByteString {
    const { name, deleted } = pathName(path, this.#root);
    return deleted ? `${name} (deleted)` : name;
  }

  // ── changing the tree ──────────────────────────────────────────────────────────────────────────────────────────
  mkdir(at: At, path: ByteString, mode: number): void {
    const { parent, name } = this.#free(at, path, true);
    parent.inode.mkdir(name, this.#creation(mode & 0o1777));
  }

  /** mknodat(2): `mode` with its type; regular files, FIFOs and sockets; devices are EPERM. */
  mknod(at: At, path: ByteString, mode: number, _device: DeviceNumber): void {
    const type = mode & S.IFMT || S.IFREG;
    if (type === S.IFDIR) throw errno.EPERM;
    if (type === S.IFCHR || type === S.IFBLK) throw errno.EPERM;
    if (type !== S.IFREG && type !== S.IFIFO && type !== S.IFSOCK) throw errno.EINVAL;
    const { parent, name } = this.#free(at, path, false);
    parent.inode.mknod(name, this.#creation(type | (mode & 0o7777)));
  }

  /** unlinkat(2): `flags` AT.REMOVEDIR. */
  unlink(at: At, path: ByteString, flags: number): void {
    if ((flags & ~AT.REMOVEDIR) !== 0) throw errno.EINVAL;
    if (flags === AT.REMOVEDIR) {
      this.rmdir(at, path);
      return;
    }
    const { parent, name, found, slash } = this.#place(at, path, () => errno.EISDIR);
    if (found === null) throw errno.ENOENT;
    if (slash) throw found.inode.isDirectory ? errno.EISDIR : errno.ENOTDIR;
    requireWritable(parent.mount);
    requireRemovable(parent.inode, found.inode, this.credentials);
    if (found.inode.isDirectory) throw errno.EISDIR;
    requireUnmounted(parent, found);
    parent.inode.unlink(name, found.inode);
    parent.dentry.drop(name);
  }

  rmdir(at: At, path: ByteString): void {
    const { parent, name, found } = this.#place(at, path, (last) =>
      last === "." ? errno.EINVAL : last === ".." ? errno.ENOTEMPTY : errno.EBUSY,
    );
    if (found === null) throw errno.ENOENT;
    requireWritable(parent.mount);
    requireRemovable(parent.inode, found.inode, this.credentials);
    if (!found.inode.isDirectory) throw errno.ENOTDIR;
    requireUnmounted(parent, found);
    if (holdsMount(found.dentry)) throw errno.EBUSY;
    parent.inode.rmdir(name, found.inode);
    parent.dentry.drop(name);
  }

  /** linkat(2): `flags` AT.SYMLINK_FOLLOW, AT.EMPTY_PATH. */
  link(oldAt: At, oldPath: ByteString, newAt: At, newPath: ByteString, flags: number): void {
    if ((flags & ~(AT.SYMLINK_FOLLOW | AT.EMPTY_PATH)) !== 0) throw errno.EINVAL;
    const old =
      oldPath.length === 0 && (flags & AT.EMPTY_PATH) !== 0
        ? (oldAt?.path ?? this.#cwd)
        : this.resolve(oldAt, oldPath, (flags & AT.SYMLINK_FOLLOW) !== 0);
    const { parent, name } = this.#free(newAt, newPath, false);
    if (old.mount !== parent.mount) throw errno.EXDEV;
    if (old.inode.isDirectory) throw errno.EPERM;
    parent.inode.link(name, old.inode);
  }

  symlink(target: ByteString, at: At, path: ByteString): void {
    if (target.length === 0) throw errno.ENOENT;
    if (target.length >= PATH_MAX) throw errno.ENAMETOOLONG;
    const { parent, name } = this.#free(at, path, false);
    parent.inode.symlink(name, target, this.#creation(0o777));
  }

  /** renameat2(2): `flags` RENAME. */
  rename(oldAt: At, oldPath: ByteString, newAt: At, newPath: ByteString, flags: number): void {
    const exchange = (flags & RENAME.EXCHANGE) !== 0;
    if ((flags & ~(RENAME.NOREPLACE | RENAME.EXCHANGE)) !== 0) throw errno.EINVAL;
    if (exchange && (flags & RENAME.NOREPLACE) !== 0) throw errno.EINVAL;
    const from = this.#place(oldAt, oldPath, () => errno.EBUSY);
    const to = this.#place(newAt, newPath, () => ((flags & RENAME.NOREPLACE) !== 0 ? errno.EEXIST : errno.EBUSY));
    if (from.parent.mount !== to.parent.mount) throw errno.EXDEV;
    requireWritable(from.parent.mount);
    const old = from.found;
    if (old === null) throw errno.ENOENT;
    const other = to.found;
    if (other !== null && (flags & RENAME.NOREPLACE) !== 0) throw errno.EEXIST;
    if (other === null && exchange) throw errno.ENOENT;
    if (!old.inode.isDirectory && (from.slash || (to.slash && !exchange))) throw errno.ENOTDIR;
    if (to.parent.dentry.deleted) throw errno.ENOENT;
    if (to.parent.dentry.isWithin(old.dentry)) throw errno.EINVAL;
    if (other !== null && from.parent.dentry.isWithin(other.dentry)) throw exchange ? errno.EINVAL : errno.ENOTEMPTY;
    requireUnmounted(from.parent, old);
    if (holdsMount(old.dentry)) throw errno.EBUSY;
    requireRemovable(from.parent.inode, old.inode, this.credentials);
    if (other === null) require(to.parent.inode, ACCESS.W_OK | ACCESS.X_OK, this.credentials);
    else {
      requireUnmounted(to.parent, other);
      if (holdsMount(other.dentry)) throw errno.EBUSY;
      requireRemovable(to.parent.inode, other.inode, this.credentials);
      if (other.inode.identity === old.inode.identity) return;
      if (!exchange && old.inode.isDirectory && !other.inode.isDirectory) throw errno.ENOTDIR;
      if (!exchange && !old.inode.isDirectory && other.inode.isDirectory) throw errno.EISDIR;
    }
    from.parent.inode.rename(from.name, old.inode, to.parent.inode, to.name, flags);

    from.parent.dentry.children?.delete(from.name);
    if (exchange && other !== null) {
      to.parent.dentry.children?.delete(to.name);
      moveDentry(other.dentry, from.parent.dentry, from.name);
    } else to.parent.dentry.drop(to.name);
    moveDentry(old.dentry, to.parent.dentry, to.name);
  }

  // ── changing a file ────────────────────────────────────────────────────────────────────────────────────────────
  /** `opened`: the description that the file was given by, if it was not a path. */
  #change(path: Path, changes: Attributes, opened: FileDescription | null = null): void {
    requireWritable(path.mount);
    if (opened === null || (opened.flags & O.PATH) !== 0) path.inode.setAttributes(changes);
    else opened.setAttributes(changes);
  }

  truncate(path: ByteString, size: number): void {
    if (size < 0) throw errno.EINVAL;
    const found = this.resolve(null, path, true);
    if (found.inode.isDirectory) throw errno.EISDIR;
    if (found.inode.type !== S.IFREG) throw errno.EINVAL;
    requireWritable(found.mount);
    require(found.inode, ACCESS.W_OK, this.credentials);
    this.#change(found, { size });
  }

  /** fchmodat2(2) */
  chmod(at: At, path: ByteString, mode: number, flags: number): void {
    const opened = path.length === 0 ? at : null;
    this.#chmod(this.#resolveAt(at, path, flags), mode, opened);
  }
  fchmod(description: FileDescription, mode: number): void {
    if ((description.flags & O.PATH) !== 0) throw errno.EBADF;
    this.#chmod(description.path, mode, description);
  }
  #chmod(path: Path, mode: number, opened: FileDescription | null): void {
    if (path.inode.isSymlink) throw errno.EOPNOTSUPP;
    requireWritable(path.mount);
    requireOwner(path.inode, this.credentials);
    this.#change(path, { mode: mode & 0o7777 }, opened);
  }

  /** fchownat(2): 0xffffffff leaves an id as it is. */
  chown(at: At, path: ByteString, uid: number, gid: number, flags: number): void {
    const opened = path.length === 0 ? at : null;
    this.#chown(this.#resolveAt(at, path, flags), uid, gid, opened);
  }
  fchown(description: FileDescription, uid: number, gid: number): void {
    if ((description.flags & O.PATH) !== 0) throw errno.EBADF;
    this.#chown(description.path, uid, gid, description);
  }
  #chown(path: Path, uid: number, gid: number, opened: FileDescription | null): void {
    requireWritable(path.mount);
    const { credentials } = this;
    const changes: { uid?: number; gid?: number; mode?: number } = {};
    if (uid >>> 0 !== UNCHANGED) changes.uid = uid >>> 0;
    if (gid >>> 0 !== UNCHANGED) changes.gid = gid >>> 0;
    const now = opened?.stat() ?? path.inode.stat();
    if (credentials.user.fs !== 0) {
      if (now.uid !== credentials.user.fs) throw errno.EPERM;
      if (changes.uid !== undefined && changes.uid !== now.uid) throw errno.EPERM;
      const inGroup = changes.gid === undefined || changes.gid === now.gid || changes.gid === credentials.group.fs;
      if (!inGroup && !credentials.groups.includes(changes.gid ?? -1)) throw errno.EPERM;
    }
    // chown(2): a change of owner takes the set-user-ID and set-group-ID bits of a program away.
    const special = now.mode & (S.ISUID | ((now.mode & 0o010) !== 0 ? S.ISGID : 0));
    if (special !== 0 && path.inode.type === S.IFREG) changes.mode = now.mode & 0o7777 & ~special;
    this.#change(path, changes, opened);
  }

  /** utimensat(2); `path` null: the file of `at` itself (futimens). */
  setTimes(at: At, path: ByteString | null, atime: NewTime, mtime: NewTime, flags: number): void {
    let found: Path;
    if (path === null) {
      if (at === null) throw errno.EFAULT;
      found = at.path;
    } else found = this.#resolveAt(at, path, flags);
    if (atime === "omit" && mtime === "omit") return;
    requireWritable(found.mount);
    if (atime === "now" && mtime === "now") {
      const owns = this.credentials.user.fs === 0 || found.inode.stat().uid === this.credentials.user.fs;
      if (!owns) require(found.inode, ACCESS.W_OK, this.credentials);
    } else requireOwner(found.inode, this.credentials);
    const now = realtime();
    const changes: { atime?: bigint; mtime?: bigint } = {};
    if (atime !== "omit") changes.atime = atime === "now" ? now : atime;
    if (mtime !== "omit") changes.mtime = mtime === "now" ? now : mtime;
    this.#change(found, changes, path === null || path.length === 0 ? at : null);
  }

  // ── places ─────────────────────────────────────────────────────────────────────────────────────────────────────
  #enterable(path: Path): Path {
    if (!path.inode.isDirectory) throw errno.ENOTDIR;
    if (!path.inode.mayAccess(ACCESS.X_OK, this.credentials, false)) throw errno.EACCES;
    path.dentry.holders++;
    return path;
  }

  chdir(path: ByteString): void {
    this.#setCwd(this.#enterable(this.resolve(null, path, true)));
  }
  fchdir(description: FileDescription): void {
    this.#setCwd(this.#enterable(description.path));
  }
  #setCwd(path: Path): void {
    this.#cwd.dentry.holders--;
    this.#cwd = path;
  }

  /** EPERM unless privileged. */
  chroot(path: ByteString): void {
    const found = this.#enterable(this.resolve(null, path, true));
    if (!this.credentials.isPrivileged) {
      found.dentry.holders--;
      throw errno.EPERM;
    }
    this.#root.dentry.holders--;
    this.#root = found;
  }

  /** Mounting is the view's business: EPERM. */
  mount(): never {
    throw errno.EPERM;
  }
  umount(): never {
    throw errno.EPERM;
  }

  // ── extended attributes: EOPNOTSUPP, no file system here has any ───────────────────────────────────────────────
  getXattr(at: At, path: ByteString, name: ByteString, flags: number): Uint8Array {
    return this.#resolveAt(at, path, flags).inode.getXattr(name);
  }
  setXattr(at: At, path: ByteString, _name: ByteString, _value: Uint8Array, flags: number): void {
    this.#resolveAt(at, path, flags);
    throw errno.EOPNOTSUPP;
  }
  listXattr(at: At, path: ByteString, flags: number): readonly ByteString[] {
    return this.#resolveAt(at, path, flags).inode.listXattr();
  }
  removeXattr(at: At, path: ByteString, _name: ByteString, flags: number): void {
    this.#resolveAt(at, path, flags);
    throw errno.EOPNOTSUPP;
  }

  // ── without a path ─────────────────────────────────────────────────────────────────────────────────────────────
  /** memfd_create(2): `sealable` MFD_ALLOW_SEALING. */
  memfd(name: ByteString, sealable: boolean): FileDescription {
    if (name.length > 249) throw errno.EINVAL;
    const fs = memfdFileSystem(this.#root.mount);
    const inode = fs.root.createNameless({ mode: 0o777, uid: this.credentials.user.fs, gid: this.credentials.group.fs });
    if (sealable) {
      inode.sealable = true;
      inode.seals = 0;
    }
    return anonymous(fs, inode, `/memfd:${name}`, (path) => inode.open(path, O.RDWR));
  }
}

/** One for each tree: memfds count against the same limit as its other files in memory. */
const memfdFileSystems = new WeakMap<Mount, TmpFs>();

function memfdFileSystem(root: Mount): TmpFs {
  let fs = memfdFileSystems.get(root);
  if (fs === undefined) {
    const shared = root.fs instanceof TmpFs ? root.fs.quota : (root.quota ?? new Quota(1 << 30));
    memfdFileSystems.set(root, (fs = new TmpFs(shared)));
  }
  return fs;
}

/** A description of a file without a name in the tree. */
function anonymous(fs: TmpFs, inode: Inode, name: ByteString, open: (path: Path) => FileDescription): FileDescription {
  const dentry = new Dentry(null, name, inode);
  dentry.deleted = true;
  return open(new Path(new Mount(fs, dentry, null), dentry));
}

function requireWritable(mount: Mount): void {
  if (mount.readOnly) throw errno.EROFS;
}

/** A mount point, or a directory that only leads to one, cannot be removed or renamed. */
function requireUnmounted(parent: Path, child: Path): void {
  if (child.mount !== parent.mount || child.dentry.synthetic) throw errno.EBUSY;
}

/** True if something is mounted below: Linux would take the mount along or detach it; here it keeps its place. */
function holdsMount(dentry: Dentry): boolean {
  return dentry.children !== null && below(dentry).some((child) => child.mounted !== null || child.synthetic);
}

function moveDentry(dentry: Dentry, parent: Dentry, name: ByteString): void {
  dentry.parent = parent;
  dentry.name = name;
  if (dentry.inode.isDirectory || dentry.holders > 0) parent.keep(dentry);
}

/** Closes a description that nobody will get. */
function discard(description: FileDescription): void {
  description.retain();
  description.release();
}

function statfsOf({ mount }: Path): StatFs {
  const facts = mount.fs.statfs();
  const flags =
    (mount.readOnly ? ST_RDONLY : 0) | (mount.noSuid ? ST_NOSUID : 0) | (mount.noDev ? ST_NODEV : 0) | (mount.noExec ? ST_NOEXEC : 0);
  return { ...facts, flags: facts.flags | flags };
}
