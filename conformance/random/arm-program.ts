/** Many ARM or Thumb sequences in one static program that loads each one's registers, runs it, and writes all registers out. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { runTool } from "../harness/child.ts";
import { compilerOf, type Target } from "../harness/target.ts";
import { LAYOUT, RECORD_SIZE, SCRATCH_SIZE } from "./arm-record.ts";
import { linesOf, type Sequence } from "./generator.ts";

/** The scratch memory's address; sequences have it in their instructions. */
export const SCRATCH = 0x40000;
const SIGNALS = [4, 5, 7, 8, 11]; // SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV
const SA_SIGINFO_ONSTACK = 0x08000004;
const [NR_EXIT, NR_WRITE, NR_RT_SIGACTION, NR_SIGALTSTACK, NR_SET_TLS] = [1, 4, 174, 186, 0x0f0005];
/** In the handler's third argument: five words, the stack, three words, r0 to r14. */
const CONTEXT_PC = 20 + 12 + 15 * 4;
const CONTEXT_CPSR = CONTEXT_PC + 4;
const FLAGS = 0xf80f0000;
const STACK_SIZE = 16384;

const at = (index: number): string => `#${index * 4}`;
const call = (number: number): string[] => [`ldr r7, =${number}`, "svc 0"];

export function programText(sequences: readonly Sequence[], thumb: boolean): string {
  let input = 0;
  const text = [
    ".syntax unified",
    ".arch armv8-a",
    ".fpu crypto-neon-fp-armv8",
    ".text",
    ".arm",
    ".globl _start",
    "_start:",
    "ldr r0, =altstack",
    "mov r1, #0",
    ...call(NR_SIGALTSTACK),
    ...SIGNALS.flatMap((signal) => [
      `mov r0, #${signal}`,
      "ldr r1, =action",
      "mov r2, #0",
      "mov r3, #8",
      ...call(NR_RT_SIGACTION),
    ]),
    "ldr r0, =record",
    ...call(NR_SET_TLS),
    // ── the next start: what is not a core register first, then r0 to r14 and the program counter at once
    "next:",
    "ldr r8, =cursor",
    "ldr r9, [r8]",
    "ldr r10, [r9]",
    "cmp r10, #0",
    "beq finish",
    "ldr r11, [r9, #4]",
    "add r9, r9, #8",
    "str r9, [r8]",
    "clrex",
    "ldr r0, =start",
    `str r10, [r0, ${at(15)}]`,
    "ldmia r11, {r1-r8}",
    "stmia r0!, {r1-r8}",
    "add r12, r11, #32",
    "ldmia r12, {r1-r7}",
    "stmia r0!, {r1-r7}",
    "ldr r0, =record",
    "mov r1, #0",
    ...["signal", "signalCode", "signalPc"].map((key) => `str r1, [r0, ${at(LAYOUT[key as "signal"])}]`),
    `ldr r0, =${SCRATCH}`,
    `add r1, r11, ${at(LAYOUT.scratch)}`,
    `mov r2, #${SCRATCH_SIZE}`,
    "1:",
    "ldr r3, [r1], #4",
    "str r3, [r0], #4",
    "subs r2, r2, #4",
    "bne 1b",
    `add r0, r11, ${at(LAYOUT.doubles)}`,
    "vldmia r0!, {d0-d15}",
    "vldmia r0!, {d16-d31}",
    `ldr r0, [r11, ${at(LAYOUT.fpscr)}]`,
    "vmsr fpscr, r0",
    `ldr r0, [r11, ${at(LAYOUT.cpsr)}]`,
    "msr APSR_nzcvqg, r0",
    "ldr r0, =start",
    "ldmia r0, {r0-r15}",
    // ── the end of each. r0 waits in the one thread register, the record's address is in the other
    ".balign 4",
    ".thumb",
    "saveThumb:",
    "bx pc",
    "nop",
    ".arm",
    "save:",
    "mcr p15, 0, r0, c13, c0, 2",
    "mrc p15, 0, r0, c13, c0, 3",
    `str r1, [r0, ${at(1)}]`,
    "add r1, r0, #8",
    "stmia r1, {r2-r14}",
    "mrc p15, 0, r1, c13, c0, 2",
    "str r1, [r0]",
    "mrs r1, cpsr",
    `ldr r2, =${FLAGS}`,
    "and r1, r1, r2",
    `str r1, [r0, ${at(LAYOUT.cpsr)}]`,
    "vmrs r1, fpscr",
    `str r1, [r0, ${at(LAYOUT.fpscr)}]`,
    "mov r1, #0",
    "vmsr fpscr, r1",
    `add r1, r0, ${at(LAYOUT.doubles)}`,
    "vstmia r1!, {d0-d15}",
    "vstmia r1!, {d16-d31}",
    `ldr r1, =${SCRATCH}`,
    `add r2, r0, ${at(LAYOUT.scratch)}`,
    `mov r3, #${SCRATCH_SIZE}`,
    "1:",
    "ldr r4, [r1], #4",
    "str r4, [r2], #4",
    "subs r3, r3, #4",
    "bne 1b",
    "mov r5, r0",
    `ldr r6, =${RECORD_SIZE}`,
    "1:",
    "mov r0, #1",
    "mov r1, r5",
    "mov r2, r6",
    ...call(NR_WRITE),
    "cmp r0, #0",
    "ble fail",
    "add r5, r5, r0",
    "subs r6, r6, r0",
    "bne 1b",
    "b next",
    "finish:",
    "mov r0, #0",
    ...call(NR_EXIT),
    "fail:",
    "mov r0, #99",
    ...call(NR_EXIT),
    // ── a signal ends its sequence: who, why and where go into the record, and the context returns to `save`
    "handler:",
    "ldr r3, =record",
    `str r0, [r3, ${at(LAYOUT.signal)}]`,
    "ldr r0, [r1, #8]",
    `str r0, [r3, ${at(LAYOUT.signalCode)}]`,
    `ldr r0, [r2, #${CONTEXT_PC}]`,
    `ldr r1, [r2, #${CONTEXT_CPSR}]`,
    "tst r1, #0x20",
    "orrne r0, r0, #1",
    `str r0, [r3, ${at(LAYOUT.signalPc)}]`,
    "ldr r0, =save",
    `str r0, [r2, #${CONTEXT_PC}]`,
    "ldr r0, =0x0600fc20", // the IT state and T
    "bic r1, r1, r0",
    `str r1, [r2, #${CONTEXT_CPSR}]`,
    "bx lr",
    ".ltorg",
    // ── the sequences
    thumb ? ".thumb" : ".arm",
    ...sequences.flatMap((sequence, index) => [
      ".balign 4",
      `q${index}:`,
      ...linesOf(sequence, index),
      `.Lq${index}_${sequence.units.length}:`,
      thumb ? "b.w saveThumb" : "b save",
    ]),
    ".data",
    ".balign 8",
    'inputs: .incbin "inputs"',
    "table:",
    ...sequences.flatMap((sequence, index) =>
      sequence.states.map(() => `.word q${index} + ${Number(thumb)}, inputs + ${RECORD_SIZE * input++}`),
    ),
    ".word 0, 0",
    "cursor: .word table",
    `action: .word handler, ${SA_SIGINFO_ONSTACK}, 0, 0, 0`,
    `altstack: .word stack, 0, ${STACK_SIZE}`,
    ".bss",
    ".balign 8",
    `stack: .space ${STACK_SIZE}`,
    "start: .space 64",
    `record: .space ${RECORD_SIZE}`,
    '.section scratch, "aw", %nobits',
    `.space ${SCRATCH_SIZE}`,
  ];
  return `${text.join("\n")}\n`;
}

export async function buildProgram(
  sequences: readonly Sequence[],
  target: Target,
  thumb: boolean,
  folder: string,
  name: string,
): Promise<string> {
  writeFileSync(path.join(folder, "inputs"), Buffer.concat(sequences.flatMap((s) => s.states)));
  writeFileSync(path.join(folder, `${name}.s`), programText(sequences, thumb));
  const program = path.join(folder, name);
  // Close together: the peer keeps holes between segments for itself, which shows in si_code.
  const text = `-Wl,-Ttext=0x${(SCRATCH + 0x1000).toString(16)}`;
  const scratch = `-Wl,--section-start=scratch=0x${SCRATCH.toString(16)}`;
  await runTool(
    compilerOf(target),
    ["-nostdlib", "-static", "-Wl,-z,max-page-size=4096", text, scratch, `${name}.s`, "-o", program],
    {
      cwd: folder,
      env: { PATH: process.env.PATH ?? "", LC_ALL: "C" },
    },
  );
  return program;
}
