/**
 * How a region goes on in other regions: by Wasm calls for guest calls, by tail calls for everything else; directly in
 * the same module, through the table elsewhere. Fuel and the depth of calls are looked at on the way.
 */
import { OPERATORS } from "../cpu/operators.ts";
import type { ExitWriter } from "./exits.ts";
import { DEPTH_PARAMETER, type FunctionWriter, LIKELY, PC_PARAMETER, UNLIKELY } from "./function-writer.ts";
import type { Node } from "./ir.ts";
import { COUNTERS, FUEL, INDIRECT_CACHE_ENTRIES } from "./layout.ts";
import type { RegisterLocals } from "./register-locals.ts";
import type { Target } from "./target.ts";
import type { ValueWriter } from "./value-writer.ts";
import { W } from "./wasm/opcodes.ts";

const { i32 } = OPERATORS;

export class LinkWriter {
  readonly #out: FunctionWriter;
  readonly #target: Target;
  readonly #registers: RegisterLocals;
  readonly #values: ValueWriter;
  readonly #exits: ExitWriter;
  /** Where the region begins. */
  readonly #start: number;

  constructor(
    out: FunctionWriter,
    target: Target,
    registers: RegisterLocals,
    values: ValueWriter,
    exits: ExitWriter,
    start: number,
  ) {
    this.#out = out;
    this.#target = target;
    this.#registers = registers;
    this.#values = values;
    this.#exits = exits;
    this.#start = start;
  }

  // ── at the region's start ───────────────────────────────────────────────────────────────────────────────────

  /** A hot region takes one off the depth; unless it is a leaf, it looks whether it may run at all. */
  enterHot(isLeaf: boolean): void {
    const out = this.#out;
    out.getLocal(DEPTH_PARAMETER);
    out.const32(1);
    out.op(i32.sub.opcode);
    out.setLocal(DEPTH_PARAMETER);
    if (!isLeaf) this.#checkIn(() => out.getLocal(PC_PARAMETER), true);
  }

  /** Counts one run of a cold block; after the last it asks for a hot region, and from then on goes there. */
  countRun(): void {
    const out = this.#out;
    const { counter } = this.#target;
    if (counter < 0) return;
    const place = COUNTERS + counter * 4;
    const left = out.takeTemp("i32");
    out.loadState("i32", place);
    out.teeLocal(left);
    out.const32(0);
    out.op(i32.leS.opcode);
    out.if(UNLIKELY);
    out.getLocal(left);
    out.op(i32.eqz.opcode);
    out.if(UNLIKELY);
    out.storeState32(place, -1);
    out.const32(this.#start);
    out.call(this.#target.heatIndex);
    out.end();
    out.getLocal(PC_PARAMETER);
    out.getLocal(DEPTH_PARAMETER);
    out.const32(this.#target.slotOf(this.#start));
    this.#throughTable(W.returnCallIndirect);
    out.end();
    out.const32(0);
    out.getLocal(left);
    out.const32(1);
    out.op(i32.sub.opcode);
    out.storeState("i32", place);
    out.freeTemp("i32", left);
  }

  // ── to an address that is known ─────────────────────────────────────────────────────────────────────────────

  /** Control goes to another region for good. */
  tailTo(pc: number): void {
    const out = this.#out;
    const { tier } = this.#target;
    this.#registers.flush();
    if (tier === "step") {
      out.const32(pc);
      out.return();
      return;
    }
    // Cold code spends fuel where it goes back; a hot region does at its entry.
    if (tier === "cold" && pc <= this.#start) this.#checkIn(() => out.const32(pc), false);
    out.const32(pc);
    this.#tailDepth();
    this.#toRegion(pc, W.returnCall, W.returnCallIndirect);
  }

  /** Calls the guest function at `pc`; its answer, where to go on, is on the stack afterwards. Not for single steps. */
  call(pc: number): void {
    const out = this.#out;
    this.#registers.flush();
    if (this.#target.tier === "cold") this.#checkIn(() => out.const32(pc), true);
    out.const32(pc);
    this.#callDepth();
    this.#toRegion(pc, W.call, W.callIndirect);
  }

  /** Pc and depth are on the stack. */
  #toRegion(pc: number, direct: number, indirect: number): void {
    const index = this.#target.functionOf(pc);
    if (index >= 0) {
      this.#out.byte(direct);
      this.#out.u32(index);
    } else {
      this.#out.const32(this.#target.slotOf(pc));
      this.#throughTable(indirect);
    }
  }

  // ── to an address that is computed ──────────────────────────────────────────────────────────────────────────

  /** The same for a computed address; false: this was a single step, and all is written. */
  callIndirect(address: Node): boolean {
    const target = this.#computedTarget(address, true);
    if (target < 0) return false;
    this.#out.getLocal(target);
    this.#callDepth();
    this.#lookUp(target);
    this.#throughTable(W.callIndirect);
    this.#out.freeTemp("i32", target);
    return true;
  }

  /** Control goes to a computed address for good. */
  jumpIndirect(address: Node): void {
    const target = this.#computedTarget(address, false);
    if (target < 0) return;
    this.#out.getLocal(target);
    this.#tailDepth();
    this.#lookUp(target);
    this.#throughTable(W.returnCallIndirect);
    this.#out.freeTemp("i32", target);
  }

  /** Puts the address into a local; -1: a single step has returned it. */
  #computedTarget(address: Node, nests: boolean): number {
    const out = this.#out;
    const target = out.takeTemp("i32");
    this.#values.value(address);
    out.setLocal(target);
    this.#registers.flush();
    if (this.#target.tier === "step") {
      out.getLocal(target);
      out.return();
      return -1;
    }
    if (this.#target.tier === "cold") this.#checkIn(() => out.getLocal(target), nests);
    return target;
  }

  /** The table slot for the guest address in `local`: from the indirect-branch cache, or else from the engine. */
  #lookUp(local: number): void {
    const out = this.#out;
    const entry = out.takeTemp("i32");
    const slot = out.takeTemp("i32");
    out.getLocal(local);
    out.const32(1);
    out.op(i32.shl.opcode);
    out.const32((INDIRECT_CACHE_ENTRIES - 1) << 3);
    out.op(i32.and.opcode);
    out.teeLocal(entry);
    out.stateAccess(W.i32Load, this.#target.indirectCache);
    out.getLocal(local);
    out.op(i32.eq.opcode);
    out.if(LIKELY);
    out.getLocal(entry);
    out.stateAccess(W.i32Load, this.#target.indirectCache + 4);
    out.setLocal(slot);
    out.else();
    out.getLocal(local);
    out.call(this.#target.resolveIndex);
    out.setLocal(slot);
    out.end();
    out.getLocal(slot);
    out.freeTemp("i32", entry);
    out.freeTemp("i32", slot);
  }

  #throughTable(opcode: number): void {
    this.#out.byte(opcode);
    this.#out.u32(this.#target.regionType);
    this.#out.byte(0);
  }

  // ── fuel and depth ──────────────────────────────────────────────────────────────────────────────────────────

  /** The depth that a tail call hands on: what this region was given. */
  #tailDepth(): void {
    this.#out.getLocal(DEPTH_PARAMETER);
    if (this.#target.tier === "cold") return;
    this.#out.const32(1);
    this.#out.op(i32.add.opcode);
  }

  /** The depth that a call hands on. */
  #callDepth(): void {
    this.#out.getLocal(DEPTH_PARAMETER);
    if (this.#target.tier !== "cold") return;
    this.#out.const32(1);
    this.#out.op(i32.sub.opcode);
  }

  /** Spends a unit of fuel, and leaves to the dispatcher, to go on at `pc`, if there is none or calls nest too deep. */
  #checkIn(pc: () => void, nests: boolean): void {
    const out = this.#out;
    const fuel = out.takeTemp("i32");
    out.const32(0);
    out.loadState("i32", FUEL);
    out.const32(1);
    out.op(i32.sub.opcode);
    out.teeLocal(fuel);
    out.storeState("i32", FUEL);
    out.getLocal(fuel);
    if (nests) {
      this.#callDepth();
      out.op(i32.or.opcode);
    }
    out.const32(0);
    out.op(i32.ltS.opcode);
    out.if(UNLIKELY);
    this.#exits.yieldTo(pc);
    out.end();
    out.freeTemp("i32", fuel);
  }
}
