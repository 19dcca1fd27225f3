/** A growing run of bytes with WebAssembly's number encodings (core spec 5.2). Written for speed: no allocation per byte. */
const scratch = new DataView(new ArrayBuffer(8));

export class Bytes {
  #data = new Uint8Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The bytes so far; valid until the next write. */
  view(): Uint8Array {
    return this.#data.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  #grow(needed: number): void {
    const larger = new Uint8Array(Math.max(this.#data.length * 2, this.#length + needed));
    larger.set(this.#data.subarray(0, this.#length));
    this.#data = larger;
  }

  byte(value: number): void {
    if (this.#length === this.#data.length) this.#grow(1);
    this.#data[this.#length++] = value;
  }

  /** Replaces a byte that is there. */
  replace(at: number, value: number): void {
    this.#data[at] = value;
  }

  append(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#data.length) this.#grow(bytes.length);
    this.#data.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Unsigned LEB128 of a number below 2^32. */
  u32(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** Signed LEB128 of a 32-bit integer. */
  s32(value: number): void {
    let rest = value | 0;
    while (rest < -64 || rest > 63) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.byte(rest & 0x7f);
  }

  /** Signed LEB128 of a 64-bit integer. */
  s64(value: bigint): void {
    let rest = BigInt.asIntN(64, value);
    while (rest < -64n || rest > 63n) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.byte(Number(rest & 0x7fn));
  }

  /** Four bytes, little-endian. */
  fixed32(bits: number): void {
    scratch.setUint32(0, bits >>> 0, true);
    for (let i = 0; i < 4; i++) this.byte(scratch.getUint8(i));
  }

  /** Eight bytes, little-endian. */
  fixed64(bits: bigint): void {
    scratch.setBigUint64(0, BigInt.asUintN(64, bits), true);
    for (let i = 0; i < 8; i++) this.byte(scratch.getUint8(i));
  }

  /** A length-prefixed UTF-8 name; ASCII only here. */
  name(text: string): void {
    this.u32(text.length);
    for (let i = 0; i < text.length; i++) this.byte(text.charCodeAt(i));
  }
}
