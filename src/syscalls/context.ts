/** What a handler is given: the task that calls, its memory, and its ABI. One object a task, made once. */
import type { Task } from "../kernel/task.ts";
import type { GuestMemory } from "../memory/guest-memory.ts";
import type { Abi } from "./abi/abi.ts";
import type { Wait } from "../kernel/wait.ts";
import type { Errno } from "../kernel/errno.ts";
import type { ArgumentValue, Result, SyscallRow } from "./row.ts";

/** What system calls need of the machine that runs the task. */
export interface Machine {
  /** Guest code in this range has changed: translations of it must go. */
  invalidateCode(address: number, length: number): void;
  /** uname(2)'s release, such as "6.1.0". */
  readonly release: string;
  /** A line for the person who runs babelf (a missing call, a mistake of ours); without the newline. */
  warn(message: string): void;
}

export interface SyscallContext {
  readonly task: Task;
  readonly memory: GuestMemory;
  readonly abi: Abi;
  readonly machine: Machine;
  /** CPU state with this task's registers in it whenever `Dispatcher.call` or `Dispatcher.resume` runs. */
  readonly registers: DataView;

  // ── the call under way; written by the dispatcher only ──────────────────────────────────────────────────────
  /** The row, or null for a number that no row has. */
  row: SyscallRow | null;
  number: number;
  /** Decoded arguments, kept only while strace prints. */
  args: readonly ArgumentValue[];
  /** Set when the outcome is `WAITING`. */
  wait: Wait<Result> | null;
  /** Set when the outcome is `INTERRUPTED`: one of the restart errors. */
  restart: Errno | null;
}

export function createContext(
  parts: Pick<SyscallContext, "task" | "memory" | "abi" | "machine" | "registers">,
): SyscallContext {
  return {
    task: parts.task,
    memory: parts.memory,
    abi: parts.abi,
    machine: parts.machine,
    registers: parts.registers,
    row: null,
    number: 0,
    args: [],
    wait: null,
    restart: null,
  };
}
