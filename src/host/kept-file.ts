/** Files of a cache: only the user's own are read, a file is whole or absent, and the folder does not grow for ever. */
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** What a folder may hold; the files that were written longest ago go first. */
export interface Bound {
  readonly bytes?: number;
  readonly files?: number;
}

/** The file's content; null if there is none, or it is not the user's own. */
export function readKept(path: string): Buffer | null {
  try {
    const fd = openSync(path, "r");
    try {
      if (fstatSync(fd).uid !== (process.geteuid?.() ?? 0)) return null;
      return readFileSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    return null;
  }
}

/** Writes a file that `readKept` will read. What goes wrong does not matter: it is a cache. */
export function writeKept(path: string, content: Uint8Array, most: Bound): void {
  const whole = `${path}.${process.pid}`;
  try {
    const folder = dirname(path);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(whole, content, { mode: 0o600, flag: "wx" });
    renameSync(whole, path);
    removeOldest(folder, most);
  } catch {
    rmSync(whole, { force: true });
  }
}

function removeOldest(folder: string, { bytes = Infinity, files = Infinity }: Bound): void {
  const there = readdirSync(folder).map((name) => {
    const path = join(folder, name);
    const { size, mtimeMs } = statSync(path);
    return { path, size, time: mtimeMs };
  });
  let total = 0;
  for (const [n, { path, size }] of there.sort((a, b) => b.time - a.time).entries()) {
    total += size;
    if (n >= files || total > bytes) rmSync(path, { force: true });
  }
}
