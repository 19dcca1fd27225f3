/** Traps, breakpoints and the system call (MIPS32 AFP vol II-A, "CPU Trap"). */
import type { Emitter, I32 } from "../emitter.ts";
import type { Flow } from "../isa.ts";
import { signed16 } from "./arithmetic.ts";
import { gpr } from "./registers.ts";
import type { Lift } from "./row.ts";
import { raiseAlways, rowsOf, STOP } from "./row.ts";

const row = rowsOf("CPU trap");

type Comparison = (e: Emitter, a: I32, b: I32) => I32;
const equal: Comparison = (e, a, b) => e.i32.eq(a, b);
const notEqual: Comparison = (e, a, b) => e.i32.ne(a, b);
const less: Comparison = (e, a, b) => e.i32.ltS(a, b);
const lessUnsigned: Comparison = (e, a, b) => e.i32.ltU(a, b);
const notLess: Comparison = (e, a, b) => e.i32.geS(a, b);
const notLessUnsigned: Comparison = (e, a, b) => e.i32.geU(a, b);

/** The code field tells the kernel what was tested: 6 is an overflow, 7 a division by zero (Linux, asm/break.h). */
const registers =
  (compare: Comparison): Lift<{ readonly s: number; readonly t: number; readonly c: number }> =>
  (e, { s, t, c }) =>
    e.raiseIf(compare(e, gpr(e, s), gpr(e, t)), "trap", e.const32(c));

const immediate =
  (compare: Comparison): Lift<{ readonly s: number; readonly i: number }> =>
  (e, { s, i }) =>
    e.raiseIf(compare(e, gpr(e, s), e.const32(signed16(i))), "trap", e.const32(0));

export const TRAP_ROWS = [
  row("teq", "000000 sssss ttttt cccccccccc 110100", "rs,rt{trapcode}", registers(equal)),
  row("tne", "000000 sssss ttttt cccccccccc 110110", "rs,rt{trapcode}", registers(notEqual)),
  row("tlt", "000000 sssss ttttt cccccccccc 110010", "rs,rt{trapcode}", registers(less)),
  row("tltu", "000000 sssss ttttt cccccccccc 110011", "rs,rt{trapcode}", registers(lessUnsigned)),
  row("tge", "000000 sssss ttttt cccccccccc 110000", "rs,rt{trapcode}", registers(notLess)),
  row("tgeu", "000000 sssss ttttt cccccccccc 110001", "rs,rt{trapcode}", registers(notLessUnsigned)),
  row("teqi", "000001 sssss 01100 iiiiiiiiiiiiiiii", "rs,simm", immediate(equal)),
  row("tnei", "000001 sssss 01110 iiiiiiiiiiiiiiii", "rs,simm", immediate(notEqual)),
  row("tlti", "000001 sssss 01010 iiiiiiiiiiiiiiii", "rs,simm", immediate(less)),
  row("tltiu", "000001 sssss 01011 iiiiiiiiiiiiiiii", "rs,simm", immediate(lessUnsigned)),
  row("tgei", "000001 sssss 01000 iiiiiiiiiiiiiiii", "rs,simm", immediate(notLess)),
  row("tgeiu", "000001 sssss 01001 iiiiiiiiiiiiiiii", "rs,simm", immediate(notLessUnsigned)),

  // Assemblers put the code into the upper ten of its twenty bits; Linux swaps the halves back, and so does the operating
  // system's side of `breakpoint`, which gets all twenty as they stand.
  row(
    "break",
    "000000 cccccccccccccccccccc 001101",
    "breakcode",
    (e, { c }, context) => raiseAlways(e, context, "breakpoint", c),
    STOP,
  ),
  row("syscall", "000000 cccccccccccccccccccc 001100", "code", (e, _fields, context) => e.systemCall(context.next), {
    flow: (): Flow => ({ kind: "systemCall" }),
  }),
];
