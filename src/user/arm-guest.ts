/** ARM guests: EABI programs, hard float or soft. */
import { armIsa } from "../cpu/arm/isa.ts";
import { FEATURES } from "../cpu/arm/models.ts";
import type { ArmModel } from "../cpu/arm/models.ts";
import { EXCLUSIVE_ADDRESS, ITSTATE, NO_EXCLUSIVE, readCpsr, writeCpsr } from "../cpu/arm/registers.ts";
import { readFpscr, resetVfp, writeFpscr } from "../cpu/arm/vfp.ts";
import { armEabi } from "../syscalls/index.ts";
import { PC } from "../translate/layout.ts";
import { TranslationCache } from "../translate/translation-cache.ts";
import { armProcessor } from "./arm-processor.ts";
import { vectorsPage } from "./arm-vectors.ts";
import { slotOffsets } from "./guest.ts";
import type { Guest } from "./guest.ts";

const USER_MODE = 0x10;

export function armGuest(model: ArmModel, translateAfter?: number): Guest {
  const features = FEATURES[model];
  const sixteen = !features.has("neon");
  const isa = armIsa({ cpu: model });
  const slotOffset = slotOffsets(isa);
  const { machine, cpuinfo, ...processor } = armProcessor(model);
  const status = { readCpsr, writeCpsr, readFpscr, writeFpscr, doubles: sixteen ? 16 : 32 };
  const abi = armEabi({ machine, slotOffset, pcOffset: PC, status, noReservation: NO_EXCLUSIVE });
  return {
    isa,
    abi,
    translations: new TranslationCache(translateAfter),
    processor,
    cpuinfo,
    trampolinesName: "[sigpage]",
    kernelPages: [vectorsPage(features)],
    reset(registers, { stackPointer, entry }) {
      writeCpsr(registers, USER_MODE);
      resetVfp(registers, { sixteen });
      registers.setUint32(EXCLUSIVE_ADDRESS.offset, NO_EXCLUSIVE, true);
      registers.setUint32(slotOffset("sp"), stackPointer, true);
      registers.setUint32(PC, entry, true);
    },
    dropReservation: (registers) => registers.setUint32(EXCLUSIVE_ADDRESS.offset, NO_EXCLUSIVE, true),
    // At an IT instruction: it was the first of its block, as those behind it report themselves.
    faultPlace(registers, code, pc) {
      if ((pc & 1) === 0 || registers.getInt32(ITSTATE.offset, true) !== 0) return pc;
      const { block, word } = isa.decode(code, pc, isa.mode(registers));
      if (block === undefined) return pc;
      registers.setInt32(ITSTATE.offset, word & 0xff, true);
      registers.setUint32(PC, block[0]!.pc, true);
      return block[0]!.pc;
    },
    dataAddress: () => null,
  };
}
