/**
 * Two kinds of limits: the resource limits that a Linux process has and sees (getrlimit(2)), and the limits that
 * whoever starts babelf puts on the whole run, which the guest can neither see nor lift.
 */
import { errno } from "./errno.ts";

/** Name, asm-generic number, MIPS number, soft and hard default; bytes, seconds or counts as getrlimit(2) says. */
const INFINITY = 0xffff_ffff_ffff_ffffn;
const MEBI = 1n << 20n;
const TABLE = [
  ["RLIMIT_CPU", 0, 0, INFINITY, INFINITY],
  ["RLIMIT_FSIZE", 1, 1, INFINITY, INFINITY],
  ["RLIMIT_DATA", 2, 2, INFINITY, INFINITY],
  ["RLIMIT_STACK", 3, 3, 8n * MEBI, INFINITY],
  ["RLIMIT_CORE", 4, 4, 0n, INFINITY],
  ["RLIMIT_RSS", 5, 7, INFINITY, INFINITY],
  ["RLIMIT_NPROC", 6, 8, 4096n, 4096n],
  ["RLIMIT_NOFILE", 7, 5, 1024n, 1n << 20n],
  ["RLIMIT_MEMLOCK", 8, 9, 8n * MEBI, 8n * MEBI],
  ["RLIMIT_AS", 9, 6, INFINITY, INFINITY],
  ["RLIMIT_LOCKS", 10, 10, INFINITY, INFINITY],
  ["RLIMIT_SIGPENDING", 11, 11, 4096n, 4096n],
  ["RLIMIT_MSGQUEUE", 12, 12, 819200n, 819200n],
  ["RLIMIT_NICE", 13, 13, 0n, 0n],
  ["RLIMIT_RTPRIO", 14, 14, 0n, 0n],
  ["RLIMIT_RTTIME", 15, 15, INFINITY, INFINITY],
] as const satisfies readonly (readonly [string, number, number, bigint, bigint])[];

export type LimitName = (typeof TABLE)[number][0];

/** `RLIM_INFINITY` of the 64-bit interface (prlimit64). */
export const UNLIMITED = INFINITY;

export interface ResourceLimit {
  readonly soft: bigint;
  readonly hard: bigint;
}

/** The limit that a guest's number means, or null. */
export function limitOf(architecture: "generic" | "mips", number: number): LimitName | null {
  return TABLE.find((row) => row[architecture === "mips" ? 2 : 1] === number)?.[0] ?? null;
}

const toNumber = (limit: bigint): number => (limit === UNLIMITED ? Infinity : Number(limit));

export class ResourceLimits {
  readonly #limits = new Map<LimitName, ResourceLimit>(TABLE.map(([name, , , soft, hard]) => [name, { soft, hard }]));
  /** The soft ones as numbers: they are looked at in every other system call. */
  readonly #soft = new Map<LimitName, number>(TABLE.map(([name, , , soft]) => [name, toNumber(soft)]));

  get(name: LimitName): ResourceLimit {
    return this.#limits.get(name) ?? { soft: UNLIMITED, hard: UNLIMITED };
  }

  /** The soft limit as a number; Infinity where there is none. */
  soft(name: LimitName): number {
    return this.#soft.get(name) ?? Infinity;
  }

  /** setrlimit(2). Throws EINVAL (soft above hard) and EPERM (raising the hard limit without privilege). */
  set(name: LimitName, limit: ResourceLimit, privileged: boolean): void {
    if (limit.soft > limit.hard) throw errno.EINVAL;
    if (limit.hard > this.get(name).hard && !privileged) throw errno.EPERM;
    this.#limits.set(name, limit);
    this.#soft.set(name, toNumber(limit.soft));
  }

  clone(): ResourceLimits {
    const copy = new ResourceLimits();
    for (const [name, limit] of this.#limits) copy.set(name, limit, true);
    return copy;
  }
}

/** What one run may use; undefined: no limit. */
export interface RunLimits {
  /** Seconds from start to end. */
  readonly wallTime?: number | undefined;
  /** Seconds of processor time of all tasks together. */
  readonly cpuTime?: number | undefined;
  /** Bytes of guest memory: a mapping beyond fails with ENOMEM, as RLIMIT_AS does. */
  readonly memory?: number | undefined;
  /** Bytes that may be written to standard output and standard error together. */
  readonly output?: number | undefined;
  /** Open file descriptors of a process: EMFILE beyond (RLIMIT_NOFILE, hard). */
  readonly openFiles?: number | undefined;
  /** Processes and threads: EAGAIN beyond. */
  readonly processes?: number | undefined;
}

/** Exit codes of babelf itself; the guest's own and 128 + signal aside. sysexits(3), timeout(1) and sh(1) use the same. */
export const EXIT_CODES = {
  /** An error inside babelf: never the guest's doing, always a bug to report (EX_SOFTWARE). */
  internal: 70,
  /** A limit on wall or processor time was reached, as timeout(1) says it. */
  timeLimit: 124,
  /** A limit on output was reached. */
  outputLimit: 123,
  /** The file cannot be run (sh(1)). */
  notRunnable: 126,
  /** The file was not found (sh(1)). */
  notFound: 127,
} as const;

/** Why a run was ended from outside (`Kernel.endRun`). */
export interface LimitReached {
  /** For people: "the limit of 2 s of wall time is reached". */
  readonly message: string;
  readonly exitCode: number;
}

/** Every limit, in Linux's order. */
export const LIMIT_NAMES: readonly LimitName[] = TABLE.map((row) => row[0]);
