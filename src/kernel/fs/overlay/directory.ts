/**
 * A directory of an overlay: the names that the overlay has, over those of the lower tree's directory that shows through.
 * It is opaque if none does. A name that was removed or renamed and that the lower tree has is hidden by a whiteout.
 */
import { realtime } from "../../../host/clock.ts";
import { errno } from "../../errno.ts";
import type { ByteString } from "../byte-string.ts";
import { DirectoryDescription } from "../directory.ts";
import type { Path } from "../dentry.ts";
import type { FileDescription } from "../file-description.ts";
import { RENAME, S, direntType } from "../flags.ts";
import type { Creation, Inode, ListedName } from "../inode.ts";
import { OverlayFile, OverlaySpecial, OverlaySymlink } from "./file.ts";
import { OverlayInode, type Origin } from "./node.ts";
import type { OverlayFs } from "./overlay-fs.ts";
import type { NameRecord } from "./record.ts";

/** Names of the lower tree that are remembered before those that nobody uses are let go. */
const MAX_SEEN = 1024;

export class OverlayDirectory extends OverlayInode {
  /** Null: a whiteout. */
  readonly #entries = new Map<ByteString, OverlayInode | null>();
  /** Windows on the lower tree's names, so that all who use a file have the same one. */
  readonly #seen = new Map<ByteString, WeakRef<OverlayInode>>();
  #subdirectories = 0;

  constructor(fs: OverlayFs, origin: Origin) {
    super(fs, S.IFDIR, origin);
  }

  /** As btrfs does where it would have to count: 1. */
  protected override get nlink(): number {
    return this.links === 0 ? 0 : this.lower === null ? 2 + this.#subdirectories : 1;
  }
  protected override get size(): number {
    return 4096;
  }

  override open(path: Path, flags: number): FileDescription {
    return new DirectoryDescription(path, flags);
  }

  // ── looking ────────────────────────────────────────────────────────────────────────────────────────────────────
  override lookup(name: ByteString): OverlayInode | null {
    const entry = this.#entries.get(name);
    if (entry !== undefined) return entry;
    const { lower } = this;
    if (lower === null) return null;
    const seen = this.#seen.get(name)?.deref();
    const found = lower.lookup(name, seen?.lower ?? undefined);
    if (found === null) return null;
    if (seen !== undefined && seen.lower === found) return seen;
    const window = this.fs.window(found, { directory: this, name });
    if (this.#seen.size >= MAX_SEEN) this.#forgetUnused();
    this.#seen.set(name, new WeakRef(window));
    return window;
  }

  #forgetUnused(): void {
    for (const [name, window] of this.#seen) if (window.deref() === undefined) this.#seen.delete(name);
    // All in use: they stay the same as long as somebody holds them, if not for those who come anew.
    if (this.#seen.size >= MAX_SEEN * 16) this.#seen.clear();
  }

  override list(): readonly ListedName[] {
    const listed: ListedName[] = [];
    for (const each of this.lower?.list() ?? []) if (!this.#entries.has(each.name)) listed.push(each);
    for (const [name, inode] of this.#entries) {
      if (inode !== null) listed.push({ name, ino: inode.number, type: direntType(inode.type) });
    }
    return listed;
  }

  override inoOf(name: ByteString): bigint | null {
    return this.#entries.get(name)?.number ?? this.lower?.inoOf(name) ?? null;
  }

  get #isEmpty(): boolean {
    return this.list().length === 0;
  }

  // ── names ──────────────────────────────────────────────────────────────────────────────────────────────────────
  /** A lower name leads to a node now: no change of the directory in anybody's eyes. */
  showsNode(name: ByteString, inode: OverlayInode): void {
    inode.links++;
    this.#set(name, inode, this.times.mtime);
  }

  /** From a record. */
  restore(name: ByteString, inode: OverlayInode | null | undefined, at: bigint): void {
    const old = this.#entries.get(name);
    if (old != null) this.#count(old, -1);
    if (inode != null) this.#count(inode, 1);
    if (inode === undefined) this.#entries.delete(name);
    else this.#entries.set(name, inode);
    this.touch(at);
  }
  #count(inode: OverlayInode, by: number): void {
    inode.links += by;
    if (inode instanceof OverlayDirectory) this.#subdirectories += by;
  }

  #set(name: ByteString, inode: OverlayInode | null | undefined, at: bigint): void {
    const old = this.#entries.get(name);
    if (old instanceof OverlayDirectory) this.#subdirectories--;
    if (inode instanceof OverlayDirectory) this.#subdirectories++;
    if (inode === undefined) this.#entries.delete(name);
    else this.#entries.set(name, inode);
    this.touch(at);
    this.fs.store.write(this.#record(name, inode, at));
  }

  #record(name: ByteString, inode: OverlayInode | null | undefined, at: bigint): NameRecord {
    return { kind: "name", in: this.id, name, node: inode === null ? 0 : (inode?.id ?? null), at };
  }

  /** All its names as records, and the nodes that they lead to. */
  *names(): Iterable<{ readonly record: NameRecord; readonly inode: OverlayInode | null }> {
    for (const [name, inode] of this.#entries) yield { record: this.#record(name, inode, this.times.mtime), inode };
  }

  #put(name: ByteString, inode: OverlayInode): void {
    this.#set(name, inode, realtime());
  }

  /** Takes the name away, and hides the lower tree's. */
  #take(name: ByteString): void {
    const shows = this.lower !== null && this.lower.lookup(name) !== null;
    this.#set(name, shows ? null : undefined, realtime());
    this.#seen.delete(name);
  }

  #add<T extends OverlayInode>(name: ByteString, inode: T): T {
    inode.addName();
    inode.save();
    this.#put(name, inode);
    return inode;
  }

  /** mode(7): in a directory with the set-group-ID bit files get its group, and directories the bit as well. */
  #inherit(how: Creation, isDirectory: boolean): Origin {
    const { mode, gid } = this.id === 0 ? this.stat() : this;
    if ((mode & S.ISGID) === 0) return { kind: "new", how };
    return { kind: "new", how: { ...how, gid, mode: isDirectory ? how.mode | S.ISGID : how.mode } };
  }

  override create(name: ByteString, how: Creation): Inode {
    this.copyUp();
    return this.#add(name, new OverlayFile(this.fs, this.#inherit(how, false)));
  }
  override mkdir(name: ByteString, how: Creation): Inode {
    this.copyUp();
    return this.#add(name, new OverlayDirectory(this.fs, this.#inherit(how, true)));
  }
  override mknod(name: ByteString, how: Creation): Inode {
    this.copyUp();
    const type = how.mode & S.IFMT;
    if (type === S.IFREG) return this.create(name, how);
    return this.#add(name, new OverlaySpecial(this.fs, type, this.#inherit(how, false)));
  }
  override symlink(name: ByteString, target: ByteString, how: Creation): Inode {
    this.copyUp();
    return this.#add(name, new OverlaySymlink(this.fs, this.#inherit(how, false), target));
  }
  override createNameless(how: Creation): Inode {
    return new OverlayFile(this.fs, this.#inherit(how, false));
  }

  override link(name: ByteString, target: Inode): void {
    if (!(target instanceof OverlayInode) || target.fs !== this.fs) throw errno.EXDEV;
    this.copyUp();
    target.copyUp();
    this.#add(name, target);
  }

  override unlink(name: ByteString, child: Inode): void {
    if (!(child instanceof OverlayInode)) throw errno.EXDEV;
    this.copyUp();
    this.#take(name);
    child.dropName();
  }

  override rmdir(name: ByteString, child: Inode): void {
    if (!(child instanceof OverlayDirectory)) throw errno.ENOTDIR;
    if (!child.#isEmpty) throw errno.ENOTEMPTY;
    this.unlink(name, child);
  }

  override rename(oldName: ByteString, child: Inode, to: Inode, name: ByteString, flags: number): void {
    if (!(child instanceof OverlayInode) || !(to instanceof OverlayDirectory)) throw errno.EXDEV;
    const other = to.lookup(name);
    const exchanges = (flags & RENAME.EXCHANGE) !== 0;
    if (!exchanges && other instanceof OverlayDirectory && !other.#isEmpty) throw errno.ENOTEMPTY;
    this.copyUp();
    to.copyUp();
    child.copyUp();
    if (exchanges && other !== null) {
      other.copyUp();
      to.#put(name, child);
      this.#put(oldName, other);
    } else {
      to.#put(name, child);
      this.#take(oldName);
      other?.dropName();
    }
    child.setAttributes({});
  }
}
