/** /dev: the devices that every program may expect (null(4), full(4), random(4)). */
import { realtime } from "../../host/clock.ts";
import { fillRandom } from "../../host/random.ts";
import type { Backing } from "../../memory/mapping.ts";
import { errno } from "../errno.ts";
import type { ByteString } from "./byte-string.ts";
import type { Path } from "./dentry.ts";
import { FileDescription } from "./file-description.ts";
import { S } from "./flags.ts";
import { Inode, plainStat } from "./inode.ts";
import type { DeviceNumber, FileSystem, Stat } from "./inode.ts";
import { DevPts, PtmxDevice } from "../tty/devpts.ts";
import type { Terminal } from "../tty/terminal.ts";
import { StaticDirectory, StaticFs, StaticSymlink } from "./static-directory.ts";

interface Driver {
  read(into: Uint8Array): number;
  write(from: Uint8Array): number;
  readonly mappable?: boolean;
}

const random = (into: Uint8Array): number => {
  fillRandom(into);
  return into.length;
};
const zeros = (into: Uint8Array): number => {
  into.fill(0);
  return into.length;
};
const swallow = (from: Uint8Array): number => from.length;

/** Name, minor number of major 1 (Linux's devices.txt), what it does. */
const MEMORY_DEVICES: readonly (readonly [name: string, minor: number, driver: Driver])[] = [
  ["null", 3, { read: () => 0, write: swallow }],
  ["zero", 5, { read: zeros, write: swallow, mappable: true }],
  [
    "full",
    7,
    {
      read: zeros,
      write: () => {
        throw errno.ENOSPC;
      },
    },
  ],
  ["random", 8, { read: random, write: swallow }],
  ["urandom", 9, { read: random, write: swallow }],
];

const LINKS: readonly (readonly [name: string, target: string])[] = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
];

/** A device by its number, wherever its name is: mknod(2). Throws ENXIO where there is no such driver. */
export function openDevice({ major, minor }: DeviceNumber, path: Path, flags: number): FileDescription {
  const [, , driver] = MEMORY_DEVICES.find(([, number]) => major === 1 && number === minor) ?? [];
  if (driver === undefined) throw errno.ENXIO;
  return new DeviceDescription(path, flags, driver);
}

abstract class Device extends Inode {
  readonly fs: FileSystem;
  readonly type = S.IFCHR;
  readonly #number: DeviceNumber;
  readonly #ino: bigint;
  readonly #time = realtime();

  constructor(fs: FileSystem, number: DeviceNumber) {
    super();
    this.fs = fs;
    this.#number = number;
    this.#ino = BigInt(number.major * 256 + number.minor);
  }
  override stat(): Stat {
    const time = this.#time;
    const mode = S.IFCHR | 0o666;
    return plainStat({
      dev: this.fs.dev,
      ino: this.#ino,
      mode,
      rdev: this.#number,
      atime: time,
      mtime: time,
      ctime: time,
    });
  }
  /** Times and permissions of a device may be set, and that is all that happens: `touch /dev/null`. */
  override setAttributes(): void {}
}

class MemoryDevice extends Device {
  readonly #driver: Driver;
  constructor(fs: FileSystem, number: DeviceNumber, driver: Driver) {
    super(fs, number);
    this.#driver = driver;
  }
  override open(path: Path, flags: number): FileDescription {
    return new DeviceDescription(path, flags, this.#driver);
  }
}

class DeviceDescription extends FileDescription {
  readonly #driver: Driver;
  constructor(path: Path, flags: number, driver: Driver) {
    super(path, flags);
    this.#driver = driver;
  }
  protected override tryRead(into: Uint8Array): number {
    return this.#driver.read(into);
  }
  protected override tryWrite(from: Uint8Array): number {
    return this.#driver.write(from);
  }
  override pread(into: Uint8Array, _offset: number): number {
    if (!this.readable) throw errno.EBADF;
    return this.#driver.read(into);
  }
  override pwrite(from: Uint8Array, _offset: number): number {
    if (!this.writable) throw errno.EBADF;
    return this.#driver.write(from);
  }
  override seek(): number {
    return 0;
  }
  /** A private mapping of /dev/zero is memory full of zeros. */
  override backing(): Backing {
    if (this.#driver.mappable !== true) throw errno.ENODEV;
    if (!this.readable) throw errno.EACCES;
    const { dev, ino } = this.stat();
    return {
      name: "/dev/zero",
      identity: Symbol("a mapping of /dev/zero"),
      deviceMajor: dev.major,
      deviceMinor: dev.minor,
      inode: ino,
      size: Number.MAX_SAFE_INTEGER,
      read: zeros,
    };
  }
}

/** The controlling terminal of the process that runs; null without one. */
export type ControllingTerminal = () => Terminal | null;

/** /dev/tty: whatever the controlling terminal of the opening process is. */
class TerminalDevice extends Device {
  readonly #controlling: ControllingTerminal;
  constructor(fs: FileSystem, controlling: ControllingTerminal) {
    super(fs, { major: 5, minor: 0 });
    this.#controlling = controlling;
  }
  override open(path: Path, flags: number): FileDescription {
    const terminal = this.#controlling();
    if (terminal === null) throw errno.ENXIO;
    return terminal.open(path, flags);
  }
}

/** As other devices: major * 256 + minor. */
const PTMX_INO = 1282n;
const TMPFS_MAGIC = 0x01021994;

/** The directories `shm`, `mqueue` and `pts` are the view's to mount on, the latter for `terminals`. */
export function createDevFs(controlling: ControllingTerminal, terminals: DevPts): FileSystem {
  return new StaticFs("devtmpfs", TMPFS_MAGIC, (fs) => {
    const entries = new Map<ByteString, Inode>();
    for (const [name, minor, driver] of MEMORY_DEVICES)
      entries.set(name, new MemoryDevice(fs, { major: 1, minor }, driver));
    for (const [name, target] of LINKS) entries.set(name, new StaticSymlink(fs, target));
    entries.set("tty", new TerminalDevice(fs, controlling));
    entries.set("ptmx", new PtmxDevice(fs, terminals, PTMX_INO, 0o666));
    entries.set("pts", new StaticDirectory(fs));
    entries.set("mqueue", new StaticDirectory(fs));
    entries.set("shm", new StaticDirectory(fs));
    return new StaticDirectory(fs, entries);
  });
}
