/**
 * MIPS o32: number in v0, arguments in a0 to a3 and then on the stack from sp+16 (the caller's argument slots), result
 * in v0 with a3 as error flag. (System V ABI MIPS Processor Supplement; Linux: arch/mips/kernel/scall32-o32.S.)
 */
import type { Errno } from "../../kernel/errno.ts";
import type { GuestMemory } from "../../memory/guest-memory.ts";
import type { Abi, SlotOffset } from "./abi.ts";
import { constantSets } from "./constants.ts";
import { MIPS_CONSTANTS } from "./mips-constants.ts";
import { O32_FIRST, O32_NUMBERS } from "./mips-o32-numbers.ts";
import type { FloatControl } from "./mips-exceptions.ts";
import { mipsO32Signals } from "./mips-o32-signal-frame.ts";
import { MIPS_BIG_ENDIAN_FIELDS, MIPS_FIELDS } from "./mips-structs.ts";
import { layOut } from "./structs.ts";

/** Argument slots in the caller's frame for a0 to a3, which the caller does not fill. */
const STACK_ARGUMENTS = 16;

export interface O32Options {
  readonly littleEndian: boolean;
  /** Where the ISA keeps a register ("v0", "a0" …, "sp"). */
  readonly slotOffset: SlotOffset;
  /** Where the task's program counter is. */
  readonly pcOffset: number;
  /** The floating-point control register as one word. */
  readonly control: FloatControl;
  /** A value for "lladdr" that no `sc` matches. */
  readonly noReservation: number;
}

export function mipsO32(options: O32Options): Abi {
  const { littleEndian, slotOffset, pcOffset } = options;
  const v0 = slotOffset("v0");
  const v1 = slotOffset("v1");
  const a0 = slotOffset("a0");
  const a1 = slotOffset("a1");
  const a2 = slotOffset("a2");
  const a3 = slotOffset("a3");
  const sp = slotOffset("sp");
  const userLocal = slotOffset("userlocal");
  const statusFr = slotOffset("status.fr");
  const model = { littleEndian, word: 4, alignmentOf64: 8 } as const;

  return {
    ...model,
    name: "mips o32",
    machine: "mips",
    architecture: "mips",
    numbers: O32_NUMBERS,
    rowNames: new Map(),
    firstNumber: O32_FIRST,
    pairsAligned: true,
    registerArguments: 4,
    constants: constantSets(MIPS_CONSTANTS),
    structs: layOut(model, littleEndian ? MIPS_FIELDS : MIPS_BIG_ENDIAN_FIELDS),
    signals: mipsO32Signals(options),
    sharedMemoryBoundary: 0x40000,
    rlimInfinity: 0x7fffffff,
    indirectNumber: O32_FIRST,

    syscallNumber: (registers) => registers.getInt32(v0, true),
    argument(registers: DataView, memory: GuestMemory, index: number): number {
      switch (index) {
        case 0:
          return registers.getInt32(a0, true);
        case 1:
          return registers.getInt32(a1, true);
        case 2:
          return registers.getInt32(a2, true);
        case 3:
          return registers.getInt32(a3, true);
        default:
          return memory.readS32(registers.getInt32(sp, true) + STACK_ARGUMENTS + 4 * (index - 4));
      }
    },
    succeed(registers, result) {
      registers.setInt32(v0, result, true);
      registers.setInt32(a3, 0, true);
    },
    succeedWide(registers, result) {
      const low = Number(BigInt.asIntN(32, result));
      const high = Number(BigInt.asIntN(32, result >> 32n));
      registers.setInt32(v0, littleEndian ? low : high, true);
      registers.setInt32(v1, littleEndian ? high : low, true);
      registers.setInt32(a3, 0, true);
    },
    fail(registers: DataView, error: Errno) {
      registers.setInt32(v0, error.mips, true);
      registers.setInt32(a3, 1, true);
    },
    errnoNumber: (error) => error.mips,
    secondResult: (registers, value) => registers.setInt32(v1, value, true),
    setThreadPointer: (registers, pointer) => registers.setInt32(userLocal, pointer, true),
    threadPointer: (registers) => registers.getInt32(userLocal, true),
    fpMode: {
      get: (registers) => registers.getInt32(statusFr, true),
      set(registers, mode) {
        // PR_FP_MODE_FRE (singles of a 32-bit model trapped and emulated) is for hardware without FR = 0.
        if ((mode & ~1) !== 0) return false;
        registers.setInt32(statusFr, mode, true);
        return true;
      },
    },
    stackPointer: (registers) => registers.getUint32(sp, true),
    setStackPointer: (registers, address) => registers.setUint32(sp, address, true),
    cloneTlsFirst: true,
    rewind(registers) {
      registers.setInt32(pcOffset, registers.getInt32(pcOffset, true) - 4, true);
    },
  };
}
