import { describe, expect, test } from "vitest";
import { errno } from "../errno.ts";
import { Wait } from "../wait.ts";
import { OFD_PID, lockedFiles, releaseOwner, setRecordLock } from "./locks.ts";
import type { LockRequest } from "./locks.ts";

const [a, b, c] = [{}, {}, {}];
const request = (owner: object, pid = 2): LockRequest => ({ type: "write", start: 0, end: 10, owner, pid });
const waits = (result: unknown): Wait<number> => {
  if (!(result instanceof Wait)) throw new Error("it does not wait");
  return result as Wait<number>;
};
const release = () => {
  for (const file of ["f", "g", "h"]) for (const owner of [a, b, c]) releaseOwner(file, owner);
  expect(lockedFiles()).toBe(0);
};

describe("waiting for record locks", () => {
  test("a circle of processes is refused, whoever closes it", () => {
    setRecordLock("f", request(a), true);
    setRecordLock("g", request(b), true);
    setRecordLock("h", request(c), true);
    const first = waits(setRecordLock("g", request(a), true));
    const second = waits(setRecordLock("h", request(b), true));
    expect(() => setRecordLock("f", request(c), true)).toThrow(errno.EDEADLK.message);
    // Once one has given up, the circle is open.
    expect(() => second.resume("signal")).toThrow(errno.ERESTARTSYS.message);
    const third = waits(setRecordLock("f", request(c), true));
    releaseOwner("f", a);
    expect(third.resume("woken")).toBe(0);
    releaseOwner("g", b);
    expect(first.resume("woken")).toBe(0);
    release();
  });

  test("a waiter whose process ends is forgotten", () => {
    setRecordLock("f", request(a), true);
    setRecordLock("g", request(b), true);
    waits(setRecordLock("g", request(a), true)).abandon?.();
    waits(setRecordLock("f", request(b), true)).abandon?.();
    release();
  });

  test("locks of open file descriptions may wait in a circle", () => {
    setRecordLock("f", request(a, OFD_PID), true);
    setRecordLock("g", request(b, OFD_PID), true);
    waits(setRecordLock("g", request(a, OFD_PID), true));
    waits(setRecordLock("f", request(b, OFD_PID), true));
    release();
  });
});
