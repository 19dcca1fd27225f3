/**
 * QEMU's own user-mode tests (tests/tcg), from Debian's source package of qemu. They must end as they end under the peer,
 * and print the same where they print results.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "../harness/build.ts";
import { unpackSource } from "../harness/debian.ts";
import { describeEnding, firstDifference, sameBytes, sameEnding, type Outcome } from "../harness/outcome.ts";
import { parallel } from "../harness/parallel.ts";
import { Progress } from "../harness/progress.ts";
import type { Row, SkippedRow, Verdict } from "../harness/report.ts";
import type { Suite, SuiteOptions } from "../harness/suite.ts";
import type { Target } from "../harness/target.ts";

const TREE = "tests/tcg";
/** Their own makefile's. */
const FLAGS = ["-O0", "-g", "-fno-strict-aliasing", "-static"];
const TIMEOUT = 90;

interface Test {
  readonly name: string;
  readonly sources: readonly string[];
  readonly flags?: readonly string[];
  /** What a target needs beside: instructions that its compiler does not take for granted. */
  readonly flagsFor?: Readonly<Record<string, readonly string[]>>;
  /** A main that replaces the file's own, to run a part of it. */
  readonly main?: string;
  readonly args?: readonly string[];
  /** Guest instruction sets; all if absent. */
  readonly isa?: Target["isa"];
  /** Takes out of stdout what may differ between two right answers. */
  readonly normalise?: (text: string) => string;
}

/** Functions of linux-test.c, each a test of its own, so that a report says which one fails. */
const linuxTestPart = (part: string): Test => ({
  name: `linux-test ${part}`,
  sources: ["multiarch/linux/linux-test.c"],
  main: `test_${part}();`,
});

function sortedLines(text: string): string {
  return text.split("\n").sort().join("\n");
}

const TESTS: readonly Test[] = [
  ...["overflow", "sha1", "sha512"].map((name) => ({ name, sources: [`multiarch/${name}.c`] })),
  { name: "sigbus", sources: ["multiarch/sigbus.c"], flagsFor: { armel: ["-march=armv7-a"] } },
  ...["float_convd", "float_convs", "float_madds"].map((name) => ({
    name,
    sources: [`multiarch/${name}.c`, "multiarch/libs/float_helpers.c"],
    flags: ["-Imultiarch", "-lm"],
  })),
  {
    name: "test-mmap",
    sources: ["multiarch/test-mmap.c"],
    // Where mappings land is the kernel's choice.
    normalise: (text) => text.replace(/0x[0-9a-f]+/g, "0x…"),
  },
  { name: "linux-madvise", sources: ["multiarch/linux/linux-madvise.c"] },
  ...["file", "pipe", "fork", "time", "socket", "signal", "shm"].map(linuxTestPart),
  { name: "munmap-pthread", sources: ["multiarch/munmap-pthread.c"], flags: ["-pthread"] },
  {
    name: "signals",
    sources: ["multiarch/signals.c"],
    flags: ["-pthread", "-lrt"],
    // Which thread took how many of them is the scheduler's choice, and how many beyond 2,000 there are when one looks.
    normalise: (text) =>
      sortedLines(text.replace(/saw \d+ alarms from \d+/g, "saw … alarms").replace(/after: 2\d{3} /g, "after: … ")),
  },
  // Two threads print at their own pace.
  { name: "testthread", sources: ["multiarch/testthread.c"], flags: ["-pthread"], normalise: sortedLines },
  { name: "threadcount", sources: ["multiarch/threadcount.c"], flags: ["-pthread"] },
  {
    name: "hello-mips",
    sources: ["mips/hello-mips.c"],
    flags: ["-mno-abicalls", "-fno-PIC", "-mabi=32", "-nostdlib"],
    isa: "mips",
  },
  {
    name: "fcvt",
    sources: ["arm/fcvt.c"],
    flags: ["-lm"],
    flagsFor: { armel: ["-march=armv7-a+fp", "-mfloat-abi=softfp"] },
    isa: "arm",
  },
  { name: "pcalign-a32", sources: ["arm/pcalign-a32.c"], flags: ["-marm"], isa: "arm" },
  { name: "commpage", sources: ["arm/commpage.c"], isa: "arm" },
  ...["sha1", "sha512"].map((name): Test => ({
    name: `${name}-vector`,
    sources: [`multiarch/${name}.c`],
    flags: ["-O3"],
    isa: "arm",
  })),
];

const LEFT_OUT: readonly SkippedRow[] = [
  { name: "linux-test clone", why: "waits for threads as if they were children; its own main leaves it out, too" },
  { name: "mips/user/ase/dsp, mips/user/ase/msa", why: "DSP and MSA: extensions that are not asked for" },
  { name: "mips/user/isa/mips64r6, mips/user/isa/r5900", why: "other processors" },
  {
    name: "arm/hello-arm",
    why: "old-ABI system calls, which a kernel without CONFIG_OABI_COMPAT (Debian's) does not have",
  },
  { name: "arm/test-arm-iwmmxt, arm/test-armv6m-undef", why: "other processors" },
  { name: "multiarch/gdbstub", why: "tests of the debugger's protocol" },
  { name: "multiarch/system, multiarch/arm-compat-semi", why: "not user mode" },
];

async function buildTest(test: Test, target: Target, tree: string, folder: string): Promise<string> {
  const content = test.sources.map((file) => readFileSync(path.join(tree, file), "utf8")).join("\0");
  const flags = [...(test.flags ?? []), ...(test.flagsFor?.[target.name] ?? [])];
  if (test.main === undefined)
    return build({ target, args: [...FLAGS, ...test.sources, ...flags], cwd: tree, content });
  // The original, its main renamed, and a main that calls one part.
  const [source] = test.sources;
  const wrapper = `#define main whole_main
#include "${path.join(tree, source)}"
#undef main
int main(void) { ${test.main} return 0; }
`;
  const file = path.join(folder, `${test.name.replaceAll(" ", "-")}.c`);
  writeFileSync(file, wrapper);
  return build({ target, args: [...FLAGS, "-w", file, ...flags], cwd: tree, content: content + wrapper });
}

export const qemuTcg: Suite = {
  name: "qemu-tcg",
  summary: "QEMU's own user-mode tests",
  targets: ["mipsel", "mips", "armhf", "armel"],
  async run(options: SuiteOptions) {
    const { target, peer } = options;
    const tree = await unpackSource("qemu", TREE);
    const tests = TESTS.filter(
      (test) => (test.isa ?? target.isa) === target.isa && test.name.includes(options.filter ?? ""),
    );
    const progress = new Progress(`qemu-tcg ${target.name}`, tests.length);
    const folder = mkdtempSync(path.join(tmpdir(), "babelf-tcg-"));
    try {
      const rows = await parallel(tests, options.jobs, async (test, lane): Promise<Row> => {
        const cwd = path.join(folder, String(lane));
        mkdirSync(cwd, { recursive: true });
        const program = await buildTest(test, target, tree, cwd);
        const request = { program, args: test.args ?? [], cwd, timeout: TIMEOUT };
        const theirs = await peer.run(request);
        const mine = await options.ours[lane].run(request);
        const ours = compare(mine, theirs, test);
        progress.step(!ours.passed);
        const detail = describeEnding(theirs.ending);
        return { name: test.name, ours, peer: { passed: detail === "exit 0", detail } };
      });
      progress.end();
      return { rows, skipped: LEFT_OUT };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function compare(ours: Outcome, peer: Outcome, test: Test): Verdict {
  const said = Buffer.from(ours.stderr).toString().trim().split("\n").at(-1) ?? "";
  if (!sameEnding(ours.ending, peer.ending)) {
    const detail = `${describeEnding(ours.ending)}, peer ${describeEnding(peer.ending)}${said ? `; ${said}` : ""}`;
    return { passed: false, detail };
  }
  const text = (outcome: Outcome) => {
    const raw = Buffer.from(outcome.stdout).toString("latin1");
    return Buffer.from(test.normalise ? test.normalise(raw) : raw, "latin1");
  };
  const [a, b] = [text(ours), text(peer)];
  if (!sameBytes(a, b)) return { passed: false, detail: `stdout ${firstDifference(a, b)}` };
  return { passed: true, detail: describeEnding(ours.ending) };
}
