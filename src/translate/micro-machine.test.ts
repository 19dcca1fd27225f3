/** Micro-operations do what the emitter that computes at once does. */
import { expect, test } from "vitest";
import type { Emitter, I32, Slot, Value } from "../cpu/emitter.ts";
import type { Instruction, Isa } from "../cpu/isa.ts";
import { OPERATORS } from "../cpu/operators.ts";
import { Interpreter } from "./interpreter.ts";
import { PAGE_TABLE, STATE_BYTES } from "./layout.ts";
import { MicroBlocks } from "./micro-blocks.ts";
import { MicroMachine } from "./micro-machine.ts";
import { MICRO, MICRO_OPERATORS } from "./micro-operations.ts";

type Meaning = (e: Emitter) => void;
const slot = (n: number): Slot<"i32"> => ({ name: `r${n}`, type: "i32", offset: 0x100 + 4 * n, cached: true });
const [R0, R1, R2, R3] = [slot(0), slot(1), slot(2), slot(3)];
const WIDE: Slot<"i64"> = { name: "wide", type: "i64", offset: 0x140, cached: true };
const OTHER_WIDE: Slot<"i64"> = { ...WIDE, offset: 0x148 };
/** The upper half of the first. */
const HALF: Slot<"i32"> = { name: "half", type: "i32", offset: 0x144, cached: true };

/** An ISA of one instruction for each meaning, at multiples of four. */
function isaOf(meanings: readonly Meaning[]): Isa {
  const decode = (_: unknown, pc: number): Instruction => ({
    pc,
    size: 4,
    word: 0,
    flow: { kind: pc / 4 < meanings.length - 1 ? "next" : "stop" },
  });
  const lift = (e: Emitter, { pc }: Instruction): void => meanings[pc / 4]!(e);
  return { name: "test", littleEndian: true, slots: [], mode: () => 0, decode, lift, disassemble: () => "" };
}

const code = { read16: () => 0, read32: () => 0 };

/** Runs the meanings both ways with the same registers; returns both endings with registers and memory. */
function both(meanings: readonly Meaning[], registers: readonly number[], littleEndian = true): [unknown, unknown] {
  const run = (asMicro: boolean): unknown => {
    const memory = new WebAssembly.Memory({ initial: 65536, maximum: 65536, shared: true });
    const state = new WebAssembly.Memory({ initial: STATE_BYTES / 65536, maximum: STATE_BYTES / 65536 });
    const words = new Int32Array(state.buffer);
    words.set(registers, 0x100 / 4);
    new Uint8Array(state.buffer).fill(3, PAGE_TABLE + 1, PAGE_TABLE + 3);
    new Uint8Array(state.buffer)[PAGE_TABLE + 0xfffff] = 3;
    const place = { littleEndian, memory, state };
    const interpreter = new Interpreter(place);
    const isa = isaOf(meanings);
    const block = new MicroBlocks().at(isa, code, 0, 0);
    if (asMicro) new MicroMachine(interpreter, place).run(isa, block, 0);
    else
      interpreter.run(
        isa,
        meanings.map((_, n) => isa.decode(code, 4 * n, 0)),
        0,
      );
    const { ending, target, exception, info, pc } = interpreter;
    const end = ending === "exception" ? { exception, info, pc } : { target };
    const bytes = new Uint8Array(memory.buffer);
    return [ending, end, [...words.slice(0x40, 0x60)], [...bytes.slice(0x1000, 0x1020)], [...bytes.slice(-16)]];
  };
  return [run(false), run(true)];
}

const stop: Meaning = (e) => e.jump(0x1234);

function agree(meanings: readonly Meaning[], registers: readonly number[], littleEndian = true): void {
  const [plain, micro] = both([...meanings, stop], registers, littleEndian);
  expect(micro).toEqual(plain);
}

const NUMBERS = [0, 1, -1, 2, 31, 32, 33, 255, 256, 0x7fffffff, -0x80000000, 0x12345678, -0x6789abcd];

test.each(MICRO_OPERATORS)("%s", (name) => {
  const [, second] = OPERATORS.i32[name].params;
  const isDivision = name.startsWith("div") || name.startsWith("rem");
  const meanings: Meaning[] = [];
  for (const a of NUMBERS) {
    for (const b of second === undefined ? [0] : NUMBERS) {
      if (isDivision && (b === 0 || (a === -0x80000000 && b === -1))) continue;
      meanings.push((e) => {
        const operator = e.i32[name] as (a: I32, b?: I32) => I32;
        const result = second === undefined ? operator(e.const32(a)) : operator(e.const32(a), e.const32(b));
        // Every result counts.
        e.set(R0, e.i32.add(e.i32.mul(e.get(R0), e.const32(31)), result));
      });
    }
  }
  for (let n = 0; n < meanings.length; n += 50) agree(meanings.slice(n, n + 50), [0]);
});

test("numbers of operators and of the others do not meet", () => {
  const others = Object.values(MICRO);
  expect(Math.min(...others)).toBe(MICRO_OPERATORS.length);
  expect(new Set(others).size).toBe(others.length);
});

test("a value is what it was when it was made", () => {
  agree([(e) => swap(e, R0, R1)], [5, 7]);
  agree(
    [
      (e) => {
        const old = e.get(R0);
        const sum = e.i32.add(old, e.get(R1));
        e.set(R0, sum);
        e.set(R2, sum);
        e.set(R1, e.i32.sub(sum, old));
        e.set(R3, old);
      },
    ],
    [100, 23],
  );
  // Halves of a wide register.
  agree(
    [
      (e) => {
        const [low, wide] = [e.get(HALF), e.get(WIDE)];
        e.set(HALF, e.const32(5));
        e.set(R0, low);
        e.set(OTHER_WIDE, wide);
        e.set(WIDE, e.get(OTHER_WIDE));
        e.set(R1, e.get(HALF));
      },
      (e) => {
        const [wide, other] = [e.get(WIDE), e.get(OTHER_WIDE)];
        e.set(WIDE, other);
        e.set(OTHER_WIDE, wide);
      },
    ],
    Array.from({ length: 24 }, (_, n) => n + 1),
  );
  // The sum is needed by what comes after the register has it.
  agree(
    [
      (e) => {
        const sum = e.i32.add(e.get(R0), e.get(R1));
        const twice = e.i32.add(sum, sum);
        e.set(R0, sum);
        e.set(R1, twice);
      },
    ],
    [3, 4],
  );
});

function swap(e: Emitter, a: Slot<"i32">, b: Slot<"i32">): void {
  const [x, y] = [e.get(a), e.get(b)];
  e.set(a, y);
  e.set(b, x);
}

test.each([0, 1])("choices: %i", (condition) => {
  const meaning: Meaning = (e) => {
    const old = e.get(R1);
    e.when(e.get(R0), () => {
      e.set(R1, e.i32.add(old, e.const32(1000)));
      e.set(R0, e.const32(77));
    });
    const chosen: Value<"i32"> = e.either(
      e.i32.eqz(e.get(R2)),
      () => e.get(R1),
      () => {
        e.set(R3, e.const32(5));
        return e.const32(6);
      },
    );
    e.set(R2, e.i32.add(chosen, e.select(e.get(R0), e.const32(1), e.const32(400))));
  };
  agree([meaning], [condition, 10, 0]);
  agree([meaning], [condition, 10, 1]);
});

test.each([0, 1])("choices of 64 bits: %i", (condition) => {
  const registers = [condition, ...Array.from({ length: 24 }, (_, n) => n + 1)];
  agree([(e) => e.set(WIDE, e.select(e.get(R0), e.get(WIDE), e.get(OTHER_WIDE)))], registers);
  const arms = (e: Emitter): Value<"i64"> =>
    e.either(
      e.get(R0),
      () => e.get(WIDE),
      () => e.get(OTHER_WIDE),
    );
  agree([(e) => e.set(WIDE, arms(e))], registers);
  agree([(e) => e.when(e.get(R0), () => e.set(WIDE, e.get(OTHER_WIDE)))], registers);
});

test.each([true, false])("memory, little-endian: %s", (littleEndian) => {
  const everything: Meaning[] = [0x1000, 0x1001, 0x1003, 0x1fff, -16, -9].map((address) => (e) => {
    const at = e.const32(address);
    e.store32(at, e.i32.xor(e.load32(at), e.get(R0)));
    e.store16(e.i32.add(at, e.const32(3)), e.i32.add(e.load16S(at), e.load16U(at)));
    e.store8(at, e.i32.add(e.load8S(at), e.load8U(e.i32.add(at, e.const32(1)))));
    e.set(R0, e.i32.rotl(e.load32(at), e.const32(5)));
    const both = e.load64(at);
    e.store64(e.i32.add(at, e.const32(4)), e.get(WIDE));
    e.set(WIDE, both);
  });
  agree(everything, [0x8badf00d], littleEndian);
});

test.each([0x3000, 0x2fff, 0xfff, -2])("an access to 0x%x is a fault, with what came before it", (address) => {
  for (const access of [
    (e: Emitter, at: I32) => e.set(WIDE, e.load64(at)),
    (e: Emitter, at: I32) => e.store64(at, e.get(WIDE)),
    (e: Emitter, at: I32) => e.set(R2, e.load32(at)),
    (e: Emitter, at: I32) => e.store32(at, e.const32(1)),
  ])
    agree(
      [
        (e) => e.set(R1, e.const32(1)),
        (e) => {
          e.set(R1, e.const32(2));
          access(e, e.const32(address));
          e.set(R1, e.const32(3));
        },
      ],
      [],
    );
});

test("exceptions", () => {
  for (const condition of [0, 1])
    agree(
      [
        (e) => {
          e.set(R0, e.i32.add(e.get(R0), e.const32(1)));
          e.at(0x44);
          e.raiseIf(e.const32(condition), "trap", e.get(R0));
          e.set(R0, e.const32(9));
        },
      ],
      [4],
    );
});

test("what there is no operation for is the interpreter's", () => {
  const wide: Meaning = (e) => {
    e.set(R0, e.const32(1));
    e.set(WIDE, e.i64.mul(e.i64.extendI32U(e.get(R1)), e.i64.extendI32U(e.get(R1))));
  };
  agree([(e) => e.set(R1, e.const32(-2)), wide, (e) => e.set(R2, e.get(R0))], []);
});

test.each<[string, Meaning]>([
  ["branch", (e) => e.branch(e.get(R0), 0x10, 0x20)],
  ["branch with something on its way", (e) => e.branch(e.get(R0), 0x10, 0x20, () => e.set(R1, e.const32(3)))],
  ["branch that calls", (e) => e.branch(e.get(R0), 0x10, 0x20, () => e.callDirect(0x30, 0x20))],
  ["call", (e) => e.callDirect(0xf0000000, 8)],
  ["computed call", (e) => e.callIndirect(e.get(R2), 8)],
  ["computed jump", (e) => e.jumpIndirect(e.get(R2))],
  ["return", (e) => e.returnTo(e.get(R2))],
  ["system call", (e) => e.systemCall(0x40)],
  ["leave", (e) => e.leave(0x50)],
  ["leave for a computed address", (e) => e.leave(e.get(R2))],
  ["raise", (e) => e.raise("illegal")],
])("%s", (_, end) => {
  for (const condition of [0, 1]) {
    const [plain, micro] = both([end], [condition, 0, 0x80001000]);
    expect(micro).toEqual(plain);
  }
});
