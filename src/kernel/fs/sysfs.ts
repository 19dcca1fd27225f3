/** /sys, as far as programs look: how many processors there are (sysfs(5)). */
import type { ByteString } from "./byte-string.ts";
import { toBytes } from "./byte-string.ts";
import type { Path } from "./dentry.ts";
import type { FileDescription } from "./file-description.ts";
import { S } from "./flags.ts";
import { Inode, plainStat } from "./inode.ts";
import type { FileSystem, Stat } from "./inode.ts";
import { RegularDescription } from "./regular-file.ts";
import { StaticDirectory, StaticFs } from "./static-directory.ts";

const SYSFS_MAGIC = 0x62656572;
const PAGE = 4096;

/** Path below /sys to contents; `null`: an empty directory. */
function filesOf(processors: number): Readonly<Record<string, string | null>> {
  const all = processors === 1 ? "0" : `0-${processors - 1}`;
  const files: Record<string, string | null> = {
    "devices/system/cpu/online": all,
    "devices/system/cpu/possible": all,
    "devices/system/cpu/present": all,
    "devices/system/cpu/offline": "",
    "devices/system/cpu/kernel_max": String(Math.max(processors - 1, 31)),
    "devices/system/node/online": "0",
    "devices/system/node/possible": "0",
    "kernel/mm/transparent_hugepage/enabled": "always madvise [never]",
    block: null,
    bus: null,
    class: null,
    dev: null,
    firmware: null,
    "fs/cgroup": null,
    module: null,
  };
  for (let cpu = 0; cpu < processors; cpu++) {
    files[`devices/system/cpu/cpu${cpu}/topology/core_id`] = String(cpu);
    files[`devices/system/cpu/cpu${cpu}/topology/physical_package_id`] = "0";
  }
  return files;
}

class AttributeFile extends Inode {
  readonly fs: FileSystem;
  readonly type = S.IFREG;
  readonly #ino: bigint;
  readonly bytes: Uint8Array;

  constructor(fs: FileSystem, ino: bigint, text: string) {
    super();
    this.fs = fs;
    this.#ino = ino;
    this.bytes = toBytes(`${text}\n`);
  }
  /** As every attribute in sysfs, it says to have a page. */
  override stat(): Stat {
    return plainStat({ dev: this.fs.dev, ino: this.#ino, mode: S.IFREG | 0o444, size: PAGE });
  }
  override open(path: Path, flags: number): FileDescription {
    return new AttributeDescription(path, flags, this.bytes);
  }
}

class AttributeDescription extends RegularDescription {
  readonly #bytes: Uint8Array;
  constructor(path: Path, flags: number, bytes: Uint8Array) {
    super(path, flags);
    this.#bytes = bytes;
  }
  protected override get size(): number {
    return PAGE;
  }
  protected override readAt(into: Uint8Array, offset: number): number {
    const part = this.#bytes.subarray(offset, offset + into.length);
    into.set(part);
    return part.length;
  }
  protected override writeAt(): never {
    throw new Error("a file that cannot be opened for writing is written");
  }
}

export function createSysFs(processors: number): FileSystem {
  return new StaticFs("sysfs", SYSFS_MAGIC, (fs) => directory(fs, Object.entries(filesOf(processors)), ino()));
}

/** Numbers above those of the directories, which are few. */
function ino(): () => bigint {
  let last = 1n << 20n;
  return () => ++last;
}

/** The directory of these files; a path may still hold slashes. */
function directory(
  fs: FileSystem,
  files: readonly (readonly [path: string, text: string | null])[],
  next: () => bigint,
): StaticDirectory {
  const entries = new Map<ByteString, Inode>();
  for (const [path, text] of files) {
    const [name = "", ...rest] = path.split("/");
    if (entries.has(name)) continue;
    if (rest.length > 0) {
      const below = files.filter(([other]) => other.startsWith(`${name}/`));
      const inside = below.map(([other, contents]) => [other.slice(name.length + 1), contents] as const);
      entries.set(name, directory(fs, inside, next));
    } else entries.set(name, text === null ? new StaticDirectory(fs) : new AttributeFile(fs, next(), text));
  }
  return new StaticDirectory(fs, entries);
}
