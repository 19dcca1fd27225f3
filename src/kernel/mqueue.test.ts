import { beforeEach, expect, test } from "vitest";
import { Credentials } from "./credentials.ts";
import { Errno } from "./errno.ts";
import { O } from "./fs/flags.ts";
import { MILLISECOND, testKernel } from "./kernel.test-support.ts";
import type { TestKernel } from "./kernel.test-support.ts";
import { MessageQueueDescription, MqueueFs } from "./mqueue.ts";
import type { QueueRequest } from "./mqueue.ts";
import { signalBit } from "./signal.ts";
import { Wait } from "./wait.ts";

const user = new Credentials(1000, 1000, []);

let t: TestKernel;
let fs: MqueueFs;

const open = (name: string, changes: Partial<QueueRequest> = {}): MessageQueueDescription => {
  const request = { flags: O.RDWR | O.CREAT, mode: 0o600, size: null, credentials: user, limit: 819200, ...changes };
  const file = fs.openQueue(name, request);
  if (!(file instanceof MessageQueueDescription)) throw new Error("not a queue");
  file.retain();
  return file;
};

function outcome(run: () => unknown): unknown {
  try {
    const result = run();
    if (result instanceof Wait) return "waits";
    return result;
  } catch (error) {
    if (error instanceof Errno) return error.name;
    throw error;
  }
}

const never = (): null => null;
const message = (text: string, priority = 0) => ({ priority, bytes: Buffer.from(text) });

beforeEach(() => {
  t = testKernel();
  fs = new MqueueFs();
});

test("messages of the highest priority come first, in their order", () => {
  const queue = open("q");
  for (const [text, priority] of [
    ["a", 1],
    ["b", 5],
    ["c", 1],
    ["d", 5],
  ] as const)
    queue.send(t.task, message(text, priority), never);
  const all = Array.from({ length: 4 }, () => {
    const got = queue.receive(8192, never);
    return got instanceof Wait ? "waits" : Buffer.from(got.bytes).toString();
  });
  expect(all).toEqual(["b", "d", "a", "c"]);
});

test("a full queue makes the sender wait until there is room or the time is over", () => {
  const queue = open("q", { size: { messages: 1, bytes: 8 } });
  queue.send(t.task, message("1"), never);
  const wait = queue.send(t.task, message("2"), () => t.clock.now + MILLISECOND);
  if (!(wait instanceof Wait)) throw new Error("it does not wait");
  expect(wait.deadline).toBe(t.clock.now + MILLISECOND);
  expect(outcome(() => wait.resume("timeout"))).toBe("ETIMEDOUT");
  queue.receive(8, never);
  expect(outcome(() => wait.resume("woken"))).toBe(0);
  expect(queue.held).toBe(1);
});

test("somebody is notified of a message on an empty queue that nobody waits for, once", () => {
  const queue = open("q");
  const signal = t.number("SIGUSR1");
  const pending = () => (t.task.process.signals.pending & signalBit(signal)) !== 0n;
  queue.register(t.task.process, { signal, value: 1 });
  const wait = queue.receive(8192, never);
  queue.send(t.task, message("for the receiver"), never);
  expect(pending()).toBe(false);
  if (wait instanceof Wait) wait.resume("woken");
  queue.send(t.task, message("first"), never);
  expect(pending()).toBe(true);
  t.task.process.signals.discard(~0n);
  queue.receive(8192, never);
  queue.send(t.task, message("second"), never);
  expect(pending()).toBe(false);
  // Closing takes the registration away.
  queue.register(t.task.process, { signal, value: 1 });
  expect(outcome(() => queue.register(t.task.process, null))).toBe("EBUSY");
  const other = open("q");
  queue.release();
  expect(outcome(() => other.register(t.task.process, null))).toBe(undefined);
});

test("who may open a queue, how large it may be, and how many bytes a user may ask for", () => {
  open("q", { mode: 0o400 });
  expect(outcome(() => open("q", { flags: O.RDWR }))).toBe("EACCES");
  expect(outcome(() => open("q", { flags: O.RDONLY, credentials: new Credentials(7, 7, []) }))).toBe("EACCES");
  expect(outcome(() => open("q", { flags: O.RDONLY }) instanceof MessageQueueDescription)).toBe(true);
  expect(outcome(() => open("none", { flags: O.RDWR }))).toBe("ENOENT");
  expect(outcome(() => open("large", { size: { messages: 11, bytes: 1 } }))).toBe("EINVAL");
  expect(outcome(() => open("large", { size: { messages: 1, bytes: 8193 } }))).toBe("EINVAL");
  expect(outcome(() => open("more", { limit: 100_000 }))).toBe("EMFILE");
  expect(outcome(() => open("a/b"))).toBe("EACCES");
  for (let n = 0; n < 255; n++) open(`n${n}`, { size: { messages: 1, bytes: 1 } });
  expect(outcome(() => open("one too many"))).toBe("ENOSPC");
});
