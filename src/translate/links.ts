/**
 * How a region goes on in other regions: by Wasm calls for guest calls, by tail calls for everything else; directly in
 * the same module, through the table elsewhere. Fuel and the depth of calls are looked at on the way.
 */
import { OPERATORS } from "../cpu/operators.ts";
import type { ExitWriter } from "./exits.ts";
import { DEPTH_PARAMETER, type FunctionWriter, LIKELY, PC_PARAMETER, UNLIKELY } from "./function-writer.ts";
import type { Node } from "./ir.ts";
import { FUEL, INDIRECT_CACHE_ENTRIES } from "./layout.ts";
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

  constructor(out: FunctionWriter, target: Target, registers: RegisterLocals, values: ValueWriter, exits: ExitWriter) {
    this.#out = out;
    this.#target = target;
    this.#registers = registers;
    this.#values = values;
    this.#exits = exits;
  }

  // ── at the region's start ───────────────────────────────────────────────────────────────────────────────────

  /** A region takes one off the depth; unless it is a leaf, it looks whether it may run at all. */
  enter(isLeaf: boolean): void {
    const out = this.#out;
    out.getLocal(DEPTH_PARAMETER);
    out.const32(1);
    out.op(i32.sub.opcode);
    out.setLocal(DEPTH_PARAMETER);
    if (!isLeaf) this.#checkIn();
  }

  // ── to an address that is known ─────────────────────────────────────────────────────────────────────────────

  /** Control goes to another region for good. */
  tailTo(pc: number): void {
    this.#registers.flush();
    this.#out.const32(pc);
    this.#tailDepth();
    this.#toRegion(pc, W.returnCall, W.returnCallIndirect);
  }

  /** Calls the guest function at `pc`; its answer, where to go on, is on the stack afterwards. */
  call(pc: number): void {
    this.#registers.flush();
    this.#out.const32(pc);
    this.#out.getLocal(DEPTH_PARAMETER);
    this.#toRegion(pc, W.call, W.callIndirect);
  }

  /** Pc and depth are on the stack. */
  #toRegion(pc: number, direct: number, indirect: number): void {
    if (pc === this.#target.start) {
      this.#out.byte(direct);
      this.#out.ownIndex();
    } else {
      this.#out.const32(this.#target.slotOf(pc));
      this.#throughTable(indirect);
    }
  }

  // ── to an address that is computed ──────────────────────────────────────────────────────────────────────────

  /** The same for the address in a local. */
  callIndirect(target: number): void {
    this.#registers.flush();
    this.#out.getLocal(target);
    this.#out.getLocal(DEPTH_PARAMETER);
    this.#lookUp(target);
    this.#throughTable(W.callIndirect);
  }

  /** Control goes to a computed address for good. */
  jumpIndirect(address: Node): void {
    const target = this.#out.takeTemp("i32");
    this.#values.value(address);
    this.#out.setLocal(target);
    this.jumpToLocal(target);
    this.#out.freeTemp("i32", target);
  }

  /** Control goes to the address in a local for good. */
  jumpToLocal(target: number): void {
    this.#registers.flush();
    this.#out.getLocal(target);
    this.#tailDepth();
    this.#lookUp(target);
    this.#throughTable(W.returnCallIndirect);
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
    this.#out.const32(1);
    this.#out.op(i32.add.opcode);
  }

  /** Spends a unit of fuel, and leaves to the dispatcher if there is none or calls nest too deep. */
  #checkIn(): void {
    const out = this.#out;
    const fuel = out.takeTemp("i32");
    out.const32(0);
    out.loadState("i32", FUEL);
    out.const32(1);
    out.op(i32.sub.opcode);
    out.teeLocal(fuel);
    out.storeState("i32", FUEL);
    out.getLocal(fuel);
    out.getLocal(DEPTH_PARAMETER);
    out.op(i32.or.opcode);
    out.const32(0);
    out.op(i32.ltS.opcode);
    out.if(UNLIKELY);
    this.#exits.yieldTo(() => out.getLocal(PC_PARAMETER));
    out.end();
    out.freeTemp("i32", fuel);
  }
}
