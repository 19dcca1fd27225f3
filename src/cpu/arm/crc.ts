/** ARMv8's CRC-32 instructions in AArch32 (ARM DDI 0487, F5.1.39): a byte, halfword or word into a running checksum. */
import type { Helper } from "../emitter.ts";
import { HELPER_ARGUMENTS, HELPER_RESULT } from "../emitter.ts";
import { readGpr, writeGpr } from "./registers.ts";
import { twinRows, withoutPc } from "./row.ts";

const { a32, t32, both } = twinRows("CRC-32");
export const CRC_A32 = a32;
export const CRC_T32 = t32;

/** What a byte does to a checksum, for each polynomial (bit-reversed): CRC-32 and CRC-32C. */
const TABLES = [0xedb88320, 0x82f63b78].map((polynomial) =>
  Uint32Array.from({ length: 256 }, (_, byte) => {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest & 1) !== 0 ? (rest >>> 1) ^ polynomial : rest >>> 1;
    return rest;
  }),
);

function helper(name: string, table: Uint32Array, bytes: number): Helper<"i32"> {
  return {
    name,
    result: "i32",
    run: (state) => {
      let checksum = state.getUint32(HELPER_ARGUMENTS, true);
      for (let n = 0; n < bytes; n++)
        checksum = (checksum >>> 8) ^ table[(checksum ^ state.getUint8(HELPER_ARGUMENTS + 16 + n)) & 0xff]!;
      state.setUint32(HELPER_RESULT, checksum, true);
    },
  };
}

for (const [castagnoli, letter] of ["", "c"].entries()) {
  for (const [size, suffix] of ["b", "h", "w"].entries()) {
    const name = `crc32${letter}${suffix}`;
    const checksum = helper(`arm.${name}`, TABLES[castagnoli]!, 1 << size);
    const sizeBits = size.toString(2).padStart(2, "0");
    both(
      name,
      `1110 00010 ${sizeBits} 0 nnnn dddd 00 ${castagnoli} 0 0100 mmmm` as "dnm",
      `11111010 110 ${castagnoli} nnnn 1111 dddd 10 ${sizeBits} mmmm` as "dnm",
      "rd, rn, rm",
      (e, { d, n, m }, context) =>
        writeGpr(e, context, d, e.call(checksum, readGpr(e, context, n), readGpr(e, context, m))),
      { needs: "crc32", harmless: true, when: withoutPc },
    );
  }
}
