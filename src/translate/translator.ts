/** Makes translations: finds the region at an address, with what it is worth to take into it, and compiles it. */
import createDebug from "debug";
import { assemble } from "./assemble.ts";
import { BlockBuilder } from "./block-builder.ts";
import type { EngineOptions } from "./engine-options.ts";
import { MAX_CALLEE, withCallees } from "./inline.ts";
import { findRegion, type Region } from "./region.ts";
import { isFetchable, RecordingReader } from "./source.ts";
import type { ModeCache, Translation, TranslationCache, Variant } from "./translation-cache.ts";
import { moduleName } from "./trap.ts";

const debug = createDebug("babelf:translate");

/** Instructions of a region, at most. */
const REGION_LIMIT = 1024;

export class Translator {
  readonly #options: EngineOptions;
  readonly #cache: TranslationCache;
  readonly #builder = new BlockBuilder();
  readonly #recorder: RecordingReader;

  constructor(options: EngineOptions, cache: TranslationCache) {
    this.#options = options;
    this.#cache = cache;
    this.#recorder = new RecordingReader(options.code);
  }

  /** Translates the code at `pc`. Throws `CodeFault` if there is none. */
  translate(shared: ModeCache, pc: number, variant: Variant): Translation {
    const { isa } = this.#options;
    const slotOf = (target: number): number => this.#cache.slotOf(shared, target);
    this.#recorder.take();
    const isWanted = (at: number): boolean => this.#cache.translateAfter === 0 || shared.blocks.has(at);
    const isBusy = shared.busy.has(pc);
    const jumpTargets = (site: number): readonly number[] => (isBusy ? shared.jumpTargets(site) : []);
    const common = { isWanted, jumpTargets };
    const find = (at: number, instructions: number, loopOnly: boolean): Region =>
      findRegion(isa, this.#recorder, this.#builder, [at], shared.value, { instructions, loopOnly, ...common });
    const alone = find(pc, REGION_LIMIT, isBusy || shared.loops.has(pc));
    const region = isBusy
      ? withCallees(alone, {
          find: (at) =>
            isWanted(at) && isFetchable(this.#options, at, shared.value) ? find(at, MAX_CALLEE + 1, false) : null,
          callTargets: jumpTargets,
        })
      : alone;
    const number = this.#cache.newModule();
    const { bytes, helpers, traps, entries, kept } = assemble(moduleName(number), region, {
      ...variant,
      littleEndian: isa.littleEndian,
      indirectCache: shared.indirectCache,
      slotOf,
    });
    if (traps.length > 0) this.#cache.traps.set(number, traps);
    if (debug.enabled) debug("0x%s: %d blocks, %d bytes of Wasm", pc.toString(16), region.blocks.length, bytes.length);
    return {
      ...variant,
      entries: entries.map((at) => ({ pc: at, slot: slotOf(at), start: pc })),
      source: this.#recorder.take(),
      pages: region.pages,
      missing: region.unwanted,
      module: new WebAssembly.Module(bytes),
      helpers,
      kept,
    };
  }
}
