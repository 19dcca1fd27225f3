/** What the witness (extension-witness.test.ts) cannot ask: registers as views of each other, modes, the stack, models. */
import { beforeEach, describe, expect, test } from "vitest";
import { Evaluator } from "../evaluator.test-support.ts";
import { decodeExtension } from "./extension-witness.test-support.ts";
import { MODE_FLUSH, MODE_INEXACT, MODE_ONLY_16, MODE_SHORT_VECTORS, MODE_SOFT } from "./fpscr.ts";
import { armIsa } from "./isa.ts";
import type { ArmModel } from "./models.ts";
import { CF, GPR, NF, VF, ZF } from "./registers.ts";
import { D, Q, QC, S, VFP_END, VFP_SLOTS, WORD } from "./vfp-registers.ts";
import { VFP_ROWS, readFpscr, resetVfp, vfpMode, writeFpscr } from "./vfp.ts";

const BASE = 0x10000;
let cpu: Evaluator;
beforeEach(() => {
  cpu = new Evaluator({ littleEndian: true, memoryBase: BASE, memorySize: 256 });
  resetVfp(cpu.state, { sixteen: false });
});

const run = (word: number, model: ArmModel = "max") => {
  const isa = armIsa({ cpu: model });
  const mode = isa.mode(cpu.state);
  const instruction = isa.decode({ read16: () => 0, read32: () => word }, 0x8000, mode);
  return cpu.run(() => isa.lift(cpu, instruction, mode));
};
const NEXT = { kind: "next" };
const ILLEGAL = { kind: "exception", exception: "illegal", info: 0 };

test("words, doublewords and quadwords are the same bytes", () => {
  cpu.write(Q[1]!, 0x4008000000000000_4000000000000000n);
  expect([cpu.read(D[2]!), cpu.read(D[3]!)]).toEqual([0x4000000000000000n, 0x4008000000000000n]);
  cpu.write(S[5]!, 0x3f800000);
  expect(cpu.read(D[2]!)).toBe(0x3f80000000000000n);
  expect(cpu.read(WORD[7]!)).toBe(0x40080000);
  expect(VFP_SLOTS.every(({ offset }) => offset >= 0x200 && offset < VFP_END)).toBe(true);
});

describe("FPSCR", () => {
  test("is put together and taken apart", () => {
    for (const value of [0, 0xf8000000, 0x5f40009f, 0xa3c00010, 0x00370000]) {
      writeFpscr(cpu.state, value);
      expect(readFpscr(cpu.state)).toBe(value);
    }
    writeFpscr(cpu.state, 0xffffffff);
    expect(readFpscr(cpu.state).toString(16)).toBe("fff7009f");
  });
  test("QC is any bit of its slot", () => {
    cpu.write(QC, 1n << 100n);
    expect(readFpscr(cpu.state)).toBe(0x08000000);
  });
  test.each([
    [0, 0],
    [0x10, MODE_INEXACT],
    [1 << 24, MODE_FLUSH],
    [0x01000010, MODE_FLUSH | MODE_INEXACT],
    [0x01400000, MODE_SOFT],
    [0x00c00010, MODE_SOFT | MODE_INEXACT],
    [0x00010000, MODE_SHORT_VECTORS],
    [0x02000000, 0], // default NaN: NaNs are the helpers' anyway
  ])("%s is mode %s", (fpscr, mode) => {
    writeFpscr(cpu.state, fpscr);
    expect(vfpMode(cpu.state)).toBe(mode);
  });
  test("vmsr leaves the block, and vmrs APSR_nzcv hands over the flags of vcmp", () => {
    cpu.write(GPR[0]!, 0x00400000);
    expect(run(0xeee10a10)).toEqual({ kind: "leave", next: 0x8004 }); // vmsr fpscr, r0
    expect(vfpMode(cpu.state)).toBe(MODE_SOFT);
    resetVfp(cpu.state, { sixteen: false });
    cpu.state.setFloat64(D[0]!.offset, 1, true);
    cpu.state.setFloat64(D[1]!.offset, 2, true);
    expect(run(0xeeb40b41)).toEqual(NEXT); // vcmp.f64 d0, d1
    expect(run(0xeef1fa10)).toEqual(NEXT); // vmrs APSR_nzcv, fpscr
    expect([(cpu.read(NF) as number) < 0, cpu.read(ZF) === 0, cpu.read(CF), (cpu.read(VF) as number) < 0]).toEqual([
      true,
      false,
      0,
      false,
    ]);
  });
});

describe("short vectors", () => {
  test("arithmetic is illegal, comparison and conversion are not vectors", () => {
    writeFpscr(cpu.state, 0x00010000);
    expect(run(0xee300a81)).toEqual(ILLEGAL); // vadd.f32 s0, s1, s2
    expect(run(0xeeb01ac1)).toEqual(ILLEGAL); // vabs.f32
    expect(run(0xeeb40a41)).toEqual(NEXT); // vcmp.f32
    expect(run(0xeebd0ac1)).toEqual(NEXT); // vcvt.s32.f32
  });
});

describe("sixteen registers", () => {
  test("d16 and above do not exist", () => {
    resetVfp(cpu.state, { sixteen: true });
    expect(vfpMode(cpu.state)).toBe(MODE_ONLY_16);
    expect(run(0xee300b01)).toEqual(NEXT); // vadd.f64 d0, d0, d1
    expect(run(0xee300b21)).toEqual(ILLEGAL); // vadd.f64 d0, d0, d17
    expect(run(0xeddd0b00)).toEqual(ILLEGAL); // vldr d16, [sp]
    cpu.write(GPR[13]!, BASE);
    expect(run(0xecbdfb04)).toEqual(ILLEGAL); // vpop {d15-d16}
  });
});

test("vpush and vpop", () => {
  cpu.write(GPR[13]!, BASE + 64);
  cpu.write(D[8]!, 0x1111111111111111n);
  cpu.write(D[9]!, 0x2222222222222222n);
  expect(run(0xed2d8b04)).toEqual(NEXT); // vpush {d8-d9}
  expect(cpu.read(GPR[13]!)).toBe(BASE + 48);
  expect(run(0xecbd0b04)).toEqual(NEXT); // vpop {d0-d1}
  expect([cpu.read(GPR[13]!), cpu.read(D[0]!), cpu.read(D[1]!)]).toEqual([
    BASE + 64,
    0x1111111111111111n,
    0x2222222222222222n,
  ]);
  cpu.write(S[0]!, 0x3f800000);
  expect(run(0xed2d0a01)).toEqual(NEXT); // vpush {s0}
  expect(run(0xecfd7a01)).toEqual(NEXT); // vpop {s15}
  expect(cpu.read(S[15]!)).toBe(0x3f800000);
});

test("an instruction with a condition that fails does nothing", () => {
  cpu.write(ZF, 1);
  cpu.write(S[1]!, 0x3f800000);
  expect(run(0x0e300aa0)).toEqual(NEXT); // vaddeq.f32 s0, s1, s1
  expect(cpu.read(S[0]!)).toBe(0);
  cpu.write(ZF, 0);
  run(0x0e300aa0);
  expect(cpu.read(S[0]!)).toBe(0x40000000);
});

describe("models", () => {
  test.each([
    ["arm926", 0xeeb70a00, true], // vmov.f32 s0, #1.0: VFPv3
    ["arm926", 0xf2000840, true], // vadd.i8 q0, q0, q0
    ["cortex-a9", 0xf2000c50, true], // vfma.f32 q0, q0, q0
    ["cortex-a15", 0xf2000c50, false],
    ["cortex-a15", 0xfe800a00, true], // vmaxnm.f32
    ["max", 0xf3b00300, false], // aese.8 q0, q0
  ] as const)("%s, %x", (model, word, refused) => {
    expect(run(word, model)).toEqual(refused ? ILLEGAL : NEXT);
  });
});

// ARM DDI 0406C: UNDEFINED and UNPREDICTABLE forms.
test.each([
  [0xf2001842, "a Q register with an odd number"],
  [0xf2300940, "vmla.i64"],
  [0xf4610a3f, "vld1 of two registers, aligned to 32 bytes"],
  [0xf46f070f, "vld1 with the PC as base"],
  [0xf46fe20f, "vld1 beyond d31"],
  [0xecb10b00, "vldm of nothing"],
  [0xee10fb10, "vmov to the PC"],
  [0xf3ba0100, "vuzp of two words"],
])("%s is not an instruction: %s", (word) => {
  expect(decodeExtension(word)?.row.mnemonic).toBeUndefined();
});

test("alignment hints are checked", () => {
  cpu.write(GPR[1]!, BASE + 4);
  expect(run(0xf421071f)).toEqual({ kind: "exception", exception: "addressError", info: BASE + 4 }); // vld1.8 {d0}, [r1 :64]
  expect(run(0xf421070f)).toEqual(NEXT);
});

test("rows say what they need", () => {
  expect(VFP_ROWS.filter(({ needs }) => needs === undefined)).toEqual([]);
});
