/** Changing what is known of files: size, permissions, owners, times, extended attributes. */
import { errno } from "../kernel/errno.ts";
import { fromBytes, toBytes, type ByteString } from "../kernel/fs/byte-string.ts";
import { AT, O, S } from "../kernel/fs/flags.ts";
import { IN } from "../kernel/fs/watches.ts";
import type { FileDescription } from "../kernel/fs/file-description.ts";
import type { NewTime } from "../kernel/fs/fs-context.ts";
import { raiseInTask } from "../kernel/signal-sending.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { description, directory, fileOffset, readPath } from "./guest-buffers.ts";
import { full, partial, type SyscallRow } from "./row.ts";

const HERE = arg.AT_FDCWD;

// ── size ────────────────────────────────────────────────────────────────────────────────────────────────────────────
function checkSize(call: SyscallContext, size: number): void {
  if (size <= call.process.limits.soft("RLIMIT_FSIZE")) return;
  raiseInTask(call.task, "SIGXFSZ");
  throw errno.EFBIG;
}

/** Shared mappings must see the new end of the file. */
function resized(call: SyscallContext, identity: unknown): void {
  call.process.space.refreshShared(identity, 0, 0);
}

function truncate(call: SyscallContext, address: number, length: number | bigint): number {
  const size = fileOffset(length);
  const path = readPath(call, address);
  checkSize(call, size);
  const { fs } = call.process;
  // Through a description, so that mappings of the file can be told.
  const opened = fs.open(null, path, O.PATH, 0);
  fs.truncate(path, size);
  if ("path" in opened) {
    opened.retain();
    resized(call, opened.path.inode.identity);
    opened.release();
  }
  return 0;
}

function ftruncate(call: SyscallContext, fd: number, length: number | bigint): number {
  const size = fileOffset(length);
  const file = description(call, fd);
  if ((file.flags & O.PATH) !== 0) throw errno.EBADF;
  if (!file.writable || file.path.inode.type !== S.IFREG) throw errno.EINVAL;
  checkSize(call, size);
  file.truncate(size);
  file.path.mount.watches.file(file.path, IN.MODIFY);
  resized(call, file.path.inode.identity);
  return 0;
}

function fallocate(call: SyscallContext, fd: number, mode: number, offset: bigint, length: bigint): number {
  if (offset < 0n || length <= 0n) throw errno.EINVAL;
  const file = description(call, fd);
  if (!file.writable) throw errno.EBADF;
  const from = fileOffset(offset);
  const end = fileOffset(offset + length);
  checkSize(call, end);
  file.allocate(mode, from, end - from);
  resized(call, file.path.inode.identity);
  return 0;
}

// ── permissions and owners ──────────────────────────────────────────────────────────────────────────────────────────
function chmod(call: SyscallContext, dirfd: number, address: number, mode: number, flags: number): number {
  if ((flags & ~(AT.SYMLINK_NOFOLLOW | AT.EMPTY_PATH)) !== 0) throw errno.EINVAL;
  const path = readPath(call, address);
  call.process.fs.chmod(directory(call, dirfd, path), path, mode & 0o7777, flags);
  return 0;
}

function chown(call: SyscallContext, dirfd: number, address: number, uid: number, gid: number, flags: number): number {
  if ((flags & ~(AT.SYMLINK_NOFOLLOW | AT.EMPTY_PATH)) !== 0) throw errno.EINVAL;
  const path = readPath(call, address);
  call.process.fs.chown(directory(call, dirfd, path), path, uid, gid, flags);
  return 0;
}

/** A description that is more than a place in the tree. */
function opened(call: SyscallContext, fd: number): FileDescription {
  const file = description(call, fd);
  if ((file.flags & O.PATH) !== 0) throw errno.EBADF;
  return file;
}

// ── times ───────────────────────────────────────────────────────────────────────────────────────────────────────────
const UTIME_NOW = 0x3fffffff;
const UTIME_OMIT = 0x3ffffffe;

type Times = readonly [atime: NewTime, mtime: NewTime];
const NOW: Times = ["now", "now"];

function timespecs(call: SyscallContext, address: number, wide: boolean): Times {
  if (address === 0) return NOW;
  const layout = wide ? call.abi.structs.timespec64 : call.abi.structs.timespec32;
  const one = (at: number): NewTime => {
    const time = layout.read(call.memory, at);
    // The padding of a 32-bit tv_nsec in a time64 struct is not looked at.
    const nanoseconds = Number(BigInt.asIntN(call.abi.word * 8, BigInt(time.tv_nsec)));
    if (nanoseconds === UTIME_NOW) return "now";
    if (nanoseconds === UTIME_OMIT) return "omit";
    if (nanoseconds < 0 || nanoseconds >= 1_000_000_000) throw errno.EINVAL;
    return BigInt(time.tv_sec) * 1_000_000_000n + BigInt(nanoseconds);
  };
  return [one(address), one(address + layout.size)];
}

/** utimes(2): microseconds. */
function timevals(call: SyscallContext, address: number): Times {
  if (address === 0) return NOW;
  const { timeval } = call.abi.structs;
  const one = (at: number): NewTime => {
    const time = timeval.read(call.memory, at);
    const microseconds = Number(time.tv_usec);
    if (microseconds < 0 || microseconds >= 1_000_000) throw errno.EINVAL;
    return BigInt(time.tv_sec) * 1_000_000_000n + BigInt(microseconds) * 1000n;
  };
  return [one(address), one(address + timeval.size)];
}

function setTimes(call: SyscallContext, dirfd: number, address: number, [atime, mtime]: Times, flags: number): number {
  if ((flags & ~(AT.SYMLINK_NOFOLLOW | AT.EMPTY_PATH)) !== 0) throw errno.EINVAL;
  const { fs } = call.process;
  if (address === 0 && dirfd !== HERE) {
    if (flags !== 0) throw errno.EINVAL;
    fs.setTimes(opened(call, dirfd), null, atime, mtime, 0);
    return 0;
  }
  const path = readPath(call, address);
  fs.setTimes(directory(call, dirfd, path), path, atime, mtime, flags);
  return 0;
}

// ── extended attributes ─────────────────────────────────────────────────────────────────────────────────────────────
/** XATTR_NAME_MAX, XATTR_SIZE_MAX */
const NAME_MAX = 255;
const SIZE_MAX = 65536;

type Target = readonly [at: FileDescription | null, path: ByteString, flags: number];
const byPath = (call: SyscallContext, path: number): Target => [null, readPath(call, path), 0];
const byLink = (call: SyscallContext, path: number): Target => [null, readPath(call, path), AT.SYMLINK_NOFOLLOW];
const byFd = (call: SyscallContext, fd: number): Target => [opened(call, fd), "", AT.EMPTY_PATH];

function attributeName(call: SyscallContext, address: number): ByteString {
  const bytes = call.memory.readCString(address, NAME_MAX + 1);
  if (bytes === null || bytes.length === 0) throw errno.ERANGE;
  return fromBytes(bytes);
}

/** A size of 0 asks how much room it takes. */
function answer(call: SyscallContext, bytes: Uint8Array, address: number, size: number): number {
  if (size === 0) return bytes.length;
  if (bytes.length > size) throw errno.ERANGE;
  call.memory.writeBytes(address, bytes);
  return bytes.length;
}

function get(call: SyscallContext, [at, path, flags]: Target, name: number, value: number, size: number): number {
  return answer(call, call.process.fs.getXattr(at, path, attributeName(call, name), flags), value, size);
}

function set(
  call: SyscallContext,
  [at, path, flags]: Target,
  name: number,
  value: number,
  size: number,
  how: number,
): number {
  if ((how & ~3) !== 0) throw errno.EINVAL;
  if (size > SIZE_MAX) throw errno.E2BIG;
  call.process.fs.setXattr(at, path, attributeName(call, name), call.memory.readBytes(value, size), flags, how);
  return 0;
}

function list(call: SyscallContext, [at, path, flags]: Target, value: number, size: number): number {
  const names = call.process.fs.listXattr(at, path, flags);
  return answer(call, toBytes(names.map((name) => `${name}\0`).join("")), value, size);
}

function remove(call: SyscallContext, [at, path, flags]: Target, name: number): number {
  call.process.fs.removeXattr(at, path, attributeName(call, name), flags);
  return 0;
}

const SET_NOTE = "only in an overlay; nothing follows from what they say";
const setArguments = [arg.string, arg.input(3), arg.size, arg.flags("xattr")] as const;

export const ATTRIBUTE_ROWS: readonly SyscallRow[] = [
  full("truncate", [arg.path, arg.long], truncate),
  full("truncate64", [arg.path, arg.offset64], truncate),
  full("ftruncate", [arg.fd, arg.long], ftruncate),
  full("ftruncate64", [arg.fd, arg.offset64], ftruncate),
  full("fallocate", [arg.fd, arg.flags("fallocate"), arg.offset64, arg.offset64], fallocate),

  full("chmod", [arg.path, arg.mode], (call, path, mode) => chmod(call, HERE, path, mode, 0)),
  full("fchmod", [arg.fd, arg.mode], (call, fd, mode) => {
    call.process.fs.fchmod(opened(call, fd), mode & 0o7777);
    return 0;
  }),
  full("fchmodat", [arg.directoryFd, arg.path, arg.mode], (call, dirfd, path, mode) =>
    chmod(call, dirfd, path, mode, 0),
  ),
  full("fchmodat2", [arg.directoryFd, arg.path, arg.mode, arg.flags("at")], chmod),
  full("chown", [arg.path, arg.id, arg.id], (call, path, uid, gid) => chown(call, HERE, path, uid, gid, 0)),
  full("lchown", [arg.path, arg.id, arg.id], (call, path, uid, gid) =>
    chown(call, HERE, path, uid, gid, AT.SYMLINK_NOFOLLOW),
  ),
  full("fchown", [arg.fd, arg.id, arg.id], (call, fd, uid, gid) => {
    call.process.fs.fchown(opened(call, fd), uid, gid);
    return 0;
  }),
  full("fchownat", [arg.directoryFd, arg.path, arg.id, arg.id, arg.flags("at")], chown),

  full("utime", [arg.path, arg.structIn("utimbuf")], (call, path, times) => {
    if (times === 0) return setTimes(call, HERE, path, NOW, 0);
    const { actime, modtime } = call.abi.structs.utimbuf.read(call.memory, times);
    const seconds = (value: number | bigint): bigint => BigInt(value) * 1_000_000_000n;
    return setTimes(call, HERE, path, [seconds(actime), seconds(modtime)], 0);
  }),
  full("utimes", [arg.path, arg.pointer], (call, path, times) => setTimes(call, HERE, path, timevals(call, times), 0)),
  full("futimesat", [arg.directoryFd, arg.path, arg.pointer], (call, dirfd, path, times) =>
    setTimes(call, dirfd, path, timevals(call, times), 0),
  ),
  full("utimensat", [arg.directoryFd, arg.path, arg.pointer, arg.flags("at")], (call, dirfd, path, times, flags) =>
    setTimes(call, dirfd, path, timespecs(call, times, call.abi.word === 8), flags),
  ),
  full(
    "utimensat_time64",
    [arg.directoryFd, arg.path, arg.pointer, arg.flags("at")],
    (call, dirfd, path, times, flags) => setTimes(call, dirfd, path, timespecs(call, times, true), flags),
  ),

  full("getxattr", [arg.path, arg.string, arg.output, arg.size], (call, path, ...rest) =>
    get(call, byPath(call, path), ...rest),
  ),
  full("lgetxattr", [arg.path, arg.string, arg.output, arg.size], (call, path, ...rest) =>
    get(call, byLink(call, path), ...rest),
  ),
  full("fgetxattr", [arg.fd, arg.string, arg.output, arg.size], (call, fd, ...rest) =>
    get(call, byFd(call, fd), ...rest),
  ),
  partial("setxattr", [arg.path, ...setArguments], SET_NOTE, (call, path, ...rest) =>
    set(call, byPath(call, path), ...rest),
  ),
  partial("lsetxattr", [arg.path, ...setArguments], SET_NOTE, (call, path, ...rest) =>
    set(call, byLink(call, path), ...rest),
  ),
  partial("fsetxattr", [arg.fd, ...setArguments], SET_NOTE, (call, fd, ...rest) => set(call, byFd(call, fd), ...rest)),
  full("listxattr", [arg.path, arg.output, arg.size], (call, path, ...rest) => list(call, byPath(call, path), ...rest)),
  full("llistxattr", [arg.path, arg.output, arg.size], (call, path, ...rest) =>
    list(call, byLink(call, path), ...rest),
  ),
  full("flistxattr", [arg.fd, arg.output, arg.size], (call, fd, ...rest) => list(call, byFd(call, fd), ...rest)),
  full("removexattr", [arg.path, arg.string], (call, path, name) => remove(call, byPath(call, path), name)),
  full("lremovexattr", [arg.path, arg.string], (call, path, name) => remove(call, byLink(call, path), name)),
  full("fremovexattr", [arg.fd, arg.string], (call, fd, name) => remove(call, byFd(call, fd), name)),
];
