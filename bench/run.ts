/**
 * `npm run bench [-- filter]`: the same C programs under babelf, under the peer (QEMU's user mode) and native, in turn, in
 * one run. What counts are the ratios; wall time includes starting the emulator.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { build } from "../conformance/harness/build.ts";
import { runChild, runTool } from "../conformance/harness/child.ts";
import { describeEnding } from "../conformance/harness/outcome.ts";
import { targetByName, type Target } from "../conformance/harness/target.ts";
import { markdown, median, type Measurement } from "./table.ts";

const ROOT = path.join(import.meta.dirname, "..");
/** Seconds for one run. */
const TIMEOUT = 300;
/** One compiler's product must mean the same everywhere: no fused multiply-add on one side only. */
const FLAGS = ["-O2", "-ffp-contract=off", "-static"];

const USAGE = `npm run bench [-- FILTER] [options]

Runs the programs in bench/kernels and bench/system whose name contains FILTER.

Options:
  --target NAME    mipsel, mips, armhf, armel; may be given several times (mipsel, armhf, armel)
  --rounds N       rounds; the median counts (3)
  --json FILE      also writes every time as JSON
  --only-peer      leaves babelf out
`;

interface Program {
  readonly group: "kernels" | "system";
  readonly name: string;
  readonly source: string;
}

function programs(filter: string): Program[] {
  return (["kernels", "system"] as const).flatMap((group) =>
    readdirSync(path.join(import.meta.dirname, group))
      .filter((file) => file.endsWith(".c") && file.includes(filter))
      .sort()
      .map((file) => ({ group, name: file.slice(0, -2), source: path.join(import.meta.dirname, group, file) })),
  );
}

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

/** Runs one command; the seconds it took and what it printed. */
async function timed(command: readonly string[]): Promise<{ seconds: number; output: string }> {
  const cwd = mkdtempSync(path.join(tmpdir(), "babelf-bench-"));
  try {
    const { ending, stdout, stderr, seconds } = await runChild({
      file: command[0],
      args: command.slice(1),
      cwd,
      timeout: TIMEOUT,
    });
    if (ending.kind !== "exit" || ending.code !== 0) {
      const said = Buffer.from(stderr).toString().trim().split("\n").at(-1) ?? "";
      throw new Error(`${command.join(" ")}: ${describeEnding(ending)} ${said}`);
    }
    return { seconds, output: Buffer.from(stdout).toString() };
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

/** A guest program's ways to run, in the order in which they take turns. */
async function contenders(program: Program, target: Target, babelf: readonly string[] | undefined) {
  const request = { args: [...FLAGS, program.source], cwd: ROOT, content: readFileSync(program.source, "utf8") };
  const guest = await build({ target, ...request });
  const native = await build({ target: "native", ...request });
  return [
    ...(babelf ? [{ name: "babelf", command: [...babelf, guest] }] : []),
    { name: "qemu", command: [target.qemu, guest] },
    // What of babelf's start is Node's own.
    ...(babelf && program.name === "hello" ? [{ name: "node", command: [process.execPath, "-e", "0"] }] : []),
    { name: "native", command: [native] },
  ];
}

async function measure(
  program: Program,
  target: Target,
  rounds: number,
  babelf: readonly string[] | undefined,
): Promise<Measurement> {
  const ways = await contenders(program, target, babelf);
  const times: Record<string, number[]> = {};
  let failure: string | undefined;
  let expected: string | undefined;
  for (let round = 0; round < rounds; round++) {
    for (const way of [...ways].reverse()) {
      try {
        const { seconds, output } = await timed(way.command);
        if (way.name !== "node") expected ??= output; // native runs first and says what is right
        if (way.name !== "node" && output !== expected)
          throw new Error(`prints ${JSON.stringify(output)}, not ${JSON.stringify(expected)}`);
        (times[way.name] ??= []).push(seconds);
      } catch (error) {
        failure ??= `${way.name}: ${(error as Error).message}`;
      }
    }
    process.stderr.write(process.stderr.isTTY ? "." : "");
  }
  const show = Object.entries(times).map(([name, list]) => `${name} ${median(list).toFixed(3)}`);
  process.stderr.write(`\r${target.name} ${program.name}: ${show.join(", ")}${failure ? `  FAILED ${failure}` : ""}\n`);
  return {
    group: program.group,
    program: program.name,
    target: target.name,
    times,
    ...(failure === undefined ? {} : { failure }),
  };
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      target: { type: "string", multiple: true, default: ["mipsel", "armhf", "armel"] },
      rounds: { type: "string", default: "3" },
      json: { type: "string" },
      "only-peer": { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds wants a whole number of at least 1");
  const selected = programs(positionals[0] ?? "");
  if (selected.length === 0) throw new Error(`no program's name contains "${positionals[0]}"`);
  const babelf = values["only-peer"] ? undefined : await upToDateCommand();
  const measurements: Measurement[] = [];
  for (const name of values.target)
    for (const program of selected) measurements.push(await measure(program, targetByName(name), rounds, babelf));
  const peerVersion = (await runTool(targetByName(values.target[0]).qemu, ["--version"])).split("\n", 1)[0];
  const machine = `${cpus()[0].model}, ${availableParallelism()} cores, Node ${process.versions.node}, ${peerVersion}`;
  const command = ["npm run bench --", ...process.argv.slice(2)].join(" ").replace(/ --$/, "");
  process.stdout.write(markdown(measurements, { machine, command, rounds }));
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ machine, command, rounds, measurements }, null, 2)}\n`);
  return measurements.some((m) => m.failure !== undefined) ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`bench: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
