/** What QEMU's 24Kf answered (fpu-expected.txt), and the operands that fpu.c gave it. */
import { readFileSync } from "node:fs";
import { encode } from "../assemble.test-support.ts";
import { mipsTable } from "../isa.ts";

type Format = "s" | "d" | "w" | "l";
const read = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");
const SOURCE = read("fpu.c");

/** The C program's own list of special operands. */
const listOf = (name: string): bigint[] =>
  SOURCE.match(new RegExp(`${name}\\[\\] = \\{([^}]*)\\}`))![1]!
    .split(",")
    .map((text) => BigInt(text.trim()));
const SPECIALS: Record<Format, bigint[]> = {
  s: listOf("singles"),
  d: listOf("doubles"),
  w: listOf("words"),
  l: listOf("longs"),
};

const u64 = (n: bigint): bigint => BigInt.asUintN(64, n);
const mix = (n: bigint): bigint => {
  let x = u64(n + 0x9e3779b97f4a7c15n);
  x = u64((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n);
  x = u64((x ^ (x >> 27n)) * 0x94d049bb133111ebn);
  return x ^ (x >> 31n);
};
const signOf = (f: Format): bigint => (f === "s" || f === "w" ? 1n << 31n : 1n << 63n);
const specialCount = (f: Format): number => 2 * SPECIALS[f].length;

/** `operand` of the C program. */
const operand = (f: Format, i: number): bigint => {
  const n = specialCount(f);
  if (i < n) return SPECIALS[f][i >> 1]! ^ ((i & 1) === 1 ? signOf(f) : 0n);
  const r = mix(BigInt(i));
  const m = mix(r);
  const all = signOf(f) * 2n - 1n;
  if (i % 3 === 0) return r & all;
  if (i % 3 === 1) return (operand(f, Number(m % BigInt(n))) + (r & 7n) - 3n) & all;
  if (f === "s") return (r & 0x807fffffn) | ((112n + (m % 32n)) << 23n);
  if (f === "d") return (r & 0x800fffffffffffffn) | ((1008n + (m % 32n)) << 52n);
  return (r & all) >> (m % 32n);
};

export interface Shape {
  readonly operands: readonly Format[];
  readonly result: Format | "c";
}
/** By mnemonic. */
export const SHAPES = new Map<string, Shape>();
for (const [, name, operands, result] of SOURCE.matchAll(/"([a-z][a-z0-9.]+)","([sdwl]+)",'(.)'/g))
  SHAPES.set(name!, { operands: operands!.split("") as Format[], result: result as Format });
for (const [, condition] of SOURCE.matchAll(/C2\(X,([a-z]+)\)/g))
  if (condition !== "cond" && condition !== "")
    for (const x of ["s", "d"] as const) SHAPES.set(`c.${condition!}.${x}`, { operands: [x, x], result: "c" });

const made = new Map<string, readonly (readonly [bigint, bigint, bigint])[]>();
/** The operands of a mnemonic's calls. */
export const triples = ({ operands }: Shape): readonly (readonly [bigint, bigint, bigint])[] => {
  const key = operands.join("");
  const f = operands[0]!;
  const n = specialCount(f);
  const special = (seed: number): bigint => operand(f, Number(mix(BigInt(seed)) % BigInt(n)));
  const make = (i: number): readonly [bigint, bigint, bigint] => {
    const c = operands.length === 3 ? operand(f, (i * 7) % (2 * n)) : 0n;
    if (operands.length === 1) return [operand(f, i), 0n, c];
    return i < 800 ? [special(i), special(i + 1000), c] : [operand(f, n + 2 * i), operand(f, n + 2 * i + 1), c];
  };
  const known = made.get(key) ?? Array.from({ length: operands.length === 1 ? n + 400 : 1200 }, (_, i) => make(i));
  made.set(key, known);
  return known;
};

/** The instruction with its operands in $f4, $f6 and $f8 and its result in $f2 (or condition code 0). */
export const wordOf = (name: string): number => {
  const fields = { s: 4, t: 6, d: 2, c: 0, ...(SHAPES.get(name)!.operands.length === 3 ? { r: 8 } : {}) };
  return encode(
    mipsTable(2).patterns.find(({ row }) => row.mnemonic === name)!,
    fields,
  );
};

/** FNV-1a, as fpu.c computes it. */
export class Hash {
  value = 2166136261;
  /** Four bytes of a word, least significant first. */
  feed(word: number): void {
    for (let shift = 0; shift < 32; shift += 8)
      this.value = Math.imul(this.value ^ ((word >>> shift) & 0xff), 16777619);
  }
}

/** Lines by mnemonic: mnemonic, rounding mode, FS, hash of all results and FCSR values. */
export const EXPECTED = Map.groupBy(
  read("fpu-expected.txt")
    .trim()
    .split("\n")
    .map((line) => line.split(" ") as [string, string, string, string]),
  ([name]) => name,
);
