/**
 * Files that want to hurt: damaged ELF files, and programs whose code is noise. babelf must end each with an exit code, a
 * guest signal or its own time limit; an exception of its own, a dead process or a run that does not come back fails.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "../harness/build.ts";
import { cacheFolder } from "../harness/cache.ts";
import { describeEnding } from "../harness/outcome.ts";
import { parallel } from "../harness/parallel.ts";
import { Progress } from "../harness/progress.ts";
import type { Row } from "../harness/report.ts";
import type { Suite, SuiteOptions } from "../harness/suite.ts";
import { crossSysroot, type Target } from "../harness/target.ts";
import { mutate } from "../hostile/mutate.ts";
import { randomProgram } from "../hostile/random-program.ts";
import { Random } from "../random/prng.ts";

/** Of each kind. */
const DEFAULT_COUNT = 2000;
/** Seconds: noise often loops. */
const TIMEOUT = 1;
const MUTATION_STREAM = 0x10000000;

const HELLO = `#include <stdio.h>
int main(int argc, char **argv) { double d = argc / 3.0; printf("hello %s %f\\n", argv[0], d); return 3; }
`;

/** What gets damaged: a static program, a dynamic one, a position-independent one, and a tiny one. */
async function originals(target: Target, folder: string): Promise<Buffer[]> {
  const source = path.join(folder, "hello.c");
  writeFileSync(source, HELLO);
  const ways = [
    ["-O1", "-static", "-s"],
    ["-O1", "-no-pie"],
    ["-O1", "-pie", "-fPIE"],
  ];
  const programs: Buffer[] = [];
  for (const flags of ways)
    programs.push(readFileSync(await build({ target, args: [...flags, "hello.c"], cwd: folder, content: HELLO })));
  programs.push(randomProgram(new Random(0), target));
  return programs;
}

export const hostile: Suite = {
  name: "hostile",
  summary: "damaged ELF files and programs of random bytes",
  targets: ["mipsel", "mips", "armhf", "armel"],
  async run(options: SuiteOptions) {
    const { target, seed } = options;
    const count = options.count ?? DEFAULT_COUNT;
    const folder = mkdtempSync(path.join(tmpdir(), "babelf-hostile-"));
    try {
      const sources = await originals(target, folder);
      const cases = ["mutated", "noise"].flatMap((kind) =>
        Array.from({ length: count }, (_, number) => ({ kind, number })),
      );
      const selected = cases.filter(({ kind, number }) => `${kind} ${number}`.includes(options.filter ?? ""));
      const progress = new Progress(`hostile ${target.name}`, selected.length);
      const rows = await parallel(selected, options.jobs, async ({ kind, number }, lane): Promise<Row> => {
        const cwd = path.join(folder, String(lane), "work");
        rmSync(cwd, { recursive: true, force: true });
        mkdirSync(cwd, { recursive: true });
        const program = path.join(folder, String(lane), "program");
        const bytes =
          kind === "mutated"
            ? mutate(sources[number % sources.length], new Random(seed, MUTATION_STREAM + number), target.littleEndian)
            : randomProgram(new Random(seed, number), target);
        writeFileSync(program, bytes, { mode: 0o755 });
        const outcome = await options.ours[lane].run({
          program,
          args: ["argument"],
          cwd,
          sysroot: crossSysroot(target),
          timeout: TIMEOUT,
        });
        const passed = outcome.ending.kind !== "broken";
        let detail = describeEnding(outcome.ending);
        if (!passed) {
          const kept = path.join(cacheFolder("hostile-failures"), `${target.name}-${seed}-${kind}-${number}`);
          copyFileSync(program, kept);
          detail += `; kept as ${kept}`;
        }
        progress.step(!passed);
        return { name: `${kind} ${number}`, ours: { passed, detail } };
      });
      progress.end();
      const endings = new Map<string, number>();
      for (const { ours } of rows) if (ours.passed) endings.set(ours.detail, (endings.get(ours.detail) ?? 0) + 1);
      const common = [...endings].sort((a, b) => b[1] - a[1]).slice(0, 12);
      return { rows, skipped: [], notes: [`  endings: ${common.map(([ending, n]) => `${ending} ×${n}`).join(", ")}`] };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
