/**
 * Futexes (futex(2)): wait queues named by a word of guest memory. A private word is named by its address space and
 * address; one in shared memory by that memory and the offset in it (`AddressSpace.futexKey`).
 */
import type { GuestMemory } from "../memory/guest-memory.ts";
import { errno } from "./errno.ts";
import { Wait, WaitQueue } from "./wait.ts";
import type { WakeReason } from "./wait.ts";

export const FUTEX_BITSET_MATCH_ANY = 0xffffffff;
export const FUTEX_WAITERS = 0x8000_0000;
export const FUTEX_OWNER_DIED = 0x4000_0000;
export const FUTEX_TID_MASK = 0x3fff_ffff;

export interface FutexKey {
  /** Compared by `===`. */
  readonly space: unknown;
  readonly address: number;
}

/** One task that waits on a futex. `queue` is its own, so that a wake-up reaches exactly those it counted. */
interface Waiter {
  readonly queue: WaitQueue;
  readonly bitset: number;
  /** Of a task that waits for a priority-inheriting lock, which the owner hands over by this number; else 0. */
  readonly tid: number;
  key: FutexKey;
  woken: boolean;
}

export class FutexTable {
  /** Waiters in order of arrival, by address space and address; a word without waiters has no entry. */
  readonly #waiters = new Map<unknown, Map<number, Waiter[]>>();

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
  wait(key: FutexKey, bitset: number, deadline: bigint | null, onSignal: () => never, tid = 0): Wait {
    const waiter: Waiter = { queue: new WaitQueue(), bitset, tid, key, woken: false };
    this.#insert(waiter);
    const abandon = () => this.#remove(waiter);
    const resume = (reason: WakeReason): number | Wait => {
      if (waiter.woken) return 0;
      if (reason === "woken") return wait;
      abandon();
      if (reason === "timeout") throw errno.ETIMEDOUT;
      return onSignal();
    };
    const wait: Wait = new Wait<number>([waiter.queue], deadline, resume, abandon);
    return wait;
  }

  /** Wakes at most `count` waiters whose bitset meets `bitset`; returns how many. */
  wake(key: FutexKey, count: number, bitset: number): number {
    const chosen = this.#list(key)
      .filter((waiter) => (waiter.bitset & bitset) !== 0)
      .slice(0, Math.max(count, 0));
    for (const waiter of chosen) this.#wakeOne(waiter);
    return chosen.length;
  }

  #wakeOne(waiter: Waiter): void {
    this.#remove(waiter);
    waiter.woken = true;
    waiter.queue.wake();
  }

  /** Wakes `count` waiters and moves up to `moveCount` of the rest to another word; returns both numbers. */
  requeue(
    from: FutexKey,
    to: FutexKey,
    count: number,
    moveCount: number,
  ): { readonly woken: number; readonly moved: number } {
    const woken = this.wake(from, count, FUTEX_BITSET_MATCH_ANY);
    const moving = this.#list(from).slice(0, Math.max(moveCount, 0));
    for (const waiter of moving) {
      this.#remove(waiter);
      waiter.key = to;
      this.#insert(waiter);
    }
    return { woken, moved: moving.length };
  }

  /**
   * The lock in the word at `address` has no owner any more: the task that has waited longest gets it. `died`: the
   * owner ended with it, and the next is told so.
   */
  handOver(key: FutexKey, memory: GuestMemory, address: number, died = false): void {
    const [next, ...more] = this.#list(key).filter((waiter) => waiter.tid !== 0);
    const mark = died ? FUTEX_OWNER_DIED : 0;
    const waiting = more.length > 0 ? FUTEX_WAITERS : 0;
    memory.writeU32(address, ((next?.tid ?? 0) | waiting | mark) >>> 0);
    if (next !== undefined) this.#wakeOne(next);
  }

  /** Whether anything waits at all. */
  get isEmpty(): boolean {
    return this.#waiters.size === 0;
  }
}
