/** What an overlay holds besides directories: regular files, symbolic links, devices, FIFOs, names of sockets. */
import type { Backing } from "../../../memory/mapping.ts";
import type { Credentials } from "../../credentials.ts";
import { errno } from "../../errno.ts";
import { openFifo } from "../../pipe.ts";
import { Wait } from "../../wait.ts";
import type { ByteString } from "../byte-string.ts";
import { Dentry, Mount, Path } from "../dentry.ts";
import { openDevice } from "../devfs.ts";
import { FileBacking } from "../file-backing.ts";
import type { FileDescription } from "../file-description.ts";
import { O, S } from "../flags.ts";
import type { Attributes, Stat } from "../inode.ts";
import { RegularDescription } from "../regular-file.ts";
import { LowerContents, copy, type Contents } from "./contents.ts";
import { OverlayInode, type Origin } from "./node.ts";
import type { OverlayFs } from "./overlay-fs.ts";

export class OverlayFile extends OverlayInode {
  /** Its bytes are the overlay's own. */
  #hasData: boolean;
  /** While it is open: the same for all who have it open, so that they see each other's writes. */
  #contents: Contents | null = null;
  #opens = 0;

  constructor(fs: OverlayFs, origin: Origin) {
    super(fs, S.IFREG, origin);
    this.#hasData = origin.kind === "record" && origin.record.data;
    if (origin.kind === "new") {
      this.fs.store.create(this.id);
      this.#hasData = true;
    }
  }

  protected override get hasData(): boolean {
    return this.#hasData;
  }

  protected override nodeStat(): Stat {
    const stat = super.nodeStat();
    if (!this.#hasData) {
      const { size = 0, blocks = 0 } = this.lower?.stat() ?? {};
      return { ...stat, size, blocks };
    }
    const { size, blocks, atime, mtime, ctime } = this.fs.store.facts(this.id);
    return { ...stat, size, blocks, atime, mtime, ctime: ctime > stat.ctime ? ctime : stat.ctime };
  }

  protected override setTimes(atime: bigint, mtime: bigint): void {
    super.setTimes(atime, mtime);
    if (this.#hasData) this.fs.store.setTimes(this.id, atime, mtime);
  }

  protected override resize(size: number): void {
    this.withContents((contents) => {
      this.makeWritable(size);
      (this.#contents ?? contents).truncate(size);
    });
  }

  // ── contents ───────────────────────────────────────────────────────────────────────────────────────────────────
  get contents(): Contents {
    if (this.#contents === null) throw new Error("the contents of a file that nobody has open");
    return this.#contents;
  }

  acquire(): void {
    if (this.#opens === 0) this.#contents = this.#open();
    this.#opens++;
  }
  releaseContents(): void {
    if (--this.#opens > 0) return;
    this.#contents?.close();
    this.#contents = null;
    this.settle();
  }
  private withContents(act: (contents: Contents) => void): void {
    this.acquire();
    try {
      act(this.contents);
    } finally {
      this.releaseContents();
    }
  }

  #open(): Contents {
    if (this.#hasData) return this.fs.store.open(this.id);
    const { lower } = this;
    if (lower === null) throw errno.EIO;
    const dentry = new Dentry(null, "", lower);
    const path = new Path(new Mount(lower.fs, dentry, null), dentry);
    const file = lower.open(path, O.RDONLY, this.fs.credentials);
    if (file instanceof Wait) throw errno.EIO;
    return new LowerContents(file);
  }

  /** Gives it bytes of its own, before they change; only the first `needed` of the lower file's. It is open. */
  makeWritable(needed = Infinity): void {
    this.copyUp();
    if (this.#hasData) return;
    const from = this.contents;
    const { atime, mtime } = this.nodeStat();
    this.fs.store.create(this.id);
    let to: Contents | null = null;
    try {
      to = this.fs.store.open(this.id);
      copy(from, to, Math.min(from.size, needed));
    } catch (error) {
      to?.close();
      this.fs.store.remove(this.id);
      throw error;
    }
    this.fs.store.setTimes(this.id, atime, mtime);
    this.#hasData = true;
    this.#contents = to;
    from.close();
    this.save();
  }

  override open(path: Path, flags: number): FileDescription {
    this.acquire();
    try {
      if ((flags & O.ACCMODE) !== O.RDONLY) this.makeWritable((flags & O.TRUNC) !== 0 ? 0 : Infinity);
      return new OverlayFileDescription(path, flags, this);
    } catch (error) {
      this.releaseContents();
      throw error;
    }
  }

  protected override get inUse(): boolean {
    return this.#opens > 0;
  }
  protected override dispose(): void {
    if (this.#hasData) this.fs.store.remove(this.id);
  }
}

class OverlayFileDescription extends RegularDescription {
  readonly #file: OverlayFile;

  constructor(path: Path, flags: number, file: OverlayFile) {
    super(path, flags);
    this.#file = file;
  }
  protected override close(): void {
    this.#file.releaseContents();
  }
  protected override get size(): number {
    return this.#file.contents.size;
  }
  protected override readAt(into: Uint8Array, offset: number): number {
    return this.#file.contents.read(into, offset);
  }
  protected override writeAt(from: Uint8Array, offset: number | null): number {
    const { contents } = this.#file;
    return contents.write(from, offset ?? contents.size);
  }
  protected override nextData(offset: number): number {
    return this.#file.contents.nextData(offset);
  }
  protected override nextHole(offset: number): number {
    return this.#file.contents.nextHole(offset);
  }
  override truncate(size: number): void {
    if (!this.writable || size < 0) throw errno.EINVAL;
    this.#file.contents.truncate(size);
  }
  override allocate(mode: number, offset: number, length: number): void {
    if (!this.writable) throw errno.EBADF;
    if (offset < 0 || length <= 0) throw errno.EINVAL;
    this.#file.contents.allocate(mode, offset, length);
  }
  override sync(dataOnly: boolean): void {
    this.#file.contents.sync(dataOnly);
  }
  override stat(): Stat {
    return this.#file.stat();
  }
  override setAttributes(changes: Attributes): void {
    if (this.path.mount.readOnly) throw errno.EROFS;
    this.#file.setAttributes(changes);
  }
  override backing(): Backing {
    const file = this.#file;
    return new FileBacking(this, {
      size: () => file.contents.size,
      read: (into, offset) => file.contents.read(into, offset),
      write: (from, offset) => file.contents.write(from, offset),
    });
  }
}

export class OverlaySymlink extends OverlayInode {
  readonly #target: ByteString | null;

  constructor(fs: OverlayFs, origin: Origin, target: ByteString | null) {
    super(fs, S.IFLNK, origin);
    this.#target = target;
    if (origin.kind === "new") this.mode = 0o777;
  }
  protected override get target(): ByteString | null {
    return this.#target;
  }
  protected override get size(): number {
    return this.readlink().length;
  }
  override readlink(): ByteString {
    return this.#target ?? this.lower?.readlink() ?? "";
  }
}

/** A device, a FIFO, or the name of a socket. */
export class OverlaySpecial extends OverlayInode {
  override open(path: Path, flags: number, _credentials: Credentials): FileDescription | Wait<FileDescription> {
    if (this.type === S.IFIFO) return openFifo(this.identity, path, flags);
    if (this.type === S.IFCHR) return openDevice(this.stat().rdev, path, flags);
    throw errno.ENXIO;
  }
}
