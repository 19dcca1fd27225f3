/**
 * Finds a region: the instructions that are reached from its entries along direct branches, up to a bound. That is
 * normally one guest function; calls are not followed, their return points are.
 */
import { CodeFault, type CodeReader, type Instruction, type Isa } from "../cpu/isa.ts";
import type { BlockBuilder } from "./block-builder.ts";
import type { Block } from "./ir.ts";

/** A longer run of straight code is cut, which bounds the size of a block's value graph. */
const MAX_BLOCK = 128;

export interface Region {
  /** Guest addresses at which it can be entered; the first is the one that was asked for. */
  readonly entries: readonly number[];
  readonly blocks: readonly Block[];
  /** How many instructions it has. */
  readonly size: number;
  /** The 4 KiB pages that its code was read from. */
  readonly pages: ReadonlySet<number>;
  /** Targets of its branches that were left out because `isWanted` said no. */
  readonly unwanted: ReadonlySet<number>;
}

export interface RegionLimits {
  /** About so many instructions at most. */
  readonly instructions: number;
  /** Blocks that are left out, and noted in `Region.unwanted`, are those that this says no to. */
  readonly isWanted?: ((pc: number) => boolean) | undefined;
  /** If the first entry is the head of a loop, only that loop. */
  readonly loopOnly?: boolean;
  /** Where the computed jump at an address has been seen to go; ascending. */
  readonly jumpTargets?: (pc: number) => readonly number[];
}

function successors(instruction: Instruction): number[] {
  const { flow, pc, size } = instruction;
  const next = (pc + size) >>> 0;
  switch (flow.kind) {
    case "jump":
      return [flow.target >>> 0];
    case "branch":
      return [next, flow.target >>> 0];
    case "next":
    case "call":
    case "conditionalCall":
    case "callIndirect":
    case "systemCall":
      return [next];
    default:
      return [];
  }
}

/** Decodes and lifts the region at `entries`; throws `CodeFault` if the first entry cannot be fetched. */
export function findRegion(
  isa: Isa,
  code: CodeReader,
  builder: BlockBuilder,
  entries: readonly number[],
  mode: number,
  { instructions: limit, isWanted = () => true, loopOnly = false, jumpTargets = () => [] }: RegionLimits,
): Region {
  // What is called is not part of the region.
  const jumped = ({ pc, flow }: Instruction): readonly number[] =>
    flow.kind === "callIndirect" ? [] : jumpTargets(pc);
  const instructions = new Map<number, Instruction>();
  const leaders = new Set<number>(entries);
  const pages = new Set<number>();
  const unwanted = new Set<number>();
  const work = [...entries];
  for (let i = 0; i < work.length; i++) {
    let pc = work[i] as number;
    if (i >= entries.length && !isWanted(pc)) {
      unwanted.add(pc);
      continue;
    }
    for (let length = 0; !instructions.has(pc) && instructions.size < limit; length++) {
      let instruction: Instruction;
      try {
        instruction = isa.decode(code, pc, mode);
      } catch (error) {
        if (!(error instanceof CodeFault) || (i === 0 && length === 0)) throw error;
        break;
      }
      instructions.set(pc, instruction);
      pages.add(pc >>> 12);
      pages.add((pc + instruction.size - 1) >>> 12);
      const { flow } = instruction;
      const next = successors(instruction);
      if (flow.kind === "next") {
        pc = next[0] as number;
        if (length + 1 === MAX_BLOCK) {
          leaders.add(pc);
          work.push(pc);
          break;
        }
        continue;
      }
      for (const target of [...next, ...jumped(instruction)]) {
        leaders.add(target);
        work.push(target);
      }
      break;
    }
  }

  const inLoop = loopOnly ? comingBack(entries[0] as number, instructions, leaders, jumped) : leaders;
  builder.blocks = [];
  builder.candidatesOf = (pc) => jumpTargets(pc).filter((target) => instructions.has(target));
  for (const leader of inLoop) {
    if (!instructions.has(leader)) continue;
    builder.begin(leader);
    for (let pc = leader; ;) {
      const instruction = instructions.get(pc);
      if (!instruction || (pc !== leader && leaders.has(pc))) {
        builder.jump(pc);
        break;
      }
      builder.at(pc);
      isa.lift(builder, instruction, mode);
      if (builder.ended) break;
      pc = (pc + instruction.size) >>> 0;
    }
  }
  return { entries, blocks: builder.blocks, size: instructions.size, pages, unwanted };
}

/**
 * The blocks of the loop whose head is `head`, the first: from which control can come back to it. All, if there is no such
 * loop.
 */
function comingBack(
  head: number,
  instructions: ReadonlyMap<number, Instruction>,
  leaders: ReadonlySet<number>,
  jumped: (instruction: Instruction) => readonly number[],
): ReadonlySet<number> {
  const predecessors = new Map<number, number[]>();
  /** Computed jumps go any way. */
  let isComputed = false;
  for (const leader of leaders) {
    let pc = leader;
    let instruction = instructions.get(pc);
    while (instruction?.flow.kind === "next") {
      pc = (pc + instruction.size) >>> 0;
      if (leaders.has(pc)) break;
      instruction = instructions.get(pc);
    }
    if (instruction === undefined) continue;
    const computed = jumped(instruction);
    if (computed.length > 0) isComputed = true;
    for (const target of instruction.flow.kind === "next" ? [pc] : [...successors(instruction), ...computed]) {
      const there = predecessors.get(target);
      if (there) there.push(leader);
      else predecessors.set(target, [leader]);
    }
  }
  const reach = (isIn: (block: number) => boolean): Set<number> => {
    const found = new Set([head]);
    for (const block of found) for (const before of predecessors.get(block) ?? []) if (isIn(before)) found.add(before);
    return found;
  };
  const back = predecessors.get(head) ?? [];
  if (back.length === 0) return leaders;
  // A loop around the head's own is as much a way back, and in one region with it would be one loop for V8, which then keeps
  // registers of all of it around the inner one (the sieve takes twice as long). Compilers put a loop's head first.
  return reach(isComputed || back.every((block) => block < head) ? () => true : (block) => block >= head);
}
