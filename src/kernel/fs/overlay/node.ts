/**
 * A file of an overlay. Until something about it changes it is only a window on the lower tree's file (`id` 0); then it
 * becomes a node of the overlay, with owner, mode and times of its own, while the lower file still shows through: a
 * directory's names, a file's bytes. Bytes are copied when they change (`file.ts`).
 */
import { realtime } from "../../../host/clock.ts";
import { errno } from "../../errno.ts";
import { fromBytes, toBytes, type ByteString } from "../byte-string.ts";
import { S } from "../flags.ts";
import { Inode, NO_DEVICE } from "../inode.ts";
import type { Attributes, Creation, DeviceNumber, Stat } from "../inode.ts";
import type { Owner } from "../permission.ts";
import type { OverlayDirectory } from "./directory.ts";
import type { OverlayFs } from "./overlay-fs.ts";
import type { NodeRecord, Times } from "./record.ts";

/** A name of the lower tree in a directory that shows it. */
export interface LowerPlace {
  readonly directory: OverlayDirectory;
  readonly name: ByteString;
}

/** From what a node of the overlay is made. */
export type Origin =
  | { readonly kind: "new"; readonly how: Creation }
  /** `place` null: the root. */
  | { readonly kind: "lower"; readonly lower: Inode; readonly path: ByteString; readonly place: LowerPlace | null }
  | { readonly kind: "record"; readonly record: NodeRecord };

export abstract class OverlayInode extends Inode {
  readonly fs: OverlayFs;
  readonly type: number;
  /** Number of the node; 0: only the lower tree has it. */
  id = 0;
  mode = 0;
  uid = 0;
  gid = 0;
  rdev: DeviceNumber = NO_DEVICE;
  /** Names in the overlay; of a directory 0 or 1. */
  links = 0;
  protected ino = 0n;
  protected times: Times = { atime: 0n, mtime: 0n, ctime: 0n, btime: 0n };
  #xattrs: Map<ByteString, ByteString> | null = null;
  /** Of a lower file, which does not change. */
  #owner: Owner | null = null;
  /** Where the lower tree has it, from its root. */
  readonly lowerPath: ByteString | null;
  #lower: Inode | null | undefined;
  readonly #place: LowerPlace | null;
  /** The lower tree's name for it was removed while somebody had it open. */
  #isDetached = false;

  constructor(fs: OverlayFs, type: number, origin: Origin) {
    super();
    this.fs = fs;
    this.type = type;
    this.#place = origin.kind === "lower" ? origin.place : null;
    this.lowerPath = origin.kind === "lower" ? origin.path : origin.kind === "record" ? origin.record.lower : null;
    this.#lower = origin.kind === "lower" ? origin.lower : this.lowerPath === null ? null : undefined;
    if (origin.kind === "new") this.#begin(origin.how);
    else if (origin.kind === "record") this.#restore(origin.record);
  }

  #begin(how: Creation): void {
    const now = realtime();
    this.id = this.fs.newNode();
    this.ino = this.fs.inoOf(this.id);
    this.mode = how.mode & 0o7777;
    this.uid = how.uid;
    this.gid = how.gid;
    this.rdev = how.rdev ?? NO_DEVICE;
    this.times = { atime: now, mtime: now, ctime: now, btime: now };
  }

  #restore(record: NodeRecord): void {
    this.id = record.node;
    this.ino = record.ino;
    this.mode = record.mode & 0o7777;
    this.uid = record.uid;
    this.gid = record.gid;
    this.rdev = { major: record.rdev[0], minor: record.rdev[1] };
    this.times = { ...record.times };
    if (record.xattrs.length > 0) this.#xattrs = new Map(record.xattrs);
  }

  /** What shows through; null: nothing, or it has gone from the lower tree. */
  get lower(): Inode | null {
    if (this.#lower === undefined) {
      const found = this.lowerPath === null ? null : this.fs.lowerAt(this.lowerPath);
      this.#lower = found?.type === this.type ? found : null;
    }
    return this.#lower;
  }

  // ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────
  override stat(): Stat {
    return this.id === 0 ? this.#lowerStat(this.#shown().stat()) : this.nodeStat();
  }
  override statSeen(): Stat {
    return this.id === 0 ? this.#lowerStat(this.#shown().statSeen()) : this.nodeStat();
  }
  #shown(): Inode {
    const { lower } = this;
    if (lower === null) throw errno.ENOENT;
    return lower;
  }
  #lowerStat(stat: Stat): Stat {
    return { ...stat, dev: this.fs.dev };
  }

  override owner(): Owner {
    if (this.id === 0) return (this.#owner ??= this.stat());
    return { mode: this.type | this.mode, uid: this.uid, gid: this.gid };
  }

  protected get nlink(): number {
    return this.links;
  }
  protected get size(): number {
    return 0;
  }
  protected nodeStat(): Stat {
    const { atime, mtime, ctime, btime } = this.times;
    return {
      dev: this.fs.dev,
      ino: this.ino,
      mode: this.type | this.mode,
      nlink: this.nlink,
      uid: this.uid,
      gid: this.gid,
      rdev: this.rdev,
      size: this.size,
      blockSize: 4096,
      blocks: Math.ceil(this.size / 4096) * 8,
      atime,
      mtime,
      ctime,
      btime,
    };
  }

  /** d_ino, without more questions than necessary. */
  get number(): bigint {
    return this.id === 0 ? this.statSeen().ino : this.ino;
  }

  // ── changing ───────────────────────────────────────────────────────────────────────────────────────────────────
  /** Makes it a node of the overlay, in directories that are nodes as well. */
  copyUp(): void {
    const way: OverlayInode[] = [];
    for (let at: OverlayInode | undefined = this; at?.id === 0; at = at.#shownBy?.directory) way.push(at);
    for (const inode of way.reverse()) inode.#becomeNode();
  }

  /** Where its name is to be kept; null: nowhere. */
  get #shownBy(): LowerPlace | null {
    return this.#isDetached ? null : this.#place;
  }

  #becomeNode(): void {
    const stat = this.#shown().stat();
    this.id = this.fs.newNode();
    // The number stays, as long as it is this file's alone.
    this.ino = this.type === S.IFDIR || stat.nlink === 1 ? stat.ino : this.fs.inoOf(this.id);
    this.mode = stat.mode & 0o7777;
    this.uid = stat.uid;
    this.gid = stat.gid;
    this.rdev = stat.rdev;
    this.times = { atime: stat.atime, mtime: stat.mtime, ctime: stat.ctime, btime: stat.btime ?? stat.ctime };
    this.save();
    const place = this.#shownBy;
    place?.directory.showsNode(place.name, this);
  }

  override setAttributes(changes: Attributes): void {
    this.copyUp();
    if (changes.size !== undefined) this.resize(changes.size);
    if (changes.mode !== undefined) this.mode = changes.mode & 0o7777;
    if (changes.uid !== undefined) this.uid = changes.uid;
    if (changes.gid !== undefined) this.gid = changes.gid;
    this.times.ctime = realtime();
    if (changes.atime !== undefined || changes.mtime !== undefined) {
      const now = this.nodeStat();
      this.setTimes(changes.atime ?? now.atime, changes.mtime ?? now.mtime);
    }
    this.save();
  }

  protected resize(_size: number): void {
    throw errno.EINVAL;
  }
  protected setTimes(atime: bigint, mtime: bigint): void {
    this.times.atime = atime;
    this.times.mtime = mtime;
  }

  /** Its names have changed. */
  touch(at: bigint = realtime()): void {
    this.times.mtime = at;
    if (at > this.times.ctime) this.times.ctime = at;
  }
  /** From a record. */
  restoreTimes(times: Readonly<Times>): void {
    this.times = { ...times };
  }

  // ── names ──────────────────────────────────────────────────────────────────────────────────────────────────────
  addName(): void {
    this.links++;
    this.times.ctime = realtime();
  }
  dropName(): void {
    if (this.id === 0) {
      this.#isDetached = true;
      return;
    }
    this.links--;
    this.times.ctime = realtime();
    this.settle();
  }
  /** A name or an open description went: with the last of both the node goes, too. */
  settle(): void {
    if (this.id === 0 || this.links > 0 || this.inUse) return;
    this.dispose();
    this.fs.forgetNode(this);
  }
  protected get inUse(): boolean {
    return false;
  }
  protected dispose(): void {}

  // ── extended attributes ────────────────────────────────────────────────────────────────────────────────────────
  override getXattr(name: ByteString): Uint8Array {
    const value = this.#xattrs?.get(name);
    if (value === undefined) throw errno.ENODATA;
    return toBytes(value);
  }
  override listXattr(): readonly ByteString[] {
    return [...(this.#xattrs?.keys() ?? [])];
  }
  override setXattr(name: ByteString, value: Uint8Array | null): void {
    this.copyUp();
    this.#xattrs ??= new Map();
    if (value === null) this.#xattrs.delete(name);
    else this.#xattrs.set(name, fromBytes(value));
    this.times.ctime = realtime();
    this.save();
  }

  // ── records ────────────────────────────────────────────────────────────────────────────────────────────────────
  protected get hasData(): boolean {
    return false;
  }
  protected get target(): ByteString | null {
    return null;
  }
  save(): void {
    this.fs.store.write(this.record());
  }
  record(): NodeRecord {
    return {
      kind: "node",
      node: this.id,
      mode: this.type | this.mode,
      uid: this.uid,
      gid: this.gid,
      ino: this.ino,
      times: this.times,
      lower: this.lowerPath,
      data: this.hasData,
      target: this.target,
      rdev: [this.rdev.major, this.rdev.minor],
      xattrs: [...(this.#xattrs ?? [])],
    };
  }
}
