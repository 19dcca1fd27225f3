import { expect, test } from "vitest";
import { nextDelivery } from "./signal-delivery.ts";
import type { TimerNotice } from "./timers.ts";
import { MILLISECOND, testKernel } from "./kernel.test-support.ts";
import { signalBit } from "./signal.ts";

test("alarm rings once, at its time and not before", () => {
  const { clock, task, handle } = testKernel();
  handle("SIGALRM");
  const timer = task.process.timers.interval("real");
  timer.set({ value: 10n * MILLISECOND, interval: 0n });
  clock.advance(10n * MILLISECOND - 1n);
  expect(nextDelivery(task)).toBeNull();
  expect(timer.get()).toEqual({ value: 1n, interval: 0n });
  clock.advance(1n);
  expect(nextDelivery(task)?.info.signal).toBe(14);
  expect(timer.get()).toEqual({ value: 0n, interval: 0n });
  expect(clock.armed).toBe(0);
});

test("an interval keeps its beat although the host was late", () => {
  const { clock, task, handle } = testKernel();
  handle("SIGALRM");
  const timer = task.process.timers.interval("real");
  timer.set({ value: 10n * MILLISECOND, interval: 10n * MILLISECOND });
  clock.jump(37n * MILLISECOND);
  expect(nextDelivery(task)?.info.signal).toBe(14);
  expect(nextDelivery(task)).toBeNull();
  expect(timer.get().value).toBe(3n * MILLISECOND);
});

test("setting returns what was left, and 0 disarms", () => {
  const { clock, task } = testKernel();
  const timer = task.process.timers.interval("real");
  timer.set({ value: 10n * MILLISECOND, interval: 5n });
  clock.advance(4n * MILLISECOND);
  expect(timer.set({ value: 0n, interval: 0n })).toEqual({ value: 6n * MILLISECOND, interval: 5n });
  expect(clock.armed).toBe(0);
});

test("a POSIX timer counts what it missed as overruns of one pending signal", () => {
  const { clock, task, number, handle } = testKernel();
  handle("SIGUSR1");
  task.setBlocked(signalBit(number("SIGUSR1")));
  const { timers } = task.process;
  const notice = (): TimerNotice => ({ kind: "signal", signal: number("SIGUSR1"), value: 99, task: null });
  const id = timers.create("monotonic", null, notice);
  timers.get(id).timer.set({ value: MILLISECOND, interval: MILLISECOND });
  clock.jump(3n * MILLISECOND);
  clock.advance(2n * MILLISECOND);
  task.setBlocked(0n);
  expect(nextDelivery(task)?.info).toMatchObject({
    code: -3,
    fields: { kind: "timer", timer: id, overrun: 4, value: 99 },
  });
  expect(nextDelivery(task)).toBeNull();
  expect(timers.get(id).overrun).toBe(4);
  timers.delete(id);
  expect(clock.armed).toBe(0);
  expect(() => timers.get(id)).toThrow(expect.objectContaining({ name: "EINVAL" }));
});

test("an absolute time in the past rings at once; the wall clock can be used", () => {
  const { clock, task, handle, number } = testKernel();
  handle("SIGUSR1");
  const notice = (): TimerNotice => ({ kind: "signal", signal: number("SIGUSR1"), value: 0, task });
  const { timers } = task.process;
  const past = timers.create("monotonic", null, notice);
  timers.get(past).timer.set({ value: 1n, interval: 0n }, true);
  clock.advance(0n);
  expect(nextDelivery(task)?.info.signal).toBe(16);
  const wall = timers.create("realtime", null, notice);
  timers.get(wall).timer.set({ value: clock.realtime() + 5n, interval: 0n }, true);
  clock.advance(4n);
  expect(nextDelivery(task)).toBeNull();
  clock.advance(1n);
  expect(nextDelivery(task)?.info.signal).toBe(16);
});

test("a timer on processor time waits for processor time", () => {
  const { clock, task, handle } = testKernel();
  handle("SIGPROF");
  task.process.timers.interval("profile").set({ value: 10n * MILLISECOND, interval: 0n });
  clock.advance(50n * MILLISECOND);
  expect(nextDelivery(task)).toBeNull();
  task.userTime += 10n * MILLISECOND;
  clock.advance(10n * MILLISECOND);
  expect(nextDelivery(task)?.info.signal).toBe(29);
});

test("nothing rings after the end", () => {
  const { clock, kernel, task } = testKernel();
  task.process.timers.interval("real").set({ value: 1n, interval: 1n });
  kernel.endProcess(task.process, { kind: "exited", code: 0 });
  expect(clock.armed).toBe(0);
});
