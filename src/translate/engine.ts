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
import { compileRegion, EXIT, EXIT_EXCEPTION, EXIT_LEFT, EXIT_YIELD, helpersIn, type Tier } from "./codegen.ts";
import type { Block } from "./ir.ts";
import { COUNTERS, EXIT_INFO, EXIT_REASON, FUEL, INDIRECT_CACHE_ENTRIES, PC, STATE_BYTES } from "./layout.ts";
import { findRegion, type Region } from "./region.ts";
import { instantiateRuntime, type RuntimeExports } from "./runtime-module.ts";
import {
  type Entry,
  FETCH_FAULT_SLOT,
  PAUSE_SLOT,
  isSource,
  MAX_MODES,
  type ModeCache,
  RecordingReader,
  type Translation,
  TranslationCache,
} from "./translation-cache.ts";
import { findTrap, moduleName } from "./trap.ts";
import { tuneV8 } from "./v8-flags.ts";
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
  /** Translations shared with other engines for the same ISA; its own if left out. */
  readonly cache?: TranslationCache;
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
 * Instructions that are translated ahead, at most. Most code runs a few times at most, so first it is made block by
 * block, without registers in locals across blocks ("cold"): one module holds the blocks that direct branches lead to. A
 * function entry or loop head that has run `HEAT` times gets a whole region of its own ("hot"), and so does the place
 * where fuel ends.
 */
const COLD_LIMIT = 400;
const HOT_LIMIT = 1024;
const HEAT = 1000;
/** What a translation costs in fuel: it takes as long as some thousand backward branches. */
const TRANSLATION_FUEL = 2000;
/** Modules in one engine; beyond, all go, and what still runs comes back cold. A module takes about 20 KB. */
const MAX_PLACED = 30_000;
const TABLE_START = 1 << 14;

interface Assembled {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly helpers: readonly Helper[];
  readonly entries: readonly Entry[];
}

/** A module in this engine's table. */
interface Placed {
  readonly mode: Mode;
  /** What it was made from: see `Translation`. */
  readonly source: Int32Array;
  readonly entries: readonly Entry[];
  readonly pages: ReadonlySet<number>;
  readonly hot: boolean;
}

/** This engine's part of a translation mode. */
interface Mode {
  readonly shared: ModeCache;
  /** By address: what its slot holds. */
  readonly placed: Map<number, Placed>;
}

export class Engine {
  readonly view: DataView;
  readonly #options: EngineOptions;
  readonly #cache: TranslationCache;
  readonly #table: WebAssembly.Table;
  readonly #runtime: RuntimeExports;
  readonly #builder = new BlockBuilder();
  readonly #recorder: RecordingReader;
  readonly #imports: Record<string, WebAssembly.ImportValue>;
  readonly #modes = new Map<number, Mode>();
  readonly #byPage = new Map<number, Set<Placed>>();
  #placedCount = 0;
  #mode: Mode;
  #precise = false;
  /** Code that may be running further out has been dropped: everything must unwind. */
  #unwind = false;
  /** Fuel has ended in the making of code, not in the running of it. */
  #paused = false;

  constructor(options: EngineOptions) {
    tuneV8();
    this.#options = options;
    this.#cache = options.cache ?? new TranslationCache();
    this.#recorder = new RecordingReader(options.code);
    this.view = new DataView(options.state.buffer, 0, STATE_BYTES);
    this.#table = new WebAssembly.Table({ element: "anyfunc", initial: PAUSE_SLOT + 1 });
    this.#imports = {
      m: options.memory,
      s: options.state,
      t: this.#table,
      systemCall: () => this.#systemCall(),
      resolve: (pc: number) => this.#resolve(pc >>> 0),
      heat: (pc: number) => this.#heat(pc >>> 0),
    };
    this.#runtime = instantiateRuntime(this.#imports);
    this.#table.set(FETCH_FAULT_SLOT, this.#runtime.fetchFault);
    this.#table.set(PAUSE_SLOT, this.#runtime.pause);
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
    const first = start >>> 12;
    const last = (end - 1) >>> 12;
    if (last - first < this.#byPage.size) {
      for (let page = first; page <= last; page++) this.#dropPage(page);
    } else {
      for (const page of [...this.#byPage.keys()]) if (page >= first && page <= last) this.#dropPage(page);
    }
  }

  /** The memory holds another process's code now: what is in the table stays as far as its code is still there. */
  revalidate(): void {
    this.setPrecise(false);
    const seen = new Set<Placed>();
    for (const there of this.#byPage.values()) {
      for (const placed of [...there]) {
        if (seen.has(placed)) continue;
        seen.add(placed);
        if (!isSource(placed.source, this.#options.code)) this.#drop(placed);
      }
    }
  }

  #dropPage(page: number): void {
    for (const placed of [...(this.#byPage.get(page) ?? [])]) this.#drop(placed);
  }

  #drop(placed: Placed): void {
    for (const { pc, slot } of placed.entries) this.#empty(placed, pc, slot);
    for (const page of placed.pages) this.#byPage.get(page)?.delete(placed);
    this.#unwind = true;
  }

  /** Takes one entry of a module out of the table, unless the slot holds something else by now. */
  #empty(placed: Placed, pc: number, slot: number): void {
    if (placed.mode.placed.get(pc) !== placed) return;
    placed.mode.placed.delete(pc);
    this.#table.set(slot, this.#runtime.stub);
  }

  /** Runs guest code from `pc` until fuel (backward branches and calls) ends, the guest traps, or a system call leaves. */
  run(fuel: number): Exit {
    const { view } = this;
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

  /** What CPU state says of the last run; null if there is nothing to tell. */
  #exit(): Exit | null {
    const reason = this.view.getUint32(EXIT_REASON, true);
    if (reason === EXIT_LEFT) return { reason: "left" };
    if (reason < EXIT_EXCEPTION) return null;
    const exception = EXCEPTIONS[reason - EXIT_EXCEPTION] as Exception;
    return { reason: "exception", exception, info: this.view.getUint32(EXIT_INFO, true), pc: this.pc };
  }

  /** The code at `pc` runs often: it gets a region of its own. */
  #heat(pc: number): void {
    const { shared, placed } = this.#mode;
    if (placed.get(pc)?.hot === true) return;
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
      mode = { shared: this.#cache.mode(value), placed: new Map() };
      this.#modes.set(value, mode);
    }
    if (this.#cache.modeCount > MAX_MODES) {
      new Uint8Array(this.#options.state.buffer, mode.shared.indirectCache, INDIRECT_CACHE_ENTRIES * 8).fill(0);
    }
    return mode;
  }

  /** The slot to call for a guest address; translates it if need be. Called from guest code. */
  #resolve(pc: number): number {
    const mode = this.#mode;
    const slot = this.#slotOf(mode, pc);
    if (!mode.placed.has(pc)) {
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
    const { shared } = mode;
    const variant = { precise: this.#precise, softwareChecks: this.#options.softwareChecks, hot: shared.hot.has(pc) };
    let translation = this.#cache.find(shared, pc, variant, this.#options.code);
    if (!translation) {
      translation = this.#translate(mode, pc, variant);
      this.#cache.add(shared, pc, translation);
    }
    for (const helper of translation.helpers) this.#import(helper);
    const { entries, pages, hot, source } = translation;
    for (const { pc: entry, counter } of entries) {
      if (counter >= 0) this.view.setInt32(COUNTERS + counter * 4, shared.hot.has(entry) ? 0 : HEAT, true);
      // The module is about to take the slot: what was there does not get it back.
      mode.placed.delete(entry);
    }
    if (++this.#placedCount > MAX_PLACED) this.#dropAll();
    this.#coverSlots();
    new WebAssembly.Instance(translation.module, { e: this.#imports });
    const placed = { mode, source, entries, pages, hot };
    for (const { pc: entry } of entries) mode.placed.set(entry, placed);
    for (const page of pages) {
      const there = this.#byPage.get(page);
      if (there) there.add(placed);
      else this.#byPage.set(page, new Set([placed]));
    }
  }

  #translate(mode: Mode, pc: number, variant: Pick<Translation, "precise" | "softwareChecks" | "hot">): Translation {
    const { isa } = this.#options;
    const { shared, placed } = mode;
    this.#recorder.take();
    const region = variant.hot
      ? findRegion(isa, this.#recorder, this.#builder, [pc], shared.value, HOT_LIMIT)
      : findRegion(
          isa,
          this.#recorder,
          this.#builder,
          [pc],
          shared.value,
          COLD_LIMIT,
          (at) => placed.has(at) || shared.hot.has(at),
        );
    const assembled = this.#assemble(variant.hot ? [region] : apart(region), mode, variant.hot ? "hot" : "cold");
    if (debug.enabled)
      debug(
        "0x%s %s: %d blocks, %d bytes of Wasm",
        pc.toString(16),
        variant.hot ? "hot" : "cold",
        region.blocks.length,
        assembled.bytes.length,
      );
    return {
      ...variant,
      entries: assembled.entries,
      source: this.#recorder.take(),
      pages: region.pages,
      module: new WebAssembly.Module(assembled.bytes),
      helpers: assembled.helpers,
    };
  }

  #stepCode(pc: number): (pc: number, depth: number) => number {
    const { isa, code } = this.#options;
    const mode = this.#modeFor(isa.mode(this.view));
    const { bytes, helpers } = this.#assemble(
      [findRegion(isa, code, this.#builder, [pc], mode.shared.value, 1)],
      mode,
      "step",
    );
    for (const helper of helpers) this.#import(helper);
    this.#coverSlots();
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: this.#imports });
    return exports["step"] as (pc: number, depth: number) => number;
  }

  /** Compiles regions into one module. */
  #assemble(regions: readonly Region[], mode: Mode, tier: Tier): Assembled {
    const { isa, softwareChecks } = this.#options;
    const number = this.#cache.newModule();
    const writer = new ModuleWriter(moduleName(number));
    const regionType = writer.type(["i32", "i32"], ["i32"]);
    const systemCallIndex = writer.importFunction("systemCall", writer.type([], ["i32"]));
    const resolveIndex = writer.importFunction("resolve", writer.type(["i32"], ["i32"]));
    const heatIndex = writer.importFunction("heat", writer.type(["i32"], []));
    const helpers = new Set<Helper>();
    for (const region of regions) helpersIn(region, helpers);
    const helperType = helpers.size > 0 ? writer.type([], []) : -1;
    const helperIndices = new Map(
      [...helpers].map((helper) => [helper, writer.importFunction(helper.name, helperType)]),
    );
    writer.importMemory({ field: "m", pages: 65536, shared: true });
    writer.importMemory({ field: "s", pages: STATE_BYTES / 65536, shared: false });
    writer.importTable("t", 1);
    const functions = new Map(
      regions.map((region, i) => [region.entries[0] as number, heatIndex + 1 + helpers.size + i]),
    );
    const counted = tier === "cold" ? countedEntries(regions) : new Set<number>();
    const traps: (readonly number[])[] = [];
    const entries: Entry[] = [];
    for (const region of regions) {
      const pc = region.entries[0] as number;
      const entry = {
        pc,
        slot: tier === "step" ? FETCH_FAULT_SLOT : this.#slotOf(mode, pc),
        counter: counted.has(pc) ? this.#cache.newCounter() : -1,
      };
      const compiled = compileRegion(region, {
        littleEndian: isa.littleEndian,
        precise: this.#precise,
        softwareChecks: softwareChecks || tier === "step",
        tier,
        counter: entry.counter,
        indirectCache: mode.shared.indirectCache,
        slotOf: (target) => this.#slotOf(mode, target),
        functionOf: (target) => functions.get(target) ?? -1,
        helperIndex: (helper) => helperIndices.get(helper) as number,
        systemCallIndex,
        resolveIndex,
        heatIndex,
        regionType,
      });
      writer.add({
        typeIndex: regionType,
        locals: compiled.locals,
        code: compiled.code,
        hints: compiled.hints,
        ...(tier === "step" ? { exportName: "step", tableSlot: null } : { tableSlot: entry.slot }),
      });
      traps.push(compiled.traps);
      entries.push(entry);
    }
    const { bytes, codeOffsets } = writer.finish();
    const table: number[] = [];
    traps.forEach((pairs, i) => {
      for (let p = 0; p < pairs.length; p += 2)
        table.push((codeOffsets[i] as number) + (pairs[p] as number), pairs[p + 1] as number);
    });
    if (table.length > 0) this.#cache.traps.set(number, Uint32Array.from(table));
    return { bytes, helpers: [...helpers], entries };
  }

  /** Makes a helper importable, by its name. */
  #import(helper: Helper): void {
    const { view } = this;
    this.#imports[helper.name] ??= () => helper.run(view);
  }
}

/** Every block of a region as a region of its own, with the extra block on its taken edge if there is one. */
function apart({ blocks, pages }: Region): Region[] {
  const regions: { entries: number[]; blocks: Block[]; pages: ReadonlySet<number> }[] = [];
  for (const block of blocks) {
    if (block.key >= 0) regions.push({ entries: [block.key], blocks: [block], pages });
    else (regions.at(-1) as { blocks: Block[] }).blocks.push(block);
  }
  return regions;
}

/** Where it pays to count: where the module was entered first, and where branches go back to. */
function countedEntries(regions: readonly Region[]): Set<number> {
  const counted = new Set([regions[0]?.entries[0] as number]);
  for (const { entries, blocks } of regions) {
    for (const { terminator } of blocks) {
      const targets =
        terminator.kind === "jump"
          ? [terminator.target]
          : terminator.kind === "branch"
            ? [terminator.taken, terminator.notTaken]
            : [];
      for (const target of targets) if (target >= 0 && target <= (entries[0] as number)) counted.add(target);
    }
  }
  return counted;
}
