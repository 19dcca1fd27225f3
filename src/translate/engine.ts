/**
 * The translator's face: runs guest code in one address space. Code is interpreted first; what runs often is translated,
 * linked through one table (`code-table.ts`), and dropped when it changes.
 */
import createDebug from "debug";
import { EXCEPTIONS, type Exception } from "../cpu/emitter.ts";
import { CodeFault } from "../cpu/isa.ts";
import { CodeTable, type Mode } from "./code-table.ts";
import { EXIT, EXIT_EXCEPTION, EXIT_LEFT, EXIT_YIELD } from "./codegen.ts";
import type { EngineOptions, Exit } from "./engine-options.ts";
import type { InterpretedBlock } from "./interpreted-code.ts";
import { Interpreter } from "./interpreter.ts";
import {
  BUSY_REGION,
  EXIT_INFO,
  EXIT_REASON,
  FUEL,
  INDIRECT_CACHE_ENTRIES,
  MISS,
  MISS_REGION,
  MISS_SITE,
  MISS_TARGET,
  MISSED_JUMP,
  NEXT_SLOT,
  PC,
  STATE_BYTES,
} from "./layout.ts";
import { MicroMachine } from "./micro-machine.ts";
import { isFetchable } from "./source.ts";
import { FETCH_FAULT_SLOT, INTERPRET_SLOT, PAUSE_SLOT, TranslationCache } from "./translation-cache.ts";
import { findTrap } from "./trap.ts";
import { tuneV8 } from "./v8-flags.ts";

export type { EngineOptions, Exit } from "./engine-options.ts";

const debug = createDebug("babelf:translate");

/** How many guest calls may nest as Wasm calls. V8's default stack is 984 KiB; a region's frame stays below 1 KiB. */
const MAX_DEPTH = 400;
/** What a translation costs in fuel: it takes as long as some thousand backward branches. */
const TRANSLATION_FUEL = 2000;
/** What an interpreted instruction costs in fuel. */
const INSTRUCTION_FUEL = 3;
/** How many calls' worth of the host's stack the interpreter takes when translated code calls it. */
const INTERPRETER_DEPTH = 8;

export class Engine {
  readonly view: DataView;
  readonly #options: EngineOptions;
  readonly #cache: TranslationCache;
  readonly #code: CodeTable;
  readonly #interpreter: Interpreter;
  readonly #micro: MicroMachine;
  #mode: Mode;
  /** Fuel has ended in the making of code or in the interpreter, not in translated code. */
  #paused = false;

  constructor(options: EngineOptions) {
    tuneV8();
    this.#options = options;
    this.#cache = options.cache ?? new TranslationCache();
    const place = { ...options, littleEndian: options.isa.littleEndian };
    this.#interpreter = new Interpreter(place);
    this.#micro = new MicroMachine(this.#interpreter, place);
    this.view = new DataView(options.state.buffer, 0, STATE_BYTES);
    this.#code = new CodeTable(options, this.#cache, this.view, {
      systemCall: () => this.#systemCall(),
      resolve: (pc) => this.#resolve(pc >>> 0),
      interpret: (pc, depth) => this.#interpret(pc >>> 0, depth),
    });
    this.#mode = this.#modeFor(options.isa.mode(this.view));
  }

  get pc(): number {
    return this.view.getUint32(PC, true);
  }
  set pc(address: number) {
    this.view.setUint32(PC, address, true);
  }

  /** Registers are exact when an access faults (at a price in speed); needed once the guest handles SIGSEGV or SIGBUS. */
  setPrecise(on: boolean): void {
    if (this.#code.precise === on) return;
    debug("precise faults %s", on ? "on" : "off");
    this.#code.precise = on;
  }

  /** Guest code in [start, end) has changed or gone. */
  invalidate(start: number, end: number): void {
    this.#code.invalidate(start, end);
  }

  /** The memory holds another process's code now: what is in the table stays as far as its code is still there. */
  revalidate(): void {
    this.#code.revalidate();
  }

  /** Runs guest code from `pc` until fuel (backward branches and calls) ends, the guest traps, or a system call leaves. */
  run(fuel: number): Exit {
    const { view } = this;
    const { softwareChecks } = this.#options;
    view.setInt32(FUEL, fuel, true);
    for (;;) {
      this.#code.hasDropped = false;
      this.#paused = false;
      this.#mode = this.#modeFor(this.#options.isa.mode(view));
      view.setUint32(EXIT_REASON, 0, true);
      view.setUint32(BUSY_REGION, 0, true);
      try {
        this.#code.runtime.run(this.pc, MAX_DEPTH, this.#mode.shared.indirectCache);
      } catch (error) {
        const pc = findTrap(error, this.#cache.traps);
        if (pc === null) throw error;
        this.pc = pc;
        if (!this.#code.precise) return { reason: "exception", exception: "memory", info: 0, pc };
        // The instruction once more, by the interpreter: that tells the address.
        view.setUint32(EXIT_REASON, 0, true);
        if (this.#runOne(pc)) continue;
      }
      const exit = this.#exit();
      // Translated code that checks pages itself tells where the access begins, not which byte it may not touch.
      if (softwareChecks && exit?.reason === "exception" && exit.exception === "memory") {
        view.setUint32(EXIT_REASON, 0, true);
        if (this.#runOne(this.pc)) continue;
        return this.#exit() as Exit;
      }
      if (exit) return exit;
      // A guest that returns to 0xffffffff looks like an exit without a reason.
      if (view.getUint32(EXIT_REASON, true) !== EXIT_YIELD)
        return { reason: "exception", exception: "fetch", info: 0xffffffff, pc: 0xffffffff };
      this.#noticeChangedCode();
      if (view.getInt32(FUEL, true) < 0) {
        if (!this.#paused) {
          const region = view.getUint32(BUSY_REGION, true);
          this.#keepBusy(this.pc);
          if (region !== 0 && region !== this.pc) this.#keepBusy(region);
          this.#noticeMiss();
        }
        return { reason: "yield" };
      }
    }
  }

  /** Runs the one instruction at `pc`. */
  step(): Exit | { readonly reason: "stepped" } {
    this.view.setUint32(EXIT_REASON, 0, true);
    try {
      this.#runOne(this.pc);
    } catch (error) {
      if (!(error instanceof CodeFault)) throw error;
      return { reason: "exception", exception: "fetch", info: error.address, pc: this.pc };
    }
    this.#noticeChangedCode();
    return this.#exit() ?? { reason: "stepped" };
  }

  /** Interprets one instruction; false: CPU state says why guest code cannot go on. Throws `CodeFault`. */
  #runOne(pc: number): boolean {
    const { isa, code } = this.#options;
    const mode = isa.mode(this.view);
    const instruction = isa.decode(code, pc, mode);
    this.#interpreter.run(isa, [instruction], mode);
    const { ending, target } = this.#interpreter;
    if (ending === "exception") {
      this.#raised();
      return false;
    }
    this.pc = ending === "next" ? pc + instruction.size : target;
    return ending !== "systemCall" || this.#systemCall() !== 0;
  }

  /** What CPU state says of the last run; null if there is nothing to tell. */
  #exit(): Exit | null {
    const reason = this.view.getUint32(EXIT_REASON, true);
    if (reason === EXIT_LEFT) return { reason: "left" };
    if (reason < EXIT_EXCEPTION) return null;
    const exception = EXCEPTIONS[reason - EXIT_EXCEPTION] as Exception;
    return { reason: "exception", exception, info: this.view.getUint32(EXIT_INFO, true), pc: this.pc };
  }

  // ── interpreting ────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Interprets from `pc` on, for translated code or for the dispatcher. Returns as translated code does: the address to go
   * on at, or `EXIT`. If `NEXT_SLOT` is not 0 then, that is where translated code goes on in our place.
   */
  #interpret(start: number, depth: number): number {
    const { view } = this;
    const { isa } = this.#options;
    const interpreter = this.#interpreter;
    const mode = this.#mode;
    const modeValue = mode.shared.value;
    view.setInt32(NEXT_SLOT, 0, true);
    let pc = start;
    /** Calls that were interpreted and have not returned. */
    let level = 0;
    let counts = true;
    let isLoop = false;
    let hasRun = false;
    let block: InterpretedBlock | null = null;
    for (;;) {
      const next: InterpretedBlock | number = this.#after(block, pc) ?? this.#blockAt(mode, pc);
      if (typeof next === "number") return next;
      if (block) block.next = next;
      block = next;
      const fuel = view.getInt32(FUEL, true) - INSTRUCTION_FUEL * block.code.length;
      view.setInt32(FUEL, fuel, true);
      // A run makes some progress, however little fuel it gets.
      if (fuel < 0 && hasRun) {
        this.#paused = true;
        return this.#yieldAt(pc);
      }
      hasRun = true;
      if (counts && !block.isTranslated && ++block.heat >= this.#cache.translateAfter) this.#warm(mode, block, isLoop);
      if (block.isTranslated) {
        const slot = this.#code.slotOf(mode, pc);
        if (level === 0) {
          view.setInt32(NEXT_SLOT, slot, true);
          return pc;
        }
        if (depth < INTERPRETER_DEPTH) return this.#yieldAt(pc);
        pc = this.#code.runtime.enter(pc, depth - INTERPRETER_DEPTH, slot) >>> 0;
        view.setInt32(NEXT_SLOT, 0, true);
        if (pc === EXIT >>> 0) return EXIT;
        level--;
        counts = false;
        continue;
      }
      const { effort } = interpreter;
      this.#micro.run(isa, block.code, modeValue);
      block.heat += interpreter.effort - effort;
      switch (interpreter.ending) {
        case "next":
          pc = block.end;
          counts = false;
          break;
        case "jump":
          pc = interpreter.target;
          if (interpreter.isComputed) mode.shared.noteJump(interpreter.pc, pc);
          counts = isLoop = pc <= block.pc;
          break;
        case "call":
          pc = interpreter.target;
          if (interpreter.isComputed) mode.shared.noteCall(interpreter.pc, pc);
          level++;
          counts = true;
          isLoop = false;
          break;
        case "return":
          pc = interpreter.target;
          if (level-- === 0) return pc;
          counts = false;
          break;
        case "systemCall":
          pc = interpreter.target;
          this.pc = pc;
          if (this.#systemCall() === 0) return EXIT;
          counts = false;
          break;
        case "leave":
          return this.#yieldAt(interpreter.target);
        case "exception":
          return this.#raised();
      }
    }
  }

  /** The block at `pc`, if it is the one that ran after `block` last time. */
  #after(block: InterpretedBlock | null, pc: number): InterpretedBlock | null {
    const next = block?.next;
    return next && next.pc === pc && !next.isDropped ? next : null;
  }

  /** The block at `pc`, or what to return to the caller if none can be fetched. */
  #blockAt(mode: Mode, pc: number): InterpretedBlock | number {
    const known = mode.interpreted.get(pc);
    if (known) return known;
    const { isa, code } = this.#options;
    const { shared } = mode;
    try {
      const block = mode.interpreted.add(shared.blocks.at(isa, code, pc, shared.value));
      if (!mode.placed.has(pc) && (shared.hot.has(pc) || this.#code.isKnown(mode, pc))) this.#code.place(mode, pc);
      block.isTranslated = mode.placed.has(pc);
      return block;
    } catch (error) {
      if (!(error instanceof CodeFault)) throw error;
      return this.#code.runtime.fetchFault(pc, 0);
    }
  }

  /** The interpreter's exception goes to CPU state. */
  #raised(): number {
    const { view } = this;
    const { exception, info, pc } = this.#interpreter;
    this.pc = pc;
    view.setUint32(EXIT_INFO, info, true);
    view.setUint32(EXIT_REASON, EXIT_EXCEPTION + EXCEPTIONS.indexOf(exception), true);
    return EXIT;
  }

  /** Leaves to the dispatcher, which goes on at `pc`. */
  #yieldAt(pc: number): number {
    this.pc = pc;
    this.view.setUint32(EXIT_REASON, EXIT_YIELD, true);
    return EXIT;
  }

  /** The block has run often. Where translated code lacks it, that is made anew with it; else it is translated itself. */
  #warm(mode: Mode, block: InterpretedBlock, isLoop: boolean): void {
    block.heat = 0;
    if (this.#code.remake(mode, block.pc)) return;
    if (isLoop) mode.shared.loops.add(block.pc);
    else mode.shared.loops.delete(block.pc);
    this.#heat(block.pc);
  }

  // ── translating ─────────────────────────────────────────────────────────────────────────────────────────────

  /** The code at `pc` runs often: it is translated. */
  #heat(pc: number): void {
    const { shared, placed } = this.#mode;
    if (placed.has(pc)) return;
    shared.hot.add(pc);
    this.#code.place(this.#mode, pc);
  }

  /** A time slice has ended in the code at `pc`; when another does, it is translated with what it calls. */
  #keepBusy(pc: number): void {
    const { shared } = this.#mode;
    if (!isFetchable(this.#options, pc, shared.value)) return;
    const start = this.#code.startOf(this.#mode, pc);
    if (start !== undefined && shared.busy.has(start)) return;
    if (shared.busy.has(pc)) {
      this.#heat(pc);
      return;
    }
    // Once may be chance.
    if (!shared.maybeBusy.delete(pc)) {
      shared.maybeBusy.add(pc);
      return;
    }
    shared.busy.add(pc);
    shared.hot.add(pc);
    this.#code.renew(this.#mode, pc);
  }

  /**
   * A computed jump or call goes where its region has no place for it: the region is made anew, with the first, second,
   * fourth … such target.
   */
  #noticeMiss(): void {
    const { view } = this;
    const miss = view.getUint32(MISS, true);
    if (miss === 0) return;
    view.setUint32(MISS, 0, true);
    const { shared } = this.#mode;
    const [site, start] = [view.getUint32(MISS_SITE, true), view.getUint32(MISS_REGION, true)];
    const target = view.getUint32(MISS_TARGET, true);
    const isNew = miss === MISSED_JUMP ? shared.noteJump(site, target) : shared.noteCall(site, target);
    if (!isNew || !shared.busy.has(start)) return;
    const count = (shared.missed.get(start) ?? 0) + 1;
    shared.missed.set(start, count);
    if ((count & (count - 1)) === 0 && isFetchable(this.#options, start, shared.value))
      this.#code.renew(this.#mode, start);
  }

  #noticeChangedCode(): void {
    const slot = this.#options.isa.changedCode;
    if (!slot) return;
    const address = this.view.getUint32(slot.offset, true);
    if (address === 0) return;
    this.view.setUint32(slot.offset, 0, true);
    this.invalidate(address, address + 1);
  }

  #systemCall(): number {
    const goOn = this.#options.systemCall();
    if (goOn && !this.#code.hasDropped) return 1;
    this.view.setUint32(EXIT_REASON, goOn ? EXIT_YIELD : EXIT_LEFT, true);
    return 0;
  }

  #modeFor(value: number): Mode {
    if (this.#mode?.shared.value === value) return this.#mode;
    return this.#code.mode(value);
  }

  /** The slot to call for a guest address. Called from guest code. */
  #resolve(pc: number): number {
    const mode = this.#mode;
    const slot = this.#code.slotOf(mode, pc);
    if (!mode.placed.has(pc)) {
      if (this.#cache.translateAfter > 0 && !mode.shared.hot.has(pc) && !this.#code.isKnown(mode, pc))
        return INTERPRET_SLOT;
      try {
        this.#code.place(mode, pc);
      } catch (error) {
        if (error instanceof CodeFault) return FETCH_FAULT_SLOT;
        throw error;
      }
      // Straight code spends no fuel; making it does, or a long run of it would never come back.
      const fuel = this.view.getInt32(FUEL, true) - TRANSLATION_FUEL;
      this.view.setInt32(FUEL, fuel, true);
      if (fuel < 0) {
        this.#paused = true;
        return PAUSE_SLOT;
      }
    }
    const entry = mode.shared.indirectCache + ((pc << 1) & ((INDIRECT_CACHE_ENTRIES - 1) << 3));
    this.view.setUint32(entry, pc, true);
    this.view.setUint32(entry + 4, slot, true);
    return slot;
  }
}
