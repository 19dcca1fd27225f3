/** The library: in dist/ one bundled file with a code cache, in a source tree src/index.ts itself. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "../host/cache-folder.ts";
import { compile, keep } from "./code-cache.ts";

type Library = typeof import("../index.ts");

/** The bundle's contents in short, put here when it is built. */
declare const BUNDLE_HASH: string;

export interface Loaded {
  readonly library: Library;
  /** To be called after a run: keeps what V8 compiled for it. */
  keepCode(): void;
  /** Of the bundle: what was kept for another is not to be used. Null: nothing is to be kept. */
  readonly version: string | null;
}

export async function loadLibrary({ useCache }: { useCache: boolean }): Promise<Loaded> {
  const file = fileURLToPath(new URL("babelf.cjs", import.meta.url));
  if (!existsSync(file)) {
    const source = "../index.ts";
    return { library: (await import(source)) as Library, keepCode: () => undefined, version: null };
  }
  const require = createRequire(import.meta.url);
  if (!useCache) return { library: require(file) as Library, keepCode: () => undefined, version: null };

  // The bundle is ASCII.
  const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, "latin1")}\n})`;
  const keptAt = join(cacheFolder(), "code", `${BUNDLE_HASH}-${process.version}-${process.arch}`);
  const compiled = compile(source, file, keptAt);
  const module = { exports: {} };
  compiled.script.runInThisContext()(module.exports, require, module, file, dirname(file));
  return { library: module.exports as Library, keepCode: () => keep(compiled, keptAt), version: BUNDLE_HASH };
}
