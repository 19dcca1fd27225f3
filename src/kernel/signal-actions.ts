/** What a process does with each signal (sigaction(2)); shared by the tasks of a process. */
import { NO_SIGNALS } from "./signal.ts";
import type { SignalSet, SignalTable } from "./signal.ts";

export const SIG_DFL = 0;
export const SIG_IGN = 1;

export interface SignalAction {
  /** Guest address of the handler, or `SIG_DFL` or `SIG_IGN`. */
  readonly handler: number;
  /** Blocked while the handler runs, beside the signal itself. */
  readonly mask: SignalSet;
  readonly siginfo: boolean;
  readonly onStack: boolean;
  readonly restart: boolean;
  readonly noDefer: boolean;
  readonly resetHandler: boolean;
  readonly noChildStop: boolean;
  readonly noChildWait: boolean;
  /** `sa_flags` as the guest gave it, for the next sigaction to read back. */
  readonly rawFlags: number;
  /** `sa_restorer`, where the architecture has one. */
  readonly restorer: number;
}

export const DEFAULT_ACTION: SignalAction = Object.freeze({
  handler: SIG_DFL,
  mask: NO_SIGNALS,
  siginfo: false,
  onStack: false,
  restart: false,
  noDefer: false,
  resetHandler: false,
  noChildStop: false,
  noChildWait: false,
  rawFlags: 0,
  restorer: 0,
});

export class SignalActions {
  readonly #table: SignalTable;
  readonly #actions: (SignalAction | undefined)[] = [];
  readonly #faults: readonly number[];
  #handlesFaults: boolean | null = false;

  constructor(table: SignalTable) {
    this.#table = table;
    this.#faults = [table.number("SIGSEGV"), table.number("SIGBUS")];
  }

  get(signal: number): SignalAction {
    return this.#actions[signal] ?? DEFAULT_ACTION;
  }

  set(signal: number, action: SignalAction): void {
    this.#actions[signal] = action;
    this.#handlesFaults = null;
  }

  /** Whether memory faults reach a handler: then it must find exact registers in its frame. */
  get handlesFaults(): boolean {
    this.#handlesFaults ??= this.#faults.some((signal) => this.get(signal).handler > SIG_IGN);
    return this.#handlesFaults;
  }

  /** A signal that would do nothing is not even queued, unless it is blocked (it may get a handler meanwhile). */
  ignores(signal: number): boolean {
    const { handler } = this.get(signal);
    if (handler === SIG_IGN) return true;
    return handler === SIG_DFL && this.#table.defaultAction(signal) === "ignore";
  }

  /** For fork. */
  clone(): SignalActions {
    const copy = new SignalActions(this.#table);
    this.#actions.forEach((action, signal) => {
      if (action !== undefined) copy.set(signal, action);
    });
    return copy;
  }

  /** For execve: handlers go back to default, ignored signals stay ignored. */
  resetHandlers(): void {
    this.#actions.forEach((action, signal) => {
      if (action !== undefined && action.handler !== SIG_IGN) this.#actions[signal] = undefined;
    });
    this.#handlesFaults = null;
  }
}
