import { expect, test } from "vitest";
import { testKernel } from "../kernel/kernel.test-support.ts";
import { DEFAULT_ACTION } from "../kernel/signal-actions.ts";
import { WaitQueue } from "../kernel/wait.ts";
import { needsPrecision } from "./processor.ts";

test("a child of vfork that drops the handler of faults does not drop its parent's code", () => {
  const { task, handle, number } = testKernel();
  const { process } = task;
  expect(needsPrecision(process, false)).toBe(false);
  expect(needsPrecision(process, true)).toBe(false);
  handle("SIGSEGV");
  expect(needsPrecision(process, false)).toBe(true);
  process.actions.set(number("SIGSEGV"), DEFAULT_ACTION);
  process.vforkDone = new WaitQueue();
  expect([needsPrecision(process, true), needsPrecision(process, false)]).toEqual([true, false]);
  process.releaseVfork();
  expect(needsPrecision(process, true)).toBe(false);
});
