/**
 * signalfd(2): signals that are pending for the task that reads, as a file. A read takes them as sigtimedwait(2) does, and
 * gives a `struct signalfd_siginfo` of 128 bytes for each, in the guest's byte order.
 */
import { anonymousPath } from "./anonymous-inode.ts";
import { errno } from "./errno.ts";
import { FileDescription, WOULD_BLOCK } from "./fs/file-description.ts";
import { O, POLL } from "./fs/flags.ts";
import { dequeueSignal } from "./signal-delivery.ts";
import type { SignalSet } from "./signal.ts";
import type { SignalInfo } from "./siginfo.ts";
import type { Task } from "./task.ts";
import type { WaitQueue } from "./wait.ts";

/** Bytes of a struct signalfd_siginfo. */
export const SIGNALFD_INFO = 128;

export interface SignalFdOptions {
  /** Who made it: asked while no task runs. */
  readonly maker: Task;
  readonly set: SignalSet;
  readonly nonBlocking: boolean;
  readonly littleEndian: boolean;
}

export class SignalFd extends FileDescription {
  /** signalfd(2) of an open one changes it. */
  set: SignalSet;
  readonly #maker: Task;
  readonly #littleEndian: boolean;

  constructor(options: SignalFdOptions) {
    super(anonymousPath("[signalfd]"), O.RDWR | (options.nonBlocking ? O.NONBLOCK : 0));
    this.set = options.set;
    this.#maker = options.maker;
    this.#littleEndian = options.littleEndian;
  }

  /** Whoever reads or polls: a child that inherits the file sees its own signals. */
  get #asking(): Task {
    return this.#maker.process.kernel.scheduler.current ?? this.#maker;
  }

  protected override tryRead(into: Uint8Array): number {
    if (into.length < SIGNALFD_INFO) throw errno.EINVAL;
    let count = 0;
    while (count + SIGNALFD_INFO <= into.length) {
      const info = dequeueSignal(this.#asking, this.set);
      if (info === null) break;
      into.set(pack(info, this.#littleEndian), count);
      count += SIGNALFD_INFO;
    }
    return count === 0 ? WOULD_BLOCK : count;
  }
  protected override tryWrite(): number {
    throw errno.EINVAL;
  }

  /** A vector call reads what fits into its first buffer. */
  protected override get mayReadMore(): boolean {
    return false;
  }

  override poll(): number {
    const task = this.#asking;
    const pending = task.signals.pending | task.process.signals.pending;
    return (pending & this.set) === 0n ? 0 : POLL.IN | POLL.RDNORM;
  }
  override waitQueue(): WaitQueue {
    return this.#asking.process.signalArrival;
  }

  override describe(): string {
    return `sigmask:\t${this.set.toString(16).padStart(16, "0")}\n`;
  }
}

/** Where the fields lie (signalfd(2)). */
const AT = {
  ...{ signo: 0, errno: 4, code: 8, pid: 12, uid: 16, fd: 20, timer: 24, band: 28, overrun: 32, status: 40, int: 44 },
  ...{ pointer: 48, userTime: 56, systemTime: 64, address: 72, syscall: 84, callAddress: 88, arch: 96 },
} as const;

function pack(info: SignalInfo, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(SIGNALFD_INFO);
  const view = new DataView(bytes.buffer);
  const word = (at: number, value: number) => view.setInt32(at, value, littleEndian);
  const wide = (at: number, value: number) => view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), littleEndian);
  word(AT.signo, info.signal);
  word(AT.errno, info.errno);
  word(AT.code, info.code);
  const sender = (pid: number, uid: number) => {
    word(AT.pid, pid);
    word(AT.uid, uid);
  };
  const value = (sent: number) => {
    word(AT.int, sent);
    wide(AT.pointer, sent | 0);
  };
  const { fields } = info;
  switch (fields.kind) {
    case "sender":
      sender(fields.pid, fields.uid);
      break;
    case "queue":
      sender(fields.pid, fields.uid);
      value(fields.value);
      break;
    case "raw": {
      const given = new DataView(fields.bytes.buffer, fields.bytes.byteOffset, fields.bytes.byteLength);
      sender(given.getInt32(0, littleEndian), given.getInt32(4, littleEndian));
      value(given.getInt32(8, littleEndian));
      break;
    }
    case "timer":
      word(AT.timer, fields.timer);
      word(AT.overrun, fields.overrun);
      value(fields.value);
      break;
    case "child":
      sender(fields.pid, fields.uid);
      word(AT.status, fields.status);
      wide(AT.userTime, fields.userTime);
      wide(AT.systemTime, fields.systemTime);
      break;
    case "poll":
      word(AT.band, fields.band);
      word(AT.fd, fields.fd);
      break;
    case "fault":
      wide(AT.address, fields.address);
      break;
    case "syscall":
      wide(AT.callAddress, fields.address);
      word(AT.syscall, fields.number);
      word(AT.arch, fields.arch);
      break;
  }
  return bytes;
}
