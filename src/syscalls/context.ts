/** What a handler is given: the task that calls, its memory, and its ABI. One object a task, made once. */
import type { Errno } from "../kernel/errno.ts";
import type { ByteString } from "../kernel/fs/byte-string.ts";
import type { FileDescription } from "../kernel/fs/file-description.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Process } from "../kernel/process.ts";
import type { Task } from "../kernel/task.ts";
import type { Wait } from "../kernel/wait.ts";
import type { GuestMemory } from "../memory/guest-memory.ts";
import type { Abi } from "./abi/abi.ts";
import type { ArgumentValue, Result, SyscallRow } from "./row.ts";

/** What a new task shares with the one that makes it (clone(2)). */
export interface CloneRequest {
  /** One more task of the same process; then everything below that is shared must be. */
  readonly thread: boolean;
  readonly memory: boolean;
  readonly fs: boolean;
  readonly files: boolean;
  readonly actions: boolean;
  /** A child of the caller's parent. */
  readonly sibling: boolean;
  /** Handlers go back to their defaults (CLONE_CLEAR_SIGHAND). */
  readonly clearHandlers: boolean;
  /** Sent to the parent at the end; 0: none. */
  readonly exitSignal: number;
  /** Stack pointer; 0: the caller's. */
  readonly stack: number;
  /** Thread pointer; null: the caller's. */
  readonly tls: number | null;
  readonly keepAlternateStack: boolean;
}

export interface ExecRequest {
  /** The directory that `path` starts from, or with an empty path the file itself; null: the working directory. */
  readonly at: FileDescription | null;
  readonly path: ByteString;
  /** AT.EMPTY_PATH, AT.SYMLINK_NOFOLLOW. */
  readonly flags: number;
  /** AT_EXECFN, and what a script's interpreter is given; null: no interpreter could open it. */
  readonly name: ByteString | null;
  readonly argv: readonly Uint8Array[];
  readonly envp: readonly Uint8Array[];
}

/** What system calls need of the machine that runs the task, beside the kernel. */
export interface Machine {
  /** Guest code in this range has changed (cacheflush): translations of it must go. */
  invalidateCode(task: Task, address: number, length: number): void;
  /** The new task, in the tables, not yet scheduled: it returns 0 from the call. Throws an `Errno` or `MemoryError`. */
  clone(call: SyscallContext, request: CloneRequest): Task;
  /** The caller runs the program from its start when this returns. Throws an `Errno` with nothing changed. */
  exec(call: SyscallContext, request: ExecRequest): void;
  /** uname(2)'s release, such as "6.1.0". */
  readonly release: string;
  /** uname(2)'s nodename. */
  readonly hostname: string;
}

export class SyscallContext {
  readonly task: Task;
  readonly abi: Abi;
  readonly machine: Machine;
  /** CPU state, with this task's registers in it whenever `Dispatcher.call` or `Dispatcher.resume` runs. */
  readonly registers: DataView;

  // ── the call under way; written by the dispatcher only ──────────────────────────────────────────────────────
  /** The row, or null for a number that no row has. */
  row: SyscallRow | null = null;
  number = 0;
  /** Decoded arguments, kept only while strace prints. */
  args: readonly ArgumentValue[] = [];
  /** Set when the outcome is `WAITING`. */
  wait: Wait<Result> | null = null;
  /** Set when the outcome is `INTERRUPTED`: one of the restart errors. */
  restart: Errno | null = null;

  constructor(task: Task, abi: Abi, machine: Machine, registers: DataView) {
    this.task = task;
    this.abi = abi;
    this.machine = machine;
    this.registers = registers;
  }

  get process(): Process {
    return this.task.process;
  }

  get kernel(): Kernel {
    return this.task.process.kernel;
  }

  /** Not kept: execve gives the process another one. */
  get memory(): GuestMemory {
    return this.task.process.memory;
  }
}
