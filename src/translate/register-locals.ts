/**
 * Guest registers in Wasm locals: which local holds which, when they are filled from CPU state, and when they are stored
 * there. The fuel is one of them in a region with loops.
 */
import { type Container, Containers } from "./containers.ts";
import { type BlockFacts, ContainerSet, type Dataflow, solve } from "./dataflow.ts";
import { withoutDeadSets } from "./dead-sets.ts";
import type { Block, Effect } from "./ir.ts";
import { countUses, FactFinder, switchFacts } from "./block-facts.ts";
import type { FunctionWriter } from "./function-writer.ts";
import { FUEL } from "./layout.ts";
import { OPERATORS } from "../cpu/operators.ts";
import type { RegionGraph } from "./region-graph.ts";
import type { Target } from "./target.ts";

const { i32 } = OPERATORS;

export class RegisterLocals {
  readonly containers: Containers;
  readonly #out: FunctionWriter;
  readonly #precise: boolean;
  /** An access may leave or trap with all registers stored. */
  readonly #checked: boolean;
  readonly #flow: Dataflow;
  readonly #firstLocal: number;
  readonly #fuelLocal: number;
  /** Containers whose local must be stored before leaving, at the place where code is being written. */
  dirty: ContainerSet;

  constructor(graph: RegionGraph, target: Target, out: FunctionWriter) {
    this.#out = out;
    this.#precise = target.precise;
    this.#checked = target.softwareChecks || target.precise;
    this.containers = new Containers(countUses(graph.blocks));
    const { all } = this.containers;
    const facts: (BlockFacts | null)[] = graph.blocks.map((_, i) =>
      graph.isReached(i) ? new FactFinder(graph, i, this.containers, this.#checked) : null,
    );
    graph.switches.forEach((_, i) => {
      const place = graph.blocks.length + i;
      facts.push(graph.isReached(place) ? switchFacts(graph, place, all.length) : null);
    });
    this.#flow = solve(facts, all.length);
    this.dirty = new ContainerSet(all.length);
    this.#firstLocal = out.nextLocal;
    for (const container of all) out.nameLocal(container.type);
    this.#fuelLocal = graph.shape.isLoopHeader.includes(true) ? out.nameLocal("i32") : -1;
  }

  /** A block's effects without those that nobody would notice. */
  effectsOf(block: number, { effects }: Block): readonly Effect[] {
    const liveOut = this.#flow.liveOut[block] as ContainerSet;
    return withoutDeadSets(effects, this.containers, liveOut, this.#checked);
  }

  localOf(container: Container): number {
    return this.#firstLocal + container.index;
  }

  /** Code of a place begins here. */
  enter(place: number): void {
    this.dirty = this.#precise
      ? new ContainerSet(this.containers.all.length)
      : (this.#flow.dirtyIn[place] as ContainerSet).copy();
  }

  /** Fills the locals that are live at a place. */
  reload(place: number): void {
    const live = this.#flow.liveIn[place] as ContainerSet;
    for (const container of this.containers.all) {
      if (!live.has(container.index)) continue;
      this.#out.loadState(container.type, container.offset);
      this.#out.setLocal(this.localOf(container));
    }
    this.loadFuel();
  }

  /** Stores what is dirty here. */
  flush(): void {
    this.#storeDirty(this.dirty);
    this.storeFuel();
  }

  /** The same before the dispatcher goes on at a place. */
  flushFor(place: number): void {
    this.#storeDirty(this.dirty.and(this.#flow.needed[place] as ContainerSet));
    this.storeFuel();
  }

  /** In precise mode: makes CPU state exact before an access that may fault. */
  settle(): void {
    if (!this.#precise) return;
    this.#storeDirty(this.dirty);
    this.dirty.clear();
  }

  #storeDirty(dirty: ContainerSet): void {
    for (const container of this.containers.all) {
      if (dirty.has(container.index))
        this.#out.storeStateLocal(container.type, container.offset, this.localOf(container));
    }
  }

  loadFuel(): void {
    if (this.#fuelLocal < 0) return;
    this.#out.loadState("i32", FUEL);
    this.#out.setLocal(this.#fuelLocal);
  }

  storeFuel(): void {
    if (this.#fuelLocal >= 0) this.#out.storeStateLocal("i32", FUEL, this.#fuelLocal);
  }

  /** Spends a unit of fuel; leaves on the stack whether there was none. */
  spendFuel(): void {
    this.#out.getLocal(this.#fuelLocal);
    this.#out.const32(1);
    this.#out.op(i32.sub.opcode);
    this.#out.teeLocal(this.#fuelLocal);
    this.#out.const32(0);
    this.#out.op(i32.ltS.opcode);
  }
}
