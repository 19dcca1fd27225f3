/**
 * What a run has translated, in a form that outlives it: the blocks of micro-operations, the numbering of table slots, which
 * is part of the code, and the functions. Of an earlier run's functions those that lie near each other become one module,
 * which costs a hundredth of as many modules. It is compiled function by function, as they are called; and like every
 * translation it fits only while each word that it was made from is still there.
 *
 * Functions that call helpers are made anew in each run.
 */
import { link, type RegionCode } from "./assemble.ts";
import { countOf, type KeptBlocks } from "./micro-blocks.ts";
import type { Entry, ModeCache, Translation, TranslationCache, Variant } from "./translation-cache.ts";
import { moduleName } from "./trap.ts";

/**
 * Functions further apart than this many bytes belong to different modules: perhaps of another library, which is mapped
 * later.
 */
const NEAR = 0x4000;
/** A module of so many functions is large enough. */
const MOST_TOGETHER = 1000;
/** More are not kept. */
const MOST_FUNCTIONS = 8000;

/** One function. */
export interface KeptFunction extends Variant {
  /** Index into `Snapshot.modes`. */
  readonly mode: number;
  readonly pc: number;
  readonly source: Int32Array;
  readonly pages: readonly number[];
  readonly code: RegionCode;
}

export interface Snapshot {
  /** Mode values, in the order in which they got their part of CPU state. */
  readonly modes: readonly number[];
  /** In the order of slot numbers: index of the mode, guest address. */
  readonly slots: Int32Array;
  readonly functions: readonly KeptFunction[];
  /** By index of the mode. */
  readonly blocks: readonly KeptBlocks[];
}

/** Functions of an earlier run, in a module that is put together when it is first asked for. */
class KeptModule implements Translation {
  readonly precise: boolean;
  readonly softwareChecks: boolean;
  readonly entries: readonly Entry[];
  readonly source: Int32Array;
  readonly pages: ReadonlySet<number>;
  readonly missing: ReadonlySet<number> = new Set();
  readonly helpers = [];
  readonly kept = null;
  readonly #functions: readonly KeptFunction[];
  readonly #cache: TranslationCache;
  readonly #mode: ModeCache;
  #module: WebAssembly.Module | undefined;

  constructor(functions: readonly KeptFunction[], mode: ModeCache, cache: TranslationCache) {
    const [first] = functions as readonly [KeptFunction, ...KeptFunction[]];
    this.precise = first.precise;
    this.softwareChecks = first.softwareChecks;
    this.entries = functions.flatMap(({ code }) => code.entries.map((pc) => ({ pc, slot: cache.slotOf(mode, pc) })));
    this.#mode = mode;
    this.source = concatenate(functions.map(({ source }) => source));
    this.pages = new Set(functions.flatMap(({ pages }) => pages));
    this.#functions = functions;
    this.#cache = cache;
  }

  get module(): WebAssembly.Module {
    if (this.#module === undefined) {
      const number = this.#cache.newModule();
      const functions = this.#functions.map(({ code }) => code);
      const slotOf = (pc: number): number => this.#cache.slotOf(this.#mode, pc);
      const { bytes, traps } = link(moduleName(number), functions, { slotOf });
      if (traps.length > 0) this.#cache.traps.set(number, traps);
      this.#module = new WebAssembly.Module(bytes);
    }
    return this.#module;
  }
}

function concatenate(parts: readonly Int32Array[]): Int32Array {
  const whole = new Int32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Fills a cache that is still empty. */
export function restore(cache: TranslationCache, { modes, slots, functions, blocks }: Snapshot): void {
  const modeCaches = modes.map((value) => cache.mode(value));
  modeCaches.forEach((mode, n) => mode.blocks.restore(blocks[n] as KeptBlocks));
  for (let i = 0; i < slots.length; i += 2)
    cache.slotOf(modeCaches[slots[i] as number] as ModeCache, (slots[i + 1] as number) >>> 0);
  const ordered = [...functions].sort((a, b) => kindOf(a) - kindOf(b) || a.pc - b.pc);
  let together: KeptFunction[] = [];
  const finish = (): void => {
    const [first] = together;
    if (first === undefined) return;
    const mode = modeCaches[first.mode] as ModeCache;
    cache.add(mode, new KeptModule(together, mode, cache));
    together = [];
  };
  for (const each of ordered) {
    const last = together.at(-1);
    const belongs = last !== undefined && kindOf(last) === kindOf(each) && each.pc - last.pc < NEAR;
    if (!belongs || together.length === MOST_TOGETHER) finish();
    together.push(each);
  }
  finish();
}

/** What functions of one module have in common. */
const kindOf = ({ mode, precise, softwareChecks }: KeptFunction): number =>
  4 * mode + (precise ? 2 : 0) + (softwareChecks ? 1 : 0);

/**
 * What the cache holds now, with the functions of the snapshot that it was filled from; null: a run has added too little
 * for it to be worth while.
 */
export function take(cache: TranslationCache, before: Snapshot | null): Snapshot | null {
  const modeCaches = cache.modes();
  const added = modeCaches.flatMap((mode, index) => [...functionsOf(mode, index)]);
  const earlier = before?.functions ?? [];
  const addedBlocks = modeCaches.reduce((count, { blocks }) => count + blocks.added, 0);
  if (!isMuchMore(added.length, earlier.length) && !isMuchMore(addedBlocks, blocksIn(before))) return null;
  const places = new Set(added.map(placeOf));
  const functions = [...added, ...earlier.filter((each) => !places.has(placeOf(each)))].slice(0, MOST_FUNCTIONS);
  const slots = new Int32Array(2 * (cache.slotCount - cache.firstSlot));
  modeCaches.forEach((mode, index) => {
    for (const [pc, slot] of mode.slots) slots.set([index, pc], 2 * (slot - cache.firstSlot));
  });
  const blocks = modeCaches.map((mode) => mode.blocks.take());
  return { modes: modeCaches.map(({ value }) => value), slots, functions, blocks };
}

/** Worth a new file. */
const isMuchMore = (added: number, before: number): boolean => added > before / 8;

const blocksIn = (snapshot: Snapshot | null): number =>
  snapshot?.blocks.reduce((count, kept) => count + countOf(kept), 0) ?? 0;

const placeOf = (each: KeptFunction): number => each.pc + kindOf(each) * 2 ** 32;

/** The functions of a mode that were made in this run. */
function* functionsOf({ translations }: ModeCache, mode: number): Generator<KeptFunction> {
  for (const [pc, list] of translations) {
    for (const { kept, precise, softwareChecks, source, pages } of list)
      if (kept?.entries[0] === pc) yield { mode, pc, precise, softwareChecks, source, pages: [...pages], code: kept };
  }
}
