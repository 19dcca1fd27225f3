/**
 * Data processing: the sixteen operations, and A32's three ways to name their second operand (ARM DDI 0406C, A5.2.1 to
 * A5.2.3). Thumb's encodings are in thumb16.ts and thumb32.ts, on the same operations.
 */
import type { Emitter, I32 } from "../emitter.ts";
import type { Flow } from "../isa.ts";
import type { Sum } from "./flags.ts";
import { add, addConstant, addWithCarry, setNz, setNzcv, subtract, subtractWithCarry } from "./flags.ts";
import { CF, LR, PC, readGpr, writeGpr } from "./registers.ts";
import type { ArmRow, Lift, LiftContext } from "./row.ts";
import { rowsOf } from "./row.ts";
import type { Shifted } from "./shifter.ts";
import { armImmediate, shiftByConstant, shiftByRegister } from "./shifter.ts";

const row = rowsOf("Data processing");

type Arithmetic = (e: Emitter, a: I32, b: Operand) => Sum;
type Logical = (e: Emitter, a: I32, b: I32) => I32;

/** A second operand; `constant` where it is one. */
export interface Operand extends Shifted {
  readonly constant?: number;
}

/**
 * What an operation does. `compare`: it only sets flags. `move`: it has no first operand. For logical operations the
 * carry is the shifter's, and V stays.
 */
export type Operation = {
  readonly name: string;
  readonly compare?: true;
  readonly move?: true;
} & ({ readonly arithmetic: Arithmetic } | { readonly logical: Logical });

const not = (e: Emitter, value: I32): I32 => e.i32.xor(value, e.const32(-1));
const plus: Arithmetic = (e, a, { value, constant }) =>
  constant === undefined ? add(e, a, value) : addConstant(e, a, constant);
const minus: Arithmetic = (e, a, { value }) => subtract(e, a, value);

/** By A32's opcode, bits 24 to 21. */
export const OPERATIONS = {
  and: { name: "and", logical: (e, a, b) => e.i32.and(a, b) },
  eor: { name: "eor", logical: (e, a, b) => e.i32.xor(a, b) },
  sub: { name: "sub", arithmetic: minus },
  rsb: { name: "rsb", arithmetic: (e, a, { value }) => subtract(e, value, a) },
  add: { name: "add", arithmetic: plus },
  adc: { name: "adc", arithmetic: (e, a, { value }) => addWithCarry(e, a, value) },
  sbc: { name: "sbc", arithmetic: (e, a, { value }) => subtractWithCarry(e, a, value) },
  rsc: { name: "rsc", arithmetic: (e, a, { value }) => subtractWithCarry(e, value, a) },
  tst: { name: "tst", compare: true, logical: (e, a, b) => e.i32.and(a, b) },
  teq: { name: "teq", compare: true, logical: (e, a, b) => e.i32.xor(a, b) },
  cmp: { name: "cmp", compare: true, arithmetic: minus },
  cmn: { name: "cmn", compare: true, arithmetic: plus },
  orr: { name: "orr", logical: (e, a, b) => e.i32.or(a, b) },
  mov: { name: "mov", move: true, logical: (_e, _a, b) => b },
  bic: { name: "bic", logical: (e, a, b) => e.i32.and(a, not(e, b)) },
  mvn: { name: "mvn", move: true, logical: (e, _a, b) => not(e, b) },
  /** Thumb only. */
  orn: { name: "orn", logical: (e, a, b) => e.i32.or(a, not(e, b)) },
} as const satisfies Record<string, Operation>;

/** The result, with the flags set if `setFlags`. */
export function operate(e: Emitter, operation: Operation, a: I32, operand: Operand, setFlags: boolean): I32 {
  if ("arithmetic" in operation) {
    const sum = operation.arithmetic(e, a, operand);
    if (setFlags) setNzcv(e, sum);
    return sum.value;
  }
  // The carry is made first: the operation may be `mov` from a register whose flags' values nothing has changed yet.
  const value = operation.logical(e, a, operand.value);
  if (setFlags) {
    if (operand.carry) e.set(CF, operand.carry());
    setNz(e, value);
  }
  return value;
}

/** The immediate as an operand. */
export function constantOperand(
  e: Emitter,
  { value, carry }: { readonly value: number; readonly carry?: number },
): Operand {
  return {
    value: e.const32(value),
    constant: value,
    ...(carry === undefined ? {} : { carry: () => e.const32(carry) }),
  };
}

/** Ends the block with a jump to a computed address that has the Thumb bit as BXWritePC takes it. */
export function jumpTo(e: Emitter, target: I32, isReturn: boolean): void {
  if (isReturn) e.returnTo(target);
  else e.jumpIndirect(target);
}

interface Common {
  readonly d: number;
  readonly S?: number;
}

/**
 * The meaning of an operation whose operands `first` and `second` make. A result for r15 is a jump: with interworking in
 * A32 (ALUWritePC of ARMv7), within T32 in Thumb.
 */
export function dataProcessing<F extends Partial<Common> & { readonly n?: number; readonly m?: number }>(
  operation: Operation,
  second: (e: Emitter, fields: F, context: LiftContext) => Operand,
  setsFlags: (fields: NoInfer<F>, context: LiftContext) => boolean = ({ S }) => S !== 0,
): Lift<F> {
  return (e, fields, context) => {
    const operand = second(e, fields, context);
    const a = operation.move ? e.const32(0) : readGpr(e, context, fields.n ?? fields.d ?? 0);
    const result = operate(e, operation, a, operand, operation.compare === true || setsFlags(fields, context));
    if (operation.compare) return;
    const d = fields.d ?? 0;
    if (d !== PC) writeGpr(e, context, d, result);
    else jumpTo(e, context.thumb ? e.i32.or(result, e.const32(1)) : result, operation.move === true && fields.m === LR);
  };
}

/** The flow of a data-processing row: to r15 it is a jump, of which `mov pc, lr` is a return. */
export function resultFlow(operation: Operation): (fields: { readonly d?: number; readonly m?: number }) => Flow {
  if (operation.compare) return () => ({ kind: "next" });
  return ({ d, m }) => (d !== PC ? { kind: "next" } : { kind: operation.move && m === LR ? "return" : "jumpIndirect" });
}

const isPlain = ({ S, d }: { readonly S?: number; readonly d?: number }): boolean => S !== 1 && d !== PC;

interface Shift {
  readonly d: number;
  readonly n: number;
  readonly S: number;
  readonly m: number;
  readonly h: number;
}

const A32_OPCODES = [
  "and",
  "eor",
  "sub",
  "rsb",
  "add",
  "adc",
  "sbc",
  "rsc",
  "tst",
  "teq",
  "cmp",
  "cmn",
  "orr",
  "mov",
  "bic",
  "mvn",
] as const;

/** A32's rows of one operation. */
function armRows(name: (typeof A32_OPCODES)[number], opcode: number): ArmRow[] {
  const operation: Operation = OPERATIONS[name];
  const op = opcode.toString(2).padStart(4, "0");
  const s = operation.compare ? "1" : "S";
  const n = operation.move ? "0000" : "nnnn";
  const d = operation.compare ? "0000" : "dddd";
  const registers = operation.compare ? "rn, " : operation.move ? "rd, " : "rd, rn, ";
  const mnemonic = operation.compare ? `${name}{c}` : `${name}{s}{c}`;
  const info = {
    flow: resultFlow(operation),
    guarded: operation.compare ? false : isPlain,
    harmless: true,
    // With S, a result for r15 would be an exception return, which a user program has none of.
    when: (fields: { readonly S?: number; readonly d?: number }) =>
      operation.compare === true || fields.d !== PC || fields.S !== 1,
  } as const;
  const shifted = dataProcessing<Shift & { readonly k: number }>(operation, (e, { m, h, k }, context) =>
    shiftByConstant(e, readGpr(e, context, m), h, k),
  );
  const shiftedByRegister = dataProcessing<Shift & { readonly r: number }>(operation, (e, { m, h, r }, context) =>
    shiftByRegister(e, readGpr(e, context, m), h, readGpr(e, context, r)),
  );
  const byConstant = `cccc 000 ${op} ${s} ${n} ${d} kkkkk hh 0 mmmm` as "Sndkhm";
  const byRegister = `cccc 000 ${op} ${s} ${n} ${d} rrrr 0 hh 1 mmmm` as "Sndrhm";
  const noPc = ({
    n: rn,
    d: rd,
    m,
    r,
  }: {
    readonly n?: number;
    readonly d?: number;
    readonly m: number;
    readonly r: number;
  }): boolean => m !== PC && r !== PC && rn !== PC && rd !== PC;
  const rows = [
    row(
      mnemonic,
      `cccc 001 ${op} ${s} ${n} ${d} iiiiiiiiiiii` as "Sndi",
      `${registers}{armimm}`,
      dataProcessing(operation, (e, { i }) => constantOperand(e, armImmediate(i))),
      info,
    ),
  ];
  if (name === "mov") {
    // objdump prints a move of a shifted register as the shift.
    rows.push(
      row(
        mnemonic,
        byConstant.replace("kkkkk hh", "00000 00") as "Sndkhm",
        "rd, rm",
        dataProcessing(operation, (e, { m }, context) => ({ value: readGpr(e, context, m) })),
        info,
      ),
      row("{shiftname}{s}{c}", byConstant, "rd, rm{shiftamount}", shifted, {
        ...info,
        alias: true,
        when: (f) => info.when(f) && (f.h !== 0 || f.k !== 0),
      }),
      row("{regshift}{s}{c}", byRegister, "rd, rm, rr", shiftedByRegister, { ...info, alias: true, when: noPc }),
    );
  } else {
    rows.push(
      row(mnemonic, byConstant, `${registers}rm{shift}`, shifted, info),
      row(mnemonic, byRegister, `${registers}rm, {regshift} rr`, shiftedByRegister, { ...info, when: noPc }),
    );
  }
  return rows;
}

const moveWide: Lift<{ readonly d: number; readonly i: number }> = (e, { d, i }, context) =>
  writeGpr(e, context, d, e.const32(i));
const moveTop: Lift<{ readonly d: number; readonly i: number }> = (e, { d, i }, context) =>
  writeGpr(e, context, d, e.i32.or(e.i32.and(readGpr(e, context, d), e.const32(0xffff)), e.const32(i << 16)));
const SIMPLE = { guarded: true, harmless: true } as const;

export const DATA_PROCESSING_A32: readonly ArmRow[] = [
  ...A32_OPCODES.flatMap(armRows),
  row("movw{c}", "cccc 0011 0000 iiii dddd iiiiiiiiiiii", "rd, {hexless}", moveWide, {
    ...SIMPLE,
    needs: "v6t2",
    when: ({ d }) => d !== PC,
  }),
  row("movt{c}", "cccc 0011 0100 iiii dddd iiiiiiiiiiii", "rd, {hexless}", moveTop, {
    ...SIMPLE,
    needs: "v6t2",
    when: ({ d }) => d !== PC,
  }),
];
export const MOVE_WIDE = moveWide;
export const MOVE_TOP = moveTop;
