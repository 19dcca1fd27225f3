/** Facts about a host file: from statx(2) itself where koffi can call it, else from Node's stat. */
import fs from "node:fs";
import { getLibc } from "./libc.ts";

const AT_EMPTY_PATH = 0x1000;
/** All basic fields and the time of birth. */
export const STATX_ALL = 0xfff;
const BILLION = 1_000_000_000n;

/** `struct statx` of whatever host: times in nanoseconds since the epoch, `blocks` of 512 bytes. */
export interface HostStat {
  readonly devMajor: number;
  readonly devMinor: number;
  readonly ino: bigint;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
  readonly size: number;
  readonly blockSize: number;
  readonly blocks: number;
  readonly atime: bigint;
  readonly mtime: bigint;
  readonly ctime: bigint;
  readonly btime: bigint;
}

/** makedev(3), glibc's encoding. */
function major(dev: bigint): number {
  return (Number((dev >> 8n) & 0xfffn) | (Number((dev >> 32n) & 0xffff_ffffn) & ~0xfff)) >>> 0;
}
function minor(dev: bigint): number {
  return (Number(dev & 0xffn) | (Number((dev >> 12n) & 0xffff_ffffn) & ~0xff)) >>> 0;
}

export function fromNode(stat: fs.BigIntStats): HostStat {
  return {
    devMajor: major(stat.dev),
    devMinor: minor(stat.dev),
    ino: stat.ino,
    mode: Number(stat.mode),
    nlink: Number(stat.nlink),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    rdevMajor: major(stat.rdev),
    rdevMinor: minor(stat.rdev),
    size: Number(stat.size),
    blockSize: Number(stat.blksize),
    blocks: Number(stat.blocks),
    atime: stat.atimeNs,
    mtime: stat.mtimeNs,
    ctime: stat.ctimeNs,
    btime: stat.birthtimeNs,
  };
}

/** Where statx(2) puts its answer; read at once by `fromStatx`. */
export const statxBytes = new Uint8Array(256);
const statxWords = new Uint32Array(statxBytes.buffer);
const statxLongs = new BigInt64Array(statxBytes.buffer);

/** What statx(2) has just filled in; offsets in linux/stat.h. */
export function fromStatx(): HostStat {
  const word = (offset: number): number => statxWords[offset >> 2] ?? 0;
  const long = (offset: number): bigint => statxLongs[offset >> 3] ?? 0n;
  const time = (offset: number): bigint => long(offset) * BILLION + BigInt(word(offset + 8));
  return {
    devMajor: word(136),
    devMinor: word(140),
    ino: BigInt.asUintN(64, long(32)),
    mode: word(28) & 0xffff,
    nlink: word(16),
    uid: word(20),
    gid: word(24),
    rdevMajor: word(128),
    rdevMinor: word(132),
    size: Number(long(40)),
    blockSize: word(4),
    blocks: Number(long(48)),
    atime: time(64),
    mtime: time(112),
    ctime: time(96),
    btime: time(80),
  };
}

/** fstat(2) */
export function statFile(fd: number): HostStat {
  const libc = getLibc();
  if (libc !== null && libc.statx(fd, "", AT_EMPTY_PATH, STATX_ALL, statxBytes) === 0) return fromStatx();
  return fromNode(fs.fstatSync(fd, { bigint: true }));
}
/** What tells one file from all others while it exists. */
export type FileId = Pick<HostStat, "ino" | "devMajor" | "devMinor">;

export function isSame(a: FileId, b: FileId): boolean {
  return a.ino === b.ino && a.devMajor === b.devMajor && a.devMinor === b.devMinor;
}
