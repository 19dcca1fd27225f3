/**
 * A file system that shows another, the lower tree, and keeps all changes apart (`--overlay`). As with Linux's overlayfs
 * the lower tree is never written, and must not change while it is in use; unlike there, a directory of the lower tree
 * can be renamed, a change of owner or mode copies no bytes, and who has a file open sees what others write to it.
 *
 * README.md has the form on disk.
 */
import type { Credentials } from "../../credentials.ts";
import type { ByteString } from "../byte-string.ts";
import { S } from "../flags.ts";
import { anonymousDevice } from "../inode.ts";
import type { FileSystem, Inode, StatFs } from "../inode.ts";
import type { Quota } from "../sparse-bytes.ts";
import { INODE_COST } from "../tmpfs.ts";
import { OverlayDirectory } from "./directory.ts";
import { OverlayError } from "./disk-store.ts";
import { OverlayFile, OverlaySpecial, OverlaySymlink } from "./file.ts";
import type { LowerPlace, OverlayInode, Origin } from "./node.ts";
import type { NodeRecord, OverlayRecord } from "./record.ts";
import type { OverlayStore } from "./store.ts";

const OVERLAYFS_MAGIC = 0x794c7630;
/** Numbers of new files: the lower tree has none of these (`inode-numbers.ts`). */
const FIRST_INO = 0xc000_0000n;
/** The root directory's node. */
const ROOT = 1;

export interface OverlayOptions {
  readonly lower: FileSystem;
  readonly store: OverlayStore;
  /** What nodes count against. */
  readonly quota: Quota;
  /** With whose rights the lower tree's files are opened. */
  readonly credentials: Credentials;
}

export class OverlayFs implements FileSystem {
  readonly type = "overlay";
  readonly dev = anonymousDevice();
  readonly volatile = false;
  readonly root: OverlayDirectory;
  readonly store: OverlayStore;
  readonly credentials: Credentials;
  readonly #lower: FileSystem;
  readonly #quota: Quota;
  #lastNode = 0;

  constructor({ lower, store, quota, credentials }: OverlayOptions) {
    this.#lower = lower;
    this.store = store;
    this.#quota = quota;
    this.credentials = credentials;
    this.root = this.#restore(store.load());
  }

  // ── the lower tree ─────────────────────────────────────────────────────────────────────────────────────────────
  /** What the lower tree has at a path of plain names; null if that is nothing. */
  lowerAt(path: ByteString): Inode | null {
    let at: Inode | null = this.#lower.root;
    for (const name of path.split("/")) {
      if (name === "") continue;
      if (name === "." || name === ".." || at?.isDirectory !== true) return null;
      at = at.lookup(name);
    }
    return at;
  }

  /** The overlay's view of a file of the lower tree. */
  window(lower: Inode, place: LowerPlace): OverlayInode {
    const path = `${place.directory.lowerPath ?? ""}/${place.name}`;
    return this.#inode(lower.type, { kind: "lower", lower, path, place });
  }

  #inode(type: number, origin: Exclude<Origin, { kind: "new" }>): OverlayInode {
    switch (type) {
      case S.IFDIR:
        return new OverlayDirectory(this, origin);
      case S.IFREG:
        return new OverlayFile(this, origin);
      case S.IFLNK:
        return new OverlaySymlink(this, origin, origin.kind === "record" ? origin.record.target : null);
      default:
        return new OverlaySpecial(this, type, origin);
    }
  }

  // ── nodes ──────────────────────────────────────────────────────────────────────────────────────────────────────
  /** Throws ENOSPC. */
  newNode(): number {
    this.#quota.take(INODE_COST);
    return ++this.#lastNode;
  }
  forgetNode({ id }: OverlayInode): void {
    this.#quota.give(INODE_COST);
    this.store.write({ kind: "gone", node: id });
  }
  inoOf(node: number): bigint {
    return FIRST_INO + BigInt(node);
  }

  // ── records ────────────────────────────────────────────────────────────────────────────────────────────────────
  /** The tree as an earlier run left it. Throws `OverlayError`. */
  #restore(records: readonly OverlayRecord[]): OverlayDirectory {
    const last = new Map<number, NodeRecord>();
    for (const record of records) {
      if (record.kind === "node") last.set(record.node, record);
      if (record.kind !== "name") this.#lastNode = Math.max(this.#lastNode, record.node);
    }
    const nodes = new Map<number, OverlayInode>();
    for (const [id, record] of last) {
      this.#quota.take(INODE_COST);
      nodes.set(id, this.#inode(record.mode & S.IFMT, { kind: "record", record }));
    }
    const root = records.length === 0 ? this.#newRoot() : nodes.get(ROOT);
    if (!(root instanceof OverlayDirectory)) throw new OverlayError("the overlay has lost its root directory");
    root.links = 1;
    for (const record of records) {
      if (record.kind === "node") nodes.get(record.node)?.restoreTimes(record.times);
      if (record.kind !== "name") continue;
      const directory = nodes.get(record.in);
      const child = record.node === null ? undefined : record.node === 0 ? null : nodes.get(record.node);
      if (directory instanceof OverlayDirectory) directory.restore(record.name, child, record.at);
    }
    if (records.length > 0) this.store.tidy(...this.#live(root));
    return root;
  }

  /** The lower tree's root, as the first node. */
  #newRoot(): OverlayDirectory {
    const root = new OverlayDirectory(this, { kind: "lower", lower: this.#lower.root, path: "", place: null });
    root.copyUp();
    return root;
  }

  /** All that can be reached from the root: as records, a node before the names that lead to it, and as numbers. */
  #live(root: OverlayDirectory): [records: readonly OverlayRecord[], nodes: ReadonlySet<number>] {
    const records: OverlayRecord[] = [root.record()];
    const numbers = new Set([ROOT]);
    const rest = [root];
    for (let directory = rest.pop(); directory !== undefined; directory = rest.pop()) {
      for (const { record, inode } of directory.names()) {
        if (inode !== null && !numbers.has(inode.id)) {
          numbers.add(inode.id);
          records.push(inode.record());
          if (inode instanceof OverlayDirectory) rest.push(inode);
        }
        records.push(record);
      }
    }
    return [records, numbers];
  }

  statfs(): StatFs {
    return { ...this.store.statfs(), type: OVERLAYFS_MAGIC };
  }
  close(): void {
    this.store.close();
    this.#lower.close?.();
  }
}
