/** Opening files: open(2), openat2(2), creat(2), memfd_create(2). */
import { errno } from "../kernel/errno.ts";
import { fromBytes } from "../kernel/fs/byte-string.ts";
import { O } from "../kernel/fs/flags.ts";
import type { FileDescription } from "../kernel/fs/file-description.ts";
import { adoptOnOpen } from "../kernel/tty/sessions.ts";
import { Wait } from "../kernel/wait.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { directory, readPath } from "./guest-buffers.ts";
import { full, missing, partial, type SyscallRow } from "./row.ts";

/** `flags` are the kernel's. */
function install(
  call: SyscallContext,
  opened: FileDescription | Wait<FileDescription>,
  flags: number,
): number | Wait<number> {
  if (opened instanceof Wait) return opened.then((file) => install(call, file, flags));
  const fd = call.process.files.add(opened, (flags & O.CLOEXEC) !== 0);
  const { jobControl } = opened;
  if (jobControl !== null && (flags & O.NOCTTY) === 0 && opened.readable) adoptOnOpen(call.process, jobControl);
  return fd;
}

/** `flags` are the guest's. */
function open(
  call: SyscallContext,
  dirfd: number,
  address: number,
  flags: number,
  mode: number,
): number | Wait<number> {
  const path = readPath(call, address);
  // The access mode is a number of two bits, not a set: 3 is neither 1 nor 2 (open(2), NOTES).
  const asked = call.abi.constants.open.bitsToKernel(flags & ~3) | (flags & 3);
  const created = (asked & (O.CREAT | (O.TMPFILE & ~O.DIRECTORY))) !== 0 ? mode & 0o7777 : 0;
  const at = directory(call, dirfd, path);
  return install(call, call.process.fs.open(at, path, asked, created), asked);
}

/** openat2(2) refuses what open(2) ignores. */
function openat2(
  call: SyscallContext,
  dirfd: number,
  address: number,
  how: number,
  size: number,
): number | Wait<number> {
  const { openHow } = call.abi.structs;
  if (size < openHow.size) throw errno.EINVAL;
  if (size > 4096) throw errno.E2BIG;
  // A larger struct from a newer program is fine as long as what we don't know is zero.
  if (call.memory.readBytes(how + openHow.size, size - openHow.size).some((byte) => byte !== 0)) throw errno.E2BIG;
  const { flags, mode, resolve } = openHow.read(call.memory, how);
  const path = readPath(call, address);
  if (BigInt(flags) > 0xffffffffn || BigInt(resolve) > 0x3fn) throw errno.EINVAL;
  const set = call.abi.constants.open;
  const guest = Number(flags);
  const asked = set.bitsToKernel(guest & ~3) | (guest & 3);
  if ((set.bitsToGuest(asked & ~3) | (guest & 3)) >>> 0 !== guest >>> 0) throw errno.EINVAL;
  const creates = (asked & O.CREAT) !== 0 || (asked & O.TMPFILE) === O.TMPFILE;
  if (BigInt(mode) > 0o7777n || (!creates && BigInt(mode) !== 0n)) throw errno.EINVAL;
  const pathOnly = O.PATH | O.DIRECTORY | O.NOFOLLOW | O.CLOEXEC;
  if ((asked & O.PATH) !== 0 && (asked & ~pathOnly) !== 0) throw errno.EINVAL;
  const at = dirfd === arg.AT_FDCWD ? null : directory(call, dirfd, Number(resolve) === 0 ? path : "");
  const opened = call.process.fs.open(at, path, asked, Number(mode), Number(resolve));
  return install(call, opened, asked);
}

export const OPENING_ROWS: readonly SyscallRow[] = [
  full("open", [arg.path, arg.openFlags, arg.createMode], (call, path, flags, mode) =>
    open(call, arg.AT_FDCWD, path, flags, mode),
  ),
  full("openat", [arg.directoryFd, arg.path, arg.openFlags, arg.createMode], open),
  full("openat2", [arg.directoryFd, arg.path, arg.structIn("openHow", "open_how"), arg.size], openat2),
  full("creat", [arg.path, arg.mode], (call, path, mode) => {
    const { O_CREAT, O_WRONLY, O_TRUNC } = call.abi.constants.open.guest;
    return open(call, arg.AT_FDCWD, path, O_CREAT! | O_WRONLY! | O_TRUNC!, mode);
  }),
  partial("memfd_create", [arg.string, arg.flags("memfd")], "MFD_HUGETLB is EINVAL", (call, address, flags) => {
    const { MFD_CLOEXEC, MFD_ALLOW_SEALING } = call.abi.constants.memfd.guest;
    if ((flags & ~(MFD_CLOEXEC! | MFD_ALLOW_SEALING!)) !== 0) throw errno.EINVAL;
    // MFD_NAME_MAX_LEN: 249 bytes and the NUL.
    const name = call.memory.readCString(address, 250);
    if (name === null) throw errno.EINVAL;
    const file = call.process.fs.memfd(fromBytes(name), (flags & MFD_ALLOW_SEALING!) !== 0);
    return call.process.files.add(file, (flags & MFD_CLOEXEC!) !== 0);
  }),
  missing("open_by_handle_at", [arg.fd, arg.pointer, arg.openFlags], "file handles need a privileged process"),
  missing(
    "name_to_handle_at",
    [arg.directoryFd, arg.path, arg.pointer, arg.pointer, arg.flags("at")],
    "no file handles",
  ),
];
