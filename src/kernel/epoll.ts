/**
 * epoll(7): a set of descriptions to wait on, itself a file. Level-triggered entries report whatever poll(2) would say;
 * edge-triggered ones (EPOLLET) report again only after their queue was woken.
 */
import { anonymousPath } from "./anonymous-inode.ts";
import { errno } from "./errno.ts";
import { FileDescription } from "./fs/file-description.ts";
import { O, POLL } from "./fs/flags.ts";
import { Wait, WaitQueue } from "./wait.ts";

export const EPOLL = {
  EXCLUSIVE: 0x10000000,
  WAKEUP: 0x20000000,
  ONESHOT: 0x40000000,
  ET: 0x80000000,
} as const;

/** The only events that may be asked for together with EPOLLEXCLUSIVE (epoll_ctl(2), EINVAL). */
const WITH_EXCLUSIVE = POLL.IN | POLL.OUT | POLL.ERR | POLL.HUP | EPOLL.WAKEUP | EPOLL.ET | EPOLL.EXCLUSIVE;

export interface EpollEvent {
  /** POLL bits. */
  readonly events: number;
  readonly data: bigint;
}

interface Entry {
  readonly fd: number;
  readonly description: FileDescription;
  /** POLL and EPOLL bits asked for. */
  events: number;
  data: bigint;
  /** Edge-triggered: something may have happened since the last report. */
  armed: boolean;
  /** One-shot, and reported: silent until changed. */
  spent: boolean;
  stop: () => void;
}

/** How deep epolls may watch epolls (epoll_ctl(2), ELOOP). */
const MAX_NESTING = 5;

export class Epoll extends FileDescription {
  /** In the order of the last report, so that nobody starves. */
  readonly #entries = new Map<FileDescription, Map<number, Entry>>();
  /** By description: how to no longer be told of its release. */
  readonly #releases = new Map<FileDescription, () => void>();
  #order: Entry[] = [];
  readonly #ready = new WaitQueue();

  constructor() {
    super(anonymousPath("[eventpoll]"), O.RDWR);
  }

  /** EPOLL_CTL_ADD. Throws EEXIST, EPERM, EINVAL, ELOOP. */
  add(fd: number, description: FileDescription, events: number, data: bigint): void {
    if (description === this) throw errno.EINVAL;
    if (!description.pollable) throw errno.EPERM;
    if ((events & EPOLL.EXCLUSIVE) !== 0 && ((events & ~WITH_EXCLUSIVE) !== 0 || description instanceof Epoll)) {
      throw errno.EINVAL;
    }
    if (this.#entries.get(description)?.has(fd) === true) throw errno.EEXIST;
    if (description instanceof Epoll && (description.#reaches(this) || description.#depth() >= MAX_NESTING)) {
      throw errno.ELOOP;
    }
    const entry: Entry = { fd, description, events, data, armed: true, spent: false, stop: () => undefined };
    this.#watch(entry);
    let ofFile = this.#entries.get(description);
    if (ofFile === undefined) {
      this.#entries.set(description, (ofFile = new Map()));
      // A description leaves every epoll when its last descriptor is closed (epoll(7), Q6).
      this.#releases.set(
        description,
        description.onRelease(() => this.#forget(description)),
      );
    }
    ofFile.set(fd, entry);
    this.#order.push(entry);
    this.#ready.wake();
  }

  /** EPOLL_CTL_MOD. Throws ENOENT, EINVAL. */
  modify(fd: number, description: FileDescription, events: number, data: bigint): void {
    const entry = this.#find(fd, description);
    if ((entry.events & EPOLL.EXCLUSIVE) !== 0 || (events & EPOLL.EXCLUSIVE) !== 0) throw errno.EINVAL;
    entry.stop();
    Object.assign(entry, { events, data, armed: true, spent: false });
    this.#watch(entry);
    this.#ready.wake();
  }

  /** EPOLL_CTL_DEL. Throws ENOENT. */
  delete(fd: number, description: FileDescription): void {
    const entry = this.#find(fd, description);
    entry.stop();
    this.#order = this.#order.filter((other) => other !== entry);
    const ofFile = this.#entries.get(description);
    ofFile?.delete(fd);
    if (ofFile?.size === 0) this.#leave(description);
  }

  #leave(description: FileDescription): void {
    this.#entries.delete(description);
    this.#releases.get(description)?.();
    this.#releases.delete(description);
  }

  /** What is ready now, at most `max`. */
  collect(max: number): EpollEvent[] {
    const found: EpollEvent[] = [];
    const reported: Entry[] = [];
    for (const entry of this.#order) {
      if (found.length === max) break;
      const events = this.#readyBits(entry);
      if (events === 0) continue;
      found.push({ events, data: entry.data });
      reported.push(entry);
      if ((entry.events & EPOLL.ET) !== 0) entry.armed = false;
      if ((entry.events & EPOLL.ONESHOT) !== 0) entry.spent = true;
    }
    if (reported.length > 0 && reported.length < this.#order.length) {
      this.#order = [...this.#order.filter((entry) => !reported.includes(entry)), ...reported];
    }
    return found;
  }

  /** epoll_wait(2): at least one event, or none after `deadline` (null: no limit). A signal is EINTR. */
  wait(max: number, deadline: bigint | null, expired: boolean): EpollEvent[] | Wait<EpollEvent[]> {
    const now = this.collect(max);
    if (now.length > 0 || expired) return now;
    this.#askAll();
    const wait: Wait<EpollEvent[]> = new Wait([this.#ready], deadline, (reason) => {
      const found = this.collect(max);
      if (found.length > 0 || reason === "timeout") return found;
      // epoll_wait(2) is never restarted (signal(7)).
      if (reason === "signal") throw errno.EINTR;
      this.#askAll();
      return wait;
    });
    return wait;
  }

  override poll(): number {
    return this.#order.some((entry) => this.#readyBits(entry) !== 0) ? POLL.IN | POLL.RDNORM : 0;
  }
  override waitQueue(): WaitQueue {
    this.#askAll();
    return this.#ready;
  }
  override get pollable(): boolean {
    return true;
  }

  protected override close(): void {
    for (const entry of this.#order) entry.stop();
    this.#order = [];
    for (const description of [...this.#entries.keys()]) this.#leave(description);
  }

  override describe(): string {
    return this.#order
      .map(({ fd, events, data }) => `tfd: ${fd} events: ${(events >>> 0).toString(16)} data: ${data.toString(16)}\n`)
      .join("");
  }

  #readyBits(entry: Entry): number {
    if (entry.spent) return 0;
    if ((entry.events & EPOLL.ET) !== 0 && !entry.armed) return 0;
    return entry.description.poll() & (entry.events | POLL.ERR | POLL.HUP);
  }

  #watch(entry: Entry): void {
    // Reading and writing may have a queue each.
    const queues = new Set<WaitQueue>();
    if ((entry.events & (POLL.OUT | POLL.WRNORM)) !== 0) queues.add(entry.description.waitQueue(POLL.OUT));
    if ((entry.events & ~(POLL.OUT | POLL.WRNORM)) !== 0 || queues.size === 0) {
      queues.add(entry.description.waitQueue(POLL.IN));
    }
    const stops = [...queues].map((queue) =>
      queue.listen(() => {
        entry.armed = true;
        this.#ready.wake();
      }),
    );
    entry.stop = () => {
      for (const stop of stops) stop();
    };
  }

  /** Some files watch the host only when asked (`FileDescription.waitQueue`), and must be asked before each wait. */
  #askAll(): void {
    for (const { description, events } of this.#order) description.waitQueue(events);
  }

  #find(fd: number, description: FileDescription): Entry {
    const entry = this.#entries.get(description)?.get(fd);
    if (entry === undefined) throw errno.ENOENT;
    return entry;
  }

  #forget(description: FileDescription): void {
    for (const entry of this.#entries.get(description)?.values() ?? []) entry.stop();
    this.#leave(description);
    this.#order = this.#order.filter((entry) => entry.description !== description);
  }

  #reaches(target: Epoll): boolean {
    return this.#order.some(
      ({ description }) => description instanceof Epoll && (description === target || description.#reaches(target)),
    );
  }

  #depth(): number {
    let deepest = 0;
    for (const { description } of this.#order) {
      if (description instanceof Epoll) deepest = Math.max(deepest, description.#depth());
    }
    return deepest + 1;
  }
}
