/** Unix datagram sockets (unix(7)): messages go straight into the receiver's queue, and a full queue holds senders up. */
import type { Credentials } from "../credentials.ts";
import { errno } from "../errno.ts";
import { WOULD_BLOCK } from "../fs/file-description.ts";
import { POLL } from "../fs/flags.ts";
import type { SocketAddress, UnixAddress } from "./address.ts";
import { END_OF_STREAM, MSG, type Outgoing, type Received } from "./message.ts";
import type { Network } from "./network.ts";
import { ReceiveQueue } from "./receive-queue.ts";
import { Socket, type SocketCaller } from "./socket.ts";
import { UnixName, type UnixSocket } from "./unix-socket.ts";

/** net.unix.max_dgram_qlen, and the one more that Linux lets in. */
const MAX_QUEUED = 11;
/** What Linux keeps of a send buffer for itself. */
const OVERHEAD = 32;

export class UnixDatagramSocket extends Socket implements UnixSocket {
  readonly family = "unix";
  readonly name = new UnixName();
  readonly #incoming = new ReceiveQueue(this.network.inFlight);
  #peer: UnixDatagramSocket | null = null;
  /** Those that found the queue full, and those that are connected to this socket. */
  readonly #heldUp = new Set<UnixDatagramSocket>();
  readonly #clients = new Set<UnixDatagramSocket>();
  #closed = false;

  constructor(network: Network, credentials: Credentials, flags: number) {
    super(network, "datagram", 0, credentials, flags);
  }

  /** socketpair(2) */
  static pair(
    network: Network,
    credentials: Credentials,
    flags: number,
  ): readonly [UnixDatagramSocket, UnixDatagramSocket] {
    const one = new UnixDatagramSocket(network, credentials, flags);
    const other = new UnixDatagramSocket(network, credentials, flags);
    one.#setPeer(other);
    other.#setPeer(one);
    return [one, other];
  }

  override localAddress(): UnixAddress {
    return this.name.address;
  }
  override peerAddress(): UnixAddress {
    if (this.#peer === null) throw errno.ENOTCONN;
    return this.#peer.name.address;
  }

  override bind(address: SocketAddress, caller: SocketCaller): number {
    this.name.bind(this.network.unixNames, this, address, caller);
    return 0;
  }

  override connect(address: SocketAddress, caller: SocketCaller): number {
    this.#setPeer(address.family === "unspecified" ? null : this.#receiverAt(address, caller));
    return 0;
  }

  #setPeer(peer: UnixDatagramSocket | null): void {
    if (this.#peer !== null) this.#peer.#clients.delete(this);
    this.#peer = peer;
    if (peer !== null) peer.#clients.add(this);
    this.wakeAll();
  }

  #receiverAt(address: SocketAddress, caller: SocketCaller): UnixDatagramSocket {
    const found = this.network.unixNames.find(this, address, caller);
    if (!(found instanceof UnixDatagramSocket)) throw errno.EPROTOTYPE;
    // A socket that is connected takes messages from its peer only.
    if (found.#peer !== null && found.#peer !== this) throw errno.EPERM;
    return found;
  }

  protected override trySend(message: Outgoing): number {
    if ((message.flags & MSG.OOB) !== 0) throw errno.EOPNOTSUPP;
    if (message.bytes.length > this.options.sendBuffer - OVERHEAD) throw errno.EMSGSIZE;
    if (this.sendShut) throw errno.EPIPE;
    this.throwPendingError();
    const to = message.to === null ? this.#connectedPeer() : this.#receiverAt(message.to, this.network.caller());
    if (to.receiveShut) throw errno.EPIPE;
    if (to.#isFull) {
      to.#heldUp.add(this);
      return WOULD_BLOCK;
    }
    const { bytes, sender, rights } = message;
    for (const file of rights) file.retain();
    to.#incoming.pushMessage(bytes, { from: this.name.address, sender, rights, time: this.network.clock.realtime() });
    to.readQueue.wake();
    return bytes.length;
  }

  #connectedPeer(): UnixDatagramSocket {
    const peer = this.#peer;
    if (peer === null) throw errno.ENOTCONN;
    if (peer.#closed) {
      this.#setPeer(null);
      throw errno.ECONNREFUSED;
    }
    return peer;
  }

  get #isFull(): boolean {
    return this.#incoming.length >= MAX_QUEUED || this.#incoming.charge > this.options.receiveBuffer;
  }

  protected override tryReceive(into: readonly Uint8Array[], flags: number): Received | null {
    if ((flags & MSG.OOB) !== 0) throw errno.EOPNOTSUPP;
    const got = this.#incoming.takeMessage(into, (flags & MSG.PEEK) !== 0);
    if (got === null) {
      this.throwPendingError();
      return this.receiveShut ? END_OF_STREAM : null;
    }
    this.#releaseSenders();
    return got;
  }

  #releaseSenders(): void {
    if (this.#heldUp.size === 0 || this.#isFull) return;
    const heldUp = [...this.#heldUp];
    this.#heldUp.clear();
    for (const sender of heldUp) sender.writeQueue.wake();
  }

  /** The other side hears nothing of it. */
  override shutdown(receive: boolean, send: boolean): void {
    this.sendShut ||= send;
    this.receiveShut ||= receive;
    this.wakeAll();
  }

  override available(): number {
    return this.#incoming.firstLength;
  }

  override poll(): number {
    let bits = this.pendingError === null ? 0 : POLL.ERR;
    if (this.receiveShut) bits |= POLL.RDHUP | POLL.IN | POLL.RDNORM;
    if (this.receiveShut && this.sendShut) bits |= POLL.HUP;
    if (this.#incoming.length > 0) bits |= POLL.IN | POLL.RDNORM;
    const peer = this.#peer;
    // Two that are connected to each other never report it; nor does Linux.
    if (peer !== null && peer.#isFull && !peer.#closed && peer.#peer !== this) peer.#heldUp.add(this);
    else bits |= POLL.OUT | POLL.WRNORM | POLL.WRBAND;
    return bits;
  }

  protected override close(): void {
    this.#closed = true;
    this.name.release();
    this.receiveShut = true;
    const peer = this.#peer;
    this.#setPeer(null);
    // Linux tells those that were connected to it, if messages were lost.
    const reset = this.#incoming.length > 0;
    this.#incoming.clear();
    for (const client of [...this.#clients]) {
      if (reset && client === peer) client.pendingError = errno.ECONNRESET;
      client.wakeAll();
    }
    for (const sender of this.#heldUp) sender.writeQueue.wake();
    this.#heldUp.clear();
  }
}
