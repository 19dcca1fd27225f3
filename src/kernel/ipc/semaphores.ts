/** System V semaphores (semop(2)): sets of counters, changed several at a time or not at all. */
import { errno } from "../errno.ts";
import type { Quota } from "../fs/sparse-bytes.ts";
import type { Process } from "../process.ts";
import { Wait, WaitQueue } from "../wait.ts";
import { IpcObject, IpcTable } from "./objects.ts";
import type { Birth, IpcCaller, IpcClock } from "./objects.ts";

/** Linux's limits, as semctl(IPC_INFO) gives them. */
export const SEM_LIMITS = { sets: 32000, perSet: 32000, operations: 500, value: 32767, all: 1024000000 } as const;
/** What a semaphore takes of the run's memory, about. */
const BYTES = 16;

/** `struct sembuf` */
export interface SemaphoreOperation {
  readonly index: number;
  /** What is added; 0 waits for 0. */
  readonly change: number;
  readonly noWait: boolean;
  readonly undo: boolean;
}

/** A call that waits: at which semaphore, and for what. */
interface Waiting {
  readonly index: number;
  readonly forZero: boolean;
}

export class SemaphoreSet extends IpcObject {
  readonly values: Int32Array;
  /** Who did the last operation on each. */
  readonly pids: Int32Array;
  /** Seconds since the epoch; 0: never. */
  operationTime = 0n;
  readonly queue = new WaitQueue();
  readonly waiting = new Set<Waiting>();

  constructor(birth: Birth, count: number) {
    super(birth);
    this.values = new Int32Array(count);
    this.pids = new Int32Array(count);
  }

  /** GETNCNT, GETZCNT. */
  waiters(index: number, forZero: boolean): number {
    let count = 0;
    for (const one of this.waiting) if (one.index === index && one.forZero === forZero) count++;
    return count;
  }
}

export class Semaphores {
  readonly #sets: IpcTable<SemaphoreSet>;
  readonly #quota: Quota;
  /** SEM_UNDO: what is to be added when the process ends. */
  readonly #undo = new Map<Process, Map<SemaphoreSet, Int32Array>>();

  constructor(clock: IpcClock, quota: Quota) {
    this.#sets = new IpcTable(clock, SEM_LIMITS.sets);
    this.#quota = quota;
  }

  get table(): IpcTable<SemaphoreSet> {
    return this.#sets;
  }

  /** semget(2). Throws EINVAL, ENOMEM and what `IpcTable.get` throws. */
  get(key: number, count: number, flags: number, caller: IpcCaller): number {
    if (count < 0 || count > SEM_LIMITS.perSet) throw errno.EINVAL;
    const accept = (found: SemaphoreSet): void => {
      if (found.values.length < count) throw errno.EINVAL;
    };
    return this.#sets.get(key, flags, caller, accept, (birth) => {
      if (count === 0) throw errno.EINVAL;
      this.#quota.take(count * BYTES);
      return new SemaphoreSet(birth, count);
    }).id;
  }

  /** IPC_RMID */
  remove(set: SemaphoreSet, caller: IpcCaller): void {
    set.requireOwner(caller);
    set.removed = true;
    this.#sets.remove(set);
    this.#quota.give(set.values.length * BYTES);
    for (const undo of this.#undo.values()) undo.delete(set);
    set.queue.wake();
  }

  /** SETVAL, SETALL from semaphore `first` on: what processes would undo of them is forgotten. Throws ERANGE. */
  set(set: SemaphoreSet, first: number, values: readonly number[], caller: IpcCaller): void {
    if (values.some((value) => value < 0 || value > SEM_LIMITS.value)) throw errno.ERANGE;
    set.values.set(values, first);
    set.pids.fill(caller.pid, first, first + values.length);
    for (const undo of this.#undo.values()) undo.get(set)?.fill(0, first, first + values.length);
    set.changeTime = this.#sets.now;
    set.queue.wake();
  }

  /** semtimedop(2); `deadline` on the monotonic clock, null: none. Throws EAGAIN, EFBIG, ERANGE, EACCES, EIDRM, EINTR. */
  operate(
    id: number,
    operations: readonly SemaphoreOperation[],
    deadline: bigint | null,
    process: Process,
    caller: IpcCaller,
  ): number | Wait<number> {
    const set = this.#sets.find(id);
    if (operations.some(({ index }) => index >= set.values.length)) throw errno.EFBIG;
    const alters = operations.some(({ change }) => change !== 0);
    if (alters) set.requireWrite(caller);
    else set.requireRead(caller);
    const obstacle = this.#attempt(set, operations, process, caller);
    if (obstacle === null) return 0;
    let waiting = this.#enlist(set, obstacle);
    const leave = (): void => void set.waiting.delete(waiting);
    const wait: Wait<number> = new Wait(
      [set.queue],
      deadline,
      (reason) => {
        leave();
        if (set.removed) throw errno.EIDRM;
        const still = this.#attempt(set, operations, process, caller);
        if (still === null) return 0;
        if (reason === "signal") throw errno.EINTR;
        if (reason === "timeout") throw errno.EAGAIN;
        waiting = this.#enlist(set, still);
        return wait;
      },
      leave,
    );
    return wait;
  }

  #enlist(set: SemaphoreSet, { index, change }: SemaphoreOperation): Waiting {
    const waiting = { index, forZero: change === 0 };
    set.waiting.add(waiting);
    return waiting;
  }

  /** Does all or nothing; the operation that cannot be done now, or null. Throws EAGAIN where that one must not wait. */
  #attempt(
    set: SemaphoreSet,
    operations: readonly SemaphoreOperation[],
    process: Process,
    caller: IpcCaller,
  ): SemaphoreOperation | null {
    const values = Int32Array.from(operations, ({ index }) => set.values[index] ?? 0);
    const latest = new Map<number, number>();
    const undone = this.#undo.get(process)?.get(set);
    const undo = new Map<number, number>();
    for (const [n, operation] of operations.entries()) {
      const { index, change } = operation;
      const value = latest.get(index) ?? values[n] ?? 0;
      if (change === 0 ? value !== 0 : value + change < 0) {
        if (operation.noWait) throw errno.EAGAIN;
        return operation;
      }
      if (value + change > SEM_LIMITS.value) throw errno.ERANGE;
      if (operation.undo) {
        const back = (undo.get(index) ?? undone?.[index] ?? 0) - change;
        if (back < -SEM_LIMITS.value - 1 || back > SEM_LIMITS.value) throw errno.ERANGE;
        undo.set(index, back);
      }
      latest.set(index, value + change);
    }
    for (const { index } of operations) set.pids[index] = caller.pid;
    for (const [index, value] of latest) set.values[index] = value;
    if (undo.size > 0) {
      const adjustments = this.#adjustments(process, set);
      for (const [index, back] of undo) adjustments[index] = back;
    }
    set.operationTime = this.#sets.now;
    if (operations.some(({ change }) => change !== 0)) set.queue.wake();
    return null;
  }

  #adjustments(process: Process, set: SemaphoreSet): Int32Array {
    let sets = this.#undo.get(process);
    if (sets === undefined) this.#undo.set(process, (sets = new Map()));
    let adjustments = sets.get(set);
    if (adjustments === undefined) sets.set(set, (adjustments = new Int32Array(set.values.length)));
    return adjustments;
  }

  /** The process has ended: what it did with SEM_UNDO is undone, as far as the values allow. */
  endProcess(process: Process): void {
    const sets = this.#undo.get(process);
    if (sets === undefined) return;
    this.#undo.delete(process);
    for (const [set, adjustments] of sets) {
      adjustments.forEach((back, index) => {
        if (back === 0) return;
        set.values[index] = Math.min(Math.max((set.values[index] ?? 0) + back, 0), SEM_LIMITS.value);
        set.pids[index] = process.pid;
      });
      set.operationTime = this.#sets.now;
      set.queue.wake();
    }
  }
}
