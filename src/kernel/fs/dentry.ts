/** Names in the tree (dentries), mounts, and their pair, `Path`: Linux's `struct path`. */
import type { ByteString } from "./byte-string.ts";
import type { FileSystem, Inode } from "./inode.ts";
import type { Quota } from "./sparse-bytes.ts";
import { WatchTable } from "./watches.ts";

/**
 * A name that leads to an inode. Directories, mount points and whatever is in use are kept in their parent's `children`
 * so that the same directory is always the same object; names of files that nobody holds are not kept.
 */
export class Dentry {
  /** Null for the root of a file system and for files without a name (pipes, memfds). */
  parent: Dentry | null;
  name: ByteString;
  readonly inode: Inode;
  children: Map<ByteString, Dentry> | null = null;
  /** What is mounted here. */
  mounted: Mount | null = null;
  /** Put here by the view and not by the file system below: a way to a mount point. */
  readonly synthetic: boolean;
  /** Removed from its directory while in use. */
  deleted = false;
  /** How many working directories, roots and open files hold it. */
  holders = 0;

  constructor(parent: Dentry | null, name: ByteString, inode: Inode, synthetic = false) {
    this.parent = parent;
    this.name = name;
    this.inode = inode;
    this.synthetic = synthetic;
  }

  child(name: ByteString): Dentry | undefined {
    return this.children?.get(name);
  }

  keep(child: Dentry): void {
    (this.children ??= new Map()).set(child.name, child);
  }

  /** The child's name is gone; whoever holds it sees it as deleted. */
  drop(name: ByteString): void {
    const child = this.children?.get(name);
    if (child === undefined) return;
    child.deleted = true;
    this.children?.delete(name);
  }

  /** Its name no longer leads to it. Only meaningful while something holds it. */
  get isDetached(): boolean {
    return this.deleted || (this.holders > 0 && this.parent !== null && this.parent.child(this.name) !== this);
  }

  /** True if `this` is `ancestor` or below it, in the same file system. */
  isWithin(ancestor: Dentry): boolean {
    for (let at: Dentry | null = this; at !== null; at = at.parent) if (at === ancestor) return true;
    return false;
  }
}

export interface MountOptions {
  readonly readOnly?: boolean;
  readonly noExec?: boolean;
  readonly noDev?: boolean;
  readonly noSuid?: boolean;
  /** What /proc/mounts prints as the device. */
  readonly source?: ByteString;
}

let lastMountId = 20;

export class Mount {
  readonly id: number = ++lastMountId;
  readonly fs: FileSystem;
  readonly root: Dentry;
  readonly parent: Mount | null;
  /** Where it is mounted, in `parent`; null for the root of the tree. */
  readonly point: Dentry | null;
  readonly readOnly: boolean;
  readonly noExec: boolean;
  readonly noDev: boolean;
  readonly noSuid: boolean;
  readonly source: ByteString;
  /** On the root of a tree: what its files in memory may hold. */
  quota: Quota | null = null;
  /** All mounts of the tree, in the order in which they were made. */
  readonly tree: Mount[];
  /** Who wants to know what happens in the tree. */
  readonly watches: WatchTable;
  /** How many directory names are kept, roughly (`walk.ts`). */
  kept = 0;

  constructor(fs: FileSystem, root: Dentry, at: Path | null, options: MountOptions = {}) {
    this.fs = fs;
    this.root = root;
    this.parent = at?.mount ?? null;
    this.point = at?.dentry ?? null;
    this.readOnly = options.readOnly ?? false;
    this.noExec = options.noExec ?? false;
    this.noDev = options.noDev ?? false;
    this.noSuid = options.noSuid ?? false;
    this.source = options.source ?? fs.type;
    this.tree = this.parent?.tree ?? [];
    this.tree.push(this);
    this.watches = this.parent?.watches ?? new WatchTable();
  }
}

export class Path {
  readonly mount: Mount;
  readonly dentry: Dentry;
  constructor(mount: Mount, dentry: Dentry) {
    this.mount = mount;
    this.dentry = dentry;
  }
  get inode(): Inode {
    return this.dentry.inode;
  }
  equals(other: Path): boolean {
    return this.mount === other.mount && this.dentry === other.dentry;
  }
}

/**
 * The absolute path as seen from `root` (null: from the top of the tree). `reachable` is false where `path` does not lie below `root`; `deleted` where
 * the name is gone.
 */
export function pathName(
  path: Pick<Path, "mount" | "dentry">,
  root: Path | null,
): { name: ByteString; reachable: boolean; deleted: boolean } {
  let { mount, dentry } = path;
  const deleted = dentry.isDetached;
  let name = "";
  for (;;) {
    if (root !== null && mount === root.mount && dentry === root.dentry) {
      return { name: name === "" ? "/" : name, reachable: true, deleted };
    }
    if (dentry === mount.root) {
      if (mount.parent === null || mount.point === null) {
        // Nameless files (pipe:[7], anon_inode:[eventfd]) have a root dentry with their whole name.
        const own = dentry.name === "" ? name || "/" : dentry.name + name;
        return { name: own, reachable: false, deleted };
      }
      dentry = mount.point;
      mount = mount.parent;
      continue;
    }
    name = `/${dentry.name}${name}`;
    if (dentry.parent === null) return { name, reachable: false, deleted };
    dentry = dentry.parent;
  }
}
