/** Advanced SIMD: loads and stores of elements and structures (ARM DDI 0406C A7.7). */
import type { Emitter, I32, V128 } from "../emitter.ts";
import type { Fields } from "../decode-table.ts";
import { GPR_NAMES, PC, SP, readGpr, writeGpr } from "./registers.ts";
import type { ArmRow, LiftContext } from "./row.ts";
import { rowsOf } from "./row.ts";
import { laneBits } from "./simd-lanes.ts";
import { vector } from "./simd-lift.ts";
import { D, Q, WORD } from "./vfp-registers.ts";

const row = rowsOf("Advanced SIMD load and store");
const needs = "neon";

const first = (fields: Fields): number => (fields["D"]! << 4) | fields["d"]!;

/** The address in Rn, which must be a multiple of `alignment` bytes. */
function alignedBase(e: Emitter, context: LiftContext, fields: Fields, alignment: number): I32 {
  const base = readGpr(e, context, fields["n"]!);
  if (alignment > 1) e.raiseIf(e.i32.and(base, e.const32(alignment - 1)), "addressError", base);
  return base;
}
/** Rm 15: none; 13: by what was transferred; else by Rm. */
function writeBack(e: Emitter, context: LiftContext, fields: Fields, base: I32, bytes: number): void {
  const m = fields["m"]!;
  if (m === PC) return;
  writeGpr(e, context, fields["n"]!, e.i32.add(base, m === SP ? e.const32(bytes) : readGpr(e, context, m)));
}
const at = (e: Emitter, base: I32, offset: number): I32 => e.i32.add(base, e.const32(offset));

// ── multiple structures ───────────────────────────────────────────────────────────────────────────────────────────

/**
 * `elements` of a structure go to registers `increment` apart; `blocks` times, each to the registers after the last.
 * (Of vld1 each register is a block.)
 */
interface Multiple {
  readonly type: string;
  readonly elements: 1 | 2 | 3 | 4;
  readonly blocks: 1 | 2 | 3 | 4;
  readonly increment: 1 | 2;
  /** The greatest value of the align field. */
  readonly aligns: 1 | 2 | 3;
}
const MULTIPLE: readonly Multiple[] = [
  { type: "0111", elements: 1, blocks: 1, increment: 1, aligns: 1 },
  { type: "1010", elements: 1, blocks: 2, increment: 1, aligns: 2 },
  { type: "0110", elements: 1, blocks: 3, increment: 1, aligns: 1 },
  { type: "0010", elements: 1, blocks: 4, increment: 1, aligns: 3 },
  { type: "1000", elements: 2, blocks: 1, increment: 1, aligns: 2 },
  { type: "1001", elements: 2, blocks: 1, increment: 2, aligns: 2 },
  { type: "0011", elements: 2, blocks: 2, increment: 2, aligns: 3 },
  { type: "0100", elements: 3, blocks: 1, increment: 1, aligns: 1 },
  { type: "0101", elements: 3, blocks: 1, increment: 2, aligns: 1 },
  { type: "0000", elements: 4, blocks: 1, increment: 1, aligns: 3 },
  { type: "0001", elements: 4, blocks: 1, increment: 2, aligns: 3 },
];

/** A register, and where in memory each of its bytes is. */
interface Place {
  readonly register: number;
  readonly offsets: readonly number[];
}
function placesOf({ elements, blocks, increment }: Multiple, d: number, z: number): readonly Place[] {
  const size = 1 << z;
  const places: Place[] = [];
  for (let element = 0; element < elements; element++)
    for (let block = 0; block < blocks; block++)
      places.push({
        register: d + element * increment + block,
        offsets: Array.from(
          { length: 8 },
          (_, i) => block * 8 * elements + (Math.floor(i / size) * elements + element) * size + (i % size),
        ),
      });
  return places.sort((a, b) => a.register - b.register);
}
const inOrder = ({ offsets }: Place): boolean => offsets.every((offset, i) => offset === offsets[0]! + i);
/** Registers that are the halves of one Q register go together. */
function inPairs(places: readonly Place[]): readonly (readonly [Place] | readonly [Place, Place])[] {
  const groups: ([Place] | [Place, Place])[] = [];
  for (let i = 0; i < places.length; i++) {
    const [a, b] = [places[i]!, places[i + 1]];
    if (b !== undefined && (a.register & 1) === 0 && b.register === a.register + 1) {
      groups.push([a, b]);
      i++;
    } else groups.push([a]);
  }
  return groups;
}

function loadMultiple(e: Emitter, base: I32, places: readonly Place[]): void {
  const bytes = 8 * places.length;
  if (places.every(inOrder)) {
    const loaded = inPairs(places).map((group): (() => void) => {
      const address = at(e, base, group[0].offsets[0]!);
      const { register } = group[0];
      if (group.length === 2) {
        const value = e.loadV128(address);
        return () => e.set(Q[register >> 1]!, value);
      }
      const value = e.loadF64(address);
      return () => e.set(D[register]!, value);
    });
    for (const put of loaded) put();
    return;
  }
  const low = bytes >= 16 ? e.loadV128(base) : e.f64x2.splat(e.loadF64(base));
  const high =
    bytes === 32 ? e.loadV128(at(e, base, 16)) : bytes === 24 ? e.f64x2.splat(e.loadF64(at(e, base, 16))) : low;
  for (const group of inPairs(places)) {
    const [a, b] = group;
    const value = e.i8x16.shuffle(low, high, [...a.offsets, ...(b ?? a).offsets]);
    if (b === undefined) e.set(D[a.register]!, e.f64x2.extractLane(value, 0));
    else e.set(Q[a.register >> 1]!, value);
  }
}

function storeMultiple(e: Emitter, base: I32, places: readonly Place[]): void {
  const bytes = 8 * places.length;
  if (places.every(inOrder)) {
    for (const group of inPairs(places)) {
      const address = at(e, base, group[0].offsets[0]!);
      const { register } = group[0];
      if (group.length === 2) e.storeV128(address, e.get(Q[register >> 1]!));
      else e.storeF64(address, e.get(D[register]!));
    }
    return;
  }
  // At most four registers: two vectors, from which each sixteen bytes of memory are one shuffle.
  const pair = (n: number): V128 => {
    const a = places[n] ?? places[0]!;
    const b = places[n + 1] ?? a;
    if ((a.register & 1) === 0 && b.register === a.register + 1) return e.get(Q[a.register >> 1]!);
    return e.f64x2.replaceLane(vector(e, false, a.register), e.get(D[b.register]!), 1);
  };
  const [low, high] = [pair(0), pair(2)];
  const sourceOf: number[] = Array.from({ length: 32 }, () => 0);
  places.forEach(({ offsets }, n) => offsets.forEach((offset, i) => (sourceOf[offset] = 8 * n + i)));
  const part = (from: number): V128 => e.i8x16.shuffle(low, high, sourceOf.slice(from, from + 16));
  if (bytes === 8) e.storeF64(base, e.f64x2.extractLane(part(0), 0));
  else e.storeV128(base, part(0));
  if (bytes === 32) e.storeV128(at(e, base, 16), part(16));
  else if (bytes === 24) e.storeF64(at(e, base, 16), e.f64x2.extractLane(part(16), 0));
}

const multipleRows = MULTIPLE.flatMap((form) =>
  ([1, 0] as const).map((isLoad) =>
    row(
      `v${isLoad === 1 ? "ld" : "st"}${form.elements}.{size}`,
      `1111 0100 0D${isLoad}0 nnnn dddd ${form.type} zzaa mmmm` as string,
      `vlist${form.elements}${form.blocks}${form.increment}, elementAddress`,
      (e, fields, context) => {
        const places = placesOf(form, first(fields), form.elements === 1 ? 3 : fields["z"]!);
        const base = alignedBase(e, context, fields, fields["a"] === 0 ? 1 : 4 << fields["a"]!);
        (isLoad === 1 ? loadMultiple : storeMultiple)(e, base, places);
        writeBack(e, context, fields, base, 8 * places.length);
      },
      {
        needs,
        when: (fields) =>
          fields["a"]! <= form.aligns &&
          (form.elements === 1 || fields["z"] !== 3) &&
          fields["n"] !== PC &&
          first(fields) + (form.elements - 1) * form.increment + form.blocks <= 32,
      },
    ),
  ),
);

// ── one lane ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** What the index_align field says: lane, distance of registers, alignment in bytes; undefined where it is not allowed. */
interface OneLane {
  readonly lane: number;
  readonly increment: 1 | 2;
  readonly alignment: number;
}
export function oneLane(elements: number, z: number, field: number): OneLane | undefined {
  const lane = field >> (z + 1);
  const increment = elements > 1 && z > 0 && ((field >> z) & 1) === 1 ? 2 : 1;
  const low = field & ((1 << z) - 1 || 1);
  const whole = elements << z;
  const form = (alignment: number): OneLane => ({ lane, increment, alignment });
  switch (elements) {
    case 1:
      if (z > 0 && ((field >> z) & 1) === 1) return undefined;
      if (low === 0) return form(1);
      if (z === 1) return form(2);
      return z === 2 && low === 3 ? form(4) : undefined;
    case 2:
      return low === 0 ? form(1) : low === 1 ? form(whole) : undefined;
    case 3:
      return low === 0 ? form(1) : undefined;
    default:
      if (low === 0) return form(1);
      return z < 2 ? form(whole) : low === 3 ? undefined : form(4 << low);
  }
}

function loadElement(e: Emitter, z: number, address: I32): I32 {
  return z === 0 ? e.load8U(address) : z === 1 ? e.load16U(address) : e.load32(address);
}
function setLane(e: Emitter, z: number, register: number, lane: number, value: I32): void {
  if (z === 2) {
    e.set(WORD[2 * register + lane]!, value);
    return;
  }
  const old = vector(e, false, register);
  const all = z === 0 ? e.i8x16.replaceLane(old, value, lane) : e.i16x8.replaceLane(old, value, lane);
  e.set(D[register]!, e.f64x2.extractLane(all, 0));
}
function storeLane(e: Emitter, z: number, register: number, lane: number, address: I32): void {
  if (z === 2) e.store32(address, e.get(WORD[2 * register + lane]!));
  else if (z === 1) e.store16(address, e.i16x8.extractLaneU(vector(e, false, register), lane));
  else e.store8(address, e.i8x16.extractLaneU(vector(e, false, register), lane));
}

const ELEMENTS = [1, 2, 3, 4] as const;
const two = (n: number): string => n.toString(2).padStart(2, "0");
const singleRows = ELEMENTS.flatMap((elements) =>
  ([1, 0] as const).map((isLoad) =>
    row(
      `v${isLoad === 1 ? "ld" : "st"}${elements}.{size}`,
      `1111 0100 1D${isLoad}0 nnnn dddd zz${two(elements - 1)} aaaa mmmm` as string,
      `lanelist${elements}, laneAddress${elements}`,
      (e, fields, context) => {
        const z = fields["z"]!;
        const { lane, increment, alignment } = oneLane(elements, z, fields["a"]!)!;
        const base = alignedBase(e, context, fields, alignment);
        const registers = Array.from({ length: elements }, (_, n) => first(fields) + n * increment);
        const address = (n: number): I32 => at(e, base, n << z);
        if (isLoad === 1) {
          const values = registers.map((_, n) => loadElement(e, z, address(n)));
          registers.forEach((register, n) => setLane(e, z, register, lane, values[n]!));
        } else registers.forEach((register, n) => storeLane(e, z, register, lane, address(n)));
        writeBack(e, context, fields, base, elements << z);
      },
      {
        needs,
        when: (fields) => {
          const form = fields["z"] === 3 ? undefined : oneLane(elements, fields["z"]!, fields["a"]!);
          return form !== undefined && fields["n"] !== PC && first(fields) + (elements - 1) * form.increment < 32;
        },
      },
    ),
  ),
);

// ── one element to all lanes ──────────────────────────────────────────────────────────────────────────────────────

/** Lane size (vld4's fourth encoding is words, too) and alignment; undefined where the encoding is not allowed. */
export function allLanes(
  elements: number,
  z: number,
  a: number,
): { readonly z: number; readonly alignment: number } | undefined {
  if (z === 3) return elements === 4 && a === 1 ? { z: 2, alignment: 16 } : undefined;
  if (a === 0) return { z, alignment: 1 };
  if (elements === 3 || (elements === 1 && z === 0)) return undefined;
  return { z, alignment: elements === 4 && z === 2 ? 8 : elements << z };
}
/** How many registers, and how far apart: the T bit is a second register for vld1. */
const allLanesRegisters = (elements: number, t: number): { readonly count: number; readonly increment: number } =>
  elements === 1 ? { count: 1 + t, increment: 1 } : { count: elements, increment: 1 + t };

const allRows = ELEMENTS.map((elements) =>
  row(
    `vld${elements}.{allSize}`,
    `1111 0100 1D10 nnnn dddd 11${two(elements - 1)} zzta mmmm` as string,
    `alllist${elements}, allAddress${elements}`,
    (e, fields, context) => {
      const { z, alignment } = allLanes(elements, fields["z"]!, fields["a"]!)!;
      const { count, increment } = allLanesRegisters(elements, fields["t"]!);
      const base = alignedBase(e, context, fields, alignment);
      const values = Array.from({ length: elements }, (_, n) => loadElement(e, z, at(e, base, n << z)));
      for (let n = 0; n < count; n++) {
        const value = values[Math.min(n, elements - 1)]!;
        const all = z === 0 ? e.i8x16.splat(value) : z === 1 ? e.i16x8.splat(value) : e.i32x4.splat(value);
        e.set(D[first(fields) + n * increment]!, e.f64x2.extractLane(all, 0));
      }
      writeBack(e, context, fields, base, elements << z);
    },
    {
      needs,
      when: (fields) => {
        const { count, increment } = allLanesRegisters(elements, fields["t"]!);
        return (
          allLanes(elements, fields["z"]!, fields["a"]!) !== undefined &&
          fields["n"] !== PC &&
          first(fields) + (count - 1) * increment < 32
        );
      },
    },
  ),
);

export const SIMD_LOAD_STORE_ROWS: readonly ArmRow[] = [...multipleRows, ...singleRows, ...allRows];

// ── how they print ────────────────────────────────────────────────────────────────────────────────────────────────

type Format = (fields: Fields) => string;
/** `{d0-d3}`, `{d0,d2,d4}`; with a suffix after each register. Lanes are never a range. */
const listed = (start: number, count: number, increment: number, suffix = ""): string => {
  const name = (n: number): string => `d${start + n * increment}${suffix}`;
  if (increment === 1 && count > 1 && !/\d/.test(suffix)) return `{${name(0)}-${name(count - 1)}}`;
  return `{${Array.from({ length: count }, (_, n) => name(n)).join(",")}}`;
};
const address = (fields: Fields, alignment: number): string => {
  const m = fields["m"]!;
  const base = `[${GPR_NAMES[fields["n"]!]!}${alignment > 1 ? ` :${8 * alignment}` : ""}]`;
  return m === PC ? base : m === SP ? `${base}!` : `${base}, ${GPR_NAMES[m]!}`;
};
export const ELEMENT_FORMATS: Readonly<Record<string, Format>> = {
  ...Object.fromEntries(
    MULTIPLE.map(({ elements, blocks, increment }): [string, Format] => [
      `vlist${elements}${blocks}${increment}`,
      (fields) => listed(first(fields), elements * blocks, blocks > 1 ? 1 : increment),
    ]),
  ),
  elementAddress: (fields) => address(fields, fields["a"] === 0 ? 1 : 4 << fields["a"]!),
  allSize: (fields) => String(laneBits(Math.min(fields["z"]!, 2))),
  ...Object.fromEntries(
    ELEMENTS.flatMap((elements): [string, Format][] => [
      [
        `lanelist${elements}`,
        (fields) => {
          const { lane, increment } = oneLane(elements, fields["z"]!, fields["a"]!)!;
          return listed(first(fields), elements, increment, `[${lane}]`);
        },
      ],
      [`laneAddress${elements}`, (fields) => address(fields, oneLane(elements, fields["z"]!, fields["a"]!)!.alignment)],
      [
        `alllist${elements}`,
        (fields) => {
          const { count, increment } = allLanesRegisters(elements, fields["t"]!);
          return listed(first(fields), count, increment, "[]");
        },
      ],
      [`allAddress${elements}`, (fields) => address(fields, allLanes(elements, fields["z"]!, fields["a"]!)!.alignment)],
    ]),
  ),
};
