/**
 * System V shared memory (shmget(2)). A segment is bytes of the kernel; an attachment is a shared mapping of them, so it
 * splits, moves, is copied by fork and goes with the process as every other mapping does, and counts itself.
 */
import type { Backing } from "../../memory/mapping.ts";
import { errno } from "../errno.ts";
import { Quota, SparseBytes } from "../fs/sparse-bytes.ts";
import { IpcObject, IpcTable } from "./objects.ts";
import type { Birth, IpcCaller, IpcClock } from "./objects.ts";

const PAGE = 4096;
const SHMMNI = 4096;
/** In `mode`, as shmctl(2) shows it: removed, and gone with the last attachment. */
const SHM_DEST = 0o1000;

export class Segment extends IpcObject {
  /** Bytes, as asked for. */
  readonly size: number;
  /** In whole pages. */
  readonly bytes: SparseBytes;
  readonly creator: number;
  lastPid = 0;
  attachments = 0;
  /** Seconds since the epoch; 0: never. */
  attachTime = 0n;
  detachTime = 0n;

  constructor(birth: Birth, size: number) {
    super(birth);
    this.size = size;
    this.creator = birth.caller.pid;
    // The table has charged the whole size; pages that nobody touches take no memory.
    const pages = Math.ceil(size / PAGE) * PAGE;
    this.bytes = new SparseBytes(new Quota(Infinity));
    this.bytes.size = pages;
  }
}

/** One shmat(2). Its own object, so that each attachment can be found and counted. */
export class Attachment implements Backing {
  readonly segment: Segment;
  readonly name: string;
  readonly deviceMajor = 0;
  readonly deviceMinor = 1;
  readonly size: number;
  readonly write?: (from: Uint8Array, offset: number) => number;
  readonly #memory: SharedMemory;

  constructor(memory: SharedMemory, segment: Segment, readOnly: boolean) {
    this.#memory = memory;
    this.segment = segment;
    this.size = segment.bytes.size;
    this.name = `/SYSV${(segment.key >>> 0).toString(16).padStart(8, "0")} (deleted)`;
    if (!readOnly) this.write = (from, offset) => segment.bytes.write(from, offset);
  }

  get identity(): unknown {
    return this.segment;
  }
  get inode(): number {
    return this.segment.id;
  }
  read(into: Uint8Array, offset: number): number {
    return this.segment.bytes.read(into, offset);
  }
  /** Each address space that has the attachment counts once. */
  retain(): void {
    this.segment.attachments++;
  }
  release(): void {
    this.segment.attachments--;
    this.#memory.detached(this.segment);
  }
}

export class SharedMemory {
  readonly #segments: IpcTable<Segment>;
  readonly #quota: Quota;

  constructor(clock: IpcClock, quota: Quota) {
    this.#segments = new IpcTable(clock, SHMMNI);
    this.#quota = quota;
  }

  get table(): IpcTable<Segment> {
    return this.#segments;
  }

  /** shmget(2): the identifier. Throws EINVAL, ENOMEM and what `IpcTable.get` throws. */
  get(key: number, size: number, flags: number, caller: IpcCaller): number {
    const accept = (found: Segment): void => {
      if (found.size < size) throw errno.EINVAL;
    };
    return this.#segments.get(key, flags, caller, accept, (birth) => {
      if (size === 0) throw errno.EINVAL;
      const segment = new Segment(birth, size);
      if (this.#quota.used + segment.bytes.size > this.#quota.limit) throw errno.ENOMEM;
      this.#quota.take(segment.bytes.size);
      return segment;
    }).id;
  }

  /** shmat(2)'s part of the kernel: what is to be mapped. Throws EINVAL, EACCES, EIDRM. */
  attach(id: number, readOnly: boolean, execute: boolean, caller: IpcCaller): Attachment {
    const segment = this.#segments.find(id);
    segment.requireAccess((readOnly ? 0o444 : 0o666) | (execute ? 0o111 : 0), caller);
    return new Attachment(this, segment, readOnly);
  }

  /** The mapping is there. */
  attached(segment: Segment, caller: IpcCaller): void {
    segment.attachTime = this.#segments.now;
    segment.lastPid = caller.pid;
  }

  detached(segment: Segment): void {
    segment.detachTime = this.#segments.now;
    if (segment.attachments === 0 && segment.removed) this.#destroy(segment);
  }

  /** IPC_RMID: at once, or when the last one detaches. Until then its identifier is good. */
  remove(segment: Segment, caller: IpcCaller): void {
    segment.requireOwner(caller);
    segment.removed = true;
    segment.mode |= SHM_DEST;
    this.#segments.forgetKey(segment);
    if (segment.attachments === 0) this.#destroy(segment);
  }

  #destroy(segment: Segment): void {
    this.#segments.remove(segment);
    this.#quota.give(segment.bytes.size);
    segment.bytes.clear();
  }

  /** Pages of all segments, and those of them that hold something. */
  get pages(): { readonly total: number; readonly resident: number } {
    let total = 0;
    let resident = 0;
    for (const { bytes } of this.#segments.all) {
      total += bytes.size / PAGE;
      resident += Math.ceil(bytes.allocated / PAGE);
    }
    return { total, resident };
  }
}
