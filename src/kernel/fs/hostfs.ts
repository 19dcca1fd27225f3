/**
 * A host directory, or one host file, as a file system. All that is done goes through `host/files.ts`, one name at a
 * time below the directory that was given; the guest's own text is never a path there.
 */
import * as host from "../../host/files.ts";
import type { HostStat, OpenHow } from "../../host/files.ts";
import { HostDirectory } from "../../host/files.ts";
import type { Credentials } from "../credentials.ts";
import { errno } from "../errno.ts";
import { openFifo } from "../pipe.ts";
import type { Wait } from "../wait.ts";
import type { ByteString } from "./byte-string.ts";
import type { Path } from "./dentry.ts";
import { DirectoryDescription } from "./directory.ts";
import type { FileDescription } from "./file-description.ts";
import { O, RENAME, S, direntType } from "./flags.ts";
import { fromHost, toErrno } from "./host-errors.ts";
import { HostFileDescription } from "./host-file.ts";
import { InodeNumbers } from "./inode-numbers.ts";
import { Inode } from "./inode.ts";
import type { Attributes, Creation, DeviceNumber, FileSystem, ListedName, Stat, StatFs } from "./inode.ts";
import { permits } from "./permission.ts";

const self = host.identity();

/** How a tree of the host is shown. */
export interface HostFsOptions {
  /** A second lock on the door: `Mount.readOnly` is the first. */
  readonly readOnly: boolean;
  /** Inode numbers of the whole view. */
  readonly numbers?: InodeNumbers;
  /** Guest ids that own what the host's user owns; null: ids are the host's. */
  readonly owner?: FileOwner | null;
}

export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

export class HostFs implements FileSystem {
  readonly type = "babelf";
  readonly dev: DeviceNumber;
  readonly volatile = true;
  readonly root: HostInode;
  readonly readOnly: boolean;
  readonly #top: HostDirectory;
  readonly #numbers: InodeNumbers;
  /** Null: the guest's ids are the host's. */
  readonly owner: FileOwner | null;

  /** `path`: absolute and real, a byte string. Throws an `Errno`. */
  constructor(path: ByteString, isDirectory: boolean, options: HostFsOptions) {
    this.readOnly = options.readOnly;
    this.owner = options.owner ?? null;
    this.#numbers = options.numbers ?? new InodeNumbers();
    const slash = path.lastIndexOf("/");
    this.#top = fromHost(() => HostDirectory.top(isDirectory ? path : path.slice(0, slash) || "/"));
    const name = path.slice(slash + 1);
    let stat: HostStat | undefined;
    try {
      stat = fromHost(() => (isDirectory ? this.#top.stat() : this.#top.statChild(name)));
      if (stat === undefined) throw errno.ENOENT;
    } catch (error) {
      this.close();
      throw error;
    }
    this.dev = { major: stat.devMajor, minor: stat.devMinor };
    this.root = isDirectory
      ? new HostInode(this, this.#top, "", this.#top, stat)
      : new HostInode(this, this.#top, name, null, stat);
  }

  close(): void {
    HostDirectory.closeTree(this.#top);
  }

  statfs(): StatFs {
    return hostStatFs(this.#top);
  }

  /** The host's facts as the guest sees them. */
  toStat(facts: HostStat): Stat {
    const stat = toStat(facts);
    const ino = this.#numbers.of(stat.dev, stat.ino);
    const { owner } = this;
    if (owner === null) return ino === stat.ino ? stat : { ...stat, ino };
    const uid = facts.uid === self?.uid ? owner.uid : facts.uid;
    const gid = facts.gid === self?.gid ? owner.gid : facts.gid;
    return { ...stat, ino, uid, gid };
  }

  /** The host's ids for an owner in the guest; an id that stands for none of the host's is the host's of that number. */
  hostOwner(uid: number, gid: number): FileOwner {
    const { owner } = this;
    if (owner === null || self === null) return { uid, gid };
    return { uid: uid === owner.uid ? self.uid : uid, gid: gid === owner.gid ? self.gid : gid };
  }
}

/** statfs(2) of the host's file system that a directory lies in. */
export function hostStatFs(directory: HostDirectory): StatFs {
  const facts = fromHost(() => directory.statfs());
  return {
    type: facts.type,
    blockSize: facts.bsize,
    blocks: facts.blocks,
    blocksFree: facts.bfree,
    blocksAvailable: facts.bavail,
    files: facts.files,
    filesFree: facts.ffree,
    nameLength: 255,
    flags: 0,
  };
}

export function toStat(stat: HostStat): Stat {
  const { ino, mode, nlink, uid, gid, size, blockSize, blocks, atime, mtime, ctime, btime } = stat;
  const dev = { major: stat.devMajor, minor: stat.devMinor };
  const rdev = { major: stat.rdevMajor, minor: stat.rdevMinor };
  return { dev, ino, mode, nlink, uid, gid, rdev, size, blockSize, blocks, atime, mtime, ctime, btime };
}

export function identityOf(stat: HostStat): string {
  return `${stat.devMajor}:${stat.devMinor}:${stat.ino}`;
}

export class HostInode extends Inode {
  readonly fs: HostFs;
  readonly type: number;
  /** Where its name is; of the root, the root itself. */
  #parent: HostDirectory;
  #name: ByteString;
  /** Of a directory. */
  readonly #directory: HostDirectory | null;
  /** From the last lookup; always of the same file. */
  #seen: HostStat;
  #identity: string | null = null;
  /** Of a file that was just created, for the open that follows. */
  #created: { fd: number; how: OpenHow } | null = null;

  constructor(fs: HostFs, parent: HostDirectory, name: ByteString, directory: HostDirectory | null, stat: HostStat) {
    super();
    this.fs = fs;
    this.type = stat.mode & S.IFMT;
    this.#parent = parent;
    this.#name = name;
    this.#directory = directory;
    this.#seen = stat;
  }

  override get identity(): string {
    return (this.#identity ??= identityOf(this.#seen));
  }

  override stat(): Stat {
    return this.fs.toStat(this.#fresh());
  }
  override statSeen(): Stat {
    return this.fs.toStat(this.#seen);
  }

  #fresh(): HostStat {
    const stat = fromHost(() =>
      this.#directory === null ? this.#parent.statChild(this.#name) : this.#directory.stat(),
    );
    if (stat === undefined) throw errno.ENOENT;
    return stat;
  }

  override checksItself(credentials: Credentials): boolean {
    if (this.fs.owner !== null) return false;
    return self === null || (credentials.user.fs === self.uid && credentials.group.fs === self.gid);
  }

  override mayAccess(want: number, credentials: Credentials, real: boolean): boolean {
    const uid = real ? credentials.user.real : credentials.user.fs;
    const isHosts = this.fs.owner === null && self !== null && self.uid !== 0 && uid === self.uid;
    if (!isHosts) return permits(this.stat(), want, credentials, real);
    try {
      if (this.#directory !== null) this.#directory.access(want);
      else this.#parent.accessChild(this.#name, want);
      return true;
    } catch (error) {
      const reason = toErrno(error);
      if (reason === errno.EACCES || reason === errno.EPERM) return false;
      throw reason;
    }
  }

  override forget(): void {
    this.#directory?.close();
  }

  // ── opening ────────────────────────────────────────────────────────────────────────────────────────────────────
  override open(path: Path, flags: number): FileDescription | Wait<FileDescription> {
    if (this.#directory !== null) {
      // Reading it is asked for here, where open(2) would answer EACCES, and not at getdents(2).
      if (!this.#isReadable()) throw errno.EACCES;
      return new DirectoryDescription(path, flags);
    }
    if (this.type === S.IFIFO) return openFifo(this.identity, path, flags);
    if (this.type !== S.IFREG) throw errno.EACCES;
    const how = howOf(flags);
    if (how.access !== "read") this.#requireWritable();
    const created = this.#created;
    this.#created = null;
    const fd = created !== null ? created.fd : fromHost(() => this.#parent.open(this.#name, how).fd);
    const reopen = (again: OpenHow): number => this.#parent.open(this.#name, again).fd;
    return new HostFileDescription(path, flags, { fs: this.fs, fd, how, reopen });
  }

  #isReadable(): boolean {
    if (self === null || self.uid === 0) return true;
    try {
      this.#directory?.access(4);
      return true;
    } catch {
      return false;
    }
  }

  #requireWritable(): void {
    if (this.fs.readOnly) throw errno.EROFS;
  }

  override setAttributes(changes: Attributes): void {
    this.#requireWritable();
    const { size, mode, uid, gid, atime, mtime } = changes;
    const directory = this.#directory;
    fromHost(() => {
      if (size !== undefined) this.#parent.truncateChild(this.#name, size);
      if (uid !== undefined || gid !== undefined) {
        const now = this.stat();
        const next = this.fs.hostOwner(uid ?? now.uid, gid ?? now.gid);
        if (directory !== null) directory.chown(next.uid, next.gid);
        else this.#parent.chownChild(this.#name, next.uid, next.gid);
      }
      if (mode !== undefined) {
        if (directory !== null) directory.chmod(mode);
        else this.#parent.chmodChild(this.#name, mode);
      }
      if (atime !== undefined || mtime !== undefined) {
        const now = this.#fresh();
        const newAtime = atime ?? now.atime;
        const newMtime = mtime ?? now.mtime;
        if (directory !== null) directory.setTimes(newAtime, newMtime);
        else this.#parent.setChildTimes(this.#name, newAtime, newMtime);
      }
    });
  }

  override readlink(): ByteString {
    return fromHost(() => this.#parent.readlink(this.#name));
  }

  // ── directories ────────────────────────────────────────────────────────────────────────────────────────────────
  /** Null for a file. */
  #asDirectory(): HostDirectory {
    if (this.#directory === null) throw errno.ENOTDIR;
    return this.#directory;
  }
  #asWritableDirectory(): HostDirectory {
    this.#requireWritable();
    return this.#asDirectory();
  }

  override lookup(name: ByteString, known?: Inode): HostInode | null {
    const directory = this.#asDirectory();
    let stat: HostStat | undefined;
    try {
      stat = directory.statChild(name);
    } catch (error) {
      throw toErrno(error);
    }
    if (stat === undefined) return null;
    if (known instanceof HostInode && host.isSame(known.#seen, stat) && known.type === (stat.mode & S.IFMT)) {
      known.#seen = stat;
      return known;
    }
    const isDirectory = (stat.mode & S.IFMT) === S.IFDIR;
    return new HostInode(this.fs, directory, name, isDirectory ? directory.child(name, stat) : null, stat);
  }

  /** A guest that root runs may have become somebody else: what it makes is that one's. */
  #giveTo(name: ByteString, how: Creation): boolean {
    const owner = this.fs.hostOwner(how.uid, how.gid);
    if (self?.uid !== 0 || (owner.uid === 0 && owner.gid === self.gid)) return false;
    const directory = this.#asDirectory();
    fromHost(() => {
      directory.chownChild(name, owner.uid, owner.gid);
    });
    return true;
  }

  #made(name: ByteString, how: Creation): HostInode {
    this.#giveTo(name, how);
    const inode = this.lookup(name);
    if (inode === null) throw errno.ENOENT;
    return inode;
  }

  override list(): readonly ListedName[] {
    const directory = this.#asDirectory();
    return fromHost(() => directory.list()).map((entry) => ({
      name: entry.name,
      ino: null,
      type: direntType(
        entry.isFile()
          ? S.IFREG
          : entry.isDirectory()
            ? S.IFDIR
            : entry.isSymbolicLink()
              ? S.IFLNK
              : entry.isFIFO()
                ? S.IFIFO
                : entry.isSocket()
                  ? S.IFSOCK
                  : entry.isCharacterDevice()
                    ? S.IFCHR
                    : S.IFBLK,
      ),
    }));
  }

  override inoOf(name: ByteString): bigint | null {
    const directory = this.#asDirectory();
    const stat = fromHost(() => directory.statChild(name));
    return stat === undefined ? null : this.fs.toStat(stat).ino;
  }

  override create(name: ByteString, how: Creation): HostInode {
    const directory = this.#asWritableDirectory();
    const opening = { ...howOf(how.openFlags ?? O.WRONLY), create: how.mode & 0o7777 };
    const { fd, stat } = fromHost(() => directory.open(name, opening));
    try {
      const seen = this.#giveTo(name, how) ? host.statFile(fd) : stat;
      const inode = new HostInode(this.fs, directory, name, null, seen);
      if (how.openFlags === undefined) host.closeFile(fd);
      else inode.#created = { fd, how: opening };
      return inode;
    } catch (error) {
      host.closeFile(fd);
      throw error;
    }
  }

  override mkdir(name: ByteString, how: Creation): Inode {
    const directory = this.#asWritableDirectory();
    fromHost(() => directory.mkdir(name, how.mode & 0o7777));
    return this.#made(name, how);
  }

  override mknod(name: ByteString, how: Creation): Inode {
    const directory = this.#asWritableDirectory();
    const type = how.mode & S.IFMT;
    if (type === S.IFREG) return this.create(name, how);
    if (type !== S.IFIFO && type !== S.IFSOCK) throw errno.EPERM;
    fromHost(() => {
      if (type === S.IFIFO) directory.makeFifo(name, how.mode & 0o777);
      else directory.makeSocket(name, how.mode & 0o777);
    });
    return this.#made(name, how);
  }

  override symlink(name: ByteString, target: ByteString, how: Creation): Inode {
    const directory = this.#asWritableDirectory();
    fromHost(() => directory.symlink(name, target));
    return this.#made(name, how);
  }

  override link(name: ByteString, target: Inode): void {
    const directory = this.#asWritableDirectory();
    if (!(target instanceof HostInode) || target.#directory !== null) throw errno.EXDEV;
    fromHost(() => directory.link(name, target.#parent, target.#name));
  }

  override unlink(name: ByteString): void {
    const directory = this.#asWritableDirectory();
    fromHost(() => directory.unlink(name));
  }

  override rmdir(name: ByteString, child: Inode): void {
    const directory = this.#asWritableDirectory();
    fromHost(() => directory.rmdir(name));
    child.forget();
  }

  override rename(oldName: ByteString, child: Inode, to: Inode, name: ByteString, flags: number): void {
    const directory = this.#asWritableDirectory();
    if (!(to instanceof HostInode) || !(child instanceof HostInode)) throw errno.EXDEV;
    const target = to.#asWritableDirectory();
    const exchange = (flags & RENAME.EXCHANGE) !== 0;
    const how = exchange ? "exchange" : (flags & RENAME.NOREPLACE) !== 0 ? "noreplace" : "replace";
    fromHost(() => directory.rename(oldName, target, name, how));
    child.moved(target, name);
  }

  /** Its name has changed. */
  moved(to: HostDirectory, name: ByteString): void {
    this.#parent = to;
    this.#name = name;
    if (this.#directory !== null) {
      this.#directory.parent = to;
      this.#directory.name = name;
    }
  }
}

function howOf(flags: number): OpenHow {
  const access = flags & O.ACCMODE;
  return {
    access: access === O.RDONLY ? "read" : access === O.WRONLY ? "write" : "readWrite",
    append: (flags & O.APPEND) !== 0,
    sync: (flags & (O.SYNC | O.DSYNC)) !== 0,
  };
}
