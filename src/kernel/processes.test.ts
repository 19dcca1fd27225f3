import { expect, test } from "vitest";
import type { AddressSpace } from "../memory/address-space.ts";
import type { GuestMemory } from "../memory/guest-memory.ts";
import { errno } from "./errno.ts";
import type { FileTable } from "./fs/file-table.ts";
import type { FsContext } from "./fs/fs-context.ts";
import { testKernel } from "./kernel.test-support.ts";
import type { TestKernel } from "./kernel.test-support.ts";
import type { Process } from "./process.ts";
import { DEFAULT_ACTION, SIG_IGN } from "./signal-actions.ts";
import { kernelSignal } from "./siginfo.ts";
import { sendToProcess } from "./signal-sending.ts";
import { nextDelivery } from "./signal-delivery.ts";
import type { Task } from "./task.ts";
import { Wait } from "./wait.ts";
import { waitForChild } from "./wait-child.ts";
import type { WaitOptions } from "./wait-child.ts";

const ANY = { kind: "any" } as const;
const EXITED: WaitOptions = {
  exited: true,
  stopped: false,
  continued: false,
  noHang: true,
  keep: false,
  kinds: "usual",
};

function fork({ kernel }: TestKernel, parent: Process): Task {
  const parts = { space: {} as AddressSpace, memory: {} as GuestMemory, files: {} as FileTable, fs: {} as FsContext };
  return kernel.createProcess(parent, parts, 16, parent.credentials.clone());
}

test("a zombie stays until it is waited for, and is told once", () => {
  const run = testKernel();
  const { kernel, task } = run;
  run.handle("SIGCHLD");
  const child = fork(run, task.process).process;
  expect(waitForChild(task.process, ANY, EXITED)).toBeNull();
  kernel.endProcess(child, { kind: "exited", code: 3 });
  expect(task.process.signals.pending).not.toBe(0n);
  expect(kernel.processes.has(child.pid)).toBe(true);
  const seen = { kind: "exited", status: 3 };
  expect(waitForChild(task.process, ANY, { ...EXITED, keep: true })).toMatchObject(seen);
  expect(waitForChild(task.process, { kind: "pid", pid: child.pid }, EXITED)).toMatchObject(seen);
  expect(kernel.processes.has(child.pid)).toBe(false);
  expect(() => waitForChild(task.process, ANY, EXITED)).toThrow(expect.objectContaining({ name: "ECHILD" }));
});

test("a wait is over when the child ends, or at a signal", () => {
  const run = testKernel();
  const child = fork(run, run.task.process).process;
  const wait = waitForChild(run.task.process, ANY, { ...EXITED, noHang: false });
  if (!(wait instanceof Wait)) throw new Error("did not wait");
  expect(wait.resume("woken")).toBe(wait);
  expect(() => wait.resume("signal")).toThrow(expect.objectContaining({ name: errno.ERESTARTSYS.name }));
  run.kernel.endProcess(child, { kind: "killed", signal: 9 });
  expect(wait.resume("woken")).toMatchObject({ kind: "killed", status: 9 });
});

test("who ignores SIGCHLD has no zombies", () => {
  const run = testKernel();
  const { process } = run.task;
  process.actions.set(run.number("SIGCHLD"), { ...DEFAULT_ACTION, handler: SIG_IGN });
  const child = fork(run, process).process;
  run.kernel.endProcess(child, { kind: "exited", code: 0 });
  expect(run.kernel.processes.has(child.pid)).toBe(false);
  expect(process.children.size).toBe(0);
});

test("orphans go to init, or to the next subreaper", () => {
  const run = testKernel();
  const { kernel, task } = run;
  const middle = fork(run, task.process).process;
  const [first, second] = [fork(run, middle).process, fork(run, middle).process];
  kernel.endProcess(second, { kind: "exited", code: 5 });
  task.process.childSubreaper = true;
  kernel.endProcess(middle, { kind: "exited", code: 0 });
  expect([first.ppid, second.ppid]).toEqual([task.process.pid, task.process.pid]);
  task.process.childSubreaper = false;
  const grandchild = fork(run, first).process;
  kernel.endProcess(first, { kind: "exited", code: 0 });
  expect(grandchild.ppid).toBe(1);
  kernel.endProcess(grandchild, { kind: "exited", code: 0 });
  expect(kernel.processes.has(grandchild.pid)).toBe(false);
});

test("a stopped process holds even what was woken, and tells of stop and continuation", () => {
  const run = testKernel();
  const { kernel, task } = run;
  const child = fork(run, task.process);
  const changes: WaitOptions = { ...EXITED, stopped: true, continued: true };
  sendToProcess(child.process, kernelSignal(run.number("SIGSTOP")));
  expect(nextDelivery(child)).toBeNull();
  expect(child.state).toBe("stopped");
  expect(waitForChild(task.process, ANY, changes)).toMatchObject({ kind: "stopped", status: run.number("SIGSTOP") });
  expect(waitForChild(task.process, ANY, changes)).toBeNull();
  kernel.scheduler.add(child);
  expect(kernel.scheduler.hasReady).toBe(false);
  sendToProcess(child.process, kernelSignal(run.number("SIGCONT")));
  expect([child.state, kernel.scheduler.hasReady]).toEqual(["running", true]);
  expect(waitForChild(task.process, ANY, changes)).toMatchObject({ kind: "continued" });
});

test("a stopped process goes on to die of SIGKILL, without telling of a continuation", () => {
  const run = testKernel();
  const child = fork(run, run.task.process);
  sendToProcess(child.process, kernelSignal(run.number("SIGSTOP")));
  nextDelivery(child);
  sendToProcess(child.process, kernelSignal(run.number("SIGKILL")));
  expect([child.state, child.process.continued]).toEqual(["running", false]);
  nextDelivery(child);
  expect(child.process.exit).toEqual({ kind: "killed", signal: run.number("SIGKILL") });
});

test("numbers of groups and sessions are not given out again", () => {
  const run = testKernel();
  const child = fork(run, run.task.process).process;
  const leader = fork(run, run.task.process).process;
  child.pgid = leader.pid;
  run.kernel.endProcess(leader, { kind: "exited", code: 0 });
  waitForChild(run.task.process, { kind: "pid", pid: leader.pid }, EXITED);
  const given = new Set<number>();
  for (let n = 0; n < 33_000; n++) {
    const next = fork(run, run.task.process).process;
    given.add(next.pid);
    run.kernel.endProcess(next, { kind: "exited", code: 0 });
    waitForChild(run.task.process, { kind: "pid", pid: next.pid }, EXITED);
  }
  expect(given.has(leader.pid)).toBe(false);
});
