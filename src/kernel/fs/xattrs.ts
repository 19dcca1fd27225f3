/** Extended attributes (xattr(7)), on file systems that keep them. */
import { errno } from "../errno.ts";
import type { ByteString } from "./byte-string.ts";
import { ACCESS, S } from "./flags.ts";
import { require } from "./permission.ts";
import { requireWritable } from "./resolver.ts";
import type { At, Resolver } from "./resolver.ts";

/** setxattr(2) */
export const XATTR = { CREATE: 1, REPLACE: 2 } as const;

/** All of a file's together, names and values: about what ext4 has room for. */
const MOST = 4096;

/** `value` null: removes it. `how`: XATTR. */
export function changeXattr(
  fs: Resolver,
  at: At,
  path: ByteString,
  name: ByteString,
  value: Uint8Array | null,
  flags: number,
  how: number,
): void {
  const found = fs.resolveAt(at, path, flags);
  const { inode } = found;
  requireWritable(found.mount);
  if (name.startsWith("user.")) {
    if (inode.type !== S.IFREG && !inode.isDirectory) throw errno.EPERM;
    require(inode, ACCESS.W_OK, fs.credentials);
  } else if (name.startsWith("trusted.") || name.startsWith("security.")) {
    if (!fs.credentials.isPrivileged) throw errno.EPERM;
  } else throw errno.EOPNOTSUPP;
  const names = inode.listXattr();
  const exists = names.includes(name);
  if (exists && (how & XATTR.CREATE) !== 0) throw errno.EEXIST;
  if (!exists && (value === null || (how & XATTR.REPLACE) !== 0)) throw errno.ENODATA;
  if (value !== null) {
    const others = names.filter((other) => other !== name);
    const used = others.reduce((sum, other) => sum + other.length + inode.getXattr(other).length, 0);
    if (used + name.length + value.length > MOST) throw errno.ENOSPC;
  }
  inode.setXattr(name, value);
}
