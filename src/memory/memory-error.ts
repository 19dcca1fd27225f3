export type MemoryErrorCode =
  "EINVAL" | "ENOMEM" | "EEXIST" | "EACCES" | "EPERM" | "EFAULT" | "EAGAIN" | "EOVERFLOW" | "EIO";

/**
 * A mapping operation failed as the Linux call of that name fails. `code` is the errno's name; the syscalls layer, which
 * knows the kernel, translates it. Like `GuestFault` not an `Error`: guests try MAP_FIXED_NOREPLACE in loops.
 */
export class MemoryError {
  readonly code: MemoryErrorCode;
  /** For debugging output. */
  readonly reason: string;

  constructor(code: MemoryErrorCode, reason: string) {
    this.code = code;
    this.reason = reason;
  }

  toString(): string {
    return `${this.code}: ${this.reason}`;
  }
}
