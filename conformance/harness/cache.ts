/**
 * The folder for what is fetched and built: Debian packages, unpacked trees, compiled tests. Nothing in it is committed;
 * deleting it costs only time. `BABELF_CONFORMANCE_CACHE` moves it.
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";

export function cacheFolder(...parts: string[]): string {
  const root =
    process.env.BABELF_CONFORMANCE_CACHE ??
    path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache"), "babelf-conformance");
  const folder = path.join(root, ...parts);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A folder that is either complete or absent: `fill` works in a sibling that is renamed at the end. */
export async function completeFolder(folder: string, fill: (temporary: string) => Promise<void>): Promise<string> {
  if (existsSync(folder)) return folder;
  const temporary = `${folder}.${process.pid}.${randomBytes(4).toString("hex")}`;
  mkdirSync(temporary, { recursive: true });
  try {
    await fill(temporary);
    if (!existsSync(folder)) renameSync(temporary, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return folder;
}

export function contentKey(...parts: (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest("hex").slice(0, 32);
}
