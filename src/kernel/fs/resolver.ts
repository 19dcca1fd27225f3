/**
 * Where a process's paths start (Linux's fs_struct) and how they are resolved: root, working directory, umask, and whose
 * rights count. What is done with the files that paths lead to is `opening.ts`, `names.ts` and `attributes.ts`.
 */
import type { Credentials } from "../credentials.ts";
import { errno } from "../errno.ts";
import type { ByteString } from "./byte-string.ts";
import type { Mount, Path } from "./dentry.ts";
import type { FileDescription } from "./file-description.ts";
import { ACCESS, AT } from "./flags.ts";
import { require } from "./permission.ts";
import { walk, type LastLink, type Walked } from "./walk.ts";

/** Null: AT_FDCWD. */
export type At = FileDescription | null;

/** What a name must be for a call that makes or removes it. */
export interface Place {
  readonly parent: Path;
  readonly name: ByteString;
  readonly found: Path | null;
  readonly slash: boolean;
}

export class Resolver {
  #root: Path;
  #cwd: Path;
  umask: number;
  /** Whose rights count; the machine sets it to the calling task's. */
  credentials: Credentials;

  constructor(root: Path, cwd: Path, credentials: Credentials, umask = 0o022) {
    this.#root = root;
    this.#cwd = cwd;
    root.dentry.holders++;
    cwd.dentry.holders++;
    this.umask = umask;
    this.credentials = credentials;
  }

  get root(): Path {
    return this.#root;
  }
  get cwd(): Path {
    return this.#cwd;
  }
  /** Each keeps its directory: the new one must be held already. */
  protected set root(path: Path) {
    this.#root.dentry.holders--;
    this.#root = path;
  }
  protected set cwd(path: Path) {
    this.#cwd.dentry.holders--;
    this.#cwd = path;
  }

  /** Lets both directories go. */
  protected letGo(): void {
    this.#root.dentry.holders--;
    this.#cwd.dentry.holders--;
  }

  // ── resolution ─────────────────────────────────────────────────────────────────────────────────────────────────
  /** The walk itself; `at` is where a relative path starts. */
  walk(at: At, path: ByteString, last: LastLink, resolve = 0): Walked {
    const start = at === null || (path.charCodeAt(0) === 0x2f && resolve === 0) ? this.cwd : at.path;
    if (path.charCodeAt(0) === 0x2f && resolve === 0) return walk(this, this.root, path, last);
    if (path.length > 0 && !start.inode.isDirectory) throw errno.ENOTDIR;
    return walk(this, start, path, last, resolve);
  }

  /** The file that a path means. Throws ENOENT. */
  resolve(at: At, path: ByteString, follow: boolean): Path {
    const { found } = this.walk(at, path, follow ? "follow" : "nofollow");
    if (found === null) throw errno.ENOENT;
    return found;
  }

  /** As `resolve`, by AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH. */
  resolveAt(at: At, path: ByteString, flags: number): Path {
    if (path.length === 0 && (flags & AT.EMPTY_PATH) !== 0) return at?.path ?? this.cwd;
    return this.resolve(at, path, (flags & AT.SYMLINK_NOFOLLOW) === 0);
  }

  /** For calls that make or remove a name; `onDots`: what `/`, `.` and `..` answer. */
  place(at: At, path: ByteString, onDots: (name: ByteString) => unknown): Place {
    const { parent, name, found, slash } = this.walk(at, path, "parent");
    if (parent === null) throw onDots(name);
    return { parent, name, found, slash };
  }

  /** A name that is free, in a directory that may be written. Throws EEXIST, EROFS, EACCES, ENOENT. */
  free(at: At, path: ByteString, isDirectory: boolean): Place {
    const place = this.place(at, path, () => errno.EEXIST);
    if (place.found !== null) throw errno.EEXIST;
    if (place.slash && !isDirectory) throw errno.ENOENT;
    this.requireCreatable(place.parent);
    return place;
  }

  /** Throws ENOENT, EROFS, EACCES. */
  requireCreatable(parent: Path): void {
    if (parent.dentry.deleted) throw errno.ENOENT;
    requireWritable(parent.mount);
    require(parent.inode, ACCESS.W_OK | ACCESS.X_OK, this.credentials);
  }

  /** What a new file is given. */
  creation(mode: number): { mode: number; uid: number; gid: number } {
    return { mode: mode & ~this.umask, uid: this.credentials.user.fs, gid: this.credentials.group.fs };
  }
}

/** Throws EROFS. */
export function requireWritable(mount: Mount): void {
  if (mount.readOnly) throw errno.EROFS;
}
