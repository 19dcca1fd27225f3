/** A regular file behind a mapping. */
import type { Backing } from "../../memory/mapping.ts";
import { errno } from "../errno.ts";
import { pathName } from "./dentry.ts";
import type { FileDescription } from "./file-description.ts";
import { O } from "./flags.ts";

interface Contents {
  size(): number;
  read(into: Uint8Array, offset: number): number;
  write(from: Uint8Array, offset: number): number;
}

export class FileBacking implements Backing {
  readonly name: string;
  readonly identity: unknown;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly inode: bigint;
  readonly write?: (from: Uint8Array, offset: number) => number;
  readonly #description: FileDescription;
  readonly #contents: Contents;

  /** Throws EACCES unless the description is open for reading (mmap(2)). */
  constructor(description: FileDescription, contents: Contents) {
    if (!description.readable) throw errno.EACCES;
    const { dev, ino } = description.stat();
    const { name, deleted } = pathName(description.path, null);
    this.name = deleted ? `${name} (deleted)` : name;
    this.identity = description.path.inode.identity;
    this.deviceMajor = dev.major;
    this.deviceMinor = dev.minor;
    this.inode = ino;
    this.#description = description;
    this.#contents = contents;
    if ((description.flags & O.ACCMODE) === O.RDWR) this.write = (from, offset) => contents.write(from, offset);
  }

  get size(): number {
    return this.#contents.size();
  }
  read(into: Uint8Array, offset: number): number {
    return this.#contents.read(into, offset);
  }
  retain(): void {
    this.#description.retain();
  }
  release(): void {
    this.#description.release();
  }
}
