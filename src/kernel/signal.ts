/**
 * Signals: names, numbers, what they do by default, and sets of them.
 *
 * The kernel is made for one architecture, as Linux is when it is compiled: it works with that architecture's numbers
 * and gets them from a `SignalTable` (`kernel.signals`).
 */

/** What happens when a signal without handler arrives (signal(7)). "core" ends the process as "terminate" does. */
export type DefaultAction = "terminate" | "core" | "ignore" | "stop" | "continue";

/** Name, number on most architectures, number on MIPS (0: does not exist there), default action, strsignal(3)'s text. */
const TABLE = [
  ["SIGHUP", 1, 1, "terminate", "Hangup"],
  ["SIGINT", 2, 2, "terminate", "Interrupt"],
  ["SIGQUIT", 3, 3, "core", "Quit"],
  ["SIGILL", 4, 4, "core", "Illegal instruction"],
  ["SIGTRAP", 5, 5, "core", "Trace/breakpoint trap"],
  ["SIGABRT", 6, 6, "core", "Aborted"],
  ["SIGEMT", 0, 7, "terminate", "EMT trap"],
  ["SIGBUS", 7, 10, "core", "Bus error"],
  ["SIGFPE", 8, 8, "core", "Floating point exception"],
  ["SIGKILL", 9, 9, "terminate", "Killed"],
  ["SIGUSR1", 10, 16, "terminate", "User defined signal 1"],
  ["SIGSEGV", 11, 11, "core", "Segmentation fault"],
  ["SIGUSR2", 12, 17, "terminate", "User defined signal 2"],
  ["SIGPIPE", 13, 13, "terminate", "Broken pipe"],
  ["SIGALRM", 14, 14, "terminate", "Alarm clock"],
  ["SIGTERM", 15, 15, "terminate", "Terminated"],
  ["SIGSTKFLT", 16, 0, "terminate", "Stack fault"],
  ["SIGCHLD", 17, 18, "ignore", "Child exited"],
  ["SIGCONT", 18, 25, "continue", "Continued"],
  ["SIGSTOP", 19, 23, "stop", "Stopped (signal)"],
  ["SIGTSTP", 20, 24, "stop", "Stopped"],
  ["SIGTTIN", 21, 26, "stop", "Stopped (tty input)"],
  ["SIGTTOU", 22, 27, "stop", "Stopped (tty output)"],
  ["SIGURG", 23, 21, "ignore", "Urgent I/O condition"],
  ["SIGXCPU", 24, 30, "core", "CPU time limit exceeded"],
  ["SIGXFSZ", 25, 31, "core", "File size limit exceeded"],
  ["SIGVTALRM", 26, 28, "terminate", "Virtual timer expired"],
  ["SIGPROF", 27, 29, "terminate", "Profiling timer expired"],
  ["SIGWINCH", 28, 20, "ignore", "Window changed"],
  ["SIGIO", 29, 22, "terminate", "I/O possible"],
  ["SIGPWR", 30, 19, "terminate", "Power failure"],
  ["SIGSYS", 31, 12, "core", "Bad system call"],
] as const satisfies readonly (readonly [string, number, number, DefaultAction, string])[];

export type SignalName = (typeof TABLE)[number][0];

/** A set of signals: bit n - 1 stands for signal n. */
export type SignalSet = bigint;
export const NO_SIGNALS: SignalSet = 0n;

/** The set with just this signal. */
export const signalBit = (signal: number): SignalSet => 1n << BigInt(signal - 1);

export const hasSignal = (set: SignalSet, signal: number): boolean => (set & signalBit(signal)) !== 0n;

export class SignalTable {
  /** The highest signal number: 64, on MIPS 128. */
  readonly last: number;
  /** The first real-time signal. */
  readonly firstRealTime = 32;
  /** SIGKILL and SIGSTOP: can be neither blocked nor handled. */
  readonly unstoppable: SignalSet;
  /** Signals that a CPU exception raises; delivered before all others. */
  readonly synchronous: SignalSet;
  /** SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU: forgotten when SIGCONT comes. */
  readonly stops: SignalSet;
  readonly #numbers = new Map<string, number>();
  readonly #rows: ((typeof TABLE)[number] | undefined)[] = [];

  constructor(architecture: "generic" | "mips") {
    this.last = architecture === "mips" ? 128 : 64;
    for (const row of TABLE) {
      const number = row[architecture === "mips" ? 2 : 1];
      if (number === 0) continue;
      this.#numbers.set(row[0], number);
      this.#rows[number] = row;
    }
    this.unstoppable = this.set("SIGKILL", "SIGSTOP");
    this.synchronous = this.set("SIGSEGV", "SIGBUS", "SIGILL", "SIGTRAP", "SIGFPE", "SIGSYS");
    this.stops = this.set("SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU");
  }

  /** The number of a signal that this architecture has; 0 where it has not. */
  number(name: SignalName): number {
    return this.#numbers.get(name) ?? 0;
  }

  /** "SIGSEGV", "SIGRT_3" (as strace counts real-time signals), or the bare number. */
  name(signal: number): string {
    const row = this.#rows[signal];
    if (row !== undefined) return row[0];
    return this.isValid(signal) ? `SIGRT_${signal - this.firstRealTime}` : String(signal);
  }

  /** The standard signal of this number, or null for real-time signals. */
  standardName(signal: number): SignalName | null {
    return this.#rows[signal]?.[0] ?? null;
  }

  /** strsignal(3)'s text. */
  describe(signal: number): string {
    return this.#rows[signal]?.[4] ?? `Real-time signal ${signal - this.firstRealTime}`;
  }

  defaultAction(signal: number): DefaultAction {
    return this.#rows[signal]?.[3] ?? "terminate";
  }

  isValid(signal: number): boolean {
    return Number.isInteger(signal) && signal >= 1 && signal <= this.last;
  }

  isRealTime(signal: number): boolean {
    return signal >= this.firstRealTime;
  }

  set(...names: SignalName[]): SignalSet {
    let set = NO_SIGNALS;
    for (const name of names) if (this.number(name) !== 0) set |= signalBit(this.number(name));
    return set;
  }
}

/** Every standard signal's name, for tables that are derived from these (host signals, strace). */
export const SIGNAL_NAMES: readonly SignalName[] = TABLE.map((row) => row[0]);
