import { expect, test } from "vitest";
import type { Kernel } from "./kernel.ts";
import { SLICE } from "./scheduler.ts";
import type { TaskRunner } from "./scheduler.ts";
import { nextDelivery } from "./signal-delivery.ts";
import { raiseInTask } from "./signal-sending.ts";
import type { Task } from "./task.ts";
import { MILLISECOND, TestClock, testKernel } from "./kernel.test-support.ts";
import { Wait, WaitQueue } from "./wait.ts";
import type { WakeReason } from "./wait.ts";

/** A runner whose tasks are generators: each yield is a wait, or null to use up the rest of the slice. */
class FakeRunner implements TaskRunner {
  readonly log: string[] = [];
  readonly #programs = new Map<Task, Iterator<Wait | null>>();
  readonly #waits = new Map<Task, Wait>();
  readonly #kernel: Kernel;
  readonly #clock: TestClock;
  kept = 0;

  constructor(kernel: Kernel, clock: TestClock) {
    this.#kernel = kernel;
    this.#clock = clock;
  }

  add(task: Task, program: Iterator<Wait | null>): void {
    this.#programs.set(task, program);
    this.#kernel.scheduler.add(task);
  }

  run(task: Task): void {
    const step = this.#programs.get(task)?.next();
    if (step === undefined || step.done === true) this.#kernel.endTask(task, 0);
    else if (step.value === null) this.#clock.now = this.#kernel.scheduler.sliceEnd;
    else this.#park(task, step.value);
  }

  #park(task: Task, wait: Wait): void {
    this.#waits.set(task, wait);
    this.#kernel.scheduler.park(task, wait);
  }

  resume(task: Task, reason: WakeReason): void {
    this.log.push(`${task.tid} ${reason}`);
    if (task.attention) nextDelivery(task);
    const wait = this.#waits.get(task);
    const result = wait?.resume(reason);
    if (result instanceof Wait) this.#park(task, result);
  }

  async yieldToHost(): Promise<void> {
    this.log.push("host");
    await Promise.resolve();
  }

  keepAlive(): () => void {
    this.kept++;
    return () => {
      this.kept--;
    };
  }
}

function setUp() {
  const test = testKernel();
  const { kernel, clock, task } = test;
  kernel.onProcessEnd = () => kernel.scheduler.stop();
  return { ...test, runner: new FakeRunner(kernel, clock), task, scheduler: kernel.scheduler };
}

test("a busy task lets the host in after each slice", async () => {
  const { runner, scheduler, task, clock } = setUp();
  const start = clock.now;
  runner.add(task, [null, null, null][Symbol.iterator]());
  await scheduler.run(runner);
  expect(runner.log).toEqual(["host", "host", "host"]);
  expect(clock.now - start).toBe(3n * SLICE);
});

test("a parked task is woken by its queue, its deadline, or a signal", async () => {
  const { runner, scheduler, task, clock, handle } = setUp();
  handle("SIGUSR1");
  const queue = new WaitQueue();
  const wait = (deadline: bigint | null) => new Wait<number>([queue], deadline, () => 0);
  runner.add(task, [wait(null), wait(clock.now + MILLISECOND), wait(null)][Symbol.iterator]());
  const done = scheduler.run(runner);
  expect(task.state).toBe("waiting");
  expect(runner.kept).toBe(1);
  queue.wake();
  await Promise.resolve();
  expect(runner.kept).toBe(1);
  clock.advance(MILLISECOND);
  await Promise.resolve();
  raiseInTask(task, "SIGUSR1");
  await done;
  expect(runner.log.filter((line) => line !== "host")).toEqual(["2 woken", "2 timeout", "2 signal"]);
  expect(runner.kept).toBe(0);
  expect(queue.hasWaiters).toBe(false);
  expect(clock.armed).toBe(0);
});

test("a wait that is not over is parked again", async () => {
  const { runner, scheduler, task } = setUp();
  const queue = new WaitQueue();
  let ready = false;
  const wait: Wait = new Wait<number>([queue], null, () => (ready ? 1 : wait));
  runner.add(task, [wait][Symbol.iterator]());
  const done = scheduler.run(runner);
  queue.wake();
  await Promise.resolve();
  expect(task.state).toBe("waiting");
  ready = true;
  queue.wake();
  await done;
  expect(runner.log.filter((line) => line !== "host")).toEqual(["2 woken", "2 woken"]);
});

test("a signal that came during the call itself wakes it at once", async () => {
  const { runner, scheduler, task, handle } = setUp();
  handle("SIGUSR1");
  function* program() {
    raiseInTask(task, "SIGUSR1");
    yield new Wait<number>([], null, () => 0);
  }
  runner.add(task, program());
  await scheduler.run(runner);
  expect(runner.log).toEqual(["2 signal"]);
});

test("processor time of a slice is shared by how long each task ran", async () => {
  const { runner, scheduler, kernel, task, clock } = setUp();
  const other = kernel.createThread(task.process, 0, task.credentials.clone(), "other");
  const queue = new WaitQueue();
  const seen: bigint[] = [];
  function* first() {
    clock.jump(1n * MILLISECOND);
    yield new Wait<number>([queue], null, () => 0);
    scheduler.bookTime();
    seen.push(task.userTime, other.userTime);
  }
  function* second(): Generator<Wait | null> {
    clock.jump(3n * MILLISECOND);
    clock.cpu += 2n * MILLISECOND;
    queue.wake();
  }
  runner.add(task, first());
  runner.add(other, second());
  await scheduler.run(runner);
  expect(seen).toEqual([MILLISECOND / 2n, (3n * MILLISECOND) / 2n]);
});

test("processor time goes to the task that used it", async () => {
  const { runner, scheduler, task, clock } = setUp();
  function* program() {
    clock.cpu += 5n * MILLISECOND;
    yield null;
    scheduler.bookTime();
    expect(task.userTime).toBe(5n * MILLISECOND);
    clock.cpu += 2n * MILLISECOND;
  }
  clock.cpu = 100n * MILLISECOND;
  runner.add(task, program());
  await scheduler.run(runner);
  expect(task.process.endedUserTime).toBe(7n * MILLISECOND);
});

test("an error of the runner ends the run and leaves nothing behind", async () => {
  const { runner, scheduler, task, clock } = setUp();
  function* program(): Generator<Wait | null> {
    yield new Wait<number>([], clock.now, () => {
      throw new Error("ours");
    });
  }
  runner.add(task, program());
  const done = scheduler.run(runner);
  clock.advance(0n);
  await expect(done).rejects.toThrow("ours");
  expect(clock.armed).toBe(0);
});
