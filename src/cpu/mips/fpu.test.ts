import { beforeEach, describe, expect, test } from "vitest";
import { findOverlaps } from "../decode-table.ts";
import { encode } from "./assemble.test-support.ts";
import { FCC, FPU_VIEWS, STATUS_FR } from "./fpu-registers.ts";
import { FPU_ROWS, readFcsr, resetFpu, writeFcsr } from "./fpu.ts";
import { mipsIsa, mipsTable } from "./isa.ts";
import { TestMachine } from "./machine.test-support.ts";

let cpu: TestMachine;
beforeEach(() => {
  cpu = new TestMachine();
  resetFpu(cpu.state, { fr: false, nan2008: false });
});

const wide = (): void => cpu.state.setInt32(STATUS_FR.offset, 1, true);
/** Any instruction, by mnemonic and fields. */
const word = (mnemonic: string, fields: Readonly<Record<string, number>>): number =>
  encode(
    mipsTable(2).patterns.find(({ row }) => row.mnemonic === mnemonic)!,
    fields,
  );
const views = () => FPU_VIEWS[cpu.state.getInt32(STATUS_FR.offset, true) as 0 | 1];
const single = (n: number): number => cpu.state.getFloat32(views().s[n]!.offset, true);
const setSingle = (n: number, value: number): void => cpu.state.setFloat32(views().s[n]!.offset, value, true);
const double = (n: number): number => cpu.state.getFloat64(views().d[n]!.offset, true);
const setDouble = (n: number, value: number): void => cpu.state.setFloat64(views().d[n]!.offset, value, true);
const bits = (n: number): bigint => cpu.state.getBigUint64(views().d[n]!.offset, true);
const setBits = (n: number, value: bigint): void => cpu.state.setBigUint64(views().d[n]!.offset, value, true);
const fcsr = (): string => readFcsr(cpu.state).toString(16).padStart(8, "0");
const NEXT = { kind: "next" };
const ILLEGAL = { kind: "exception", exception: "illegal", info: 0 };

test("no two rows of the table mean the same word", () => {
  expect(
    findOverlaps(mipsTable(2)).filter((text) => FPU_ROWS.some(({ bits: pattern }) => text.includes(`"${pattern}"`))),
  ).toEqual([]);
});

// Words and texts from GNU as and objdump 2.40.
test.each([
  [0x46262080, "add.d $f2,$f4,$f6"],
  [0x4d0620a0, "madd.s $f2,$f8,$f4,$f6"],
  [0x4606203c, "c.lt.s $f4,$f6"],
  [0x46262339, "c.ngle.d $fcc3,$f4,$f6"],
  [0x4501fffb, "bc1t 0x3ffff0"],
  [0x450afff9, "bc1fl $fcc2,0x3fffe8"],
  [0x00841001, "movf v0,a0,$fcc1"],
  [0x46212091, "movt.d $f2,$f4,$fcc0"],
  [0x46052093, "movn.s $f2,$f4,a1"],
  [0x4ca40080, "lwxc1 $f2,a0(a1)"],
  [0x4ca41009, "sdxc1 $f2,a0(a1)"],
  [0x4ca4280f, "prefx 0x5,a0(a1)"],
  [0xd7a4fff8, "ldc1 $f4,-8(sp)"],
  [0x44801800, "mtc1 zero,$f3"],
  [0x44682000, "mfhc1 t0,$f4"],
  [0x4448f800, "cfc1 t0,c1_fcsr"],
  [0x44c8c800, "ctc1 t0,c1_fccr"],
  [0x468020a1, "cvt.d.w $f2,$f4"],
  [0x46002089, "trunc.l.s $f2,$f4"],
  [0x46202096, "rsqrt.d $f2,$f4"],
])("%x is %s", (code, text) => {
  const isa = mipsIsa({ littleEndian: true });
  expect(
    isa
      .disassemble(cpu.decode([code]))
      .split("\n")[0]!
      .replace("\t", " "),
  ).toBe(text);
});

describe("registers", () => {
  test("FR = 0: a double is a pair of singles, the even one its low word", () => {
    cpu.registers = { a0: 0x40000000, a1: 0x3ff80000 };
    cpu.execute("mtc1 a0,$f2");
    cpu.execute("mtc1 a1,$f3");
    expect(double(2)).toBe(1.5 + 2 ** -22);
    cpu.execute("add.d $f4,$f2,$f2");
    cpu.execute("mfc1 v0,$f5");
    cpu.execute("mfhc1 v1,$f4");
    expect([cpu.register("v0"), cpu.register("v1")]).toEqual([0x40080000, 0x40080000]);
    cpu.execute("mthc1 a0,$f4");
    cpu.execute("mfc1 v0,$f5");
    expect(cpu.register("v0")).toBe(0x40000000);
  });
  test("FR = 0: no doubles in odd registers, no longs", () => {
    for (const source of [
      "add.d $f1,$f2,$f4",
      "add.d $f2,$f3,$f4",
      "mov.d $f2,$f5",
      "neg.d $f7,$f2",
      "cvt.s.d $f1,$f3",
      "cvt.l.s $f2,$f2",
      "cvt.d.l $f2,$f2",
      "luxc1 $f2,a0(a1)",
    ])
      expect(cpu.execute(source), source).toEqual(ILLEGAL);
    expect(cpu.execute([word("c.eq.d", { s: 1, t: 2, c: 0 })])).toEqual(ILLEGAL);
    expect(cpu.execute("add.s $f1,$f3,$f5")).toEqual(NEXT);
  });
  test("FR = 1: 32 doubles, and singles leave the upper half alone", () => {
    wide();
    setDouble(3, 2.5);
    setBits(5, 0x1234567800000000n);
    setSingle(6, 1);
    expect(cpu.execute("add.d $f1,$f3,$f3")).toEqual(NEXT);
    expect(double(1)).toBe(5);
    cpu.execute("add.s $f5,$f6,$f6");
    expect(bits(5)).toBe(0x1234567840000000n);
  });
  test("moves keep every NaN as it is", () => {
    setBits(4, 0xfff8000012345678n);
    cpu.execute("mov.d $f2,$f4");
    expect(bits(2)).toBe(0xfff8000012345678n);
    expect(fcsr()).toBe("00000000");
  });
  test("paired single and doubleword moves are not there", () => {
    expect(cpu.execute([0x46c62080])).toEqual(ILLEGAL); // add.ps $f2,$f4,$f6
    expect(cpu.execute([0x44242000])).toEqual(ILLEGAL); // dmfc1 a0,$f4
    expect(cpu.decode([0x46c62080]).unsupported).toContain("paired-single");
  });
});

describe.each([true, false])("loads and stores, little-endian: %s", (littleEndian) => {
  const BASE = 0x10000;
  beforeEach(() => {
    cpu = new TestMachine({ littleEndian });
    resetFpu(cpu.state, { fr: false, nan2008: false });
    cpu.registers = { a0: BASE, a1: 8, a2: BASE + 3 };
    cpu.memory.setFloat64(8, -1.25, littleEndian);
    cpu.memory.setFloat32(16, 3.5, littleEndian);
  });
  test("single, double, indexed", () => {
    cpu.execute("ldc1 $f2,8(a0)");
    cpu.execute("lwc1 $f5,16(a0)");
    expect([double(2), single(5)]).toEqual([-1.25, 3.5]);
    cpu.execute("ldxc1 $f6,a1(a0)");
    cpu.execute("sdxc1 $f6,zero(a0)");
    expect(cpu.memory.getFloat64(0, littleEndian)).toBe(-1.25);
    cpu.execute("swc1 $f5,24(a0)");
    cpu.execute("lwxc1 $f8,a1(a0)");
    expect(cpu.memory.getFloat32(24, littleEndian)).toBe(3.5);
    expect(single(8)).toBe(cpu.memory.getFloat32(8, littleEndian));
  });
  test("luxc1 and suxc1 ignore the address's low bits", () => {
    wide();
    cpu.execute("luxc1 $f1,a1(a2)"); // 0x10003 + 8
    expect(double(1)).toBe(-1.25);
    cpu.execute("suxc1 $f1,zero(a2)");
    expect(cpu.memory.getFloat64(0, littleEndian)).toBe(-1.25);
  });
});

describe("control registers, as QEMU's 24Kf", () => {
  const control = (): string[] =>
    [31, 25, 26, 28, 1, 0].map((n) => {
      cpu.execute([word("cfc1", { t: 2, s: n })]);
      return cpu.register("v0").toString(16);
    });
  const write = (n: number, value: number) => {
    cpu.registers = { a0: value };
    const code = mipsTable(2).patterns.find(({ row }) => row.mnemonic === "ctc1")!;
    return cpu.execute([encode(code, { t: 4, s: n })]);
  };
  test("FCCR, FEXR and FENR are views of FCSR, and refuse reserved bits", () => {
    expect(write(25, 0xa5)).toEqual(NEXT);
    expect(control()).toEqual(["a4800000", "a5", "0", "0", "0", "739300"]);
    write(25, 0x1a5);
    expect(write(26, 0x1f07c)).toEqual({ kind: "leave", next: 0x400004 });
    expect(control()).toEqual(["a481f07c", "a5", "1f07c", "0", "0", "739300"]);
    write(26, 0x7f07c);
    expect(control()[0]).toBe("a481f07c");
    write(26, 0);
    write(28, 6);
    write(28, 0x40001);
    expect(control()).toEqual(["a5800002", "a5", "0", "6", "0", "739300"]);
    write(28, 0);
    write(31, 0xfffc007f);
    expect(control()).toEqual(["ff80007f", "ff", "7c", "7", "0", "739300"]);
    write(0, 1);
    expect(control()[5]).toBe("739300");
  });
  test("writing a Cause bit that is enabled raises at once", () => {
    expect(write(31, 0x1080)).toEqual({ kind: "exception", exception: "floatingPoint", info: 0 });
    expect(fcsr()).toBe("00001080");
    expect(write(31, 0x20000)).toMatchObject({ exception: "floatingPoint" });
    expect(write(31, 0x1f07c)).toEqual({ kind: "leave", next: 0x400004 });
  });
  test("Cause is the last operation's", () => {
    for (const sticky of [0, 4]) {
      writeFcsr(cpu.state, sticky);
      setSingle(2, 1);
      setSingle(4, 3);
      cpu.execute("div.s $f6,$f2,$f4");
      expect(fcsr()).toBe("00001004");
      for (const source of ["abs.s $f6,$f2", "neg.s $f6,$f2", "mov.s $f6,$f2"]) cpu.execute(source);
      expect([fcsr(), control()[0], control()[2]]).toEqual(["00001004", "1004", "1004"]);
      cpu.execute([word("c.f.s", { s: 2, t: 4, c: 0 })]);
      expect([fcsr(), control()[0]]).toEqual(["00000004", "4"]);
      setDouble(6, 1e300);
      cpu.execute("mul.d $f8,$f6,$f6");
      expect([fcsr(), control()[0]]).toEqual(["00005014", "5014"]);
      cpu.execute("cvt.d.w $f8,$f6");
      expect(fcsr()).toBe("00000014");
    }
  });
});

describe("enabled exceptions stop before the destination is written", () => {
  // Enables I U O Z V are bits 7 to 11; operands that raise each of them in a division.
  test.each([
    ["inexact", 0x80, 1, 3, "00001080"],
    ["overflow", 0x200, 3e38, 1e-10, "00005200"],
    ["overflow, inexact enabled", 0x80, 3e38, 1e-10, "00005080"],
    ["division by zero", 0x400, 1, 0, "00008400"],
    ["invalid", 0x800, 0, 0, "00010800"],
  ])("%s", (_name, enables, a, b, expected) => {
    writeFcsr(cpu.state, enables);
    setSingle(2, a);
    setSingle(4, b);
    setSingle(6, 42);
    expect(cpu.execute("div.s $f6,$f2,$f4")).toEqual({ kind: "exception", exception: "floatingPoint", info: 0 });
    expect([single(6), fcsr()]).toEqual([42, expected]);
  });
  test("the others are only recorded", () => {
    writeFcsr(cpu.state, 0x800);
    setSingle(2, 1);
    setSingle(4, 0);
    expect(cpu.execute("div.s $f6,$f2,$f4")).toEqual(NEXT);
    expect([single(6), fcsr()]).toEqual([Infinity, "00008820"]);
  });
  test("a comparison leaves its condition code", () => {
    writeFcsr(cpu.state, 0x800);
    setSingle(2, NaN);
    cpu.write(FCC[1]!, 1);
    expect(cpu.execute([word("c.lt.s", { s: 2, t: 4, c: 1 })])).toMatchObject({ exception: "floatingPoint" });
    expect(cpu.read(FCC[1]!)).toBe(1);
  });
});

describe("condition codes", () => {
  test("branches, with their delay slots", () => {
    const branch = (mnemonic: string, c: number): unknown => {
      cpu.registers = { v0: 0 };
      const exit = cpu.execute([word(mnemonic, { c, o: 0x10 }), 0x24020001]); // li v0,1
      return [exit.kind === "jump" && exit.target === 0x400044, cpu.register("v0")];
    };
    setSingle(2, 1);
    setSingle(4, 2);
    cpu.execute([word("c.lt.s", { s: 2, t: 4, c: 3 })]);
    expect([branch("bc1t", 3), branch("bc1f", 3), branch("bc1tl", 3), branch("bc1fl", 3), branch("bc1t", 0)]).toEqual([
      [true, 1],
      [false, 1],
      [true, 1],
      [false, 0],
      [false, 1],
    ]);
    expect(fcsr()).toBe("08000000");
  });
  test("conditional moves", () => {
    cpu.write(FCC[2]!, 1);
    cpu.registers = { a0: 7, v0: 1, v1: 1 };
    setSingle(4, 5);
    for (const [mnemonic, fields] of [
      ["movt", { s: 4, d: 2, c: 2 }],
      ["movf", { s: 4, d: 3, c: 2 }],
      ["movt.s", { s: 4, d: 6, c: 2 }],
      ["movf.s", { s: 4, d: 7, c: 2 }],
      ["movn.s", { s: 4, d: 8, t: 4 }],
      ["movz.s", { s: 4, d: 9, t: 4 }],
      ["movz.s", { s: 4, d: 10, t: 0 }],
    ] as const)
      cpu.execute([word(mnemonic, fields)]);
    expect([cpu.register("v0"), cpu.register("v1")]).toEqual([7, 1]);
    expect([6, 7, 8, 9, 10].map(single)).toEqual([5, 0, 5, 0, 5]);
  });
});

describe("ordinary numbers need no helper", () => {
  /** Names of the helpers that instructions call, on operands in $f2, $f4 and $f6. */
  const helpersOf = (
    sources: readonly string[],
    [a, b, c]: readonly [number, number, number],
    sticky: number,
  ): string[] => {
    const names: string[] = [];
    const call = cpu.call.bind(cpu);
    cpu.call = (helper, ...args) => {
      names.push(helper.name);
      return call(helper, ...args);
    };
    for (const source of sources) {
      writeFcsr(cpu.state, sticky);
      for (const [n, value] of [a, b, c].entries()) {
        if (/\.s \$|\.s\b.*\$/.test(source) && !source.includes("cvt.s.d")) setSingle(2 + 2 * n, value);
        else setDouble(2 + 2 * n, value);
      }
      cpu.execute(source);
    }
    return names;
  };
  const binary = ["add", "sub", "mul", "div"].flatMap((name) => [`${name}.s $f8,$f2,$f4`, `${name}.d $f8,$f2,$f4`]);
  const unary = ["sqrt", "cvt.w", "trunc.w"].flatMap((name) => [`${name}.s $f8,$f2`, `${name}.d $f8,$f2`]);
  const fused = ["madd", "nmsub"].flatMap((name) => [`${name}.s $f8,$f6,$f2,$f4`, `${name}.d $f8,$f6,$f2,$f4`]);
  const all = [...binary, ...unary, ...fused, "cvt.s.d $f8,$f2"];
  test("FAST: inexact results and zero operands", () => {
    expect(helpersOf(all, [1.1, 3.3, -7.7], 4)).toEqual([]);
    expect(helpersOf(all, [0, 3.3, -7.7], 4)).toEqual([]);
  });
  test("CHECK: exact results; an inexact one asks", () => {
    expect(helpersOf(all, [9, 2.25, -7], 0)).toEqual([]);
    expect(helpersOf(binary, [1.1, 0.0123, 0], 0)).toEqual(binary.map((source) => source.split(" ")[0]));
  });
});

describe("NaN2008 (EF_MIPS_NAN2008)", () => {
  beforeEach(() => resetFpu(cpu.state, { fr: true, nan2008: true }));
  test("NaNs keep their payload, and convert to 0", () => {
    expect(fcsr()).toBe("000c0000");
    setBits(2, 0x7ff8000000000123n);
    setBits(4, 0xfff0000000000456n);
    cpu.execute("add.d $f6,$f2,$f2");
    expect([bits(6), fcsr()]).toEqual([0x7ff8000000000123n, "000c0000"]);
    cpu.execute("add.d $f6,$f2,$f4");
    expect([bits(6), fcsr()]).toEqual([0xfff8000000000456n, "000d0040"]);
    cpu.execute("cvt.w.d $f6,$f2");
    expect(Number(bits(6) & 0xffffffffn)).toBe(0);
    setDouble(2, -1e300);
    cpu.execute("cvt.l.d $f6,$f2");
    expect(bits(6)).toBe(0x8000000000000000n);
  });
});
