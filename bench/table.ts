/** Measurements into the Markdown of docs/benchmarks.md. */
import { CLASSES, type ClassName, type Measurement, type Sample, type Way } from "./case.ts";

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** One run of the bench: what its tables' heads say. */
export interface Bench {
  readonly machine: string;
  readonly command: string;
  readonly rounds: number;
  readonly measurements: readonly Measurement[];
}

type Figure = keyof Sample;

const of = (m: Measurement, way: Way, figure: Figure): number | undefined => {
  const samples = m.samples[way];
  return samples && samples.length > 0 ? median(samples.map((sample) => sample[figure])) : undefined;
};
const ratio = (m: Measurement, figure: Figure, way: Way = "babelf", to: Way = "qemu"): number | undefined => {
  const [ours, theirs] = [of(m, way, figure), of(m, to, figure)];
  return ours !== undefined && theirs ? ours / theirs : undefined;
};
const known = (values: readonly (number | undefined)[]) => values.filter((value) => value !== undefined);
const seconds = (value: number | undefined) => (value === undefined ? "–" : value.toFixed(value < 0.0995 ? 4 : 2));
const times = (value: number | undefined) => value?.toFixed(2) ?? "–";
const whole = (value: number | undefined) => value?.toFixed(0) ?? "–";
const mean = (values: readonly (number | undefined)[]) =>
  known(values).length > 0 ? geometricMean(known(values)) : undefined;

interface Column {
  readonly head: string;
  readonly cell: (m: Measurement) => string;
  /** Left out where no row has it. */
  readonly way?: Way;
  /** What stands below it. */
  readonly mean?: (m: Measurement) => number | undefined;
}

const wall = (way: Way): Column => ({ head: way, way, cell: (m) => seconds(of(m, way, "wall")) });
const relative = (head: string, figure: Figure, way: Way = "babelf"): Column => {
  const mean = (m: Measurement) => ratio(m, figure, way);
  return { head, way, cell: (m) => times(mean(m)), mean };
};

const COLUMNS: readonly Column[] = [
  { head: "case", cell: (m) => m.name },
  ...(["babelf", "cold", "qemu", "native", "wasm", "node"] as const).map(wall),
  relative("**babelf ÷ qemu**", "wall"),
  relative("cold ÷ qemu", "wall", "cold"),
  { head: "CPU babelf", cell: (m) => seconds(of(m, "babelf", "cpu")) },
  { head: "CPU qemu", cell: (m) => seconds(of(m, "qemu", "cpu")) },
  relative("CPU ÷", "cpu"),
  { head: "MiB babelf", cell: (m) => whole(of(m, "babelf", "peak")) },
  { head: "MiB qemu", cell: (m) => whole(of(m, "qemu", "peak")) },
];

const PROPORTION: readonly Column[] = [
  { head: "case", cell: (m) => m.name },
  ...(["babelf", "babelf×10", "qemu", "qemu×10"] as const).map(wall),
  { head: "**babelf, growth**", cell: (m) => times(ratio(m, "wall", "babelf×10", "babelf")) },
  { head: "qemu, growth", cell: (m) => times(ratio(m, "wall", "qemu×10", "qemu")) },
  { head: "CPU babelf, growth", cell: (m) => times(ratio(m, "cpu", "babelf×10", "babelf")) },
  { head: "CPU qemu, growth", cell: (m) => times(ratio(m, "cpu", "qemu×10", "qemu")) },
];

function table(rows: readonly Measurement[], columns: readonly Column[]): string[] {
  const used = columns.filter(({ way }) => way === undefined || rows.some((m) => m.samples[way] !== undefined));
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const means = used.map((column, i) =>
    column.mean ? `**${times(mean(rows.map(column.mean)))}**` : i === 0 ? "**geometric mean**" : "",
  );
  return [
    line(used.map(({ head }) => head)),
    line(used.map((_, i) => (i === 0 ? "---" : "---:"))),
    ...rows.map((m) => line(used.map(({ cell }) => cell(m)))),
    ...(used.some((column) => column.mean) && rows.length > 1 ? [line(means)] : []),
  ];
}

/** A class in one line for each target: how it stands as a whole, and where it is worst. */
function overview(measurements: readonly Measurement[]): string[] {
  const lines = [
    "| class | target | cases | babelf ÷ qemu, geometric mean | CPU ÷ | slowest | faster than qemu |",
    "| --- | --- | ---: | ---: | ---: | --- | ---: |",
  ];
  for (const [kind, rows] of grouped(measurements)) {
    if (kind.class === "proportion") continue;
    const measured = rows.filter((m) => ratio(m, "wall") !== undefined);
    const [slowest] = [...measured].sort((a, b) => ratio(b, "wall")! - ratio(a, "wall")!);
    const won = measured.filter((m) => ratio(m, "wall")! < 1).length;
    lines.push(
      `| ${CLASSES[kind.class]} | ${kind.target} | ${rows.length} | **${times(mean(rows.map((m) => ratio(m, "wall"))))}** | ` +
        `${times(mean(rows.map((m) => ratio(m, "cpu"))))} | ${slowest ? `${slowest.name} ${times(ratio(slowest, "wall"))}` : "–"} | ${won} of ${measured.length} |`,
    );
  }
  return lines;
}

function grouped(measurements: readonly Measurement[]): [{ class: ClassName; target: string }, Measurement[]][] {
  const targets = [...new Set(measurements.map((m) => m.target))];
  return (Object.keys(CLASSES) as ClassName[]).flatMap((kind) =>
    targets.flatMap((target) => {
      const rows = measurements.filter((m) => m.class === kind && m.target === target);
      return rows.length > 0
        ? [[{ class: kind, target }, rows] as [{ class: ClassName; target: string }, Measurement[]]]
        : [];
    }),
  );
}

/** Several runs of the bench may stand in one document; `notes` is what people wrote about the figures. */
export function markdown(benches: readonly Bench[], notes?: string): string {
  const lines: string[] = ["# Benchmarks", ""];
  for (const { command, machine, rounds } of benches)
    lines.push(`Printed by \`${command}\` (${machine}; median of ${rounds}).`, "");
  lines.push(
    "Seconds of wall time from start to end, start-up included. Ratios are time under babelf by time under qemu-user: below 1",
    "is faster. CPU is user and system time of all of a run's processes, by wait4(2): on a machine that others use, too, it",
    "says more than wall time. MiB is the largest resident set of one process. `cold` is `--no-cache`, `wasm` is the same C compiled to",
    "WebAssembly by clang and run in Node, `node` is `node -e 0`.",
    "",
  );
  const all = benches.flatMap(({ measurements }) => measurements);
  lines.push(...overview(all), "");
  for (const [kind, rows] of grouped(all))
    lines.push(
      `## ${CLASSES[kind.class]}, ${kind.target}`,
      "",
      ...table(rows, kind.class === "proportion" ? PROPORTION : COLUMNS),
      "",
      ...rows.flatMap((m) => (m.failure === undefined ? [] : [`- ${m.name} failed: ${m.failure}`, ""])),
    );
  if (notes !== undefined) lines.push(notes);
  return `${lines.join("\n").trimEnd()}\n`;
}
