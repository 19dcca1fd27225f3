/** Directories whose names are fixed when the tree is built: /dev, and the ways to mount points. */
import { errno } from "../errno.ts";
import type { ByteString } from "./byte-string.ts";
import type { Path } from "./dentry.ts";
import { DirectoryDescription } from "./directory.ts";
import type { FileDescription } from "./file-description.ts";
import { S, direntType } from "./flags.ts";
import { Inode, anonymousDevice, plainStat } from "./inode.ts";
import type { DeviceNumber, FileSystem, ListedName, Stat, StatFs } from "./inode.ts";

/** `statfs` of a file system that holds nothing. */
export function emptyStatFs(type: number): StatFs {
  return {
    type,
    blockSize: 4096,
    blocks: 0,
    blocksFree: 0,
    blocksAvailable: 0,
    files: 0,
    filesFree: 0,
    nameLength: 255,
    flags: 0,
  };
}

let lastIno = 0n;

export class StaticDirectory extends Inode {
  readonly fs: FileSystem;
  readonly type = S.IFDIR;
  readonly ino = ++lastIno;
  readonly #entries: ReadonlyMap<ByteString, Inode>;

  constructor(fs: FileSystem, entries: ReadonlyMap<ByteString, Inode> = new Map()) {
    super();
    this.fs = fs;
    this.#entries = entries;
  }

  override stat(): Stat {
    return plainStat({ dev: this.fs.dev, ino: this.ino, mode: S.IFDIR | 0o755, nlink: 2 });
  }
  override lookup(name: ByteString): Inode | null {
    return this.#entries.get(name) ?? null;
  }
  override list(): readonly ListedName[] {
    return Array.from(this.#entries, ([name, inode]) => ({
      name,
      ino: inode.stat().ino,
      type: direntType(inode.type),
    }));
  }
  override open(path: Path, flags: number): FileDescription {
    return new DirectoryDescription(path, flags);
  }
  /** Linux says EACCES or EROFS on such file systems; a name can never be made here. */
  override create(): never {
    throw errno.EROFS;
  }
  override mkdir(): never {
    throw errno.EROFS;
  }
  override mknod(): never {
    throw errno.EROFS;
  }
  override symlink(): never {
    throw errno.EROFS;
  }
}

export class StaticSymlink extends Inode {
  readonly fs: FileSystem;
  readonly type = S.IFLNK;
  readonly ino = ++lastIno;
  readonly #target: ByteString;

  constructor(fs: FileSystem, target: ByteString) {
    super();
    this.fs = fs;
    this.#target = target;
  }
  override stat(): Stat {
    return plainStat({ dev: this.fs.dev, ino: this.ino, mode: S.IFLNK | 0o777, size: this.#target.length });
  }
  override readlink(): ByteString {
    return this.#target;
  }
}

/** A file system around one fixed inode. */
export class StaticFs implements FileSystem {
  readonly type: string;
  readonly dev: DeviceNumber = anonymousDevice();
  readonly volatile = false;
  readonly root: Inode;
  readonly #magic: number;

  constructor(type: string, magic: number, build: (fs: StaticFs) => Inode) {
    this.type = type;
    this.#magic = magic;
    this.root = build(this);
  }
  statfs(): StatFs {
    return emptyStatFs(this.#magic);
  }
}
