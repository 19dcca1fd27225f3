/** What the rows of Advanced SIMD share: registers as vectors, the saturation flag, operands as they print. */
import type { Fields, OperandFormats } from "../decode-table.ts";
import type { Emitter, V128 } from "../emitter.ts";
import type { Saturated } from "./simd-lanes.ts";
import { laneBits } from "./simd-lanes.ts";
import { D, Q, QC } from "./vfp-registers.ts";

/**
 * The fields of all rows: `D` `d`, `N` `n`, `M` `m` registers, `q` 1 where they are Q registers, `z` lane size, `u` 1 for
 * unsigned lanes, `i` immediate.
 */
export const registerOf = (fields: Fields, name: "d" | "n" | "m"): number =>
  (fields[name.toUpperCase()]! << 4) | fields[name]!;

/**
 * A register as a vector. Of a D register both halves are the register, so that an operation on all lanes does nothing
 * that the lower half alone would not do (raise a flag, saturate).
 */
export const vector = (e: Emitter, quad: boolean, n: number): V128 =>
  quad ? e.get(Q[n >> 1]!) : e.f64x2.splat(e.get(D[n]!));
export function setVector(e: Emitter, quad: boolean, n: number, value: V128): void {
  if (quad) e.set(Q[n >> 1]!, value);
  else e.set(D[n]!, e.f64x2.extractLane(value, 0));
}

/** The value, whose saturation goes into FPSCR.QC. */
export function saturated(e: Emitter, { value, changed }: Saturated): V128 {
  e.set(QC, e.v128.or(e.get(QC), changed));
  return value;
}

/** A Q register must have an even number: for the letters given, where `q` is 1. */
export const evenIfQuad =
  (...letters: readonly ("d" | "n" | "m")[]) =>
  (fields: Fields): boolean =>
    fields["q"] === 0 || letters.every((letter) => (fields[letter]! & 1) === 0);
export const even =
  (...letters: readonly ("d" | "n" | "m")[]) =>
  (fields: Fields): boolean =>
    letters.every((letter) => (fields[letter]! & 1) === 0);
export const both =
  (...conditions: readonly ((fields: Fields) => boolean)[]) =>
  (fields: Fields): boolean =>
    conditions.every((holds) => holds(fields));
/** Lane sizes by their encoding. */
export const sizes =
  (...allowed: readonly number[]) =>
  (fields: Fields): boolean =>
    allowed.includes(fields["z"]!);

const named =
  (name: "d" | "n" | "m") =>
  (fields: Fields): string => {
    const n = registerOf(fields, name);
    return fields["q"] === 1 ? `q${n >> 1}` : `d${n}`;
  };

/** Operand names besides VFP's. */
export const SIMD_FORMATS: OperandFormats<unknown> = {
  Vd: named("d"),
  Vn: named("n"),
  Vm: named("m"),
  /** Signed or unsigned, and the lanes' bits. */
  su: (fields) => (fields["u"] === 1 ? "u" : "s"),
  size: (fields) => String(laneBits(fields["z"]!)),
  wide: (fields) => String(2 * laneBits(fields["z"]!)),
};
