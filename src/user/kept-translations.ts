/**
 * Translations, kept in a file from one run of a program to the next (translate/snapshot.ts says what that is).
 *
 * The file is found by what the program is and by who made it, so that other versions never meet. It is the user's own,
 * and has a checksum: one that is damaged, or somebody else's, is as good as none.
 */
import { deserialize, serialize } from "node:v8";
import { crc32 } from "node:zlib";
import { readKept, writeKept } from "../host/kept-file.ts";
import { restore, type Snapshot, take } from "../translate/snapshot.ts";
import type { TranslationCache } from "../translate/translation-cache.ts";

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
    this.#path = `${folder}/${version}-${hex8(crc32(program))}${hex8(crc32(`again ${program}`))}`;
    this.#cache = cache;
  }

  /** Before the run: what an earlier one has left goes into the cache, unless that is in use already. */
  restore(): void {
    if (this.#cache.slotCount > this.#cache.firstSlot) return;
    const bytes = readKept(this.#path);
    if (bytes === null || bytes.length < 4) return;
    const content = bytes.subarray(4);
    if (crc32(content) !== bytes.readUInt32LE(0)) return;
    try {
      this.#before = deserialize(content) as Snapshot;
    } catch {
      return; // another Node's
    }
    restore(this.#cache, this.#before);
  }

  /** After the run. */
  keep(): void {
    const snapshot = take(this.#cache, this.#before);
    if (snapshot === null) return;
    const content = serialize(snapshot);
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32LE(crc32(content));
    writeKept(this.#path, Buffer.concat([checksum, content]), { bytes: MOST_BYTES });
  }
}

const hex8 = (n: number): string => n.toString(16).padStart(8, "0");
