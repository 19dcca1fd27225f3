/**
 * Linux allows a process so many mappings (vm.max_map_count, 65,530), and V8 does not survive the last one. A guest can
 * use them up: pages of one protection that were touched apart from each other stay apart on the host, even where the
 * guest sees one mapping. So the mappings that there really are get counted, seldom enough to cost nothing.
 */
import { readFileSync } from "node:fs";

/** Left for V8, Node and whatever else lives in the process. */
const RESERVE = 15_000;
/** One mprotect in the middle of a mapping makes three of it. */
const NEW_PER_CALL = 2;
/** Calls refused before the next count: counting 50,000 mappings takes 30 ms. */
const REFUSALS = 100;

/** What a process starts with is far below the limit: the first changes need no count. */
let allowed = 1_000;
let refused = 0;

/** Whether one more change of protection may be made. Counts when the changes since the last count could be too many. */
export function hostHasMappingsLeft(): boolean {
  if (allowed-- > 0) return true;
  if (refused-- > 0) return false;
  allowed = Math.max(Math.floor((maximum() - RESERVE - count()) / NEW_PER_CALL), 0);
  refused = allowed === 0 ? REFUSALS : 0;
  return allowed-- > 0;
}

/** Many mappings have gone: what was counted is out of date. */
export function countAgain(): void {
  allowed = 0;
  refused = 0;
}

/** Mappings of this process, now. */
export function count(): number {
  const maps = readFileSync("/proc/self/maps");
  let lines = 0;
  for (let end = maps.indexOf(0x0a); end >= 0; end = maps.indexOf(0x0a, end + 1)) lines++;
  return lines;
}

let knownMaximum = 0;

function maximum(): number {
  if (knownMaximum === 0) {
    try {
      knownMaximum = Number(readFileSync("/proc/sys/vm/max_map_count", "latin1"));
    } catch {
      knownMaximum = 65_530;
    }
  }
  return knownMaximum;
}
