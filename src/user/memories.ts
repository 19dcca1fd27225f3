/**
 * The Wasm memories that processes run in. Reserving 4 GiB and asking the host for its MMU takes far longer than a short
 * program does, so memories that a process has left, all zero again, are kept for the next one.
 */
import { createMmu } from "../host/mmu.ts";
import { PAGE_TABLE, STATE_BYTES } from "../translate/layout.ts";
import { PAGE_COUNT } from "../memory/page-table.ts";
import { hostProtection, softwareProtection } from "../memory/protection.ts";
import type { PageProtection } from "../memory/protection.ts";

const WASM_PAGE = 65536;
/** 4 GiB: every 32-bit guest address is an address in it. */
const GUEST_PAGES = 65536;
/** Sets that are kept; a kept one costs address space, and the pages of its CPU state. */
const KEPT = 4;

/** What one guest process lies in. */
export interface ProcessMemories {
  readonly guest: WebAssembly.Memory;
  /** CPU state: see `translate/layout.ts`. */
  readonly state: WebAssembly.Memory;
  readonly pageTable: Uint8Array;
  readonly protection: PageProtection;
}

export class MemoryPool {
  readonly #kept: { readonly memories: ProcessMemories; readonly useMmu: boolean }[] = [];

  /** Empty memories. `useMmu`: protect pages by the host's MMU where it can, else by software checks. */
  take(useMmu: boolean): ProcessMemories {
    const index = this.#kept.findIndex((entry) => entry.useMmu === useMmu);
    const [entry] = index < 0 ? [] : this.#kept.splice(index, 1);
    return entry?.memories ?? createMemories(useMmu);
  }

  /** Takes memories back after `AddressSpace.destroy`, when no translated code of theirs will run any more. */
  giveBack(memories: ProcessMemories, useMmu: boolean): void {
    if (this.#kept.length >= KEPT) return;
    new Uint8Array(memories.state.buffer).fill(0);
    this.#kept.push({ memories, useMmu });
  }
}

function createMemories(useMmu: boolean): ProcessMemories {
  const guest = new WebAssembly.Memory({ initial: GUEST_PAGES, maximum: GUEST_PAGES, shared: true });
  const pages = STATE_BYTES / WASM_PAGE;
  const state = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const pageTable = new Uint8Array(state.buffer, PAGE_TABLE, PAGE_COUNT);
  const protection = useMmu ? hostProtection(guest, createMmu(guest)) : softwareProtection(guest);
  return { guest, state, pageTable, protection };
}
