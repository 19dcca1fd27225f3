/** The contents of a file in memory: grows by pieces, and holes cost nothing. */
import { errno } from "../errno.ts";

const SHIFT = 16;
const PIECE = 1 << SHIFT;
const SMALLEST = 256;

/** Bytes that the in-memory file systems of one tree may hold together. */
export class Quota {
  readonly limit: number;
  used = 0;
  constructor(limit: number) {
    this.limit = limit;
  }
  /** Throws ENOSPC. */
  take(bytes: number): void {
    if (this.used + bytes > this.limit) throw errno.ENOSPC;
    this.used += bytes;
  }
  give(bytes: number): void {
    this.used -= bytes;
  }
}

export class SparseBytes {
  /** Bytes, holes included. */
  size = 0;
  /** Bytes of memory. */
  allocated = 0;
  readonly #quota: Quota;
  /** Piece number to bytes; a piece may be shorter than 64 KiB, the rest of it is zero. */
  readonly #pieces = new Map<number, Uint8Array>();

  constructor(quota: Quota) {
    this.#quota = quota;
  }

  read(into: Uint8Array, offset: number): number {
    const end = Math.min(offset + into.length, this.size);
    if (end <= offset) return 0;
    for (let at = offset; at < end;) {
      const start = at % PIECE;
      const length = Math.min(PIECE - start, end - at);
      const to = at - offset;
      const piece = this.#pieces.get(Math.floor(at / PIECE));
      const stored = piece === undefined ? 0 : Math.max(0, Math.min(length, piece.length - start));
      if (piece !== undefined && stored > 0) into.set(piece.subarray(start, start + stored), to);
      if (stored < length) into.fill(0, to + stored, to + length);
      at += length;
    }
    return end - offset;
  }

  /** Returns bytes written, fewer than asked where memory ends; throws ENOSPC if that is none, EFBIG beyond 2**53. */
  write(from: Uint8Array, offset: number): number {
    if (!Number.isSafeInteger(offset + from.length)) throw errno.EFBIG;
    let at = offset;
    const end = offset + from.length;
    try {
      while (at < end) {
        const start = at % PIECE;
        const length = Math.min(PIECE - start, end - at);
        const piece = this.#piece(Math.floor(at / PIECE), start + length);
        piece.set(from.subarray(at - offset, at - offset + length), start);
        at += length;
      }
    } catch (error) {
      if (at === offset) throw error;
    }
    if (at > this.size) this.size = at;
    return at - offset;
  }

  #piece(number: number, needed: number): Uint8Array {
    const old = this.#pieces.get(number);
    if (old !== undefined && old.length >= needed) return old;
    let length = SMALLEST;
    while (length < needed) length *= 2;
    const growth = length - (old?.length ?? 0);
    this.#quota.take(growth);
    const piece = new Uint8Array(length);
    if (old !== undefined) piece.set(old);
    this.allocated += growth;
    this.#pieces.set(number, piece);
    return piece;
  }

  /** Takes the memory for a range, so that writes there cannot fail. */
  reserve(offset: number, length: number): void {
    const end = offset + length;
    // Checked first: a huge range must not fill memory up before it fails.
    if (length > this.#quota.limit) throw errno.ENOSPC;
    for (let at = offset; at < end;) {
      const start = at % PIECE;
      const part = Math.min(PIECE - start, end - at);
      this.#piece(Math.floor(at / PIECE), start + part);
      at += part;
    }
  }

  truncate(size: number): void {
    if (size < this.size) this.punch(size, this.size - size);
    this.size = size;
  }

  /** Makes a hole: the range reads as zeros. */
  punch(offset: number, length: number): void {
    const end = offset + length;
    for (const [number, piece] of this.#pieces) {
      const start = number * PIECE;
      if (start + PIECE <= offset || start >= end) continue;
      if (start >= offset && start + piece.length <= end) {
        this.#pieces.delete(number);
        this.allocated -= piece.length;
        this.#quota.give(piece.length);
      } else {
        piece.fill(0, Math.max(0, offset - start), Math.min(piece.length, end - start));
      }
    }
  }

  /** SEEK_DATA: where the next data at or after `offset` starts, or null. */
  nextData(offset: number): number | null {
    let best: number | null = null;
    for (const number of this.#pieces.keys()) {
      const start = number * PIECE;
      if (start + PIECE <= offset) continue;
      const at = Math.max(start, offset);
      if (best === null || at < best) best = at;
    }
    return best === null || best >= this.size ? null : best;
  }

  /** SEEK_HOLE: where the next hole starts; the end of the file counts as one. */
  nextHole(offset: number): number {
    let number = Math.floor(offset / PIECE);
    let at = offset;
    while (at < this.size && this.#pieces.has(number)) at = ++number * PIECE;
    return Math.min(at, this.size);
  }

  /** Gives all memory back. */
  clear(): void {
    this.truncate(0);
  }
}
