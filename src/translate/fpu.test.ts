/** The FPU's fast paths as real Wasm: every instruction against what QEMU's 24Kf answered (cpu/mips/witness). */
import { describe, expect, test } from "vitest";
import { INEXACT_FLAG } from "../cpu/mips/fcsr.ts";
import { FPU_VIEWS } from "../cpu/mips/fpu-registers.ts";
import { readFcsr, resetFpu, writeFcsr } from "../cpu/mips/fpu-state.ts";
import { mipsIsa } from "../cpu/mips/isa.ts";
import { EXPECTED, Hash, SHAPES, triples, wordOf } from "../cpu/mips/witness/fpu-witness.test-support.ts";
import { Engine } from "./engine.ts";
import { PAGE_TABLE, STATE_BYTES } from "./layout.ts";

const CODE = 0x400000;
const SYSCALL = 0x0000000c;
const memory = new WebAssembly.Memory({ initial: 65536, maximum: 65536, shared: true });

/** Runs one instruction at a time, with operands in $f4, $f6 and $f8 and the result in $f2. */
class Fpu {
  readonly #state: DataView;
  readonly #engine: Engine;
  constructor(name: string) {
    const code = new DataView(memory.buffer);
    code.setUint32(CODE, wordOf(name), true);
    code.setUint32(CODE + 4, SYSCALL, true);
    const state = new WebAssembly.Memory({ initial: STATE_BYTES / 65536, maximum: STATE_BYTES / 65536 });
    this.#state = new DataView(state.buffer);
    new Uint8Array(state.buffer, PAGE_TABLE, 1 << 20)[CODE >>> 12] = 7;
    this.#engine = new Engine({
      isa: mipsIsa({ littleEndian: true }),
      memory,
      state,
      code: { read16: () => 0, read32: (at) => code.getUint32(at, true) },
      softwareChecks: true,
      systemCall: () => false,
    });
    resetFpu(this.#state, { fr: true, nan2008: false });
  }
  run(operands: readonly bigint[], fcsr: number): { readonly result: bigint; readonly fcsr: number } {
    const at = (n: number): number => FPU_VIEWS[1].d[n]!.offset;
    this.#state.setBigUint64(at(2), 0n, true);
    for (const [n, bits] of operands.entries()) this.#state.setBigUint64(at(4 + 2 * n), bits, true);
    writeFcsr(this.#state, fcsr);
    this.#engine.pc = CODE;
    while (this.#engine.run(1000).reason === "yield");
    return { result: this.#state.getBigUint64(at(2), true), fcsr: readFcsr(this.#state) };
  }
}

describe("as QEMU's 24Kf", () => {
  test.each([...EXPECTED])("%s", (name, lines) => {
    const fpu = new Fpu(name);
    const operands = triples(SHAPES.get(name)!);
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
    for (const triple of operands) {
      const check = fpu.run(triple, 0);
      const fast = fpu.run(triple, INEXACT_FLAG);
      if (fast.result !== check.result || fast.fcsr !== (check.fcsr | INEXACT_FLAG))
        expect.fail(`${triple.map((bits) => bits.toString(16)).join(" ")}: FAST and CHECK differ`);
    }
  });
});
