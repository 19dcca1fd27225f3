/** Every FPU instruction against what QEMU's 24Kf answered (witness/fpu.c says how), and each mode against the others. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Evaluator } from "../evaluator.test-support.ts";
import { CAUSE_MASK, ENABLES_MASK, FIR_24KF, INEXACT_FLAG } from "./fcsr.ts";
import { FPU_ROWS } from "./fpu.ts";
import { FPU_VIEWS, STATUS_FR } from "./fpu-registers.ts";
import { CHECK, FAST, SOFT, fpuMode, modeLevel, readFcsr, resetFpu, writeFcsr } from "./fpu-state.ts";
import { mipsIsa } from "./isa.ts";

type Format = "s" | "d" | "w" | "l";
const read = (name: string): string => readFileSync(new URL(`witness/${name}`, import.meta.url), "utf8");
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

interface Shape {
  readonly operands: readonly Format[];
  readonly result: Format | "c";
}
const SHAPES = new Map<string, Shape>();
for (const [, name, operands, result] of SOURCE.matchAll(/"([a-z][a-z0-9.]+)","([sdwl]+)",'(.)'/g))
  SHAPES.set(name!, { operands: operands!.split("") as Format[], result: result as Format });
for (const [, condition] of SOURCE.matchAll(/C2\(X,([a-z]+)\)/g))
  if (condition !== "cond" && condition !== "")
    for (const x of ["s", "d"] as const) SHAPES.set(`c.${condition!}.${x}`, { operands: [x, x], result: "c" });

const triples = ({ operands }: Shape): [bigint, bigint, bigint][] => {
  const f = operands[0]!;
  const n = specialCount(f);
  return Array.from({ length: operands.length === 1 ? n + 400 : 1200 }, (_, i) => {
    const special = (seed: number): bigint => operand(f, Number(mix(BigInt(seed)) % BigInt(n)));
    const c = operands.length === 3 ? operand(f, (i * 7) % (2 * n)) : 0n;
    if (operands.length === 1) return [operand(f, i), 0n, c];
    return i < 800 ? [special(i), special(i + 1000), c] : [operand(f, n + 2 * i), operand(f, n + 2 * i + 1), c];
  });
};

/** Puts operands in $f4, $f6 and $f8, runs the instruction into $f2. */
class Fpu {
  readonly #cpu = new Evaluator({ littleEndian: true });
  readonly #isa = mipsIsa({ littleEndian: true });
  readonly #shape: Shape;
  readonly #word: number;
  readonly #row;
  constructor(name: string, fr: boolean) {
    this.#shape = SHAPES.get(name)!;
    this.#row = FPU_ROWS.find(({ mnemonic }) => mnemonic === name)!;
    const fields: Record<string, number> =
      this.#shape.operands.length === 3 ? { s: 4, t: 6, r: 8, d: 2 } : { s: 4, t: 6, d: 2, c: 0 };
    let seen = "";
    const bits = this.#row.bits.replaceAll(" ", "").replace(/[a-z]/g, (letter, at: number, all: string) => {
      const run = all.slice(at).match(new RegExp(`^${letter}*`))![0].length;
      seen = letter;
      return String((fields[seen]! >> (run - 1)) & 1);
    });
    this.#word = Number.parseInt(bits, 2);
    resetFpu(this.#cpu.state, { fr, nan2008: false });
  }
  run(
    [a, b, c]: readonly [bigint, bigint, bigint],
    fcsr: number,
  ): { readonly result: bigint; readonly fcsr: number; readonly raised: boolean } {
    const { state } = this.#cpu;
    for (const [n, value] of [0n, a, b, c].entries())
      state.setBigUint64(FPU_VIEWS[1].d[2 + 2 * n]!.offset, value, true);
    writeFcsr(state, fcsr);
    const mode = fpuMode(state);
    const instruction = this.#isa.decode({ read16: () => 0, read32: () => this.#word }, 0x400000, mode);
    if (instruction.row !== this.#row) throw new Error(`${this.#row.mnemonic} decodes to ${instruction.row.mnemonic}`);
    const exit = this.#cpu.run(() => this.#isa.lift(this.#cpu, instruction, mode));
    const result = state.getBigUint64(FPU_VIEWS[1].d[2]!.offset, true);
    return { result, fcsr: readFcsr(state), raised: exit.kind === "exception" && exit.exception === "floatingPoint" };
  }
}

const hex = (n: bigint | number): string => n.toString(16);

class Hash {
  value = 2166136261;
  /** Four bytes of a word, least significant first. */
  feed(word: number): void {
    for (let shift = 0; shift < 32; shift += 8)
      this.value = Math.imul(this.value ^ ((word >>> shift) & 0xff), 16777619);
  }
}

const EXPECTED = Map.groupBy(
  read("fpu-expected.txt")
    .trim()
    .split("\n")
    .map((line) => line.split(" ") as [string, string, string, string]),
  ([name]) => name,
);

test("the table has every operation that the witness knows", () => {
  expect([...EXPECTED.keys()]).toEqual([...SHAPES.keys()]);
});

describe("as QEMU's 24Kf", () => {
  test.each([...EXPECTED])("%s", (name, lines) => {
    const shape = SHAPES.get(name)!;
    const fpu = new Fpu(name, true);
    const operands = triples(shape);
    const wrong = lines.filter(([, rm, fs, expected]) => {
      const hash = new Hash();
      for (const triple of operands) {
        const { result, fcsr } = fpu.run(triple, Number(rm) | (Number(fs) << 24));
        hash.feed(Number(result & 0xffffffffn));
        hash.feed(Number(result >> 32n));
        hash.feed(fcsr);
      }
      return (hash.value >>> 0).toString(16).padStart(8, "0") !== expected;
    });
    expect(wrong.map((line) => line.slice(0, 3).join(" "))).toEqual([]);
  });
});

describe("FAST, CHECK and SOFT agree", () => {
  const probe = new DataView(new ArrayBuffer(0x1000));
  const levelOf = (fcsr: number): number => {
    resetFpu(probe, { fr: true, nan2008: false });
    writeFcsr(probe, fcsr);
    return modeLevel(fpuMode(probe));
  };
  /** Underflow stays enabled for SOFT where nothing underflows, so that nothing is raised. */
  const underflowEnabled = 1 << 8;
  test("the levels are what FCSR asks for", () => {
    expect([0, INEXACT_FLAG, underflowEnabled, 1, 1 << 24].map(levelOf)).toEqual([CHECK, FAST, SOFT, SOFT, SOFT]);
  });
  test.each([...SHAPES.keys()])("%s", (name) => {
    const fpu = new Fpu(name, true);
    for (const triple of triples(SHAPES.get(name)!)) {
      const check = fpu.run(triple, 0);
      const fast = fpu.run(triple, INEXACT_FLAG);
      const soft = fpu.run(triple, ENABLES_MASK & underflowEnabled);
      const agree =
        fast.result === check.result &&
        fast.fcsr === (check.fcsr | INEXACT_FLAG) &&
        (soft.raised
          ? ((soft.fcsr ^ check.fcsr) & CAUSE_MASK) === 0
          : soft.result === check.result && soft.fcsr === (check.fcsr | underflowEnabled));
      if (!agree)
        expect.fail(
          [...triple, check.result, check.fcsr, fast.result, fast.fcsr, soft.result, soft.fcsr].map(hex).join(" "),
        );
    }
  });
});

test("resetFpu makes a 24Kf", () => {
  const state = new DataView(new ArrayBuffer(0x1000));
  resetFpu(state, { fr: false, nan2008: false });
  expect([readFcsr(state), state.getInt32(STATUS_FR.offset, true), FIR_24KF]).toEqual([0, 0, 0x00739300]);
});
