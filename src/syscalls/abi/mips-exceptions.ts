/**
 * CPU exceptions as signals on MIPS, as Linux decides it (arch/mips/kernel/traps.c, unaligned.c, mm/fault.c).
 */
import {
  BUS_ADRALN,
  BUS_ADRERR,
  FPE_FLTDIV,
  FPE_FLTINV,
  FPE_FLTOVF,
  FPE_FLTRES,
  FPE_FLTUND,
  FPE_FLTUNK,
  FPE_INTDIV,
  FPE_INTOVF,
  SEGV_ACCERR,
  SEGV_MAPERR,
  TRAP_BRKPT,
  faultSignal,
  kernelSignal,
} from "../../kernel/siginfo.ts";
import type { SignalInfo } from "../../kernel/siginfo.ts";
import type { SignalName } from "../../kernel/signal.ts";
import type { AddressSpace } from "../../memory/address-space.ts";
import type { CpuException, OnProcessor } from "./signal-abi.ts";

/** FCSR as one word: how the ISA puts it together from its parts (`cpu/mips`). */
export interface FloatControl {
  read(registers: DataView): number;
  write(registers: DataView, value: number): void;
}

/** Codes of `break` and `teq` that compilers emit (asm/break.h). */
const BRK_OVERFLOW = 6;
const BRK_DIVZERO = 7;

/** FCSR's Cause field and, seven bits down... its Enables; "unimplemented" is always enabled (MIPS32 AFP vol I-A, table 5.10). */
const CAUSE_UNIMPLEMENTED = 1 << 17;
const ENABLES = 0x1f << 7;
const ENABLE_TO_CAUSE = 5;
const CAUSES = [
  [1 << 16, FPE_FLTINV],
  [1 << 15, FPE_FLTDIV],
  [1 << 14, FPE_FLTOVF],
  [1 << 13, FPE_FLTUND],
  [1 << 12, FPE_FLTRES],
] as const;

/** The bits of FCSR.Cause that raise an exception. */
export function raisingCauses(fcsr: number): number {
  return fcsr & (CAUSE_UNIMPLEMENTED | ((fcsr & ENABLES) << ENABLE_TO_CAUSE));
}

export function mipsExceptionSignal(on: OnProcessor, raised: CpuException, control: FloatControl): SignalInfo {
  const { signals } = on.task.process.kernel;
  const fault = (name: SignalName, code: number, address: number) => faultSignal(signals.number(name), code, address);
  const plain = (name: SignalName) => kernelSignal(signals.number(name));
  const { exception, info, pc } = raised;
  switch (exception) {
    case "breakpoint":
      return trapOrBreak(breakCode(info)) ?? fault("SIGTRAP", TRAP_BRKPT, pc);
    case "trap":
      return trapOrBreak(info) ?? plain("SIGTRAP");
    case "overflow":
      return fault("SIGFPE", FPE_INTOVF, pc);
    case "floatingPoint": {
      const fcsr = control.read(on.registers);
      const raising = raisingCauses(fcsr);
      control.write(on.registers, fcsr & ~raising);
      return fault("SIGFPE", CAUSES.find(([bit]) => (raising & bit) !== 0)?.[1] ?? FPE_FLTUNK, pc);
    }
    case "addressError":
      return fault("SIGBUS", BUS_ADRALN, info);
    case "memory":
    case "fetch":
      return memoryFault(on.task.process.space, info, exception === "fetch");
    default:
      // "illegal", "coprocessorUnusable": force_sig(SIGILL), without an address.
      return plain("SIGILL");
  }

  function trapOrBreak(code: number): SignalInfo | null {
    if (code === BRK_DIVZERO) return fault("SIGFPE", FPE_INTDIV, pc);
    if (code === BRK_OVERFLOW) return fault("SIGFPE", FPE_INTOVF, pc);
    return null;
  }

  function memoryFault(space: AddressSpace, address: number, execute: boolean): SignalInfo {
    // The upper half is the kernel's: an address error, not a TLB miss, and Linux makes a bare SIGBUS of that.
    if (address >>> 0 >= 0x80000000) return plain("SIGBUS");
    let why = space.explain(address, execute ? "execute" : "read");
    if (why === "ok" && !execute) why = space.explain(address, "write");
    if (why === "beyondEof") return fault("SIGBUS", BUS_ADRERR, address);
    return fault("SIGSEGV", why === "unmapped" ? SEGV_MAPERR : SEGV_ACCERR, address);
  }
}

/** `break 7` and `break 0,7` mean the same: old assemblers put the code ten bits higher. */
function breakCode(code: number): number {
  return code >= 1 << 10 ? ((code & 0x3ff) << 10) | (code >> 10) : code;
}
