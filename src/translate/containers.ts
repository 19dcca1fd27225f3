/**
 * Which Wasm local holds which piece of CPU state. The cached slots that a region touches are grouped by overlap into
 * *containers*; a container is one local of one type (its representation), and the other views of it are converted.
 */
import { OPERATORS } from "../cpu/operators.ts";
import type { Slot, Type } from "../cpu/emitter.ts";
import type { FunctionWriter } from "./function-writer.ts";

export const BYTES: { readonly [T in Type]: number } = { i32: 4, f32: 4, i64: 8, f64: 8, v128: 16 };

export const overlap = (a: Slot, b: Slot): boolean =>
  a.offset < b.offset + BYTES[b.type] && b.offset < a.offset + BYTES[a.type];

export interface Container {
  readonly index: number;
  /** Place in CPU state. */
  readonly offset: number;
  /** Type of the local. */
  readonly type: Type;
  readonly slots: readonly Slot[];
}

/**
 * The containers of the region that is being compiled, by 4-byte cell of CPU state: what overlaps is one container, so a
 * cell belongs to one only. Entries of earlier regions stay, and nobody asks for them.
 */
const byCell: Container[] = [];

/** Valid until the next region's are made. */
export class Containers {
  readonly all: readonly Container[];

  /** `uses`: how often each slot occurs in the region's code. */
  constructor(uses: ReadonlyMap<Slot, number>) {
    const slots = inOrder(uses);
    const all: Container[] = [];
    for (let i = 0; i < slots.length;) {
      const first = slots[i] as Slot;
      const group = [first];
      let end = first.offset + BYTES[first.type];
      for (i++; i < slots.length && (slots[i] as Slot).offset < end; i++) {
        const slot = slots[i] as Slot;
        group.push(slot);
        end = Math.max(end, slot.offset + BYTES[slot.type]);
      }
      const container = { index: all.length, offset: first.offset, type: representation(group, uses), slots: group };
      all.push(container);
      for (const slot of group) byCell[slot.offset >> 2] = container;
    }
    this.all = all;
  }

  of(slot: Slot): Container {
    return byCell[slot.offset >> 2] as Container;
  }
}

/** By place in CPU state, at one place the widest first. They are few: each is put where it belongs. */
function inOrder(uses: ReadonlyMap<Slot, number>): Slot[] {
  const slots: Slot[] = [];
  for (const slot of uses.keys()) {
    let i = slots.length;
    for (; i > 0 && isBefore(slot, slots[i - 1] as Slot); i--) slots[i] = slots[i - 1] as Slot;
    slots[i] = slot;
  }
  return slots;
}

function isBefore(a: Slot, b: Slot): boolean {
  return a.offset < b.offset || (a.offset === b.offset && BYTES[a.type] > BYTES[b.type]);
}

/** The type that covers the whole group; among types of that width the one used most. */
function representation(group: readonly Slot[], uses: ReadonlyMap<Slot, number>): Type {
  if (group.length === 1) return (group[0] as Slot).type;
  const start = Math.min(...group.map((slot) => slot.offset));
  const width = Math.max(...group.map((slot) => slot.offset + BYTES[slot.type])) - start;
  const counts = new Map<Type, number>();
  for (const slot of group) {
    if (BYTES[slot.type] === width) counts.set(slot.type, (counts.get(slot.type) ?? 0) + (uses.get(slot) as number));
  }
  const best = [...counts].sort((a, b) => b[1] - a[1])[0];
  if (best) return best[0];
  return width <= 4 ? "i32" : width <= 8 ? "i64" : "v128";
}

/** Does the slot's view equal the container's local? */
export function isWhole(slot: Slot, container: Container): boolean {
  return slot.type === container.type && slot.offset === container.offset;
}

const { i32, i64, f32, f64 } = OPERATORS;

function toInteger(type: Type, out: FunctionWriter): void {
  if (type === "f32") out.op(i32.reinterpretF32.opcode);
  else if (type === "f64") out.op(i64.reinterpretF64.opcode);
}

function fromInteger(type: Type, out: FunctionWriter): void {
  if (type === "f32") out.op(f32.reinterpretI32.opcode);
  else if (type === "f64") out.op(f64.reinterpretI64.opcode);
}

const LANE_EXTRACT: { readonly [T in Type]: number } = { i32: 0xfd1b, i64: 0xfd1d, f32: 0xfd1f, f64: 0xfd21, v128: 0 };
const LANE_REPLACE: { readonly [T in Type]: number } = { i32: 0xfd1c, i64: 0xfd1e, f32: 0xfd20, f64: 0xfd22, v128: 0 };

/** Code that turns the container's local (on the stack) into the slot's view of it. */
export function readView(container: Container, slot: Slot, out: FunctionWriter): void {
  const at = slot.offset - container.offset;
  if (container.type === "v128") {
    if (slot.type === "v128") return;
    out.op(LANE_EXTRACT[slot.type]);
    out.byte(at / BYTES[slot.type]);
    return;
  }
  if (slot.type === container.type && at === 0) return;
  toInteger(container.type, out);
  if (BYTES[container.type] === 8 && BYTES[slot.type] === 4) {
    if (at !== 0) {
      out.const64(BigInt(at * 8));
      out.op(i64.shrU.opcode);
    }
    out.op(i32.wrapI64.opcode);
  }
  fromInteger(slot.type, out);
}

/** Code that puts a view's new value (on the stack) into the container, which is in `local`: leaves its new value on the stack. */
export function writeView(container: Container, slot: Slot, local: number, out: FunctionWriter): void {
  const at = slot.offset - container.offset;
  if (container.type === "v128") {
    if (slot.type === "v128") return;
    out.under(slot.type, () => out.getLocal(local));
    out.op(LANE_REPLACE[slot.type]);
    out.byte(at / BYTES[slot.type]);
    return;
  }
  if (slot.type === container.type && at === 0) return;
  toInteger(slot.type, out);
  if (BYTES[container.type] === 8 && BYTES[slot.type] === 4) {
    out.op(i64.extendI32U.opcode);
    if (at !== 0) {
      out.const64(32n);
      out.op(i64.shl.opcode);
    }
    out.getLocal(local);
    toInteger(container.type, out);
    out.const64(at === 0 ? 0xffffffff_00000000n : 0xffffffffn);
    out.op(i64.and.opcode);
    out.op(i64.or.opcode);
  }
  fromInteger(container.type, out);
}
