/** Shifts, rotations and bit fields (MIPS32 AFP vol II-A, "CPU Shift" and "CPU Insert/Extract"). */
import { gpr, setGpr } from "./registers.ts";
import { rowsOf } from "./row.ts";

const shift = rowsOf("CPU shift");
const field = rowsOf("CPU insert/extract");
const alias = { alias: true } as const;
const release2 = { release: 2 } as const;

// WebAssembly takes shift amounts modulo 32, as MIPS does.
export const SHIFT_ROWS = [
  shift("sll", "000000 00000 ttttt ddddd aaaaa 000000", "rd,rt,sa", (e, { t, d, a }) => {
    setGpr(e, d, a === 0 ? gpr(e, t) : e.i32.shl(gpr(e, t), e.const32(a)));
  }),
  shift("nop", "000000 00000 00000 00000 00000 000000", "", () => {}, alias),
  shift("ssnop", "000000 00000 00000 00000 00001 000000", "", () => {}),
  shift("ehb", "000000 00000 00000 00000 00011 000000", "", () => {}),
  shift("pause", "000000 00000 00000 00000 00101 000000", "", () => {}),
  shift("srl", "000000 00000 ttttt ddddd aaaaa 000010", "rd,rt,sa", (e, { t, d, a }) =>
    setGpr(e, d, e.i32.shrU(gpr(e, t), e.const32(a))),
  ),
  shift(
    "rotr",
    "000000 00001 ttttt ddddd aaaaa 000010",
    "rd,rt,sa",
    (e, { t, d, a }) => setGpr(e, d, e.i32.rotr(gpr(e, t), e.const32(a))),
    release2,
  ),
  shift("sra", "000000 00000 ttttt ddddd aaaaa 000011", "rd,rt,sa", (e, { t, d, a }) =>
    setGpr(e, d, e.i32.shrS(gpr(e, t), e.const32(a))),
  ),
  shift("sllv", "000000 sssss ttttt ddddd 00000 000100", "rd,rt,rs", (e, { s, t, d }) =>
    setGpr(e, d, e.i32.shl(gpr(e, t), gpr(e, s))),
  ),
  shift("srlv", "000000 sssss ttttt ddddd 00000 000110", "rd,rt,rs", (e, { s, t, d }) =>
    setGpr(e, d, e.i32.shrU(gpr(e, t), gpr(e, s))),
  ),
  shift(
    "rotrv",
    "000000 sssss ttttt ddddd 00001 000110",
    "rd,rt,rs",
    (e, { s, t, d }) => setGpr(e, d, e.i32.rotr(gpr(e, t), gpr(e, s))),
    release2,
  ),
  shift("srav", "000000 sssss ttttt ddddd 00000 000111", "rd,rt,rs", (e, { s, t, d }) =>
    setGpr(e, d, e.i32.shrS(gpr(e, t), gpr(e, s))),
  ),

  // Of a field that leaves the register the result is UNPREDICTABLE; such an encoding is reserved here.
  field(
    "ext",
    "011111 sssss ttttt mmmmm lllll 000000",
    "rt,rs,lsb,extsize",
    (e, { s, t, m, l }) => {
      const low = l === 0 ? gpr(e, s) : e.i32.shrU(gpr(e, s), e.const32(l));
      // The shift has cleared what lies above a field that ends at bit 31.
      setGpr(e, t, l + m === 31 ? low : e.i32.and(low, e.const32(2 ** (m + 1) - 1)));
    },
    { release: 2, when: ({ m, l }) => l + m <= 31 },
  ),
  field(
    "ins",
    "011111 sssss ttttt mmmmm lllll 000100",
    "rt,rs,lsb,inssize",
    (e, { s, t, m, l }) => {
      const mask = (2 ** (m - l + 1) - 1) * 2 ** l;
      const inserted = l === 0 ? gpr(e, s) : e.i32.shl(gpr(e, s), e.const32(l));
      if (m - l === 31) setGpr(e, t, inserted);
      else setGpr(e, t, e.i32.or(e.i32.and(inserted, e.const32(mask)), e.i32.and(gpr(e, t), e.const32(~mask))));
    },
    { release: 2, when: ({ m, l }) => l <= m },
  ),
  field(
    "wsbh",
    "011111 00000 ttttt ddddd 00010 100000",
    "rd,rt",
    (e, { t, d }) => {
      const value = gpr(e, t);
      const up = e.i32.and(e.i32.shl(value, e.const32(8)), e.const32(0xff00ff00));
      const down = e.i32.and(e.i32.shrU(value, e.const32(8)), e.const32(0x00ff00ff));
      setGpr(e, d, e.i32.or(up, down));
    },
    release2,
  ),
];
