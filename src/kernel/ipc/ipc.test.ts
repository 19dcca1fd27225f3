import { describe, expect, test } from "vitest";
import { Errno, errno } from "../errno.ts";
import type { Process } from "../process.ts";
import { Wait } from "../wait.ts";
import { Credentials } from "../credentials.ts";
import { Ipc } from "./index.ts";
import { IPC, IPC_PRIVATE } from "./objects.ts";
import type { IpcCaller } from "./objects.ts";

const clock = { realtime: () => 1_700_000_000_000_000_000n };
const me: IpcCaller = { pid: 2, credentials: new Credentials(1000, 1000, []) };
const other: IpcCaller = { pid: 3, credentials: new Credentials(1001, 1001, [1000]) };
const root: IpcCaller = { pid: 4, credentials: new Credentials(0, 0, []) };
const process = (pid: number) => ({ pid }) as Process;
const NEW = IPC.CREAT | 0o600;

function failure(act: () => unknown): Errno {
  try {
    act();
  } catch (error) {
    if (error instanceof Errno) return error;
    throw error;
  }
  throw new Error("it did not fail");
}
function waiting<T>(result: T | Wait<T>): Wait<T> {
  if (!(result instanceof Wait)) throw new Error("it did not wait");
  return result;
}

describe("identifiers", () => {
  test("a removed one stays invalid when its place is taken again", () => {
    const { messageQueues: queues } = new Ipc(clock);
    const first = queues.get(IPC_PRIVATE, NEW, me);
    queues.remove(queues.table.find(first), me);
    const second = queues.get(IPC_PRIVATE, NEW, me);
    expect(second).not.toBe(first);
    expect(failure(() => queues.table.find(first))).toBe(errno.EINVAL);
    expect(failure(() => queues.table.find(-1))).toBe(errno.EINVAL);
    expect(queues.table.at(0).id).toBe(second);
  });

  test("permissions: owner, group, others, root", () => {
    const { messageQueues: queues } = new Ipc(clock);
    const id = queues.get(7, IPC.CREAT | 0o640, me);
    expect(queues.get(7, 0o600, me)).toBe(id);
    expect(queues.get(7, 0o400, other)).toBe(id);
    expect(failure(() => queues.get(7, 0o600, other))).toBe(errno.EACCES);
    expect(queues.get(7, 0o600, root)).toBe(id);
    expect(failure(() => queues.remove(queues.table.find(id), other))).toBe(errno.EPERM);
  });
});

describe("shared memory", () => {
  test("counts attachments, and goes with the last one", () => {
    const { sharedMemory: memory } = new Ipc(clock);
    const id = memory.get(5, 5000, NEW, me);
    const one = memory.attach(id, false, false, me);
    const two = memory.attach(id, true, false, me);
    one.retain();
    two.retain();
    expect(one.size).toBe(8192);
    one.write?.(new Uint8Array([1, 2, 3]), 4999);
    const bytes = new Uint8Array(3);
    expect(two.read(bytes, 4999)).toBe(3);
    expect([...bytes]).toEqual([1, 2, 3]);
    expect(two.write).toBeUndefined();
    memory.remove(memory.table.find(id), me);
    expect(failure(() => memory.get(5, 0, 0, me))).toBe(errno.ENOENT);
    one.release();
    expect(memory.table.find(id).attachments).toBe(1);
    two.release();
    expect(failure(() => memory.table.find(id))).toBe(errno.EINVAL);
  });

  test("a run's memory is limited, and comes back", () => {
    const { sharedMemory: memory } = new Ipc(clock, 10 * 4096);
    const id = memory.get(IPC_PRIVATE, 8 * 4096, NEW, me);
    expect(failure(() => memory.get(IPC_PRIVATE, 3 * 4096, NEW, me))).toBe(errno.ENOMEM);
    memory.remove(memory.table.find(id), me);
    memory.get(IPC_PRIVATE, 10 * 4096, NEW, me);
  });
});

describe("semaphores", () => {
  const down = { index: 0, change: -1, noWait: false, undo: false };
  const up = { ...down, change: 1 };

  test("all operations or none; one waits for another", () => {
    const { semaphores } = new Ipc(clock);
    const id = semaphores.get(IPC_PRIVATE, 2, NEW, me);
    const set = semaphores.table.find(id);
    const both = [{ ...up, index: 1 }, down];
    const wait = waiting(semaphores.operate(id, both, null, process(2), me));
    expect([...set.values]).toEqual([0, 0]);
    expect([set.waiters(0, false), set.waiters(0, true), set.waiters(1, false)]).toEqual([1, 0, 0]);
    expect(wait.resume("woken")).toBe(wait);
    let woken = 0;
    set.queue.listen(() => woken++);
    expect(semaphores.operate(id, [up], null, process(3), root)).toBe(0);
    expect(woken).toBe(1);
    expect(wait.resume("woken")).toBe(0);
    expect([...set.values]).toEqual([0, 1]);
    expect([...set.pids]).toEqual([2, 2]);
    expect(set.waiters(0, false)).toBe(0);
  });

  test("ends of a wait", () => {
    const { semaphores } = new Ipc(clock);
    const id = semaphores.get(IPC_PRIVATE, 1, NEW, me);
    const wait = () => waiting(semaphores.operate(id, [down], null, process(2), me));
    expect(failure(() => wait().resume("signal"))).toBe(errno.EINTR);
    expect(failure(() => wait().resume("timeout"))).toBe(errno.EAGAIN);
    wait().abandon?.();
    expect(semaphores.table.find(id).waiters(0, false)).toBe(0);
    const last = wait();
    semaphores.remove(semaphores.table.find(id), me);
    expect(failure(() => last.resume("woken"))).toBe(errno.EIDRM);
  });

  test("SEM_UNDO: what a process took comes back when it ends", () => {
    const ipc = new Ipc(clock);
    const { semaphores } = ipc;
    const id = semaphores.get(IPC_PRIVATE, 1, NEW, me);
    const set = semaphores.table.find(id);
    semaphores.set(set, 0, [5], me);
    const [a, b] = [process(2), process(3)];
    semaphores.operate(id, [{ ...down, change: -2, undo: true }], null, a, me);
    semaphores.operate(id, [{ ...down, undo: true }], null, b, me);
    expect(set.values[0]).toBe(2);
    ipc.endProcess(a);
    expect(set.values[0]).toBe(4);
    // SETVAL forgets what was to be undone.
    semaphores.set(set, 0, [1], me);
    ipc.endProcess(b);
    expect(set.values[0]).toBe(1);
  });
});

describe("message queues", () => {
  const text = (value: string) => new Uint8Array(Buffer.from(value));

  test("types choose, a reader waits for its own", () => {
    const { messageQueues: queues } = new Ipc(clock);
    const id = queues.get(IPC_PRIVATE, NEW, me);
    const wait = waiting(queues.receive(id, 10, 4, 0, me));
    queues.send(id, { type: 3, text: text("three") }, false, me);
    expect(wait.resume("woken")).toBe(wait);
    queues.send(id, { type: 4, text: text("four") }, false, me);
    expect(wait.resume("woken")).toMatchObject({ type: 4 });
    queues.send(id, { type: 2, text: text("two") }, false, me);
    expect(queues.receive(id, 10, -3, 0, me)).toMatchObject({ type: 2 });
    expect(failure(() => queues.receive(id, 4, 0, 0, me))).toBe(errno.E2BIG);
    expect(queues.receive(id, 10, 0, 0, me)).toMatchObject({ type: 3 });
    expect(queues.table.find(id).bytes).toBe(0);
  });

  test("a full queue makes writers wait", () => {
    const { messageQueues: queues } = new Ipc(clock);
    const id = queues.get(IPC_PRIVATE, NEW, me);
    const big = { type: 1, text: new Uint8Array(8192) };
    queues.send(id, big, false, me);
    queues.send(id, big, false, me);
    expect(failure(() => queues.send(id, big, true, me))).toBe(errno.EAGAIN);
    const wait = waiting(queues.send(id, big, false, me));
    queues.receive(id, 8192, 0, 0, me);
    expect(wait.resume("woken")).toBe(0);
    const next = waiting(queues.send(id, big, false, me));
    queues.remove(queues.table.find(id), me);
    expect(failure(() => next.resume("woken"))).toBe(errno.EIDRM);
  });
});
