/** Times into the Markdown of docs/benchmarks.md. */

export interface Measurement {
  readonly group: "kernels" | "system";
  readonly program: string;
  readonly target: string;
  /** Seconds of wall time of each round, by contender: babelf, qemu, native; node: Node with nothing to do. */
  readonly times: Readonly<Record<string, readonly number[]>>;
  readonly failure?: string;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

const TITLES = { kernels: "Kernels", system: "Starting and system calls" } as const;

export function markdown(
  measurements: readonly Measurement[],
  run: { machine: string; command: string; rounds: number },
): string {
  const lines = [
    `Printed by \`${run.command}\`. ${run.machine}. Seconds of wall time with start-up, median of ${run.rounds};`,
    "the programs are static, built by gcc -O2, and print the same everywhere.",
    "",
  ];
  for (const group of ["kernels", "system"] as const) {
    for (const target of new Set(measurements.map((m) => m.target))) {
      const rows = measurements.filter((m) => m.group === group && m.target === target);
      if (rows.length === 0) continue;
      lines.push(`## ${TITLES[group]}, ${target}`, "", ...table(rows), "");
    }
  }
  return `${lines.join("\n")}`;
}

function table(rows: readonly Measurement[]): string[] {
  const lines = [
    "| program | babelf | qemu | native | times as fast as qemu | times native |",
    "| --- | ---: | ---: | ---: | ---: | ---: |",
  ];
  const faster: number[] = [];
  const slower: number[] = [];
  for (const row of rows) {
    const of = (name: string) => (row.times[name] ? median(row.times[name]) : undefined);
    const [ours, qemu, native] = [of("babelf"), of("qemu"), of("native")];
    const ratio = (a: number | undefined, b: number | undefined, into: number[]) => {
      if (a === undefined || b === undefined) return "–";
      into.push(a / b);
      return (a / b).toFixed(2);
    };
    const time = (seconds: number | undefined) => seconds?.toFixed(3) ?? "–";
    lines.push(
      `| ${row.program} | ${time(ours)} | ${time(qemu)} | ${time(native)} | ${ratio(qemu, ours, faster)} | ${ratio(ours, native, slower)} |`,
    );
    if (row.times.node) lines.push(`| \`node -e 0\` | ${time(of("node"))} | – | – | – | – |`);
  }
  const mean = (values: readonly number[]) => (values.length ? geometricMean(values).toFixed(2) : "–");
  lines.push(`| **geometric mean** | | | | **${mean(faster)}** | **${mean(slower)}** |`);
  return lines;
}
