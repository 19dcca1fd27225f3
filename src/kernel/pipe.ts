/** Pipes and FIFOs, pipe(7). */
import { realtime } from "../host/clock.ts";
import { errno } from "./errno.ts";
import { Dentry, Mount, Path } from "./fs/dentry.ts";
import { FileDescription, WOULD_BLOCK } from "./fs/file-description.ts";
import { O, POLL, S } from "./fs/flags.ts";
import { Inode, anonymousDevice, plainStat } from "./fs/inode.ts";
import type { DeviceNumber, FileSystem, Stat, StatFs } from "./fs/inode.ts";
import { Wait, WaitQueue } from "./wait.ts";
import type { WakeReason } from "./wait.ts";

/** Up to so many bytes are written in one piece (limits.h). */
export const PIPE_BUF = 4096;
const DEFAULT_SIZE = 65536;
/** /proc/sys/fs/pipe-max-size */
const MAX_SIZE = 1 << 20;

/** The bytes under way, and who is at the ends. */
export class Pipe {
  #ring = new Uint8Array(PIPE_BUF);
  #start = 0;
  #count = 0;
  capacity = DEFAULT_SIZE;
  readers = 0;
  writers = 0;
  /** How often an end was opened: a FIFO's open waits for a change of the other's. */
  readersSeen = 0;
  writersSeen = 0;
  readonly readQueue = new WaitQueue();
  readonly writeQueue = new WaitQueue();
  /** O_DIRECT: lengths of the packets in the ring. */
  #packets: number[] = [];

  get count(): number {
    return this.#count;
  }
  get room(): number {
    return this.capacity - this.#count;
  }

  read(into: Uint8Array): number {
    if (into.length === 0) return 0;
    if (this.#count === 0) return this.writers === 0 ? 0 : WOULD_BLOCK;
    const packet = this.#packets[0];
    const length = Math.min(into.length, packet ?? this.#count);
    this.#take(into.subarray(0, length), true);
    if (packet !== undefined) {
      // What does not fit is lost (pipe(2), O_DIRECT).
      this.#packets.shift();
      this.#start = (this.#start + packet - length) % this.#ring.length;
      this.#count -= packet - length;
    }
    this.writeQueue.wake();
    return length;
  }

  /** Copies without taking (tee). */
  peek(into: Uint8Array): number {
    const length = Math.min(into.length, this.#count);
    this.#take(into.subarray(0, length), false);
    return length;
  }

  #take(into: Uint8Array, consume: boolean): void {
    const first = Math.min(into.length, this.#ring.length - this.#start);
    into.set(this.#ring.subarray(this.#start, this.#start + first));
    if (first < into.length) into.set(this.#ring.subarray(0, into.length - first), first);
    if (!consume) return;
    this.#count -= into.length;
    this.#start = this.#count === 0 ? 0 : (this.#start + into.length) % this.#ring.length;
  }

  /** Throws EPIPE without readers. Up to `PIPE_BUF` bytes go in one piece or not at all. */
  write(from: Uint8Array, packets: boolean): number {
    if (this.readers === 0) throw errno.EPIPE;
    if (from.length === 0) return 0;
    const { room } = this;
    if (room === 0 || (from.length <= PIPE_BUF && room < from.length)) return WOULD_BLOCK;
    const length = packets ? Math.min(from.length, PIPE_BUF, room) : Math.min(from.length, room);
    if (this.#count + length > this.#ring.length) this.#grow(this.#count + length);
    const end = (this.#start + this.#count) % this.#ring.length;
    const first = Math.min(length, this.#ring.length - end);
    this.#ring.set(from.subarray(0, first), end);
    if (first < length) this.#ring.set(from.subarray(first, length), 0);
    this.#count += length;
    if (packets) this.#packets.push(length);
    this.readQueue.wake();
    return length;
  }

  #grow(needed: number): void {
    let size = this.#ring.length;
    while (size < needed) size *= 2;
    const ring = new Uint8Array(size);
    const count = this.#count;
    this.#take(ring.subarray(0, count), false);
    this.#ring = ring;
    this.#start = 0;
  }

  /** fcntl(F_SETPIPE_SZ). Throws EBUSY, EPERM, EINVAL. */
  resize(size: number): number {
    if (size < 0 || size > 0x8000_0000) throw errno.EINVAL;
    let rounded = PIPE_BUF;
    while (rounded < size) rounded *= 2;
    if (rounded > MAX_SIZE) throw errno.EPERM;
    if (rounded < this.#count) throw errno.EBUSY;
    this.capacity = rounded;
    this.writeQueue.wake();
    return rounded;
  }

  join(end: number): void {
    if (end !== O.WRONLY) {
      this.readers++;
      this.readersSeen++;
    }
    if (end !== O.RDONLY) {
      this.writers++;
      this.writersSeen++;
    }
    this.readQueue.wake();
    this.writeQueue.wake();
  }

  leave(end: number): void {
    if (end !== O.WRONLY) this.readers--;
    if (end !== O.RDONLY) this.writers--;
    this.readQueue.wake();
    this.writeQueue.wake();
  }
}

export class PipeDescription extends FileDescription {
  readonly pipe: Pipe;
  readonly #end: number;
  readonly #left: () => void;
  /** A reader of a FIFO sees no hang-up before there was a writer. */
  readonly #writersSeen: number;

  constructor(path: Path, flags: number, pipe: Pipe, left: () => void = () => undefined) {
    super(path, flags);
    this.pipe = pipe;
    this.#end = flags & O.ACCMODE;
    this.#left = left;
    pipe.join(this.#end);
    this.#writersSeen = pipe.writers > 0 ? -1 : pipe.writersSeen;
  }

  protected override close(): void {
    this.pipe.leave(this.#end);
    this.#left();
  }

  protected override tryRead(into: Uint8Array): number {
    return this.pipe.read(into);
  }
  protected override get mayReadMore(): boolean {
    return this.pipe.count > 0;
  }
  protected override tryWrite(from: Uint8Array): number {
    return this.pipe.write(from, (this.flags & O.DIRECT) !== 0);
  }
  protected override get writesAll(): boolean {
    return true;
  }

  override poll(): number {
    const { pipe } = this;
    let bits = 0;
    if (this.readable) {
      if (pipe.count > 0) bits |= POLL.IN | POLL.RDNORM;
      if (pipe.writers === 0 && this.#writersSeen !== pipe.writersSeen) bits |= POLL.HUP;
    }
    if (this.writable) {
      // Linux counts free slots of a page; so much is what a write of PIPE_BUF bytes needs.
      if (pipe.room >= PIPE_BUF) bits |= POLL.OUT | POLL.WRNORM;
      if (pipe.readers === 0) bits |= POLL.ERR;
    }
    return bits;
  }

  override waitQueue(events: number): WaitQueue {
    return (events & (POLL.OUT | POLL.WRNORM)) !== 0 || !this.readable ? this.pipe.writeQueue : this.pipe.readQueue;
  }

  override available(): number {
    return this.pipe.count;
  }
  override get pipeSize(): number {
    return this.pipe.capacity;
  }
  override setPipeSize(size: number): number {
    return this.pipe.resize(size);
  }
}

const pipeFs: FileSystem = {
  type: "pipefs",
  dev: anonymousDevice(),
  volatile: false,
  get root(): Inode {
    throw errno.ENOENT;
  },
  statfs: (): StatFs => ({
    type: 0x50495045,
    blockSize: 4096,
    blocks: 0,
    blocksFree: 0,
    blocksAvailable: 0,
    files: 0,
    filesFree: 0,
    nameLength: 255,
    flags: 0,
  }),
};

let lastIno = 0n;

/** A pipe's inode; opening it again, through /proc/self/fd, gives another description of the same pipe. */
class PipeInode extends Inode {
  readonly fs = pipeFs;
  readonly type = S.IFIFO;
  readonly ino = ++lastIno;
  readonly #pipe = new Pipe();
  readonly #time = realtime();

  override stat(): Stat {
    const dev: DeviceNumber = pipeFs.dev;
    const time = this.#time;
    return plainStat({
      dev,
      ino: this.ino,
      mode: S.IFIFO | 0o600,
      uid: 0,
      gid: 0,
      atime: time,
      mtime: time,
      ctime: time,
    });
  }

  override checksItself(): boolean {
    return true;
  }

  override open(path: Path, flags: number): FileDescription {
    return new PipeDescription(path, flags, this.#pipe);
  }
}

/** pipe2(2): `flags` O.NONBLOCK, O.DIRECT. */
export function createPipe(flags: number): { readonly reader: FileDescription; readonly writer: FileDescription } {
  const inode = new PipeInode();
  const dentry = new Dentry(null, `pipe:[${inode.ino}]`, inode);
  const path = new Path(new Mount(pipeFs, dentry, null), dentry);
  const status = flags & (O.NONBLOCK | O.DIRECT);
  return { reader: inode.open(path, O.RDONLY | status), writer: inode.open(path, O.WRONLY | status) };
}

/** FIFOs that are open, or about to be, by inode identity. */
const fifos = new Map<unknown, Pipe>();

/** open(2) of a FIFO, fifo(7): waits for the other side unless O_NONBLOCK. Throws ENXIO. */
export function openFifo(identity: unknown, path: Path, flags: number): FileDescription | Wait<FileDescription> {
  let pipe = fifos.get(identity);
  if (pipe === undefined) fifos.set(identity, (pipe = new Pipe()));
  const fifo = pipe;
  const forget = (): void => {
    if (fifo.readers === 0 && fifo.writers === 0 && fifos.get(identity) === fifo) fifos.delete(identity);
  };
  const end = flags & O.ACCMODE;
  if (end === O.WRONLY && (flags & O.NONBLOCK) !== 0 && fifo.readers === 0) {
    forget();
    throw errno.ENXIO;
  }
  const description = new PipeDescription(path, flags, fifo, forget);
  const alone = end === O.RDONLY ? fifo.writers === 0 : end === O.WRONLY ? fifo.readers === 0 : false;
  if (!alone || (flags & O.NONBLOCK) !== 0) return description;

  const seen = end === O.RDONLY ? fifo.writersSeen : fifo.readersSeen;
  const abandon = (): void => {
    description.retain();
    description.release();
  };
  const resume = (reason: WakeReason): FileDescription | Wait<FileDescription> => {
    // Somebody may have come and gone again meanwhile: that counts.
    if ((end === O.RDONLY ? fifo.writersSeen : fifo.readersSeen) !== seen) return description;
    if (reason !== "signal") return wait;
    abandon();
    throw errno.ERESTARTSYS;
  };
  const queue = end === O.RDONLY ? fifo.readQueue : fifo.writeQueue;
  const wait: Wait<FileDescription> = new Wait([queue], null, resume, abandon);
  return wait;
}
