/**
 * Vectors in translated code: random sequences of ARM's floating-point and SIMD instructions, whose registers overlap
 * (words, doublewords, quadwords), as one region against the evaluator, instruction by instruction.
 */
import { beforeAll, expect, test } from "vitest";
import { Evaluator } from "../cpu/evaluator.test-support.ts";
import { EXTENSION_ROWS, Random, decodeExtension, recordsOf } from "../cpu/arm/extension-witness.test-support.ts";
import { armIsa } from "../cpu/arm/isa.ts";
import { readFpscr, writeFpscr } from "../cpu/arm/fpscr.ts";
import { GPR, writeCpsr } from "../cpu/arm/registers.ts";
import { VFP_BASE } from "../cpu/arm/vfp-registers.ts";
import { Engine } from "./engine.ts";
import { PAGE_TABLE, STATE_BYTES } from "./layout.ts";
import { TranslationCache } from "./translation-cache.ts";

const CODE = 0x400000;
const DATA = 0x500000;
const UDF = 0xe7f000f0;
const isa = armIsa({ cpu: "max" });

let memory: WebAssembly.Memory;
let engine: Engine;
let bytes: DataView;
beforeAll(() => {
  memory = new WebAssembly.Memory({ initial: 65536, maximum: 65536, shared: true });
  const state = new WebAssembly.Memory({ initial: STATE_BYTES / 65536, maximum: STATE_BYTES / 65536 });
  new Uint8Array(state.buffer, PAGE_TABLE, 1 << 20).fill(7);
  bytes = new DataView(memory.buffer);
  engine = new Engine({
    isa,
    memory,
    state,
    code: { read16: (at) => bytes.getUint16(at, true), read32: (at) => bytes.getUint32(at, true) },
    softwareChecks: false,
    cache: new TranslationCache(0),
    systemCall: () => false,
  });
});

/** The register numbers of a word cut down to the lowest eight doublewords, so that instructions meet in them. */
const crowd = (word: number): number =>
  (word & ~((1 << 22) | (1 << 7) | (1 << 5) | (1 << 15) | (1 << 19) | (1 << 3))) >>> 0;

/** Words of data-processing and element instructions, one of each row and more. */
function words(seed: number): number[] {
  return EXTENSION_ROWS.flatMap((row, n) =>
    row.flow !== undefined || row.group.startsWith("VFP load")
      ? []
      : recordsOf(row, seed + n, 1).flatMap((record) => {
          const word = record.getUint32(0, true);
          const near = crowd(word);
          return decodeExtension(near)?.row === row && !row.group.includes("load") && !row.group.includes("transfer")
            ? [near]
            : [word];
        }),
  );
}

const LENGTH = 12;
let at = CODE;

function compare(sequence: readonly number[], random: Random): string | undefined {
  const values = recordsOf(EXTENSION_ROWS[random.below(EXTENSION_ROWS.length)]!, random.word(), 1)[0];
  if (values === undefined) return undefined;
  const reference = new Evaluator({ littleEndian: true, memoryBase: DATA, memorySize: 256 });
  const fill = (state: DataView): void => {
    writeFpscr(state, values.getUint32(4, true) & ~0x00370000);
    writeCpsr(state, values.getUint32(8, true));
    for (let n = 0; n < 4; n++)
      state.setInt32(GPR[n]!.offset, n === 1 ? DATA + 64 : values.getInt32(12 + 4 * n, true), true);
    state.setInt32(GPR[2]!.offset, 0, true);
    for (let n = 0; n < 32; n++) state.setBigUint64(VFP_BASE + 8 * n, values.getBigUint64(32 + 8 * n, true), true);
  };
  fill(reference.state);
  fill(engine.view);
  for (let n = 0; n < 256; n++) {
    reference.memory.setUint8(n, (n * 37) & 255);
    bytes.setUint8(DATA + n, (n * 37) & 255);
  }
  const start = at;
  sequence.forEach((word, n) => bytes.setUint32(start + 4 * n, word, true));
  bytes.setUint32(start + 4 * sequence.length, UDF, true);
  at += 4 * (sequence.length + 1);
  const mode = isa.mode(reference.state);
  for (let n = 0; n < sequence.length; n++) {
    const pc = start + 4 * n;
    const instruction = isa.decode({ read16: () => 0, read32: (address) => bytes.getUint32(address, true) }, pc, mode);
    const exit = reference.run(() => isa.lift(reference, instruction, mode));
    if (exit.kind !== "next") return undefined; // left the data, or an address that is not aligned
    // Keeps the element instructions inside of the data.
    if (((reference.read(GPR[1]!) as number) - DATA) >>> 0 > 160) return undefined;
  }
  engine.pc = start;
  for (;;) {
    const exit = engine.run(1000);
    if (exit.reason === "exception") break;
    if (exit.reason !== "yield") return exit.reason;
  }
  const differences: string[] = [];
  const check = (name: string, ours: number | bigint, expected: number | bigint): void => {
    if (ours !== expected) differences.push(`${name} ${ours.toString(16)} not ${expected.toString(16)}`);
  };
  check("pc", engine.pc, start + 4 * sequence.length);
  check("fpscr", readFpscr(engine.view), readFpscr(reference.state));
  for (let n = 0; n < 4; n++)
    check(`r${n}`, engine.view.getInt32(GPR[n]!.offset, true), reference.state.getInt32(GPR[n]!.offset, true));
  for (let n = 0; n < 32; n++)
    check(
      `d${n}`,
      engine.view.getBigUint64(VFP_BASE + 8 * n, true),
      reference.state.getBigUint64(VFP_BASE + 8 * n, true),
    );
  for (let n = 0; n < 256; n++) check(`byte ${n}`, bytes.getUint8(DATA + n), reference.memory.getUint8(n));
  if (differences.length === 0) return "";
  return `${sequence.map((word) => word.toString(16)).join(" ")} mode ${mode}: ${differences.slice(0, 4).join(", ")}`;
}

test("sequences compute what their instructions do one by one", () => {
  const random = new Random(77);
  let compared = 0;
  const wrong: string[] = [];
  for (let round = 0; round < 3; round++) {
    const all = words(9000 + 1000 * round);
    for (let n = all.length - 1; n > 0; n--) {
      const other = random.below(n + 1);
      [all[n], all[other]] = [all[other]!, all[n]!];
    }
    for (let n = 0; n + LENGTH <= all.length; n += LENGTH) {
      const found = compare(all.slice(n, n + LENGTH), random);
      if (found === undefined) continue;
      compared++;
      if (found !== "") wrong.push(found);
    }
  }
  expect(wrong).toEqual([]);
  expect(compared).toBeGreaterThan(40);
});
