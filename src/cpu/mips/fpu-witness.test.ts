/** Every FPU instruction against what QEMU's 24Kf answered (witness/fpu.c says how), and each mode against the others. */
import { describe, expect, test } from "vitest";
import { Evaluator } from "../evaluator.test-support.ts";
import { CAUSE_MASK, ENABLES_MASK, FIR_24KF, INEXACT_FLAG } from "./fcsr.ts";
import { FPU_VIEWS, STATUS_FR } from "./fpu-registers.ts";
import { CHECK, FAST, SOFT, fpuMode, modeLevel, readFcsr, resetFpu, writeFcsr } from "./fpu-state.ts";
import { mipsIsa } from "./isa.ts";
import { EXPECTED, Hash, SHAPES, triples, wordOf } from "./witness/fpu-witness.test-support.ts";

/** Puts operands into registers, runs the instruction. */
class Fpu {
  readonly #cpu = new Evaluator({ littleEndian: true });
  readonly #isa = mipsIsa({ littleEndian: true });
  readonly #word: number;
  constructor(name: string) {
    this.#word = wordOf(name);
    resetFpu(this.#cpu.state, { fr: true, nan2008: false });
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
    const exit = this.#cpu.run(() => this.#isa.lift(this.#cpu, instruction, mode));
    const result = state.getBigUint64(FPU_VIEWS[1].d[2]!.offset, true);
    return { result, fcsr: readFcsr(state), raised: exit.kind === "exception" && exit.exception === "floatingPoint" };
  }
}

const hex = (n: bigint | number): string => n.toString(16);

test("the table has every operation that the witness knows", () => {
  expect([...EXPECTED.keys()]).toEqual([...SHAPES.keys()]);
});

describe("as QEMU's 24Kf", () => {
  test.each([...EXPECTED])("%s", (name, lines) => {
    const shape = SHAPES.get(name)!;
    const fpu = new Fpu(name);
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
    const fpu = new Fpu(name);
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
