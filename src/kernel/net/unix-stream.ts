/** Unix sockets with connections: SOCK_STREAM and SOCK_SEQPACKET (unix(7)). */
import type { Credentials } from "../credentials.ts";
import { errno } from "../errno.ts";
import { POLL } from "../fs/flags.ts";
import { Wait } from "../wait.ts";
import type { SocketAddress, UnixAddress } from "./address.ts";
import { ConnectionSocket, PeerOutlet } from "./connection.ts";
import { Backlog } from "./listener.ts";
import { END_OF_STREAM, MSG, NOBODY, type Outgoing, type PeerIdentity, type Received } from "./message.ts";
import type { Network } from "./network.ts";
import { identityOf, unfinished, type Socket, type SocketCaller } from "./socket.ts";
import { UnixName, type UnixSocket } from "./unix-socket.ts";

export class UnixStreamSocket extends ConnectionSocket implements UnixSocket {
  readonly family = "unix";
  readonly name = new UnixName();
  #backlog: Backlog<UnixStreamSocket> | null = null;
  /** Of the listener: what its clients see as their peer. */
  #identity: PeerIdentity | null = null;
  #peer: { readonly name: UnixName; readonly identity: PeerIdentity } | null = null;
  #closed = false;

  constructor(network: Network, type: "stream" | "seqpacket", credentials: Credentials, flags: number) {
    super(network, type, 0, credentials, flags);
  }

  override localAddress(): UnixAddress {
    return this.name.address;
  }
  override peerAddress(): UnixAddress {
    if (this.#peer === null) throw errno.ENOTCONN;
    return this.#peer.name.address;
  }
  override get peerIdentity(): PeerIdentity {
    return this.#peer?.identity ?? NOBODY;
  }

  override bind(address: SocketAddress, caller: SocketCaller): number {
    this.name.bind(this.network.unixNames, this, address, caller);
    return 0;
  }

  override get isListening(): boolean {
    return this.#backlog !== null;
  }

  override listen(backlog: number, caller: SocketCaller): number {
    if (this.isConnected || !this.name.isBound) throw errno.EINVAL;
    this.#identity = identityOf(caller);
    if (this.#backlog === null) this.#backlog = new Backlog(backlog, this.readQueue);
    else this.#backlog.resize(backlog);
    return 0;
  }

  protected override tryAccept(): Socket | null {
    if (this.#backlog === null) throw errno.EINVAL;
    return this.#backlog.take();
  }

  // ── connecting ─────────────────────────────────────────────────────────────────────────────────────────────────
  override connect(address: SocketAddress, caller: SocketCaller): number | Wait<number> {
    if (this.isConnected) throw errno.EISCONN;
    if (this.isListening) throw errno.EINVAL;
    const attempt = (): boolean => this.#tryConnect(this.#listenerAt(address, caller), caller);
    if (attempt()) return 0;
    if (this.nonBlocking) throw errno.EAGAIN;
    const deadline = this.deadline(this.options.sendTimeout);
    let leave = this.#awaitRoom(address, caller);
    const wait: Wait<number> = new Wait(
      [this.writeQueue],
      deadline,
      (reason) => {
        leave();
        if (attempt()) return 0;
        unfinished(reason, deadline);
        leave = this.#awaitRoom(address, caller);
        return wait;
      },
      () => leave(),
    );
    return wait;
  }

  /** A place in the listener's queue is worth another try. */
  #awaitRoom(address: SocketAddress, caller: SocketCaller): () => void {
    const backlog = this.#listenerAt(address, caller).#backlog;
    return backlog?.whenRoom(() => this.writeQueue.wake()) ?? (() => undefined);
  }

  #listenerAt(address: SocketAddress, caller: SocketCaller): UnixStreamSocket {
    const found = this.network.unixNames.find(this, address, caller);
    if (found.type !== this.type || !(found instanceof UnixStreamSocket)) throw errno.EPROTOTYPE;
    if (!found.isListening || found.receiveShut) throw errno.ECONNREFUSED;
    return found;
  }

  #tryConnect(listener: UnixStreamSocket, caller: SocketCaller): boolean {
    const backlog = listener.#backlog;
    if (backlog === null || backlog.isFull) return false;
    const accepted = new UnixStreamSocket(this.network, listener.type as "stream" | "seqpacket", listener.creator, 0);
    accepted.options.passCredentials = listener.options.passCredentials;
    accepted.name.share(listener.name);
    this.#join(accepted, listener.#identity ?? NOBODY, identityOf(caller));
    backlog.push(accepted);
    return true;
  }

  /** `ofPeer`, `own`: who is told to be at either end. */
  #join(peer: UnixStreamSocket, ofPeer: PeerIdentity, own: PeerIdentity): void {
    this.#peer = { name: peer.name, identity: ofPeer };
    peer.#peer = { name: this.name, identity: own };
    this.outlet = new PeerOutlet(this, peer, () => this.options.sendBuffer);
    peer.outlet = new PeerOutlet(peer, this, () => peer.options.sendBuffer);
    this.wakeAll();
  }

  /** socketpair(2) */
  static pair(
    network: Network,
    type: "stream" | "seqpacket",
    caller: SocketCaller,
    flags: number,
  ): readonly [UnixStreamSocket, UnixStreamSocket] {
    const one = new UnixStreamSocket(network, type, caller.credentials, flags);
    const other = new UnixStreamSocket(network, type, caller.credentials, flags);
    one.#join(other, identityOf(caller), identityOf(caller));
    return [one, other];
  }

  // ── sending and receiving ──────────────────────────────────────────────────────────────────────────────────────
  protected override trySend(message: Outgoing, done: number): number {
    if (message.to !== null && this.type === "stream") throw this.isConnected ? errno.EISCONN : errno.EOPNOTSUPP;
    if ((message.flags & MSG.OOB) !== 0) throw errno.EOPNOTSUPP;
    this.throwPendingError();
    const { outlet } = this;
    if (this.sendShut) throw errno.EPIPE;
    if (!(outlet instanceof PeerOutlet)) throw errno.ENOTCONN;
    if (outlet.peerClosed || outlet.peer.receiveShut) throw errno.EPIPE;
    return this.push(outlet, message, done);
  }

  protected override tryReceive(into: readonly Uint8Array[], flags: number): Received | null {
    if ((flags & MSG.OOB) !== 0) throw errno.EOPNOTSUPP;
    if (!this.isConnected) throw this.type === "stream" ? errno.EINVAL : errno.ENOTCONN;
    const peek = (flags & MSG.PEEK) !== 0;
    const isStream = this.type === "stream";
    if (isStream && into.every((view) => view.length === 0)) return END_OF_STREAM;
    const got = isStream
      ? this.incoming.takeStream(into, peek, this.options.passCredentials)
      : this.incoming.takeMessage(into, peek);
    if (got !== null) return { ...(peek ? got : this.taken(got)), from: this.#peer?.name.address ?? null };
    this.throwPendingError();
    return this.ended || this.receiveShut ? END_OF_STREAM : null;
  }

  override shutdown(receive: boolean, send: boolean): void {
    const { outlet } = this;
    if (send && !this.sendShut) {
      this.sendShut = true;
      outlet?.finish();
    }
    if (receive && !this.receiveShut) {
      this.receiveShut = true;
      if (outlet instanceof PeerOutlet && !outlet.peerClosed) {
        outlet.peer.sendShut = true;
        outlet.peer.wakeAll();
      }
    }
    this.wakeAll();
  }

  override poll(): number {
    let bits = this.pendingError === null ? 0 : POLL.ERR;
    if (this.#backlog !== null) return bits | (this.#backlog.length > 0 ? POLL.IN | POLL.RDNORM : 0);
    const { outlet } = this;
    const peerGone = outlet instanceof PeerOutlet && outlet.peerClosed;
    const noMore = this.ended || this.receiveShut;
    if (!this.isConnected || peerGone || (noMore && this.sendShut)) bits |= POLL.HUP;
    if (noMore) bits |= POLL.RDHUP | POLL.IN | POLL.RDNORM;
    if (this.incoming.length > 0) bits |= POLL.IN | POLL.RDNORM;
    if (this.isWritable) bits |= POLL.OUT | POLL.WRNORM | POLL.WRBAND;
    return bits;
  }

  protected override close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.name.release();
    const backlog = this.#backlog;
    this.#backlog = null;
    this.receiveShut = true;
    for (const waiting of backlog?.close() ?? []) waiting.discard();
    const reset = this.incoming.length > 0;
    this.incoming.clear();
    this.outlet?.close(reset);
  }

  /** Closes a connection that nobody accepted: its client finds it reset. */
  discard(): void {
    if (this.references > 0) return;
    const { outlet } = this;
    this.retain();
    if (outlet instanceof PeerOutlet && !outlet.peerClosed) outlet.peer.break(errno.ECONNRESET);
    this.release();
  }
}
