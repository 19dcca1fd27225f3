/** Writes a block's effects, in order: what sets registers, accesses memory, calls helpers, chooses or raises. */
import { HELPER_ARGUMENTS, HELPER_RESULT } from "../cpu/emitter.ts";
import { isWhole, writeView } from "./containers.ts";
import type { ExitWriter } from "./exits.ts";
import { type FunctionWriter, LIKELY, UNLIKELY } from "./function-writer.ts";
import { GuestAccess } from "./guest-access.ts";
import { type Arm, CONST, type Effect, GET, type Node } from "./ir.ts";
import type { RegisterLocals } from "./register-locals.ts";
import type { Target } from "./target.ts";
import type { ValueWriter } from "./value-writer.ts";
import { W } from "./wasm/opcodes.ts";

export class EffectWriter {
  readonly #out: FunctionWriter;
  readonly #target: Target;
  readonly #registers: RegisterLocals;
  readonly #values: ValueWriter;
  readonly #exits: ExitWriter;
  readonly #memory: GuestAccess;

  constructor(out: FunctionWriter, target: Target, registers: RegisterLocals, values: ValueWriter, exits: ExitWriter) {
    this.#out = out;
    this.#target = target;
    this.#registers = registers;
    this.#values = values;
    this.#exits = exits;
    this.#memory = new GuestAccess(out, target, registers, values, exits);
  }

  effects(effects: readonly Effect[]): void {
    for (let i = 0; i < effects.length; i++) {
      const effect = effects[i] as Effect;
      const next = effects[i + 1];
      // A loaded value that goes straight into a register needs no local in between.
      if (effect.kind === "load" && next?.kind === "set" && next.value === effect.result && this.#canStay(next)) {
        this.#memory.load(effect);
        effect.result.remaining--;
        this.#set(next);
        i++;
      } else this.#effect(effect);
    }
  }

  /** The value of this `set` survives it: in the container's local, or because nobody else asks. */
  #canStay({ slot, value }: Effect & { kind: "set" }): boolean {
    return value.remaining === 1 || isWhole(slot, this.#registers.containers.of(slot));
  }

  #effect(effect: Effect): void {
    const out = this.#out;
    const values = this.#values;
    switch (effect.kind) {
      case "load":
        this.#memory.load(effect);
        values.keepResult(effect.result);
        break;
      case "store":
        this.#memory.store(effect);
        break;
      case "compareExchange":
        this.#memory.compareExchange(effect);
        break;
      case "set": {
        const { value, slot } = effect;
        const fresh = value.local === -1 && value.op !== CONST && value.op !== GET;
        if (fresh && isWhole(slot, this.#registers.containers.of(slot))) {
          value.remaining--;
          values.compute(value);
        } else values.value(value);
        this.#set(effect);
        break;
      }
      case "readState":
        if (effect.result.remaining === 0) break;
        out.loadState(effect.slot.type, effect.slot.offset);
        values.keepResult(effect.result);
        break;
      case "writeState":
        out.const32(0);
        values.value(effect.value);
        out.storeState(effect.slot.type, effect.slot.offset);
        break;
      case "call":
        this.#call(effect);
        break;
      case "when":
        this.#when(effect);
        break;
      case "raiseIf":
        if (effect.info) values.prepare(effect.info, effect.firstId, new Set());
        values.value(effect.condition);
        out.if(UNLIKELY);
        this.#exits.raise(effect.exception, effect.info, effect.pc);
        out.end();
        break;
    }
  }

  /** The new value of the slot is on the stack. */
  #set({ slot, value, displaced }: Effect & { kind: "set" }): void {
    const container = this.#registers.containers.of(slot);
    const local = this.#registers.localOf(container);
    for (const node of displaced) if (node !== value) this.#values.rescue(node, container);
    writeView(container, slot, local, this.#out);
    this.#out.setLocal(local);
    this.#registers.dirty.add(container.index);
    if (isWhole(slot, container) && value.op !== CONST && value.op !== GET && value.local === -1 && value.remaining > 0)
      value.local = local;
  }

  #call({ helper, args, result }: Effect & { kind: "call" }): void {
    const out = this.#out;
    args.forEach((arg, n) => {
      out.const32(0);
      this.#values.value(arg);
      out.storeState(arg.type, HELPER_ARGUMENTS + 16 * n);
    });
    out.call(this.#target.helperIndex(helper));
    if (!result || result.remaining === 0) return;
    out.loadState(result.type, HELPER_RESULT);
    this.#values.keepResult(result);
  }

  #when(effect: Effect & { kind: "when" }): void {
    const { condition, then, otherwise, firstId } = effect;
    const registers = this.#registers;
    const seen = new Set<Node>();
    this.#values.prepareArm(then, firstId, seen);
    if (otherwise) this.#values.prepareArm(otherwise, firstId, seen);
    this.#values.value(condition);
    const result = effect.result && effect.result.remaining > 0 ? effect.result : null;
    const resultLocal = result ? this.#out.takeTemp(result.type) : -1;
    const before = registers.dirty.copy();
    this.#out.if(armHint(effect));
    this.#arm(then, effect.result, resultLocal);
    if (otherwise) {
      const afterThen = registers.dirty;
      registers.dirty = before.copy();
      this.#out.else();
      this.#arm(otherwise, effect.result, resultLocal);
      registers.dirty.addAll(afterThen);
    } else registers.dirty.addAll(before);
    this.#out.end();
    if (result) result.local = resultLocal;
  }

  #arm(arm: Arm, result: Node | null, resultLocal: number): void {
    this.effects(arm.effects);
    if (!result || !arm.value) return;
    this.#values.value(arm.value);
    if (resultLocal >= 0) this.#out.setLocal(resultLocal);
    else this.#out.byte(W.drop);
  }
}

/** An arm that calls a helper is the rare case. */
function armHint({ then, otherwise }: Effect & { kind: "when" }): number | null {
  if (isRare(then)) return UNLIKELY;
  return otherwise !== null && isRare(otherwise) ? LIKELY : null;
}

function isRare(arm: Arm): boolean {
  return arm.effects.some(
    (inner) =>
      inner.kind === "call" ||
      (inner.kind === "when" && (isRare(inner.then) || (inner.otherwise !== null && isRare(inner.otherwise)))),
  );
}
