/**
 * Kept functions as two arrays, which are read in a hundredth of the time that as many objects take.
 */
import type { Type } from "../cpu/emitter.ts";
import type { KeptFunction } from "./snapshot.ts";

export interface PackedFunctions {
  /** For each function a head (`HEAD` numbers), and then its lists in the head's order. */
  readonly numbers: Uint32Array<ArrayBuffer>;
  /** The functions' code, one after the other. */
  readonly code: Uint8Array;
}

/** Mode, start, variant, bytes of code; then the lengths of entries, locals, traps, hints, own indices, source and pages. */
const HEAD = 11;
const PRECISE = 1;
const SOFTWARE_CHECKS = 2;
const TYPES: readonly Type[] = ["i32", "i64", "f32", "f64", "v128"];

export function pack(functions: readonly KeptFunction[]): PackedFunctions {
  const listsOf = ({ code, source, pages }: KeptFunction): readonly ArrayLike<number>[] => [
    code.entries,
    code.locals.map((type) => TYPES.indexOf(type)),
    code.traps,
    code.hints,
    code.ownIndices,
    source,
    pages,
  ];
  const all = functions.map((each) => ({ each, lists: listsOf(each) }));
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  const numbers = new Uint32Array(sum(all.map(({ lists }) => HEAD + sum(lists.map(({ length }) => length)))));
  const code = new Uint8Array(sum(functions.map((each) => each.code.code.length)));
  let at = 0;
  let end = 0;
  for (const { each, lists } of all) {
    const variant = (each.precise ? PRECISE : 0) | (each.softwareChecks ? SOFTWARE_CHECKS : 0);
    numbers.set([each.mode, each.start, variant, each.code.code.length, ...lists.map(({ length }) => length)], at);
    at += HEAD;
    for (const list of lists) {
      numbers.set(list, at);
      at += list.length;
    }
    code.set(each.code.code, end);
    end += each.code.code.length;
  }
  return { numbers, code };
}

/** The functions again; they share the memory of what they are read from. */
export function unpack({ numbers, code }: PackedFunctions): KeptFunction[] {
  const functions: KeptFunction[] = [];
  let end = 0;
  for (let at = 0; at < numbers.length;) {
    const head = numbers.subarray(at, at + HEAD);
    at += HEAD;
    const [mode, start, variant, size] = head as unknown as readonly [number, number, number, number];
    const list = (n: number): Uint32Array<ArrayBuffer> => numbers.subarray(at, (at += head[4 + n] as number));
    const [entries, locals, traps, hints, ownIndices] = [list(0), list(1), list(2), list(3), list(4)];
    const [source, pages] = [list(5), list(6)];
    functions.push({
      mode,
      start,
      precise: (variant & PRECISE) !== 0,
      softwareChecks: (variant & SOFTWARE_CHECKS) !== 0,
      source: new Int32Array(numbers.buffer, source.byteOffset, source.length),
      pages: [...pages],
      code: {
        entries: [...entries],
        locals: [...locals].map((n) => TYPES[n] as Type),
        traps,
        hints,
        ownIndices,
        code: code.subarray(end, (end += size)),
      },
    });
  }
  return functions;
}
