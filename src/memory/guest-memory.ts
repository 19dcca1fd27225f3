/**
 * The only way from TypeScript into guest bytes. Every access is checked against the page table first: a byte of a
 * protected page must never be touched from JavaScript, for that would end the host process (see host/mmu.ts).
 *
 * Addresses are taken modulo 2^32, so signed and unsigned values of a guest register mean the same. An access that the
 * guest could not make itself throws `GuestFault`; a write that fails half-way has written nothing. Nothing here
 * allocates but what returns bytes, lists or bigints.
 */
import { type Access, GuestFault } from "./guest-fault.ts";
import { PAGE_EXEC, PAGE_READ, PAGE_SHIFT, PAGE_SIZE, PAGE_WRITE } from "./page-table.ts";

const ADDRESS_END = 0x1_0000_0000;

function bitOf(access: Access): number {
  return access === "read" ? PAGE_READ : access === "write" ? PAGE_WRITE : PAGE_EXEC;
}

/** What a translator reads code through (the shape of cpu/isa.ts's CodeReader). */
export interface GuestCode {
  /** Throws `GuestFault` ("execute") where the page is not executable. */
  read16(address: number): number;
  read32(address: number): number;
}

export class GuestMemory {
  readonly littleEndian: boolean;
  /** Instructions, in guest byte order; needs execute permission. */
  readonly code: GuestCode;
  readonly #table: Uint8Array;
  readonly #bytes: Uint8Array;
  readonly #data: DataView;
  readonly #words: Int32Array;

  constructor(options: { memory: WebAssembly.Memory; pageTable: Uint8Array; littleEndian: boolean }) {
    const buffer = options.memory.buffer;
    this.littleEndian = options.littleEndian;
    this.#table = options.pageTable;
    this.#bytes = new Uint8Array(buffer);
    this.#data = new DataView(buffer);
    this.#words = new Int32Array(buffer);
    this.code = {
      read16: (address) => {
        this.#check2(address, 2, PAGE_EXEC, "execute");
        return this.#data.getUint16(address >>> 0, this.littleEndian);
      },
      read32: (address) => {
        this.#check2(address, 4, PAGE_EXEC, "execute");
        return this.#data.getUint32(address >>> 0, this.littleEndian);
      },
    };
  }

  readU8(address: number): number {
    this.#check1(address, PAGE_READ, "read");
    return this.#bytes[address >>> 0]!;
  }

  readS8(address: number): number {
    return (this.readU8(address) << 24) >> 24;
  }

  readU16(address: number): number {
    this.#check2(address, 2, PAGE_READ, "read");
    return this.#data.getUint16(address >>> 0, this.littleEndian);
  }

  readS16(address: number): number {
    return (this.readU16(address) << 16) >> 16;
  }

  readU32(address: number): number {
    this.#check2(address, 4, PAGE_READ, "read");
    return this.#data.getUint32(address >>> 0, this.littleEndian);
  }

  readS32(address: number): number {
    this.#check2(address, 4, PAGE_READ, "read");
    return this.#data.getInt32(address >>> 0, this.littleEndian);
  }

  readU64(address: number): bigint {
    this.#check2(address, 8, PAGE_READ, "read");
    return this.#data.getBigUint64(address >>> 0, this.littleEndian);
  }

  readS64(address: number): bigint {
    this.#check2(address, 8, PAGE_READ, "read");
    return this.#data.getBigInt64(address >>> 0, this.littleEndian);
  }

  readF32(address: number): number {
    this.#check2(address, 4, PAGE_READ, "read");
    return this.#data.getFloat32(address >>> 0, this.littleEndian);
  }

  readF64(address: number): number {
    this.#check2(address, 8, PAGE_READ, "read");
    return this.#data.getFloat64(address >>> 0, this.littleEndian);
  }

  /** The low 8 bits of `value`; so for the others, signed or not. */
  writeU8(address: number, value: number): void {
    this.#check1(address, PAGE_WRITE, "write");
    this.#bytes[address >>> 0] = value;
  }

  writeS8(address: number, value: number): void {
    this.writeU8(address, value);
  }

  writeU16(address: number, value: number): void {
    this.#check2(address, 2, PAGE_WRITE, "write");
    this.#data.setUint16(address >>> 0, value, this.littleEndian);
  }

  writeS16(address: number, value: number): void {
    this.writeU16(address, value);
  }

  writeU32(address: number, value: number): void {
    this.#check2(address, 4, PAGE_WRITE, "write");
    this.#data.setUint32(address >>> 0, value, this.littleEndian);
  }

  writeS32(address: number, value: number): void {
    this.writeU32(address, value);
  }

  writeU64(address: number, value: bigint): void {
    this.#check2(address, 8, PAGE_WRITE, "write");
    this.#data.setBigUint64(address >>> 0, value, this.littleEndian);
  }

  writeS64(address: number, value: bigint): void {
    this.writeU64(address, value);
  }

  writeF32(address: number, value: number): void {
    this.#check2(address, 4, PAGE_WRITE, "write");
    this.#data.setFloat32(address >>> 0, value, this.littleEndian);
  }

  writeF64(address: number, value: number): void {
    this.#check2(address, 8, PAGE_WRITE, "write");
    this.#data.setFloat64(address >>> 0, value, this.littleEndian);
  }

  /** Throws `GuestFault` unless all of the range allows `access`. A range of no bytes is always fine, as for Linux. */
  check(address: number, length: number, access: Access): void {
    if (length === 0) return;
    const start = address >>> 0;
    const allowed = this.accessible(start, length, access);
    if (allowed < length) throw new GuestFault((start + allowed) >>> 0, access);
  }

  /** How many bytes from `address` on, at most `length`, allow `access`; for calls that do a part before they fault. */
  accessible(address: number, length: number, access: Access): number {
    const bit = bitOf(access);
    const start = address >>> 0;
    const end = Math.min(start + length, ADDRESS_END);
    let page = start >>> PAGE_SHIFT;
    while (page * PAGE_SIZE < end) {
      if ((this.#table[page]! & bit) === 0) return Math.max(page * PAGE_SIZE - start, 0);
      page++;
    }
    return end - start;
  }

  /**
   * The bytes themselves, without a copy, for `fs.readSync` and its like. Valid only until the next change of a mapping:
   * use it at once and let it go. Never hand it to anything that may look at it later (a promise, `console.log`).
   */
  view(address: number, length: number, access: "read" | "write"): Uint8Array {
    this.check(address, length, access);
    const start = address >>> 0;
    return this.#bytes.subarray(start, start + length);
  }

  /** A copy that stays valid. */
  readBytes(address: number, length: number): Uint8Array<ArrayBuffer> {
    this.check(address, length, "read");
    const start = address >>> 0;
    const copy = new Uint8Array(length);
    copy.set(this.#bytes.subarray(start, start + length));
    return copy;
  }

  writeBytes(address: number, bytes: Uint8Array): void {
    this.check(address, bytes.length, "write");
    if (bytes.length !== 0) this.#bytes.set(bytes, address >>> 0);
  }

  fill(address: number, length: number, value: number): void {
    this.check(address, length, "write");
    const start = address >>> 0;
    this.#bytes.fill(value, start, start + length);
  }

  /**
   * A string's bytes without its NUL, as a copy. Null if there is no NUL among the first `max` bytes (ENAMETOOLONG for a
   * path); `GuestFault` if an unreadable page comes before either.
   */
  readCString(address: number, max: number): Uint8Array<ArrayBuffer> | null {
    const start = address >>> 0;
    const stop = Math.min(start + max, ADDRESS_END);
    let from = start;
    while (from < stop) {
      this.#check1(from, PAGE_READ, "read");
      const pageEnd = Math.min((from >>> PAGE_SHIFT) * PAGE_SIZE + PAGE_SIZE, stop);
      for (let at = from; at < pageEnd; at++) {
        if (this.#bytes[at] === 0) return this.#bytes.slice(start, at) as Uint8Array<ArrayBuffer>;
      }
      from = pageEnd;
    }
    if (stop < start + max) throw new GuestFault(0, "read");
    return null;
  }

  /** `count` unsigned 32-bit words. */
  readWords(address: number, count: number): Uint32Array<ArrayBuffer> {
    this.check(address, count * 4, "read");
    const words = new Uint32Array(count);
    for (let i = 0; i < count; i++) words[i] = this.#data.getUint32((address >>> 0) + i * 4, this.littleEndian);
    return words;
  }

  /** The words before a terminating 0 (argv). Null if there is no 0 among the first `max` words. */
  readWordArray(address: number, max: number): number[] | null {
    const words: number[] = [];
    for (let i = 0; i < max; i++) {
      const word = this.readU32(address + i * 4);
      if (word === 0) return words;
      words.push(word);
    }
    return null;
  }

  /**
   * If the aligned word is `expected`, makes it `value`; returns what was there (unsigned). Atomic against other host
   * threads. Needs write permission whether it writes or not, as the guest's own instruction would.
   */
  compareExchangeU32(address: number, expected: number, value: number): number {
    this.#check2(address, 4, PAGE_WRITE, "write");
    const index = (address >>> 0) >>> 2;
    return this.#order(Atomics.compareExchange(this.#words, index, this.#order(expected), this.#order(value))) >>> 0;
  }

  /** The aligned word, read atomically against other host threads (futex). Unsigned. */
  loadU32(address: number): number {
    this.#check2(address, 4, PAGE_READ, "read");
    return this.#order(Atomics.load(this.#words, (address >>> 0) >>> 2)) >>> 0;
  }

  /** Between a guest word's value and its place in an Int32Array, which is little-endian on every host of V8's. */
  #order(word: number): number {
    if (this.littleEndian) return word | 0;
    return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
  }

  #check1(address: number, bit: number, access: Access): void {
    if ((this.#table[address >>> PAGE_SHIFT]! & bit) === 0) throw new GuestFault(address >>> 0, access);
  }

  /** `size` is at most a page, so the first and the last byte's page are all there are. */
  #check2(address: number, size: number, bit: number, access: Access): void {
    const table = this.#table;
    if ((table[address >>> PAGE_SHIFT]! & table[(address + size - 1) >>> PAGE_SHIFT]! & bit) !== 0) return;
    const start = address >>> 0;
    const firstAllowed = (table[start >>> PAGE_SHIFT]! & bit) !== 0;
    throw new GuestFault(firstAllowed ? (((start >>> PAGE_SHIFT) + 1) * PAGE_SIZE) >>> 0 : start, access);
  }
}
