/**
 * Loads and stores of one register or two (ARM DDI 0406C, A4.6; encodings in A5.2.8, A5.3 and A6.3.7 to A6.3.10).
 *
 * Any alignment works: ARMv6 and later do it in hardware for single registers, and where hardware does not (`ldrd`,
 * `ldm`, all of ARMv5) Linux does the access itself (arch/arm/mm/alignment.c), so that to a program it simply works.
 * `ldrt` and its like are ordinary accesses to a program that is already unprivileged.
 *
 * Memory comes first, the base register's new value then, the loaded register last: an instruction that faults has
 * changed no register.
 */
import type { Emitter, I32 } from "../emitter.ts";
import type { Flow } from "../isa.ts";
import { jumpTo } from "./data-processing.ts";
import { PC, readGpr, SP, writeGpr } from "./registers.ts";
import type { ArmRow, LiftContext, RowInfo } from "./row.ts";
import { rowsOf } from "./row.ts";
import { LSL, shiftByConstant } from "./shifter.ts";

const row = rowsOf("Load and store");

type Load = (e: Emitter, at: I32) => I32;
type Store = (e: Emitter, at: I32, value: I32) => void;

/** The accesses of one register. */
export const ACCESSES = {
  ldr: { load: (e: Emitter, at: I32): I32 => e.load32(at) },
  ldrb: { load: (e: Emitter, at: I32): I32 => e.load8U(at) },
  ldrh: { load: (e: Emitter, at: I32): I32 => e.load16U(at) },
  ldrsb: { load: (e: Emitter, at: I32): I32 => e.load8S(at) },
  ldrsh: { load: (e: Emitter, at: I32): I32 => e.load16S(at) },
  str: { store: (e: Emitter, at: I32, value: I32): void => e.store32(at, value) },
  strb: { store: (e: Emitter, at: I32, value: I32): void => e.store8(at, value) },
  strh: { store: (e: Emitter, at: I32, value: I32): void => e.store16(at, value) },
} as const satisfies Record<string, { readonly load: Load } | { readonly store: Store }>;
type AccessName = keyof typeof ACCESSES;
type Access = { readonly load: Load } | { readonly store: Store };

/** `P`: the offset counts before the access; `U`: it is added; `W` (or not `P`): the base register is written. */
export interface Addressing {
  readonly n: number;
  readonly P?: number;
  readonly U?: number;
  readonly W?: number;
}

/** The base of an address: r15 counts as a multiple of 4. */
export function base(e: Emitter, context: LiftContext, n: number): I32 {
  return n === PC ? e.const32(context.pcValue & ~3) : readGpr(e, context, n);
}

/** The address of an access, and the base register's new value if it gets one. Letters left out are 1, `W` 0. */
function addresses(
  e: Emitter,
  context: LiftContext,
  { n, P = 1, U = 1, W = 0 }: Addressing,
  offset: I32 | number,
): { at: I32; written: I32 | undefined } {
  const from = base(e, context, n);
  const moved =
    typeof offset === "number"
      ? e.i32.add(from, e.const32(U === 1 ? offset : -offset))
      : U === 1
        ? e.i32.add(from, offset)
        : e.i32.sub(from, offset);
  return { at: P === 1 ? moved : from, written: P === 0 || W === 1 ? moved : undefined };
}

/** The meaning of a load or store of register `t`. */
function transfer<F extends Addressing & { readonly t: number }>(
  access: Access,
  offset: (e: Emitter, fields: F, context: LiftContext) => I32 | number,
) {
  return (e: Emitter, fields: F, context: LiftContext): void => {
    const { at, written } = addresses(e, context, fields, offset(e, fields, context));
    if ("store" in access) access.store(e, at, readGpr(e, context, fields.t));
    const loaded = "load" in access ? access.load(e, at) : undefined;
    if (written !== undefined) writeGpr(e, context, fields.n, written);
    if (loaded === undefined) return;
    if (fields.t === PC) jumpTo(e, loaded, isPop(fields));
    else writeGpr(e, context, fields.t, loaded);
  };
}

/** `ldr pc, [sp], #4` returns; any other load of r15 is a switch, a tail call or an entry of a procedure linkage table. */
const isPop = ({ n, P = 1 }: Addressing): boolean => n === SP && P === 0;
const loadFlow = (fields: Addressing & { readonly t: number }): Flow =>
  fields.t !== PC ? { kind: "next" } : { kind: isPop(fields) ? "return" : "jumpIndirect" };

const writesBase = ({ P = 1, W = 0 }: Addressing): boolean => P === 0 || W === 1;
/** Writing back to r15, or to the register that is transferred, is UNPREDICTABLE. */
const baseAllowed = (fields: Addressing & { readonly t: number }): boolean =>
  !writesBase(fields) || (fields.n !== PC && fields.n !== fields.t);

const infoOf = (name: AccessName): RowInfo<Addressing & { readonly t: number }> =>
  "load" in ACCESSES[name] ? { flow: loadFlow } : {};

// ── A32 ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Words and bytes: 12-bit offsets, or a shifted register. */
function armWords(name: "ldr" | "ldrb" | "str" | "strb"): ArmRow[] {
  const access = ACCESSES[name];
  const b = name.endsWith("b") ? "1" : "0";
  const l = name.startsWith("ldr") ? "1" : "0";
  // Bytes have no use in r15.
  const when = (fields: Addressing & { readonly t: number }): boolean =>
    baseAllowed(fields) && (b === "0" || fields.t !== PC);
  return [
    row(
      `${name}{user}{c}`,
      `cccc 010 P U ${b} W ${l} nnnn tttt iiiiiiiiiiii` as "PUWnti",
      "rt, {address}",
      transfer(access, (_e, { i }) => i),
      { ...infoOf(name), when },
    ),
    row(
      `${name}{user}{c}`,
      `cccc 011 P U ${b} W ${l} nnnn tttt kkkkk hh 0 mmmm` as "PUWntkhm",
      "rt, {address}",
      transfer(access, (e, { m, h, k }, context) => shiftByConstant(e, readGpr(e, context, m), h, k).value),
      { ...infoOf(name), when: (fields) => when(fields) && fields.m !== PC },
    ),
  ];
}

/** Halfwords and signed bytes: 8-bit offsets, or a register. */
function armHalfwords(name: "ldrh" | "strh" | "ldrsb" | "ldrsh", op: string): ArmRow[] {
  const access = ACCESSES[name];
  const l = name === "strh" ? "0" : "1";
  const when = (fields: Addressing & { readonly t: number }): boolean => baseAllowed(fields) && fields.t !== PC;
  return [
    row(
      `${name}{user}{c}`,
      `cccc 000 P U 1 W ${l} nnnn tttt iiii 1 ${op} 1 iiii` as "PUWnti",
      "rt, {address}",
      transfer(access, (_e, { i }) => i),
      { when },
    ),
    row(
      `${name}{user}{c}`,
      `cccc 000 P U 0 W ${l} nnnn tttt 0000 1 ${op} 1 mmmm` as "PUWntm",
      "rt, {address}",
      transfer(access, (e, { m }, context) => readGpr(e, context, m)),
      { when: (fields) => when(fields) && fields.m !== PC },
    ),
  ];
}

interface Pair extends Addressing {
  readonly t: number;
  /** The second register; A32 takes the one after `t`. */
  readonly u?: number;
}

/** `ldrd`: both words are loaded before either register is written. */
function loadDual<F extends Pair>(offset: (e: Emitter, fields: F, context: LiftContext) => I32 | number) {
  return (e: Emitter, fields: F, context: LiftContext): void => {
    const { at, written } = addresses(e, context, fields, offset(e, fields, context));
    const first = e.load32(at);
    const second = e.load32(e.i32.add(at, e.const32(4)));
    if (written !== undefined) writeGpr(e, context, fields.n, written);
    writeGpr(e, context, fields.t, first);
    writeGpr(e, context, fields.u ?? fields.t + 1, second);
  };
}

function storeDual<F extends Pair>(offset: (e: Emitter, fields: F, context: LiftContext) => I32 | number) {
  return (e: Emitter, fields: F, context: LiftContext): void => {
    const { at, written } = addresses(e, context, fields, offset(e, fields, context));
    e.store32(at, readGpr(e, context, fields.t));
    e.store32(e.i32.add(at, e.const32(4)), readGpr(e, context, fields.u ?? fields.t + 1));
    if (written !== undefined) writeGpr(e, context, fields.n, written);
  };
}

const armPairAllowed = (fields: Pair): boolean =>
  (fields.t & 1) === 0 &&
  fields.t !== 14 &&
  (!writesBase(fields) || (fields.n !== PC && fields.n !== fields.t && fields.n !== fields.t + 1)) &&
  (fields.P === 1 || fields.W === 0);

function armDual(name: "ldrd" | "strd", op: string): ArmRow[] {
  const dual = name === "ldrd" ? loadDual : storeDual;
  return [
    row(
      `${name}{c}`,
      `cccc 000 P U 1 W 0 nnnn tttt iiii 1 ${op} 1 iiii` as "PUWnti",
      "rt, {address}",
      dual((_e, { i }) => i),
      { needs: "v5te", when: armPairAllowed },
    ),
    row(
      `${name}{c}`,
      `cccc 000 P U 0 W 0 nnnn tttt 0000 1 ${op} 1 mmmm` as "PUWntm",
      "rt, {address}",
      dual((e, { m }, context) => readGpr(e, context, m)),
      {
        needs: "v5te",
        when: (fields) =>
          armPairAllowed(fields) &&
          fields.m !== PC &&
          (name === "strd" || (fields.m !== fields.t && fields.m !== fields.t + 1)),
      },
    ),
  ];
}

/** Loads and stores together, because another thread may look between the two. */
const swap =
  (load: Load, store: Store) =>
  (
    e: Emitter,
    { n, t, m }: { readonly n: number; readonly t: number; readonly m: number },
    context: LiftContext,
  ): void => {
    const at = readGpr(e, context, n);
    const old = load(e, at);
    store(e, at, readGpr(e, context, m));
    writeGpr(e, context, t, old);
  };

const swapAllowed = ({ n, t, m }: { readonly n: number; readonly t: number; readonly m: number }): boolean =>
  n !== PC && t !== PC && m !== PC && n !== t && n !== m;

const nothing = (): void => {};
const hint = { harmless: true } as const;

export const LOAD_STORE_A32: readonly ArmRow[] = [
  ...(["ldr", "ldrb", "str", "strb"] as const).flatMap(armWords),
  ...armHalfwords("strh", "01"),
  ...armHalfwords("ldrh", "01"),
  ...armHalfwords("ldrsb", "10"),
  ...armHalfwords("ldrsh", "11"),
  ...armDual("ldrd", "10"),
  ...armDual("strd", "11"),
  row(
    "swp{c}",
    "cccc 00010000 nnnn tttt 0000 1001 mmmm",
    "rt, rm, {atn}",
    swap(ACCESSES.ldr.load, ACCESSES.str.store),
    { when: swapAllowed },
  ),
  row(
    "swpb{c}",
    "cccc 00010100 nnnn tttt 0000 1001 mmmm",
    "rt, rm, {atn}",
    swap(ACCESSES.ldrb.load, ACCESSES.strb.store),
    { when: swapAllowed },
  ),
  row("pld", "1111 0101 U101 nnnn 1111 iiiiiiiiiiii", "{address}", nothing, { ...hint, needs: "v5te" }),
  row("pldw", "1111 0101 U001 nnnn 1111 iiiiiiiiiiii", "{address}", nothing, { ...hint, needs: "v7" }),
  row("pli", "1111 0100 U101 nnnn 1111 iiiiiiiiiiii", "{address}", nothing, { ...hint, needs: "v7" }),
  row("pld", "1111 0111 U101 nnnn 1111 kkkkk hh 0 mmmm", "{address}", nothing, { ...hint, needs: "v5te" }),
  row("pldw", "1111 0111 U001 nnnn 1111 kkkkk hh 0 mmmm", "{address}", nothing, { ...hint, needs: "v7" }),
  row("pli", "1111 0110 U101 nnnn 1111 kkkkk hh 0 mmmm", "{address}", nothing, { ...hint, needs: "v7" }),
];

// ── T32 ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const T32_ACCESSES: readonly (readonly [AccessName, string, string])[] = [
  ["strb", "0", "000"],
  ["ldrb", "0", "001"],
  ["strh", "0", "010"],
  ["ldrh", "0", "011"],
  ["str", "0", "100"],
  ["ldr", "0", "101"],
  ["ldrsb", "1", "001"],
  ["ldrsh", "1", "011"],
];
const v6t2 = { needs: "v6t2" } as const;

/** All T32 forms of one access; loads of r15 are only words, the others' encodings are hints. */
function thumbAccess([name, sign, op]: readonly [AccessName, string, string]): ArmRow[] {
  const access = ACCESSES[name];
  const info = { ...infoOf(name), ...v6t2 };
  const allowed = ({ n, t }: Addressing & { readonly t: number }): boolean =>
    (t !== PC || name === "ldr") && (n !== PC || name.startsWith("ldr"));
  const notLiteral = (fields: Addressing & { readonly t: number }): boolean => allowed(fields) && fields.n !== PC;
  const rows = [
    row(
      `${name}{c}.w`,
      `1111100 ${sign} 1 ${op} nnnn tttt iiiiiiiiiiii` as "nti",
      "rt, {address}",
      transfer(access, (_e, { i }) => i),
      { ...info, when: notLiteral },
    ),
    row(
      `${name}{c}.w`,
      `1111100 ${sign} 0 ${op} nnnn tttt 1 P U W iiiiiiii` as "PUWnti",
      "rt, {address}",
      transfer(access, (_e, { i }) => i),
      {
        ...info,
        when: (fields) =>
          notLiteral(fields) &&
          baseAllowed(fields) &&
          (fields.P === 1 || fields.W === 1) &&
          !(fields.P === 1 && fields.U === 1 && fields.W === 0),
      },
    ),
    row(
      `${name}t{c}`,
      `1111100 ${sign} 0 ${op} nnnn tttt 1110 iiiiiiii` as "nti",
      "rt, {address}",
      transfer(access, (_e, { i }) => i),
      { ...v6t2, when: (fields) => notLiteral(fields) && fields.t !== PC },
    ),
    row(
      `${name}{c}.w`,
      `1111100 ${sign} 0 ${op} nnnn tttt 000000 kk mmmm` as "ntkm",
      "rt, {address}",
      transfer(access, (e, { m, k }, context) => shiftByConstant(e, readGpr(e, context, m), LSL, k).value),
      { ...info, when: (fields) => notLiteral(fields) && fields.m !== PC },
    ),
  ];
  if ("load" in access) {
    rows.push(
      row(
        `${name}{c}.w`,
        `1111100 ${sign} U ${op} 1111 tttt iiiiiiiiiiii` as "Uti",
        "rt, {literal}",
        (e, fields, context) => transfer(access, () => fields.i)(e, { ...fields, n: PC }, context),
        {
          ...v6t2,
          flow: ({ t }) => ({ kind: t === PC ? "jumpIndirect" : "next" }),
          when: ({ t }) => t !== PC || name === "ldr",
        },
      ),
    );
  }
  return rows;
}

const thumbPairAllowed = (fields: Pair): boolean =>
  fields.t !== PC &&
  fields.u !== PC &&
  (!writesBase(fields) || (fields.n !== PC && fields.n !== fields.t && fields.n !== fields.u)) &&
  (fields.P === 1 || fields.W === 1);

export const LOAD_STORE_T32: readonly ArmRow[] = [
  ...T32_ACCESSES.flatMap(thumbAccess),
  row(
    "ldrd{c}",
    "1110100 P U 1 W 1 nnnn tttt uuuu iiiiiiii",
    "rt, ru, {address4}",
    loadDual((_e, { i }) => 4 * i),
    {
      ...v6t2,
      when: (fields) => thumbPairAllowed(fields) && fields.t !== fields.u,
    },
  ),
  row(
    "strd{c}",
    "1110100 P U 1 W 0 nnnn tttt uuuu iiiiiiii",
    "rt, ru, {address4}",
    storeDual((_e, { i }) => 4 * i),
    {
      ...v6t2,
      when: (fields) => thumbPairAllowed(fields) && fields.n !== PC,
    },
  ),
  row("pld{c}", "111110001001 nnnn 1111 iiiiiiiiiiii", "{address}", nothing, {
    ...hint,
    ...v6t2,
    when: ({ n }) => n !== PC,
  }),
  row("pldw{c}", "111110001011 nnnn 1111 iiiiiiiiiiii", "{address}", nothing, {
    ...hint,
    needs: "v7",
    when: ({ n }) => n !== PC,
  }),
  row("pli{c}", "111110011001 nnnn 1111 iiiiiiiiiiii", "{address}", nothing, {
    ...hint,
    needs: "v7",
    when: ({ n }) => n !== PC,
  }),
  row("pld{c}", "111110000001 nnnn 1111 1100 iiiiiiii", "{addressdown}", nothing, {
    ...hint,
    ...v6t2,
    when: ({ n }) => n !== PC,
  }),
  row("pldw{c}", "111110000011 nnnn 1111 1100 iiiiiiii", "{addressdown}", nothing, {
    ...hint,
    needs: "v7",
    when: ({ n }) => n !== PC,
  }),
  row("pli{c}", "111110010001 nnnn 1111 1100 iiiiiiii", "{addressdown}", nothing, {
    ...hint,
    needs: "v7",
    when: ({ n }) => n !== PC,
  }),
  row("pld{c}", "111110000001 nnnn 1111 000000 kk mmmm", "{address}", nothing, {
    ...hint,
    ...v6t2,
    when: ({ n, m }) => n !== PC && m !== PC,
  }),
  row("pldw{c}", "111110000011 nnnn 1111 000000 kk mmmm", "{address}", nothing, {
    ...hint,
    needs: "v7",
    when: ({ n, m }) => n !== PC && m !== PC,
  }),
  row("pli{c}", "111110010001 nnnn 1111 000000 kk mmmm", "{address}", nothing, {
    ...hint,
    needs: "v7",
    when: ({ n, m }) => n !== PC && m !== PC,
  }),
  row("pld{c}", "11111000 U 001 1111 1111 iiiiiiiiiiii", "{literal}", nothing, { ...hint, ...v6t2 }),
  row("pli{c}", "11111001 U 001 1111 1111 iiiiiiiiiiii", "{literal}", nothing, { ...hint, needs: "v7" }),
];

// ── T16 ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const T16_REGISTER: readonly (readonly [AccessName, string])[] = [
  ["str", "000"],
  ["strh", "001"],
  ["strb", "010"],
  ["ldrsb", "011"],
  ["ldr", "100"],
  ["ldrh", "101"],
  ["ldrb", "110"],
  ["ldrsh", "111"],
];
const T16_IMMEDIATE: readonly (readonly [AccessName, string, string, number])[] = [
  ["str", "01100", "{narrow4}", 4],
  ["ldr", "01101", "{narrow4}", 4],
  ["strb", "01110", "{narrow1}", 1],
  ["ldrb", "01111", "{narrow1}", 1],
  ["strh", "10000", "{narrow2}", 2],
  ["ldrh", "10001", "{narrow2}", 2],
];

export const LOAD_STORE_T16: readonly ArmRow[] = [
  row("ldr{c}", "01001 ttt iiiiiiii", "rt, {literal4}", (e, { t, i }, context) =>
    transfer(ACCESSES.ldr, () => 4 * i)(e, { t, n: PC }, context),
  ),
  ...T16_REGISTER.map(([name, op]) =>
    row(
      `${name}{c}`,
      `0101 ${op} mmm nnn ttt` as "mnt",
      "rt, {address}",
      transfer(ACCESSES[name], (e, { m }, context) => readGpr(e, context, m)),
    ),
  ),
  ...T16_IMMEDIATE.map(([name, op, format, scale]) =>
    row(
      `${name}{c}`,
      `${op} iiiii nnn ttt` as "int",
      `rt, ${format}`,
      transfer(ACCESSES[name], (_e, { i }) => scale * i),
    ),
  ),
  row("str{c}", "10010 ttt iiiiiiii", "rt, {addresssp}", (e, { t, i }, context) =>
    transfer(ACCESSES.str, () => 4 * i)(e, { t, n: SP }, context),
  ),
  row("ldr{c}", "10011 ttt iiiiiiii", "rt, {addresssp}", (e, { t, i }, context) =>
    transfer(ACCESSES.ldr, () => 4 * i)(e, { t, n: SP }, context),
  ),
];
