/** The host's clocks, in nanoseconds, and one-shot alarms on the monotonic one. */

/** Monotonic time since some point in the past. */
export const monotonic = (): bigint => process.hrtime.bigint();

/** How far the wall clock may be from what we say before we follow it: `Date.now()` only has milliseconds. */
const STEP = 2_000_000n;
let wallOffset: bigint | null = null;

/** Time since 1970-01-01 UTC. Runs on at nanosecond resolution and follows the host's clock when that is set. */
export function realtime(): bigint {
  const now = monotonic();
  const wall = BigInt(Date.now()) * 1_000_000n;
  if (wallOffset === null) wallOffset = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6)) - now;
  // Date.now() is the time rounded down: ours may be up to a millisecond ahead of it.
  const ahead = now + wallOffset - wall;
  if (ahead > STEP || ahead < -STEP) wallOffset = wall - now;
  return now + wallOffset;
}

/** Processor time of this thread. */
export function threadTime(): { readonly user: bigint; readonly system: bigint } {
  const { user, system } = process.threadCpuUsage();
  return { user: BigInt(user) * 1000n, system: BigInt(system) * 1000n };
}

/** The longest delay that a host timer takes. */
const LONGEST_DELAY = 0x7fff_ffff;

/**
 * Calls `alarm` once, at `deadline` on the monotonic clock or a little later, never earlier. Returns what cancels it.
 * Keeps the host process alive until then.
 */
export function setAlarm(deadline: bigint, alarm: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = () => {
    const left = deadline - monotonic();
    // Node rounds down to milliseconds and counts from the start of its loop's turn: look again before going off.
    const delay = left > BigInt(LONGEST_DELAY) * 1_000_000n ? LONGEST_DELAY : Number((left + 999_999n) / 1_000_000n);
    timer = setTimeout(
      () => {
        if (monotonic() < deadline) arm();
        else alarm();
      },
      Math.max(delay, 0),
    );
  };
  arm();
  return () => clearTimeout(timer);
}

/** Keeps the host process alive, as long as a program waits for something that may never come. */
export function keepAlive(): () => void {
  const timer = setInterval(() => undefined, LONGEST_DELAY);
  return () => clearInterval(timer);
}
