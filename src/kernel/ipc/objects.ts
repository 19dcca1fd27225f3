/**
 * What System V's shared memory, semaphores and message queues have in common (sysvipc(7)): keys, identifiers, owners and
 * permissions. The objects belong to the kernel of a run, not to a process: they last until they are removed.
 */
import type { Credentials } from "../credentials.ts";
import { errno } from "../errno.ts";

/** The `…get` calls' flags and the `…ctl` calls' common commands, the same everywhere. */
export const IPC = { CREAT: 0o1000, EXCL: 0o2000, NOWAIT: 0o4000, RMID: 0, SET: 1, STAT: 2, INFO: 3 } as const;
export const IPC_PRIVATE = 0;
/** Objects of one kind (SHMMNI is 4096; SEMMNI and MSGMNI are 32000). */
const INDEX_BITS = 15;
const SEQUENCE_MAX = 0xffff;
const READ_ALL = 0o444;
const WRITE_ALL = 0o222;

/** What a table needs of the kernel. */
export interface IpcClock {
  /** Nanoseconds since the epoch. */
  realtime(): bigint;
}

/** Who asks, and when. */
export interface IpcCaller {
  readonly pid: number;
  readonly credentials: Credentials;
}

export abstract class IpcObject {
  readonly id: number;
  readonly key: number;
  readonly sequence: number;
  uid: number;
  gid: number;
  readonly creatorUid: number;
  readonly creatorGid: number;
  /** Permissions. */
  mode: number;
  /** Seconds since the epoch: of the last change by IPC_SET. */
  changeTime: bigint;
  /** IPC_RMID: whoever waits at it gets EIDRM. */
  removed = false;

  constructor(birth: Birth) {
    const { user, group } = birth.caller.credentials;
    this.id = birth.id;
    this.sequence = birth.sequence;
    this.key = birth.key;
    this.uid = this.creatorUid = user.effective;
    this.gid = this.creatorGid = group.effective;
    this.mode = birth.mode;
    this.changeTime = birth.now;
  }

  /** Throws EACCES. `mode`: the permissions asked for, as in the `…get` flags. */
  requireAccess(mode: number, { credentials }: IpcCaller): void {
    const asked = (mode >> 6) | (mode >> 3) | mode;
    const user = credentials.user.effective;
    let granted = this.mode;
    if (user === this.uid || user === this.creatorUid) granted >>= 6;
    else if ([this.gid, this.creatorGid].some((gid) => credentials.egid === gid || credentials.groups.includes(gid)))
      granted >>= 3;
    if ((asked & ~granted & 7) !== 0 && !credentials.isPrivileged) throw errno.EACCES;
  }
  requireRead(caller: IpcCaller): void {
    this.requireAccess(READ_ALL, caller);
  }
  requireWrite(caller: IpcCaller): void {
    this.requireAccess(WRITE_ALL, caller);
  }

  /** IPC_SET, IPC_RMID: the owner, the creator or root. Throws EPERM. */
  requireOwner({ credentials }: IpcCaller): void {
    const user = credentials.user.effective;
    if (user !== this.uid && user !== this.creatorUid && !credentials.isPrivileged) throw errno.EPERM;
  }
}

/** What a new object is given. */
export interface Birth {
  readonly id: number;
  readonly sequence: number;
  readonly key: number;
  readonly mode: number;
  readonly caller: IpcCaller;
  readonly now: bigint;
}

export class IpcTable<T extends IpcObject> {
  readonly #clock: IpcClock;
  readonly #most: number;
  readonly #slots: (T | undefined)[] = [];
  readonly #byKey = new Map<number, T>();
  #sequence = 0;

  constructor(clock: IpcClock, most: number) {
    this.#clock = clock;
    this.#most = most;
  }

  /** Seconds since the epoch. */
  get now(): bigint {
    return this.#clock.realtime() / 1_000_000_000n;
  }

  /**
   * shmget(2), semget(2), msgget(2): the object of `key`, found and checked with `accept`, or made. Throws EEXIST, ENOENT,
   * EACCES, ENOSPC.
   */
  get(key: number, flags: number, caller: IpcCaller, accept: (found: T) => void, make: (birth: Birth) => T): T {
    const found = key === IPC_PRIVATE ? undefined : this.#byKey.get(key);
    if (found !== undefined) {
      if ((flags & IPC.CREAT) !== 0 && (flags & IPC.EXCL) !== 0) throw errno.EEXIST;
      accept(found);
      found.requireAccess(flags & 0o777, caller);
      return found;
    }
    if (key !== IPC_PRIVATE && (flags & IPC.CREAT) === 0) throw errno.ENOENT;
    let index = 0;
    while (this.#slots[index] !== undefined) index++;
    if (index >= this.#most) throw errno.ENOSPC;
    const sequence = this.#sequence;
    const made = make({
      id: (sequence << INDEX_BITS) | index,
      sequence,
      key,
      mode: flags & 0o777,
      caller,
      now: this.now,
    });
    // An identifier comes again only after all others: a stale one is then told from a new object's.
    this.#sequence = (sequence + 1) & SEQUENCE_MAX;
    this.#slots[index] = made;
    if (key !== IPC_PRIVATE) this.#byKey.set(key, made);
    return made;
  }

  /** Throws EINVAL. */
  find(id: number): T {
    const found = id < 0 ? undefined : this.#slots[id & ((1 << INDEX_BITS) - 1)];
    if (found === undefined || found.id !== id) throw errno.EINVAL;
    return found;
  }

  /** The object in place `index`, for SHM_STAT and its like. Throws EINVAL. */
  at(index: number): T {
    const found = index < 0 ? undefined : this.#slots[index];
    if (found === undefined) throw errno.EINVAL;
    return found;
  }

  /** No key leads to it any more; its identifier still does. */
  forgetKey(object: T): void {
    if (this.#byKey.get(object.key) === object) this.#byKey.delete(object.key);
  }

  remove(object: T): void {
    this.forgetKey(object);
    const index = object.id & ((1 << INDEX_BITS) - 1);
    if (this.#slots[index] === object) this.#slots[index] = undefined;
  }

  /** IPC_SET's common part. */
  change(object: T, changes: { readonly uid: number; readonly gid: number; readonly mode: number }): void {
    object.uid = changes.uid;
    object.gid = changes.gid;
    object.mode = changes.mode & 0o777;
    object.changeTime = this.now;
  }

  /** Those that are there, and the highest place in use (0 if none is). */
  get all(): readonly T[] {
    return this.#slots.filter((object) => object !== undefined);
  }
  get highestIndex(): number {
    return Math.max(
      0,
      this.#slots.findLastIndex((object) => object !== undefined),
    );
  }
}
