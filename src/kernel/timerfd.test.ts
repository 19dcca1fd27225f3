import { describe, expect, test } from "vitest";
import { errno } from "./errno.ts";
import { POLL } from "./fs/flags.ts";
import { MILLISECOND, TestClock } from "./kernel.test-support.ts";
import { TimerFd } from "./timerfd.ts";
import { Wait } from "./wait.ts";

function timer(nonBlocking = true) {
  const clock = new TestClock();
  const file = new TimerFd({ clock, kind: "monotonic", clockId: 1, nonBlocking, littleEndian: true });
  file.retain();
  const read = (): bigint => {
    const bytes = new BigUint64Array(1);
    const count = file.read(new Uint8Array(bytes.buffer));
    if (count !== 8) throw new Error("it waits");
    return bytes[0] ?? 0n;
  };
  return { clock, file, read };
}

describe("timerfd", () => {
  test("counts expirations, and forgets them when it is set again", () => {
    const { clock, file, read } = timer();
    file.setTime({ value: 10n * MILLISECOND, interval: 5n * MILLISECOND }, false);
    expect(read).toThrow(errno.EAGAIN.message);
    clock.advance(26n * MILLISECOND);
    expect(file.poll() & POLL.IN).toBe(POLL.IN);
    expect(read()).toBe(4n);
    expect(file.getTime()).toEqual({ value: 4n * MILLISECOND, interval: 5n * MILLISECOND });
    clock.advance(5n * MILLISECOND);
    file.setTime({ value: 0n, interval: 0n }, false);
    expect(file.poll()).toBe(0);
  });

  test("an absolute time that has passed expires at once", () => {
    const { clock, file, read } = timer();
    file.setTime({ value: clock.monotonic() - 1n, interval: 0n }, true);
    expect(read()).toBe(1n);
    expect(file.getTime()).toEqual({ value: 0n, interval: 0n });
  });

  test("a reader waits, and is woken", () => {
    const { clock, file } = timer(false);
    file.setTime({ value: 3n * MILLISECOND, interval: 0n }, false);
    const bytes = new Uint8Array(8);
    const wait = file.read(bytes);
    if (!(wait instanceof Wait)) throw new Error("it did not wait");
    let woken = 0;
    wait.queues[0]?.listen(() => woken++);
    clock.advance(2n * MILLISECOND);
    expect(woken).toBe(0);
    clock.advance(1n * MILLISECOND);
    expect(woken).toBe(1);
    expect(wait.resume("woken")).toBe(8);
    expect([...bytes]).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
  });

  test("an interval of a nanosecond rings once until it is read, and never after it is closed", () => {
    const { clock, file, read } = timer();
    file.setTime({ value: 1n, interval: 1n }, false);
    clock.advance(1n);
    expect(clock.armed).toBe(0);
    expect(read()).toBe(1n);
    expect(clock.armed).toBe(1);
    file.release();
    expect(clock.armed).toBe(0);
  });
});
