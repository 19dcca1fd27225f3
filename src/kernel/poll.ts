/** poll(2), on which ppoll, select, pselect and epoll stand. */
import { errno } from "./errno.ts";
import type { FileDescription } from "./fs/file-description.ts";
import { POLL } from "./fs/flags.ts";
import { Wait, type WaitQueue } from "./wait.ts";

export interface PollEntry {
  /** Null for a number that is no descriptor: answers POLLNVAL, unless `ignored`. */
  readonly description: FileDescription | null;
  /** POLL bits asked for; ERR, HUP and NVAL are always reported. */
  readonly events: number;
  /** A negative descriptor: never reports anything. */
  readonly ignored?: boolean;
  /** POLL bits found; written here. */
  result: number;
}

/** Looks at every entry once; returns how many have something to report. */
export function pollNow(entries: readonly PollEntry[]): number {
  let ready = 0;
  for (const entry of entries) {
    if (entry.ignored === true) entry.result = 0;
    else if (entry.description === null) entry.result = POLL.NVAL;
    else entry.result = entry.description.poll() & (entry.events | POLL.ERR | POLL.HUP);
    if (entry.result !== 0) ready++;
  }
  return ready;
}

/**
 * Waits until one entry is ready, `deadline` (monotonic clock, nanoseconds; null: no limit) passes or a signal comes;
 * returns how many are ready. `expired`: the time-out is zero, look only once. A signal throws ERESTARTNOHAND.
 */
export function poll(entries: readonly PollEntry[], deadline: bigint | null, expired = false): number | Wait<number> {
  const ready = pollNow(entries);
  if (ready > 0 || expired) return ready;
  const wait: Wait<number> = new Wait(queuesOf(entries), deadline, (reason) => {
    const now = pollNow(entries);
    if (now > 0) return now;
    if (reason === "timeout") return 0;
    if (reason === "signal") throw errno.ERESTARTNOHAND;
    queuesOf(entries);
    return wait;
  });
  return wait;
}

function queuesOf(entries: readonly PollEntry[]): WaitQueue[] {
  const queues = new Set<WaitQueue>();
  for (const { description, events, ignored } of entries) {
    if (description !== null && ignored !== true) queues.add(description.waitQueue(events));
  }
  return [...queues];
}
