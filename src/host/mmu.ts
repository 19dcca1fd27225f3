/**
 * The host's MMU as page protection of a Wasm memory, through the npm library koffi. A plain Wasm load or store on a
 * protected page becomes a `WebAssembly.RuntimeError`, because V8 catches the host's SIGSEGV with the handler that it
 * has for its own guard pages. It does so for nothing else: a protected page touched from JavaScript, or by a Wasm
 * *atomic* instruction, ends the process (exit 139). `node bench/mmu.ts` shows all of it, with what it costs.
 */
import { createRequire } from "node:module";
import { setFlagsFromString } from "node:v8";

export type HostAccess = "none" | "read" | "readWrite";

/** Addresses are offsets into the memory; addresses and lengths are multiples of `GUEST_PAGE`. */
export interface HostMmu {
  /** Sets what may be done with the pages. False if the host refused; nothing has changed then. */
  protect(address: number, length: number, access: HostAccess): boolean;
  /** Puts fresh zero pages with that access there, and returns the old ones' memory to the host. False if refused. */
  renew(address: number, length: number, access: HostAccess): boolean;
}

/** Guests know pages of 4 KiB; a host page that is larger cannot protect one of them. */
const GUEST_PAGE = 4096;

type Koffi = typeof import("koffi");

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
    const koffi = createRequire(import.meta.url)("koffi") as Koffi;
    const bytes = new Uint8Array(memory.buffer);
    const base = Number(koffi.address(bytes));
    if (base % GUEST_PAGE !== 0) return unavailable("the memory does not start on a page");
    if (process.platform === "win32") return confined(windowsMmu(koffi, base), bytes.length);
    const libc = koffi.load(null);
    const hostPage = libc.func("int getpagesize()")() as number;
    if (hostPage !== GUEST_PAGE) return unavailable(`host pages are ${hostPage} bytes`);
    return confined(process.platform === "linux" ? linuxMmu(libc, base) : bsdMmu(libc, base), bytes.length);
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

function posixProtect(libc: Library, base: number): HostMmu["protect"] {
  const mprotect = libc.func("int mprotect(uintptr_t address, size_t length, int protection)");
  return (address, length, access) => mprotect(base + address, length, PROT[access]) === 0;
}

function linuxMmu(libc: Library, base: number): HostMmu {
  const madvise = libc.func("int madvise(uintptr_t address, size_t length, int advice)");
  const protect = posixProtect(libc, base);
  const MADV_DONTNEED = 4;
  return {
    protect,
    // man 2 madvise: private anonymous pages, as V8's are, read as zero afterwards. mprotect goes first: it is the one
    // that can fail.
    renew: (address, length, access) =>
      protect(address, length, access) && madvise(base + address, length, MADV_DONTNEED) === 0,
  };
}

/** macOS and the BSDs, where MADV_DONTNEED keeps the contents: fresh pages are mapped over. */
function bsdMmu(libc: Library, base: number): HostMmu {
  const mmap = libc.func("intptr_t mmap(uintptr_t address, size_t length, int protection, int flags, int fd, int64_t offset)");
  const MAP_PRIVATE_FIXED_ANON = 0x0002 | 0x0010 | 0x1000;
  return {
    protect: posixProtect(libc, base),
    renew: (address, length, access) =>
      Number(mmap(base + address, length, PROT[access], MAP_PRIVATE_FIXED_ANON, -1, 0)) === base + address,
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
    renew: (address, length, access) =>
      (VirtualFree(base + address, length, MEM_DECOMMIT) as boolean) &&
      Number(VirtualAlloc(base + address, length, MEM_COMMIT, PAGE[access])) !== 0,
  };
}
