/** The first half of execve(2): finds and checks the program, its `#!` interpreter and its dynamic linker. */
import { checkArm } from "./arm.ts";
import { type ElfFile, isElf, PT_GNU_STACK, PT_INTERP, readElf, segmentBytes } from "./elf-file.ts";
import { LoadError, type LoadErrno } from "./error.ts";
import { EM_ARM } from "./foreign-machine.ts";
import type { CString, Personality, Program, ProgramRequest } from "./image.ts";
import { checkMips, mipsFloatMode } from "./mips.ts";
import type { OpenProgramFile, ProgramFile } from "./program-file.ts";
import { parseScriptLine, SCRIPT_LINE_BYTES } from "./script.ts";

/** Scripts may name scripts as interpreters this often (Linux: five rewrites end in ELOOP). */
const MAX_SCRIPTS = 4;
const PATH_MAX = 4096;
/** One string of argv or envp: MAX_ARG_STRLEN, 32 pages, with its final 0. */
const MAX_STRING_BYTES = 131072;

/** Finds, reads and checks everything that a program needs to be mapped. Throws `LoadError`; touches no memory. */
export function readProgram(request: ProgramRequest): Program {
  if (request.path === "") throw new LoadError('""', "ENOENT", "not found");
  for (const string of [...request.argv, ...request.envp]) {
    if (string.length >= MAX_STRING_BYTES) throw new LoadError(request.path, "E2BIG", "an argument is too long");
  }
  // Linux 5.18 and later: a program never sees argc 0.
  let argv: readonly CString[] = request.argv.length === 0 ? [""] : request.argv;
  let path = request.path;
  let file = open(request.open, path, path);
  let start = file.read(0, SCRIPT_LINE_BYTES);
  for (let scripts = 0; start[0] === 0x23 && start[1] === 0x21; scripts++) {
    if (scripts === MAX_SCRIPTS) throw new LoadError(path, "ELOOP", "too many #! scripts that start each other");
    const line = parseScriptLine(start);
    if (line === null) throw new LoadError(path, "ENOEXEC", "its #! line names no interpreter");
    argv = [line.interpreter, ...(line.argument === null ? [] : [line.argument]), path, ...argv.slice(1)];
    const script = path;
    path = Buffer.from(line.interpreter).toString();
    file = open(request.open, path, script);
    start = file.read(0, SCRIPT_LINE_BYTES);
  }
  if (start.length === 0) throw new LoadError(path, "ENOEXEC", "the file is empty");
  if (!isElf(start)) throw new LoadError(path, "ENOEXEC", "neither an ELF program nor a #! script");

  const elf = readElf(path, file);
  checkMachine(elf);
  const interpreter = readInterpreter(request.open, elf);
  const stack = elf.segments.findLast((segment) => segment.type === PT_GNU_STACK);
  return {
    personality: personalityOf(elf, interpreter, stack === undefined || stack.executable),
    path,
    execFileName: request.path,
    elf,
    interpreter,
    argv,
    envp: request.envp,
  };
}

function checkMachine(elf: ElfFile): void {
  if (elf.machine === EM_ARM) checkArm(elf);
  else checkMips(elf);
}

function personalityOf(elf: ElfFile, interpreter: ElfFile | null, executableStack: boolean): Personality {
  if (elf.machine === EM_ARM) return { machine: "arm", endian: "little", executableStack };
  return { machine: "mips", endian: elf.endian, floatMode: mipsFloatMode(elf, interpreter), executableStack };
}

/** The dynamic linker that PT_INTERP names, or null. */
function readInterpreter(openFile: OpenProgramFile, elf: ElfFile): ElfFile | null {
  const segment = elf.segments.find((each) => each.type === PT_INTERP);
  if (segment === undefined) return null;
  const size = segment.fileSize;
  const bytes = size < 2 || size > PATH_MAX ? null : segmentBytes(elf, segment, size);
  if (bytes === null || bytes[size - 1] !== 0) {
    throw new LoadError(elf.path, "ENOEXEC", "the name of its dynamic linker (PT_INTERP) is damaged");
  }
  const path = bytes.subarray(0, bytes.indexOf(0)).toString();
  const file = open(openFile, path, elf.path);
  if (!isElf(file.read(0, 4)))
    throw new LoadError(elf.path, "ELIBBAD", `its dynamic linker ${path} is not an ELF file`);
  const interpreter = readElf(path, file);
  checkMachine(interpreter);
  if (interpreter.machine !== elf.machine) {
    throw new LoadError(elf.path, "ELIBBAD", `its dynamic linker ${path} is for another processor`);
  }
  if (interpreter.endian !== elf.endian) {
    throw new LoadError(elf.path, "ELIBBAD", `its dynamic linker ${path} has the other byte order`);
  }
  return interpreter;
}

const REASONS: Readonly<Partial<Record<LoadErrno, string>>> = {
  ENOENT: "not found",
  ENOTDIR: "not found (a part of the path is not a directory)",
  EACCES: "not an executable file (permission denied)",
  ELOOP: "too many symbolic links",
};

/** Opens `path`, which `wantedBy` needs (the same: it is the program itself). */
function open(openFile: OpenProgramFile, path: string, wantedBy: string): ProgramFile {
  try {
    return openFile(path);
  } catch (error) {
    if (error instanceof LoadError) throw error;
    const name = errnoName(error);
    if (name === null) throw error;
    const reason = REASONS[name as LoadErrno] ?? `cannot be opened (${name})`;
    if (path === wantedBy) throw new LoadError(path, name as LoadErrno, reason);
    const hint = name === "ENOENT" ? "; give the tree that it lies in with -L DIRECTORY" : "";
    throw new LoadError(wantedBy, name as LoadErrno, `needs ${path}: ${reason}${hint}`);
  }
}

/** The name of a kernel errno (kernel/errno.ts throws such objects). */
function errnoName(error: unknown): string | null {
  if (typeof error !== "object" || error === null) return null;
  for (const name of [(error as { name?: unknown }).name, (error as { code?: unknown }).code]) {
    if (typeof name === "string" && /^E[A-Z0-9]+$/.test(name)) return name;
  }
  return null;
}
