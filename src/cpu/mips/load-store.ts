/**
 * Loads, stores and the atomic pair (MIPS32 AFP vol II-A, "CPU Load, Store, and Memory Control").
 *
 * `lh`, `lw`, `sh` and `sw` take any alignment: hardware raises an address error at an odd one, but Linux then does the
 * access itself (arch/mips "unaligned access" emulation), so that to a program it simply works.
 */
import type { Emitter, I32 } from "../emitter.ts";
import { signed16 } from "./arithmetic.ts";
import { gpr, LL_ADDRESS, LL_VALUE, NO_RESERVATION, setGpr } from "./registers.ts";
import type { LiftContext } from "./row.ts";
import { rowsOf } from "./row.ts";

const row = rowsOf("CPU load, store and memory control");

/** The fields of every `op rt, offset(base)`. */
interface Operands {
  readonly s: number;
  readonly t: number;
  readonly i: number;
}

/** The address that `offset(base)` names, here and in the FPU's loads and stores. */
export function address(e: Emitter, base: number, offset: number): I32 {
  if (offset === 0) return gpr(e, base);
  const displacement = e.const32(signed16(offset));
  return base === 0 ? displacement : e.i32.add(gpr(e, base), displacement);
}

/** A load whose value is made by one memory access of the emitter. */
function load(access: (e: Emitter, at: I32) => I32): (e: Emitter, fields: Operands) => void {
  return (e, { s, t, i }) => setGpr(e, t, access(e, address(e, s, i)));
}

function store(access: (e: Emitter, at: I32, value: I32) => void): (e: Emitter, fields: Operands) => void {
  return (e, { s, t, i }) => access(e, address(e, s, i), gpr(e, t));
}

/** Where an unaligned access lies in its aligned word. */
interface Unaligned {
  /** The aligned word's address. */
  readonly word: I32;
  readonly at: I32;
  /** Bytes of the word that are less significant than the one at `at`. */
  readonly below: I32;
}

function unaligned(e: Emitter, context: LiftContext, base: number, offset: number): Unaligned {
  const at = address(e, base, offset);
  const byte = e.i32.and(at, e.const32(3));
  return { at, word: e.i32.and(at, e.const32(-4)), below: context.littleEndian ? byte : e.i32.xor(byte, e.const32(3)) };
}

/** `lwl`: the byte at the address becomes the register's top byte, the less significant ones of its word follow. */
function loadLeft(e: Emitter, { s, t, i }: Operands, context: LiftContext): void {
  const { word, below } = unaligned(e, context, s, i);
  const loaded = e.load32(word);
  const up = e.i32.sub(e.const32(24), e.i32.shl(below, e.const32(3)));
  const kept = e.i32.and(gpr(e, t), e.i32.sub(e.i32.shl(e.const32(1), up), e.const32(1)));
  setGpr(e, t, e.i32.or(e.i32.shl(loaded, up), kept));
}

/** `lwr`: the byte at the address becomes the register's lowest byte, the more significant ones of its word precede. */
function loadRight(e: Emitter, { s, t, i }: Operands, context: LiftContext): void {
  const { word, below } = unaligned(e, context, s, i);
  const loaded = e.load32(word);
  const down = e.i32.shl(below, e.const32(3));
  const kept = e.i32.and(gpr(e, t), e.i32.xor(e.i32.shrU(e.const32(-1), down), e.const32(-1)));
  setGpr(e, t, e.i32.or(e.i32.shrU(loaded, down), kept));
}

/**
 * Stores the `count` (1 to 4) low bytes of `value` at `at`, in guest byte order. With stores of 1, 2 and 4 bytes and
 * not by rewriting the aligned word, because another thread may be writing the word's other bytes.
 */
function storeBytes(e: Emitter, context: LiftContext, at: I32, value: I32, count: I32): void {
  const odd = e.i32.and(count, e.const32(1));
  const two = e.i32.and(count, e.const32(2));
  e.when(e.i32.and(count, e.const32(4)), () => e.store32(at, value));
  if (context.littleEndian) {
    e.when(two, () => e.store16(at, value));
    // The third byte of three lies above the pair.
    e.when(odd, () => e.store8(e.i32.add(at, two), e.i32.shrU(value, e.i32.shl(two, e.const32(3)))));
  } else {
    // The pair of three is the upper one.
    e.when(two, () => e.store16(at, e.i32.shrU(value, e.i32.shl(odd, e.const32(3)))));
    e.when(odd, () => e.store8(e.i32.add(at, two), value));
  }
}

/** `swl`: the mirror image of `lwl`. */
function storeLeft(e: Emitter, { s, t, i }: Operands, context: LiftContext): void {
  const { at, word, below } = unaligned(e, context, s, i);
  const unused = e.i32.sub(e.const32(3), below);
  const value = e.i32.shrU(gpr(e, t), e.i32.shl(unused, e.const32(3)));
  storeBytes(e, context, context.littleEndian ? word : at, value, e.i32.add(below, e.const32(1)));
}

/** `swr`: the mirror image of `lwr`. */
function storeRight(e: Emitter, { s, t, i }: Operands, context: LiftContext): void {
  const { at, word, below } = unaligned(e, context, s, i);
  storeBytes(e, context, context.littleEndian ? at : word, gpr(e, t), e.i32.sub(e.const32(4), below));
}

/** An atomic access must be aligned; Linux does not help here. */
function trapUnaligned(e: Emitter, at: I32): void {
  e.raiseIf(e.i32.and(at, e.const32(3)), "addressError", at);
}

export const LOAD_STORE_ROWS = [
  row(
    "lb",
    "100000 sssss ttttt iiiiiiiiiiiiiiii",
    "rt,offset(base)",
    load((e, at) => e.load8S(at)),
  ),
  row(
    "lbu",
    "100100 sssss ttttt iiiiiiiiiiiiiiii",
    "rt,offset(base)",
    load((e, at) => e.load8U(at)),
  ),
  row(
    "lh",
    "100001 sssss ttttt iiiiiiiiiiiiiiii",
    "rt,offset(base)",
    load((e, at) => e.load16S(at)),
  ),
  row(
    "lhu",
    "100101 sssss ttttt iiiiiiiiiiiiiiii",
    "rt,offset(base)",
    load((e, at) => e.load16U(at)),
  ),
  row(
    "lw",
    "100011 sssss ttttt iiiiiiiiiiiiiiii",
    "rt,offset(base)",
    load((e, at) => e.load32(at)),
  ),
  row("lwl", "100010 sssss ttttt iiiiiiiiiiiiiiii", "rt,offset(base)", loadLeft),
  row("lwr", "100110 sssss ttttt iiiiiiiiiiiiiiii", "rt,offset(base)", loadRight),
  row(
    "sb",
    "101000 sssss ttttt iiiiiiiiiiiiiiii",
    "rt,offset(base)",
    store((e, at, value) => e.store8(at, value)),
  ),
  row(
    "sh",
    "101001 sssss ttttt iiiiiiiiiiiiiiii",
    "rt,offset(base)",
    store((e, at, value) => e.store16(at, value)),
  ),
  row(
    "sw",
    "101011 sssss ttttt iiiiiiiiiiiiiiii",
    "rt,offset(base)",
    store((e, at, value) => e.store32(at, value)),
  ),
  row("swl", "101010 sssss ttttt iiiiiiiiiiiiiiii", "rt,offset(base)", storeLeft),
  row("swr", "101110 sssss ttttt iiiiiiiiiiiiiiii", "rt,offset(base)", storeRight),

  // `ll` notes address and value, and `sc` succeeds where the word still has that value. A word that was changed and
  // changed back in between goes unnoticed, which real reservations would see; QEMU's user mode does the same.
  row("ll", "110000 sssss ttttt iiiiiiiiiiiiiiii", "rt,offset(base)", (e, { s, t, i }) => {
    const at = address(e, s, i);
    trapUnaligned(e, at);
    const value = e.load32(at);
    e.set(LL_ADDRESS, at);
    e.set(LL_VALUE, value);
    setGpr(e, t, value);
  }),
  row("sc", "111000 sssss ttttt iiiiiiiiiiiiiiii", "rt,offset(base)", (e, { s, t, i }) => {
    const at = address(e, s, i);
    trapUnaligned(e, at);
    const expected = e.get(LL_VALUE);
    const success = e.either(
      e.i32.eq(at, e.get(LL_ADDRESS)),
      () => e.i32.eq(e.compareExchange32(at, expected, gpr(e, t)), expected),
      () => e.const32(0),
    );
    e.set(LL_ADDRESS, e.const32(NO_RESERVATION));
    setGpr(e, t, success);
  }),

  // A hint, except that a hint of 30 (PrepareForStore) may zero the line; it need not.
  row("pref", "110011 sssss hhhhh iiiiiiiiiiiiiiii", "hint,offset(base)", () => {}),
  row("sync", "000000 00000 00000 00000 aaaaa 001111", "stype", (e) => e.fence()),
  row("sync", "000000 00000 00000 00000 00000 001111", "", (e) => e.fence(), { alias: true }),
];
