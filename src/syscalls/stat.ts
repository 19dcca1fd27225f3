/** What is known of files: stat in all its forms, statfs, access, readlink. */
import { errno } from "../kernel/errno.ts";
import { toBytes, type ByteString } from "../kernel/fs/byte-string.ts";
import { AT } from "../kernel/fs/flags.ts";
import type { DeviceNumber, Stat, StatFs } from "../kernel/fs/inode.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { description, directory, fitsLong, readPath } from "./guest-buffers.ts";
import { full, partial, type SyscallRow } from "./row.ts";

const NANOSECONDS = 1_000_000_000n;

/** Whole seconds and the nanoseconds after them, which are never negative. */
export function splitTime(time: bigint): { readonly seconds: bigint; readonly nanoseconds: number } {
  let seconds = time / NANOSECONDS;
  let rest = time % NANOSECONDS;
  if (rest < 0n) {
    rest += NANOSECONDS;
    seconds--;
  }
  return { seconds, nanoseconds: Number(rest) };
}

/** dev_t in 32 bits: 12 bits of major number amid 20 of minor (Linux: new_encode_dev). */
export function encodeDevice({ major, minor }: DeviceNumber): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;
}

export function decodeDevice(value: number): DeviceNumber {
  return { major: (value >>> 8) & 0xfff, minor: (value & 0xff) | ((value >>> 12) & 0xfff00) };
}

function statFields(stat: Stat) {
  const atime = splitTime(stat.atime);
  const mtime = splitTime(stat.mtime);
  const ctime = splitTime(stat.ctime);
  return {
    st_dev: encodeDevice(stat.dev),
    st_ino: stat.ino,
    st_mode: stat.mode,
    st_nlink: stat.nlink,
    st_uid: stat.uid,
    st_gid: stat.gid,
    st_rdev: encodeDevice(stat.rdev),
    st_size: stat.size,
    st_blksize: stat.blockSize,
    st_blocks: stat.blocks,
    st_atime: atime.seconds,
    st_atime_nsec: atime.nanoseconds,
    st_mtime: mtime.seconds,
    st_mtime_nsec: mtime.nanoseconds,
    st_ctime: ctime.seconds,
    st_ctime_nsec: ctime.nanoseconds,
  };
}

/** stat(2) of old: EOVERFLOW where a number does not fit. */
function writeStat(call: SyscallContext, address: number, stat: Stat): number {
  fitsLong(call, stat.size);
  // An inode number that does not fit is cut, not refused: Linux does so too where the file system's is 64 bits wide
  // and user space asked for the old struct, and programs care for it far less than for the call to succeed.
  call.abi.structs.stat.write(call.memory, address, statFields(stat));
  return 0;
}

function writeStat64(call: SyscallContext, address: number, stat: Stat): number {
  call.abi.structs.stat64.write(call.memory, address, statFields(stat));
  return 0;
}

function statPath(call: SyscallContext, path: number, flags = 0): Stat {
  return call.process.fs.stat(null, readPath(call, path), flags);
}

const STAT_FLAGS = AT.SYMLINK_NOFOLLOW | AT.EMPTY_PATH | AT.NO_AUTOMOUNT;

function statAt(call: SyscallContext, dirfd: number, address: number, flags: number): Stat {
  const path = readPath(call, address);
  return call.process.fs.stat(directory(call, dirfd, path), path, flags & (AT.SYMLINK_NOFOLLOW | AT.EMPTY_PATH));
}

/** What we know of a file; STATX_BTIME is added where the file system has it. */
const STATX_BASIC = 0x7ff;
const STATX_BTIME = 0x800;

function statx(
  call: SyscallContext,
  dirfd: number,
  address: number,
  flags: number,
  mask: number,
  buffer: number,
): number {
  const sync = flags & 0x6000;
  if ((flags & ~(STAT_FLAGS | 0x6000)) !== 0 || sync === 0x6000) throw errno.EINVAL;
  // STATX__RESERVED
  if ((mask & 0x80000000) !== 0) throw errno.EINVAL;
  const stat = statAt(call, dirfd, address, flags);
  const atime = splitTime(stat.atime);
  const mtime = splitTime(stat.mtime);
  const ctime = splitTime(stat.ctime);
  const btime = stat.btime === null ? null : splitTime(stat.btime);
  call.abi.structs.statx.write(call.memory, buffer, {
    stx_mask: STATX_BASIC | (btime === null ? 0 : STATX_BTIME),
    stx_blksize: stat.blockSize,
    stx_nlink: stat.nlink,
    stx_uid: stat.uid,
    stx_gid: stat.gid,
    stx_mode: stat.mode,
    stx_ino: stat.ino,
    stx_size: stat.size,
    stx_blocks: stat.blocks,
    "stx_atime.tv_sec": atime.seconds,
    "stx_atime.tv_nsec": atime.nanoseconds,
    "stx_btime.tv_sec": btime?.seconds ?? 0,
    "stx_btime.tv_nsec": btime?.nanoseconds ?? 0,
    "stx_ctime.tv_sec": ctime.seconds,
    "stx_ctime.tv_nsec": ctime.nanoseconds,
    "stx_mtime.tv_sec": mtime.seconds,
    "stx_mtime.tv_nsec": mtime.nanoseconds,
    stx_rdev_major: stat.rdev.major,
    stx_rdev_minor: stat.rdev.minor,
    stx_dev_major: stat.dev.major,
    stx_dev_minor: stat.dev.minor,
  });
  return 0;
}

function statfsFields(stat: StatFs) {
  return {
    f_type: stat.type,
    f_bsize: stat.blockSize,
    f_frsize: stat.blockSize,
    f_blocks: stat.blocks,
    f_bfree: stat.blocksFree,
    f_bavail: stat.blocksAvailable,
    f_files: stat.files,
    f_ffree: stat.filesFree,
    f_namelen: stat.nameLength,
    // ST_VALID: the flags are there.
    f_flags: stat.flags | 0x20,
  };
}

/** statfs(2) of old, on a large disk: EOVERFLOW, as Linux has it. */
function writeStatfs(call: SyscallContext, address: number, stat: StatFs): number {
  for (const count of [stat.blocks, stat.blocksFree, stat.blocksAvailable]) {
    if (call.abi.word === 4 && count > 0xffffffff) throw errno.EOVERFLOW;
  }
  const fields = statfsFields(stat);
  const unknown = 0xffffffff;
  // Inode counts beyond 32 bits are given as they are on Linux: as "unknown".
  if (fields.f_files > unknown) fields.f_files = unknown;
  if (fields.f_ffree > unknown) fields.f_ffree = unknown;
  call.abi.structs.statfs.write(call.memory, address, fields);
  return 0;
}

function writeStatfs64(call: SyscallContext, size: number, address: number, stat: StatFs): number {
  // Where the struct is packed, C libraries pass the size that it has unpacked.
  const own = call.abi.structs.statfs64.size;
  if (size !== own && size !== Math.ceil(own / 8) * 8) throw errno.EINVAL;
  call.abi.structs.statfs64.write(call.memory, address, statfsFields(stat));
  return 0;
}

function access(call: SyscallContext, dirfd: number, address: number, mode: number, flags: number): number {
  if ((mode & ~7) !== 0 || (flags & ~(AT.EACCESS | AT.SYMLINK_NOFOLLOW | AT.EMPTY_PATH)) !== 0) throw errno.EINVAL;
  const path = readPath(call, address);
  call.process.fs.access(directory(call, dirfd, path), path, mode, flags);
  return 0;
}

function readlink(call: SyscallContext, dirfd: number, address: number, buffer: number, size: number): number {
  if (size <= 0) throw errno.EINVAL;
  const path: ByteString = readPath(call, address);
  const target = toBytes(call.process.fs.readlink(directory(call, dirfd, path), path)).subarray(0, size);
  call.memory.writeBytes(buffer, target);
  return target.length;
}

export const STAT_ROWS: readonly SyscallRow[] = [
  full("stat", [arg.path, arg.structOut("stat")], (call, path, buffer) =>
    writeStat(call, buffer, statPath(call, path)),
  ),
  full("lstat", [arg.path, arg.structOut("stat")], (call, path, buffer) =>
    writeStat(call, buffer, statPath(call, path, AT.SYMLINK_NOFOLLOW)),
  ),
  full("fstat", [arg.fd, arg.structOut("stat")], (call, fd, buffer) =>
    writeStat(call, buffer, description(call, fd).stat()),
  ),
  full("stat64", [arg.path, arg.structOut("stat64")], (call, path, buffer) =>
    writeStat64(call, buffer, statPath(call, path)),
  ),
  full("lstat64", [arg.path, arg.structOut("stat64")], (call, path, buffer) =>
    writeStat64(call, buffer, statPath(call, path, AT.SYMLINK_NOFOLLOW)),
  ),
  full("fstat64", [arg.fd, arg.structOut("stat64")], (call, fd, buffer) =>
    writeStat64(call, buffer, description(call, fd).stat()),
  ),
  full(
    "fstatat64",
    [arg.directoryFd, arg.path, arg.structOut("stat64"), arg.flags("at")],
    (call, dirfd, path, buffer, flags) => {
      if ((flags & ~STAT_FLAGS) !== 0) throw errno.EINVAL;
      return writeStat64(call, buffer, statAt(call, dirfd, path, flags));
    },
  ),
  full("statx", [arg.directoryFd, arg.path, arg.flags("at"), arg.flags("statx"), arg.structOut("statx")], statx),
  full("statfs", [arg.path, arg.structOut("statfs")], (call, path, buffer) =>
    writeStatfs(call, buffer, call.process.fs.statfs(readPath(call, path))),
  ),
  full("fstatfs", [arg.fd, arg.structOut("statfs")], (call, fd, buffer) =>
    writeStatfs(call, buffer, call.process.fs.fstatfs(description(call, fd))),
  ),
  full("statfs64", [arg.path, arg.size, arg.structOut("statfs64")], (call, path, size, buffer) =>
    writeStatfs64(call, size, buffer, call.process.fs.statfs(readPath(call, path))),
  ),
  full("fstatfs64", [arg.fd, arg.size, arg.structOut("statfs64")], (call, fd, size, buffer) =>
    writeStatfs64(call, size, buffer, call.process.fs.fstatfs(description(call, fd))),
  ),
  partial(
    "ustat",
    [arg.device, arg.structOut("ustat")],
    "only the file system of the root directory is found",
    (call, device, buffer) => {
      const { fs } = call.process.fs.root.mount;
      if (encodeDevice(fs.dev) !== device) throw errno.EINVAL;
      const stat = fs.statfs();
      call.abi.structs.ustat.write(call.memory, buffer, { f_tfree: stat.blocksFree, f_tinode: stat.filesFree });
      return 0;
    },
  ),
  full("access", [arg.path, arg.flags("access")], (call, path, mode) => access(call, arg.AT_FDCWD, path, mode, 0)),
  full("faccessat", [arg.directoryFd, arg.path, arg.flags("access")], (call, dirfd, path, mode) =>
    access(call, dirfd, path, mode, 0),
  ),
  full("faccessat2", [arg.directoryFd, arg.path, arg.flags("access"), arg.flags("faccessat")], access),
  full("readlink", [arg.path, arg.output, arg.int], (call, path, buffer, size) =>
    readlink(call, arg.AT_FDCWD, path, buffer, size),
  ),
  full("readlinkat", [arg.directoryFd, arg.path, arg.output, arg.int], readlink),
];
