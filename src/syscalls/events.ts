/** Files that stand for events: eventfd(2), epoll(7), signalfd(2). */
import { Epoll, EPOLL, type EpollEvent } from "../kernel/epoll.ts";
import { errno } from "../kernel/errno.ts";
import { createEventFd } from "../kernel/eventfd.ts";
import { O, POLL } from "../kernel/fs/flags.ts";
import type { SignalSet } from "../kernel/signal.ts";
import { SignalFd } from "../kernel/signalfd.ts";
import { Wait } from "../kernel/wait.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { description } from "./guest-buffers.ts";
import { readSignalMask, withMask } from "./poll.ts";
import { full, partial, type SyscallRow } from "./row.ts";
import { millisecondTimeout, timespecTimeout, type Timeout } from "./timeouts.ts";

function eventfd(call: SyscallContext, initial: number, flags: number): number {
  const { EFD_SEMAPHORE, EFD_NONBLOCK, EFD_CLOEXEC } = call.abi.constants.eventfd.guest;
  if ((flags & ~(EFD_SEMAPHORE! | EFD_NONBLOCK! | EFD_CLOEXEC!)) !== 0) throw errno.EINVAL;
  const file = createEventFd({
    initial,
    semaphore: (flags & EFD_SEMAPHORE!) !== 0,
    nonBlocking: (flags & EFD_NONBLOCK!) !== 0,
    littleEndian: call.abi.littleEndian,
  });
  return call.process.files.add(file, (flags & EFD_CLOEXEC!) !== 0);
}

/** Throws EBADF, EINVAL. */
function epoll(call: SyscallContext, fd: number): Epoll {
  const file = description(call, fd);
  if (!(file instanceof Epoll)) throw errno.EINVAL;
  return file;
}

/** What EPOLLEXCLUSIVE may be combined with (epoll_ctl(2)). */
const EXCLUSIVE_OK = EPOLL.EXCLUSIVE | EPOLL.WAKEUP | EPOLL.ET | POLL.IN | POLL.OUT | POLL.ERR | POLL.HUP;

function control(call: SyscallContext, epollFd: number, operation: number, fd: number, address: number): number {
  const name = call.abi.constants.epollControl.nameOf(operation);
  const event = name === "EPOLL_CTL_DEL" ? null : call.abi.structs.epollEvent.read(call.memory, address);
  const file = description(call, fd);
  const set = epoll(call, epollFd);
  if (file === set) throw errno.EINVAL;
  const events = Number(event?.events ?? 0) | 0;
  const data = BigInt(event?.data ?? 0);
  if ((events & EPOLL.EXCLUSIVE) !== 0 && (events & ~EXCLUSIVE_OK) !== 0) throw errno.EINVAL;
  switch (name) {
    case "EPOLL_CTL_ADD":
      set.add(fd, file, events, data);
      return 0;
    case "EPOLL_CTL_MOD":
      set.modify(fd, file, events, data);
      return 0;
    case "EPOLL_CTL_DEL":
      set.delete(fd, file);
      return 0;
    default:
      throw errno.EINVAL;
  }
}

function wait(
  call: SyscallContext,
  fd: number,
  address: number,
  max: number,
  timeout: Timeout | null,
  mask: SignalSet | null,
): number | Wait<number> {
  const { epollEvent } = call.abi.structs;
  if (max <= 0 || max > 0x7fffffff / epollEvent.size) throw errno.EINVAL;
  const set = epoll(call, fd);
  const room = call.memory.accessible(address, max * epollEvent.size, "write");
  if (room < epollEvent.size) throw errno.EFAULT;
  const report = (events: EpollEvent[]): number => {
    events.forEach((event, n) => {
      epollEvent.write(call.memory, address + n * epollEvent.size, { events: event.events, data: event.data });
    });
    return events.length;
  };
  const most = Math.floor(room / epollEvent.size);
  return withMask(call, mask, () => {
    const found = set.wait(most, timeout?.deadline ?? null, timeout?.expired ?? false);
    return found instanceof Wait ? found.then(report) : report(found);
  });
}

function create(call: SyscallContext, flags: number): number {
  const { EPOLL_CLOEXEC } = call.abi.constants.epollCreate.guest;
  if ((flags & ~EPOLL_CLOEXEC!) !== 0) throw errno.EINVAL;
  return call.process.files.add(new Epoll(), flags !== 0);
}

/** A new one, or with an open one's descriptor that one with another set. */
function signalfd(call: SyscallContext, fd: number, setAt: number, size: number, guestFlags: number): number {
  const { signals } = call.abi;
  // SFD_NONBLOCK and SFD_CLOEXEC are open(2)'s numbers.
  const flags = call.abi.constants.open.bitsToKernel(guestFlags);
  if ((flags & ~(O.NONBLOCK | O.CLOEXEC)) !== 0 || size !== signals.setBytes) throw errno.EINVAL;
  const set = signals.readSet(call.memory, setAt) & ~call.kernel.signals.unstoppable;
  if (fd !== -1) {
    const file = description(call, fd);
    if (!(file instanceof SignalFd)) throw errno.EINVAL;
    file.set = set;
    return fd;
  }
  const file = new SignalFd({
    maker: call.task,
    set,
    nonBlocking: (flags & O.NONBLOCK) !== 0,
    littleEndian: call.abi.littleEndian,
  });
  return call.process.files.add(file, (flags & O.CLOEXEC) !== 0);
}

const waitArguments = [arg.fd, arg.pointer, arg.int] as const;
const NOTE = "EPOLLEXCLUSIVE and EPOLLWAKEUP change nothing";

export const EVENT_ROWS: readonly SyscallRow[] = [
  full("eventfd", [arg.uint], (call, initial) => eventfd(call, initial, 0)),
  full("eventfd2", [arg.uint, arg.flags("eventfd")], eventfd),
  full("epoll_create", [arg.int], (call, size) => {
    if (size <= 0) throw errno.EINVAL;
    return create(call, 0);
  }),
  full("epoll_create1", [arg.flags("epollCreate")], create),
  partial(
    "epoll_ctl",
    [arg.fd, arg.choice("epollControl"), arg.fd, arg.structIn("epollEvent", "epoll_event")],
    NOTE,
    control,
  ),
  full("epoll_wait", [...waitArguments, arg.int], (call, fd, address, max, milliseconds) =>
    wait(call, fd, address, max, millisecondTimeout(call, milliseconds), null),
  ),
  full(
    "epoll_pwait",
    [...waitArguments, arg.int, arg.pointer, arg.size],
    (call, fd, address, max, milliseconds, mask, size) =>
      wait(call, fd, address, max, millisecondTimeout(call, milliseconds), readSignalMask(call, mask, size)),
  ),
  full(
    "epoll_pwait2",
    [...waitArguments, arg.structIn("timespec64", "timespec"), arg.pointer, arg.size],
    (call, fd, address, max, timeout, mask, size) =>
      wait(call, fd, address, max, timespecTimeout(call, timeout, true), readSignalMask(call, mask, size)),
  ),
  full("signalfd", [arg.fd, arg.pointer, arg.size], (call, fd, set, size) => signalfd(call, fd, set, size, 0)),
  full("signalfd4", [arg.fd, arg.pointer, arg.size, arg.flags("open")], signalfd),
];
