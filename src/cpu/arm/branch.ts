/**
 * Branches, calls and returns (ARM DDI 0406C, A4.3; encodings in A5.5, A5.2.12 and A6.2.3 to A6.2.8, A6.3.4, A6.3.6).
 *
 * Addresses carry the Thumb bit (registers.ts), and `bx` takes them as they are.
 */
import type { Emitter, I32 } from "../emitter.ts";
import type { Flow } from "../isa.ts";
import { base } from "./load-store.ts";
import { jumpTo } from "./data-processing.ts";
import { GPR, LR, PC, readGpr } from "./registers.ts";
import type { ArmRow, FlowOf, Lift, LiftContext } from "./row.ts";
import { rowsOf } from "./row.ts";

const row = rowsOf("Branch");

/** What a target is computed from. */
export interface Place {
  readonly pcValue: number;
  readonly thumb: boolean;
}
const signExtend = (value: number, bits: number): number => (value << (32 - bits)) >> (32 - bits);

/** Targets of the encodings' fields, with the Thumb bit. Exported for the disassembler. */
export const TARGETS = {
  /** 24-bit offset of words. */
  arm: ({ i }: { readonly i: number }, { pcValue }: Place): number => (pcValue + 4 * signExtend(i, 24)) >>> 0,
  /** `blx`: 24 bits, and a halfword bit; to Thumb. */
  armToThumb: ({ i, h }: { readonly i: number; readonly h: number }, { pcValue }: Place): number =>
    ((pcValue + 4 * signExtend(i, 24) + 2 * h) | 1) >>> 0,
  thumb8: ({ i }: { readonly i: number }, { pcValue }: Place): number => ((pcValue + 2 * signExtend(i, 8)) | 1) >>> 0,
  thumb11: ({ i }: { readonly i: number }, { pcValue }: Place): number => ((pcValue + 2 * signExtend(i, 11)) | 1) >>> 0,
  /** `cbz`: forwards only. */
  thumb6: ({ i }: { readonly i: number }, { pcValue }: Place): number => ((pcValue + 2 * i) | 1) >>> 0,
  /** `b<c>.w`: sign, J2, J1, 6 and 11 bits. */
  thumb20: ({ s, x, y, i, j }: Wide, { pcValue }: Place): number =>
    ((pcValue + 2 * signExtend((s << 19) | (y << 18) | (x << 17) | (i << 11) | j, 20)) | 1) >>> 0,
  /** `b.w`, `bl`: sign, I1 and I2 (the negated differences of J1 and J2 from the sign), 10 and 11 bits. */
  thumb24: (fields: Wide, { pcValue }: Place): number => ((pcValue + wideOffset(fields)) | 1) >>> 0,
  /** `blx` from Thumb: to A32, so counted from a multiple of 4. */
  thumbToArm: (fields: Wide, { pcValue }: Place): number => ((pcValue & ~3) + wideOffset(fields)) >>> 0,
} as const;

interface Wide {
  readonly s: number;
  readonly x: number;
  readonly y: number;
  readonly i: number;
  readonly j: number;
}
function wideOffset({ s, x, y, i, j }: Wide): number {
  return 2 * signExtend((s << 23) | ((x ^ s ^ 1) << 22) | ((y ^ s ^ 1) << 21) | (i << 11) | j, 24);
}

type TargetOf<F> = (fields: F, place: Place) => number;

const jump = <F>(target: TargetOf<F>): readonly [Lift<F>, { readonly flow: FlowOf<F> }] => [
  (e, fields, context) => e.jump(target(fields, context)),
  { flow: (fields, place) => ({ kind: "jump", target: target(fields, place) }) },
];

const call = <F>(target: TargetOf<F>): readonly [Lift<F>, { readonly flow: FlowOf<F> }] => [
  (e, fields, context) => {
    e.set(GPR[LR]!, e.const32(context.next));
    e.callDirect(target(fields, context), context.next);
  },
  { flow: (fields, place) => ({ kind: "call", target: target(fields, place) }) },
];

/** `bx`: through `lr` it is a return, through anything else a switch, a tail call or a veneer. */
const exchangeFlow = ({ m }: { readonly m: number }): Flow => ({ kind: m === LR ? "return" : "jumpIndirect" });
const exchange: Lift<{ readonly m: number }> = (e, { m }, context) => jumpTo(e, readGpr(e, context, m), m === LR);

const callRegister: Lift<{ readonly m: number }> = (e, { m }, context) => {
  const target = readGpr(e, context, m);
  e.set(GPR[LR]!, e.const32(context.next));
  e.callIndirect(target, context.next);
};
const CALL_REGISTER = {
  flow: (): Flow => ({ kind: "callIndirect" }),
  needs: "v5",
  when: ({ m }: { readonly m: number }) => m !== PC,
} as const;

const compareAndBranch =
  (isZero: boolean): Lift<{ readonly n: number; readonly i: number }> =>
  (e, fields, context) => {
    const value = e.get(GPR[fields.n]!);
    e.branch(isZero ? e.i32.eqz(value) : e.i32.ne(value, e.const32(0)), TARGETS.thumb6(fields, context), context.next);
  };
const COMPARE_AND_BRANCH = {
  flow: (fields: { readonly i: number }, place: Place): Flow => ({
    kind: "branch",
    target: TARGETS.thumb6(fields, place),
  }),
  needs: "v6t2",
} as const;

/** `tbb`, `tbh`: the table's entries are distances in halfwords. */
const tableBranch =
  (load: (e: Emitter, base: I32, index: I32) => I32): Lift<{ readonly n: number; readonly m: number }> =>
  (e, { n, m }, context: LiftContext) => {
    const distance = load(e, n === PC ? e.const32(context.pcValue) : base(e, context, n), readGpr(e, context, m));
    e.jumpIndirect(e.i32.or(e.i32.add(e.const32(context.pcValue), e.i32.shl(distance, e.const32(1))), e.const32(1)));
  };
const TABLE_BRANCH = {
  flow: (): Flow => ({ kind: "jumpIndirect" }),
  needs: "v6t2",
  when: ({ m }: { readonly m: number }) => m !== PC,
} as const;

export const BRANCH_A32: readonly ArmRow[] = [
  row("b{c}", "cccc 1010 iiiiiiiiiiiiiiiiiiiiiiii", "{target}", ...jump(TARGETS.arm)),
  row("bl{c}", "cccc 1011 iiiiiiiiiiiiiiiiiiiiiiii", "{target}", ...call(TARGETS.arm)),
  row("blx", "1111 101 h iiiiiiiiiiiiiiiiiiiiiiii", "{targetthumb}", call(TARGETS.armToThumb)[0], {
    ...call(TARGETS.armToThumb)[1],
    needs: "v5",
  }),
  row("bx{c}", "cccc 00010010 1111 1111 1111 0001 mmmm", "rm", exchange, { flow: exchangeFlow }),
  // Without Jazelle's hardware or software, `bxj` is `bx` (A8.8.28).
  row("bxj{c}", "cccc 00010010 1111 1111 1111 0010 mmmm", "rm", exchange, {
    flow: exchangeFlow,
    needs: "v5te",
    when: ({ m }) => m !== PC,
  }),
  row("blx{c}", "cccc 00010010 1111 1111 1111 0011 mmmm", "rm", callRegister, CALL_REGISTER),
];

export const BRANCH_T16: readonly ArmRow[] = [
  row("b{c}.n", "1101 cccc iiiiiiii", "{target8}", ...jump(TARGETS.thumb8)),
  row("b{c}.n", "11100 iiiiiiiiiii", "{target11}", ...jump(TARGETS.thumb11)),
  row("bx{c}", "010001110 mmmm 000", "rm", exchange, { flow: exchangeFlow }),
  row("blx{c}", "010001111 mmmm 000", "rm", callRegister, CALL_REGISTER),
  row("cbz", "1011 00 i 1 iiiii nnn", "rn, {target6}", compareAndBranch(true), COMPARE_AND_BRANCH),
  row("cbnz", "1011 10 i 1 iiiii nnn", "rn, {target6}", compareAndBranch(false), COMPARE_AND_BRANCH),
];

export const BRANCH_T32: readonly ArmRow[] = [
  row("b{c}.w", "11110 s cccc iiiiii 10 x 0 y jjjjjjjjjjj", "{target20}", jump(TARGETS.thumb20)[0], {
    ...jump(TARGETS.thumb20)[1],
    needs: "v6t2",
    when: (fields) => fields.c < 14,
  }),
  row("b{c}.w", "11110 s iiiiiiiiii 10 x 1 y jjjjjjjjjjj", "{target24}", jump(TARGETS.thumb24)[0], {
    ...jump(TARGETS.thumb24)[1],
    needs: "v6t2",
  }),
  // The pair of halfwords that ARMv4T has, too, where J1 and J2 are always set.
  row("bl{c}", "11110 s iiiiiiiiii 11 x 1 y jjjjjjjjjjj", "{target24}", ...call(TARGETS.thumb24)),
  row("blx{c}", "11110 s iiiiiiiiii 11 x 0 y jjjjjjjjjjj", "{targetarm}", call(TARGETS.thumbToArm)[0], {
    ...call(TARGETS.thumbToArm)[1],
    needs: "v5",
    when: ({ j }) => (j & 1) === 0,
  }),
  row("bxj{c}", "111100111100 mmmm 1000111100000000", "rm", exchange, {
    flow: exchangeFlow,
    needs: "v6t2",
    when: ({ m }) => m !== PC,
  }),
  row(
    "tbb{c}",
    "111010001101 nnnn 1111 0000 0000 mmmm",
    "{tableb}",
    tableBranch((e, from, index) => e.load8U(e.i32.add(from, index))),
    TABLE_BRANCH,
  ),
  row(
    "tbh{c}",
    "111010001101 nnnn 1111 0000 0001 mmmm",
    "{tableh}",
    tableBranch((e, from, index) => e.load16U(e.i32.add(from, e.i32.shl(index, e.const32(1))))),
    TABLE_BRANCH,
  ),
];
