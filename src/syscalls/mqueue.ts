/** POSIX message queues: mq_open(2) and its kin. Names come without the slash that mq_open(3) wants in front. */
import { errno } from "../kernel/errno.ts";
import { fromBytes } from "../kernel/fs/byte-string.ts";
import { O } from "../kernel/fs/flags.ts";
import { MessageQueueDescription, MqueueFs, PRIORITIES } from "../kernel/mqueue.ts";
import type { Notice } from "../kernel/mqueue.ts";
import { Wait } from "../kernel/wait.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { description, readPath } from "./guest-buffers.ts";
import { full, partial, type SyscallRow } from "./row.ts";
import { timespecTimeout } from "./timeouts.ts";

function fileSystem(call: SyscallContext): MqueueFs {
  const found = call.process.fs.root.mount.tree.find(({ fs }) => fs instanceof MqueueFs)?.fs;
  if (!(found instanceof MqueueFs)) throw errno.ENOSYS;
  return found;
}

/** Throws EBADF. */
function queue(call: SyscallContext, fd: number): MessageQueueDescription {
  const file = description(call, fd);
  if (!(file instanceof MessageQueueDescription)) throw errno.EBADF;
  return file;
}

function open(call: SyscallContext, nameAt: number, guestFlags: number, mode: number, attributesAt: number): number {
  const { abi, memory, process, task } = call;
  const name = readPath(call, nameAt);
  const flags = abi.constants.open.bitsToKernel(guestFlags & ~3) | (guestFlags & 3);
  const asked = attributesAt === 0 || (flags & O.CREAT) === 0 ? null : abi.structs.mqAttr.read(memory, attributesAt);
  const file = fileSystem(call).openQueue(name, {
    flags: flags & (O.ACCMODE | O.CREAT | O.EXCL | O.NONBLOCK),
    mode: mode & 0o7777 & ~process.fs.umask,
    size: asked === null ? null : { messages: Number(asked.mq_maxmsg), bytes: Number(asked.mq_msgsize) },
    credentials: task.credentials,
    limit: process.limits.soft("RLIMIT_MSGQUEUE"),
  });
  return process.files.add(file, (flags & O.CLOEXEC) !== 0);
}

/** An absolute time of the real-time clock as a deadline; asked for only when the call must wait. Throws EINVAL. */
function deadlineAt(call: SyscallContext, address: number, wide: boolean): () => bigint | null {
  const time = timespecTimeout(call, address, wide);
  const { clock } = call.kernel;
  return () => (time === null ? null : clock.monotonic() + (time.given - clock.realtime()));
}

function send(
  call: SyscallContext,
  fd: number,
  messageAt: number,
  length: number,
  priority: number,
  timeoutAt: number,
  wide: boolean,
): number | Wait<number> {
  if (priority >= PRIORITIES) throw errno.EINVAL;
  const deadline = deadlineAt(call, timeoutAt, wide);
  const to = queue(call, fd);
  if (length > to.size.bytes) throw to.writable ? errno.EMSGSIZE : errno.EBADF;
  return to.send(call.task, { priority, bytes: call.memory.readBytes(messageAt, length) }, deadline);
}

function receive(
  call: SyscallContext,
  fd: number,
  messageAt: number,
  room: number,
  priorityAt: number,
  timeoutAt: number,
  wide: boolean,
): number | Wait<number> {
  const deadline = deadlineAt(call, timeoutAt, wide);
  const received = queue(call, fd).receive(room, deadline);
  const report = ({ bytes, priority }: { readonly bytes: Uint8Array; readonly priority: number }): number => {
    call.memory.writeBytes(messageAt, bytes);
    if (priorityAt !== 0) call.memory.writeU32(priorityAt, priority);
    return bytes.length;
  };
  return received instanceof Wait ? received.then(report) : report(received);
}

/** sigev_notify */
const SIGEV_SIGNAL = 0;
const SIGEV_NONE = 1;

function notify(call: SyscallContext, fd: number, eventAt: number): number {
  const { memory, process, kernel } = call;
  if (eventAt === 0) {
    queue(call, fd).unregister(process);
    return 0;
  }
  // struct sigevent { sigval_t value; int signo; int notify; … }
  const [value, signal, how] = [0, 4, 8].map((offset) => memory.readS32(eventAt + offset)) as [number, number, number];
  let notice: Notice | null = null;
  if (how === SIGEV_SIGNAL) {
    if (!kernel.signals.isValid(signal)) throw errno.EINVAL;
    notice = { signal, value };
  } else if (how !== SIGEV_NONE) throw errno.EINVAL;
  queue(call, fd).register(process, notice);
  return 0;
}

function getsetattr(call: SyscallContext, fd: number, nextAt: number, oldAt: number): number {
  const { abi, memory } = call;
  const { mqAttr } = abi.structs;
  const next = nextAt === 0 ? null : mqAttr.read(memory, nextAt);
  const flags = next === null ? 0 : abi.constants.open.bitsToKernel(Number(next.mq_flags));
  if ((flags & ~O.NONBLOCK) !== 0) throw errno.EINVAL;
  const file = queue(call, fd);
  if (oldAt !== 0) {
    mqAttr.write(memory, oldAt, {
      mq_flags: abi.constants.open.bitsToGuest(file.flags & O.NONBLOCK),
      mq_maxmsg: file.size.messages,
      mq_msgsize: file.size.bytes,
      mq_curmsgs: file.held,
    });
  }
  if (next !== null) file.setFlags((file.flags & ~O.NONBLOCK) | flags);
  return 0;
}

const attributes = arg.structIn("mqAttr", "mq_attr");

/** mq_timedsend and mq_timedreceive, with the timespec of either width. */
function timed(suffix: string, layout: "timespec32" | "timespec64"): readonly SyscallRow[] {
  const timeout = arg.structIn(layout, "timespec");
  return [
    full(
      `mq_timedsend${suffix}`,
      [arg.fd, arg.input(2), arg.size, arg.uint, timeout],
      (call, fd, message, length, priority, until) =>
        send(call, fd, message, length, priority, until, layout === "timespec64" || call.abi.word === 8),
    ),
    full(
      `mq_timedreceive${suffix}`,
      [arg.fd, arg.output, arg.size, arg.pointer, timeout],
      (call, fd, message, room, priority, until) =>
        receive(call, fd, message, room, priority, until, layout === "timespec64" || call.abi.word === 8),
    ),
  ];
}

export const MQUEUE_ROWS: readonly SyscallRow[] = [
  full("mq_open", [arg.string, arg.openFlags, arg.createMode, attributes], open),
  full("mq_unlink", [arg.string], (call, nameAt) => {
    const name = call.memory.readCString(nameAt, 4096);
    if (name === null) throw errno.ENAMETOOLONG;
    fileSystem(call).unlinkQueue(fromBytes(name), call.task.credentials);
    return 0;
  }),
  ...timed("", "timespec32"),
  ...timed("_time64", "timespec64"),
  partial(
    "mq_notify",
    [arg.fd, arg.pointer],
    "SIGEV_THREAD is EINVAL: the C libraries make it of a netlink socket",
    notify,
  ),
  full("mq_getsetattr", [arg.fd, attributes, arg.structOut("mqAttr", "mq_attr")], getsetattr),
];
