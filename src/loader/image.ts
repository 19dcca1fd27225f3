/** What the loader is asked for and what it gives back. */
import type { ElfFile } from "./elf-file.ts";
import type { OpenProgramFile } from "./program-file.ts";

/** A C string: text (sent as UTF-8) or raw bytes without the final 0. */
export type CString = string | Uint8Array;

export interface ProgramRequest {
  /** Where the program is, as the guest sees it; becomes AT_EXECFN. */
  readonly path: string;
  readonly argv: readonly CString[];
  readonly envp: readonly CString[];
  readonly open: OpenProgramFile;
}

/** Floating-point registers: 16 doubles in even pairs (`fr0`) or 32 doubles (`fr1`). `soft` programs use neither. */
export type MipsFloatMode = "fr0" | "fr1";

interface AnyPersonality {
  /** The stack is executable, and so is every page that mmap(2) makes readable (READ_IMPLIES_EXEC). */
  readonly executableStack: boolean;
}
export interface MipsPersonality extends AnyPersonality {
  readonly machine: "mips";
  readonly endian: "little" | "big";
  readonly floatMode: MipsFloatMode;
}
export interface ArmPersonality extends AnyPersonality {
  readonly machine: "arm";
  readonly endian: "little";
}

/** What the program takes for granted about the processor: it selects the ISA, its mode and the system-call ABI. */
export type Personality = MipsPersonality | ArmPersonality;
export type Machine = Personality["machine"];

/** What the auxiliary vector tells of the processor (man 3 getauxval). */
export interface ProcessorFacts {
  /** AT_HWCAP */
  readonly hwcap: number;
  /** AT_HWCAP2, where the architecture has it. */
  readonly hwcap2?: number;
  /** AT_PLATFORM: what $PLATFORM in library paths stands for. */
  readonly platform?: string;
  /** AT_BASE_PLATFORM */
  readonly basePlatform?: string;
}

/** Where things lie in a guest's address space; the `AddressSpace` is to be made with these. */
export interface AddressLayout {
  /** First address that the guest cannot use (Linux: TASK_SIZE). */
  readonly limit: number;
  readonly stackTop: number;
  /** Bytes reserved for the stack, from `stackTop` downwards. */
  readonly stackSize: number;
  /** Mappings without a place go below it, downwards. */
  readonly mmapBase: number;
}

/** The program and its interpreter, checked and ready to be mapped: nothing of the old process was touched yet. */
export interface Program {
  readonly personality: Personality;
  /** The file that is mapped: the interpreter's for a `#!` script, else `request.path`. */
  readonly path: string;
  /** `request.path`: AT_EXECFN. */
  readonly execFileName: string;
  readonly elf: ElfFile;
  /** The dynamic linker (PT_INTERP), or null. */
  readonly interpreter: ElfFile | null;
  /** argv as the program will see it (a `#!` line puts words in front). */
  readonly argv: readonly CString[];
  readonly envp: readonly CString[];
}

export interface Identity {
  readonly uid: number;
  readonly euid: number;
  readonly gid: number;
  readonly egid: number;
}

export interface LoadOptions {
  readonly processor: ProcessorFacts;
  readonly identity: Identity;
  /** Sixteen bytes for AT_RANDOM (stack protector, pointer guard). */
  readonly random: Uint8Array;
  /** RLIMIT_STACK in bytes; how far the stack may grow. */
  readonly stackLimit: number;
  /** Guest address of a mapped vDSO's ELF header, if the ABI has one. */
  readonly vdso?: number;
}

/** A mapped process, ready for its first instruction. Addresses are guest addresses as unsigned numbers. */
export interface ProcessImage {
  readonly personality: Personality;
  /** First instruction: the interpreter's entry if there is one, else the program's. */
  readonly entry: number;
  /** Initial stack pointer; `argc` lies there. */
  readonly stackPointer: number;
  /** First byte past the program's bss, page-aligned: where brk(2) starts. */
  readonly brk: number;
  /** Where the program was put, less its link address (0 for ET_EXEC), and the interpreter's (undefined: none). */
  readonly loadBias: number;
  readonly interpreterBase?: number;
  /** [type, value] pairs as they stand on the stack, AT_NULL last. */
  readonly auxv: readonly (readonly [number, number])[];
  /** The file that was mapped, as the guest sees it: /proc/self/exe. */
  readonly path: string;
  /** Ranges for /proc/self/stat and /proc/self/cmdline and environ: [start, end). */
  readonly code: readonly [number, number];
  readonly data: readonly [number, number];
  readonly arguments: readonly [number, number];
  readonly environment: readonly [number, number];
  readonly stackTop: number;
}
