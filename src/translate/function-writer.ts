/**
 * The body of one Wasm function while it is being written: bytes, locals, and the notes about places in it (accesses
 * that may trap, hints about branches). It knows Wasm and where CPU state lies, and nothing of what the code means.
 *
 * Locals come in three kinds, in this order: the parameters, those that are *named* before code is written, and
 * temporaries, which are taken and given back.
 */
import type { Type } from "../cpu/emitter.ts";
import { Bytes } from "./wasm/bytes.ts";
import { VOID, W } from "./wasm/opcodes.ts";

/** Branch hints. */
export const UNLIKELY = 0;
export const LIKELY = 1;

/** The parameters of every region's function. */
const PARAMETERS = 2;
export const PC_PARAMETER = 0;
export const DEPTH_PARAMETER = 1;

/** Index of the CPU-state memory; the guest's is 0. */
const STATE = 1;
/** In a memory access: a memory's index follows the alignment, which is 1. */
const EXPLICIT_MEMORY = 0x40;

const LOADS: { readonly [T in Type]: number } = {
  i32: W.i32Load,
  i64: W.i64Load,
  f32: W.f32Load,
  f64: W.f64Load,
  v128: W.v128Load,
};
const STORES: { readonly [T in Type]: number } = {
  i32: W.i32Store,
  i64: W.i64Store,
  f32: W.f32Store,
  f64: W.f64Store,
  v128: W.v128Store,
};

export class FunctionWriter {
  readonly #code = new Bytes();
  #firstTemp = PARAMETERS;
  readonly #freeTemps: { readonly [T in Type]: number[] } = { i32: [], i64: [], f32: [], f64: [], v128: [] };
  /** Types of the locals behind the parameters. */
  locals: Type[] = [];
  /** Pairs of (offset in the code of an access, guest PC), ascending. */
  traps: number[] = [];
  /** Pairs of (offset in the code of an `if`, hint). */
  hints: number[] = [];
  /** Offsets of the function's own index. */
  ownIndices: number[] = [];

  /** Begins a new function. */
  begin(): void {
    this.#code.clear();
    this.#firstTemp = PARAMETERS;
    this.#freeTemps.i32.length = 0;
    this.#freeTemps.i64.length = 0;
    this.#freeTemps.f32.length = 0;
    this.#freeTemps.f64.length = 0;
    this.#freeTemps.v128.length = 0;
    this.locals = [];
    this.traps = [];
    this.hints = [];
    this.ownIndices = [];
  }

  /** The code so far; valid until more is written. */
  view(): Uint8Array {
    return this.#code.view();
  }

  // ── bytes ───────────────────────────────────────────────────────────────────────────────────────────────────

  byte(value: number): void {
    this.#code.byte(value);
  }

  u32(value: number): void {
    this.#code.u32(value);
  }

  /** An opcode; one with a prefix is written as `prefix << 8 | number` here. */
  op(opcode: number): void {
    if (opcode > 0xff) {
      this.#code.byte(opcode >> 8);
      this.#code.u32(opcode & 0xff);
    } else this.#code.byte(opcode);
  }

  const32(n: number): void {
    this.#code.byte(W.i32Const);
    this.#code.s32(n);
  }

  /** The index of this function, which its module fills in. */
  ownIndex(): void {
    this.ownIndices.push(this.#code.length);
    this.#code.byte(0x80);
    this.#code.byte(0);
  }

  const64(n: bigint): void {
    this.#code.byte(W.i64Const);
    this.#code.s64(n);
  }

  /** The constants below are given by their bits. */
  constF32(bits: number): void {
    this.#code.byte(W.f32Const);
    this.#code.fixed32(bits);
  }

  constF64(bits: bigint): void {
    this.#code.byte(W.f64Const);
    this.#code.fixed64(bits);
  }

  constV128(low: bigint, high: bigint): void {
    this.op(W.v128Const);
    this.#code.fixed64(low);
    this.#code.fixed64(high);
  }

  // ── control ─────────────────────────────────────────────────────────────────────────────────────────────────

  if(hint: number | null = null): void {
    if (hint !== null) this.hints.push(this.#code.length, hint);
    this.#code.byte(W.if);
    this.#code.byte(VOID);
  }

  else(): void {
    this.#code.byte(W.else);
  }

  end(): void {
    this.#code.byte(W.end);
  }

  block(): void {
    this.#code.byte(W.block);
    this.#code.byte(VOID);
  }

  loop(): void {
    this.#code.byte(W.loop);
    this.#code.byte(VOID);
  }

  br(depth: number): void {
    this.#code.byte(W.br);
    this.#code.u32(depth);
  }

  /** The index is on the stack. */
  brTable(depths: readonly number[], otherwise: number): void {
    this.#code.byte(W.brTable);
    this.#code.u32(depths.length);
    for (const depth of depths) this.#code.u32(depth);
    this.#code.u32(otherwise);
  }

  call(functionIndex: number): void {
    this.#code.byte(W.call);
    this.#code.u32(functionIndex);
  }

  return(): void {
    this.#code.byte(W.return);
  }

  // ── locals ──────────────────────────────────────────────────────────────────────────────────────────────────

  getLocal(local: number): void {
    this.#code.byte(W.localGet);
    this.#code.u32(local);
  }

  setLocal(local: number): void {
    this.#code.byte(W.localSet);
    this.#code.u32(local);
  }

  teeLocal(local: number): void {
    this.#code.byte(W.localTee);
    this.#code.u32(local);
  }

  /** What the next new local will be. */
  get nextLocal(): number {
    return PARAMETERS + this.locals.length;
  }

  /** Adds a local for the whole function; before the first temporary is taken. */
  nameLocal(type: Type): number {
    this.#firstTemp = PARAMETERS + this.locals.push(type);
    return this.#firstTemp - 1;
  }

  takeTemp(type: Type): number {
    return this.#freeTemps[type].pop() ?? PARAMETERS + this.locals.push(type) - 1;
  }

  freeTemp(type: Type, local: number): void {
    this.#freeTemps[type].push(local);
  }

  isTemp(local: number): boolean {
    return local >= this.#firstTemp;
  }

  /** Puts what `push` pushes under the value of `type` on top of the stack. */
  under(type: Type, push: () => void): void {
    const temp = this.takeTemp(type);
    this.setLocal(temp);
    push();
    this.getLocal(temp);
    this.freeTemp(type, temp);
  }

  // ── memory ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** A load or store of CPU state; the address operand (0) is already on the stack. */
  stateAccess(opcode: number, offset: number): void {
    this.op(opcode);
    this.#code.byte(EXPLICIT_MEMORY);
    this.#code.byte(STATE);
    this.#code.u32(offset);
  }

  loadState(type: Type, offset: number): void {
    this.const32(0);
    this.stateAccess(LOADS[type], offset);
  }

  /** The value is on the stack, over a 0. */
  storeState(type: Type, offset: number): void {
    this.stateAccess(STORES[type], offset);
  }

  storeState32(offset: number, value: number): void {
    this.const32(0);
    this.const32(value);
    this.stateAccess(W.i32Store, offset);
  }

  storeStateLocal(type: Type, offset: number, local: number): void {
    this.const32(0);
    this.getLocal(local);
    this.stateAccess(STORES[type], offset);
  }

  /** An access to guest memory by the instruction at `pc`, of any alignment. */
  guestAccess(opcode: number, offset: number, pc: number): void {
    this.traps.push(this.#code.length, pc);
    this.op(opcode);
    this.#code.byte(0);
    this.#code.u32(offset);
  }
}
