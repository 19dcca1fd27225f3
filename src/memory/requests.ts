/** What `AddressSpace` is asked for, and answers; mmap's request is in mapping.ts. */
import type { PageProtection } from "./protection.ts";

export interface AddressSpaceOptions {
  /** 65,536 Wasm pages; guest address = Wasm address. */
  readonly memory: WebAssembly.Memory;
  /** 1 MiB, see page-table.ts. */
  readonly pageTable: Uint8Array;
  readonly protection: PageProtection;
  /** First address that a guest cannot use (Linux: TASK_SIZE), e.g. 0x80000000; at most 0xfffff000. */
  readonly limit: number;
  /** Mappings without a place are put below it, downwards. */
  readonly mmapBase: number;
  readonly littleEndian: boolean;
  /** Memory and page table are known to be empty and closed, as new ones are and as `destroy` leaves them. */
  readonly isEmpty?: boolean;
  /** vm.mmap_min_addr; 65536 unless said otherwise. */
  readonly mmapMinAddress?: number;
}

export interface RemapRequest {
  readonly address: number;
  readonly oldLength: number;
  readonly newLength: number;
  /** MREMAP_MAYMOVE */
  readonly mayMove: boolean;
  /** MREMAP_FIXED: the new place; null without the flag. */
  readonly fixed: number | null;
  /** MREMAP_DONTUNMAP */
  readonly dontUnmap: boolean;
}

/** What madvise(2) can ask for that has an effect here; all other advice is "none" (only the range is checked). */
export type Advice = "none" | "dontneed" | "free" | "remove";
export type AccessExplanation = "unmapped" | "protected" | "beyondEof" | "ok";
