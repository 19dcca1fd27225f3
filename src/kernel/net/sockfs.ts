/** What fstat(2) and /proc/self/fd show of a socket: a file without a name, socket:[7]. */
import { realtime } from "../../host/clock.ts";
import { errno } from "../errno.ts";
import type { Credentials } from "../credentials.ts";
import { Dentry, Mount, Path } from "../fs/dentry.ts";
import { S } from "../fs/flags.ts";
import { Inode, anonymousDevice, plainStat } from "../fs/inode.ts";
import type { Attributes, FileSystem, Stat, StatFs } from "../fs/inode.ts";
import { emptyStatFs } from "../fs/static-directory.ts";

const SOCKFS_MAGIC = 0x534f434b;

const sockFs: FileSystem = {
  type: "sockfs",
  dev: anonymousDevice(),
  volatile: false,
  get root(): Inode {
    throw errno.ENOENT;
  },
  statfs: (): StatFs => emptyStatFs(SOCKFS_MAGIC),
};

class SocketInode extends Inode {
  readonly fs = sockFs;
  readonly type = S.IFSOCK;
  readonly #ino: bigint;
  #mode = 0o777;
  #uid: number;
  #gid: number;
  readonly #time = realtime();

  constructor(ino: bigint, { user, group }: Credentials) {
    super();
    this.#ino = ino;
    this.#uid = user.fs;
    this.#gid = group.fs;
  }

  override stat(): Stat {
    const time = this.#time;
    return plainStat({
      dev: sockFs.dev,
      ino: this.#ino,
      mode: S.IFSOCK | this.#mode,
      uid: this.#uid,
      gid: this.#gid,
      atime: time,
      mtime: time,
      ctime: time,
    });
  }

  override setAttributes(changes: Attributes): void {
    this.#mode = (changes.mode ?? this.#mode) & 0o7777;
    this.#uid = changes.uid ?? this.#uid;
    this.#gid = changes.gid ?? this.#gid;
  }
}

/** The path of a new socket's description. */
export function socketPath(ino: bigint, credentials: Credentials): Path {
  const dentry = new Dentry(null, `socket:[${ino}]`, new SocketInode(ino, credentials));
  return new Path(new Mount(sockFs, dentry, null), dentry);
}
