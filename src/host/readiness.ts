/**
 * Tells when a host descriptor can be read or written, without reading or writing it: one poll(2) on a worker thread
 * for all of them, woken through a pipe of its own when the set changes. Null where the host's C library is not to be
 * had (`libc.ts`).
 */
import fs from "node:fs";
import { getLibc, type Libc } from "./libc.ts";

export const POLLIN = 1;
export const POLLOUT = 4;

interface Watch {
  readonly fd: number;
  readonly events: number;
  readonly ready: () => void;
}

export class Readiness {
  readonly #libc: Libc;
  readonly #watches = new Set<Watch>();
  /** Reading end, writing end. */
  #wakeUp: readonly [number, number] | null = null;
  #polling = false;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** Which of `events` hold now, errors and hang-ups included. */
  now(fd: number, events: number): number {
    const pair = new Int32Array([fd, events]);
    if (this.#libc.poll(pair, 1, 0) <= 0) return 0;
    return ((pair[1] ?? 0) >>> 16) & 0xffff;
  }

  /** Calls `ready` once. Returns what takes that back; until either the host process stays alive. */
  watch(fd: number, events: number, ready: () => void): () => void {
    const watch = { fd, events, ready };
    this.#watches.add(watch);
    this.#changed();
    return () => {
      if (this.#watches.delete(watch)) this.#changed();
    };
  }

  #changed(): void {
    if (!this.#polling) this.#start();
    else if (this.#wakeUp !== null) fs.writeSync(this.#wakeUp[1], "x");
  }

  #start(): void {
    if (this.#watches.size === 0) {
      this.#close();
      return;
    }
    if (this.#wakeUp === null) {
      const ends = new Int32Array(2);
      if (this.#libc.pipe(ends) !== 0) throw new Error(`pipe: ${this.#libc.errorName()}`);
      this.#wakeUp = [ends[0] ?? -1, ends[1] ?? -1];
      process.once("exit", this.#onExit);
    }
    const watches = [...this.#watches];
    const pairs = new Int32Array(2 * watches.length + 2);
    for (const [index, watch] of watches.entries()) pairs.set([watch.fd, watch.events], 2 * index);
    pairs.set([this.#wakeUp[0], POLLIN], 2 * watches.length);
    this.#polling = true;
    this.#libc.pollLater(pairs, watches.length + 1, -1, () => {
      this.#polling = false;
      if ((pairs[2 * watches.length + 1] ?? 0) >>> 16 !== 0 && this.#wakeUp !== null) {
        fs.readSync(this.#wakeUp[0], new Uint8Array(256));
      }
      const due = watches.filter(
        (watch, index) => (pairs[2 * index + 1] ?? 0) >>> 16 !== 0 && this.#watches.delete(watch),
      );
      this.#start();
      for (const watch of due) watch.ready();
    });
  }

  /** The worker must not stay in poll(2) when the host process ends: it would wait for it. */
  readonly #onExit = (): void => {
    if (this.#wakeUp !== null) fs.writeSync(this.#wakeUp[1], "x");
  };

  #close(): void {
    if (this.#wakeUp === null) return;
    process.removeListener("exit", this.#onExit);
    for (const fd of this.#wakeUp) fs.closeSync(fd);
    this.#wakeUp = null;
  }
}

let readiness: Readiness | null | undefined;

export function getReadiness(): Readiness | null {
  if (readiness === undefined) {
    const libc = getLibc();
    readiness = libc === null ? null : new Readiness(libc);
  }
  return readiness;
}
