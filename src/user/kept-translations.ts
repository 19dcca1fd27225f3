/**
 * Translations, kept in a file from one run of a program to the next (translate/snapshot.ts says what that is).
 *
 * The file is found by what the program is and by who made it, so that other versions never meet. It is the user's own,
 * and has a checksum: one that is damaged, or somebody else's, is as good as none.
 */
import { readKept, writeKept } from "../host/kept-file.ts";
import { restore, type Snapshot, take } from "../translate/snapshot.ts";
import type { TranslationCache } from "../translate/translation-cache.ts";
import { checksum, decode, encode } from "./kept-format.ts";

/** All translations together. */
const MOST_BYTES = 256 << 20;

export interface KeepSettings {
  /** Host directory; made when there is something to keep. */
  readonly folder: string;
  /** Of the translator: what another one has kept is not read. */
  readonly version: string;
}

export class KeptTranslations {
  readonly #path: string;
  readonly #cache: TranslationCache;
  #before: Snapshot | null = null;

  /** `program`: what tells it from others, as text. */
  constructor({ folder, version }: KeepSettings, program: string, cache: TranslationCache) {
    const name = Buffer.from(program);
    this.#path = `${folder}/${version}-${hex8(checksum(name, 1))}${hex8(checksum(name, 2))}`;
    this.#cache = cache;
  }

  /** Before the run: what an earlier one has left goes into the cache, unless that is in use already. */
  restore(): void {
    if (this.#cache.slotCount > this.#cache.firstSlot) return;
    const bytes = readKept(this.#path);
    const content = bytes === null ? undefined : decode(bytes);
    if (content === undefined) return;
    this.#before = content as Snapshot;
    restore(this.#cache, this.#before);
  }

  /** After the run. */
  keep(): void {
    const snapshot = take(this.#cache, this.#before);
    if (snapshot === null) return;
    writeKept(this.#path, encode(snapshot), { bytes: MOST_BYTES });
  }
}

const hex8 = (n: number): string => n.toString(16).padStart(8, "0");
