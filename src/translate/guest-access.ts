/** Accesses to guest memory: software checks where the host's MMU does not make them, and the guest's byte order. */
import { OPERATORS } from "../cpu/operators.ts";
import type { ExitWriter } from "./exits.ts";
import { type FunctionWriter, UNLIKELY } from "./function-writer.ts";
import { type Access, type Effect, Node, RESULT } from "./ir.ts";
import { MAY_READ, MAY_WRITE, PAGE_SHIFT, PAGE_TABLE } from "./layout.ts";
import type { RegisterLocals } from "./register-locals.ts";
import type { Target } from "./target.ts";
import type { ValueWriter } from "./value-writer.ts";
import { W } from "./wasm/opcodes.ts";

const { i32, i64 } = OPERATORS;

export class GuestAccess {
  readonly #out: FunctionWriter;
  readonly #target: Target;
  readonly #registers: RegisterLocals;
  readonly #values: ValueWriter;
  readonly #exits: ExitWriter;

  constructor(out: FunctionWriter, target: Target, registers: RegisterLocals, values: ValueWriter, exits: ExitWriter) {
    this.#out = out;
    this.#target = target;
    this.#registers = registers;
    this.#values = values;
    this.#exits = exits;
  }

  /** Leaves the value on the stack. */
  load({ access, address, offset, pc }: Effect & { kind: "load" }): void {
    const out = this.#out;
    const rest = this.#address(address, offset, access, MAY_READ, pc);
    if (this.#target.littleEndian || access.width === 1) {
      out.guestAccess(access.opcode, rest, pc);
      return;
    }
    if (access.width === 16) {
      out.guestAccess(access.opcode, rest, pc);
      swapVector(out);
      return;
    }
    out.guestAccess(access.width === 2 ? W.i32Load16U : access.width === 4 ? W.i32Load : W.i64Load, rest, pc);
    swapBytes(access.width, out);
    if (access.signed) out.op(i32.extend16S.opcode);
    if (access.type === "f32") out.op(OPERATORS.f32.reinterpretI32.opcode);
    else if (access.type === "f64") out.op(OPERATORS.f64.reinterpretI64.opcode);
  }

  store({ access, address, offset, value, pc }: Effect & { kind: "store" }): void {
    const rest = this.#address(address, offset, access, MAY_WRITE, pc);
    this.#values.value(value);
    this.#storeValue(access, rest, pc);
  }

  /**
   * Guest tasks of one process run on one JavaScript thread and are switched only between blocks, so a plain load,
   * compare and store is atomic. (A Wasm atomic on a protected page would kill the host process: V8 catches only
   * faults of plain accesses.)
   */
  compareExchange({
    load,
    store,
    address,
    expected,
    replacement,
    result,
    pc,
  }: Effect & { kind: "compareExchange" }): void {
    const out = this.#out;
    const { type } = load;
    const where = out.takeTemp("i32");
    this.#values.value(address);
    out.setLocal(where);
    const held = new Node(-1, RESULT, "i32");
    held.local = where;
    held.remaining = Number.POSITIVE_INFINITY;
    this.load({ kind: "load", pc, access: load, address: held, offset: 0, result });
    const old = out.takeTemp(type);
    out.setLocal(old);
    this.#values.value(replacement);
    const wanted = out.takeTemp(type);
    out.setLocal(wanted);
    out.getLocal(old);
    this.#values.value(expected);
    out.op(type === "i64" ? i64.eq.opcode : i32.eq.opcode);
    out.if();
    const offset = this.#address(held, 0, store, MAY_WRITE, pc);
    out.getLocal(wanted);
    this.#storeValue(store, offset, pc);
    out.end();
    out.freeTemp("i32", where);
    out.freeTemp(type, wanted);
    if (result.remaining > 0) result.local = old;
    else out.freeTemp(type, old);
  }

  /** Puts the address on the stack, after a look into the page table where that is asked for; returns what is left of the offset. */
  #address(address: Node, offset: number, access: Access, permission: number, pc: number): number {
    const out = this.#out;
    this.#registers.settle();
    this.#values.value(address);
    if (!this.#target.softwareChecks) return offset;
    if (offset !== 0) {
      out.const32(offset);
      out.op(i32.add.opcode);
    }
    const whole = out.takeTemp("i32");
    out.setLocal(whole);
    this.#permitted(whole, 0, permission);
    if (access.width > 1) {
      this.#permitted(whole, access.width - 1, permission);
      out.op(i32.and.opcode);
    }
    out.op(i32.eqz.opcode);
    out.if(UNLIKELY);
    this.#exits.memoryFault(whole, pc);
    out.end();
    out.getLocal(whole);
    out.freeTemp("i32", whole);
    return 0;
  }

  /** One if the byte at `local + at` may be accessed so, else zero. */
  #permitted(local: number, at: number, permission: number): void {
    const out = this.#out;
    out.getLocal(local);
    if (at !== 0) {
      out.const32(at);
      out.op(i32.add.opcode);
    }
    out.const32(PAGE_SHIFT);
    out.op(i32.shrU.opcode);
    out.stateAccess(W.i32Load8U, PAGE_TABLE);
    out.const32(permission);
    out.op(i32.and.opcode);
  }

  /** Address and value are on the stack. */
  #storeValue(access: Access, offset: number, pc: number): void {
    const out = this.#out;
    if (this.#target.littleEndian || access.width === 1) {
      out.guestAccess(access.opcode, offset, pc);
      return;
    }
    if (access.width === 16) {
      swapVector(out);
      out.guestAccess(access.opcode, offset, pc);
      return;
    }
    if (access.type === "f32") out.op(i32.reinterpretF32.opcode);
    else if (access.type === "f64") out.op(i64.reinterpretF64.opcode);
    swapBytes(access.width, out);
    out.guestAccess(access.width === 2 ? W.i32Store16 : access.width === 4 ? W.i32Store : W.i64Store, offset, pc);
  }
}

/** Reverses the bytes of the vector on the stack. */
function swapVector(out: FunctionWriter): void {
  out.op(W.v128Const);
  for (let i = 15; i >= 0; i--) out.byte(i);
  out.op(OPERATORS.i8x16.swizzle.opcode);
}

/** Reverses the bytes of the integer on the stack (of its low `width` bytes). */
function swapBytes(width: number, out: FunctionWriter): void {
  if (width === 8) {
    const temp = out.takeTemp("i64");
    out.setLocal(temp);
    out.getLocal(temp);
    out.op(i32.wrapI64.opcode);
    swapBytes(4, out);
    out.op(i64.extendI32U.opcode);
    out.const64(32n);
    out.op(i64.shl.opcode);
    out.getLocal(temp);
    out.const64(32n);
    out.op(i64.shrU.opcode);
    out.op(i32.wrapI64.opcode);
    swapBytes(4, out);
    out.op(i64.extendI32U.opcode);
    out.op(i64.or.opcode);
    out.freeTemp("i64", temp);
    return;
  }
  const temp = out.takeTemp("i32");
  out.setLocal(temp);
  if (width === 4) {
    // rotl(x, 8) & 0x00ff00ff | rotl(x, 24) & 0xff00ff00
    out.getLocal(temp);
    out.const32(8);
    out.op(i32.rotl.opcode);
    out.const32(0x00ff00ff);
    out.op(i32.and.opcode);
    out.getLocal(temp);
    out.const32(24);
    out.op(i32.rotl.opcode);
    out.const32(0xff00ff00);
    out.op(i32.and.opcode);
  } else {
    out.getLocal(temp);
    out.const32(8);
    out.op(i32.shl.opcode);
    out.const32(0xff00);
    out.op(i32.and.opcode);
    out.getLocal(temp);
    out.const32(8);
    out.op(i32.shrU.opcode);
    out.const32(0xff);
    out.op(i32.and.opcode);
  }
  out.op(i32.or.opcode);
  out.freeTemp("i32", temp);
}
