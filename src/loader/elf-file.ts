/**
 * An ELF file's header and program headers (System V ABI, chapters 4 and 5), checked. Section headers are never looked
 * at: a program runs without them. `elfy` reads the fields, and is given only bytes whose bounds were checked here.
 */
import elfy from "elfy";
import { LoadError } from "./error.ts";
import { foreignMachine } from "./foreign-machine.ts";
import type { ProgramFile } from "./program-file.ts";

const HEADER_BYTES = 52;
const PROGRAM_HEADER_BYTES = 32;
/** Linux reads at most 64 KiB of program headers. */
const MAX_PROGRAM_HEADER_BYTES = 65536;
const IDENT_CLASS = 4;
const IDENT_DATA = 5;
const IDENT_VERSION = 6;
const IDENT_BYTES = 16;
const OFFSET_MACHINE = 18;

/** Program-header types (p_type) that matter here. */
export const PT_LOAD = 1;
export const PT_INTERP = 3;
export const PT_TLS = 7;
export const PT_GNU_STACK = 0x6474e551;
export const PT_MIPS_ABIFLAGS = 0x70000003;

export interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  readonly align: number;
}

export interface ElfFile {
  readonly path: string;
  readonly file: ProgramFile;
  readonly endian: "little" | "big";
  /** e_machine */
  readonly machine: number;
  /** ET_EXEC: linked for a fixed place. ET_DYN: goes anywhere (a PIE, a dynamic linker). */
  readonly fixed: boolean;
  readonly entry: number;
  /** e_flags */
  readonly flags: number;
  /** e_phoff */
  readonly programHeaderOffset: number;
  /** Every program header, in the file's order. */
  readonly segments: readonly Segment[];
}

const MAGIC = [0x7f, 0x45, 0x4c, 0x46];
export function isElf(start: Uint8Array): boolean {
  return MAGIC.every((byte, i) => start[i] === byte);
}

/** Reads and checks the headers. Throws `LoadError`. */
export function readElf(path: string, file: ProgramFile): ElfFile {
  const refuse = (reason: string): never => {
    throw new LoadError(path, "ENOEXEC", reason);
  };
  const start = buffer(file.read(0, HEADER_BYTES));
  if (start.length < IDENT_BYTES) return refuse("the ELF header is cut off");
  const data = start[IDENT_DATA];
  if (data !== 1 && data !== 2) return refuse(`not a valid ELF file: byte order ${data}`);
  const wide = start[IDENT_CLASS] === 2;
  if (start[IDENT_CLASS] !== 1 && !wide) return refuse(`not a valid ELF file: class ${start[IDENT_CLASS]}`);
  if (start.length < HEADER_BYTES) return refuse("the ELF header is cut off");
  // e_machine stands at the same place in both classes: say what the file is before anything else.
  const little = data === 1;
  const machine = little ? start.readUInt16LE(OFFSET_MACHINE) : start.readUInt16BE(OFFSET_MACHINE);
  const foreign = foreignMachine(machine, wide, little);
  if (foreign !== null) return refuse(foreign);
  if (start[IDENT_VERSION] !== 1) return refuse(`not a valid ELF file: version ${start[IDENT_VERSION]}`);

  const parser = new elfy.Parser();
  const header = parser.parseHeader(start);
  if (header.type !== "exec" && header.type !== "dyn") {
    if (header.type === "rel") return refuse("an object file (.o), not a program; link it first");
    if (header.type === "core") return refuse("a core dump, not a program");
    return refuse("not a valid ELF program: unknown e_type");
  }
  if (header.phnum === 0) return refuse("not a program: it has no program headers");
  if (header.phentsize !== PROGRAM_HEADER_BYTES) {
    return refuse(`not a valid ELF file: program headers of ${header.phentsize} bytes`);
  }
  const tableBytes = header.phnum * PROGRAM_HEADER_BYTES;
  if (tableBytes > MAX_PROGRAM_HEADER_BYTES) return refuse(`not a valid ELF file: ${header.phnum} program headers`);
  const table = buffer(file.read(header.phoff, tableBytes));
  if (table.length < tableBytes) return refuse("cut off: the program headers lie past the end of the file");

  const nothing = Buffer.alloc(0);
  const segments: Segment[] = [];
  for (let at = 0; at < tableBytes; at += PROGRAM_HEADER_BYTES) {
    const entry = table.subarray(at, at + PROGRAM_HEADER_BYTES);
    const program = parser.parseProgram(entry, header, nothing);
    segments.push({
      // elfy names only the types that it knows
      type: parser.readUInt32(entry, 0),
      offset: program.offset,
      address: program.vaddr,
      fileSize: program.filesz,
      memorySize: program.memsz,
      readable: program.flags.r === true,
      writable: program.flags.w === true,
      executable: program.flags.x === true,
      align: program.align,
    });
  }
  return {
    path,
    file,
    endian: little ? "little" : "big",
    machine,
    fixed: header.type === "exec",
    entry: header.entry,
    flags: header.flags >>> 0,
    programHeaderOffset: header.phoff,
    segments,
  };
}

/** The bytes of a segment that a reader of headers needs (PT_INTERP …); null where they are not in the file. */
export function segmentBytes(elf: ElfFile, segment: Segment, length: number): Buffer | null {
  const bytes = buffer(elf.file.read(segment.offset, length));
  return bytes.length < length ? null : bytes;
}

function buffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
