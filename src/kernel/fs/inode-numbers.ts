/**
 * Inode numbers that every guest can hold. A 32-bit program whose C library was not told of large files gets EOVERFLOW
 * from stat(2) and readdir(3) for a number of more than 32 bits, as XFS, btrfs and network file systems have them. Small
 * numbers stay what they are; others are numbered as they come.
 */
import type { DeviceNumber } from "./inode.ts";

/** Above all that are left as they are, and below an overlay's own (`overlay/overlay-fs.ts`). */
const FIRST_GIVEN = 0x8000_0000n;

export class InodeNumbers {
  readonly #given = new Map<string, bigint>();

  of(dev: DeviceNumber, ino: bigint): bigint {
    if (ino < FIRST_GIVEN) return ino;
    const key = `${dev.major}:${dev.minor}:${ino}`;
    let number = this.#given.get(key);
    if (number === undefined) this.#given.set(key, (number = FIRST_GIVEN + BigInt(this.#given.size)));
    return number;
  }
}
