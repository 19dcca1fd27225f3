/** Loads and stores of several registers (ARM DDI 0406C, A5.5, A6.3.5; A8.8.58 to A8.8.61, A8.8.131, A8.8.133, A8.8.199 …). */
import type { Emitter, I32 } from "../emitter.ts";
import type { Flow } from "../isa.ts";
import { jumpTo } from "./data-processing.ts";
import { LR, PC, readGpr, SP, writeGpr } from "./registers.ts";
import type { ArmRow, LiftContext } from "./row.ts";
import { rowsOf } from "./row.ts";

const row = rowsOf("Load and store multiple");

const registersIn = (list: number): number[] => [...Array(16).keys()].filter((n) => ((list >>> n) & 1) !== 0);

/** `i`: the register list; `P` and `U` say how the addresses go: 01 increment after, 11 before, 00 decrement after, 10 before. */
interface Block {
  readonly n: number;
  readonly i: number;
  readonly P?: number;
  readonly U?: number;
  readonly W?: number;
}

function addresses(
  e: Emitter,
  from: I32,
  { P = 0, U = 1 }: Block,
  count: number,
): { addressOf: (n: number) => I32; written: I32 } {
  const first = U === 1 ? (P === 1 ? 4 : 0) : P === 1 ? -4 * count : 4 - 4 * count;
  // One addition, and the rest as offsets of the accesses.
  const lowest = first < 0 ? e.i32.add(from, e.const32(first)) : from;
  const rest = first < 0 ? 0 : first;
  return {
    addressOf: (n) => e.i32.add(lowest, e.const32(rest + 4 * n)),
    written: e.i32.add(from, e.const32(U === 1 ? 4 * count : -4 * count)),
  };
}

/** Everything is loaded before any register is written; a base register that is in the list gets the loaded value. */
function loadMultiple(e: Emitter, fields: Block, context: LiftContext): void {
  const registers = registersIn(fields.i);
  const { addressOf, written } = addresses(e, readGpr(e, context, fields.n), fields, registers.length);
  const loaded = registers.map((_, n) => e.load32(addressOf(n)));
  if (fields.W === 1) writeGpr(e, context, fields.n, written);
  for (const [n, register] of registers.entries()) if (register !== PC) writeGpr(e, context, register, loaded[n]!);
  if (registers.at(-1) === PC) jumpTo(e, loaded.at(-1)!, isReturn(fields));
}

function storeMultiple(e: Emitter, fields: Block, context: LiftContext): void {
  const registers = registersIn(fields.i);
  const { addressOf, written } = addresses(e, readGpr(e, context, fields.n), fields, registers.length);
  for (const [n, register] of registers.entries()) e.store32(addressOf(n), readGpr(e, context, register));
  if (fields.W === 1) writeGpr(e, context, fields.n, written);
}

/** `pop {…, pc}`, and `ldmdb fp, {fp, sp, pc}` of the old frame layout. */
const isReturn = ({ n, i }: Block): boolean => n === SP || (i & (1 << SP)) !== 0;
const loadFlow = (fields: Block): Flow =>
  (fields.i & 0x8000) === 0 ? { kind: "next" } : { kind: isReturn(fields) ? "return" : "jumpIndirect" };
const allowed = ({ n, i }: Block): boolean => n !== PC && i !== 0;
/** T32: no SP, not both LR and PC, at least two registers, base not in the list with write-back. */
const thumbLoads = ({ n, i, W }: Block): boolean =>
  allowed({ n, i }) &&
  (i & (1 << SP)) === 0 &&
  (i & 0xc000) !== 0xc000 &&
  (i & (i - 1)) !== 0 &&
  !(W === 1 && ((i >>> n) & 1) !== 0);
const thumbStores = (fields: Block): boolean => thumbLoads(fields) && (fields.i & 0x8000) === 0;

const thumbList = (M: number, i: number): number => (M << LR) | i;

export const LOAD_MULTIPLE_A32: readonly ArmRow[] = [
  row("ldm{loadmode}{c}", "cccc 100 P U 0 W 1 nnnn iiiiiiiiiiiiiiii", "{basew}, {list}", loadMultiple, {
    flow: loadFlow,
    when: allowed,
  }),
  row("stm{storemode}{c}", "cccc 100 P U 0 W 0 nnnn iiiiiiiiiiiiiiii", "{basew}, {list}", storeMultiple, {
    when: allowed,
  }),
  row(
    "pop{c}",
    "cccc 100 0 1 0 1 1 1101 iiiiiiiiiiiiiiii",
    "{list}",
    (e, { i }, context) => loadMultiple(e, { i, n: SP, P: 0, U: 1, W: 1 }, context),
    {
      flow: ({ i }) => loadFlow({ n: SP, i }),
      alias: true,
      when: ({ i }) => (i & (i - 1)) !== 0,
    },
  ),
  row(
    "push{c}",
    "cccc 100 1 0 0 1 0 1101 iiiiiiiiiiiiiiii",
    "{list}",
    (e, { i }, context) => storeMultiple(e, { i, n: SP, P: 1, U: 0, W: 1 }, context),
    {
      alias: true,
      when: ({ i }) => (i & (i - 1)) !== 0,
    },
  ),
];

const v6t2 = { needs: "v6t2" } as const;
export const LOAD_MULTIPLE_T32: readonly ArmRow[] = [
  row(
    "ldmia{c}.w",
    "1110100010 W 1 nnnn iiiiiiiiiiiiiiii",
    "{basew}, {list}",
    (e, f, context) => loadMultiple(e, { ...f, P: 0, U: 1 }, context),
    { ...v6t2, flow: loadFlow, when: thumbLoads },
  ),
  row(
    "stmia{c}.w",
    "1110100010 W 0 nnnn iiiiiiiiiiiiiiii",
    "{basew}, {list}",
    (e, f, context) => storeMultiple(e, { ...f, P: 0, U: 1 }, context),
    { ...v6t2, when: thumbStores },
  ),
  row(
    "ldmdb{c}",
    "1110100100 W 1 nnnn iiiiiiiiiiiiiiii",
    "{basew}, {list}",
    (e, f, context) => loadMultiple(e, { ...f, P: 1, U: 0 }, context),
    { ...v6t2, flow: loadFlow, when: thumbLoads },
  ),
  row(
    "stmdb{c}",
    "1110100100 W 0 nnnn iiiiiiiiiiiiiiii",
    "{basew}, {list}",
    (e, f, context) => storeMultiple(e, { ...f, P: 1, U: 0 }, context),
    { ...v6t2, when: thumbStores },
  ),
  row(
    "ldmia{c}.w",
    "1110100010 1 1 1101 iiiiiiiiiiiiiiii",
    "sp!, {list}",
    (e, { i }, context) => loadMultiple(e, { i, n: SP, P: 0, U: 1, W: 1 }, context),
    {
      ...v6t2,
      alias: true,
      flow: ({ i }) => loadFlow({ n: SP, i }),
      when: ({ i }) => thumbLoads({ n: SP, i }),
    },
  ),
  row(
    "stmdb{c}",
    "1110100100 1 0 1101 iiiiiiiiiiiiiiii",
    "sp!, {list}",
    (e, { i }, context) => storeMultiple(e, { i, n: SP, P: 1, U: 0, W: 1 }, context),
    {
      ...v6t2,
      alias: true,
      when: ({ i }) => thumbStores({ n: SP, i }),
    },
  ),
];

export const LOAD_MULTIPLE_T16: readonly ArmRow[] = [
  row(
    "push{c}",
    "1011010 M iiiiiiii",
    "{list}",
    (e, { M, i }, context) => storeMultiple(e, { i: thumbList(M, i), n: SP, P: 1, U: 0, W: 1 }, context),
    {
      when: ({ M, i }) => M !== 0 || i !== 0,
    },
  ),
  row(
    "pop{c}",
    "1011110 N iiiiiiii",
    "{list}",
    (e, { N, i }, context) => loadMultiple(e, { i: (N << PC) | i, n: SP, P: 0, U: 1, W: 1 }, context),
    {
      flow: ({ N }) => ({ kind: N === 1 ? "return" : "next" }),
      when: ({ N, i }) => N !== 0 || i !== 0,
    },
  ),
  row(
    "stmia{c}",
    "11000 nnn iiiiiiii",
    "rn!, {list}",
    (e, { n, i }, context) => storeMultiple(e, { n, i, W: 1 }, context),
    { when: ({ i }) => i !== 0 },
  ),
  row(
    "ldmia{c}",
    "11001 nnn iiiiiiii",
    "rn{baseunlisted}, {list}",
    (e, { n, i }, context) => loadMultiple(e, { n, i, W: ((i >>> n) & 1) ^ 1 }, context),
    {
      when: ({ i }) => i !== 0,
    },
  ),
];
