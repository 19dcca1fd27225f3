/**
 * CPython's own tests, as Debian packages them for the target, a row a module: what passes under the peer must pass here.
 * A module passes if its process exits with 0 and ran as many tests as under the peer.
 */
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { cacheFolder } from "../harness/cache.ts";
import { debianRoot } from "../harness/debian-root.ts";
import { describeEnding, type Case, type Driver, type Outcome } from "../harness/outcome.ts";
import { parallel } from "../harness/parallel.ts";
import { Progress } from "../harness/progress.ts";
import type { Row, Verdict } from "../harness/report.ts";
import { rootedPeer } from "../harness/rooted-peer.ts";
import type { Suite, SuiteOptions } from "../harness/suite.ts";
import { CI_MODULES, MODULES } from "./cpython-modules.ts";

/** netbase and media-types: the tables of names in /etc that some modules look up. */
const PACKAGES = [
  "libpython3.11-testsuite",
  "python3",
  "bash",
  "dash",
  "coreutils",
  "openssl",
  "netbase",
  "media-types",
];
const PYTHON = "usr/bin/python3.11";
/** Seconds for a module here and under the peer, unless `--timeout` says: the longest takes minutes under either. */
const TIMEOUT = 1800;

/** What unittest says at the end of a run. */
interface Summary {
  readonly ran: number;
  readonly skipped: number;
  /** "ERROR: test_x (…)", "FAIL: …". */
  readonly failed: readonly string[];
}

function summary(outcome: Outcome): Summary {
  const text = Buffer.concat([outcome.stdout, outcome.stderr]).toString();
  const sum = (pattern: RegExp) => [...text.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
  const failed = [...text.matchAll(/^((?:ERROR|FAIL): \S+)/gm)].map((match) => match[1]);
  return { ran: sum(/^Ran (\d+) tests? in/gm), skipped: sum(/\bskipped=(\d+)/g), failed: [...new Set(failed)] };
}

const succeeded = ({ ending }: Outcome) => ending.kind === "exit" && ending.code === 0;

function describe(outcome: Outcome): string {
  const { ran, skipped, failed } = summary(outcome);
  const counts = `${ran} tests, ${skipped} skipped, ${outcome.seconds.toFixed(0)} s`;
  if (succeeded(outcome)) return counts;
  const last = Buffer.from(outcome.stderr).toString().trim().split("\n").at(-1) ?? "";
  return `${describeEnding(outcome.ending)}, ${counts}; ${failed.length > 0 ? failed.join(", ") : last}`;
}

function compare(ours: Outcome, peer: Outcome): Verdict {
  const [mine, theirs] = [summary(ours), summary(peer)];
  const detail = describe(ours);
  if (succeeded(ours) && succeeded(peer) && mine.ran - mine.skipped < theirs.ran - theirs.skipped)
    return { passed: false, detail: `${detail}: fewer than the peer's ${describe(peer)}` };
  return { passed: succeeded(ours), detail };
}

/** Once more where only time was short: another case may have had the processor. */
async function patiently(driver: Driver, request: Case): Promise<Outcome> {
  const outcome = await driver.run(request);
  return outcome.ending.kind === "timeout" ? driver.run(request) : outcome;
}

/** A filter that is a module's whole name takes that one only: test_select is not test_selectors, too. */
function chosen(modules: readonly string[], filter: string): readonly string[] {
  return modules.includes(filter) ? [filter] : modules.filter((name) => name.includes(filter));
}

export const cpython: Suite = {
  name: "cpython",
  summary: "CPython's own tests from Debian's libpython3.11-testsuite",
  targets: ["armhf", "mipsel"],
  async run(options: SuiteOptions) {
    const { target } = options;
    const root = await debianRoot(target, PACKAGES);
    const peer = await rootedPeer(target, root);
    const modules = chosen(options.ci ? CI_MODULES : MODULES, options.filter ?? "");
    const progress = new Progress(`cpython ${target.name}`, modules.length);
    const work = cacheFolder("work", String(process.pid));
    const peerWork = path.join(root, "work", String(process.pid));
    try {
      const rows = await parallel(modules, options.jobs, async (name, lane): Promise<Row> => {
        const request: Case = {
          program: path.join(root, PYTHON),
          args: ["-m", "test", "-v", name],
          cwd: path.join(peerWork, String(lane)),
          env: { TZ: "UTC0", HOME: "/tmp", LC_ALL: "C.UTF-8", TMPDIR: "/tmp" },
          sysroot: root,
          timeout: options.timeout ?? TIMEOUT,
        };
        const cwd = path.join(work, String(lane));
        for (const folder of [request.cwd, cwd]) mkdirSync(folder, { recursive: true });
        const theirs = await patiently(peer, request);
        const mine = await patiently(options.ours[lane], { ...request, cwd });
        const ours = compare(mine, theirs);
        progress.step(!ours.passed);
        progress.note(`${name}: ${ours.passed ? "passed" : "FAILED"}, ${ours.detail}; peer ${describe(theirs)}`);
        return { name, ours, peer: { passed: succeeded(theirs), detail: describe(theirs) } };
      });
      progress.end();
      return { rows, skipped: [] };
    } finally {
      for (const folder of [work, peerWork]) rmSync(folder, { recursive: true, force: true });
    }
  },
};
