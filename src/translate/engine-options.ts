/** What an engine is made for, and how it says why guest code stopped. */
import type { Exception } from "../cpu/emitter.ts";
import type { CodeReader, Isa } from "../cpu/isa.ts";
import type { TranslationCache } from "./translation-cache.ts";

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
