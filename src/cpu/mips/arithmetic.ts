/** Arithmetic and logic (MIPS32 AFP vol II-A, "CPU Arithmetic" and "CPU Logical"), and conditional moves. `movf`, `movt`: fpu-compare.ts. */
import type { Emitter, I32 } from "../emitter.ts";
import { gpr, setGpr } from "./registers.ts";
import { rowsOf } from "./row.ts";

/** A 16-bit immediate, sign-extended. */
export function signed16(immediate: number): number {
  return (immediate << 16) >> 16;
}

/** Raises "overflow" if `sum` is not the true sum of `a` and `b`: both have the sign that the sum has not. */
function trapAddOverflow(e: Emitter, a: I32, b: I32, sum: I32): void {
  const signs = e.i32.and(e.i32.xor(a, sum), e.i32.xor(b, sum));
  e.raiseIf(e.i32.ltS(signs, e.const32(0)), "overflow");
}

const arithmetic = rowsOf("CPU arithmetic");
const logical = rowsOf("CPU logical");
const move = rowsOf("CPU move");
const alias = { alias: true } as const;

export const ARITHMETIC_ROWS = [
  arithmetic("add", "000000 sssss ttttt ddddd 00000 100000", "rd,rs,rt", (e, { s, t, d }) => {
    const [a, b] = [gpr(e, s), gpr(e, t)];
    const sum = e.i32.add(a, b);
    trapAddOverflow(e, a, b, sum);
    setGpr(e, d, sum);
  }),
  arithmetic("addi", "001000 sssss ttttt iiiiiiiiiiiiiiii", "rt,rs,simm", (e, { s, t, i }) => {
    const [a, b] = [gpr(e, s), e.const32(signed16(i))];
    const sum = e.i32.add(a, b);
    trapAddOverflow(e, a, b, sum);
    setGpr(e, t, sum);
  }),
  arithmetic("sub", "000000 sssss ttttt ddddd 00000 100010", "rd,rs,rt", (e, { s, t, d }) => {
    const [a, b] = [gpr(e, s), gpr(e, t)];
    const difference = e.i32.sub(a, b);
    // Overflow where the operands differ in sign and the result has not the minuend's.
    const signs = e.i32.and(e.i32.xor(a, b), e.i32.xor(a, difference));
    e.raiseIf(e.i32.ltS(signs, e.const32(0)), "overflow");
    setGpr(e, d, difference);
  }),
  arithmetic(
    "neg",
    "000000 00000 ttttt ddddd 00000 100010",
    "rd,rt",
    (e, { t, d }) => {
      const a = gpr(e, t);
      e.raiseIf(e.i32.eq(a, e.const32(0x80000000)), "overflow");
      setGpr(e, d, e.i32.sub(e.const32(0), a));
    },
    alias,
  ),

  arithmetic("addu", "000000 sssss ttttt ddddd 00000 100001", "rd,rs,rt", (e, { s, t, d }) =>
    setGpr(e, d, e.i32.add(gpr(e, s), gpr(e, t))),
  ),
  arithmetic("move", "000000 sssss 00000 ddddd 00000 100001", "rd,rs", (e, { s, d }) => setGpr(e, d, gpr(e, s)), alias),
  arithmetic("subu", "000000 sssss ttttt ddddd 00000 100011", "rd,rs,rt", (e, { s, t, d }) =>
    setGpr(e, d, e.i32.sub(gpr(e, s), gpr(e, t))),
  ),
  arithmetic(
    "negu",
    "000000 00000 ttttt ddddd 00000 100011",
    "rd,rt",
    (e, { t, d }) => setGpr(e, d, e.i32.sub(e.const32(0), gpr(e, t))),
    alias,
  ),
  arithmetic("addiu", "001001 sssss ttttt iiiiiiiiiiiiiiii", "rt,rs,simm", (e, { s, t, i }) => {
    setGpr(e, t, i === 0 ? gpr(e, s) : e.i32.add(gpr(e, s), e.const32(signed16(i))));
  }),
  arithmetic(
    "li",
    "001001 00000 ttttt iiiiiiiiiiiiiiii",
    "rt,simm",
    (e, { t, i }) => setGpr(e, t, e.const32(signed16(i))),
    alias,
  ),

  arithmetic("slt", "000000 sssss ttttt ddddd 00000 101010", "rd,rs,rt", (e, { s, t, d }) =>
    setGpr(e, d, e.i32.ltS(gpr(e, s), gpr(e, t))),
  ),
  arithmetic("sltu", "000000 sssss ttttt ddddd 00000 101011", "rd,rs,rt", (e, { s, t, d }) => {
    // "Is not zero" as compilers write it.
    setGpr(e, d, s === 0 ? e.i32.ne(gpr(e, t), e.const32(0)) : e.i32.ltU(gpr(e, s), gpr(e, t)));
  }),
  arithmetic("slti", "001010 sssss ttttt iiiiiiiiiiiiiiii", "rt,rs,simm", (e, { s, t, i }) => {
    setGpr(e, t, e.i32.ltS(gpr(e, s), e.const32(signed16(i))));
  }),
  arithmetic("sltiu", "001011 sssss ttttt iiiiiiiiiiiiiiii", "rt,rs,simm", (e, { s, t, i }) => {
    setGpr(e, t, i === 1 ? e.i32.eqz(gpr(e, s)) : e.i32.ltU(gpr(e, s), e.const32(signed16(i))));
  }),

  arithmetic("clz", "011100 sssss ttttt ddddd 00000 100000", "rd,rs", (e, { s, d }) =>
    setGpr(e, d, e.i32.clz(gpr(e, s))),
  ),
  arithmetic("clo", "011100 sssss ttttt ddddd 00000 100001", "rd,rs", (e, { s, d }) => {
    setGpr(e, d, e.i32.clz(e.i32.xor(gpr(e, s), e.const32(-1))));
  }),
  arithmetic(
    "seb",
    "011111 00000 ttttt ddddd 10000 100000",
    "rd,rt",
    (e, { t, d }) => setGpr(e, d, e.i32.extend8S(gpr(e, t))),
    { release: 2 },
  ),
  arithmetic(
    "seh",
    "011111 00000 ttttt ddddd 11000 100000",
    "rd,rt",
    (e, { t, d }) => setGpr(e, d, e.i32.extend16S(gpr(e, t))),
    { release: 2 },
  ),

  logical("and", "000000 sssss ttttt ddddd 00000 100100", "rd,rs,rt", (e, { s, t, d }) =>
    setGpr(e, d, e.i32.and(gpr(e, s), gpr(e, t))),
  ),
  logical("or", "000000 sssss ttttt ddddd 00000 100101", "rd,rs,rt", (e, { s, t, d }) => {
    setGpr(e, d, s === 0 ? gpr(e, t) : e.i32.or(gpr(e, s), gpr(e, t)));
  }),
  logical("move", "000000 sssss 00000 ddddd 00000 100101", "rd,rs", (e, { s, d }) => setGpr(e, d, gpr(e, s)), alias),
  logical("xor", "000000 sssss ttttt ddddd 00000 100110", "rd,rs,rt", (e, { s, t, d }) =>
    setGpr(e, d, e.i32.xor(gpr(e, s), gpr(e, t))),
  ),
  logical("nor", "000000 sssss ttttt ddddd 00000 100111", "rd,rs,rt", (e, { s, t, d }) => {
    const either = t === 0 ? gpr(e, s) : e.i32.or(gpr(e, s), gpr(e, t));
    setGpr(e, d, e.i32.xor(either, e.const32(-1)));
  }),
  logical("andi", "001100 sssss ttttt iiiiiiiiiiiiiiii", "rt,rs,uimm", (e, { s, t, i }) =>
    setGpr(e, t, e.i32.and(gpr(e, s), e.const32(i))),
  ),
  logical("ori", "001101 sssss ttttt iiiiiiiiiiiiiiii", "rt,rs,uimm", (e, { s, t, i }) =>
    setGpr(e, t, e.i32.or(gpr(e, s), e.const32(i))),
  ),
  logical("li", "001101 00000 ttttt iiiiiiiiiiiiiiii", "rt,uimm", (e, { t, i }) => setGpr(e, t, e.const32(i)), alias),
  logical("xori", "001110 sssss ttttt iiiiiiiiiiiiiiii", "rt,rs,uimm", (e, { s, t, i }) =>
    setGpr(e, t, e.i32.xor(gpr(e, s), e.const32(i))),
  ),
  logical("lui", "001111 00000 ttttt iiiiiiiiiiiiiiii", "rt,uimm", (e, { t, i }) => setGpr(e, t, e.const32(i << 16))),

  move("movn", "000000 sssss ttttt ddddd 00000 001011", "rd,rs,rt", (e, { s, t, d }) => {
    setGpr(e, d, e.select(gpr(e, t), gpr(e, s), gpr(e, d)));
  }),
  move("movz", "000000 sssss ttttt ddddd 00000 001010", "rd,rs,rt", (e, { s, t, d }) => {
    setGpr(e, d, e.select(gpr(e, t), gpr(e, d), gpr(e, s)));
  }),
];
