/**
 * The user-mode machine: one process's translator and memories, its kernel and its system calls, put together.
 *
 *     scheduler ── run(task) ──▶ Engine.run ── guest code ──▶ systemCall ──▶ Dispatcher ──▶ handler
 *         ▲                        │ exception                    │ waits
 *         └── park ◀───────────────┴── signal, or its default ◀───┘
 *
 * A task leaves guest code when it waits, when a signal is there for it, when its time slice is over, and when the CPU
 * raises an exception. Everything a signal needs is done here, between two runs of the engine.
 */
import { setImmediate as hostTurn } from "node:timers/promises";
import { CodeFault } from "../cpu/isa.ts";
import type { CodeReader } from "../cpu/isa.ts";
import { REGISTERS_BASE, REGISTERS_END } from "../cpu/isa.ts";
import { keepAlive } from "../host/clock.ts";
import { errno } from "../kernel/errno.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { EXIT_CODES } from "../kernel/limits.ts";
import type { Process } from "../kernel/process.ts";
import type { TaskRunner } from "../kernel/scheduler.ts";
import { enterHandler, maskToRestore, nextDelivery, restoreMask } from "../kernel/signal-delivery.ts";
import type { Delivery } from "../kernel/signal-delivery.ts";
import { forceSegv, forceSignal } from "../kernel/signal-sending.ts";
import type { Task } from "../kernel/task.ts";
import type { WakeReason } from "../kernel/wait.ts";
import { GuestFault } from "../memory/guest-fault.ts";
import type { GuestMemory } from "../memory/guest-memory.ts";
import { Dispatcher, DONE, INTERRUPTED, SyscallContext, WAITING } from "../syscalls/index.ts";
import type { Machine, Outcome as CallOutcome, SyscallTracer } from "../syscalls/index.ts";
import { ROWS } from "../syscalls/index.ts";
import { Engine } from "../translate/engine.ts";
import type { Exit } from "../translate/engine.ts";
import { PC } from "../translate/layout.ts";
import type { Guest } from "./guests.ts";
import type { ProcessMemories } from "./memories.ts";

/** Fuel of a task's first run; then it follows from how long the runs took. */
const FIRST_FUEL = 20_000;
const LEAST_FUEL = 1_000;
const MOST_FUEL = 100_000_000;
/** How long a run should take, nanoseconds: a fraction of the slice, so that its end is met well enough. */
const RUN_TIME = 4_000_000n;
/** After so many system calls in one run the clock is asked, since calls spend no fuel. */
const CALLS_PER_LOOK = 32;

export interface MachineOptions {
  readonly kernel: Kernel;
  readonly guest: Guest;
  readonly memories: ProcessMemories;
  readonly release: string;
  readonly hostname: string;
  readonly tracer?: SyscallTracer | null;
}

export class UserMachine implements TaskRunner, Machine {
  readonly kernel: Kernel;
  readonly release: string;
  readonly hostname: string;
  readonly #guest: Guest;
  readonly #state: Uint8Array;
  readonly #registers: DataView;
  readonly #dispatcher: Dispatcher;
  readonly #engine: Engine;
  readonly #contexts = new Map<Task, SyscallContext>();
  /** Whose registers are in the CPU-state memory. */
  #loaded: SyscallContext | null = null;
  #fuel = FIRST_FUEL;
  #calls = 0;
  #precise = false;
  /** Translated code has been dropped: what runs must be left before it goes on in the old code. */
  #stale = false;

  /** The machine for a process whose address space lies in `memories`. */
  constructor(options: MachineOptions, process: Process) {
    this.kernel = options.kernel;
    this.release = options.release;
    this.hostname = options.hostname;
    this.#guest = options.guest;
    this.#state = new Uint8Array(options.memories.state.buffer);
    this.#registers = new DataView(options.memories.state.buffer);
    this.#dispatcher = new Dispatcher(options.guest.abi, ROWS);
    this.#dispatcher.tracer = options.tracer ?? null;
    this.#engine = new Engine({
      isa: options.guest.isa,
      memory: options.memories.guest,
      state: options.memories.state,
      code: codeReader(process.memory),
      softwareChecks: options.memories.protection.kind === "software",
      systemCall: () => this.#systemCall(),
      cache: options.guest.translations,
    });
    process.space.onCodeChange((start, end) => {
      this.#engine.invalidate(start, end);
      this.#stale = true;
    });
  }

  /** The CPU-state memory, with the registers of the task that `run` ran last. */
  get registers(): DataView {
    return this.#registers;
  }

  invalidateCode(_task: Task, address: number, length: number): void {
    if (length <= 0) return;
    this.#engine.invalidate(address >>> 0, Math.min((address >>> 0) + length, 2 ** 32));
    this.#stale = true;
  }

  // ── what the scheduler asks for ─────────────────────────────────────────────────────────────────────────────────
  async yieldToHost(): Promise<void> {
    await hostTurn();
  }

  keepAlive(): () => void {
    return keepAlive();
  }

  run(task: Task): void {
    const context = this.#load(task);
    // Stopped in the middle of a call, and continued: the call goes on.
    if (context.wait !== null) {
      this.kernel.scheduler.park(task, context.wait);
      return;
    }
    const { clock, scheduler } = this.kernel;
    let now = clock.monotonic();
    while (this.#attend(context)) {
      if (now >= scheduler.sliceEnd) return;
      const exit = this.#engine.run(this.#fuel);
      const then = now;
      now = clock.monotonic();
      if (exit.reason === "yield") this.#adaptFuel(now - then);
      else if (exit.reason === "exception") this.#raise(context, exit);
      this.#checkCpuTime(task);
    }
  }

  resume(task: Task, reason: WakeReason): void {
    const context = this.#load(task);
    let delivery: Delivery | null = null;
    if (task.attention) {
      delivery = nextDelivery(task);
      if (!isRunning(task)) return;
    }
    const outcome = this.#dispatcher.resume(
      context,
      delivery !== null ? "signal" : reason === "signal" ? "woken" : reason,
    );
    if (delivery !== null) this.#deliver(context, delivery, outcome);
    else this.#settle(context, outcome);
  }

  // ── system calls ────────────────────────────────────────────────────────────────────────────────────────────────
  /** Called from guest code. True: goes on there. */
  #systemCall(): boolean {
    const context = this.#loaded as SyscallContext;
    const { task } = context;
    const next = this.#registers.getUint32(PC, true);
    const outcome = this.#dispatcher.call(context);
    if (outcome !== DONE) {
      this.#settle(context, outcome);
      return false;
    }
    if (task.attention || this.#stale || task.process.actions.handlesFaults !== this.#precise) {
      this.#stale = false;
      return false;
    }
    if (++this.#calls % CALLS_PER_LOOK === 0 && this.kernel.clock.monotonic() >= this.kernel.scheduler.sliceEnd) {
      return false;
    }
    return isRunning(task) && this.#registers.getUint32(PC, true) === next;
  }

  #settle(context: SyscallContext, outcome: CallOutcome): void {
    const { task } = context;
    if (!isRunning(task)) return;
    if (outcome === WAITING) {
      if (context.wait === null) throw new Error("a call waits for nothing");
      this.kernel.scheduler.park(task, context.wait);
    } else if (outcome === INTERRUPTED) {
      const delivery = nextDelivery(task);
      if (!isRunning(task)) return;
      if (delivery === null) this.#dispatcher.restart(context);
      else this.#deliver(context, delivery, outcome);
    }
  }

  // ── signals ─────────────────────────────────────────────────────────────────────────────────────────────────────
  /** Does what is to be done before guest code goes on. False: the task cannot go on now. */
  #attend(context: SyscallContext): boolean {
    const { task } = context;
    while (isRunning(task) && task.attention) {
      const delivery = nextDelivery(task);
      if (!isRunning(task)) return false;
      if (delivery === null) restoreMask(task);
      else this.#enter(context, delivery);
    }
    const { handlesFaults } = task.process.actions;
    if (handlesFaults !== this.#precise) {
      this.#precise = handlesFaults;
      this.#engine.setPrecise(handlesFaults);
    }
    return isRunning(task);
  }

  /** A handler interrupts a call: what the call returns, then the handler's frame. */
  #deliver(context: SyscallContext, delivery: Delivery, outcome: CallOutcome): void {
    const { restart } = context;
    if (outcome === INTERRUPTED) {
      const again = restart === errno.ERESTARTNOINTR || (restart === errno.ERESTARTSYS && delivery.action.restart);
      if (again) this.#dispatcher.restart(context);
      else this.#dispatcher.fail(context, errno.EINTR);
    } else if (outcome === WAITING) {
      // A call that cannot be interrupted half-way: the handler must not run inside it.
      context.wait = null;
      this.#dispatcher.fail(context, errno.EINTR);
    }
    this.#enter(context, delivery);
  }

  #enter(context: SyscallContext, delivery: Delivery): void {
    const { task } = context;
    try {
      this.#guest.abi.signals.pushFrame(context, delivery, maskToRestore(task));
    } catch (error) {
      if (!(error instanceof GuestFault)) throw error;
      restoreMask(task);
      forceSegv(task, delivery.info.signal);
      return;
    }
    enterHandler(task, delivery);
  }

  /** A CPU exception becomes a signal that cannot be put off. */
  #raise(context: SyscallContext, exit: Extract<Exit, { reason: "exception" }>): void {
    const { task } = context;
    const info = exit.exception === "memory" && exit.info === 0 ? this.#faultAddress(context, exit.pc) : exit.info;
    const signal = this.#guest.abi.signals.exceptionSignal(context, { ...exit, info });
    if (exit.exception === "illegal") this.#explainIllegal(task, exit.pc, signal.signal);
    forceSignal(task, signal);
  }

  #faultAddress(context: SyscallContext, pc: number): number {
    try {
      return this.#guest.dataAddress(this.#registers, context.memory.code, pc) ?? 0;
    } catch (error) {
      if (error instanceof GuestFault) return 0;
      throw error;
    }
  }

  /** Says which instruction it was, unless the program handles it: then it may be a probe. */
  #explainIllegal(task: Task, pc: number, signal: number): void {
    if (task.process.actions.get(signal).handler !== 0) return;
    const { isa } = this.#guest;
    try {
      const code = codeReader(task.process.memory);
      const instruction = isa.decode(code, pc, isa.mode(this.#registers));
      const what = instruction.unsupported ?? isa.disassemble(instruction).replaceAll(/\s+/g, " ");
      this.kernel.warnOnce(`illegal instruction 0x${hex8(instruction.word)} at 0x${hex8(pc)}: ${what}`);
    } catch (error) {
      if (!(error instanceof CodeFault)) throw error;
    }
  }

  // ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────
  #adaptFuel(took: bigint): void {
    const factor = Math.min(Math.max(Number(RUN_TIME) / Math.max(Number(took), 1), 0.25), 4);
    this.#fuel = Math.round(Math.min(Math.max(this.#fuel * factor, LEAST_FUEL), MOST_FUEL));
  }

  #checkCpuTime(task: Task): void {
    const { kernel } = this;
    const most = kernel.limits.cpuTime;
    const soft = task.process.limits.soft("RLIMIT_CPU");
    if (most === undefined && soft === Infinity) return;
    kernel.scheduler.bookTime();
    let total = 0n;
    for (const process of kernel.processes.values()) total += process.cpuTime.user + process.cpuTime.system;
    if (most !== undefined && Number(total) / 1e9 > most) {
      kernel.endRun({ message: `the limit of ${most} s of processor time is reached`, exitCode: EXIT_CODES.timeLimit });
      return;
    }
    task.process.timers.checkCpuLimit();
  }

  // ── registers ───────────────────────────────────────────────────────────────────────────────────────────────────
  /** Puts the task's registers into the CPU-state memory. */
  #load(task: Task): SyscallContext {
    const loaded = this.#loaded;
    if (loaded?.task === task) return loaded;
    if (loaded !== null) this.#save(loaded.task);
    this.#state.set(task.registers, REGISTERS_BASE);
    this.#registers.setUint32(PC, task.pc, true);
    let context = this.#contexts.get(task);
    if (context === undefined) {
      context = new SyscallContext(task, this.#guest.abi, this, this.#registers);
      this.#contexts.set(task, context);
    }
    this.#loaded = context;
    return context;
  }

  #save(task: Task): void {
    if (task.state === "ended") {
      this.#contexts.delete(task);
      return;
    }
    task.registers.set(this.#state.subarray(REGISTERS_BASE, REGISTERS_END));
    task.pc = this.#registers.getUint32(PC, true);
  }
}

/** A function, since the state changes behind the compiler's back during a call. */
function isRunning(task: Task): boolean {
  return task.state === "running";
}

function hex8(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}

/** What the translator reads code through: a page that cannot be executed is its `CodeFault`. */
function codeReader(memory: GuestMemory): CodeReader {
  const guarded = (read: (address: number) => number) => (address: number) => {
    try {
      return read(address);
    } catch (error) {
      if (error instanceof GuestFault) throw new CodeFault(error.address);
      throw error;
    }
  };
  return { read16: guarded(memory.code.read16), read32: guarded(memory.code.read32) };
}
