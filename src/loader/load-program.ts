/** The second half of execve(2): maps a checked program into an empty address space and builds its stack. */
import type { AddressSpace } from "../memory/address-space.ts";
import { MemoryError } from "../memory/memory-error.ts";
import { PAGE_EXEC, PAGE_READ, PAGE_SIZE, PAGE_WRITE } from "../memory/page-table.ts";
import { LoadError } from "./error.ts";
import type { LoadOptions, ProcessImage, Program } from "./image.ts";
import { writeInitialStack } from "./initial-stack.ts";
import { addressLayout, pieBase } from "./layout.ts";
import { mapSegments } from "./map-segments.ts";

/** Types of the auxiliary vector (man 3 getauxval). */
export const AT = {
  NULL: 0,
  PHDR: 3,
  PHENT: 4,
  PHNUM: 5,
  PAGESZ: 6,
  BASE: 7,
  FLAGS: 8,
  ENTRY: 9,
  UID: 11,
  EUID: 12,
  GID: 13,
  EGID: 14,
  PLATFORM: 15,
  HWCAP: 16,
  CLKTCK: 17,
  SECURE: 23,
  BASE_PLATFORM: 24,
  RANDOM: 25,
  HWCAP2: 26,
  EXECFN: 31,
  SYSINFO_EHDR: 33,
  MINSIGSTKSZ: 51,
} as const;

const PROGRAM_HEADER_BYTES = 32;
/** USER_HZ */
const CLOCK_TICKS = 100;

/** Maps `program` and its interpreter, sets the break, builds the stack. Throws `LoadError`. */
export function loadProgram(space: AddressSpace, program: Program, options: LoadOptions): ProcessImage {
  try {
    return load(space, program, options);
  } catch (error) {
    if (error instanceof MemoryError) {
      throw new LoadError(program.path, "ENOMEM", `cannot be mapped (${error.reason})`);
    }
    throw error;
  }
}

function load(space: AddressSpace, program: Program, options: LoadOptions): ProcessImage {
  const { elf, interpreter, personality } = program;
  const { stackTop, stackSize } = addressLayout(personality.machine, options.stackLimit);
  const stackProtection = PAGE_READ | PAGE_WRITE | (personality.executableStack ? PAGE_EXEC : 0);
  const stackBottom = space.mapStack(stackTop, stackSize, stackProtection);
  const stack = [stackBottom, stackTop] as const;

  const main = mapSegments(space, elf, pieBase(personality.machine), stack);
  space.setBrkStart(main.end);
  const linker = interpreter === null ? null : mapSegments(space, interpreter, 0, stack);
  const entry = (linker ?? main).entry;
  if (entry >= space.limit) {
    throw new LoadError(program.path, "ENOEXEC", `its first instruction would be at 0x${entry.toString(16)}`);
  }

  const { hwcap, hwcap2, platform, basePlatform } = options.processor;
  const names = {
    ...(platform === undefined ? {} : { platform }),
    ...(basePlatform === undefined ? {} : { basePlatform }),
  };
  const { uid, euid, gid, egid } = options.identity;
  const initial = writeInitialStack(space, program.path, {
    top: stackTop,
    size: stackSize,
    execFileName: program.execFileName,
    argv: program.argv,
    envp: program.envp,
    random: options.random,
    platform: names,
    // In the order of Linux's create_elf_tables.
    auxv: (at) => [
      ...(options.vdso === undefined ? [] : [[AT.SYSINFO_EHDR, options.vdso] as const]),
      [AT.HWCAP, hwcap],
      [AT.PAGESZ, PAGE_SIZE],
      [AT.CLKTCK, CLOCK_TICKS],
      [AT.PHDR, main.programHeaders],
      [AT.PHENT, PROGRAM_HEADER_BYTES],
      [AT.PHNUM, elf.segments.length],
      [AT.BASE, linker?.bias ?? 0],
      [AT.FLAGS, 0],
      [AT.ENTRY, main.entry],
      [AT.UID, uid],
      [AT.EUID, euid],
      [AT.GID, gid],
      [AT.EGID, egid],
      [AT.SECURE, uid !== euid || gid !== egid ? 1 : 0],
      [AT.RANDOM, at("random")],
      ...(hwcap2 === undefined ? [] : [[AT.HWCAP2, hwcap2] as const]),
      [AT.EXECFN, at("execFileName")],
      ...(platform === undefined ? [] : [[AT.PLATFORM, at("platform")] as const]),
      ...(basePlatform === undefined ? [] : [[AT.BASE_PLATFORM, at("basePlatform")] as const]),
    ],
  });
  return {
    personality,
    entry,
    stackPointer: initial.stackPointer,
    brk: main.end,
    loadBias: main.bias,
    ...(linker === null ? {} : { interpreterBase: linker.bias }),
    auxv: initial.auxv,
    path: program.path,
    code: main.code,
    data: main.data,
    arguments: initial.arguments,
    environment: initial.environment,
    stackTop,
  };
}
