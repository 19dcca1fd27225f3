/** Reading, writing and positions: read(2), pwritev2(2), lseek(2), sendfile(2) and their kin. */
import { errno } from "../kernel/errno.ts";
import { O, S } from "../kernel/fs/flags.ts";
import type { FileDescription } from "../kernel/fs/file-description.ts";
import { copyFileRange, sendfile, splice, tee } from "../kernel/fs/transfer.ts";
import { PipeDescription } from "../kernel/pipe.ts";
import { raiseInTask } from "../kernel/signal-sending.ts";
import { requireForeground, requireWriter } from "../kernel/tty/sessions.ts";
import { Wait, type WakeReason } from "../kernel/wait.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { buffer, description, fileOffset, fitsLong, guardWait, MAX_TRANSFER, vector } from "./guest-buffers.ts";
import { full, partial, type SyscallRow } from "./row.ts";

const isRegular = (file: FileDescription): boolean => file.path.inode.type === S.IFREG;

/** Shared mappings and read(2) see one file: what the guest wrote through memory goes to the file first. */
function beforeRead(call: SyscallContext, file: FileDescription, offset: number, length: number): void {
  if (isRegular(file)) call.process.space.flushShared(file.path.inode.identity, offset, length);
}

function afterWrite(call: SyscallContext, file: FileDescription, offset: number, length: number): void {
  if (length > 0 && isRegular(file)) call.process.space.refreshShared(file.path.inode.identity, offset, length);
}

/**
 * How much of a write RLIMIT_FSIZE allows. Throws EFBIG with SIGXFSZ if nothing (setrlimit(2)).
 */
function withinFileSize(call: SyscallContext, file: FileDescription, offset: number, length: number): number {
  const limit = call.process.limits.soft("RLIMIT_FSIZE");
  if (limit === Infinity || !isRegular(file) || length === 0) return length;
  if (offset >= limit) {
    raiseInTask(call.task, "SIGXFSZ");
    throw errno.EFBIG;
  }
  return Math.min(length, limit - offset);
}

/** Runs a write to `file`; a broken pipe brings SIGPIPE with EPIPE. */
export function writing(
  call: SyscallContext,
  file: FileDescription,
  write: () => number | Wait<number>,
): number | Wait<number> {
  try {
    const result = write();
    if (typeof result === "number") return result;
    const resume = (reason: WakeReason) => writing(call, file, () => result.resume(reason));
    return new Wait(result.queues, result.deadline, resume, result.abandon);
  } catch (error) {
    if (error === errno.EPIPE && file.signalsBrokenPipe) raiseInTask(call.task, "SIGPIPE");
    throw error;
  }
}

/** Where a write will start: at the end with O_APPEND. */
function writeStart(file: FileDescription): number {
  return (file.flags & O.APPEND) !== 0 && isRegular(file) ? file.stat().size : file.position;
}

/** Reading a terminal, which only the foreground may; whether the reader still is there is asked again after each wait. */
function reading(
  call: SyscallContext,
  file: FileDescription,
  read: () => number | Wait<number>,
): number | Wait<number> {
  const { jobControl } = file;
  if (jobControl === null) return read();
  requireForeground(call.task, jobControl, "SIGTTIN");
  const result = read();
  if (typeof result === "number") return result;
  return new Wait(result.queues, result.deadline, (reason) => reading(call, file, () => result.resume(reason)));
}

/** Throws ERESTARTSYS where the terminal does not let the background write (TOSTOP). */
function checkWriter(call: SyscallContext, file: FileDescription): void {
  if (file.jobControl !== null) requireWriter(call.task, file.jobControl);
}

function read(call: SyscallContext, fd: number, address: number, count: number): number | Wait<number> {
  const file = description(call, fd);
  if (!file.readable) throw errno.EBADF;
  const into = buffer(call, address, count, "write");
  beforeRead(call, file, file.position, into.length);
  return reading(call, file, () => guardWait(file.read(into), call, [into], "write"));
}

function write(call: SyscallContext, fd: number, address: number, count: number): number | Wait<number> {
  const file = description(call, fd);
  if (!file.writable) throw errno.EBADF;
  const all = buffer(call, address, count, "read");
  if (isRegular(file)) {
    const start = writeStart(file);
    const done = file.write(all.subarray(0, withinFileSize(call, file, start, all.length)));
    if (typeof done === "number") afterWrite(call, file, start, done);
    return done;
  }
  checkWriter(call, file);
  return writing(call, file, () => guardWait(file.write(all), call, [all], "read"));
}

function readv(call: SyscallContext, fd: number, iov: number, count: number): number | Wait<number> {
  const file = description(call, fd);
  if (!file.readable) throw errno.EBADF;
  const views = vector(call, iov, count, "write");
  beforeRead(call, file, file.position, total(views));
  return reading(call, file, () => guardWait(file.readv(views), call, views, "write"));
}

function writev(call: SyscallContext, fd: number, iov: number, count: number): number | Wait<number> {
  const file = description(call, fd);
  if (!file.writable) throw errno.EBADF;
  const views = vector(call, iov, count, "read");
  if (isRegular(file)) {
    const start = writeStart(file);
    const done = file.writev(cut(views, withinFileSize(call, file, start, total(views))));
    if (typeof done === "number") afterWrite(call, file, start, done);
    return done;
  }
  checkWriter(call, file);
  return writing(call, file, () => guardWait(file.writev(views), call, views, "read"));
}

function pread(call: SyscallContext, fd: number, address: number, count: number, at: bigint): number | Wait<number> {
  const offset = fileOffset(at);
  const file = description(call, fd);
  if (!file.readable) throw errno.EBADF;
  const into = buffer(call, address, count, "write");
  beforeRead(call, file, offset, into.length);
  return guardWait(file.pread(into, offset), call, [into], "write");
}

function pwrite(call: SyscallContext, fd: number, address: number, count: number, at: bigint): number | Wait<number> {
  const offset = fileOffset(at);
  const file = description(call, fd);
  if (!file.writable) throw errno.EBADF;
  const all = buffer(call, address, count, "read");
  const done = file.pwrite(all.subarray(0, withinFileSize(call, file, offset, all.length)), offset);
  if (typeof done === "number") afterWrite(call, file, offset, done);
  return guardWait(done, call, [all], "read");
}

function preadv(call: SyscallContext, fd: number, iov: number, count: number, offset: number): number | Wait<number> {
  const file = description(call, fd);
  if (!file.readable) throw errno.EBADF;
  const views = vector(call, iov, count, "write");
  beforeRead(call, file, offset, total(views));
  return guardWait(file.preadv(views, offset), call, views, "write");
}

function pwritev(call: SyscallContext, fd: number, iov: number, count: number, offset: number): number | Wait<number> {
  const file = description(call, fd);
  if (!file.writable) throw errno.EBADF;
  const views = vector(call, iov, count, "read");
  const done = file.pwritev(cut(views, withinFileSize(call, file, offset, total(views))), offset);
  if (typeof done === "number") afterWrite(call, file, offset, done);
  return guardWait(done, call, views, "read");
}

/** The offset of preadv and pwritev: two longs, low one first whatever the byte order. */
const fromHalves = (low: number, high: number): bigint => (BigInt(high | 0) << 32n) | BigInt(low >>> 0);

/** RWF_* that change nothing for us: RWF_HIPRI; RWF_DSYNC and RWF_SYNC, as the host keeps what is written. */
const RWF_KNOWN = 1 | 2 | 4;
function checkRwf(flags: number): void {
  if ((flags & ~RWF_KNOWN) !== 0) throw errno.EOPNOTSUPP;
}

function total(views: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const view of views) bytes += view.length;
  return bytes;
}

/** The first `length` bytes of the buffers. */
function cut(views: readonly Uint8Array[], length: number): readonly Uint8Array[] {
  let left = length;
  return views.map((view) => {
    const part = view.length <= left ? view : view.subarray(0, left);
    left -= part.length;
    return part;
  });
}

function seek(call: SyscallContext, fd: number, offset: number | bigint, whence: number): number {
  const file = description(call, fd);
  const distance = Number(offset);
  if (!Number.isSafeInteger(distance)) throw whence === 0 && offset < 0 ? errno.EINVAL : errno.EOVERFLOW;
  return file.seek(distance, whence);
}

/** An in-out file offset of sendfile and its kin; null for a null pointer. */
function offsetAt(call: SyscallContext, address: number, wide: boolean): number | null {
  if (address === 0) return null;
  return fileOffset(wide ? call.memory.readS64(address) : call.memory.readS32(address));
}

function moveOffset(call: SyscallContext, address: number, wide: boolean, from: number | null, moved: number): void {
  if (from === null) return;
  if (wide) call.memory.writeS64(address, BigInt(from + moved));
  else call.memory.writeS32(address, fitsLong(call, from + moved));
}

/** `result` with the offsets behind `after` moved on when it is there. */
function afterTransfer(result: number | Wait<number>, after: (moved: number) => void): number | Wait<number> {
  if (typeof result !== "number") return result.then((moved) => (after(moved), moved));
  after(result);
  return result;
}

function sendFile(
  call: SyscallContext,
  outFd: number,
  inFd: number,
  at: number,
  count: number,
  wide: boolean,
): number | Wait<number> {
  const from = description(call, inFd);
  const to = description(call, outFd);
  if (!from.readable || !to.writable) throw errno.EBADF;
  const offset = offsetAt(call, at, wide);
  const start = writeStart(to);
  beforeRead(call, from, offset ?? from.position, count);
  const moved = writing(call, to, () => sendfile(to, from, offset, Math.min(count, MAX_TRANSFER)));
  return afterTransfer(moved, (bytes) => {
    moveOffset(call, at, wide, offset, bytes);
    afterWrite(call, to, start, bytes);
  });
}

const SPLICE_F_NONBLOCK = 2;

export const FILE_ROWS: readonly SyscallRow[] = [
  full("read", [arg.fd, arg.output, arg.size], read),
  full("write", [arg.fd, arg.input(2), arg.size], write),
  full("readv", [arg.fd, arg.iovecs(2, "out"), arg.uint], readv),
  full("writev", [arg.fd, arg.iovecs(2, "in"), arg.uint], writev),
  full("pread64", [arg.fd, arg.output, arg.size, arg.offset64], pread),
  full("pwrite64", [arg.fd, arg.input(2), arg.size, arg.offset64], pwrite),
  full("preadv", [arg.fd, arg.iovecs(2, "out"), arg.uint, arg.half, arg.half], (call, fd, iov, count, low, high) =>
    preadv(call, fd, iov, count, fileOffset(fromHalves(low, high))),
  ),
  full("pwritev", [arg.fd, arg.iovecs(2, "in"), arg.uint, arg.half, arg.half], (call, fd, iov, count, low, high) =>
    pwritev(call, fd, iov, count, fileOffset(fromHalves(low, high))),
  ),
  partial(
    "preadv2",
    [arg.fd, arg.iovecs(2, "out"), arg.uint, arg.half, arg.half, arg.flags("rwf")],
    "RWF_NOWAIT and RWF_APPEND are EOPNOTSUPP",
    (call, fd, iov, count, low, high, flags) => {
      checkRwf(flags);
      const offset = fromHalves(low, high);
      return offset === -1n ? readv(call, fd, iov, count) : preadv(call, fd, iov, count, fileOffset(offset));
    },
  ),
  partial(
    "pwritev2",
    [arg.fd, arg.iovecs(2, "in"), arg.uint, arg.half, arg.half, arg.flags("rwf")],
    "RWF_NOWAIT and RWF_APPEND are EOPNOTSUPP",
    (call, fd, iov, count, low, high, flags) => {
      checkRwf(flags);
      const offset = fromHalves(low, high);
      return offset === -1n ? writev(call, fd, iov, count) : pwritev(call, fd, iov, count, fileOffset(offset));
    },
  ),

  full("lseek", [arg.fd, arg.long, arg.choice("seek")], (call, fd, offset, whence) =>
    fitsLong(call, seek(call, fd, offset, whence)),
  ),
  full(
    "_llseek",
    [arg.fd, arg.half, arg.half, arg.pointer, arg.choice("seek")],
    (call, fd, high, low, result, whence) => {
      call.memory.check(result, 8, "write");
      const offset = (BigInt(high | 0) << 32n) | BigInt(low >>> 0);
      call.memory.writeS64(result, BigInt(seek(call, fd, offset, whence)));
      return 0;
    },
  ),

  full("sendfile", [arg.fd, arg.fd, arg.pointer, arg.size], (call, to, from, at, count) =>
    sendFile(call, to, from, at, count, call.abi.word === 8),
  ),
  full("sendfile64", [arg.fd, arg.fd, arg.pointer, arg.size], (call, to, from, at, count) =>
    sendFile(call, to, from, at, count, true),
  ),
  full(
    "copy_file_range",
    [arg.fd, arg.pointer, arg.fd, arg.pointer, arg.size, arg.hexadecimal],
    (call, inFd, inAt, outFd, outAt, count, flags) => {
      if (flags !== 0) throw errno.EINVAL;
      const from = description(call, inFd);
      const to = description(call, outFd);
      if (!from.readable || !to.writable || (to.flags & O.APPEND) !== 0) throw errno.EBADF;
      const fromOffset = offsetAt(call, inAt, true);
      const toOffset = offsetAt(call, outAt, true);
      const start = toOffset ?? to.position;
      beforeRead(call, from, fromOffset ?? from.position, count);
      const length = withinFileSize(call, to, start, Math.min(count, MAX_TRANSFER));
      return afterTransfer(copyFileRange(from, fromOffset, to, toOffset, length), (bytes) => {
        moveOffset(call, inAt, true, fromOffset, bytes);
        moveOffset(call, outAt, true, toOffset, bytes);
        afterWrite(call, to, start, bytes);
      });
    },
  ),
  full(
    "splice",
    [arg.fd, arg.pointer, arg.fd, arg.pointer, arg.size, arg.flags("splice")],
    (call, inFd, inAt, outFd, outAt, count, flags) => {
      if ((flags & ~0xf) !== 0) throw errno.EINVAL;
      const from = description(call, inFd);
      const to = description(call, outFd);
      if (!from.readable || !to.writable) throw errno.EBADF;
      const fromOffset = offsetAt(call, inAt, true);
      const toOffset = offsetAt(call, outAt, true);
      const start = toOffset ?? writeStart(to);
      const moved = writing(call, to, () =>
        splice(from, fromOffset, to, toOffset, Math.min(count, MAX_TRANSFER), (flags & 2) !== 0),
      );
      return afterTransfer(moved, (bytes) => {
        moveOffset(call, inAt, true, fromOffset, bytes);
        moveOffset(call, outAt, true, toOffset, bytes);
        afterWrite(call, to, start, bytes);
      });
    },
  ),
  full("tee", [arg.fd, arg.fd, arg.size, arg.flags("splice")], (call, inFd, outFd, count, flags) => {
    if ((flags & ~0xf) !== 0) throw errno.EINVAL;
    const to = description(call, outFd);
    return writing(call, to, () => tee(description(call, inFd), to, Math.min(count, MAX_TRANSFER), (flags & 2) !== 0));
  }),
  partial(
    "vmsplice",
    [arg.fd, arg.iovecs(2, "in"), arg.uint, arg.flags("splice")],
    "pages are copied, never given away",
    (call, fd, iov, count, flags) => {
      if ((flags & ~0xf) !== 0) throw errno.EINVAL;
      const file = description(call, fd);
      if (!(file instanceof PipeDescription)) throw errno.EBADF;
      const { pipe, writable } = file;
      const wouldWait = writable ? pipe.room === 0 && pipe.readers > 0 : pipe.count === 0 && pipe.writers > 0;
      if ((flags & SPLICE_F_NONBLOCK) !== 0 && wouldWait) throw errno.EAGAIN;
      return writable ? writev(call, fd, iov, count) : readv(call, fd, iov, count);
    },
  ),

  full("readahead", [arg.fd, arg.offset64, arg.size], (call, fd) => {
    const file = description(call, fd);
    if (!file.readable) throw errno.EBADF;
    if (!isRegular(file)) throw errno.EINVAL;
    return 0;
  }),
];
