/** docs/instructions.md from the decode tables: what there is, and what is known but refused. */
import { A32_ROWS, T16_ROWS, T32_ROWS, instructionRows as armRows } from "../src/cpu/arm/isa.ts";
import { FEATURES, MODELS, type Feature } from "../src/cpu/arm/models.ts";
import type { ArmRow } from "../src/cpu/arm/row.ts";
import { MIPS_ROWS, instructionRows as mipsRows } from "../src/cpu/mips/isa.ts";

interface Listed {
  readonly isa: string;
  readonly mnemonic: string;
  readonly bits: string;
  readonly group: string;
}

const code = (text: string): string => (text === "" ? "" : `\`${text}\``);

function table(header: readonly string[], lines: readonly (readonly string[])[]): string {
  const rows = [header, header.map(() => "---"), ...lines];
  return `${rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`).join("\n")}\n`;
}

/** One table a chapter of the manual. `since` says what of `isa` a reader of that section does not know yet. */
function chapters(rows: readonly Listed[], since: string, sinceOf: (isa: string) => string): string {
  return [...Map.groupBy(rows, (row) => row.group)]
    .map(([group, members]) => {
      const lines = members.map(({ mnemonic, bits, isa }) => [
        code(mnemonic.replace(/\.$/, "")),
        code(bits),
        sinceOf(isa),
      ]);
      return `### ${group}\n\n${table(["instruction", "encoding", since], lines)}`;
    })
    .join("\n");
}

/** What raises SIGILL by name instead of as an unknown word. */
function refused(rows: readonly { readonly mnemonic: string; readonly unsupported?: string }[]): string {
  const named = rows.flatMap(({ mnemonic, unsupported }) =>
    unsupported === undefined ? [] : [[unsupported, mnemonic]],
  );
  return [...Map.groupBy(named, ([why]) => why)]
    .map(([why, members]) => {
      const names = [...new Set(members.map(([, mnemonic]) => mnemonic.replaceAll(/\{[^}]*\}/g, "")))];
      return `- ${why}${names[0] === ".word" ? "" : `: ${names.map(code).join(", ")}`}`;
    })
    .join("\n");
}

const ARM_SETS: readonly (readonly [set: string, title: string, rows: readonly ArmRow[]])[] = [
  ["A32", "ARM (A32)", A32_ROWS],
  ["T16", "Thumb, 16 bits", T16_ROWS],
  ["T32", "Thumb, 32 bits", T32_ROWS],
];

function models(): string {
  const features = [...new Set(Object.values(FEATURES).flatMap((set) => [...set]))];
  const lines = features.map((feature) => [
    code(feature),
    ...MODELS.map((model) => (FEATURES[model].has(feature as Feature) ? "yes" : "–")),
  ]);
  return table(["", ...MODELS.map(code)], lines);
}

export function instructionsPage(): string {
  const mips = mipsRows();
  const arm = armRows();
  const armSections = ARM_SETS.map(([set, title, rows]) => {
    const listed = arm.filter(({ isa }) => isa.startsWith(`${set},`));
    const names = refused(rows);
    const more = names === "" ? "" : `\nKnown by name and refused:\n\n${names}\n`;
    return `## ${title}\n\n${chapters(listed, "since", (isa) => isa.slice(set.length + 2))}${more}`;
  });
  return `# Instructions

Written by \`node scripts/generate-docs.ts\` from the decode tables in \`src/cpu\`: one line a mnemonic, with the bits of its
first encoding as the architecture's manual prints them (\`-\`: any; letters: fields). ${mips.length} of MIPS, ${arm.length} of ARM. A word that
is not here raises SIGILL, and so does one that the manual calls UNPREDICTABLE; a line on standard error says what it was if
it is known.

## MIPS32

${chapters(mips, "since", (isa) => isa.replace("MIPS32 ", ""))}
Known by name and refused:

${refused(MIPS_ROWS)}

${armSections.join("\n")}
VFP and Advanced SIMD are listed under A32; in Thumb code the same words stand with another first byte (ARM DDI 0406C A7.4).

## ARM processors

What \`--cpu\` chooses among; \`max\` unless said otherwise.

${models()}`;
}
