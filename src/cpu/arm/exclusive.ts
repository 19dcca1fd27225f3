/**
 * Exclusive accesses, and ARMv8's acquire and release (ARM DDI 0406C, A3.4; DDI 0487, F5).
 *
 * A load-exclusive notes address and value, and a store-exclusive succeeds where memory still has that value. A change
 * and change back in between goes unnoticed, which a real monitor would see; QEMU's user mode does the same. These
 * accesses must be aligned: hardware raises an alignment fault, and Linux does not help here.
 */
import type { Emitter, I32, I64 } from "../emitter.ts";
import { EXCLUSIVE_ADDRESS, EXCLUSIVE_VALUE, NO_EXCLUSIVE, PC, readGpr, writeGpr } from "./registers.ts";
import type { ArmRow, LiftContext, RowInfo } from "./row.ts";
import { rowsOf, withoutPc } from "./row.ts";
import type { Feature } from "./models.ts";

const row = rowsOf("Exclusive, acquire and release");

interface Size {
  readonly suffix: "" | "b" | "h" | "d";
  readonly bytes: number;
  /** Bits 22 and 21 of A32. */
  readonly arm: string;
  /** Bits 5 and 4 of T32. */
  readonly thumb: string;
  readonly load: (e: Emitter, at: I32) => I64;
  /** Nonzero where the exchange was made. */
  readonly exchange: (e: Emitter, at: I32, expected: I64, low: I32, high: I32) => I32;
  readonly store: (e: Emitter, at: I32, value: I32) => void;
}

const word = (e: Emitter, value: I64): I32 => e.i32.wrapI64(value);
const upper = (e: Emitter, value: I64): I32 => e.i32.wrapI64(e.i64.shrU(value, e.const64(32n)));
const joined = (e: Emitter, low: I32, high: I32): I64 =>
  e.i64.or(e.i64.extendI32U(low), e.i64.shl(e.i64.extendI32U(high), e.const64(32n)));

const SIZES: readonly Size[] = [
  {
    suffix: "",
    bytes: 4,
    arm: "00",
    thumb: "10",
    load: (e, at) => e.i64.extendI32U(e.load32(at)),
    exchange: (e, at, expected, low) => e.i32.eq(e.compareExchange32(at, word(e, expected), low), word(e, expected)),
    store: (e, at, value) => e.store32(at, value),
  },
  {
    suffix: "d",
    bytes: 8,
    arm: "01",
    thumb: "11",
    load: (e, at) => e.load64(at),
    exchange: (e, at, expected, low, high) =>
      e.i64.eq(e.compareExchange64(at, expected, joined(e, low, high)), expected),
    store: () => {},
  },
  {
    suffix: "b",
    bytes: 1,
    arm: "10",
    thumb: "00",
    load: (e, at) => e.i64.extendI32U(e.load8U(at)),
    exchange: (e, at, expected, low) => e.i32.eq(e.compareExchange8(at, word(e, expected), low), word(e, expected)),
    store: (e, at, value) => e.store8(at, value),
  },
  {
    suffix: "h",
    bytes: 2,
    arm: "11",
    thumb: "01",
    load: (e, at) => e.i64.extendI32U(e.load16U(at)),
    exchange: (e, at, expected, low) => e.i32.eq(e.compareExchange16(at, word(e, expected), low), word(e, expected)),
    store: (e, at, value) => e.store16(at, value),
  },
];

/** The address, after the check that it is aligned. `i` is T32's offset in words. */
function alignedAddress(
  e: Emitter,
  context: LiftContext,
  { n, i = 0 }: { readonly n: number; readonly i?: number },
  bytes: number,
): I32 {
  const at = e.i32.add(readGpr(e, context, n), e.const32(4 * i));
  if (bytes > 1) e.raiseIf(e.i32.and(at, e.const32(bytes - 1)), "addressError", at);
  return at;
}

interface Loads {
  readonly n: number;
  readonly t: number;
  readonly u?: number;
  readonly i?: number;
}
const secondOf = ({ t, u }: Loads): number => u ?? t + 1;

const loadExclusive =
  ({ bytes, load }: Size) =>
  (e: Emitter, fields: Loads, context: LiftContext): void => {
    const at = alignedAddress(e, context, fields, bytes);
    const value = load(e, at);
    e.set(EXCLUSIVE_ADDRESS, at);
    e.set(EXCLUSIVE_VALUE, value);
    writeGpr(e, context, fields.t, word(e, value));
    if (bytes === 8) writeGpr(e, context, secondOf(fields), upper(e, value));
  };

const storeExclusive =
  ({ bytes, exchange }: Size) =>
  (e: Emitter, fields: Loads & { readonly d: number }, context: LiftContext): void => {
    const at = alignedAddress(e, context, fields, bytes);
    const low = readGpr(e, context, fields.t);
    const high = bytes === 8 ? readGpr(e, context, secondOf(fields)) : low;
    const expected = e.get(EXCLUSIVE_VALUE);
    const reserved = e.i32.eq(at, e.get(EXCLUSIVE_ADDRESS));
    // After a load-exclusive of another size it may fail (A3.4.5), and does where the value seen is a larger one.
    const done = e.either(
      bytes < 4 ? e.i32.and(reserved, e.i32.ltU(word(e, expected), e.const32(1 << (8 * bytes)))) : reserved,
      () => exchange(e, at, expected, low, high),
      () => e.const32(0),
    );
    e.set(EXCLUSIVE_ADDRESS, e.const32(NO_EXCLUSIVE));
    writeGpr(e, context, fields.d, e.i32.eqz(done));
  };

const loadAcquire =
  ({ bytes, load }: Size) =>
  (e: Emitter, fields: Loads, context: LiftContext): void => {
    const value = load(e, alignedAddress(e, context, fields, bytes));
    e.fence();
    writeGpr(e, context, fields.t, word(e, value));
  };

const storeRelease =
  ({ bytes, store }: Size) =>
  (e: Emitter, fields: Loads, context: LiftContext): void => {
    const at = alignedAddress(e, context, fields, bytes);
    e.fence();
    store(e, at, readGpr(e, context, fields.t));
  };

/** A pair starts at an even register in A32. */
const armPair = ({ t }: { readonly t: number }): boolean => (t & 1) === 0 && t !== 14;
const noPc = (fields: Loads & { readonly d?: number }): boolean =>
  withoutPc(fields as never) && fields.t !== PC && fields.u !== PC;
/** The status register must be none of the others. */
const apart = ({ d, n, t, u }: Loads & { readonly d: number }): boolean => d !== n && d !== t && d !== u;

function armRows(size: Size, acquire: boolean): ArmRow[] {
  const { suffix, arm, bytes } = size;
  const pair = bytes === 8;
  const kind = acquire ? "1110" : "1111";
  const needs: Feature = acquire ? "v8" : suffix === "" ? "v6" : "v6k";
  const registers = pair && acquire ? "rt, {rt2}" : "rt";
  return [
    row(
      `${acquire ? "ldaex" : "ldrex"}${suffix}{c}`,
      `cccc 00011 ${arm} 1 nnnn tttt ${kind} 1001 1111` as "nt",
      `${registers}, {atn}`,
      loadExclusive(size),
      {
        needs,
        when: (f) => noPc(f) && (!pair || armPair(f)),
      },
    ),
    row(
      `${acquire ? "stlex" : "strex"}${suffix}{c}`,
      `cccc 00011 ${arm} 0 nnnn dddd ${kind} 1001 tttt` as "ndt",
      `rd, ${registers}, {atn}`,
      storeExclusive(size),
      {
        needs,
        when: (f) => noPc(f) && apart(f) && (!pair || (armPair(f) && f.d !== f.t + 1)),
      },
    ),
  ];
}

function thumbRows(size: Size, acquire: boolean): ArmRow[] {
  const { suffix, thumb, bytes } = size;
  const pair = bytes === 8;
  if (!acquire && suffix === "") return [];
  const kind = acquire ? "11" : "01";
  const u = pair ? "uuuu" : "1111";
  const info: RowInfo = { needs: acquire ? "v8" : "v6t2" };
  const registers = pair ? "rt, ru" : "rt";
  return [
    row(
      `${acquire ? "ldaex" : "ldrex"}${suffix}{c}`,
      `111010001101 nnnn tttt ${u} ${kind} ${thumb} 1111` as "nt",
      `${registers}, {atn}`,
      loadExclusive(size),
      { ...info, when: (f: Loads) => noPc(f) && f.t !== f.u },
    ),
    row(
      `${acquire ? "stlex" : "strex"}${suffix}{c}`,
      `111010001100 nnnn tttt ${u} ${kind} ${thumb} dddd` as "ntd",
      `rd, ${registers}, {atn}`,
      storeExclusive(size),
      {
        ...info,
        when: (f) => noPc(f) && apart(f),
      },
    ),
  ];
}

const single = SIZES.filter(({ bytes }) => bytes < 8);
const clrex = (e: Emitter): void => e.set(EXCLUSIVE_ADDRESS, e.const32(NO_EXCLUSIVE));
const whole = SIZES[0]!;

export const EXCLUSIVE_A32: readonly ArmRow[] = [
  ...SIZES.flatMap((size) => [...armRows(size, false), ...armRows(size, true)]),
  ...single.flatMap((size) => [
    row(
      `lda${size.suffix}{c}`,
      `cccc 00011 ${size.arm} 1 nnnn tttt 1100 1001 1111` as "nt",
      "rt, {atn}",
      loadAcquire(size),
      { needs: "v8", when: noPc },
    ),
    row(
      `stl${size.suffix}{c}`,
      `cccc 00011 ${size.arm} 0 nnnn 1111 1100 1001 tttt` as "nt",
      "rt, {atn}",
      storeRelease(size),
      { needs: "v8", when: noPc },
    ),
  ]),
  row("clrex", "1111 0101 0111 1111 1111 0000 0001 1111", "", clrex, { needs: "v6k" }),
];

export const EXCLUSIVE_T32: readonly ArmRow[] = [
  ...SIZES.flatMap((size) => [...thumbRows(size, false), ...thumbRows(size, true)]),
  ...single.flatMap((size) => [
    row(
      `lda${size.suffix}{c}`,
      `111010001101 nnnn tttt 1111 10 ${size.thumb} 1111` as "nt",
      "rt, {atn}",
      loadAcquire(size),
      { needs: "v8", when: noPc },
    ),
    row(
      `stl${size.suffix}{c}`,
      `111010001100 nnnn tttt 1111 10 ${size.thumb} 1111` as "nt",
      "rt, {atn}",
      storeRelease(size),
      { needs: "v8", when: noPc },
    ),
  ]),
  row("ldrex{c}", "111010000101 nnnn tttt 1111 iiiiiiii", "rt, {address4}", loadExclusive(whole), {
    needs: "v6t2",
    when: noPc,
  }),
  row("strex{c}", "111010000100 nnnn tttt dddd iiiiiiii", "rd, rt, {address4}", storeExclusive(whole), {
    needs: "v6t2",
    when: (f) => noPc(f) && apart(f),
  }),
  row("clrex{c}", "1111 0011 1011 1111 1000 1111 0010 1111", "", clrex, { needs: "v6t2" }),
];
