/** Futexes: futex(2), and what a thread leaves behind of them. */
import { errno } from "../kernel/errno.ts";
import { FUTEX_BITSET_MATCH_ANY, FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS } from "../kernel/futex.ts";
import type { FutexKey } from "../kernel/futex.ts";
import { Wait } from "../kernel/wait.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { full, partial } from "./row.ts";
import type { SyscallRow } from "./row.ts";
import { timespecTimeout } from "./timeouts.ts";

const FUTEX = {
  WAIT: 0,
  WAKE: 1,
  REQUEUE: 3,
  CMP_REQUEUE: 4,
  WAKE_OP: 5,
  LOCK_PI: 6,
  UNLOCK_PI: 7,
  TRYLOCK_PI: 8,
  WAIT_BITSET: 9,
  WAKE_BITSET: 10,
  LOCK_PI2: 13,
} as const;
const FUTEX_COMMAND = 0x7f;
const FUTEX_CLOCK_REALTIME = 0x100;

/** FUTEX_WAKE_OP's operations and comparisons, by their number (futex(2)). */
const OPERATIONS: readonly ((old: number, argument: number) => number)[] = [
  (_old, argument) => argument,
  (old, argument) => old + argument,
  (old, argument) => old | argument,
  (old, argument) => old & ~argument,
  (old, argument) => old ^ argument,
];
const COMPARISONS: readonly ((old: number, argument: number) => boolean)[] = [
  (old, argument) => old === argument,
  (old, argument) => old !== argument,
  (old, argument) => old < argument,
  (old, argument) => old <= argument,
  (old, argument) => old > argument,
  (old, argument) => old >= argument,
];

interface Request {
  readonly address: number;
  readonly operation: number;
  readonly value: number;
  /** The fourth argument: a time-out's address, or a number. */
  readonly timeoutOrCount: number;
  readonly address2: number;
  readonly value3: number;
  /** The time-out is a 64-bit one. */
  readonly wide: boolean;
}

/** The futex at an aligned address. Throws EINVAL. */
function keyOf(call: SyscallContext, address: number): FutexKey {
  if ((address & 3) !== 0) throw errno.EINVAL;
  return call.process.space.futexKey(address);
}

function futex(call: SyscallContext, request: Request): number | Wait {
  const { memory } = call;
  const { futexes } = call.kernel;
  const { address, address2, operation, value, timeoutOrCount, value3 } = request;
  const command = operation & FUTEX_COMMAND;
  switch (command) {
    case FUTEX.WAIT:
    case FUTEX.WAIT_BITSET: {
      const bitset = command === FUTEX.WAIT ? FUTEX_BITSET_MATCH_ANY : value3 >>> 0;
      if (bitset === 0) throw errno.EINVAL;
      const limit = deadline(call, request, command === FUTEX.WAIT);
      const key = keyOf(call, address);
      if (memory.loadU32(address) !== value >>> 0) throw errno.EAGAIN;
      return futexes.wait(key, bitset, limit, () => {
        throw limit === null ? errno.ERESTARTSYS : errno.ERESTART_RESTARTBLOCK;
      });
    }
    case FUTEX.WAKE:
    case FUTEX.WAKE_BITSET: {
      const bitset = command === FUTEX.WAKE ? FUTEX_BITSET_MATCH_ANY : value3 >>> 0;
      if (bitset === 0) throw errno.EINVAL;
      // Linux wakes one where it is asked for none.
      return futexes.wake(keyOf(call, address), Math.max(value | 0, 1), bitset);
    }
    case FUTEX.REQUEUE:
    case FUTEX.CMP_REQUEUE: {
      if ((value | 0) < 0 || (timeoutOrCount | 0) < 0) throw errno.EINVAL;
      const [from, to] = [keyOf(call, address), keyOf(call, address2)];
      if (command === FUTEX.CMP_REQUEUE && memory.loadU32(address) !== value3 >>> 0) throw errno.EAGAIN;
      const { woken, moved } = futexes.requeue(from, to, value, timeoutOrCount);
      return command === FUTEX.REQUEUE ? woken : woken + moved;
    }
    case FUTEX.WAKE_OP: {
      const [first, second] = [keyOf(call, address), keyOf(call, address2)];
      const old = memory.readS32(address2);
      const shifted = (value3 & 0x8000_0000) !== 0;
      const operand = (value3 << 8) >> 20;
      const apply = OPERATIONS[(value3 >>> 28) & 7];
      const compare = COMPARISONS[(value3 >>> 24) & 15];
      if (apply === undefined || compare === undefined) throw errno.ENOSYS;
      memory.writeU32(address2, apply(old, shifted ? 1 << (operand & 31) : operand) >>> 0);
      let woken = futexes.wake(first, value, FUTEX_BITSET_MATCH_ANY);
      if (compare(old, (value3 << 20) >> 20)) woken += futexes.wake(second, timeoutOrCount, FUTEX_BITSET_MATCH_ANY);
      return woken;
    }
    case FUTEX.LOCK_PI:
    case FUTEX.LOCK_PI2:
      return lock(call, request, command === FUTEX.LOCK_PI);
    case FUTEX.TRYLOCK_PI:
      if (!take(call, address)) throw errno.EAGAIN;
      return 0;
    case FUTEX.UNLOCK_PI: {
      const key = keyOf(call, address);
      if ((memory.loadU32(address) & FUTEX_TID_MASK) !== call.task.tid) throw errno.EPERM;
      futexes.handOver(key, memory, address);
      return 0;
    }
    default:
      throw errno.ENOSYS;
  }
}

/** Takes a priority-inheriting lock if nobody has it. Throws EDEADLK, ESRCH. */
function take(call: SyscallContext, address: number): boolean {
  keyOf(call, address);
  const { memory, task } = call;
  const word = memory.loadU32(address);
  const owner = word & FUTEX_TID_MASK;
  if (owner === task.tid) throw errno.EDEADLK;
  if (owner === 0) {
    memory.writeU32(address, ((word & (FUTEX_WAITERS | FUTEX_OWNER_DIED)) | task.tid) >>> 0);
    return true;
  }
  if (!call.kernel.tasks.has(owner)) throw errno.ESRCH;
  return false;
}

/** FUTEX_LOCK_PI. The lock is handed over in order of arrival: tasks here have no priorities to inherit. */
function lock(call: SyscallContext, request: Request, realtime: boolean): number | Wait {
  const { address } = request;
  if (take(call, address)) return 0;
  const { memory, kernel } = call;
  memory.writeU32(address, (memory.loadU32(address) | FUTEX_WAITERS) >>> 0);
  const operation = realtime ? request.operation | FUTEX_CLOCK_REALTIME : request.operation;
  const limit = deadline(call, { ...request, operation }, false);
  return kernel.futexes.wait(
    keyOf(call, address),
    FUTEX_BITSET_MATCH_ANY,
    limit,
    () => {
      throw errno.ERESTARTNOINTR;
    },
    call.task.tid,
  );
}

/** FUTEX_WAIT's time-out is a duration; all others are a point on one of two clocks. Null: none. */
function deadline(call: SyscallContext, request: Request, relative: boolean): bigint | null {
  const { clock } = call.kernel;
  const now = clock.monotonic();
  const timeout = timespecTimeout(call, request.timeoutOrCount, request.wide);
  if (timeout === null || relative) return timeout?.deadline ?? null;
  const point = timeout.given;
  return (request.operation & FUTEX_CLOCK_REALTIME) === 0 ? point : now + (point - clock.realtime());
}

const futexArguments = [arg.pointer, arg.int, arg.uint, arg.pointer, arg.pointer, arg.uint] as const;
const NOTE = "FUTEX_FD and the requeueing of priority-inheriting locks are ENOSYS; FUTEX_LOCK_PI changes no priorities";

function row(name: string, wide: (call: SyscallContext) => boolean): SyscallRow {
  return partial(name, futexArguments, NOTE, (call, address, operation, value, timeoutOrCount, address2, value3) =>
    futex(call, { address, operation, value, timeoutOrCount, address2, value3, wide: wide(call) }),
  );
}

export const FUTEX_ROWS: readonly SyscallRow[] = [
  row("futex", (call) => call.abi.word === 8),
  row("futex_time64", () => true),
  full("set_robust_list", [arg.pointer, arg.size], (call, head, length) => {
    // struct robust_list_head: three longs.
    if (length !== 3 * call.abi.word) throw errno.EINVAL;
    call.task.robustList = { head, length };
    return 0;
  }),
  full("get_robust_list", [arg.pid, arg.pointer, arg.pointer], (call, tid, headAt, lengthAt) => {
    const task = tid === 0 ? call.task : call.kernel.tasks.get(tid);
    if (task === undefined) throw errno.ESRCH;
    call.memory.writeU32(lengthAt, 3 * call.abi.word);
    call.memory.writeU32(headAt, task.robustList?.head ?? 0);
    return 0;
  }),
];
