/**
 * A virtual processor: one address space with the memories that it lies in, the engine that runs code there, and the
 * registers of whichever task ran last. Tasks that share their memory (threads, a child of vfork) share one of these.
 */
import { CodeFault, REGISTERS_BASE, REGISTERS_END } from "../cpu/isa.ts";
import type { CodeReader } from "../cpu/isa.ts";
import type { Process } from "../kernel/process.ts";
import type { AddressSpace } from "../memory/address-space.ts";
import { GuestFault } from "../memory/guest-fault.ts";
import type { GuestMemory } from "../memory/guest-memory.ts";
import type { SyscallContext } from "../syscalls/index.ts";
import { Engine } from "../translate/engine.ts";
import { PC } from "../translate/layout.ts";
import type { Guest } from "./guest.ts";
import { listed } from "./listing.ts";
import type { ProcessMemories } from "./memories.ts";

export class Processor {
  readonly space: AddressSpace;
  readonly memories: ProcessMemories;
  readonly engine: Engine;
  readonly registers: DataView;
  /** Processes whose memory this is. */
  users = 0;
  /** Whose registers are in the CPU-state memory. */
  loaded: SyscallContext | null = null;
  /** Memory faults leave exact registers. */
  precise = false;
  /** Translated code has been dropped: what runs must be left before it goes on in the old code. */
  stale = false;
  readonly #state: Uint8Array;

  /** `program`: its guest path. `systemCall`: see `EngineOptions`. */
  constructor(
    guest: Guest,
    space: AddressSpace,
    memories: ProcessMemories,
    program: string,
    systemCall: (processor: Processor) => boolean,
  ) {
    this.space = space;
    this.memories = memories;
    this.#state = new Uint8Array(memories.state.buffer);
    this.registers = new DataView(memories.state.buffer);
    this.engine = engineOn(guest, space, memories, program, () => systemCall(this));
    space.onCodeChange((start, end) => this.invalidate(start, end));
  }

  invalidate(start: number, end: number): void {
    this.engine.invalidate(start, end);
    this.stale = true;
  }

  setPrecise(precise: boolean): void {
    if (precise === this.precise) return;
    this.precise = precise;
    this.engine.setPrecise(precise);
  }

  /** Puts a task's registers into the CPU-state memory, and those that are there back into their task. */
  load(context: SyscallContext): void {
    const { loaded } = this;
    if (loaded === context) return;
    if (loaded !== null) {
      const { task } = loaded;
      task.registers.set(this.#state.subarray(REGISTERS_BASE, REGISTERS_END));
      task.pc = this.registers.getUint32(PC, true);
    }
    this.#state.set(context.task.registers, REGISTERS_BASE);
    this.registers.setUint32(PC, context.task.pc, true);
    this.loaded = context;
  }

  /** A copy of the registers as they are now, laid out like the CPU-state memory. */
  copyRegisters(): Uint8Array<ArrayBuffer> {
    return this.#state.slice(0, REGISTERS_END);
  }
}

/** The engine that the memories were left with, or else a new one. The process's code is in its place already. */
function engineOn(
  guest: Guest,
  space: AddressSpace,
  memories: ProcessMemories,
  program: string,
  systemCall: () => boolean,
): Engine {
  const { kept } = memories;
  if (kept?.guest === guest) {
    kept.calls.systemCall = systemCall;
    kept.engine.revalidate();
    memories.kept = { ...kept, program };
    return kept.engine;
  }
  const calls = { systemCall };
  const engine = new Engine({
    isa: listed(guest.isa),
    memory: memories.guest,
    state: memories.state,
    code: codeReader(space.guest),
    softwareChecks: memories.protection.kind === "software",
    systemCall: () => calls.systemCall(),
    cache: guest.translations,
  });
  memories.kept = { guest, engine, calls, program };
  return engine;
}

/** What the translator reads code through: a page that cannot be executed is its `CodeFault`. */
export function codeReader(memory: GuestMemory): CodeReader {
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

/**
 * Whether the code that a process runs must leave exact registers behind at a fault, where it did so before or not. A child
 * of vfork(2) leaves that as it is: it drops its parent's handlers and is gone soon, and code would be made anew twice.
 */
export function needsPrecision(
  { actions, vforkDone }: Pick<Process, "actions" | "vforkDone">,
  before: boolean,
): boolean {
  return actions.handlesFaults || (vforkDone !== null && before);
}
