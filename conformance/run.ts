/** `npm run conformance -- SUITE TARGET [options]`: other people's programs, here and under the peer, side by side. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { EXPECTED_FAILURES } from "./expected/index.ts";
import { runTool } from "./harness/child.ts";
import type { Driver } from "./harness/outcome.ts";
import { peerDriver } from "./harness/peer.ts";
import { printResult, writeSummary, type SuiteResult } from "./harness/report.ts";
import type { Suite } from "./harness/suite.ts";
import { targetByName } from "./harness/target.ts";
import { busybox } from "./suites/busybox.ts";
import { cTorture } from "./suites/c-torture.ts";
import { cpython } from "./suites/cpython.ts";
import { qemuTcg } from "./suites/qemu-tcg.ts";
import { debian } from "./suites/debian.ts";
import { hostile } from "./suites/hostile.ts";
import { random } from "./suites/random.ts";
import { rootfs } from "./suites/rootfs.ts";
import { stressNg } from "./suites/stress-ng.ts";

const SUITES: readonly Suite[] = [cTorture, qemuTcg, debian, rootfs, cpython, busybox, stressNg, random, hostile];

/** What `--ci` runs, in this order: sized for less than three quarters of an hour on two cores that have nothing cached. */
const CI_RUNS: readonly { suite: string; target: string; count?: number }[] = [
  { suite: "qemu-tcg", target: "mipsel" },
  { suite: "qemu-tcg", target: "mips" },
  { suite: "qemu-tcg", target: "armhf" },
  { suite: "qemu-tcg", target: "armel" },
  { suite: "debian", target: "mipsel" },
  { suite: "debian", target: "armhf" },
  ...random.targets.map((target) => ({ suite: "random", target, count: 5_000 })),
  { suite: "hostile", target: "mipsel", count: 500 },
  { suite: "hostile", target: "mips", count: 200 },
  { suite: "c-torture", target: "mipsel", count: 1_200 },
  { suite: "c-torture", target: "mips", count: 800 },
  { suite: "c-torture", target: "armhf", count: 1_000 },
  { suite: "c-torture", target: "armel", count: 400 },
];

const SUBJECTS = ["library", "command", "peer"] as const;
type Subject = (typeof SUBJECTS)[number];

const USAGE = `npm run conformance -- SUITE TARGET [options]
npm run conformance -- --ci
npm run conformance -- SUITE TARGET --ci

Suites:
${SUITES.map((s) => `  ${s.name.padEnd(12)} ${s.summary} (${s.targets.join(", ")})`).join("\n")}

Options:
  --filter TEXT    only cases whose name contains TEXT
  --jobs N         cases at a time (${availableParallelism()})
  --seed N         where a generating suite starts (1)
  --count N        how many cases a generating suite makes; of c-torture, that many spread over the suite
  --timeout N      seconds for a case (cpython)
  --json FILE      also writes the result as JSON
  --subject WHICH  what is put beside the peer: babelf's "library" (default), its "command",
                   or the "peer" itself, which tests this harness
  --ci             in sizes for a CI machine: every suite that is run there, or the one that is named

Examples:
  npm run conformance -- c-torture mipsel
  npm run conformance -- c-torture mips --filter ieee/
  npm run conformance -- random mipsel --seed 7 --count 1000
`;

async function makeDriver(subject: Subject, peer: Driver): Promise<Driver> {
  if (subject === "peer") return peer;
  if (subject === "command") return (await import("./harness/command.ts")).commandDriver();
  return (await import("./harness/library.ts")).libraryDriver();
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      filter: { type: "string" },
      jobs: { type: "string", default: String(availableParallelism()) },
      seed: { type: "string", default: "1" },
      count: { type: "string" },
      timeout: { type: "string" },
      json: { type: "string" },
      subject: { type: "string", default: "library" },
      ci: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [suiteName, targetName] = positionals;
  if (values.help || (!values.ci && suiteName === undefined)) {
    process.stdout.write(USAGE);
    return values.help ? 0 : 2;
  }
  const subject = SUBJECTS.find((s) => s === values.subject);
  if (!subject) throw new Error(`--subject is one of ${SUBJECTS.join(", ")}`);
  const jobs = wholeNumber("--jobs", values.jobs);
  const runs = suiteName === undefined ? CI_RUNS : [{ suite: suiteName, target: targetName ?? "mipsel" }];

  // A guest that dies by a signal must not leave core files behind.
  await runTool("prlimit", ["--pid", String(process.pid), "--core=0:0"]);

  const results: SuiteResult[] = [];
  let good = true;
  const names = { ours: subject === "peer" ? "peer (as ours)" : "babelf", peer: "peer" };
  for (const run of runs) {
    const suite = SUITES.find((s) => s.name === run.suite);
    if (!suite) throw new Error(`no suite "${run.suite}"; there are ${SUITES.map((s) => s.name).join(", ")}`);
    if (!suite.targets.includes(run.target)) throw new Error(`${suite.name} runs on ${suite.targets.join(", ")}`);
    const target = targetByName(suite.targetOf?.(run.target) ?? run.target);
    const peer = peerDriver(target);
    const ours = await Promise.all(Array.from({ length: jobs }, () => makeDriver(subject, peer)));
    const count =
      values.count === undefined ? ("count" in run ? run.count : undefined) : wholeNumber("--count", values.count);
    const started = performance.now();
    try {
      const found = await suite.run({
        name: run.target,
        target,
        ours,
        peer,
        jobs,
        seed: wholeNumber("--seed", values.seed),
        ci: values.ci,
        ...(values.filter === undefined ? {} : { filter: values.filter }),
        ...(count === undefined ? {} : { count }),
        ...(values.timeout === undefined ? {} : { timeout: wholeNumber("--timeout", values.timeout) }),
      });
      const result = {
        suite: suite.name,
        target: run.target,
        seconds: (performance.now() - started) / 1000,
        ...found,
      };
      results.push(result);
      if (!printResult(result, names, EXPECTED_FAILURES)) good = false;
    } finally {
      for (const driver of ours) driver.close();
    }
  }
  if (results.length > 1) {
    const rows = results.flatMap((r) => r.rows);
    const passed = rows.filter((row) => row.ours.passed).length;
    process.stdout.write(`\nIn all: ${names.ours} ${passed} of ${rows.length}${good ? "" : ", with surprises"}\n`);
  }
  if (values.json !== undefined) writeSummary(values.json, results, names, EXPECTED_FAILURES);
  return good && results.some((r) => r.rows.length > 0) ? 0 : 1;
}

function wholeNumber(option: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`${option} wants a whole number, not "${text}"`);
  return Number(text);
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`conformance: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
