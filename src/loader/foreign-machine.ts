/** Names for programs that babelf does not run, so that the refusal says what the file is. */
import elfy from "elfy";

/** e_machine (System V ABI, and the registry that followed it) with the name that people know. */
const MACHINES: Readonly<Record<number, string>> = {
  2: "SPARC",
  3: "x86 (i386)",
  4: "Motorola 68000",
  8: "MIPS",
  15: "HP PA-RISC",
  20: "PowerPC",
  21: "PowerPC 64",
  22: "IBM S/390",
  40: "ARM",
  42: "SuperH",
  43: "SPARC V9",
  50: "IA-64",
  62: "x86-64",
  92: "OpenRISC",
  93: "ARC",
  94: "Xtensa",
  164: "Hexagon",
  183: "AArch64",
  189: "MicroBlaze",
  243: "RISC-V",
  247: "BPF",
  252: "C-SKY",
  258: "LoongArch",
  0x9026: "Alpha",
};

export const EM_MIPS = 8;
export const EM_ARM = 40;
export const SUPPORTED = "babelf runs 32-bit MIPS (o32) and little-endian ARM (EABI)";

/** Why a file of this machine, class and byte order cannot be run; null: it is for us. */
export function foreignMachine(machine: number, wide: boolean, little: boolean): string | null {
  if (machine === EM_MIPS && !wide) return null;
  if (machine === EM_ARM && !wide && little) return null;
  const name = MACHINES[machine] ?? elfyName(machine) ?? `an unknown processor (e_machine ${machine})`;
  if (machine === EM_MIPS) return `built for 64-bit MIPS (n64); ${SUPPORTED}`;
  return `built for ${name}${machine === EM_ARM && !little ? ", big-endian" : ""}; ${SUPPORTED}`;
}

function elfyName(machine: number): string | undefined {
  const name = elfy.constants.machine[machine];
  return name === undefined || /^(unknown\d+|none|num)$/.test(name) ? undefined : name;
}
