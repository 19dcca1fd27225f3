/** Runs one program from its file to its end. What the library and the command line are made of. */
import * as hostClock from "../host/clock.ts";
import { hostIdentity, hostName } from "../host/process.ts";
import { onHostSignals, stopSelf } from "../host/signals.ts";
import { REGISTERS_BASE, REGISTERS_END } from "../cpu/isa.ts";
import { Credentials } from "../kernel/credentials.ts";
import { Errno } from "../kernel/errno.ts";
import { FileTable } from "../kernel/fs/file-table.ts";
import { ViewError, buildView, closeView, openStandardStreams } from "../kernel/fs/view.ts";
import type { StandardStream, ViewOptions } from "../kernel/fs/view.ts";
import { Kernel } from "../kernel/kernel.ts";
import { EXIT_CODES, ResourceLimits } from "../kernel/limits.ts";
import type { RunLimits } from "../kernel/limits.ts";
import type { Process } from "../kernel/process.ts";
import { raiseInGroup, raiseInProcess } from "../kernel/signal-sending.ts";
import type { SignalName } from "../kernel/signal.ts";
import { adoptTerminal } from "../kernel/tty/sessions.ts";
import { LoadError, readProgram } from "../loader/index.ts";
import type { CString } from "../loader/index.ts";
import type { SyscallTracer } from "../syscalls/index.ts";
import type { Guest } from "./guest.ts";
import { guestFor } from "./guests.ts";
import { type KeepSettings, KeptTranslations } from "./kept-translations.ts";
import { findAlongPath, withHome } from "./login.ts";
import { UserMachine } from "./machine.ts";
import { networkAccess, type NetworkWish } from "./network-access.ts";
import { MemoryPool } from "./memories.ts";
import { ProgramFiles, load } from "./program.ts";
import { systemInfo } from "./system-info.ts";
import type { ProgramFacts } from "./system-info.ts";

export interface ProgramOptions {
  /** Guest path of the program. */
  readonly program: string;
  /** argv, with argv[0]. */
  readonly argv: readonly CString[];
  /** "NAME=value". */
  readonly env: readonly CString[];
  /** As a login does it: HOME from the root directory's passwd(5), and `program` searched along PATH. */
  readonly login?: boolean;
  /** The file tree that the program sees. */
  readonly view: Omit<ViewOptions, "system" | "credentials" | "controllingTerminal">;
  /** What of the host's network it may use; nothing if left out. Rules that make no sense are a RangeError. */
  readonly network?: NetworkWish;
  /** Standard input, output and error. */
  readonly streams: readonly [StandardStream, StandardStream, StandardStream];
  readonly limits?: RunLimits;
  /** RLIMIT_STACK in bytes; 8 MiB. */
  readonly stackSize?: number;
  /** One of `CPU_MODELS`. */
  readonly cpu?: string;
  /** Where translations are kept from run to run; left out: nowhere. */
  readonly keep?: KeepSettings;
  /** How often code is interpreted before it is translated; 0: not at all. */
  readonly translateAfter?: number;
  /** uname(2)'s release and nodename. */
  readonly release?: string;
  readonly hostname?: string;
  /** Who the program runs as; the host's user if left out. */
  readonly identity?: { readonly uid: number; readonly gid: number; readonly groups?: readonly number[] };
  /** False: software page checks although the host's MMU could be used (`--no-ffi`). */
  readonly useMmu?: boolean;
  /** Pass the host's SIGINT, SIGTERM … on to the program, and stop with it (a command line). */
  readonly forwardSignals?: boolean;
  readonly tracer?: SyscallTracer | null;
  /** One line for whoever runs babelf; without newline or program name. */
  readonly warn?: (line: string) => void;
}

export type Outcome =
  | { readonly kind: "exited"; readonly code: number }
  /** `number`: in the guest's numbering. */
  | { readonly kind: "killed"; readonly signal: string; readonly number: number }
  /** Not the program's own end: it could not be run, broke a limit, or met an error of ours. `EXIT_CODES` has the codes. */
  | { readonly kind: "failed"; readonly code: number; readonly message: string };

export const DEFAULT_RELEASE = "6.1.0";
/** Memories of runs that are over, kept for the next; a cache and nothing else. */
const pool = new MemoryPool();

/** Runs a program. Resolves with how it ended; never rejects for anything that the program or its file does. */
export async function runProgram(options: ProgramOptions): Promise<Outcome> {
  /** What must be undone at the end, however it comes; last first. */
  const undo: (() => void)[] = [];
  try {
    return await run(options, undo);
  } catch (error) {
    if (error instanceof LoadError) return { kind: "failed", code: error.exitCode, message: error.message };
    if (error instanceof ViewError) return { kind: "failed", code: EXIT_CODES.notRunnable, message: error.message };
    if (error instanceof Errno) {
      return {
        kind: "failed",
        code: EXIT_CODES.notRunnable,
        message: `cannot set up the program's file tree: ${error.message}`,
      };
    }
    return { kind: "failed", code: EXIT_CODES.internal, message: `internal error: ${describe(error)}` };
  } finally {
    for (const step of undo.reverse()) {
      try {
        step();
      } catch (error) {
        // A shared mapping whose file cannot be written any more, say: the program has ended all the same.
        options.warn?.(`could not clean up: ${describe(error)}`);
      }
    }
  }
}

/** An error in one line, with where it was thrown. */
function describe(error: unknown): string {
  if (error instanceof Errno) return error.message;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return text
    .split("\n")
    .slice(0, 3)
    .map((line) => line.trim())
    .join(" ");
}

async function run(options: ProgramOptions, undo: (() => void)[]): Promise<Outcome> {
  const limits = options.limits ?? {};
  const identity = { ...hostIdentity(), ...options.identity };
  const credentials = new Credentials(identity.uid, identity.gid, identity.groups);
  const release = options.release ?? DEFAULT_RELEASE;
  const hostname = options.hostname ?? hostName();
  const programs = new WeakMap<Process, ProgramFacts>();
  /** The kernel is the program's architecture's, which its file tells; that file lies in a tree with a /proc. */
  const running: { kernel?: Kernel; guest?: Guest } = {};
  const system = systemInfo(running, { release, hostname, programs });
  const controllingTerminal = () => running.kernel?.scheduler.current?.process.terminal ?? null;
  const { permission, files: defaultFiles } = await networkAccess(options.network ?? false, hostname);
  const fs = buildView({ ...options.view, defaultFiles, system, credentials, controllingTerminal });
  undo.push(() => closeView(fs));

  const login = options.login ?? false;
  const programFiles = new ProgramFiles(fs);
  undo.push(() => programFiles.close());
  const program = readProgram({
    path: login ? findAlongPath(fs, options.program, options.env) : options.program,
    argv: options.argv,
    envp: login ? withHome(fs, credentials.uid, options.env) : options.env,
    open: programFiles.open,
  });
  const resources = resourceLimits(options);
  const { personality } = program;
  const { machine: architecture } = personality;
  const guest = await guestFor(program.personality, options.cpu, options.translateAfter);
  if (guest === null) {
    const built = `built for ${architecture.toUpperCase()}, which the processor ${options.cpu} is not`;
    throw new LoadError(program.path, "ENOEXEC", `${built}; see --cpu=help`);
  }
  if (options.keep !== undefined) {
    const { size } = programFiles.get(program.path).stat();
    const identity = [architecture, personality.endian, options.cpu, options.translateAfter, program.path, size].join(
      " ",
    );
    const translations = new KeptTranslations(options.keep, identity, guest.translations);
    translations.restore();
    undo.push(() => translations.keep());
  }
  const kernel = new Kernel({
    architecture: guest.abi.architecture,
    clock: hostClock,
    limits,
    network: permission,
    warn: options.warn ?? (() => undefined),
  });
  undo.push(() => kernel.network.host.close());
  running.kernel = kernel;
  running.guest = guest;
  const useMmu = options.useMmu ?? true;
  credentials.assume(credentials.afterExec(programFiles.owner(program.path)));
  const { uid, euid, gid, egid } = credentials;
  const loaded = load(program, {
    pool,
    useMmu,
    memoryLimit: limits.memory ?? Infinity,
    guest,
    limits: resources,
    identity: { uid, euid, gid, egid },
  });
  const { space } = loaded;

  const files = new FileTable(() => resources.soft("RLIMIT_NOFILE"));
  const parts = { space, memory: space.guest, files, fs, limits: resources };
  const task = kernel.createProcess(null, parts, REGISTERS_END - REGISTERS_BASE, credentials);
  const { process } = task;
  const tracer = options.tracer ?? null;
  const machine = new UserMachine({ kernel, guest, personality, pool, useMmu, programs, release, hostname, tracer });
  machine.start(task, loaded, programFiles);
  programFiles.close();
  kernel.onProcessEnd = (ended) => {
    machine.end(ended);
    // The run is its first process: what that leaves behind does not outlive it.
    if (ended === process) endAll(kernel);
  };
  undo.push(() => {
    endAll(kernel);
    machine.close();
  });
  const [terminal] = openStandardStreams(files, countOutput(options.streams, kernel), fs);
  if (terminal !== undefined) adoptTerminal(process, terminal);

  undo.push(...watch(options, kernel, process));
  kernel.scheduler.add(task);
  await kernel.scheduler.run(machine);
  return outcomeOf(kernel, process);
}

function endAll(kernel: Kernel): void {
  const killed = { kind: "killed", signal: kernel.signals.number("SIGKILL") } as const;
  for (const process of [...kernel.processes.values()]) kernel.endProcess(process, killed);
  kernel.scheduler.stop();
}

function outcomeOf(kernel: Kernel, process: Process): Outcome {
  const { limitReached } = kernel;
  if (limitReached !== null) return { kind: "failed", code: limitReached.exitCode, message: limitReached.message };
  const { exit } = process;
  if (exit === null) throw new Error("the scheduler stopped before the program's end");
  if (exit.kind === "exited") return exit;
  return { kind: "killed", signal: kernel.signals.name(exit.signal), number: exit.signal };
}

/** What ends or stops the program from outside; returns how to stop watching. */
function watch(options: ProgramOptions, kernel: Kernel, process: Process): (() => void)[] {
  const stops: (() => void)[] = [];
  const { wallTime } = kernel.limits;
  if (wallTime !== undefined) {
    const deadline = kernel.clock.monotonic() + BigInt(Math.round(wallTime * 1e9));
    stops.push(
      kernel.clock.setAlarm(deadline, () =>
        kernel.endRun({
          message: `the limit of ${wallTime} s of wall time is reached`,
          exitCode: EXIT_CODES.timeLimit,
        }),
      ),
    );
  }
  if (options.forwardSignals === true) {
    stops.push(onHostSignals((name: SignalName) => forward(process, name)));
    // What its shell sees stop is the program; a child that stops is the program's business.
    kernel.onProcessStop = (stopped) => {
      if (stopped === process) stopSelf();
    };
  }
  return stops;
}

/** What a terminal sends goes to whoever the guest has in the foreground, as its own terminal would. */
const FROM_TERMINAL: ReadonlySet<SignalName> = new Set(["SIGINT", "SIGQUIT", "SIGTSTP", "SIGWINCH"]);

function forward(process: Process, name: SignalName): void {
  const { kernel, pgid, terminal } = process;
  if (FROM_TERMINAL.has(name)) {
    if (terminal?.signalForeground(name) !== true) raiseInGroup(kernel, pgid, name);
    // A shell continues a whole job, and babelf is the only member of it that the shell can see.
  } else if (name === "SIGCONT") raiseInGroup(kernel, pgid, name);
  else raiseInProcess(process, name);
}

function resourceLimits(options: ProgramOptions): ResourceLimits {
  const resources = new ResourceLimits();
  const cap = (name: "RLIMIT_STACK" | "RLIMIT_NOFILE" | "RLIMIT_NPROC", value: number | undefined, hard: boolean) => {
    if (value === undefined) return;
    const soft = BigInt(Math.round(value));
    resources.set(name, { soft, hard: hard ? soft : resources.get(name).hard }, true);
  };
  cap("RLIMIT_STACK", options.stackSize, false);
  cap("RLIMIT_NOFILE", options.limits?.openFiles, true);
  cap("RLIMIT_NPROC", options.limits?.processes, true);
  return resources;
}

/** Counts what goes to standard output and error against the run's limit. */
function countOutput(streams: ProgramOptions["streams"], kernel: Kernel): ProgramOptions["streams"] {
  const most = kernel.limits.output;
  if (most === undefined) return streams;
  let written = 0;
  const counted = (stream: StandardStream): StandardStream => {
    if (stream.kind !== "sink") return stream;
    return {
      kind: "sink",
      write(bytes) {
        const room = Math.max(most - written, 0);
        written += bytes.length;
        stream.write(bytes.subarray(0, room));
        if (written > most) {
          kernel.endRun({
            message: `the limit of ${most} bytes of output is reached`,
            exitCode: EXIT_CODES.outputLimit,
          });
        }
      },
    };
  };
  return [streams[0], counted(streams[1]), counted(streams[2])];
}
