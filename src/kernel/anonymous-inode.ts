/** Files without a name in any tree: eventfds, epolls (Linux: anon_inode). One inode stands for all of them. */
import { errno } from "./errno.ts";
import { Dentry, Mount, Path } from "./fs/dentry.ts";
import { Inode, anonymousDevice, plainStat } from "./fs/inode.ts";
import type { FileSystem, Stat, StatFs } from "./fs/inode.ts";

class AnonymousInode extends Inode {
  readonly fs = anonymousFs;
  /** No file type at all: stat(2) shows st_mode 0600. */
  readonly type = 0;

  override stat(): Stat {
    return plainStat({ dev: anonymousFs.dev, ino: 1n, mode: 0o600 });
  }
}

const anonymousFs: FileSystem = {
  type: "anon_inodefs",
  dev: anonymousDevice(),
  volatile: false,
  get root(): Inode {
    throw errno.ENOENT;
  },
  statfs: (): StatFs => ({
    type: 0x09041934,
    blockSize: 4096,
    blocks: 0,
    blocksFree: 0,
    blocksAvailable: 0,
    files: 0,
    filesFree: 0,
    nameLength: 255,
    flags: 0,
  }),
};

const inode = new AnonymousInode();

/** `kind` is what /proc/self/fd shows: "[eventfd]". */
export function anonymousPath(kind: string): Path {
  const dentry = new Dentry(null, `anon_inode:${kind}`, inode);
  return new Path(new Mount(anonymousFs, dentry, null), dentry);
}
