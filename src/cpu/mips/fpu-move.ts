/**
 * Moves, loads and stores, and the control registers (MIPS32 AFP vol II-A, "FPU Move", "FPU Load, Store").
 *
 * A single or word written to a 64-bit register leaves the upper half as it was (the manual: UNPREDICTABLE). Accesses
 * may be misaligned, as in load-store.ts: Linux does them for the program.
 */
import type { Emitter, Helper, I32, I64 } from "../emitter.ts";
import { HELPER_ARGUMENTS, HELPER_RESULT } from "../emitter.ts";
import { CAUSE_MASK, ENABLES_MASK, FCSR_FS, FCSR_WRITABLE, FLAGS_MASK, fccShift } from "./fcsr.ts";
import { causeOf } from "./fpu-operations.ts";
import { rejects, views } from "./fpu-lift.ts";
import { FCC, FCSR, FIR, LAST_DOUBLES, LAST_OPERATION, LAST_SINGLES } from "./fpu-registers.ts";
import { address } from "./load-store.ts";
import { gpr, setGpr } from "./registers.ts";
import type { LiftContext, MipsRow } from "./row.ts";
import { STOP, leaveBlock, rowsOf } from "./row.ts";

const move = rowsOf("FPU move");
const memory = rowsOf("FPU load, store and memory control");

// ── loads and stores ──────────────────────────────────────────────────────────────────────────────────────────────

const loadSingle = (e: Emitter, context: LiftContext, at: I32, register: number): void =>
  e.set(views(context).s[register]!, e.loadF32(at));
const storeSingle = (e: Emitter, context: LiftContext, at: I32, register: number): void =>
  e.storeF32(at, e.get(views(context).s[register]!));
/** `ldc1`, `sdc1` with an odd register and FR = 0 use its pair; the manual calls the result UNPREDICTABLE. */
const loadDouble = (e: Emitter, context: LiftContext, at: I32, register: number): void =>
  e.set(views(context).d[register]!, e.loadF64(at));
const storeDouble = (e: Emitter, context: LiftContext, at: I32, register: number): void =>
  e.storeF64(at, e.get(views(context).d[register]!));

/** The address of an indexed access. */
const indexed = (e: Emitter, base: number, index: number): I32 =>
  index === 0 ? gpr(e, base) : base === 0 ? gpr(e, index) : e.i32.add(gpr(e, base), gpr(e, index));
/** `luxc1`, `suxc1`: the address's low three bits do not count. They need 64-bit registers. */
const indexedAligned = (e: Emitter, base: number, index: number): I32 =>
  e.i32.and(indexed(e, base, index), e.const32(-8));

const RELEASE_2 = { release: 2 } as const;

const memoryRows: readonly MipsRow[] = [
  memory("lwc1", "110001 sssss ttttt iiiiiiiiiiiiiiii", "ft,offset(base)", (e, { s, t, i }, context) =>
    loadSingle(e, context, address(e, s, i), t),
  ),
  memory("ldc1", "110101 sssss ttttt iiiiiiiiiiiiiiii", "ft,offset(base)", (e, { s, t, i }, context) =>
    loadDouble(e, context, address(e, s, i), t),
  ),
  memory("swc1", "111001 sssss ttttt iiiiiiiiiiiiiiii", "ft,offset(base)", (e, { s, t, i }, context) =>
    storeSingle(e, context, address(e, s, i), t),
  ),
  memory("sdc1", "111101 sssss ttttt iiiiiiiiiiiiiiii", "ft,offset(base)", (e, { s, t, i }, context) =>
    storeDouble(e, context, address(e, s, i), t),
  ),
  memory(
    "lwxc1",
    "010011 sssss ttttt 00000 ddddd 000000",
    "fd,indexreg(base)",
    (e, { s, t, d }, context) => loadSingle(e, context, indexed(e, s, t), d),
    RELEASE_2,
  ),
  memory(
    "ldxc1",
    "010011 sssss ttttt 00000 ddddd 000001",
    "fd,indexreg(base)",
    (e, { s, t, d }, context) => {
      if (!rejects(e, context, ["d", d])) loadDouble(e, context, indexed(e, s, t), d);
    },
    RELEASE_2,
  ),
  memory(
    "luxc1",
    "010011 sssss ttttt 00000 ddddd 000101",
    "fd,indexreg(base)",
    (e, { s, t, d }, context) => {
      if (!rejects(e, context, ["l", d])) loadDouble(e, context, indexedAligned(e, s, t), d);
    },
    RELEASE_2,
  ),
  memory(
    "swxc1",
    "010011 sssss ttttt ddddd 00000 001000",
    "fd,indexreg(base)",
    (e, { s, t, d }, context) => storeSingle(e, context, indexed(e, s, t), d),
    RELEASE_2,
  ),
  memory(
    "sdxc1",
    "010011 sssss ttttt ddddd 00000 001001",
    "fd,indexreg(base)",
    (e, { s, t, d }, context) => {
      if (!rejects(e, context, ["d", d])) storeDouble(e, context, indexed(e, s, t), d);
    },
    RELEASE_2,
  ),
  memory(
    "suxc1",
    "010011 sssss ttttt ddddd 00000 001101",
    "fd,indexreg(base)",
    (e, { s, t, d }, context) => {
      if (!rejects(e, context, ["l", d])) storeDouble(e, context, indexedAligned(e, s, t), d);
    },
    RELEASE_2,
  ),
  memory("prefx", "010011 sssss ttttt hhhhh 00000 001111", "hint,indexreg(base)", () => {}, RELEASE_2),
];

// ── control registers ─────────────────────────────────────────────────────────────────────────────────────────────

/** Cause of the operation that `LAST_*` remember; arguments: its id, its operands as 64 bits. */
const CAUSE_OF_LAST: Helper<"i32"> = {
  name: "fcsr.cause",
  result: "i32",
  run: (state) =>
    state.setInt32(
      HELPER_RESULT,
      causeOf(state.getInt32(HELPER_ARGUMENTS, true), state, HELPER_ARGUMENTS + 16, 16),
      true,
    ),
};

/** The Cause field, in place. */
function cause(e: Emitter): I32 {
  const last = e.get(LAST_OPERATION);
  return e.either(
    last,
    () => {
      const wide = e.i32.and(last, e.const32(1));
      const operands = [0, 1, 2].map((n): I64 =>
        e.select(
          wide,
          e.i64.reinterpretF64(e.get(LAST_DOUBLES[n]!)),
          e.i64.extendI32U(e.i32.reinterpretF32(e.get(LAST_SINGLES[n]!))),
        ),
      );
      return e.call(CAUSE_OF_LAST, last, ...operands);
    },
    () => e.i32.and(e.get(FCSR), e.const32(CAUSE_MASK)),
  );
}

/** FCSR as one word. */
function wholeFcsr(e: Emitter): I32 {
  const rest = e.i32.or(e.i32.and(e.get(FCSR), e.const32(~CAUSE_MASK)), cause(e));
  return FCC.reduce((word, slot, n) => e.i32.or(word, e.i32.shl(e.get(slot), e.const32(fccShift(n)))), rest);
}

/** Sets FCSR, but for its read-only bits, and raises what its new Cause and Enables ask for. */
function setWholeFcsr(e: Emitter, value: I32): void {
  const bits = e.i32.or(e.i32.and(value, e.const32(FCSR_WRITABLE)), e.i32.and(e.get(FCSR), e.const32(~FCSR_WRITABLE)));
  e.set(FCSR, bits);
  e.set(LAST_OPERATION, e.const32(0));
  // Cause bit E, unimplemented operation, has no enable: it always raises.
  const enabled = e.i32.or(e.i32.and(e.i32.shrU(bits, e.const32(7)), e.const32(0x1f)), e.const32(0x20));
  e.raiseIf(e.i32.and(e.i32.shrU(bits, e.const32(12)), enabled), "floatingPoint");
}
const setConditions = (e: Emitter, bitOf: (n: number) => I32): void => {
  const bits = FCC.map((_, n) => e.i32.and(bitOf(n), e.const32(1)));
  for (const [n, slot] of FCC.entries()) e.set(slot, bits[n]!);
};

/** `(word & mask)` of `value` put in place of the same bits of FCSR. */
const replaceBits = (e: Emitter, mask: number, value: I32): I32 =>
  e.i32.or(e.i32.and(wholeFcsr(e), e.const32(~mask)), e.i32.and(value, e.const32(mask)));

/** The control registers and their numbers (vol I-A 6.5): FCCR, FEXR and FENR are other views of FCSR. */
const FIR_NUMBER = 0;
const FCCR_NUMBER = 25;
const FEXR_NUMBER = 26;
const FENR_NUMBER = 28;
const FCSR_NUMBER = 31;
const FEXR_MASK = CAUSE_MASK | FLAGS_MASK;
const FENR_MASK = ENABLES_MASK | 3;
/** Bits 22..18 of FCSR; a value for FEXR or FENR that has one of them is not written. */
const RESERVED_BITS = 0x007c0000;

/** UFR and UNFR (1, 4) read as 0 and cannot be written: the 24Kf's FIR.UFRP is 0. Other numbers read as FCSR. */
function readControl(e: Emitter, number: number): I32 {
  switch (number) {
    case FIR_NUMBER:
      return e.get(FIR);
    case 1:
    case 5:
      return e.const32(0);
    case FCCR_NUMBER:
      return FCC.reduce<I32>((word, slot, n) => e.i32.or(word, e.i32.shl(e.get(slot), e.const32(n))), e.const32(0));
    case FEXR_NUMBER:
      return e.i32.and(wholeFcsr(e), e.const32(FEXR_MASK));
    case FENR_NUMBER: {
      const fcsr = e.get(FCSR);
      const flush = e.i32.and(e.i32.shrU(fcsr, e.const32(22)), e.const32(FCSR_FS >>> 22));
      return e.i32.or(e.i32.and(fcsr, e.const32(FENR_MASK)), flush);
    }
    default:
      return wholeFcsr(e);
  }
}

function writeControl(e: Emitter, number: number, value: I32): void {
  const unreserved = (write: () => void): void => e.when(e.i32.eqz(e.i32.and(value, e.const32(RESERVED_BITS))), write);
  switch (number) {
    case FCCR_NUMBER:
      e.when(e.i32.leU(value, e.const32(0xff)), () => setConditions(e, (n) => e.i32.shrU(value, e.const32(n))));
      break;
    case FEXR_NUMBER:
      unreserved(() => setWholeFcsr(e, replaceBits(e, FEXR_MASK, value)));
      break;
    case FENR_NUMBER:
      unreserved(() => {
        const flush = e.i32.shl(e.i32.and(value, e.const32(FCSR_FS >>> 22)), e.const32(22));
        setWholeFcsr(e, replaceBits(e, FENR_MASK | FCSR_FS, e.i32.or(e.i32.and(value, e.const32(FENR_MASK)), flush)));
      });
      break;
    case FCSR_NUMBER:
      setConditions(e, (n) => e.i32.shrU(value, e.const32(fccShift(n))));
      setWholeFcsr(e, value);
      break;
    default: // read-only or not there
      break;
  }
}

const changesMode = ({ s }: { readonly s: number }): boolean =>
  s === FEXR_NUMBER || s === FENR_NUMBER || s === FCSR_NUMBER;

// ── moves ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const fmtMove = (x: "s" | "d", fmt: string): MipsRow =>
  move(`mov.${x}`, `010001 ${fmt} 00000 sssss ddddd 000110` as string, "fd,fs", (e, fields, context) => {
    const [s, d] = [fields["s"]!, fields["d"]!];
    if (rejects(e, context, [x, s], [x, d])) return;
    if (x === "s") e.set(views(context).s[d]!, e.get(views(context).s[s]!));
    else e.set(views(context).d[d]!, e.get(views(context).d[s]!));
  });

export const FPU_MOVE_ROWS: readonly MipsRow[] = [
  ...memoryRows,

  fmtMove("s", "10000"),
  fmtMove("d", "10001"),
  move("mfc1", "010001 00000 ttttt sssss 00000 000000", "rt,fs", (e, { t, s }, context) =>
    setGpr(e, t, e.get(views(context).w[s]!)),
  ),
  move("mtc1", "010001 00100 ttttt sssss 00000 000000", "rt,fs", (e, { t, s }, context) =>
    e.set(views(context).w[s]!, gpr(e, t)),
  ),
  move(
    "mfhc1",
    "010001 00011 ttttt sssss 00000 000000",
    "rt,fs",
    (e, { t, s }, context) => setGpr(e, t, e.get(views(context).high[s]!)),
    RELEASE_2,
  ),
  move(
    "mthc1",
    "010001 00111 ttttt sssss 00000 000000",
    "rt,fs",
    (e, { t, s }, context) => e.set(views(context).high[s]!, gpr(e, t)),
    RELEASE_2,
  ),

  move("cfc1", "010001 00010 ttttt sssss 00000 000000", "rt,fcr", (e, { t, s }) => setGpr(e, t, readControl(e, s))),
  move("ctc1", "010001 00110 ttttt sssss 00000 000000", "rt,fcr", (e, { t, s }) => writeControl(e, s, gpr(e, t)), {
    when: (fields) => !changesMode(fields),
  }),
  move(
    "ctc1",
    "010001 00110 ttttt sssss 00000 000000",
    "rt,fcr",
    (e, { t, s }, context) => {
      writeControl(e, s, gpr(e, t));
      leaveBlock(e, context);
    },
    { ...STOP, when: changesMode },
  ),
];
