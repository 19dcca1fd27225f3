/**
 * Where the FPU's registers lie in CPU-state memory (MIPS32 Architecture For Programmers Vol. I-A 6, III 9).
 *
 * There are thirty-two 64-bit containers. With Status.FR = 1 container n is register fn. With FR = 0 the container of an
 * even n holds fn in its low word and f(n+1) in its high word, which is what a double in the pair fn, f(n+1) is; the odd
 * containers are not used. (Linux keeps both forms the same way in signal frames and core files.)
 *
 * FCSR is taken apart: rounding mode, enables, sticky flags and Cause are in `FCSR`, the eight condition codes in a
 * cached slot each, so that `c.lt.d` and `bc1t` become one compare and branch. Cause is the flags of the *last*
 * operation only, and is hardly ever read; so fast code does not compute it, but notes the operation and its operands
 * in `LAST_*`, and a reader does the operation again (`readFcsr`).
 */
import type { Slot, Type } from "../emitter.ts";

const slot = <T extends Type>(name: string, type: T, offset: number, cached = true): Slot<T> => ({
  name,
  type,
  offset,
  cached,
});

export const FPR_BASE = 0x200;
const CONTROL_BASE = 0x300;

const container = <T extends Type>(type: T, suffix: string): readonly Slot<T>[] =>
  Array.from({ length: 32 }, (_, n) => slot(`f${n}${suffix}`, type, FPR_BASE + 8 * n));
const pairHalf = <T extends Type>(type: T, suffix: string): readonly Slot<T>[] =>
  Array.from({ length: 32 }, (_, n) => slot(`f${n}${suffix}`, type, FPR_BASE + 8 * (n & ~1) + 4 * (n & 1)));
const highHalf = Array.from({ length: 32 }, (_, n) => slot(`f${n}.high`, "i32", FPR_BASE + 8 * n + 4));

/** The views of one FR mode, by register number. */
export interface FpuViews {
  readonly s: readonly Slot<"f32">[];
  readonly w: readonly Slot<"i32">[];
  /** With FR = 0 an odd number names the pair it belongs to. */
  readonly d: readonly Slot<"f64">[];
  readonly l: readonly Slot<"i64">[];
  /** What `mfhc1` reads: bits 63 to 32 of the double. */
  readonly high: readonly Slot<"i32">[];
}
const evenOf = <T>(slots: readonly T[]): readonly T[] => slots.map((_, n) => slots[n & ~1]!);
const doubles = container("f64", "");
const longs = container("i64", ".l");
const SINGLE_PAIRS: FpuViews = {
  s: pairHalf("f32", ".s"),
  w: pairHalf("i32", ".w"),
  d: evenOf(doubles),
  l: evenOf(longs),
  high: evenOf(highHalf),
};
const SIXTY_FOUR_BIT: FpuViews = {
  s: container("f32", ".s"),
  w: container("i32", ".w"),
  d: doubles,
  l: longs,
  high: highHalf,
};
/** The register views of FR = 0 and FR = 1. */
export const FPU_VIEWS: readonly [FpuViews, FpuViews] = [SINGLE_PAIRS, SIXTY_FOUR_BIT];

/** FCSR without its condition codes. Its Cause field counts only while `LAST_OPERATION` is 0. */
export const FCSR = slot("fcsr", "i32", CONTROL_BASE + 0x00, false);
/** FIR, the implementation register: fixed by the CPU model. */
export const FIR = slot("fir", "i32", CONTROL_BASE + 0x04, false);
/** Status.FR: 1 where the registers are 64 bits wide. Set by the loader (.MIPS.abiflags) and prctl(PR_SET_FP_MODE). */
export const STATUS_FR = slot("status.fr", "i32", CONTROL_BASE + 0x08, false);
/** Condition codes, each 0 or 1. */
export const FCC: readonly Slot<"i32">[] = Array.from({ length: 8 }, (_, n) =>
  slot(`fcc${n}`, "i32", CONTROL_BASE + 0x10 + 4 * n),
);

/** Which operation was last (`Operation.id`), 0 where `FCSR`'s own Cause field is right. */
export const LAST_OPERATION = slot("fpu.last", "i32", CONTROL_BASE + 0x30);
/** Its operands, singles and words in the 32-bit ones, doubles and longs in the 64-bit ones. */
export const LAST_SINGLES: readonly Slot<"f32">[] = [0, 1, 2].map((n) =>
  slot(`fpu.last.s${n}`, "f32", CONTROL_BASE + 0x34 + 4 * n),
);
export const LAST_DOUBLES: readonly Slot<"f64">[] = [0, 1, 2].map((n) =>
  slot(`fpu.last.d${n}`, "f64", CONTROL_BASE + 0x40 + 8 * n),
);
/** The FPU's registers end here. */
export const FPU_END = CONTROL_BASE + 0x58;

/** Everything a task switch saves. */
export const FPU_SLOTS: readonly Slot[] = [
  ...doubles,
  FCSR,
  FIR,
  STATUS_FR,
  ...FCC,
  LAST_OPERATION,
  ...LAST_SINGLES,
  ...LAST_DOUBLES,
];
