import { describe, expect, test } from "vitest";
import { SI_KERNEL, SI_USER, faultSignal, kernelSignal, userSignal } from "./siginfo.ts";
import { SIG_DFL, SIG_IGN } from "./signal-actions.ts";
import { enterHandler, maskToRestore, nextDelivery, restoreMask } from "./signal-delivery.ts";
import { SignalQueue } from "./signal-queue.ts";
import { forceSegv, forceSignal, raiseInTask, sendToProcess, sendToTask } from "./signal-sending.ts";
import { SignalTable, hasSignal, signalBit } from "./signal.ts";
import { testKernel } from "./kernel.test-support.ts";

describe("the signal table", () => {
  test("numbers are the architecture's own", () => {
    const mips = new SignalTable("mips");
    const generic = new SignalTable("generic");
    expect(
      ["SIGBUS", "SIGUSR1", "SIGCHLD", "SIGSYS", "SIGSTKFLT"].map((name) => mips.number(name as "SIGBUS")),
    ).toEqual([10, 16, 18, 12, 0]);
    expect(
      ["SIGBUS", "SIGUSR1", "SIGCHLD", "SIGSYS", "SIGEMT"].map((name) => generic.number(name as "SIGBUS")),
    ).toEqual([7, 10, 17, 31, 0]);
    // Go asks for the action of every number up to 128, and ends if one is refused.
    expect(mips.isValid(128)).toBe(true);
    expect(mips.isValid(129)).toBe(false);
    expect(generic.isValid(65)).toBe(false);
    expect(mips.name(34)).toBe("SIGRT_2");
  });

  test("no two signals share a number", () => {
    for (const architecture of ["mips", "generic"] as const) {
      const table = new SignalTable(architecture);
      const names = Array.from({ length: 31 }, (_, n) => table.name(n + 1));
      expect(new Set(names).size).toBe(31);
      expect(names.every((name) => table.number(name as "SIGHUP") > 0)).toBe(true);
    }
  });
});

describe("a queue", () => {
  const table = new SignalTable("mips");
  const send = (queue: SignalQueue, signal: number, pid = 0) => queue.add(userSignal(signal, SI_USER, pid, 0), 4);

  test("keeps one of each standard signal and all real-time ones, in order", () => {
    const queue = new SignalQueue(table);
    for (const [signal, pid] of [
      [40, 1],
      [15, 2],
      [15, 3],
      [40, 4],
      [2, 5],
    ] as const)
      send(queue, signal, pid);
    const taken = [];
    for (let info = queue.take(~0n); info !== null; info = queue.take(~0n)) {
      taken.push([info.signal, info.fields.kind === "sender" ? info.fields.pid : -1]);
    }
    expect(taken).toEqual([
      [2, 5],
      [15, 2],
      [40, 1],
      [40, 4],
    ]);
    expect(queue.pending).toBe(0n);
  });

  test("gives CPU exceptions first, and only what is asked for", () => {
    const queue = new SignalQueue(table);
    send(queue, 2);
    send(queue, 11);
    send(queue, 100);
    expect(queue.take(signalBit(100))?.signal).toBe(100);
    expect(queue.take(~0n)?.signal).toBe(11);
    expect(queue.take(~signalBit(2))).toBeNull();
    expect(queue.take(~0n)?.signal).toBe(2);
  });

  test("refuses real-time signals beyond the limit", () => {
    const queue = new SignalQueue(table);
    for (let n = 0; n < 4; n++) send(queue, 50);
    expect(() => send(queue, 50)).toThrow(expect.objectContaining({ name: "EAGAIN" }));
    send(queue, 15);
    expect(queue.pending).toBe(signalBit(50) | signalBit(15));
  });
});

describe("delivery", () => {
  test("a handler gets the signal, which is then blocked with the action's mask", () => {
    const { task, number, handle } = testKernel();
    handle("SIGUSR1", { mask: signalBit(number("SIGUSR2")) });
    task.setBlocked(signalBit(number("SIGHUP")));
    sendToTask(task, userSignal(number("SIGUSR1"), SI_USER, 7, 8));
    expect(task.attention).toBe(true);
    const delivery = nextDelivery(task);
    expect(delivery?.info).toMatchObject({ signal: 16, code: SI_USER, fields: { pid: 7, uid: 8 } });
    expect(maskToRestore(task)).toBe(signalBit(number("SIGHUP")));
    if (delivery !== null) enterHandler(task, delivery);
    expect(task.blocked).toBe(signalBit(1) | signalBit(16) | signalBit(17));
  });

  test("SA_NODEFER leaves it open, SA_RESETHAND forgets the handler", () => {
    const { task, number, handle } = testKernel();
    handle("SIGUSR1", { noDefer: true, resetHandler: true });
    raiseInTask(task, "SIGUSR1");
    const delivery = nextDelivery(task);
    if (delivery !== null) enterHandler(task, delivery);
    expect(task.blocked).toBe(0n);
    expect(task.process.actions.get(number("SIGUSR1")).handler).toBe(SIG_DFL);
  });

  test("default actions: ignore, terminate", () => {
    const { task, number } = testKernel();
    raiseInTask(task, "SIGCHLD");
    raiseInTask(task, "SIGURG");
    expect(task.signals.pending).toBe(0n);
    expect(nextDelivery(task)).toBeNull();
    expect(task.state).toBe("running");
    raiseInTask(task, "SIGTERM");
    expect(nextDelivery(task)).toBeNull();
    expect(task.state).toBe("ended");
    expect(task.process.exit).toEqual({ kind: "killed", signal: number("SIGTERM") });
  });

  test("an ignored signal is kept while it is blocked", () => {
    const { task, number, handle } = testKernel();
    handle("SIGUSR1", { handler: SIG_IGN });
    task.setBlocked(signalBit(number("SIGUSR1")));
    raiseInTask(task, "SIGUSR1");
    expect(hasSignal(task.signals.pending, 16)).toBe(true);
    task.setBlocked(0n);
    expect(nextDelivery(task)).toBeNull();
    expect(task.signals.pending).toBe(0n);
    expect(task.state).toBe("running");
  });

  test("SIGKILL and SIGSTOP cannot be blocked", () => {
    const { task } = testKernel();
    task.setBlocked(~0n);
    raiseInTask(task, "SIGKILL");
    nextDelivery(task);
    expect(task.process.exit).toEqual({ kind: "killed", signal: 9 });
  });

  test("a stop waits for SIGCONT, which also undoes a pending stop", () => {
    const { kernel, task } = testKernel();
    const stops: number[] = [];
    kernel.onProcessStop = (_process, signal) => stops.push(signal);
    raiseInTask(task, "SIGTSTP");
    expect(nextDelivery(task)).toBeNull();
    expect(task.state).toBe("stopped");
    expect(stops).toEqual([24]);
    sendToProcess(task.process, kernelSignal(kernel.signals.number("SIGCONT")));
    expect(task.state).toBe("running");
    expect(kernel.scheduler.hasReady).toBe(true);

    task.setBlocked(signalBit(24));
    raiseInTask(task, "SIGTSTP");
    raiseInTask(task, "SIGCONT");
    task.setBlocked(0n);
    nextDelivery(task);
    expect(task.state).toBe("running");
  });

  test("a mask for one call comes back, through the handler's frame or at once", () => {
    const { task, handle } = testKernel();
    handle("SIGUSR1");
    const usual = signalBit(16);
    task.setBlocked(usual);
    task.suspendMask(0n);
    raiseInTask(task, "SIGUSR1");
    const delivery = nextDelivery(task);
    expect(maskToRestore(task)).toBe(usual);
    if (delivery !== null) enterHandler(task, delivery);
    expect(task.savedBlocked).toBeNull();

    task.setBlocked(usual);
    task.suspendMask(0n);
    restoreMask(task);
    expect(task.blocked).toBe(usual);
  });
});

describe("signals that cannot be put off", () => {
  test("a blocked SIGSEGV ends the process", () => {
    const { task, number, handle } = testKernel();
    handle("SIGSEGV");
    task.setBlocked(signalBit(number("SIGSEGV")));
    forceSignal(task, faultSignal(number("SIGSEGV"), 1, 0x1234));
    expect(nextDelivery(task)).toBeNull();
    expect(task.process.exit).toEqual({ kind: "killed", signal: 11 });
  });

  test("an ignored SIGFPE ends the process, a handled one is handled with its address", () => {
    const ignoring = testKernel();
    ignoring.handle("SIGFPE", { handler: SIG_IGN });
    forceSignal(ignoring.task, faultSignal(8, 1, 0));
    nextDelivery(ignoring.task);
    expect(ignoring.task.process.exit).toEqual({ kind: "killed", signal: 8 });

    const handling = testKernel();
    handling.handle("SIGFPE");
    // kill(2)'s SIGFPE that came before must not hide the exception's.
    sendToTask(handling.task, userSignal(8, SI_USER, 1, 1));
    forceSignal(handling.task, faultSignal(8, 1, 0x400000));
    expect(nextDelivery(handling.task)?.info).toEqual(faultSignal(8, 1, 0x400000));
  });

  test("a frame that does not fit is SIGSEGV, and the end if SIGSEGV itself was meant", () => {
    const { task, handle } = testKernel();
    handle("SIGSEGV");
    forceSegv(task, 16);
    expect(nextDelivery(task)?.info).toMatchObject({ signal: 11, code: SI_KERNEL });
    forceSegv(task, 11);
    expect(nextDelivery(task)).toBeNull();
    expect(task.state).toBe("ended");
  });
});
