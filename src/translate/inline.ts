/**
 * Small guest functions are taken into the region that calls them: each call site gets a copy of the function's blocks, so
 * that guest registers stay in their locals across the call, and nothing is spent on fuel and depth.
 *
 * A copy is guest code like any other. The call instruction has set the link register, the copy's own return is compared
 * with the address behind the call, and wherever control leaves in the middle, CPU state is what it would be without the
 * copy: the dispatcher goes on in the function itself. Only a jump out of the function becomes a call, because its answer
 * is to come back here.
 *
 * Copies have keys of their own; of their addresses only `Block.pc` tells.
 */
import type { Slot } from "../cpu/emitter.ts";
import { overlap } from "./containers.ts";
import { type Block, CONST, type Effect, GET, type Terminator } from "./ir.ts";
import type { Region } from "./region.ts";

export interface Callees {
  /** The function at an address, or null: it is not to be copied. Each call makes a new one. */
  readonly find: (pc: number) => Region | null;
  /** Where the computed call at an address has been seen to go. */
  readonly callTargets: (pc: number) => readonly number[];
}

/** Instructions of a function that is copied; of all copies in a region. */
export const MAX_CALLEE = 64;
const MAX_COPIED = 600;
/** How deep copies nest, and how many of them may be of one function. */
const MAX_NESTING = 4;
const MAX_RECURSION = 2;
/** A computed call that has gone to more places than this is not looked into. */
const MAX_TARGETS = 4;

/** Where a call goes on: the guest address, and the key of the block. */
interface ReturnPoint {
  readonly address: number;
  readonly key: number;
}

/** The region with copies of the functions that it calls. */
export function withCallees(region: Region, callees: Callees): Region {
  return new Inliner(region, callees).run();
}

class Inliner {
  readonly #region: Region;
  readonly #callees: Callees;
  readonly #blocks: Block[] = [];
  readonly #pages: Set<number>;
  readonly #unwanted: Set<number>;
  readonly #rejected = new Set<number>();
  #copied = 0;
  /** Keys of copies: odd ones, so that none looks like a guest address. Those of `BlockBuilder` begin at -1. */
  #nextKey = -0x40000001;

  constructor(region: Region, callees: Callees) {
    this.#region = region;
    this.#callees = callees;
    this.#pages = new Set(region.pages);
    this.#unwanted = new Set(region.unwanted);
  }

  run(): Region {
    for (const block of this.#region.blocks) this.#add(block, []);
    if (this.#copied === 0) return this.#region;
    return { ...this.#region, blocks: this.#blocks, pages: this.#pages, unwanted: this.#unwanted };
  }

  #newKey(): number {
    return (this.#nextKey -= 2);
  }

  /** Adds a block of the function that `path` has led to, with what it calls. */
  #add(block: Block, path: readonly number[]): void {
    const { terminator } = block;
    // What the block calls comes after it, but must be known before.
    const place = this.#blocks.push(block) - 1;
    if (terminator.kind === "call") {
      const point = { address: terminator.returnAddress, key: terminator.returnKey };
      const key = this.#copy(terminator.target, point, block, path);
      if (key !== null) this.#blocks[place] = { ...block, terminator: { kind: "jump", target: key } };
    } else if (terminator.kind === "callIndirect") {
      const targets = this.#callees.callTargets(block.lastPc);
      if (targets.length > MAX_TARGETS) return;
      const point = { address: terminator.returnAddress, key: terminator.returnKey };
      const copies = targets.flatMap((pc) => {
        const key = this.#copy(pc, point, block, path);
        return key === null ? [] : [{ pc, key }];
      });
      if (copies.length > 0) this.#blocks[place] = { ...block, terminator: { ...terminator, copies } };
    }
  }

  /** Copies the function at `pc` for a call at the end of `caller`; returns the key of its first block. */
  #copy(pc: number, point: ReturnPoint, caller: Block, path: readonly number[]): number | null {
    if (path.length >= MAX_NESTING || path.filter((at) => at === pc).length >= MAX_RECURSION) return null;
    if (this.#rejected.has(pc)) return null;
    const callee = this.#callees.find(pc);
    if (!callee || callee.size > MAX_CALLEE || this.#copied + callee.size > MAX_COPIED || !canBeCopied(callee)) {
      this.#rejected.add(pc);
      return null;
    }
    this.#copied += callee.size;
    for (const page of callee.pages) this.#pages.add(page);
    for (const at of callee.unwanted) this.#unwanted.add(at);
    const keys = new Map<number, number>();
    for (const { key } of callee.blocks) if (key >= 0) keys.set(key, this.#newKey());
    const keyOf = (key: number): number => {
      if (key < 0) return key;
      let own = keys.get(key);
      if (own === undefined) {
        own = this.#newKey();
        keys.set(key, own);
        this.#blocks.push(wayOut(own, key, point));
      }
      return own;
    };
    const nested = [...path, pc];
    for (const block of callee.blocks) {
      const terminator = moved(block.terminator, keyOf, point, (link) => isLink(link, callee, caller, point.address));
      this.#add({ ...block, key: keyOf(block.key), terminator }, nested);
    }
    return keyOf(pc);
  }
}

/** Does the function do nothing that a copy cannot? */
function canBeCopied({ blocks }: Region): boolean {
  return blocks.every(({ terminator }) => terminator.kind !== "systemCall");
}

/** In a copy, the block for an address that the copy lacks: its function is called there, and comes back here. */
function wayOut(key: number, pc: number, point: ReturnPoint): Block {
  const terminator: Terminator = { kind: "call", target: pc, ...returnTo(point) };
  return { key, pc, lastPc: pc, effects: [], terminator };
}

/** The end of a block in a copy that goes on at `point` where the function returns. */
function moved(
  terminator: Terminator,
  keyOf: (key: number) => number,
  point: ReturnPoint,
  isLink: (slot: Slot) => boolean,
): Terminator {
  switch (terminator.kind) {
    case "jump":
      return { kind: "jump", target: keyOf(terminator.target) };
    case "branch":
      return { ...terminator, taken: keyOf(terminator.taken), notTaken: keyOf(terminator.notTaken) };
    case "call":
    case "callIndirect":
      return { ...terminator, returnKey: keyOf(terminator.returnKey) };
    case "jumpIndirect":
      if (terminator.candidates.length > 0) return { ...terminator, candidates: terminator.candidates.map(keyOf) };
      return { kind: "callIndirect", target: terminator.target, ...returnTo(point), copies: [] };
    case "return":
      if (terminator.target.op === GET && isLink(terminator.target.slot as Slot))
        return { kind: "jump", target: point.key, link: terminator.target.slot as Slot };
      return { kind: "return", target: terminator.target, expected: point };
    default:
      return terminator;
  }
}

function returnTo({ address, key }: ReturnPoint): { returnAddress: number; returnKey: number } {
  return { returnAddress: address, returnKey: key };
}

/** Does the slot still hold, wherever the function returns, the address that the caller has put there? */
function isLink(slot: Slot, { blocks }: Region, caller: Block, address: number): boolean {
  if (blocks.some(({ effects }) => effects.some((effect) => sets(effect, slot)))) return false;
  const last = caller.effects.findLast((effect) => sets(effect, slot));
  return last?.kind === "set" && last.slot === slot && last.value.op === CONST && last.value.bits >>> 0 === address;
}

function sets(effect: Effect, slot: Slot): boolean {
  if (effect.kind === "set") return overlap(effect.slot, slot);
  if (effect.kind !== "when") return false;
  return [...effect.then.effects, ...(effect.otherwise?.effects ?? [])].some((inner) => sets(inner, slot));
}
