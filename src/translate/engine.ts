/**
 * The translator's face: runs guest code in one address space. Code is interpreted first; what runs often is translated,
 * linked through one table, and dropped when it changes.
 *
 * Every guest address that translated code refers to has a *slot* in the table. A slot holds the region that starts there,
 * or the stub, which asks the engine what to do: to go on in code that is there by now, or in the interpreter. So a slot's
 * number never changes, callers need no patching, and dropping a region is putting the stub back.
 */
import createDebug from "debug";
import { EXCEPTIONS, type Exception, type Helper } from "../cpu/emitter.ts";
import { CodeFault } from "../cpu/isa.ts";
import { assemble } from "./assemble.ts";
import { BlockBuilder } from "./block-builder.ts";
import { EXIT, EXIT_EXCEPTION, EXIT_LEFT, EXIT_YIELD } from "./codegen.ts";
import type { EngineOptions, Exit } from "./engine-options.ts";
import { InterpretedCode, type InterpretedBlock } from "./interpreted-code.ts";
import { Interpreter } from "./interpreter.ts";
import { EXIT_INFO, EXIT_REASON, FUEL, INDIRECT_CACHE_ENTRIES, NEXT_SLOT, PC, STATE_BYTES } from "./layout.ts";
import { MAX_CALLEE, withCallees } from "./inline.ts";
import { findRegion, type Region } from "./region.ts";
import { instantiateRuntime, type RuntimeExports } from "./runtime-module.ts";
import { isSource, RecordingReader } from "./source.ts";
import {
  type Entry,
  FETCH_FAULT_SLOT,
  INTERPRET_SLOT,
  MAX_MODES,
  type ModeCache,
  PAUSE_SLOT,
  type Translation,
  TranslationCache,
  type Variant,
} from "./translation-cache.ts";
import { findTrap, moduleName } from "./trap.ts";
import { tuneV8 } from "./v8-flags.ts";

export type { EngineOptions, Exit } from "./engine-options.ts";

const debug = createDebug("babelf:translate");

/** How many guest calls may nest as Wasm calls. V8's default stack is 984 KiB; a region's frame stays below 1 KiB. */
const MAX_DEPTH = 400;
/** Instructions of a region, at most. */
const REGION_LIMIT = 1024;
/** Copies of callees and computed jumps' targets in regions. Off: the armel fixture `libc` comes to a wrong address. */
const COPIES: boolean = false;
/** A region is made anew so often, because it lacks what had not run when it was made. */
const MAX_REMADE = 3;
/** What a translation costs in fuel: it takes as long as some thousand backward branches. */
const TRANSLATION_FUEL = 2000;
/** What an interpreted instruction costs in fuel. */
const INSTRUCTION_FUEL = 3;
/** How many calls' worth of the host's stack the interpreter takes when translated code calls it. */
const INTERPRETER_DEPTH = 8;
/** Modules in one engine; beyond, all go, and what still runs is translated again. A module takes about 20 KB. */
const MAX_PLACED = 30_000;
const TABLE_START = 1 << 14;

/** A module in this engine's table. */
interface Placed {
  readonly mode: Mode;
  readonly entries: readonly Entry[];
  readonly pages: ReadonlySet<number>;
  readonly translation: Translation;
}

/** This engine's part of a translation mode. */
interface Mode {
  readonly shared: ModeCache;
  /** By address: what its slot holds. */
  readonly placed: Map<number, Placed>;
  readonly interpreted: InterpretedCode;
  /** By address: the translations that branch there and do not have it. */
  readonly missing: Map<number, Set<Placed>>;
}

export class Engine {
  readonly view: DataView;
  readonly #options: EngineOptions;
  readonly #cache: TranslationCache;
  readonly #table: WebAssembly.Table;
  readonly #runtime: RuntimeExports;
  readonly #builder = new BlockBuilder();
  readonly #interpreter: Interpreter;
  readonly #recorder: RecordingReader;
  readonly #imports: Record<string, WebAssembly.ImportValue>;
  readonly #modes = new Map<number, Mode>();
  readonly #byPage = new Map<number, Set<Placed>>();
  /** Translations that are not of the code that is there now. */
  readonly #unfit = new Set<Translation>();
  #placedCount = 0;
  #mode: Mode;
  #precise = false;
  /** Code that may be running further out has been dropped: everything must unwind. */
  #unwind = false;
  /** Fuel has ended in the making of code or in the interpreter, not in translated code. */
  #paused = false;

  constructor(options: EngineOptions) {
    tuneV8();
    this.#options = options;
    this.#cache = options.cache ?? new TranslationCache();
    this.#recorder = new RecordingReader(options.code);
    this.#interpreter = new Interpreter({ ...options, littleEndian: options.isa.littleEndian });
    this.view = new DataView(options.state.buffer, 0, STATE_BYTES);
    this.#table = new WebAssembly.Table({ element: "anyfunc", initial: INTERPRET_SLOT + 1 });
    this.#imports = {
      m: options.memory,
      s: options.state,
      t: this.#table,
      systemCall: () => this.#systemCall(),
      resolve: (pc: number) => this.#resolve(pc >>> 0),
      interpret: (pc: number, depth: number) => this.#interpret(pc >>> 0, depth),
    };
    this.#runtime = instantiateRuntime(this.#imports);
    this.#table.set(FETCH_FAULT_SLOT, this.#runtime.fetchFault);
    this.#table.set(PAUSE_SLOT, this.#runtime.pause);
    this.#table.set(INTERPRET_SLOT, this.#runtime.interpret);
    this.#table.grow(TABLE_START, this.#runtime.stub);
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
    if (this.#precise === on) return;
    this.#precise = on;
    debug("precise faults %s", on ? "on" : "off");
    this.#dropAll();
  }

  #dropAll(): void {
    for (const placed of this.#byPage.values()) for (const each of [...placed]) this.#drop(each);
    this.#placedCount = 0;
  }

  /** Guest code in [start, end) has changed or gone. */
  invalidate(start: number, end: number): void {
    this.#unfit.clear();
    const first = start >>> 12;
    const last = (end - 1) >>> 12;
    if (last - first < this.#byPage.size) {
      for (let page = first; page <= last; page++) this.#dropPage(page);
    } else {
      for (const page of [...this.#byPage.keys()]) if (page >= first && page <= last) this.#dropPage(page);
    }
    for (const { interpreted } of this.#modes.values()) interpreted.drop(first, last);
  }

  /** The memory holds another process's code now: what is in the table stays as far as its code is still there. */
  revalidate(): void {
    this.#unfit.clear();
    this.setPrecise(false);
    const seen = new Set<Placed>();
    for (const there of this.#byPage.values()) {
      for (const placed of [...there]) {
        if (seen.has(placed)) continue;
        seen.add(placed);
        if (!isSource(placed.translation.source, this.#options.code)) this.#drop(placed);
      }
    }
    for (const { interpreted } of this.#modes.values()) interpreted.drop(0, (1 << 20) - 1);
  }

  #dropPage(page: number): void {
    for (const placed of [...(this.#byPage.get(page) ?? [])]) this.#drop(placed);
  }

  #drop(placed: Placed): void {
    this.#takeOut(placed);
    this.#unwind = true;
  }

  /** Takes a module out of the table; where it runs already, it runs on. */
  #takeOut(placed: Placed): void {
    for (const { pc, slot } of placed.entries) this.#empty(placed, pc, slot);
    for (const page of placed.pages) this.#byPage.get(page)?.delete(placed);
    for (const pc of placed.translation.missing) placed.mode.missing.get(pc)?.delete(placed);
  }

  /** Takes one entry of a module out of the table, unless the slot holds something else by now. */
  #empty(placed: Placed, pc: number, slot: number): void {
    const { mode } = placed;
    if (mode.placed.get(pc) !== placed) return;
    mode.placed.delete(pc);
    const block = mode.interpreted.get(pc);
    if (block) block.isTranslated = false;
    this.#table.set(slot, this.#runtime.stub);
  }

  /** Runs guest code from `pc` until fuel (backward branches and calls) ends, the guest traps, or a system call leaves. */
  run(fuel: number): Exit {
    const { view } = this;
    const { softwareChecks } = this.#options;
    view.setInt32(FUEL, fuel, true);
    for (;;) {
      this.#unwind = false;
      this.#paused = false;
      this.#mode = this.#modeFor(this.#options.isa.mode(view));
      view.setUint32(EXIT_REASON, 0, true);
      try {
        this.#runtime.run(this.pc, MAX_DEPTH, this.#mode.shared.indirectCache);
      } catch (error) {
        const pc = findTrap(error, this.#cache.traps);
        if (pc === null) throw error;
        this.pc = pc;
        if (!this.#precise) return { reason: "exception", exception: "memory", info: 0, pc };
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
        if (!this.#paused && this.#isFetchable(this.pc)) this.#heat(this.pc);
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
      const fuel = view.getInt32(FUEL, true) - INSTRUCTION_FUEL * block.instructions.length;
      view.setInt32(FUEL, fuel, true);
      // A run makes some progress, however little fuel it gets.
      if (fuel < 0 && hasRun) {
        this.#paused = true;
        return this.#yieldAt(pc);
      }
      hasRun = true;
      if (counts && !block.isTranslated && ++block.heat >= this.#cache.translateAfter) this.#warm(mode, block, isLoop);
      if (block.isTranslated) {
        const slot = this.#slotOf(mode, pc);
        if (level === 0) {
          view.setInt32(NEXT_SLOT, slot, true);
          return pc;
        }
        if (depth < INTERPRETER_DEPTH) return this.#yieldAt(pc);
        pc = this.#runtime.enter(pc, depth - INTERPRETER_DEPTH, slot) >>> 0;
        view.setInt32(NEXT_SLOT, 0, true);
        if (pc === EXIT >>> 0) return EXIT;
        level--;
        counts = false;
        continue;
      }
      const { effort } = interpreter;
      interpreter.run(isa, block.instructions, modeValue);
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
      const block = mode.interpreted.add(shared.decoded.at(isa, this.#recorder, code, pc, shared.value));
      if (shared.hot.has(pc) || this.#find(mode, pc) !== null) this.#place(mode, pc);
      block.isTranslated = mode.placed.has(pc);
      return block;
    } catch (error) {
      if (!(error instanceof CodeFault)) throw error;
      return this.#runtime.fetchFault(pc, 0);
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
    const lacking = mode.missing.get(block.pc);
    let remade = false;
    for (const placed of [...(lacking ?? [])]) {
      const start = (placed.entries[0] as Entry).pc;
      const times = mode.shared.remade.get(start) ?? 0;
      if (times >= MAX_REMADE) continue;
      mode.shared.remade.set(start, times + 1);
      this.#cache.remove(mode.shared, placed.translation);
      this.#takeOut(placed);
      remade = true;
    }
    if (remade) return;
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
    this.#place(this.#mode, pc);
  }

  #isFetchable(pc: number): boolean {
    try {
      this.#options.isa.decode(this.#options.code, pc, this.#mode.shared.value);
      return true;
    } catch (error) {
      if (error instanceof CodeFault) return false;
      throw error;
    }
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
    if (goOn && !this.#unwind) return 1;
    this.view.setUint32(EXIT_REASON, goOn ? EXIT_YIELD : EXIT_LEFT, true);
    return 0;
  }

  #modeFor(value: number): Mode {
    if (this.#mode?.shared.value === value) return this.#mode;
    let mode = this.#modes.get(value);
    if (!mode) {
      mode = {
        shared: this.#cache.mode(value),
        placed: new Map(),
        interpreted: new InterpretedCode(),
        missing: new Map(),
      };
      this.#modes.set(value, mode);
    }
    if (this.#cache.modeCount > MAX_MODES) {
      new Uint8Array(this.#options.state.buffer, mode.shared.indirectCache, INDIRECT_CACHE_ENTRIES * 8).fill(0);
    }
    return mode;
  }

  /** The slot to call for a guest address. Called from guest code. */
  #resolve(pc: number): number {
    const mode = this.#mode;
    const slot = this.#slotOf(mode, pc);
    if (!mode.placed.has(pc)) {
      if (this.#cache.translateAfter > 0 && !mode.shared.hot.has(pc) && this.#find(mode, pc) === null)
        return INTERPRET_SLOT;
      try {
        this.#place(mode, pc);
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

  #slotOf(mode: Mode, pc: number): number {
    return this.#cache.slotOf(mode.shared, pc);
  }

  /** Makes room for every slot that code of the shared cache may refer to. */
  #coverSlots(): void {
    const missing = this.#cache.slotCount - this.#table.length;
    if (missing > 0) this.#table.grow(Math.max(this.#table.length, missing), this.#runtime.stub);
  }

  /** Puts code for `pc` into the table: what is known, or else a new translation. */
  #place(mode: Mode, pc: number): void {
    this.#put(mode, this.#find(mode, pc) ?? this.#make(mode, pc));
  }

  /** Translates, for whoever comes to this code. */
  #make(mode: Mode, pc: number): Translation {
    const translation = this.#translate(mode, pc, this.#variant);
    this.#cache.add(mode.shared, translation);
    return translation;
  }

  #put(mode: Mode, translation: Translation): void {
    for (const helper of translation.helpers) this.#import(helper);
    const { entries, pages } = translation;
    // The module is about to take the slots: what was there does not get them back.
    for (const { pc: entry } of entries) mode.placed.delete(entry);
    if (++this.#placedCount > MAX_PLACED) this.#dropAll();
    this.#coverSlots();
    new WebAssembly.Instance(translation.module, { e: this.#imports });
    const placed = { mode, entries, pages, translation };
    for (const { pc: entry } of entries) {
      mode.placed.set(entry, placed);
      const block = mode.interpreted.get(entry);
      if (block) block.isTranslated = true;
    }
    for (const page of pages) addTo(this.#byPage, page, placed);
    for (const target of translation.missing) addTo(mode.missing, target, placed);
  }

  get #variant(): Variant {
    return { precise: this.#precise, softwareChecks: this.#options.softwareChecks };
  }

  /** A translation that another process or an earlier run has made. */
  #find({ shared }: Mode, pc: number): Translation | null {
    return shared.translations.has(pc)
      ? this.#cache.find(shared, pc, this.#variant, this.#options.code, this.#unfit)
      : null;
  }

  #translate(mode: Mode, pc: number, variant: Variant): Translation {
    const { isa } = this.#options;
    const { shared } = mode;
    this.#recorder.take();
    const isWanted = (at: number): boolean => this.#cache.translateAfter === 0 || shared.decoded.has(at);
    const isBusy = COPIES && shared.busy.has(pc);
    const jumpTargets = (site: number): readonly number[] => (isBusy ? shared.jumpTargets(site) : []);
    const common = { isWanted, jumpTargets };
    const find = (at: number, instructions: number, loopOnly: boolean): Region =>
      findRegion(isa, this.#recorder, this.#builder, [at], shared.value, { instructions, loopOnly, ...common });
    const alone = find(pc, REGION_LIMIT, shared.loops.has(pc));
    const region = isBusy
      ? withCallees(alone, {
          find: (at) => (isWanted(at) && this.#isFetchable(at) ? find(at, MAX_CALLEE + 1, false) : null),
          callTargets: jumpTargets,
        })
      : alone;
    const number = this.#cache.newModule();
    const { bytes, helpers, traps, entries, kept } = assemble(moduleName(number), region, {
      ...variant,
      littleEndian: isa.littleEndian,
      indirectCache: shared.indirectCache,
      slotOf: (target) => this.#slotOf(mode, target),
    });
    if (traps.length > 0) this.#cache.traps.set(number, traps);
    if (debug.enabled) debug("0x%s: %d blocks, %d bytes of Wasm", pc.toString(16), region.blocks.length, bytes.length);
    return {
      ...variant,
      entries: entries.map((at) => ({ pc: at, slot: this.#slotOf(mode, at) })),
      source: this.#recorder.take(),
      pages: region.pages,
      missing: region.unwanted,
      module: new WebAssembly.Module(bytes),
      helpers,
      kept,
    };
  }

  /** Makes a helper importable, by its name. */
  #import(helper: Helper): void {
    const { view } = this;
    this.#imports[helper.name] ??= () => helper.run(view);
  }
}

function addTo<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const there = sets.get(key);
  if (there) there.add(value);
  else sets.set(key, new Set([value]));
}
