/** Time-outs of calls that wait: read, made a deadline, and told what is left. */
import { errno } from "../kernel/errno.ts";
import type { Struct } from "./struct.ts";
import type { SyscallContext } from "./context.ts";

const NANOSECONDS = 1_000_000_000n;

/** A time-out as a guest gave it; null where it gave none, to wait without end. */
export interface Timeout {
  /** Monotonic clock, nanoseconds. */
  readonly deadline: bigint;
  /** What the guest gave, nanoseconds: some calls take it as a point in time. */
  readonly given: bigint;
  /** Zero: look only once. */
  readonly expired: boolean;
  /** Writes what is left back to where it was read. */
  update(): void;
}

function after(call: SyscallContext, nanoseconds: bigint): bigint {
  return call.kernel.clock.monotonic() + nanoseconds;
}

/** What is left until `deadline`, never negative. */
function left(call: SyscallContext, deadline: bigint): bigint {
  const rest = deadline - call.kernel.clock.monotonic();
  return rest > 0n ? rest : 0n;
}

/** A `struct timespec` of 32 or (`wide`) 64 bits. Throws EINVAL for one that is not normal. */
export function timespecTimeout(call: SyscallContext, address: number, wide: boolean): Timeout | null {
  if (address === 0) return null;
  const layout: Struct<"tv_sec" | "tv_nsec"> = wide ? call.abi.structs.timespec64 : call.abi.structs.timespec32;
  const time = layout.read(call.memory, address);
  const seconds = BigInt(time.tv_sec);
  // A 32-bit program's tv_nsec is a long: what stands in the upper half of a 64-bit field is not looked at.
  const nanoseconds = BigInt.asIntN(call.abi.word * 8, BigInt(time.tv_nsec));
  if (seconds < 0n || nanoseconds < 0n || nanoseconds >= NANOSECONDS) throw errno.EINVAL;
  const total = seconds * NANOSECONDS + nanoseconds;
  const deadline = after(call, total);
  return {
    deadline,
    given: total,
    expired: total === 0n,
    update() {
      const rest = left(call, deadline);
      layout.write(call.memory, address, { tv_sec: rest / NANOSECONDS, tv_nsec: rest % NANOSECONDS });
    },
  };
}

/** A `struct timeval` (select(2)); microseconds may exceed a second there. */
export function timevalTimeout(call: SyscallContext, address: number): Timeout | null {
  if (address === 0) return null;
  const { timeval } = call.abi.structs;
  const time = timeval.read(call.memory, address);
  if (Number(time.tv_sec) < 0 || Number(time.tv_usec) < 0) throw errno.EINVAL;
  const total = BigInt(time.tv_sec) * NANOSECONDS + BigInt(time.tv_usec) * 1000n;
  const deadline = after(call, total);
  return {
    deadline,
    given: total,
    expired: total === 0n,
    update() {
      const rest = left(call, deadline) / 1000n;
      timeval.write(call.memory, address, { tv_sec: rest / 1_000_000n, tv_usec: rest % 1_000_000n });
    },
  };
}

/** Milliseconds (poll(2), epoll_wait(2)); negative: no limit. */
export function millisecondTimeout(call: SyscallContext, milliseconds: number): Timeout | null {
  if (milliseconds < 0) return null;
  const deadline = after(call, BigInt(milliseconds) * 1_000_000n);
  return { deadline, given: BigInt(milliseconds) * 1_000_000n, expired: milliseconds === 0, update() {} };
}
