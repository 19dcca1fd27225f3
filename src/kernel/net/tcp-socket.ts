/** tcp(7). Connections inside the run are two queues; those that leave it are the host's (`host-tcp.ts`). */
import type { Credentials } from "../credentials.ts";
import { errno, type Errno } from "../errno.ts";
import { POLL } from "../fs/flags.ts";
import { Wait } from "../wait.ts";
import { fromEndpoint, isIp6, toEndpoint } from "./address.ts";
import type { Endpoint, InetAddress, SocketAddress } from "./address.ts";
import { ConnectionSocket, PeerOutlet, type Outlet } from "./connection.ts";
import { InetName } from "./inet-name.ts";
import { Backlog } from "./listener.ts";
import { END_OF_STREAM, MSG, type Outgoing, type Received } from "./message.ts";
import type { Network } from "./network.ts";
import type { PortHolder } from "./ports.ts";
import { unfinished, type Socket, type SocketCaller } from "./socket.ts";

export const IPPROTO_TCP = 6;

/** What became of connect(2): "done" is told to the first call that asks. */
type Connecting = "no" | "underWay" | "done" | "failed";

export class TcpSocket extends ConnectionSocket implements PortHolder {
  readonly family: InetAddress["family"];
  readonly name: InetName<TcpSocket>;
  #backlog: Backlog<TcpSocket> | null = null;
  #remote: Endpoint | null = null;
  #connecting: Connecting = "no";
  /** Stops an attempt that is under way. */
  #abandon: () => void = () => undefined;
  #closed = false;
  /** A byte of urgent data (MSG_OOB), and how many bytes were before it. */
  #urgent: { readonly byte: number; before: number; taken: boolean } | null = null;

  constructor(network: Network, family: InetAddress["family"], credentials: Credentials, flags: number) {
    super(network, "stream", IPPROTO_TCP, credentials, flags);
    this.family = family;
    this.name = new InetName(network.tcpPorts, this, family);
  }

  get local(): Endpoint {
    return this.name.local;
  }
  get remote(): Endpoint | null {
    return this.#remote;
  }
  get user(): number {
    return this.creator.euid;
  }
  override localAddress(): InetAddress {
    return this.name.address;
  }
  override peerAddress(): InetAddress {
    if (this.#remote === null || !this.isConnected || (this.ended && this.sendShut)) throw errno.ENOTCONN;
    return fromEndpoint(this.#remote, this.family);
  }
  get backlogLength(): number {
    return this.#backlog?.length ?? 0;
  }
  get isConnecting(): boolean {
    return this.#connecting === "underWay";
  }

  override bind(address: SocketAddress, caller: SocketCaller): number {
    this.name.bind(address, caller, (ip) => this.network.isOurs(ip));
    return 0;
  }

  // ── listening ──────────────────────────────────────────────────────────────────────────────────────────────────
  override get isListening(): boolean {
    return this.#backlog !== null;
  }

  override listen(backlog: number): number | Wait<number> {
    if (this.isConnected || this.isConnecting) throw errno.EINVAL;
    if (this.#backlog !== null) {
      this.#backlog.resize(backlog);
      return 0;
    }
    if (!this.name.isBound) this.name.take({ ip: this.local.ip, port: 0 });
    else if (this.network.tcpPorts.conflicts(this, this.local, true)) throw errno.EADDRINUSE;
    this.#backlog = new Backlog(backlog, this.readQueue);
    this.receiveShut = this.sendShut = false;
    return this.network.host.listen(this, backlog);
  }

  /** The host did not let it listen. */
  unlisten(): void {
    this.#backlog = null;
  }

  protected override tryAccept(): Socket | null {
    if (this.#backlog === null) throw errno.EINVAL;
    return this.#backlog.take();
  }

  /** A connection to this listener, not accepted yet; null: there is no room for it. */
  admit(local: Endpoint, remote: Endpoint): TcpSocket | null {
    const backlog = this.#backlog;
    if (backlog === null || backlog.isFull) return null;
    const accepted = new TcpSocket(this.network, this.family, this.creator, 0);
    accepted.options.inherit(this.options);
    accepted.name.share(local);
    accepted.#remote = remote;
    return accepted;
  }

  /** What `admit` made has its other side now. */
  queue(accepted: TcpSocket): void {
    this.#backlog?.push(accepted);
  }

  // ── connecting ─────────────────────────────────────────────────────────────────────────────────────────────────
  override connect(address: SocketAddress): number | Wait<number> {
    if (address.family === "unspecified") return this.#disconnect();
    const told = this.#outcome();
    if (told !== null) return told;
    if (this.isConnected || this.isListening) throw errno.EISCONN;
    if (this.isConnecting) throw errno.EALREADY;
    const to = this.network.destination(toEndpoint(address));
    if (this.family === "inet" && isIp6(to.ip)) throw errno.EAFNOSUPPORT;
    if (this.family === "inet6" && !isIp6(to.ip) && this.options.v6Only) throw errno.ENETUNREACH;
    this.#start(to);
    if (!this.nonBlocking) return this.#outcome() ?? this.#awaitOutcome();
    // As over Linux's loopback: the answer comes after the call, however soon.
    throw errno.EINPROGRESS;
  }

  #start(to: Endpoint): void {
    this.receiveShut = this.sendShut = this.ended = false;
    this.pendingError = null;
    const route = this.network.routeTcp(this, to);
    if (!this.name.isBound) this.name.take({ ip: this.local.ip, port: 0 });
    this.name.narrow(this.network.sourceFor(to.ip));
    this.#remote = to;
    this.#connecting = "underWay";
    this.#abandon = route();
  }

  /** 0 for the first who asks after it was made; the error for the first after it failed; null: neither. */
  #outcome(): number | null {
    if (this.#connecting === "done") {
      this.#connecting = "no";
      return 0;
    }
    if (this.#connecting === "failed") {
      this.#connecting = "no";
      throw this.takeError() ?? errno.ECONNABORTED;
    }
    return null;
  }

  #awaitOutcome(): Wait<number> {
    const deadline = this.deadline(this.options.sendTimeout);
    const wait: Wait<number> = new Wait([this.writeQueue], deadline, (reason) => {
      const outcome = this.#outcome();
      if (outcome !== null) return outcome;
      // The attempt goes on without the caller.
      if (reason === "timeout") throw errno.EINPROGRESS;
      unfinished(reason, deadline);
      return wait;
    });
    return wait;
  }

  /** The other side is there. */
  established(outlet: Outlet): void {
    this.outlet = outlet;
    this.#connecting = "done";
    this.#abandon = () => undefined;
    this.wakeAll();
  }

  /** connect(2) came to nothing. */
  failed(error: Errno): void {
    this.pendingError = error;
    this.#connecting = "failed";
    this.#abandon = () => undefined;
    this.#remote = null;
    this.name.letGo();
    this.wakeAll();
  }

  /** Connects to a listener of the same run, as soon as that has room. Returns what stops it. */
  connectLocally(listener: TcpSocket, to: Endpoint): () => void {
    const attempt = (): (() => void) => {
      const accepted = listener.admit(to, this.local);
      if (accepted === null) {
        if (listener.#backlog === null) this.failed(errno.ECONNREFUSED);
        else return listener.#backlog.whenRoom(() => (this.#abandon = attempt()));
        return () => undefined;
      }
      accepted.outlet = new PeerOutlet(accepted, this, () => accepted.options.inFlight(this.options), resetBySend);
      this.established(new PeerOutlet(this, accepted, () => this.options.inFlight(accepted.options), resetBySend));
      listener.queue(accepted);
      return () => undefined;
    };
    return attempt();
  }

  #disconnect(): number {
    this.#abandon();
    this.outlet?.close(true);
    this.outlet = null;
    this.#remote = null;
    this.name.letGo();
    this.#connecting = "no";
    this.incoming.clear();
    this.ended = this.receiveShut = this.sendShut = false;
    return 0;
  }

  // ── sending and receiving ──────────────────────────────────────────────────────────────────────────────────────
  protected override trySend(message: Outgoing, done: number): number {
    if (this.isConnecting) return -1;
    const { pendingError, outlet } = this;
    // The first one after a reset hears of it, the others that the pipe is broken.
    if (pendingError !== null) throw this.takeError() ?? pendingError;
    if (outlet === null || this.sendShut) throw errno.EPIPE;
    this.#connecting = "no";
    if ((message.flags & MSG.OOB) === 0 || message.bytes.length === 0) return this.push(outlet, message, done);
    return this.#sendUrgent(outlet, message, done);
  }

  /** The last byte is the urgent one. Only a socket of the same run can be told. */
  #sendUrgent(outlet: Outlet, message: Outgoing, done: number): number {
    const { bytes } = message;
    const last = bytes.length - 1;
    if (!(outlet instanceof PeerOutlet) || !(outlet.peer instanceof TcpSocket)) throw errno.EOPNOTSUPP;
    if (done < last) {
      const count = this.push(outlet, { ...message, bytes: bytes.subarray(0, last) }, done);
      if (count === -1 || done + count < last) return count;
      outlet.peer.#arriveUrgent(bytes[last]!);
      return count + 1;
    }
    outlet.peer.#arriveUrgent(bytes[last]!);
    return 1;
  }

  #arriveUrgent(byte: number): void {
    const before = this.incoming.bytes;
    if (this.options.outOfBandInline) this.arrive(Uint8Array.of(byte), {});
    this.#urgent = { byte, before, taken: false };
    this.network.signalOwner(this, "SIGURG");
    this.readQueue.wake();
  }

  /** sockatmark(3): what is read next is where the urgent byte was, or is. */
  get atMark(): boolean {
    return this.#urgent?.before === 0;
  }

  #takeUrgent(into: readonly Uint8Array[], peek: boolean): Received {
    const urgent = this.#urgent;
    if (urgent === null || urgent.taken || this.options.outOfBandInline) throw errno.EINVAL;
    const view = into.find(({ length }) => length > 0);
    if (view !== undefined) view[0] = urgent.byte;
    if (!peek) urgent.taken = true;
    const length = view === undefined ? 0 : 1;
    return { ...END_OF_STREAM, length, size: length, flags: MSG.OOB };
  }

  protected override tryReceive(into: readonly Uint8Array[], flags: number): Received | null {
    const peek = (flags & MSG.PEEK) !== 0;
    if ((flags & MSG.OOB) !== 0) return this.#takeUrgent(into, peek);
    if (this.isListening) throw errno.ENOTCONN;
    const got = this.#takeBytes(into, flags);
    if (got !== null) return got;
    if (this.ended || this.receiveShut) {
      // The end of file comes before an error that a later send has met.
      if (this.pendingError !== errno.EPIPE) this.throwPendingError();
      return END_OF_STREAM;
    }
    this.throwPendingError();
    if (this.outlet === null && !this.isConnecting) throw errno.ENOTCONN;
    return null;
  }

  #takeBytes(into: readonly Uint8Array[], flags: number): Received | null {
    const peek = (flags & MSG.PEEK) !== 0;
    const urgent = this.#urgent;
    const wanted = into.reduce((sum, view) => sum + view.length, 0);
    if (wanted === 0 && this.outlet !== null) return END_OF_STREAM;
    if (this.incoming.bytes === 0) return null;
    if ((flags & MSG.TRUNC) !== 0 && !peek) {
      const length = this.incoming.discard(wanted);
      return this.taken({ ...END_OF_STREAM, length, size: length });
    }
    // A read stops at the mark.
    const atMost = urgent !== null && urgent.before > 0 ? firstBytes(into, urgent.before) : into;
    const got = this.incoming.takeStream(atMost, peek, false);
    if (got === null || peek) return got;
    if (urgent !== null) {
      if (urgent.before === 0) this.#urgent = null;
      else urgent.before -= got.length;
    }
    return this.taken(got);
  }

  // ── closing ────────────────────────────────────────────────────────────────────────────────────────────────────
  override shutdown(receive: boolean, send: boolean): void {
    if (this.#backlog !== null && receive) {
      this.#stopListening();
      this.wakeAll();
      return;
    }
    if (this.outlet === null || (this.ended && this.sendShut)) throw errno.ENOTCONN;
    if (send && !this.sendShut) {
      this.sendShut = true;
      this.outlet.finish();
    }
    if (receive) this.receiveShut = true;
    this.wakeAll();
  }

  #stopListening(): void {
    const backlog = this.#backlog;
    this.#backlog = null;
    for (const waiting of backlog?.close() ?? []) waiting.discard();
    this.network.host.stopListening(this);
  }

  /** Closes a connection that nobody accepted. */
  discard(): void {
    if (this.references > 0) return;
    this.retain();
    this.options.linger = 0;
    this.release();
  }

  protected override close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#abandon();
    if (this.#backlog !== null) this.#stopListening();
    this.name.release();
    const reset = this.incoming.bytes > 0 || this.options.linger === 0;
    this.receiveShut = true;
    this.incoming.clear();
    this.outlet?.close(reset);
  }

  override available(): number {
    if (this.isListening) throw errno.EINVAL;
    const { bytes } = this.incoming;
    return this.#urgent !== null && this.#urgent.before > 0 ? Math.min(bytes, this.#urgent.before) : bytes;
  }

  override poll(): number {
    let bits = this.pendingError === null ? 0 : POLL.ERR;
    if (this.#backlog !== null) return bits | (this.#backlog.length > 0 ? POLL.IN | POLL.RDNORM : 0);
    if (this.isConnecting) return bits;
    const noMore = this.ended || this.receiveShut;
    if (this.outlet === null || (noMore && this.sendShut)) bits |= POLL.HUP;
    if (noMore) bits |= POLL.IN | POLL.RDNORM | POLL.RDHUP;
    if (this.incoming.bytes >= Math.max(this.options.receiveLowWater, 1)) bits |= POLL.IN | POLL.RDNORM;
    if (this.isWritable) bits |= POLL.OUT | POLL.WRNORM;
    if (this.#urgent !== null && !this.#urgent.taken) bits |= POLL.PRI;
    return bits;
  }
}

/** What comes back when bytes reach a socket that is closed: a reset. After its end of file that is a broken pipe. */
function resetBySend(sender: ConnectionSocket): void {
  sender.break(sender.ended ? errno.EPIPE : errno.ECONNRESET);
}

/** The first `count` bytes of the buffers. */
function firstBytes(views: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let left = count;
  return views.map((view) => {
    const part = view.length <= left ? view : view.subarray(0, left);
    left -= part.length;
    return part;
  });
}
