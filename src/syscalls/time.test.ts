import { expect, test } from "vitest";
import { Wait } from "../kernel/wait.ts";
import { MILLISECOND } from "../kernel/kernel.test-support.ts";
import { ROOM, resume, testCalls } from "./call.test-support.ts";
import { TIME_ROWS } from "./time.ts";

const setUp = () => testCalls(TIME_ROWS);
type Calls = ReturnType<typeof setUp>;
const [A, B] = [ROOM, ROOM + 64];

const put = ({ memory }: Calls, address: number, ...words: readonly number[]) =>
  words.forEach((word, index) => memory.writeU32(address + 4 * index, word));
const read = ({ memory }: Calls, address: number, count: number) =>
  Array.from({ length: count }, (_, index) => memory.readS32(address + 4 * index));

test("clocks, in both time ABIs", () => {
  const calls = setUp();
  calls.clock.now = 5_000_000_123n;
  expect(calls.call("clock_gettime", 1, A)).toBe(0);
  expect(read(calls, A, 2)).toEqual([5, 123]);
  expect(calls.call("clock_gettime64", 1, A)).toBe(0);
  expect(read(calls, A, 4)).toEqual([5, 0, 123, 0]);
  expect(calls.call("clock_gettime", 0, A)).toBe(0);
  expect(read(calls, A, 2)).toEqual([1_700_000_005, 123]);
  // COARSE clocks stand still for 4 ms.
  expect(calls.call("clock_gettime", 6, A)).toBe(0);
  expect(read(calls, A, 2)).toEqual([5, 0]);
  expect(calls.call("clock_getres", 6, A)).toBe(0);
  expect(read(calls, A, 2)).toEqual([0, 4_000_000]);
  expect(calls.call("clock_getres", 1, 0)).toBe(0);
  for (const id of [10, 12, -1]) expect(calls.call("clock_gettime", id, A)).toBe("EINVAL");
  expect(calls.call("clock_gettime", 1, 0)).toBe("EFAULT");
});

test("processor time, by clock ids that pthreads make too", () => {
  const calls = setUp();
  calls.task.userTime = 3_000_000_000n;
  calls.task.systemTime = 1_000_000_007n;
  const { tid } = calls.task;
  for (const id of [2, 3, (~tid << 3) | 2, (~tid << 3) | 6]) {
    expect(calls.call("clock_gettime", id, A)).toBe(0);
    expect(read(calls, A, 2)).toEqual([4, 7]);
  }
  expect(calls.call("clock_gettime", (~999 << 3) | 2, A)).toBe("EINVAL");
  expect(calls.call("times", A)).toBe(Number(calls.clock.now / 10_000_000n));
  expect(read(calls, A, 4)).toEqual([300, 100, 0, 0]);
});

test("gettimeofday and time round down", () => {
  const calls = setUp();
  calls.clock.now = 1_999_999_999n;
  expect(calls.call("gettimeofday", A, B)).toBe(0);
  expect(read(calls, A, 2)).toEqual([1_700_000_001, 999_999]);
  expect(calls.call("time", A)).toBe(1_700_000_001);
  expect(read(calls, A, 1)).toEqual([1_700_000_001]);
});

test("nobody sets the clock", () => {
  const calls = setUp();
  put(calls, A, 1, 1);
  expect(calls.call("clock_settime", 0, A)).toBe("EPERM");
  expect(calls.call("clock_settime", 1, A)).toBe("EINVAL");
  expect(calls.call("settimeofday", A, 0)).toBe("EPERM");
  expect(calls.call("adjtimex", A)).toBe("EPERM");
  put(calls, A, 0);
  expect(calls.call("adjtimex", A)).toBe(5);
});

test("an interrupted nanosleep tells what is left", () => {
  const calls = setUp();
  put(calls, A, 2, 500);
  const wait = calls.call("nanosleep", A, B);
  calls.clock.now += 500_000_000n;
  expect(resume(wait, "woken")).toBe(wait);
  expect(resume(wait, "signal")).toBe("ERESTART_RESTARTBLOCK");
  expect(read(calls, B, 2)).toEqual([1, 500_000_500]);
  calls.clock.now += 2_000_000_000n;
  expect(resume(wait, "timeout")).toBe(0);
});

test("times out of range are refused", () => {
  const calls = setUp();
  for (const [seconds, nanoseconds] of [
    [-1, 0],
    [0, -1],
    [0, 1_000_000_000],
  ] as const) {
    put(calls, A, seconds, nanoseconds);
    expect(calls.call("nanosleep", A, 0)).toBe("EINVAL");
  }
  put(calls, A, 0, 0, 0, 1_000_000);
  expect(calls.call("setitimer", 0, A, 0)).toBe("EINVAL");
  expect(calls.call("setitimer", 3, A, 0)).toBe("EINVAL");
});

test("clock_nanosleep until a point: past, wall clock, processor time", () => {
  const calls = setUp();
  put(calls, A, 1, 0);
  expect(calls.call("clock_nanosleep", 1, 1, A, B)).toBe(0);
  const target = calls.clock.realtime() + 2n * MILLISECOND;
  put(calls, A, Number(target / 1_000_000_000n), Number(target % 1_000_000_000n));
  const wait = calls.call("clock_nanosleep", 0, 1, A, B);
  expect(wait).toMatchObject({ deadline: calls.clock.now + 2n * MILLISECOND });
  expect(resume(wait, "signal")).toBe("ERESTARTNOHAND");
  expect(calls.call("clock_nanosleep", 3, 0, A, B)).toBe("EINVAL");
  expect(calls.call("clock_nanosleep", 4, 0, A, B)).toBe("EOPNOTSUPP");
  put(calls, A, 0, 5_000_000);
  const cpu = calls.call("clock_nanosleep", 2, 0, A, B);
  calls.clock.now += 10n * MILLISECOND;
  expect(resume(cpu, "timeout")).toBeInstanceOf(Wait);
  calls.task.userTime += 5n * MILLISECOND;
  expect(resume(cpu, "timeout")).toBe(0);
});

test("alarm rounds to seconds but never to 0", () => {
  const calls = setUp();
  expect(calls.call("alarm", 10)).toBe(0);
  calls.clock.advance(400n * MILLISECOND);
  expect(calls.call("alarm", 1)).toBe(10);
  calls.clock.advance(900n * MILLISECOND);
  expect(calls.call("alarm", 0)).toBe(1);
  expect(calls.call("alarm", 0)).toBe(0);
});

test("interval timers show the time left, rounded up", () => {
  const calls = setUp();
  put(calls, A, 0, 250, 1, 1);
  expect(calls.call("setitimer", 0, A, B)).toBe(0);
  expect(read(calls, B, 4)).toEqual([0, 0, 0, 0]);
  calls.clock.advance(500n);
  expect(calls.call("getitimer", 0, B)).toBe(0);
  expect(read(calls, B, 4)).toEqual([0, 250, 1, 1]);
});

test("POSIX timers by id", () => {
  const calls = setUp();
  expect(calls.call("timer_create", 1, 0, A)).toBe(0);
  expect(calls.call("timer_create", 1, 0, A + 4)).toBe(0);
  expect(read(calls, A, 2)).toEqual([0, 1]);
  put(calls, B, 0, 0, 3, 7);
  expect(calls.call("timer_settime", 1, 0, B, A)).toBe(0);
  expect(calls.call("timer_gettime64", 1, A)).toBe(0);
  expect(read(calls, A, 8)).toEqual([0, 0, 0, 0, 3, 0, 7, 0]);
  expect(calls.call("timer_getoverrun", 1)).toBe(0);
  expect(calls.call("timer_delete", 1)).toBe(0);
  expect(calls.call("timer_delete", 1)).toBe("EINVAL");
  put(calls, A, 0, 99, 99, 0);
  expect(calls.call("timer_create", 1, A, B)).toBe("EINVAL");
  expect(calls.call("timer_create", 4, 0, B)).toBe("EOPNOTSUPP");
});
