/** Descriptors themselves: close, dup, fcntl, locks, pipes. */
import { updateAsync } from "../kernel/async-io.ts";
import { errno } from "../kernel/errno.ts";
import { O } from "../kernel/fs/flags.ts";
import type { FileDescription } from "../kernel/fs/file-description.ts";
import { flock, getRecordLock, OFD_PID, setRecordLock, type LockRequest, type LockType } from "../kernel/fs/locks.ts";
import { createPipe } from "../kernel/pipe.ts";
import type { Wait } from "../kernel/wait.ts";
import type { Struct } from "./struct.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { description, fitsLong } from "./guest-buffers.ts";
import { full, partial, type SyscallRow } from "./row.ts";

/** Two new descriptors; either both or none. */
function pipe(call: SyscallContext, guestFlags: number): readonly [reader: number, writer: number] {
  const flags = call.abi.constants.open.bitsToKernel(guestFlags);
  if ((flags & ~(O.CLOEXEC | O.NONBLOCK | O.DIRECT)) !== 0) throw errno.EINVAL;
  const { files } = call.process;
  files.reserve(2);
  const { reader, writer } = createPipe(flags & ~O.CLOEXEC);
  const closeOnExec = (flags & O.CLOEXEC) !== 0;
  return [files.add(reader, closeOnExec), files.add(writer, closeOnExec)];
}

function pipeInMemory(call: SyscallContext, address: number, flags: number): number {
  call.memory.check(address, 8, "write");
  const [reader, writer] = pipe(call, flags);
  call.memory.writeS32(address, reader);
  call.memory.writeS32(address + 4, writer);
  return 0;
}

type FlockStruct = Struct<"l_type" | "l_whence" | "l_start" | "l_len" | "l_pid">;

const LOCK_TYPES: readonly LockType[] = ["read", "write", "unlock"];

/** `struct flock` as the kernel wants it: absolute, `end` not included. */
function lockRequest(
  call: SyscallContext,
  file: FileDescription,
  layout: FlockStruct,
  address: number,
  ofd: boolean,
): LockRequest {
  const lock = layout.read(call.memory, address);
  const type = LOCK_TYPES[Number(lock.l_type)];
  if (type === undefined || (ofd && Number(lock.l_pid) !== 0)) throw errno.EINVAL;
  const bases = [0, file.position, Number(lock.l_whence) === 2 ? file.stat().size : 0];
  const base = bases[Number(lock.l_whence)];
  if (base === undefined) throw errno.EINVAL;
  const length = Number(lock.l_len);
  let start = base + Number(lock.l_start);
  let end = length === 0 ? Infinity : start + length;
  // A negative length covers the bytes before `start` (fcntl(2)).
  if (length < 0) [start, end] = [end, start];
  if (start < 0) throw errno.EINVAL;
  if (start > Number.MAX_SAFE_INTEGER || (end !== Infinity && end > Number.MAX_SAFE_INTEGER)) throw errno.EOVERFLOW;
  if (ofd) return { type, start, end, owner: file, pid: OFD_PID };
  return { type, start, end, owner: call.process.files, pid: call.process.pid };
}

function getLock(
  call: SyscallContext,
  file: FileDescription,
  layout: FlockStruct,
  address: number,
  ofd: boolean,
): number {
  const request = lockRequest(call, file, layout, address, ofd);
  const held = getRecordLock(file.path.inode.identity, request);
  const old = layout.read(call.memory, address);
  if (held === null) {
    layout.write(call.memory, address, { ...old, l_type: LOCK_TYPES.indexOf("unlock") });
    return 0;
  }
  const narrow = layout === (call.abi.structs.flock as FlockStruct);
  const start = narrow ? fitsLong(call, held.start) : held.start;
  const length = held.end === Infinity ? 0 : held.end - held.start;
  layout.write(call.memory, address, {
    l_type: LOCK_TYPES.indexOf(held.type),
    l_whence: 0,
    l_start: start,
    l_len: narrow ? fitsLong(call, length) : length,
    l_pid: held.pid,
  });
  return 0;
}

function setLock(
  call: SyscallContext,
  file: FileDescription,
  layout: FlockStruct,
  address: number,
  ofd: boolean,
  wait: boolean,
): number | Wait<number> {
  const request = lockRequest(call, file, layout, address, ofd);
  if ((file.flags & O.PATH) !== 0) throw errno.EBADF;
  if (request.type === "read" && !file.readable) throw errno.EBADF;
  if (request.type === "write" && !file.writable) throw errno.EBADF;
  return setRecordLock(file.path.inode.identity, request, wait);
}

/** `wide`: fcntl64(2), which alone has the F_*LK64 commands. */
function fcntl(
  call: SyscallContext,
  fd: number,
  guestCommand: number,
  argument: number,
  wide: boolean,
): number | Wait<number> {
  const file = description(call, fd);
  const { files } = call.process;
  const { constants, structs } = call.abi;
  const command = constants.fcntl.nameOf(guestCommand);
  if ((file.flags & O.PATH) !== 0 && !PATH_COMMANDS.has(command ?? "")) throw errno.EBADF;
  const narrowLock = structs.flock as FlockStruct;
  const wideLock = structs.flock64 as FlockStruct;
  switch (command) {
    case "F_DUPFD":
      return files.duplicate(fd, argument | 0);
    case "F_DUPFD_CLOEXEC":
      return files.duplicate(fd, argument | 0, true);
    case "F_GETFD":
      return files.closeOnExec(fd) ? 1 : 0;
    case "F_SETFD":
      files.setCloseOnExec(fd, (argument & 1) !== 0);
      return 0;
    case "F_GETFL":
      return (constants.open.bitsToGuest(file.flags & ~O.ACCMODE) | (file.flags & O.ACCMODE)) >>> 0;
    case "F_SETFL":
      file.setFlags(constants.open.bitsToKernel(argument & ~3));
      updateAsync(call.kernel, file, fd);
      return 0;
    case "F_GETLK":
      return getLock(call, file, narrowLock, argument, false);
    case "F_SETLK":
      return setLock(call, file, narrowLock, argument, false, false);
    case "F_SETLKW":
      return setLock(call, file, narrowLock, argument, false, true);
    case "F_GETLK64":
      if (!wide) throw errno.EINVAL;
      return getLock(call, file, wideLock, argument, false);
    case "F_SETLK64":
      if (!wide) throw errno.EINVAL;
      return setLock(call, file, wideLock, argument, false, false);
    case "F_SETLKW64":
      if (!wide) throw errno.EINVAL;
      return setLock(call, file, wideLock, argument, false, true);
    case "F_OFD_GETLK":
      return getLock(call, file, wideLock, argument, true);
    case "F_OFD_SETLK":
      return setLock(call, file, wideLock, argument, true, false);
    case "F_OFD_SETLKW":
      return setLock(call, file, wideLock, argument, true, true);
    case "F_GETOWN":
      return file.owner;
    case "F_SETOWN":
      file.owner = argument | 0;
      return 0;
    case "F_GETOWN_EX":
      // F_OWNER_PID 1, F_OWNER_PGRP 2.
      structs.fOwnerEx.write(call.memory, argument, { type: file.owner < 0 ? 2 : 1, pid: Math.abs(file.owner) });
      return 0;
    case "F_SETOWN_EX": {
      const { type, pid } = structs.fOwnerEx.read(call.memory, argument);
      if (Number(type) < 0 || Number(type) > 2) throw errno.EINVAL;
      file.owner = Number(type) === 2 ? -Number(pid) : Number(pid);
      return 0;
    }
    case "F_GETSIG":
      return file.ownerSignal;
    case "F_SETSIG":
      if (argument !== 0 && !call.kernel.signals.isValid(argument)) throw errno.EINVAL;
      file.ownerSignal = argument;
      return 0;
    case "F_GETPIPE_SZ":
      return file.pipeSize;
    case "F_SETPIPE_SZ":
      return file.setPipeSize(argument);
    case "F_GET_SEALS":
      return file.seals;
    case "F_ADD_SEALS":
      if (!file.writable) throw errno.EPERM;
      file.addSeals(argument);
      return 0;
    case "F_GETLEASE":
      // No lease is ever taken.
      return constants.lockType.guest["F_UNLCK"]!;
    default:
      throw errno.EINVAL;
  }
}

const PATH_COMMANDS: ReadonlySet<string> = new Set(["F_DUPFD", "F_DUPFD_CLOEXEC", "F_GETFD", "F_SETFD", "F_GETFL"]);

/** fcntl's third argument, by command. */
const fcntlArgument: typeof arg.hexadecimal = {
  ...arg.hexadecimal,
  show: (value, shown) => {
    const { abi } = shown.call;
    switch (abi.constants.fcntl.nameOf(Number(shown.args[1]))) {
      case "F_GETFD":
      case "F_GETFL":
      case "F_GETOWN":
      case "F_GETSIG":
      case "F_GET_SEALS":
      case "F_GETPIPE_SZ":
      case "F_GETLEASE":
        return "";
      case "F_SETFD":
        return abi.constants.fdFlags.showBits(value);
      case "F_SETFL":
        return arg.openFlags.show(value, shown);
      case "F_GETLK":
      case "F_SETLK":
      case "F_SETLKW":
        return arg.showStruct(shown.call, "flock", value);
      case "F_GETLK64":
      case "F_SETLK64":
      case "F_SETLKW64":
      case "F_OFD_GETLK":
      case "F_OFD_SETLK":
      case "F_OFD_SETLKW":
        return arg.showStruct(shown.call, "flock64", value);
      default:
        return String(value);
    }
  },
};

/** Mandatory locks of old: Linux takes the request and does nothing (since 5.15). */
const LOCK_MAND = 32;

const FCNTL_NOTE = "F_NOTIFY and F_SETLEASE are EINVAL";

function dup3(call: SyscallContext, from: number, to: number, guestFlags: number): number {
  const flags = call.abi.constants.open.bitsToKernel(guestFlags);
  if ((flags & ~O.CLOEXEC) !== 0 || from === to) throw errno.EINVAL;
  return call.process.files.duplicateTo(from, to, (flags & O.CLOEXEC) !== 0);
}

export const DESCRIPTOR_ROWS: readonly SyscallRow[] = [
  full("close", [arg.fd], (call, fd) => {
    call.process.files.close(fd);
    return 0;
  }),
  partial(
    "close_range",
    [arg.uint, arg.uint, arg.flags("closeRange")],
    "CLOSE_RANGE_UNSHARE gives the whole process a table of its own, not only the calling thread",
    (call, first, last, flags) => {
      const { CLOSE_RANGE_UNSHARE, CLOSE_RANGE_CLOEXEC } = call.abi.constants.closeRange.guest;
      if ((flags & ~(CLOSE_RANGE_UNSHARE! | CLOSE_RANGE_CLOEXEC!)) !== 0) throw errno.EINVAL;
      if ((flags & CLOSE_RANGE_UNSHARE!) !== 0) call.process.unshareFiles();
      call.process.files.closeRange(first, last, (flags & CLOSE_RANGE_CLOEXEC!) !== 0);
      return 0;
    },
  ),
  full("dup", [arg.fd], (call, fd) => call.process.files.duplicate(fd)),
  full("dup2", [arg.fd, arg.fd], (call, from, to) => call.process.files.duplicateTo(from, to)),
  full("dup3", [arg.fd, arg.fd, arg.openFlags], dup3),
  partial("fcntl", [arg.fd, arg.choice("fcntl"), fcntlArgument], FCNTL_NOTE, (call, fd, command, argument) =>
    fcntl(call, fd, command, argument, call.abi.word === 8),
  ),
  partial("fcntl64", [arg.fd, arg.choice("fcntl"), fcntlArgument], FCNTL_NOTE, (call, fd, command, argument) =>
    fcntl(call, fd, command, argument, true),
  ),
  full("flock", [arg.fd, arg.flags("flock")], (call, fd, operation) => {
    const file = description(call, fd);
    const { LOCK_SH, LOCK_EX, LOCK_NB, LOCK_UN } = call.abi.constants.flock.guest;
    if ((operation & LOCK_MAND) !== 0) return 0;
    const types: Readonly<Record<number, LockType>> = { [LOCK_SH!]: "read", [LOCK_EX!]: "write", [LOCK_UN!]: "unlock" };
    const type = types[operation & ~LOCK_NB!];
    if (type === undefined) throw errno.EINVAL;
    if ((file.flags & O.PATH) !== 0) throw errno.EBADF;
    return flock(file.path.inode.identity, file, type, (operation & LOCK_NB!) === 0);
  }),

  full("pipe", [arg.intsOut(2)], (call, address) => {
    const { secondResult } = call.abi;
    if (secondResult === null) return pipeInMemory(call, address, 0);
    const [reader, writer] = pipe(call, 0);
    secondResult(call.registers, writer);
    return reader;
  }),
  full("pipe2", [arg.intsOut(2), arg.openFlags], pipeInMemory),
];
