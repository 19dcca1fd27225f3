/** Timers as files: timerfd_create(2) and its kin. */
import { errno } from "../kernel/errno.ts";
import { O } from "../kernel/fs/flags.ts";
import { TimerFd } from "../kernel/timerfd.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { description } from "./guest-buffers.ts";
import { full, partial, type SyscallRow } from "./row.ts";
import { readSetting, writeSetting, type SpecWidth } from "./time.ts";

/** By the clock's number: realtime, monotonic, boottime; only root may have those that wake a machine up. */
const KINDS: Readonly<Record<number, "realtime" | "monotonic">> = {
  0: "realtime",
  1: "monotonic",
  7: "monotonic",
  8: "realtime",
  9: "monotonic",
};
const FIRST_ALARM = 8;
const TFD_TIMER_ABSTIME = 1;
const TFD_TIMER_CANCEL_ON_SET = 2;

function create(call: SyscallContext, clockId: number, guestFlags: number): number {
  // TFD_NONBLOCK and TFD_CLOEXEC are open(2)'s numbers.
  const flags = call.abi.constants.open.bitsToKernel(guestFlags);
  const kind = KINDS[clockId];
  if ((flags & ~(O.NONBLOCK | O.CLOEXEC)) !== 0 || kind === undefined) throw errno.EINVAL;
  if (clockId >= FIRST_ALARM && !call.task.credentials.isPrivileged) throw errno.EPERM;
  const file = new TimerFd({
    clock: call.kernel.clock,
    kind,
    clockId,
    nonBlocking: (flags & O.NONBLOCK) !== 0,
    littleEndian: call.abi.littleEndian,
  });
  return call.process.files.add(file, (flags & O.CLOEXEC) !== 0);
}

/** Throws EBADF, EINVAL. */
function timer(call: SyscallContext, fd: number): TimerFd {
  const file = description(call, fd);
  if (!(file instanceof TimerFd)) throw errno.EINVAL;
  return file;
}

function setTime(
  call: SyscallContext,
  fd: number,
  flags: number,
  address: number,
  old: number,
  width: SpecWidth,
): number {
  const setting = readSetting(call, address, width);
  if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) !== 0) throw errno.EINVAL;
  const before = timer(call, fd).setTime(setting, (flags & TFD_TIMER_ABSTIME) !== 0);
  if (old !== 0) writeSetting(call, old, before, width);
  return 0;
}

function getTime(call: SyscallContext, fd: number, address: number, width: SpecWidth): number {
  writeSetting(call, address, timer(call, fd).getTime(), width);
  return 0;
}

const NOTE = "TFD_TIMER_CANCEL_ON_SET never cancels: no guest can set the clock";

function pair(suffix: string, width: SpecWidth): readonly SyscallRow[] {
  const setting = [arg.structIn(width, "itimerspec"), arg.structOut(width, "itimerspec")] as const;
  return [
    partial(`timerfd_settime${suffix}`, [arg.fd, arg.int, ...setting], NOTE, (call, fd, flags, address, old) =>
      setTime(call, fd, flags, address, old, width),
    ),
    full(`timerfd_gettime${suffix}`, [arg.fd, setting[1]], (call, fd, address) => getTime(call, fd, address, width)),
  ];
}

export const TIMERFD_ROWS: readonly SyscallRow[] = [
  full("timerfd_create", [arg.int, arg.openFlags], create),
  ...pair("", "itimerspec32"),
  ...pair("64", "itimerspec64"),
];
