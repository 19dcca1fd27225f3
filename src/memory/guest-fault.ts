export type Access = "read" | "write" | "execute";

/**
 * The kernel met a guest address that the guest itself could not have used so. A system call turns it into EFAULT; code
 * translation turns it into the guest's SIGSEGV or SIGBUS. Not an `Error`: guests probe memory this way (`access(0)` in
 * a loop), and a stack trace would cost a thousand times what the rest does.
 */
export class GuestFault {
  /** The first byte that could not be accessed. */
  readonly address: number;
  readonly access: Access;

  constructor(address: number, access: Access) {
    this.address = address;
    this.access = access;
  }

  toString(): string {
    return `guest ${this.access} at 0x${this.address.toString(16)} is not allowed`;
  }
}
