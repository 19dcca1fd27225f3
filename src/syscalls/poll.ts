/** Waiting for descriptors: poll(2), select(2), and their forms with a signal mask. */
import { Errno, errno } from "../kernel/errno.ts";
import { POLL } from "../kernel/fs/flags.ts";
import { poll as pollEntries, type PollEntry } from "../kernel/poll.ts";
import { restoreMask } from "../kernel/signal-delivery.ts";
import type { SignalSet } from "../kernel/signal.ts";
import { Wait } from "../kernel/wait.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { full, type SyscallRow } from "./row.ts";
import { millisecondTimeout, timespecTimeout, timevalTimeout, type Timeout } from "./timeouts.ts";

/** A sigset_t; null for a null pointer. Throws EINVAL for a size that is not the ABI's. */
export function readSignalMask(call: SyscallContext, address: number, size: number): SignalSet | null {
  if (address === 0) return null;
  if (size !== call.abi.signals.setBytes) throw errno.EINVAL;
  return call.abi.signals.readSet(call.memory, address);
}

/**
 * Goes through with a call and does `finish` with its result when that is there, be it at once or after waits. `failed`
 * is called instead if it throws.
 */
export function settle(
  run: () => number | Wait<number>,
  finish: (result: number) => number,
  failed: (error: unknown) => void,
): number | Wait<number> {
  let result: number | Wait<number>;
  try {
    result = run();
  } catch (error) {
    failed(error);
    throw error;
  }
  if (typeof result === "number") return finish(result);
  const wait = result;
  return new Wait(wait.queues, wait.deadline, (reason) => settle(() => wait.resume(reason), finish, failed));
}

/**
 * Polls with a signal mask in force (ppoll(2), pselect(2), epoll_pwait(2)): the mask goes when the call returns, but
 * stays for a signal that ends it, until that signal's handler has its frame.
 */
export function withMask(
  call: SyscallContext,
  mask: SignalSet | null,
  run: () => number | Wait<number>,
): number | Wait<number> {
  if (mask === null) return run();
  const { task } = call;
  task.suspendMask(mask);
  const first = (): number | Wait<number> => {
    const result = run();
    // A signal that was waiting behind the old mask ends the call before it begins.
    if (typeof result !== "number" && task.deliverable !== 0n) throw errno.ERESTARTNOHAND;
    return result;
  };
  return settle(
    first,
    (result) => {
      restoreMask(task);
      return result;
    },
    (error) => {
      if (error !== errno.ERESTARTNOHAND && error !== errno.EINTR) restoreMask(task);
    },
  );
}

// ── poll ────────────────────────────────────────────────────────────────────────────────────────────────────────────
interface PollArray {
  readonly entries: PollEntry[];
  /** Writes every revents. */
  report(): void;
}

function readPollArray(call: SyscallContext, address: number, count: number): PollArray {
  if (count > call.process.limits.soft("RLIMIT_NOFILE")) throw errno.EINVAL;
  const { pollfd } = call.abi.structs;
  const { files } = call.process;
  const set = call.abi.constants.poll;
  call.memory.check(address, count * pollfd.size, "read");
  const entries: PollEntry[] = [];
  for (let n = 0; n < count; n++) {
    const at = address + n * pollfd.size;
    const fd = call.memory.readS32(at);
    const events = set.bitsToKernel(call.memory.readU16(at + 4));
    entries.push({ description: files.has(fd) ? files.get(fd) : null, events, ignored: fd < 0, result: 0 });
  }
  return {
    entries,
    report() {
      const offset = pollfd.offsetOf("revents");
      entries.forEach((entry, n) => {
        // Unasked-for bits are masked by the kernel; where two of its bits are one of the guest's, one is enough.
        call.memory.writeU16(address + n * pollfd.size + offset, set.bitsToGuest(entry.result));
      });
    },
  };
}

function poll(call: SyscallContext, address: number, count: number, milliseconds: number): number | Wait<number> {
  const { entries, report } = readPollArray(call, address, count);
  const timeout = millisecondTimeout(call, milliseconds);
  const run = (): number | Wait<number> =>
    settle(
      () => pollEntries(entries, timeout?.deadline ?? null, timeout?.expired),
      (ready) => {
        report();
        return ready;
      },
      (error) => {
        if (error !== errno.ERESTARTNOHAND) return;
        // Going on must not begin the time-out anew.
        call.task.restart = run;
        throw errno.ERESTART_RESTARTBLOCK;
      },
    );
  return run();
}

function ppoll(
  call: SyscallContext,
  address: number,
  count: number,
  timeoutAt: number,
  maskAt: number,
  maskSize: number,
  wide: boolean,
): number | Wait<number> {
  const timeout = timespecTimeout(call, timeoutAt, wide);
  const mask = readSignalMask(call, maskAt, maskSize);
  const { entries, report } = readPollArray(call, address, count);
  return withTimeLeft(timeout, () =>
    withMask(call, mask, () => {
      const found = pollEntries(entries, timeout?.deadline ?? null, timeout?.expired);
      return settle(
        () => found,
        (ready) => {
          report();
          return ready;
        },
        () => undefined,
      );
    }),
  );
}

/** Writes back what is left of the time-out, whatever comes of the call; a time-out in read-only memory stays. */
function withTimeLeft(timeout: Timeout | null, run: () => number | Wait<number>): number | Wait<number> {
  if (timeout === null) return run();
  const update = (): void => {
    try {
      timeout.update();
    } catch (error) {
      if (error instanceof Errno) throw error;
    }
  };
  return settle(
    run,
    (result) => {
      update();
      return result;
    },
    update,
  );
}

// ── select ──────────────────────────────────────────────────────────────────────────────────────────────────────────
/** What makes a descriptor ready in each of the three sets (Linux: POLLIN_SET, POLLOUT_SET, POLLEX_SET). */
const SETS = [
  POLL.RDNORM | POLL.RDBAND | POLL.IN | POLL.HUP | POLL.ERR,
  POLL.WRBAND | POLL.WRNORM | POLL.OUT | POLL.ERR,
  POLL.PRI,
] as const;

/** An `fd_set` is an array of longs with descriptor 0 in the lowest bit of the first. */
function select(
  call: SyscallContext,
  count: number,
  addresses: readonly number[],
  timeout: Timeout | null,
  mask: SignalSet | null,
): number | Wait<number> {
  if (count < 0) throw errno.EINVAL;
  const { files } = call.process;
  const bits = Math.min(count, call.process.limits.soft("RLIMIT_NOFILE"));
  const wordCount = Math.ceil(bits / (8 * call.abi.word)) * (call.abi.word / 4);
  const sets = addresses.map((address) => (address === 0 ? null : call.memory.readWords(address, wordCount)));
  const entries: PollEntry[] = [];
  const fds: number[] = [];
  for (let fd = 0; fd < bits; fd++) {
    let events = 0;
    sets.forEach((words, n) => {
      if (words !== null && ((words[fd >>> 5]! >>> (fd & 31)) & 1) !== 0) events |= SETS[n]!;
    });
    if (events === 0) continue;
    // files.get throws EBADF, as select(2) does for any closed descriptor in a set.
    entries.push({ description: files.get(fd), events, result: 0 });
    fds.push(fd);
  }
  const asked = sets.map((words) => words?.slice() ?? null);
  const report = (): number => {
    let ready = 0;
    for (const words of sets) words?.fill(0);
    entries.forEach((entry, index) => {
      const fd = fds[index]!;
      const bit = 1 << (fd & 31);
      sets.forEach((words, n) => {
        if (words === null || (asked[n]![fd >>> 5]! & bit) === 0 || (entry.result & SETS[n]!) === 0) return;
        words[fd >>> 5]! |= bit;
        ready++;
      });
    });
    addresses.forEach((address, n) => {
      sets[n]?.forEach((word, index) => call.memory.writeU32(address + 4 * index, word));
    });
    return ready;
  };
  return withTimeLeft(timeout, () =>
    withMask(call, mask, () =>
      settle(
        () => pollEntries(entries, timeout?.deadline ?? null, timeout?.expired),
        report,
        () => undefined,
      ),
    ),
  );
}

/** The sixth argument of pselect6 points to the mask's address and size. */
function pselect(
  call: SyscallContext,
  count: number,
  sets: readonly number[],
  timeoutAt: number,
  maskAt: number,
  wide: boolean,
): number | Wait<number> {
  const timeout = timespecTimeout(call, timeoutAt, wide);
  let mask: SignalSet | null = null;
  if (maskAt !== 0) {
    const { ss, ss_len } = call.abi.structs.sigsetArgument.read(call.memory, maskAt);
    mask = readSignalMask(call, Number(ss), Number(ss_len));
  }
  return select(call, count, sets, timeout, mask);
}

const selectSets = [arg.int, arg.fdSet, arg.fdSet, arg.fdSet] as const;

export const POLL_ROWS: readonly SyscallRow[] = [
  full("poll", [arg.structArray("pollfd", 1), arg.uint, arg.int], poll),
  full(
    "ppoll",
    [arg.structArray("pollfd", 1), arg.uint, arg.structIn("timespec32", "timespec"), arg.pointer, arg.size],
    (call, address, count, timeout, mask, size) =>
      ppoll(call, address, count, timeout, mask, size, call.abi.word === 8),
  ),
  full(
    "ppoll_time64",
    [arg.structArray("pollfd", 1), arg.uint, arg.structIn("timespec64", "timespec"), arg.pointer, arg.size],
    (call, address, count, timeout, mask, size) => ppoll(call, address, count, timeout, mask, size, true),
  ),
  full("_newselect", [...selectSets, arg.structIn("timeval")], (call, count, read, write, except, timeout) =>
    select(call, count, [read, write, except], timevalTimeout(call, timeout), null),
  ),
  full(
    "pselect6",
    [...selectSets, arg.structIn("timespec32", "timespec"), arg.pointer],
    (call, count, read, write, except, timeout, mask) =>
      pselect(call, count, [read, write, except], timeout, mask, call.abi.word === 8),
  ),
  full(
    "pselect6_time64",
    [...selectSets, arg.structIn("timespec64", "timespec"), arg.pointer],
    (call, count, read, write, except, timeout, mask) =>
      pselect(call, count, [read, write, except], timeout, mask, true),
  ),
];
