/** Calls that change what is known of a file: its size, mode, owner and times. */
import { realtime } from "../../host/clock.ts";
import { errno } from "../errno.ts";
import type { ByteString } from "./byte-string.ts";
import type { Path } from "./dentry.ts";
import type { FileDescription } from "./file-description.ts";
import { ACCESS, O, S } from "./flags.ts";
import type { Attributes } from "./inode.ts";
import { require, requireOwner } from "./permission.ts";
import { requireWritable } from "./resolver.ts";
import type { At, Resolver } from "./resolver.ts";
import { IN } from "./watches.ts";

/** utimensat(2): nanoseconds since the epoch, or UTIME_NOW, UTIME_OMIT. */
export type NewTime = bigint | "now" | "omit";

const UNCHANGED = 0xffffffff;

/** `opened`: the description that the file was given by, if it was not a path. */
function change(path: Path, changes: Attributes, opened: FileDescription | null = null): void {
  requireWritable(path.mount);
  if (opened === null || (opened.flags & O.PATH) !== 0) path.inode.setAttributes(changes);
  else opened.setAttributes(changes);
  const isContent = changes.size !== undefined;
  path.mount.watches.file(path, isContent ? IN.MODIFY : IN.ATTRIB);
}

export function truncate(fs: Resolver, path: ByteString, size: number): void {
  if (size < 0) throw errno.EINVAL;
  const found = fs.resolve(null, path, true);
  if (found.inode.isDirectory) throw errno.EISDIR;
  if (found.inode.type !== S.IFREG) throw errno.EINVAL;
  requireWritable(found.mount);
  require(found.inode, ACCESS.W_OK, fs.credentials);
  change(found, { size });
}

/** fchmodat2(2) */
export function chmod(fs: Resolver, at: At, path: ByteString, mode: number, flags: number): void {
  const opened = path.length === 0 ? at : null;
  changeMode(fs, fs.resolveAt(at, path, flags), mode, opened);
}
export function fchmod(fs: Resolver, description: FileDescription, mode: number): void {
  if ((description.flags & O.PATH) !== 0) throw errno.EBADF;
  changeMode(fs, description.path, mode, description);
}
function changeMode(fs: Resolver, path: Path, mode: number, opened: FileDescription | null): void {
  if (path.inode.isSymlink) throw errno.EOPNOTSUPP;
  requireWritable(path.mount);
  requireOwner(path.inode, fs.credentials);
  change(path, { mode: mode & 0o7777 }, opened);
}

/** fchownat(2): 0xffffffff leaves an id as it is. */
export function chown(fs: Resolver, at: At, path: ByteString, uid: number, gid: number, flags: number): void {
  const opened = path.length === 0 ? at : null;
  changeOwner(fs, fs.resolveAt(at, path, flags), uid, gid, opened);
}
export function fchown(fs: Resolver, description: FileDescription, uid: number, gid: number): void {
  if ((description.flags & O.PATH) !== 0) throw errno.EBADF;
  changeOwner(fs, description.path, uid, gid, description);
}
function changeOwner(fs: Resolver, path: Path, uid: number, gid: number, opened: FileDescription | null): void {
  requireWritable(path.mount);
  const { credentials } = fs;
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
  change(path, changes, opened);
}

/** utimensat(2); `path` null: the file of `at` itself (futimens). */
export function setTimes(
  fs: Resolver,
  at: At,
  path: ByteString | null,
  atime: NewTime,
  mtime: NewTime,
  flags: number,
): void {
  let found: Path;
  if (path === null) {
    if (at === null) throw errno.EFAULT;
    found = at.path;
  } else found = fs.resolveAt(at, path, flags);
  if (atime === "omit" && mtime === "omit") return;
  requireWritable(found.mount);
  if (atime === "now" && mtime === "now") {
    const owns = fs.credentials.user.fs === 0 || found.inode.stat().uid === fs.credentials.user.fs;
    if (!owns) require(found.inode, ACCESS.W_OK, fs.credentials);
  } else requireOwner(found.inode, fs.credentials);
  const now = realtime();
  const changes: { atime?: bigint; mtime?: bigint } = {};
  if (atime !== "omit") changes.atime = atime === "now" ? now : atime;
  if (mtime !== "omit") changes.mtime = mtime === "now" ? now : mtime;
  change(found, changes, path === null || path.length === 0 ? at : null);
}
