/** `npm run check`: types, formatting, import rules, generated documents. Prints what is wrong; exit code 1 if anything. */
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { brokenRules } from "./import-rules.ts";

process.chdir(new URL("..", import.meta.url).pathname);

/** The house says "under about 500"; here is where about ends. Tables of data may be longer. */
const MOST_LINES = 600;
/** Files that are one table. */
const TABLES = /\/(operators|.*-numbers|.*constants|structs|witness\/.*|.*\.test)\.ts$/;
const FORBIDDEN_NAMES = /(^|\/)(utils?|helpers?|misc|common|manager)(\.|\/|$)/;
const MARKS = /\b(TODO|FIXME|XXX)\b/;

const checks: readonly (readonly [string, () => readonly string[]])[] = [
  ["types", () => command("tsc", ["--noEmit", "-p", "."])],
  ["format", () => command("prettier", ["--check", "--log-level", "warn", "."])],
  ["imports", () => sources().flatMap(([path, text]) => (isTest(path) ? [] : brokenRules(path.slice(4), text)))],
  ["files", () => sources().flatMap(([path, text]) => house(path, text))],
  ["documents", documents],
];

function command(name: string, args: readonly string[]): readonly string[] {
  const { status, stdout, stderr } = spawnSync(`node_modules/.bin/${name}`, args, { encoding: "utf8" });
  return status === 0 ? [] : `${stdout}${stderr}`.trim().split("\n");
}

function sources(): (readonly [string, string])[] {
  return globSync("src/**/*.ts").map((path) => [path.replaceAll("\\", "/"), readFileSync(path, "utf8")] as const);
}

/** A test may reach for anything: it proves, it does not ship. */
function isTest(path: string): boolean {
  return /\.test\.ts$|testing\.ts$|test-support\.ts$/.test(path);
}

function house(path: string, text: string): string[] {
  const problems: string[] = [];
  const lines = text.split("\n").length;
  if (lines > MOST_LINES && !TABLES.test(path)) problems.push(`${path}: ${lines} lines; a file is one idea`);
  if (FORBIDDEN_NAMES.test(path)) problems.push(`${path}: a name that says nothing`);
  if (MARKS.test(text)) problems.push(`${path}: an unfinished mark (${MARKS.exec(text)![0]})`);
  return problems;
}

/** Documents that are made from tables must be what their script makes now. */
function documents(): readonly string[] {
  const { status, stderr } = spawnSync(process.execPath, ["scripts/generate-docs.ts", "--check"], { encoding: "utf8" });
  return status === 0 ? [] : stderr.trim().split("\n");
}

let failed = 0;
for (const [name, check] of checks) {
  const problems = check();
  if (problems.length > 0) failed++;
  console.log(`${problems.length === 0 ? "ok    " : "failed"} ${name}`);
  for (const problem of problems.slice(0, 40)) console.log(`       ${problem}`);
  if (problems.length > 40) console.log(`       … and ${problems.length - 40} more`);
}
console.log(`check: ${checks.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
