/**
 * What engines share: the numbering of table slots, and the compiled modules. A module knows nothing of the process it
 * was made for but slot numbers and the places in CPU state, so a second process (a fork, or the next run of the same
 * program) only instantiates it. Whether it fits is decided by the code itself: every word that it was made from must
 * still be there.
 *
 * One cache is for one ISA with one set of options.
 */
import type { Helper } from "../cpu/emitter.ts";
import type { CodeReader } from "../cpu/isa.ts";
import type { RegionCode } from "./assemble.ts";
import { INDIRECT_CACHE, INDIRECT_CACHE_ENTRIES } from "./layout.ts";
import { MicroBlocks } from "./micro-blocks.ts";
import { isSource } from "./source.ts";
import type { TrapTable } from "./trap.ts";

/** What code was translated for, besides its address and mode. */
export interface Variant {
  readonly precise: boolean;
  readonly softwareChecks: boolean;
}

/** A guest address at which a module can be entered. */
export interface Entry {
  readonly pc: number;
  readonly slot: number;
  /** Where the region begins that is entered here. */
  readonly start: number;
}

export interface Translation extends Variant {
  readonly entries: readonly Entry[];
  /** Pairs of guest address and the word that was read there. */
  readonly source: Int32Array;
  /** The 4 KiB pages that the code was read from. */
  readonly pages: ReadonlySet<number>;
  /** Where it branches to that had not run when it was made. */
  readonly missing: ReadonlySet<number>;
  readonly module: WebAssembly.Module;
  readonly helpers: readonly Helper[];
  /** Its code, if it was made in this run and later runs can use it. */
  readonly kept: RegionCode | null;
}

/** Slot 0 is for addresses that cannot be fetched. */
export const FETCH_FAULT_SLOT = 0;
/** Slot 1 leaves to the dispatcher, to go on at the same address later. */
export const PAUSE_SLOT = 1;
/** Slot 2 is the way into the interpreter. */
export const INTERPRET_SLOT = 2;
/** Modes beyond this many share areas of the indirect-branch cache (there is room for 31). */
export const MAX_MODES = 24;
/** A V8 module takes about 20 KB: the bound is about 400 MB. */
const MAX_TRANSLATIONS = 20_000;
const MAX_SLOTS = 1 << 19;
/** More of them than any switch has: what goes to so many places is no switch. */
const MAX_JUMP_TARGETS = 512;
/** More hints of a kind are not kept. */
const MOST_HINTS = 1 << 16;
/** A computed jump over fewer bytes may stay in its function. */
const NEAR = 0x10000;

/** What has been seen of a mode's code, in a form that outlives the run. It may be wrong of the code that is there now. */
export interface Hints {
  readonly busy: Uint32Array;
  readonly loops: Uint32Array;
  /** Pairs of a computed jump's or call's own address and where it went. */
  readonly jumps: Uint32Array;
}

/** The shared part of one translation mode. */
export class ModeCache {
  readonly value: number;
  /** Where its indirect-branch cache lies in CPU state. */
  readonly indirectCache: number;
  /** Table slots by guest address. */
  readonly slots = new Map<number, number>();
  /** Addresses that have run often: they are translated. */
  readonly hot = new Set<number>();
  /** Those of them where two time slices have ended: worth the copying of what they call. */
  readonly busy = new Set<number>();
  /** Those where one has. */
  readonly maybeBusy = new Set<number>();
  /** Those of them that became hot as the start of a loop. */
  readonly loops = new Set<number>();
  readonly blocks = new MicroBlocks();
  /** How often a translation was made anew because it lacked what had run since. */
  readonly remade = new Map<number, number>();
  readonly translations = new Map<number, Translation[]>();
  /** How many targets of computed jumps and calls came too late for the region that begins at an address. */
  readonly missed = new Map<number, number>();
  /** Where computed jumps have been seen to go, by the jump's own address. */
  readonly #jumps = new Map<number, Set<number>>();

  constructor(value: number, indirectCache: number) {
    this.value = value;
    this.indirectCache = indirectCache;
  }

  /** The computed jump at `site` went to `target`: of interest if that may be in the same function. As `noteCall`. */
  noteJump(site: number, target: number): boolean {
    return Math.abs(target - site) < NEAR && this.noteCall(site, target);
  }

  /** The computed call at `site` went to `target`; false: that was known, or there are too many. */
  noteCall(site: number, target: number): boolean {
    const targets = this.#jumps.get(site);
    if (!targets) this.#jumps.set(site, new Set([target]));
    else if (targets.has(target) || targets.size >= MAX_JUMP_TARGETS) return false;
    else targets.add(target);
    return true;
  }

  /** Where the computed jump or call at `site` has gone so far; ascending. */
  jumpTargets(site: number): readonly number[] {
    return [...(this.#jumps.get(site) ?? [])].sort((a, b) => a - b);
  }

  hints(): Hints {
    const pairs: number[] = [];
    for (const [site, targets] of this.#jumps) {
      for (const target of targets) pairs.push(site, target);
      if (pairs.length > MOST_HINTS) break;
    }
    const some = (set: ReadonlySet<number>): Uint32Array => Uint32Array.from([...set].slice(0, MOST_HINTS));
    return { busy: some(this.busy), loops: some(this.loops), jumps: Uint32Array.from(pairs) };
  }

  restore({ busy, loops, jumps }: Hints): void {
    for (const pc of busy) this.busy.add(pc);
    for (const pc of loops) this.loops.add(pc);
    for (let n = 0; n < jumps.length; n += 2) this.noteCall(jumps[n] as number, jumps[n + 1] as number);
  }
}

/**
 * How often the start of a function or of a loop is interpreted before it is translated, with what has run by then. To
 * translate an instruction takes about as long as to interpret it so often.
 */
const TRANSLATE_AFTER = 300;

export class TranslationCache {
  /** 0: code is translated before it runs, with everything that can be reached. */
  readonly translateAfter: number;
  /** Where each module's accesses are. */
  readonly traps: TrapTable = new Map();
  readonly #modes = new Map<number, ModeCache>();
  /** The first slot that belongs to a guest address. */
  readonly firstSlot = INTERPRET_SLOT + 1;
  #nextSlot = INTERPRET_SLOT + 1;
  #nextModule = 0;
  #size = 0;

  constructor(translateAfter = TRANSLATE_AFTER) {
    this.translateAfter = translateAfter;
  }

  mode(value: number): ModeCache {
    let mode = this.#modes.get(value);
    if (!mode) {
      const area = this.#modes.size % MAX_MODES;
      mode = new ModeCache(value, INDIRECT_CACHE + area * INDIRECT_CACHE_ENTRIES * 8);
      this.#modes.set(value, mode);
    }
    return mode;
  }

  /** Every mode, in the order in which they were first asked for. */
  modes(): ModeCache[] {
    return [...this.#modes.values()];
  }

  get modeCount(): number {
    return this.#modes.size;
  }

  /** How many table slots have been given out. Modules refer to any of them. */
  get slotCount(): number {
    return this.#nextSlot;
  }

  /** Time for a new cache: every new engine's table has room for all slots of this one. */
  get isFull(): boolean {
    return this.#nextSlot > MAX_SLOTS;
  }

  slotOf(mode: ModeCache, pc: number): number {
    let slot = mode.slots.get(pc);
    if (slot === undefined) {
      slot = this.#nextSlot++;
      mode.slots.set(pc, slot);
    }
    return slot;
  }

  /** A number for a module that is about to be made. */
  newModule(): number {
    return this.#nextModule++;
  }

  /**
   * A translation of the code at `pc` as it is now; none of `unfit`, to which those are added that are not: to compare one
   * that has many functions takes a while.
   */
  find(mode: ModeCache, pc: number, variant: Variant, code: CodeReader, unfit: Set<Translation>): Translation | null {
    const { precise, softwareChecks } = variant;
    for (const translation of mode.translations.get(pc) ?? []) {
      if (translation.precise !== precise || translation.softwareChecks !== softwareChecks || unfit.has(translation))
        continue;
      if (isSource(translation.source, code)) return translation;
      unfit.add(translation);
    }
    return null;
  }

  /** Makes a translation known under each of its entries, before those that are known there already. */
  add(mode: ModeCache, translation: Translation): void {
    if (++this.#size > MAX_TRANSLATIONS) {
      // What is in use lives on in its engine's table, with its trap table.
      for (const each of this.#modes.values()) each.translations.clear();
      this.#size = 1;
    }
    for (const { pc } of translation.entries) {
      const there = mode.translations.get(pc);
      if (there) there.unshift(translation);
      else mode.translations.set(pc, [translation]);
    }
  }

  /** A translation that is to be made anew. */
  remove(mode: ModeCache, translation: Translation): void {
    for (const { pc } of translation.entries) {
      const there = mode.translations.get(pc);
      const index = there?.indexOf(translation) ?? -1;
      if (index >= 0) there?.splice(index, 1);
    }
  }
}
