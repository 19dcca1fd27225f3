/**
 * From a system-call instruction to its handler and back: reads number and arguments through the ABI, runs the row's
 * handler, and writes the answer into the registers. The hot path allocates nothing.
 *
 * Registers are left alone until there is an answer, so a call that is interrupted by a signal can be made again by
 * moving the program counter back (`Abi.rewind`).
 */
import { Errno, errno } from "../kernel/errno.ts";
import { forceSignal } from "../kernel/signal-sending.ts";
import { Wait, type WakeReason } from "../kernel/wait.ts";
import { GuestFault } from "../memory/guest-fault.ts";
import { MemoryError } from "../memory/memory-error.ts";
import type { Abi } from "./abi/abi.ts";
import type { SyscallContext } from "./context.ts";
import type { ArgumentValue, Result, SyscallRow } from "./row.ts";

/** The answer is in the registers (or the handler has replaced them): the task goes on, if it is still there. */
export const DONE = 0;
/** `context.wait` says for what: park the task, then `Dispatcher.resume`. */
export const WAITING = 1;
/**
 * A signal ended a wait: `context.restart` is the restart error, the registers are as they were at the call. Whoever
 * delivers the signal decides: `Dispatcher.restart` or `Dispatcher.fail(context, errno.EINTR)`.
 */
export const INTERRUPTED = 2;
export type Outcome = typeof DONE | typeof WAITING | typeof INTERRUPTED;

/** Who prints calls (debug/strace.ts). */
export interface SyscallTracer {
  /** Before the handler runs; `call.row` and `call.args` are set. */
  enter(call: SyscallContext): void;
  /** The call waits; may come more than once. */
  waiting(call: SyscallContext): void;
  /** The answer: a result, an error, or a restart error after an interruption. */
  leave(call: SyscallContext, answer: Result | Errno): void;
}

type AnyHandler = (call: SyscallContext, ...args: ArgumentValue[]) => Result | Wait<Result>;

/** A row made ready for one ABI. */
interface Entry {
  readonly row: SyscallRow;
  readonly handler: AnyHandler;
  /** Number of arguments if all are one register wide and in registers; -1: the general way. */
  readonly simple: number;
  /** Bit n set: argument n is signed. */
  readonly signed: number;
}

const RESTART_ERRORS: ReadonlySet<Errno> = new Set([
  errno.ERESTARTSYS,
  errno.ERESTARTNOINTR,
  errno.ERESTARTNOHAND,
  errno.ERESTART_RESTARTBLOCK,
]);

/** Numbers from here on are looked up in a map. */
const FAR = 1024;

export class Dispatcher {
  readonly abi: Abi;
  /** By number less `firstNumber`: the calls that are numbered one after the other. */
  readonly #entries: (Entry | undefined)[] = [];
  /** The few with numbers far away (ARM's own, from 0x0f0001). */
  readonly #farEntries = new Map<number, Entry>();
  readonly #names = new Map<number, string>();
  tracer: SyscallTracer | null = null;

  /** Rows that the ABI has no number for are left out. */
  constructor(abi: Abi, rows: readonly SyscallRow[]) {
    this.abi = abi;
    const byName = new Map<string, SyscallRow>();
    for (const row of rows) {
      if (byName.has(row.name)) throw new Error(`two rows for the system call ${row.name}`);
      byName.set(row.name, row);
    }
    for (const [name, number] of abi.numbers) {
      this.#names.set(number, name);
      const row = byName.get(abi.rowNames.get(name) ?? name);
      if (row === undefined) continue;
      const entry = prepare(row.name === name ? row : { ...row, name }, abi);
      if (number - abi.firstNumber < FAR) this.#entries[number - abi.firstNumber] = entry;
      else this.#farEntries.set(number, entry);
    }
    // A dense array keeps the lookup in `call` a plain indexed load.
    for (let index = 0; index < this.#entries.length; index++) this.#entries[index] ??= undefined;
  }

  /** Runs the call that the task's registers ask for. */
  call(call: SyscallContext): Outcome {
    const number = this.abi.syscallNumber(call.registers);
    call.number = number;
    const entry = this.#entries[number - this.abi.firstNumber] ?? this.#farEntries.get(number);
    if (entry === undefined) return this.#unknown(call, number);
    call.row = entry.row;
    try {
      return this.#settle(call, this.tracer === null ? this.#run(call, entry) : this.#trace(call, entry));
    } catch (error) {
      return this.#failed(call, error);
    }
  }

  /** Goes on with a call that waits. Same outcomes as `call`. */
  resume(call: SyscallContext, reason: WakeReason): Outcome {
    const wait = call.wait;
    if (wait === null) throw new Error("no system call waits");
    call.wait = null;
    try {
      return this.#settle(call, wait.resume(reason));
    } catch (error) {
      return this.#failed(call, error);
    }
  }

  /** Writes an error into the registers, for calls that ended as `INTERRUPTED`. */
  fail(call: SyscallContext, error: Errno): void {
    this.abi.fail(call.registers, error);
    call.restart = null;
  }

  /** Makes an `INTERRUPTED` call run again from its instruction. */
  restart(call: SyscallContext): void {
    this.abi.rewind(call.registers);
    call.restart = null;
  }

  #run(call: SyscallContext, entry: Entry): Result | Wait<Result> {
    const { handler, signed } = entry;
    const { registers, memory } = call;
    const abi = this.abi;
    switch (entry.simple) {
      case 0:
        return handler(call);
      case 1:
        return handler(call, number(abi.argument(registers, memory, 0), signed & 1));
      case 2:
        return handler(
          call,
          number(abi.argument(registers, memory, 0), signed & 1),
          number(abi.argument(registers, memory, 1), signed & 2),
        );
      case 3:
        return handler(
          call,
          number(abi.argument(registers, memory, 0), signed & 1),
          number(abi.argument(registers, memory, 1), signed & 2),
          number(abi.argument(registers, memory, 2), signed & 4),
        );
      case 4:
        return handler(
          call,
          number(abi.argument(registers, memory, 0), signed & 1),
          number(abi.argument(registers, memory, 1), signed & 2),
          number(abi.argument(registers, memory, 2), signed & 4),
          number(abi.argument(registers, memory, 3), signed & 8),
        );
      default:
        return handler(call, ...decode(call, entry.row, 0));
    }
  }

  #trace(call: SyscallContext, entry: Entry): Result | Wait<Result> {
    call.args = decode(call, entry.row, 0);
    this.tracer?.enter(call);
    return entry.handler(call, ...call.args);
  }

  #settle(call: SyscallContext, result: Result | Wait<Result>): Outcome {
    if (typeof result === "number") this.abi.succeed(call.registers, result);
    else if (typeof result === "bigint") this.abi.succeedWide(call.registers, result);
    else if (result instanceof Wait) {
      call.wait = result;
      this.tracer?.waiting(call);
      return WAITING;
    }
    this.tracer?.leave(call, result);
    return DONE;
  }

  #failed(call: SyscallContext, thrown: unknown): Outcome {
    const error = this.#errnoOf(call, thrown);
    this.tracer?.leave(call, error);
    if (RESTART_ERRORS.has(error)) {
      call.restart = error;
      return INTERRUPTED;
    }
    this.abi.fail(call.registers, error);
    return DONE;
  }

  /**
   * A handler's mistake (a TypeError, say) is ours, not the guest's: one line says so, and the guest gets EIO and goes
   * on, so that no guest can bring the host process down with it. A call that never returns (exit_group) cannot be
   * answered: the C library would only ask again, so the run ends with the error instead.
   */
  #errnoOf(call: SyscallContext, thrown: unknown): Errno {
    if (thrown instanceof Errno) return thrown;
    if (thrown instanceof GuestFault) return errno.EFAULT;
    if (thrown instanceof MemoryError) return errno[thrown.code];
    if (call.row?.result === "none") throw thrown;
    const name = call.row?.name ?? String(call.number);
    const what = thrown instanceof Error ? (thrown.stack ?? thrown.message).split("\n").slice(0, 2).join(" ") : thrown;
    call.kernel.warnOnce(`internal error in system call ${name}, answered with EIO: ${String(what)}`);
    return errno.EIO;
  }

  #unknown(call: SyscallContext, number: number): Outcome {
    if (number === this.abi.indirectNumber) return this.#indirect(call);
    call.row = null;
    const signal = this.abi.signals.badCall(call, number);
    if (signal !== null) {
      forceSignal(call.task, signal);
      return DONE;
    }
    this.#warnMissing(call, number);
    if (this.tracer !== null) {
      call.row = unknownRow(this.#names.get(number), number);
      call.args = [];
      this.tracer.enter(call);
    }
    return this.#failed(call, errno.ENOSYS);
  }

  /** o32's syscall(2): the number is the first argument, everything else moves down by one. */
  #indirect(call: SyscallContext): Outcome {
    try {
      const number = this.abi.argument(call.registers, call.memory, 0);
      call.number = number;
      const entry = this.#entries[number - this.abi.firstNumber];
      if (entry === undefined || number === this.abi.indirectNumber) {
        call.row = null;
        this.#warnMissing(call, number);
        return this.#failed(call, errno.ENOSYS);
      }
      call.row = entry.row;
      call.args = decode(call, entry.row, 1);
      this.tracer?.enter(call);
      return this.#settle(call, entry.handler(call, ...call.args));
    } catch (error) {
      return this.#failed(call, error);
    }
  }

  #warnMissing(call: SyscallContext, number: number): void {
    const name = this.#names.get(number);
    call.kernel.warnOnce(`system call ${name === undefined ? number : `${name} (${number})`} is not supported: ENOSYS`);
  }
}

function number(register: number, signed: number): number {
  return signed === 0 ? register >>> 0 : register;
}

/** Decodes all arguments; `from` is the index of the first argument register. */
function decode(call: SyscallContext, row: SyscallRow, from: number): ArgumentValue[] {
  const { abi, registers, memory } = call;
  const values: ArgumentValue[] = [];
  let index = from;
  for (const type of row.args) {
    if (type.wide && abi.word === 4) {
      if (abi.pairsAligned && (index - from) % 2 === 1) index++;
      const first = abi.argument(registers, memory, index++);
      const second = abi.argument(registers, memory, index++);
      const low = abi.littleEndian ? first : second;
      const high = abi.littleEndian ? second : first;
      const value = (BigInt(high) << 32n) | BigInt(low >>> 0);
      values.push(type.signed ? value : BigInt.asUintN(64, value));
    } else {
      const value = abi.argument(registers, memory, index++);
      values.push(type.signed ? value : value >>> 0);
    }
  }
  return values;
}

function prepare(row: SyscallRow, abi: Abi): Entry {
  const simple = row.args.length <= abi.registerArguments && !row.args.some((type) => type.wide) ? row.args.length : -1;
  let signed = 0;
  row.args.forEach((type, index) => {
    if (type.signed) signed |= 1 << index;
  });
  const handler = (row.handler ?? refuse(row)) as unknown as AnyHandler;
  return { row, handler, simple: simple <= 4 ? simple : -1, signed };
}

/** The handler of a row that has none: ENOSYS, and one line the first time. */
function refuse(row: SyscallRow): AnyHandler {
  const line = `system call ${row.name} is not supported (${row.note}): ENOSYS`;
  return (call) => {
    if (row.quiet !== true) call.kernel.warnOnce(line);
    throw errno.ENOSYS;
  };
}

function unknownRow(name: string | undefined, number: number): SyscallRow {
  return {
    name: name ?? `syscall_0x${number.toString(16)}`,
    args: [],
    handler: null,
    support: "none",
    note: "",
    result: "decimal",
  };
}
