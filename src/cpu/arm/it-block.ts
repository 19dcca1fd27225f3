/**
 * IT blocks (ARM DDI 0406C, A8.8.54): `it` and the up to four instructions that it makes conditional are one
 * `ArmInstruction`, so that a run of them needs no state.
 *
 * A fault in the block is reported at the instruction that made it, with ITSTATE as hardware has it there; and execution
 * goes on there, in a translation mode of its own for the rest of the block (`liftLeaving`).
 */
import type { Emitter, I32 } from "../emitter.ts";
import { ALWAYS, conditionHolds } from "./flags.ts";
import { liftInstruction } from "./instruction.ts";
import { ITSTATE } from "./registers.ts";
import type { ArmInstruction, ArmRow } from "./row.ts";
import { rowsOf } from "./row.ts";

const row = rowsOf("IT");

/** `i`: the first condition; `k`: the mask, which has one more instruction for each bit above its lowest set one. */
export const IT_ROW: ArmRow = row("it{itpattern}", "10111111 iiii kkkk", "{itcondition}", () => {}, {
  harmless: true,
  needs: "v6t2",
  when: ({ i, k }) => k !== 0 && i !== 15 && (i !== ALWAYS || (k & (k - 1)) === 0),
});

/** ITSTATE for the next instruction; 0 after the last one. */
export function advanceIt(state: number): number {
  return (state & 7) === 0 ? 0 : (state & 0xe0) | ((state << 1) & 0x1f);
}

/** May run under one condition with its neighbours: it neither sets flags nor goes elsewhere. */
function keepsFlags({ row: { guarded, harmless, flow }, fields }: ArmInstruction): boolean {
  if (flow !== undefined && flow(fields, { pc: 0, next: 0, thumb: true, pcValue: 0 }).kind !== "next") return false;
  return !harmless || guarded === true || (typeof guarded === "function" && guarded(fields));
}

const isGuarded = ({ row: { guarded }, fields }: ArmInstruction): boolean =>
  guarded === true || (typeof guarded === "function" && guarded(fields));

/** Emits an IT block. */
export function liftItBlock(e: Emitter, { word, block = [] }: ArmInstruction, mode: number): void {
  const states: number[] = [];
  for (let state = word & 0xff; state !== 0; state = advanceIt(state)) states.push(state);
  let tracked = false;
  /** The place of part n, where it may fault and something has happened before. */
  const mark = (n: number): void => {
    if (n === 0 || block[n]!.row.harmless) return;
    e.set(ITSTATE, e.const32(states[n]!));
    e.at(block[n]!.pc);
    tracked = true;
  };
  const unmark = (): void => {
    if (tracked) e.set(ITSTATE, e.const32(0));
    tracked = false;
  };
  for (let n = 0; n < block.length;) {
    const part = block[n]!;
    // Neighbours under the same condition share one branch, unless selects do it without any.
    let end = n + 1;
    if (part.condition !== ALWAYS && keepsFlags(part)) {
      while (end < block.length && block[end]!.condition === part.condition && keepsFlags(block[end]!)) end++;
    }
    const run = block.slice(n, end);
    if (run.length > 1 && !run.every(isGuarded)) {
      for (let k = n; k < end; k++) if (!block[k]!.row.harmless && k > 0) tracked = true;
      e.when(conditionHolds(e, part.condition), () => {
        for (let k = n; k < end; k++) {
          mark(k);
          liftInstruction(e, { ...block[k]!, condition: ALWAYS }, mode);
        }
      });
    } else {
      end = n + 1;
      mark(n);
      const { harmless, raises, always } = part.row;
      if (part.flow.kind !== "next" && !harmless && raises === undefined && !always) unmark();
      liftInstruction(e, part, mode);
    }
    n = end;
  }
  if (block.at(-1)!.flow.kind === "next") unmark();
}

/**
 * Emits the one instruction at ITSTATE `state`, for which the mode was made, and leaves to wherever it goes: the next one
 * has another mode.
 */
export function liftLeaving(e: Emitter, state: number, instruction: ArmInstruction, mode: number): void {
  const next = (instruction.pc + instruction.size) >>> 0;
  let ended = false;
  /** Where a conditional instruction goes, found while its arm is emitted. */
  let arm: { target: I32 } | undefined;
  const leave = (target: number | I32): void => {
    const value = typeof target === "number" ? e.const32(target) : target;
    if (arm) {
      arm.target = value;
      return;
    }
    e.set(ITSTATE, e.const32(advanceIt(state)));
    e.leave(value);
    ended = true;
  };
  const ends: Partial<Emitter> = {
    jump: leave,
    callDirect: leave,
    callIndirect: leave,
    jumpIndirect: leave,
    returnTo: leave,
    leave,
    // Once more, in the mode without IT block, where it is not conditional.
    systemCall: () => leave(instruction.pc),
    raise: (exception, info) => {
      e.raise(exception, info);
      ended = true;
    },
    branch: (condition, taken, notTaken, onTaken) => {
      if (!onTaken) return leave(e.select(condition, e.const32(taken), e.const32(notTaken)));
      const found = e.either(
        condition,
        () => {
          arm = { target: e.const32(taken) };
          onTaken();
          const { target } = arm;
          arm = undefined;
          return target;
        },
        () => e.const32(notTaken),
      );
      leave(found);
    },
  };
  const leaving = new Proxy(e, {
    get: (target, name) => {
      const own = ends[name as keyof Emitter] ?? target[name as keyof Emitter];
      return typeof own === "function" ? (own as (...args: unknown[]) => unknown).bind(target) : own;
    },
  });
  liftInstruction(leaving, instruction, mode);
  if (!ended) leave(next);
}
