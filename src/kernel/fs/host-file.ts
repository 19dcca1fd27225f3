/** A regular file of the host, open. */
import * as host from "../../host/files.ts";
import type { OpenHow } from "../../host/files.ts";
import type { Backing } from "../../memory/mapping.ts";
import { errno } from "../errno.ts";
import type { Path } from "./dentry.ts";
import { FileBacking } from "./file-backing.ts";
import { O } from "./flags.ts";
import { fromHost, toErrno } from "./host-errors.ts";
import type { HostFs } from "./hostfs.ts";
import type { Attributes, Stat } from "./inode.ts";
import { RegularDescription } from "./regular-file.ts";

export interface HostFile {
  readonly fs: HostFs;
  readonly fd: number;
  readonly how: OpenHow;
  readonly reopen: (how: OpenHow) => number;
}

export class HostFileDescription extends RegularDescription {
  readonly #fs: HostFs;
  #fd: number;
  /** As the host has it open. */
  #appends: boolean;
  readonly #how: OpenHow;
  readonly #reopen: (how: OpenHow) => number;

  constructor(path: Path, flags: number, { fs, fd, how, reopen }: HostFile) {
    super(path, flags);
    this.#fs = fs;
    this.#fd = fd;
    this.#how = how;
    this.#appends = how.append ?? false;
    this.#reopen = reopen;
  }

  protected override close(): void {
    host.closeFile(this.#fd);
  }

  /** O_APPEND is the host's to do, so that several writers of one log do not overwrite each other. */
  override setFlags(flags: number): void {
    const append = (flags & O.APPEND) !== 0;
    if (append !== this.#appends && this.writable) {
      const fd = fromHost(() => this.#reopen({ access: this.#how.access, sync: this.#how.sync ?? false, append }));
      const before = host.statFile(this.#fd);
      const after = host.statFile(fd);
      if (!host.isSame(before, after)) {
        // Another file has the name now. Appending is then done by hand; it cannot be taken back.
        host.closeFile(fd);
      } else {
        host.closeFile(this.#fd);
        this.#fd = fd;
        this.#appends = append;
      }
    }
    super.setFlags(flags);
  }

  protected override get size(): number {
    return fromHost(() => host.fileSize(this.#fd));
  }

  protected override readAt(into: Uint8Array, offset: number): number {
    try {
      return host.readFile(this.#fd, into, offset);
    } catch (error) {
      throw toErrno(error);
    }
  }

  protected override writeAt(from: Uint8Array, offset: number | null): number {
    try {
      const at = offset ?? (this.#appends ? null : host.fileSize(this.#fd));
      return host.writeFile(this.#fd, from, at);
    } catch (error) {
      throw toErrno(error);
    }
  }

  protected override nextData(offset: number): number {
    return fromHost(() => host.seekFile(this.#fd, offset, 3)) ?? offset;
  }
  protected override nextHole(offset: number): number {
    return fromHost(() => host.seekFile(this.#fd, offset, 4)) ?? this.size;
  }

  override stat(): Stat {
    return this.#fs.toStat(fromHost(() => host.statFile(this.#fd)));
  }

  override setAttributes(changes: Attributes): void {
    if (this.path.mount.readOnly) throw errno.EROFS;
    const { mode, uid, gid, atime, mtime } = changes;
    fromHost(() => {
      const now = this.#fs.toStat(host.statFile(this.#fd));
      if (uid !== undefined || gid !== undefined) {
        const owner = this.#fs.hostOwner(uid ?? now.uid, gid ?? now.gid);
        host.chownFile(this.#fd, owner.uid, owner.gid);
      }
      if (mode !== undefined) host.chmodFile(this.#fd, mode);
      if (atime !== undefined || mtime !== undefined)
        host.setFileTimes(this.#fd, atime ?? now.atime, mtime ?? now.mtime);
    });
  }

  override truncate(size: number): void {
    if (!this.writable || size < 0) throw errno.EINVAL;
    fromHost(() => host.truncateFile(this.#fd, size));
  }

  override allocate(mode: number, offset: number, length: number): void {
    if (!this.writable) throw errno.EBADF;
    if (offset < 0 || length <= 0) throw errno.EINVAL;
    fromHost(() => host.allocateFile(this.#fd, mode, offset, length));
  }

  override sync(dataOnly: boolean): void {
    fromHost(() => host.syncFile(this.#fd, dataOnly));
  }

  override backing(): Backing {
    return new FileBacking(this, {
      size: () => this.size,
      read: (into, offset) => this.readAt(into, offset),
      write: (from, offset) => this.writeAt(from, offset),
    });
  }
}
