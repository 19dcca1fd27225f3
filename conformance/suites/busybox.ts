/**
 * busybox's own testsuite, from its Debian source package, over Debian's busybox for the target: a row a test. A test that
 * passes under the peer must pass here. This does what the suite's `runtest` does, one applet at a time.
 */
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { cacheFolder } from "../harness/cache.ts";
import { runTool } from "../harness/child.ts";
import { debianRoot } from "../harness/debian-root.ts";
import { unpackSource } from "../harness/debian.ts";
import { describeEnding, type Driver, type Outcome } from "../harness/outcome.ts";
import { parallel } from "../harness/parallel.ts";
import { Progress } from "../harness/progress.ts";
import type { Row } from "../harness/report.ts";
import { rootedPeer } from "../harness/rooted-peer.ts";
import type { Suite, SuiteOptions } from "../harness/suite.ts";

const PACKAGES = ["busybox"];
const BUSYBOX = "bin/busybox";
/** Seconds for all tests of an applet. */
const TIMEOUT = 900;

/** Quick ones, for a continuous-integration machine. */
const CI_APPLETS: ReadonlySet<string> = new Set([
  "cp",
  "sed",
  "sort",
  "tar",
  "find",
  "grep",
  "xargs",
  "mktemp",
  "pidof",
]);

/** They count to millions, which takes a quarter of an hour on either side. */
const LONG_TESTS: readonly string[] = ["bc parsing of numbers", "bc printing of numbers"];

/** The suite in its source: `applet.tests`, or a folder `applet` of scripts that must each succeed. */
interface Tests {
  readonly applet: string;
  /** What the shell is given: a .tests file, or one script of a folder. */
  readonly scripts: readonly string[];
  readonly oldStyle: boolean;
}

function testsOf(suite: string, applets: ReadonlySet<string>, off: ReadonlySet<string>): Tests[] {
  return readdirSync(suite)
    .sort()
    .flatMap((name): Tests[] => {
      const isFolder = statSync(path.join(suite, name)).isDirectory();
      const applet = isFolder ? name : name.replace(/\.tests$/, "");
      if (!applets.has(applet) || (!isFolder && applet === name)) return [];
      if (!isFolder) return [{ applet, scripts: [name], oldStyle: false }];
      const wanted = readdirSync(path.join(suite, name)).filter((script) => {
        const text = readFileSync(path.join(suite, name, script), "utf8");
        return [...text.matchAll(/^# FEATURE: (.*)$/gm)].every(([, feature]) => !off.has(feature));
      });
      return [{ applet, scripts: wanted.map((script) => `${name}/${script}`), oldStyle: true }];
    });
}

/** What a run says of each test: "PASS", "FAIL", "SKIPPED", "UNTESTED". */
function results(outcome: Outcome): Map<string, string> {
  const text = Buffer.from(outcome.stdout).toString("latin1");
  return new Map(
    [...text.matchAll(/^(PASS|FAIL|SKIPPED|UNTESTED): (.*)$/gm)].map(([, result, name]) => [name, result]),
  );
}

/** A fresh copy of the suite, with links to busybox under the names of its applets. */
function prepare(folder: string, suite: string, configuration: string, applets: Iterable<string>): void {
  rmSync(folder, { recursive: true, force: true });
  cpSync(suite, path.join(folder, "testsuite"), { recursive: true });
  const bc = path.join(folder, "testsuite/bc.tests");
  for (const name of LONG_TESTS) {
    const whole = readFileSync(bc, "utf8");
    writeFileSync(bc, whole.replace(new RegExp(`^testing "${name}"[^]*?^}'$`, "m"), ""));
  }
  cpSync(configuration, path.join(folder, ".config"));
  symlinkSync(`/${BUSYBOX}`, path.join(folder, "busybox"));
  mkdirSync(path.join(folder, "links"));
  for (const applet of applets) symlinkSync(`/${BUSYBOX}`, path.join(folder, "links", applet));
}

/** Runs an applet's tests. `folder` is the host's path of the copy, `inside` the guest's. */
async function runTests(driver: Driver, root: string, tests: Tests, folder: string, inside: string, options: string) {
  const found = new Map<string, string>();
  let last = "";
  for (const script of tests.scripts) {
    const temporary = path.join("testsuite", ".tmp");
    rmSync(path.join(folder, temporary), { recursive: true, force: true });
    mkdirSync(path.join(folder, temporary));
    const suite = path.join(inside, "testsuite");
    const outcome = await driver.run({
      program: path.join(root, BUSYBOX),
      // The guest sees the directory that it starts in and what is below: the suite wants to start further down.
      args: [
        ...["sh", "-c", 'cd "$0" && exec sh "$@"', tests.oldStyle ? temporary : "testsuite"],
        ...(tests.oldStyle ? ["-x", "-e"] : []),
        path.join(suite, script),
      ],
      cwd: folder,
      env: {
        PATH: `${inside}/links:${suite}:${inside}:/usr/bin:/bin`,
        bindir: inside,
        tsdir: suite,
        d: suite,
        OPTIONFLAGS: options,
        VERBOSE: "",
        TZ: "UTC0",
        HOME: "/tmp",
      },
      sysroot: root,
      timeout: TIMEOUT,
    });
    last = describeEnding(outcome.ending);
    if (tests.oldStyle) found.set(path.basename(script), last === "exit 0" ? "PASS" : `FAIL, ${last}`);
    else for (const [name, result] of results(outcome)) found.set(name, result);
  }
  return { found, last };
}

export const busybox: Suite = {
  name: "busybox",
  summary: "busybox's own testsuite over Debian's busybox",
  targets: ["armhf", "mipsel"],
  async run(options: SuiteOptions) {
    const { target } = options;
    const root = await debianRoot(target, PACKAGES);
    const peer = await rootedPeer(target, root);
    const suite = await unpackSource("busybox", "testsuite");
    const configuration = path.join(await unpackSource("busybox", "debian/config", "debian"), "pkg/deb");
    const flags = readFileSync(configuration, "utf8");
    const on = [...flags.matchAll(/^CONFIG_(\w+)=/gm)].map(([, name]) => name);
    const off = new Set([...flags.matchAll(/^# (CONFIG_\w+) is not set$/gm)].map(([, name]) => name));
    const listed = await peer.run({ program: path.join(root, BUSYBOX), args: ["--list"], cwd: root, timeout: 60 });
    const applets = new Set(Buffer.from(listed.stdout).toString().trim().split("\n"));
    const all = testsOf(suite, applets, off).filter(
      ({ applet }) => applet.includes(options.filter ?? "") && (!options.ci || CI_APPLETS.has(applet)),
    );
    const progress = new Progress(`busybox ${target.name}`, all.length);
    const [work, peerWork] = [cacheFolder("work", String(process.pid)), path.join(root, "work", String(process.pid))];
    try {
      const rows = await parallel(all, options.jobs, async (tests, lane): Promise<Row[]> => {
        const [mine, theirs] = [path.join(work, String(lane)), path.join(peerWork, String(lane))];
        const flagList = `:${on.join(":")}:`;
        prepare(theirs, suite, configuration, applets);
        const peerSaw = await runTests(peer, root, tests, theirs, `/${path.relative(root, theirs)}`, flagList);
        prepare(mine, suite, configuration, applets);
        const weSaw = await runTests(options.ours[lane], root, tests, mine, mine, flagList);
        const made = [...peerSaw.found].map(([name, result]): Row => {
          const ours = weSaw.found.get(name) ?? `missing, ${weSaw.last}`;
          // Some fail under any kernel and emulator; they are not asked of us.
          const passed = ours === result || ours === "PASS";
          return {
            name: `${tests.applet}: ${name}`,
            ours: { passed, detail: ours },
            peer: { passed: !result.startsWith("FAIL"), detail: result },
          };
        });
        for (const row of made)
          if (!row.ours.passed) progress.note(`${row.name}: ${row.ours.detail}, peer ${row.peer?.detail}`);
        progress.step(made.filter((row) => !row.ours.passed).length);
        return made;
      });
      progress.end();
      const skipped = LONG_TESTS.map((name) => ({ name, why: "a quarter of an hour on either side" }));
      return { rows: rows.flat(), skipped };
    } finally {
      await runTool("rm", ["-rf", work, peerWork]);
    }
  },
};
