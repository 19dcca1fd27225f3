/** Writes values: puts what a `Node` stands for on the Wasm stack, and keeps in a local what is needed again. */
import type { Slot } from "../cpu/emitter.ts";
import { type Container, readView } from "./containers.ts";
import type { FunctionWriter } from "./function-writer.ts";
import { type Arm, CONST, GET, type Node, operands, RESULT, SELECT } from "./ir.ts";
import type { RegisterLocals } from "./register-locals.ts";
import { TYPE_CODES } from "./wasm/module.ts";
import { W } from "./wasm/opcodes.ts";

export class ValueWriter {
  readonly #out: FunctionWriter;
  readonly #registers: RegisterLocals;

  constructor(out: FunctionWriter, registers: RegisterLocals) {
    this.#out = out;
    this.#registers = registers;
  }

  /** Puts a node's value on the Wasm stack; it is one of the uses that were counted. */
  value(node: Node): void {
    node.remaining--;
    if (node.local >= 0) {
      this.#out.getLocal(node.local);
      if (node.remaining === 0 && this.#out.isTemp(node.local)) this.#out.freeTemp(node.type, node.local);
      return;
    }
    this.compute(node);
    if (node.remaining > 0 && node.op !== CONST && node.op !== GET) {
      node.local = this.#out.takeTemp(node.type);
      this.#out.teeLocal(node.local);
    }
  }

  /** The same without counting the use or keeping the value. */
  compute(node: Node): void {
    const out = this.#out;
    if (node.op === CONST) {
      this.#constant(node);
    } else if (node.op === GET) {
      const container = this.#registers.containers.of(node.slot as Slot);
      out.getLocal(this.#registers.localOf(container));
      readView(container, node.slot as Slot, out);
    } else if (node.op === SELECT) {
      this.value(node.b as Node);
      this.value(node.c as Node);
      this.value(node.a as Node);
      if (node.type === "v128") {
        out.byte(W.selectTyped);
        out.byte(1);
        out.byte(TYPE_CODES.v128);
      } else out.byte(W.select);
    } else if (node.op === RESULT) {
      throw new Error("a result is used before its effect");
    } else {
      if (node.a) this.value(node.a);
      if (node.b) this.value(node.b);
      if (node.c) this.value(node.c);
      out.op(node.op);
      if (node.immediates) for (const immediate of node.immediates) out.byte(immediate);
    }
  }

  #constant(node: Node): void {
    switch (node.type) {
      case "i32":
        this.#out.const32(node.bits);
        break;
      case "i64":
        this.#out.const64(node.bits64);
        break;
      case "f32":
        this.#out.constF32(node.bits);
        break;
      case "f64":
        this.#out.constF64(node.bits64);
        break;
      case "v128":
        this.#out.constV128(node.bits64, node.bits64High);
        break;
    }
  }

  /** The result of an effect is on the stack: keeps it, or drops it if nobody asks. */
  keepResult(node: Node): void {
    if (node.remaining === 0) this.#out.byte(W.drop);
    else this.#keep(node);
  }

  /** Moves the node's value from the stack to a local of its own. */
  #keep(node: Node): void {
    node.local = this.#out.takeTemp(node.type);
    this.#out.setLocal(node.local);
  }

  /** Before the container's local changes: moves a node that lives in it to a local of its own, if it is still needed. */
  rescue(node: Node, container: Container): void {
    if (node.remaining === 0 || node.op === CONST) return;
    const inContainer = node.local === this.#registers.localOf(container);
    if (!inContainer && !(node.op === GET && node.local === -1)) return;
    if (inContainer) this.#out.getLocal(node.local);
    else this.compute(node);
    this.#keep(node);
  }

  /** Before an arm that may not run: computes what the arm shares with code outside it, so that both can use it. */
  prepare(node: Node, firstId: number, seen: Set<Node>): void {
    if (node.local >= 0 || node.op === CONST || seen.has(node)) return;
    seen.add(node);
    if (node.id < firstId && node.uses > 1 && node.op !== GET && node.op !== RESULT) {
      this.compute(node);
      this.#keep(node);
      return;
    }
    if (node.a) this.prepare(node.a, firstId, seen);
    if (node.b) this.prepare(node.b, firstId, seen);
    if (node.c) this.prepare(node.c, firstId, seen);
  }

  prepareArm(arm: Arm, firstId: number, seen: Set<Node>): void {
    for (const effect of arm.effects) {
      for (const node of operands(effect)) this.prepare(node, firstId, seen);
      if (effect.kind === "set") {
        const container = this.#registers.containers.of(effect.slot);
        for (const node of effect.displaced) if (node.id < firstId) this.rescue(node, container);
      } else if (effect.kind === "when") {
        this.prepareArm(effect.then, firstId, seen);
        if (effect.otherwise) this.prepareArm(effect.otherwise, firstId, seen);
      }
    }
    if (arm.value) this.prepare(arm.value, firstId, seen);
  }
}
