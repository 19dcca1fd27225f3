/** Standard input, output and error: descriptors of the host, bytes in memory, or functions of whoever called us. */
import { monotonic } from "../../host/clock.ts";
import * as host from "../../host/files.ts";
import {
  HostStream,
  NOT_READY,
  isOpen,
  openMode,
  openTerminal,
  readHere,
  streamName,
  writeHere,
} from "../../host/stream.ts";
import { bytesWaiting } from "../../host/terminal.ts";
import type { Backing } from "../../memory/mapping.ts";
import { errno } from "../errno.ts";
import { DevPts } from "../tty/devpts.ts";
import { HostTerminal } from "../tty/host-terminal.ts";
import type { Terminal } from "../tty/terminal.ts";
import { CC, LOCAL } from "../tty/termios.ts";
import { Wait, WaitQueue } from "../wait.ts";
import { Dentry, Mount, Path } from "./dentry.ts";
import { FileBacking } from "./file-backing.ts";
import { FileDescription, WOULD_BLOCK } from "./file-description.ts";
import type { FileTable } from "./file-table.ts";
import type { FsContext } from "./fs-context.ts";
import { O, POLL, S, SEEK } from "./flags.ts";
import { fromHost, toErrno } from "./host-errors.ts";
import { identityOf, toStat } from "./hostfs.ts";
import { Inode, anonymousDevice, plainStat } from "./inode.ts";
import type { Attributes, FileSystem, Stat } from "./inode.ts";
import { emptyStatFs } from "./static-directory.ts";
import { lookupChild } from "./walk.ts";

/** Where a standard stream comes from or goes to. */
export type StandardStream =
  | { readonly kind: "host"; readonly fd: number }
  /** Input: all there is. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** Output: called with each write; the bytes are the callee's to keep. */
  | { readonly kind: "sink"; readonly write: (bytes: Uint8Array) => void }
  /** Input that has ended, output that goes nowhere. */
  | { readonly kind: "null" };

const streamFs: FileSystem = {
  type: "pipefs",
  dev: anonymousDevice(),
  volatile: false,
  get root(): Inode {
    throw errno.ENOENT;
  },
  statfs: () => emptyStatFs(0x50495045),
};

function nameless(inode: Inode, name: string): Path {
  const dentry = new Dentry(null, name, inode);
  return new Path(new Mount(streamFs, dentry, null), dentry);
}

const ACCESS_FLAGS = { read: O.RDONLY, write: O.WRONLY, readWrite: O.RDWR } as const;

/**
 * Puts the three streams on 0, 1 and 2. A host descriptor that is closed stays closed. Returns the terminals among them,
 * which have names in /dev/pts of `fs`, if that has one.
 */
export function openStandardStreams(
  files: FileTable,
  streams: readonly [StandardStream, StandardStream, StandardStream],
  fs: FsContext | null = null,
): readonly HostTerminal[] {
  const terminals: Terminals = { fs, known: new Map() };
  for (const [fd, stream] of streams.entries()) {
    if (stream.kind === "host" && !isOpen(stream.fd)) continue;
    files.add(openStream(stream, fd, terminals), false, fd);
  }
  return [...terminals.known.values()].map(({ terminal }) => terminal);
}

/** The host's terminals by device, with the path that the guest knows them by. */
interface Terminals {
  readonly fs: FsContext | null;
  readonly known: Map<string, { readonly terminal: HostTerminal; readonly path: Path | null }>;
}

/** The same terminal on several descriptors is one terminal. */
function terminalOf(stream: HostStream, terminals: Terminals): { terminal: HostTerminal; path: Path | null } | null {
  if (stream.kind !== "terminal") return null;
  const stat = fromHost(() => host.statFile(stream.fd));
  const device = `${stat.rdevMajor}:${stat.rdevMinor}`;
  let known = terminals.known.get(device);
  if (known === undefined) {
    const terminal = new HostTerminal(stream.fd, openHostTerminal);
    terminals.known.set(device, (known = { terminal, path: nameTerminal(terminal, terminals.fs) }));
  }
  return known;
}

/** Gives the terminal a number in /dev/pts, which ttyname(3) finds. */
function nameTerminal(terminal: HostTerminal, fs: FsContext | null): Path | null {
  if (fs === null) return null;
  const mount = fs.root.mount.tree.find((each) => each.fs instanceof DevPts);
  if (!(mount?.fs instanceof DevPts)) return null;
  const name = String(mount.fs.show(terminal, fs.credentials.user.fs));
  const dentry = lookupChild(new Path(mount, mount.root), name);
  return dentry === null ? null : new Path(mount, dentry);
}

function openStream(stream: StandardStream, fd: number, terminals: Terminals): FileDescription {
  const usual = fd === 0 ? O.RDONLY : O.WRONLY;
  if (stream.kind !== "host") {
    const inode = new MemoryStreamInode(stream);
    return inode.open(nameless(inode, `pipe:[${inode.ino}]`), usual);
  }
  const mode = openMode(stream.fd);
  const opened = new HostStream(stream.fd);
  const known = terminalOf(opened, terminals);
  const inode = new HostStreamInode(opened, known?.terminal ?? null);
  const flags = mode === null ? (inode.stream.kind === "terminal" ? O.RDWR : usual) : ACCESS_FLAGS[mode.access];
  const path = known?.path ?? nameless(inode, inode.name);
  return inode.open(path, flags | (mode?.append === true ? O.APPEND : 0));
}

/** Opens the host's controlling terminal. Throws ENXIO. */
function openHostTerminal(path: Path, flags: number, terminal: HostTerminal): FileDescription {
  const fd = fromHost(openTerminal);
  const inode = new HostStreamInode(new HostStream(fd), terminal);
  const opened = new HostStreamDescription(path, flags, inode);
  opened.onRelease(() => {
    host.closeFile(fd);
  });
  return opened;
}

// ── descriptors of the host ──────────────────────────────────────────────────────────────────────────────────────────

class HostStreamInode extends Inode {
  readonly fs = streamFs;
  readonly type: number;
  readonly stream: HostStream;
  readonly terminal: HostTerminal | null;
  readonly name: string;
  readonly readQueue = new WaitQueue();
  readonly writeQueue = new WaitQueue();

  constructor(stream: HostStream, terminal: HostTerminal | null) {
    super();
    this.stream = stream;
    this.terminal = terminal;
    const stat = fromHost(() => host.statFile(stream.fd));
    this.type = stat.mode & S.IFMT;
    // Where a redirected file lies on the host is none of the guest's business.
    const name = stream.kind === "file" ? null : streamName(stream.fd);
    this.name = name ?? `host:[${stat.ino}]`;
  }

  override get identity(): string {
    return identityOf(fromHost(() => host.statFile(this.stream.fd)));
  }
  override stat(): Stat {
    return toStat(fromHost(() => host.statFile(this.stream.fd)));
  }
  override checksItself(): boolean {
    return true;
  }
  override setAttributes(changes: Attributes): void {
    const { size, mode, atime, mtime } = changes;
    fromHost(() => {
      const { fd } = this.stream;
      const now = host.statFile(fd);
      if (size !== undefined) host.truncateFile(fd, size);
      if (mode !== undefined) host.chmodFile(fd, mode);
      if (atime !== undefined || mtime !== undefined) host.setFileTimes(fd, atime ?? now.atime, mtime ?? now.mtime);
    });
  }

  /** Also by way of /proc/self/fd/N: a second description of the same descriptor. */
  override open(path: Path, flags: number): FileDescription {
    return this.stream.kind === "file"
      ? new HostSharedFile(path, flags, this)
      : new HostStreamDescription(path, flags, this);
  }
}

class HostStreamDescription extends FileDescription {
  readonly #inode: HostStreamInode;
  readonly #stream: HostStream;

  constructor(path: Path, flags: number, inode: HostStreamInode) {
    super(path, flags);
    this.#inode = inode;
    this.#stream = inode.stream;
  }

  protected override close(): void {
    this.#stream.stopWatching();
  }

  protected override tryRead(into: Uint8Array): number {
    try {
      const count = this.#stream.read(into);
      return count === NOT_READY ? WOULD_BLOCK : count;
    } catch (error) {
      throw toErrno(error);
    }
  }
  /** A terminal that lets a read end without a byte (VMIN 0) does so even where nothing becomes readable. */
  override read(into: Uint8Array): number | Wait<number> {
    const patience = this.#patience;
    if (patience === null || !this.readable || this.#stream.canRead) return super.read(into);
    if (patience === 0n) return 0;
    if (this.nonBlocking) throw errno.EAGAIN;
    const wait: Wait<number> = new Wait([this.waitQueue(POLL.IN)], monotonic() + patience, (reason) => {
      if (reason === "signal") throw errno.ERESTARTSYS;
      const count = this.tryRead(into);
      if (count !== WOULD_BLOCK) return count;
      if (reason === "timeout") return 0;
      this.waitQueue(POLL.IN);
      return wait;
    });
    return wait;
  }

  /** How long such a read waits (VTIME), nanoseconds; null: others wait as long as it takes. */
  get #patience(): bigint | null {
    const settings = this.#inode.terminal?.getAttributes();
    if (settings === undefined || (settings.localFlags & LOCAL.ICANON) !== 0) return null;
    const { controlCharacters } = settings;
    return controlCharacters[CC.VMIN] === 0 ? BigInt(controlCharacters[CC.VTIME] ?? 0) * 100_000_000n : null;
  }

  protected override get mayReadMore(): boolean {
    return this.#stream.kind !== "terminal" && this.#stream.canRead;
  }
  protected override tryWrite(from: Uint8Array): number {
    try {
      const count = this.#stream.write(from);
      return count === NOT_READY ? WOULD_BLOCK : count;
    } catch (error) {
      throw toErrno(error);
    }
  }
  protected override get writesAll(): boolean {
    return true;
  }

  override poll(): number {
    let bits = 0;
    if (this.readable && this.#stream.canRead) bits |= POLL.IN | POLL.RDNORM;
    if (this.writable && this.#stream.canWrite) bits |= POLL.OUT | POLL.WRNORM;
    if (this.#stream.hungUp) bits |= this.readable ? POLL.HUP : POLL.ERR;
    return bits;
  }

  override waitQueue(events: number): WaitQueue {
    const { readQueue, writeQueue } = this.#inode;
    if (this.writable && (events & (POLL.OUT | POLL.WRNORM)) !== 0) {
      this.#stream.whenWritable(() => {
        writeQueue.wake();
        readQueue.wake();
      });
      if ((events & (POLL.IN | POLL.RDNORM)) === 0) return writeQueue;
    }
    if (this.readable && (events & (POLL.IN | POLL.RDNORM)) !== 0) {
      this.#stream.whenReadable(() => {
        readQueue.wake();
      });
    }
    return readQueue;
  }

  override available(): number {
    const { kind, fd } = this.#stream;
    if (kind === "device") throw errno.ENOTTY;
    return fromHost(() => bytesWaiting(fd));
  }
  override get terminal(): Terminal | null {
    return this.#inode.terminal;
  }
  override sync(): void {
    throw errno.EINVAL;
  }
  /** /dev/null and the like. */
  override seek(): number {
    if (this.#stream.kind === "device") return 0;
    throw errno.ESPIPE;
  }
}

/** A regular file that the shell opened for us (`> out`): its position belongs to all who share the descriptor. */
class HostSharedFile extends FileDescription {
  readonly #fd: number;

  constructor(path: Path, flags: number, inode: HostStreamInode) {
    super(path, flags);
    this.#fd = inode.stream.fd;
  }
  protected override tryRead(into: Uint8Array): number {
    return fromHost(() => readHere(this.#fd, into));
  }
  protected override tryWrite(from: Uint8Array): number {
    return fromHost(() => writeHere(this.#fd, from));
  }
  override pread(into: Uint8Array, offset: number): number {
    if (!this.readable) throw errno.EBADF;
    if (offset < 0) throw errno.EINVAL;
    return fromHost(() => host.readFile(this.#fd, into, offset));
  }
  override pwrite(from: Uint8Array, offset: number): number {
    if (!this.writable) throw errno.EBADF;
    if (offset < 0) throw errno.EINVAL;
    return fromHost(() => host.writeFile(this.#fd, from, offset));
  }
  override seek(offset: number, whence: number): number {
    if (whence < SEEK.SET || whence > SEEK.HOLE) throw errno.EINVAL;
    const at = fromHost(() => host.seekShared(this.#fd, offset, whence));
    if (at === null) throw errno.ESPIPE;
    return at;
  }
  override get position(): number {
    return fromHost(() => host.seekShared(this.#fd, 0, SEEK.CUR)) ?? 0;
  }
  override available(): number {
    return Math.max(0, this.stat().size - this.position);
  }
  override truncate(size: number): void {
    if (!this.writable || size < 0) throw errno.EINVAL;
    fromHost(() => {
      host.truncateFile(this.#fd, size);
    });
  }
  override allocate(mode: number, offset: number, length: number): void {
    if (!this.writable) throw errno.EBADF;
    if (offset < 0 || length <= 0) throw errno.EINVAL;
    fromHost(() => {
      host.allocateFile(this.#fd, mode, offset, length);
    });
  }
  override sync(dataOnly: boolean): void {
    fromHost(() => {
      host.syncFile(this.#fd, dataOnly);
    });
  }
  override backing(): Backing {
    return new FileBacking(this, {
      size: () => this.stat().size,
      read: (into, offset) => host.readFile(this.#fd, into, offset),
      write: (from, offset) => host.writeFile(this.#fd, from, offset),
    });
  }
}

// ── streams in memory ────────────────────────────────────────────────────────────────────────────────────────────────

let lastStream = 0n;

class MemoryStreamInode extends Inode {
  readonly fs = streamFs;
  readonly type = S.IFIFO;
  readonly ino = ++lastStream;
  readonly #stream: StandardStream;
  #read = 0;

  constructor(stream: StandardStream) {
    super();
    this.#stream = stream;
  }
  override stat(): Stat {
    return plainStat({ dev: streamFs.dev, ino: this.ino, mode: S.IFIFO | 0o600 });
  }
  override checksItself(): boolean {
    return true;
  }
  override open(path: Path, flags: number): FileDescription {
    return new MemoryStream(path, flags, this);
  }

  get left(): Uint8Array {
    return this.#stream.kind === "bytes" ? this.#stream.bytes.subarray(this.#read) : new Uint8Array();
  }
  take(into: Uint8Array): number {
    const part = this.left.subarray(0, into.length);
    into.set(part);
    this.#read += part.length;
    return part.length;
  }
  put(from: Uint8Array): number {
    if (this.#stream.kind === "bytes") throw errno.EPIPE;
    if (this.#stream.kind === "sink" && from.length > 0) this.#stream.write(from.slice());
    return from.length;
  }
}

class MemoryStream extends FileDescription {
  readonly #inode: MemoryStreamInode;
  constructor(path: Path, flags: number, inode: MemoryStreamInode) {
    super(path, flags);
    this.#inode = inode;
  }
  protected override tryRead(into: Uint8Array): number {
    return this.#inode.take(into);
  }
  protected override tryWrite(from: Uint8Array): number {
    return this.#inode.put(from);
  }
  override poll(): number {
    const input = this.#inode.left.length > 0 ? POLL.IN | POLL.RDNORM : POLL.HUP;
    return (this.readable ? input : 0) | (this.writable ? POLL.OUT | POLL.WRNORM : 0);
  }
  override available(): number {
    return this.#inode.left.length;
  }
}
