/** Descriptions with a position: regular files and what behaves like them. */
import { errno } from "../errno.ts";
import type { Wait } from "../wait.ts";
import { FileDescription, gather } from "./file-description.ts";
import { O, SEEK } from "./flags.ts";
import { IN } from "./watches.ts";

/** MAX_LFS_FILESIZE is 2**63-1; a JavaScript number is exact up to 2**53-1, far beyond any real file. */
const MAX_SIZE = Number.MAX_SAFE_INTEGER;

export abstract class RegularDescription extends FileDescription {
  #position = 0;

  protected abstract readAt(into: Uint8Array, offset: number): number;
  /** `offset` null: at the end of the file, whoever moved it. */
  protected abstract writeAt(from: Uint8Array, offset: number | null): number;
  protected abstract get size(): number;

  /** Tells who watches the file that bytes were moved. */
  #moved(count: number, event: number): number {
    if (count > 0) this.path.mount.watches.file(this.path, event);
    return count;
  }

  override get position(): number {
    return this.#position;
  }

  protected override tryRead(into: Uint8Array): number {
    const count = this.#moved(this.readAt(into, this.#position), IN.ACCESS);
    this.#position += count;
    return count;
  }

  protected override tryWrite(from: Uint8Array): number {
    if ((this.flags & O.APPEND) !== 0) {
      const count = this.#moved(this.writeAt(from, null), IN.MODIFY);
      this.#position = this.size;
      return count;
    }
    const count = this.#moved(this.writeAt(from, this.#position), IN.MODIFY);
    this.#position += count;
    return count;
  }

  override pread(into: Uint8Array, offset: number): number {
    if (!this.readable) throw errno.EBADF;
    if (offset < 0) throw errno.EINVAL;
    return this.#moved(this.readAt(into, offset), IN.ACCESS);
  }

  override pwrite(from: Uint8Array, offset: number): number {
    if (!this.writable) throw errno.EBADF;
    if (offset < 0) throw errno.EINVAL;
    if (offset + from.length > MAX_SIZE) throw errno.EFBIG;
    // pwrite(2), BUGS: with O_APPEND Linux appends whatever the offset.
    return this.#moved(this.writeAt(from, (this.flags & O.APPEND) !== 0 ? null : offset), IN.MODIFY);
  }

  override writev(from: readonly Uint8Array[]): number | Wait<number> {
    return this.write(from.length === 1 && from[0] !== undefined ? from[0] : gather(from));
  }

  override seek(offset: number, whence: number): number {
    let to: number;
    switch (whence) {
      case SEEK.SET:
        to = offset;
        break;
      case SEEK.CUR:
        to = this.#position + offset;
        break;
      case SEEK.END:
        to = this.size + offset;
        break;
      case SEEK.DATA:
      case SEEK.HOLE:
        if (offset < 0 || offset >= this.size) throw errno.ENXIO;
        to = whence === SEEK.DATA ? this.nextData(offset) : this.nextHole(offset);
        break;
      default:
        throw errno.EINVAL;
    }
    if (to < 0) throw errno.EINVAL;
    if (to > MAX_SIZE) throw errno.EOVERFLOW;
    return (this.#position = to);
  }

  /** Without better knowledge a file is all data. */
  protected nextData(offset: number): number {
    return offset;
  }
  protected nextHole(_offset: number): number {
    return this.size;
  }

  override available(): number {
    return Math.max(0, this.size - this.#position);
  }

  override sync(_dataOnly: boolean): void {}
}
