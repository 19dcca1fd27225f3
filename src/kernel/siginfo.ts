/**
 * What comes with a signal (sigaction(2), "The siginfo_t argument"), before an ABI packs it into its own layout.
 */

/** `si_code` values that say who sent a signal; the same on all architectures unless noted. */
export const SI_USER = 0; // kill
export const SI_KERNEL = 0x80;
export const SI_QUEUE = -1; // sigqueue
export const SI_TIMER = -2; // timer_create; -3 on MIPS
export const SI_TKILL = -6;
export const SI_MIPS_TIMER = -3;
export const SI_MESGQ = -3; // mq_notify; -4 on MIPS
export const SI_MIPS_MESGQ = -4;

export const ILL_ILLOPC = 1;
export const ILL_COPROC = 7;
export const FPE_INTDIV = 1;
export const FPE_INTOVF = 2;
export const FPE_FLTDIV = 3;
export const FPE_FLTOVF = 4;
export const FPE_FLTUND = 5;
export const FPE_FLTRES = 6;
export const FPE_FLTINV = 7;
/** A floating-point trap whose cause is not known. */
export const FPE_FLTUNK = 14;
export const SEGV_MAPERR = 1;
export const SEGV_ACCERR = 2;
export const BUS_ADRALN = 1;
export const BUS_ADRERR = 2;
export const TRAP_BRKPT = 1;
export const CLD_EXITED = 1;
export const CLD_KILLED = 2;
export const CLD_DUMPED = 3;
export const CLD_STOPPED = 5;
export const CLD_CONTINUED = 6;

/** The part of `siginfo_t` that depends on the signal's origin. */
export type SignalFields =
  /** kill, tkill, tgkill. */
  | { readonly kind: "sender"; readonly pid: number; readonly uid: number }
  /** rt_sigqueueinfo, and mq_notify alike; `value` is the raw sigval. */
  | { readonly kind: "queue"; readonly pid: number; readonly uid: number; readonly value: number }
  /** timer_create. */
  | { readonly kind: "timer"; readonly timer: number; readonly overrun: number; readonly value: number }
  /** A CPU exception; `address` is the faulting data address or the instruction's. */
  | { readonly kind: "fault"; readonly address: number }
  /** SIGCHLD; times in clock ticks. */
  | {
      readonly kind: "child";
      readonly pid: number;
      readonly uid: number;
      readonly status: number;
      readonly userTime: number;
      readonly systemTime: number;
    }
  /** SIGIO. */
  | { readonly kind: "poll"; readonly band: number; readonly fd: number }
  /** SIGSYS. */
  | { readonly kind: "syscall"; readonly address: number; readonly number: number; readonly arch: number }
  /** Bytes that the guest gave to rt_sigqueueinfo, from behind si_signo, si_errno and si_code; passed on as they are. */
  | { readonly kind: "raw"; readonly bytes: Uint8Array };

export interface SignalInfo {
  readonly signal: number;
  readonly errno: number;
  readonly code: number;
  readonly fields: SignalFields;
}

/** A signal that the kernel itself sends (SIGPIPE, SIGALRM, SIGINT from the terminal …). */
export function kernelSignal(signal: number): SignalInfo {
  return { signal, errno: 0, code: SI_KERNEL, fields: { kind: "sender", pid: 0, uid: 0 } };
}

export function userSignal(signal: number, code: number, pid: number, uid: number): SignalInfo {
  return { signal, errno: 0, code, fields: { kind: "sender", pid, uid } };
}

export function faultSignal(signal: number, code: number, address: number): SignalInfo {
  return { signal, errno: 0, code, fields: { kind: "fault", address: address >>> 0 } };
}
