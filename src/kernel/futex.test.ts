import { expect, test } from "vitest";
import { errno } from "./errno.ts";
import { FUTEX_BITSET_MATCH_ANY, FutexTable } from "./futex.ts";
import { Wait } from "./wait.ts";

const never = () => {
  throw errno.ERESTARTSYS;
};

test("wakes as many as asked, in order, by bitset; and forgets who gave up", () => {
  const table = new FutexTable();
  const space = {};
  const wait = (address: number, bitset = FUTEX_BITSET_MATCH_ANY) =>
    table.wait({ space, address }, bitset, null, never);
  const [a, b, c] = [wait(16, 1), wait(16, 2), wait(16, 1)];
  expect(table.wake({ space: {}, address: 16 }, 9, FUTEX_BITSET_MATCH_ANY)).toBe(0);
  expect(table.wake({ space, address: 20 }, 9, FUTEX_BITSET_MATCH_ANY)).toBe(0);
  expect(table.wake({ space, address: 16 }, 1, 3)).toBe(1);
  expect(a?.resume("woken")).toBe(0);
  expect(b?.resume("woken")).toBeInstanceOf(Wait);
  expect(table.wake({ space, address: 16 }, 9, 1)).toBe(1);
  expect(c?.resume("signal")).toBe(0);
  expect(() => b?.resume("timeout")).toThrow(expect.objectContaining({ name: "ETIMEDOUT" }));
  expect(table.isEmpty).toBe(true);
});

test("requeue moves waiters to another address", () => {
  const table = new FutexTable();
  const space = {};
  const waits = [1, 2, 3].map(() => table.wait({ space, address: 16 }, FUTEX_BITSET_MATCH_ANY, null, never));
  expect(table.requeue({ space, address: 16 }, { space, address: 32 }, 1, 1)).toEqual({ woken: 1, moved: 1 });
  expect(table.wake({ space, address: 32 }, 9, FUTEX_BITSET_MATCH_ANY)).toBe(1);
  expect(waits[1]?.resume("woken")).toBe(0);
  expect(() => waits[2]?.resume("signal")).toThrow(expect.objectContaining({ name: "ERESTARTSYS" }));
  expect(table.isEmpty).toBe(true);
});
