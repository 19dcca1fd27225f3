/** `babelf [options] program [args…]`: everything after the program belongs to the guest, untouched. */
import { OPTIONS, type Option, type OptionName, QEMU_ONLY } from "./options.ts";

/** A mistake in the command line: one line that says what to do. */
export class UsageError extends Error {}

export interface CommandLine {
  /** Options without a value are present with an empty list; an optional value left out is "". */
  readonly given: ReadonlyMap<OptionName, readonly string[]>;
  /** The program and its arguments; empty: none was named. */
  readonly program: readonly string[];
}

const BY_SPELLING = new Map<string, Option>(
  OPTIONS.flatMap((option: Option) => [
    [`--${option.name}`, option] as const,
    // qemu takes its words with one dash or two
    [`-${option.name}`, option] as const,
    ...(option.letter === undefined ? [] : [[`-${option.letter}`, option] as const]),
  ]),
);

/** Splits the command line. Throws `UsageError`. */
export function parseCommandLine(words: readonly string[]): CommandLine {
  const given = new Map<OptionName, string[]>();
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at]!;
    if (word === "--") {
      at++;
      break;
    }
    if (word === "-" || !word.startsWith("-")) break;
    const equals = word.indexOf("=");
    const spelling = equals < 0 ? word : word.slice(0, equals);
    const option = BY_SPELLING.get(spelling);
    if (option === undefined) throw new UsageError(unknown(spelling));
    const values = given.get(option.name as OptionName) ?? [];
    if (option.takes === "nothing") {
      if (equals >= 0) throw new UsageError(`${spelling} takes no value`);
    } else if (equals >= 0) {
      values.push(word.slice(equals + 1));
    } else if (option.takes === "optional") {
      values.push("");
    } else {
      const value = words[++at];
      if (value === undefined) throw new UsageError(`${spelling} needs a value: ${spelling} ${option.value}`);
      values.push(value);
    }
    given.set(option.name as OptionName, option.repeated ? values : values.slice(-1));
  }
  return { given, program: words.slice(at) };
}

function unknown(spelling: string): string {
  const bare = spelling.replace(/^--?/, "");
  const qemu = QEMU_ONLY[bare];
  if (qemu !== undefined) return `${spelling} is qemu's; ${qemu}`;
  const near = nearest(bare);
  return `unknown option ${spelling}${near === null ? "" : ` (did you mean --${near}?)`}; options of the program go after its name; see babelf --help`;
}

/** The option whose name differs least, if by little. */
function nearest(bare: string): string | null {
  let best: string | null = null;
  let least = Math.max(2, Math.floor(bare.length / 3)) + 1;
  for (const { name } of OPTIONS) {
    const distance = editDistance(bare, name);
    if (distance < least) [best, least] = [name, distance];
  }
  return best;
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + same));
    }
    row = next;
  }
  return row[b.length]!;
}
