/**
 * Random instruction sequences from random registers, run by babelf and by the peer, compared in every register and in
 * memory. What is made depends on the seed and the sequence's number only. A difference is cut down to the instructions
 * that are needed for it and printed as assembly.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { runTool } from "../harness/child.ts";
import { describeEnding, type Driver, type Outcome } from "../harness/outcome.ts";
import { parallel } from "../harness/parallel.ts";
import { Progress } from "../harness/progress.ts";
import type { Row } from "../harness/report.ts";
import type { Suite, SuiteOptions } from "../harness/suite.ts";
import type { Target } from "../harness/target.ts";
import { floatOperand, fcsrOperand, integerOperand } from "../random/mips-operands.ts";
import { buildProgram, type Sequence } from "../random/mips-program.ts";
import { makeSequence } from "../random/mips-sequence.ts";
import { Random } from "../random/prng.ts";
import { LAYOUT, RECORD_SIZE, differences, hex, nameOf, type Difference } from "../random/record.ts";

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

function makeState(random: Random, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(RECORD_SIZE);
  const view = new DataView(bytes.buffer);
  const put = (index: number, value: number) => view.setUint32(index * 4, value, littleEndian);
  for (let n = 1; n < 32; n++) put(LAYOUT.gpr + n, n >= 26 && n <= 29 ? 0 : integerOperand(random));
  put(LAYOUT.hi, integerOperand(random));
  put(LAYOUT.lo, integerOperand(random));
  put(LAYOUT.fcsr, fcsrOperand(random));
  for (let n = 0; n < 32; n++) view.setBigUint64((LAYOUT.fpr + 2 * n) * 4, floatOperand(random), littleEndian);
  for (let n = LAYOUT.scratch; n < LAYOUT.words; n += 2) view.setBigUint64(n * 4, floatOperand(random), littleEndian);
  return bytes;
}

function sequenceNumber(seed: number, number: number, target: Target): { sequence: Sequence; fr1: boolean } {
  // Whole batches share a floating-point register mode, because it belongs to the program.
  const fr1 = Math.floor(number / BATCH) % 2 === 1;
  const random = new Random(seed, number);
  const units = makeSequence(random, fr1);
  const states = Array.from({ length: STATES }, () => makeState(random, target.littleEndian));
  return { sequence: { units, states }, fr1 };
}

/** Runs a program on both sides and compares record by record. */
async function compare(
  program: string,
  folder: string,
  target: Target,
  ours: Driver,
  peer: Driver,
): Promise<{ found: Comparison[]; records: number }> {
  const request = { program, args: [], cwd: folder, timeout: TIMEOUT };
  const [a, b]: [Outcome, Outcome] = [await ours.run(request), await peer.run(request)];
  const found: Comparison[] = [];
  const records = Math.min(a.stdout.length, b.stdout.length) / RECORD_SIZE;
  for (let n = 0; n + 1 <= records; n++) {
    const slice = (outcome: Outcome) => outcome.stdout.subarray(n * RECORD_SIZE, (n + 1) * RECORD_SIZE);
    const list = differences(slice(a), slice(b), target.littleEndian);
    if (list.length > 0) found.push({ index: Math.floor(n / STATES), state: n % STATES, differences: list });
  }
  if (describeEnding(a.ending) !== describeEnding(b.ending) || a.stdout.length !== b.stdout.length) {
    const show = (outcome: Outcome) => {
      const said = Buffer.from(outcome.stderr).toString().trim().split("\n")[0];
      return `${describeEnding(outcome.ending)}${said ? ` (${said})` : ""} after ${Math.floor(outcome.stdout.length / RECORD_SIZE)} records`;
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
  number: number,
  state: number,
  options: SuiteOptions,
  ours: Driver,
  folder: string,
): Promise<string> {
  const { target, peer } = options;
  const { sequence, fr1 } = sequenceNumber(options.seed, number, target);
  const differing = async (units: Sequence["units"]) => {
    const trial = [{ units, states: Array.from({ length: STATES }, () => sequence.states[state]) }];
    const program = await buildProgram(trial, target, fr1, folder, "trial");
    return (await compare(program, folder, target, ours, peer)).found[0]?.differences;
  };
  let units = sequence.units;
  let difference = await differing(units);
  const title = `sequence ${number} of seed ${options.seed}, FR=${fr1 ? 1 : 0}, ${target.name}`;
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
  const listing = await runTool(`${target.triple}-objdump`, [
    "-d",
    "-M",
    "reg-names=numeric",
    path.join(folder, "trial"),
  ]);
  const code = /<q0>:\n([^]*?)(?:\n\n|$)/.exec(listing)?.[1] ?? "";
  // Without the four instructions that set the harness's registers, and the jump back at the end.
  const lines = code.split("\n").slice(4);
  const own = lines.slice(
    0,
    lines.findLastIndex((line) => line.includes("<save>")),
  );
  const view = new DataView(sequence.states[state].buffer);
  const used = new Set(
    [
      ...units
        .flatMap((u) => u.lines)
        .join(" ")
        .matchAll(/\$(f?)(\d+)/g),
    ].map((m) => `${m[1]}${m[2]}`),
  );
  const before: string[] = [];
  for (let index = 1; index < LAYOUT.scratch; index++) {
    const value = view.getUint32(index * 4, target.littleEndian);
    const name = index < 32 ? String(index) : index >= LAYOUT.fpr ? `f${(index - LAYOUT.fpr) >> 1}` : "";
    const always = index >= LAYOUT.hi && index <= LAYOUT.fcsr;
    if (
      always ||
      (name && (used.has(name) || (!fr1 && index >= LAYOUT.fpr && used.has(`f${((index - LAYOUT.fpr) >> 1) + 1}`))))
    )
      before.push(`${nameOf(index)}=${hex(value)}`);
  }
  return [
    `  ${title}; before: ${before.join(" ")}`,
    ...own.map((line) => `    ${line.trimEnd()}`),
    ...difference.slice(0, 8).map((d) => `    ${d.where}: ours ${d.ours}, peer ${d.peer}`),
  ].join("\n");
}

/** Takes units out and moves the branch targets behind them. */
export function dropUnits(units: Sequence["units"], at: number, size: number): Sequence["units"] {
  const moved = (to: number) => (to <= at ? to : Math.max(at, to - size));
  return units
    .filter((_, n) => n < at || n >= at + size)
    .map((unit) => ({
      lines: unit.lines.map((line) => line.replace(/@to\((\d+)\)/g, (_, to) => `@to(${moved(Number(to))})`)),
    }));
}

export const random: Suite = {
  name: "random",
  summary: "random instruction sequences, registers and memory compared",
  targets: ["mipsel", "mips"],
  async run(options: SuiteOptions) {
    const { target, peer } = options;
    const count = options.count ?? DEFAULT_COUNT;
    const folder = mkdtempSync(path.join(tmpdir(), "babelf-random-"));
    const batches = Array.from({ length: Math.ceil(count / BATCH) }, (_, n) => n);
    const progress = new Progress(`random ${target.name}`, count);
    const rows: Row[] = [];
    const notes: string[] = [];
    let shown = 0;
    try {
      await parallel(batches, options.jobs, async (batch, lane) => {
        const first = batch * BATCH;
        const numbers = Array.from({ length: Math.min(BATCH, count - first) }, (_, n) => first + n);
        const made = numbers.map((number) => sequenceNumber(options.seed, number, target));
        const own = path.join(folder, String(lane));
        mkdirSync(own, { recursive: true });
        const sequences = made.map((m) => m.sequence);
        const program = await buildProgram(sequences, target, made[0].fr1, own, "batch");
        const { found, records } = await compare(program, own, target, options.ours[lane], peer);
        const wrong = new Map(found.map((f) => [f.index, f]));
        for (const [index, comparison] of wrong) {
          if (shown++ < SHOWN && index < numbers.length)
            notes.push(await minimise(numbers[index], comparison.state, options, options.ours[lane], own));
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
