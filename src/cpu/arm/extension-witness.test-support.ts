/** Records for witness/extension.c: every row of VFP and Advanced SIMD on special operands; and our own answers to them. */
import type { Fields } from "../decode-table.ts";
import { DecodeTable } from "../decode-table.ts";
import { Evaluator } from "../evaluator.test-support.ts";
import { readFpscr, vfpMode, writeFpscr } from "./fpscr.ts";
import { GPR, readCpsr, writeCpsr } from "./registers.ts";
import type { ArmRow } from "./row.ts";
import { SIMD_ROWS } from "./simd.ts";
import { VFP_BASE } from "./vfp-registers.ts";
import { VFP_ROWS } from "./vfp.ts";

/** Layout of a record: see the C program. */
export const RECORD_BYTES = 352;
const FPSCR_AT = 4;
const CPSR_AT = 8;
const CORE_AT = 12;
const DOUBLES_AT = 32;
const MEMORY_AT = 288;
const MEMORY_BYTES = 64;
export const CASES = 40;

export const EXTENSION_ROWS: readonly ArmRow[] = [...VFP_ROWS, ...SIMD_ROWS];
export const nameOf = ({ mnemonic, bits }: ArmRow): string => `${mnemonic} ${bits.replaceAll(" ", "")}`;

const conditional = new DecodeTable(EXTENSION_ROWS.filter(({ bits }) => !bits.startsWith("1111")));
const unconditional = new DecodeTable(EXTENSION_ROWS.filter(({ bits }) => bits.startsWith("1111")));
export const decodeExtension = (word: number): ReturnType<typeof conditional.find> =>
  (word >>> 28 === 15 ? unconditional : conditional).find(word);

/** The same numbers in every run. */
export class Random {
  #x: number;
  constructor(seed: number) {
    this.#x = seed | 1;
  }
  word(): number {
    this.#x ^= this.#x << 13;
    this.#x ^= this.#x >>> 17;
    this.#x ^= this.#x << 5;
    return Math.imul(this.#x, 0x9e3779b1) >>> 0;
  }
  below(n: number): number {
    return Math.floor((this.word() / 2 ** 32) * n);
  }
  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

const SINGLES = [
  0, 1, 0x007fffff, 0x00800000, 0x00800001, 0x3f800000, 0x3f800001, 0x3fffffff, 0x40490fdb, 0x33800000, 0x4b7fffff,
  0x4f000000, 0x4effffff, 0x4f800000, 0x7f7fffff, 0x7f800000, 0x7fc00000, 0x7fc12345, 0x7f800001, 0x7fa00000,
  0x1e3c9a4d, 0x5f3759df, 0x20000000, 0x7e800000, 0x477fe000, 0x38800000, 0x33000001, 0x3f000000, 0x3fc00000,
  0x40200000, 0x00400000,
];
const DOUBLES = [
  0n,
  1n,
  0x000fffffffffffffn,
  0x0010000000000000n,
  0x3ff0000000000000n,
  0x3ff0000000000001n,
  0x3fefffffffffffffn,
  0x41dfffffffc00000n,
  0x41e0000000000000n,
  0x41efffffffe00000n,
  0x7fefffffffffffffn,
  0x7ff0000000000000n,
  0x7ff8000000000000n,
  0x7ff8000000012345n,
  0x7ff0000000000001n,
  0x7ff4000000000000n,
  0x380fffffffffffffn,
  0x36a0000000000000n,
  0x47efffffefffffffn,
  0x47effffff0000000n,
  0x3fe0000000000000n,
  0x3ff8000000000000n,
  0x4004000000000000n,
  0x5fe0000000000000n,
  0x1ff0000000000000n,
];
const HALVES = [0, 1, 0x3ff, 0x400, 0x3c00, 0x7bff, 0x7c00, 0x7e00, 0x7d01, 0x7fff];
const BYTES = [0, 1, 0x7f, 0x80, 0xff, 0x81, 0x40, 2, 3, 8, 0xf8];

function doubleword(random: Random, kind: number): bigint {
  const whole = (high: number, low: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  const sign = (): number => (random.below(2) === 1 ? 0x80000000 : 0);
  switch (kind) {
    case 0:
      return whole(random.word(), random.word());
    case 1:
      return whole(random.of(SINGLES) ^ sign(), random.of(SINGLES) ^ sign());
    case 2:
      return random.of(DOUBLES) ^ (BigInt(sign()) << 32n);
    case 3: {
      // Numbers of like size, where sums cancel and round.
      const single = (): number => (random.word() & 0x807fffff) | ((0x70 + random.below(0x20)) << 23);
      return whole(single(), single());
    }
    case 4:
      return (whole(random.word(), random.word()) & 0x800fffffffffffffn) | (BigInt(0x3f0 + random.below(0x20)) << 52n);
    case 5: {
      const bytes = (): number =>
        random.of(BYTES) | (random.of(BYTES) << 8) | (random.of(BYTES) << 16) | (random.of(BYTES) << 24);
      return whole(bytes(), bytes());
    }
    case 6: {
      const halves = (): number => random.of(HALVES) | (random.of(HALVES) << 16) | sign() | (sign() >>> 16);
      return whole(halves(), halves());
    }
    default:
      return whole(Math.round(random.below(2000) - 1000), random.below(70) - 35);
  }
}

const FPSCRS = [
  0, 0x10, 0x10, 0x01000000, 0x01000010, 0x02000010, 0x03000010, 0x00400010, 0x00800000, 0x00c00010, 0x04000010,
  0x0680009f, 0xf8000000, 0x01400000,
];

/** Field values that make a valid instruction; of loads and stores one that stays in the record's memory. */
function chooseFields(
  row: ArmRow,
  random: Random,
): { readonly fields: Record<string, number>; readonly offset: number } | undefined {
  const bits = row.bits.replaceAll(" ", "");
  const widths = new Map<string, number>();
  for (const letter of bits) if (/[a-zA-Z]/.test(letter)) widths.set(letter, (widths.get(letter) ?? 0) + 1);
  for (let attempt = 0; attempt < 400; attempt++) {
    const fields: Record<string, number> = {};
    for (const [letter, width] of widths) fields[letter] = random.below(2 ** width);
    if (widths.get("c") === 4) fields["c"] = 14;
    if (fields["t"] !== undefined && widths.get("t") === 4) fields["t"] = random.of([0, 2, 3]);
    if (widths.get("u") === 4) fields["u"] = random.of([0, 2, 3]);
    let offset = 32 * random.below(2);
    if (row.group.includes("load and store")) {
      if (widths.has("n")) fields["n"] = 1;
      else if (!row.bits.includes("1101 dddd")) return undefined;
      if (row.group.startsWith("VFP")) {
        const down = row.mnemonic.includes("db");
        fields["i"] = row.mnemonic.includes("r{c}")
          ? random.below(5)
          : 1 + random.below(row.mnemonic.includes("f") ? 5 : 6);
        offset = down ? 48 : row.mnemonic.includes("r{c}") ? 20 : 4;
        // The stack pointer is not ours to move.
        if (row.mnemonic.includes("push") || row.mnemonic.includes("pop")) return undefined;
      } else fields["m"] = random.of([15, 13, 0, 2]);
    }
    if (row.when === undefined || row.when(fields)) return { fields, offset };
  }
  return undefined;
}

export function encode(row: ArmRow, fields: Fields): number {
  const left: Record<string, number> = {};
  const bits = row.bits.replaceAll(" ", "");
  for (const letter of bits) if (/[a-zA-Z]/.test(letter)) left[letter] = (left[letter] ?? 0) + 1;
  let word = 0;
  for (const letter of bits) {
    let bit = letter === "1" ? 1 : 0;
    if (/[a-zA-Z]/.test(letter)) bit = (fields[letter]! >>> --left[letter]!) & 1;
    word = (word << 1) | bit;
  }
  return word >>> 0;
}

/** The records of one row; empty where none can be made. */
export function recordsOf(row: ArmRow, seed: number, cases = CASES): DataView[] {
  const random = new Random(seed);
  const records: DataView[] = [];
  for (let n = 0; n < cases; n++) {
    const chosen = chooseFields(row, random);
    if (chosen === undefined) return [];
    const word = encode(row, chosen.fields);
    if (decodeExtension(word)?.row !== row) continue; // a special case of it
    const record = new DataView(new ArrayBuffer(RECORD_BYTES));
    record.setUint32(0, word, true);
    record.setUint32(FPSCR_AT, random.of(FPSCRS), true);
    record.setUint32(CPSR_AT, (random.below(16) << 28) >>> 0, true);
    for (const [i, value] of [random.word(), chosen.offset, random.below(40) - 20, random.word()].entries())
      record.setUint32(CORE_AT + 4 * i, value, true);
    const kind = random.below(9);
    for (let i = 0; i < 32; i++)
      record.setBigUint64(
        DOUBLES_AT + 8 * i,
        BigInt.asUintN(64, doubleword(random, kind === 8 ? random.below(8) : kind)),
        true,
      );
    for (let i = 0; i < MEMORY_BYTES; i++) record.setUint8(MEMORY_AT + i, random.below(256));
    records.push(record);
  }
  return records;
}

const BASE = 0x10000;
/** What our own meaning answers, in the witness's form. */
export function answer(record: DataView, forceMode?: number): DataView {
  const cpu = new Evaluator({ littleEndian: true, memoryBase: BASE, memorySize: MEMORY_BYTES });
  const { state } = cpu;
  writeFpscr(state, record.getUint32(FPSCR_AT, true));
  writeCpsr(state, record.getUint32(CPSR_AT, true));
  for (let n = 0; n < 4; n++) cpu.write(GPR[n]!, (record.getInt32(CORE_AT + 4 * n, true) + (n === 1 ? BASE : 0)) | 0);
  for (let n = 0; n < 32; n++)
    state.setBigUint64(VFP_BASE + 8 * n, record.getBigUint64(DOUBLES_AT + 8 * n, true), true);
  for (let n = 0; n < MEMORY_BYTES; n++) cpu.memory.setUint8(n, record.getUint8(MEMORY_AT + n));
  const word = record.getUint32(0, true);
  const { row } = decodeExtension(word)!;
  const fields = extract(row, word);
  const mode = forceMode ?? vfpMode(state);
  const context = { pc: 0x8000, next: 0x8004, thumb: false, pcValue: 0x8008, inItBlock: false, mode, guard: undefined };
  const exit = cpu.run(() => row.lift(cpu, fields, context));
  const result = new DataView(new ArrayBuffer(RECORD_BYTES));
  for (let n = 0; n < RECORD_BYTES; n++) result.setUint8(n, record.getUint8(n));
  if (exit.kind === "exception") {
    result.setUint32(0, 0, true);
    return result;
  }
  result.setUint32(FPSCR_AT, readFpscr(state), true);
  result.setUint32(CPSR_AT, readCpsr(state, 0), true);
  for (let n = 0; n < 4; n++)
    result.setInt32(CORE_AT + 4 * n, ((cpu.read(GPR[n]!) as number) - (n === 1 ? BASE : 0)) | 0, true);
  for (let n = 0; n < 32; n++)
    result.setBigUint64(DOUBLES_AT + 8 * n, state.getBigUint64(VFP_BASE + 8 * n, true), true);
  for (let n = 0; n < MEMORY_BYTES; n++) result.setUint8(MEMORY_AT + n, cpu.memory.getUint8(n));
  return result;
}
function extract(row: ArmRow, word: number): Fields {
  const fields: Record<string, number> = {};
  const bits = row.bits.replaceAll(" ", "");
  for (const [n, letter] of [...bits].entries())
    if (/[a-zA-Z]/.test(letter)) fields[letter] = ((fields[letter] ?? 0) << 1) | ((word >>> (31 - n)) & 1);
  return fields;
}

/** FPSCR.FZ16, which ARMv8.2 added and the witness has. */
const FZ16 = 1 << 19;

/** An answer as text, for comparison; an exception is only that. */
export function digest(reply: DataView): string {
  if (reply.getUint32(0, true) === 0) return "exception";
  const parts = [reply.getUint32(FPSCR_AT, true) & ~FZ16, reply.getUint32(CPSR_AT, true) & 0xf8000000];
  for (let at = CORE_AT; at < CORE_AT + 16; at += 4) parts.push(reply.getUint32(at, true));
  for (let at = DOUBLES_AT; at < RECORD_BYTES; at += 4) parts.push(reply.getUint32(at, true));
  return parts.map((part) => (part >>> 0).toString(16)).join(" ");
}

/** FNV-1a over digests. */
export function hashOf(digests: readonly string[]): string {
  let hash = 2166136261;
  for (const text of digests)
    for (let n = 0; n < text.length; n++) hash = Math.imul(hash ^ text.charCodeAt(n), 16777619);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
