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
const statxSigned = new Int32Array(statxBytes.buffer);
const statxInodes = new BigUint64Array(statxBytes.buffer);

const word = (offset: number): number => statxWords[offset >> 2] as number;
/** 64 bits that are far from 2^53. */
const long = (offset: number): number => (statxSigned[(offset >> 2) + 1] as number) * 2 ** 32 + word(offset);

/**
 * What statx(2) has just filled in; offsets in linux/stat.h. A walk along a path looks at few of the facts, so the times
 * become bigints only when somebody asks.
 */
class StatxFacts implements HostStat {
  readonly devMajor = word(136);
  readonly devMinor = word(140);
  readonly ino = statxInodes[32 >> 3] as bigint;
  readonly mode = word(28) & 0xffff;
  readonly nlink = word(16);
  readonly uid = word(20);
  readonly gid = word(24);
  readonly rdevMajor = word(128);
  readonly rdevMinor = word(132);
  readonly size = long(40);
  readonly blockSize = word(4);
  readonly blocks = long(48);
  readonly #atime = long(64);
  readonly #atimeRest = word(72);
  readonly #btime = long(80);
  readonly #btimeRest = word(88);
  readonly #ctime = long(96);
  readonly #ctimeRest = word(104);
  readonly #mtime = long(112);
  readonly #mtimeRest = word(120);

  get atime(): bigint {
    return BigInt(this.#atime) * BILLION + BigInt(this.#atimeRest);
  }
  get btime(): bigint {
    return BigInt(this.#btime) * BILLION + BigInt(this.#btimeRest);
  }
  get ctime(): bigint {
    return BigInt(this.#ctime) * BILLION + BigInt(this.#ctimeRest);
  }
  get mtime(): bigint {
    return BigInt(this.#mtime) * BILLION + BigInt(this.#mtimeRest);
  }
}

export function fromStatx(): HostStat {
  return new StatxFacts();
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
