/**
 * A system call is one row: its name, its arguments, what it does, and how well it is supported. Dispatch, `--strace`,
 * `docs/syscalls.md` and the answer ENOSYS all come from the rows; numbers and struct layouts are the ABI's (`abi/`).
 */
import type { Wait } from "../kernel/wait.ts";
import type { SyscallContext } from "./context.ts";

/** A decoded argument: 32-bit ones are numbers, 64-bit ones (register pairs on a 32-bit guest) bigints. */
export type ArgumentValue = number | bigint;

/**
 * How one argument is passed and printed. `V` is what the handler gets: a number for anything that fits a register,
 * a bigint for a 64-bit value that a 32-bit guest passes in two registers.
 */
export interface ArgumentType<V extends ArgumentValue = ArgumentValue> {
  /** For the documentation: "fd", "path", "struct stat64 *" … */
  readonly name: string;
  /** True: 64 bits wide whatever the guest's registers are. */
  readonly wide: boolean;
  readonly signed: boolean;
  /** Printed after the call, because the call fills it in. */
  readonly out: boolean;
  /** Text for strace. Must not change anything; a bad guest pointer is printed as a number. */
  show(this: void, value: V, shown: Shown): string;
}

/** What an argument's printer may look at. */
export interface Shown {
  readonly call: SyscallContext;
  /** All decoded arguments. */
  readonly args: readonly ArgumentValue[];
  /** Which of them is being printed. */
  readonly index: number;
  /** The call's result; null before it has run and when it failed. */
  readonly result: ArgumentValue | null;
}

/** How the result is printed. */
export type ResultFormat = "decimal" | "hex" | "octal" | "none";

/** A handler's answer when it has set the registers itself (sigreturn, execve) or the task is gone (exit). */
export const KEEP_REGISTERS: unique symbol = Symbol("registers are already set");

/** Negative numbers are results like others (getpriority, lseek of /proc/self/mem): errors are thrown. */
export type Result = number | bigint | typeof KEEP_REGISTERS;

/**
 * What a system call does. Throws an `Errno` to fail, returns a `Wait` to park the task. `GuestFault`, thrown by
 * `GuestMemory`, becomes EFAULT.
 */
export type Handler<V extends readonly ArgumentValue[] = readonly never[]> = (
  call: SyscallContext,
  ...args: V
) => Result | Wait<Result>;

/** The values that a list of argument types decodes to. */
export type Decoded<A extends readonly ArgumentType<never>[]> = {
  -readonly [K in keyof A]: A[K] extends ArgumentType<infer V> ? V : never;
};

export type Support = "full" | "partial" | "none";

export interface SyscallRow {
  readonly name: string;
  readonly args: readonly ArgumentType[];
  /** Null exactly if support is "none": the answer is ENOSYS, with one warning a run. */
  readonly handler: Handler | null;
  readonly support: Support;
  /** What is missing or different, in plain words; empty where nothing is. */
  readonly note: string;
  readonly result: ResultFormat;
  /** ENOSYS without a warning: every program's C library asks, and does without. */
  readonly quiet?: boolean;
}

function row<const A extends readonly ArgumentType<never>[]>(
  name: string,
  args: A,
  handler: Handler<Extract<Decoded<A>, readonly ArgumentValue[]>> | null,
  support: Support,
  note: string,
  result: ResultFormat,
): SyscallRow {
  return {
    name,
    args: args as readonly ArgumentType<never>[] as readonly ArgumentType[],
    handler: handler as Handler | null,
    support,
    note,
    result,
  };
}

/** A call that does all that Linux does, as far as one guest can tell. */
export function full<const A extends readonly ArgumentType<never>[]>(
  name: string,
  args: A,
  handler: Handler<Extract<Decoded<A>, readonly ArgumentValue[]>>,
  result: ResultFormat = "decimal",
): SyscallRow {
  return row(name, args, handler, "full", "", result);
}

/** A call that works for what programs usually ask; `note` says what does not. */
export function partial<const A extends readonly ArgumentType<never>[]>(
  name: string,
  args: A,
  note: string,
  handler: Handler<Extract<Decoded<A>, readonly ArgumentValue[]>>,
  result: ResultFormat = "decimal",
): SyscallRow {
  return row(name, args, handler, "partial", note, result);
}

/** A call that answers ENOSYS. The arguments are listed for strace. */
export function missing<const A extends readonly ArgumentType<never>[]>(
  name: string,
  args: A,
  note: string,
): SyscallRow {
  return row(name, args, null, "none", note, "decimal");
}

/** As `missing`, without a warning: for what C libraries try in every program. */
export function unneeded<const A extends readonly ArgumentType<never>[]>(
  name: string,
  args: A,
  note: string,
): SyscallRow {
  return { ...missing(name, args, note), quiet: true };
}
