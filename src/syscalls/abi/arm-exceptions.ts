/** CPU exceptions as signals on ARM, as Linux decides it (arch/arm/kernel/traps.c, ptrace.c, mm/fault.c). */
import {
  BUS_ADRALN,
  BUS_ADRERR,
  ILL_ILLOPC,
  SEGV_ACCERR,
  SEGV_MAPERR,
  TRAP_BRKPT,
  faultSignal,
} from "../../kernel/siginfo.ts";
import type { SignalInfo } from "../../kernel/siginfo.ts";
import type { SignalName } from "../../kernel/signal.ts";
import type { Task } from "../../kernel/task.ts";
import { GuestFault } from "../../memory/guest-fault.ts";
import { ARM_PRIVATE_BASE, EABI_NUMBERS } from "./arm-eabi-numbers.ts";
import type { CpuException, OnProcessor } from "./signal-abi.ts";

/** What the last exception of a task was, as its signal frames show it (struct sigcontext). */
export interface LastFault {
  readonly trapNumber: number;
  readonly errorCode: number;
  readonly address: number;
}
const NONE: LastFault = { trapNumber: 0, errorCode: 0, address: 0 };
const lastFaults = new WeakMap<Task, LastFault>();
export const lastFault = (task: Task): LastFault => lastFaults.get(task) ?? NONE;

/** trap_no: of an undefined instruction, and of an access that faulted. */
const TRAP_UNDEFINED = 6;
const TRAP_FAULT = 14;
/** Fault status (ARM DDI 0406C B3.13.3, short descriptors): alignment, page translation, page permission; a write. */
const FSR_ALIGNMENT = 0x1;
const FSR_TRANSLATION = 0x7;
const FSR_PERMISSION = 0xf;
const FSR_WRITE = 0x800;

const ILL_ILLTRP = 4;

/** The undefined instructions that debuggers use as breakpoints (asm/ptrace.h), with the bits that count. */
const BREAK_ARM = { mask: 0x0fffffff, value: 0x07f001f0 } as const;
const BREAK_THUMB = 0xde01;
const BREAK_THUMB2 = [0xf7f0, 0xa000] as const;

export function armExceptionSignal(on: OnProcessor, raised: CpuException): SignalInfo {
  const { task } = on;
  const { signals } = task.process.kernel;
  const fault = (name: SignalName, code: number, address: number) => faultSignal(signals.number(name), code, address);
  const remember = (trapNumber: number, errorCode: number, address: number) =>
    lastFaults.set(task, { trapNumber, errorCode, address });
  const { exception, info } = raised;
  const pc = (raised.pc & ~1) >>> 0;
  switch (exception) {
    case "breakpoint":
      return fault("SIGTRAP", TRAP_BRKPT, pc);
    case "addressError":
      remember(TRAP_FAULT, FSR_ALIGNMENT, info);
      return fault("SIGBUS", BUS_ADRALN, info);
    case "memory":
    case "fetch":
      return memoryFault((info & (exception === "fetch" ? ~1 : ~0)) >>> 0, exception === "fetch");
    default:
      if (isBreakpoint(on, raised.pc)) return fault("SIGTRAP", TRAP_BRKPT, pc);
      remember(TRAP_UNDEFINED, 0, pc);
      return fault("SIGILL", ILL_ILLOPC, pc);
  }

  function memoryFault(address: number, execute: boolean): SignalInfo {
    const { space } = task.process;
    let why = space.explain(address, execute ? "execute" : "read");
    let write = 0;
    if (why === "ok" && !execute) {
      why = space.explain(address, "write");
      write = FSR_WRITE;
    }
    // The kernel's part of the address space is never mapped for a program, but for the page of helpers.
    const code = why === "protected" ? SEGV_ACCERR : SEGV_MAPERR;
    remember(TRAP_FAULT, (why === "protected" ? FSR_PERMISSION : FSR_TRANSLATION) | write, address);
    if (why === "beyondEof") return fault("SIGBUS", BUS_ADRERR, address);
    return fault("SIGSEGV", code, address);
  }
}

/** Whether the undefined instruction at `pc` (with the Thumb bit) is a debugger's. */
function isBreakpoint({ memory }: OnProcessor, pc: number): boolean {
  const at = (pc & ~1) >>> 0;
  try {
    if ((pc & 1) === 0) return (memory.code.read32(at) & BREAK_ARM.mask) === BREAK_ARM.value;
    const first = memory.code.read16(at);
    return first === BREAK_THUMB || (first === BREAK_THUMB2[0] && memory.code.read16(at + 2) === BREAK_THUMB2[1]);
  } catch (error) {
    // The instruction has gone since: another task unmapped it.
    if (error instanceof GuestFault) return false;
    throw error;
  }
}

/** Numbers up to here, from `ARM_PRIVATE_BASE`, are ENOSYS; those above and the obsolete ones are illegal instructions. */
const LAST_PRIVATE = ARM_PRIVATE_BASE + 0x7ff;
const OBSOLETE: ReadonlySet<number | undefined> = new Set([EABI_NUMBERS.get("usr26"), EABI_NUMBERS.get("usr32")]);

/** What the calls that only ARM has raise. `pc`: the address of the svc instruction. */
export function armBadCall(on: OnProcessor, number: number, pc: number, rewind: () => void): SignalInfo | null {
  const { signals } = on.task.process.kernel;
  if (number === EABI_NUMBERS.get("breakpoint")) {
    rewind();
    return faultSignal(signals.number("SIGTRAP"), TRAP_BRKPT, pc);
  }
  // "Branch through zero".
  if (number === ARM_PRIVATE_BASE) return faultSignal(signals.number("SIGSEGV"), SEGV_MAPERR, 0);
  if (number >>> 0 <= LAST_PRIVATE && !OBSOLETE.has(number)) return null;
  return faultSignal(signals.number("SIGILL"), ILL_ILLTRP, pc);
}
