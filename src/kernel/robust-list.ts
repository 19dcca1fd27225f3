/**
 * Robust futexes (set_robust_list(2), Linux's Documentation/locking/robust-futex-ABI): a task that ends while it holds
 * locks marks them, so that the next who wants one is told (EOWNERDEAD) and does not wait for ever.
 *
 * The list is in guest memory and may be anything: it is followed so far and no farther.
 */
import { GuestFault } from "../memory/guest-fault.ts";
import { FUTEX_BITSET_MATCH_ANY, FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS } from "./futex.ts";
import type { Task } from "./task.ts";

/** ROBUST_LIST_LIMIT */
const MOST_ENTRIES = 2048;
/** struct robust_list_head: next, futex_offset, list_op_pending; pointers of a 32-bit guest. */
const POINTER = 4;
/** Set in a pointer to an entry of a priority-inheriting lock. */
const PI = 1;

export function releaseRobustList(task: Task): void {
  const { robustList } = task;
  if (robustList === null) return;
  task.robustList = null;
  try {
    const { memory } = task.process;
    const { head } = robustList;
    const offset = memory.readS32(head + POINTER);
    const pending = memory.readU32(head + 2 * POINTER);
    let entry = memory.readU32(head);
    for (let n = 0; n < MOST_ENTRIES && (entry & ~PI) >>> 0 !== head >>> 0; n++) {
      // The lock may be gone as soon as it is marked: its successor is read first.
      const next = memory.readU32(entry & ~PI);
      if (entry !== pending) markDead(task, (entry & ~PI) + offset, (entry & PI) !== 0, false);
      entry = next;
    }
    if (pending !== 0) markDead(task, (pending & ~PI) + offset, (pending & PI) !== 0, true);
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error;
  }
}

function markDead(task: Task, address: number, priorityInheriting: boolean, pending: boolean): void {
  const { memory, space, kernel } = task.process;
  if ((address & 3) !== 0) return;
  const wake = () => kernel.futexes.wake(space.futexKey(address >>> 0), 1, FUTEX_BITSET_MATCH_ANY);
  const value = memory.loadU32(address);
  // It was about to be unlocked: the word is free already, and whoever waits has not been woken yet.
  if (pending && !priorityInheriting && (value & FUTEX_TID_MASK) === 0) return void wake();
  if ((value & FUTEX_TID_MASK) !== task.tid) return;
  if (priorityInheriting) {
    kernel.futexes.handOver(space.futexKey(address >>> 0), memory, address, true);
    return;
  }
  memory.compareExchangeU32(address, value, ((value & FUTEX_WAITERS) | FUTEX_OWNER_DIED) >>> 0);
  if ((value & FUTEX_WAITERS) !== 0) wake();
}
