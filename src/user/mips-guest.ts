/** MIPS guests: o32 programs on a Malta board. */
import type { CodeReader } from "../cpu/isa.ts";
import { resetFpu, readFcsr, writeFcsr } from "../cpu/mips/fpu-state.ts";
import { mipsIsa } from "../cpu/mips/isa.ts";
import { LL_ADDRESS, NO_RESERVATION } from "../cpu/mips/registers.ts";
import { mipsO32 } from "../syscalls/index.ts";
import { PC } from "../translate/layout.ts";
import { TranslationCache } from "../translate/translation-cache.ts";
import { MIPS_MODELS } from "./cpu-models.ts";
import type { MipsModel } from "./cpu-models.ts";
import { slotOffsets } from "./guest.ts";
import type { Guest } from "./guest.ts";

export function mipsGuest(model: MipsModel, littleEndian: boolean, translateAfter?: number): Guest {
  const { release } = MIPS_MODELS[model];
  const isa = mipsIsa({ littleEndian, release });
  const slotOffset = slotOffsets(isa);
  const abi = mipsO32({
    littleEndian,
    slotOffset,
    pcOffset: PC,
    control: { read: readFcsr, write: writeFcsr },
    noReservation: NO_RESERVATION,
  });
  return {
    isa,
    abi,
    translations: new TranslationCache(translateAfter),
    // No HWCAP bits: no release 6, MSA or other extension. No AT_PLATFORM either.
    processor: { hwcap: 0, basePlatform: release === 2 ? "mips32r2" : "mips32" },
    cpuinfo: cpuinfo(model),
    trampolinesName: "[vdso]",
    kernelPages: [],
    reset(registers, { personality, stackPointer, entry }) {
      const fr = personality.machine === "mips" && personality.floatMode === "fr1";
      resetFpu(registers, { fr, nan2008: false });
      registers.setUint32(LL_ADDRESS.offset, NO_RESERVATION, true);
      registers.setUint32(slotOffset("sp"), stackPointer, true);
      registers.setUint32(PC, entry, true);
    },
    dropReservation: (registers) => registers.setUint32(LL_ADDRESS.offset, NO_RESERVATION, true),
    dataAddress: (registers, code, pc) =>
      dataAddress((n) => (n === 0 ? 0 : registers.getUint32(slotOffset("at") + 4 * (n - 1), true)), code, pc),
  };
}

/** Opcodes of loads and stores with a base register and a 16-bit offset: from LB to SDC2 (MIPS32 AFP vol II-A, table A.2). */
const FIRST_LOAD = 0x20;
const OPCODE_COP1X = 0x13;

/**
 * The address that the load or store at `pc` accesses, from the registers as they are; null where there is none. For a
 * branch it is its delay slot's.
 */
function dataAddress(gpr: (n: number) => number, code: CodeReader, pc: number): number | null {
  for (const word of [code.read32(pc), code.read32(pc + 4)]) {
    const opcode = word >>> 26;
    const base = gpr((word >>> 21) & 31);
    if (opcode >= FIRST_LOAD) return (base + ((word << 16) >> 16)) >>> 0;
    if (opcode === OPCODE_COP1X) return (base + gpr((word >>> 16) & 31)) >>> 0;
  }
  return null;
}

/** As Linux prints it for a Malta board's processor (arch/mips/kernel/proc.c). */
function cpuinfo(model: MipsModel): string {
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
