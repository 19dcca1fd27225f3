/**
 * Thumb's own encodings of data processing: 16 bits (ARM DDI 0406C, A6.2) and 32 bits (A6.3.1 to A6.3.3, A6.3.11, A6.3.12).
 *
 * Most 16-bit instructions set the flags, but not inside of an IT block. There, an instruction that sets none is what its
 * row calls `guarded`; outside, nothing is conditional and nobody asks.
 */
import { setNz } from "./flags.ts";
import type { Operation } from "./data-processing.ts";
import {
  constantOperand,
  dataProcessing,
  MOVE_TOP,
  MOVE_WIDE,
  OPERATIONS,
  operate,
  resultFlow,
} from "./data-processing.ts";
import { REVERSALS } from "./media.ts";
import { PC, readGpr, SP, writeGpr } from "./registers.ts";
import type { ArmRow, LiftContext } from "./row.ts";
import { rowsOf, withoutPc } from "./row.ts";
import { isThumbImmediate, shiftByConstant, shiftByRegister, thumbImmediate } from "./shifter.ts";

const row = rowsOf("Data processing");
const media = rowsOf("Media");

const outsideIt = (_fields: unknown, { inItBlock }: LiftContext): boolean => !inItBlock;
const never = (): boolean => false;
const PURE = { guarded: true, harmless: true } as const;
const COMPARE = { harmless: true } as const;
const { add, sub, rsb, mov, cmp } = OPERATIONS;

// ── 16 bits ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** The two-register operations, by bits 9 to 6. */
const TWO_REGISTERS: readonly (readonly [Operation, string])[] = [
  [OPERATIONS.and, "0000"],
  [OPERATIONS.eor, "0001"],
  [OPERATIONS.adc, "0101"],
  [OPERATIONS.sbc, "0110"],
  [OPERATIONS.orr, "1100"],
  [OPERATIONS.bic, "1110"],
  [OPERATIONS.mvn, "1111"],
];
const COMPARISONS: readonly (readonly [Operation, string])[] = [
  [OPERATIONS.tst, "1000"],
  [OPERATIONS.cmp, "1010"],
  [OPERATIONS.cmn, "1011"],
];
const SHIFTS = ["lsl", "lsr", "asr", "ror"] as const;
const REGISTER_SHIFTS = ["0010", "0011", "0100", "0111"] as const;

export const DATA_PROCESSING_T16: readonly ArmRow[] = [
  ...SHIFTS.slice(0, 3).map((name, h) =>
    row(
      `${name}{q}`,
      `000 ${h.toString(2).padStart(2, "0")} kkkkk mmm ddd` as "kmd",
      "rd, rm, {amount}",
      dataProcessing(mov, (e, { m, k }, context) => shiftByConstant(e, readGpr(e, context, m), h, k), outsideIt),
      PURE,
    ),
  ),
  row(
    "mov{q}",
    "000 00 00000 mmm ddd",
    "rd, rm",
    dataProcessing(mov, (e, { m }, context) => ({ value: readGpr(e, context, m) }), outsideIt),
    { ...PURE, alias: true },
  ),
  row(
    "add{q}",
    "00011 00 mmm nnn ddd",
    "rd, rn, rm",
    dataProcessing(add, (e, { m }, context) => ({ value: readGpr(e, context, m) }), outsideIt),
    PURE,
  ),
  row(
    "sub{q}",
    "00011 01 mmm nnn ddd",
    "rd, rn, rm",
    dataProcessing(sub, (e, { m }, context) => ({ value: readGpr(e, context, m) }), outsideIt),
    PURE,
  ),
  row(
    "add{q}",
    "00011 10 iii nnn ddd",
    "rd, rn, {number}",
    dataProcessing(add, (e, { i }) => constantOperand(e, { value: i }), outsideIt),
    PURE,
  ),
  row(
    "sub{q}",
    "00011 11 iii nnn ddd",
    "rd, rn, {number}",
    dataProcessing(sub, (e, { i }) => constantOperand(e, { value: i }), outsideIt),
    PURE,
  ),
  row(
    "mov{q}",
    "00100 ddd iiiiiiii",
    "rd, {number}",
    dataProcessing(mov, (e, { i }) => constantOperand(e, { value: i }), outsideIt),
    PURE,
  ),
  row(
    "cmp{c}",
    "00101 nnn iiiiiiii",
    "rn, {number}",
    dataProcessing(cmp, (e, { i }) => constantOperand(e, { value: i })),
    COMPARE,
  ),
  row(
    "add{q}",
    "00110 ddd iiiiiiii",
    "rd, {number}",
    dataProcessing(add, (e, { i }) => constantOperand(e, { value: i }), outsideIt),
    PURE,
  ),
  row(
    "sub{q}",
    "00111 ddd iiiiiiii",
    "rd, {number}",
    dataProcessing(sub, (e, { i }) => constantOperand(e, { value: i }), outsideIt),
    PURE,
  ),
  ...TWO_REGISTERS.map(([operation, op]) =>
    row(
      `${operation.name}{q}`,
      `010000 ${op} mmm ddd` as "md",
      "rd, rm",
      dataProcessing(operation, (e, { m }, context) => ({ value: readGpr(e, context, m) }), outsideIt),
      PURE,
    ),
  ),
  ...COMPARISONS.map(([operation, op]) =>
    row(
      `${operation.name}{c}`,
      `010000 ${op} mmm nnn` as "mn",
      "rn, rm",
      dataProcessing(operation, (e, { m }, context) => ({ value: readGpr(e, context, m) })),
      COMPARE,
    ),
  ),
  ...SHIFTS.map((name, h) =>
    row(
      `${name}{q}`,
      `010000 ${REGISTER_SHIFTS[h]!} mmm ddd` as "md",
      "rd, rm",
      dataProcessing(
        mov,
        (e, { m, d }, context) => shiftByRegister(e, readGpr(e, context, d), h, readGpr(e, context, m)),
        outsideIt,
      ),
      PURE,
    ),
  ),
  row(
    "{negated}",
    "010000 1001 nnn ddd",
    "rd, rn{comma0}",
    dataProcessing(rsb, (e) => constantOperand(e, { value: 0 }), outsideIt),
    PURE,
  ),
  row(
    "mul{q}",
    "010000 1101 mmm ddd",
    "rd, rm{againrd}",
    (e, { m, d }, context) => {
      const result = e.i32.mul(readGpr(e, context, d), readGpr(e, context, m));
      writeGpr(e, context, d, result);
      if (!context.inItBlock) setNz(e, result);
    },
    PURE,
  ),

  row(
    "add{c}",
    "01000100 d mmmm ddd",
    "rd, rm",
    dataProcessing(add, (e, { m }, context) => ({ value: readGpr(e, context, m) }), never),
    {
      ...PURE,
      flow: resultFlow(add),
      when: ({ d, m }) => d !== PC || m !== PC,
    },
  ),
  row(
    "cmp{c}",
    "01000101 n mmmm nnn",
    "rn, rm",
    dataProcessing(cmp, (e, { m }, context) => ({ value: readGpr(e, context, m) })),
    { ...COMPARE, when: ({ n, m }) => n !== PC && m !== PC },
  ),
  row(
    "mov{c}",
    "01000110 d mmmm ddd",
    "rd, rm",
    dataProcessing(mov, (e, { m }, context) => ({ value: readGpr(e, context, m) }), never),
    { ...PURE, flow: resultFlow(mov) },
  ),

  row(
    "add{c}",
    "10100 ddd iiiiiiii",
    "rd, pc, {number4}",
    (e, { d, i }, context) => writeGpr(e, context, d, e.const32((context.pcValue & ~3) + 4 * i)),
    PURE,
  ),
  row(
    "add{c}",
    "10101 ddd iiiiiiii",
    "rd, sp, {number4}",
    (e, { d, i }, context) => writeGpr(e, context, d, e.i32.add(readGpr(e, context, SP), e.const32(4 * i))),
    PURE,
  ),
  row(
    "add{c}",
    "10110000 0 iiiiiii",
    "sp, {number4}",
    (e, { i }, context) => writeGpr(e, context, SP, e.i32.add(readGpr(e, context, SP), e.const32(4 * i))),
    PURE,
  ),
  row(
    "sub{c}",
    "10110000 1 iiiiiii",
    "sp, {number4}",
    (e, { i }, context) => writeGpr(e, context, SP, e.i32.sub(readGpr(e, context, SP), e.const32(4 * i))),
    PURE,
  ),

  media(
    "sxth{c}",
    "10110010 00 mmm ddd",
    "rd, rm",
    (e, { m, d }, context) => writeGpr(e, context, d, e.i32.extend16S(readGpr(e, context, m))),
    { ...PURE, needs: "v6" },
  ),
  media(
    "sxtb{c}",
    "10110010 01 mmm ddd",
    "rd, rm",
    (e, { m, d }, context) => writeGpr(e, context, d, e.i32.extend8S(readGpr(e, context, m))),
    { ...PURE, needs: "v6" },
  ),
  media(
    "uxth{c}",
    "10110010 10 mmm ddd",
    "rd, rm",
    (e, { m, d }, context) => writeGpr(e, context, d, e.i32.and(readGpr(e, context, m), e.const32(0xffff))),
    { ...PURE, needs: "v6" },
  ),
  media(
    "uxtb{c}",
    "10110010 11 mmm ddd",
    "rd, rm",
    (e, { m, d }, context) => writeGpr(e, context, d, e.i32.and(readGpr(e, context, m), e.const32(0xff))),
    { ...PURE, needs: "v6" },
  ),
  ...(
    [
      ["rev", "00"],
      ["rev16", "01"],
      ["revsh", "11"],
    ] as const
  ).map(([name, op]) =>
    media(
      `${name}{c}`,
      `10111010 ${op} mmm ddd` as "md",
      "rd, rm",
      (e, { m, d }, context) => writeGpr(e, context, d, REVERSALS[name](e, readGpr(e, context, m))),
      { ...PURE, needs: "v6" },
    ),
  ),
];

// ── 32 bits ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Bits 24 to 21; the comparison or move that the same bits mean where Rd or Rn is r15. `narrow`: there is a 16-bit twin. */
const WIDE: readonly {
  readonly op: string;
  readonly operation: Operation;
  readonly compare?: Operation;
  readonly move?: Operation;
  readonly narrow: boolean;
}[] = [
  { op: "0000", operation: OPERATIONS.and, compare: OPERATIONS.tst, narrow: true },
  { op: "0001", operation: OPERATIONS.bic, narrow: true },
  { op: "0010", operation: OPERATIONS.orr, move: OPERATIONS.mov, narrow: true },
  { op: "0011", operation: OPERATIONS.orn, move: OPERATIONS.mvn, narrow: false },
  { op: "0100", operation: OPERATIONS.eor, compare: OPERATIONS.teq, narrow: true },
  { op: "1000", operation: OPERATIONS.add, compare: OPERATIONS.cmn, narrow: true },
  { op: "1010", operation: OPERATIONS.adc, narrow: true },
  { op: "1011", operation: OPERATIONS.sbc, narrow: true },
  { op: "1101", operation: OPERATIONS.sub, compare: OPERATIONS.cmp, narrow: true },
  { op: "1110", operation: OPERATIONS.rsb, narrow: false },
];

const noFlags = ({ S }: { readonly S?: number }): boolean => S !== 1;
const BASIC = { harmless: true, needs: "v6t2", guarded: noFlags } as const;
const COMPARE_WIDE = { harmless: true, needs: "v6t2" } as const;

function wideRows({ op, operation, compare, move, narrow }: (typeof WIDE)[number]): ArmRow[] {
  const w = narrow ? ".w" : "";
  const forms = [
    {
      name: `${operation.name}{s}{c}`,
      operation,
      w,
      bits: (mid: string) => `${op} S nnnn ${mid}`,
      d: "dddd",
      registers: "rd, rn, ",
      info: BASIC,
    },
    ...(compare
      ? [
          {
            name: `${compare.name}{c}`,
            operation: compare,
            w: compare.name === "teq" ? "" : ".w",
            bits: (mid: string) => `${op} 1 nnnn ${mid}`,
            d: "1111",
            registers: "rn, ",
            info: COMPARE_WIDE,
          },
        ]
      : []),
    ...(move
      ? [
          {
            name: `${move.name}{s}{c}`,
            operation: move,
            w: ".w",
            bits: (mid: string) => `${op} S 1111 ${mid}`,
            d: "dddd",
            registers: "rd, ",
            info: BASIC,
          },
        ]
      : []),
  ];
  return forms.flatMap((form) => {
    const f = form.operation;
    return [
      row(
        form.name + form.w,
        `11110 i 0 ${form.bits(`0 iii ${form.d} iiiiiiii`)}` as "iSnd",
        `${form.registers}{thumbimm}`,
        dataProcessing(f, (e, { i }) => constantOperand(e, thumbImmediate(i))),
        { ...form.info, when: ({ d, n, i }) => d !== PC && n !== PC && isThumbImmediate(i) },
      ),
      row(
        form.name + form.w,
        `11101 01 ${form.bits(`0 kkk ${form.d} kk hh mmmm`)}` as "kShndm",
        `${form.registers}rm{shift}`,
        dataProcessing(f, (e, { m, h, k }, context) => shiftByConstant(e, readGpr(e, context, m), h, k)),
        { ...form.info, when: withoutPc },
      ),
    ];
  });
}

const addWide =
  (sign: 1 | -1) =>
  (
    e: Parameters<ArmRow["lift"]>[0],
    { d, n, i }: { readonly d: number; readonly n: number; readonly i: number },
    context: LiftContext,
  ): void => {
    const from = n === PC ? e.const32(context.pcValue & ~3) : readGpr(e, context, n);
    writeGpr(e, context, d, e.i32.add(from, e.const32(sign * i)));
  };
const wideMove = ({ p, j, i }: { readonly p: number; readonly j: number; readonly i: number }): number =>
  (p << 12) | (j << 11) | i;
const PURE_WIDE = { ...PURE, needs: "v6t2", when: ({ d }: { readonly d: number }) => d !== PC } as const;

export const DATA_PROCESSING_T32: readonly ArmRow[] = [
  ...WIDE.flatMap(wideRows),
  row(
    "{regshift}{s}{c}.w",
    "11111010 0 hh S nnnn 1111 dddd 0000 mmmm",
    "rd, rn, rm",
    (e, { d, n, m, h, S }, context) =>
      writeGpr(
        e,
        context,
        d,
        operate(e, mov, e.const32(0), shiftByRegister(e, readGpr(e, context, n), h, readGpr(e, context, m)), S === 1),
      ),
    { ...BASIC, when: withoutPc },
  ),
  row("addw{c}", "11110 i 10000 0 nnnn 0 iii dddd iiiiiiii", "rd, rn, {number}", addWide(1), PURE_WIDE),
  row("subw{c}", "11110 i 10101 0 nnnn 0 iii dddd iiiiiiii", "rd, rn, {number}", addWide(-1), PURE_WIDE),
  row(
    "movw{c}",
    "11110 j 10 0100 pppp 0 iii dddd iiiiiiii",
    "rd, {movimm}",
    (e, f, context) => MOVE_WIDE(e, { d: f.d, i: wideMove(f) }, context),
    PURE_WIDE,
  ),
  row(
    "movt{c}",
    "11110 j 10 1100 pppp 0 iii dddd iiiiiiii",
    "rd, {movimm}",
    (e, f, context) => MOVE_TOP(e, { d: f.d, i: wideMove(f) }, context),
    PURE_WIDE,
  ),
];
