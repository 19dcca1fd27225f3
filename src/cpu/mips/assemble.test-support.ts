/**
 * An assembler for tests, so that a test reads as assembly. It knows what the decode rows know: it turns a row's
 * operand text around. Not one for programs: no macros, no labels (a branch target is an absolute address).
 */
import type { Fields, Pattern } from "../decode-table.ts";
import { mipsTable } from "./isa.ts";
import { GPR_NAMES } from "./registers.ts";
import type { MipsRow } from "./row.ts";

type Parse = (text: string, pc: number, fields: Record<string, number>) => Fields | undefined;

const gprNumber = (text: string): number => (GPR_NAMES as readonly string[]).indexOf(text);
const register =
  (letter: string): Parse =>
  (text) => {
    const n = gprNumber(text);
    return n < 0 ? undefined : { [letter]: n };
  };
const floatRegister =
  (letter: string): Parse =>
  (text) =>
    /^\$f\d+$/.test(text) ? { [letter]: Number(text.slice(2)) } : undefined;
const integer =
  (letter: string, min: number, max: number, encode = (n: number) => n): Parse =>
  (text) => {
    const n = /^-?(0x[0-9a-f]+|\d+)$/.test(text)
      ? text.startsWith("-")
        ? -Number(text.slice(1))
        : Number(text)
      : Number.NaN;
    return n >= min && n <= max ? { [letter]: encode(n) } : undefined;
  };

const PARSERS: Readonly<Record<string, Parse>> = {
  rs: register("s"),
  rt: register("t"),
  rd: register("d"),
  base: register("s"),
  indexreg: register("t"),
  fs: floatRegister("s"),
  ft: floatRegister("t"),
  fd: floatRegister("d"),
  fr: floatRegister("r"),
  sa: integer("a", 0, 31),
  lsb: integer("l", 0, 31),
  extsize: integer("m", 1, 32, (n) => n - 1),
  inssize: (text, pc, fields) => integer("m", 1, 32, (n) => n + fields["l"]! - 1)(text, pc, fields),
  simm: integer("i", -0x8000, 0x7fff, (n) => n & 0xffff),
  offset: integer("i", -0x8000, 0x7fff, (n) => n & 0xffff),
  uimm: integer("i", 0, 0xffff),
  hint: integer("h", 0, 31),
  stype: integer("a", 0, 31),
  code: integer("c", 0, 0xfffff),
  breakcode: integer("c", 0, 0x3ff, (n) => n << 10),
  trapcode: (text, pc, fields) => integer("c", 0, 0x3ff)(text.slice(1), pc, fields),
  target: (text, pc) => ({ o: ((Number(text) - pc - 4) >> 2) & 0xffff }),
  index: (text) => ({ j: (Number(text) >>> 2) & 0x3ffffff }),
};
/** Operands that may be left out, and are 0 then. */
const OPTIONAL: ReadonlySet<string> = new Set(["code", "breakcode", "trapcode"]);

/** The instruction's word; throws where no row takes the operands. */
export function assemble(source: string, pc = 0): number {
  const [mnemonic, ...rest] = source.trim().split(/\s+/);
  const operands = rest.join("");
  for (const pattern of mipsTable(2).patterns) {
    if (pattern.row.mnemonic !== mnemonic) continue;
    const fields = parseOperands(pattern.row, operands, pc);
    if (fields !== undefined) return encode(pattern, fields);
  }
  throw new Error(`cannot assemble "${source}"`);
}

function parseOperands({ operands: template }: MipsRow, text: string, pc: number): Fields | undefined {
  const names: string[] = [];
  const pieces = template.split(/[{}]|([A-Za-z]\w*)/).filter((piece) => piece !== undefined && piece !== "");
  const source = pieces.map((piece) => {
    if (PARSERS[piece] === undefined) return piece.replace(/[$()]/g, "\\$&");
    names.push(piece);
    return OPTIONAL.has(piece) ? "(.*)" : "([^,()]+)";
  });
  const match = new RegExp(`^${source.join("")}$`).exec(text);
  if (match === null) return undefined;
  const fields: Record<string, number> = {};
  for (const [n, name] of names.entries()) {
    const operand = match[n + 1]!;
    const parsed = operand === "" ? { c: 0 } : PARSERS[name]!(operand, pc, fields);
    if (parsed === undefined) return undefined;
    Object.assign(fields, parsed);
  }
  return fields;
}

/** A word of the pattern with the given fields; the others are 0. */
export function encode(pattern: Pattern<MipsRow>, fields: Fields): number {
  let word = pattern.value;
  const left = { ...fields };
  // From bit 0 up: each letter takes its field's lowest bit that is left.
  const bits = pattern.row.bits.replaceAll(" ", "");
  for (let bit = 0; bit < bits.length; bit++) {
    const letter = bits[bits.length - 1 - bit]!;
    if (left[letter] === undefined) continue;
    word |= (left[letter]! & 1) << bit;
    left[letter] = left[letter]! >>> 1;
  }
  return word >>> 0;
}
