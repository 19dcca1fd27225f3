/**
 * Advisory locks: flock(2), and record locks of fcntl(2), which belong to a process (F_SETLK) or to an open file
 * description (F_OFD_SETLK). They hold between the guests of this host process, not against other host processes.
 */
import { errno } from "../errno.ts";
import { Wait, WaitQueue } from "../wait.ts";

/** The l_pid of locks that belong to an open file description. */
export const OFD_PID = -1;

export type LockType = "read" | "write" | "unlock";

/** A record lock: bytes `start` up to but not including `end` (Infinity: to the end of the file, however it grows). */
export interface RecordLock {
  readonly type: "read" | "write";
  readonly start: number;
  readonly end: number;
  /** A `FileTable` for a process's own locks, a `FileDescription` for OFD locks. */
  readonly owner: object;
  /** l_pid: `OFD_PID` for OFD locks. */
  readonly pid: number;
}

export interface LockRequest extends Omit<RecordLock, "type"> {
  readonly type: LockType;
}

interface FileLocks {
  records: RecordLock[];
  readonly whole: Map<object, "read" | "write">;
  readonly queue: WaitQueue;
}

/** By inode identity; a file without locks has no entry unless somebody waits. */
const files = new Map<unknown, FileLocks>();

function locksOf(identity: unknown): FileLocks {
  let locks = files.get(identity);
  if (locks === undefined) files.set(identity, (locks = { records: [], whole: new Map(), queue: new WaitQueue() }));
  return locks;
}

function tidy(identity: unknown, locks: FileLocks): void {
  if (locks.records.length === 0 && locks.whole.size === 0 && !locks.queue.hasWaiters) files.delete(identity);
}

function findConflict(identity: unknown, request: LockRequest): RecordLock | null {
  for (const lock of files.get(identity)?.records ?? []) {
    if (lock.owner === request.owner || lock.end <= request.start || lock.start >= request.end) continue;
    if (lock.type === "write" || request.type === "write") return lock;
  }
  return null;
}

/** F_GETLK: the lock that stands in the way of `request`, or null. */
export function getRecordLock(identity: unknown, request: LockRequest): RecordLock | null {
  return request.type === "unlock" ? null : findConflict(identity, request);
}

/** Requests of processes that wait, by owner. */
const waiters = new Map<object, { readonly identity: unknown; readonly request: LockRequest }>();
/** How far a chain of waiting processes is followed: Linux gives up after as many, and lets them wait. */
const MAX_CHAIN = 10;

/** True if whoever is in the way waits, directly or through others, for `request`'s own owner (fcntl(2), EDEADLK). */
function wouldDeadlock(identity: unknown, request: LockRequest): boolean {
  let blocker = findConflict(identity, request)?.owner;
  for (let n = 0; n < MAX_CHAIN && blocker !== undefined; n++) {
    if (blocker === request.owner) return true;
    const next = waiters.get(blocker);
    blocker = next && findConflict(next.identity, next.request)?.owner;
  }
  return false;
}

/** F_SETLK and, with `wait`, F_SETLKW. Throws EAGAIN; EDEADLK between processes, OFD locks are not looked at. */
export function setRecordLock(identity: unknown, request: LockRequest, wait: boolean): 0 | Wait<number> {
  if (request.type === "unlock" || findConflict(identity, request) === null) {
    place(identity, request);
    return 0;
  }
  if (!wait) throw errno.EAGAIN;
  const ofProcess = request.pid !== OFD_PID;
  const enlist = (): void => {
    if (!ofProcess) return;
    if (wouldDeadlock(identity, request)) throw errno.EDEADLK;
    waiters.set(request.owner, { identity, request });
  };
  const leave = (): void => {
    if (waiters.get(request.owner)?.request === request) waiters.delete(request.owner);
  };
  enlist();
  const waiting: Wait<number> = new Wait(
    [locksOf(identity).queue],
    null,
    (reason) => {
      leave();
      if (reason === "signal") throw errno.ERESTARTSYS;
      if (findConflict(identity, request) === null) {
        place(identity, request);
        return 0;
      }
      enlist();
      return waiting;
    },
    leave,
  );
  return waiting;
}

function place(identity: unknown, request: LockRequest): void {
  const locks = locksOf(identity);
  const kept: RecordLock[] = [];
  for (const lock of locks.records) {
    if (lock.owner !== request.owner || lock.end <= request.start || lock.start >= request.end) {
      kept.push(lock);
      continue;
    }
    if (lock.start < request.start) kept.push({ ...lock, end: request.start });
    if (lock.end > request.end) kept.push({ ...lock, start: request.end });
  }
  const { type } = request;
  if (type !== "unlock") kept.push({ ...request, type });
  locks.records = kept;
  locks.queue.wake();
  tidy(identity, locks);
}

/** flock(2); with `wait` it waits for the lock, else throws EAGAIN. */
export function flock(identity: unknown, owner: object, type: LockType, wait: boolean): 0 | Wait<number> {
  const attempt = (): boolean => {
    const locks = locksOf(identity);
    if (type === "unlock") locks.whole.delete(owner);
    else {
      for (const [other, held] of locks.whole) {
        if (other !== owner && (held === "write" || type === "write")) return false;
      }
      locks.whole.set(owner, type);
    }
    locks.queue.wake();
    tidy(identity, locks);
    return true;
  };
  if (attempt()) return 0;
  if (!wait) throw errno.EAGAIN;
  // flock(2): a conversion gives the old lock up before it waits for the new one.
  const locks = locksOf(identity);
  if (locks.whole.delete(owner)) locks.queue.wake();
  const waiting: Wait<number> = new Wait([locks.queue], null, (reason) => {
    if (reason === "signal") throw errno.ERESTARTSYS;
    return attempt() ? 0 : waiting;
  });
  return waiting;
}

/** All locks of `owner` on a file go. */
export function releaseOwner(identity: unknown, owner: object): void {
  const locks = files.get(identity);
  if (locks === undefined) return;
  const count = locks.records.length;
  locks.records = locks.records.filter((lock) => lock.owner !== owner);
  const changed = locks.whole.delete(owner) || locks.records.length !== count;
  if (changed) locks.queue.wake();
  tidy(identity, locks);
}

/** The last reference to an open file description is gone. */
export function releaseDescription(description: {
  readonly path: { readonly inode: { readonly identity: unknown } };
}): void {
  if (files.size > 0) releaseOwner(description.path.inode.identity, description);
}

/** For /proc/locks and tests. */
export function lockedFiles(): number {
  return files.size;
}
