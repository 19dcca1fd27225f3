/**
 * The host's MMU as page protection of a Wasm memory, through the npm library koffi. A plain Wasm load or store on a
 * protected page becomes a `WebAssembly.RuntimeError` ("memory access out of bounds"), because V8 catches the fault with
 * the handler that it has for its own guard pages. It does so for nothing else: a protected page touched from
 * JavaScript, or by a Wasm *atomic* instruction, ends the process (exit 139). bench/mmu.ts shows all of it.
 */
import { createRequire } from "node:module";

export type HostAccess = "none" | "read" | "readWrite";

export interface HostMmu {
  /** Bytes; always 4096 (see `createMmu`). */
  readonly pageSize: number;
  /** Sets what may be done with the pages. False if the host refused; nothing has changed then. */
  protect(address: number, length: number, access: HostAccess): boolean;
  /** Makes the pages zero and returns their memory to the host; protection stays. */
  discard(address: number, length: number): boolean;
}

/** Why there is no MMU, for `--debug` output: the last `createMmu` that returned null. */
export let mmuUnavailable: string | null = null;
export declare function createMmu(memory: WebAssembly.Memory): HostMmu | null;
void createRequire;
