/** Branches and jumps (MIPS32 AFP vol II-A, "CPU Branch and Jump", and the obsolete branch-likely forms). */
import type { Emitter, I32 } from "../emitter.ts";
import type { Flow } from "../isa.ts";
import {
  BRANCH,
  branchTarget,
  endWithBranch,
  endWithBranchLikely,
  endWithCall,
  endWithIndirect,
  endWithJump,
  jumpTarget,
} from "./branching.ts";
import { gpr, setGpr } from "./registers.ts";
import type { Lift, LiftContext } from "./row.ts";
import { rowsOf } from "./row.ts";

const branch = rowsOf("CPU branch and jump");
const likely = rowsOf("CPU branch-likely");

const RA = 31;

interface BranchFields {
  readonly o: number;
}
type Condition<F> = (e: Emitter, fields: F) => I32;

const when =
  <F>(condition: Condition<F>): Lift<F & BranchFields> =>
  (e, fields, context) =>
    endWithBranch(e, context, condition(e, fields), branchTarget(context.pc, fields.o));

const whenLikely =
  <F>(condition: Condition<F>): Lift<F & BranchFields> =>
  (e, fields, context) =>
    endWithBranchLikely(e, context, condition(e, fields), branchTarget(context.pc, fields.o));

/** Writes the return address, before the delay slot and whether or not the branch is taken. */
function link(e: Emitter, context: LiftContext, register = RA): void {
  setGpr(e, register, e.const32(context.next));
}

const whenLinking =
  <F>(condition: Condition<F>): Lift<F & BranchFields> =>
  (e, fields, context) => {
    const taken = condition(e, fields);
    link(e, context);
    endWithBranch(e, context, taken, branchTarget(context.pc, fields.o));
  };

const whenLikelyLinking =
  <F>(condition: Condition<F>): Lift<F & BranchFields> =>
  (e, fields, context) => {
    const taken = condition(e, fields);
    link(e, context);
    endWithBranchLikely(e, context, taken, branchTarget(context.pc, fields.o));
  };

const conditionalCall = (fields: BranchFields, pc: number): Flow => ({
  kind: "conditionalCall",
  target: branchTarget(pc, fields.o),
});
const CALLING_BRANCH = { flow: conditionalCall, delaySlot: true } as const;
const ALWAYS = {
  flow: ({ o }: BranchFields, pc: number): Flow => ({ kind: "jump", target: branchTarget(pc, o) }),
  delaySlot: true,
  alias: true,
} as const;

interface OneRegister {
  readonly s: number;
}
interface TwoRegisters extends OneRegister {
  readonly t: number;
}
const equal: Condition<TwoRegisters> = (e, { s, t }) => e.i32.eq(gpr(e, s), gpr(e, t));
const notEqual: Condition<TwoRegisters> = (e, { s, t }) => e.i32.ne(gpr(e, s), gpr(e, t));
const zero: Condition<OneRegister> = (e, { s }) => e.i32.eqz(gpr(e, s));
const notZero: Condition<OneRegister> = (e, { s }) => gpr(e, s);
const negative: Condition<OneRegister> = (e, { s }) => e.i32.ltS(gpr(e, s), e.const32(0));
const notNegative: Condition<OneRegister> = (e, { s }) => e.i32.geS(gpr(e, s), e.const32(0));
const positive: Condition<OneRegister> = (e, { s }) => e.i32.gtS(gpr(e, s), e.const32(0));
const notPositive: Condition<OneRegister> = (e, { s }) => e.i32.leS(gpr(e, s), e.const32(0));

const always: Lift<BranchFields> = (e, { o }, context) => endWithJump(e, context, branchTarget(context.pc, o));

/** `jr`: through `ra` it is a return, through anything else a switch, a tail call or a trampoline. */
const jumpRegister: Lift<OneRegister> = (e, { s }, context) =>
  endWithIndirect(e, context, gpr(e, s), s === RA ? "return" : "jump");
const JUMP_REGISTER = {
  flow: ({ s }: OneRegister): Flow => ({ kind: s === RA ? "return" : "jumpIndirect" }),
  delaySlot: true,
} as const;

const callRegister: Lift<{ readonly s: number; readonly d: number }> = (e, { s, d }, context) => {
  const target = gpr(e, s);
  link(e, context, d);
  // A link to register 0 is a jump that the assembler writes as `jr`.
  endWithIndirect(e, context, target, d === 0 ? "jump" : "call");
};
const CALL_REGISTER = {
  flow: ({ d }: { readonly d: number }): Flow => ({ kind: d === 0 ? "jumpIndirect" : "callIndirect" }),
  delaySlot: true,
} as const;

export const BRANCH_ROWS = [
  branch("b", "000100 00000 00000 oooooooooooooooo", "target", always, ALWAYS),
  branch("beq", "000100 sssss ttttt oooooooooooooooo", "rs,rt,target", when(equal), BRANCH),
  branch("beqz", "000100 sssss 00000 oooooooooooooooo", "rs,target", when(zero), { ...BRANCH, alias: true }),
  branch("bne", "000101 sssss ttttt oooooooooooooooo", "rs,rt,target", when(notEqual), BRANCH),
  branch("bnez", "000101 sssss 00000 oooooooooooooooo", "rs,target", when(notZero), { ...BRANCH, alias: true }),
  branch("blez", "000110 sssss 00000 oooooooooooooooo", "rs,target", when(notPositive), BRANCH),
  branch("bgtz", "000111 sssss 00000 oooooooooooooooo", "rs,target", when(positive), BRANCH),
  branch("bltz", "000001 sssss 00000 oooooooooooooooo", "rs,target", when(negative), BRANCH),
  branch("bgez", "000001 sssss 00001 oooooooooooooooo", "rs,target", when(notNegative), BRANCH),
  branch("b", "000001 00000 00001 oooooooooooooooo", "target", always, ALWAYS),
  branch("bltzal", "000001 sssss 10000 oooooooooooooooo", "rs,target", whenLinking(negative), CALLING_BRANCH),
  branch("bgezal", "000001 sssss 10001 oooooooooooooooo", "rs,target", whenLinking(notNegative), CALLING_BRANCH),
  branch(
    "bal",
    "000001 00000 10001 oooooooooooooooo",
    "target",
    (e, { o }, context) => {
      const target = branchTarget(context.pc, o);
      link(e, context);
      // A call of the next instruction only asks for its address, and never returns.
      if (target === context.next) endWithJump(e, context, target);
      else endWithCall(e, context, target);
    },
    {
      flow: ({ o }, pc) => {
        const target = branchTarget(pc, o);
        return { kind: target === (pc + 8) >>> 0 ? "jump" : "call", target };
      },
      delaySlot: true,
      alias: true,
    },
  ),

  branch(
    "j",
    "000010 jjjjjjjjjjjjjjjjjjjjjjjjjj",
    "index",
    (e, { j }, context) => endWithJump(e, context, jumpTarget(context.pc, j)),
    {
      flow: ({ j }, pc) => ({ kind: "jump", target: jumpTarget(pc, j) }),
      delaySlot: true,
    },
  ),
  branch(
    "jal",
    "000011 jjjjjjjjjjjjjjjjjjjjjjjjjj",
    "index",
    (e, { j }, context) => {
      link(e, context);
      endWithCall(e, context, jumpTarget(context.pc, j));
    },
    {
      flow: ({ j }, pc) => ({ kind: "call", target: jumpTarget(pc, j) }),
      delaySlot: true,
    },
  ),
  // On release 1 the hint of the `.hb` forms (a hazard barrier) is ignored, so they are instructions there, too.
  branch("jr", "000000 sssss 00000 00000 0hhhh 001000", "rs", jumpRegister, JUMP_REGISTER),
  branch("jr.hb", "000000 sssss 00000 00000 1hhhh 001000", "rs", jumpRegister, JUMP_REGISTER),
  branch("jalr", "000000 sssss 00000 ddddd 0hhhh 001001", "rd,rs", callRegister, CALL_REGISTER),
  branch(
    "jalr",
    "000000 sssss 00000 11111 0hhhh 001001",
    "rs",
    (e, { s }, context) => callRegister(e, { s, d: RA }, context),
    {
      flow: () => ({ kind: "callIndirect" }),
      delaySlot: true,
      alias: true,
    },
  ),
  branch("jalr.hb", "000000 sssss 00000 ddddd 1hhhh 001001", "rd,rs", callRegister, CALL_REGISTER),
  branch(
    "jalr.hb",
    "000000 sssss 00000 11111 1hhhh 001001",
    "rs",
    (e, { s }, context) => callRegister(e, { s, d: RA }, context),
    {
      flow: () => ({ kind: "callIndirect" }),
      delaySlot: true,
      alias: true,
    },
  ),

  likely("beql", "010100 sssss ttttt oooooooooooooooo", "rs,rt,target", whenLikely(equal), BRANCH),
  likely("beqzl", "010100 sssss 00000 oooooooooooooooo", "rs,target", whenLikely(zero), { ...BRANCH, alias: true }),
  likely("bnel", "010101 sssss ttttt oooooooooooooooo", "rs,rt,target", whenLikely(notEqual), BRANCH),
  likely("bnezl", "010101 sssss 00000 oooooooooooooooo", "rs,target", whenLikely(notZero), { ...BRANCH, alias: true }),
  likely("blezl", "010110 sssss 00000 oooooooooooooooo", "rs,target", whenLikely(notPositive), BRANCH),
  likely("bgtzl", "010111 sssss 00000 oooooooooooooooo", "rs,target", whenLikely(positive), BRANCH),
  likely("bltzl", "000001 sssss 00010 oooooooooooooooo", "rs,target", whenLikely(negative), BRANCH),
  likely("bgezl", "000001 sssss 00011 oooooooooooooooo", "rs,target", whenLikely(notNegative), BRANCH),
  likely("bltzall", "000001 sssss 10010 oooooooooooooooo", "rs,target", whenLikelyLinking(negative), CALLING_BRANCH),
  likely("bgezall", "000001 sssss 10011 oooooooooooooooo", "rs,target", whenLikelyLinking(notNegative), CALLING_BRANCH),
];
