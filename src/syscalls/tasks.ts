/** New processes and threads: clone(2) in all its forms. */
import { errno } from "../kernel/errno.ts";
import { PidFd } from "../kernel/pidfd.ts";
import type { Process } from "../kernel/process.ts";
import type { Task } from "../kernel/task.ts";
import { Wait, WaitQueue } from "../kernel/wait.ts";
import { GuestFault } from "../memory/guest-fault.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { full, partial } from "./row.ts";
import type { SyscallRow } from "./row.ts";

/** clone(2)'s flags; the same numbers on every architecture. */
export const CLONE = {
  VM: 0x100,
  FS: 0x200,
  FILES: 0x400,
  SIGHAND: 0x800,
  PIDFD: 0x1000,
  PTRACE: 0x2000,
  VFORK: 0x4000,
  PARENT: 0x8000,
  THREAD: 0x10000,
  NEWNS: 0x20000,
  SYSVSEM: 0x40000,
  SETTLS: 0x80000,
  PARENT_SETTID: 0x100000,
  CHILD_CLEARTID: 0x200000,
  DETACHED: 0x400000,
  UNTRACED: 0x800000,
  CHILD_SETTID: 0x1000000,
  NEWCGROUP: 0x2000000,
  NEWUTS: 0x4000000,
  NEWIPC: 0x8000000,
  NEWUSER: 0x10000000,
  NEWPID: 0x20000000,
  NEWNET: 0x40000000,
  IO: 0x80000000,
} as const;
/** clone3(2) only: they lie above 32 bits. */
const CLEAR_SIGHAND = 1n << 32n;
const EXIT_SIGNAL = 0xff;
const NAMESPACES =
  CLONE.NEWNS | CLONE.NEWCGROUP | CLONE.NEWUTS | CLONE.NEWIPC | CLONE.NEWUSER | CLONE.NEWPID | CLONE.NEWNET;
/** What fork(2) is a name for. */
const FORK_STACK = 0;

interface Request {
  readonly flags: number;
  readonly exitSignal: number;
  /** The child's stack pointer; 0: the parent's. */
  readonly stack: number;
  readonly tls: number;
  readonly parentTidAt: number;
  readonly childTidAt: number;
  readonly pidfdAt: number;
  readonly clearHandlers: boolean;
}

const has = (flags: number, flag: number): boolean => (flags & flag) !== 0;

function check(call: SyscallContext, { flags, exitSignal, clearHandlers }: Request): void {
  if (has(flags, CLONE.THREAD) && !has(flags, CLONE.SIGHAND)) throw errno.EINVAL;
  if (has(flags, CLONE.SIGHAND) && (!has(flags, CLONE.VM) || clearHandlers)) throw errno.EINVAL;
  if (has(flags, CLONE.NEWNS) && has(flags, CLONE.FS)) throw errno.EINVAL;
  if (has(flags, CLONE.PIDFD) && has(flags, CLONE.DETACHED | CLONE.THREAD)) throw errno.EINVAL;
  // An unprivileged user's lot, and there are no namespaces for root either.
  if (has(flags, NAMESPACES)) throw errno.EPERM;
  if (has(flags, CLONE.THREAD) && (!has(flags, CLONE.FS) || !has(flags, CLONE.FILES))) {
    call.kernel.warnOnce("clone: a thread that does not share files and directories with its process: EINVAL");
    throw errno.EINVAL;
  }
  if (exitSignal !== 0 && !call.kernel.signals.isValid(exitSignal)) throw errno.EINVAL;
}

function clone(call: SyscallContext, request: Request): number | Wait {
  check(call, request);
  const { flags } = request;
  call.kernel.checkTaskLimit(call.task);
  if (has(flags, CLONE.PIDFD)) {
    call.memory.check(request.pidfdAt, 4, "write");
    call.process.files.reserve(1);
  }
  const child = call.machine.clone(call, {
    thread: has(flags, CLONE.THREAD),
    memory: has(flags, CLONE.VM),
    fs: has(flags, CLONE.FS),
    files: has(flags, CLONE.FILES),
    actions: has(flags, CLONE.SIGHAND),
    sibling: has(flags, CLONE.PARENT),
    clearHandlers: request.clearHandlers,
    exitSignal: has(flags, CLONE.PARENT) ? call.process.exitSignal : request.exitSignal,
    stack: request.stack,
    tls: has(flags, CLONE.SETTLS) ? request.tls : null,
    keepAlternateStack: !has(flags, CLONE.VM) || has(flags, CLONE.VFORK),
  });
  const { tid } = child;
  if (has(flags, CLONE.PARENT_SETTID)) tell(call.process, request.parentTidAt, tid);
  if (has(flags, CLONE.CHILD_SETTID)) tell(child.process, request.childTidAt, tid);
  if (has(flags, CLONE.CHILD_CLEARTID)) child.clearChildTid = request.childTidAt;
  if (has(flags, CLONE.PIDFD)) {
    call.memory.writeS32(request.pidfdAt, call.process.files.add(new PidFd(child.process, false), true));
  }
  if (has(flags, CLONE.VFORK)) {
    const wait = waitForVfork(call, child, tid);
    call.kernel.scheduler.add(child);
    return wait;
  }
  call.kernel.scheduler.add(child);
  return tid;
}

/** Linux does not mind where this fails. */
function tell(process: Process, address: number, tid: number): void {
  try {
    process.memory.writeS32(address, tid);
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error;
  }
}

/** The parent stands still until the child has left its memory; no handler runs meanwhile (vfork(2)). */
function waitForVfork({ task }: SyscallContext, child: Task, tid: number): Wait {
  const { process } = child;
  const done = (process.vforkDone = new WaitQueue());
  const { blocked } = task;
  task.setBlocked(~0n);
  const wait: Wait = new Wait<number>([done], null, () => {
    if (process.vforkDone === done) return wait;
    task.setBlocked(blocked);
    return tid;
  });
  return wait;
}

/** clone(2): what the fourth and fifth argument are is the ABI's business. */
function clone2(
  call: SyscallContext,
  flags: number,
  stack: number,
  parentTid: number,
  fourth: number,
  fifth: number,
): number | Wait {
  const [tls, childTid] = call.abi.cloneTlsFirst ? [fourth, fifth] : [fifth, fourth];
  if (has(flags, CLONE.PIDFD) && has(flags, CLONE.PARENT_SETTID)) throw errno.EINVAL;
  return clone(call, {
    flags: (flags & ~EXIT_SIGNAL) >>> 0,
    exitSignal: flags & EXIT_SIGNAL,
    stack,
    tls,
    parentTidAt: parentTid,
    childTidAt: childTid,
    pidfdAt: parentTid,
    clearHandlers: false,
  });
}

function simple(call: SyscallContext, flags: number): number | Wait {
  return clone(call, {
    flags,
    exitSignal: call.kernel.signals.number("SIGCHLD"),
    stack: FORK_STACK,
    tls: 0,
    parentTidAt: 0,
    childTidAt: 0,
    pidfdAt: 0,
    clearHandlers: false,
  });
}

/** CLONE_ARGS_SIZE_VER0. */
const LEAST_ARGS = 64;
const MOST_ARGS = 4096;

function clone3(call: SyscallContext, address: number, size: number): number | Wait {
  const { cloneArgs } = call.abi.structs;
  if (size > MOST_ARGS) throw errno.E2BIG;
  if (size < LEAST_ARGS) throw errno.EINVAL;
  // set_tid and cgroup came later, and must not be asked for.
  if (
    size > cloneArgs.size &&
    call.memory.readBytes(address + cloneArgs.size, size - cloneArgs.size).some((byte) => byte !== 0)
  ) {
    throw errno.E2BIG;
  }
  const args = cloneArgs.read(call.memory, address);
  const number = (name: keyof typeof args): number => {
    const value = BigInt(args[name]);
    if (value > 0xffff_ffffn) throw errno.EINVAL;
    return Number(value);
  };
  const flags = BigInt(args.flags);
  if ((flags & ~(0xffff_ffffn | CLEAR_SIGHAND)) !== 0n) throw errno.EINVAL;
  const low = Number(flags & 0xffff_ffffn);
  if (has(low, CLONE.DETACHED | EXIT_SIGNAL)) throw errno.EINVAL;
  const exitSignal = number("exit_signal");
  if (has(low, CLONE.THREAD | CLONE.PARENT) && exitSignal !== 0) throw errno.EINVAL;
  const [stack, stackSize] = [number("stack"), number("stack_size")];
  if ((stack === 0) !== (stackSize === 0)) throw errno.EINVAL;
  return clone(call, {
    flags: low,
    exitSignal,
    stack: stack + stackSize,
    tls: number("tls"),
    parentTidAt: number("parent_tid"),
    childTidAt: number("child_tid"),
    pidfdAt: number("pidfd"),
    clearHandlers: (flags & CLEAR_SIGHAND) !== 0n,
  });
}

/** unshare(2) of what processes can share; namespaces are not to be had. */
function unshare(call: SyscallContext, flags: number): number {
  const { process, task } = call;
  if ((flags & ~(CLONE.FS | CLONE.FILES | CLONE.SYSVSEM | CLONE.THREAD | CLONE.SIGHAND | CLONE.VM | NAMESPACES)) !== 0)
    throw errno.EINVAL;
  if (has(flags, NAMESPACES)) throw errno.EPERM;
  if (has(flags, CLONE.THREAD | CLONE.SIGHAND | CLONE.VM) && process.tasks.size > 1) throw errno.EINVAL;
  if (has(flags, CLONE.FS | CLONE.FILES) && process.tasks.size > 1) {
    call.kernel.warnOnce("unshare: a thread cannot have files or directories of its own: EINVAL");
    throw errno.EINVAL;
  }
  if (has(flags, CLONE.FS) && process.fs.isShared) {
    const own = process.fs.clone(task.credentials);
    process.fs.leave();
    process.fs = own;
  }
  if (has(flags, CLONE.FILES)) process.unshareFiles();
  return 0;
}

const NO_NAMESPACES = "there are no namespaces: EPERM";

export const TASK_ROWS: readonly SyscallRow[] = [
  full("fork", [], (call) => simple(call, 0)),
  full("vfork", [], (call) => simple(call, CLONE.VFORK | CLONE.VM)),
  partial("clone", [arg.hexadecimal, arg.pointer, arg.pointer, arg.pointer, arg.pointer], NO_NAMESPACES, clone2),
  partial("clone3", [arg.pointer, arg.size], `${NO_NAMESPACES}; set_tid and cgroup are E2BIG`, clone3),
  partial("unshare", [arg.hexadecimal], NO_NAMESPACES, unshare),
  partial("setns", [arg.fd, arg.hexadecimal], NO_NAMESPACES, (call, fd) => {
    call.process.files.get(fd);
    throw errno.EPERM;
  }),
];
