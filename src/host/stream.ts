/**
 * A descriptor that the host gave us (standard input, output, error) and that can make its reader or writer wait: pipe,
 * terminal, socket, character device. Nothing here blocks the event loop, and nothing is read that was not asked for,
 * so that the next program on the same input finds the rest. It never changes the descriptor's O_NONBLOCK, which
 * belongs to everyone who shares it.
 *
 * Where poll(2) is not to be had, input is read ahead on a worker thread, and output waits only for descriptors that
 * are non-blocking already.
 */
import fs from "node:fs";
import { POLLIN, POLLOUT, getReadiness } from "./readiness.ts";
import { isTerminal } from "./terminal.ts";

export type StreamKind = "pipe" | "terminal" | "socket" | "device" | "file";

/** Nothing can be moved now. */
export const NOT_READY = -1;

/**
 * How much may be written after one poll(2) said "ready" without a danger of blocking: a page to a pipe (Linux: a free
 * slot), to a terminal what the line discipline surely takes.
 */
const SAFE_WRITE: Readonly<Record<StreamKind, number>> = {
  pipe: 4096,
  terminal: 256,
  socket: 4096,
  device: 1 << 20,
  file: 0x7ffff000,
};
const READ_AHEAD = 65536;
const RETRY_MILLISECONDS = 5;

export function kindOf(fd: number): StreamKind {
  const stat = fs.fstatSync(fd);
  if (stat.isFile()) return "file";
  if (stat.isFIFO()) return "pipe";
  if (stat.isSocket()) return "socket";
  return isTerminal(fd) ? "terminal" : "device";
}

/** What the descriptor was opened for; null where the host does not tell. */
export function openMode(
  fd: number,
): { readonly access: "read" | "write" | "readWrite"; readonly append: boolean } | null {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1];
    if (flags === undefined) return null;
    const bits = Number.parseInt(flags, 8);
    const access = (["read", "write", "readWrite"] as const)[bits & 3];
    return access === undefined ? null : { access, append: (bits & fs.constants.O_APPEND) !== 0 };
  } catch {
    return null;
  }
}

/** What the host calls it: "pipe:[123]", "/dev/pts/1"; null where it does not tell. */
export function streamName(fd: number): string | null {
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`, "latin1");
  } catch {
    return null;
  }
}

export function isOpen(fd: number): boolean {
  try {
    fs.fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

export class HostStream {
  readonly fd: number;
  readonly kind: StreamKind;
  readonly #readiness = getReadiness();
  #cancelRead: (() => void) | null = null;
  #cancelWrite: (() => void) | null = null;
  /** Read ahead, without poll(2) only. */
  #ahead: Uint8Array = new Uint8Array();
  #ended = false;
  #failed: unknown = null;
  #reading = false;

  constructor(fd: number) {
    this.fd = fd;
    this.kind = kindOf(fd);
  }

  get canRead(): boolean {
    if (this.kind === "device" || this.kind === "file") return true;
    if (this.#readiness !== null) return (this.#readiness.now(this.fd, POLLIN) & ~POLLOUT) !== 0;
    return this.#ahead.length > 0 || this.#ended || this.#failed !== null;
  }

  get canWrite(): boolean {
    if (this.kind === "device" || this.kind === "file" || this.#readiness === null) return true;
    return (this.#readiness.now(this.fd, POLLOUT) & ~POLLIN) !== 0;
  }

  /** The other end is gone: nothing more comes, or nobody reads. */
  get hungUp(): boolean {
    if (this.#readiness === null || this.kind === "device" || this.kind === "file") return false;
    return (this.#readiness.now(this.fd, 0) & 0x18) !== 0;
  }

  /** Bytes read, 0 at the end, `NOT_READY`. Throws the host's error. */
  read(into: Uint8Array): number {
    if (into.length === 0) return 0;
    if (!this.canRead) return NOT_READY;
    if (this.#readiness === null && this.kind !== "device" && this.kind !== "file") return this.#takeAhead(into);
    try {
      return fs.readSync(this.fd, into, 0, into.length, null);
    } catch (error) {
      const code = codeOf(error);
      if (code === "EAGAIN") return NOT_READY;
      if (code === "EOF") return 0;
      throw error;
    }
  }

  #takeAhead(into: Uint8Array): number {
    if (this.#ahead.length === 0 && this.#failed !== null) throw this.#failed as Error;
    const count = Math.min(into.length, this.#ahead.length);
    into.set(this.#ahead.subarray(0, count));
    this.#ahead = this.#ahead.subarray(count);
    return count;
  }

  /** Bytes written, or `NOT_READY` if that is none. Throws the host's error. */
  write(from: Uint8Array): number {
    let done = 0;
    while (done < from.length && this.canWrite) {
      const length = Math.min(from.length - done, SAFE_WRITE[this.kind]);
      try {
        done += fs.writeSync(this.fd, from, done, length);
      } catch (error) {
        if (codeOf(error) === "EAGAIN") break;
        if (done === 0) throw error;
        break;
      }
    }
    return done === 0 && from.length > 0 ? NOT_READY : done;
  }

  /** Calls `ready` once when reading may go on; asking again before that changes nothing. */
  whenReadable(ready: () => void): void {
    if (this.#cancelRead !== null || this.#reading) return;
    if (this.#readiness !== null) {
      this.#cancelRead = this.#readiness.watch(this.fd, POLLIN, () => {
        this.#cancelRead = null;
        ready();
      });
      return;
    }
    if (this.#ahead.length > 0 || this.#ended) {
      setImmediate(ready);
      return;
    }
    this.#reading = true;
    const buffer = new Uint8Array(READ_AHEAD);
    fs.read(this.fd, buffer, 0, buffer.length, null, (error, count) => {
      this.#reading = false;
      if (error !== null) {
        if (error.code === "EOF") this.#ended = true;
        else if (error.code !== "EAGAIN") this.#failed = error;
      } else if (count === 0) this.#ended = true;
      else this.#ahead = buffer.subarray(0, count);
      ready();
    });
  }

  whenWritable(ready: () => void): void {
    if (this.#cancelWrite !== null) return;
    const done = (): void => {
      this.#cancelWrite = null;
      ready();
    };
    if (this.#readiness !== null) this.#cancelWrite = this.#readiness.watch(this.fd, POLLOUT, done);
    else {
      const timer = setTimeout(done, RETRY_MILLISECONDS);
      this.#cancelWrite = () => {
        clearTimeout(timer);
      };
    }
  }

  /** Nobody waits any more: lets the host process end. The descriptor stays open, it is not ours. */
  stopWatching(): void {
    this.#cancelRead?.();
    this.#cancelWrite?.();
    this.#cancelRead = this.#cancelWrite = null;
  }
}

/** lseek(2) is not among Node's calls; reading and writing at the descriptor's own position are. */
export function readHere(fd: number, into: Uint8Array): number {
  return into.length === 0 ? 0 : fs.readSync(fd, into, 0, into.length, null);
}
export function writeHere(fd: number, from: Uint8Array): number {
  return from.length === 0 ? 0 : fs.writeSync(fd, from, 0, from.length, null);
}

/** The controlling terminal of the host process; throws ENXIO without one. */
export function openTerminal(): number {
  return fs.openSync("/dev/tty", fs.constants.O_RDWR | (fs.constants.O_NOCTTY ?? 0));
}
