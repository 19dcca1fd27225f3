/** How the operands of ARM instructions are printed: GNU objdump's way, by the names that the rows use. */
import type { Fields, OperandFormats } from "../decode-table.ts";
import { disassembler } from "../decode-table.ts";
import { TARGETS } from "./branch.ts";
import { ALWAYS } from "./flags.ts";
import { GPR_NAMES, LR, PC } from "./registers.ts";
import { armImmediate, ASR, LSL, ROR, thumbImmediate } from "./shifter.ts";
import { SIMD_OPERANDS } from "./simd.ts";
import { VFP_OPERANDS } from "./vfp.ts";

export interface PrintContext {
  readonly word: number;
  readonly pcValue: number;
  readonly thumb: boolean;
  readonly condition: number;
  readonly inItBlock: boolean;
}

const CONDITION_NAMES = "eq ne cs cc mi pl vs vc hi ls ge lt gt le".split(" ");
const SHIFT_NAMES = ["lsl", "lsr", "asr", "ror"];
const BARRIERS: Readonly<Record<number, string>> = {
  15: "sy",
  14: "st",
  13: "ld",
  11: "ish",
  10: "ishst",
  9: "ishld",
  7: "un",
  6: "unst",
  5: "nshld",
  3: "osh",
  2: "oshst",
  1: "oshld",
};

const name = (n: number | undefined): string => GPR_NAMES[n!]!;
const register =
  (letter: string) =>
  (fields: Fields): string =>
    name(fields[letter]);
const hex = (n: number, digits = 1): string => `0x${(n >>> 0).toString(16).padStart(digits, "0")}`;
export const conditionName = (condition: number): string => (condition >= ALWAYS ? "" : CONDITION_NAMES[condition]!);

/** ", lsl #3" and so on; nothing for no shift. */
function shift(type: number, amount: number): string {
  if (type === LSL && amount === 0) return "";
  if (type === ROR && amount === 0) return ", rrx";
  return `, ${SHIFT_NAMES[type]!} #${amount === 0 ? 32 : amount}`;
}

/** An offset with its sign; `#-0` is not `#0`. */
const signed = (fields: Fields, scale: number): string => `#${fields["U"] === 0 ? "-" : ""}${fields["i"]! * scale}`;

/** `[rn, …]`, `[rn, …]!` or `[rn], …`. */
function address(fields: Fields, scale: number, { thumb = false, alwaysOffset = false } = {}): string {
  const { n, i, m, P = 1, U = 1, W = 0, h = LSL, k = 0 } = fields;
  const isImmediate = i !== undefined;
  const offset = isImmediate ? signed(fields, scale) : `${U === 0 ? "-" : ""}${name(m)}${shift(h, k)}`;
  if (P === 0) return `[${name(n)}], ${offset}`;
  if (isImmediate && i === 0 && (U === 1 || thumb) && W === 0 && !alwaysOffset) return `[${name(n)}]`;
  return `[${name(n)}, ${offset}]${W === 1 ? "!" : ""}`;
}

function registerList({ i, M = 0, N = 0 }: Fields): string {
  const list = i! | (M << LR) | (N << PC);
  return `{${GPR_NAMES.filter((_, n) => ((list >>> n) & 1) !== 0).join(", ")}}`;
}

/** An A32 immediate as its value, or where another encoding of that value is the usual one, as byte and rotation. */
function armImmediateText(i: number): string {
  const { value } = armImmediate(i);
  for (let rotation = 0; rotation < 16; rotation++) {
    const byte = rotation === 0 ? value : ((value << (2 * rotation)) | (value >>> (32 - 2 * rotation))) >>> 0;
    if (byte > 0xff) continue;
    if (i >>> 8 !== rotation) break;
    return `#${value | 0}`;
  }
  return `#${i & 0xff}, ${2 * (i >>> 8)}`;
}

const half = (bit: number | undefined): string => (bit === 1 ? "t" : "b");
const ldmMode = ({ P, U }: Fields): string => (P === 0 ? (U === 1 ? "" : "da") : U === 1 ? "ib" : "db");
const target =
  (of: (fields: never, context: PrintContext) => number) =>
  (fields: Fields, context: PrintContext): string =>
    hex(of(fields as never, context) & ~1);

const FORMATS: OperandFormats<PrintContext> = {
  ...VFP_OPERANDS,
  ...SIMD_OPERANDS,
  c: (_fields, { condition }) => conditionName(condition),
  s: ({ S }) => (S === 1 ? "s" : ""),
  // 16-bit Thumb sets flags outside of IT blocks only.
  q: (_fields, { inItBlock, condition }) => (inItBlock ? conditionName(condition) : "s"),
  w: (_fields, { thumb }) => (thumb ? ".w" : ""),
  rd: register("d"),
  rn: register("n"),
  rm: register("m"),
  rr: register("r"),
  rt: register("t"),
  ra: register("a"),
  rl: register("l"),
  ru: register("u"),
  rt2: ({ t }) => name(t! + 1),
  armimm: ({ i }) => armImmediateText(i!),
  thumbimm: ({ i }) => `#${thumbImmediate(i!).value}`,
  movimm: ({ p, j, i }) => `#${(p! << 12) | (j! << 11) | i!}`,
  hexless: ({ i }) => `#${i!}`,
  shift: ({ h, k }) => shift(h!, k!),
  shiftname: ({ h, k }) => (h === ROR && k === 0 ? "rrx" : SHIFT_NAMES[h!]!),
  shiftamount: ({ h, k }) => (h === ROR && k === 0 ? "" : `, #${k === 0 ? 32 : k!}`),
  regshift: ({ h }) => SHIFT_NAMES[h!]!,
  amount: ({ k }, _context) => `#${k === 0 ? 32 : k!}`,
  address: (fields, { thumb }) => address(fields, 1, { thumb }),
  address4: (fields, { thumb }) => address(fields, 4, { thumb }),
  narrow1: (fields) => address(fields, 1, { alwaysOffset: true }),
  narrow2: (fields) => address(fields, 2, { alwaysOffset: true }),
  narrow4: (fields) => address(fields, 4, { alwaysOffset: true }),
  addressdown: (fields) => address({ ...fields, U: 0 }, 1, { thumb: true }),
  addresssp: ({ i }) => `[sp, #${4 * i!}]`,
  literal: (fields) => `[pc, ${signed(fields, 1)}]`,
  literal4: (fields) => `[pc, ${signed(fields, 4)}]`,
  user: ({ P, W }) => (P === 0 && W === 1 ? "t" : ""),
  atn: ({ n }) => `[${name(n)}]`,
  list: registerList,
  basew: ({ n, W }) => `${name(n)}${W === 1 ? "!" : ""}`,
  baseunlisted: ({ n, i }) => (((i! >>> n!) & 1) === 0 ? "!" : ""),
  loadmode: ldmMode,
  storemode: (fields) => ldmMode(fields) || (fields["W"] === 1 ? "ia" : ""),
  satplus: ({ s }) => `#${s! + 1}`,
  sat: ({ s }) => `#${s!}`,
  satshift: ({ h, k }) => shift(h === 1 ? ASR : LSL, k!),
  packed: ({ h }) => (h === 1 ? "tb" : "bt"),
  rotation: ({ r }) => (r === 0 ? "" : `, ror #${8 * r!}`),
  lsb: ({ l }) => `#${l!}`,
  width: ({ w }) => `#${w! + 1}`,
  insertwidth: ({ b, l }) => `#${b! - l! + 1}`,
  halfx: ({ x }) => half(x),
  halfy: ({ y }) => half(y),
  exchange: ({ x }) => (x === 1 ? "x" : ""),
  round: ({ r }) => (r === 1 ? "r" : ""),
  negated: (_fields, { inItBlock, condition }) => (inItBlock ? `rsb${conditionName(condition)}` : "negs"),
  comma0: (_fields, { inItBlock }) => (inItBlock ? ", #0" : ""),
  againrd: ({ d }, { inItBlock }) => (inItBlock ? `, ${name(d)}` : ""),
  target: target(TARGETS.arm),
  targetthumb: target(TARGETS.armToThumb),
  target8: target(TARGETS.thumb8),
  target11: target(TARGETS.thumb11),
  target6: target(TARGETS.thumb6),
  target20: target(TARGETS.thumb20),
  target24: target(TARGETS.thumb24),
  targetarm: target(TARGETS.thumbToArm),
  tableb: ({ n, m }) => `[${name(n)}, ${name(m)}]`,
  tableh: ({ n, m }) => `[${name(n)}, ${name(m)}, lsl #1]`,
  number: ({ i }) => `#${i!}`,
  number4: ({ i }) => `#${4 * i!}`,
  decimal: ({ i }) => `${i!}`,
  hexnumber: ({ i }) => hex(i!, 8),
  hexnumber4: ({ i }) => hex(i!, 4),
  hintnumber: ({ i }) => `{${i!}}`,
  barrier: ({ i }) => BARRIERS[i!] ?? `#${i!}`,
  isbarrier: ({ i }) => (i === 15 ? "sy" : `#${i!}`),
  cpseffect: ({ k }) => (k === 1 ? "id" : "ie"),
  cpsflags: ({ i }) => ["a", "i", "f"].filter((_, n) => ((i! >>> (2 - n)) & 1) !== 0).join("") || "none",
  cpsmode: ({ M, j }) => (M === 1 ? `,#${j!}` : ""),
  statusmask: ({ k }) => ["f", "s", "x", "c"].filter((_, n) => ((k! >>> (3 - n)) & 1) !== 0).join(""),
  brace0: () => "{0}",
  brace2: () => "{2}",
  brace3: () => "{3}",
  brace4: () => "{4}",
  brace5: () => "{5}",
  // ITSTATE's mask says "then" with the condition's own lowest bit.
  itpattern: ({ i, k }) => {
    let text = "";
    for (let mask = k!; (mask & 7) !== 0; mask = (mask << 1) & 15) text += mask >>> 3 === (i! & 1) ? "t" : "e";
    return text;
  },
  itcondition: ({ i }) => (i === ALWAYS ? "al" : conditionName(i!)),
  word: (_fields, { word, thumb }) => (thumb && word >>> 16 === 0 ? hex(word, 4) : hex(word, 8)),
};

export const printInstruction = disassembler(FORMATS);
