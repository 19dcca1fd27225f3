/** `npm run bench [-- filter …]`: the same programs under babelf, under the peer (QEMU's user mode) and native, in turn. */
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { runTool } from "../conformance/harness/child.ts";
import { targetByName } from "../conformance/harness/target.ts";
import type { Measurement } from "./case.ts";
import { CASES } from "./cases.ts";
import { install } from "./install.ts";
import { measure } from "./measure.ts";
import { markdown, type Bench } from "./table.ts";

const ROOT = path.join(import.meta.dirname, "..");
/** What people wrote about the figures; the document ends with it. */
const NOTES = path.join(import.meta.dirname, "notes.md");

const USAGE = `npm run bench [-- FILTER…] [options]

Runs the cases whose class/name contains a FILTER ("integer", "short/bash", "sqlite"), and prints Markdown:
docs/benchmarks.md is what it prints without a filter.

Options:
  --target NAME    mipsel, mips, armhf, armel; may be given several times (all of them)
  --rounds N       rounds; the median counts (3)
  --json FILE      also writes every sample as JSON
  --print FILE     runs nothing: prints the document of such files; may be given several times
  --list           prints the cases
`;

/** The newest change under a folder, so that an old bundle is not measured by mistake. */
function newest(folder: string): number {
  return Math.max(
    ...readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
      .map((entry) => statSync(path.join(entry.parentPath, entry.name)).mtimeMs),
  );
}

async function upToDateCommand(): Promise<string[]> {
  const bundle = path.join(ROOT, "dist/cli.js");
  const built = statSync(bundle, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (built < newest(path.join(ROOT, "src"))) {
    process.stderr.write("building dist/\n");
    await runTool(process.execPath, [path.join(ROOT, "scripts/build.js")], { cwd: ROOT });
  }
  return [process.execPath, path.join(ROOT, "bin/babelf.js")];
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      target: { type: "string", multiple: true, default: ["armhf", "armel", "mipsel", "mips"] },
      rounds: { type: "string", default: "3" },
      json: { type: "string" },
      print: { type: "string", multiple: true },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (values.print) {
    const benches = values.print.map((file) => JSON.parse(readFileSync(file, "utf8")) as Bench);
    process.stdout.write(markdown(benches, readFileSync(NOTES, "utf8")));
    return 0;
  }
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds wants a whole number of at least 1");
  const selected = CASES.filter(
    (one) => positionals.length === 0 || positionals.some((filter) => `${one.class}/${one.name}`.includes(filter)),
  );
  if (selected.length === 0) throw new Error(`no case contains "${positionals.join('", "')}"; --list prints all`);
  if (values.list) {
    for (const one of selected)
      process.stdout.write(`${one.class}/${one.name}${one.targets ? ` (${one.targets.join(", ")})` : ""}\n`);
    return 0;
  }
  const targets = values.target.map(targetByName);
  await install(targets);
  const babelf = await upToDateCommand();
  const measurements: Measurement[] = [];
  const peerVersion = (await runTool(targets[0].qemu, ["--version"])).split("\n", 1)[0];
  const bench: Bench = {
    machine: `${cpus()[0].model}, ${availableParallelism()} cores, Node ${process.versions.node}, ${peerVersion}`,
    command: ["npm run bench --", ...process.argv.slice(2)].join(" ").replace(/ --$/, ""),
    rounds,
    measurements,
  };
  for (const target of targets)
    for (const one of selected) {
      if (one.targets !== undefined && !one.targets.includes(target.name)) continue;
      measurements.push(await measure(one, { target, babelf }, one.rounds ?? rounds));
      // After each case, so that an interrupted run is not lost.
      if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(bench, null, 2)}\n`);
    }
  process.stdout.write(markdown([bench], positionals.length === 0 ? readFileSync(NOTES, "utf8") : undefined));
  return measurements.some((m) => m.failure !== undefined) ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`bench: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
