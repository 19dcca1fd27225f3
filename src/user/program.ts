/** A program in an address space of its own: what the start of a run and execve(2) have in common. */
import { fillRandom } from "../host/random.ts";
import { fromText } from "../kernel/fs/byte-string.ts";
import type { FileDescription } from "../kernel/fs/file-description.ts";
import type { FsContext } from "../kernel/fs/fs-context.ts";
import type { Stat } from "../kernel/fs/inode.ts";
import type { ResourceLimits } from "../kernel/limits.ts";
import type { Process } from "../kernel/process.ts";
import type { Task } from "../kernel/task.ts";
import { Wait } from "../kernel/wait.ts";
import { addressLayout, loadProgram } from "../loader/index.ts";
import type { OpenProgramFile, ProcessImage, Program, ProgramFile } from "../loader/index.ts";
import { AddressSpace } from "../memory/address-space.ts";
import { PAGE_SIZE } from "../memory/page-table.ts";
import type { Guest } from "./guest.ts";
import { mapKernelPages } from "./kernel-pages.ts";
import type { MemoryPool, ProcessMemories } from "./memories.ts";
import type { ProgramFacts } from "./system-info.ts";

/** Left free between the stack's end and the trampolines. */
const ABOVE_STACK = PAGE_SIZE;

/** A program that is mapped and ready for its first instruction. */
export interface LoadedProgram {
  readonly program: Program;
  readonly image: ProcessImage;
  readonly memories: ProcessMemories;
  readonly space: AddressSpace;
  /** Guest address of the signal trampolines. */
  readonly trampolines: number;
}

export interface LoadSettings {
  readonly pool: MemoryPool;
  readonly useMmu: boolean;
  /** RLIMIT_AS of the run; Infinity: none. */
  readonly memoryLimit: number;
  readonly guest: Guest;
  readonly limits: ResourceLimits;
  readonly identity: { readonly uid: number; readonly euid: number; readonly gid: number; readonly egid: number };
}

/** Maps a program into memories of its own. Throws `LoadError`, with the memories given back. */
export function load(program: Program, settings: LoadSettings): LoadedProgram {
  const { pool, useMmu, guest, limits, identity } = settings;
  const stackLimit = limits.soft("RLIMIT_STACK");
  const layout = addressLayout(program.personality.machine, stackLimit);
  const memories = pool.take(useMmu, guest, program.path);
  const space = new AddressSpace({
    memory: memories.guest,
    pageTable: memories.pageTable,
    protection: memories.protection,
    limit: layout.limit,
    mmapBase: layout.mmapBase,
    littleEndian: guest.isa.littleEndian,
    isEmpty: true,
  });
  try {
    space.limits.addressSpace = Math.min(settings.memoryLimit, limits.soft("RLIMIT_AS"));
    const trampolines = layout.stackTop + ABOVE_STACK;
    mapKernelPages(space, guest, trampolines);
    const random = new Uint8Array(16);
    fillRandom(random);
    const image = loadProgram(space, program, { identity, random, stackLimit, processor: guest.processor });
    return { program, image, memories, space, trampolines };
  } catch (error) {
    space.destroy();
    pool.giveBack(memories, useMmu);
    throw error;
  }
}

/** What the process and its task know of the program that they run now. */
export function adopt(task: Task, loaded: LoadedProgram, littleEndian: boolean): void {
  const { process } = task;
  const { image, program } = loaded;
  process.trampolines = loaded.trampolines;
  process.auxiliaryVector = auxiliaryVector(image.auxv, littleEndian);
  process.executable = image.path;
  const path = program.execFileName;
  task.name = fromText(path.slice(path.lastIndexOf("/") + 1)).slice(0, 15);
}

export function factsOf(loaded: LoadedProgram, executable: FileDescription): ProgramFacts {
  const { image, program } = loaded;
  return { image, executable: executable.path, argv: program.argv, envp: program.envp };
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

/** The files that a program is made of, open for the loader. */
export class ProgramFiles {
  readonly #fs: FsContext;
  readonly #open = new Map<string, FileDescription>();
  /** `first`: what is opened under the program's own name, where that is not found by its path alone (execveat(2)). */
  readonly #first: { readonly path: string; readonly file: FileDescription } | null;

  constructor(fs: FsContext, first: { readonly path: string; readonly file: FileDescription } | null = null) {
    this.#fs = fs;
    this.#first = first;
    first?.file.retain();
  }

  readonly open: OpenProgramFile = (path) => {
    let file = this.#open.get(path);
    if (file === undefined) {
      const isFirst = this.#open.size === 0 && this.#first?.path === path;
      file = isFirst ? this.#first!.file : this.#fs.openExecutable(fromText(path));
      file.retain();
      this.#open.set(path, file);
    }
    return programFile(file);
  };

  /** The file that `open` gave for a path. */
  get(path: string): FileDescription {
    const file = this.#open.get(path);
    if (file === undefined) throw new Error(`the loader did not open ${path}`);
    return file;
  }

  /** Whose program it is, where its set-user-ID bit counts. */
  owner(path: string): Stat | null {
    const file = this.get(path);
    return file.path.mount.noSuid ? null : file.stat();
  }

  close(): void {
    this.#first?.file.release();
    for (const file of this.#open.values()) file.release();
    this.#open.clear();
  }
}

/** The loader's view of a file of the guest's tree. */
function programFile(file: FileDescription): ProgramFile {
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
    backing: file.backing(),
  };
}

/** The program's file, held as long as a process runs it: /proc/PID/exe. */
export class Executables {
  readonly #held = new Map<Process, FileDescription>();

  set(process: Process, file: FileDescription): void {
    file.retain();
    this.drop(process);
    this.#held.set(process, file);
  }

  get(process: Process): FileDescription | undefined {
    return this.#held.get(process);
  }

  drop(process: Process): void {
    this.#held.get(process)?.release();
    this.#held.delete(process);
  }
}
