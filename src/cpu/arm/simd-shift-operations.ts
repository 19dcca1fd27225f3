/** Shifts by a register's lanes (ARM DDI 0406C A8.8.378, A8.8.394 …): each lane by its own amount, so lane by lane in TypeScript. */
import type { Helper } from "../emitter.ts";
import { HELPER_ARGUMENTS, HELPER_RESULT } from "../emitter.ts";
import { FPSCR_QC } from "./fpscr.ts";
import { FPSCR } from "./vfp-registers.ts";

interface Kind {
  readonly unsigned: boolean;
  readonly saturating: boolean;
  readonly rounding: boolean;
}

/** One lane of up to 32 bits. Left by `shift`, right where it is negative; the result is not yet cut to the lane's size. */
function shiftNumber(value: number, shift: number, bits: number, { rounding }: Kind): number {
  if (shift >= 0) return value * 2 ** Math.min(shift, 64);
  const n = -shift;
  if (n > bits + 1) return rounding ? 0 : value < 0 ? -1 : 0;
  return Math.floor((rounding ? value + 2 ** (n - 1) : value) / 2 ** n);
}
function shiftLong(value: bigint, shift: number, { rounding }: Kind): bigint {
  if (shift >= 0) return value << BigInt(shift);
  const n = BigInt(-shift);
  return (rounding ? value + (1n << (n - 1n)) : value) >> n;
}

function shiftHelper(name: string, z: number, kind: Kind): Helper<"v128"> {
  const { unsigned, saturating } = kind;
  const bytes = 1 << z;
  const bits = 8 * bytes;
  const least = unsigned ? 0 : -(2 ** (bits - 1));
  const greatest = unsigned ? 2 ** bits - 1 : 2 ** (bits - 1) - 1;
  const limit = (state: DataView, value: number): number => {
    const limited = Math.min(Math.max(value, least), greatest);
    if (limited !== value) state.setInt32(FPSCR.offset, state.getInt32(FPSCR.offset, true) | FPSCR_QC, true);
    return limited;
  };
  const read = (state: DataView, at: number): number => {
    if (z === 0) return unsigned ? state.getUint8(at) : state.getInt8(at);
    if (z === 1) return unsigned ? state.getUint16(at, true) : state.getInt16(at, true);
    return unsigned ? state.getUint32(at, true) : state.getInt32(at, true);
  };
  const write = (state: DataView, at: number, value: number): void => {
    // Modulo 2^32, also of a number that was shifted far to the left.
    const word = value % 2 ** 32;
    if (z === 0) state.setInt8(at, word);
    else if (z === 1) state.setInt16(at, word, true);
    else state.setInt32(at, word, true);
  };
  const runLong = (state: DataView): void => {
    for (let at = 0; at < 16; at += 8) {
      const source = HELPER_ARGUMENTS + at;
      const value = unsigned ? state.getBigUint64(source, true) : state.getBigInt64(source, true);
      let result = shiftLong(value, state.getInt8(HELPER_ARGUMENTS + 16 + at), kind);
      if (saturating) {
        const exact = result;
        const [low, high] = unsigned ? [0n, (1n << 64n) - 1n] : [-(1n << 63n), (1n << 63n) - 1n];
        result = exact < low ? low : exact > high ? high : exact;
        if (result !== exact) state.setInt32(FPSCR.offset, state.getInt32(FPSCR.offset, true) | FPSCR_QC, true);
      }
      state.setBigUint64(HELPER_RESULT + at, BigInt.asUintN(64, result), true);
    }
  };
  const run = (state: DataView): void => {
    for (let at = 0; at < 16; at += bytes) {
      const shift = state.getInt8(HELPER_ARGUMENTS + 16 + at);
      const result = shiftNumber(read(state, HELPER_ARGUMENTS + at), shift, bits, kind);
      write(state, HELPER_RESULT + at, saturating ? limit(state, result) : result);
    }
  };
  return { name: `${name}.${unsigned ? "u" : "s"}${bits}`, result: "v128", run: z === 3 ? runLong : run };
}

interface RegisterShift {
  readonly mnemonic: string;
  /** Bits 11 to 8, then bit 4. */
  readonly opcode: string;
  /** By signedness, then lane size. */
  readonly helpers: readonly (readonly Helper<"v128">[])[];
}
const shift = (mnemonic: string, opcode: string, saturating: boolean, rounding: boolean): RegisterShift => ({
  mnemonic,
  opcode,
  helpers: [false, true].map((unsigned) =>
    [0, 1, 2, 3].map((z) => shiftHelper(mnemonic, z, { unsigned, saturating, rounding })),
  ),
});
export const REGISTER_SHIFTS: readonly RegisterShift[] = [
  shift("vshl", "01000", false, false),
  shift("vqshl", "01001", true, false),
  shift("vrshl", "01010", false, true),
  shift("vqrshl", "01011", true, true),
];
