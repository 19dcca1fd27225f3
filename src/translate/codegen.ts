/**
 * Region → one Wasm function.
 *
 * The function has type (pc, depth) → next pc. It fills its locals from CPU state at entry, runs, and on every way out
 * stores what it changed. It returns the guest address to go on at, or `EXIT` when the dispatcher must look at CPU state.
 * `depth` is how many more guest calls may nest as Wasm calls; at zero the region unwinds to the dispatcher instead, so
 * that guest recursion never overflows the host's stack.
 */
import { EXCEPTIONS, type Exception, HELPER_ARGUMENTS, HELPER_RESULT, type Helper, type Slot, type Type } from "../cpu/emitter.ts";
import { OPERATORS } from "../cpu/operators.ts";
import { type Container, Containers, isWhole, readView, writeView } from "./containers.ts";
import { type BlockFacts, ContainerSet, type Dataflow, solve } from "./dataflow.ts";
import { type Access, type Arm, type Block, CONST, type Effect, GET, Node, RESULT, SELECT, type Terminator } from "./ir.ts";
import { COUNTERS, EXIT_INFO, EXIT_REASON, FUEL, INDIRECT_CACHE_ENTRIES, PAGE_SHIFT, PAGE_TABLE, PC } from "./layout.ts";
import type { Region } from "./region.ts";
import { analyse, type Shape, type Sink, Walk } from "./structure.ts";
import { Bytes } from "./wasm/bytes.ts";
import { TYPE_CODES } from "./wasm/module.ts";
import { VOID, W } from "./wasm/opcodes.ts";

/** A region's return value for "look at CPU state"; no guest code lies there. */
export const EXIT = -1;
export const EXIT_YIELD = 1;
export const EXIT_LEFT = 2;
/** Exit reasons from here on are guest exceptions: this plus the index in `EXCEPTIONS`. */
export const EXIT_EXCEPTION = 3;

/** Branch hints. */
const UNLIKELY = 0;
const LIKELY = 1;

/** Index of the CPU-state memory; the guest's is 0. */
const STATE = 1;
/** Page-table bits that software checks look at (the values of memory/page-table.ts, which this folder may not import). */
const MAY_READ = 1;
const MAY_WRITE = 2;

export type Tier = "hot" | "cold" | "step";

export interface Target {
  readonly littleEndian: boolean;
  /** Store registers before every access that may fault. */
  readonly precise: boolean;
  /** Test the page table before every access. */
  readonly softwareChecks: boolean;
  /**
   * - "hot": a whole region, with its registers in locals from end to end.
   * - "cold": one block, which goes on in others by tail calls; quickly made.
   * - "step": one instruction, which hands the next address to its caller.
   */
  readonly tier: Tier;
  /** For a cold block: its place among the counters, or -1: it does not count how often it runs. */
  readonly counter: number;
  /** Offset of this mode's indirect-branch cache in CPU state. */
  readonly indirectCache: number;
  /** Table slot of a guest address in this mode. */
  slotOf(pc: number): number;
  /** Function index of a region in the same module, or -1. */
  functionOf(pc: number): number;
  helperIndex(helper: Helper): number;
  readonly systemCallIndex: number;
  readonly resolveIndex: number;
  /** Function index of `heat`: a cold block has run often enough. */
  readonly heatIndex: number;
  /** Type index of (pc, depth) → pc. */
  readonly regionType: number;
}

export interface Compiled {
  readonly locals: readonly Type[];
  /** Valid until the next region is compiled. */
  readonly code: Uint8Array;
  /** Pairs of (offset in `code` of an access, guest PC), ascending. */
  readonly traps: readonly number[];
  /** Pairs of (offset in `code` of an `if`, 0: hardly ever taken or 1: nearly always). */
  readonly hints: readonly number[];
}

const PARAMETERS = 2;
const PC_PARAMETER = 0;
const DEPTH_PARAMETER = 1;
const { i32, i64 } = OPERATORS;

/** The node `n` of the graph: a block, the dispatcher, or the stub of an entry. */
type GraphNode = { readonly kind: "block"; readonly index: number } | { readonly kind: "dispatch" } | { readonly kind: "entry"; readonly block: number; readonly pc: number };

/** Slots and helpers are needed before code is made: the locals' types, and the module's imports. */
export function helpersIn(region: Region, into: Set<Helper>): void {
  const visit = (effects: readonly Effect[]): void => {
    for (const effect of effects) {
      if (effect.kind === "call") into.add(effect.helper);
      else if (effect.kind === "when") {
        visit(effect.then.effects);
        if (effect.otherwise) visit(effect.otherwise.effects);
      }
    }
  };
  for (const block of region.blocks) visit(block.effects);
}

export function compileRegion(region: Region, target: Target): Compiled {
  return new RegionCompiler(region, target).compile();
}

/** Reused from region to region. */
const codeBuffer = new Bytes();

/** The shape of a graph with one node and no edges, as most cold blocks have. */
const SINGLE: Shape = { order: [0], place: [0], dominator: [0], isLoopHeader: [false], isMerge: [false], irreducible: [] };

class RegionCompiler implements Sink {
  readonly #region: Region;
  readonly #target: Target;
  readonly #blocks: readonly Block[];
  readonly #indexOf = new Map<number, number>();
  readonly #code: Bytes;
  readonly #traps: number[] = [];
  readonly #hints: number[] = [];
  readonly #locals: Type[] = [];
  readonly #freeTemps: { [T in Type]: number[] } = { i32: [], i64: [], f32: [], f64: [], v128: [] };
  #containers!: Containers;
  #flow!: Dataflow;
  #graph: readonly GraphNode[] = [];
  /** Node of each block that is reached. */
  #nodes: ReadonlyMap<number, number> = new Map();
  #shape!: Shape;
  /** Blocks that the dispatcher can enter. */
  #entryBlocks: number[] = [];
  /** Edges that go through the dispatcher, as `from * blocks + to`. */
  readonly #viaDispatcher = new Set<number>();
  #hasDispatcher = false;
  #fuelLocal = -1;
  /** Containers whose local must be stored before leaving, at the place where code is being written. */
  #dirty = new ContainerSet(0);

  constructor(region: Region, target: Target) {
    codeBuffer.clear();
    this.#code = codeBuffer;
    this.#region = region;
    this.#target = target;
    this.#blocks = region.blocks;
    region.blocks.forEach((block, i) => this.#indexOf.set(block.key, i));
  }

  compile(): Compiled {
    this.#count();
    this.#layOutGraph();
    this.#flow = solve(
      this.#blocks.map((block, i) => (this.#nodes.has(i) ? this.#factsOf(block, i) : null)),
      this.#containers.all.length,
    );
    for (const container of this.#containers.all) this.#locals.push(container.type);
    if (this.#shape.isLoopHeader.some((header) => header)) this.#fuelLocal = this.#newLocal("i32");
    this.#prologue();
    new Walk(this.#shape, this).run();
    this.#byte(W.unreachable);
    this.#byte(W.end);
    return { locals: this.#locals, code: this.#code.view(), traps: this.#traps, hints: this.#hints };
  }

  // ── preparation ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Counts the uses of every node that effects need, and of every slot. */
  #count(): void {
    const slots = new Map<Slot, number>();
    const useSlot = (slot: Slot): void => {
      slots.set(slot, (slots.get(slot) ?? 0) + 1);
    };
    const visit = (node: Node): void => {
      node.uses++;
      node.remaining++;
      if (node.uses > 1) return;
      if (node.slot) useSlot(node.slot);
      if (node.a) visit(node.a);
      if (node.b) visit(node.b);
      if (node.c) visit(node.c);
    };
    const visitArm = (arm: Arm): void => {
      visitEffects(arm.effects);
      if (arm.value) visit(arm.value);
    };
    const visitEffects = (effects: readonly Effect[]): void => {
      for (const effect of effects) {
        switch (effect.kind) {
          case "load":
            visit(effect.address);
            break;
          case "store":
            visit(effect.address);
            visit(effect.value);
            break;
          case "compareExchange":
            visit(effect.address);
            visit(effect.expected);
            visit(effect.replacement);
            break;
          case "set":
            useSlot(effect.slot);
            visit(effect.value);
            break;
          case "writeState":
            visit(effect.value);
            break;
          case "call":
            for (const arg of effect.args) visit(arg);
            break;
          case "when":
            visit(effect.condition);
            visitArm(effect.then);
            if (effect.otherwise) visitArm(effect.otherwise);
            break;
          case "raiseIf":
            visit(effect.condition);
            if (effect.info) visit(effect.info);
            break;
          case "readState":
            break;
        }
      }
    };
    for (const block of this.#blocks) {
      visitEffects(block.effects);
      const { terminator } = block;
      if (terminator.kind === "branch") visit(terminator.condition);
      else if (terminator.kind === "callIndirect" || terminator.kind === "jumpIndirect" || terminator.kind === "return") visit(terminator.target);
      else if (terminator.kind === "leave") visit(terminator.next);
      else if (terminator.kind === "raise" && terminator.info) visit(terminator.info);
    }
    this.#containers = new Containers(slots);
  }

  /** Blocks that control reaches inside the region, by any edge. */
  #successorsOf(terminator: Terminator): number[] {
    const keys =
      terminator.kind === "jump"
        ? [terminator.target]
        : terminator.kind === "branch"
          ? [terminator.taken, terminator.notTaken]
          : terminator.kind === "call" || terminator.kind === "callIndirect"
            ? [terminator.returnAddress]
            : terminator.kind === "systemCall"
              ? [terminator.next]
              : [];
    return keys.flatMap((key) => this.#indexOf.get(key) ?? []);
  }

  #isDispatched(from: number, to: number): boolean {
    return this.#viaDispatcher.size > 0 && this.#viaDispatcher.has(from * this.#blocks.length + to);
  }

  /** Builds the graph, with a dispatcher in front if there are several entries or irreducible edges. */
  #layOutGraph(): void {
    this.#entryBlocks = this.#region.entries.map((pc) => this.#indexOf.get(pc) as number);
    for (;;) {
      const graph: GraphNode[] = [];
      const successors: number[][] = [];
      const nodeOfBlock = new Map<number, number>();
      const work: number[] = [];
      const nodeOf = (block: number): number => {
        let node = nodeOfBlock.get(block);
        if (node === undefined) {
          node = graph.push({ kind: "block", index: block }) - 1;
          successors.push([]);
          nodeOfBlock.set(block, node);
          work.push(block);
        }
        return node;
      };
      this.#hasDispatcher = this.#entryBlocks.length > 1 || this.#viaDispatcher.size > 0;
      if (this.#hasDispatcher) {
        graph.push({ kind: "dispatch" });
        successors.push([]);
        for (const block of this.#entryBlocks) {
          const entry = graph.push({ kind: "entry", block, pc: (this.#blocks[block] as Block).key }) - 1;
          successors.push([]);
          (successors[0] as number[]).push(entry);
          (successors[entry] as number[]).push(nodeOf(block));
        }
      } else nodeOf(this.#entryBlocks[0] as number);
      for (let block = work.pop(); block !== undefined; block = work.pop()) {
        const node = nodeOf(block);
        for (const target of this.#successorsOf((this.#blocks[block] as Block).terminator)) {
          const to = this.#isDispatched(block, target) ? 0 : nodeOf(target);
          (successors[node] as number[]).push(to);
        }
      }
      const shape = graph.length === 1 && successors[0]?.length === 0 ? SINGLE : analyse({ successors });
      if (shape.irreducible.length === 0) {
        this.#graph = graph;
        this.#nodes = nodeOfBlock;
        this.#shape = shape;
        return;
      }
      for (const { from, to } of shape.irreducible) {
        const source = graph[from] as GraphNode;
        const sink = graph[to] as GraphNode;
        if (source.kind !== "block" || sink.kind !== "block") throw new Error("irreducible edge at the dispatcher");
        this.#viaDispatcher.add(source.index * this.#blocks.length + sink.index);
        if (!this.#entryBlocks.includes(sink.index)) this.#entryBlocks.push(sink.index);
      }
    }
  }

  #factsOf(block: Block, index: number): BlockFacts {
    const count = this.#containers.all.length;
    const exposed = new ContainerSet(count);
    const defined = new ContainerSet(count);
    const written = new ContainerSet(count);
    let flushes = false;
    const read = (node: Node): void => {
      if (node.seen) return;
      node.seen = true;
      if (node.op === GET) {
        const { index: c } = this.#containers.of(node.slot as Slot);
        // A node made before the slot was set may be visited after: the set's `displaced` list has shown it already.
        if (!defined.has(c)) exposed.add(c);
      }
      if (node.a) read(node.a);
      if (node.b) read(node.b);
      if (node.c) read(node.c);
    };
    const visit = (effects: readonly Effect[], certain: boolean): void => {
      for (const effect of effects) {
        switch (effect.kind) {
          case "load":
          case "store":
          case "compareExchange":
            read(effect.address);
            if (effect.kind === "store") read(effect.value);
            if (effect.kind === "compareExchange") {
              read(effect.expected);
              read(effect.replacement);
            }
            flushes ||= this.#target.softwareChecks;
            break;
          case "set": {
            read(effect.value);
            for (const node of effect.displaced) if (node.uses > 0) read(node);
            const container = this.#containers.of(effect.slot);
            if (certain && isWhole(effect.slot, container)) defined.add(container.index);
            else if (!defined.has(container.index)) exposed.add(container.index);
            written.add(container.index);
            break;
          }
          case "writeState":
            read(effect.value);
            break;
          case "call":
            for (const arg of effect.args) read(arg);
            break;
          case "when":
            read(effect.condition);
            for (const arm of [effect.then, effect.otherwise]) {
              if (!arm) continue;
              visit(arm.effects, false);
              if (arm.value) read(arm.value);
            }
            break;
          case "raiseIf":
            read(effect.condition);
            if (effect.info) read(effect.info);
            flushes = true;
            break;
          case "readState":
            break;
        }
      }
    };
    visit(block.effects, true);
    const { terminator } = block;
    if (terminator.kind === "branch") read(terminator.condition);
    else if (terminator.kind === "callIndirect" || terminator.kind === "jumpIndirect" || terminator.kind === "return") read(terminator.target);
    else if (terminator.kind === "leave") read(terminator.next);
    else if (terminator.kind === "raise" && terminator.info) read(terminator.info);
    const successors: number[] = [];
    if (terminator.kind === "jump" || terminator.kind === "branch") {
      const keys = terminator.kind === "jump" ? [terminator.target] : [terminator.taken, terminator.notTaken];
      for (const key of keys) {
        const to = this.#indexOf.get(key);
        if (to === undefined || this.#isDispatched(index, to)) flushes = true;
        else {
          successors.push(to);
          const { place } = this.#shape;
          if ((place[this.#nodeOfBlock(to)] as number) <= (place[this.#nodeOfBlock(index)] as number)) flushes = true;
        }
      }
    } else flushes = true;
    return { exposed, defined, written, flushes, successors };
  }

  // ── writing bytes ───────────────────────────────────────────────────────────────────────────────────────────

  readonly #byte = (value: number): void => this.#code.byte(value);

  readonly #op = (opcode: number): void => {
    if (opcode > 0xff) {
      this.#code.byte(opcode >> 8);
      this.#code.u32(opcode & 0xff);
    } else this.#code.byte(opcode);
  };

  /** Opens an `if`; in hot code V8 is told which way it goes. */
  #if(hint: number | null): void {
    if (hint !== null && this.#target.tier === "hot") this.#hints.push(this.#code.length, hint);
    this.#byte(W.if);
    this.#byte(VOID);
  }

  #const32(n: number): void {
    this.#code.byte(W.i32Const);
    this.#code.s32(n);
  }

  readonly #const64 = (n: bigint): void => {
    this.#code.byte(W.i64Const);
    this.#code.s64(n);
  };

  #getLocal(local: number): void {
    this.#code.byte(W.localGet);
    this.#code.u32(local);
  }
  #setLocal(local: number): void {
    this.#code.byte(W.localSet);
    this.#code.u32(local);
  }
  #teeLocal(local: number): void {
    this.#code.byte(W.localTee);
    this.#code.u32(local);
  }

  #newLocal(type: Type): number {
    return PARAMETERS + this.#locals.push(type) - 1;
  }
  #takeTemp(type: Type): number {
    return this.#freeTemps[type].pop() ?? this.#newLocal(type);
  }
  #isTemp(local: number): boolean {
    return local >= PARAMETERS + this.#containers.all.length && local !== this.#fuelLocal;
  }
  #localOf(container: Container): number {
    return PARAMETERS + container.index;
  }

  /** A load or store of CPU state; the address operand (0) is already on the stack. */
  #stateAccess(opcode: number, offset: number): void {
    this.#op(opcode);
    this.#code.byte(0x40);
    this.#code.byte(STATE);
    this.#code.u32(offset);
  }
  #loadState(type: Type, offset: number): void {
    this.#const32(0);
    this.#stateAccess(LOADS[type], offset);
  }
  #storeState32(offset: number, value: number): void {
    this.#const32(0);
    this.#const32(value);
    this.#stateAccess(W.i32Store, offset);
  }

  // ── locals and CPU state ────────────────────────────────────────────────────────────────────────────────────

  /** Fills the locals that are live at the start of a block. */
  #reload(block: number): void {
    const live = this.#flow.liveIn[block] as ContainerSet;
    for (const container of this.#containers.all) {
      if (!live.has(container.index)) continue;
      this.#loadState(container.type, container.offset);
      this.#setLocal(this.#localOf(container));
    }
    if (this.#fuelLocal >= 0) {
      this.#loadState("i32", FUEL);
      this.#setLocal(this.#fuelLocal);
    }
  }

  /** Stores what is dirty here. */
  #flush(): void {
    for (const container of this.#containers.all) if (this.#dirty.has(container.index)) this.#storeContainer(container);
    if (this.#fuelLocal >= 0) {
      this.#const32(0);
      this.#getLocal(this.#fuelLocal);
      this.#stateAccess(W.i32Store, FUEL);
    }
  }

  #storeContainer(container: Container): void {
    this.#const32(0);
    this.#getLocal(this.#localOf(container));
    this.#stateAccess(STORES[container.type], container.offset);
  }

  /** In precise mode: makes CPU state exact before an access that may fault. */
  #settle(): void {
    if (!this.#target.precise) return;
    for (const container of this.#containers.all) if (this.#dirty.has(container.index)) this.#storeContainer(container);
    this.#dirty.clear();
  }

  // ── values ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Puts a node's value on the Wasm stack; it is one of the uses that were counted. */
  #value(node: Node): void {
    node.remaining--;
    if (node.local >= 0) {
      this.#getLocal(node.local);
      if (node.remaining === 0 && this.#isTemp(node.local)) this.#freeTemps[node.type].push(node.local);
      return;
    }
    this.#compute(node);
    if (node.remaining > 0 && node.op !== CONST && node.op !== GET) {
      node.local = this.#takeTemp(node.type);
      this.#teeLocal(node.local);
    }
  }

  #compute(node: Node): void {
    if (node.op === CONST) {
      this.#constant(node);
    } else if (node.op === GET) {
      const container = this.#containers.of(node.slot as Slot);
      this.#getLocal(this.#localOf(container));
      readView(container, node.slot as Slot, this.#op, this.#byte, this.#const64);
    } else if (node.op === SELECT) {
      this.#value(node.b as Node);
      this.#value(node.c as Node);
      this.#value(node.a as Node);
      if (node.type === "v128") {
        this.#byte(0x1c);
        this.#byte(1);
        this.#byte(TYPE_CODES.v128);
      } else this.#byte(W.select);
    } else if (node.op === RESULT) {
      throw new Error("a result is used before its effect");
    } else {
      if (node.a) this.#value(node.a);
      if (node.b) this.#value(node.b);
      if (node.c) this.#value(node.c);
      this.#op(node.op);
      if (node.immediates) for (const immediate of node.immediates) this.#byte(immediate);
    }
  }

  #constant(node: Node): void {
    switch (node.type) {
      case "i32":
        this.#const32(node.bits);
        break;
      case "i64":
        this.#const64(node.bits64);
        break;
      case "f32":
        this.#byte(W.f32Const);
        this.#code.fixed32(node.bits);
        break;
      case "f64":
        this.#byte(W.f64Const);
        this.#code.fixed64(node.bits64);
        break;
      case "v128":
        this.#op(W.v128Const);
        this.#code.fixed64(node.bits64);
        this.#code.fixed64(node.bits64High);
        break;
    }
  }

  /** The result of an effect is on the stack: keep it, or drop it if nobody asks. */
  #keepResult(node: Node): void {
    if (node.remaining === 0) {
      this.#byte(W.drop);
      return;
    }
    node.local = this.#takeTemp(node.type);
    this.#setLocal(node.local);
  }

  /** Moves a node that lives in a container's local to a local of its own, if it is still needed. */
  #rescue(node: Node, container: Container): void {
    if (node.remaining === 0 || node.op === CONST) return;
    const inContainer = node.local === this.#localOf(container);
    if (!inContainer && !(node.op === GET && node.local === -1)) return;
    if (inContainer) this.#getLocal(node.local);
    else this.#compute(node);
    node.local = this.#takeTemp(node.type);
    this.#setLocal(node.local);
  }

  /** Before an arm that may not run: computes what the arm shares with code outside it, so that both can use it. */
  #prepareFor(node: Node, firstId: number, seen: Set<Node>): void {
    if (node.local >= 0 || node.op === CONST || seen.has(node)) return;
    seen.add(node);
    if (node.id < firstId && node.uses > 1 && node.op !== GET && node.op !== RESULT) {
      this.#compute(node);
      node.local = this.#takeTemp(node.type);
      this.#setLocal(node.local);
      return;
    }
    if (node.a) this.#prepareFor(node.a, firstId, seen);
    if (node.b) this.#prepareFor(node.b, firstId, seen);
    if (node.c) this.#prepareFor(node.c, firstId, seen);
  }

  #prepareArm(arm: Arm, firstId: number, seen: Set<Node>): void {
    for (const effect of arm.effects) {
      for (const node of operands(effect)) this.#prepareFor(node, firstId, seen);
      if (effect.kind === "set") {
        const container = this.#containers.of(effect.slot);
        for (const node of effect.displaced) if (node.id < firstId) this.#rescue(node, container);
      } else if (effect.kind === "when") {
        this.#prepareArm(effect.then, firstId, seen);
        if (effect.otherwise) this.#prepareArm(effect.otherwise, firstId, seen);
      }
    }
    if (arm.value) this.#prepareFor(arm.value, firstId, seen);
  }

  // ── effects ─────────────────────────────────────────────────────────────────────────────────────────────────

  #effects(effects: readonly Effect[]): void {
    for (let i = 0; i < effects.length; i++) {
      const effect = effects[i] as Effect;
      const next = effects[i + 1];
      // A loaded value that goes straight into a register needs no local in between.
      if (effect.kind === "load" && next?.kind === "set" && next.value === effect.result && this.#canStay(next)) {
        this.#load(effect);
        effect.result.remaining--;
        this.#set(next);
        i++;
      } else this.#effect(effect);
    }
  }

  /** The value of this `set` survives it: in the container's local, or because nobody else asks. */
  #canStay({ slot, value }: Effect & { kind: "set" }): boolean {
    return value.remaining === 1 || isWhole(slot, this.#containers.of(slot));
  }

  #effect(effect: Effect): void {
    switch (effect.kind) {
      case "load":
        this.#load(effect);
        this.#keepResult(effect.result);
        break;
      case "store":
        this.#store(effect);
        break;
      case "compareExchange":
        this.#compareExchange(effect);
        break;
      case "set": {
        const { value, slot } = effect;
        const fresh = value.local === -1 && value.op !== CONST && value.op !== GET;
        if (fresh && isWhole(slot, this.#containers.of(slot))) {
          value.remaining--;
          this.#compute(value);
        } else this.#value(value);
        this.#set(effect);
        break;
      }
      case "readState":
        if (effect.result.remaining === 0) break;
        this.#loadState(effect.slot.type, effect.slot.offset);
        this.#keepResult(effect.result);
        break;
      case "writeState":
        this.#const32(0);
        this.#value(effect.value);
        this.#stateAccess(STORES[effect.slot.type], effect.slot.offset);
        break;
      case "call":
        effect.args.forEach((arg, n) => {
          this.#const32(0);
          this.#value(arg);
          this.#stateAccess(STORES[arg.type], HELPER_ARGUMENTS + 16 * n);
        });
        this.#byte(W.call);
        this.#code.u32(this.#target.helperIndex(effect.helper));
        if (effect.result && effect.result.remaining > 0) {
          this.#loadState(effect.result.type, HELPER_RESULT);
          this.#keepResult(effect.result);
        }
        break;
      case "when":
        this.#when(effect);
        break;
      case "raiseIf": {
        if (effect.info) this.#prepareFor(effect.info, effect.firstId, new Set());
        this.#value(effect.condition);
        this.#if(UNLIKELY);
        this.#exitWith(effect.exception, effect.info, effect.pc);
        this.#byte(W.end);
        break;
      }
    }
  }

  /** The new value of the slot is on the stack. */
  #set({ slot, value, displaced }: Effect & { kind: "set" }): void {
    const container = this.#containers.of(slot);
    const local = this.#localOf(container);
    for (const node of displaced) if (node !== value) this.#rescue(node, container);
    writeView(container, slot, this.#op, this.#byte, this.#const64, () => this.#getLocal(local), this.#under);
    this.#setLocal(local);
    this.#dirty.add(container.index);
    if (isWhole(slot, container) && value.op !== CONST && value.op !== GET && value.local === -1 && value.remaining > 0) value.local = local;
  }

  /** Puts something under the value on top of the stack. */
  readonly #under = (type: Type, then: () => void): void => {
    const temp = this.#takeTemp(type);
    this.#setLocal(temp);
    then();
    this.#getLocal(temp);
    this.#freeTemps[type].push(temp);
  };

  #when(effect: Effect & { kind: "when" }): void {
    const seen = new Set<Node>();
    this.#prepareArm(effect.then, effect.firstId, seen);
    if (effect.otherwise) this.#prepareArm(effect.otherwise, effect.firstId, seen);
    this.#value(effect.condition);
    const result = effect.result && effect.result.remaining > 0 ? effect.result : null;
    const resultLocal = result ? this.#takeTemp(result.type) : -1;
    const before = this.#dirty.copy();
    this.#if(armHint(effect));
    this.#armCode(effect.then, effect.result, resultLocal);
    if (effect.otherwise) {
      const afterThen = this.#dirty;
      this.#dirty = before.copy();
      this.#byte(W.else);
      this.#armCode(effect.otherwise, effect.result, resultLocal);
      this.#dirty.addAll(afterThen);
    } else {
      this.#dirty.addAll(before);
    }
    this.#byte(W.end);
    if (result) result.local = resultLocal;
  }

  #armCode(arm: Arm, result: Node | null, resultLocal: number): void {
    this.#effects(arm.effects);
    if (!result || !arm.value) return;
    this.#value(arm.value);
    if (resultLocal >= 0) this.#setLocal(resultLocal);
    else this.#byte(W.drop);
  }

  // ── guest memory ────────────────────────────────────────────────────────────────────────────────────────────

  /** Marks the next byte of code as an access of the instruction at `pc`. */
  #mayTrap(pc: number): void {
    this.#traps.push(this.#code.length, pc);
  }

  #accessGuest(opcode: number, offset: number, pc: number): void {
    this.#mayTrap(pc);
    this.#op(opcode);
    this.#code.byte(0);
    this.#code.u32(offset);
  }

  /** Puts the address on the stack, after a look into the page table where that is asked for; returns what is left of the offset. */
  #address(address: Node, offset: number, access: Access, permission: number, pc: number): number {
    this.#settle();
    this.#value(address);
    if (!this.#target.softwareChecks) return offset;
    if (offset !== 0) {
      this.#const32(offset);
      this.#op(i32.add.opcode);
    }
    const whole = this.#takeTemp("i32");
    this.#setLocal(whole);
    this.#permitted(whole, 0, permission);
    if (access.width > 1) {
      this.#permitted(whole, access.width - 1, permission);
      this.#op(i32.and.opcode);
    }
    this.#op(i32.eqz.opcode);
    this.#if(UNLIKELY);
    this.#flush();
    this.#const32(0);
    this.#getLocal(whole);
    this.#stateAccess(W.i32Store, EXIT_INFO);
    this.#leaveFor("memory", pc);
    this.#byte(W.end);
    this.#getLocal(whole);
    this.#freeTemps.i32.push(whole);
    return 0;
  }

  /** One if the byte at `local + at` may be accessed so, else zero. */
  #permitted(local: number, at: number, permission: number): void {
    this.#getLocal(local);
    if (at !== 0) {
      this.#const32(at);
      this.#op(i32.add.opcode);
    }
    this.#const32(PAGE_SHIFT);
    this.#op(i32.shrU.opcode);
    this.#op(W.i32Load8U);
    this.#code.byte(0x40);
    this.#code.byte(STATE);
    this.#code.u32(PAGE_TABLE);
    this.#const32(permission);
    this.#op(i32.and.opcode);
  }

  #load({ access, address, offset, pc }: Effect & { kind: "load" }): void {
    const rest = this.#address(address, offset, access, MAY_READ, pc);
    if (this.#target.littleEndian || access.width === 1) {
      this.#accessGuest(access.opcode, rest, pc);
      return;
    }
    if (access.width === 16) {
      this.#accessGuest(access.opcode, rest, pc);
      this.#swapVector();
      return;
    }
    this.#accessGuest(access.width === 2 ? W.i32Load16U : access.width === 4 ? W.i32Load : W.i64Load, rest, pc);
    this.#swapBytes(access.width);
    if (access.signed) this.#op(i32.extend16S.opcode);
    if (access.type === "f32") this.#op(OPERATORS.f32.reinterpretI32.opcode);
    else if (access.type === "f64") this.#op(OPERATORS.f64.reinterpretI64.opcode);
  }

  #store({ access, address, offset, value, pc }: Effect & { kind: "store" }): void {
    const rest = this.#address(address, offset, access, MAY_WRITE, pc);
    this.#value(value);
    this.#storeValue(access, rest, pc);
  }

  /** Address and value are on the stack. */
  #storeValue(access: Access, offset: number, pc: number): void {
    if (this.#target.littleEndian || access.width === 1) {
      this.#accessGuest(access.opcode, offset, pc);
      return;
    }
    if (access.width === 16) {
      this.#swapVector();
      this.#accessGuest(access.opcode, offset, pc);
      return;
    }
    if (access.type === "f32") this.#op(i32.reinterpretF32.opcode);
    else if (access.type === "f64") this.#op(i64.reinterpretF64.opcode);
    this.#swapBytes(access.width);
    this.#accessGuest(access.width === 2 ? W.i32Store16 : access.width === 4 ? W.i32Store : W.i64Store, offset, pc);
  }

  /** Reverses the bytes of the vector on the stack. */
  #swapVector(): void {
    this.#op(W.v128Const);
    for (let i = 15; i >= 0; i--) this.#byte(i);
    this.#op(OPERATORS.i8x16.swizzle.opcode);
  }

  /** Reverses the bytes of the integer on the stack (of its low `width` bytes). */
  #swapBytes(width: number): void {
    if (width === 8) {
      const temp = this.#takeTemp("i64");
      this.#setLocal(temp);
      this.#getLocal(temp);
      this.#op(i32.wrapI64.opcode);
      this.#swapBytes(4);
      this.#op(i64.extendI32U.opcode);
      this.#const64(32n);
      this.#op(i64.shl.opcode);
      this.#getLocal(temp);
      this.#const64(32n);
      this.#op(i64.shrU.opcode);
      this.#op(i32.wrapI64.opcode);
      this.#swapBytes(4);
      this.#op(i64.extendI32U.opcode);
      this.#op(i64.or.opcode);
      this.#freeTemps.i64.push(temp);
      return;
    }
    const temp = this.#takeTemp("i32");
    this.#setLocal(temp);
    if (width === 4) {
      // rotl(x, 8) & 0x00ff00ff | rotl(x, 24) & 0xff00ff00
      this.#getLocal(temp);
      this.#const32(8);
      this.#op(i32.rotl.opcode);
      this.#const32(0x00ff00ff);
      this.#op(i32.and.opcode);
      this.#getLocal(temp);
      this.#const32(24);
      this.#op(i32.rotl.opcode);
      this.#const32(0xff00ff00);
      this.#op(i32.and.opcode);
    } else {
      this.#getLocal(temp);
      this.#const32(8);
      this.#op(i32.shl.opcode);
      this.#const32(0xff00);
      this.#op(i32.and.opcode);
      this.#getLocal(temp);
      this.#const32(8);
      this.#op(i32.shrU.opcode);
      this.#const32(0xff);
      this.#op(i32.and.opcode);
    }
    this.#op(i32.or.opcode);
    this.#freeTemps.i32.push(temp);
  }

  /**
   * Guest tasks of one process run on one JavaScript thread and are switched only between blocks, so a plain load,
   * compare and store is atomic. (A Wasm atomic on a protected page would kill the host process: V8 catches only
   * faults of plain accesses.)
   */
  #compareExchange({ load, store, address, expected, replacement, result, pc }: Effect & { kind: "compareExchange" }): void {
    const where = this.#takeTemp("i32");
    this.#value(address);
    this.#setLocal(where);
    const held = new Node(-1, RESULT, "i32");
    held.local = where;
    held.remaining = Number.POSITIVE_INFINITY;
    this.#load({ kind: "load", pc, access: load, address: held, offset: 0, result });
    const old = this.#takeTemp(load.type);
    this.#setLocal(old);
    this.#value(replacement);
    const wanted = this.#takeTemp(load.type);
    this.#setLocal(wanted);
    this.#getLocal(old);
    this.#value(expected);
    this.#op(load.type === "i64" ? i64.eq.opcode : i32.eq.opcode);
    this.#if(null);
    const offset = this.#address(held, 0, store, MAY_WRITE, pc);
    this.#getLocal(wanted);
    this.#storeValue(store, offset, pc);
    this.#byte(W.end);
    this.#freeTemps.i32.push(where);
    this.#freeTemps[load.type].push(wanted);
    if (result.remaining > 0) result.local = old;
    else this.#freeTemps[load.type].push(old);
  }

  // ── leaving ─────────────────────────────────────────────────────────────────────────────────────────────────

  #returnExit(reason: number): void {
    this.#storeState32(EXIT_REASON, reason);
    this.#const32(EXIT);
    this.#byte(W.return);
  }

  #leaveFor(exception: Exception, pc: number): void {
    this.#storeState32(PC, pc);
    this.#returnExit(EXIT_EXCEPTION + EXCEPTIONS.indexOf(exception));
  }

  #exitWith(exception: Exception, info: Node | null, pc: number): void {
    this.#flush();
    this.#const32(0);
    if (info) this.#value(info);
    else this.#const32(0);
    this.#stateAccess(W.i32Store, EXIT_INFO);
    this.#leaveFor(exception, pc);
  }

  #callRegion(opcode: number): void {
    this.#byte(opcode);
    this.#code.u32(this.#target.regionType);
    this.#code.byte(0);
  }

  /** Control goes to another region for good. */
  #tailTo(pc: number): void {
    this.#flush();
    if (this.#target.tier === "step") {
      this.#const32(pc);
      this.#byte(W.return);
      return;
    }
    // Cold code spends fuel where it goes back; a hot region does at its entry.
    if (this.#target.tier === "cold" && pc <= (this.#region.entries[0] as number)) this.#checkIn(() => this.#const32(pc), false);
    this.#const32(pc);
    this.#tailDepth();
    const index = this.#target.functionOf(pc);
    if (index >= 0) {
      this.#byte(W.returnCall);
      this.#code.u32(index);
    } else {
      this.#const32(this.#target.slotOf(pc));
      this.#callRegion(W.returnCallIndirect);
    }
  }

  /** The depth that a tail call hands on: what this region was given. */
  #tailDepth(): void {
    this.#getLocal(DEPTH_PARAMETER);
    if (this.#target.tier === "cold") return;
    this.#const32(1);
    this.#op(i32.add.opcode);
  }

  /** The depth that a call hands on. */
  #callDepth(): void {
    this.#getLocal(DEPTH_PARAMETER);
    if (this.#target.tier !== "cold") return;
    this.#const32(1);
    this.#op(i32.sub.opcode);
  }

  /** Spends a unit of fuel, and leaves to the dispatcher, to go on at `pc`, if there is none or calls nest too deep. */
  #checkIn(pc: () => void, nests: boolean): void {
    const fuel = this.#takeTemp("i32");
    this.#const32(0);
    this.#loadState("i32", FUEL);
    this.#const32(1);
    this.#op(i32.sub.opcode);
    this.#teeLocal(fuel);
    this.#stateAccess(W.i32Store, FUEL);
    this.#getLocal(fuel);
    if (nests) {
      this.#callDepth();
      this.#op(i32.or.opcode);
    }
    this.#const32(0);
    this.#op(i32.ltS.opcode);
    this.#if(UNLIKELY);
    this.#const32(0);
    pc();
    this.#stateAccess(W.i32Store, PC);
    this.#returnExit(EXIT_YIELD);
    this.#byte(W.end);
    this.#freeTemps.i32.push(fuel);
  }

  /** The table slot for the guest address in `local`: from the indirect-branch cache, or else from the engine. */
  #lookUp(local: number): void {
    const entry = this.#takeTemp("i32");
    const slot = this.#takeTemp("i32");
    this.#getLocal(local);
    this.#const32(1);
    this.#op(i32.shl.opcode);
    this.#const32((INDIRECT_CACHE_ENTRIES - 1) << 3);
    this.#op(i32.and.opcode);
    this.#teeLocal(entry);
    this.#stateAccess(W.i32Load, this.#target.indirectCache);
    this.#getLocal(local);
    this.#op(i32.eq.opcode);
    this.#if(LIKELY);
    this.#getLocal(entry);
    this.#stateAccess(W.i32Load, this.#target.indirectCache + 4);
    this.#setLocal(slot);
    this.#byte(W.else);
    this.#getLocal(local);
    this.#byte(W.call);
    this.#code.u32(this.#target.resolveIndex);
    this.#setLocal(slot);
    this.#byte(W.end);
    this.#getLocal(slot);
    this.#freeTemps.i32.push(entry, slot);
  }

  /** The callee's answer is on the stack: goes on at `returnAddress` if that is it, else returns it to our caller. */
  #afterCall(returnAddress: number, from: number, walk: Walk, node: number): void {
    const answer = this.#takeTemp("i32");
    this.#teeLocal(answer);
    this.#const32(returnAddress);
    this.#op(i32.ne.opcode);
    this.#if(UNLIKELY);
    this.#getLocal(answer);
    this.#byte(W.return);
    this.#byte(W.end);
    this.#freeTemps.i32.push(answer);
    this.#goOnAt(returnAddress, from, walk, node);
  }

  /** After a call: nothing is dirty, and what is live in the next block must be loaded. */
  #goOnAt(pc: number, from: number, walk: Walk, node: number): void {
    this.#dirty.clear();
    const next = this.#indexOf.get(pc);
    if (next === undefined) {
      if (this.#fuelLocal >= 0) {
        this.#loadState("i32", FUEL);
        this.#setLocal(this.#fuelLocal);
      }
      this.#tailTo(pc);
      return;
    }
    if (this.#isDispatched(from, next)) {
      if (this.#fuelLocal >= 0) {
        this.#loadState("i32", FUEL);
        this.#setLocal(this.#fuelLocal);
      }
    } else this.#reload(next);
    this.#edge(next, from, walk, node);
  }

  /** Goes to a block of this region, with locals as they are. */
  #edge(to: number, from: number, walk: Walk, node: number): void {
    const pc = (this.#blocks[to] as Block).key;
    if (this.#isDispatched(from, to)) {
      this.#flush();
      this.#spendFuel(pc);
      this.#const32(pc);
      this.#setLocal(PC_PARAMETER);
      this.#flushFuel();
      walk.edge(node, 0);
      return;
    }
    const target = this.#nodeOfBlock(to);
    if (this.#target.precise) this.#settle();
    if (walk.isBackward(node, target)) this.#spendFuel(pc);
    walk.edge(node, target);
  }

  #flushFuel(): void {
    this.#const32(0);
    this.#getLocal(this.#fuelLocal);
    this.#stateAccess(W.i32Store, FUEL);
  }

  #nodeOfBlock(block: number): number {
    return this.#nodes.get(block) as number;
  }

  /** One unit of fuel for a backward branch to `pc`; without fuel, leaves so that the dispatcher goes on there. */
  #spendFuel(pc: number): void {
    this.#getLocal(this.#fuelLocal);
    this.#const32(1);
    this.#op(i32.sub.opcode);
    this.#teeLocal(this.#fuelLocal);
    this.#const32(0);
    this.#op(i32.ltS.opcode);
    this.#if(UNLIKELY);
    this.#flush();
    this.#storeState32(PC, pc);
    this.#returnExit(EXIT_YIELD);
    this.#byte(W.end);
  }

  // ── blocks ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** A region that only computes and returns cannot run for long or nest: it need not look at fuel and depth. */
  get #isLeaf(): boolean {
    return this.#blocks.every(({ terminator }) => {
      switch (terminator.kind) {
        case "return":
        case "raise":
        case "systemCall":
        case "leave":
          return true;
        case "jump":
          return this.#indexOf.has(terminator.target);
        case "branch":
          return this.#indexOf.has(terminator.taken) && this.#indexOf.has(terminator.notTaken);
        default:
          return false;
      }
    });
  }

  #prologue(): void {
    if (this.#target.tier === "cold") this.#countRun();
    else if (this.#target.tier === "hot") {
      this.#getLocal(DEPTH_PARAMETER);
      this.#const32(1);
      this.#op(i32.sub.opcode);
      this.#setLocal(DEPTH_PARAMETER);
      if (!this.#isLeaf) this.#checkIn(() => this.#getLocal(PC_PARAMETER), true);
    }
    if (!this.#hasDispatcher) this.#reload(this.#entryBlocks[0] as number);
  }

  /** Counts one run of a cold block; after the last it asks for a hot region, and from then on goes there. */
  #countRun(): void {
    const { counter } = this.#target;
    if (counter < 0) return;
    const place = COUNTERS + counter * 4;
    const left = this.#takeTemp("i32");
    this.#loadState("i32", place);
    this.#teeLocal(left);
    this.#const32(0);
    this.#op(i32.leS.opcode);
    this.#if(UNLIKELY);
    this.#getLocal(left);
    this.#op(i32.eqz.opcode);
    this.#if(UNLIKELY);
    this.#storeState32(place, -1);
    this.#const32(this.#region.entries[0] as number);
    this.#byte(W.call);
    this.#code.u32(this.#target.heatIndex);
    this.#byte(W.end);
    this.#getLocal(PC_PARAMETER);
    this.#getLocal(DEPTH_PARAMETER);
    this.#const32(this.#target.slotOf(this.#region.entries[0] as number));
    this.#callRegion(W.returnCallIndirect);
    this.#byte(W.end);
    this.#const32(0);
    this.#getLocal(left);
    this.#const32(1);
    this.#op(i32.sub.opcode);
    this.#stateAccess(W.i32Store, place);
    this.#freeTemps.i32.push(left);
  }

  openBlock(): void {
    this.#byte(W.block);
    this.#byte(VOID);
  }
  openLoop(): void {
    this.#byte(W.loop);
    this.#byte(VOID);
  }
  end(): void {
    this.#byte(W.end);
  }
  br(depth: number): void {
    this.#byte(W.br);
    this.#code.u32(depth);
  }

  node(node: number, walk: Walk): void {
    const what = this.#graph[node] as GraphNode;
    switch (what.kind) {
      case "block":
        this.#block(what.index, node, walk);
        break;
      case "entry":
        this.#reload(what.block);
        walk.edge(node, this.#nodeOfBlock(what.block));
        break;
      case "dispatch":
        this.#dispatch(walk);
        break;
    }
  }

  /** Finds the entry for the address in the pc parameter by bisection. */
  #dispatch(walk: Walk): void {
    const entries = this.#graph
      .flatMap((what, node) => (what.kind === "entry" ? [{ pc: what.pc, node }] : []))
      .sort((a, b) => a.pc - b.pc);
    const choose = (low: number, high: number): void => {
      if (high - low === 1) {
        walk.edge(0, (entries[low] as { node: number }).node);
        return;
      }
      const middle = (low + high) >> 1;
      this.#getLocal(PC_PARAMETER);
      this.#const32((entries[middle] as { pc: number }).pc);
      this.#op(i32.ltU.opcode);
      this.#if(null);
      walk.insideIf(() => {
        choose(low, middle);
        this.#byte(W.else);
        choose(middle, high);
      });
      this.#byte(W.end);
    };
    choose(0, entries.length);
    this.#byte(W.unreachable);
  }

  #block(index: number, node: number, walk: Walk): void {
    const block = this.#blocks[index] as Block;
    this.#dirty = this.#target.precise ? new ContainerSet(this.#containers.all.length) : (this.#flow.dirtyIn[index] as ContainerSet).copy();
    this.#effects(block.effects);
    this.#terminate(block, index, node, walk);
  }

  /** Before going to the address in a local: a single step returns it, cold code spends fuel. True if all is written. */
  #leavesTo(target: number, nests: boolean): boolean {
    if (this.#target.tier === "step") {
      this.#getLocal(target);
      this.#byte(W.return);
      return true;
    }
    if (this.#target.tier === "cold") this.#checkIn(() => this.#getLocal(target), nests);
    return false;
  }

  #terminate({ terminator, lastPc }: Block, index: number, node: number, walk: Walk): void {
    const go = (pc: number): void => {
      const to = this.#indexOf.get(pc);
      if (to === undefined) this.#tailTo(pc);
      else this.#edge(to, index, walk, node);
    };
    switch (terminator.kind) {
      case "jump":
        go(terminator.target);
        break;
      case "branch": {
        this.#value(terminator.condition);
        const dirty = this.#dirty;
        this.#dirty = dirty.copy();
        this.#if(null);
        walk.insideIf(() => go(terminator.taken));
        this.#byte(W.end);
        this.#dirty = dirty;
        go(terminator.notTaken);
        break;
      }
      case "call": {
        if (this.#target.tier === "step") {
          this.#tailTo(terminator.target);
          break;
        }
        this.#flush();
        if (this.#target.tier === "cold") this.#checkIn(() => this.#const32(terminator.target), true);
        this.#const32(terminator.target);
        this.#callDepth();
        const callee = this.#target.functionOf(terminator.target);
        if (callee >= 0) {
          this.#byte(W.call);
          this.#code.u32(callee);
        } else {
          this.#const32(this.#target.slotOf(terminator.target));
          this.#callRegion(W.callIndirect);
        }
        this.#afterCall(terminator.returnAddress, index, walk, node);
        break;
      }
      case "callIndirect": {
        const target = this.#takeTemp("i32");
        this.#value(terminator.target);
        this.#setLocal(target);
        this.#flush();
        if (this.#leavesTo(target, true)) break;
        this.#getLocal(target);
        this.#callDepth();
        this.#lookUp(target);
        this.#callRegion(W.callIndirect);
        this.#freeTemps.i32.push(target);
        this.#afterCall(terminator.returnAddress, index, walk, node);
        break;
      }
      case "jumpIndirect": {
        const target = this.#takeTemp("i32");
        this.#value(terminator.target);
        this.#setLocal(target);
        this.#flush();
        if (this.#leavesTo(target, false)) break;
        this.#getLocal(target);
        this.#tailDepth();
        this.#lookUp(target);
        this.#callRegion(W.returnCallIndirect);
        this.#freeTemps.i32.push(target);
        break;
      }
      case "return":
        this.#value(terminator.target);
        this.#flush();
        this.#byte(W.return);
        break;
      case "systemCall": {
        this.#flush();
        this.#storeState32(PC, terminator.next);
        this.#byte(W.call);
        this.#code.u32(this.#target.systemCallIndex);
        this.#op(i32.eqz.opcode);
        this.#if(UNLIKELY);
        this.#const32(EXIT);
        this.#byte(W.return);
        this.#byte(W.end);
        this.#goOnAt(terminator.next, index, walk, node);
        break;
      }
      case "leave":
        this.#flush();
        this.#const32(0);
        this.#value(terminator.next);
        this.#stateAccess(W.i32Store, PC);
        this.#returnExit(EXIT_YIELD);
        break;
      case "raise":
        this.#exitWith(terminator.exception, terminator.info, lastPc);
        break;
    }
  }
}

/** An arm that calls a helper is the rare case. */
function armHint(effect: Effect & { kind: "when" }): number | null {
  const rare = (arm: Arm): boolean => arm.effects.some((inner) => inner.kind === "call" || (inner.kind === "when" && (rare(inner.then) || (inner.otherwise !== null && rare(inner.otherwise)))));
  if (rare(effect.then)) return UNLIKELY;
  return effect.otherwise !== null && rare(effect.otherwise) ? LIKELY : null;
}

const LOADS: { readonly [T in Type]: number } = { i32: W.i32Load, i64: W.i64Load, f32: W.f32Load, f64: W.f64Load, v128: W.v128Load };
const STORES: { readonly [T in Type]: number } = { i32: W.i32Store, i64: W.i64Store, f32: W.f32Store, f64: W.f64Store, v128: W.v128Store };

/** The nodes that an effect uses directly. */
function operands(effect: Effect): readonly Node[] {
  switch (effect.kind) {
    case "load":
      return [effect.address];
    case "store":
      return [effect.address, effect.value];
    case "compareExchange":
      return [effect.address, effect.expected, effect.replacement];
    case "set":
    case "writeState":
      return [effect.value];
    case "call":
      return effect.args;
    case "when":
      return [effect.condition];
    case "raiseIf":
      return effect.info ? [effect.condition, effect.info] : [effect.condition];
    case "readState":
      return [];
  }
}
