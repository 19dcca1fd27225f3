/** Signals that have been sent and not yet been delivered: one such queue for each task and one for each process. */
import { errno } from "./errno.ts";
import { NO_SIGNALS, signalBit } from "./signal.ts";
import type { SignalSet, SignalTable } from "./signal.ts";
import type { SignalInfo } from "./siginfo.ts";

export class SignalQueue {
  /** Which signals are pending. */
  pending: SignalSet = NO_SIGNALS;
  readonly #table: SignalTable;
  readonly #queued: SignalInfo[] = [];

  constructor(table: SignalTable) {
    this.#table = table;
  }

  /** How many entries wait here (RLIMIT_SIGPENDING counts them). */
  get length(): number {
    return this.#queued.length;
  }

  /**
   * Adds a signal. A standard signal that is pending already is dropped, a real-time signal queues. Throws EAGAIN
   * where a real-time signal would exceed `limit` entries.
   */
  add(info: SignalInfo, limit: number): void {
    const bit = signalBit(info.signal);
    if (!this.#table.isRealTime(info.signal)) {
      if ((this.pending & bit) !== 0n) return;
    } else if (this.#queued.length >= limit) throw errno.EAGAIN;
    this.pending |= bit;
    this.#queued.push(info);
  }

  /** The next signal of `set`: those of CPU exceptions first, then the lowest number, each in the order of arrival. */
  take(set: SignalSet): SignalInfo | null {
    const eligible = this.pending & set;
    if (eligible === NO_SIGNALS) return null;
    const first = eligible & this.#table.synchronous;
    const signal = lowestSignal(first === NO_SIGNALS ? eligible : first);
    const index = this.#queued.findIndex((info) => info.signal === signal);
    const [info] = this.#queued.splice(index, 1);
    if (!this.#queued.some((other) => other.signal === signal)) this.pending &= ~signalBit(signal);
    return info ?? null;
  }

  /** Forgets all pending signals of `set`. */
  discard(set: SignalSet): void {
    if ((this.pending & set) === NO_SIGNALS) return;
    const kept = this.#queued.filter((info) => (set & signalBit(info.signal)) === 0n);
    this.#queued.splice(0, this.#queued.length, ...kept);
    this.pending &= ~set;
  }

  /** Replaces a queued entry in place (a timer that expires again before its signal was taken counts an overrun). */
  replace(matches: (info: SignalInfo) => boolean, update: (info: SignalInfo) => SignalInfo): boolean {
    const index = this.#queued.findIndex(matches);
    const found = this.#queued[index];
    if (found === undefined) return false;
    this.#queued[index] = update(found);
    return true;
  }
}

function lowestSignal(set: SignalSet): number {
  let base = 1;
  while ((set & 0xffffffffn) === 0n) {
    set >>= 32n;
    base += 32;
  }
  const word = Number(set & 0xffffffffn) | 0;
  return base + 31 - Math.clz32(word & -word);
}
