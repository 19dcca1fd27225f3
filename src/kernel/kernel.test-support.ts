/** A kernel for tests: a clock that only the test moves, and processes without memory or files. */
import type { AddressSpace } from "../memory/address-space.ts";
import type { GuestMemory } from "../memory/guest-memory.ts";
import { Credentials } from "./credentials.ts";
import type { FileTable } from "./fs/file-table.ts";
import type { FsContext } from "./fs/fs-context.ts";
import { Kernel } from "./kernel.ts";
import type { Clock } from "./kernel.ts";
import type { RunLimits } from "./limits.ts";
import { DEFAULT_ACTION } from "./signal-actions.ts";
import type { SignalAction } from "./signal-actions.ts";
import type { SignalName } from "./signal.ts";
import type { Task } from "./task.ts";
import { Wait, type WakeReason } from "./wait.ts";

export const MILLISECOND = 1_000_000n;

export class TestClock implements Clock {
  now = 1_000_000_000_000n;
  cpu = 0n;
  #alarms: { deadline: bigint; alarm: () => void }[] = [];

  monotonic(): bigint {
    return this.now;
  }
  realtime(): bigint {
    return this.now + 1_700_000_000_000_000_000n;
  }
  threadTime() {
    return { user: this.cpu, system: 0n };
  }
  setAlarm(deadline: bigint, alarm: () => void): () => void {
    const entry = { deadline, alarm };
    this.#alarms.push(entry);
    return () => {
      this.#alarms = this.#alarms.filter((other) => other !== entry);
    };
  }

  get armed(): number {
    return this.#alarms.length;
  }

  /** Lets time pass, in one go; alarms ring in their order, each at its own time. */
  advance(nanoseconds: bigint): void {
    const end = this.now + nanoseconds;
    for (;;) {
      const [next] = this.#alarms
        .filter((entry) => entry.deadline <= end)
        .sort((a, b) => Number(a.deadline - b.deadline));
      if (next === undefined) break;
      this.#alarms = this.#alarms.filter((entry) => entry !== next);
      if (next.deadline > this.now) this.now = next.deadline;
      next.alarm();
    }
    this.now = end;
  }

  /** Lets time pass with no chance for alarms in between, as while the host was busy. */
  jump(nanoseconds: bigint): void {
    this.now += nanoseconds;
    this.advance(0n);
  }
}

export interface TestKernel {
  readonly kernel: Kernel;
  readonly clock: TestClock;
  readonly task: Task;
  /** The number of a signal. */
  number(name: SignalName): number;
  /** Gives a signal a handler. */
  handle(name: SignalName, changes?: Partial<SignalAction>): void;
}

export const HANDLER = 0x400100;

export function testKernel(limits: RunLimits = {}): TestKernel {
  const clock = new TestClock();
  const kernel = new Kernel({ architecture: "mips", clock, limits });
  const parts = {
    space: {} as AddressSpace,
    memory: {} as GuestMemory,
    files: {} as FileTable,
    fs: {} as FsContext,
  };
  const task = kernel.createProcess(null, parts, 16, new Credentials(1000, 1000, []));
  const number = (name: SignalName) => kernel.signals.number(name);
  return {
    kernel,
    clock,
    task,
    number,
    handle: (name, changes = {}) =>
      task.process.actions.set(number(name), { ...DEFAULT_ACTION, handler: HANDLER, ...changes }),
  };
}

/** Runs a wait as the scheduler does: each wake-up of a queue asks again. */
export class Parked<T> {
  result: T | undefined;
  error: unknown;
  #wait: Wait<T> | null;
  readonly #stop: () => void;

  constructor(wait: T | Wait<T>) {
    if (!(wait instanceof Wait)) throw new Error("it does not wait");
    this.#wait = wait;
    const stops = wait.queues.map((queue) => queue.listen(() => this.resume("woken")));
    this.#stop = () => {
      for (const stop of stops) stop();
    };
  }

  get done(): boolean {
    return this.#wait === null;
  }

  get deadline(): bigint | null {
    return this.#wait?.deadline ?? null;
  }

  resume(reason: WakeReason): void {
    if (this.#wait === null) return;
    try {
      const result = this.#wait.resume(reason);
      if (result instanceof Wait) {
        this.#wait = result;
        return;
      }
      this.result = result;
    } catch (error) {
      this.error = error;
    }
    this.#wait = null;
    this.#stop();
  }
}
