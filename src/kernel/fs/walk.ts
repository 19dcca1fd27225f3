/**
 * Path resolution (path_resolution(7)), component by component, inside the guest's tree. Nothing here ever builds a
 * host path: each step asks one directory's inode for one name.
 */
import type { Credentials } from "../credentials.ts";
import { errno } from "../errno.ts";
import type { ByteString } from "./byte-string.ts";
import { Dentry, Path } from "./dentry.ts";
import { ACCESS, RESOLVE } from "./flags.ts";
import { require } from "./permission.ts";

const PATH_MAX = 4096;
const NAME_MAX = 255;
const MAX_LINKS = 40;
/** Names that a volatile file system (the host's) may keep before those that nobody uses are let go. */
const MAX_KEPT = 2048;

/** What happens at a symbolic link that is the last component: "parent" is for calls that make or remove the name. */
export type LastLink = "follow" | "nofollow" | "parent";

export interface Walked {
  /** The directory of the last component; null where that is `/`, `.`, `..` or a magic link. */
  readonly parent: Path | null;
  /** The last component; "", "." or ".." where `parent` is null. */
  readonly name: ByteString;
  /** Null: everything but the last component exists. */
  readonly found: Path | null;
  /** Something like `name/`: only a directory will do. */
  readonly slash: boolean;
}

export interface Walker {
  readonly root: Path;
  readonly credentials: Credentials;
}

export function walk(walker: Walker, start: Path, text: ByteString, last: LastLink, resolve = 0): Walked {
  if (text.length === 0) throw errno.ENOENT;
  if (text.length >= PATH_MAX) throw errno.ENAMETOOLONG;
  const { credentials } = walker;
  const inRoot = (resolve & RESOLVE.IN_ROOT) !== 0;
  const beneath = (resolve & RESOLVE.BENEATH) !== 0;
  const top = inRoot || beneath ? start : walker.root;
  let here = start;
  let rest = text;
  let links = 0;
  if (rest.charCodeAt(0) === SLASH) here = fromRoot(start, top, resolve);
  for (;;) {
    let from = 0;
    while (rest.charCodeAt(from) === SLASH) from++;
    if (from === rest.length) return { parent: null, name: "", found: here, slash: true };
    let end = rest.indexOf("/", from);
    if (end === -1) end = rest.length;
    const name = rest.slice(from, end);
    let next = end;
    while (rest.charCodeAt(next) === SLASH) next++;
    const isLast = next >= rest.length;
    const slash = isLast && end < rest.length;

    if (!here.inode.isDirectory) throw errno.ENOTDIR;
    require(here.inode, ACCESS.X_OK, credentials);
    if (name === "." || name === "..") {
      if (name === "..") here = ascend(here, top, resolve);
      if (isLast) return { parent: null, name, found: here, slash: true };
      rest = rest.slice(next);
      continue;
    }
    const dentry = lookupChild(here, name);
    if (dentry === null) {
      if (!isLast) throw errno.ENOENT;
      return { parent: here, name, found: null, slash };
    }
    const child = descend(new Path(here.mount, dentry));
    if (child.mount !== here.mount && (resolve & RESOLVE.NO_XDEV) !== 0) throw errno.EXDEV;

    if (child.inode.isSymlink && (!isLast || (last !== "parent" && (last === "follow" || slash)))) {
      if (++links > MAX_LINKS || (resolve & RESOLVE.NO_SYMLINKS) !== 0) throw errno.ELOOP;
      const magic = child.inode.magicTarget();
      if (magic !== null) {
        if ((resolve & RESOLVE.NO_MAGICLINKS) !== 0) throw errno.ELOOP;
        if (inRoot || beneath) throw errno.EXDEV;
        if ((resolve & RESOLVE.NO_XDEV) !== 0 && magic.mount !== here.mount) throw errno.EXDEV;
        here = magic;
        if (isLast) {
          if (slash && !here.inode.isDirectory) throw errno.ENOTDIR;
          return { parent: null, name, found: here, slash };
        }
        rest = rest.slice(next);
        continue;
      }
      const target = child.inode.readlink();
      if (target.length === 0) throw errno.ENOENT;
      rest = isLast ? (slash ? `${target}/` : target) : `${target}/${rest.slice(next)}`;
      if (target.charCodeAt(0) === SLASH) here = fromRoot(start, top, resolve);
      continue;
    }
    if (isLast) {
      if (slash && last !== "parent" && !child.inode.isDirectory) throw errno.ENOTDIR;
      return { parent: here, name, found: child, slash };
    }
    here = child;
    rest = rest.slice(next);
  }
}

const SLASH = 0x2f;

function fromRoot(start: Path, top: Path, resolve: number): Path {
  if ((resolve & RESOLVE.BENEATH) !== 0) throw errno.EXDEV;
  if ((resolve & RESOLVE.NO_XDEV) !== 0 && top.mount !== start.mount) throw errno.EXDEV;
  return top;
}

/** `..`: out of mounts, never above `top`. */
function ascend(from: Path, top: Path, resolve: number): Path {
  if (from.equals(top)) {
    if ((resolve & RESOLVE.BENEATH) !== 0) throw errno.EXDEV;
    return from;
  }
  let { mount, dentry } = from as { mount: Path["mount"]; dentry: Dentry };
  while (dentry === mount.root) {
    if (mount.parent === null || mount.point === null) return from;
    if ((resolve & RESOLVE.NO_XDEV) !== 0) throw errno.EXDEV;
    dentry = mount.point;
    mount = mount.parent;
    // A working directory outside of the root (chroot) still stops at the root on its way up.
    if (mount === top.mount && dentry === top.dentry) return top;
  }
  return dentry.parent === null ? from : new Path(mount, dentry.parent);
}

/** Into whatever is mounted here. */
export function descend(path: Path): Path {
  let at = path;
  while (at.dentry.mounted !== null) at = new Path(at.dentry.mounted, at.dentry.mounted.root);
  return at;
}

/** The child of a directory that the caller may search, or null. Throws ENAMETOOLONG. */
export function lookupChild(directory: Path, name: ByteString): Dentry | null {
  if (name.length > NAME_MAX) throw errno.ENAMETOOLONG;
  const parent = directory.dentry;
  const kept = parent.children?.get(name);
  if (kept !== undefined && (kept.synthetic || kept.mounted !== null)) return kept;
  if (parent.deleted) return null;
  const { volatile } = directory.mount.fs;
  if (kept !== undefined && !volatile) return kept;
  const inode = parent.inode.lookup(name, kept?.inode);
  if (kept !== undefined) {
    if (kept.inode === inode) return kept;
    // Changed behind our back: moved or removed, who knows. Whoever holds it goes on with it.
    parent.children?.delete(name);
  }
  if (inode === null) return null;
  const child = new Dentry(parent, name, inode);
  if (inode.isDirectory) {
    parent.keep(child);
    if (volatile && ++directory.mount.kept > MAX_KEPT) {
      prune(directory.mount.root, child);
      directory.mount.kept = count(directory.mount.root);
    }
  }
  return child;
}

/** Lets go of kept names that nothing uses, but not of `spared`. */
function prune(root: Dentry, spared: Dentry): void {
  const all = below(root);
  // Children come after their parents: from the end, a directory is looked at when its own are done.
  for (const dentry of all.reverse()) {
    if (dentry.children?.size === 0) dentry.children = null;
    const isUsed = dentry.children !== null || dentry.holders > 0 || dentry.synthetic || dentry.mounted !== null;
    if (isUsed || dentry === spared) continue;
    dentry.parent?.children?.delete(dentry.name);
    dentry.inode.forget();
  }
}

function count(root: Dentry): number {
  return below(root).length;
}

/** All kept names below, parents first. Not by recursion: a guest makes its tree as deep as it likes. */
export function below(root: Dentry): Dentry[] {
  const all: Dentry[] = [];
  for (let at: Dentry | undefined = root, index = 0; at !== undefined; at = all[index++]) {
    for (const child of at.children?.values() ?? []) all.push(child);
  }
  return all;
}
