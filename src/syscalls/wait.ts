/** Waiting for children: wait4(2), waitpid(2), waitid(2); and pidfds. */
import { errno } from "../kernel/errno.ts";
import { pidOfProcessDirectory } from "../kernel/fs/procfs.ts";
import { PidFd } from "../kernel/pidfd.ts";
import type { Process } from "../kernel/process.ts";
import { sendToProcess } from "../kernel/signal-sending.ts";
import { CLD_CONTINUED, CLD_EXITED, CLD_KILLED, CLD_STOPPED, SI_USER, userSignal } from "../kernel/siginfo.ts";
import { waitForChild } from "../kernel/wait-child.ts";
import type { ChildEvent, ChildSelector, WaitOptions } from "../kernel/wait-child.ts";
import { Wait } from "../kernel/wait.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { description } from "./guest-buffers.ts";
import { writeUsage } from "./process.ts";
import { full, partial } from "./row.ts";
import type { SyscallRow } from "./row.ts";
import { checkSender, readSentInfo } from "./signals.ts";

/** The same numbers on every architecture. */
const W = { NOHANG: 1, STOPPED: 2, EXITED: 4, CONTINUED: 8, NOWAIT: 0x0100_0000 } as const;
const W_NOTHREAD = 0x2000_0000;
const W_ALL = 0x4000_0000;
const W_CLONE = 0x8000_0000;
const WAIT4_OPTIONS = W.NOHANG | W.STOPPED | W.CONTINUED | W_NOTHREAD | W_ALL | W_CLONE;
const WAITID_OPTIONS = WAIT4_OPTIONS | W.EXITED | W.NOWAIT;
const WAITID_STATES = W.EXITED | W.STOPPED | W.CONTINUED;
const P = { ALL: 0, PID: 1, PGID: 2, PIDFD: 3 } as const;
const INT_MIN = -0x8000_0000;

const optionsOf = (bits: number): WaitOptions => ({
  exited: (bits & W.EXITED) !== 0,
  stopped: (bits & W.STOPPED) !== 0,
  continued: (bits & W.CONTINUED) !== 0,
  noHang: (bits & W.NOHANG) !== 0,
  keep: (bits & W.NOWAIT) !== 0,
  kinds: (bits & W_ALL) !== 0 ? "all" : (bits & W_CLONE) !== 0 ? "clone" : "usual",
});

const STATUS: Readonly<Record<ChildEvent["kind"], (status: number) => number>> = {
  exited: (code) => code << 8,
  killed: (signal) => signal,
  stopped: (signal) => (signal << 8) | 0x7f,
  continued: () => 0xffff,
};

function wait4(call: SyscallContext, pid: number, statusAt: number, options: number, usageAt: number): number | Wait {
  if ((options & ~WAIT4_OPTIONS) !== 0) throw errno.EINVAL;
  if (pid === INT_MIN) throw errno.ESRCH;
  const selector: ChildSelector =
    pid === -1
      ? { kind: "any" }
      : pid > 0
        ? { kind: "pid", pid }
        : { kind: "group", pgid: pid === 0 ? call.process.pgid : -pid };
  const report = (event: ChildEvent | null): number => {
    if (event === null) return 0;
    if (statusAt !== 0) call.memory.writeS32(statusAt, STATUS[event.kind](event.status));
    if (usageAt !== 0) writeUsage(call, usageAt, event.process, []);
    return event.process.pid;
  };
  const found = waitForChild(call.process, selector, optionsOf(options | W.EXITED));
  return found instanceof Wait ? found.then(report) : report(found);
}

const CODES = { exited: CLD_EXITED, killed: CLD_KILLED, stopped: CLD_STOPPED, continued: CLD_CONTINUED } as const;

function waitid(
  call: SyscallContext,
  type: number,
  id: number,
  infoAt: number,
  options: number,
  usageAt: number,
): number | Wait {
  if ((options & ~WAITID_OPTIONS) !== 0 || (options & WAITID_STATES) === 0) throw errno.EINVAL;
  const selector = selectorOf(call, type, id);
  const report = (event: ChildEvent | null): number => {
    if (event !== null && usageAt !== 0) writeUsage(call, usageAt, event.process, []);
    if (infoAt !== 0) call.memory.writeBytes(infoAt, infoOf(call, event));
    return 0;
  };
  let bits = options;
  if (type === P.PIDFD && pidfd(call, id).nonBlocking) bits |= W.NOHANG;
  const found = waitForChild(call.process, selector, optionsOf(bits));
  if (found === null && (bits & ~options & W.NOHANG) !== 0) throw errno.EAGAIN;
  return found instanceof Wait ? found.then(report) : report(found);
}

function selectorOf(call: SyscallContext, type: number, id: number): ChildSelector {
  switch (type) {
    case P.ALL:
      return { kind: "any" };
    case P.PID:
      if (id <= 0) throw errno.EINVAL;
      return { kind: "pid", pid: id };
    case P.PGID:
      if (id < 0) throw errno.EINVAL;
      return { kind: "group", pgid: id === 0 ? call.process.pgid : id };
    case P.PIDFD:
      if (id < 0) throw errno.EINVAL;
      return { kind: "pid", pid: pidfd(call, id).process.pid };
    default:
      throw errno.EINVAL;
  }
}

/** The siginfo_t that waitid(2) fills in, as far as it does; all zero: no child has changed yet. */
function infoOf(call: SyscallContext, event: ChildEvent | null): Uint8Array {
  const { signals } = call.abi;
  if (event === null) return new Uint8Array(WAITID_BYTES);
  const { process } = event;
  const fields = {
    kind: "child",
    pid: process.pid,
    uid: process.credentials.uid,
    status: event.status,
    userTime: 0,
    systemTime: 0,
  } as const;
  const signal = call.kernel.signals.number("SIGCHLD");
  return signals.packInfo({ signal, errno: 0, code: CODES[event.kind], fields }).subarray(0, WAITID_BYTES);
}

/** si_signo, si_errno, si_code, si_pid, si_uid, si_status. */
const WAITID_BYTES = 24;

// ── pidfds ──────────────────────────────────────────────────────────────────────────────────────────────────────────
const PIDFD_NONBLOCK = "O_NONBLOCK";

function pidfd(call: SyscallContext, fd: number): PidFd {
  const file = description(call, fd);
  if (!(file instanceof PidFd)) throw errno.EBADF;
  return file;
}

function pidfdOpen(call: SyscallContext, pid: number, flags: number): number {
  const nonBlocking = call.abi.constants.open.guest[PIDFD_NONBLOCK] ?? 0;
  if (pid <= 0 || (flags & ~nonBlocking) !== 0) throw errno.EINVAL;
  const process = call.kernel.processes.get(pid);
  if (process === undefined) throw call.kernel.tasks.has(pid) ? errno.EINVAL : errno.ESRCH;
  return call.process.files.add(new PidFd(process, (flags & nonBlocking) !== 0), true);
}

/** The process that a pidfd is, or whose /proc/PID it is: that was the way before there was pidfd_open(2). */
function processOf(call: SyscallContext, fd: number): Process {
  const file = description(call, fd);
  if (file instanceof PidFd) return file.process;
  const pid = pidOfProcessDirectory(file.path.inode);
  if (pid === null) throw errno.EBADF;
  const process = call.kernel.processes.get(pid);
  if (process === undefined) throw errno.ESRCH;
  return process;
}

function pidfdSendSignal(call: SyscallContext, fd: number, signal: number, infoAt: number, flags: number): number {
  if (flags !== 0) throw errno.EINVAL;
  const process = processOf(call, fd);
  if (signal !== 0 && !call.kernel.signals.isValid(signal)) throw errno.EINVAL;
  const info =
    infoAt === 0
      ? userSignal(signal, SI_USER, call.process.pid, call.task.credentials.uid)
      : readSentInfo(call, process.pid, signal, infoAt);
  if (info.signal !== signal) throw errno.EINVAL;
  if (call.kernel.processes.get(process.pid) !== process) throw errno.ESRCH;
  checkSender(call, process.leader);
  if (signal !== 0) sendToProcess(process, info);
  return 0;
}

/** A descriptor of another process, for whoever could trace it: root, or the same user (pidfd_getfd(2)). */
function pidfdGetfd(call: SyscallContext, fd: number, target: number, flags: number): number {
  if (flags !== 0) throw errno.EINVAL;
  const { process } = pidfd(call, fd);
  if (process.exit !== null) throw errno.ESRCH;
  const caller = call.task.credentials;
  const { real, effective, saved } = process.credentials.user;
  if (!caller.isPrivileged && [real, effective, saved].some((uid) => uid !== caller.uid)) throw errno.EPERM;
  return call.process.files.add(process.files.get(target), true);
}

const waitFlags = arg.hexadecimal;
const WAIT_NOTE = "of a child's resource usage only the times are known";

export const WAIT_ROWS: readonly SyscallRow[] = [
  partial("wait4", [arg.pid, arg.intsOut(1), waitFlags, arg.pointer], WAIT_NOTE, wait4),
  full("waitpid", [arg.pid, arg.intsOut(1), waitFlags], (call, pid, status, options) =>
    wait4(call, pid, status, options, 0),
  ),
  partial("waitid", [arg.int, arg.pid, arg.pointer, waitFlags, arg.pointer], WAIT_NOTE, waitid),
  full("pidfd_open", [arg.pid, arg.hexadecimal], pidfdOpen),
  full("pidfd_send_signal", [arg.fd, arg.signal, arg.pointer, arg.hexadecimal], pidfdSendSignal),
  full("pidfd_getfd", [arg.fd, arg.fd, arg.hexadecimal], pidfdGetfd),
];
