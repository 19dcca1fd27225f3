/** Who may do what with a file: the checks of path_resolution(7) for file systems that do not check themselves. */
import type { Credentials } from "../credentials.ts";
import { errno } from "../errno.ts";
import { ACCESS, S } from "./flags.ts";
import type { Inode, Stat } from "./inode.ts";

export type Owner = Pick<Stat, "mode" | "uid" | "gid">;

/** `want`: ACCESS bits. `real`: judge by the real ids, as access(2) does. */
export function permits(file: Owner, want: number, credentials: Credentials, real = false): boolean {
  const uid = real ? credentials.user.real : credentials.user.fs;
  const gid = real ? credentials.group.real : credentials.group.fs;
  if (uid === 0) {
    const mayExecute = (file.mode & 0o111) !== 0 || (file.mode & S.IFMT) === S.IFDIR;
    return (want & ACCESS.X_OK) === 0 || mayExecute;
  }
  let bits = file.mode & 0o7;
  if (uid === file.uid) bits = (file.mode >> 6) & 0o7;
  else if (gid === file.gid || credentials.groups.includes(file.gid)) bits = (file.mode >> 3) & 0o7;
  return (bits & want) === want;
}

/** Throws EACCES. */
export function require(inode: Inode, want: number, credentials: Credentials): void {
  if (inode.checksItself(credentials)) return;
  if (!permits(inode.owner(), want, credentials)) throw errno.EACCES;
}

/** chmod, utimensat to a given time: only the owner or root. Throws EPERM. */
export function requireOwner(inode: Inode, credentials: Credentials): void {
  if (credentials.user.fs === 0 || inode.checksItself(credentials)) return;
  if (inode.owner().uid !== credentials.user.fs) throw errno.EPERM;
}

/** Removing or renaming `child` in `parent`: write permission, and the sticky bit's rule. Throws EACCES, EPERM. */
export function requireRemovable(parent: Inode, child: Inode, credentials: Credentials): void {
  require(parent, ACCESS.W_OK | ACCESS.X_OK, credentials);
  const user = credentials.user.fs;
  if (user === 0 || parent.checksItself(credentials)) return;
  const directory = parent.owner();
  if ((directory.mode & S.ISVTX) !== 0 && directory.uid !== user && child.owner().uid !== user) throw errno.EPERM;
}
