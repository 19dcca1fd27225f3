/**
 * C structs of the guest, described as data. Offsets follow from the field types by the guest's C rules; a test checks
 * every layout against what the guest's own compiler says (`abi/layouts.test.ts`).
 */
import type { GuestMemory } from "../memory/guest-memory.ts";

/** Field types: C's names where the size depends on the ABI, plain sizes otherwise. `bytes:n` is an array of bytes. */
export type FieldType =
  "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "i64" | "u64" | "long" | "ulong" | "pointer" | `bytes:${number}`;

/** Name and type, in the struct's order. Fields that nobody sets (padding) are named "-". */
export type Fields<K extends string> = readonly (readonly [name: K | "-", type: FieldType])[];

/** What C's sizes are for a guest. */
export interface DataModel {
  readonly littleEndian: boolean;
  /** Bytes of `long` and of a pointer. */
  readonly word: 4 | 8;
  /** Alignment of a 64-bit integer in a struct: 8 on MIPS and ARM, 4 on i386. */
  readonly alignmentOf64: 4 | 8;
}

interface Field {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly signed: boolean;
  readonly array: boolean;
}

export type FieldValue = number | bigint;

const TWO_32 = 2 ** 32;

export class Struct<K extends string = string> {
  readonly name: string;
  readonly size: number;
  readonly fields: readonly Field[];
  readonly #littleEndian: boolean;
  readonly #byName = new Map<string, Field>();
  readonly #scratch: Uint8Array;
  readonly #view: DataView;

  constructor(name: string, model: DataModel, fields: Fields<K>, options: { packed?: boolean } = {}) {
    this.name = name;
    this.#littleEndian = model.littleEndian;
    const laid: Field[] = [];
    let offset = 0;
    let alignment = 1;
    for (const [fieldName, type] of fields) {
      const { size, align, signed, array } = measure(type, model);
      const step = options.packed ? 1 : align;
      alignment = Math.max(alignment, step);
      offset = Math.ceil(offset / step) * step;
      const field = { name: fieldName, offset, size, signed, array };
      laid.push(field);
      if (fieldName !== "-") this.#byName.set(fieldName, field);
      offset += size;
    }
    this.fields = laid;
    this.size = Math.ceil(offset / alignment) * alignment;
    this.#scratch = new Uint8Array(this.size);
    this.#view = new DataView(this.#scratch.buffer);
  }

  offsetOf(name: K): number {
    const field = this.#byName.get(name);
    if (field === undefined) throw new Error(`struct ${this.name} has no field ${name}`);
    return field.offset;
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** Writes the whole struct; fields that are not given are zero, names that this ABI's struct lacks are left out. */
  write(memory: GuestMemory, address: number, values: { readonly [N in K]?: FieldValue | Uint8Array }): void {
    memory.writeBytes(address, this.pack(values));
  }

  /** The struct's bytes. The array is reused by the next call. */
  pack(values: { readonly [N in K]?: FieldValue | Uint8Array }): Uint8Array {
    this.#scratch.fill(0);
    for (const field of this.fields) {
      const value = (values as Record<string, FieldValue | Uint8Array | undefined>)[field.name];
      if (value === undefined || field.name === "-") continue;
      if (typeof value === "object") this.#scratch.set(value.subarray(0, field.size), field.offset);
      else this.#put(field, value);
    }
    return this.#scratch;
  }

  /** Reads the whole struct. Fields of up to 32 bits are numbers, 64-bit ones bigints; byte arrays are left out. */
  read(memory: GuestMemory, address: number): { [N in K]: FieldValue } {
    return this.unpack(memory.readBytes(address, this.size));
  }

  /** As `read`, from bytes that are at hand. */
  unpack(bytes: Uint8Array): { [N in K]: FieldValue } {
    const view = new DataView(bytes.buffer, bytes.byteOffset, this.size);
    const values: Record<string, FieldValue> = {};
    for (const field of this.fields) {
      if (field.name !== "-" && !field.array) values[field.name] = this.#take(view, field);
    }
    return values as { [N in K]: FieldValue };
  }

  #put(field: Field, value: FieldValue): void {
    const view = this.#view;
    const little = this.#littleEndian;
    if (field.size === 8) {
      if (typeof value === "bigint") {
        view.setBigUint64(field.offset, BigInt.asUintN(64, value), little);
      } else {
        // Exact for every integer a number can hold.
        const high = Math.floor(value / TWO_32);
        view.setInt32(field.offset + (little ? 4 : 0), high, little);
        view.setUint32(field.offset + (little ? 0 : 4), value - high * TWO_32, little);
      }
      return;
    }
    const small = typeof value === "bigint" ? Number(BigInt.asIntN(32, value)) : value;
    if (field.size === 4) view.setUint32(field.offset, small, little);
    else if (field.size === 2) view.setUint16(field.offset, small, little);
    else view.setUint8(field.offset, small);
  }

  #take(view: DataView, field: Field): FieldValue {
    const { offset, signed } = field;
    const little = this.#littleEndian;
    switch (field.size) {
      case 8:
        return signed ? view.getBigInt64(offset, little) : view.getBigUint64(offset, little);
      case 4:
        return signed ? view.getInt32(offset, little) : view.getUint32(offset, little);
      case 2:
        return signed ? view.getInt16(offset, little) : view.getUint16(offset, little);
      default:
        return signed ? view.getInt8(offset) : view.getUint8(offset);
    }
  }
}

function measure(type: FieldType, model: DataModel): { size: number; align: number; signed: boolean; array: boolean } {
  if (type.startsWith("bytes:")) return { size: Number(type.slice(6)), align: 1, signed: false, array: true };
  const signed = type.startsWith("i") || type === "long";
  const size = type === "long" || type === "ulong" || type === "pointer" ? model.word : Number(type.slice(1)) / 8;
  return { size, align: size === 8 ? model.alignmentOf64 : size, signed, array: false };
}
