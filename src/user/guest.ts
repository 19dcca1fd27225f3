/** What the machine needs to know of a guest: its processor, its ABI, and what its kernel shows of both. */
import type { CodeReader, Isa } from "../cpu/isa.ts";
import type { ProcessImage, ProcessorFacts } from "../loader/index.ts";
import type { Abi } from "../syscalls/index.ts";
import type { TranslationCache } from "../translate/translation-cache.ts";

/** A page that the kernel maps into every program, readable and executable. */
export interface KernelPage {
  /** As /proc/self/maps names it. */
  readonly name: string;
  readonly address: number;
  readonly bytes: Uint8Array;
}

export interface Guest {
  readonly isa: Isa;
  readonly abi: Abi;
  /** Compiled code, shared by every process on such a CPU. */
  readonly translations: TranslationCache;
  readonly processor: ProcessorFacts;
  /** /proc/cpuinfo */
  readonly cpuinfo: string;
  /** The name of the page with the signal trampolines. */
  readonly trampolinesName: string;
  /** Pages at addresses that the architecture fixes. */
  readonly kernelPages: readonly KernelPage[];
  /** Puts the registers as execve(2) leaves them into the CPU-state memory, which is all zero. */
  reset(registers: DataView, image: ProcessImage): void;
  /** Forgets a load-linked or exclusive load: another task comes onto the processor. */
  dropReservation(registers: DataView): void;
  /**
   * The translator reports an exception at the start of what it translates as one instruction. Where that is several of
   * the guest's, this says at which it was, and makes CPU state fit. May throw what `code` throws.
   */
  faultPlace?(registers: DataView, code: CodeReader, pc: number): number;
  /** The data address of the instruction at `pc`, where the host's trap did not tell it; null: none. May throw what `code` throws. */
  dataAddress(registers: DataView, code: CodeReader, pc: number): number | null;
}

/** Offsets of an ISA's slots by name. Throws for a name that it does not have: a mistake in the ABI. */
export function slotOffsets(isa: Isa): (name: string) => number {
  const offsets = new Map(isa.slots.map((slot) => [slot.name, slot.offset]));
  return (name) => {
    const offset = offsets.get(name);
    if (offset === undefined) throw new Error(`${isa.name} has no register "${name}"`);
    return offset;
  };
}
