import { expect, test } from "vitest";
import { errno } from "./errno.ts";
import { POLL } from "./fs/flags.ts";
import { Parked, testKernel } from "./kernel.test-support.ts";
import { sendToProcess } from "./signal-sending.ts";
import { signalBit } from "./signal.ts";
import { SI_QUEUE, SI_USER, userSignal } from "./siginfo.ts";
import { SIGNALFD_INFO, SignalFd } from "./signalfd.ts";

function setUp(littleEndian = true) {
  const kernel = testKernel();
  const [usr1, usr2] = [kernel.number("SIGUSR1"), kernel.number("SIGUSR2")];
  kernel.task.setBlocked(signalBit(usr1) | signalBit(usr2));
  const file = new SignalFd({ maker: kernel.task, set: signalBit(usr1), nonBlocking: false, littleEndian });
  file.retain();
  return { ...kernel, file, usr1, usr2 };
}

test("a read takes the pending signals of its set, each as 128 bytes, and leaves others", () => {
  const { file, task, usr1, usr2 } = setUp();
  sendToProcess(task.process, userSignal(usr2, SI_USER, 7, 1000));
  expect(file.poll()).toBe(0);
  sendToProcess(task.process, {
    signal: usr1,
    errno: 0,
    code: SI_QUEUE,
    fields: { kind: "queue", pid: 7, uid: 1000, value: -5 },
  });
  expect(file.poll()).toBe(POLL.IN | POLL.RDNORM);
  const bytes = new Uint8Array(3 * SIGNALFD_INFO);
  expect(file.read(bytes)).toBe(SIGNALFD_INFO);
  const view = new DataView(bytes.buffer);
  expect([0, 8, 12, 16, 44].map((at) => view.getInt32(at, true))).toEqual([usr1, SI_QUEUE, 7, 1000, -5]);
  expect(view.getBigInt64(48, true)).toBe(-5n);
  expect(task.process.signals.pending).toBe(signalBit(usr2));
});

test("a read waits for a signal of the set; another set may come meanwhile", () => {
  const { file, task, usr1, usr2 } = setUp(false);
  const bytes = new Uint8Array(SIGNALFD_INFO);
  const reader = new Parked(file.read(bytes));
  sendToProcess(task.process, userSignal(usr2, SI_USER, 7, 1000));
  expect(reader.result).toBeUndefined();
  file.set |= signalBit(usr2);
  sendToProcess(task.process, userSignal(usr1, SI_USER, 7, 1000));
  expect(reader.result).toBe(SIGNALFD_INFO);
  expect(new DataView(bytes.buffer).getUint32(0, false)).toBe(Math.min(usr1, usr2));
});

test("too little room, and a write, are EINVAL", () => {
  const { file } = setUp();
  expect(() => file.read(new Uint8Array(SIGNALFD_INFO - 1))).toThrow(errno.EINVAL.message);
  expect(() => file.write(new Uint8Array(SIGNALFD_INFO))).toThrow(errno.EINVAL.message);
});
