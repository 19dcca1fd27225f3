/**
 * What has arrived at a socket and was not read yet: pieces in order. To a stream they are one run of bytes, to a
 * datagram socket a message each.
 */
import type { FileDescription } from "../fs/file-description.ts";
import type { SocketAddress } from "./address.ts";
import { END_OF_STREAM, MSG, releaseRights, type PacketHeader, type PeerIdentity, type Received } from "./message.ts";

/** What a piece counts beside its bytes, about what it costs the host. */
const PIECE_COST = 256;
/** Room for more bytes is made with a piece that has to be queued behind another. */
const GROWTH = 4096;

export interface Arrival {
  readonly from?: SocketAddress | null;
  readonly sender?: PeerIdentity | null;
  /** Retained for the queue by whoever puts them in. */
  readonly rights?: readonly FileDescription[];
  readonly time?: bigint;
  readonly to?: string | null;
  readonly header?: PacketHeader | null;
  /** MSG.EOR */
  readonly flags?: number;
}

interface Piece {
  data: Uint8Array;
  start: number;
  end: number;
  readonly from: SocketAddress | null;
  readonly sender: PeerIdentity | null;
  rights: readonly FileDescription[];
  readonly time: bigint;
  readonly to: string | null;
  readonly header: PacketHeader | null;
  readonly flags: number;
}

/** How many descriptions are in messages that nobody has received yet. */
export interface InFlight {
  count: number;
}

export class ReceiveQueue {
  readonly #pieces: Piece[] = [];
  readonly #inFlight: InFlight;
  #bytes = 0;

  constructor(inFlight: InFlight) {
    this.#inFlight = inFlight;
  }

  /** Unread bytes. */
  get bytes(): number {
    return this.#bytes;
  }
  /** Messages, or pieces of a stream. */
  get length(): number {
    return this.#pieces.length;
  }
  /** What counts against a limit: empty messages fill a queue, too. */
  get charge(): number {
    return this.#bytes + PIECE_COST * this.#pieces.length;
  }
  /** Length of the next message; 0 if there is none. */
  get firstLength(): number {
    const first = this.#pieces[0];
    return first === undefined ? 0 : first.end - first.start;
  }

  /** One message; the bytes are copied. */
  pushMessage(bytes: Uint8Array, arrival: Arrival): void {
    this.#push(bytes.slice(), bytes.length, arrival);
  }

  /** More of a stream; the bytes are copied. */
  pushStream(bytes: Uint8Array, arrival: Arrival): void {
    const last = this.#pieces.at(-1);
    if (last === undefined) {
      this.#push(bytes.slice(), bytes.length, arrival);
      return;
    }
    const joins =
      arrival.rights === undefined && last.rights.length === 0 && isSame(last.sender, arrival.sender ?? null);
    if (joins && last.data.length - last.end >= bytes.length) {
      last.data.set(bytes, last.end);
      last.end += bytes.length;
      this.#bytes += bytes.length;
      return;
    }
    const data = new Uint8Array(Math.max(bytes.length, GROWTH));
    data.set(bytes);
    this.#push(data, bytes.length, arrival);
  }

  #push(data: Uint8Array, length: number, arrival: Arrival): void {
    this.#pieces.push({
      data,
      start: 0,
      end: length,
      from: arrival.from ?? null,
      sender: arrival.sender ?? null,
      rights: arrival.rights ?? [],
      time: arrival.time ?? 0n,
      to: arrival.to ?? null,
      header: arrival.header ?? null,
      flags: arrival.flags ?? 0,
    });
    this.#bytes += length;
    this.#inFlight.count += arrival.rights?.length ?? 0;
  }

  /** The next message; what does not fit is lost. Null: there is none. */
  takeMessage(into: readonly Uint8Array[], peek: boolean): Received | null {
    const piece = this.#pieces[0];
    if (piece === undefined) return null;
    const size = piece.end - piece.start;
    const length = scatter(piece.data.subarray(piece.start, piece.end), into);
    const rights = this.#rightsOf(piece, peek);
    if (!peek) {
      this.#pieces.shift();
      this.#bytes -= size;
    }
    const { from, sender, time, to, header } = piece;
    const flags = piece.flags | (length < size ? MSG.TRUNC : 0);
    return { length, size, flags, from, rights, sender, time, to, header };
  }

  /**
   * Bytes of the stream, as many as fit; none: null. Bytes that came with descriptors end a read, and so do, with
   * `bySender`, those of another sender (unix(7)).
   */
  takeStream(into: readonly Uint8Array[], peek: boolean, bySender: boolean): Received | null {
    const first = this.#pieces[0];
    if (first === undefined) return null;
    let length = 0;
    let rights: readonly FileDescription[] = [];
    const room = new Room(into);
    let index = 0;
    for (;;) {
      const piece = this.#pieces[index];
      if (piece === undefined || room.isFull) break;
      if (bySender && piece !== first && !isSame(piece.sender, first.sender)) break;
      const moved = room.put(piece.data.subarray(piece.start, piece.end));
      const withRights = piece.rights.length > 0;
      if (withRights) rights = this.#rightsOf(piece, peek);
      length += moved;
      const isUsedUp = moved === piece.end - piece.start;
      if (peek) index++;
      else {
        piece.start += moved;
        this.#bytes -= moved;
        if (isUsedUp) this.#pieces.shift();
      }
      if (!isUsedUp || withRights) break;
    }
    return { ...END_OF_STREAM, length, size: length, from: first.from, rights, sender: first.sender, time: first.time };
  }

  /** Takes bytes of a stream away without looking at them (MSG_TRUNC of tcp(7)). */
  discard(count: number): number {
    const scratch = new Uint8Array(Math.min(count, this.#bytes));
    return this.takeStream([scratch], false, false)?.length ?? 0;
  }

  #rightsOf(piece: Piece, peek: boolean): readonly FileDescription[] {
    const { rights } = piece;
    if (peek) for (const file of rights) file.retain();
    else {
      piece.rights = [];
      this.#inFlight.count -= rights.length;
    }
    return rights;
  }

  clear(): void {
    // Releasing may close the last reference to a socket, and lead back here.
    const pieces = this.#pieces.splice(0);
    this.#bytes = 0;
    for (const { rights } of pieces) {
      this.#inFlight.count -= rights.length;
      releaseRights(rights);
    }
  }
}

function isSame(a: PeerIdentity | null, b: PeerIdentity | null): boolean {
  return a === b || (a !== null && b !== null && a.pid === b.pid && a.uid === b.uid && a.gid === b.gid);
}

/** Several buffers filled one after the other. */
class Room {
  readonly #into: readonly Uint8Array[];
  #index = 0;
  #at = 0;
  constructor(into: readonly Uint8Array[]) {
    this.#into = into;
    this.#skipFull();
  }
  get isFull(): boolean {
    return this.#index >= this.#into.length;
  }
  #skipFull(): void {
    for (let view = this.#into[this.#index]; view !== undefined && this.#at === view.length;) {
      this.#at = 0;
      view = this.#into[++this.#index];
    }
  }
  /** How much of `bytes` went in. */
  put(bytes: Uint8Array): number {
    let done = 0;
    for (let view = this.#into[this.#index]; view !== undefined && done < bytes.length;) {
      const count = Math.min(bytes.length - done, view.length - this.#at);
      view.set(bytes.subarray(done, done + count), this.#at);
      done += count;
      this.#at += count;
      this.#skipFull();
      view = this.#into[this.#index];
    }
    return done;
  }
}

function scatter(bytes: Uint8Array, into: readonly Uint8Array[]): number {
  return new Room(into).put(bytes);
}

/** The buffers behind their first `count` bytes. */
export function skipBytes(views: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let left = count;
  const rest: Uint8Array[] = [];
  for (const view of views) {
    if (left >= view.length) left -= view.length;
    else {
      rest.push(left === 0 ? view : view.subarray(left));
      left = 0;
    }
  }
  return rest;
}
