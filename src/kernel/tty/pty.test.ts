import { beforeEach, expect, test } from "vitest";
import { Credentials } from "../credentials.ts";
import { Errno } from "../errno.ts";
import { Dentry, Mount, Path } from "../fs/dentry.ts";
import type { FileDescription } from "../fs/file-description.ts";
import { O, POLL } from "../fs/flags.ts";
import { MILLISECOND, testKernel } from "../kernel.test-support.ts";
import type { TestKernel } from "../kernel.test-support.ts";
import { signalBit } from "../signal.ts";
import type { SignalName } from "../signal.ts";
import type { Process } from "../process.ts";
import { Wait } from "../wait.ts";
import { DevPts } from "./devpts.ts";
import { PtyMaster } from "./pty.ts";
import { adoptTerminal, giveUpTerminal, requireForeground, setForegroundGroup, takeTerminal } from "./sessions.ts";
import { CC, LOCAL } from "./termios.ts";

const ROOT = new Credentials(0, 0, []);

let t: TestKernel;
let devpts: DevPts;
let at: Path;
let master: PtyMaster;

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

function open(index: number, flags: number = O.RDWR): FileDescription {
  const inode = devpts.root.lookup(String(index));
  if (inode === null) throw new Error("no such terminal");
  const file = inode.open(at, flags, ROOT);
  if (file instanceof Wait) throw new Error("it waits");
  file.retain();
  return file;
}

/** What a call gives: text, an errno's name, or that it waits. */
function outcome(run: () => number | Wait<number>, into?: Uint8Array): unknown {
  try {
    const result = run();
    if (result instanceof Wait) return "waits";
    return into === undefined ? result : Buffer.from(into.subarray(0, result)).toString("latin1");
  } catch (error) {
    if (error instanceof Errno) return error.name;
    throw error;
  }
}
function read(file: FileDescription, most = 100): unknown {
  const into = new Uint8Array(most);
  return outcome(() => file.read(into), into);
}
const write = (file: FileDescription, text: string): unknown => outcome(() => file.write(bytes(text)));

function raw(file: FileDescription, min: number, time: number): void {
  const before = file.terminal!.getAttributes();
  const controlCharacters = before.controlCharacters.slice();
  controlCharacters[CC.VMIN] = min;
  controlCharacters[CC.VTIME] = time;
  file.terminal!.setAttributes("now", {
    ...before,
    inputFlags: 0,
    outputFlags: 0,
    localFlags: 0,
    controlCharacters,
  });
}

const pending = (process: Process, name: SignalName): boolean =>
  (process.signals.pending & signalBit(t.number(name))) !== 0n;

/** A child of `parent` in a group or session of its own. */
function child(parent: Process, own: "group" | "session" | "none" = "none"): Process {
  const { space, memory, files, fs } = parent;
  const { process } = t.kernel.createProcess(parent, { space, memory, files, fs }, 16, ROOT);
  if (own !== "none") process.pgid = process.pid;
  if (own === "session") [process.sid, process.terminal] = [process.pid, null];
  return process;
}

beforeEach(() => {
  t = testKernel();
  t.kernel.onProcessEnd = () => undefined;
  devpts = new DevPts(() => t.clock.monotonic());
  const dentry = new Dentry(null, "", devpts.root);
  at = new Path(new Mount(devpts, dentry, null), dentry);
  master = devpts.openMaster(at, O.RDWR, ROOT) as PtyMaster;
  master.retain();
});

test("a slave has a name while its master is open, and can be opened once it is unlocked", () => {
  expect(devpts.root.list().map(({ name }) => name)).toEqual(["ptmx", "0"]);
  expect(outcome(() => (open(0), 0))).toBe("EIO");
  master.pty.locked = false;
  const slave = open(0);
  expect(devpts.root.lookup("0")?.stat().rdev).toEqual({ major: 136, minor: 0 });
  master.release();
  expect(devpts.root.lookup("0")).toBe(null);
  // The number is taken until the slave is closed, too.
  const next = devpts.openMaster(at, O.RDWR, ROOT) as PtyMaster;
  expect(next.pty.index).toBe(1);
  slave.release();
  expect((devpts.openMaster(at, O.RDWR, ROOT) as PtyMaster).pty.index).toBe(0);
});

test("what the master writes is typed, what the slave writes is shown", () => {
  master.pty.locked = false;
  const slave = open(0);
  expect(read(slave)).toBe("waits");
  expect(write(master, "hello\r")).toBe(6);
  expect(read(master)).toBe("hello\r\n");
  expect(slave.available()).toBe(6);
  expect(read(slave)).toBe("hello\n");
  expect(write(slave, "a\nb")).toBe(3);
  expect(master.available()).toBe(4);
  expect(read(master)).toBe("a\r\nb");
  expect(read(master)).toBe("waits");
});

test("the master reads EIO when the last slave has been closed, and goes on when one is opened again", () => {
  master.pty.locked = false;
  expect(master.poll() & POLL.HUP).toBe(0);
  const slave = open(0);
  write(slave, "last words");
  slave.release();
  expect(master.poll()).toBe(POLL.IN | POLL.RDNORM | POLL.OUT | POLL.WRNORM | POLL.HUP);
  expect([read(master), read(master)]).toEqual(["last words", "EIO"]);
  expect(write(master, "kept\n")).toBe(5);
  const again = open(0);
  expect(master.poll() & POLL.HUP).toBe(0);
  expect(read(again)).toBe("kept\n");
});

test("closing the master hangs up: the slave reads its end, cannot write, and the session leader is told", () => {
  master.pty.locked = false;
  const slave = open(0);
  const leader = child(t.task.process, "session");
  adoptTerminal(leader, master.pty);
  const reader = new Uint8Array(10);
  const wait = slave.read(reader);
  master.release();
  expect(wait instanceof Wait && outcome(() => wait.resume("woken"))).toBe(0);
  expect([read(slave), write(slave, "x")]).toEqual(["", "EIO"]);
  expect(slave.poll()).toBe(POLL.IN | POLL.OUT | POLL.ERR | POLL.HUP | POLL.RDNORM | POLL.WRNORM);
  expect(outcome(() => (slave.terminal, 0))).toBe("EIO");
  expect(pending(leader, "SIGHUP")).toBe(true);
  expect(leader.terminal).toBe(null);
});

test("a raw read waits for VMIN bytes", () => {
  master.pty.locked = false;
  const slave = open(0);
  raw(slave, 3, 0);
  const into = new Uint8Array(10);
  const wait = slave.read(into);
  write(master, "ab");
  expect(slave.poll() & POLL.IN).toBe(0);
  expect(wait instanceof Wait && outcome(() => wait.resume("woken"))).toBe("waits");
  write(master, "cd");
  expect(wait instanceof Wait && outcome(() => wait.resume("woken"), into)).toBe("abcd");
  // Never for more than were asked for; and a signal does not lose what has come.
  write(master, "e");
  expect(read(slave, 1)).toBe("e");
  write(master, "f");
  const second = slave.read(into);
  expect(second instanceof Wait && outcome(() => second.resume("signal"), into)).toBe("f");
});

test("VTIME limits a read without VMIN, and the time between bytes with it", () => {
  master.pty.locked = false;
  const slave = open(0);
  raw(slave, 0, 0);
  expect(read(slave)).toBe("");
  raw(slave, 0, 5);
  const into = new Uint8Array(10);
  const first = slave.read(into);
  if (!(first instanceof Wait)) throw new Error("it does not wait");
  expect(first.deadline).toBe(t.clock.now + 500n * MILLISECOND);
  expect(outcome(() => first.resume("timeout"))).toBe(0);
  raw(slave, 4, 1);
  const second = slave.read(into);
  if (!(second instanceof Wait)) throw new Error("it does not wait");
  expect(second.deadline).toBe(null);
  write(master, "ab");
  const third = second.resume("woken");
  if (!(third instanceof Wait)) throw new Error("it does not wait");
  expect(third.deadline).toBe(t.clock.now + 100n * MILLISECOND);
  expect(outcome(() => third.resume("timeout"), into)).toBe("ab");
});

test("buffers are bounded: a writer waits for its reader, in both directions", () => {
  master.pty.locked = false;
  const slave = open(0);
  raw(slave, 1, 0);
  expect(write(master, "x".repeat(100_000))).toBe("waits");
  let got = 0;
  for (let text = read(slave, 5000); text !== "waits"; text = read(slave, 5000)) got += (text as string).length;
  expect(got).toBe(16384);
  expect(write(slave, "y".repeat(100_000))).toBe("waits");
  expect(slave.poll() & POLL.OUT).toBe(0);
  read(master, 100_000);
  expect(slave.poll() & POLL.OUT).toBe(POLL.OUT);
});

test("^S stops the slave's output until ^Q", () => {
  master.pty.locked = false;
  const slave = open(0);
  write(master, "\x13");
  expect(write(slave, "x")).toBe("waits");
  write(master, "\x11");
  expect(write(slave, "x")).toBe(1);
});

test("packet mode tells the master of flushes, flow control and its settings", () => {
  master.pty.locked = false;
  const slave = open(0);
  master.pty.setPacketMode(true);
  write(slave, "hello");
  expect([read(master, 3), read(master, 1), read(master)]).toEqual(["\0he", "\0", "\0llo"]);
  slave.terminal!.flush("both");
  expect(master.poll() & (POLL.PRI | POLL.IN)).toBe(POLL.PRI | POLL.IN);
  expect(read(master)).toBe("\x03");
  const before = slave.terminal!.getAttributes();
  slave.terminal!.setAttributes("now", { ...before, inputFlags: 0 });
  expect(read(master)).toBe("\x10");
  slave.terminal!.setAttributes("now", before);
  expect(read(master)).toBe("\x20");
  slave.terminal!.control("stopOutput");
  expect(read(master)).toBe("\x04");
  slave.terminal!.control("startOutput");
  expect(read(master)).toBe("\x08");
});

test("characters of signals go to the foreground group, a new size too", () => {
  master.pty.locked = false;
  open(0);
  const leader = child(t.task.process, "session");
  adoptTerminal(leader, master.pty);
  const job = child(leader, "group");
  setForegroundGroup(leader, master.pty, job.pgid);
  t.handle("SIGWINCH");
  job.actions = t.task.process.actions;
  write(master, "\x03");
  expect([pending(leader, "SIGINT"), pending(job, "SIGINT")]).toEqual([false, true]);
  const size = { rows: 24, columns: 80, xPixels: 0, yPixels: 0 };
  master.pty.setWindowSize(size);
  expect(pending(job, "SIGWINCH")).toBe(true);
  job.signals.discard(~0n);
  master.pty.setWindowSize({ ...size });
  expect(pending(job, "SIGWINCH")).toBe(false);
});

test("the background may not read: SIGTTIN and once more, or EIO where that would be of no use", () => {
  const leader = child(t.task.process, "session");
  adoptTerminal(leader, master.pty);
  const job = child(leader, "group");
  const [task] = [...job.tasks];
  if (task === undefined) throw new Error("no task");
  const attempt = (name: "SIGTTIN" | "SIGTTOU") =>
    outcome(() => {
      requireForeground(task, master.pty, name);
      return 0;
    });
  expect(attempt("SIGTTIN")).toBe("ERESTARTSYS");
  expect(pending(job, "SIGTTIN")).toBe(true);
  task.setBlocked(signalBit(t.number("SIGTTIN")) | signalBit(t.number("SIGTTOU")));
  expect([attempt("SIGTTIN"), attempt("SIGTTOU")]).toEqual(["EIO", 0]);
  task.setBlocked(0n);
  // In the foreground, all is well; and a group that nobody could continue is not stopped.
  setForegroundGroup(leader, master.pty, job.pgid);
  expect(attempt("SIGTTIN")).toBe(0);
  setForegroundGroup(leader, master.pty, leader.pgid);
  job.parent = null;
  expect(attempt("SIGTTIN")).toBe("EIO");
});

test("only a session leader without a terminal can take one, and only one that is nobody's", () => {
  const outsider = child(t.task.process);
  const [first, second] = [child(t.task.process, "session"), child(t.task.process, "session")];
  const take = (process: Process, steal = false) =>
    outcome(() => {
      const [task] = [...process.tasks];
      if (task !== undefined) takeTerminal(task, master.pty, steal, true);
      return 0;
    });
  expect([take(outsider), take(first), take(first), take(second)]).toEqual(["EPERM", 0, 0, "EPERM"]);
  expect(take(second, true)).toBe(0);
  expect([first.terminal, second.terminal]).toEqual([null, master.pty]);
  expect(outcome(() => (setForegroundGroup(first, master.pty, first.pgid), 0))).toBe("ENOTTY");
  expect(outcome(() => (setForegroundGroup(second, master.pty, first.pgid), 0))).toBe("EPERM");
  expect(outcome(() => (setForegroundGroup(second, master.pty, 999), 0))).toBe("ESRCH");
});

test("a session leader that ends or gives its terminal up takes it from the whole session", () => {
  for (const how of ["end", "give up"] as const) {
    const leader = child(t.task.process, "session");
    adoptTerminal(leader, master.pty);
    const job = child(leader, "group");
    setForegroundGroup(leader, master.pty, job.pgid);
    if (how === "end") t.kernel.endProcess(leader, { kind: "exited", code: 0 });
    else giveUpTerminal(leader, master.pty);
    expect([job.terminal, master.pty.owner, pending(job, "SIGHUP")]).toEqual([null, null, true]);
    expect(pending(job, "SIGCONT")).toBe(how === "give up");
  }
});

test("a pseudo-terminal keeps eight bits without parity", () => {
  const before = master.pty.getAttributes();
  master.pty.setAttributes("now", { ...before, controlFlags: 0o17 | 0o40 | 0o400 | 0o4000 });
  expect(master.pty.getAttributes().controlFlags).toBe(0o17 | 0o60 | 0o200 | 0o4000);
  expect(master.pty.getAttributes().localFlags & LOCAL.ICANON).toBe(LOCAL.ICANON);
});
