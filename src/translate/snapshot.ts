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
import { type PackedFunctions, pack, unpack } from "./packed-functions.ts";
import type { Entry, Hints, ModeCache, Translation, TranslationCache, Variant } from "./translation-cache.ts";
import { moduleName } from "./trap.ts";

/**
 * Functions further apart than this many bytes belong to different modules: perhaps of another library, which is mapped
 * later.
 */
const NEAR = 0x4000;
/** A module of so many functions is large enough. */
const MOST_TOGETHER = 1000;
/** More are not kept. */
const MOST_FUNCTIONS = 16_000;
/** A function that a run has spent its time in is worth as much as so many others. */
const BUSY_WORTH = 4;

/** One function. */
export interface KeptFunction extends Variant {
  /** Index into `Snapshot.modes`. */
  readonly mode: number;
  /** Where its region begins. */
  readonly start: number;
  readonly source: Int32Array;
  readonly pages: readonly number[];
  /** Its entries are those that no later function has taken over. */
  readonly code: RegionCode;
}

export interface Snapshot {
  /** Mode values, in the order in which they got their part of CPU state. */
  readonly modes: readonly number[];
  /** By index of the mode. */
  readonly hints: readonly Hints[];
  /** In the order of slot numbers: index of the mode, guest address. */
  readonly slots: Int32Array;
  readonly functions: PackedFunctions;
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
    this.entries = functions.flatMap(({ start, code }) =>
      code.entries.map((pc) => ({ pc, slot: cache.slotOf(mode, pc), start })),
    );
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
export function restore(cache: TranslationCache, { modes, hints, slots, functions, blocks }: Snapshot): void {
  const modeCaches = modes.map((value) => cache.mode(value));
  modeCaches.forEach((mode, n) => {
    mode.blocks.restore(blocks[n] as KeptBlocks);
    mode.restore(hints[n] as Hints);
  });
  for (let i = 0; i < slots.length; i += 2)
    cache.slotOf(modeCaches[slots[i] as number] as ModeCache, (slots[i + 1] as number) >>> 0);
  const ordered = unpack(functions).sort((a, b) => kindOf(a) - kindOf(b) || a.start - b.start);
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
    const belongs = last !== undefined && kindOf(last) === kindOf(each) && each.start - last.start < NEAR;
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
  const earlier = before ? unpack(before.functions) : [];
  const addedBlocks = modeCaches.reduce((count, { blocks }) => count + blocks.added, 0);
  const worth = added.reduce((sum, { mode, start }) => sum + (modeCaches[mode]?.busy.has(start) ? BUSY_WORTH : 1), 0);
  if (!isMuchMore(worth, earlier.length) && !isMuchMore(addedBlocks, blocksIn(before))) return null;
  const taken = new Set(added.flatMap(placesOf));
  const left = earlier.flatMap((each) => withEntries(each, (_, n) => !taken.has(placesOf(each)[n] as number)));
  const functions = [...added, ...left].slice(0, MOST_FUNCTIONS);
  const slots = new Int32Array(2 * (cache.slotCount - cache.firstSlot));
  modeCaches.forEach((mode, index) => {
    for (const [pc, slot] of mode.slots) slots.set([index, pc], 2 * (slot - cache.firstSlot));
  });
  const blocks = modeCaches.map((mode) => mode.blocks.take());
  const hints = modeCaches.map((mode) => mode.hints());
  return { modes: modeCaches.map(({ value }) => value), hints, slots, functions: pack(functions), blocks };
}

/** Worth a new file. */
const isMuchMore = (added: number, before: number): boolean => added > before / 16;

const blocksIn = (snapshot: Snapshot | null): number =>
  snapshot?.blocks.reduce((count, kept) => count + countOf(kept), 0) ?? 0;

const placesOf = (each: KeptFunction): number[] => each.code.entries.map((pc) => pc + kindOf(each) * 2 ** 32);

/** The function with some of its entries: none, if it would have none. */
function withEntries(each: KeptFunction, isOwn: (pc: number, n: number) => boolean): KeptFunction[] {
  const entries = each.code.entries.filter(isOwn);
  return entries.length === 0 ? [] : [{ ...each, code: { ...each.code, entries } }];
}

/** The functions of a mode that were made in this run, without those that others have taken the place of since. */
function* functionsOf({ translations }: ModeCache, mode: number): Generator<KeptFunction> {
  /** The newest comes first. */
  const ownerOf = (pc: number, { precise, softwareChecks }: Variant): Translation | undefined =>
    translations
      .get(pc)
      ?.find((one) => one.kept !== null && one.precise === precise && one.softwareChecks === softwareChecks);
  const made = new Set([...translations.values()].flat());
  for (const one of made) {
    const { kept: code, precise, softwareChecks, source, pages } = one;
    if (code === null) continue;
    const each = { mode, start: code.entries[0] as number, precise, softwareChecks, source, pages: [...pages], code };
    yield* withEntries(each, (pc) => ownerOf(pc, one) === one);
  }
}
