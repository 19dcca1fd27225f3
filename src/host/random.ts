/** The host's random numbers. */
import { closeSync, openSync, readSync } from "node:fs";

/** crypto.getRandomValues fills at most this much, and no shared memory. */
const MOST = 65536;

/**
 * Fills `into` with numbers fit for secrets. From the host's device file where there is one: loading Node's crypto takes
 * 10 ms, and a C library's start asks for a few bytes.
 */
export function fillRandom(into: Uint8Array): void {
  for (let at = 0; at < into.length; at += MOST) {
    const piece = new Uint8Array(Math.min(MOST, into.length - at));
    if (!readDevice(piece)) crypto.getRandomValues(piece);
    into.set(piece, at);
  }
}

/** False where the host has no such file. */
function readDevice(into: Uint8Array): boolean {
  if (process.platform === "win32") return false;
  try {
    const fd = openSync("/dev/urandom", "r");
    try {
      return readSync(fd, into) === into.length;
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}
