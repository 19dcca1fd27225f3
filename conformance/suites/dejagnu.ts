/**
 * The part of DejaGnu's test directives that decides how a test of GCC is built and whether it is meant for a target:
 * `dg-options`, `dg-additional-options`, `dg-require-effective-target`, `dg-skip-if`, and the `.x` files beside older
 * tests. Documented in GCC's internals manual, "Directives used within DejaGnu tests".
 */
import type { Target } from "../harness/target.ts";

/** What a hosted GNU/Linux system on a 32-bit processor with GCC 12 offers; the rest of the names it doesn't. */
const EFFECTIVE = new Set([
  "alloca",
  "c99_runtime",
  "double64",
  "double64plus",
  "fileio",
  "fpic",
  "hard_float",
  "ilp32",
  "indirect_jumps",
  "int32",
  "int32plus",
  "label_values",
  "longlong64",
  "mmap",
  "nonlocal_goto",
  "ptr32plus",
  "return_address",
  "signal",
  "size32plus",
  "stdint_types",
  "trampolines",
  "untyped_assembly",
  "unwrapped",
]);
/** Known to be missing there, so that an unknown name is an error and not silently "no". */
const MISSING = new Set(["dfp", "freestanding", "ia32", "int128", "newlib_nano_io", "vxworks_kernel"]);

export interface Plan {
  readonly options: readonly string[];
  /** Set if the test is not for this target at this level. */
  readonly skip?: string;
}

type Word = string;

/** Splits a Tcl list: words, "quoted words" and {braced lists}; the parts come back without their delimiters. */
export function tclWords(text: string): Word[] {
  const words: Word[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text[at])) {
      at++;
    } else if (text[at] === "{") {
      let depth = 0;
      const start = at + 1;
      do {
        if (text[at] === "{") depth++;
        else if (text[at] === "}") depth--;
        at++;
      } while (depth > 0 && at < text.length);
      words.push(text.slice(start, at - 1));
    } else if (text[at] === '"') {
      const end = text.indexOf('"', at + 1);
      words.push(text.slice(at + 1, end < 0 ? undefined : end));
      at = end < 0 ? text.length : end + 1;
    } else {
      const start = at;
      while (at < text.length && !/\s/.test(text[at])) at++;
      words.push(text.slice(start, at));
    }
  }
  return words;
}

function matchesTriplet(pattern: string, triplet: string): boolean {
  const regular = pattern
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${regular}$`).test(triplet);
}

/** A target selector: a triplet glob, an effective target's name, a list of either, or an expression of ! && ||. */
export function selects(selector: string, target: Target): boolean {
  const words = tclWords(selector);
  const or = words.indexOf("||");
  if (or >= 0) return selects(rejoin(words.slice(0, or)), target) || selects(rejoin(words.slice(or + 1)), target);
  const and = words.indexOf("&&");
  if (and >= 0) return selects(rejoin(words.slice(0, and)), target) && selects(rejoin(words.slice(and + 1)), target);
  if (words[0] === "!") return !selects(rejoin(words.slice(1)), target);
  if (words.length > 1) return words.some((word) => selects(word, target));
  const [word] = words;
  if (word === undefined) return false;
  if (/\s/.test(word)) return selects(word, target);
  if (/[-*]/.test(word)) return matchesTriplet(word, target.triple.replace("-linux-", "-unknown-linux-"));
  if (EFFECTIVE.has(word) || target.effective.includes(word)) return true;
  if (MISSING.has(word)) return false;
  throw new Error(`effective target "${word}" is not known to the suite`);
}

function rejoin(words: readonly Word[]): string {
  return words.map((word) => (/\s/.test(word) || word === "" ? `{${word}}` : word)).join(" ");
}

/** Does `{ target SELECTOR }`, if given, hold? */
function applies(condition: string | undefined, target: Target): boolean {
  if (condition === undefined) return true;
  const [kind, ...rest] = tclWords(condition);
  if (kind !== "target") throw new Error(`a directive's condition starts with "${kind}", not with target`);
  return selects(rejoin(rest), target);
}

/** Are all of these flags on the command line? `*` stands for any; an empty list for none needed. */
function hasFlags(flags: string, commandLine: readonly string[]): boolean {
  const wanted = tclWords(flags);
  if (wanted.length === 0) return false;
  return wanted.some((set) => set === "*" || tclWords(set).every((flag) => commandLine.includes(flag)));
}

/** Reads the directives of a test's source for one optimisation level. */
export function planTest(source: string, target: Target, level: string): Plan {
  const options: string[] = [];
  let skip: string | undefined;
  // A directive stands in a comment, in braces, and may go on over lines.
  for (const match of source.matchAll(/\{\s*(dg-[a-z-]+)/g)) {
    const [body] = tclWords(source.slice(match.index));
    const [name, ...args] = tclWords(body);
    switch (name) {
      case "dg-options":
        // Replaces the options so far; several may stand for several targets.
        if (applies(args[1], target)) options.splice(0, options.length, ...tclWords(args[0]));
        break;
      case "dg-additional-options":
        if (applies(args[1], target)) options.push(...tclWords(args[0]));
        break;
      case "dg-require-effective-target":
        if (!selects(args[0], target)) skip ??= `needs ${args[0]}`;
        break;
      case "dg-skip-if": {
        const [why, selector, include, exclude] = args;
        const line = [...level.split(" "), ...options];
        const included = include === undefined || hasFlags(include, line);
        const excluded = exclude !== undefined && hasFlags(exclude, line);
        if (selects(selector, target) && included && !excluded) skip ??= why || `not for ${target.name}`;
        break;
      }
      case "dg-do":
        if (!applies(args[1], target)) skip ??= `not for ${target.name}`;
        break;
      // A hosted GNU target has aliases, weak symbols and stack enough; stack_size and ieee add nothing there.
      case "dg-require-alias":
      case "dg-require-weak":
      case "dg-require-stack-size":
      case "dg-add-options":
      // About the compiler's messages and other people's targets.
      case "dg-prune-output":
      case "dg-xfail-if":
      case "dg-xfail-run-if":
        break;
      default:
        throw new Error(`directive ${name} is not known to the suite`);
    }
  }
  return skip === undefined ? { options } : { options, skip };
}

/** A `.x` file's unconditional changes to the folder's flags; its conditions are about targets that we don't have. */
export function flagsOfX(script: string, flags: readonly string[]): string[] {
  let result = [...flags];
  let depth = 0;
  for (const line of script.split("\n")) {
    if (line.startsWith("#")) continue;
    const change = /^\s*(set|lappend)\s+additional_flags\s+(.*)$/.exec(line);
    if (change && depth === 0) result = [...(change[1] === "set" ? [] : result), ...tclWords(change[2])];
    depth += [...line].reduce((sum, char) => sum + (char === "{" ? 1 : char === "}" ? -1 : 0), 0);
  }
  return result;
}
