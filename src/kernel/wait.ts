/**
 * Waiting. A kernel operation that cannot finish now returns a `Wait` instead of its result; the scheduler parks the
 * task on the queues that it names and calls `resume` when one of them wakes, the deadline passes or a signal comes.
 * Nothing here is a promise: an operation that need not wait costs no more than a function call.
 */

/** What tasks wait on: a pipe's readers, a terminal's input, a child's exit … */
export class WaitQueue {
  readonly #listeners = new Set<() => void>();

  /** Calls `listener` at every wake-up until the returned function is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Something changed: everyone who waits looks again. */
  wake(): void {
    if (this.#listeners.size > 1) {
      for (const listener of [...this.#listeners]) listener();
      return;
    }
    // Mostly nobody or one, at each read and write of a pipe; whoever comes meanwhile has not waited for this.
    for (const listener of this.#listeners) {
      listener();
      return;
    }
  }

  get hasWaiters(): boolean {
    return this.#listeners.size > 0;
  }
}

/** Why a parked operation is asked again. */
export type WakeReason = "woken" | "timeout" | "signal";

export class Wait<T = number> {
  readonly queues: readonly WaitQueue[];
  /** Monotonic clock in nanoseconds (`host/clock.ts`), or null: no limit. */
  readonly deadline: bigint | null;
  /**
   * Tries again. Returns the result, or a `Wait` (often this one) to go on waiting. With "signal" it must finish: by
   * a partial result, or by throwing `EINTR` or one of the restart errors (`errno.ts`).
   */
  readonly resume: (reason: WakeReason) => T | Wait<T>;

  /** The task has ended and will not come back: undoes what the wait has left elsewhere. */
  readonly abandon: (() => void) | null;

  constructor(
    queues: readonly WaitQueue[],
    deadline: bigint | null,
    resume: (reason: WakeReason) => T | Wait<T>,
    abandon: (() => void) | null = null,
  ) {
    this.queues = queues;
    this.deadline = deadline;
    this.resume = resume;
    this.abandon = abandon;
  }

  /** The same wait with its result mapped. */
  then<U>(map: (result: T) => U | Wait<U>): Wait<U> {
    const resume = (reason: WakeReason): U | Wait<U> => {
      const result = this.resume(reason);
      return result instanceof Wait ? result.then(map) : map(result);
    };
    return new Wait<U>(this.queues, this.deadline, resume, this.abandon);
  }
}
