/** From guest pointers to what the kernel takes: paths, buffers, descriptors, times. Every argument is checked here. */
import { fromBytes, type ByteString } from "../kernel/fs/byte-string.ts";
import type { FileDescription } from "../kernel/fs/file-description.ts";
import { errno } from "../kernel/errno.ts";
import { Wait, type WakeReason } from "../kernel/wait.ts";
import { GuestFault } from "../memory/guest-fault.ts";
import { AT_FDCWD } from "./arguments.ts";
import type { SyscallContext } from "./context.ts";

/** PATH_MAX: with the terminating NUL. */
export const PATH_MAX = 4096;
/** MAX_RW_COUNT: what one read or write moves at most. */
export const MAX_TRANSFER = 0x7ffff000;
/** IOV_MAX (UIO_MAXIOV). */
const MAX_IOVECS = 1024;

/** A path. Throws ENAMETOOLONG; whether an empty one is allowed is the kernel's business. */
export function readPath(call: SyscallContext, address: number): ByteString {
  const bytes = call.memory.readCString(address, PATH_MAX);
  if (bytes === null) throw errno.ENAMETOOLONG;
  return fromBytes(bytes);
}

/** The description of a file descriptor. Throws EBADF. */
export function description(call: SyscallContext, fd: number): FileDescription {
  return call.process.files.get(fd);
}

/**
 * The directory of an *at() call: null for AT_FDCWD. An absolute path never looks at the descriptor, so that a bad one
 * is no error then.
 */
export function directory(call: SyscallContext, dirfd: number, path: ByteString): FileDescription | null {
  if (dirfd === AT_FDCWD || path.startsWith("/")) return null;
  return call.process.files.get(dirfd);
}

/**
 * The part of a buffer that the guest may access, as a view of guest memory: a call does what it can before the first
 * bad byte. Throws `GuestFault` if the very first is bad.
 */
export function buffer(call: SyscallContext, address: number, length: number, access: "read" | "write"): Uint8Array {
  const wanted = Math.min(length, MAX_TRANSFER);
  const good = call.memory.accessible(address, wanted, access);
  if (good === 0 && wanted > 0) throw new GuestFault(address, access);
  return call.memory.view(address, good, access);
}

/** The buffers of a vector call, up to the first bad byte. Throws EINVAL, `GuestFault`. */
export function vector(call: SyscallContext, address: number, count: number, access: "read" | "write"): Uint8Array[] {
  if (count > MAX_IOVECS) throw errno.EINVAL;
  const { iovec } = call.abi.structs;
  const views: Uint8Array[] = [];
  let total = 0;
  const parts: [number, number][] = [];
  for (let n = 0; n < count; n++) {
    const entry = iovec.read(call.memory, address + n * iovec.size);
    const length = Number(entry.iov_len);
    // The sum must fit an ssize_t (readv(2), EINVAL).
    if (length > 0x7fffffff) throw errno.EINVAL;
    parts.push([Number(entry.iov_base), Math.min(length, MAX_TRANSFER - total)]);
    total = Math.min(total + length, MAX_TRANSFER);
  }
  for (const [base, length] of parts) {
    const good = call.memory.accessible(base, length, access);
    if (good > 0 || length === 0) views.push(call.memory.view(base, good, access));
    if (good < length) {
      if (views.every((view) => view.length === 0)) throw new GuestFault(base, access);
      break;
    }
  }
  return views;
}

/**
 * A wait that will touch guest buffers when it goes on: by then another task may have unmapped them, and a view of a
 * protected page must never be touched. So they are checked again each time.
 */
export function guardWait<T>(
  result: T | Wait<T>,
  call: SyscallContext,
  views: readonly Uint8Array[],
  access: "read" | "write",
): T | Wait<T> {
  if (!(result instanceof Wait)) return result;
  const wait = result;
  const resume = (reason: WakeReason): T | Wait<T> => {
    for (const view of views) call.memory.check(view.byteOffset, view.length, access);
    return guardWait(wait.resume(reason), call, views, access);
  };
  return new Wait<T>(wait.queues, wait.deadline, resume, wait.abandon);
}

/** A file offset from the guest as a number. Throws EINVAL for a negative one, EFBIG beyond what a number holds. */
export function fileOffset(value: bigint | number): number {
  if (value < 0) throw errno.EINVAL;
  const offset = Number(value);
  if (offset > Number.MAX_SAFE_INTEGER) throw errno.EFBIG;
  return offset;
}

/** A number as a C long of the guest. Throws EOVERFLOW where it does not fit (a 5 GB file through stat(2), say). */
export function fitsLong(call: SyscallContext, value: number): number {
  if (call.abi.word === 4 && value > 0x7fffffff) throw errno.EOVERFLOW;
  return value;
}
