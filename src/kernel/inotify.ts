/** inotify(7): a queue of what has happened to files, as a file. */
import { anonymousPath } from "./anonymous-inode.ts";
import { errno } from "./errno.ts";
import type { ByteString } from "./fs/byte-string.ts";
import type { Path } from "./fs/dentry.ts";
import { FileDescription, WOULD_BLOCK } from "./fs/file-description.ts";
import { O, POLL } from "./fs/flags.ts";
import { IN } from "./fs/watches.ts";
import type { FileEvent, Watch, WatchTable } from "./fs/watches.ts";
import { WaitQueue } from "./wait.ts";

/** inotify_add_watch(2): how to watch, beside what for. */
export const WATCH = {
  EXCL_UNLINK: 0x04000000,
  ONESHOT: 0x80000000,
} as const;

/** /proc/sys/fs/inotify: max_queued_events, max_user_watches. */
const MOST_QUEUED = 16384;
const MOST_WATCHES = 65536;

export interface InotifyEvent {
  readonly wd: number;
  readonly mask: number;
  readonly cookie: number;
  readonly name: ByteString | null;
}

/** How a new mask is combined with that of a watch that is there already. */
export type MaskChange = "replace" | "add" | "create";

class FileWatch implements Watch {
  readonly wd: number;
  readonly identity: unknown;
  readonly table: WatchTable;
  readonly #queue: Inotify;
  mask: number;

  constructor(wd: number, path: Path, mask: number, queue: Inotify) {
    this.wd = wd;
    this.identity = path.inode.identity;
    this.table = path.mount.watches;
    this.mask = mask;
    this.#queue = queue;
    this.table.add(this.identity, this);
  }

  tell({ mask, cookie, name, unlinked }: FileEvent): void {
    if ((this.mask & mask & IN.ALL_EVENTS) === 0) return;
    if (unlinked && (this.mask & WATCH.EXCL_UNLINK) !== 0) return;
    this.#queue.push({ wd: this.wd, mask, cookie, name });
    if ((this.mask & WATCH.ONESHOT) !== 0) this.#queue.remove(this.wd);
  }
  gone(): void {
    this.#queue.remove(this.wd);
  }
}

export class Inotify extends FileDescription {
  readonly #pack: (event: InotifyEvent) => Uint8Array;
  readonly #watches = new Map<number, FileWatch>();
  readonly #events: Uint8Array[] = [];
  #last: InotifyEvent | null = null;
  #lastWd = 0;
  readonly #arrival = new WaitQueue();

  /** `pack`: a `struct inotify_event` with its name. */
  constructor(nonBlocking: boolean, pack: (event: InotifyEvent) => Uint8Array) {
    super(anonymousPath("inotify"), O.RDONLY | (nonBlocking ? O.NONBLOCK : 0));
    this.#pack = pack;
  }

  /** inotify_add_watch(2): the watch's number. Throws EEXIST, ENOSPC. */
  watch(path: Path, mask: number, change: MaskChange): number {
    const { identity } = path.inode;
    for (const known of this.#watches.values()) {
      if (known.identity !== identity) continue;
      if (change === "create") throw errno.EEXIST;
      known.mask = change === "add" ? known.mask | mask : mask;
      return known.wd;
    }
    if (this.#watches.size >= MOST_WATCHES) throw errno.ENOSPC;
    const wd = ++this.#lastWd;
    this.#watches.set(wd, new FileWatch(wd, path, mask, this));
    return wd;
  }

  /** inotify_rm_watch(2). Throws EINVAL. */
  remove(wd: number): void {
    const watch = this.#watches.get(wd);
    if (watch === undefined) throw errno.EINVAL;
    this.#watches.delete(wd);
    watch.table.remove(watch.identity, watch);
    this.push({ wd, mask: IN.IGNORED, cookie: 0, name: null });
  }

  /** The same event twice in a row is one; beyond the limit there is only one more, which says so. */
  push(event: InotifyEvent): void {
    const last = this.#events.length === 0 ? null : this.#last;
    const { wd, mask, cookie, name } = event;
    if (last?.wd === wd && last.mask === mask && last.cookie === cookie && last.name === name) return;
    if (this.#events.length > MOST_QUEUED) return;
    const isFull = this.#events.length === MOST_QUEUED;
    const queued = isFull ? { wd: -1, mask: IN.Q_OVERFLOW, cookie: 0, name: null } : event;
    this.#last = queued;
    this.#events.push(this.#pack(queued));
    this.#arrival.wake();
  }

  protected override tryRead(into: Uint8Array): number {
    let count = 0;
    for (let next = this.#events[0]; next !== undefined; next = this.#events[0]) {
      if (count + next.length > into.length) break;
      into.set(next, count);
      count += next.length;
      this.#events.shift();
    }
    if (count > 0) return count;
    if (this.#events.length > 0) throw errno.EINVAL;
    return WOULD_BLOCK;
  }
  protected override get mayReadMore(): boolean {
    return false;
  }

  override available(): number {
    return this.#events.reduce((sum, event) => sum + event.length, 0);
  }
  override poll(): number {
    return this.#events.length > 0 ? POLL.IN | POLL.RDNORM : 0;
  }
  override waitQueue(): WaitQueue {
    return this.#arrival;
  }

  protected override close(): void {
    for (const watch of this.#watches.values()) watch.table.remove(watch.identity, watch);
    this.#watches.clear();
  }
}
