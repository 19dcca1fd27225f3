/**
 * Runs tasks in turn on the host's JavaScript thread, for a time slice each, and lets the host's event loop in between:
 * that is how timers, input and signals reach the guest. With nothing to run it waits for one of those and uses no
 * processor time.
 *
 * A task that waits is parked with its `Wait`; what to do when the wait is over is the runner's business, since only it
 * can put a task's registers and memory in place.
 */
import type { Clock } from "./kernel.ts";
import type { Task } from "./task.ts";
import type { Wait, WakeReason } from "./wait.ts";

/** What puts tasks on the processor (`user/machine.ts`; a fake in tests). None of these may throw for a guest's doing. */
export interface TaskRunner {
  /** Runs the task until it waits, stops or ends, or `scheduler.sliceEnd` has passed. */
  run(task: Task): void;
  /** The task's wait may be over: asks it again, and parks the task again if it is not. */
  resume(task: Task, reason: WakeReason): void;
  /** Gives the event loop a turn; all host events that are due happen before it resolves. */
  yieldToHost(): Promise<void>;
  /** Keeps the host process alive while nothing runs; returns what ends that. */
  keepAlive(): () => void;
}

/** A parked task: what to undo once it is woken. */
interface Parked {
  readonly wait: Wait<unknown>;
  readonly leave: (() => void)[];
}

/** Nanoseconds between two turns of the host's event loop. */
export const SLICE = 10_000_000n;

export class Scheduler {
  readonly #clock: Clock;
  readonly #ready: Task[] = [];
  readonly #parked = new Map<Task, Parked>();
  /** Tasks in `#ready` that were woken from a wait, with the reason. */
  readonly #reasons = new Map<Task, WakeReason>();
  #current: Task | null = null;
  #wakeLoop: (() => void) | null = null;
  #stopRequested = false;
  #yielded = false;
  /** Processor time of the host thread when it was last booked to tasks. */
  #booked = { user: 0n, system: 0n };
  /** How long each task has been on the processor since then, and since when the present one is: monotonic time. */
  readonly #shares = new Map<Task, bigint>();
  #since = 0n;
  /** Monotonic time at which the running task must leave the processor. */
  sliceEnd = 0n;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The task on the processor. */
  get current(): Task | null {
    return this.#current;
  }

  /** Whether another task could run now: then the present one should not keep the processor for itself. */
  get hasReady(): boolean {
    return this.#ready.length > 0;
  }

  /** A task that is ready to run: new, woken, or continued after a stop. In a stopped process it waits for that. */
  add(task: Task): void {
    if (task.process.stopSignal !== 0) {
      task.state = "stopped";
      return;
    }
    if (!this.#ready.includes(task)) this.#ready.push(task);
    this.#wakeLoop?.();
  }

  /** Parks a task until one of the wait's queues wakes, its deadline passes, or `notify` is called for it. */
  park(task: Task, wait: Wait<unknown>): void {
    const wake = (reason: WakeReason) => this.#wake(task, reason);
    const leave = wait.queues.map((queue) => queue.listen(() => wake("woken")));
    if (wait.deadline !== null) leave.push(this.#clock.setAlarm(wait.deadline, () => wake("timeout")));
    task.state = "waiting";
    task.voluntarySwitches++;
    this.#parked.set(task, { wait, leave });
    // What came while the call was under way did not find the task parked.
    if (task.attention && task.deliverable !== 0n) wake("signal");
  }

  #wake(task: Task, reason: WakeReason): void {
    const parked = this.#parked.get(task);
    if (parked === undefined) return;
    this.#parked.delete(task);
    for (const leave of parked.leave) leave();
    this.#reasons.set(task, reason);
    this.add(task);
  }

  /** sched_yield(2): whoever else could run now gets its turn first. */
  yield(): void {
    if (this.hasReady) this.#yielded = true;
  }

  /** Whether the running task must leave the processor; `now` is monotonic time. */
  isSliceOver(now: bigint): boolean {
    return this.#yielded || now >= this.sliceEnd;
  }

  /** The running task lets others go first. */
  get hasYielded(): boolean {
    return this.#yielded;
  }

  /** A signal (or its end) is there for the task: if it waits, it is asked again with "signal". */
  notify(task: Task): void {
    task.attention = true;
    this.#wake(task, "signal");
  }

  /** The task's process has stopped: one that is ready is held back, one that waits goes on waiting. */
  hold(task: Task): void {
    if (this.#parked.has(task)) return;
    const index = this.#ready.indexOf(task);
    if (index >= 0) this.#ready.splice(index, 1);
    task.state = "stopped";
  }

  /** The task's process goes on. */
  release(task: Task): void {
    if (task.state !== "stopped") return;
    task.state = "running";
    this.add(task);
  }

  /** Takes a task out of every list, because it has ended or stopped. */
  remove(task: Task): void {
    const parked = this.#parked.get(task);
    if (parked !== undefined) for (const leave of parked.leave) leave();
    this.#parked.delete(task);
    this.#reasons.delete(task);
    const index = this.#ready.indexOf(task);
    if (index >= 0) this.#ready.splice(index, 1);
  }

  /**
   * Books the processor time used since the last booking to the tasks that ran, in proportion to how long each did. To be
   * called before such a time is looked at; asking the host at each switch would cost more than the switch.
   */
  bookTime(): void {
    this.#share(this.#clock.monotonic());
    const now = this.#clock.threadTime();
    const user = now.user - this.#booked.user;
    const system = now.system - this.#booked.system;
    this.#booked = now;
    let total = 0n;
    for (const share of this.#shares.values()) total += share;
    for (const [task, share] of this.#shares) {
      if (this.#shares.size > 1 && total === 0n) break;
      task.userTime += this.#shares.size === 1 ? user : (user * share) / total;
      task.systemTime += this.#shares.size === 1 ? system : (system * share) / total;
    }
    this.#shares.clear();
  }

  /** The running task has been on the processor until now. */
  #share(now: bigint): void {
    const task = this.#current;
    if (task !== null) this.#shares.set(task, (this.#shares.get(task) ?? 0n) + now - this.#since);
    this.#since = now;
  }

  /** Makes `run` return at the next switch. */
  stop(): void {
    this.#stopRequested = true;
    this.#wakeLoop?.();
  }

  /** Runs all tasks until `stop` is called. Rejects with whatever the runner throws. */
  async run(runner: TaskRunner): Promise<void> {
    this.#stopRequested = false;
    try {
      while (!this.#stopRequested) {
        this.#turn(runner);
        if (this.#stopRequested) return;
        if (this.#ready.length > 0) await runner.yieldToHost();
        else await this.#idle(runner);
      }
    } finally {
      for (const task of [...this.#parked.keys()]) this.remove(task);
    }
  }

  /** Runs ready tasks, one after the other, for one slice of time together. */
  #turn(runner: TaskRunner): void {
    this.#booked = this.#clock.threadTime();
    this.#since = this.#clock.monotonic();
    try {
      this.#runReady(runner, this.#since + SLICE);
    } finally {
      this.bookTime();
    }
  }

  #runReady(runner: TaskRunner, end: bigint): void {
    do {
      const task = this.#ready.shift();
      if (task === undefined) return;
      this.sliceEnd = end;
      this.#current = task;
      this.#yielded = false;
      const reason = this.#reasons.get(task);
      this.#reasons.delete(task);
      try {
        if (reason !== undefined) {
          task.state = "running";
          runner.resume(task, reason);
        }
        if (isRunning(task) && !this.#stopRequested) runner.run(task);
      } finally {
        this.#share(this.#clock.monotonic());
        this.#current = null;
      }
      if (isRunning(task)) {
        task.involuntarySwitches++;
        if (!this.#ready.includes(task)) this.#ready.push(task);
      }
    } while (!this.#stopRequested && this.#since < end);
  }

  #idle(runner: TaskRunner): Promise<void> {
    const release = runner.keepAlive();
    return new Promise((resolve) => {
      this.#wakeLoop = () => {
        this.#wakeLoop = null;
        release();
        resolve();
      };
    });
  }
}

/** A function, since the state changes behind the compiler's back while the task runs. */
function isRunning(task: Task): boolean {
  return task.state === "running";
}
