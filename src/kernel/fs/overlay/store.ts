/** Where an overlay keeps what differs from the lower tree. Here: in memory, for one run. On disk: `disk-store.ts`. */
import { realtime } from "../../../host/clock.ts";
import { errno } from "../../errno.ts";
import type { StatFs } from "../inode.ts";
import { SparseBytes, type Quota } from "../sparse-bytes.ts";
import { memoryStatFs } from "../tmpfs.ts";
import { MemoryContents, type Contents, type DataFacts, type MemoryData } from "./contents.ts";
import type { OverlayRecord } from "./record.ts";

/** Data is known by the number of its node. */
export interface OverlayStore {
  /** What an earlier run left, in order. */
  load(): readonly OverlayRecord[];
  write(record: OverlayRecord): void;
  /** What counts of all that `load` returned, and the nodes that exist: the rest may be let go. */
  tidy(records: readonly OverlayRecord[], nodes: ReadonlySet<number>): void;
  /** New data without bytes. */
  create(node: number): void;
  open(node: number): Contents;
  facts(node: number): DataFacts;
  setTimes(node: number, atime: bigint, mtime: bigint): void;
  remove(node: number): void;
  statfs(): StatFs;
  close(): void;
}

export class MemoryStore implements OverlayStore {
  readonly #quota: Quota;
  readonly #data = new Map<number, MemoryData>();

  constructor(quota: Quota) {
    this.#quota = quota;
  }
  load(): readonly OverlayRecord[] {
    return [];
  }
  /** The nodes themselves are the only record. */
  write(): void {}
  tidy(): void {}

  #get(node: number): MemoryData {
    const data = this.#data.get(node);
    if (data === undefined) throw errno.EIO;
    return data;
  }
  create(node: number): void {
    const now = realtime();
    this.#data.set(node, { bytes: new SparseBytes(this.#quota), atime: now, mtime: now, ctime: now });
  }
  open(node: number): Contents {
    return new MemoryContents(this.#get(node));
  }
  facts(node: number): DataFacts {
    const { bytes, atime, mtime, ctime } = this.#get(node);
    return { size: bytes.size, blocks: Math.ceil(bytes.allocated / 4096) * 8, atime, mtime, ctime };
  }
  setTimes(node: number, atime: bigint, mtime: bigint): void {
    Object.assign(this.#get(node), { atime, mtime, ctime: realtime() });
  }
  remove(node: number): void {
    this.#data.get(node)?.bytes.clear();
    this.#data.delete(node);
  }
  statfs(): StatFs {
    return memoryStatFs(this.#quota);
  }
  close(): void {}
}
