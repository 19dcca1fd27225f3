/** What ARM adds to ELF: e_flags and Thumb entry points (ELF for the ARM Architecture; Linux: arch/arm/kernel/elf.c). */
import type { ElfFile } from "./elf-file.ts";
import { LoadError } from "./error.ts";
import { SUPPORTED } from "./foreign-machine.ts";

const EF_ARM_BE8 = 0x00800000;
const EF_ARM_EABI_MASK = 0xff000000;
const EF_ARM_APCS_26 = 0x08;

/** Refuses what cannot run on a little-endian processor under the EABI. */
export function checkArm(elf: ElfFile): void {
  const refuse = (reason: string): never => {
    throw new LoadError(elf.path, "ENOEXEC", reason);
  };
  if ((elf.flags & EF_ARM_BE8) !== 0) refuse(`built for ARM, big-endian (BE8); ${SUPPORTED}`);
  const oldAbi = (elf.flags & EF_ARM_EABI_MASK) === 0;
  if (oldAbi && (elf.flags & EF_ARM_APCS_26) !== 0) refuse(`built for ARM with 26-bit addresses; ${SUPPORTED}`);
  // Bit 0 says Thumb; ARM code lies at multiples of four.
  if ((elf.entry & 3) === 2) refuse("not a valid ELF program: its first instruction is not aligned");
}
