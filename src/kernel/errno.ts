/**
 * Linux error numbers. The kernel throws them by name (`throw errno.ENOENT`); only a guest's ABI knows the numbers.
 * The objects are made once and carry no stack: a failing system call costs no more than a succeeding one.
 */

/** Name, number on most architectures (asm-generic), number on MIPS, strerror(3)'s text. */
const TABLE = [
  ["EPERM", 1, 1, "Operation not permitted"],
  ["ENOENT", 2, 2, "No such file or directory"],
  ["ESRCH", 3, 3, "No such process"],
  ["EINTR", 4, 4, "Interrupted system call"],
  ["EIO", 5, 5, "Input/output error"],
  ["ENXIO", 6, 6, "No such device or address"],
  ["E2BIG", 7, 7, "Argument list too long"],
  ["ENOEXEC", 8, 8, "Exec format error"],
  ["EBADF", 9, 9, "Bad file descriptor"],
  ["ECHILD", 10, 10, "No child processes"],
  ["EAGAIN", 11, 11, "Resource temporarily unavailable"],
  ["ENOMEM", 12, 12, "Cannot allocate memory"],
  ["EACCES", 13, 13, "Permission denied"],
  ["EFAULT", 14, 14, "Bad address"],
  ["ENOTBLK", 15, 15, "Block device required"],
  ["EBUSY", 16, 16, "Device or resource busy"],
  ["EEXIST", 17, 17, "File exists"],
  ["EXDEV", 18, 18, "Invalid cross-device link"],
  ["ENODEV", 19, 19, "No such device"],
  ["ENOTDIR", 20, 20, "Not a directory"],
  ["EISDIR", 21, 21, "Is a directory"],
  ["EINVAL", 22, 22, "Invalid argument"],
  ["ENFILE", 23, 23, "Too many open files in system"],
  ["EMFILE", 24, 24, "Too many open files"],
  ["ENOTTY", 25, 25, "Inappropriate ioctl for device"],
  ["ETXTBSY", 26, 26, "Text file busy"],
  ["EFBIG", 27, 27, "File too large"],
  ["ENOSPC", 28, 28, "No space left on device"],
  ["ESPIPE", 29, 29, "Illegal seek"],
  ["EROFS", 30, 30, "Read-only file system"],
  ["EMLINK", 31, 31, "Too many links"],
  ["EPIPE", 32, 32, "Broken pipe"],
  ["EDOM", 33, 33, "Numerical argument out of domain"],
  ["ERANGE", 34, 34, "Numerical result out of range"],
  ["EDEADLK", 35, 45, "Resource deadlock avoided"],
  ["ENAMETOOLONG", 36, 78, "File name too long"],
  ["ENOLCK", 37, 46, "No locks available"],
  ["ENOSYS", 38, 89, "Function not implemented"],
  ["ENOTEMPTY", 39, 93, "Directory not empty"],
  ["ELOOP", 40, 90, "Too many levels of symbolic links"],
  ["ENOMSG", 42, 35, "No message of desired type"],
  ["EIDRM", 43, 36, "Identifier removed"],
  ["ENOSTR", 60, 60, "Device not a stream"],
  ["ENODATA", 61, 61, "No data available"],
  ["ETIME", 62, 62, "Timer expired"],
  ["EPROTO", 71, 71, "Protocol error"],
  ["EBADMSG", 74, 77, "Bad message"],
  ["EOVERFLOW", 75, 79, "Value too large for defined data type"],
  ["EILSEQ", 84, 88, "Invalid or incomplete multibyte or wide character"],
  ["ELIBBAD", 80, 84, "Accessing a corrupted shared library"],
  ["EUSERS", 87, 94, "Too many users"],
  ["ENOTSOCK", 88, 95, "Socket operation on non-socket"],
  ["EDESTADDRREQ", 89, 96, "Destination address required"],
  ["EMSGSIZE", 90, 97, "Message too long"],
  ["EPROTOTYPE", 91, 98, "Protocol wrong type for socket"],
  ["ENOPROTOOPT", 92, 99, "Protocol not available"],
  ["EPROTONOSUPPORT", 93, 120, "Protocol not supported"],
  ["ESOCKTNOSUPPORT", 94, 121, "Socket type not supported"],
  ["EOPNOTSUPP", 95, 122, "Operation not supported"],
  ["EPFNOSUPPORT", 96, 123, "Protocol family not supported"],
  ["EAFNOSUPPORT", 97, 124, "Address family not supported by protocol"],
  ["EADDRINUSE", 98, 125, "Address already in use"],
  ["EADDRNOTAVAIL", 99, 126, "Cannot assign requested address"],
  ["ENETDOWN", 100, 127, "Network is down"],
  ["ENETUNREACH", 101, 128, "Network is unreachable"],
  ["ENETRESET", 102, 129, "Network dropped connection on reset"],
  ["ECONNABORTED", 103, 130, "Software caused connection abort"],
  ["ECONNRESET", 104, 131, "Connection reset by peer"],
  ["ENOBUFS", 105, 132, "No buffer space available"],
  ["EISCONN", 106, 133, "Transport endpoint is already connected"],
  ["ENOTCONN", 107, 134, "Transport endpoint is not connected"],
  ["ESHUTDOWN", 108, 143, "Cannot send after transport endpoint shutdown"],
  ["ETOOMANYREFS", 109, 144, "Too many references: cannot splice"],
  ["ETIMEDOUT", 110, 145, "Connection timed out"],
  ["ECONNREFUSED", 111, 146, "Connection refused"],
  ["EHOSTDOWN", 112, 147, "Host is down"],
  ["EHOSTUNREACH", 113, 148, "No route to host"],
  ["EALREADY", 114, 149, "Operation already in progress"],
  ["EINPROGRESS", 115, 150, "Operation now in progress"],
  ["ESTALE", 116, 151, "Stale file handle"],
  ["EDQUOT", 122, 1133, "Disk quota exceeded"],
  ["ECANCELED", 125, 158, "Operation canceled"],
  ["EOWNERDEAD", 130, 165, "Owner died"],
  ["ENOTRECOVERABLE", 131, 166, "State not recoverable"],
  // Never seen by a guest: what a signal does to an interrupted call (include/linux/errno.h).
  ["ERESTARTSYS", 512, 512, "restart if the handler has SA_RESTART, else EINTR"],
  ["ERESTARTNOINTR", 513, 513, "always restart"],
  ["ERESTARTNOHAND", 514, 514, "restart if no handler runs, else EINTR"],
  ["ERESTART_RESTARTBLOCK", 516, 516, "restart by restart_syscall if no handler runs, else EINTR"],
] as const;

export type ErrnoName = (typeof TABLE)[number][0];

export class Errno {
  readonly name: ErrnoName;
  /** The number on most architectures. */
  readonly generic: number;
  readonly mips: number;
  readonly message: string;
  constructor(name: ErrnoName, generic: number, mips: number, message: string) {
    this.name = name;
    this.generic = generic;
    this.mips = mips;
    this.message = message;
  }
}

export const errno = Object.freeze(
  Object.fromEntries(TABLE.map(([name, generic, mips, text]) => [name, new Errno(name, generic, mips, text)])),
) as { readonly [N in ErrnoName]: Errno };

/** Every errno, in the table's order. */
export const ERRNOS: readonly Errno[] = Object.values(errno);
