import { expect, test } from "vitest";
import { LIMIT_ROWS } from "./limits.ts";
import { ROOM, testCalls } from "./call.test-support.ts";

const NOBODY = 12345;

test("init's scheduling can be asked for, though it is no task here; nobody's cannot", () => {
  const calls = testCalls(LIMIT_ROWS);
  const init = calls.kernel.init.pid;
  expect(calls.call("sched_getscheduler", init)).toBe(0);
  expect(calls.call("sched_getparam", init, ROOM)).toBe(0);
  expect(calls.call("sched_getscheduler", NOBODY)).toBe("ESRCH");
  expect(calls.call("sched_getscheduler", -1)).toBe("EINVAL");
});

test("sched_getaffinity says EINVAL of a mask that is too small only: programs try again with a larger one", () => {
  const calls = testCalls(LIMIT_ROWS);
  expect(calls.call("sched_getaffinity", 0, 4, ROOM)).toBe(4);
  expect(calls.memory.readU32(ROOM)).toBe(1);
  expect(calls.call("sched_getaffinity", 0, 0, ROOM)).toBe("EINVAL");
  expect(calls.call("sched_getaffinity", -1, 128, ROOM)).toBe("ESRCH");
});

test("limits of nobody, and of a negative process number, are ESRCH", () => {
  const calls = testCalls(LIMIT_ROWS);
  const limit = (pid: number) => calls.call("prlimit64", pid, 9, 0, ROOM);
  expect([limit(NOBODY), limit(-1), limit(0)]).toEqual(["ESRCH", "ESRCH", 0]);
});
