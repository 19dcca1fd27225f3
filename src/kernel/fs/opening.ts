/** open(2) and its kin: from a path, or none, to an open file description. */
import { errno } from "../errno.ts";
import { Wait } from "../wait.ts";
import type { ByteString } from "./byte-string.ts";
import { Dentry, Mount, Path } from "./dentry.ts";
import { PathDescription } from "./file-description.ts";
import type { FileDescription } from "./file-description.ts";
import { ACCESS, O, RESOLVE, S } from "./flags.ts";
import type { Inode } from "./inode.ts";
import { require } from "./permission.ts";
import { requireWritable } from "./resolver.ts";
import type { At, Resolver } from "./resolver.ts";
import { Quota } from "./sparse-bytes.ts";
import { TmpFs } from "./tmpfs.ts";
import { IN } from "./watches.ts";

const KNOWN_RESOLVE = 0x3f;

/** openat(2), openat2(2) with `resolve` (RESOLVE). Waits at a FIFO that nobody has opened on the other side. */
export function open(
  fs: Resolver,
  at: At,
  path: ByteString,
  flags: number,
  mode: number,
  resolve = 0,
): FileDescription | Wait<FileDescription> {
  if ((resolve & ~KNOWN_RESOLVE) !== 0) throw errno.EINVAL;
  if ((resolve & RESOLVE.BENEATH) !== 0 && (resolve & RESOLVE.IN_ROOT) !== 0) throw errno.EINVAL;
  if ((resolve & RESOLVE.CACHED) !== 0) throw errno.EAGAIN;
  let how = flags;
  if ((how & O.PATH) !== 0) how &= O.PATH | O.DIRECTORY | O.NOFOLLOW | O.CLOEXEC;
  const creates = (how & O.CREAT) !== 0;
  if (creates && (how & O.DIRECTORY) !== 0) throw errno.EINVAL;
  if ((how & O.TMPFILE) === O.TMPFILE && (how & O.PATH) === 0) return openNameless(fs, at, path, how, mode, resolve);

  const exclusive = creates && (how & O.EXCL) !== 0;
  const follow = (how & O.NOFOLLOW) === 0 && !exclusive;
  const { parent, name, found, slash } = fs.walk(at, path, follow ? "follow" : "nofollow", resolve);
  if (found === null) {
    if (!creates || parent === null) throw errno.ENOENT;
    if (slash) throw errno.EISDIR;
    fs.requireCreatable(parent);
    const creation = { ...fs.creation(mode & 0o7777), openFlags: how };
    const dentry = new Dentry(parent.dentry, name, parent.inode.create(name, creation));
    parent.mount.watches.entry(parent, name, IN.CREATE, false);
    return openFile(fs, new Path(parent.mount, dentry), how & ~O.TRUNC);
  }
  if (exclusive) throw errno.EEXIST;
  return openFound(fs, found, how);
}

function openFound(fs: Resolver, path: Path, flags: number): FileDescription | Wait<FileDescription> {
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
  require(inode, want, fs.credentials);
  return openFile(fs, path, flags);
}

function openFile(fs: Resolver, path: Path, flags: number): FileDescription | Wait<FileDescription> {
  const { dentry } = path;
  const opened = dentry.inode.open(path, flags, fs.credentials);
  if (opened instanceof Wait) return opened;
  path.mount.watches.file(path, IN.OPEN);
  if ((flags & O.TRUNC) !== 0 && dentry.inode.type === S.IFREG) {
    try {
      if (opened.writable) opened.truncate(0);
      else dentry.inode.setAttributes({ size: 0 });
      path.mount.watches.file(path, IN.MODIFY);
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

function openNameless(
  fs: Resolver,
  at: At,
  path: ByteString,
  flags: number,
  mode: number,
  resolve: number,
): FileDescription | Wait<FileDescription> {
  if ((flags & O.ACCMODE) === O.RDONLY) throw errno.EINVAL;
  const { found } = fs.walk(at, path, "follow", resolve);
  if (found === null) throw errno.ENOENT;
  if (!found.inode.isDirectory) throw errno.ENOTDIR;
  fs.requireCreatable(found);
  const inode = found.inode.createNameless(fs.creation(mode & 0o7777));
  const dentry = new Dentry(found.dentry, `#${inode.stat().ino}`, inode);
  dentry.deleted = true;
  return inode.open(new Path(found.mount, dentry), flags & ~O.TMPFILE, fs.credentials);
}

/** Opens a regular file for execve(2): EACCES unless it is a regular file with execute permission. */
export function openExecutable(fs: Resolver, path: ByteString, at: At = null, flags = 0): FileDescription {
  const found = fs.resolveAt(at, path, flags);
  if (found.inode.isSymlink) throw errno.ELOOP;
  if (found.inode.type !== S.IFREG || found.mount.noExec) throw errno.EACCES;
  if (!found.inode.mayAccess(ACCESS.X_OK, fs.credentials, false)) throw errno.EACCES;
  const opened = found.inode.open(found, O.RDONLY, fs.credentials);
  if (opened instanceof Wait) throw errno.EACCES;
  return opened;
}

/** memfd_create(2): `sealable` MFD_ALLOW_SEALING. */
export function memfd(fs: Resolver, name: ByteString, sealable: boolean): FileDescription {
  if (name.length > 249) throw errno.EINVAL;
  const memory = memfdFileSystem(fs.root.mount);
  const { user, group } = fs.credentials;
  const inode = memory.root.createNameless({ mode: 0o777, uid: user.fs, gid: group.fs });
  if (sealable) {
    inode.sealable = true;
    inode.seals = 0;
  }
  return anonymous(memory, inode, `/memfd:${name}`, (path) => inode.open(path, O.RDWR));
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

/** Closes a description that nobody will get. */
function discard(description: FileDescription): void {
  description.retain();
  description.release();
}
