import type { Access } from "./guest-fault.ts";
import type { GuestMemory } from "./guest-memory.ts";
import type { Mapping, MapRequest } from "./mapping.ts";
import type { PageProtection } from "./protection.ts";

export type { Backing, Mapping, MapRequest } from "./mapping.ts";
export { MemoryError } from "./memory-error.ts";

export interface AddressSpaceOptions {
  /** 65,536 Wasm pages; guest address = Wasm address. */
  readonly memory: WebAssembly.Memory;
  /** 1 MiB, see page-table.ts. */
  readonly pageTable: Uint8Array;
  readonly protection: PageProtection;
  /** First address that a guest cannot use (Linux: TASK_SIZE), e.g. 0x80000000. */
  readonly limit: number;
  /** Mappings without a place are put below it, downwards. */
  readonly mmapBase: number;
  readonly littleEndian: boolean;
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

/** Interface published ahead of its body. */
export declare class AddressSpace {
  readonly memory: WebAssembly.Memory;
  readonly pageTable: Uint8Array;
  readonly limit: number;
  readonly littleEndian: boolean;
  /** The checked way to the bytes. */
  readonly guest: GuestMemory;
  /** RLIMIT_AS and RLIMIT_DATA in bytes; Infinity by default. */
  limits: { addressSpace: number; data: number };
  constructor(options: AddressSpaceOptions);
  /** mmap(2). Returns the address. Throws `MemoryError`, or what the backing throws. */
  map(request: MapRequest): number;
  /** munmap(2) */
  unmap(address: number, length: number): void;
  /** mprotect(2); `growsDown`: PROT_GROWSDOWN. */
  protect(address: number, length: number, protection: number, growsDown?: boolean): void;
  /** mremap(2). Returns the new address. */
  remap(request: RemapRequest): number;
  /** msync(2): writes shared file mappings back. */
  sync(address: number, length: number): void;
  /** madvise(2) */
  advise(address: number, length: number, advice: Advice): void;
  /** brk(2): returns the break after the call; the old one if it could not move. 0 asks. */
  brk(address: number): number;
  setBrkStart(address: number): void;
  /** Maps the whole stack, `size` bytes below `top` (page-aligned); returns its lowest address. */
  mapStack(top: number, size: number, protection: number): number;
  /** Sorted by address. */
  mappings(): Iterable<Mapping>;
  find(address: number): Mapping | undefined;
  onCodeChange(listener: (start: number, end: number) => void): () => void;
  explain(address: number, access: Access): AccessExplanation;
  isFree(address: number, length: number): boolean;
  isMapped(address: number, length: number): boolean;
  readonly totalBytes: number;
  readonly dataBytes: number;
  /** Before read(2) of a file: writes what shared mappings of it changed in this range of the file. */
  flushShared(identity: unknown, offset: number, length: number): void;
  /** After write(2) or truncate(2) of a file: shared mappings show the range anew, and its new size. */
  refreshShared(identity: unknown, offset: number, length: number): void;
  /** Writes bytes whatever the protection (debugger, vDSO, loader); the pages must be mapped. */
  poke(address: number, bytes: Uint8Array): void;
  /** Copies every mapping and its bytes (fork). */
  clone(options: AddressSpaceOptions): AddressSpace;
  /** exit/execve: writes shared mappings back and gives all memory back. */
  destroy(): void;
}
