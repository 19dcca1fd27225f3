/**
 * Random instruction sequences from random registers, run by babelf and by the peer, compared in every register and in
 * memory. What is made depends on the seed and the sequence's number only. A difference is cut down to the instructions
 * that are needed for it and printed as assembly.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describeEnding, type Driver, type Outcome } from "../harness/outcome.ts";
import { parallel } from "../harness/parallel.ts";
import { Progress } from "../harness/progress.ts";
import type { Row } from "../harness/report.ts";
import type { Suite, SuiteOptions } from "../harness/suite.ts";
import type { Target } from "../harness/target.ts";
import { arm } from "../random/arm.ts";
import { dropUnits, type Difference, type Generator, type Sequence } from "../random/generator.ts";
import { mips } from "../random/mips.ts";
import { Random } from "../random/prng.ts";

/** By what stands on the command line. */
const GENERATORS: Readonly<Record<string, Generator>> = {
  mipsel: mips,
  mips,
  arm: arm("arm"),
  thumb: arm("thumb"),
  vfp: arm("vfp"),
  neon: arm("neon"),
};

const DEFAULT_COUNT = 100_000;
const BATCH = 500;
/** Each sequence starts from so many different states. */
const STATES = 2;
const TIMEOUT = 120;
/** So many differences are cut down and shown; more are counted. */
const SHOWN = 10;

interface Comparison {
  /** The number of the sequence in its batch, or -1 if the runs as a whole ended differently. */
  readonly index: number;
  readonly state: number;
  readonly differences: readonly Difference[];
}

/** Whole batches share a variant, because it belongs to the program. */
const variantOf = ({ variants }: Generator, number: number): string =>
  variants[Math.floor(number / BATCH) % variants.length] as string;

function makeSequence(generator: Generator, seed: number, number: number, target: Target): Sequence {
  const random = new Random(seed, number);
  const units = generator.makeUnits(random, variantOf(generator, number));
  const states = Array.from({ length: STATES }, () => generator.makeState(random, target.littleEndian));
  return { units, states };
}

/** Both of babelf's ways to run code: translated before it runs, and interpreted as long as it runs. */
const TRANSLATE_AFTER = [0, 1e9];

/** Runs a program on both sides and compares record by record. */
async function compare(
  generator: Generator,
  program: string,
  folder: string,
  target: Target,
  ours: Driver,
  peer: Driver,
): Promise<{ found: Comparison[]; records: number }> {
  const request = { program, args: [], cwd: folder, timeout: TIMEOUT };
  const expected = await peer.run(request);
  const found: Comparison[] = [];
  let records = Number.POSITIVE_INFINITY;
  for (const translateAfter of TRANSLATE_AFTER) {
    const outcome = await ours.run({ ...request, translateAfter });
    const comparison = compareOutcomes(generator, outcome, expected, target);
    found.push(...comparison.found);
    records = Math.min(records, comparison.records);
  }
  return { found, records };
}

function compareOutcomes(
  { recordSize, differences }: Generator,
  a: Outcome,
  b: Outcome,
  target: Target,
): { found: Comparison[]; records: number } {
  const found: Comparison[] = [];
  const records = Math.min(a.stdout.length, b.stdout.length) / recordSize;
  for (let n = 0; n + 1 <= records; n++) {
    const slice = (outcome: Outcome) => outcome.stdout.subarray(n * recordSize, (n + 1) * recordSize);
    const list = differences(slice(a), slice(b), target.littleEndian);
    if (list.length > 0) found.push({ index: Math.floor(n / STATES), state: n % STATES, differences: list });
  }
  if (describeEnding(a.ending) !== describeEnding(b.ending) || a.stdout.length !== b.stdout.length) {
    const show = (outcome: Outcome) => {
      const said = Buffer.from(outcome.stderr).toString().trim().split("\n")[0];
      return `${describeEnding(outcome.ending)}${said ? ` (${said})` : ""} after ${Math.floor(outcome.stdout.length / recordSize)} records`;
    };
    const at = Math.floor(records);
    found.push({
      index: Math.floor(at / STATES),
      state: at % STATES,
      differences: [{ where: "the run", ours: show(a), peer: show(b) }],
    });
  }
  return { found, records: Math.floor(records) };
}

/** Drops units while the difference stays, then describes what is left. */
async function minimise(
  generator: Generator,
  number: number,
  state: number,
  options: SuiteOptions,
  ours: Driver,
  folder: string,
): Promise<string> {
  const { target, peer } = options;
  const variant = variantOf(generator, number);
  const sequence = makeSequence(generator, options.seed, number, target);
  const differing = async (units: Sequence["units"]) => {
    const trial = [{ units, states: Array.from({ length: STATES }, () => sequence.states[state]) }];
    const program = await generator.buildProgram(trial, target, variant, folder, "trial");
    return (await compare(generator, program, folder, target, ours, peer)).found[0]?.differences;
  };
  let units = sequence.units;
  let difference = await differing(units);
  const title = `sequence ${number} of seed ${options.seed}, ${variant}, ${options.name}`;
  if (!difference) return `${title}: differs only among others of its batch`;
  for (let size = Math.ceil(units.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < units.length;) {
      const fewer = dropUnits(units, at, size);
      const still = fewer.length > 0 ? await differing(fewer) : undefined;
      if (still) [units, difference] = [fewer, still];
      else at += size;
    }
  }
  await differing(units); // leaves the smallest program in the folder
  const listing = await generator.listing(path.join(folder, "trial"), target);
  const before = generator.before(listing, sequence.states[state], variant, target.littleEndian);
  return [
    `  ${title}; before: ${before.join(" ")}`,
    ...listing.map((line) => `    ${line.trimEnd()}`),
    ...difference.slice(0, 8).map((d) => `    ${d.where}: ours ${d.ours}, peer ${d.peer}`),
  ].join("\n");
}

export const random: Suite = {
  name: "random",
  summary: "random instruction sequences, registers and memory compared",
  targets: Object.keys(GENERATORS),
  targetOf: (name) => (name in GENERATORS && !name.startsWith("mips") ? "armhf" : name),
  async run(options: SuiteOptions) {
    const { target, peer, name } = options;
    const generator = GENERATORS[name];
    const count = options.count ?? DEFAULT_COUNT;
    const folder = mkdtempSync(path.join(tmpdir(), "babelf-random-"));
    const batches = Array.from({ length: Math.ceil(count / BATCH) }, (_, n) => n);
    const progress = new Progress(`random ${name}`, count);
    const rows: Row[] = [];
    const notes: string[] = [];
    let shown = 0;
    try {
      await parallel(batches, options.jobs, async (batch, lane) => {
        const first = batch * BATCH;
        const numbers = Array.from({ length: Math.min(BATCH, count - first) }, (_, n) => first + n);
        const sequences = numbers.map((number) => makeSequence(generator, options.seed, number, target));
        const own = path.join(folder, String(lane));
        mkdirSync(own, { recursive: true });
        const program = await generator.buildProgram(sequences, target, variantOf(generator, first), own, "batch");
        const { found, records } = await compare(generator, program, own, target, options.ours[lane], peer);
        const wrong = new Map(found.map((f) => [f.index, f]));
        for (const [index, comparison] of wrong) {
          if (shown++ < SHOWN && index < numbers.length)
            notes.push(await minimise(generator, numbers[index], comparison.state, options, options.ours[lane], own));
        }
        for (const [index, number] of numbers.entries()) {
          const reached = index < Math.ceil(records / STATES) || wrong.has(index);
          const comparison = wrong.get(index);
          const detail = comparison
            ? comparison.differences
                .slice(0, 3)
                .map((d) => `${d.where} ${d.ours}, peer ${d.peer}`)
                .join("; ")
            : reached
              ? "same"
              : "not reached";
          rows.push({
            name: `sequence ${number}`,
            ours: { passed: !comparison && reached, detail },
            peer: { passed: true, detail: "" },
          });
        }
        progress.step(wrong.size, numbers.length);
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    progress.end();
    return { rows, skipped: [], notes };
  },
};
