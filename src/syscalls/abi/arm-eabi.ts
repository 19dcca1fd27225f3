/**
 * ARM EABI, little-endian: number in r7, arguments in r0 to r6 with 64-bit ones in even and odd pairs, result in r0, which
 * is -errno for an error. (Procedure Call Standard for the ARM Architecture; Linux: arch/arm/kernel/entry-common.S.)
 *
 * The number in the `svc` instruction itself is not looked at, as by a kernel without CONFIG_OABI_COMPAT (Debian's, and
 * every 64-bit kernel that runs ARM programs).
 */
import type { Errno } from "../../kernel/errno.ts";
import type { GuestMemory } from "../../memory/guest-memory.ts";
import type { Fields } from "../struct.ts";
import type { Abi, SlotOffset } from "./abi.ts";
import { ARM_CONSTANTS } from "./arm-constants.ts";
import { EABI_NUMBERS, EABI_ROWS } from "./arm-eabi-numbers.ts";
import { armSignals } from "./arm-signal-frame.ts";
import type { ArmStatus } from "./arm-signal-frame.ts";
import { constantSets } from "./constants.ts";
import { IPC_FIELDS } from "./ipc-structs.ts";
import { layOut } from "./structs.ts";

/** Arguments past these do not exist: no call of ours or of Linux's has more than six words. */
const ARGUMENT_REGISTERS = 7;

/** __kernel_mode_t has 16 bits (asm/posix_types.h). */
const shortMode = <F extends Fields<string>>(fields: F): F =>
  fields.flatMap((field) =>
    field[0] === "mode" ? [["mode", "u16"] as const, ["-", "u16"] as const] : [field],
  ) as unknown as F;
const FIELDS = {
  shmidDs: shortMode(IPC_FIELDS.shmidDs),
  semidDs: shortMode(IPC_FIELDS.semidDs),
  msqidDs: shortMode(IPC_FIELDS.msqidDs),
} as const;

/** Of all structs only this one is packed, to the size that it had in the old ABI (asm/statfs.h). */
const PACKED = ["statfs64"] as const;

export interface EabiOptions {
  /** uname(2)'s machine: "armv7l", "armv5tejl". */
  readonly machine: string;
  /** Where the ISA keeps a register: "r0" … "r9", "sl", "fp", "ip", "sp", "lr", "d0" … "d31", "tpidruro", "exaddr". */
  readonly slotOffset: SlotOffset;
  /** Where the task's program counter is; its bit 0 is set in Thumb code. */
  readonly pcOffset: number;
  readonly status: ArmStatus;
  /** A value for "exaddr" that no store-exclusive matches. */
  readonly noReservation: number;
}

export function armEabi(options: EabiOptions): Abi {
  const { slotOffset, pcOffset, machine } = options;
  const r0 = slotOffset("r0");
  const r7 = slotOffset("r7");
  const sp = slotOffset("sp");
  const threadPointer = slotOffset("tpidruro");
  const model = { littleEndian: true, word: 4, alignmentOf64: 8 } as const;

  return {
    ...model,
    name: "arm eabi",
    machine,
    architecture: "generic",
    numbers: EABI_NUMBERS,
    rowNames: EABI_ROWS,
    firstNumber: 0,
    pairsAligned: true,
    registerArguments: ARGUMENT_REGISTERS,
    constants: constantSets(ARM_CONSTANTS),
    structs: layOut(model, FIELDS, PACKED),
    signals: armSignals(options),
    sharedMemoryBoundary: 4 * 4096,
    rlimInfinity: 0xffffffff,
    indirectNumber: -1,

    syscallNumber: (registers) => registers.getInt32(r7, true),
    argument: (registers: DataView, _memory: GuestMemory, index: number): number =>
      index < ARGUMENT_REGISTERS ? registers.getInt32(r0 + 4 * index, true) : 0,
    succeed(registers, result) {
      registers.setInt32(r0, result, true);
    },
    // r0 and r1 are neighbours.
    succeedWide: (registers, result) => registers.setBigInt64(r0, result, true),
    fail(registers: DataView, error: Errno) {
      registers.setInt32(r0, -error.generic, true);
    },
    errnoNumber: (error) => error.generic,
    secondResult: null,
    setThreadPointer: (registers, pointer) => registers.setInt32(threadPointer, pointer, true),
    threadPointer: (registers) => registers.getInt32(threadPointer, true),
    fpMode: null,
    stackPointer: (registers) => registers.getUint32(sp, true),
    setStackPointer: (registers, address) => registers.setUint32(sp, address, true),
    cloneTlsFirst: true,
    rewind(registers) {
      const pc = registers.getInt32(pcOffset, true);
      registers.setInt32(pcOffset, pc - ((pc & 1) === 0 ? 4 : 2), true);
    },
  };
}
