/** An open directory: a snapshot of its names, taken when reading starts, so that cookies stay good while names change. */
import { errno } from "../errno.ts";
import type { Dentry } from "./dentry.ts";
import { FileDescription, type DirectoryEntry } from "./file-description.ts";
import { SEEK, direntType } from "./flags.ts";
import type { Inode, ListedName } from "./inode.ts";

const DT_DIR = 4;

export class DirectoryDescription extends FileDescription {
  /** Index into the names: `.`, `..`, then the snapshot. Doubles as d_off. */
  #position = 0;
  #names: readonly ListedName[] | null = null;

  override read(): never {
    throw errno.EISDIR;
  }
  override pread(): never {
    throw errno.EISDIR;
  }
  override get position(): number {
    return this.#position;
  }

  override seek(offset: number, whence: number): number {
    const to = whence === SEEK.SET ? offset : whence === SEEK.CUR ? this.#position + offset : -1;
    if (to < 0) throw errno.EINVAL;
    if (to === 0) this.#names = null;
    return (this.#position = to);
  }

  override sync(): void {}

  override listEntries(emit: (entry: DirectoryEntry) => boolean): void {
    const { dentry } = this.path;
    if (dentry.deleted) throw errno.ENOENT;
    const names = (this.#names ??= namesOf(dentry));
    for (; this.#position < names.length + 2; this.#position++) {
      const next = this.#position + 1;
      if (this.#position < 2) {
        const inode = this.#position === 0 ? dentry.inode : this.#parent();
        const entry = { ino: inode.stat().ino, next, type: DT_DIR, name: this.#position === 0 ? "." : ".." };
        if (!emit(entry)) return;
        continue;
      }
      const listed = names[this.#position - 2];
      if (listed === undefined) return;
      const ino = listed.ino ?? this.#inoOf(listed);
      if (ino !== null && !emit({ ino, next, type: listed.type, name: listed.name })) return;
    }
  }

  #parent(): Inode {
    const { mount, dentry } = this.path;
    if (dentry !== mount.root) return (dentry.parent ?? dentry).inode;
    return (mount.point?.parent ?? mount.point ?? dentry).inode;
  }

  /** Null: the name has gone since. */
  #inoOf(listed: ListedName): bigint | null {
    return this.path.inode.inoOf(listed.name);
  }
}

/** What the file system lists, and the mount points that only the view knows. */
function namesOf(dentry: Dentry): readonly ListedName[] {
  const names = dentry.inode.list();
  const extra: ListedName[] = [];
  for (const [name, child] of dentry.children ?? []) {
    if (!child.synthetic || names.some((listed) => listed.name === name)) continue;
    const inode = child.mounted?.root.inode ?? child.inode;
    extra.push({ name, ino: inode.stat().ino, type: direntType(inode.type) });
  }
  return extra.length === 0 ? names : [...names, ...extra];
}
