/** What must be known of a region's blocks before code is made: who uses what, and what happens to the registers. */
import type { Slot } from "../cpu/emitter.ts";
import { type Containers, isWhole } from "./containers.ts";
import { type BlockFacts, ContainerSet } from "./dataflow.ts";
import { type Arm, type Block, type Effect, GET, type Node, operands, type Terminator } from "./ir.ts";
import type { RegionGraph } from "./region-graph.ts";

/** The node that a block's end uses, if any. */
function operandOf(terminator: Terminator): Node | null {
  switch (terminator.kind) {
    case "branch":
      return terminator.condition;
    case "callIndirect":
    case "jumpIndirect":
    case "return":
      return terminator.target;
    case "leave":
      return terminator.next;
    case "raise":
      return terminator.info;
    default:
      return null;
  }
}

type SlotUses = Map<Slot, number>;

/** Counts the uses of every node that effects need; returns those of every slot. */
export function countUses(blocks: readonly Block[]): ReadonlyMap<Slot, number> {
  const slots: SlotUses = new Map();
  for (const { effects, terminator } of blocks) {
    countIn(effects, slots);
    const last = operandOf(terminator);
    if (last) count(last, slots);
  }
  return slots;
}

function countSlot(slot: Slot, slots: SlotUses): void {
  slots.set(slot, (slots.get(slot) ?? 0) + 1);
}

function count(node: Node, slots: SlotUses): void {
  node.uses++;
  node.remaining++;
  if (node.uses > 1) return;
  if (node.slot) countSlot(node.slot, slots);
  if (node.a) count(node.a, slots);
  if (node.b) count(node.b, slots);
  if (node.c) count(node.c, slots);
}

function countIn(effects: readonly Effect[], slots: SlotUses): void {
  for (const effect of effects) {
    if (effect.kind === "set") countSlot(effect.slot, slots);
    for (const node of operands(effect)) count(node, slots);
    if (effect.kind === "when") {
      countInArm(effect.then, slots);
      if (effect.otherwise) countInArm(effect.otherwise, slots);
    }
  }
}

function countInArm({ effects, value }: Arm, slots: SlotUses): void {
  countIn(effects, slots);
  if (value) count(value, slots);
}

/** Finds a block's facts; the uses must have been counted. */
export class FactFinder implements BlockFacts {
  readonly exposed: ContainerSet;
  readonly defined: ContainerSet;
  readonly written: ContainerSet;
  readonly successors: number[] = [];
  readonly backward: number[] = [];
  leavesInside = false;
  leavesAtEnd = false;
  readonly #containers: Containers;

  /** `checked`: an access may leave the region by itself, or stores what is dirty because it may trap. */
  constructor(graph: RegionGraph, index: number, containers: Containers, checked: boolean) {
    const size = containers.all.length;
    this.exposed = new ContainerSet(size);
    this.defined = new ContainerSet(size);
    this.written = new ContainerSet(size);
    this.#containers = containers;
    const { effects, terminator } = graph.blocks[index] as Block;
    this.#effects(effects, true, checked);
    const last = operandOf(terminator);
    if (last) this.#read(last);
    const computed = graph.switchOf(index);
    if (computed >= 0) this.#reach(computed, index, graph);
    else if (terminator.kind === "jump") {
      // Where fuel ends before, the function itself goes on, and returns to what is in the slot.
      if (terminator.link) this.#readSlot(terminator.link);
      this.#edge(terminator.target, index, graph);
    } else if (terminator.kind === "branch") {
      this.#edge(terminator.taken, index, graph);
      this.#edge(terminator.notTaken, index, graph);
    } else {
      this.leavesAtEnd = true;
      if (terminator.kind === "callIndirect") for (const { key } of terminator.copies) this.#edge(key, index, graph);
      else if (terminator.kind === "return" && terminator.expected) this.#edge(terminator.expected.key, index, graph);
    }
  }

  #edge(key: number, from: number, graph: RegionGraph): void {
    const to = graph.indexOf(key);
    const hop = to < 0 ? -1 : graph.hop(from, to);
    if (hop < 0) this.leavesAtEnd = true;
    else this.#reach(hop, from, graph);
  }

  #reach(place: number, from: number, graph: RegionGraph): void {
    this.successors.push(place);
    if (graph.isBackward(from, place)) this.backward.push(place);
  }

  #readSlot(slot: Slot): void {
    const { index } = this.#containers.of(slot);
    // A node made before the slot was set may be visited after: the set's `displaced` list has shown it already.
    if (!this.defined.has(index)) this.exposed.add(index);
  }

  #read(node: Node): void {
    if (node.seen) return;
    node.seen = true;
    if (node.op === GET) this.#readSlot(node.slot as Slot);
    if (node.a) this.#read(node.a);
    if (node.b) this.#read(node.b);
    if (node.c) this.#read(node.c);
  }

  /** `certain`: they happen whenever the block runs. */
  #effects(effects: readonly Effect[], certain: boolean, checked: boolean): void {
    for (const effect of effects) {
      for (const node of operands(effect)) this.#read(node);
      switch (effect.kind) {
        case "load":
        case "store":
        case "compareExchange":
          this.leavesInside ||= checked;
          break;
        case "set": {
          for (const node of effect.displaced) if (node.uses > 0) this.#read(node);
          const container = this.#containers.of(effect.slot);
          if (certain && isWhole(effect.slot, container)) this.defined.add(container.index);
          else if (!this.defined.has(container.index)) this.exposed.add(container.index);
          this.written.add(container.index);
          break;
        }
        case "when":
          for (const arm of [effect.then, effect.otherwise]) {
            if (!arm) continue;
            this.#effects(arm.effects, false, checked);
            if (arm.value) this.#read(arm.value);
          }
          break;
        case "raiseIf":
          this.leavesInside = true;
          break;
        case "writeState":
        case "readState":
        case "call":
          break;
      }
    }
  }
}

/** A switch reads and writes nothing; it leaves the region where none of its candidates is meant. */
export function switchFacts(graph: RegionGraph, place: number, size: number): BlockFacts {
  const successors = graph.switches[place - graph.blocks.length] as readonly number[];
  return {
    exposed: new ContainerSet(size),
    defined: new ContainerSet(size),
    written: new ContainerSet(size),
    leavesInside: false,
    leavesAtEnd: true,
    successors,
    backward: successors.filter((to) => graph.isBackward(place, to)),
  };
}
