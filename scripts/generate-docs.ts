/**
 * Writes the documents that are made from tables: `node scripts/generate-docs.ts`. With `--check` it writes nothing and
 * fails if a file is not what it would write.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { instructionsPage } from "./instructions-document.ts";
import { syscallsPage } from "./syscalls-document.ts";

const DOCUMENTS: readonly (readonly [file: string, page: () => string])[] = [
  ["docs/instructions.md", instructionsPage],
  ["docs/syscalls.md", syscallsPage],
];

for (const [name, page] of DOCUMENTS) {
  const file = new URL(`../${name}`, import.meta.url);
  const text = page();
  if (!process.argv.includes("--check")) writeFileSync(file, text);
  else if (readFileSync(file, "utf8") !== text) {
    console.error(`${name} is not up to date: node scripts/generate-docs.ts`);
    process.exitCode = 1;
  }
}
