/**
 * System calls, status registers, barriers, hints, coprocessor 15 and what only the kernel may use (ARM DDI 0406C, A5.2.11,
 * A5.2.12, A5.7, A6.3.4, B3.17).
 */
import type { Emitter, I32 } from "../emitter.ts";
import type { Feature } from "./models.ts";
import { nzcvAsWord, setNzcvFromWord } from "./flags.ts";
import { GE, PC, QF, readGpr, TPIDRURO, TPIDRURW, writeGpr } from "./registers.ts";
import type { ArmRow, Lift, LiftContext } from "./row.ts";
import { raising, rowsOf, twinRows } from "./row.ts";
import { armImmediate } from "./shifter.ts";

const system = rowsOf("System");
const privileged = rowsOf("Privileged");
const { a32, t32, both } = twinRows("Hints and barriers");

const nothing = (): void => {};
const HARMLESS = { harmless: true } as const;

// ── hints and barriers ────────────────────────────────────────────────────────────────────────────────────────────

const hints: ArmRow[] = [];
for (const [name, code, needs] of [
  ["nop", 0, undefined],
  ["yield", 1, undefined],
  ["wfe", 2, undefined],
  ["wfi", 3, undefined],
  ["sev", 4, undefined],
  ["sevl", 5, "v8"],
] as const) {
  const bits = code.toString(2).padStart(8, "0");
  // A hint that a processor does not know does nothing either.
  const known = needs === undefined ? HARMLESS : { ...HARMLESS, needs };
  a32.push(
    system(
      code === 5 ? name : `${name}{c}`,
      `cccc 00110010 0000 1111 0000 ${bits}` as "c",
      code === 0 ? "{brace0}" : "",
      nothing,
      known,
    ),
  );
  t32.push(
    system(`${name}{c}.w`, `1111001110101111 10000000 ${bits}` as "c", "", nothing, {
      ...known,
      needs: needs ?? "v6t2",
    }),
  );
  hints.push(
    system(`${name}{c}`, `10111111 ${bits.slice(4)} 0000` as "c", "", nothing, { ...HARMLESS, needs: needs ?? "v6t2" }),
  );
}
a32.push(
  system("nop{c}", "cccc 00110010 0000 1111 0000 iiiiiiii", "{hintnumber}", nothing, { ...HARMLESS, alias: true }),
);
t32.push(
  system("nop{c}.w", "1111001110101111 10000000 iiiiiiii", "{hintnumber}", nothing, {
    ...HARMLESS,
    alias: true,
    needs: "v6t2",
  }),
);
both("dbg{c}", "cccc 00110010 0000 1111 0000 1111 iiii", "1111001110101111 10000000 1111 iiii", "{number}", nothing, {
  ...HARMLESS,
  needs: "v6t2",
});
hints.push(
  system("nop{c}", "10111111 iiii 0000", "{hintnumber}", nothing, { ...HARMLESS, alias: true, needs: "v6t2" }),
);

const barrier = (e: Emitter): void => e.fence();
for (const [name, code] of [
  ["dsb", "0100"],
  ["dmb", "0101"],
  ["isb", "0110"],
] as const) {
  // Translated code is what the processor has fetched already; changed code is announced with a system call.
  both(
    name,
    `1111 0101 0111 1111 1111 0000 ${code} iiii` as "i",
    `1111001110111111 10001111 ${code} iiii` as "i",
    name === "isb" ? "{isbarrier}" : "{barrier}",
    barrier,
    { ...HARMLESS, needs: "v7" },
  );
}

export const HINTS_A32: readonly ArmRow[] = a32;
export const HINTS_T32: readonly ArmRow[] = t32;
export const HINTS_T16: readonly ArmRow[] = hints;

// ── status registers ──────────────────────────────────────────────────────────────────────────────────────────────

/** The mode field reads as User; the rest of what a program may not see reads as zero. */
const USER_MODE = 0x10;

/** GE as bits 19 to 16. */
function geBits(e: Emitter): I32 {
  const ge = e.get(GE);
  let bits = e.const32(0);
  for (let n = 0; n < 4; n++)
    bits = e.i32.or(
      bits,
      e.i32.and(
        n === 3 ? e.i32.shrU(ge, e.const32(12)) : e.i32.shl(ge, e.const32([16, 9, 2][n]!)),
        e.const32(1 << (16 + n)),
      ),
    );
  return bits;
}

const readStatus: Lift<{ readonly d: number }> = (e, { d }, context) => {
  const flags = e.i32.or(nzcvAsWord(e), e.i32.shl(e.get(QF), e.const32(27)));
  writeGpr(e, context, d, e.i32.or(e.i32.or(flags, geBits(e)), e.const32(USER_MODE)));
};

/** The E bit: data are big-endian. */
const BIG_ENDIAN_DATA = 1 << 9;

/** `mask`: bit 3 for NZCVQ, bit 2 for GE, bit 1 for E, which can only stay zero. A program cannot write the rest. */
function writeStatus(e: Emitter, mask: number, value: I32): void {
  if ((mask & 2) !== 0) e.raiseIf(e.i32.and(value, e.const32(BIG_ENDIAN_DATA)), "illegal");
  if ((mask & 8) !== 0) {
    setNzcvFromWord(e, value);
    e.set(QF, e.i32.and(e.i32.shrU(value, e.const32(27)), e.const32(1)));
  }
  if ((mask & 4) !== 0) {
    let ge = e.const32(0);
    for (let n = 0; n < 4; n++) {
      const bit = e.i32.and(e.i32.shrU(value, e.const32(16 + n)), e.const32(1));
      ge = e.i32.or(ge, e.i32.mul(bit, e.const32(0xff << (8 * n))));
    }
    e.set(GE, ge);
  }
}

// ── coprocessor 15 ────────────────────────────────────────────────────────────────────────────────────────────────

const readInto =
  (value: (e: Emitter) => I32): Lift<{ readonly t: number }> =>
  (e, { t }, context: LiftContext) =>
    writeGpr(e, context, t, value(e));
const notPc = { when: ({ t }: { readonly t: number }) => t !== PC } as const;
const CP15 = { needs: "v6k" as Feature, ...notPc, ...HARMLESS };

const [illegal, illegalInfo] = raising("illegal");
const KERNEL = { ...illegalInfo, unsupported: "privileged instruction" } as const;
const BIG_ENDIAN = { ...illegalInfo, unsupported: "big-endian data (setend be)" } as const;

/** The encodings of coprocessor instructions are the same in A32 and T32; coprocessor.ts brings them together. */
export const SYSTEM_A32: readonly ArmRow[] = [
  system("svc{c}", "cccc 1111 iiiiiiiiiiiiiiiiiiiiiiii", "{hexnumber}", (e, _f, { next }) => e.systemCall(next), {
    flow: () => ({ kind: "systemCall" }),
  }),
  system(
    "bkpt",
    "1110 00010010 iiiiiiiiiiii 0111 iiii",
    "{hexnumber4}",
    (e, { i }) => e.raise("breakpoint", e.const32(i)),
    { flow: () => ({ kind: "stop" }), needs: "v5" },
  ),
  system("udf{c}", "cccc 01111111 iiiiiiiiiiii 1111 iiii", "#{decimal}", illegal, illegalInfo),

  system("mrs{c}", "cccc 00010000 1111 dddd 0000 0000 0000", "rd, CPSR", readStatus, {
    guarded: true,
    harmless: true,
    when: ({ d }) => d !== PC,
  }),
  system(
    "msr{c}",
    "cccc 00010010 kkkk 1111 0000 0000 mmmm",
    "CPSR_{statusmask}, rm",
    (e, { k, m }, context) => writeStatus(e, k, readGpr(e, context, m)),
    { when: ({ k, m }) => k !== 0 && m !== PC },
  ),
  system(
    "msr{c}",
    "cccc 00110010 kkkk 1111 iiiiiiiiiiii",
    "CPSR_{statusmask}, {armimm}",
    (e, { k, i }) => writeStatus(e, k, e.const32(armImmediate(i).value)),
    { when: ({ k }) => k !== 0 },
  ),

  system(
    "mrc{c}",
    "cccc 1110 000 1 1101 tttt 1111 011 1 0000",
    "15, 0, rt, cr13, cr0, {brace3}",
    readInto((e) => e.get(TPIDRURO)),
    CP15,
  ),
  system(
    "mrc{c}",
    "cccc 1110 000 1 1101 tttt 1111 010 1 0000",
    "15, 0, rt, cr13, cr0, {brace2}",
    readInto((e) => e.get(TPIDRURW)),
    CP15,
  ),
  system(
    "mcr{c}",
    "cccc 1110 000 0 1101 tttt 1111 010 1 0000",
    "15, 0, rt, cr13, cr0, {brace2}",
    (e, { t }, context) => e.set(TPIDRURW, readGpr(e, context, t)),
    CP15,
  ),
  // ARMv6's barriers.
  system("mcr{c}", "cccc 1110 000 0 0111 tttt 1111 101 1 1010", "15, 0, rt, cr7, cr10, {brace5}", barrier, {
    ...HARMLESS,
    needs: "v6",
  }),
  system("mcr{c}", "cccc 1110 000 0 0111 tttt 1111 100 1 1010", "15, 0, rt, cr7, cr10, {brace4}", barrier, HARMLESS),
  system("mcr{c}", "cccc 1110 000 0 0111 tttt 1111 100 1 0101", "15, 0, rt, cr7, cr5, {brace4}", barrier, {
    ...HARMLESS,
    needs: "v6",
  }),

  system("setend", "1111 0001 0000 0001 0000 0000 0000 0000", "le", nothing, { ...HARMLESS, needs: "v6" }),
  system("setend", "1111 0001 0000 0001 0000 0010 0000 0000", "be", illegal, BIG_ENDIAN),
  // To a user program, a change of processor state is no operation (A8.8.38).
  system("cps{cpseffect}", "1111 0001 0000 1 k M 0 0000 000 iii 0 jjjjj", "{cpsflags}{cpsmode}", nothing, {
    ...HARMLESS,
    needs: "v6",
  }),
  system("cps", "1111 0001 0000 001 0 0000 000 000 0 iiiii", "{number}", nothing, { ...HARMLESS, needs: "v6" }),

  privileged("mrs{c}", "cccc 00010100 1111 dddd 0000 0000 0000", "rd, SPSR", illegal, KERNEL),
  privileged("msr{c}", "cccc 00010110 kkkk 1111 0000 0000 mmmm", "SPSR_{statusmask}, rm", illegal, KERNEL),
  privileged("msr{c}", "cccc 00110110 kkkk 1111 iiiiiiiiiiii", "SPSR_{statusmask}, {armimm}", illegal, KERNEL),
  privileged("smc{c}", "cccc 00010110 0000 0000 0000 0111 iiii", "{decimal}", illegal, KERNEL),
  privileged("hvc", "1110 00010100 iiiiiiiiiiii 0111 iiii", "{decimal}", illegal, KERNEL),
  privileged("eret{c}", "cccc 00010110 0000 0000 0000 0110 1110", "", illegal, KERNEL),
];

export const SYSTEM_T16: readonly ArmRow[] = [
  system("svc{c}", "11011111 iiiiiiii", "{decimal}", (e, _f, { next }) => e.systemCall(next), {
    flow: () => ({ kind: "systemCall" }),
  }),
  system("bkpt", "10111110 iiiiiiii", "{hexnumber4}", (e, { i }) => e.raise("breakpoint", e.const32(i)), {
    flow: () => ({ kind: "stop" }),
    needs: "v5",
    always: true,
  }),
  system("udf{c}", "11011110 iiiiiiii", "#{decimal}", illegal, illegalInfo),
  system("setend", "1011 0110 0101 0 000", "le", nothing, { ...HARMLESS, needs: "v6" }),
  system("setend", "1011 0110 0101 1 000", "be", illegal, BIG_ENDIAN),
  system("cps{cpseffect}", "1011 0110 011 k 0 iii", "{cpsflags}", nothing, { ...HARMLESS, needs: "v6" }),
];

export const SYSTEM_T32: readonly ArmRow[] = [
  system("mrs{c}", "111100111110 1111 1000 dddd 0000 0000", "rd, CPSR", readStatus, {
    guarded: true,
    harmless: true,
    needs: "v6t2",
    when: ({ d }) => d !== PC,
  }),
  system(
    "msr{c}",
    "111100111000 mmmm 1000 kkkk 0000 0000",
    "CPSR_{statusmask}, rm",
    (e, { k, m }, context) => writeStatus(e, k, readGpr(e, context, m)),
    { needs: "v6t2", when: ({ k, m }) => k !== 0 && m !== PC },
  ),
  system("udf{c}.w", "111101111111 iiii 1010 iiiiiiiiiiii", "#{decimal}", illegal, { ...illegalInfo, needs: "v6t2" }),
  privileged("mrs{c}", "111100111111 1111 1000 dddd 0000 0000", "rd, SPSR", illegal, KERNEL),
  privileged("msr{c}", "111100111001 mmmm 1000 kkkk 0000 0000", "SPSR_{statusmask}, rm", illegal, KERNEL),
  privileged("smc{c}", "111101111111 iiii 1000 0000 0000 0000", "#{decimal}", illegal, KERNEL),
];
