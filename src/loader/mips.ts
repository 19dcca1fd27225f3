/**
 * What the MIPS o32 ABI adds to ELF: e_flags, the ABI flags record and the choice of the floating-point mode.
 * Sources: System V ABI MIPS supplement; "MIPS O32 ABI - FR0 and FR1 Interlinking"; behaviour of Linux arch/mips.
 */
import { type ElfFile, PT_MIPS_ABIFLAGS, segmentBytes } from "./elf-file.ts";
import { LoadError } from "./error.ts";
import { SUPPORTED } from "./foreign-machine.ts";
import type { MipsFloatMode } from "./image.ts";

const EF_ABI2 = 0x00000020;
const EF_FP64 = 0x00000200;
const EF_NAN2008 = 0x00000400;
const EF_ABI = 0x0000f000;
const EF_ABI_O32 = 0x00001000;
const EF_MICROMIPS = 0x02000000;
const EF_ARCH_SHIFT = 28;

/** e_flags bits 28 to 31 that name release 6. */
const RELEASE_6 = new Set([9, 10]);
const OTHER_ABIS: Readonly<Record<number, string>> = { 2: "o64", 3: "EABI32", 4: "EABI64" };

/** The Val_GNU_MIPS_ABI_FP_* values: what the code needs of the floating-point unit. */
const FLOAT_ABIS = [
  // any: code without floating-point arguments
  { single: true, soft: true, fr1: true, frDefault: true, fre: true },
  // double: -mfp32
  { single: false, soft: false, fr1: false, frDefault: true, fre: true },
  // single
  { single: true, soft: false, fr1: false, frDefault: false, fre: false },
  // soft
  { single: false, soft: true, fr1: false, frDefault: false, fre: false },
  // old 64: -mips32r2 -mfp64 of old compilers
  { single: false, soft: false, fr1: true, frDefault: false, fre: false },
  // xx: runs in either mode
  { single: false, soft: false, fr1: true, frDefault: true, fre: true },
  // 64
  { single: false, soft: false, fr1: true, frDefault: false, fre: false },
  // 64A: 64 without odd single registers
  { single: false, soft: false, fr1: true, frDefault: false, fre: true },
] as const;
const FLOAT_DOUBLE = 1;
const FLOAT_OLD_64 = 4;
type FloatNeeds = Record<keyof (typeof FLOAT_ABIS)[number], boolean>;

const ABIFLAGS_BYTES = 24;
const ABIFLAGS_ISA_RELEASE = 3;
const ABIFLAGS_FLOAT = 7;

/** Refuses what cannot run on a MIPS32 release 2 processor under o32. */
export function checkMips(elf: ElfFile): void {
  const refuse = (reason: string): never => {
    throw new LoadError(elf.path, "ENOEXEC", reason);
  };
  const { flags } = elf;
  if ((flags & EF_ABI2) !== 0) refuse(`built for the MIPS n32 ABI; ${SUPPORTED}`);
  const abi = flags & EF_ABI;
  if (abi !== 0 && abi !== EF_ABI_O32) {
    refuse(`built for the MIPS ${OTHER_ABIS[abi >>> 12] ?? `ABI ${abi >>> 12}`} ABI; ${SUPPORTED}`);
  }
  if (RELEASE_6.has(flags >>> EF_ARCH_SHIFT)) refuse("built for MIPS release 6; babelf runs releases 1 and 2");
  if ((flags & EF_MICROMIPS) !== 0) refuse("built for microMIPS; babelf runs plain MIPS32 code");
  if ((flags & EF_NAN2008) !== 0) refuse("built for NaNs after IEEE 754-2008; babelf has the legacy MIPS encoding");
  if ((elf.entry & 1) !== 0) refuse("its first instruction is MIPS16 or microMIPS; babelf runs plain MIPS32 code");
}

/** FR=0 or FR=1, as Linux chooses it on a release 2 processor whose FPU has 64-bit registers. */
export function mipsFloatMode(program: ElfFile, interpreter: ElfFile | null): MipsFloatMode {
  const needs: FloatNeeds = { ...FLOAT_ABIS[floatAbi(program)]! };
  if (interpreter !== null) {
    const other = FLOAT_ABIS[floatAbi(interpreter)]!;
    for (const key of Object.keys(needs) as (keyof FloatNeeds)[]) needs[key] &&= other[key];
  }
  if (needs.fr1) return "fr1";
  if (needs.single && !needs.frDefault) return "fr1";
  if (needs.fre && !needs.frDefault) throw new LoadError(program.path, "ELIBBAD", "needs the FRE floating-point mode");
  if (!needs.frDefault && !needs.soft) {
    throw new LoadError(program.path, "ELIBBAD", "program and dynamic linker disagree about floating-point registers");
  }
  return "fr0";
}

function floatAbi(elf: ElfFile): number {
  const segment = elf.segments.find((each) => each.type === PT_MIPS_ABIFLAGS);
  // Without the record: 32-bit registers, unless the old flag says otherwise.
  if (segment === undefined) return (elf.flags & EF_FP64) !== 0 ? FLOAT_OLD_64 : FLOAT_DOUBLE;
  const bytes = segment.fileSize < ABIFLAGS_BYTES ? null : segmentBytes(elf, segment, ABIFLAGS_BYTES);
  if (bytes === null) throw new LoadError(elf.path, "ENOEXEC", "the MIPS ABI flags are cut off");
  if (bytes[ABIFLAGS_ISA_RELEASE]! >= 6) {
    throw new LoadError(elf.path, "ENOEXEC", "built for MIPS release 6; babelf runs releases 1 and 2");
  }
  const abi = bytes[ABIFLAGS_FLOAT]!;
  if (abi >= FLOAT_ABIS.length) throw new LoadError(elf.path, "ENOEXEC", `unknown floating-point ABI ${abi}`);
  return abi;
}
