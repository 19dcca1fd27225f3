/** Random sequences of ARM and Thumb: core instructions, VFP, Advanced SIMD. */
import { runTool } from "../harness/child.ts";
import type { ArmRow } from "../../src/cpu/arm/row.ts";
import { makeBranch } from "./arm-branches.ts";
import {
  type ArmKind,
  MEMORY,
  type Made,
  ROWS,
  instructionLine,
  makeInstruction,
  pickRow,
  setupLines,
} from "./arm-instructions.ts";
import { buildProgram } from "./arm-program.ts";
import { LAYOUT, RECORD_SIZE, differences, nameOf } from "./arm-record.ts";
import { type Generator, type Unit, hex } from "./generator.ts";
import { floatOperand, integerOperand } from "./operands.ts";
import type { Random } from "./prng.ts";

const [A32, T32] = ["A32", "T32"] as const;
const VARIANTS: Readonly<Record<ArmKind, readonly string[]>> = {
  arm: [A32],
  thumb: [T32],
  vfp: [A32, T32],
  neon: [A32, T32],
};
/** Of the units of a kind, one in so many is a branch. */
const BRANCHES: Readonly<Record<ArmKind, number>> = { arm: 12, thumb: 12, vfp: 40, neon: 40 };

// ── units ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const linesOfMade = (made: Made, thumb: boolean): string[] => [
  ...setupLines(made.setup, thumb),
  instructionLine(made, thumb),
];

/**
 * An exclusive store with the load before it, or with none; an exclusive load with its end. The load may be skipped: then the
 * store must not meet an earlier one of another size, which A3.4.5 calls UNPREDICTABLE.
 */
function makeExclusive(random: Random, made: Made, rows: readonly ArmRow[], thumb: boolean): string[] | undefined {
  const { mnemonic } = made.row;
  if (/^ld/.test(mnemonic)) return [...linesOfMade(made, thumb), "clrex"];
  const clear = [...setupLines(made.setup, thumb), "clrex", instructionLine(made, thumb)];
  if (random.oneIn(4)) return clear;
  const base = made.setup[0]?.[0];
  const partner = rows.find((row) => row.mnemonic === mnemonic.replace(/^str/, "ldr").replace(/^stl/, "lda"));
  if (base === undefined || partner === undefined) return undefined;
  for (let attempt = 0; attempt < 40; attempt++) {
    const load = makeInstruction(random, partner, thumb, { n: base, i: made.fields["i"] ?? 0 });
    if (load === undefined) return undefined;
    const { t = 0, u = t + 1 } = load.fields;
    if (t !== base && (u !== base || !mnemonic.includes("d")))
      return [...setupLines(made.setup, thumb), "clrex", instructionLine(load, thumb), instructionLine(made, thumb)];
  }
  return undefined;
}

/** Not in IT blocks: UNPREDICTABLE there, or about the processor's state. */
const OUTSIDE_IT = /^(System|Hints|CRC|Exclusive)/;

function makeItBlock(random: Random, rows: readonly ArmRow[]): string[] {
  const condition = random.below(14);
  const count = 1 + random.below(4);
  const parts: Made[] = [];
  while (parts.length < count) {
    const row = pickRow(random, rows);
    const made = OUTSIDE_IT.test(row.group) ? undefined : makeInstruction(random, row, true);
    // The block's other instructions must not change what an address is made of.
    if (made !== undefined && (parts.length === 0 || !MEMORY.test(row.group))) parts.push(made);
  }
  // One bit an instruction after the first, equal to the condition's lowest for "then", and a one behind them.
  const others = random.below(2 ** (count - 1));
  const mask = (others << (5 - count)) | (1 << (4 - count));
  return [
    ...parts.flatMap(({ setup }) => setupLines(setup, true)),
    `.inst.n 0x${(0xbf00 | (condition << 4) | mask).toString(16)}`,
    ...parts.map((made) => instructionLine(made, true)),
  ];
}

const FPSCR_ROUNDING_AND_MODES = 0x07c00000;
/** FPSCR: mostly rounding to nearest without flushing. */
function fpscrOperand(random: Random): number {
  const modes = random.oneIn(2) ? 0 : random.word() & FPSCR_ROUNDING_AND_MODES;
  const flags = random.oneIn(2) ? 0 : random.word() & 0x9f;
  return ((random.word() & 0xf8000000) | modes | flags) >>> 0;
}

function makeUnit(random: Random, kind: ArmKind, thumb: boolean, index: number, length: number): string[] {
  const rows = ROWS[kind];
  for (;;) {
    if (random.oneIn(BRANCHES[kind])) {
      const far = index + 1 + random.below(length - index);
      return makeBranch(random, thumb, Math.min(far, index + 1 + random.below(2)), far);
    }
    if (kind === "thumb" && random.oneIn(8)) return makeItBlock(random, rows);
    const row = pickRow(random, rows);
    if (/^vmsr/.test(row.mnemonic)) {
      const t = random.below(12);
      return [...setupLines([[t, fpscrOperand(random)]], thumb), `vmsr fpscr, r${t}`];
    }
    const made = makeInstruction(random, row, thumb);
    const lines =
      made && /ex[bhd]?\{/.test(row.mnemonic) && row.mnemonic !== "clrex"
        ? makeExclusive(random, made, rows, thumb)
        : made && linesOfMade(made, thumb);
    if (lines !== undefined) return lines;
  }
}

// ── registers ─────────────────────────────────────────────────────────────────────────────────────────────────────

const BYTES = [0, 1, 0x7f, 0x80, 0xff, 0x81, 0x40, 2, 3, 8, 0xf8];
const HALVES = [0, 1, 0x3ff, 0x400, 0x3c00, 0x7bff, 0x7c00, 0x7e00, 0x7d01, 0x7fff, 0x8000, 0xffff];

/** 64 bits for a register: floating point, or lanes at the edges. */
function doubleword(random: Random): bigint {
  const lanes = (count: number, pick: () => number): bigint => {
    let value = 0n;
    for (let n = 0; n < count; n++) value = (value << BigInt(64 / count)) | BigInt(pick());
    return value;
  };
  switch (random.below(4)) {
    case 0:
      return lanes(8, () => random.pick(BYTES));
    case 1:
      return lanes(4, () => random.pick(HALVES) | (random.oneIn(2) ? 0x8000 : 0));
    default:
      return floatOperand(random);
  }
}

export const arm = (kind: ArmKind): Generator => ({
  recordSize: RECORD_SIZE,
  variants: VARIANTS[kind],
  differences,
  buildProgram: (sequences, target, variant, folder, name) =>
    buildProgram(sequences, target, variant === T32, folder, name),

  makeUnits(random, variant) {
    const length = 3 + random.below(14);
    return Array.from({ length }, (_, n): Unit => ({ lines: makeUnit(random, kind, variant === T32, n, length) }));
  },

  makeState(random) {
    const bytes = new Uint8Array(RECORD_SIZE);
    const view = new DataView(bytes.buffer);
    for (let n = 0; n < LAYOUT.cpsr; n++) view.setUint32((LAYOUT.gpr + n) * 4, integerOperand(random), true);
    view.setUint32(LAYOUT.cpsr * 4, (random.word() & 0xf80f0000) >>> 0, true);
    view.setUint32(LAYOUT.fpscr * 4, fpscrOperand(random), true);
    for (let n = LAYOUT.doubles; n < LAYOUT.words; n += 2) view.setBigUint64(n * 4, doubleword(random), true);
    return bytes;
  },

  async listing(program, target) {
    const text = await runTool(`${target.triple}-objdump`, ["-d", program]);
    const code = /<q0>:\n([^]*?)(?:\n\n|$)/.exec(text)?.[1] ?? "";
    const lines = code.split("\n");
    return lines.slice(
      0,
      lines.findLastIndex((line) => /<save(Thumb)?>/.test(line)),
    );
  },

  before(listing, state) {
    const text = listing.join("\n");
    const view = new DataView(state.buffer, state.byteOffset);
    const aliases: Readonly<Record<number, string>> = { 9: "r9", 10: "sl", 11: "fp", 12: "ip", 13: "sp", 14: "lr" };
    const doubles = new Set<number>();
    for (const [, letter, number] of text.matchAll(/\b([sdq])(\d+)\b/g)) {
      const n = Number(number);
      if (letter === "q") doubles.add(2 * n).add(2 * n + 1);
      else doubles.add(letter === "s" ? n >> 1 : n);
    }
    const before: string[] = [];
    for (let index = 0; index < LAYOUT.scratch; index++) {
      const matters =
        index < LAYOUT.cpsr
          ? new RegExp(`\\b(r${index}|${aliases[index] ?? `r${index}`})\\b`).test(text)
          : index <= LAYOUT.fpscr || doubles.has((index - LAYOUT.doubles) >> 1);
      if (matters) before.push(`${nameOf(index)}=${hex(view.getUint32(index * 4, true))}`);
    }
    return before;
  },
});
