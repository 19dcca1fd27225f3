/**
 * The Wasm memories that processes run in, each with the engine that runs code there. Reserving 4 GiB and asking the host
 * for its MMU takes far longer than a short program does, and so does putting compiled code into a new table: so what a
 * process has left is kept for the next one. Its memory is all zero again then, and of its code stays what the next
 * process has at the same place, which after a fork is all of it.
 */
import { createMmu } from "../host/mmu.ts";
import { REGISTERS_END } from "../cpu/isa.ts";
import { PAGE_TABLE, STATE_BYTES } from "../translate/layout.ts";
import type { Engine } from "../translate/engine.ts";
import { PAGE_COUNT, PAGE_SIZE } from "../memory/page-table.ts";
import { hostProtection, softwareProtection } from "../memory/protection.ts";
import type { PageProtection } from "../memory/protection.ts";
import type { Guest } from "./guest.ts";

const WASM_PAGE = 65536;
/** 4 GiB: every 32-bit guest address is an address in it. */
const GUEST_PAGES = 65536;
/** So many sets of other programs are kept before one of them is used for this one, and its code dropped. */
const KEPT_FOR_OTHERS = 8;
/** Sets that are kept; a kept one costs address space, its CPU state and its table: about a megabyte. */
const KEPT = 32;

/** An engine on these memories, and what it calls. */
export interface KeptEngine {
  readonly guest: Guest;
  readonly engine: Engine;
  /** See `EngineOptions.systemCall`; of the process that is there now. */
  readonly calls: { systemCall: () => boolean };
  /** Guest path of the program whose code is in the table. */
  readonly program: string;
}

/** What one guest process lies in. */
export interface ProcessMemories {
  readonly guest: WebAssembly.Memory;
  /** CPU state: see `translate/layout.ts`. */
  readonly state: WebAssembly.Memory;
  readonly pageTable: Uint8Array;
  readonly protection: PageProtection;
  /** The engine of the process that was here last. */
  kept: KeptEngine | null;
}

export class MemoryPool {
  readonly #kept: { readonly memories: ProcessMemories; readonly useMmu: boolean }[] = [];

  /**
   * Empty memories, if possible with an engine that has run `program` (a guest path). `useMmu`: protect pages by the
   * host's MMU where it can, else by software checks.
   */
  take(useMmu: boolean, guest: Guest, program: string): ProcessMemories {
    const has = ({ memories: { kept } }: { memories: ProcessMemories }) =>
      kept?.guest === guest && kept.program === program;
    let index = this.#kept.findLastIndex((entry) => entry.useMmu === useMmu && has(entry));
    if (index < 0 && this.#kept.length >= KEPT_FOR_OTHERS)
      index = this.#kept.findIndex((entry) => entry.useMmu === useMmu);
    const [entry] = index < 0 ? [] : this.#kept.splice(index, 1);
    if (entry === undefined) return createMemories(useMmu);
    const { memories } = entry;
    if (memories.kept !== null && memories.kept.guest !== guest) {
      // Table slots in its caches are another guest's.
      memories.kept = null;
      new Uint8Array(memories.state.buffer).fill(0);
    }
    return memories;
  }

  /** Takes memories back after `AddressSpace.destroy`, when no translated code of theirs is on the stack any more. */
  giveBack(memories: ProcessMemories, useMmu: boolean): void {
    if (this.#kept.length >= KEPT) return;
    const state = new Uint8Array(memories.state.buffer);
    if (memories.kept === null) state.fill(0);
    else state.fill(0, 0, REGISTERS_END);
    this.#kept.push({ memories, useMmu });
  }
}

function createMemories(useMmu: boolean): ProcessMemories {
  // Made empty and grown, because V8 answers a new memory of this size with a full garbage collection (20 ms).
  const guest = new WebAssembly.Memory({ initial: 0, maximum: GUEST_PAGES, shared: true });
  guest.grow(GUEST_PAGES);
  const pages = STATE_BYTES / WASM_PAGE;
  const state = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const pageTable = new Uint8Array(state.buffer, PAGE_TABLE, PAGE_COUNT);
  const protection = useMmu ? hostProtection(guest, createMmu(guest)) : softwareProtection(guest);
  protection.protect(0, PAGE_COUNT * PAGE_SIZE, 0);
  return { guest, state, pageTable, protection, kept: null };
}
