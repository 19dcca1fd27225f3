/** Names in the tree: links, directories and their entries, the working directory, the root. */
import { errno } from "../kernel/errno.ts";
import { toBytes, type ByteString } from "../kernel/fs/byte-string.ts";
import { AT, S } from "../kernel/fs/flags.ts";
import type { DirectoryEntry } from "../kernel/fs/file-description.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { description, directory, PATH_MAX, readPath } from "./guest-buffers.ts";
import { full, missing, partial, type SyscallRow } from "./row.ts";
import { decodeDevice } from "./stat.ts";

const alignUp = (value: number, to: number): number => Math.ceil(value / to) * to;

/** Packs one entry into `at`; returns its length, or 0 where there is no room for it. */
type PackEntry = (
  call: SyscallContext,
  into: Uint8Array,
  at: number,
  entry: DirectoryEntry,
  name: Uint8Array,
) => number;

const packDirent64: PackEntry = (call, into, at, entry, name) => {
  const { dirent64 } = call.abi.structs;
  const head = dirent64.offsetOf("d_type") + 1;
  const length = alignUp(head + name.length + 1, 8);
  if (at + length > into.length) return 0;
  into.fill(0, at, at + length);
  const packed = dirent64.pack({ d_ino: entry.ino, d_off: entry.next, d_reclen: length, d_type: entry.type });
  into.set(packed.subarray(0, head), at);
  into.set(name, at + head);
  return length;
};

/** The old entry has its type in its last byte, behind the name's NUL (getdents(2)). */
const packDirent: PackEntry = (call, into, at, entry, name) => {
  const { dirent } = call.abi.structs;
  const head = dirent.offsetOf("d_reclen") + 2;
  const length = alignUp(head + name.length + 2, call.abi.word);
  if (at + length > into.length) return 0;
  into.fill(0, at, at + length);
  const packed = dirent.pack({ d_ino: BigInt.asUintN(32, entry.ino), d_off: entry.next, d_reclen: length });
  into.set(packed.subarray(0, head), at);
  into.set(name, at + head);
  into[at + length - 1] = entry.type;
  return length;
};

function getdents(call: SyscallContext, fd: number, address: number, count: number, pack: PackEntry): number {
  const file = description(call, fd);
  // Packed aside and copied in one piece: `listEntries` must not be half done when the buffer faults.
  const room = Math.min(count, call.memory.accessible(address, Math.min(count, 1 << 20), "write"));
  const bytes = new Uint8Array(room);
  let used = 0;
  let full = false;
  file.listEntries((entry) => {
    const length = pack(call, bytes, used, entry, toBytes(entry.name));
    if (length === 0) full = true;
    used += length;
    return length !== 0;
  });
  if (used === 0 && full) throw room < count ? errno.EFAULT : errno.EINVAL;
  call.memory.writeBytes(address, bytes.subarray(0, used));
  return used;
}

/** readdir(2) of old: one entry a call, its length in d_reclen's place. */
function readdir(call: SyscallContext, fd: number, address: number): number {
  const { dirent } = call.abi.structs;
  let found: DirectoryEntry | null = null;
  description(call, fd).listEntries((entry) => {
    if (found !== null) return false;
    found = entry;
    return true;
  });
  const entry = found as DirectoryEntry | null;
  if (entry === null) return 0;
  const name = toBytes(entry.name);
  const head = dirent.offsetOf("d_reclen") + 2;
  const bytes = new Uint8Array(head + name.length + 1);
  const fields = { d_ino: BigInt.asUintN(32, entry.ino), d_off: entry.next, d_reclen: name.length };
  bytes.set(dirent.pack(fields).subarray(0, head));
  bytes.set(name, head);
  call.memory.writeBytes(address, bytes);
  return 1;
}

/** dirfd and path of an *at() call, resolved. */
function place(call: SyscallContext, dirfd: number, address: number) {
  const path = readPath(call, address);
  return { at: directory(call, dirfd, path), path };
}

function mkdir(call: SyscallContext, dirfd: number, address: number, mode: number): number {
  const { at, path } = place(call, dirfd, address);
  call.process.fs.mkdir(at, path, mode & 0o7777);
  return 0;
}

function mknod(call: SyscallContext, dirfd: number, address: number, mode: number, device: number): number {
  const { at, path } = place(call, dirfd, address);
  const type = mode & S.IFMT;
  if (type === S.IFDIR) throw errno.EPERM;
  // No type means a regular file (mknod(2)).
  call.process.fs.mknod(at, path, (type === 0 ? S.IFREG : type) | (mode & 0o7777), decodeDevice(device));
  return 0;
}

function unlink(call: SyscallContext, dirfd: number, address: number, flags: number): number {
  if ((flags & ~AT.REMOVEDIR) !== 0) throw errno.EINVAL;
  const { at, path } = place(call, dirfd, address);
  if ((flags & AT.REMOVEDIR) !== 0) call.process.fs.rmdir(at, path);
  else call.process.fs.unlink(at, path, 0);
  return 0;
}

function link(
  call: SyscallContext,
  oldFd: number,
  oldPath: number,
  newFd: number,
  newPath: number,
  flags: number,
): number {
  if ((flags & ~(AT.SYMLINK_FOLLOW | AT.EMPTY_PATH)) !== 0) throw errno.EINVAL;
  const from = place(call, oldFd, oldPath);
  const to = place(call, newFd, newPath);
  call.process.fs.link(from.at, from.path, to.at, to.path, flags);
  return 0;
}

function symlink(call: SyscallContext, target: number, dirfd: number, address: number): number {
  const text: ByteString = readPath(call, target);
  const { at, path } = place(call, dirfd, address);
  call.process.fs.symlink(text, at, path);
  return 0;
}

function rename(
  call: SyscallContext,
  oldFd: number,
  oldPath: number,
  newFd: number,
  newPath: number,
  flags: number,
): number {
  if ((flags & ~7) !== 0) throw errno.EINVAL;
  const from = place(call, oldFd, oldPath);
  const to = place(call, newFd, newPath);
  call.process.fs.rename(from.at, from.path, to.at, to.path, flags);
  return 0;
}

const HERE = arg.AT_FDCWD;
const NOT_FOR_GUESTS = "the file tree is set up from outside; a guest cannot mount";

export const DIRECTORY_ROWS: readonly SyscallRow[] = [
  full("getdents", [arg.fd, arg.pointer, arg.size], (call, fd, address, count) =>
    getdents(call, fd, address, count, packDirent),
  ),
  full("getdents64", [arg.fd, arg.pointer, arg.size], (call, fd, address, count) =>
    getdents(call, fd, address, count, packDirent64),
  ),
  full("readdir", [arg.fd, arg.structOut("dirent", "old_linux_dirent"), arg.uint], (call, fd, address) =>
    readdir(call, fd, address),
  ),

  full("mkdir", [arg.path, arg.mode], (call, path, mode) => mkdir(call, HERE, path, mode)),
  full("mkdirat", [arg.directoryFd, arg.path, arg.mode], mkdir),
  full("rmdir", [arg.path], (call, path) => unlink(call, HERE, path, AT.REMOVEDIR)),
  partial("mknod", [arg.path, arg.mode, arg.device], "devices are EPERM", (call, path, mode, device) =>
    mknod(call, HERE, path, mode, device),
  ),
  partial("mknodat", [arg.directoryFd, arg.path, arg.mode, arg.device], "devices are EPERM", mknod),
  full("unlink", [arg.path], (call, path) => unlink(call, HERE, path, 0)),
  full("unlinkat", [arg.directoryFd, arg.path, arg.flags("at")], unlink),
  full("link", [arg.path, arg.path], (call, from, to) => link(call, HERE, from, HERE, to, 0)),
  full("linkat", [arg.directoryFd, arg.path, arg.directoryFd, arg.path, arg.flags("at")], link),
  full("symlink", [arg.path, arg.path], (call, target, path) => symlink(call, target, HERE, path)),
  full("symlinkat", [arg.path, arg.directoryFd, arg.path], symlink),
  full("rename", [arg.path, arg.path], (call, from, to) => rename(call, HERE, from, HERE, to, 0)),
  full("renameat", [arg.directoryFd, arg.path, arg.directoryFd, arg.path], (call, oldFd, from, newFd, to) =>
    rename(call, oldFd, from, newFd, to, 0),
  ),
  full("renameat2", [arg.directoryFd, arg.path, arg.directoryFd, arg.path, arg.flags("rename")], rename),

  full("getcwd", [arg.outputString, arg.size], (call, buffer, size) => {
    const name = toBytes(call.process.fs.getcwd());
    if (name.length + 1 > PATH_MAX) throw errno.ENAMETOOLONG;
    if (name.length + 1 > size) throw errno.ERANGE;
    call.memory.writeBytes(buffer, Buffer.concat([name, Buffer.alloc(1)]));
    return name.length + 1;
  }),
  full("chdir", [arg.path], (call, path) => {
    call.process.fs.chdir(readPath(call, path));
    return 0;
  }),
  full("fchdir", [arg.fd], (call, fd) => {
    call.process.fs.fchdir(description(call, fd));
    return 0;
  }),
  full("chroot", [arg.path], (call, path) => {
    call.process.fs.chroot(readPath(call, path));
    return 0;
  }),
  full(
    "umask",
    [arg.mode],
    (call, mask) => {
      const old = call.process.fs.umask;
      call.process.fs.umask = mask & 0o777;
      return old;
    },
    "octal",
  ),
  partial(
    "mount",
    [arg.path, arg.path, arg.string, arg.flags("mount"), arg.pointer],
    `EPERM: ${NOT_FOR_GUESTS}`,
    () => {
      throw errno.EPERM;
    },
  ),
  partial("umount", [arg.path], `EPERM: ${NOT_FOR_GUESTS}`, () => {
    throw errno.EPERM;
  }),
  partial("umount2", [arg.path, arg.int], `EPERM: ${NOT_FOR_GUESTS}`, () => {
    throw errno.EPERM;
  }),
  partial("pivot_root", [arg.path, arg.path], `EPERM: ${NOT_FOR_GUESTS}`, () => {
    throw errno.EPERM;
  }),
  missing("fanotify_init", [arg.hexadecimal, arg.hexadecimal], "changes of files are not reported"),
];
