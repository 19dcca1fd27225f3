/**
 * How processes come to be, change their program and go: the machine's side of clone(2), execve(2) and exit(2). What a
 * process is made of in the kernel's eyes is `kernel/`'s business; here are its memories and its translator.
 */
import { REGISTERS_BASE, REGISTERS_END } from "../cpu/isa.ts";
import { errno } from "../kernel/errno.ts";
import { Errno } from "../kernel/errno.ts";
import { releaseMemory, retireTask } from "../kernel/exit.ts";
import { toText } from "../kernel/fs/byte-string.ts";
import { AT } from "../kernel/fs/flags.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Process } from "../kernel/process.ts";
import { NO_ALTERNATE_STACK } from "../kernel/task.ts";
import type { Task } from "../kernel/task.ts";
import { LoadError, readProgram } from "../loader/index.ts";
import type { Personality, Program } from "../loader/index.ts";
import { AddressSpace } from "../memory/address-space.ts";
import type { CloneRequest, ExecRequest, SyscallContext } from "../syscalls/index.ts";
import { PC } from "../translate/layout.ts";
import type { Guest } from "./guest.ts";
import type { MemoryPool, ProcessMemories } from "./memories.ts";
import { Processor } from "./processor.ts";
import { Executables, ProgramFiles, adopt, factsOf, load } from "./program.ts";
import type { LoadedProgram } from "./program.ts";
import type { ProgramFacts } from "./system-info.ts";

export interface LifecycleOptions {
  readonly kernel: Kernel;
  readonly guest: Guest;
  /** What kind of programs the run is for: the initial one's. */
  readonly personality: Personality;
  readonly pool: MemoryPool;
  readonly useMmu: boolean;
  readonly programs: WeakMap<Process, ProgramFacts>;
  readonly systemCall: (processor: Processor) => boolean;
}

export class Lifecycle {
  readonly #options: LifecycleOptions;
  readonly #processors = new Map<AddressSpace, Processor>();
  readonly #executables = new Executables();
  /** Left by their last process, perhaps while their code was still on the stack: emptied when nothing runs. */
  #abandoned: Processor[] = [];

  constructor(options: LifecycleOptions) {
    this.#options = options;
  }

  /** The processor of the address space that the process is in. */
  processorOf(process: Process): Processor {
    const processor = this.#processors.get(process.space);
    if (processor === undefined) throw new Error(`process ${process.pid} has no processor`);
    return processor;
  }

  /** A new processor on an address space, with one process in it. */
  #install(space: AddressSpace, memories: ProcessMemories, program: string): Processor {
    const processor = new Processor(this.#options.guest, space, memories, program, this.#options.systemCall);
    processor.users = 1;
    this.#processors.set(space, processor);
    return processor;
  }

  // ── the initial process ─────────────────────────────────────────────────────────────────────────────────────────
  /** The task is to run this program from its start. */
  start(task: Task, loaded: LoadedProgram, files: ProgramFiles): void {
    this.#enter(task, loaded, files);
  }

  /** Registers, name and /proc entries of a task whose process has just got the program's memory. */
  #enter(task: Task, loaded: LoadedProgram, files: ProgramFiles): void {
    const { guest, programs } = this.#options;
    const { process } = task;
    const { registers } = this.#install(loaded.space, loaded.memories, loaded.program.path);
    guest.reset(registers, loaded.image);
    task.registers.set(new Uint8Array(registers.buffer, REGISTERS_BASE, REGISTERS_END - REGISTERS_BASE));
    task.pc = registers.getUint32(PC, true);
    adopt(task, loaded, guest.isa.littleEndian);
    const executable = files.get(loaded.program.path);
    this.#executables.set(process, executable);
    programs.set(process, factsOf(loaded, executable));
  }

  // ── clone ───────────────────────────────────────────────────────────────────────────────────────────────────────
  clone(call: SyscallContext, request: CloneRequest): Task {
    const { kernel } = this.#options;
    const { task: parent, process } = call;
    const registers = this.#childRegisters(call, request);
    const credentials = parent.credentials.clone();
    const bytes = REGISTERS_END - REGISTERS_BASE;
    const child = request.thread
      ? kernel.createThread(process, bytes, credentials, parent.name)
      : this.#fork(call, request);
    child.registers.set(registers.subarray(REGISTERS_BASE, REGISTERS_END));
    child.pc = new DataView(registers.buffer).getUint32(PC, true);
    child.name = parent.name;
    child.setBlocked(parent.blocked);
    child.timerSlack = parent.timerSlack;
    if (request.keepAlternateStack) child.alternateStack = parent.alternateStack;
    return child;
  }

  /** The caller's registers, as if the call had returned 0. */
  #childRegisters(call: SyscallContext, { stack, tls }: CloneRequest): Uint8Array<ArrayBuffer> {
    const { abi } = call;
    const copy = this.processorOf(call.process).copyRegisters();
    const view = new DataView(copy.buffer);
    abi.succeed(view, 0);
    if (stack !== 0) abi.setStackPointer(view, stack);
    if (tls !== null) abi.setThreadPointer(view, tls);
    return copy;
  }

  #fork({ task, process }: SyscallContext, request: CloneRequest): Task {
    const { kernel, programs } = this.#options;
    const credentials = task.credentials.clone();
    const limits = process.limits.clone();
    const processor = request.memory ? this.processorOf(process) : this.#copyMemory(process);
    if (request.memory) processor.users++;
    const files = request.files ? process.files.share() : process.files.clone();
    if (!request.files) files.limit = () => limits.soft("RLIMIT_NOFILE");
    const parts = {
      space: processor.space,
      memory: processor.space.guest,
      files,
      fs: request.fs ? process.fs.share() : process.fs.clone(credentials),
      actions: request.actions ? process.actions : process.actions.clone(),
      limits,
      exitSignal: request.exitSignal,
    };
    const parent = request.sibling ? process.parent : process;
    const child = kernel.createProcess(parent, parts, REGISTERS_END - REGISTERS_BASE, credentials);
    const copy = child.process;
    copy.pgid = process.pgid;
    copy.sid = process.sid;
    copy.terminal = process.terminal;
    if (request.clearHandlers) copy.actions.resetHandlers();
    copy.executable = process.executable;
    copy.auxiliaryVector = process.auxiliaryVector;
    copy.trampolines = process.trampolines;
    copy.personality = process.personality;
    const executable = this.#executables.get(process);
    if (executable !== undefined) this.#executables.set(copy, executable);
    const facts = programs.get(process);
    if (facts !== undefined) programs.set(copy, facts);
    return child;
  }

  /** Throws `MemoryError` where the host has no room. */
  #copyMemory(process: Process): Processor {
    const { pool, useMmu, guest } = this.#options;
    const memories = pool.take(useMmu, guest, process.executable);
    const { space } = process;
    try {
      const copy = space.clone({
        memory: memories.guest,
        pageTable: memories.pageTable,
        protection: memories.protection,
        limit: space.limit,
        mmapBase: space.mmapBase,
        littleEndian: guest.isa.littleEndian,
        mmapMinAddress: space.mmapMinAddress,
        isEmpty: true,
      });
      return this.#install(copy, memories, process.executable);
    } catch (error) {
      pool.giveBack(memories, useMmu);
      throw error;
    }
  }

  // ── exec ────────────────────────────────────────────────────────────────────────────────────────────────────────
  exec(call: SyscallContext, request: ExecRequest): void {
    const { task, process } = call;
    const { kernel, pool, useMmu, guest, personality } = this.#options;
    const { files, program } = this.#readProgram(call, request);
    try {
      const { machine, endian } = program.personality;
      if (machine !== personality.machine || endian !== personality.endian) throw errno.ENOEXEC;
      const credentials = task.credentials.afterExec(files.owner(program.path));
      const identity = { uid: credentials.uid, euid: credentials.euid, gid: credentials.gid, egid: credentials.egid };
      const memoryLimit = kernel.limits.memory ?? Infinity;
      const loaded = toErrno(() =>
        load(program, { pool, useMmu, memoryLimit, guest, limits: process.limits, identity }),
      );
      // From here on nothing fails.
      this.#becomeOnlyTask(task);
      task.credentials.assume(credentials);
      releaseMemory(task);
      const before = this.processorOf(process);
      if (before.loaded?.task === task) before.loaded = null;
      process.space = loaded.space;
      process.memory = loaded.space.guest;
      this.#enter(task, loaded, files);
      this.#leave(before);
      task.alternateStack = NO_ALTERNATE_STACK;
      task.restart = null;
      process.actions = process.actions.clone();
      process.actions.resetHandlers();
      process.timers.clear(true);
      process.unshareFiles();
      process.files.closeForExec();
      process.hasExeced = true;
      process.personality &= ~0xff;
      process.releaseVfork();
    } finally {
      files.close();
    }
  }

  #readProgram(call: SyscallContext, request: ExecRequest): { files: ProgramFiles; program: Program } {
    const { at, path, flags, name, argv, envp } = request;
    const { fs } = call.process;
    const file = fs.openExecutable(path, at, flags & (AT.EMPTY_PATH | AT.SYMLINK_NOFOLLOW));
    // Without a name for its interpreter to open, a script is as if it were not there.
    const text = name === null ? "/dev/fd/-1" : toText(name);
    const files = new ProgramFiles(fs, { path: text, file });
    try {
      const program = toErrno(() => readProgram({ path: text, argv, envp, open: files.open }));
      if (name === null && program.path !== text) throw errno.ENOENT;
      return { files, program };
    } catch (error) {
      files.close();
      throw error;
    }
  }

  /** A thread that runs another program ends all others, and is the process from now on (execve(2)). */
  #becomeOnlyTask(task: Task): void {
    const { process } = task;
    const { kernel } = this.#options;
    for (const other of [...process.tasks]) if (other !== task) retireTask(other);
    if (task.tid === process.pid) return;
    kernel.tasks.delete(task.tid);
    task.tid = process.pid;
    kernel.tasks.set(task.tid, task);
  }

  // ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────
  /** A process has ended: closes its files and lets go of its memory. */
  end(process: Process): void {
    process.files.leave();
    process.fs.leave();
    this.#executables.drop(process);
    this.#leave(this.processorOf(process));
  }

  #leave(processor: Processor): void {
    if (--processor.users > 0) return;
    this.#processors.delete(processor.space);
    this.#abandoned.push(processor);
  }

  /** Gives memories back that nobody uses any more. To be called while no guest code runs. */
  collect(): void {
    if (this.#abandoned.length === 0) return;
    const { pool, useMmu } = this.#options;
    const abandoned = this.#abandoned;
    this.#abandoned = [];
    for (const { space, memories } of abandoned) {
      space.destroy();
      pool.giveBack(memories, useMmu);
    }
  }
}

/** The loader's refusals as a system call's errors. */
function toErrno<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof LoadError) throw errno[error.errno];
    if (error instanceof Errno) throw error;
    throw error;
  }
}
