/**
 * The file tree that a program gets to see: policy in, mounts out. Without any permission that is
 *
 *     /                  the sysroot, read-only; without one an empty directory in memory
 *     working directory  at its own path, writable; not if it is the host's `/`, which would be everything
 *     the program        its file at its own path, read-only, if nothing else shows it
 *     /tmp /dev/shm      in memory, gone after the run
 *     /dev /proc         the kernel's own
 *
 * With a root directory (`--rootfs`) that is the whole tree instead, writable, with its own /tmp, and the program starts
 * in its `/`: neither the working directory nor the host's program is shown. Mounts are added by name.
 *
 * What is allowed by name is shown at the path that it has on the host, over whatever the sysroot has there. Symbolic
 * links in the tree are resolved inside of it: a link in the sysroot to `/etc/x` means the sysroot's `/etc/x`.
 */
import { listTop, makeDirectory, realPath, umask } from "../../host/files.ts";
import type { Credentials } from "../credentials.ts";
import { fromText, toText, type ByteString } from "./byte-string.ts";
import { Dentry, Mount, Path, type MountOptions } from "./dentry.ts";
import { createDevFs } from "./devfs.ts";
import type { ControllingTerminal } from "./devfs.ts";
import { S } from "./flags.ts";
import { FsContext } from "./fs-context.ts";
import { HostFs, type FileOwner } from "./hostfs.ts";
import { InodeNumbers } from "./inode-numbers.ts";
import type { FileSystem } from "./inode.ts";
import { DiskStore, OverlayError } from "./overlay/disk-store.ts";
import { OverlayFs } from "./overlay/overlay-fs.ts";
import { MemoryStore, type OverlayStore } from "./overlay/store.ts";
import type { SystemInfo } from "./proc-info.ts";
import { ProcFs } from "./procfs.ts";
import { Quota } from "./sparse-bytes.ts";
import { StaticDirectory, StaticFs } from "./static-directory.ts";
import { createSysFs } from "./sysfs.ts";
import { TmpDirectory, TmpFile, TmpFs } from "./tmpfs.ts";
import { MqueueFs } from "../mqueue.ts";
import { DevPts } from "../tty/devpts.ts";
import { lookupChild, walk } from "./walk.ts";

export { openStandardStreams, type StandardStream } from "./host-stream.ts";

/** Host paths are the host's own text, absolute. */
export interface ViewOptions {
  /** `-L`: a host directory shown as the guest's `/`, read-only; null: an empty in-memory root. */
  readonly sysroot?: string | null;
  /** `--rootfs`: a host directory that is the guest's `/`, writable; instead of a sysroot. */
  readonly rootfs?: string | null;
  /** `--overlay`: where changes of the root are kept instead: in memory, or in a host directory made for it; null: nowhere. */
  readonly overlay?: OverlayPlace | null;
  /**
   * The program's user is nobody of the host's (`--user`): what belongs to the host's user is shown as root's in the root
   * directory, and as the program's user's elsewhere.
   */
  readonly virtualUser?: boolean;
  /** `--mount`: host files and directories, each at a place of its own in the guest. */
  readonly mounts?: readonly MountWish[];
  /** `--tmpfs`: guest paths of directories in memory. */
  readonly tmpfs?: readonly string[];
  /** The host's working directory, shown writable at the same path; null: none. */
  readonly cwd?: string | null;
  /** Guest path of the directory in which the program starts; by default `cwd`, or `/` where that is not shown. */
  readonly start?: string | null;
  /** The program's file, shown read-only at the same path if nothing else shows it. */
  readonly program?: string | null;
  /** `--allow-fs-read`: host files and directories shown read-only at the same path. */
  readonly allowRead?: readonly string[];
  /** `--allow-fs-write`: shown writable at the same path. */
  readonly allowWrite?: readonly string[];
  /** `--allow-all`: the host's whole tree, writable; where the sysroot has the same top directory, that is shown. */
  readonly allowAll?: boolean;
  /** Files in memory: guest path to contents. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** The same, where the path leads to nothing else: files that a machine has and a sysroot may lack. */
  readonly defaultFiles?: Readonly<Record<string, string>>;
  /** Bytes that all in-memory file systems may hold together; 1 GiB by default. */
  readonly memoryLimit?: number;
  /** What /dev/tty is. */
  readonly controllingTerminal?: ControllingTerminal;
  /** For /proc; without it there is no /proc. */
  readonly system?: SystemInfo | null;
  readonly credentials: Credentials;
}

export type OverlayPlace = "memory" | { readonly directory: string };

/** A host path, and the absolute guest path at which it is seen. */
export interface MountWish {
  readonly host: string;
  readonly guest: string;
  readonly readOnly?: boolean;
}

/** The view that was asked for cannot be had; the message is for whoever asked. */
export class ViewError extends Error {}

/** A path that was asked for and does not exist on the host. */
export class NoSuchPath extends ViewError {
  readonly path: string;
  constructor(path: string, what: string) {
    super(`${what}: no such file or directory: ${path}`);
    this.path = path;
  }
}

const DEFAULT_MEMORY = 1 << 30;
const STICKY_WORLD = 0o1777;

/** The tree of one run; `closeView` gives back what it holds on the host. */
export function buildView(options: ViewOptions): FsContext {
  const { credentials } = options;
  const quota = new Quota(options.memoryLimit ?? DEFAULT_MEMORY);
  const numbers = new InodeNumbers();
  const tree = new Tree(rootFileSystem(options, quota, numbers), quota, { ...options, numbers });
  try {
    fill(tree, options, quota);
    const context = new FsContext(tree.root, tree.root, credentials, umask());
    enterStart(context, options);
    return context;
  } catch (error) {
    closeMounts(tree.root.mount);
    throw error;
  }
}

/** The run is over, all its files are closed: closes the directories that its mounts hold open on the host. */
export function closeView(context: FsContext): void {
  closeMounts(context.root.mount);
}

function closeMounts(mount: Mount): void {
  for (const { fs } of mount.tree) fs.close?.();
}

function fill(tree: Tree, options: ViewOptions, quota: Quota): void {
  const memory = (): TmpFs => new TmpFs(quota, { mode: STICKY_WORLD, uid: 0, gid: 0 });
  if (options.allowAll !== true && options.rootfs == null) tree.mountOver("/tmp", memory());
  for (const shown of hostPaths(options)) tree.showHost(shown);
  tree.mountOver("/sys", createSysFs(options.system?.processors ?? 1), {
    readOnly: true,
    noExec: true,
    noSuid: true,
    noDev: true,
  });
  const terminals = new DevPts();
  const devices = createDevFs(options.controllingTerminal ?? (() => null), terminals);
  tree.mountOver("/dev", devices, { noExec: true, noSuid: true });
  tree.mountOver("/dev/pts", terminals, { noExec: true, noSuid: true, source: "devpts" });
  tree.mountOver("/dev/mqueue", new MqueueFs(), { noExec: true, noSuid: true, noDev: true, source: "mqueue" });
  tree.mountOver("/dev/shm", memory(), { noDev: true, noSuid: true });
  if (options.system != null) {
    tree.mountOver("/proc", new ProcFs(options.system), { noExec: true, noSuid: true, noDev: true, source: "proc" });
  }
  for (const path of options.tmpfs ?? []) tree.mountOver(guestPath(path), memory(), { noDev: true, noSuid: true });
  for (const wish of options.mounts ?? []) tree.mountHost(wish);
  for (const [path, contents] of Object.entries(options.files ?? {})) {
    tree.addFile(fromText(path), typeof contents === "string" ? Buffer.from(contents) : contents);
  }
  for (const [path, text] of Object.entries(options.defaultFiles ?? {})) {
    if (!tree.has(fromText(path))) tree.addFile(fromText(path), Buffer.from(text), 0o644);
  }
}

function enterStart(context: FsContext, options: ViewOptions): void {
  const start = options.start ?? options.cwd;
  if (start == null) return;
  try {
    context.chdir(fromText(start));
  } catch (error) {
    if (options.start != null) throw error;
  }
}

interface RootFileSystem {
  readonly fs: FileSystem;
  readonly readOnly: boolean;
  /** `--allow-all`: what the host has is at its own path already. */
  readonly isHosts: boolean;
  /** Owners, modes and devices are the guest's alone, so that set-user-ID programs and device nodes count. */
  readonly isOwn: boolean;
}

const ROOT_USER = { uid: 0, gid: 0 };

function rootFileSystem(options: ViewOptions, quota: Quota, numbers: InodeNumbers): RootFileSystem {
  const { rootfs, sysroot, overlay } = options;
  if (rootfs != null && sysroot != null) throw new ViewError("a sysroot (-L) and --rootfs exclude each other");
  const tree = rootfs ?? sysroot;
  if (tree != null) {
    const real = realPath(tree);
    if (real?.isDirectory !== true) throw new NoSuchPath(tree, rootfs != null ? "--rootfs" : "the sysroot (-L)");
    const owner = options.virtualUser === true ? ROOT_USER : null;
    if (overlay != null)
      return overlaid(new HostFs(real.path, true, { readOnly: true, numbers, owner }), options, quota);
    const readOnly = rootfs == null && options.allowAll !== true;
    const fs = new HostFs(real.path, true, { readOnly, numbers, owner });
    return { fs, readOnly, isHosts: rootfs == null && !readOnly, isOwn: false };
  }
  if (overlay != null) throw new ViewError("--overlay needs a tree to lie over: --rootfs or -L");
  if (options.allowAll === true) {
    return { fs: new HostFs("/", true, { readOnly: false, numbers }), readOnly: false, isHosts: true, isOwn: false };
  }
  return {
    fs: new TmpFs(quota, { mode: 0o755, uid: 0, gid: 0 }),
    readOnly: false,
    isHosts: false,
    isOwn: false,
  };
}

function overlaid(lower: HostFs, { overlay, credentials }: ViewOptions, quota: Quota): RootFileSystem {
  let store: OverlayStore | null = null;
  try {
    store = overlay == null || overlay === "memory" ? new MemoryStore(quota) : diskStore(overlay.directory);
    const fs = new OverlayFs({ lower, store, quota, credentials });
    return { fs, readOnly: false, isHosts: false, isOwn: true };
  } catch (error) {
    store?.close();
    lower.close();
    throw error instanceof OverlayError ? new ViewError(error.message) : error;
  }
}

function diskStore(directory: string): OverlayStore {
  try {
    makeDirectory(directory);
  } catch (error) {
    throw new OverlayError(`--overlay: cannot make the directory ${directory}: ${(error as Error).message}`);
  }
  const real = realPath(directory);
  if (real?.isDirectory !== true) throw new OverlayError(`--overlay: not a directory: ${directory}`);
  return new DiskStore(real.path);
}

/** A host path that is to be seen. */
interface Shown {
  /** Where, in the guest: the path as it was asked for. */
  readonly path: ByteString;
  /** What: the real path. */
  readonly real: ByteString;
  readonly isDirectory: boolean;
  readonly writable: boolean;
  /** Not over a file that is in the tree at that path already (the sysroot's /bin/ls is meant, not the host's). */
  readonly ifMissing?: boolean;
}

/** Parents before what is below them, writable before read-only. */
function hostPaths(options: ViewOptions): readonly Shown[] {
  const shown: Shown[] = [];
  const add = (path: string, writable: boolean, what: string | null, ifMissing = false): void => {
    const real = realPath(path);
    if (real !== null) {
      shown.push({
        path: normalize(fromText(path)),
        real: real.path,
        isDirectory: real.isDirectory,
        writable,
        ifMissing,
      });
    } else if (what !== null) throw new NoSuchPath(path, what);
  };
  for (const path of options.allowRead ?? []) add(path, false, "--allow-fs-read");
  for (const path of options.allowWrite ?? []) add(path, true, "--allow-fs-write");
  if (options.cwd != null && options.cwd !== "/") add(options.cwd, true, null);
  if (options.program != null) add(options.program, false, null, true);
  if (options.allowAll === true && options.sysroot != null) {
    for (const name of listTop()) if (name !== "proc" && name !== "dev") add(`/${toText(name)}`, true, null);
  }
  const depth = ({ path }: Shown): number => (path === "/" ? 0 : path.split("/").length);
  return shown.sort((a, b) => depth(a) - depth(b) || Number(b.writable) - Number(a.writable));
}

/** A guest path that somebody wrote. */
function guestPath(path: string): ByteString {
  if (!path.startsWith("/") || path.includes("\0") || path.split("/").includes("..")) {
    throw new ViewError(`a place in the guest must be an absolute path without "..": ${path}`);
  }
  return normalize(fromText(path));
}

/** Without `.`, doubled or trailing slashes; `..` cannot come: the caller's paths are absolute and resolved. */
function normalize(path: ByteString): ByteString {
  return `/${path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/")}`;
}

class Tree {
  readonly root: Path;
  readonly #quota: Quota;
  readonly #credentials: Credentials;
  readonly #numbers: InodeNumbers;
  readonly #owner: FileOwner | null;
  readonly #hosts: { readonly shown: Shown; readonly mount: Mount }[] = [];
  /** What ways to mount points are made of. */
  readonly #ways = new StaticFs("ramfs", 0x858458f6, (fs) => new StaticDirectory(fs));

  constructor(
    root: RootFileSystem,
    quota: Quota,
    { credentials, virtualUser, numbers }: Pick<ViewOptions, "credentials" | "virtualUser"> & { numbers: InodeNumbers },
  ) {
    const mount = new Mount(root.fs, new Dentry(null, "", root.fs.root), null, {
      readOnly: root.readOnly,
      noDev: !root.isOwn,
      noSuid: !root.isOwn,
      source: root.isOwn ? "overlay" : "rootfs",
    });
    mount.quota = quota;
    this.root = new Path(mount, mount.root);
    this.#quota = quota;
    this.#credentials = credentials;
    this.#numbers = numbers;
    this.#owner = virtualUser === true ? { uid: credentials.uid, gid: credentials.gid } : null;
    if (root.isHosts) {
      this.#hosts.push({ shown: { path: "/", real: "/", isDirectory: true, writable: true }, mount });
    }
  }

  mountOver(path: ByteString, fs: FileSystem, options: MountOptions = {}): Mount {
    const point = this.#makePoint(path, fs.root.isDirectory);
    const mount = new Mount(fs, new Dentry(null, "", fs.root), point, options);
    point.dentry.mounted = mount;
    return mount;
  }

  #hostFs(path: ByteString, isDirectory: boolean, readOnly: boolean): HostFs {
    return new HostFs(path, isDirectory, { readOnly, numbers: this.#numbers, owner: this.#owner });
  }

  /** Unless the same file is seen there already, with the same rights or more. */
  showHost(shown: Shown): void {
    if (shown.path === "/" && !(this.root.mount.fs instanceof HostFs)) {
      throw new ViewError("the host's / can only be shown with --allow-all");
    }
    const existing = this.#lookup(shown.path);
    if (existing !== null && shown.ifMissing === true && existing.inode.type === S.IFREG) return;
    if (existing !== null) {
      const host = this.#hosts.find(({ mount }) => mount === existing.mount);
      if (host !== undefined && (host.shown.writable || !shown.writable)) {
        const below = host.shown.path === "/" ? shown.path : shown.path.slice(host.shown.path.length);
        const same =
          shown.path === host.shown.path ? host.shown.real : (host.shown.real === "/" ? "" : host.shown.real) + below;
        if (same === shown.real) return;
      }
    }
    const fs = this.#hostFs(shown.real, shown.isDirectory, !shown.writable);
    const options = { readOnly: !shown.writable, noDev: true, noSuid: true, source: shown.path };
    try {
      this.#hosts.push({ shown, mount: this.mountOver(shown.path, fs, options) });
    } catch (error) {
      fs.close();
      throw error;
    }
  }

  /** What the host has at one path, at another in the guest. */
  mountHost({ host, guest, readOnly = false }: MountWish): void {
    const path = guestPath(guest);
    if (path === "/") throw new ViewError("--mount cannot replace the root; use --rootfs");
    const real = realPath(host);
    if (real === null) throw new NoSuchPath(host, "--mount");
    const fs = this.#hostFs(real.path, real.isDirectory, readOnly);
    try {
      this.mountOver(path, fs, { readOnly, noDev: true, noSuid: true, source: real.path });
    } catch (error) {
      fs.close();
      throw error;
    }
  }

  /** A file with these contents: in the memory that is mounted there, or else mounted itself. */
  addFile(path: ByteString, contents: Uint8Array, mode = 0o755): void {
    const parts = normalize(path).slice(1).split("/");
    const name = parts.pop() ?? "";
    const how = { mode, uid: this.#credentials.user.fs, gid: this.#credentials.group.fs };
    const directory = parts.length === 0 ? this.root : this.#makePoint(`/${parts.join("/")}`, true);
    const { inode } = directory;
    if (inode instanceof TmpDirectory) {
      const old = inode.lookup(name);
      const file = old instanceof TmpFile ? old : inode.create(name, how);
      file.resize(0);
      file.write(contents, 0);
      return;
    }
    const fs = new TmpFs(this.#quota);
    const file = fs.root.create(name, how);
    file.write(contents, 0);
    this.mountOver(normalize(path), {
      type: fs.type,
      dev: fs.dev,
      volatile: false,
      root: file,
      statfs: () => fs.statfs(),
    });
  }

  /** Whether something is there, a dangling link included. */
  has(path: ByteString): boolean {
    const walker = { root: this.root, credentials: this.#credentials };
    try {
      return walk(walker, this.root, path, "nofollow").found !== null;
    } catch {
      return false;
    }
  }

  #lookup(path: ByteString): Path | null {
    try {
      return walk({ root: this.root, credentials: this.#credentials }, this.root, path, "follow").found;
    } catch {
      return null;
    }
  }

  /** A directory (or file) at this path to mount on; what is missing on the way is made up. */
  #makePoint(path: ByteString, isDirectory: boolean): Path {
    let here = this.root;
    let text = "";
    const parts = path
      .slice(1)
      .split("/")
      .filter((part) => part !== "");
    for (const [index, name] of parts.entries()) {
      text += `/${name}`;
      const wantsDirectory = isDirectory || index < parts.length - 1;
      const found = this.#lookup(text);
      if (found !== null && found.inode.isDirectory === wantsDirectory) here = this.#kept(found);
      else here = new Path(here.mount, this.#makeUp(here, name, wantsDirectory));
    }
    return here;
  }

  /** A mount hangs on the dentry, so that must be the one that later walks find. */
  #kept(path: Path): Path {
    const { dentry } = path;
    if (dentry.parent !== null && dentry.parent.child(dentry.name) !== dentry) dentry.parent.keep(dentry);
    return path;
  }

  #makeUp(parent: Path, name: ByteString, isDirectory: boolean): Dentry {
    if (parent.inode instanceof TmpDirectory && parent.inode.lookup(name) === null) {
      const how = { mode: 0o755, uid: 0, gid: 0 };
      if (isDirectory) parent.inode.mkdir(name, how);
      else parent.inode.mknod(name, { ...how, mode: how.mode | S.IFREG });
      const made = lookupChild(parent, name);
      if (made !== null) {
        parent.dentry.keep(made);
        return made;
      }
    }
    const way = isDirectory
      ? new StaticDirectory(this.#ways)
      : new TmpFile(new TmpFs(this.#quota), { mode: 0, uid: 0, gid: 0 });
    const dentry = new Dentry(parent.dentry, name, way, true);
    parent.dentry.keep(dentry);
    return dentry;
  }
}
