/**
 * One engine's table of translated code. Every guest address that translated code refers to has a *slot* in it. A slot
 * holds the region that starts there, or the stub, which asks the engine what to do: to go on in code that is there by
 * now, or in the interpreter. So a slot's number never changes, callers need no patching, and dropping a region is putting
 * the stub back.
 */
import type { Helper } from "../cpu/emitter.ts";
import type { EngineOptions } from "./engine-options.ts";
import { InterpretedCode } from "./interpreted-code.ts";
import { INDIRECT_CACHE_ENTRIES } from "./layout.ts";
import { instantiateRuntime, type RuntimeExports } from "./runtime-module.ts";
import { isSource } from "./source.ts";
import {
  type Entry,
  FETCH_FAULT_SLOT,
  INTERPRET_SLOT,
  MAX_MODES,
  type ModeCache,
  PAUSE_SLOT,
  type Translation,
  type TranslationCache,
  type Variant,
} from "./translation-cache.ts";
import { Translator } from "./translator.ts";

/** A region is made anew so often, because it lacks what had not run when it was made. */
const MAX_REMADE = 3;
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
export interface Mode {
  readonly shared: ModeCache;
  /** By address: what its slot holds. */
  readonly placed: Map<number, Placed>;
  readonly interpreted: InterpretedCode;
  /** By address: the translations that branch there and do not have it. */
  readonly missing: Map<number, Set<Placed>>;
}

/** What guest code asks the engine for. */
export interface EngineCalls {
  readonly systemCall: () => number;
  readonly resolve: (pc: number) => number;
  readonly interpret: (pc: number, depth: number) => number;
}

export class CodeTable {
  readonly runtime: RuntimeExports;
  /** Code that may be running further out has been dropped: everything must unwind. */
  hasDropped = false;
  readonly #options: EngineOptions;
  readonly #view: DataView;
  readonly #cache: TranslationCache;
  readonly #table: WebAssembly.Table;
  readonly #translator: Translator;
  readonly #imports: Record<string, WebAssembly.ImportValue>;
  readonly #modes = new Map<number, Mode>();
  readonly #byPage = new Map<number, Set<Placed>>();
  /** Translations that are not of the code that is there now. */
  readonly #unfit = new Set<Translation>();
  #placedCount = 0;
  #precise = false;

  constructor(options: EngineOptions, cache: TranslationCache, view: DataView, calls: EngineCalls) {
    this.#options = options;
    this.#view = view;
    this.#cache = cache;
    this.#translator = new Translator(options, cache);
    this.#table = new WebAssembly.Table({ element: "anyfunc", initial: INTERPRET_SLOT + 1 });
    this.#imports = { m: options.memory, s: options.state, t: this.#table, ...calls };
    this.runtime = instantiateRuntime(this.#imports);
    this.#table.set(FETCH_FAULT_SLOT, this.runtime.fetchFault);
    this.#table.set(PAUSE_SLOT, this.runtime.pause);
    this.#table.set(INTERPRET_SLOT, this.runtime.interpret);
    this.#table.grow(TABLE_START, this.runtime.stub);
  }

  mode(value: number): Mode {
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

  /** Where the region begins whose code `pc` has in the table; undefined if it has none. */
  startOf({ placed }: Mode, pc: number): number | undefined {
    return placed.get(pc)?.entries.find((entry) => entry.pc === pc)?.start;
  }

  slotOf(mode: Mode, pc: number): number {
    return this.#cache.slotOf(mode.shared, pc);
  }

  get #variant(): Variant {
    return { precise: this.#precise, softwareChecks: this.#options.softwareChecks };
  }

  get precise(): boolean {
    return this.#precise;
  }
  set precise(on: boolean) {
    if (this.#precise === on) return;
    this.#precise = on;
    this.#dropAll();
  }

  // ── code goes ───────────────────────────────────────────────────────────────────────────────────────────────

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
    this.precise = false;
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
    this.hasDropped = true;
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
    this.#table.set(slot, this.runtime.stub);
  }

  // ── code comes ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Is there code for `pc` that another process or an earlier run has made? */
  isKnown(mode: Mode, pc: number): boolean {
    return this.#find(mode, pc) !== null;
  }

  /** A translation that another process or an earlier run has made. */
  #find({ shared }: Mode, pc: number): Translation | null {
    return shared.translations.has(pc)
      ? this.#cache.find(shared, pc, this.#variant, this.#options.code, this.#unfit)
      : null;
  }

  /** Puts code for `pc` into the table: what is known, or else a new translation. Throws `CodeFault`. */
  place(mode: Mode, pc: number): void {
    this.#put(mode, this.#find(mode, pc) ?? this.#make(mode, pc));
  }

  /** Puts a new translation for `pc` into the table. Throws `CodeFault`. */
  renew(mode: Mode, pc: number): void {
    this.#put(mode, this.#make(mode, pc));
  }

  /** Translates, for whoever comes to this code. */
  #make(mode: Mode, pc: number): Translation {
    const translation = this.#translator.translate(mode.shared, pc, this.#variant);
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

  /** Translated code that lacks what begins at `pc` is to be made anew with it; false: there is none. */
  remake(mode: Mode, pc: number): boolean {
    let remade = false;
    for (const placed of [...(mode.missing.get(pc) ?? [])]) {
      const { start } = placed.entries[0] as Entry;
      const times = mode.shared.remade.get(start) ?? 0;
      if (times >= MAX_REMADE) continue;
      mode.shared.remade.set(start, times + 1);
      this.#cache.remove(mode.shared, placed.translation);
      this.#takeOut(placed);
      remade = true;
    }
    return remade;
  }

  /** Makes room for every slot that code of the shared cache may refer to. */
  #coverSlots(): void {
    const missing = this.#cache.slotCount - this.#table.length;
    if (missing > 0) this.#table.grow(Math.max(this.#table.length, missing), this.runtime.stub);
  }

  /** Makes a helper importable, by its name. */
  #import(helper: Helper): void {
    this.#imports[helper.name] ??= () => helper.run(this.#view);
  }
}

function addTo<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const there = sets.get(key);
  if (there) there.add(value);
  else sets.set(key, new Set([value]));
}
