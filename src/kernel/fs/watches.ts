/** Who wants to know what happens to files (inotify(7)). What no guest does, such as a change by the host, is not seen. */
import type { ByteString } from "./byte-string.ts";
import type { Dentry, Path } from "./dentry.ts";
import type { Inode } from "./inode.ts";

/** Events, and the bits that come along with them. */
export const IN = {
  ACCESS: 0x1,
  MODIFY: 0x2,
  ATTRIB: 0x4,
  CLOSE_WRITE: 0x8,
  CLOSE_NOWRITE: 0x10,
  OPEN: 0x20,
  MOVED_FROM: 0x40,
  MOVED_TO: 0x80,
  CREATE: 0x100,
  DELETE: 0x200,
  DELETE_SELF: 0x400,
  MOVE_SELF: 0x800,
  ALL_EVENTS: 0xfff,
  Q_OVERFLOW: 0x4000,
  IGNORED: 0x8000,
  ISDIR: 0x40000000,
} as const;

export interface FileEvent {
  /** One of the events, perhaps with ISDIR. */
  readonly mask: number;
  /** The same for the two halves of a rename, else 0. */
  readonly cookie: number;
  /** The entry of the watched directory; null: the watched file itself. */
  readonly name: ByteString | null;
  /** The entry has been removed (IN_EXCL_UNLINK). */
  readonly unlinked: boolean;
}

export interface Watch {
  tell(event: FileEvent): void;
  /** The file is no more: there is nothing left to watch. */
  gone(): void;
}

/** The watches of one tree. Events cost nothing while there are none. */
export class WatchTable {
  readonly #watches = new Map<unknown, Set<Watch>>();
  /** Removed while still open: what is to be told when it is closed for the last time. */
  readonly #dying = new Map<Dentry, unknown>();
  #lastCookie = 0;

  add(identity: unknown, watch: Watch): void {
    let ofFile = this.#watches.get(identity);
    if (ofFile === undefined) this.#watches.set(identity, (ofFile = new Set()));
    ofFile.add(watch);
  }

  remove(identity: unknown, watch: Watch): void {
    const ofFile = this.#watches.get(identity);
    if (ofFile?.delete(watch) === true && ofFile.size === 0) this.#watches.delete(identity);
  }

  get isIdle(): boolean {
    return this.#watches.size === 0;
  }

  #tell(inode: Inode, event: FileEvent): void {
    for (const watch of [...(this.#watches.get(inode.identity) ?? [])]) watch.tell(event);
  }

  /** Something was done to the file: its directory hears of it first, with the name. */
  file({ dentry }: Path, mask: number): void {
    if (this.isIdle) return;
    const { inode, parent, name, deleted } = dentry;
    const all = inode.isDirectory ? mask | IN.ISDIR : mask;
    if (parent !== null) this.#tell(parent.inode, { mask: all, cookie: 0, name, unlinked: deleted });
    this.#tell(inode, { mask: all, cookie: 0, name: null, unlinked: false });
  }

  /** A name in a directory came or went. */
  entry(directory: Path, name: ByteString, mask: number, isDirectory: boolean, cookie = 0): void {
    if (this.isIdle) return;
    const all = isDirectory ? mask | IN.ISDIR : mask;
    this.#tell(directory.inode, { mask: all, cookie, name, unlinked: false });
  }

  moved(from: Path, oldName: ByteString, to: Path, name: ByteString, inode: Inode): void {
    if (this.isIdle) return;
    this.#lastCookie = (this.#lastCookie + 1) >>> 0;
    this.entry(from, oldName, IN.MOVED_FROM, inode.isDirectory, this.#lastCookie);
    this.entry(to, name, IN.MOVED_TO, inode.isDirectory, this.#lastCookie);
    this.#tell(inode, { mask: IN.MOVE_SELF, cookie: 0, name: null, unlinked: false });
  }

  /** To be asked before a name of the file goes: what to do when it has gone. */
  removal({ dentry }: Path): () => void {
    if (this.isIdle) return () => undefined;
    const { inode } = dentry;
    const { identity } = inode;
    const isLast = inode.isDirectory || inode.stat().nlink <= 1;
    return () => {
      if (!isLast || !this.#watches.has(identity)) return;
      if (dentry.holders > 0 && !inode.isDirectory) this.#dying.set(dentry, identity);
      else this.#gone(identity);
    };
  }

  /** Before its name goes: its number of links changes. */
  linkChanges({ dentry: { inode } }: Path): void {
    if (!this.isIdle && !inode.isDirectory)
      this.#tell(inode, { mask: IN.ATTRIB, cookie: 0, name: null, unlinked: false });
  }

  /** An open file was closed for good. */
  closed(path: Path, wasWritable: boolean): void {
    this.file(path, wasWritable ? IN.CLOSE_WRITE : IN.CLOSE_NOWRITE);
    const identity = this.#dying.get(path.dentry);
    if (identity === undefined || path.dentry.holders > 0) return;
    this.#dying.delete(path.dentry);
    this.#gone(identity);
  }

  #gone(identity: unknown): void {
    for (const watch of [...(this.#watches.get(identity) ?? [])]) {
      watch.tell({ mask: IN.DELETE_SELF, cookie: 0, name: null, unlinked: false });
      watch.gone();
    }
    this.#watches.delete(identity);
  }
}
