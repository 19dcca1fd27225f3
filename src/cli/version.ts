/** The version, from package.json: beside dist/ when bundled, two folders up from here otherwise. */
import { readFileSync } from "node:fs";

export function version(): string {
  for (const place of ["../package.json", "../../package.json"]) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(place, import.meta.url), "utf8"));
      if (name === "babelf") return version;
    } catch {
      // Not there: the other place.
    }
  }
  return "unknown";
}
