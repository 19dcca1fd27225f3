/**
 * GCC's own run-time tests, gcc.c-torture/execute with ieee/ and builtins/, from Debian's package of GCC's source, built
 * static by Debian's cross compiler. A test passes if the program exits with 0.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { build } from "../harness/build.ts";
import { completeFolder, cacheFolder } from "../harness/cache.ts";
import { runTool } from "../harness/child.ts";
import { VERSIONS, unpackPackages } from "../harness/debian.ts";
import { describeEnding, type Outcome } from "../harness/outcome.ts";
import { parallel } from "../harness/parallel.ts";
import { Progress } from "../harness/progress.ts";
import type { Row, SkippedRow, Verdict } from "../harness/report.ts";
import type { Suite, SuiteOptions } from "../harness/suite.ts";
import type { Target } from "../harness/target.ts";
import { flagsOfX, planTest } from "./dejagnu.ts";

const PACKAGE = "gcc-12-source";
const TREE = "gcc/testsuite/gcc.c-torture/execute";
/** Seconds; the longest test takes the peer about one. */
const TIMEOUT = 60;

/** What each folder's .exp file adds to every test's command line on these targets. */
const FOLDERS: readonly { folder: string; flags: readonly string[] }[] = [
  { folder: "", flags: [] },
  { folder: "ieee", flags: ["-fno-inline"] },
  {
    folder: "builtins",
    flags: [
      "-fno-tree-dse",
      "-fno-tree-loop-distribute-patterns",
      "-fno-tracer",
      "-fno-ipa-ra",
      "-fno-inline-functions",
    ],
  },
];

interface Test {
  /** "20101011-1", "ieee/rbug". */
  readonly name: string;
  readonly level: string;
  readonly sources: readonly string[];
  readonly options: readonly string[];
}

/** The unpacked tests, and what identifies their version. */
async function testTree(): Promise<{ folder: string; version: string }> {
  const unpacked = path.join(cacheFolder("sources"), PACKAGE);
  await completeFolder(unpacked, async (temporary) => {
    const packaged = await unpackPackages("amd64", PACKAGE, [PACKAGE]);
    const archiveFolder = path.join(packaged, "usr/src/gcc-12");
    const archive = readdirSync(archiveFolder).find((file) => /^gcc-.*\.tar\.xz$/.test(file));
    if (archive === undefined) throw new Error(`${PACKAGE} has no gcc-*.tar.xz`);
    const source = path.join(archiveFolder, archive);
    await runTool("tar", ["xf", source, "-C", temporary, "--strip-components=1", "--wildcards", `*/${TREE}`]);
    await runTool("cp", [path.join(packaged, VERSIONS), temporary]);
    await runTool("rm", ["-f", source]); // 80 MB that nobody needs again
  });
  return { folder: path.join(unpacked, TREE), version: readFileSync(path.join(unpacked, VERSIONS), "utf8") };
}

function listTests(root: string, target: Target, filter: string): { tests: Test[]; skipped: SkippedRow[] } {
  const tests: Test[] = [];
  const skipped: SkippedRow[] = [];
  for (const { folder, flags } of FOLDERS) {
    const names = readdirSync(path.join(root, folder))
      .filter((file) => file.endsWith(".c") && !file.endsWith("-lib.c"))
      .sort();
    for (const file of names) {
      const stem = file.slice(0, -2);
      const name = folder ? `${folder}/${stem}` : stem;
      if (!name.includes(filter)) continue;
      const relative = path.join(folder, file);
      const source = readFileSync(path.join(root, relative), "latin1");
      const script = path.join(root, folder, `${stem}.x`);
      const folderFlags = existsSync(script) ? flagsOfX(readFileSync(script, "latin1"), flags) : flags;
      const sources = folder === "builtins" ? [relative, `builtins/${stem}-lib.c`, "builtins/lib/main.c"] : [relative];
      for (const level of target.levels) {
        const plan = planTest(source, target, level);
        if (plan.skip !== undefined) skipped.push({ name, variant: level, why: plan.skip });
        else tests.push({ name, level, sources, options: [...folderFlags, ...plan.options] });
      }
    }
  }
  return { tests, skipped };
}

function verdict(outcome: Outcome): Verdict {
  return {
    passed: outcome.ending.kind === "exit" && outcome.ending.code === 0,
    detail: describeEnding(outcome.ending),
  };
}

/** The share of tests that may fail to build. */
const MOST_UNBUILT = 0.02;

/** `count` of the items, evenly over the list. */
function spread<T>(items: readonly T[], count: number): readonly T[] {
  const step = Math.max(items.length / Math.max(count, 1), 1);
  return items.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
}

export const cTorture: Suite = {
  name: "c-torture",
  summary: "GCC's run-time tests (gcc.c-torture/execute), static, at each of a target's levels",
  targets: ["mipsel", "mips", "armhf", "armel"],
  async run(options: SuiteOptions) {
    const { target, ours, peer } = options;
    const { folder, version } = await testTree();
    const { tests: all, skipped } = listTests(folder, target, options.filter ?? "");
    const tests = spread(all, options.count ?? all.length);
    const unbuilt = new Set<Row>();
    const progress = new Progress(`c-torture ${target.name}`, tests.length);
    const rows = await parallel(tests, options.jobs, async (test, lane): Promise<Row> => {
      const named = { name: test.name, variant: test.level };
      let row: Row;
      try {
        const program = await build({
          target,
          args: [...test.level.split(" "), "-w", ...test.options, "-static", "-s", ...test.sources, "-lm"],
          cwd: folder,
          content: version,
        });
        const request = { program, args: [], cwd: folder, timeout: TIMEOUT };
        const seen = verdict(await ours[lane].run(request));
        row = { ...named, ours: seen, peer: peer === ours[lane] ? seen : verdict(await peer.run(request)) };
      } catch (error) {
        const failed = { passed: false, detail: `does not build: ${(error as Error).message}` };
        row = { ...named, ours: failed, peer: failed };
        unbuilt.add(row);
      }
      progress.step(!row.ours.passed);
      return row;
    });
    progress.end();
    // A few tests do not build for a target (ARM lacks what 18 of them ask for); many mean that the compiler is broken.
    if (unbuilt.size > tests.length * MOST_UNBUILT + 1) return { rows, skipped };
    const why = "does not build";
    return {
      rows: rows.filter((row) => !unbuilt.has(row)),
      skipped: [...skipped, ...[...unbuilt].map(({ name, variant }) => ({ name, variant: variant as string, why }))],
    };
  },
};
