/**
 * Sockets (socket(7)): the calls that all kinds share, and the waiting in them. A kind of socket implements the `try…`
 * methods, which never wait.
 */
import type { Credentials } from "../credentials.ts";
import { Errno, errno } from "../errno.ts";
import { FileDescription, WOULD_BLOCK, gather } from "../fs/file-description.ts";
import { O } from "../fs/flags.ts";
import type { FsContext } from "../fs/fs-context.ts";
import { Wait, WaitQueue, type WakeReason } from "../wait.ts";
import type { SocketAddress } from "./address.ts";
import { MSG, NOBODY, releaseRights, type Outgoing, type PeerIdentity, type Received } from "./message.ts";
import type { Network } from "./network.ts";
import { SocketOptions } from "./options.ts";
import { skipBytes } from "./receive-queue.ts";
import { socketPath } from "./sockfs.ts";

export type SocketType = "stream" | "datagram" | "seqpacket" | "raw";
export type SocketFamily = "unix" | "inet" | "inet6" | "netlink";

/** Who makes a call. */
export interface SocketCaller {
  readonly pid: number;
  readonly credentials: Credentials;
  readonly fs: FsContext;
}

export function identityOf({ pid, credentials }: SocketCaller): PeerIdentity {
  return { pid, uid: credentials.euid, gid: credentials.egid };
}

export abstract class Socket extends FileDescription {
  readonly network: Network;
  abstract readonly family: SocketFamily;
  readonly type: SocketType;
  /** IPPROTO_…; 0 for Unix sockets. */
  readonly protocol: number;
  readonly options: SocketOptions;
  readonly creator: SocketCaller["credentials"];
  readonly readQueue = new WaitQueue();
  readonly writeQueue = new WaitQueue();
  /** What went wrong behind the program's back: told once, by the next call or by SO_ERROR. */
  pendingError: Errno | null = null;
  /** shutdown(2): no more is read, no more is sent. */
  receiveShut = false;
  sendShut = false;

  constructor(network: Network, type: SocketType, protocol: number, credentials: Credentials, flags: number) {
    super(socketPath(network.nextIno(), credentials), O.RDWR | flags);
    this.network = network;
    this.type = type;
    this.protocol = protocol;
    this.creator = credentials;
    this.options = new SocketOptions(type === "stream" && protocol !== 0);
  }

  // ── what a kind of socket does ─────────────────────────────────────────────────────────────────────────────────
  abstract bind(address: SocketAddress, caller: SocketCaller): number | Wait<number>;
  abstract connect(address: SocketAddress, caller: SocketCaller): number | Wait<number>;
  /** getsockname(2) */
  abstract localAddress(): SocketAddress;
  /** getpeername(2). Throws ENOTCONN. */
  abstract peerAddress(): SocketAddress;
  /** Null: nothing is there yet. */
  protected abstract tryReceive(into: readonly Uint8Array[], flags: number): Received | null;
  /** Sends what is behind the first `done` bytes; how much of it, or `WOULD_BLOCK`. */
  protected abstract trySend(message: Outgoing, done: number): number;

  listen(_backlog: number, _caller: SocketCaller): number | Wait<number> {
    throw errno.EOPNOTSUPP;
  }
  /** A connection that waits to be accepted; null: none. */
  protected tryAccept(): Socket | null {
    throw errno.EOPNOTSUPP;
  }
  get isListening(): boolean {
    return false;
  }
  /** shutdown(2) */
  shutdown(_receive: boolean, _send: boolean): void {
    throw errno.EOPNOTSUPP;
  }
  /** SO_PEERCRED */
  get peerIdentity(): PeerIdentity {
    return NOBODY;
  }
  /** SIOCOUTQ: bytes that were sent and have not arrived. */
  get unsent(): number {
    return 0;
  }
  /** A broken pipe brings SIGPIPE, too. */
  override get signalsBrokenPipe(): boolean {
    return this.type === "stream";
  }

  /** SO_ERROR */
  takeError(): Errno | null {
    const error = this.pendingError;
    this.pendingError = null;
    return error;
  }

  protected throwPendingError(): void {
    const error = this.takeError();
    if (error !== null) throw error;
  }

  wakeAll(): void {
    this.readQueue.wake();
    this.writeQueue.wake();
  }

  // ── waiting ────────────────────────────────────────────────────────────────────────────────────────────────────
  /** Monotonic time at which a call gives up; null: never. */
  deadline(timeout: bigint): bigint | null {
    return timeout === 0n ? null : this.network.clock.monotonic() + timeout;
  }

  accept(nonBlocking: boolean): Socket | Wait<Socket> {
    const first = this.tryAccept();
    if (first !== null) return first;
    if (nonBlocking) throw errno.EAGAIN;
    const deadline = this.deadline(this.options.receiveTimeout);
    const wait: Wait<Socket> = new Wait([this.readQueue], deadline, (reason) => {
      return this.tryAccept() ?? unfinished(reason, deadline) ?? wait;
    });
    return wait;
  }

  receive(into: readonly Uint8Array[], flags: number): Received | Wait<Received> {
    const wanted = into.reduce((sum, view) => sum + view.length, 0);
    const waitsForAll = (flags & (MSG.WAITALL | MSG.PEEK)) === MSG.WAITALL && this.type === "stream";
    const isEnough = (so: Received): boolean =>
      !waitsForAll || so.length >= wanted || so.length === 0 || so.rights.length > 0;
    const first = this.tryReceive(into, flags);
    if (first !== null && isEnough(first)) return first;
    if (this.nonBlocking || (flags & MSG.DONTWAIT) !== 0) {
      if (first === null) throw errno.EAGAIN;
      return first;
    }
    let got = first;
    const deadline = this.deadline(this.options.receiveTimeout);
    const wait: Wait<Received> = new Wait(
      [this.readQueue],
      deadline,
      (reason) => {
        const next = this.#receiveMore(got, into, flags);
        if (next === "ended") return got!;
        if (next !== null) {
          got = got === null ? next : { ...next, length: got.length + next.length, size: got.size + next.size };
          if (isEnough(got)) return got;
        }
        if (reason !== "woken" && got !== null) return got;
        return unfinished(reason, deadline) ?? wait;
      },
      () => {
        if (got !== null) releaseRights(got.rights);
      },
    );
    return wait;
  }

  /** "ended": nothing more comes after what was got already. */
  #receiveMore(got: Received | null, into: readonly Uint8Array[], flags: number): Received | null | "ended" {
    if (got === null) return this.tryReceive(into, flags);
    try {
      const next = this.tryReceive(skipBytes(into, got.length), flags);
      return next !== null && next.length === 0 ? "ended" : next;
    } catch (error) {
      if (!(error instanceof Errno)) throw error;
      // What was got counts; the next call hears of the error.
      this.pendingError = error;
      return "ended";
    }
  }

  send(message: Outgoing): number | Wait<number> {
    const first = this.trySend(message, 0);
    const { length } = message.bytes;
    if (first === length) return first;
    let done = Math.max(first, 0);
    if (this.nonBlocking || (message.flags & MSG.DONTWAIT) !== 0) {
      if (first === WOULD_BLOCK) throw errno.EAGAIN;
      return done;
    }
    const deadline = this.deadline(this.options.sendTimeout);
    const wait: Wait<number> = new Wait([this.writeQueue], deadline, (reason) => {
      let count: number;
      try {
        count = this.trySend(message, done);
      } catch (error) {
        if (done > 0) return done;
        throw error;
      }
      if (count !== WOULD_BLOCK) done += count;
      if (done === length && count !== WOULD_BLOCK) return done;
      if (reason !== "woken" && done > 0) return done;
      return unfinished(reason, deadline) ?? wait;
    });
    return wait;
  }

  // ── as a file ──────────────────────────────────────────────────────────────────────────────────────────────────
  override read(into: Uint8Array): number | Wait<number> {
    return this.readv([into]);
  }
  override readv(into: readonly Uint8Array[]): number | Wait<number> {
    // read(2) of no bytes leaves a message where it is.
    if (into.every((view) => view.length === 0)) return 0;
    const got = this.receive(into, 0);
    return got instanceof Wait ? got.then(lengthOf) : lengthOf(got);
  }
  override write(from: Uint8Array): number | Wait<number> {
    const flags = this.type === "seqpacket" ? MSG.EOR : 0;
    return this.send({ bytes: from, to: null, sender: this.network.writer(), rights: [], flags });
  }
  override writev(from: readonly Uint8Array[]): number | Wait<number> {
    return this.write(from.length === 1 ? from[0]! : gather(from));
  }
  override waitQueue(events: number): WaitQueue {
    return (events & WRITE_EVENTS) !== 0 ? this.writeQueue : this.readQueue;
  }
}

/** POLL.OUT | POLL.WRNORM | POLL.WRBAND */
const WRITE_EVENTS = 0x304;

function lengthOf({ length, rights }: Received): number {
  releaseRights(rights);
  return length;
}

/** What a wait with nothing to show for it ends with: null, it goes on. */
export function unfinished(reason: WakeReason, deadline: bigint | null): null {
  if (reason === "timeout") throw errno.EAGAIN;
  // A call with a time-out is never restarted (signal(7)).
  if (reason === "signal") throw deadline === null ? errno.ERESTARTSYS : errno.EINTR;
  return null;
}
