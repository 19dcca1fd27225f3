/** Which processor and which ABI a program gets. The one place that knows every guest architecture by name. */
import type { CodeReader, Isa } from "../cpu/isa.ts";
import { resetFpu, readFcsr, writeFcsr } from "../cpu/mips/fpu-state.ts";
import { mipsIsa } from "../cpu/mips/isa.ts";
import { LL_ADDRESS, NO_RESERVATION } from "../cpu/mips/registers.ts";
import type { Personality, ProcessImage } from "../loader/index.ts";
import { mipsO32 } from "../syscalls/index.ts";
import type { Abi } from "../syscalls/index.ts";
import { PC } from "../translate/layout.ts";
import { TranslationCache } from "../translate/translation-cache.ts";

export interface Guest {
  readonly isa: Isa;
  readonly abi: Abi;
  /** Compiled code, shared by every process on such a CPU. */
  readonly translations: TranslationCache;
  /** Puts the registers as execve(2) leaves them into the CPU-state memory, which is all zero. */
  reset(registers: DataView, image: ProcessImage): void;
  /** The data address of the instruction at `pc`, where the host's trap did not tell it; null: none. May throw what `code` throws. */
  dataAddress(registers: DataView, code: CodeReader, pc: number): number | null;
}

/** CPU models by the name that `--cpu` takes; the first is the default. */
export const CPU_MODELS: Readonly<Record<string, { readonly release: 1 | 2 }>> = {
  "24Kf": { release: 2 },
  "4Kc": { release: 1 },
};

/** Offsets of an ISA's slots by name. Throws for a name that it does not have: a mistake in the ABI. */
function slotOffsets(isa: Isa): (name: string) => number {
  const offsets = new Map(isa.slots.map((slot) => [slot.name, slot.offset]));
  return (name) => {
    const offset = offsets.get(name);
    if (offset === undefined) throw new Error(`${isa.name} has no register "${name}"`);
    return offset;
  };
}

/** Guests are tables without state, and a cache of compiled code: made once, used by every run. */
const guests = new Map<string, Guest>();

export function guestFor(personality: Personality, cpu = "24Kf"): Guest {
  const key = `${personality.machine} ${personality.endian} ${cpu}`;
  let guest = guests.get(key);
  if (guest === undefined || guest.translations.isFull) guests.set(key, (guest = mipsGuest(personality.endian === "little", cpu)));
  return guest;
}

function mipsGuest(littleEndian: boolean, cpu: string): Guest {
  const isa = mipsIsa({ littleEndian, release: CPU_MODELS[cpu]?.release ?? 2 });
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
    translations: new TranslationCache(),
    reset(registers, image) {
      resetFpu(registers, { fr: image.personality.floatMode === "fr1", nan2008: false });
      registers.setUint32(LL_ADDRESS.offset, NO_RESERVATION, true);
      registers.setUint32(slotOffset("sp"), image.stackPointer, true);
      registers.setUint32(PC, image.entry, true);
    },
    dataAddress: (registers, code, pc) =>
      mipsDataAddress((n) => (n === 0 ? 0 : registers.getUint32(slotOffset("at") + 4 * (n - 1), true)), code, pc),
  };
}

/** Opcodes of loads and stores with a base register and a 16-bit offset: from LB to SDC2 (MIPS32 AFP vol II-A, table A.2). */
const FIRST_LOAD = 0x20;
const OPCODE_COP1X = 0x13;

/**
 * The address that the load or store at `pc` accesses, from the registers as they are; null where there is none. For a
 * branch it is its delay slot's.
 */
function mipsDataAddress(gpr: (n: number) => number, code: CodeReader, pc: number): number | null {
  for (const word of [code.read32(pc), code.read32(pc + 4)]) {
    const opcode = word >>> 26;
    const base = gpr((word >>> 21) & 31);
    if (opcode >= FIRST_LOAD) return (base + ((word << 16) >> 16)) >>> 0;
    if (opcode === OPCODE_COP1X) return (base + gpr((word >>> 16) & 31)) >>> 0;
  }
  return null;
}
