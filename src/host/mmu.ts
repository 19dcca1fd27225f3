/**
 * The host's MMU as page protection of a Wasm memory, through the npm library koffi. A plain Wasm load or store on a
 * protected page becomes a `WebAssembly.RuntimeError`, because V8 catches the host's SIGSEGV with the handler that it
 * has for its own guard pages. It does so for nothing else: a protected page touched from JavaScript, or by a Wasm
 * *atomic* instruction, ends the process (exit 139). `node bench/mmu.ts` shows all of it, with what it costs.
 */
import { setFlagsFromString } from "node:v8";
import type { SharedBytes } from "./shared-bytes.ts";
import { getKoffi, type Koffi } from "./koffi.ts";
import { countAgain, hostHasMappingsLeft } from "./mapping-budget.ts";

export type HostAccess = "none" | "read" | "readWrite";

/** Addresses are offsets into the memory; addresses and lengths are multiples of `GUEST_PAGE`. */
export interface HostMmu {
  /** Sets what may be done with the pages. False if the host refused; nothing has changed then. */
  protect(address: number, length: number, access: HostAccess): boolean;
  /** Puts fresh zero pages with that access there, and returns the old ones' memory to the host. False if refused. */
  renew(address: number, length: number, access: HostAccess): boolean;
  /** Shows `bytes` from `offset` on there. False if refused, or where the host cannot. */
  share(address: number, length: number, access: HostAccess, bytes: SharedBytes, offset: number): boolean;
  /** One byte a page, not 0 where the page has ever been touched since it was fresh; null where the host does not tell. */
  touched(address: number, length: number): Uint8Array | null;
}

/** Guests know pages of 4 KiB; a host page that is larger cannot protect one of them. */
const GUEST_PAGE = 4096;

let reason = "createMmu was not called";

/** Why the last `createMmu` returned null, in a few words. */
export function mmuUnavailable(): string {
  return reason;
}

/**
 * The MMU for one memory, whose pages must all exist (it never grows again), or null where it cannot protect: koffi
 * does not load, V8's trap handler is off (--disable-wasm-trap-handler, an unsupported processor), or host pages are
 * larger than 4 KiB (Apple silicon: 16 KiB, some arm64 Linux: 64 KiB). Protecting whole host pages there, by the union
 * of the guest pages in them, would let guard pages and write barriers pass unnoticed: a wrong answer, so the software
 * checks are used instead.
 */
export function createMmu(memory: WebAssembly.Memory): HostMmu | null {
  if (!trapHandlerEnabled()) return unavailable("V8's WebAssembly trap handler is off");
  try {
    const koffi = getKoffi();
    const bytes = new Uint8Array(memory.buffer);
    const base = Number(koffi.address(bytes));
    if (base % GUEST_PAGE !== 0) return unavailable("the memory does not start on a page");
    if (process.platform === "win32") return confined(windowsMmu(koffi, base), bytes.length);
    const libc = koffi.load(null);
    const hostPage = libc.func("int getpagesize()")() as number;
    if (hostPage !== GUEST_PAGE) return unavailable(`host pages are ${hostPage} bytes`);
    return confined(posixMmu(libc, base), bytes.length);
  } catch (error) {
    return unavailable(`koffi: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Whatever mistake is made above, no page but the guest's is ever touched. */
function confined(mmu: HostMmu, size: number): HostMmu {
  const inside = (address: number, length: number) => address >= 0 && length > 0 && address + length <= size;
  return {
    protect: (address, length, access) => inside(address, length) && mmu.protect(address, length, access),
    renew: (address, length, access) => inside(address, length) && mmu.renew(address, length, access),
    share: (address, length, access, bytes, offset) =>
      inside(address, length) && mmu.share(address, length, access, bytes, offset),
    touched: (address, length) => (inside(address, length) ? mmu.touched(address, length) : null),
  };
}

function unavailable(why: string): null {
  reason = why;
  return null;
}

/** Without the handler a forbidden access would end the process. Only V8 itself knows; it tells its own tests. */
function trapHandlerEnabled(): boolean {
  try {
    setFlagsFromString("--allow-natives-syntax");
    return new Function("return %IsWasmTrapHandlerEnabled()")() === true;
  } catch {
    return false;
  } finally {
    setFlagsFromString("--no-allow-natives-syntax");
  }
}

type Library = ReturnType<Koffi["load"]>;

/** sys/mman.h; the same on Linux and the BSDs. */
const PROT: Readonly<Record<HostAccess, number>> = { none: 0, read: 1, readWrite: 3 };

const MAP_SHARED = 0x01;
const MAP_FIXED = 0x10;

/** Linux, macOS and the BSDs. */
function posixMmu(libc: Library, base: number): HostMmu {
  const mprotect = libc.func("int mprotect(uintptr_t address, size_t length, int protection)");
  const mmap = libc.func(
    "intptr_t mmap(uintptr_t address, size_t length, int protection, int flags, int fd, int64_t offset)",
  );
  const linux = process.platform === "linux";
  // Other systems have it too, with other meanings of the answer.
  const mincore = linux ? libc.func("int mincore(uintptr_t address, size_t length, void *vector)") : null;
  // MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE, the last two numbered differently.
  const flags = 0x02 | 0x10 | (linux ? 0x20 | 0x4000 : 0x1000 | 0x40);
  // A range from 0 on makes at most one host mapping more, and must not fail: so a whole memory is closed and returned.
  const room = (address: number) => !linux || address === 0 || hostHasMappingsLeft();
  return {
    protect: (address, length, access) => room(address) && mprotect(base + address, length, PROT[access]) === 0,
    // Fresh pages mapped over the old ones, not MADV_DONTNEED: macOS's keeps the contents, and on Linux pages emptied
    // by it would stay host mappings of their own (mapping-budget.ts).
    renew(address, length, access) {
      if (!room(address)) return false;
      const done = Number(mmap(base + address, length, PROT[access], flags, -1, 0)) === base + address;
      if (linux && address === 0) countAgain();
      return done;
    },
    share(address, length, access, bytes, offset) {
      if (!linux || !room(address)) return false;
      bytes.ensure(offset + length);
      return (
        Number(mmap(base + address, length, PROT[access], MAP_SHARED | MAP_FIXED, bytes.fd, offset)) === base + address
      );
    },
    touched(address, length) {
      if (mincore === null) return null;
      const pages = new Uint8Array(length / GUEST_PAGE);
      return mincore(base + address, length, pages) === 0 ? pages : null;
    },
  };
}

/** Windows, where a page that is decommitted and committed again is zero. */
function windowsMmu(koffi: Koffi, base: number): HostMmu {
  const kernel32 = koffi.load("kernel32.dll");
  const VirtualProtect = kernel32.func(
    "bool __stdcall VirtualProtect(uintptr_t address, size_t size, uint32_t protection, _Out_ uint32_t *old)",
  );
  const VirtualAlloc = kernel32.func(
    "uintptr_t __stdcall VirtualAlloc(uintptr_t address, size_t size, uint32_t type, uint32_t protection)",
  );
  const VirtualFree = kernel32.func("bool __stdcall VirtualFree(uintptr_t address, size_t size, uint32_t type)");
  const MEM_COMMIT = 0x1000;
  const MEM_DECOMMIT = 0x4000;
  const PAGE: Readonly<Record<HostAccess, number>> = { none: 0x01, read: 0x02, readWrite: 0x04 };
  const old = [0];
  return {
    protect: (address, length, access) => VirtualProtect(base + address, length, PAGE[access], old) as boolean,
    share: () => false,
    touched: () => null,
    renew: (address, length, access) =>
      (VirtualFree(base + address, length, MEM_DECOMMIT) as boolean) &&
      Number(VirtualAlloc(base + address, length, MEM_COMMIT, PAGE[access])) !== 0,
  };
}
