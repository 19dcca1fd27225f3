/** Many sequences in one static program that loads each one's registers, runs it, and writes all registers out. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { runTool } from "../harness/child.ts";
import { compilerOf, type Target } from "../harness/target.ts";
import { linesOf, type Sequence } from "./generator.ts";
import { LAYOUT, RECORD_SIZE } from "./mips-record.ts";
import { SCRATCH_SIZE } from "./mips-sequence.ts";

/** Registers that a sequence may use. */
const SAVED = [...Array.from({ length: 25 }, (_, n) => n + 1), 30, 31];
const SIGNALS = [4, 5, 8, 10, 11]; // SIGILL, SIGTRAP, SIGFPE, SIGBUS, SIGSEGV
const SA_SIGINFO = 8;
const [NR_EXIT, NR_WRITE, NR_RT_SIGACTION] = [4001, 4004, 4194];
/** o32: of the program counter's low word in the handler's third argument: flags, link, stack, padding, regmask, status. */
const CONTEXT_PC = { little: 32, big: 36 } as const;

export function programText(sequences: readonly Sequence[], target: Target, fr1: boolean): string {
  const at = (index: number) => index * 4;
  const doubles = Array.from({ length: 32 }, (_, n) => n).filter((n) => fr1 || n % 2 === 0);
  const floats = (mnemonic: string) => doubles.map((n) => `${mnemonic} $f${n}, ${at(LAYOUT.fpr + 2 * n)}($29)`);
  const pc = target.littleEndian ? CONTEXT_PC.little : CONTEXT_PC.big;
  let input = 0;
  const text = [
    ".module fp=" + (fr1 ? "64" : "32"),
    ".set noreorder",
    ".set noat",
    ".set nomacro",
    ".set mips32r2",
    ".text",
    ".globl __start",
    "__start:",
    ...SIGNALS.flatMap((signal) => [
      `li $4, ${signal}`,
      "lui $5, %hi(action)",
      "addiu $5, $5, %lo(action)",
      "move $6, $0",
      "li $7, 16",
      `li $2, ${NR_RT_SIGACTION}`,
      "syscall",
    ]),
    // ── the next start: its registers from the input, the scratch memory last
    "next:",
    "lui $8, %hi(cursor)",
    "lw $9, %lo(cursor)($8)",
    "lw $10, 0($9)",
    "beqz $10, finish",
    "lw $29, 4($9)",
    "addiu $9, $9, 8",
    "sw $9, %lo(cursor)($8)",
    "lui $11, %hi(resume)",
    "sw $10, %lo(resume)($11)",
    "lui $8, %hi(scratch)",
    "addiu $8, $8, %lo(scratch)",
    `addiu $9, $29, ${at(LAYOUT.scratch)}`,
    `addiu $10, $9, ${SCRATCH_SIZE}`,
    "1:",
    "lw $11, 0($9)",
    "addiu $9, $9, 4",
    "sw $11, 0($8)",
    "bne $9, $10, 1b",
    "addiu $8, $8, 4",
    "lui $8, %hi(record)",
    "addiu $8, $8, %lo(record)",
    ...["signal", "signalCode", "signalPc"].map((key) => `sw $0, ${at(LAYOUT[key as "signal"])}($8)`),
    "ctc1 $0, $31",
    ...floats("ldc1"),
    `lw $8, ${at(LAYOUT.hi)}($29)`,
    "mthi $8",
    `lw $8, ${at(LAYOUT.lo)}($29)`,
    "mtlo $8",
    `lw $8, ${at(LAYOUT.fcsr)}($29)`,
    "ctc1 $8, $31",
    ...SAVED.map((n) => `lw $${n}, ${at(n)}($29)`),
    "lui $28, %hi(resume)",
    "lw $28, %lo(resume)($28)",
    "jr $28",
    "nop",
    // ── the end of each
    "save:",
    ...SAVED.map((n) => `sw $${n}, ${at(n)}($29)`),
    "mfhi $8",
    `sw $8, ${at(LAYOUT.hi)}($29)`,
    "mflo $8",
    `sw $8, ${at(LAYOUT.lo)}($29)`,
    "cfc1 $8, $31",
    `sw $8, ${at(LAYOUT.fcsr)}($29)`,
    "ctc1 $0, $31",
    ...floats("sdc1"),
    `addiu $9, $29, ${at(LAYOUT.scratch)}`,
    `addiu $10, $9, ${SCRATCH_SIZE}`,
    "1:",
    "lw $11, 0($28)",
    "addiu $28, $28, 4",
    "sw $11, 0($9)",
    "addiu $9, $9, 4",
    "bne $9, $10, 1b",
    "nop",
    "move $16, $29",
    `li $17, ${RECORD_SIZE}`,
    "1:",
    "li $4, 1",
    "move $5, $16",
    "move $6, $17",
    `li $2, ${NR_WRITE}`,
    "syscall",
    "bnez $7, fail",
    "subu $17, $17, $2",
    "bnez $17, 1b",
    "addu $16, $16, $2",
    "b next",
    "nop",
    "finish:",
    "move $4, $0",
    `li $2, ${NR_EXIT}`,
    "syscall",
    "fail:",
    "li $4, 99",
    `li $2, ${NR_EXIT}`,
    "syscall",
    // ── a signal ends its sequence: who, why and where go into the record, and the context returns to `save`
    "handler:",
    "lui $8, %hi(record)",
    "addiu $8, $8, %lo(record)",
    `sw $4, ${at(LAYOUT.signal)}($8)`,
    "lw $9, 4($5)",
    `sw $9, ${at(LAYOUT.signalCode)}($8)`, // MIPS has si_code before si_errno
    `lw $9, ${pc}($6)`,
    `sw $9, ${at(LAYOUT.signalPc)}($8)`,
    "lui $9, %hi(save)",
    "addiu $9, $9, %lo(save)",
    "jr $31",
    `sw $9, ${pc}($6)`,
    // ── the sequences
    ...sequences.flatMap((sequence, index) => [
      `q${index}:`,
      "lui $29, %hi(record)",
      "addiu $29, $29, %lo(record)",
      "lui $28, %hi(scratch)",
      "addiu $28, $28, %lo(scratch)",
      ...linesOf(sequence, index),
      `.Lq${index}_${sequence.units.length}:`,
      "j save",
      "nop",
    ]),
    ".data",
    ".balign 8",
    'inputs: .incbin "inputs"',
    "table:",
    ...sequences.flatMap((sequence, index) =>
      sequence.states.map(() => `.word q${index}, inputs + ${RECORD_SIZE * input++}`),
    ),
    ".word 0, 0",
    "cursor: .word table",
    "resume: .word 0",
    `action: .word ${SA_SIGINFO}, handler, 0, 0, 0, 0`,
    // The record is also where the signal frame goes: below it lies room for the stack.
    ".bss",
    ".balign 8",
    ".space 8192",
    `record: .space ${RECORD_SIZE}`,
    ".balign 256",
    `scratch: .space ${SCRATCH_SIZE}`,
  ];
  return `${text.join("\n")}\n`;
}

/** Assembles and links into `folder`; the program's path. */
export async function buildProgram(
  sequences: readonly Sequence[],
  target: Target,
  fr1: boolean,
  folder: string,
  name: string,
): Promise<string> {
  writeFileSync(path.join(folder, "inputs"), Buffer.concat(sequences.flatMap((s) => s.states)));
  writeFileSync(path.join(folder, `${name}.s`), programText(sequences, target, fr1));
  const program = path.join(folder, name);
  await runTool(
    compilerOf(target),
    [
      "-nostdlib",
      "-static",
      "-mno-abicalls",
      "-fno-pic",
      "-march=mips32r2",
      fr1 ? "-mfp64" : "-mfp32",
      `${name}.s`,
      "-o",
      program,
    ],
    { cwd: folder, env: { PATH: process.env.PATH ?? "", LC_ALL: "C" } },
  );
  return program;
}
