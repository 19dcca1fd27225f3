/** The file system of pseudo-terminals: /dev/pts, and the device /dev/ptmx that makes a new one (pty(7)). */
import { monotonic, realtime } from "../../host/clock.ts";
import { errno } from "../errno.ts";
import type { Credentials } from "../credentials.ts";
import type { ByteString } from "../fs/byte-string.ts";
import { Path } from "../fs/dentry.ts";
import { DirectoryDescription } from "../fs/directory.ts";
import type { FileDescription } from "../fs/file-description.ts";
import { O, S, direntType } from "../fs/flags.ts";
import { Inode, anonymousDevice, plainStat } from "../fs/inode.ts";
import type { Attributes, DeviceNumber, FileSystem, ListedName, Stat, StatFs } from "../fs/inode.ts";
import { emptyStatFs } from "../fs/static-directory.ts";
import { lookupChild } from "../fs/walk.ts";
import type { HostTerminal } from "./host-terminal.ts";
import { Pty, PtyMaster, slaveDevice } from "./pty.ts";
import type { Terminal } from "./terminal.ts";

const DEVPTS_MAGIC = 0x1cd1;
/** /proc/sys/kernel/pty/max */
const MOST_PTYS = 4096;
/** Debian's group "tty", who may write to a terminal (mesg(1)). */
const TTY_GROUP = 5;
const PTMX: DeviceNumber = { major: 5, minor: 2 };
/** Inode numbers: the directory, ptmx, then terminals. */
const ROOT_INO = 1n;
const PTMX_INO = 2n;
const FIRST_INO = 3n;

export class DevPts implements FileSystem {
  readonly type = "devpts";
  readonly dev = anonymousDevice();
  readonly volatile = true;
  readonly root: Inode;
  /** By number; of a pseudo-terminal whose master is closed only the number is left. */
  readonly #terminals = new Map<number, TerminalInode | null>();
  readonly #monotonic: () => bigint;

  constructor(now: () => bigint = monotonic) {
    this.#monotonic = now;
    this.root = new PtsDirectory(this);
  }

  statfs(): StatFs {
    return emptyStatFs(DEVPTS_MAGIC);
  }

  #freeNumber(): number {
    let index = 0;
    while (this.#terminals.has(index)) index++;
    if (index >= MOST_PTYS) throw errno.ENOSPC;
    return index;
  }

  /** open("/dev/ptmx"): a new pseudo-terminal, whose slave belongs to the caller. Throws ENOSPC. */
  openMaster(path: Path, flags: number, credentials: Credentials): FileDescription {
    const index = this.#freeNumber();
    const pty = new Pty(index, this.#monotonic, () => this.#terminals.delete(index));
    const inode = new TerminalInode(this, pty, index, credentials.user.fs);
    this.#terminals.set(index, inode);
    const master = new PtyMaster(path, flags, pty);
    master.onRelease(() => this.#terminals.set(index, null));
    return master;
  }

  /** Shows the host's terminal among the others: the number that it gets. */
  show(terminal: HostTerminal, owner: number): number {
    const index = this.#freeNumber();
    terminal.device = slaveDevice(index);
    this.#terminals.set(index, new TerminalInode(this, terminal, index, owner));
    return index;
  }

  get numbers(): readonly number[] {
    return [...this.#terminals].flatMap(([index, inode]) => (inode === null ? [] : [index])).sort((a, b) => a - b);
  }

  terminal(index: number): TerminalInode | null {
    return this.#terminals.get(index) ?? null;
  }

  /** TIOCGPTPEER: the slave of a master that was opened somewhere in the tree `near`. Throws EIO. */
  openPeer(near: Path, pty: Pty, flags: number): FileDescription {
    const mount = near.mount.tree.find(({ fs }) => fs === this);
    if (mount === undefined) throw errno.EIO;
    const directory = new Path(mount, mount.root);
    const dentry = lookupChild(directory, String(pty.index));
    if (dentry?.inode !== this.terminal(pty.index) || dentry === null) throw errno.EIO;
    return (dentry.inode as TerminalInode).open(new Path(mount, dentry), flags, null);
  }
}

class PtsDirectory extends Inode {
  override readonly fs: DevPts;
  readonly type = S.IFDIR;
  readonly #ptmx: PtmxDevice;

  constructor(fs: DevPts) {
    super();
    this.fs = fs;
    // Nobody but root needs it here (mount option ptmxmode=000).
    this.#ptmx = new PtmxDevice(fs, fs, PTMX_INO, 0);
  }
  override stat(): Stat {
    return plainStat({ dev: this.fs.dev, ino: ROOT_INO, mode: S.IFDIR | 0o755, nlink: 2 });
  }
  override lookup(name: ByteString): Inode | null {
    if (name === "ptmx") return this.#ptmx;
    return /^(0|[1-9][0-9]{0,4})$/.test(name) ? this.fs.terminal(Number(name)) : null;
  }
  override list(): readonly ListedName[] {
    const type = direntType(S.IFCHR);
    const terminals = this.fs.numbers.map((index) => ({ name: String(index), ino: FIRST_INO + BigInt(index), type }));
    return [{ name: "ptmx", ino: PTMX_INO, type }, ...terminals];
  }
  override open(path: Path, flags: number): FileDescription {
    return new DirectoryDescription(path, flags);
  }
  override create(): never {
    throw errno.EACCES;
  }
}

/** A device node of character type whose owner and mode can be changed. */
abstract class Node extends Inode {
  override readonly fs: FileSystem;
  override readonly type = S.IFCHR;
  readonly #number: DeviceNumber;
  readonly #ino: bigint;
  #attributes: { mode: number; uid: number; gid: number; atime: bigint; mtime: bigint };

  constructor(fs: FileSystem, ino: bigint, number: DeviceNumber, mode: number, uid: number, gid: number) {
    super();
    this.fs = fs;
    this.#ino = ino;
    this.#number = number;
    const time = realtime();
    this.#attributes = { mode, uid, gid, atime: time, mtime: time };
  }
  override stat(): Stat {
    const { mode, mtime, ...rest } = this.#attributes;
    return plainStat({
      dev: this.fs.dev,
      ino: this.#ino,
      rdev: this.#number,
      blockSize: 1024,
      ...rest,
      mode: S.IFCHR | mode,
      mtime,
      ctime: mtime,
    });
  }
  override setAttributes({ mode, uid, gid, atime, mtime }: Attributes): void {
    const now = this.#attributes;
    this.#attributes = {
      mode: mode ?? now.mode,
      uid: uid ?? now.uid,
      gid: gid ?? now.gid,
      atime: atime ?? now.atime,
      mtime: mtime ?? now.mtime,
    };
  }
}

/** /dev/ptmx, wherever it stands. */
export class PtmxDevice extends Node {
  readonly #pts: DevPts;

  constructor(fs: FileSystem, pts: DevPts, ino: bigint, mode: number) {
    super(fs, ino, PTMX, mode, 0, 0);
    this.#pts = pts;
  }
  override open(path: Path, flags: number, credentials: Credentials): FileDescription {
    return this.#pts.openMaster(path, flags, credentials);
  }
}

/** /dev/pts/N */
export class TerminalInode extends Node {
  readonly #terminal: Terminal;

  constructor(fs: DevPts, terminal: Terminal, index: number, uid: number) {
    super(fs, FIRST_INO + BigInt(index), terminal.device, 0o620, uid, TTY_GROUP);
    this.#terminal = terminal;
  }
  /** Throws EIO while it is locked, EBUSY. `credentials` null: somebody who has its master. */
  override open(path: Path, flags: number, credentials: Credentials | null): FileDescription {
    const terminal = this.#terminal;
    if (terminal instanceof Pty && terminal.locked) throw errno.EIO;
    terminal.checkExclusive(credentials?.isPrivileged ?? false);
    return terminal.open(path, flags & ~O.NOCTTY);
  }
}
