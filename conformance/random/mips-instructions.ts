/**
 * The user-mode instructions of MIPS32 release 2 as assembler text with holes, for the generator of random sequences.
 *
 * Holes: `%d` a general register to write, `%s` one to read, `%n` one to read that is neither $0 nor $1, `%x` neither $0 nor $31, `%f`/`%g` a floating-point register to write/read as single
 * or word, `%F`/`%G` the same as double or (FR=1) long, `%c` a condition code, `%i`/`%u` a signed/unsigned 16-bit
 * immediate, `%h` a shift amount, `%e` position and size of a bit field, `%t` a trap code, `%1` `%2` `%4` `%8` an aligned
 * offset from the scratch memory's base, `%L` a label further down, `%C` an FCSR value, `%r` one temporary register, the
 * same wherever it stands in the row. A row with several lines stays together, and nothing jumps into its middle.
 *
 * Left out because the manual calls the result UNPREDICTABLE or leaves it to the implementation:
 * - division by zero: the divisor is made odd first;
 * - HI and LO after `mul`; LO after `mthi` that follows a multiplication without `mflo`: both are written after each;
 * - a branch in a delay slot; `jalr` and linking branches that read the register they link into;
 * - `sc` without its `ll`, or with a memory access between them;
 * - doubles in odd registers while FR=0, and the 64-bit formats there;
 * - unaligned addresses except for lwl, lwr, swl, swr: a kernel mends them, and the peer does it its own way;
 * - `rdhwr` of the cycle counter and of the model's sizes, `cfc1` of FIR;
 * - trap codes 6 and 7: a kernel turns them into SIGFPE, the peer (QEMU 7.2) for `teq` into SIGTRAP;
 * - branches that can't be taken (bne $2, $2): the peer takes them for no branch at all, so that a trap in the delay
 *   slot points at the slot there and at the branch on a processor;
 * - paired singles, MIPS-3D, DSP, MSA: not on the processor that the peer shows (24Kf).
 */
export interface Instruction {
  readonly text: string;
  /** How often, against 1 for most. */
  readonly weight?: number;
  /** Needs 64-bit floating-point registers. */
  readonly fr1?: true;
  /** A branch: a delay slot follows. */
  readonly branch?: true;
}

const plain = (...texts: string[]): Instruction[] => texts.map((text) => ({ text }));

const ARITHMETIC: Instruction[] = [
  ...plain(
    "addu %d, %s, %s",
    "addiu %d, %s, %i",
    "subu %d, %s, %s",
    "and %d, %s, %s",
    "andi %d, %s, %u",
    "or %d, %s, %s",
    "ori %d, %s, %u",
    "xor %d, %s, %s",
    "xori %d, %s, %u",
    "nor %d, %s, %s",
    "slt %d, %s, %s",
    "sltu %d, %s, %s",
    "slti %d, %s, %i",
    "sltiu %d, %s, %i",
    "lui %d, %u",
    "clz %d, %s",
    "clo %d, %s",
    "seb %d, %s",
    "seh %d, %s",
    "wsbh %d, %s",
    "sll %d, %s, %h",
    "srl %d, %s, %h",
    "sra %d, %s, %h",
    "rotr %d, %s, %h",
    "sllv %d, %s, %s",
    "srlv %d, %s, %s",
    "srav %d, %s, %s",
    "rotrv %d, %s, %s",
    "movz %d, %s, %s",
    "movn %d, %s, %s",
    "ext %d, %s, %e",
    "ins %d, %s, %e",
    "movf %d, %s, $fcc%c",
    "movt %d, %s, $fcc%c",
  ),
  // These trap on overflow, which ends a sequence: seldom.
  { text: "add %d, %s, %s", weight: 0.2 },
  { text: "addi %d, %s, %i", weight: 0.3 },
  { text: "sub %d, %s, %s", weight: 0.2 },
];

const MULTIPLY: Instruction[] = plain(
  "mul %d, %s, %s\nmthi %s\nmtlo %s",
  "mult %s, %s",
  "multu %s, %s",
  "madd %s, %s",
  "maddu %s, %s",
  "msub %s, %s",
  "msubu %s, %s",
  "mfhi %d",
  "mflo %d",
  "mthi %s\nmtlo %s",
  "ori %r, %s, 1\ndiv $0, %s, %r",
  "ori %r, %s, 1\ndivu $0, %s, %r",
);

const MEMORY: Instruction[] = plain(
  "lb %d, %1($28)",
  "lbu %d, %1($28)",
  "lh %d, %2($28)",
  "lhu %d, %2($28)",
  "lw %d, %4($28)",
  "lwl %d, %1($28)",
  "lwr %d, %1($28)",
  "sb %s, %1($28)",
  "sh %s, %2($28)",
  "sw %s, %4($28)",
  "swl %s, %1($28)",
  "swr %s, %1($28)",
  "andi %r, %s, 0xfc\naddu %r, %r, $28\nlw %d, 0(%r)",
  "andi %r, %s, 0xff\naddu %r, %r, $28\nsb %s, 0(%r)",
  "andi %r, %s, 0xfc\naddu %r, %r, $28\nlw %r, 0(%r)",
  "ll %r, %4($28)\naddiu %r, %r, %i\nsc %r, @4($28)",
  "sync",
  "pref 0, %4($28)",
  "synci %4($28)",
);

const TRAPS: Instruction[] = [
  ...["teq", "tne", "tge", "tgeu", "tlt", "tltu"].map((name) => ({ text: `${name} %s, %s, %t`, weight: 0.06 })),
  ...["teqi", "tnei", "tgei", "tgeiu", "tlti", "tltiu"].map((name) => ({ text: `${name} %s, %i`, weight: 0.06 })),
  { text: "break %t", weight: 0.03 },
];

const BRANCHES: Instruction[] = [
  "beq %s, %s, %L",
  "bne %n, $0, %L",
  "bne %n, $1, %L",
  "bne $1, %n, %L",
  "blez %s, %L",
  "bgtz %n, %L",
  "bltz %n, %L",
  "bgez %s, %L",
  "beql %s, %s, %L",
  "bnel %n, $0, %L",
  "bnel %n, $1, %L",
  "blezl %s, %L",
  "bgtzl %n, %L",
  "bltzl %n, %L",
  "bgezl %s, %L",
  "b %L",
  "bal %L",
  "j %L",
  "jal %L",
  "bltzal %x, %L",
  "bgezal %x, %L",
  "bltzall %x, %L",
  "bgezall %x, %L",
  "bc1t $fcc%c, %L",
  "bc1f $fcc%c, %L",
  "bc1tl $fcc%c, %L",
  "bc1fl $fcc%c, %L",
  "lui %r, %%hi(%L)\naddiu %r, %r, %%lo(@L)\njr %r",
  "lui $25, %%hi(%L)\naddiu $25, $25, %%lo(@L)\njalr $25",
  "lui $25, %%hi(%L)\naddiu $25, $25, %%lo(@L)\njalr $24, $25",
].map((text) => ({ text, branch: true }));

const CONDITIONS = [
  "f",
  "un",
  "eq",
  "ueq",
  "olt",
  "ult",
  "ole",
  "ule",
  "sf",
  "ngle",
  "seq",
  "ngl",
  "lt",
  "nge",
  "le",
  "ngt",
];

/** Each for singles (%f, %g) and doubles (%F, %G). */
const BOTH_FORMATS = [
  "add.FMT %f, %g, %g",
  "sub.FMT %f, %g, %g",
  "mul.FMT %f, %g, %g",
  "div.FMT %f, %g, %g",
  "sqrt.FMT %f, %g",
  "abs.FMT %f, %g",
  "neg.FMT %f, %g",
  "mov.FMT %f, %g",
  "movf.FMT %f, %g, $fcc%c",
  "movt.FMT %f, %g, $fcc%c",
  "movz.FMT %f, %g, %s",
  "movn.FMT %f, %g, %s",
  "madd.FMT %f, %g, %g, %g",
  "msub.FMT %f, %g, %g, %g",
  "nmadd.FMT %f, %g, %g, %g",
  "nmsub.FMT %f, %g, %g, %g",
  "recip.FMT %f, %g",
  "rsqrt.FMT %f, %g",
  ...CONDITIONS.map((condition) => `c.${condition}.FMT $fcc%c, %g, %g`),
];
const inFormats = (text: string): string[] => [
  text.replace("FMT", "s"),
  text.replace("FMT", "d").replaceAll("%f", "%F").replaceAll("%g", "%G"),
];

const FLOAT: Instruction[] = [
  ...BOTH_FORMATS.flatMap(inFormats).map((text) => ({ text, weight: text.startsWith("c.") ? 0.3 : 1 })),
  ...plain(
    "cvt.s.d %f, %G",
    "cvt.d.s %F, %g",
    "cvt.s.w %f, %g",
    "cvt.d.w %F, %g",
    "cvt.w.s %f, %g",
    "cvt.w.d %f, %G",
    "round.w.s %f, %g",
    "trunc.w.s %f, %g",
    "ceil.w.s %f, %g",
    "floor.w.s %f, %g",
    "round.w.d %f, %G",
    "trunc.w.d %f, %G",
    "ceil.w.d %f, %G",
    "floor.w.d %f, %G",
    "mtc1 %s, %f",
    "mfc1 %d, %g",
    "mthc1 %s, %F",
    "mfhc1 %d, %G",
    "lwc1 %f, %4($28)",
    "swc1 %g, %4($28)",
    "ldc1 %F, %8($28)",
    "sdc1 %G, %8($28)",
    "andi %r, %s, 0xfc\nlwxc1 %f, %r($28)",
    "andi %r, %s, 0xfc\nswxc1 %g, %r($28)",
    "andi %r, %s, 0xf8\nldxc1 %F, %r($28)",
    "andi %r, %s, 0xf8\nsdxc1 %G, %r($28)",
    "cfc1 %d, $31",
    "cfc1 %d, $25",
    "cfc1 %d, $26",
    "cfc1 %d, $28",
  ),
  { text: "lui %r, %%hi(%C)\naddiu %r, %r, %%lo(@C)\nctc1 %r, $31", weight: 2 },
  { text: "andi %r, %s, 0xff\nctc1 %r, $25", weight: 0.5 },
  { text: "andi %r, %s, 0x7c\nctc1 %r, $26", weight: 0.5 },
  { text: "andi %r, %s, 0x7\nctc1 %r, $28", weight: 0.5 },
];

const FLOAT_64: Instruction[] = plain(
  "cvt.l.s %F, %g",
  "cvt.l.d %F, %G",
  "cvt.s.l %f, %G",
  "cvt.d.l %F, %G",
  "round.l.s %F, %g",
  "trunc.l.s %F, %g",
  "ceil.l.s %F, %g",
  "floor.l.s %F, %g",
  "round.l.d %F, %G",
  "trunc.l.d %F, %G",
  "ceil.l.d %F, %G",
  "floor.l.d %F, %G",
  "andi %r, %s, 0xff\nluxc1 %F, %r($28)",
  "andi %r, %s, 0xff\nsuxc1 %G, %r($28)",
).map((instruction) => ({ ...instruction, fr1: true }));

export const INSTRUCTIONS: readonly Instruction[] = [
  ...ARITHMETIC,
  ...MULTIPLY,
  ...MEMORY,
  ...TRAPS,
  ...BRANCHES,
  ...FLOAT,
  ...FLOAT_64,
];
