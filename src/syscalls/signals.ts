/** Signals: what happens with them, which are blocked, sending, waiting, and the way back from a handler. */
import { errno } from "../kernel/errno.ts";
import type { Process } from "../kernel/process.ts";
import type { SignalAction } from "../kernel/signal-actions.ts";
import { dequeueSignal } from "../kernel/signal-delivery.ts";
import { forceSegv, sendToProcess, sendToTask } from "../kernel/signal-sending.ts";
import { signalBit } from "../kernel/signal.ts";
import type { SignalSet } from "../kernel/signal.ts";
import { SI_TKILL, SI_USER, userSignal } from "../kernel/siginfo.ts";
import type { SignalInfo } from "../kernel/siginfo.ts";
import { NO_ALTERNATE_STACK, isOn } from "../kernel/task.ts";
import type { Task } from "../kernel/task.ts";
import { Wait } from "../kernel/wait.ts";
import { GuestFault } from "../memory/guest-fault.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { KEEP_REGISTERS, full, partial } from "./row.ts";
import type { Result, SyscallRow } from "./row.ts";
import { timespecTimeout } from "./timeouts.ts";

const checkSetSize = (call: SyscallContext, size: number) => {
  if (size !== call.abi.signals.setBytes) throw errno.EINVAL;
};

/** A set that cannot block what cannot be blocked. */
const allowed = (call: SyscallContext, set: SignalSet) => set & ~call.kernel.signals.unstoppable;

/** The first word of a set: all that the calls before the rt_ ones know. */
const OLD_SET = 0xffff_ffffn;

// ── actions ─────────────────────────────────────────────────────────────────────────────────────────────────────────
/** Sets the action, if there is one, and returns the one before. Throws EINVAL. */
function changeAction(call: SyscallContext, signal: number, next: SignalAction | null): SignalAction {
  const { signals } = call.kernel;
  if (!signals.isValid(signal)) throw errno.EINVAL;
  const { process } = call;
  const before = process.actions.get(signal);
  if (next === null) return before;
  const bit = signalBit(signal);
  if ((bit & signals.unstoppable) !== 0n) throw errno.EINVAL;
  process.actions.set(signal, { ...next, mask: allowed(call, next.mask) });
  // A signal that is ignored from now on is forgotten, even if it is pending and blocked (POSIX 2.4.3).
  if (process.actions.ignores(signal)) {
    process.signals.discard(bit);
    for (const task of process.tasks) task.signals.discard(bit);
  }
  return before;
}

/** The old sigaction(2). */
function sigaction(call: SyscallContext, signal: number, action: number, oldAction: number): number {
  const abi = call.abi.signals;
  const { read, write } = abi.oldAction ?? { read: abi.readAction, write: abi.writeAction };
  const oneWord = (each: SignalAction): SignalAction => ({ ...each, mask: each.mask & OLD_SET });
  const before = changeAction(call, signal, action === 0 ? null : oneWord(read(call.memory, action)));
  if (oldAction !== 0) write(call.memory, oldAction, oneWord(before));
  return 0;
}

function rtSigaction(call: SyscallContext, signal: number, action: number, oldAction: number, size: number): number {
  checkSetSize(call, size);
  const abi = call.abi.signals;
  const before = changeAction(call, signal, action === 0 ? null : abi.readAction(call.memory, action));
  if (oldAction !== 0) abi.writeAction(call.memory, oldAction, before);
  return 0;
}

// ── masks ───────────────────────────────────────────────────────────────────────────────────────────────────────────
/** The mask after sigprocmask(2); `reach` is the part of a mask that the call can change. */
function changeMask(call: SyscallContext, how: number, set: SignalSet, reach: SignalSet): void {
  const { task } = call;
  const { guest } = call.abi.signals.how;
  switch (how) {
    case guest["SIG_BLOCK"]:
      task.setBlocked(task.blocked | set);
      break;
    case guest["SIG_UNBLOCK"]:
      task.setBlocked(task.blocked & ~set);
      break;
    case guest["SIG_SETMASK"]:
      task.setBlocked((task.blocked & ~reach) | set);
      break;
    default:
      throw errno.EINVAL;
  }
}

const EVERY_SIGNAL = ~0n;

function rtSigprocmask(call: SyscallContext, how: number, set: number, oldSet: number, size: number): number {
  checkSetSize(call, size);
  const before = call.task.blocked;
  if (set !== 0) changeMask(call, how, call.abi.signals.readSet(call.memory, set), EVERY_SIGNAL);
  if (oldSet !== 0) call.abi.signals.writeSet(call.memory, oldSet, before);
  return 0;
}

function sigprocmask(call: SyscallContext, how: number, set: number, oldSet: number): number {
  const before = call.task.blocked;
  if (set !== 0) changeMask(call, how, BigInt(call.memory.readU32(set)), OLD_SET);
  if (oldSet !== 0) call.memory.writeU32(oldSet, Number(before & OLD_SET));
  return 0;
}

const pendingOf = (task: Task): SignalSet => (task.signals.pending | task.process.signals.pending) & task.blocked;

/** The kernel's sigset_t may be asked for in part. */
function rtSigpending(call: SyscallContext, set: number, size: number): number {
  if (size > call.abi.signals.setBytes) throw errno.EINVAL;
  checkSetSize(call, size);
  call.abi.signals.writeSet(call.memory, set, pendingOf(call.task));
  return 0;
}

/** Waits for a handler to run; `mask` null: with the mask as it is (pause(2)). */
function suspend(call: SyscallContext, mask: SignalSet | null): Wait {
  if (mask !== null) call.task.suspendMask(mask);
  const wait: Wait = new Wait<number>([], null, (reason) => {
    if (reason === "signal") throw errno.ERESTARTNOHAND;
    return wait;
  });
  return wait;
}

// ── the alternate stack ─────────────────────────────────────────────────────────────────────────────────────────────
const SS_ONSTACK = 1;
const SS_DISABLE = 2;
const SS_AUTODISARM = 0x8000_0000;

function sigaltstack(call: SyscallContext, next: number, old: number): number {
  const { task, abi, memory } = call;
  const stack = task.alternateStack;
  const onStack = isOn(stack, abi.stackPointer(call.registers));
  const wanted = next === 0 ? null : abi.signals.readStack(memory, next);
  if (old !== 0) memory.check(old, 12, "write");
  if (wanted !== null) {
    if (onStack) throw errno.EPERM;
    const mode = (wanted.flags & ~SS_AUTODISARM) >>> 0;
    if (mode !== SS_DISABLE && mode !== SS_ONSTACK && mode !== 0) throw errno.EINVAL;
    if (mode !== SS_DISABLE && wanted.size < abi.signals.minimumStack) throw errno.ENOMEM;
    const autoDisarm = (wanted.flags & SS_AUTODISARM) !== 0;
    task.alternateStack =
      mode === SS_DISABLE ? NO_ALTERNATE_STACK : { pointer: wanted.pointer, size: wanted.size, autoDisarm };
  }
  if (old !== 0) {
    const mode = onStack ? SS_ONSTACK : stack.size === 0 ? SS_DISABLE : 0;
    const flags = mode | (stack.autoDisarm ? SS_AUTODISARM : 0);
    abi.signals.writeStack(memory, old, { pointer: stack.pointer, size: stack.size, flags });
  }
  return 0;
}

// ── sending ─────────────────────────────────────────────────────────────────────────────────────────────────────────
/** kill(2)'s rule: root, or the sender's real or effective user is the target's real or saved one. Throws EPERM. */
export function checkSender(call: SyscallContext, target: Task | null): void {
  const sender = call.task.credentials;
  if (target === null || target.process === call.process || sender.isPrivileged) return;
  const { real, saved } = target.credentials.user;
  if (![sender.uid, sender.euid].some((uid) => uid === real || uid === saved)) throw errno.EPERM;
}

function checkSignal(call: SyscallContext, signal: number): void {
  if (signal !== 0 && !call.kernel.signals.isValid(signal)) throw errno.EINVAL;
}

function kill(call: SyscallContext, pid: number, signal: number): number {
  checkSignal(call, signal);
  const { kernel, process } = call;
  if (pid === kernel.init.pid) throw errno.EPERM;
  const all = [...kernel.processes.values()];
  let targets: Process[];
  if (pid > 0) targets = all.filter((other) => other.pid === pid);
  else if (pid === 0) targets = all.filter((other) => other.pgid === process.pgid);
  else if (pid === -1) targets = all.filter((other) => other !== process);
  else targets = all.filter((other) => other.pgid === -pid);
  if (targets.length === 0) throw errno.ESRCH;
  let sent = 0;
  for (const target of targets) {
    try {
      checkSender(call, target.leader);
    } catch (error) {
      if (targets.length === 1) throw error;
      continue;
    }
    sent++;
    if (signal !== 0) sendToProcess(target, userSignal(signal, SI_USER, process.pid, call.task.credentials.uid));
  }
  if (sent === 0) throw errno.EPERM;
  return 0;
}

/** tkill(2) and tgkill(2); `tgid` -1: of any process. */
function killTask(call: SyscallContext, tgid: number, tid: number, signal: number): number {
  if (tid <= 0 || tgid === 0 || tgid < -1) throw errno.EINVAL;
  const target = findTask(call, tgid, tid);
  checkSignal(call, signal);
  if (signal === 0) return 0;
  sendToTask(target, userSignal(signal, SI_TKILL, call.process.pid, call.task.credentials.uid));
  return 0;
}

function findTask(call: SyscallContext, tgid: number, tid: number): Task {
  if (tid === call.kernel.init.pid) throw errno.EPERM;
  const target = call.kernel.tasks.get(tid);
  if (target === undefined || (tgid !== -1 && target.process.pid !== tgid)) throw errno.ESRCH;
  checkSender(call, target);
  return target;
}

/** rt_sigqueueinfo(2)'s siginfo_t: nobody may pretend to be the kernel, or kill(2), towards others. */
export function readSentInfo(call: SyscallContext, pid: number, signal: number, address: number): SignalInfo {
  const info = call.abi.signals.readInfo(call.memory, address, signal);
  if ((info.code >= 0 || info.code === SI_TKILL) && pid !== call.process.pid) throw errno.EPERM;
  return info;
}

function queueInfo(call: SyscallContext, pid: number, signal: number, address: number): number {
  const info = readSentInfo(call, pid, signal, address);
  const target = call.kernel.processes.get(pid);
  if (target === undefined) throw pid === call.kernel.init.pid ? errno.EPERM : errno.ESRCH;
  checkSender(call, target.leader);
  checkSignal(call, signal);
  if (signal !== 0) sendToProcess(target, info);
  return 0;
}

function queueTaskInfo(call: SyscallContext, tgid: number, tid: number, signal: number, address: number): number {
  if (tid <= 0 || tgid <= 0) throw errno.EINVAL;
  const info = readSentInfo(call, tid, signal, address);
  const target = findTask(call, tgid, tid);
  checkSignal(call, signal);
  if (signal !== 0) sendToTask(target, info);
  return 0;
}

// ── waiting ─────────────────────────────────────────────────────────────────────────────────────────────────────────
function sigtimedwait(
  call: SyscallContext,
  setAt: number,
  infoAt: number,
  timeoutAt: number,
  size: number,
  wide: boolean,
): number | Wait {
  checkSetSize(call, size);
  const set = allowed(call, call.abi.signals.readSet(call.memory, setAt));
  const timeout = timespecTimeout(call, timeoutAt, wide);
  const take = (): number | null => {
    const info = dequeueSignal(call.task, set);
    if (info === null) return null;
    if (infoAt !== 0) call.memory.writeBytes(infoAt, call.abi.signals.packInfo(info));
    return info.signal;
  };
  const taken = take();
  if (taken !== null) return taken;
  if (timeout?.expired === true) throw errno.EAGAIN;
  const wait: Wait = new Wait<number>([call.process.signalArrival], timeout?.deadline ?? null, (reason) => {
    const signal = take();
    if (signal !== null) return signal;
    if (reason === "timeout") throw errno.EAGAIN;
    if (reason === "signal") throw errno.EINTR;
    return wait;
  });
  return wait;
}

// ── the way back ────────────────────────────────────────────────────────────────────────────────────────────────────
/** A frame that cannot be read ends the program, as it cannot go on anywhere. */
function sigreturn(call: SyscallContext, withInfo: boolean): Result {
  try {
    call.abi.signals.popFrame(call, withInfo);
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error;
    forceSegv(call.task, 0);
  }
  return KEEP_REGISTERS;
}

function restartSyscall(call: SyscallContext): number | Wait {
  const { restart } = call.task;
  call.task.restart = null;
  if (restart === null) throw errno.EINTR;
  return restart();
}

const set = arg.pointer;
const info = arg.pointer;

export const SIGNAL_ROWS: readonly SyscallRow[] = [
  full("rt_sigaction", [arg.signal, arg.pointer, arg.pointer, arg.size], rtSigaction),
  full("sigaction", [arg.signal, arg.pointer, arg.pointer], sigaction),
  full("rt_sigprocmask", [arg.int, set, set, arg.size], rtSigprocmask),
  full("sigprocmask", [arg.int, set, set], sigprocmask),
  full("sgetmask", [], (call) => Number(call.task.blocked & OLD_SET)),
  full("ssetmask", [arg.hexadecimal], (call, mask) => {
    const before = Number(call.task.blocked & OLD_SET);
    call.task.setBlocked(BigInt(mask));
    return before;
  }),
  full("rt_sigpending", [set, arg.size], rtSigpending),
  full("sigpending", [set], (call, at) => {
    call.memory.writeU32(at, Number(pendingOf(call.task) & OLD_SET));
    return 0;
  }),
  full("rt_sigsuspend", [set, arg.size], (call, at, size) => {
    checkSetSize(call, size);
    return suspend(call, call.abi.signals.readSet(call.memory, at));
  }),
  full("sigsuspend", [set], (call, at) => suspend(call, call.abi.signals.readSet(call.memory, at))),
  // Where the set is a word among the arguments: the third, behind two that were for the kernel's own use.
  full("sigsuspend3", [arg.int, arg.hexadecimal, arg.hexadecimal], (call, _restart, _old, mask) =>
    suspend(call, BigInt(mask)),
  ),
  full("pause", [], (call) => suspend(call, null)),
  full("sigaltstack", [arg.pointer, arg.pointer], sigaltstack),
  full("kill", [arg.pid, arg.signal], kill),
  full("tkill", [arg.pid, arg.signal], (call, tid, signal) => killTask(call, -1, tid, signal)),
  full("tgkill", [arg.pid, arg.pid, arg.signal], (call, tgid, tid, signal) => {
    if (tgid <= 0) throw errno.EINVAL;
    return killTask(call, tgid, tid, signal);
  }),
  full("rt_sigqueueinfo", [arg.pid, arg.signal, info], queueInfo),
  full("rt_tgsigqueueinfo", [arg.pid, arg.pid, arg.signal, info], queueTaskInfo),
  full(
    "rt_sigtimedwait",
    [set, info, arg.structIn("timespec32", "timespec"), arg.size],
    (call, at, infoAt, timeout, size) => sigtimedwait(call, at, infoAt, timeout, size, call.abi.word === 8),
  ),
  full(
    "rt_sigtimedwait_time64",
    [set, info, arg.structIn("timespec64", "timespec"), arg.size],
    (call, at, infoAt, timeout, size) => sigtimedwait(call, at, infoAt, timeout, size, true),
  ),
  full("rt_sigreturn", [], (call) => sigreturn(call, true)),
  full("sigreturn", [], (call) => sigreturn(call, false)),
  partial(
    "restart_syscall",
    [],
    "an interrupted wait without handler goes on by itself, so nobody is sent here",
    restartSyscall,
  ),
];
