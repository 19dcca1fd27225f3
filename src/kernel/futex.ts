/**
 * Futexes (futex(2)): wait queues named by a guest address. A process-private one is named by its address space and
 * address; shared ones will be named by what is mapped there.
 */
import { errno } from "./errno.ts";
import { Wait } from "./wait.ts";
import { WaitQueue } from "./wait.ts";

export const FUTEX_BITSET_MATCH_ANY = 0xffffffff;

/** One task that waits on a futex. `queue` is its own, so that a wake-up reaches exactly those it counted. */
interface Waiter {
  readonly queue: WaitQueue;
  readonly bitset: number;
  key: FutexKey;
  woken: boolean;
}

interface FutexKey {
  readonly space: object;
  readonly address: number;
}

export class FutexTable {
  /** Waiters in order of arrival, by address space and address; a word without waiters has no entry. */
  readonly #waiters = new Map<object, Map<number, Waiter[]>>();

  #list(key: FutexKey): Waiter[] {
    return this.#waiters.get(key.space)?.get(key.address) ?? [];
  }

  #insert(waiter: Waiter): void {
    const { space, address } = waiter.key;
    let lists = this.#waiters.get(space);
    if (lists === undefined) this.#waiters.set(space, (lists = new Map()));
    const list = lists.get(address);
    if (list === undefined) lists.set(address, [waiter]);
    else list.push(waiter);
  }

  #remove(waiter: Waiter): void {
    const { space, address } = waiter.key;
    const lists = this.#waiters.get(space);
    const list = lists?.get(address);
    if (lists === undefined || list === undefined) return;
    const index = list.indexOf(waiter);
    if (index >= 0) list.splice(index, 1);
    if (list.length === 0) lists.delete(address);
    if (lists.size === 0) this.#waiters.delete(space);
  }

  /**
   * Waits until woken; the caller has just compared the word. Resolves to 0; ETIMEDOUT at `deadline` (monotonic,
   * nanoseconds); `onSignal` is thrown when a signal comes.
   */
  wait(space: object, address: number, bitset: number, deadline: bigint | null, onSignal: () => never): Wait {
    const waiter: Waiter = { queue: new WaitQueue(), bitset, key: { space, address }, woken: false };
    this.#insert(waiter);
    const wait: Wait = new Wait<number>([waiter.queue], deadline, (reason) => {
      if (waiter.woken) return 0;
      if (reason === "woken") return wait;
      this.#remove(waiter);
      if (reason === "timeout") throw errno.ETIMEDOUT;
      return onSignal();
    });
    return wait;
  }

  /** Wakes at most `count` waiters whose bitset meets `bitset`; returns how many. */
  wake(space: object, address: number, count: number, bitset: number): number {
    const chosen = this.#list({ space, address })
      .filter((waiter) => (waiter.bitset & bitset) !== 0)
      .slice(0, Math.max(count, 0));
    for (const waiter of chosen) {
      this.#remove(waiter);
      waiter.woken = true;
      waiter.queue.wake();
    }
    return chosen.length;
  }

  /** Wakes `count` waiters and moves up to `moveCount` of the rest to another address; returns both numbers. */
  requeue(
    space: object,
    from: number,
    to: number,
    count: number,
    moveCount: number,
  ): { readonly woken: number; readonly moved: number } {
    const woken = this.wake(space, from, count, FUTEX_BITSET_MATCH_ANY);
    const moving = this.#list({ space, address: from }).slice(0, Math.max(moveCount, 0));
    for (const waiter of moving) {
      this.#remove(waiter);
      waiter.key = { space, address: to };
      this.#insert(waiter);
    }
    return { woken, moved: moving.length };
  }

  /** Whether anything waits at all. */
  get isEmpty(): boolean {
    return this.#waiters.size === 0;
  }
}
