/**
 * Random A32 and T32 instructions from the decode tables of `src/cpu/arm`: each row with random fields that its `when`
 * allows. Where a row accesses memory, the registers that make its address are set first, so that it hits the scratch
 * memory; which address a row makes of them is found by evaluating its meaning.
 *
 * Left out:
 * - what only a kernel or a debugger has an answer to (`svc`), and what is refused by name (privileged, big-endian data);
 * - rows that go elsewhere: branches are in arm-branches.ts, and a program counter as destination is as random as it gets;
 * - `ldm`, `ldrd` and VFP's loads at addresses that are no multiple of four (eight): Linux mends `ldm` and `ldrd`, the peer
 *   (QEMU 7.2) sends SIGBUS;
 * - `ldm` with writeback that loads its base, which is UNPREDICTABLE and works here (src/cpu/README.md);
 * - CPSR.E, which would ask for big-endian data;
 * - FPSCR.Len and Stride: the peer's processor has VFP's short vectors;
 * - an exclusive store after an exclusive load of another size, and an exclusive load that nothing ends.
 */
import { A32_ROWS, T16_ROWS, T32_ROWS, armIsa } from "../../src/cpu/arm/isa.ts";
import { CODE, TestMachine, codeAt } from "../../src/cpu/arm/machine.test-support.ts";
import { GPR, PC, SP, LR } from "../../src/cpu/arm/registers.ts";
import type { ArmInstruction, ArmRow } from "../../src/cpu/arm/row.ts";
import { SIMD_ROWS } from "../../src/cpu/arm/simd.ts";
import { VFP_ROWS } from "../../src/cpu/arm/vfp.ts";
import { SCRATCH } from "./arm-program.ts";
import { SCRATCH_SIZE } from "./arm-record.ts";
import { integerOperand } from "./operands.ts";
import type { Random } from "./prng.ts";

export type ArmKind = "arm" | "thumb" | "vfp" | "neon";

const ALWAYS = 14;
/** Of `msr`'s mask: the byte with the E bit. */
const CPSR_X = 2;
const isa = armIsa({ cpu: "max" });
const extension = new Set([...VFP_ROWS, ...SIMD_ROWS]);
const withoutCoprocessors = A32_ROWS.filter((row) => !extension.has(row));

/** Rows that always stop are seldom chosen: they end a sequence. */
const STOPPING = /^(bkpt|udf)/;
const LEFT_OUT = /^svc/;
const usable = (rows: readonly ArmRow[]): readonly ArmRow[] =>
  rows.filter(({ mnemonic, unsupported, group }) => {
    return unsupported === undefined && !LEFT_OUT.test(mnemonic) && group !== "IT" && group !== "Branch";
  });

const TRANSFERS = VFP_ROWS.filter(({ group }) => group === "VFP register transfer");
/** The rows that a kind takes its instructions from. */
export const ROWS: Readonly<Record<ArmKind, readonly ArmRow[]>> = {
  arm: usable(withoutCoprocessors),
  thumb: usable([...T16_ROWS, ...T32_ROWS, ...withoutCoprocessors.filter(({ bits }) => bits.startsWith("cccc 1110"))]),
  vfp: usable(VFP_ROWS),
  neon: usable([...SIMD_ROWS, ...TRANSFERS]),
};

export interface Made {
  readonly row: ArmRow;
  readonly word: number;
  readonly fields: Readonly<Record<string, number>>;
  /** What must be in registers before it, in this order. */
  readonly setup: readonly (readonly [register: number, value: number])[];
}

// ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const widths = new Map<ArmRow, ReadonlyMap<string, number>>();
function widthsOf(row: ArmRow): ReadonlyMap<string, number> {
  let found = widths.get(row);
  if (found === undefined) {
    const counts = new Map<string, number>();
    for (const letter of row.bits) if (/[a-zA-Z]/.test(letter)) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    widths.set(row, (found = counts));
  }
  return found;
}

/** The word of a row with these fields; its ignored bits are 0. */
export function encode(row: ArmRow, fields: Readonly<Record<string, number>>): number {
  const left = new Map(widthsOf(row));
  let word = 0;
  for (const letter of row.bits) {
    if (letter === " ") continue;
    const width = left.get(letter);
    if (width !== undefined) left.set(letter, width - 1);
    const bit = width === undefined ? Number(letter === "1") : ((fields[letter] as number) >>> (width - 1)) & 1;
    word = (word << 1) | bit;
  }
  return word >>> 0;
}

/** A coprocessor, VFP or Advanced SIMD word as T32 has it (coprocessor.ts the other way round). */
function thumbWord(word: number): number {
  if (word >>> 25 === 0x79) return (0xef000000 | ((word & 0x01000000) << 4) | (word & 0xffffff)) >>> 0;
  if (word >>> 24 === 0xf4) return (0xf9000000 | (word & 0xffffff)) >>> 0;
  return word;
}

/** A value for a field: registers close together, so that instructions depend on each other. */
function fieldValue(random: Random, row: ArmRow, letter: string, width: number): number {
  if (letter === "c" && width === 4) return random.oneIn(4) ? random.below(14) : ALWAYS;
  const isRegister = width === 4 && /[dnmtaluie]/.test(letter) && !row.bits.includes(letter.repeat(5));
  if (isRegister && random.oneIn(2)) return random.below(5);
  if (width === 1 && /[DNM]/.test(letter)) return Number(random.oneIn(3));
  if (width > 6 && random.oneIn(4)) return random.below(16);
  return random.below(2 ** width);
}

// ── addresses ─────────────────────────────────────────────────────────────────────────────────────────────────────

export const MEMORY = /load|store|exclusive/i;
const MIDDLE = 0x10000;
const machine = new TestMachine("max", { memoryBase: 0, memorySize: 2 * MIDDLE });

/** The bytes that the instruction accesses with these registers: first and one past the last; null: none. */
function extent(instruction: ArmInstruction, registers: readonly (readonly [number, number])[]) {
  for (const slot of GPR) machine.write(slot, 0);
  machine.registers = { cpsr: 0 };
  for (const [register, value] of registers) machine.write(GPR[register]!, value | 0);
  const exit = machine.run(() => isa.lift(machine, { ...instruction, condition: ALWAYS }, 0));
  if (exit.kind === "exception" && exit.exception === "memory") return { first: exit.info, end: exit.info };
  const all = [...machine.loaded, ...machine.stored];
  return all.length === 0 ? null : { first: Math.min(...all), end: Math.max(...all) + 1 };
}

/** The peer (QEMU 7.2) does not look at bit 4 where a hint of 256 bits asks for it to be 0, so that is left out, too. */
function alignmentOf(random: Random, { row: { group, mnemonic }, fields }: ArmInstruction): number {
  if (group === "Load and store" && !/^(ldrd|strd|swp\{)/.test(mnemonic)) return random.pick([1, 2, 4, 4, 4]);
  if (group.startsWith("Advanced SIMD")) return random.oneIn(8) && fields["a"] !== 3 ? 1 : 32;
  return 8;
}

/** Registers that make a load or store hit the scratch memory; undefined where none do. */
function addressSetup(random: Random, instruction: ArmInstruction): Made["setup"] | undefined {
  const { row, fields } = instruction;
  const base = fields["n"] ?? (/literal/.test(row.operands) ? PC : SP);
  if (row.group.startsWith("Exclusive")) {
    // An exclusive store accesses nothing by itself.
    if (fields["n"] === undefined) return [];
    return [[base, SCRATCH + 8 * random.below(SCRATCH_SIZE / 8) - 4 * (fields["i"] ?? 0)]];
  }
  const index = widthsOf(row).get("m") === undefined || row.group.startsWith("VFP") ? undefined : fields["m"];
  const offset =
    index === undefined || index === PC || index === base ? [] : ([[index, integerOperand(random)]] as const);
  if (base === PC) return index === undefined && !/^(ldrd|strd)/.test(row.mnemonic) ? [] : undefined;
  if (index === SP && base === LR) return undefined; // see setupLines
  const first = extent(instruction, [[base, MIDDLE], ...offset]);
  if (first === null) return [];
  const shifted = (MIDDLE - (first.first - MIDDLE)) | 0;
  const second = extent(instruction, [[base, shifted], ...offset]);
  if (second === null || second.end === second.first) return undefined;
  const alignment = alignmentOf(random, instruction);
  const room = SCRATCH_SIZE - (second.end - second.first);
  if (room < 0) return undefined;
  const place = SCRATCH + Math.floor((random.below(room + 1) + (second.first % alignment)) / alignment) * alignment;
  const end = place + (second.end - second.first);
  if (end > SCRATCH + SCRATCH_SIZE) return undefined;
  const setup = [[base, (shifted + place - second.first) >>> 0], ...offset] as const;
  // Where the base is the index, too, the address is no sum.
  return extent(instruction, setup)?.first === place ? setup : undefined;
}

// ── instructions ──────────────────────────────────────────────────────────────────────────────────────────────────

/** `ldm` with writeback of a register that it loads. */
const loadsBase = ({ row: { mnemonic }, fields }: ArmInstruction): boolean =>
  /^(ldm|pop)/.test(mnemonic) && fields["W"] !== 0 && (((fields["i"] ?? 0) >>> (fields["n"] ?? SP)) & 1) !== 0;

/** A random instruction of a row, or undefined where chance found none that is valid. */
export function makeInstruction(
  random: Random,
  row: ArmRow,
  thumb: boolean,
  wanted: Readonly<Record<string, number>> = {},
): Made | undefined {
  for (let attempt = 0; attempt < 60; attempt++) {
    const fields: Record<string, number> = {};
    for (const [letter, width] of widthsOf(row))
      fields[letter] = wanted[letter] ?? fieldValue(random, row, letter, width);
    if (thumb && row.bits.startsWith("cccc")) fields["c"] = ALWAYS;
    if (row.mnemonic.startsWith("msr")) fields["k"]! &= ~CPSR_X;
    if (row.when !== undefined && !row.when(fields)) continue;
    const own = encode(row, fields);
    const word = thumb && (extension.has(row) || row.bits.startsWith("cccc")) ? thumbWord(own) : own;
    const instruction = isa.decode(codeAt(CODE, [word], thumb), CODE | Number(thumb), 0);
    if (instruction.row !== row || loadsBase(instruction)) continue;
    if (instruction.flow.kind !== "next" && !STOPPING.test(row.mnemonic) && !/^vmsr/.test(row.mnemonic)) continue;
    if (!MEMORY.test(row.group)) return { row, word, fields, setup: [] };
    const setup = addressSetup(random, instruction);
    if (setup !== undefined) return { row, word, fields, setup };
  }
  return undefined;
}

export function pickRow(random: Random, rows: readonly ArmRow[]): ArmRow {
  for (;;) {
    const row = random.pick(rows);
    if (!STOPPING.test(row.mnemonic) || random.oneIn(20)) return row;
  }
}

const inst = (word: number, thumb: boolean, narrow = false): string =>
  `${thumb ? (narrow ? ".inst.n" : ".inst.w") : ".inst"} 0x${word.toString(16)}`;

export const instructionLine = ({ row, word }: Made, thumb: boolean): string =>
  inst(word, thumb, row.bits.replaceAll(" ", "").length === 16);

/** Lines that put constants into registers. */
export function setupLines(setup: Made["setup"], thumb: boolean): string[] {
  return setup.flatMap(([register, value]) => {
    // T32 cannot move a constant into sp.
    const via = thumb && register === SP ? LR : register;
    const lines = [`movw r${via}, #${value & 0xffff}`, `movt r${via}, #${value >>> 16}`];
    return via === register ? lines : [...lines, `mov r${register}, r${via}`];
  });
}
