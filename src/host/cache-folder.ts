/** Where what can be made again is kept between runs. */
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** By the XDG Base Directory Specification: a relative XDG_CACHE_HOME is not one. The folder need not exist. */
export function cacheFolder(): string {
  const wished = process.env.XDG_CACHE_HOME ?? "";
  return join(isAbsolute(wished) ? wished : join(homedir(), ".cache"), "babelf");
}
