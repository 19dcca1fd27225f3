/**
 * What all connected sockets have in common, whatever carries their bytes: a queue of what has arrived, and an outlet for
 * what is sent. Two of one run are each other's peers; a TCP socket can also have the host's network for one.
 */
import { errno, type Errno } from "../errno.ts";
import { WOULD_BLOCK } from "../fs/file-description.ts";
import { MSG, type Outgoing } from "./message.ts";
import { ReceiveQueue, type Arrival } from "./receive-queue.ts";
import { Socket } from "./socket.ts";

/** Where a connected socket's bytes go. */
export interface Outlet {
  /** Bytes that may be sent now; negative or 0: none. */
  readonly room: number;
  /** How many bytes may be under way at most. */
  readonly capacity: number;
  /** Takes all of it; the bytes are copied. */
  send(bytes: Uint8Array, arrival: Arrival): void;
  /** Nothing more will be sent. */
  finish(): void;
  /** The socket is closed. `reset`: the other side is to know that not everything was read. */
  close(reset: boolean): void;
  /** Something was taken off the socket's queue. */
  drained(): void;
}

export abstract class ConnectionSocket extends Socket {
  readonly incoming = new ReceiveQueue(this.network.inFlight);
  outlet: Outlet | null = null;
  /** The other side sends no more: after what has arrived comes the end. */
  ended = false;
  /** A sender found no room: it is woken when there is some. */
  #starved = false;

  get isConnected(): boolean {
    return this.outlet !== null;
  }

  // ── the other side's calls ─────────────────────────────────────────────────────────────────────────────────────
  /** Bytes from the other side. */
  arrive(bytes: Uint8Array, arrival: Arrival): void {
    if (this.type === "stream") this.incoming.pushStream(bytes, arrival);
    else this.incoming.pushMessage(bytes, arrival);
    this.readQueue.wake();
  }

  /** The other side has sent its last. */
  end(): void {
    this.ended = true;
    this.wakeAll();
  }

  /** The connection is gone, both ways. */
  break(error: Errno | null): void {
    this.pendingError ??= error;
    this.ended = true;
    this.sendShut = true;
    this.wakeAll();
  }

  /** There may be room again. */
  mayWrite(): void {
    if (!this.#starved || !this.isWritable) return;
    this.#starved = false;
    this.writeQueue.wake();
  }

  /** Half of the room is free: time to wake a sender, and what poll(2) calls writable. */
  protected get isWritable(): boolean {
    const { outlet } = this;
    if (outlet === null || this.sendShut) return true;
    if (outlet.room * 2 >= outlet.capacity) return true;
    this.#starved = true;
    return false;
  }

  /** Reads from the queue and tells the other side that there is room. */
  protected taken<T>(result: T): T {
    this.outlet?.drained();
    return result;
  }

  /** Sends what there is room for of a stream, or one message. Connected, and not shut. */
  protected push(outlet: Outlet, message: Outgoing, done: number): number {
    const rest = done === 0 ? message.bytes : message.bytes.subarray(done);
    return this.type === "stream" ? this.#pushStream(outlet, message, rest) : this.#pushMessage(outlet, message, rest);
  }

  #pushMessage(outlet: Outlet, message: Outgoing, bytes: Uint8Array): number {
    if (bytes.length > outlet.capacity) throw errno.EMSGSIZE;
    if (outlet.room <= 0 || (outlet.room < bytes.length && outlet.room < outlet.capacity)) {
      this.#starved = true;
      return WOULD_BLOCK;
    }
    const { sender, flags } = message;
    outlet.send(bytes, { sender, flags: flags & MSG.EOR, ...heldRights(message) });
    return bytes.length;
  }

  #pushStream(outlet: Outlet, message: Outgoing, rest: Uint8Array): number {
    const { sender } = message;
    const isFirst = rest.length === message.bytes.length;
    let sent = 0;
    // The host may take a piece at once, and have room for the next.
    for (let { room } = outlet; sent < rest.length && room > 0; { room } = outlet) {
      const piece = rest.subarray(sent, sent + room);
      outlet.send(piece, { sender, ...(isFirst && sent === 0 ? heldRights(message) : {}) });
      sent += piece.length;
    }
    if (sent === rest.length) return sent;
    this.#starved = true;
    return sent === 0 ? WOULD_BLOCK : sent;
  }

  override available(): number {
    return this.incoming.bytes;
  }
}

/** What goes along with the first bytes of a message, held for the queue. */
function heldRights({ rights }: Outgoing): Pick<Arrival, "rights"> {
  if (rights.length === 0) return {};
  for (const file of rights) file.retain();
  return { rights };
}

/** The outlet between two sockets of the same run. */
export class PeerOutlet implements Outlet {
  readonly #owner: ConnectionSocket;
  readonly #peer: ConnectionSocket;
  readonly #capacity: () => number;
  readonly #onSendAfterClose: ((owner: ConnectionSocket) => void) | null;
  /** The peer's side is closed: nobody will read. */
  peerClosed = false;

  /**
   * `capacity`: asked each time, since the buffers' sizes can be set on a connection, too. `onSendAfterClose`: what comes
   * back when something is sent to a side that is gone; null: `peerClosed` is asked first.
   */
  constructor(
    owner: ConnectionSocket,
    peer: ConnectionSocket,
    capacity: () => number,
    onSendAfterClose: ((owner: ConnectionSocket) => void) | null = null,
  ) {
    this.#owner = owner;
    this.#peer = peer;
    this.#capacity = capacity;
    this.#onSendAfterClose = onSendAfterClose;
  }

  get peer(): ConnectionSocket {
    return this.#peer;
  }
  get capacity(): number {
    return this.#capacity();
  }
  get room(): number {
    return this.peerClosed ? this.capacity : this.capacity - this.#peer.incoming.charge;
  }
  send(bytes: Uint8Array, arrival: Arrival): void {
    if (this.peerClosed) this.#onSendAfterClose?.(this.#owner);
    else this.#peer.arrive(bytes, arrival);
  }
  finish(): void {
    if (!this.peerClosed) this.#peer.end();
  }
  close(reset: boolean): void {
    if (this.peerClosed) return;
    const back = this.#peer.outlet;
    if (back instanceof PeerOutlet) back.peerClosed = true;
    if (reset) this.#peer.break(errno.ECONNRESET);
    else this.#peer.end();
  }
  drained(): void {
    if (!this.peerClosed) this.#peer.mayWrite();
  }
}
