/** /proc: what is known of the processes and the machine, proc(5). Texts are in `proc-text.ts`. */
import { realtime } from "../../host/clock.ts";
import type { Credentials } from "../credentials.ts";
import { errno } from "../errno.ts";
import type { ByteString } from "./byte-string.ts";
import { toBytes } from "./byte-string.ts";
import type { Path } from "./dentry.ts";
import { DirectoryDescription } from "./directory.ts";
import type { FileDescription } from "./file-description.ts";
import { O, S, direntType } from "./flags.ts";
import { Inode, anonymousDevice, plainStat } from "./inode.ts";
import type { FileSystem, ListedName, Stat, StatFs } from "./inode.ts";
import type { ProcessInfo, SystemInfo } from "./proc-info.ts";
import { FD_INFO, PROCESS_FILES, SYSTEM_FILES, THREAD_FILES, type ProcessFile } from "./proc-text.ts";
import { RegularDescription } from "./regular-file.ts";
import { emptyStatFs } from "./static-directory.ts";

const PROC_MAGIC = 0x9fa0;

export class ProcFs implements FileSystem {
  readonly type = "proc";
  readonly dev = anonymousDevice();
  /** Processes and descriptors come and go without anyone telling the names. */
  readonly volatile = true;
  readonly root: Inode;
  readonly system: SystemInfo;
  readonly started = realtime();

  constructor(system: SystemInfo) {
    this.system = system;
    this.root = new RootDirectory(this);
  }
  statfs(): StatFs {
    return emptyStatFs(PROC_MAGIC);
  }
  /** Throws ESRCH where the process has ended. */
  process(pid: number): ProcessInfo {
    const info = this.system.process(pid);
    if (info === null) throw errno.ESRCH;
    return info;
  }
}

/** Inode numbers: a number for each name, spread by process. */
const inos = new Map<string, bigint>();
function inoOf(key: string): bigint {
  let ino = inos.get(key);
  if (ino === undefined) {
    if (inos.size > 10_000) inos.clear();
    inos.set(key, (ino = BigInt(inos.size) + 0xf000_0000n));
  }
  return ino;
}

abstract class ProcInode extends Inode {
  readonly fs: ProcFs;
  abstract override readonly type: number;
  /** The path below /proc: names it. */
  readonly key: string;
  /** Of whose making; null: root's. */
  readonly pid: number | null;

  constructor(fs: ProcFs, key: string, pid: number | null) {
    super();
    this.fs = fs;
    this.key = key;
    this.pid = pid;
  }
  protected abstract get permissions(): number;
  protected get size(): number {
    return 0;
  }

  override stat(): Stat {
    const owner = this.pid === null ? null : this.fs.system.process(this.pid);
    const time = this.fs.started;
    return plainStat({
      dev: this.fs.dev,
      ino: inoOf(this.key),
      mode: this.type | this.permissions,
      nlink: this.type === S.IFDIR ? 2 : 1,
      uid: owner?.uids[1] ?? 0,
      gid: owner?.gids[1] ?? 0,
      size: this.size,
      blockSize: 1024,
      atime: time,
      mtime: time,
      ctime: time,
    });
  }
  override get identity(): unknown {
    return `proc:${this.fs.dev.minor}:${this.key}`;
  }
}

abstract class ProcDirectory extends ProcInode {
  readonly type = S.IFDIR;
  protected get permissions(): number {
    return 0o555;
  }
  override open(path: Path, flags: number): FileDescription {
    return new DirectoryDescription(path, flags);
  }
  protected abstract find(name: ByteString): ProcInode | null;
  protected abstract names(): Iterable<ByteString>;

  override lookup(name: ByteString, known?: Inode): Inode | null {
    const found = this.find(name);
    // The same directory must stay the same object: a working directory may lie in it.
    if (found !== null && known instanceof ProcInode && known.key === found.key && known.type === found.type)
      return known;
    return found;
  }
  override list(): readonly ListedName[] {
    const listed: ListedName[] = [];
    for (const name of this.names()) {
      const inode = this.find(name);
      if (inode !== null) listed.push({ name, ino: inoOf(inode.key), type: direntType(inode.type) });
    }
    return listed;
  }
}

/** A directory with fixed names. */
class FixedDirectory extends ProcDirectory {
  readonly #entries: ReadonlyMap<ByteString, () => ProcInode>;
  constructor(fs: ProcFs, key: string, pid: number | null, entries: ReadonlyMap<ByteString, () => ProcInode>) {
    super(fs, key, pid);
    this.#entries = entries;
  }
  protected override find(name: ByteString): ProcInode | null {
    return this.#entries.get(name)?.() ?? null;
  }
  protected override names(): Iterable<ByteString> {
    return this.#entries.keys();
  }
}

class ProcText extends ProcInode {
  readonly type = S.IFREG;
  readonly #file: ProcessFile;
  constructor(fs: ProcFs, key: string, pid: number | null, file: ProcessFile) {
    super(fs, key, pid);
    this.#file = file;
  }
  protected get permissions(): number {
    return this.#file.write === undefined ? (this.#file.secret === true ? 0o400 : 0o444) : 0o644;
  }
  override open(path: Path, flags: number, _credentials: Credentials): FileDescription {
    return new TextDescription(path, flags, this);
  }
  text(): Uint8Array {
    const text = this.#file.read(this.fs.system, this.pid === null ? null : this.fs.process(this.pid));
    return typeof text === "string" ? toBytes(text) : text;
  }
  write(bytes: Uint8Array): void {
    if (this.#file.write === undefined || this.pid === null) throw errno.EACCES;
    this.#file.write(this.fs.process(this.pid), bytes);
  }
  /** O_TRUNC of a file that a write replaces anyway. */
  override setAttributes(): void {
    if (this.#file.write === undefined) throw errno.EPERM;
  }
}

/** The text as it was when reading started; reading from the start again makes it anew. */
class TextDescription extends RegularDescription {
  readonly #inode: ProcText;
  #text: Uint8Array | null = null;
  constructor(path: Path, flags: number, inode: ProcText) {
    super(path, flags);
    this.#inode = inode;
  }
  protected override get size(): number {
    return 0;
  }
  protected override readAt(into: Uint8Array, offset: number): number {
    if (this.#text === null || offset === 0) this.#text = this.#inode.text();
    const part = this.#text.subarray(offset, offset + into.length);
    into.set(part);
    return part.length;
  }
  protected override writeAt(from: Uint8Array): number {
    this.#inode.write(from);
    return from.length;
  }
  override truncate(): void {}
}

class MemoryFile extends ProcInode {
  readonly type = S.IFREG;
  protected get permissions(): number {
    return 0o600;
  }
  override open(path: Path, flags: number): FileDescription {
    return new MemoryDescription(path, flags, this);
  }
  override setAttributes(): void {}
}

/** /proc/PID/mem: offsets are addresses. */
class MemoryDescription extends RegularDescription {
  readonly #inode: MemoryFile;
  constructor(path: Path, flags: number, inode: MemoryFile) {
    super(path, flags);
    this.#inode = inode;
  }
  protected override get size(): number {
    return 0;
  }
  get #process(): ProcessInfo {
    return this.#inode.fs.process(this.#inode.pid ?? -1);
  }
  protected override readAt(into: Uint8Array, offset: number): number {
    return into.length === 0 ? 0 : this.#process.readMemory(offset, into);
  }
  protected override writeAt(from: Uint8Array, offset: number | null): number {
    return from.length === 0 ? 0 : this.#process.writeMemory(offset ?? 0, from);
  }
  override truncate(): void {}
}

/** A link that can be read like any other. */
class ProcLink extends ProcInode {
  readonly type = S.IFLNK;
  readonly #target: () => ByteString;
  constructor(fs: ProcFs, key: string, pid: number | null, target: () => ByteString) {
    super(fs, key, pid);
    this.#target = target;
  }
  protected get permissions(): number {
    return 0o777;
  }
  override readlink(): ByteString {
    return this.#target();
  }
}

/** A link that leads to its file itself, whatever has become of its name. */
class MagicLink extends ProcInode {
  readonly type = S.IFLNK;
  readonly #target: (process: ProcessInfo) => Path | null;
  readonly #access: (process: ProcessInfo) => number;

  constructor(
    fs: ProcFs,
    key: string,
    pid: number,
    target: (process: ProcessInfo) => Path | null,
    access: (process: ProcessInfo) => number = () => 0o777,
  ) {
    super(fs, key, pid);
    this.#target = target;
    this.#access = access;
  }
  protected get permissions(): number {
    return this.#access(this.fs.process(this.pid ?? -1));
  }
  protected override get size(): number {
    return 64;
  }
  #path(process: ProcessInfo): Path {
    const path = this.#target(process);
    if (path === null) throw errno.ENOENT;
    return path;
  }
  override magicTarget(): Path {
    return this.#path(this.fs.process(this.pid ?? -1));
  }
  override readlink(): ByteString {
    const process = this.fs.process(this.pid ?? -1);
    return process.fs.nameOf(this.#path(process));
  }
}

class RootDirectory extends ProcDirectory {
  constructor(fs: ProcFs) {
    super(fs, "", null);
  }
  protected override find(name: ByteString): ProcInode | null {
    const { fs } = this;
    const { system } = fs;
    if (name === "self" || name === "thread-self") {
      const current = system.current();
      if (current === null) return null;
      const thread = `${current.pid}/task/${current.tid}`;
      return new ProcLink(fs, name, null, () => (name === "self" ? `${current.pid}` : thread));
    }
    if (name === "mounts" || name === "net") return new ProcLink(fs, name, null, () => `self/${name}`);
    const pid = pidOf(name);
    if (pid !== null) return system.process(pid) === null ? null : new ProcessDirectory(fs, pid);
    return findText(fs, "", SYSTEM_FILES, name);
  }
  protected override names(): Iterable<ByteString> {
    const pids = Array.from(this.fs.system.processes(), String);
    return ["self", "thread-self", "mounts", ...topNames(SYSTEM_FILES), ...pids];
  }
}

function pidOf(name: ByteString): number | null {
  return /^[1-9][0-9]{0,8}$/.test(name) ? Number(name) : null;
}

type TextFiles = Readonly<Record<string, ProcessFile>>;

function topNames(files: TextFiles): Set<string> {
  return new Set(Object.keys(files).map((path) => path.split("/")[0] ?? ""));
}

/** Names in a table may hold slashes: `sys/kernel/ostype` makes three levels. */
function findText(fs: ProcFs, prefix: string, files: TextFiles, name: ByteString): ProcInode | null {
  const key = prefix + name;
  const file = Object.hasOwn(files, name) ? files[name] : undefined;
  if (file !== undefined) return new ProcText(fs, key, null, file);
  const below: Record<string, ProcessFile> = {};
  for (const [path, text] of Object.entries(files))
    if (path.startsWith(`${name}/`)) below[path.slice(name.length + 1)] = text;
  if (Object.keys(below).length === 0) return null;
  const entries = new Map<ByteString, () => ProcInode>();
  for (const child of topNames(below)) {
    const inode = findText(fs, `${key}/`, below, child);
    if (inode !== null) entries.set(child, () => inode);
  }
  return new FixedDirectory(fs, key, null, entries);
}

/** namespaces(7): all processes are in the first of each kind, with the numbers that Linux gives those. */
const NAMESPACES: readonly (readonly [name: string, ino: number])[] = [
  ["cgroup", 0xeffffffb],
  ["ipc", 0xefffffff],
  ["mnt", 0xf0000001],
  ["net", 0xf0000000],
  ["pid", 0xeffffffc],
  ["time", 0xeffffffa],
  ["user", 0xeffffffd],
  ["uts", 0xeffffffe],
];

function namespaces(fs: ProcFs, key: string, pid: number): Map<ByteString, () => ProcInode> {
  return new Map(
    NAMESPACES.map(([name, ino]) => [name, () => new ProcLink(fs, `${key}/${name}`, pid, () => `${name}:[${ino}]`)]),
  );
}

function* processEntries(fs: ProcFs, key: string, pid: number): Iterable<readonly [ByteString, () => ProcInode]> {
  for (const [name, file] of Object.entries(PROCESS_FILES))
    yield [name, () => new ProcText(fs, `${key}/${name}`, pid, file)];
  yield ["exe", () => new MagicLink(fs, `${key}/exe`, pid, (process) => process.executable)];
  yield ["cwd", () => new MagicLink(fs, `${key}/cwd`, pid, (process) => process.fs.cwd)];
  yield ["root", () => new MagicLink(fs, `${key}/root`, pid, (process) => process.fs.root)];
  yield ["mem", () => new MemoryFile(fs, `${key}/mem`, pid)];
  yield ["fd", () => new FdDirectory(fs, `${key}/fd`, pid)];
  yield ["ns", () => new FixedDirectory(fs, `${key}/ns`, pid, namespaces(fs, `${key}/ns`, pid))];
  yield ["fdinfo", () => new FdInfoDirectory(fs, `${key}/fdinfo`, pid)];
}

class ProcessDirectory extends FixedDirectory {
  constructor(fs: ProcFs, pid: number) {
    const key = `${pid}`;
    const entries = new Map(processEntries(fs, key, pid));
    entries.set("task", () => new TaskDirectory(fs, `${key}/task`, pid));
    super(fs, key, pid, entries);
  }
}

/** Whose /proc/PID this is; null: it is none. */
export function pidOfProcessDirectory(inode: Inode): number | null {
  return inode instanceof ProcessDirectory ? inode.pid : null;
}

/** /proc/PID/task: a directory for each thread, much like the process's own. */
class TaskDirectory extends ProcDirectory {
  protected override find(name: ByteString): ProcInode | null {
    const pid = this.pid ?? -1;
    const tid = pidOf(name);
    const thread = this.fs.process(pid).threads.find((one) => one.tid === tid);
    if (thread === undefined) return null;
    const key = `${this.key}/${name}`;
    const entries = new Map(processEntries(this.fs, key, pid));
    for (const [file, make] of Object.entries(THREAD_FILES)) {
      entries.set(file, () => new ProcText(this.fs, `${key}/${file}`, pid, make(thread.tid)));
    }
    return new FixedDirectory(this.fs, key, pid, entries);
  }
  protected override names(): Iterable<ByteString> {
    return this.fs.process(this.pid ?? -1).threads.map((thread) => String(thread.tid));
  }
}

const fdOf = (name: ByteString): number => (/^(0|[1-9][0-9]{0,8})$/.test(name) ? Number(name) : -1);

/** Read and write permission of a link in fd/ say how the descriptor is open. */
function linkMode(flags: number): number {
  const mode = flags & O.ACCMODE;
  if ((flags & O.PATH) !== 0) return 0;
  return (mode !== O.WRONLY ? 0o500 : 0o100) | (mode !== O.RDONLY ? 0o200 : 0);
}

class FdDirectory extends ProcDirectory {
  protected override get permissions(): number {
    return 0o500;
  }
  protected override find(name: ByteString): ProcInode | null {
    const pid = this.pid ?? -1;
    const fd = fdOf(name);
    if (!this.fs.process(pid).files.has(fd)) return null;
    const find = ({ files }: ProcessInfo): FileDescription => files.get(fd);
    const target = (process: ProcessInfo): Path | null => (process.files.has(fd) ? find(process).path : null);
    return new MagicLink(this.fs, `${this.key}/${fd}`, pid, target, (process) =>
      process.files.has(fd) ? linkMode(find(process).flags) : 0,
    );
  }
  protected override names(): Iterable<ByteString> {
    return Array.from(this.fs.process(this.pid ?? -1).files.entries(), ([fd]) => String(fd));
  }
}

class FdInfoDirectory extends ProcDirectory {
  protected override get permissions(): number {
    return 0o500;
  }
  protected override find(name: ByteString): ProcInode | null {
    const pid = this.pid ?? -1;
    const fd = fdOf(name);
    return this.fs.process(pid).files.has(fd) ? new ProcText(this.fs, `${this.key}/${fd}`, pid, FD_INFO(fd)) : null;
  }
  protected override names(): Iterable<ByteString> {
    return Array.from(this.fs.process(this.pid ?? -1).files.entries(), ([fd]) => String(fd));
  }
}
