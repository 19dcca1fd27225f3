/**
 * koffi, the npm library that calls the host's C functions. Its own loader reads the header of Node's executable and
 * half of Node's library before it opens the native code, 20 ms of a start of 100; where the file's name is plain from
 * the platform, that file is opened at once.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export type Koffi = typeof import("koffi");

/** The dynamic linkers of hosts whose C library is musl, for which koffi has another file, by `process.arch`. */
const MUSL: Readonly<Record<string, string>> = {
  x64: "/lib/ld-musl-x86_64.so.1",
  arm64: "/lib/ld-musl-aarch64.so.1",
};

let koffi: Koffi | undefined;

/** Throws where koffi is not installed or has no native code for this host. */
export function getKoffi(): Koffi {
  return (koffi ??= loadKoffi());
}

function loadKoffi(): Koffi {
  const require = createRequire(import.meta.url);
  const { platform, arch } = process;
  const musl = MUSL[arch];
  if (platform === "linux" && musl !== undefined && !existsSync(musl)) {
    // Where koffi's loader looks first.
    const packages = join(dirname(require.resolve("koffi")), "..");
    const native = join(packages, "@koromix", `koffi-${platform}-${arch}`, `${platform}_${arch}`, "koffi.node");
    if (existsSync(native)) return require(native) as Koffi;
  }
  return require("koffi") as Koffi;
}
