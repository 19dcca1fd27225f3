/** What /proc needs to know of the processes; the machine that runs them gives it to `buildView`. */
import type { ByteString } from "./byte-string.ts";
import type { Path } from "./dentry.ts";
import type { FileTable } from "./file-table.ts";
import type { FsContext } from "./fs-context.ts";
import type { DeviceNumber } from "./inode.ts";

export interface MappingInfo {
  readonly start: number;
  readonly end: number;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  readonly shared: boolean;
  readonly offset: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly inode: number | bigint;
  /** Path, "[heap]", "[stack]", "[vdso]" or empty. */
  readonly name: ByteString;
}

export interface ThreadInfo {
  readonly tid: number;
  readonly name: ByteString;
  /** R, S, D, T, Z as /proc/PID/stat prints it. */
  readonly state: string;
  /** Nanoseconds. */
  readonly userTime: bigint;
  readonly systemTime: bigint;
}

/** Signal sets as 64-bit masks, signal 1 in bit 0. */
export interface SignalSets {
  readonly pending: bigint;
  readonly sharedPending: bigint;
  readonly blocked: bigint;
  readonly ignored: bigint;
  readonly caught: bigint;
}

export interface LimitInfo {
  /** RLIMIT_NOFILE … */
  readonly name: string;
  /** 2**64-1: unlimited. */
  readonly soft: bigint;
  readonly hard: bigint;
}

export interface ProcessInfo {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  /** The controlling terminal's device, and its foreground group. */
  readonly terminal: { readonly device: DeviceNumber; readonly foregroundGroup: number } | null;
  readonly umask: number;
  /** comm, at most 15 bytes. */
  readonly name: ByteString;
  /** The program's file; null before execve. */
  readonly executable: Path | null;
  readonly arguments: readonly ByteString[];
  /** The memory that held the environment at the start: NUL-separated. */
  readonly environment: readonly ByteString[];
  readonly auxiliaryVector: Uint8Array;
  readonly uids: readonly [real: number, effective: number, saved: number, fs: number];
  readonly gids: readonly [real: number, effective: number, saved: number, fs: number];
  readonly groups: readonly number[];
  readonly fs: FsContext;
  readonly files: FileTable;
  readonly threads: readonly ThreadInfo[];
  readonly signals: SignalSets;
  readonly limits: readonly LimitInfo[];
  readonly mappings: Iterable<MappingInfo>;
  /** Bytes. */
  readonly virtualSize: number;
  readonly residentSize: number;
  readonly startStack: number;
  readonly brkStart: number;
  /** Monotonic nanoseconds at which it started. */
  readonly startTime: bigint;
  readonly nice: number;
  /** /proc/PID/mem; throws EIO where the range is not mapped. */
  readMemory(address: number, into: Uint8Array): number;
  writeMemory(address: number, from: Uint8Array): number;
  /** prctl(PR_SET_NAME) of a thread: a write to /proc/PID/comm. */
  setName(name: ByteString): void;
}

export interface SystemInfo {
  /** The process that calls now: /proc/self. Null outside a call. */
  current(): { readonly pid: number; readonly tid: number } | null;
  processes(): Iterable<number>;
  process(pid: number): ProcessInfo | null;
  /** Whole text of /proc/cpuinfo as the guest's architecture prints it. */
  cpuinfo(): string;
  /** uname(2) */
  readonly release: string;
  readonly version: string;
  readonly hostname: string;
  readonly machine: string;
  readonly processors: number;
  /** Bytes. */
  readonly totalMemory: number;
  readonly freeMemory: number;
  /** Nanoseconds since the guest's boot. */
  uptime(): bigint;
  /** Seconds since the epoch. */
  readonly bootTime: number;
}
