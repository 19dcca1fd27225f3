/**
 * The few functions of the host's C library that Node has no name for, through the npm library koffi. Null on a host
 * without koffi, and on other systems than Linux, whose numbers and structures differ; callers then do with less.
 */
import { getKoffi } from "./koffi.ts";

export interface Libc {
  /** poll(2) of `[fd, events | revents << 16]` pairs; `timeout` in milliseconds. */
  poll(pairs: Int32Array, count: number, timeout: number): number;
  /** The same on a worker thread. */
  pollLater(pairs: Int32Array, count: number, timeout: number, done: (result: number) => void): void;
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  /** For requests whose argument is a number. */
  ioctlNumber(fd: number, request: number, argument: number): number;
  lseek(fd: number, offset: number, whence: number): number;
  flock(fd: number, operation: number): number;
  fallocate(fd: number, mode: number, offset: number, length: number): number;
  /** `times`: seconds and nanoseconds of atime, then of mtime. Paths end with NUL. */
  utimensat(directory: number, path: Uint8Array, times: BigInt64Array, flags: number): number;
  futimens(fd: number, times: BigInt64Array): number;
  renameat2(
    oldDirectory: number,
    oldPath: Uint8Array,
    newDirectory: number,
    newPath: Uint8Array,
    flags: number,
  ): number;
  /** `path`: text, or bytes that end with NUL. `into`: 256 bytes, the same on every architecture. */
  statx(directory: number, path: string | Uint8Array, flags: number, mask: number, into: Uint8Array): number;
  pread(fd: number, into: Uint8Array, length: number, offset: number): number;
  pwrite(fd: number, from: Uint8Array, length: number, offset: number): number;
  openat(directory: number, path: string | Uint8Array, flags: number, mode: number): number;
  unlinkat(directory: number, path: string | Uint8Array, flags: number): number;
  mkfifo(path: Uint8Array, mode: number): number;
  /** Null in C libraries that have it under another name (glibc before 2.33). */
  readonly mknod: ((path: Uint8Array, mode: number, device: number) => number) | null;
  pipe(ends: Int32Array): number;
  /** The host's errno name after a call returned -1, such as "ENOENT". */
  errorName(): string;
}

let libc: Libc | null | undefined;

export function getLibc(): Libc | null {
  if (libc === undefined) libc = load();
  return libc;
}

function load(): Libc | null {
  if (process.platform !== "linux") return null;
  try {
    const koffi = getKoffi();
    const library = koffi.load(null);
    const poll = library.func("int poll(void *fds, unsigned long count, int timeout)");
    const names = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]));
    const find = <F>(prototype: string): F => library.func(prototype) as F;
    const findIfThere = <F>(prototype: string): F | null => {
      try {
        return find<F>(prototype);
      } catch {
        return null;
      }
    };
    return {
      poll: poll as unknown as Libc["poll"],
      pollLater(pairs, count, timeout, done) {
        poll.async(pairs, count, timeout, (error: unknown, result: number) => {
          done(error === null ? result : -1);
        });
      },
      ioctl: find("int ioctl(int fd, unsigned long request, void *argument)"),
      ioctlNumber: find("int ioctl(int fd, unsigned long request, long argument)"),
      lseek: find("int64_t lseek(int fd, int64_t offset, int whence)"),
      flock: find("int flock(int fd, int operation)"),
      fallocate: find("int fallocate(int fd, int mode, int64_t offset, int64_t length)"),
      utimensat: find("int utimensat(int directory, void *path, void *times, int flags)"),
      futimens: find("int futimens(int fd, void *times)"),
      renameat2: find("int renameat2(int old, void *oldPath, int new_, void *newPath, unsigned int flags)"),
      statx: find("int statx(int directory, const char *path, int flags, unsigned int mask, void *into)"),
      pread: find("int64_t pread(int fd, void *into, size_t length, int64_t offset)"),
      pwrite: find("int64_t pwrite(int fd, void *from, size_t length, int64_t offset)"),
      openat: find("int openat(int directory, const char *path, int flags, unsigned int mode)"),
      unlinkat: find("int unlinkat(int directory, const char *path, int flags)"),
      mkfifo: find("int mkfifo(void *path, unsigned int mode)"),
      mknod: findIfThere("int mknod(void *path, unsigned int mode, uint64_t device)"),
      pipe: find("int pipe(void *ends)"),
      errorName: () => names.get(koffi.errno()) ?? "EIO",
    };
  } catch {
    return null;
  }
}
