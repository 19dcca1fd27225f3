/** docs/syscalls.md from the system-call rows. */
import { EABI_NUMBERS, EABI_ROWS } from "../src/syscalls/abi/arm-eabi-numbers.ts";
import { O32_NUMBERS } from "../src/syscalls/abi/mips-o32-numbers.ts";
import { ROWS, ROWS_BY_SUBJECT } from "../src/syscalls/rows.ts";
import type { Support, SyscallRow } from "../src/syscalls/row.ts";

/** The number tables of the guests, by the name that a column has. */
const ABIS: readonly (readonly [string, ReadonlyMap<string, number>])[] = [
  ["MIPS o32", O32_NUMBERS],
  ["ARM EABI", new Map([...EABI_NUMBERS].map(([name, number]) => [EABI_ROWS.get(name) ?? name, number]))],
];

const WORDS: Readonly<Record<Support, string>> = { full: "yes", partial: "partly", none: "no" };

const cell = (text: string): string => text.replaceAll("|", "\\|");

function section([subject, rows]: [string, readonly SyscallRow[]]): string {
  const header = ["call", ...ABIS.map(([name]) => name), "supported", "what is different"];
  const lines = [...rows]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((row) => [
      `\`${row.name}\``,
      ...ABIS.map(([, numbers]) => String(numbers.get(row.name) ?? "–")),
      WORDS[row.support],
      row.note,
    ]);
  const table = [header, header.map(() => "---"), ...lines].map((cells) => `| ${cells.map(cell).join(" | ")} |`);
  return `## ${subject}\n\n${table.join("\n")}\n`;
}

function unknownCalls(): string {
  const known = new Set(ROWS.map((row) => row.name));
  const names = [...new Set(ABIS.flatMap(([, numbers]) => [...numbers.keys()]))]
    .filter((name) => !known.has(name))
    .sort();
  return `## Everything else\n\nThese answer ENOSYS too:\n\n${names.map((name) => `\`${name}\``).join(", ")}\n`;
}

export function syscallsPage(): string {
  const count = (support: Support): number => ROWS.filter((row) => row.support === support).length;
  return `# System calls

Written by \`node scripts/generate-docs.ts\` from the rows in \`src/syscalls\`. ${count("full")} calls do all that
Linux does as far as a program can tell, ${count("partial")} do what programs usually ask of them and differ as the last
column says, and all others answer ENOSYS; the first use of one in a run prints a line on standard error.

${Object.entries(ROWS_BY_SUBJECT).map(section).join("\n")}
${unknownCalls()}`;
}
