import { expect, test } from "vitest";
import { nextDelivery } from "../kernel/signal-delivery.ts";
import { signalBit } from "../kernel/signal.ts";
import { raiseInTask } from "../kernel/signal-sending.ts";
import { SIGNAL_ROWS } from "./signals.ts";
import { FUTEX_ROWS } from "./futex.ts";
import { PROCESS_ROWS } from "./process.ts";
import { WAIT_ROWS } from "./wait.ts";
import { ROOM, resume, testCalls } from "./call.test-support.ts";

const setUp = () => testCalls([...SIGNAL_ROWS, ...PROCESS_ROWS, ...WAIT_ROWS, ...FUTEX_ROWS]);
type Calls = ReturnType<typeof setUp>;
const [A, B] = [ROOM, ROOM + 256];
const [SIGHUP, SIGKILL, SIGUSR1, SIGCHLD] = [1, 9, 16, 18];
const [BLOCK, UNBLOCK, SETMASK] = [1, 2, 3];

const put = ({ memory }: Calls, address: number, ...words: readonly number[]) =>
  words.forEach((word, index) => memory.writeU32(address + 4 * index, word));
const read = ({ memory }: Calls, address: number, count: number) =>
  Array.from({ length: count }, (_, index) => memory.readU32(address + 4 * index));

test("rt_sigaction sets, and gives back what was set", () => {
  const calls = setUp();
  put(calls, A, 0x1000_0008, 0x400100, 0x3, 0, 0, 1);
  expect(calls.call("rt_sigaction", SIGUSR1, A, B, 16)).toBe(0);
  expect(read(calls, B, 6)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(calls.call("rt_sigaction", SIGUSR1, 0, B, 16)).toBe(0);
  expect(read(calls, B, 6)).toEqual([0x1000_0008, 0x400100, 0x3, 0, 0, 1]);
  expect(calls.call("rt_sigaction", SIGKILL, A, 0, 16)).toBe("EINVAL");
  expect(calls.call("rt_sigaction", SIGKILL, 0, B, 16)).toBe(0);
  for (const signal of [0, 129, -1]) expect(calls.call("rt_sigaction", signal, 0, B, 16)).toBe("EINVAL");
  expect(calls.call("rt_sigaction", SIGUSR1, A, 0, 8)).toBe("EINVAL");
  expect(calls.call("rt_sigaction", SIGUSR1, 4, 0, 16)).toBe("EFAULT");
  // sigaction(2) knows 32 signals.
  expect(calls.call("sigaction", SIGUSR1, A, 0)).toBe(0);
  expect(calls.task.process.actions.get(SIGUSR1).mask).toBe(3n);
});

test("ignoring a signal forgets the one that is pending", () => {
  const calls = setUp();
  calls.task.setBlocked(signalBit(SIGUSR1));
  raiseInTask(calls.task, "SIGUSR1");
  put(calls, A, 0, 1);
  calls.call("rt_sigaction", SIGUSR1, A, 0, 16);
  expect(calls.task.signals.pending).toBe(0n);
});

test("rt_sigprocmask blocks, unblocks, sets; SIGKILL never stays", () => {
  const calls = setUp();
  put(calls, A, 0xffff_ffff, 0, 0, 1);
  expect(calls.call("rt_sigprocmask", BLOCK, A, B, 16)).toBe(0);
  const stop = 23;
  const expected = 0xffff_ffffn & ~signalBit(SIGKILL) & ~signalBit(stop);
  expect(calls.task.blocked).toBe(expected | signalBit(97));
  put(calls, A, 1, 0, 0, 1);
  calls.call("rt_sigprocmask", UNBLOCK, A, B, 16);
  expect(calls.task.blocked).toBe(expected & ~1n);
  calls.call("rt_sigprocmask", SETMASK, A, B, 16);
  expect(calls.task.blocked).toBe(1n | signalBit(97));
  expect(calls.call("rt_sigprocmask", 0, A, 0, 16)).toBe("EINVAL");
  expect(calls.call("rt_sigprocmask", 0, 0, B, 16)).toBe(0);
  // The old call reaches the first word only.
  put(calls, A, 2);
  expect(calls.call("sigprocmask", SETMASK, A, B)).toBe(0);
  expect(calls.task.blocked).toBe(2n | signalBit(97));
});

test("kill: oneself, one's group, nobody, init", () => {
  const calls = setUp();
  calls.task.setBlocked(signalBit(SIGUSR1));
  expect(calls.call("kill", 2, SIGUSR1)).toBe(0);
  expect(calls.task.process.signals.take(~0n)).toMatchObject({ signal: SIGUSR1, fields: { pid: 2, uid: 1000 } });
  for (const pid of [0, -2]) {
    expect(calls.call("kill", pid, SIGUSR1)).toBe(0);
    expect(calls.task.process.signals.take(~0n)).not.toBeNull();
  }
  expect(calls.call("kill", 2, 0)).toBe(0);
  expect(calls.call("kill", 99, 0)).toBe("ESRCH");
  expect(calls.call("kill", -1, SIGUSR1)).toBe("ESRCH");
  expect(calls.call("kill", 1, SIGHUP)).toBe("EPERM");
  expect(calls.call("kill", 2, 129)).toBe("EINVAL");
  expect(calls.call("tgkill", 2, 2, SIGUSR1)).toBe(0);
  expect(calls.task.signals.take(~0n)).toMatchObject({ code: -6 });
  expect(calls.call("tgkill", 3, 2, SIGUSR1)).toBe("ESRCH");
  expect(calls.call("tkill", 0, SIGUSR1)).toBe("EINVAL");
});

test("rt_sigsuspend: the mask is there while it waits, the old one goes into the handler's frame", () => {
  const calls = setUp();
  calls.handle("SIGUSR1");
  calls.task.setBlocked(signalBit(SIGUSR1));
  put(calls, A, 0, 0, 0, 0);
  const wait = calls.call("rt_sigsuspend", A, 16);
  expect(calls.task.blocked).toBe(0n);
  raiseInTask(calls.task, "SIGUSR1");
  expect(nextDelivery(calls.task)?.info.signal).toBe(SIGUSR1);
  expect(resume(wait, "signal")).toBe("ERESTARTNOHAND");
  expect(calls.task.savedBlocked).toBe(signalBit(SIGUSR1));
});

test("rt_sigtimedwait takes a blocked signal with its siginfo", () => {
  const calls = setUp();
  calls.task.setBlocked(signalBit(SIGUSR1) | signalBit(40));
  put(calls, A, 1 << (SIGUSR1 - 1), 1 << 7);
  expect(calls.call("rt_sigtimedwait", A, B, 0, 16)).toMatchObject({ deadline: null });
  put(calls, A + 32, 0, 0);
  expect(calls.call("rt_sigtimedwait", A, B, A + 32, 16)).toBe("EAGAIN");
  put(calls, A + 64, 40, -1 >>> 0, 0, 2, 1000, 77);
  expect(calls.call("rt_sigqueueinfo", 2, 40, A + 64)).toBe(0);
  expect(calls.call("rt_sigtimedwait", A, B, 0, 16)).toBe(40);
  expect(read(calls, B, 6)).toEqual([40, 0xffff_ffff, 0, 2, 1000, 77]);
  put(calls, A + 32, 0, 1000);
  const wait = calls.call("rt_sigtimedwait", A, 0, A + 32, 16);
  expect(resume(wait, "woken")).toBe(wait);
  raiseInTask(calls.task, "SIGUSR1");
  expect(resume(wait, "woken")).toBe(SIGUSR1);
  expect(resume(wait, "signal")).toBe("EINTR");
});

test("rt_sigqueueinfo: nobody pretends to be the kernel towards others", () => {
  const calls = setUp();
  put(calls, A, SIGUSR1, 0, 0);
  expect(calls.call("rt_sigqueueinfo", 3, SIGUSR1, A)).toBe("EPERM");
  expect(calls.call("rt_sigqueueinfo", 2, SIGCHLD, A)).toBe(0);
});

test("sigaltstack", () => {
  const calls = setUp();
  expect(calls.call("sigaltstack", 0, B)).toBe(0);
  expect(read(calls, B, 3)).toEqual([0, 0, 2]);
  put(calls, A, 0x5000_0000, 4096, 0);
  expect(calls.call("sigaltstack", A, 0)).toBe(0);
  expect(calls.call("sigaltstack", 0, B)).toBe(0);
  expect(read(calls, B, 3)).toEqual([0x5000_0000, 4096, 0]);
  put(calls, A, 0x5000_0000, 2047, 0);
  expect(calls.call("sigaltstack", A, 0)).toBe("ENOMEM");
  put(calls, A, 0x5000_0000, 4096, 4);
  expect(calls.call("sigaltstack", A, 0)).toBe("EINVAL");
  put(calls, A, 0, 0, 2);
  expect(calls.call("sigaltstack", A, 0)).toBe(0);
  expect(calls.task.alternateStack.size).toBe(0);
});

test("groups and sessions of the initial process", () => {
  const calls = setUp();
  expect(["getpid", "gettid", "getppid", "getpgrp"].map((name) => calls.call(name))).toEqual([2, 2, 1, 2]);
  expect([calls.call("getpgid", 0), calls.call("getsid", 0)]).toEqual([2, 1]);
  expect(calls.call("setpgid", 0, 0)).toBe(0);
  expect(calls.call("setpgid", 0, 7)).toBe("EPERM");
  expect(calls.call("setpgid", 7, 0)).toBe("ESRCH");
  expect(calls.call("setsid")).toBe("EPERM");
  expect(calls.call("wait4", -1, 0, 0, 0)).toBe("ECHILD");
  expect(calls.call("waitid", 0, 0, 0, 0)).toBe("EINVAL");
  expect(calls.call("waitid", 0, 0, 0, 4)).toBe("ECHILD");
});

test("futexes of one task", () => {
  const calls = setUp();
  put(calls, A, 5);
  expect(calls.call("futex", A, 128, 4, 0, 0, 0)).toBe("EAGAIN");
  expect(calls.call("futex", A, 129, 1, 0, 0, 0)).toBe(0);
  expect(calls.call("futex", A + 1, 128, 5, 0, 0, 0)).toBe("EINVAL");
  expect(calls.call("futex", 4, 128, 5, 0, 0, 0)).toBe("EFAULT");
  expect(calls.call("futex", A, 6, 0, 0, 0, 0)).toBe("ESRCH");
  put(calls, B, 0, 1_000_000);
  const wait = calls.call("futex", A, 128, 5, B, 0, 0);
  expect(wait).toMatchObject({ deadline: calls.clock.now + 1_000_000n });
  expect(resume(wait, "timeout")).toBe("ETIMEDOUT");
  // FUTEX_WAIT_BITSET's time is a point: one that is past.
  const past = calls.call("futex", A, 137, 5, B, 0, 0xffff_ffff);
  expect(past).toMatchObject({ deadline: 1_000_000n });
  // FUTEX_WAKE_OP: adds 3 to the word at A (5) and compares what was there.
  const add3IfEqual5 = (1 << 28) | (3 << 12) | 5;
  expect(calls.call("futex", B, 5, 1, 1, A, add3IfEqual5)).toBe(1);
  expect(read(calls, A, 1)).toEqual([8]);
});

test("the end", () => {
  const calls = setUp();
  calls.call("exit_group", 0x1ff);
  expect(calls.task.process.exit).toEqual({ kind: "exited", code: 255 });
  expect(calls.task.state).toBe("ended");
});
