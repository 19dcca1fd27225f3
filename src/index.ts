/**
 * babelf as a library: runs a Linux program that was built for another processor, and says how it ended.
 *
 *     import { run } from "babelf";
 *     const { exitCode, stdout } = await run({ program: "./hello", args: ["World"] });
 *
 * The program sees nothing of the host but its own file and what the options name.
 */
import { isAbsolute, relative, resolve, sep } from "node:path";
import { CPU_MODELS } from "./user/cpu-models.ts";
import { parseNetRule } from "./user/network-access.ts";
import { DEFAULT_RELEASE, type Outcome, type ProgramOptions, runProgram } from "./user/run-program.ts";

export { CPU_MODELS, DEFAULT_RELEASE };

/** What the program may reach beyond its own tree. */
export interface Allowances {
  /** Host files and directories that it sees, read-only, at the same path. */
  readonly fsRead?: readonly string[];
  /** Host files and directories that it sees and may change. */
  readonly fsWrite?: readonly string[];
  /**
   * The host's network: true for all of it, or addresses, each `HOST:PORT`, `HOST` (every port) or `:PORT` (every host), to
   * connect to and to listen at. Without it the program has a loopback of its own, where its processes reach each other.
   */
  readonly net?: boolean | readonly string[];
  /** The host's whole file tree, and its network. */
  readonly all?: boolean;
}

/** Limits on one run. What breaks one ends the program, never the host. */
export interface Limits {
  /** Seconds from start to end (exit code 124). */
  readonly wallTime?: number;
  /** Seconds of processor time (exit code 124). */
  readonly cpuTime?: number;
  /** Bytes of guest memory; more is refused with ENOMEM. */
  readonly memory?: number;
  /** Bytes written to stdout and stderr together (exit code 123). */
  readonly output?: number;
  /** Open file descriptors. */
  readonly openFiles?: number;
  /** Processes and threads. */
  readonly processes?: number;
}

export interface RunOptions {
  /** An ELF program or a `#!` script: its path (in the sysroot, or on the host), or its bytes. */
  readonly program: string | Uint8Array;
  /** The arguments after the program's name. */
  readonly args?: readonly string[];
  /** What the program sees as its own name; the path unless said otherwise. */
  readonly argv0?: string;
  /** The environment: nothing of the host's is added. Default: PATH and HOME; in a `rootfs` its user's HOME is added. */
  readonly env?: Readonly<Record<string, string>>;
  /** What can be read from standard input; default: nothing. */
  readonly stdin?: string | Uint8Array;
  /** "inherit": the host process's own stdin, stdout and stderr; nothing is captured. */
  readonly stdio?: "pipe" | "inherit";
  /** Called with every piece of output as it is written. */
  readonly onStdout?: (bytes: Uint8Array) => void;
  readonly onStderr?: (bytes: Uint8Array) => void;
  /** Files that exist for the program only, in memory: absolute guest path → contents. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** A host directory that it starts in and may change, at the same path. Default: it starts in its own `/`. */
  readonly cwd?: string;
  /** A host directory that becomes its `/`, read-only: dynamic linker, libraries, /etc. */
  readonly sysroot?: string;
  /**
   * A host directory that is its whole `/`, writable, as chroot(1) would have it: a system of its own with /tmp, /home and
   * all. The program starts in its `/` and is looked for along PATH; `cwd` is not shown, nor is a host program.
   */
  readonly rootfs?: string;
  /**
   * Where changes of the `rootfs` or `sysroot` go, so that it stays as it is: "memory" (gone after the run), or a host
   * directory made for them, by which a later run finds them again.
   */
  readonly overlay?: "memory" | { readonly directory: string };
  /** Host files and directories at places of their own; what is not `readOnly` it may change. */
  readonly mounts?: readonly { readonly host: string; readonly guest: string; readonly readOnly?: boolean }[];
  /** Directories in memory, by guest path, gone after the run. */
  readonly tmpfs?: readonly string[];
  /** The guest directory in which it starts, if that is not `cwd` or `/`. */
  readonly start?: string;
  readonly allow?: Allowances;
  readonly limits?: Limits;
  /** How far the stack may grow, in bytes; 8 MiB. */
  readonly stackSize?: number;
  /** One of `CPU_MODELS`. */
  readonly cpu?: string;
  /** The kernel release that uname(2) tells. */
  readonly release?: string;
  /**
   * User and group that the program runs as, without any right of theirs on the host; default: the host's. In a `rootfs` or
   * `sysroot` what the host's user owns is shown as root's then. What root may do (owners, devices, set-user-ID programs)
   * needs an `overlay` to be kept in.
   */
  readonly identity?: { readonly uid: number; readonly gid: number };
  /**
   * Keep translations in this folder from one run to the next, for this version of babelf. Left out: they are shared by the
   * runs of this process only.
   */
  readonly keep?: { readonly folder: string; readonly version: string };
  /**
   * How often code is interpreted before it is translated (40). 0: it is translated before it runs, for tests of the
   * translator.
   */
  readonly translateAfter?: number;
  /** False: page protection by software checks instead of native code (koffi). */
  readonly ffi?: boolean;
  /** Passes the host's SIGINT, SIGTERM … on to the program. */
  readonly forwardSignals?: boolean;
  /** Called with a line for every system call, as strace prints it. */
  readonly onSyscall?: (line: string) => void;
  /** Called with a line about what the program asked for and babelf does not have. */
  readonly onWarning?: (line: string) => void;
}

export interface RunResult {
  /** The program's exit code, or babelf's own (see `failure`); null: a signal ended it. */
  readonly exitCode: number | null;
  /** "SIGSEGV" …; null: it ended by itself. */
  readonly signal: string | null;
  /** The signal's number in the guest's own counting. */
  readonly signalNumber: number | null;
  /** Not the program's own end, in one line: it could not be run (126, 127) or broke a limit (123, 124); else null. */
  readonly failure: string | null;
  /** What it wrote, as text in UTF-8; empty with `stdio: "inherit"`. */
  readonly stdout: string;
  readonly stderr: string;
  /** The same as bytes. */
  readonly stdoutBytes: Uint8Array;
  readonly stderrBytes: Uint8Array;
}

const DEFAULT_ENVIRONMENT = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/" } as const;
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Where a program that was given as bytes lies in the guest's tree. */
const PROGRAM_FROM_BYTES = "/program";

/** Runs a program to its end. Rejects only for options that make no sense, never for what a program or its file does. */
export async function run(options: RunOptions): Promise<RunResult> {
  if (options.cpu !== undefined && !(options.cpu in CPU_MODELS))
    throw new RangeError(`no such processor: ${options.cpu}`);
  if (Array.isArray(options.allow?.net)) options.allow.net.forEach(parseNetRule);
  const stdout: Uint8Array[] = [];
  const stderr: Uint8Array[] = [];
  const outcome = await runProgram({
    ...place(options),
    ...environment(options),
    streams: options.stdio === "inherit" ? inherited(options) : captured(options, stdout, stderr),
    network: options.allow?.all === true || (options.allow?.net ?? false),
    limits: options.limits ?? {},
    ...defined("stackSize", options.stackSize),
    ...defined("cpu", options.cpu),
    ...defined("keep", options.keep),
    ...defined("translateAfter", options.translateAfter),
    ...defined("release", options.release),
    ...defined("identity", options.identity && { ...options.identity, groups: [options.identity.gid] }),
    ...defined("warn", options.onWarning),
    useMmu: options.ffi ?? true,
    forwardSignals: options.forwardSignals ?? false,
    tracer: options.onSyscall === undefined ? null : await tracer(options.onSyscall),
  });
  const stdoutBytes = Buffer.concat(stdout);
  const stderrBytes = Buffer.concat(stderr);
  return {
    ...endOf(outcome),
    stdout: stdoutBytes.toString(),
    stderr: stderrBytes.toString(),
    stdoutBytes,
    stderrBytes,
  };
}

/** Its variables, and whether it gets a home and a search along PATH. */
function environment({ env, rootfs }: RunOptions): Pick<ProgramOptions, "env" | "login"> {
  const isSystem = rootfs !== undefined;
  const variables = env ?? (isSystem ? { PATH: SYSTEM_PATH } : DEFAULT_ENVIRONMENT);
  return {
    env: Object.entries(variables).map(([name, value]) => `${name}=${value}`),
    login: isSystem,
  };
}

/** The program's place in the guest's tree, and the tree. */
function place(options: RunOptions): Pick<ProgramOptions, "program" | "argv" | "view"> {
  const { program, allow, rootfs, overlay } = options;
  const fromBytes = typeof program !== "string";
  const cwd = options.cwd === undefined || rootfs !== undefined ? null : resolve(options.cwd);
  const onHost = fromBytes || rootfs !== undefined ? null : resolve(cwd ?? ".", program);
  const inSysroot = onHost === null || options.sysroot === undefined ? null : pathBelow(options.sysroot, onHost);
  // A relative path means the same in the guest only if the guest starts in the same directory.
  const path = fromBytes ? PROGRAM_FROM_BYTES : (inSysroot ?? (cwd === null ? (onHost ?? program) : program));
  return {
    program: path,
    argv: [options.argv0 ?? (fromBytes ? PROGRAM_FROM_BYTES : program), ...(options.args ?? [])],
    view: {
      sysroot: options.sysroot === undefined ? null : resolve(options.sysroot),
      rootfs: rootfs === undefined ? null : resolve(rootfs),
      overlay: typeof overlay === "object" ? { directory: resolve(overlay.directory) } : (overlay ?? null),
      virtualUser: options.identity !== undefined,
      mounts: (options.mounts ?? []).map((mount) => ({ ...mount, host: resolve(mount.host) })),
      tmpfs: options.tmpfs ?? [],
      start: options.start ?? null,
      cwd,
      program: onHost,
      allowRead: (allow?.fsRead ?? []).map((each) => resolve(each)),
      allowWrite: (allow?.fsWrite ?? []).map((each) => resolve(each)),
      allowAll: allow?.all ?? false,
      files: fromBytes ? { ...options.files, [PROGRAM_FROM_BYTES]: program } : (options.files ?? {}),
    },
  };
}

/**
 * The guest's path of a file of its sysroot; null if it lies elsewhere. What the program finds by where it lies (libraries
 * by $ORIGIN, its data) is there, and not where the host has the program.
 */
function pathBelow(sysroot: string, file: string): string | null {
  const path = relative(resolve(sysroot), file).split(sep);
  return path[0] === ".." || isAbsolute(path[0] as string) ? null : `/${path.join("/")}`;
}

function captured(options: RunOptions, stdout: Uint8Array[], stderr: Uint8Array[]): ProgramOptions["streams"] {
  const { stdin, onStdout, onStderr } = options;
  const sink = (kept: Uint8Array[], listener: ((bytes: Uint8Array) => void) | undefined) =>
    ({
      kind: "sink",
      write(bytes: Uint8Array) {
        const copy = bytes.slice();
        kept.push(copy);
        listener?.(copy);
      },
    }) as const;
  return [
    stdin === undefined
      ? { kind: "null" }
      : { kind: "bytes", bytes: typeof stdin === "string" ? Buffer.from(stdin) : stdin },
    sink(stdout, onStdout),
    sink(stderr, onStderr),
  ];
}

function inherited(options: RunOptions): ProgramOptions["streams"] {
  if (options.limits?.output === undefined) {
    return [
      { kind: "host", fd: 0 },
      { kind: "host", fd: 1 },
      { kind: "host", fd: 2 },
    ];
  }
  // What is counted has to pass through here.
  return [
    { kind: "host", fd: 0 },
    { kind: "sink", write: (bytes) => void process.stdout.write(bytes.slice()) },
    { kind: "sink", write: (bytes) => void process.stderr.write(bytes.slice()) },
  ];
}

async function tracer(print: (line: string) => void): Promise<NonNullable<ProgramOptions["tracer"]>> {
  const { createStrace } = await import("./debug/strace.ts");
  return createStrace(print);
}

function endOf(outcome: Outcome): Pick<RunResult, "exitCode" | "signal" | "signalNumber" | "failure"> {
  switch (outcome.kind) {
    case "exited":
      return { exitCode: outcome.code, signal: null, signalNumber: null, failure: null };
    case "killed":
      return { exitCode: null, signal: outcome.signal, signalNumber: outcome.number, failure: null };
    case "failed":
      return { exitCode: outcome.code, signal: null, signalNumber: null, failure: outcome.message };
  }
}

/** `{ [key]: value }`, or nothing where there is no value (exactOptionalPropertyTypes). */
function defined<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]: V });
}
