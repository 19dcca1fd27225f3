/** Runs a case's ways in turn, several times, and compares what they print. */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "../conformance/harness/build.ts";
import { runChild } from "../conformance/harness/child.ts";
import { describeEnding } from "../conformance/harness/outcome.ts";
import type { Case, Measurement, Run, Sample, Setting, Way } from "./case.ts";
import { median } from "./table.ts";

/** Seconds for one run. */
const TIMEOUT = 300;
const RUSAGE = path.join(import.meta.dirname, "rusage.c");

/** The program that asks wait4(2). */
async function rusage(): Promise<string> {
  return build({ target: "native", args: ["-O2", RUSAGE], cwd: "/", content: readFileSync(RUSAGE, "utf8") });
}

async function once(run: Run): Promise<{ sample: Sample; output: string }> {
  const notes = mkdtempSync(path.join(tmpdir(), "babelf-bench-"));
  try {
    rmSync(run.cwd, { recursive: true, force: true });
    mkdirSync(run.cwd, { recursive: true });
    run.prepare?.(run.cwd);
    const times = path.join(notes, "times");
    const { ending, stdout, stderr } = await runChild({
      file: await rusage(),
      args: [times, ...run.argv],
      cwd: run.cwd,
      env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/", LC_ALL: "C", ...run.env },
      ...(run.stdin ? { stdin: run.stdin } : {}),
      timeout: TIMEOUT,
    });
    if (ending.kind !== "exit" || ending.code !== 0) {
      const said = Buffer.from(stderr).toString().trim().split("\n").at(-1) ?? "";
      throw new Error(`${describeEnding(ending)} ${said}`.trim());
    }
    const text = Buffer.from(stdout).toString("latin1");
    if (run.samples) return { sample: JSON.parse(text) as Sample, output: "" };
    const [wall, user, system, peak] = readFileSync(times, "utf8").split(" ").map(Number);
    const made = run.makes === undefined ? "" : hash(readFileSync(path.join(run.cwd, run.makes)));
    return { sample: { wall, cpu: user + system, peak: peak / 1024 }, output: text + made };
  } finally {
    rmSync(notes, { recursive: true, force: true });
    rmSync(run.cwd, { recursive: true, force: true });
  }
}

const hash = (bytes: string | Uint8Array) => createHash("sha256").update(bytes).digest("hex").slice(0, 12);
const shown = (output: string) => (output.length > 60 ? `${hash(output)} (a hash)` : JSON.stringify(output));

/** The peer's output is right; native code's and WebAssembly's must be the same. */
const JUDGES: readonly Way[] = ["qemu", "native", "wasm", "babelf", "cold"];

export async function measure(one: Case, setting: Setting, rounds: number): Promise<Measurement> {
  const { target } = setting;
  const label = `${target.name} ${one.class}/${one.name}`;
  const samples: Partial<Record<Way, Sample[]>> = {};
  const outputs = new Map<Way, string>();
  let failure: string | undefined;
  try {
    const ways = Object.entries(await one.ways(setting)) as [Way, Run][];
    // Not counted: babelf's caches are warm afterwards.
    const broken = new Set<Way>();
    const attempt = async (way: Way, run: Run, counts: boolean) => {
      if (broken.has(way)) return;
      try {
        const { sample, output } = await once(run);
        if (!run.samples && !run.incomparable) {
          const before = outputs.get(way);
          if (before !== undefined && before !== output) throw new Error("does not print the same each time");
          outputs.set(way, output);
        }
        if (counts) (samples[way] ??= []).push(sample);
      } catch (error) {
        failure ??= `${way}: ${(error as Error).message}`;
        broken.add(way);
        delete samples[way];
      }
    };
    for (const [way, run] of ways) if (way === "babelf" && !run.samples) await attempt(way, run, false);
    for (let round = 0; round < rounds; round++) for (const [way, run] of ways) await attempt(way, run, true);
    const judge = JUDGES.find((way) => outputs.has(way));
    if (judge !== undefined)
      for (const [way, output] of outputs) {
        if (way.endsWith("×10") || output === outputs.get(judge)) continue;
        failure ??= `${way} gives ${shown(output)}, ${judge} ${shown(outputs.get(judge)!)}`;
        delete samples[way];
      }
  } catch (error) {
    failure = (error as Error).message;
  }
  const show = Object.entries(samples).map(
    ([way, list]) =>
      `${way} ${median(list.map((s) => s.wall)).toFixed(3)} (cpu ${median(list.map((s) => s.cpu)).toFixed(3)})`,
  );
  process.stderr.write(`${label}: ${show.join(", ")}${failure === undefined ? "" : `  FAILED ${failure}`}\n`);
  return {
    class: one.class,
    name: one.name,
    target: target.name,
    samples,
    ...(failure === undefined ? {} : { failure }),
  };
}
