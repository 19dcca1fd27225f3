/**
 * The user-mode machine: runs the tasks of all processes of a run, each on the processor of its address space.
 *
 *     scheduler ── run(task) ──▶ Engine.run ── guest code ──▶ systemCall ──▶ Dispatcher ──▶ handler
 *         ▲                        │ exception                    │ waits
 *         └── park ◀───────────────┴── signal, or its default ◀───┘
 *
 * A task leaves guest code when it waits, when a signal is there for it, when its time slice is over, and when the CPU
 * raises an exception. Everything a signal needs is done here, between two runs of the engine.
 */
import { CodeFault } from "../cpu/isa.ts";
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
import type { Personality } from "../loader/index.ts";
import { GuestFault } from "../memory/guest-fault.ts";
import { Dispatcher, DONE, INTERRUPTED, SyscallContext, WAITING } from "../syscalls/index.ts";
import type { CloneRequest, ExecRequest, Machine, Outcome as CallOutcome, SyscallTracer } from "../syscalls/index.ts";
import { ROWS } from "../syscalls/index.ts";
import type { Exit } from "../translate/engine.ts";
import { PC } from "../translate/layout.ts";
import type { Guest } from "./guest.ts";
import { Lifecycle } from "./lifecycle.ts";
import type { MemoryPool } from "./memories.ts";
import { codeReader, needsPrecision } from "./processor.ts";
import type { Processor } from "./processor.ts";
import type { LoadedProgram, ProgramFiles } from "./program.ts";
import type { ProgramFacts } from "./system-info.ts";

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
  /** What kind of programs the run is for: the initial one's. */
  readonly personality: Personality;
  readonly pool: MemoryPool;
  readonly useMmu: boolean;
  /** What /proc shows of each process's program; written here. */
  readonly programs: WeakMap<Process, ProgramFacts>;
  readonly release: string;
  readonly hostname: string;
  readonly tracer?: SyscallTracer | null;
}

export class UserMachine implements TaskRunner, Machine {
  readonly kernel: Kernel;
  readonly release: string;
  readonly hostname: string;
  readonly #guest: Guest;
  readonly #dispatcher: Dispatcher;
  readonly #lifecycle: Lifecycle;
  readonly #contexts = new Map<Task, TaskContext>();
  /** The task on the processor. */
  #loaded: TaskContext | null = null;
  #fuel = FIRST_FUEL;
  #calls = 0;

  constructor(options: MachineOptions) {
    this.kernel = options.kernel;
    this.release = options.release;
    this.hostname = options.hostname;
    this.#guest = options.guest;
    this.#dispatcher = new Dispatcher(options.guest.abi, ROWS);
    this.#dispatcher.tracer = options.tracer ?? null;
    this.#lifecycle = new Lifecycle({ ...options, systemCall: (processor) => this.#systemCall(processor) });
    this.kernel.onTaskEnd = (task) => this.#forget(task);
  }

  // ── processes ───────────────────────────────────────────────────────────────────────────────────────────────────
  /** Makes the initial program the task's; its process must have the program's memory already. */
  start(task: Task, loaded: LoadedProgram, files: ProgramFiles): void {
    this.#lifecycle.start(task, loaded, files);
  }

  clone(call: SyscallContext, request: CloneRequest): Task {
    return this.#lifecycle.clone(call, request);
  }

  exec(call: SyscallContext, request: ExecRequest): void {
    this.#lifecycle.exec(call, request);
    // Its context belongs to the memory that the task has left.
    this.#contexts.delete(call.task);
  }

  /** A process has ended (`Kernel.onProcessEnd`). */
  end(process: Process): void {
    this.#lifecycle.end(process);
  }

  /** Gives back what processes have left, after the run. */
  close(): void {
    this.#lifecycle.collect();
  }

  #forget(task: Task): void {
    const context = this.#contexts.get(task);
    if (context === undefined) return;
    this.#contexts.delete(task);
    if (context.processor.loaded === context) context.processor.loaded = null;
    context.wait?.abandon?.();
    context.wait = null;
  }

  invalidateCode(task: Task, address: number, length: number): void {
    if (length <= 0) return;
    const processor = this.#lifecycle.processorOf(task.process);
    processor.invalidate(address >>> 0, Math.min((address >>> 0) + length, 2 ** 32));
  }

  // ── what the scheduler asks for ─────────────────────────────────────────────────────────────────────────────────
  yieldToHost(): Promise<void> {
    return new Promise((goOn) => void setImmediate(goOn));
  }

  keepAlive(): () => void {
    return keepAlive();
  }

  run(task: Task): void {
    this.#lifecycle.collect();
    // Stopped in the middle of a call, and continued: what it waits for may have come.
    const stopped = this.#load(task);
    if (stopped.wait !== null) this.resume(task, "woken");
    else if (stopped.restart !== null) this.#settle(stopped, INTERRUPTED);
    if (!isRunning(task)) return;
    const { clock, scheduler } = this.kernel;
    let now = clock.monotonic();
    for (;;) {
      const context = this.#load(task);
      if (!this.#attend(context) || scheduler.isSliceOver(now)) return;
      const exit = context.processor.engine.run(this.#fuel);
      const then = now;
      now = clock.monotonic();
      if (exit.reason === "yield") this.#adaptFuel(now - then);
      else if (exit.reason === "exception") this.#raise(context, exit);
      this.#checkCpuTime(task);
      if (!isRunning(task)) return;
    }
  }

  resume(task: Task, reason: WakeReason): void {
    this.#lifecycle.collect();
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
  #systemCall(processor: Processor): boolean {
    const context = this.#loaded as TaskContext;
    const { task } = context;
    const { registers } = processor;
    const next = registers.getUint32(PC, true);
    const outcome = this.#dispatcher.call(context);
    if (outcome !== DONE) {
      this.#settle(context, outcome);
      return false;
    }
    // Ended, or another program now.
    if (processor.loaded !== context) return false;
    if (task.attention || processor.stale || needsPrecision(task.process, processor.precise) !== processor.precise) {
      processor.stale = false;
      return false;
    }
    const { clock, scheduler } = this.kernel;
    if (scheduler.hasYielded) return false;
    if (++this.#calls % CALLS_PER_LOOK === 0 && scheduler.isSliceOver(clock.monotonic())) return false;
    return isRunning(task) && registers.getUint32(PC, true) === next;
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
  #attend(context: TaskContext): boolean {
    const { task } = context;
    while (isRunning(task) && task.attention) {
      const delivery = nextDelivery(task);
      if (!isRunning(task)) return false;
      if (delivery === null) restoreMask(task);
      else this.#enter(context, delivery);
    }
    const { processor } = context;
    processor.setPrecise(needsPrecision(task.process, processor.precise));
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
    const pc = exit.exception === "fetch" ? exit.pc : this.#faultPlace(context, exit.pc);
    const info = exit.exception === "memory" && exit.info === 0 ? this.#faultAddress(context, pc) : exit.info;
    const signal = this.#guest.abi.signals.exceptionSignal(context, { ...exit, pc, info });
    if (exit.exception === "illegal") this.#explainIllegal(context, pc, signal.signal);
    forceSignal(task, signal);
  }

  #faultPlace({ task, registers }: SyscallContext, pc: number): number {
    try {
      return this.#guest.faultPlace?.(registers, codeReader(task.process.memory), pc) ?? pc;
    } catch (error) {
      // Another thread has taken the page away.
      if (error instanceof CodeFault) return pc;
      throw error;
    }
  }

  #faultAddress(context: SyscallContext, pc: number): number {
    try {
      return this.#guest.dataAddress(context.registers, context.memory.code, pc) ?? 0;
    } catch (error) {
      if (error instanceof GuestFault) return 0;
      throw error;
    }
  }

  /** Says which instruction it was, unless the program handles it: then it may be a probe. */
  #explainIllegal({ task, registers }: SyscallContext, pc: number, signal: number): void {
    if (task.process.actions.get(signal).handler !== 0) return;
    const { isa } = this.#guest;
    try {
      const code = codeReader(task.process.memory);
      const instruction = isa.decode(code, pc, isa.mode(registers));
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
  /** Puts the task on the processor of its address space. */
  #load(task: Task): TaskContext {
    if (this.#loaded?.task === task && this.#contexts.get(task) === this.#loaded) return this.#loaded;
    let context = this.#contexts.get(task);
    if (context === undefined) {
      context = new TaskContext(task, this, this.#lifecycle.processorOf(task.process), this.#guest);
      this.#contexts.set(task, context);
    }
    const before = this.#loaded?.processor;
    if (before !== context.processor) {
      before?.space.publish();
      context.processor.space.fetch();
    }
    context.processor.load(context);
    // What another task has stored since then would not break the reservation.
    this.#guest.dropReservation(context.registers);
    task.process.fs.credentials = task.credentials;
    this.#loaded = context;
    return context;
  }
}

/** A task's system calls, and the processor that it runs on. */
class TaskContext extends SyscallContext {
  readonly processor: Processor;

  constructor(task: Task, machine: Machine, processor: Processor, guest: Guest) {
    super(task, guest.abi, machine, processor.registers);
    this.processor = processor;
  }
}

/** A function, since the state changes behind the compiler's back during a call. */
function isRunning(task: Task): boolean {
  return task.state === "running";
}

function hex8(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}
