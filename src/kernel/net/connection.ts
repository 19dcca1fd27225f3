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

  /** Sends a piece of a stream, or one message. Connected, and not shut. */
  protected push(outlet: Outlet, message: Outgoing, done: number): number {
    const rest = done === 0 ? message.bytes : message.bytes.subarray(done);
    const { room } = outlet;
    const isStream = this.type === "stream";
    if (!isStream && rest.length > outlet.capacity) throw errno.EMSGSIZE;
    if (isStream && rest.length === 0) return 0;
    if (room <= 0 || (!isStream && room < rest.length && room < outlet.capacity)) {
      this.#starved = true;
      return WOULD_BLOCK;
    }
    const piece = rest.length <= room || !isStream ? rest : rest.subarray(0, room);
    if (piece.length < rest.length) this.#starved = true;
    const { rights, sender, flags } = message;
    const arrival: Arrival = { sender, flags: isStream ? 0 : flags & MSG.EOR };
    if (rights.length === 0 || done > 0) outlet.send(piece, arrival);
    else {
      for (const file of rights) file.retain();
      outlet.send(piece, { ...arrival, rights });
    }
    return piece.length;
  }

  override available(): number {
    return this.type === "stream" ? this.incoming.bytes : this.incoming.firstLength;
  }
}

/** The outlet between two sockets of the same run. */
export class PeerOutlet implements Outlet {
  readonly #owner: ConnectionSocket;
  readonly #peer: ConnectionSocket;
  readonly capacity: number;
  readonly #onSendAfterClose: ((owner: ConnectionSocket) => void) | null;
  /** The peer's side is closed: nobody will read. */
  peerClosed = false;

  /** `onSendAfterClose`: what comes back when something is sent to a side that is gone; null: `peerClosed` is asked first. */
  constructor(
    owner: ConnectionSocket,
    peer: ConnectionSocket,
    capacity: number,
    onSendAfterClose: ((owner: ConnectionSocket) => void) | null = null,
  ) {
    this.#owner = owner;
    this.#peer = peer;
    this.capacity = capacity;
    this.#onSendAfterClose = onSendAfterClose;
  }

  get peer(): ConnectionSocket {
    return this.#peer;
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
