/** Where the bytes of an overlay's file lie: in the lower tree, in memory, or in the overlay's directory on the host. */
import { realtime } from "../../../host/clock.ts";
import * as host from "../../../host/files.ts";
import type { HostDirectory } from "../../../host/files.ts";
import { errno } from "../../errno.ts";
import { Wait } from "../../wait.ts";
import type { FileDescription } from "../file-description.ts";
import { FALLOC, SEEK } from "../flags.ts";
import { fromHost } from "../host-errors.ts";
import type { SparseBytes } from "../sparse-bytes.ts";

/** What stat(2) says of the bytes. Times in nanoseconds. */
export interface DataFacts {
  readonly size: number;
  /** Of 512 bytes. */
  readonly blocks: number;
  readonly atime: bigint;
  readonly mtime: bigint;
  readonly ctime: bigint;
}

/** The bytes of a file while it is open. */
export interface Contents {
  readonly size: number;
  read(into: Uint8Array, offset: number): number;
  write(from: Uint8Array, offset: number): number;
  truncate(size: number): void;
  /** fallocate(2); `mode`: FALLOC. */
  allocate(mode: number, offset: number, length: number): void;
  /** SEEK_DATA, throws ENXIO; SEEK_HOLE. */
  nextData(offset: number): number;
  nextHole(offset: number): number;
  sync(dataOnly: boolean): void;
  close(): void;
}

/** Throws: whoever writes has copied the file first. */
function readOnly(): never {
  throw errno.EROFS;
}

/** A file of the lower tree, open for reading. */
export class LowerContents implements Contents {
  readonly #file: FileDescription;
  constructor(file: FileDescription) {
    file.retain();
    this.#file = file;
  }
  get size(): number {
    return this.#file.stat().size;
  }
  read(into: Uint8Array, offset: number): number {
    const count = this.#file.pread(into, offset);
    if (count instanceof Wait) throw new Error("a regular file waits");
    return count;
  }
  nextData(offset: number): number {
    return this.#file.seek(offset, SEEK.DATA);
  }
  nextHole(offset: number): number {
    return this.#file.seek(offset, SEEK.HOLE);
  }
  readonly write = readOnly;
  readonly truncate = readOnly;
  readonly allocate = readOnly;
  sync(): void {}
  close(): void {
    this.#file.release();
  }
}

/** Bytes in memory, with the times that a file has. */
export interface MemoryData {
  readonly bytes: SparseBytes;
  atime: bigint;
  mtime: bigint;
  ctime: bigint;
}

export class MemoryContents implements Contents {
  readonly #data: MemoryData;
  constructor(data: MemoryData) {
    this.#data = data;
  }
  get size(): number {
    return this.#data.bytes.size;
  }
  read(into: Uint8Array, offset: number): number {
    return this.#data.bytes.read(into, offset);
  }
  write(from: Uint8Array, offset: number): number {
    if (from.length === 0) return 0;
    const count = this.#data.bytes.write(from, offset);
    this.#touch();
    return count;
  }
  truncate(size: number): void {
    if (!Number.isSafeInteger(size)) throw errno.EFBIG;
    this.#data.bytes.truncate(size);
    this.#touch();
  }
  allocate(mode: number, offset: number, length: number): void {
    const { bytes } = this.#data;
    const end = offset + length;
    if (!Number.isSafeInteger(end)) throw errno.EFBIG;
    const keep = (mode & FALLOC.KEEP_SIZE) !== 0;
    if ((mode & ~FALLOC.KEEP_SIZE) === 0) bytes.reserve(offset, length);
    else if (mode === (FALLOC.PUNCH_HOLE | FALLOC.KEEP_SIZE) || (mode & ~FALLOC.KEEP_SIZE) === FALLOC.ZERO_RANGE) {
      bytes.punch(offset, length);
    } else throw errno.EOPNOTSUPP;
    if (!keep && end > bytes.size) bytes.size = end;
    this.#touch();
  }
  nextData(offset: number): number {
    const at = this.#data.bytes.nextData(offset);
    if (at === null) throw errno.ENXIO;
    return at;
  }
  nextHole(offset: number): number {
    return this.#data.bytes.nextHole(offset);
  }
  sync(): void {}
  close(): void {}
  #touch(): void {
    this.#data.mtime = this.#data.ctime = realtime();
  }
}

/** A file in the overlay's directory. */
export class HostContents implements Contents {
  readonly #fd: number;
  constructor(directory: HostDirectory, name: string) {
    this.#fd = fromHost(() => directory.open(name, { access: "readWrite" }).fd);
  }
  get size(): number {
    return fromHost(() => host.fileSize(this.#fd));
  }
  read(into: Uint8Array, offset: number): number {
    return fromHost(() => host.readFile(this.#fd, into, offset));
  }
  write(from: Uint8Array, offset: number): number {
    return fromHost(() => host.writeFile(this.#fd, from, offset));
  }
  truncate(size: number): void {
    fromHost(() => host.truncateFile(this.#fd, size));
  }
  allocate(mode: number, offset: number, length: number): void {
    fromHost(() => host.allocateFile(this.#fd, mode, offset, length));
  }
  nextData(offset: number): number {
    return fromHost(() => host.seekFile(this.#fd, offset, 3)) ?? offset;
  }
  nextHole(offset: number): number {
    return fromHost(() => host.seekFile(this.#fd, offset, 4)) ?? this.size;
  }
  sync(dataOnly: boolean): void {
    fromHost(() => host.syncFile(this.#fd, dataOnly));
  }
  close(): void {
    host.closeFile(this.#fd);
  }
}

const CHUNK = 1 << 20;

/** Copies the first `size` bytes of `from` into `to`, which is empty; holes stay holes. */
export function copy(from: Contents, to: Contents, size: number): void {
  const buffer = new Uint8Array(Math.min(size, CHUNK));
  for (let at = 0; at < size;) {
    const data = nextData(from, at);
    if (data === null || data >= size) break;
    const end = Math.min(from.nextHole(data), size);
    for (at = data; at < end;) {
      const count = from.read(buffer.subarray(0, Math.min(buffer.length, end - at)), at);
      if (count === 0) return;
      for (let done = 0; done < count;) {
        const written = to.write(buffer.subarray(done, count), at + done);
        if (written === 0) throw errno.ENOSPC;
        done += written;
      }
      at += count;
    }
  }
  if (to.size < size) to.truncate(size);
}

function nextData(from: Contents, offset: number): number | null {
  try {
    return from.nextData(offset);
  } catch (error) {
    if (error === errno.ENXIO) return null;
    throw error;
  }
}
