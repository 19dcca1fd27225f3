/** Runs one program from its file to its end. What the library and the command line are made of. */
import * as hostClock from "../host/clock.ts";
import { hostIdentity, hostName } from "../host/process.ts";
import { onHostSignals, stopSelf } from "../host/signals.ts";
import { REGISTERS_BASE, REGISTERS_END } from "../cpu/isa.ts";
import { Credentials } from "../kernel/credentials.ts";
import { Errno } from "../kernel/errno.ts";
import { fromText } from "../kernel/fs/byte-string.ts";
import type { FileDescription } from "../kernel/fs/file-description.ts";
import { FileTable } from "../kernel/fs/file-table.ts";
import type { FsContext } from "../kernel/fs/fs-context.ts";
import { ViewError, buildView, closeView, openStandardStreams } from "../kernel/fs/view.ts";
import type { StandardStream, ViewOptions } from "../kernel/fs/view.ts";
import { Kernel } from "../kernel/kernel.ts";
import { EXIT_CODES, ResourceLimits } from "../kernel/limits.ts";
import type { RunLimits } from "../kernel/limits.ts";
import type { Process } from "../kernel/process.ts";
import { raiseInProcess } from "../kernel/signal-sending.ts";
import type { SignalName } from "../kernel/signal.ts";
import { Wait } from "../kernel/wait.ts";
import { LoadError, addressLayout, loadProgram, readProgram } from "../loader/index.ts";
import type { CString, ProgramFile } from "../loader/index.ts";
import { AddressSpace } from "../memory/address-space.ts";
import { PAGE_EXEC, PAGE_READ, PAGE_SIZE } from "../memory/page-table.ts";
import type { SyscallTracer } from "../syscalls/index.ts";
import { guestFor } from "./guests.ts";
import { UserMachine } from "./machine.ts";
import { MemoryPool } from "./memories.ts";
import { systemInfo } from "./system-info.ts";
import type { ProgramFacts } from "./system-info.ts";

export interface ProgramOptions {
  /** Guest path of the program. */
  readonly program: string;
  /** argv, with argv[0]. */
  readonly argv: readonly CString[];
  /** "NAME=value". */
  readonly env: readonly CString[];
  /** The file tree that the program sees. */
  readonly view: Omit<ViewOptions, "system" | "credentials">;
  /** Standard input, output and error. */
  readonly streams: readonly [StandardStream, StandardStream, StandardStream];
  readonly limits?: RunLimits;
  /** RLIMIT_STACK in bytes; 8 MiB. */
  readonly stackSize?: number;
  /** One of `CPU_MODELS`. */
  readonly cpu?: string;
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
/** Left free between the stack's end and the trampolines. */
const ABOVE_STACK = PAGE_SIZE;

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
  const kernel = new Kernel({
    architecture: "mips",
    clock: hostClock,
    limits,
    warn: options.warn ?? (() => undefined),
  });
  const identity = { ...hostIdentity(), ...options.identity };
  const credentials = new Credentials(identity.uid, identity.gid, identity.groups);
  const release = options.release ?? DEFAULT_RELEASE;
  const hostname = options.hostname ?? hostName();
  const programs = new WeakMap<Process, ProgramFacts>();
  const system = systemInfo(kernel, { release, hostname, cpuinfo: () => cpuinfo(options.cpu), programs });
  const fs = buildView({ ...options.view, system, credentials });
  undo.push(() => closeView(fs));

  const program = readProgram({
    path: options.program,
    argv: options.argv,
    envp: options.env,
    open: (path) => openProgram(fs, path, undo),
  });
  const resources = resourceLimits(options);
  const layout = addressLayout(resources.soft("RLIMIT_STACK"));
  const guest = guestFor(program.personality, options.cpu);
  const useMmu = options.useMmu ?? true;
  const memories = pool.take(useMmu);
  const space = new AddressSpace({
    memory: memories.guest,
    pageTable: memories.pageTable,
    protection: memories.protection,
    limit: layout.limit,
    mmapBase: layout.mmapBase,
    littleEndian: guest.isa.littleEndian,
  });
  undo.push(() => {
    space.destroy();
    pool.giveBack(memories, useMmu);
  });
  space.limits.addressSpace = limits.memory ?? Infinity;
  const trampolines = layout.stackTop + ABOVE_STACK;
  mapTrampolines(space, trampolines, guest.abi.signals.trampolines);
  const image = loadProgram(space, program, {
    identity: { uid: credentials.uid, euid: credentials.euid, gid: credentials.gid, egid: credentials.egid },
    random: crypto.getRandomValues(new Uint8Array(16)),
    stackLimit: resources.soft("RLIMIT_STACK"),
  });

  const files = new FileTable(() => resources.soft("RLIMIT_NOFILE"));
  undo.push(() => files.closeAll());
  const parts = { space, memory: space.guest, files, fs, limits: resources };
  const task = kernel.createProcess(null, parts, REGISTERS_END - REGISTERS_BASE, credentials);
  const { process } = task;
  process.trampolines = trampolines;
  process.auxiliaryVector = auxiliaryVector(image.auxv, guest.isa.littleEndian);
  process.executable = image.path;
  task.name = fromText(image.path.slice(image.path.lastIndexOf("/") + 1)).slice(0, 15);
  const executable = keepOpen(fs.openExecutable(fromText(image.path)), undo);
  programs.set(process, { image, executable: executable.path, argv: program.argv, envp: program.envp });
  openStandardStreams(files, countOutput(options.streams, kernel), { fs, pgid: process.pgid, sid: process.sid });

  const machine = new UserMachine(
    { kernel, guest, memories, release, hostname, tracer: options.tracer ?? null },
    process,
  );
  guest.reset(machine.registers, image);
  task.pc = image.entry;
  task.registers.set(new Uint8Array(memories.state.buffer).subarray(REGISTERS_BASE, REGISTERS_END));
  kernel.onProcessEnd = (ended) => {
    if (ended === process) kernel.scheduler.stop();
  };
  undo.push(...watch(options, kernel, process));
  kernel.scheduler.add(task);
  await kernel.scheduler.run(machine);
  return outcomeOf(kernel, process);
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
    stops.push(onHostSignals((name: SignalName) => raiseInProcess(process, name)));
    kernel.onProcessStop = () => stopSelf();
  }
  return stops;
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

function mapTrampolines(space: AddressSpace, address: number, code: Uint8Array): void {
  space.map({
    address,
    length: PAGE_SIZE,
    protection: PAGE_READ | PAGE_EXEC,
    fixed: true,
    noReplace: false,
    shared: false,
    backing: null,
    offset: 0,
    name: "[vdso]",
    privileged: true,
  });
  space.poke(address, code);
}

function auxiliaryVector(pairs: readonly (readonly [number, number])[], littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(pairs.length * 8);
  const view = new DataView(bytes.buffer);
  pairs.forEach(([type, value], index) => {
    view.setUint32(8 * index, type, littleEndian);
    view.setUint32(8 * index + 4, value, littleEndian);
  });
  return bytes;
}

function keepOpen(file: FileDescription, undo: (() => void)[]): FileDescription {
  file.retain();
  undo.push(() => file.release());
  return file;
}

/** The loader's view of a file of the guest's tree. */
function openProgram(fs: FsContext, path: string, undo: (() => void)[]): ProgramFile {
  const file = keepOpen(fs.openExecutable(fromText(path)), undo);
  return {
    get size() {
      return Number(file.stat().size);
    },
    read(offset, length) {
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const count = file.pread(bytes.subarray(done), offset + done);
        if (count instanceof Wait) throw new Error("a regular file cannot wait");
        if (count === 0) break;
        done += count;
      }
      return bytes.subarray(0, done);
    },
  };
}

/** As Linux prints it for a Malta board's processor (arch/mips/kernel/proc.c). */
function cpuinfo(model = "24Kf"): string {
  const rows = [
    ["system type", "MIPS Malta"],
    ["machine", "mti,malta"],
    ["processor", "0"],
    ["cpu model", `MIPS ${model} V0.0  FPU V0.0`],
    ["BogoMIPS", "1000.00"],
    ["wait instruction", "yes"],
    ["microsecond timers", "yes"],
    ["tlb_entries", "16"],
    ["extra interrupt vector", "yes"],
    ["hardware watchpoint", "no"],
    ["isa", model === "4Kc" ? "mips1 mips2 mips32r1" : "mips1 mips2 mips32r1 mips32r2"],
    ["ASEs implemented", ""],
    ["shadow register sets", "1"],
    ["core", "0"],
  ] as const;
  return `${rows.map(([name, value]) => `${name.padEnd(23)}\t: ${value}`).join("\n")}\n\n`;
}
