import { describe, expect, test } from "vitest";
import { Epoll, EPOLL } from "./epoll.ts";
import { errno } from "./errno.ts";
import { createEventFd } from "./eventfd.ts";
import type { FileDescription } from "./fs/file-description.ts";
import { O, POLL } from "./fs/flags.ts";
import { createPipe } from "./pipe.ts";
import { Wait } from "./wait.ts";

const eventfd = (initial: number, semaphore = false): FileDescription => {
  const file = createEventFd({ initial, semaphore, nonBlocking: true, littleEndian: true });
  file.retain();
  return file;
};
const number = (value: bigint): Uint8Array => new Uint8Array(new BigUint64Array([value]).buffer);
const readNumber = (file: FileDescription): bigint => {
  const bytes = new Uint8Array(8);
  expect(file.read(bytes)).toBe(8);
  return new BigUint64Array(bytes.buffer)[0]!;
};
const thrown = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return error;
  }
  return null;
};

describe("eventfd", () => {
  test("a read takes all, of a semaphore one", () => {
    const plain = eventfd(3);
    expect(plain.write(number(4n))).toBe(8);
    expect(readNumber(plain)).toBe(7n);
    expect(thrown(() => plain.read(new Uint8Array(8)))).toBe(errno.EAGAIN);
    const semaphore = eventfd(2, true);
    expect([readNumber(semaphore), readNumber(semaphore)]).toEqual([1n, 1n]);
    expect(semaphore.poll() & POLL.IN).toBe(0);
  });

  test("the counter never overflows", () => {
    const file = eventfd(1);
    expect(thrown(() => file.write(number(0xffff_ffff_ffff_ffffn)))).toBe(errno.EINVAL);
    expect(thrown(() => file.write(number(0xffff_ffff_ffff_fffen)))).toBe(errno.EAGAIN);
    expect(thrown(() => file.write(new Uint8Array(7)))).toBe(errno.EINVAL);
    expect(readNumber(file)).toBe(1n);
  });

  test("big-endian guests read big-endian numbers", () => {
    const file = createEventFd({ initial: 0x102, semaphore: false, nonBlocking: true, littleEndian: false });
    const bytes = new Uint8Array(8);
    file.read(bytes);
    expect([...bytes]).toEqual([0, 0, 0, 0, 0, 0, 1, 2]);
  });
});

describe("epoll", () => {
  test("EPOLLEXCLUSIVE is for plain reading and writing, not for epolls, and stays", () => {
    const [epoll, other, file] = [new Epoll(), new Epoll(), eventfd(1)];
    expect(thrown(() => epoll.add(6, other, EPOLL.EXCLUSIVE | POLL.IN, 0n))).toBe(errno.EINVAL);
    expect(thrown(() => epoll.add(5, file, EPOLL.EXCLUSIVE | EPOLL.ONESHOT | POLL.IN, 0n))).toBe(errno.EINVAL);
    expect(thrown(() => epoll.add(5, file, EPOLL.EXCLUSIVE | POLL.PRI, 0n))).toBe(errno.EINVAL);
    epoll.add(6, other, POLL.IN, 0n);
    epoll.add(5, file, EPOLL.EXCLUSIVE | EPOLL.ET | POLL.IN, 7n);
    expect(thrown(() => epoll.modify(5, file, POLL.IN, 0n))).toBe(errno.EINVAL);
    expect(epoll.collect(9)).toEqual([{ events: POLL.IN, data: 7n }]);
  });

  test("a description that is watched no more keeps nothing of the epoll", () => {
    const file = eventfd(0);
    const onRelease = file.onRelease.bind(file);
    let listeners = 0;
    file.onRelease = (listener) => {
      const undo = onRelease(listener);
      listeners++;
      return () => {
        listeners--;
        undo();
      };
    };
    const epoll = new Epoll();
    epoll.retain();
    for (let n = 0; n < 3; n++) {
      epoll.add(5, file, POLL.IN, 0n);
      epoll.delete(5, file);
    }
    expect(listeners).toBe(0);
    epoll.add(5, file, POLL.IN, 0n);
    epoll.release();
    expect(listeners).toBe(0);
  });

  test("level-triggered entries report while something is there", () => {
    const file = eventfd(1);
    const epoll = new Epoll();
    epoll.add(5, file, POLL.IN, 77n);
    expect(epoll.collect(10)).toEqual([{ events: POLL.IN, data: 77n }]);
    expect(epoll.collect(10)).toHaveLength(1);
    readNumber(file);
    expect(epoll.collect(10)).toEqual([]);
  });

  test("edge-triggered entries report a change once", () => {
    const file = eventfd(1);
    const epoll = new Epoll();
    epoll.add(5, file, POLL.IN | EPOLL.ET, 1n);
    expect(epoll.collect(10)).toHaveLength(1);
    expect(epoll.collect(10)).toEqual([]);
    file.write(number(1n));
    expect(epoll.collect(10)).toHaveLength(1);
    expect(epoll.collect(10)).toEqual([]);
  });

  test("one-shot entries wait to be armed again", () => {
    const file = eventfd(1);
    const epoll = new Epoll();
    epoll.add(5, file, POLL.IN | EPOLL.ONESHOT, 1n);
    expect(epoll.collect(10)).toHaveLength(1);
    file.write(number(1n));
    expect(epoll.collect(10)).toEqual([]);
    epoll.modify(5, file, POLL.IN | EPOLL.ONESHOT, 2n);
    expect(epoll.collect(10)).toEqual([{ events: POLL.IN, data: 2n }]);
  });

  test("a wait ends with the event, the time or a signal", () => {
    const { reader, writer } = createPipe(O.NONBLOCK);
    const epoll = new Epoll();
    epoll.add(3, reader, POLL.IN, 9n);
    const wait = epoll.wait(4, 100n, false) as Wait<unknown>;
    expect(wait).toBeInstanceOf(Wait);
    expect(wait.deadline).toBe(100n);
    let woken = 0;
    wait.queues[0]!.listen(() => woken++);
    writer.write(new Uint8Array([1]));
    expect(woken).toBeGreaterThan(0);
    expect(wait.resume("woken")).toEqual([{ events: POLL.IN, data: 9n }]);
    reader.read(new Uint8Array(1));
    expect(wait.resume("woken")).toBe(wait);
    expect(wait.resume("timeout")).toEqual([]);
    expect(thrown(() => wait.resume("signal"))).toBe(errno.EINTR);
    expect(epoll.wait(4, null, true)).toEqual([]);
  });

  test("everyone gets a turn", () => {
    const epoll = new Epoll();
    for (let n = 0; n < 3; n++) epoll.add(n, eventfd(1), POLL.IN, BigInt(n));
    const order = [0, 1, 2, 3].map(() => epoll.collect(1)[0]!.data);
    expect(order).toEqual([0n, 1n, 2n, 0n]);
  });

  test("mistakes", () => {
    const file = eventfd(0);
    const epoll = new Epoll();
    epoll.add(5, file, POLL.IN, 0n);
    expect(thrown(() => epoll.add(5, file, POLL.IN, 0n))).toBe(errno.EEXIST);
    epoll.add(6, file, POLL.OUT, 0n);
    epoll.delete(6, file);
    expect(thrown(() => epoll.delete(6, file))).toBe(errno.ENOENT);
    expect(thrown(() => epoll.add(7, epoll, POLL.IN, 0n))).toBe(errno.EINVAL);
    const outer = new Epoll();
    outer.add(8, epoll, POLL.IN, 0n);
    expect(thrown(() => epoll.add(9, outer, POLL.IN, 0n))).toBe(errno.ELOOP);
  });

  test("a closed description leaves", () => {
    const file = eventfd(1);
    const epoll = new Epoll();
    epoll.add(5, file, POLL.IN, 0n);
    file.release();
    expect(epoll.collect(10)).toEqual([]);
    expect(thrown(() => epoll.delete(5, file))).toBe(errno.ENOENT);
  });

  test("an epoll can be waited for by another", () => {
    const file = eventfd(0);
    const inner = new Epoll();
    const outer = new Epoll();
    inner.add(5, file, POLL.IN, 1n);
    outer.add(6, inner, POLL.IN, 2n);
    expect(outer.collect(1)).toEqual([]);
    file.write(number(1n));
    expect(outer.collect(1)).toEqual([{ events: POLL.IN, data: 2n }]);
  });
});
