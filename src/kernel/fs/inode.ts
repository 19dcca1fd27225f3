/** What file systems are made of: inodes that answer questions, and the facts that stat(2) and statfs(2) report. */
import type { Credentials } from "../credentials.ts";
import { errno } from "../errno.ts";
import type { Wait } from "../wait.ts";
import type { ByteString } from "./byte-string.ts";
import type { Path } from "./dentry.ts";
import type { FileDescription } from "./file-description.ts";
import { S } from "./flags.ts";
import { permits, type Owner } from "./permission.ts";

export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

/** statx(2)'s facts. Times are nanoseconds since the epoch. */
export interface Stat {
  readonly dev: DeviceNumber;
  readonly ino: bigint;
  /** File type and permissions. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a character or block device, else 0:0. */
  readonly rdev: DeviceNumber;
  /** Bytes. */
  readonly size: number;
  /** Preferred size of a read or write, bytes. */
  readonly blockSize: number;
  /** In units of 512 bytes. */
  readonly blocks: number;
  readonly atime: bigint;
  readonly mtime: bigint;
  readonly ctime: bigint;
  /** Null where the file system does not keep it. */
  readonly btime: bigint | null;
}

/** statfs(2) */
export interface StatFs {
  /** Magic number, such as 0x01021994 for tmpfs. */
  readonly type: number;
  readonly blockSize: number;
  readonly blocks: number;
  readonly blocksFree: number;
  readonly blocksAvailable: number;
  readonly files: number;
  readonly filesFree: number;
  readonly nameLength: number;
  /** ST_RDONLY and the like. */
  readonly flags: number;
}

/** What chmod, chown, truncate and utimensat change; left out: unchanged. */
export interface Attributes {
  /** Permission bits without the type. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly atime?: bigint;
  readonly mtime?: bigint;
}

/** One name in a directory. `ino` is null where the file system would have to look it up. */
export interface ListedName {
  readonly name: ByteString;
  readonly ino: bigint | null;
  /** DT_* */
  readonly type: number;
}

export interface FileSystem {
  /** As /proc/filesystems and /proc/mounts print it. */
  readonly type: string;
  readonly dev: DeviceNumber;
  readonly root: Inode;
  /** True if names may change behind the kernel's back, so that a cached name must be looked up again. */
  readonly volatile: boolean;
  statfs(): StatFs;
  /** The run is over: gives back what it holds open on the host. */
  close?(): void;
}

/** Who creates a file, and with which permissions (umask already applied). */
export interface Creation {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a device. */
  readonly rdev?: DeviceNumber;
  /** Of a file that open(2) creates: its flags (O), because the file's own mode need not allow opening it again. */
  readonly openFlags?: number;
}

/**
 * A file of whatever type. The walk and `FsContext` have checked permissions, types and mounts before they call; the
 * defaults are what Linux answers for an operation that a file system does not have.
 */
export abstract class Inode {
  abstract readonly fs: FileSystem;
  /** S_IFMT bits: never change. */
  abstract readonly type: number;
  /** Equal (===) for two inodes exactly if they are the same file: locks, FIFOs and shared mappings hang on it. */
  get identity(): unknown {
    return this;
  }

  abstract stat(): Stat;
  /** The same, right after the lookup that found it: what that has seen anyway. */
  statSeen(): Stat {
    return this.stat();
  }

  /** True if the file system below judges every access by these credentials, so that the kernel need not. */
  checksItself(_credentials: Credentials): boolean {
    return false;
  }
  /** Mode, owner and group: what `permits` asks for. */
  owner(): Owner {
    return this.stat();
  }
  /** access(2): `want` ACCESS; `real`: by the real ids. */
  mayAccess(want: number, credentials: Credentials, real: boolean): boolean {
    return permits(this.owner(), want, credentials, real);
  }

  /** A new open file description; `path` is how it was reached. Access is already checked. */
  open(_path: Path, _flags: number, _credentials: Credentials): FileDescription | Wait<FileDescription> {
    throw errno.ENXIO;
  }

  setAttributes(_changes: Attributes): void {
    throw errno.EPERM;
  }

  /** The kernel no longer keeps a name for it: give back what was held to find it quickly. */
  forget(): void {}

  // ── symbolic links ─────────────────────────────────────────────────────────────────────────────────────────────
  readlink(): ByteString {
    throw errno.EINVAL;
  }
  /** Where a magic link (/proc/self/fd/3) leads, without a name; null for an ordinary link. */
  magicTarget(): Path | null {
    return null;
  }

  // ── directories ────────────────────────────────────────────────────────────────────────────────────────────────
  /** `known` is what the name led to last time; returned again if it still does. */
  lookup(_name: ByteString, _known?: Inode): Inode | null {
    throw errno.ENOTDIR;
  }
  list(): readonly ListedName[] {
    throw errno.ENOTDIR;
  }
  /** d_ino of a name whose `ListedName.ino` is null; null if the name has gone. */
  inoOf(_name: ByteString): bigint | null {
    return null;
  }
  create(_name: ByteString, _how: Creation): Inode {
    throw errno.EPERM;
  }
  mkdir(_name: ByteString, _how: Creation): Inode {
    throw errno.EPERM;
  }
  /** `how.mode` holds the type as well: S_IFIFO, S_IFREG, S_IFSOCK, S_IFCHR, S_IFBLK. */
  mknod(_name: ByteString, _how: Creation): Inode {
    throw errno.EPERM;
  }
  symlink(_name: ByteString, _target: ByteString, _how: Creation): Inode {
    throw errno.EPERM;
  }
  link(_name: ByteString, _target: Inode): void {
    throw errno.EPERM;
  }
  unlink(_name: ByteString, _child: Inode): void {
    throw errno.EPERM;
  }
  rmdir(_name: ByteString, _child: Inode): void {
    throw errno.EPERM;
  }
  /** Moves `child` from here to `name` in `to` of the same file system; `flags`: RENAME. */
  rename(_oldName: ByteString, _child: Inode, _to: Inode, _name: ByteString, _flags: number): void {
    throw errno.EPERM;
  }
  /** A nameless file (O_TMPFILE). */
  createNameless(_how: Creation): Inode {
    throw errno.EOPNOTSUPP;
  }

  // ── extended attributes ────────────────────────────────────────────────────────────────────────────────────────
  getXattr(_name: ByteString): Uint8Array {
    throw errno.EOPNOTSUPP;
  }
  listXattr(): readonly ByteString[] {
    return [];
  }
  /** `value` null: removes it. */
  setXattr(_name: ByteString, _value: Uint8Array | null): void {
    throw errno.EOPNOTSUPP;
  }

  get isDirectory(): boolean {
    return this.type === S.IFDIR;
  }
  get isSymlink(): boolean {
    return this.type === S.IFLNK;
  }
}

/** `struct stat` of a file that only the kernel knows. */
export function plainStat(parts: Pick<Stat, "dev" | "ino" | "mode"> & Partial<Stat>): Stat {
  return {
    nlink: 1,
    uid: 0,
    gid: 0,
    rdev: NO_DEVICE,
    size: 0,
    blockSize: 4096,
    blocks: 0,
    atime: 0n,
    mtime: 0n,
    ctime: 0n,
    btime: null,
    ...parts,
  };
}

export const NO_DEVICE: DeviceNumber = { major: 0, minor: 0 };

let lastAnonymousDevice = 20;

/** A device number for a file system without a device, as Linux's get_anon_bdev() gives: 0:21, 0:22 … */
export function anonymousDevice(): DeviceNumber {
  return { major: 0, minor: ++lastAnonymousDevice };
}
