/** Calls that make, remove and move names. */
import { errno } from "../errno.ts";
import type { ByteString } from "./byte-string.ts";
import type { Dentry, Path } from "./dentry.ts";
import { ACCESS, AT, RENAME, S } from "./flags.ts";
import type { DeviceNumber, Inode } from "./inode.ts";
import { require, requireRemovable } from "./permission.ts";
import { requireWritable } from "./resolver.ts";
import type { At, Resolver } from "./resolver.ts";
import { below } from "./walk.ts";
import { IN } from "./watches.ts";

const PATH_MAX = 4096;

export function mkdir(fs: Resolver, at: At, path: ByteString, mode: number): void {
  const { parent, name } = fs.free(at, path, true);
  parent.inode.mkdir(name, fs.creation(mode & 0o1777));
  parent.mount.watches.entry(parent, name, IN.CREATE, true);
}

const NODE_TYPES: readonly number[] = [S.IFREG, S.IFIFO, S.IFSOCK, S.IFCHR, S.IFBLK];

/** mknodat(2): `mode` with its type; devices are root's to make. */
export function mknod(fs: Resolver, at: At, path: ByteString, mode: number, rdev: DeviceNumber): Inode {
  const type = mode & S.IFMT || S.IFREG;
  if (type === S.IFDIR) throw errno.EPERM;
  if (!NODE_TYPES.includes(type)) throw errno.EINVAL;
  const isDevice = type === S.IFCHR || type === S.IFBLK;
  if (isDevice && !fs.credentials.isPrivileged) throw errno.EPERM;
  const { parent, name } = fs.free(at, path, false);
  const made = parent.inode.mknod(name, { ...fs.creation(type | (mode & 0o7777)), ...(isDevice ? { rdev } : {}) });
  parent.mount.watches.entry(parent, name, IN.CREATE, false);
  return made;
}

/** unlinkat(2): `flags` AT.REMOVEDIR. */
export function unlink(fs: Resolver, at: At, path: ByteString, flags: number): void {
  if ((flags & ~AT.REMOVEDIR) !== 0) throw errno.EINVAL;
  if (flags === AT.REMOVEDIR) {
    rmdir(fs, at, path);
    return;
  }
  const { parent, name, found, slash } = fs.place(at, path, () => errno.EISDIR);
  if (found === null) throw errno.ENOENT;
  if (slash) throw found.inode.isDirectory ? errno.EISDIR : errno.ENOTDIR;
  requireWritable(parent.mount);
  requireRemovable(parent.inode, found.inode, fs.credentials);
  if (found.inode.isDirectory) throw errno.EISDIR;
  requireUnmounted(parent, found);
  removed(parent, name, found, () => parent.inode.unlink(name, found.inode));
}

export function rmdir(fs: Resolver, at: At, path: ByteString): void {
  const { parent, name, found } = fs.place(at, path, (last) =>
    last === "." ? errno.EINVAL : last === ".." ? errno.ENOTEMPTY : errno.EBUSY,
  );
  if (found === null) throw errno.ENOENT;
  requireWritable(parent.mount);
  requireRemovable(parent.inode, found.inode, fs.credentials);
  if (!found.inode.isDirectory) throw errno.ENOTDIR;
  requireUnmounted(parent, found);
  if (holdsMount(found.dentry)) throw errno.ENOTEMPTY;
  removed(parent, name, found, () => parent.inode.rmdir(name, found.inode));
}

/** Takes a name away, and tells who watches. */
function removed(parent: Path, name: ByteString, found: Path, remove: () => void): void {
  const { watches } = parent.mount;
  const whenGone = watches.removal(found);
  remove();
  parent.dentry.drop(name);
  watches.linkChanges(found);
  watches.entry(parent, name, IN.DELETE, found.inode.isDirectory);
  whenGone();
}

/** linkat(2): `flags` AT.SYMLINK_FOLLOW, AT.EMPTY_PATH. */
export function link(
  fs: Resolver,
  oldAt: At,
  oldPath: ByteString,
  newAt: At,
  newPath: ByteString,
  flags: number,
): void {
  if ((flags & ~(AT.SYMLINK_FOLLOW | AT.EMPTY_PATH)) !== 0) throw errno.EINVAL;
  const old =
    oldPath.length === 0 && (flags & AT.EMPTY_PATH) !== 0
      ? (oldAt?.path ?? fs.cwd)
      : fs.resolve(oldAt, oldPath, (flags & AT.SYMLINK_FOLLOW) !== 0);
  const { parent, name } = fs.free(newAt, newPath, false);
  if (old.mount !== parent.mount) throw errno.EXDEV;
  if (old.inode.isDirectory) throw errno.EPERM;
  parent.inode.link(name, old.inode);
  parent.mount.watches.linkChanges(old);
  parent.mount.watches.entry(parent, name, IN.CREATE, false);
}

export function symlink(fs: Resolver, target: ByteString, at: At, path: ByteString): void {
  if (target.length === 0) throw errno.ENOENT;
  if (target.length >= PATH_MAX) throw errno.ENAMETOOLONG;
  const { parent, name } = fs.free(at, path, false);
  parent.inode.symlink(name, target, fs.creation(0o777));
  parent.mount.watches.entry(parent, name, IN.CREATE, false);
}

/** renameat2(2): `flags` RENAME. */
export function rename(
  fs: Resolver,
  oldAt: At,
  oldPath: ByteString,
  newAt: At,
  newPath: ByteString,
  flags: number,
): void {
  const exchange = (flags & RENAME.EXCHANGE) !== 0;
  if ((flags & ~(RENAME.NOREPLACE | RENAME.EXCHANGE)) !== 0) throw errno.EINVAL;
  if (exchange && (flags & RENAME.NOREPLACE) !== 0) throw errno.EINVAL;
  const from = fs.place(oldAt, oldPath, () => errno.EBUSY);
  const to = fs.place(newAt, newPath, () => ((flags & RENAME.NOREPLACE) !== 0 ? errno.EEXIST : errno.EBUSY));
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
  requireRemovable(from.parent.inode, old.inode, fs.credentials);
  if (other === null) require(to.parent.inode, ACCESS.W_OK | ACCESS.X_OK, fs.credentials);
  else {
    requireUnmounted(to.parent, other);
    if (holdsMount(other.dentry)) throw errno.EBUSY;
    requireRemovable(to.parent.inode, other.inode, fs.credentials);
    if (other.inode.identity === old.inode.identity) return;
    if (!exchange && old.inode.isDirectory && !other.inode.isDirectory) throw errno.ENOTDIR;
    if (!exchange && !old.inode.isDirectory && other.inode.isDirectory) throw errno.EISDIR;
  }
  const { watches } = from.parent.mount;
  const whenReplaced = other === null || exchange ? null : watches.removal(other);
  from.parent.inode.rename(from.name, old.inode, to.parent.inode, to.name, flags);

  from.parent.dentry.children?.delete(from.name);
  if (exchange && other !== null) {
    to.parent.dentry.children?.delete(to.name);
    moveDentry(other.dentry, from.parent.dentry, from.name);
  } else to.parent.dentry.drop(to.name);
  moveDentry(old.dentry, to.parent.dentry, to.name);
  watches.moved(from.parent, from.name, to.parent, to.name, old.inode);
  if (exchange && other !== null) watches.moved(to.parent, to.name, from.parent, from.name, other.inode);
  if (whenReplaced !== null && other !== null) {
    watches.linkChanges(other);
    whenReplaced();
  }
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
