/**
 * How a branch and its delay slot end a block: the shared part of all branches, integer and floating-point.
 *
 * The condition and the target are values made before the slot's instruction is emitted, so they are what they were
 * before it (MIPS32 AFP vol II-A, "the instruction in the delay slot is executed before the branch is taken").
 */
import type { Emitter, I32 } from "../emitter.ts";
import type { Flow } from "../isa.ts";
import type { LiftContext } from "./row.ts";

/** The target of a PC-relative branch: `offset` is the 16-bit field, in instructions from the delay slot. */
export function branchTarget(pc: number, offset: number): number {
  return (pc + 4 + ((offset << 16) >> 14)) >>> 0;
}

/** The target of `j` and `jal`: `index` is the 26-bit field, in the 256 MiB region of the delay slot. */
export function jumpTarget(pc: number, index: number): number {
  return (((pc + 4) & 0xf0000000) | (index << 2)) >>> 0;
}

/** Flow of a conditional branch whose offset is the field `o`. */
export const BRANCH = {
  flow: (fields: { readonly o: number }, pc: number): Flow => ({ kind: "branch", target: branchTarget(pc, fields.o) }),
  delaySlot: true,
} as const;

/** Ends with a conditional branch; call it before anything of the slot is emitted. */
export function endWithBranch(e: Emitter, context: LiftContext, condition: I32, target: number): void {
  context.delaySlot();
  if (context.slotEnds) e.leave(e.select(condition, e.const32(target), e.const32(context.next)));
  else e.branch(condition, target, context.next);
}

/** The same for a branch-likely, whose slot runs only where the branch is taken. */
export function endWithBranchLikely(e: Emitter, context: LiftContext, condition: I32, target: number): void {
  if (context.slotEnds) {
    e.when(condition, () => context.delaySlot());
    e.leave(e.select(condition, e.const32(target), e.const32(context.next)));
  } else e.branch(condition, target, context.next, () => context.delaySlot());
}

/** Ends with an unconditional jump to a known address. */
export function endWithJump(e: Emitter, context: LiftContext, target: number): void {
  context.delaySlot();
  if (context.slotEnds) e.leave(target);
  else e.jump(target);
}

/** Ends with a call of a known address; the link register is already set. */
export function endWithCall(e: Emitter, context: LiftContext, target: number): void {
  context.delaySlot();
  if (context.slotEnds) e.leave(target);
  else e.callDirect(target, context.next);
}

/** Ends with a jump to a computed address, as a return, a call (the link register is already set) or neither. */
export function endWithIndirect(e: Emitter, context: LiftContext, target: I32, kind: "return" | "call" | "jump"): void {
  context.delaySlot();
  if (context.slotEnds) e.leave(target);
  else if (kind === "return") e.returnTo(target);
  else if (kind === "call") e.callIndirect(target, context.next);
  else e.jumpIndirect(target);
}
