/**
 * The translator's face: runs guest code in one address space. Regions are translated when control first reaches them,
 * linked through one table, and dropped when their code changes.
 *
 * Every guest address that code refers to has a *slot* in the table. A slot holds the region that starts there, or the
 * stub, which asks the engine to translate and then goes on in what it got. So a slot's number never changes, callers
 * need no patching, and dropping a region is putting the stub back.
 */
import createDebug from "debug";
import { EXCEPTIONS, type Exception, type Helper } from "../cpu/emitter.ts";
import { CodeFault, type CodeReader, type Isa } from "../cpu/isa.ts";
import { BlockBuilder } from "./block-builder.ts";
import { compileRegion, EXIT, EXIT_EXCEPTION, EXIT_LEFT, EXIT_YIELD, helpersIn } from "./codegen.ts";
import { EXIT_INFO, EXIT_REASON, FUEL, INDIRECT_CACHE, INDIRECT_CACHE_ENTRIES, PC, STATE_BYTES } from "./layout.ts";
import { findRegion, type Region } from "./region.ts";
import { buildRuntime, type RuntimeExports } from "./runtime-module.ts";
import { findTrap, type TrapTable } from "./trap.ts";
import { ModuleWriter } from "./wasm/module.ts";

const debug = createDebug("babelf:translate");

export interface EngineOptions {
  readonly isa: Isa;
  /** Guest memory: 4 GiB, shared. */
  readonly memory: WebAssembly.Memory;
  /** CPU state: `STATE_BYTES`, laid out as `layout.ts` says. */
  readonly state: WebAssembly.Memory;
  readonly code: CodeReader;
  /** Test the page table before each access, because the host's MMU does not guard guest pages. */
  readonly softwareChecks: boolean;
  /**
   * Called for a system-call instruction, with all registers in CPU state and PC behind the instruction. True: go on in
   * guest code with the registers as they are now. False: leave `run`.
   */
  readonly systemCall: () => boolean;
}

export type Exit =
  /** Fuel has ended. */
  | { readonly reason: "yield" }
  /** `systemCall` returned false. */
  | { readonly reason: "left" }
  /** `info` is as `EXCEPTIONS` says; for "memory" in imprecise mode it may be 0. */
  | { readonly reason: "exception"; readonly exception: Exception; readonly info: number; readonly pc: number };

/** How many guest calls may nest as Wasm calls. V8's default stack is 984 KiB; a region's frame stays below 1 KiB. */
const MAX_DEPTH = 400;
/**
 * Instructions in a region at its first translation, and once fuel has ended there. Most code runs once: little is
 * translated ahead of it (static hello: 300 ms with 1024, 190 ms with 96). Where fuel ends there is a loop or a
 * recursion, which is worth a region that holds all of it.
 */
const COLD_LIMIT = 96;
const HOT_LIMIT = 1024;
/** Slot 0 is for addresses that cannot be fetched. */
const FETCH_FAULT_SLOT = 0;
const TABLE_START = 1 << 14;
/** Modes beyond this many share cache areas, which are then cleared at each change (there is room for 31). */
const MAX_MODES = 24;

interface Batch {
  readonly slots: { readonly mode: Mode; readonly pc: number; readonly slot: number }[];
  readonly pages: Set<number>;
}

class Mode {
  readonly value: number;
  readonly indirectCache: number;
  readonly slots = new Map<number, number>();
  /** Addresses whose slot holds a region. */
  readonly translated = new Set<number>();
  /** Addresses at which fuel has ended. */
  readonly hot = new Set<number>();
  constructor(value: number, indirectCache: number) {
    this.value = value;
    this.indirectCache = indirectCache;
  }
}

export class Engine {
  readonly view: DataView;
  readonly #options: EngineOptions;
  readonly #table: WebAssembly.Table;
  readonly #runtime: RuntimeExports;
  readonly #builder = new BlockBuilder();
  readonly #imports: Record<string, WebAssembly.ImportValue>;
  readonly #helperFields = new Map<Helper, string>();
  readonly #batches = new Map<number, Set<Batch>>();
  readonly #modes = new Map<number, Mode>();
  readonly #traps: TrapTable = new Map();
  #mode: Mode;
  #nextSlot = FETCH_FAULT_SLOT + 1;
  #nextRegion = 0;
  #precise = false;
  /** Code that may be running further out has been dropped: everything must unwind. */
  #unwind = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.view = new DataView(options.state.buffer, 0, STATE_BYTES);
    this.#table = new WebAssembly.Table({ element: "anyfunc", initial: TABLE_START });
    this.#imports = {
      m: options.memory,
      s: options.state,
      t: this.#table,
      systemCall: () => this.#systemCall(),
      resolve: (pc: number) => this.#resolve(pc >>> 0),
    };
    this.#runtime = buildRuntime(this.#imports);
    for (let i = 0; i < TABLE_START; i++) this.#table.set(i, this.#runtime.stub);
    this.#table.set(FETCH_FAULT_SLOT, this.#runtime.fetchFault);
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

  /** Guest code in [start, end) has changed or gone. */
  invalidate(start: number, end: number): void {
    const first = start >>> 12;
    const last = (end - 1) >>> 12;
    const drop = new Set<Batch>();
    if (last - first < this.#batches.size) {
      for (let page = first; page <= last; page++) for (const batch of this.#batches.get(page) ?? []) drop.add(batch);
    } else {
      for (const [page, batches] of this.#batches) if (page >= first && page <= last) for (const batch of batches) drop.add(batch);
    }
    for (const batch of drop) this.#drop(batch);
  }

  #dropAll(): void {
    for (const batches of [...this.#batches.values()]) for (const batch of [...batches]) this.#drop(batch);
  }

  #drop(batch: Batch): void {
    for (const { mode, pc, slot } of batch.slots) {
      this.#table.set(slot, this.#runtime.stub);
      mode.translated.delete(pc);
    }
    for (const page of batch.pages) this.#batches.get(page)?.delete(batch);
    this.#unwind = true;
  }

  /** Runs guest code from `pc` until fuel (backward branches and calls) ends, the guest traps, or a system call leaves. */
  run(fuel: number): Exit {
    const { view } = this;
    view.setInt32(FUEL, fuel, true);
    for (;;) {
      this.#unwind = false;
      this.#mode = this.#modeFor(this.#options.isa.mode(view));
      view.setUint32(EXIT_REASON, 0, true);
      try {
        this.#runtime.run(this.pc, MAX_DEPTH, this.#mode.indirectCache);
      } catch (error) {
        const pc = findTrap(error, this.#traps);
        if (pc === null) throw error;
        this.pc = pc;
        if (!this.#precise) return { reason: "exception", exception: "memory", info: 0, pc };
        // The instruction once more, by itself and with a look into the page table: that tells the address.
        view.setUint32(EXIT_REASON, 0, true);
        const next = this.#stepCode(pc)(pc, 0);
        if (next !== EXIT) {
          this.pc = next;
          continue;
        }
      }
      const exit = this.#exit();
      if (exit) return exit;
      // A guest that returns to 0xffffffff looks like an exit without a reason.
      if (view.getUint32(EXIT_REASON, true) !== EXIT_YIELD) return { reason: "exception", exception: "fetch", info: 0xffffffff, pc: 0xffffffff };
      this.#noticeChangedCode();
      if (view.getInt32(FUEL, true) < 0) {
        this.#heat(this.pc);
        return { reason: "yield" };
      }
    }
  }

  /** Fuel has ended at `pc`: its region is made anew, larger. */
  #heat(pc: number): void {
    const mode = this.#mode;
    if (mode.hot.has(pc)) return;
    mode.hot.add(pc);
    mode.translated.delete(pc);
    const slot = mode.slots.get(pc);
    if (slot !== undefined) this.#table.set(slot, this.#runtime.stub);
  }

  #noticeChangedCode(): void {
    const slot = this.#options.isa.changedCode;
    if (!slot) return;
    const address = this.view.getUint32(slot.offset, true);
    if (address === 0) return;
    this.view.setUint32(slot.offset, 0, true);
    this.invalidate(address, address + 1);
  }

  /** What CPU state says of the last run; null if there is nothing to tell. */
  #exit(): Exit | null {
    const reason = this.view.getUint32(EXIT_REASON, true);
    if (reason === EXIT_LEFT) return { reason: "left" };
    if (reason < EXIT_EXCEPTION) return null;
    const exception = EXCEPTIONS[reason - EXIT_EXCEPTION] as Exception;
    return { reason: "exception", exception, info: this.view.getUint32(EXIT_INFO, true), pc: this.pc };
  }

  #systemCall(): number {
    const goOn = this.#options.systemCall();
    if (goOn && !this.#unwind) return 1;
    this.view.setUint32(EXIT_REASON, goOn ? EXIT_YIELD : EXIT_LEFT, true);
    return 0;
  }

  #modeFor(value: number): Mode {
    let mode = this.#modes.get(value);
    if (!mode) {
      const area = this.#modes.size % MAX_MODES;
      mode = new Mode(value, INDIRECT_CACHE + area * INDIRECT_CACHE_ENTRIES * 8);
      this.#modes.set(value, mode);
    }
    if (mode !== this.#mode && this.#modes.size > MAX_MODES) {
      new Uint8Array(this.#options.state.buffer, mode.indirectCache, INDIRECT_CACHE_ENTRIES * 8).fill(0);
    }
    return mode;
  }

  /** The slot to call for a guest address; translates it if need be. Called from guest code. */
  #resolve(pc: number): number {
    const mode = this.#mode;
    if (!mode.translated.has(pc)) {
      try {
        this.#translate(mode, pc);
      } catch (error) {
        if (error instanceof CodeFault) return FETCH_FAULT_SLOT;
        throw error;
      }
    }
    const slot = mode.slots.get(pc) as number;
    const entry = mode.indirectCache + ((pc << 1) & ((INDIRECT_CACHE_ENTRIES - 1) << 3));
    this.view.setUint32(entry, pc, true);
    this.view.setUint32(entry + 4, slot, true);
    return slot;
  }

  #slotOf(mode: Mode, pc: number): number {
    let slot = mode.slots.get(pc);
    if (slot === undefined) {
      slot = this.#nextSlot++;
      if (slot >= this.#table.length) this.#table.grow(this.#table.length, this.#runtime.stub);
      mode.slots.set(pc, slot);
    }
    return slot;
  }

  /** Runs the one instruction at `pc`. */
  step(): Exit | { readonly reason: "stepped" } {
    this.view.setUint32(EXIT_REASON, 0, true);
    let next: number;
    try {
      next = this.#stepCode(this.pc)(this.pc, 0);
    } catch (error) {
      if (!(error instanceof CodeFault)) throw error;
      return { reason: "exception", exception: "fetch", info: error.address, pc: this.pc };
    }
    if (next !== EXIT) this.pc = next;
    this.#noticeChangedCode();
    return this.#exit() ?? { reason: "stepped" };
  }

  #stepCode(pc: number): (pc: number, depth: number) => number {
    const { isa, code } = this.#options;
    const mode = this.#modeFor(isa.mode(this.view));
    const region = findRegion(isa, code, this.#builder, [pc], mode.value, 1);
    const { bytes } = this.#assemble([region], mode, true);
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: this.#imports });
    return exports["step"] as (pc: number, depth: number) => number;
  }

  #translate(mode: Mode, pc: number): void {
    const { isa, code } = this.#options;
    const limit = mode.hot.has(pc) ? HOT_LIMIT : COLD_LIMIT;
    const regions = [findRegion(isa, code, this.#builder, [pc], mode.value, limit)];
    const { bytes, codeOffsets, traps } = this.#assemble(regions, mode, false);
    const batch: Batch = { slots: [], pages: new Set() };
    regions.forEach((region, i) => {
      const entry = region.entries[0] as number;
      batch.slots.push({ mode, pc: entry, slot: this.#slotOf(mode, entry) });
      for (const page of region.pages) batch.pages.add(page);
      this.#traps.set(this.#nextRegion + i, { base: codeOffsets[i] as number, pairs: Uint32Array.from(traps[i] as readonly number[]) });
    });
    this.#nextRegion += regions.length;
    new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: this.#imports });
    for (const { pc: entry } of batch.slots) mode.translated.add(entry);
    for (const page of batch.pages) {
      const there = this.#batches.get(page);
      if (there) there.add(batch);
      else this.#batches.set(page, new Set([batch]));
    }
    if (debug.enabled) debug("0x%s: %d regions, %d bytes of Wasm", pc.toString(16), regions.length, bytes.length);
  }

  /** Compiles regions into one module; they take the region numbers from `#nextRegion` on. */
  #assemble(regions: readonly Region[], mode: Mode, singleStep: boolean): { bytes: Uint8Array<ArrayBuffer>; codeOffsets: number[]; traps: (readonly number[])[] } {
    const { isa, softwareChecks } = this.#options;
    const writer = new ModuleWriter();
    const regionType = writer.type(["i32", "i32"], ["i32"]);
    const systemCallIndex = writer.importFunction("systemCall", writer.type([], ["i32"]));
    const resolveIndex = writer.importFunction("resolve", writer.type(["i32"], ["i32"]));
    const helpers = new Set<Helper>();
    for (const region of regions) helpersIn(region, helpers);
    const helperIndices = new Map<Helper, number>();
    const helperType = writer.type([], []);
    for (const helper of helpers) helperIndices.set(helper, writer.importFunction(this.#helperField(helper), helperType));
    // Were the minimum all of it, V8 would take an access to a constant address for one that cannot fail: a protected
    // page there would then end the host process instead of raising a trap. It costs nothing: guard regions do the check.
    writer.importMemory({ field: "m", pages: 65536, minimum: 0, shared: true });
    writer.importMemory({ field: "s", pages: STATE_BYTES / 65536, shared: false });
    writer.importTable("t", 1);
    const firstFunction = 2 + helpers.size;
    const functionIndices = new Map(regions.map((region, i) => [region.entries[0] as number, firstFunction + i]));
    const traps = regions.map((region, i) => {
      const compiled = compileRegion(region, {
        littleEndian: isa.littleEndian,
        precise: this.#precise,
        softwareChecks: softwareChecks || singleStep,
        singleStep,
        indirectCache: mode.indirectCache,
        slotOf: (target) => this.#slotOf(mode, target),
        functionOf: (target) => functionIndices.get(target) ?? -1,
        helperIndex: (helper) => helperIndices.get(helper) as number,
        systemCallIndex,
        resolveIndex,
        regionType,
      });
      writer.add({
        name: singleStep ? "step" : `g${this.#nextRegion + i}`,
        typeIndex: regionType,
        locals: compiled.locals,
        code: compiled.code,
        ...(singleStep ? { exportName: "step", tableSlot: null } : { tableSlot: this.#slotOf(mode, region.entries[0] as number) }),
      });
      return compiled.traps;
    });
    return { ...writer.finish(), traps };
  }

  /** Import name of a helper; made at its first use. */
  #helperField(helper: Helper): string {
    let field = this.#helperFields.get(helper);
    if (!field) {
      field = `h${this.#helperFields.size}`;
      this.#helperFields.set(helper, field);
      const { view } = this;
      this.#imports[field] = () => helper.run(view);
    }
    return field;
  }
}
