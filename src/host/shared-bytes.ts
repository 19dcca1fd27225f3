/**
 * Bytes that several Wasm memories can show at the same time: an unnamed file of the host's memory (memfd_create(2)) that
 * `HostMmu.share` maps into them. Nobody else knows the file, so nobody can truncate it under a mapping. Linux only.
 */
import { closeSync, ftruncateSync } from "node:fs";
import { createRequire } from "node:module";

export interface SharedBytes {
  readonly fd: number;
  /** Makes it at least so large; what is new is zero. Throws what the host throws. */
  ensure(size: number): void;
  /** What is mapped stays. */
  close(): void;
}

const MFD_CLOEXEC = 1;

type MemfdCreate = (name: string, flags: number) => number;
let memfdCreate: MemfdCreate | null | undefined;

function find(): MemfdCreate | null {
  if (process.platform !== "linux") return null;
  try {
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    return koffi.load(null).func("int memfd_create(const char *name, unsigned int flags)") as unknown as MemfdCreate;
  } catch {
    return null;
  }
}

/** Null where the host has no such thing. */
export function createSharedBytes(): SharedBytes | null {
  memfdCreate ??= find();
  const fd = memfdCreate?.("babelf", MFD_CLOEXEC) ?? -1;
  if (fd < 0) return null;
  let length = 0;
  return {
    fd,
    ensure(size) {
      if (size <= length) return;
      ftruncateSync(fd, size);
      length = size;
    },
    close: () => closeSync(fd),
  };
}
