/** Makes one random sequence: units of assembler text, each to be kept or dropped as a whole by the minimiser. */
import { fcsrOperand } from "./operands.ts";
import { INSTRUCTIONS, type Instruction } from "./mips-instructions.ts";
import type { Unit } from "./generator.ts";
import type { Random } from "./prng.ts";

/** $26 and $27 are the kernel's, $28 is the scratch memory's base, $29 the harness's. */
const GENERAL = [...Array.from({ length: 26 }, (_, n) => n), 30, 31];
/** Fewer registers make instructions depend on each other. */
const HOT = [1, 2, 3, 4, 5, 31];
export const SCRATCH_SIZE = 256;

const TABLES = new Map<string, { rows: readonly Instruction[]; sums: readonly number[] }>();

function table(fr1: boolean, branches: boolean) {
  const key = `${fr1} ${branches}`;
  let found = TABLES.get(key);
  if (!found) {
    const rows = INSTRUCTIONS.filter((row) => (fr1 || !row.fr1) && (branches || !row.branch));
    let sum = 0;
    found = { rows, sums: rows.map((row) => (sum += row.weight ?? 1)) };
    TABLES.set(key, found);
  }
  return found;
}

function pickRow(random: Random, fr1: boolean, branches: boolean): Instruction {
  const { rows, sums } = table(fr1, branches);
  const at = (random.word() / 2 ** 32) * sums[sums.length - 1];
  return rows[sums.findIndex((sum) => at < sum)];
}

export function makeSequence(random: Random, fr1: boolean): Unit[] {
  const length = 3 + random.below(18);
  const units: Unit[] = [];
  for (let index = 0; index < length; index++) {
    const row = pickRow(random, fr1, true);
    const lines = fillIn(row.text, random, fr1, index + 1 + random.below(length - index));
    if (row.branch) {
      let slot = pickRow(random, fr1, false);
      while (slot.text.includes("\n")) slot = pickRow(random, fr1, false);
      lines.push(...fillIn(slot.text, random, fr1, 0));
    }
    units.push({ lines });
  }
  return units;
}

function general(random: Random): number {
  return random.oneIn(2) ? random.pick(HOT) : random.pick(GENERAL);
}

function fillIn(text: string, random: Random, fr1: boolean, target: number): string[] {
  const temporary = random.pick(GENERAL.filter((n) => n !== 0));
  const float = () => (random.oneIn(2) ? random.below(6) : random.below(32));
  const double = () => (fr1 ? float() : float() & ~1);
  let last = ""; // what `@` repeats
  const hole = (letter: string): string => {
    switch (letter) {
      case "%":
        return "%";
      case "d":
      case "s":
        return `$${general(random)}`;
      case "x":
        return `$${random.pick(GENERAL.filter((n) => n !== 0 && n !== 31))}`;
      case "n":
        return `$${random.pick(GENERAL.filter((n) => n > 1))}`;
      case "r":
        return `$${temporary}`;
      case "f":
      case "g":
        return `$f${float()}`;
      case "F":
      case "G":
        return `$f${double()}`;
      case "c":
        return String(random.below(8));
      case "i":
        return String((random.word() << 16) >> (16 + random.below(16)));
      case "u":
        return String(random.below(65536));
      case "h":
        return String(random.below(32));
      case "e": {
        const position = random.below(32);
        return `${position}, ${1 + random.below(32 - position)}`;
      }
      case "t":
        return String(random.pick([0, 1, 2, 5, 8, 100, 1023]));
      case "1":
      case "2":
      case "4":
      case "8":
        return (last = String(random.below(SCRATCH_SIZE / Number(letter)) * Number(letter)));
      case "L":
        return (last = `@to(${target})`);
      case "C":
        return (last = `0x${fcsrOperand(random).toString(16)}`);
      default:
        throw new Error(`no hole %${letter}`);
    }
  };
  return text
    .split("\n")
    .map((line) => line.replace(/%(.)|@[A-Z\d]/g, (whole, letter) => (letter ? hole(letter) : last) || whole));
}
