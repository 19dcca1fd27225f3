/**
 * Region → one Wasm function.
 *
 * The function has type (pc, depth) → next pc. It fills its locals from CPU state at entry, runs, and on every way out
 * stores what it changed. It returns the guest address to go on at, or `EXIT` when the dispatcher must look at CPU state.
 * `depth` is how many more guest calls may nest as Wasm calls; at zero the region unwinds to the dispatcher instead, so
 * that guest recursion never overflows the host's stack.
 *
 * Here is the skeleton: the region's start, its blocks in the order that `structure.ts` walks them, how each block ends,
 * and the edges between them. What a block does is written by `effect-writer.ts` and `value-writer.ts`, the ways to other
 * regions by `links.ts`, those to the dispatcher by `exits.ts`; `register-locals.ts` knows what is in which local.
 */
import type { Helper, Type } from "../cpu/emitter.ts";
import { OPERATORS } from "../cpu/operators.ts";
import { EffectWriter } from "./effect-writer.ts";
import { ExitWriter } from "./exits.ts";
import { FunctionWriter, PC_PARAMETER, UNLIKELY } from "./function-writer.ts";
import type { Block, Effect } from "./ir.ts";
import { PC } from "./layout.ts";
import { LinkWriter } from "./links.ts";
import type { Region } from "./region.ts";
import { DISPATCHER, type GraphNode, RegionGraph } from "./region-graph.ts";
import { RegisterLocals } from "./register-locals.ts";
import { type Sink, Walk } from "./structure.ts";
import type { Target } from "./target.ts";
import { ValueWriter } from "./value-writer.ts";
import { W } from "./wasm/opcodes.ts";

export { EXIT, EXIT_EXCEPTION, EXIT_LEFT, EXIT_YIELD } from "./exits.ts";
export type { Target } from "./target.ts";

export interface Compiled {
  readonly locals: readonly Type[];
  /** Valid until the next region is compiled. */
  readonly code: Uint8Array;
  /** Pairs of (offset in `code` of an access, guest PC), ascending. */
  readonly traps: readonly number[];
  /** Pairs of (offset in `code` of an `if`, 0: hardly ever taken or 1: nearly always). */
  readonly hints: readonly number[];
}

const { i32 } = OPERATORS;

/** The helpers that a region calls: its module must import them before code is made. */
export function helpersIn(region: Region, into: Set<Helper>): void {
  for (const block of region.blocks) findHelpers(block.effects, into);
}

function findHelpers(effects: readonly Effect[], into: Set<Helper>): void {
  for (const effect of effects) {
    if (effect.kind === "call") into.add(effect.helper);
    else if (effect.kind === "when") {
      findHelpers(effect.then.effects, into);
      if (effect.otherwise) findHelpers(effect.otherwise.effects, into);
    }
  }
}

/** Reused from region to region. */
const writer = new FunctionWriter();

export function compileRegion(region: Region, target: Target): Compiled {
  writer.begin();
  return new RegionCompiler(region, target, writer).compile();
}

class RegionCompiler implements Sink {
  readonly #target: Target;
  readonly #out: FunctionWriter;
  readonly #graph: RegionGraph;
  readonly #registers: RegisterLocals;
  readonly #values: ValueWriter;
  readonly #effects: EffectWriter;
  readonly #exits: ExitWriter;
  readonly #links: LinkWriter;
  readonly #walk: Walk;

  constructor(region: Region, target: Target, out: FunctionWriter) {
    this.#target = target;
    this.#out = out;
    this.#graph = new RegionGraph(region);
    this.#registers = new RegisterLocals(this.#graph, target, out);
    this.#values = new ValueWriter(out, this.#registers);
    this.#exits = new ExitWriter(out, this.#registers, this.#values);
    this.#effects = new EffectWriter(out, target, this.#registers, this.#values, this.#exits);
    this.#links = new LinkWriter(out, target, this.#registers, this.#values, this.#exits);
    this.#walk = new Walk(this.#graph.shape, this);
  }

  compile(): Compiled {
    const out = this.#out;
    this.#prologue();
    this.#walk.run();
    out.byte(W.unreachable);
    out.end();
    return { locals: out.locals, code: out.view(), traps: out.traps, hints: out.hints };
  }

  #prologue(): void {
    this.#links.enter(this.#isLeaf());
    if (!this.#graph.hasDispatcher) this.#registers.reload(this.#graph.entryBlocks[0] as number);
  }

  /** A region that only computes and returns cannot run for long or nest: it need not look at fuel and depth. */
  #isLeaf(): boolean {
    const graph = this.#graph;
    return graph.blocks.every(({ terminator }) => {
      switch (terminator.kind) {
        case "return":
        case "raise":
        case "systemCall":
        case "leave":
          return true;
        case "jump":
          return graph.indexOf(terminator.target) >= 0;
        case "branch":
          return graph.indexOf(terminator.taken) >= 0 && graph.indexOf(terminator.notTaken) >= 0;
        default:
          return false;
      }
    });
  }

  // ── what the walk over the graph asks for ───────────────────────────────────────────────────────────────────

  openBlock(): void {
    this.#out.block();
  }
  openLoop(): void {
    this.#out.loop();
  }
  end(): void {
    this.#out.end();
  }
  br(depth: number): void {
    this.#out.br(depth);
  }

  node(node: number): void {
    const what = this.#graph.nodes[node] as GraphNode;
    switch (what.kind) {
      case "block":
        this.#registers.enter(what.index);
        this.#block(this.#graph.blocks[what.index] as Block, what.index);
        break;
      case "entry":
        this.#registers.reload(what.block);
        this.#walk.edge(node, this.#graph.nodeOf(what.block));
        break;
      case "dispatch":
        this.#dispatch();
        break;
    }
  }

  /** Finds the entry for the address in the pc parameter by bisection. */
  #dispatch(): void {
    const entries = this.#graph.nodes
      .flatMap((what, node) => (what.kind === "entry" ? [{ pc: what.pc, node }] : []))
      .sort((a, b) => a.pc - b.pc);
    const choose = (low: number, high: number): void => {
      if (high - low === 1) {
        this.#walk.edge(DISPATCHER, (entries[low] as { node: number }).node);
        return;
      }
      const middle = (low + high) >> 1;
      this.#out.getLocal(PC_PARAMETER);
      this.#out.const32((entries[middle] as { pc: number }).pc);
      this.#out.op(i32.ltU.opcode);
      this.#out.if();
      this.#walk.insideIf(() => {
        choose(low, middle);
        this.#out.else();
        choose(middle, high);
      });
      this.#out.end();
    };
    choose(0, entries.length);
    this.#out.byte(W.unreachable);
  }

  // ── blocks ──────────────────────────────────────────────────────────────────────────────────────────────────

  #block({ effects, terminator, lastPc }: Block, index: number): void {
    const out = this.#out;
    const registers = this.#registers;
    this.#effects.effects(effects);
    switch (terminator.kind) {
      case "jump":
        this.#goTo(terminator.target, index);
        break;
      case "branch": {
        this.#values.value(terminator.condition);
        const { dirty } = registers;
        registers.dirty = dirty.copy();
        out.if();
        this.#walk.insideIf(() => this.#goTo(terminator.taken, index));
        out.end();
        registers.dirty = dirty;
        this.#goTo(terminator.notTaken, index);
        break;
      }
      case "call":
        this.#links.call(terminator.target);
        this.#afterCall(terminator.returnAddress, index);
        break;
      case "callIndirect":
        this.#links.callIndirect(terminator.target);
        this.#afterCall(terminator.returnAddress, index);
        break;
      case "jumpIndirect":
        this.#links.jumpIndirect(terminator.target);
        break;
      case "return":
        this.#values.value(terminator.target);
        registers.flush();
        out.return();
        break;
      case "systemCall":
        registers.flush();
        out.storeState32(PC, terminator.next);
        out.call(this.#target.systemCallIndex);
        out.op(i32.eqz.opcode);
        out.if(UNLIKELY);
        this.#exits.exitAsSaid();
        out.end();
        this.#goOnAt(terminator.next, index);
        break;
      case "leave":
        registers.flush();
        this.#exits.yieldTo(() => this.#values.value(terminator.next));
        break;
      case "raise":
        this.#exits.raise(terminator.exception, terminator.info, lastPc);
        break;
    }
  }

  /** The callee's answer is on the stack: goes on at `returnAddress` if that is it, else returns it to our caller. */
  #afterCall(returnAddress: number, from: number): void {
    const out = this.#out;
    const answer = out.takeTemp("i32");
    out.teeLocal(answer);
    out.const32(returnAddress);
    out.op(i32.ne.opcode);
    out.if(UNLIKELY);
    out.getLocal(answer);
    out.return();
    out.end();
    out.freeTemp("i32", answer);
    this.#goOnAt(returnAddress, from);
  }

  // ── edges ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** After a call: nothing is dirty, and what is live in the next block must be loaded. */
  #goOnAt(pc: number, from: number): void {
    this.#registers.dirty.clear();
    const next = this.#graph.indexOf(pc);
    if (next >= 0 && !this.#graph.isDispatched(from, next)) this.#registers.reload(next);
    else this.#registers.loadFuel();
    if (next >= 0) this.#edge(next, from);
    else this.#links.tailTo(pc);
  }

  /** From block `from` to wherever that is. */
  #goTo(pc: number, from: number): void {
    const to = this.#graph.indexOf(pc);
    if (to >= 0) this.#edge(to, from);
    else this.#links.tailTo(pc);
  }

  /** Goes to a block of this region, with locals as they are. */
  #edge(to: number, from: number): void {
    const pc = (this.#graph.blocks[to] as Block).key;
    const node = this.#graph.nodeOf(from);
    if (this.#graph.isDispatched(from, to)) {
      this.#registers.flush();
      this.#spendFuel(pc);
      this.#out.const32(pc);
      this.#out.setLocal(PC_PARAMETER);
      this.#registers.storeFuel();
      this.#walk.edge(node, DISPATCHER);
      return;
    }
    this.#registers.settle();
    if (this.#graph.isBackward(from, to)) this.#spendFuel(pc);
    this.#walk.edge(node, this.#graph.nodeOf(to));
  }

  /** One unit of fuel for a backward branch to `pc`; without fuel, leaves so that the dispatcher goes on there. */
  #spendFuel(pc: number): void {
    this.#registers.spendFuel();
    this.#out.if(UNLIKELY);
    this.#registers.flush();
    this.#exits.yieldTo(() => this.#out.const32(pc));
    this.#out.end();
  }
}
