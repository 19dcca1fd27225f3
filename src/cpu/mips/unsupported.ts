/**
 * Encodings that other MIPS processors give a meaning to and this one does not. They raise "illegal", as on a processor
 * without the extension, and say by name what was missing. Whatever no table knows is a reserved instruction.
 */
import type { Lift, MipsRow } from "./row.ts";
import { raiseAlways, rowsOf, STOP } from "./row.ts";

const illegal: Lift = (e, _fields, context) => raiseAlways(e, context, "illegal");

/** Linux answers an unusable coprocessor 2 with SIGILL, too, unless a driver has claimed it. */
const coprocessor2: Lift = (e, _fields, context) => raiseAlways(e, context, "coprocessorUnusable", 2);

const row = rowsOf("Unsupported");

function family(unsupported: string, patterns: readonly string[], lift = illegal): readonly MipsRow[] {
  return patterns.map((bits) => row(".word", bits, "word", lift, { ...STOP, unsupported }));
}

const opcode = (bits: string): string => `${bits} --------------------------`;
const special = (funct: string): string => `000000 -------------------- ${funct}`;
const special2 = (funct: string): string => `011100 -------------------- ${funct}`;
const special3 = (funct: string): string => `011111 -------------------- ${funct}`;

export const UNSUPPORTED_ROWS: readonly MipsRow[] = [
  ...family("MIPS64 instruction", [
    ...[
      "011000",
      "011001",
      "011010",
      "011011",
      "100111",
      "101100",
      "101101",
      "110100",
      "110111",
      "111100",
      "111111",
    ].map(opcode),
    ...[
      "010100",
      "010110",
      "010111",
      "011100",
      "011101",
      "011110",
      "011111",
      "101100",
      "101101",
      "101110",
      "101111",
    ].map(special),
    ...["111000", "111010", "111011", "111100", "111110", "111111"].map(special),
    ...["100100", "100101"].map(special2),
    ...["000001", "000010", "000011", "000101", "000110", "000111", "100100"].map(special3),
  ]),
  ...family("MIPS32 release 6 instruction", [
    "001111 ----- ----- ----------------", // aui; with register 0 it is lui
    "000110 ----- ----- ----------------", // blezalc, bgezalc, bgeuc
    "000111 ----- ----- ----------------", // bgtzalc, bltzalc, bltuc
    "010110 ----- ----- ----------------", // blezc, bgezc, bgec
    "010111 ----- ----- ----------------", // bgtzc, bltzc, bltc
    "111011 --------------------------", // lwpc, auipc, aluipc
    "000000 ----- ----- ----- 0001- 0110--", // mul, muh, div, mod and unsigned ones
    "000000 ----- ----- ----- 00000 110101", // seleqz
    "000000 ----- ----- ----- 00000 110111", // selnez
    "000000 ----- ----- ----- 000-- 000101", // lsa (also MSA)
    "000000 ----- 00000 ----- 00001 01000-", // clz, clo
    "000000 -------------------- 001110", // sdbbp
    "011111 00000 ----- ----- 00000 100000", // bitswap
    "011111 ----- ----- ----- 010-- 100000", // align
    "011111 ----- ----- ---------- 100101", // cache
    "011111 ----- ----- ---------- 110101", // pref
    "011111 ----- ----- ---------- 100110", // sc
    "011111 ----- ----- ---------- 110110", // ll
  ]),
  ...family("DSP ASE instruction", [
    ...["001010", "001100", "010000", "010001", "010010", "010011", "011000", "110000", "110001", "111000"].map(
      special3,
    ),
    "000001 00000 11100 ----------------", // bposge32
    "000000 ----- ----- 000 -- 00000 0110 0-", // mult, multu on ac1 to ac3
    "000000 000 -- 00000 ----- 00000 010000", // mfhi
    "000000 000 -- 00000 ----- 00000 010010", // mflo
    "000000 ----- 00000 000 -- 00000 010001", // mthi
    "000000 ----- 00000 000 -- 00000 010011", // mtlo
    "011100 ----- ----- 000 -- 00000 00000-", // madd, maddu
    "011100 ----- ----- 000 -- 00000 00010-", // msub, msubu
  ]),
  ...family("MSA instruction", [opcode("011110")]),
  ...family("jump to MIPS16e or microMIPS code", [opcode("011101")]),
  ...family("EVA instruction", ["011001", "011010", "011011", "011100", "011101", "011110", "011111"].map(special3)),
  ...family(
    "EVA instruction",
    ["100001", "100010", "101000", "101001", "101010", "101011", "101100", "101101", "101110", "101111"].map(special3),
  ),
  ...family("MT ASE instruction", ["001000", "001001"].map(special3)),
  ...family("EJTAG debug breakpoint", [special2("111111")]),
  ...family("coprocessor 2 instruction", ["010010", "110010", "110110", "111010", "111110"].map(opcode), coprocessor2),
];
