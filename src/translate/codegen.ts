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
import type { Block, Effect, Terminator } from "./ir.ts";
import { MISS, MISS_REGION, MISS_SITE, MISS_TARGET, MISSED_CALL, MISSED_JUMP, PC } from "./layout.ts";
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
  /** Guest addresses at which the function can be entered, besides the region's own. */
  readonly entries: readonly number[];
  /** Pairs of (offset in `code` of an `if`, 0: hardly ever taken or 1: nearly always). */
  readonly hints: readonly number[];
  /** Offsets in `code` where the function's own index goes, in two bytes. */
  readonly ownIndices: readonly number[];
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
    this.#exits = new ExitWriter(out, this.#registers, this.#values, region.entries[0] as number);
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
    const { entrySwitch, entries } = this.#graph;
    const others = entrySwitch < 0 ? [] : this.#candidates(entrySwitch).filter(({ index }) => !entries.includes(index));
    return {
      locals: out.locals,
      code: out.view(),
      traps: out.traps,
      entries: others.map(({ pc }) => pc),
      hints: out.hints,
      ownIndices: out.ownIndices,
    };
  }

  #prologue(): void {
    this.#links.enter(this.#isLeaf());
    if (!this.#graph.hasDispatcher) this.#registers.reload(this.#graph.entries[0] as number);
  }

  /** A region that only computes and returns cannot run for long or nest: it need not look at fuel and depth. */
  #isLeaf(): boolean {
    const graph = this.#graph;
    return graph.blocks.every(({ terminator }) => {
      switch (terminator.kind) {
        case "return":
          return terminator.expected === null || graph.indexOf(terminator.expected.key) >= 0;
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

  /** Where a switch may go, by ascending address. */
  #candidates(place: number): { readonly pc: number; readonly index: number }[] {
    const { blocks, switches } = this.#graph;
    const candidates = switches[place - blocks.length] as readonly number[];
    return candidates.map((index) => ({ pc: (blocks[index] as Block).pc, index }));
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
      case "switch":
        this.#switch(what.index);
        break;
      case "entry":
        this.#registers.reload(what.index);
        this.#walk.edge(node, this.#graph.nodeOf(what.index));
        break;
      case "dispatch":
        this.#dispatch();
        break;
    }
  }

  /** Finds the entry that the pc parameter names, by bisection; other addresses are a switch's. */
  #dispatch(): void {
    const out = this.#out;
    const { blocks, nodes, entrySwitch } = this.#graph;
    const entries = nodes
      .flatMap((what, node) =>
        what.kind === "entry" && what.index < blocks.length
          ? [{ name: entryName(blocks[what.index] as Block), node }]
          : [],
      )
      .sort((a, b) => a.name - b.name);
    const branch = (then: () => void, otherwise: () => void): void => {
      out.if();
      this.#walk.inside(() => {
        then();
        out.else();
        otherwise();
      });
      out.end();
    };
    const enter = ({ name, node }: { readonly name: number; readonly node: number }): void => {
      if (entrySwitch < 0) {
        this.#walk.edge(DISPATCHER, node);
        return;
      }
      out.getLocal(PC_PARAMETER);
      out.const32(name);
      out.op(i32.eq.opcode);
      branch(
        () => this.#walk.edge(DISPATCHER, node),
        () =>
          this.#walk.edge(
            DISPATCHER,
            nodes.findIndex((what) => what.kind === "entry" && what.index === entrySwitch),
          ),
      );
    };
    const choose = (low: number, high: number): void => {
      if (high - low === 1) {
        enter(entries[low] as { name: number; node: number });
        return;
      }
      const middle = (low + high) >> 1;
      out.getLocal(PC_PARAMETER);
      out.const32((entries[middle] as { name: number }).name);
      out.op(i32.ltU.opcode);
      branch(
        () => choose(low, middle),
        () => choose(middle, high),
      );
    };
    choose(0, entries.length);
    out.byte(W.unreachable);
  }

  /** Goes to the candidate whose address is in the pc local, by a table over the addresses from the first to the last. */
  #switch(place: number): void {
    const out = this.#out;
    const candidates = this.#candidates(place);
    const { base, shift, labels } = jumpTable(candidates.map(({ pc }) => pc));
    const open = (count: number): void => {
      if (count === 0) {
        out.getLocal(PC_PARAMETER);
        out.const32(base);
        out.op(i32.sub.opcode);
        out.const32(shift);
        out.op(i32.rotr.opcode);
        out.brTable(labels, candidates.length);
        return;
      }
      out.block();
      this.#walk.inside(() => open(count - 1));
      out.end();
      this.#registers.enter(place);
      const candidate = candidates[count - 1];
      if (candidate) this.#edge(candidate.index, place);
      else {
        this.#noteMiss(MISSED_JUMP, this.#graph.jumpOf(place), PC_PARAMETER);
        this.#links.jumpToLocal(PC_PARAMETER);
      }
    };
    open(candidates.length + 1);
  }

  /** The engine is told that the computed jump or call at `site` goes where the local says, which has no place here. */
  #noteMiss(what: number, site: number, local: number): void {
    const out = this.#out;
    out.storeState32(MISS, what);
    out.storeState32(MISS_SITE, site);
    out.storeState32(MISS_REGION, this.#target.start);
    out.const32(0);
    out.getLocal(local);
    out.storeState("i32", MISS_TARGET);
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
        this.#walk.inside(() => this.#goTo(terminator.taken, index));
        out.end();
        registers.dirty = dirty;
        this.#goTo(terminator.notTaken, index);
        break;
      }
      case "call":
        this.#links.call(terminator.target);
        this.#afterCall(terminator, index);
        break;
      case "callIndirect":
        this.#callIndirect(terminator, lastPc, index);
        break;
      case "jumpIndirect": {
        const place = this.#graph.switchOf(index);
        if (place < 0) this.#links.jumpIndirect(terminator.target);
        else {
          this.#values.value(terminator.target);
          out.setLocal(PC_PARAMETER);
          this.#toSwitch(place, index);
        }
        break;
      }
      case "return":
        this.#return(terminator, index);
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

  #callIndirect(terminator: Terminator & { kind: "callIndirect" }, lastPc: number, from: number): void {
    const out = this.#out;
    const registers = this.#registers;
    const target = out.takeTemp("i32");
    this.#values.value(terminator.target);
    out.setLocal(target);
    const { dirty } = registers;
    for (const { pc, key } of terminator.copies) {
      out.getLocal(target);
      out.const32(pc);
      out.op(i32.eq.opcode);
      registers.dirty = dirty.copy();
      out.if();
      this.#walk.inside(() => this.#goTo(key, from));
      out.end();
    }
    registers.dirty = dirty;
    if (terminator.copies.length > 0) this.#noteMiss(MISSED_CALL, lastPc, target);
    this.#links.callIndirect(target);
    this.#afterCall(terminator, from);
    out.freeTemp("i32", target);
  }

  /** Returns to the caller; from the copy of a function, to its call in this region if the address is that one's. */
  #return({ target, expected }: Terminator & { kind: "return" }, from: number): void {
    const out = this.#out;
    const registers = this.#registers;
    this.#values.value(target);
    if (!expected) {
      registers.flush();
      out.return();
      return;
    }
    const answer = out.takeTemp("i32");
    out.teeLocal(answer);
    out.const32(expected.address);
    out.op(i32.ne.opcode);
    out.if(UNLIKELY);
    registers.flush();
    out.getLocal(answer);
    out.return();
    out.end();
    out.freeTemp("i32", answer);
    this.#goTo(expected.key, from);
  }

  /** The callee's answer is on the stack: goes on behind the call if that is it, else returns it to our caller. */
  #afterCall({ returnAddress, returnKey }: { returnAddress: number; returnKey: number }, from: number): void {
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
    this.#goOnAt(returnKey, from);
  }

  // ── edges ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** After a call: nothing is dirty, and what is live in the next block must be loaded. */
  #goOnAt(key: number, from: number): void {
    this.#registers.dirty.clear();
    const next = this.#graph.indexOf(key);
    const hop = next < 0 ? -1 : this.#graph.hop(from, next);
    if (hop >= 0) this.#registers.reload(hop);
    else this.#registers.loadFuel();
    if (next >= 0) this.#edge(next, from);
    else this.#links.tailTo(key);
  }

  /** From block `from` to the one with that key, in this region or (the key is an address) another. */
  #goTo(key: number, from: number): void {
    const to = this.#graph.indexOf(key);
    if (to >= 0) this.#edge(to, from);
    else this.#links.tailTo(key);
  }

  /** From a place to a block of this region, with locals as they are. */
  #edge(to: number, from: number): void {
    const block = this.#graph.blocks[to] as Block;
    const { pc } = block;
    const node = this.#graph.nodeOf(from);
    const hop = this.#graph.hop(from, to);
    if (hop < 0) {
      this.#registers.flush();
      this.#spendFuel(to, () => this.#out.const32(pc));
      this.#out.const32(entryName(block));
      this.#out.setLocal(PC_PARAMETER);
      this.#registers.storeFuel();
      this.#walk.edge(node, DISPATCHER);
      return;
    }
    if (hop !== to) {
      this.#out.const32(pc);
      this.#out.setLocal(PC_PARAMETER);
      this.#toSwitch(hop, from);
      return;
    }
    this.#registers.settle();
    if (this.#graph.isBackward(from, to)) this.#spendFuel(to, () => this.#out.const32(pc));
    this.#walk.edge(node, this.#graph.nodeOf(to));
  }

  /** From a block to the switch that goes on at the address in the pc local. */
  #toSwitch(place: number, from: number): void {
    this.#registers.settle();
    if (this.#graph.isBackward(from, place)) this.#spendFuel(place, () => this.#out.getLocal(PC_PARAMETER));
    this.#walk.edge(this.#graph.nodeOf(from), this.#graph.nodeOf(place));
  }

  /** One unit of fuel for going back to a place; without fuel, leaves so that the dispatcher goes on there, at `pc`. */
  #spendFuel(place: number, pc: () => void): void {
    this.#registers.spendFuel();
    this.#out.if(UNLIKELY);
    this.#registers.flushFor(place);
    this.#exits.yieldTo(pc);
    this.#out.end();
  }
}

/** What the dispatcher knows a block by: its address, or in a copy, of which there may be several, its key. */
function entryName({ key, pc }: Block): number {
  return (key < 0 ? key : pc) >>> 0;
}

/**
 * A table for addresses in ascending order: `(address - base) rotated right by shift` is the index of the address's own
 * place, or of `addresses.length` where it is none of them. (The rotation makes what is not aligned large.)
 */
function jumpTable(addresses: readonly number[]): { base: number; shift: number; labels: number[] } {
  const base = addresses[0] as number;
  let bits = 0;
  for (const address of addresses) bits |= address - base;
  const shift = bits === 0 ? 0 : 31 - Math.clz32(bits & -bits);
  const labels = new Array<number>((((addresses.at(-1) as number) - base) >>> shift) + 1).fill(addresses.length);
  addresses.forEach((address, i) => {
    labels[(address - base) >>> shift] = i;
  });
  return { base, shift, labels };
}
