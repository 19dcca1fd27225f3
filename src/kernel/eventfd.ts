/** eventfd(2): a 64-bit counter as a file. Reads and writes are 8 bytes in the guest's byte order. */
import { anonymousPath } from "./anonymous-inode.ts";
import { errno } from "./errno.ts";
import { FileDescription, WOULD_BLOCK } from "./fs/file-description.ts";
import { O, POLL } from "./fs/flags.ts";
import { WaitQueue } from "./wait.ts";

/** The highest value that the counter can have. */
const MOST = 0xffff_ffff_ffff_fffen;

export interface EventFdOptions {
  readonly initial: number;
  /** EFD_SEMAPHORE: a read takes one, not all. */
  readonly semaphore: boolean;
  readonly nonBlocking: boolean;
  readonly littleEndian: boolean;
}

class EventFd extends FileDescription {
  #count: bigint;
  readonly #semaphore: boolean;
  readonly #littleEndian: boolean;
  readonly #changed = new WaitQueue();

  constructor(options: EventFdOptions) {
    super(anonymousPath("[eventfd]"), O.RDWR | (options.nonBlocking ? O.NONBLOCK : 0));
    this.#count = BigInt(options.initial);
    this.#semaphore = options.semaphore;
    this.#littleEndian = options.littleEndian;
  }

  protected override tryRead(into: Uint8Array): number {
    if (into.length < 8) throw errno.EINVAL;
    if (this.#count === 0n) return WOULD_BLOCK;
    const taken = this.#semaphore ? 1n : this.#count;
    this.#count -= taken;
    new DataView(into.buffer, into.byteOffset).setBigUint64(0, taken, this.#littleEndian);
    this.#changed.wake();
    return 8;
  }

  protected override tryWrite(from: Uint8Array): number {
    if (from.length < 8) throw errno.EINVAL;
    const added = new DataView(from.buffer, from.byteOffset).getBigUint64(0, this.#littleEndian);
    if (added > MOST) throw errno.EINVAL;
    if (this.#count + added > MOST) return WOULD_BLOCK;
    this.#count += added;
    this.#changed.wake();
    return 8;
  }

  /** A vector call moves one number. */
  protected override get mayReadMore(): boolean {
    return false;
  }

  override poll(): number {
    const readable = this.#count > 0n ? POLL.IN | POLL.RDNORM : 0;
    return readable | (this.#count < MOST ? POLL.OUT | POLL.WRNORM : 0);
  }
  override waitQueue(): WaitQueue {
    return this.#changed;
  }

  override describe(): string {
    return `eventfd-count: ${this.#count.toString(16).padStart(16)}\n`;
  }
}

export function createEventFd(options: EventFdOptions): FileDescription {
  return new EventFd(options);
}
