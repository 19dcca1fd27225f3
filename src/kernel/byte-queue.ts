/** Bytes under way, first in, first out. */
export class ByteQueue {
  #bytes = new Uint8Array(256);
  #start = 0;
  length = 0;

  push(from: Uint8Array): void {
    if (this.#start + this.length + from.length > this.#bytes.length) this.#makeRoom(this.length + from.length);
    this.#bytes.set(from, this.#start + this.length);
    this.length += from.length;
  }

  #makeRoom(needed: number): void {
    let size = this.#bytes.length;
    while (size < needed) size *= 2;
    const bytes = size === this.#bytes.length ? this.#bytes : new Uint8Array(size);
    bytes.set(this.#bytes.subarray(this.#start, this.#start + this.length));
    this.#bytes = bytes;
    this.#start = 0;
  }

  /** Moves what there is, as much as fits; returns how many bytes. */
  shift(into: Uint8Array): number {
    const count = Math.min(into.length, this.length);
    into.set(this.all.subarray(0, count));
    this.drop(count);
    return count;
  }

  /** What there is, in place: valid until the next `push`. */
  get all(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#start + this.length);
  }

  /** Takes the first `count` bytes away. */
  drop(count: number): void {
    this.length -= count;
    this.#start = this.length === 0 ? 0 : this.#start + count;
  }

  clear(): void {
    this.#start = 0;
    this.length = 0;
  }
}
