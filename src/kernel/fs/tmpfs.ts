/** tmpfs: files in memory, with a limit on how much they may hold together. */
import { realtime } from "../../host/clock.ts";
import type { Backing } from "../../memory/mapping.ts";
import type { Credentials } from "../credentials.ts";
import { errno } from "../errno.ts";
import { openFifo } from "../pipe.ts";
import type { Wait } from "../wait.ts";
import type { ByteString } from "./byte-string.ts";
import { DirectoryDescription } from "./directory.ts";
import type { Path } from "./dentry.ts";
import { openDevice } from "./devfs.ts";
import { FileBacking } from "./file-backing.ts";
import type { FileDescription } from "./file-description.ts";
import { FALLOC, RENAME, S, SEAL, direntType } from "./flags.ts";
import { Inode, NO_DEVICE, anonymousDevice } from "./inode.ts";
import type { Attributes, Creation, DeviceNumber, FileSystem, ListedName, Stat, StatFs } from "./inode.ts";
import { RegularDescription } from "./regular-file.ts";
import { Quota, SparseBytes } from "./sparse-bytes.ts";

/** What an inode and its name count against the limit, bytes; about what they cost the host. */
export const INODE_COST = 512;
const TMPFS_MAGIC = 0x01021994;
const BLOCK = 4096;

export class TmpFs implements FileSystem {
  readonly type = "tmpfs";
  readonly dev: DeviceNumber = anonymousDevice();
  readonly volatile = false;
  readonly quota: Quota;
  readonly root: TmpDirectory;
  #lastIno = 0n;

  constructor(quota: Quota = new Quota(1 << 30), root: Creation = { mode: 0o755, uid: 0, gid: 0 }) {
    this.quota = quota;
    this.root = new TmpDirectory(this, root);
  }

  nextIno(): bigint {
    return ++this.#lastIno;
  }

  statfs(): StatFs {
    return memoryStatFs(this.quota);
  }
}

/** statfs(2) of files in memory. */
export function memoryStatFs(quota: Quota): StatFs {
  const blocks = Math.floor(quota.limit / BLOCK);
  const free = Math.max(0, Math.floor((quota.limit - quota.used) / BLOCK));
  return {
    type: TMPFS_MAGIC,
    blockSize: BLOCK,
    blocks,
    blocksFree: free,
    blocksAvailable: free,
    files: blocks,
    filesFree: free,
    nameLength: 255,
    flags: 0,
  };
}

abstract class TmpInode extends Inode {
  readonly fs: TmpFs;
  readonly type: number;
  readonly ino: bigint;
  mode: number;
  uid: number;
  gid: number;
  nlink = 1;
  atime: bigint;
  mtime: bigint;
  ctime: bigint;
  readonly btime: bigint;
  readonly rdev: DeviceNumber;

  constructor(fs: TmpFs, type: number, how: Creation) {
    super();
    fs.quota.take(INODE_COST);
    this.fs = fs;
    this.type = type;
    this.ino = fs.nextIno();
    this.mode = how.mode & 0o7777;
    this.uid = how.uid;
    this.gid = how.gid;
    this.rdev = how.rdev ?? NO_DEVICE;
    this.btime = this.atime = this.mtime = this.ctime = realtime();
  }

  get size(): number {
    return 0;
  }
  get blocks(): number {
    return 0;
  }

  stat(): Stat {
    return {
      dev: this.fs.dev,
      ino: this.ino,
      mode: this.type | this.mode,
      nlink: this.nlink,
      uid: this.uid,
      gid: this.gid,
      rdev: this.rdev,
      size: this.size,
      blockSize: BLOCK,
      blocks: this.blocks,
      atime: this.atime,
      mtime: this.mtime,
      ctime: this.ctime,
      btime: this.btime,
    };
  }

  override setAttributes(changes: Attributes): void {
    if (changes.size !== undefined) this.resize(changes.size);
    if (changes.mode !== undefined) this.mode = changes.mode & 0o7777;
    if (changes.uid !== undefined) this.uid = changes.uid;
    if (changes.gid !== undefined) this.gid = changes.gid;
    this.ctime = realtime();
    if (changes.atime !== undefined) this.atime = changes.atime;
    if (changes.mtime !== undefined) this.mtime = changes.mtime;
  }

  protected resize(_size: number): void {
    throw errno.EINVAL;
  }

  /** A name or an open description went: with the last of both the memory goes, too. */
  settle(): void {
    if (this.nlink === 0 && !this.inUse) this.dispose();
  }
  protected get inUse(): boolean {
    return false;
  }
  protected dispose(): void {
    this.fs.quota.give(INODE_COST);
  }
}

export class TmpDirectory extends TmpInode {
  readonly #entries = new Map<ByteString, TmpInode>();
  parent: TmpDirectory | null = null;

  constructor(fs: TmpFs, how: Creation) {
    super(fs, S.IFDIR, how);
    this.nlink = 2;
  }

  override get size(): number {
    return this.#entries.size * 20;
  }

  override open(path: Path, flags: number): FileDescription {
    return new DirectoryDescription(path, flags);
  }

  override lookup(name: ByteString): Inode | null {
    return this.#entries.get(name) ?? null;
  }

  override list(): readonly ListedName[] {
    return Array.from(this.#entries, ([name, inode]) => ({ name, ino: inode.ino, type: direntType(inode.type) }));
  }

  #add<T extends TmpInode>(name: ByteString, inode: T): T {
    this.#entries.set(name, inode);
    if (inode instanceof TmpDirectory) {
      inode.parent = this;
      this.nlink++;
    }
    this.mtime = this.ctime = realtime();
    return inode;
  }

  #remove(name: ByteString, inode: TmpInode): void {
    this.#entries.delete(name);
    if (inode instanceof TmpDirectory) this.nlink--;
    this.mtime = this.ctime = realtime();
  }

  /** mode(7): in a directory with the set-group-ID bit files get its group, and directories the bit as well. */
  #inherit(how: Creation, isDirectory: boolean): Creation {
    if ((this.mode & S.ISGID) === 0) return how;
    return { ...how, gid: this.gid, mode: isDirectory ? how.mode | S.ISGID : how.mode };
  }

  override create(name: ByteString, how: Creation): TmpFile {
    return this.#add(name, new TmpFile(this.fs, this.#inherit(how, false)));
  }

  override mkdir(name: ByteString, how: Creation): TmpDirectory {
    return this.#add(name, new TmpDirectory(this.fs, this.#inherit(how, true)));
  }

  override mknod(name: ByteString, how: Creation): Inode {
    const type = how.mode & S.IFMT;
    if (type === S.IFREG) return this.create(name, how);
    return this.#add(name, new TmpSpecial(this.fs, type, this.#inherit(how, false)));
  }

  override symlink(name: ByteString, target: ByteString, how: Creation): Inode {
    return this.#add(name, new TmpSymlink(this.fs, target, how));
  }

  override link(name: ByteString, target: Inode): void {
    if (!(target instanceof TmpInode)) throw errno.EXDEV;
    this.#add(name, target);
    target.nlink++;
    target.ctime = realtime();
  }

  override unlink(name: ByteString, child: Inode): void {
    if (!(child instanceof TmpInode)) throw errno.EXDEV;
    this.#remove(name, child);
    child.nlink--;
    child.ctime = realtime();
    child.settle();
  }

  override rmdir(name: ByteString, child: Inode): void {
    if (!(child instanceof TmpDirectory)) throw errno.ENOTDIR;
    if (child.#entries.size > 0) throw errno.ENOTEMPTY;
    this.#remove(name, child);
    child.nlink = 0;
    child.settle();
  }

  override rename(oldName: ByteString, child: Inode, to: Inode, name: ByteString, flags: number): void {
    if (!(child instanceof TmpInode) || !(to instanceof TmpDirectory)) throw errno.EXDEV;
    const other = to.#entries.get(name);
    if ((flags & RENAME.EXCHANGE) !== 0 && other !== undefined) {
      this.#remove(oldName, child);
      to.#remove(name, other);
      to.#add(name, child);
      this.#add(oldName, other);
    } else {
      if (other instanceof TmpDirectory) to.rmdir(name, other);
      else if (other !== undefined) to.unlink(name, other);
      this.#remove(oldName, child);
      to.#add(name, child);
    }
    child.ctime = realtime();
  }

  override createNameless(how: Creation): TmpFile {
    const file = new TmpFile(this.fs, how);
    file.nlink = 0;
    return file;
  }
}

export class TmpFile extends TmpInode {
  readonly bytes: SparseBytes;
  /** SEAL bits; only memfds that allow sealing have any but SEAL.SEAL. */
  seals: number = SEAL.SEAL;
  /** True: fcntl(F_ADD_SEALS) knows this file. */
  sealable = false;
  /** Open descriptions. */
  opens = 0;

  constructor(fs: TmpFs, how: Creation) {
    super(fs, S.IFREG, how);
    this.bytes = new SparseBytes(fs.quota);
  }

  override get size(): number {
    return this.bytes.size;
  }
  override get blocks(): number {
    return Math.ceil(this.bytes.allocated / BLOCK) * (BLOCK / 512);
  }

  override open(path: Path, flags: number): FileDescription {
    return new TmpFileDescription(path, flags, this);
  }

  override resize(size: number): void {
    if (size < this.bytes.size && (this.seals & SEAL.SHRINK) !== 0) throw errno.EPERM;
    if (size > this.bytes.size && (this.seals & SEAL.GROW) !== 0) throw errno.EPERM;
    if (!Number.isSafeInteger(size)) throw errno.EFBIG;
    this.bytes.truncate(size);
    this.mtime = realtime();
  }

  write(from: Uint8Array, offset: number): number {
    if (from.length === 0) return 0;
    if ((this.seals & (SEAL.WRITE | SEAL.FUTURE_WRITE)) !== 0) throw errno.EPERM;
    if (offset + from.length > this.bytes.size && (this.seals & SEAL.GROW) !== 0) throw errno.EPERM;
    const count = this.bytes.write(from, offset);
    this.mtime = this.ctime = realtime();
    return count;
  }

  protected override get inUse(): boolean {
    return this.opens > 0;
  }
  protected override dispose(): void {
    this.bytes.clear();
    super.dispose();
  }
}

class TmpSymlink extends TmpInode {
  readonly #target: ByteString;
  constructor(fs: TmpFs, target: ByteString, how: Creation) {
    super(fs, S.IFLNK, { ...how, mode: 0o777 });
    this.#target = target;
  }
  override get size(): number {
    return this.#target.length;
  }
  override readlink(): ByteString {
    return this.#target;
  }
}

/** A FIFO, a device, or the name of a socket. */
class TmpSpecial extends TmpInode {
  override open(path: Path, flags: number, _credentials: Credentials): FileDescription | Wait<FileDescription> {
    if (this.type === S.IFIFO) return openFifo(this.identity, path, flags);
    if (this.type === S.IFCHR) return openDevice(this.rdev, path, flags);
    throw errno.ENXIO;
  }
}

class TmpFileDescription extends RegularDescription {
  readonly #file: TmpFile;

  constructor(path: Path, flags: number, file: TmpFile) {
    super(path, flags);
    this.#file = file;
    file.opens++;
  }

  protected override close(): void {
    this.#file.opens--;
    this.#file.settle();
  }

  protected override get size(): number {
    return this.#file.bytes.size;
  }
  protected override readAt(into: Uint8Array, offset: number): number {
    return this.#file.bytes.read(into, offset);
  }
  protected override writeAt(from: Uint8Array, offset: number | null): number {
    return this.#file.write(from, offset ?? this.#file.bytes.size);
  }
  protected override nextData(offset: number): number {
    const at = this.#file.bytes.nextData(offset);
    if (at === null) throw errno.ENXIO;
    return at;
  }
  protected override nextHole(offset: number): number {
    return this.#file.bytes.nextHole(offset);
  }

  override truncate(size: number): void {
    if (!this.writable || size < 0) throw errno.EINVAL;
    this.#file.setAttributes({ size });
  }

  override allocate(mode: number, offset: number, length: number): void {
    if (!this.writable) throw errno.EBADF;
    if (offset < 0 || length <= 0) throw errno.EINVAL;
    const end = offset + length;
    if (!Number.isSafeInteger(end)) throw errno.EFBIG;
    const file = this.#file;
    const keep = (mode & FALLOC.KEEP_SIZE) !== 0;
    if (!keep && end > file.bytes.size && (file.seals & SEAL.GROW) !== 0) throw errno.EPERM;
    if ((mode & ~FALLOC.KEEP_SIZE) === 0) file.bytes.reserve(offset, length);
    else if (mode === (FALLOC.PUNCH_HOLE | FALLOC.KEEP_SIZE) || (mode & ~FALLOC.KEEP_SIZE) === FALLOC.ZERO_RANGE) {
      if ((file.seals & SEAL.WRITE) !== 0) throw errno.EPERM;
      file.bytes.punch(offset, length);
    } else throw errno.EOPNOTSUPP;
    if (!keep && end > file.bytes.size) file.bytes.size = end;
    file.mtime = file.ctime = realtime();
  }

  override get seals(): number {
    if (!this.#file.sealable) throw errno.EINVAL;
    return this.#file.seals;
  }
  override addSeals(seals: number): void {
    if (!this.#file.sealable || (seals & ~0x1f) !== 0) throw errno.EINVAL;
    if (!this.writable || (this.#file.seals & SEAL.SEAL) !== 0) throw errno.EPERM;
    this.#file.seals |= seals;
  }

  override backing(): Backing {
    const file = this.#file;
    return new FileBacking(this, {
      size: () => file.bytes.size,
      read: (into, offset) => file.bytes.read(into, offset),
      write: (from, offset) => file.write(from, offset),
    });
  }
}
