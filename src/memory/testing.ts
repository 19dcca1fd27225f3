/** What the tests of this folder share: address spaces of both kinds, and a file in memory. */
import { createMmu, mmuUnavailable } from "../host/mmu.ts";
import { AddressSpace, type AddressSpaceOptions } from "./address-space.ts";
import type { Backing, MapRequest } from "./mapping.ts";
import { MemoryError } from "./memory-error.ts";
import { PAGE_COUNT, PAGE_READ, PAGE_WRITE } from "./page-table.ts";
import { mmuProtection, softwareProtection } from "./protection.ts";

export const RW = PAGE_READ | PAGE_WRITE;
export const LIMIT = 0x80000000;
export const MMAP_BASE = 0x77000000;

export function newMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 65536, maximum: 65536, shared: true });
}

export function options(kind: "mmu" | "software", littleEndian = true): AddressSpaceOptions {
  const memory = newMemory();
  const mmu = kind === "mmu" ? createMmu(memory) : null;
  if (kind === "mmu" && mmu === null) throw new Error(mmuUnavailable());
  const protection = mmu === null ? softwareProtection(memory) : mmuProtection(mmu);
  return { memory, pageTable: new Uint8Array(PAGE_COUNT), protection, limit: LIMIT, mmapBase: MMAP_BASE, littleEndian };
}

export function newSpace(kind: "mmu" | "software", littleEndian = true): AddressSpace {
  return new AddressSpace(options(kind, littleEndian));
}

/** The kinds that this host has. */
export const KINDS: readonly ("mmu" | "software")[] =
  createMmu(newMemory()) === null ? ["software"] : ["mmu", "software"];

export function request(length: number, more: Partial<MapRequest> = {}): MapRequest {
  return {
    address: 0,
    length,
    protection: RW,
    fixed: false,
    noReplace: false,
    shared: false,
    backing: null,
    offset: 0,
    ...more,
  };
}

export function at(address: number, length: number, more: Partial<MapRequest> = {}): MapRequest {
  return request(length, { address, fixed: true, ...more });
}

/** The code of the `MemoryError` that `run` throws; "" if it throws none. */
export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof MemoryError) return error.code;
    throw error;
  }
  return "";
}

/** A file of bytes. `offsetBase` moves it, so that offsets beyond 2^32 need no 4 GiB. */
export class MemoryFile implements Backing {
  readonly name = "/tmp/file";
  readonly identity: unknown = this;
  readonly deviceMajor = 8;
  readonly deviceMinor = 1;
  readonly inode = 42;
  bytes: Uint8Array;
  retained = 0;
  /** [offset, length] of every write. */
  readonly writes: [number, number][] = [];
  write?: (from: Uint8Array, offset: number) => number;
  readonly #offsetBase: number;

  constructor(bytes: Uint8Array, more: { writable?: boolean; offsetBase?: number } = {}) {
    this.bytes = bytes;
    this.#offsetBase = more.offsetBase ?? 0;
    if (more.writable === false) return;
    this.write = (from, offset) => {
      this.writes.push([offset, from.length]);
      this.bytes.set(from, offset - this.#offsetBase);
      return from.length;
    };
  }

  get size(): number {
    return this.#offsetBase + this.bytes.length;
  }

  read(into: Uint8Array, offset: number): number {
    const from = offset - this.#offsetBase;
    const part = this.bytes.subarray(from, from + into.length);
    into.set(part);
    return part.length;
  }

  retain(): void {
    this.retained++;
  }

  release(): void {
    this.retained--;
  }
}
