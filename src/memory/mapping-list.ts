import { continues, type Mapping, slice, STACK_GUARD_GAP } from "./mapping.ts";
import { PAGE_SIZE, PAGE_WRITE } from "./page-table.ts";

/** Told of every mapping that comes and goes; a split or a merge is told as the old ones going, the new ones coming. */
export interface MappingObserver {
  added(mapping: Mapping): void;
  removed(mapping: Mapping): void;
}

/** The mappings of one address space, sorted, never overlapping; equal neighbours are always merged. Knows no bytes. */
export class MappingList {
  /** All mapped bytes (RLIMIT_AS). */
  totalBytes = 0;
  /** Bytes of private writable mappings that are no stack (RLIMIT_DATA). */
  dataBytes = 0;
  readonly #mappings: Mapping[] = [];
  readonly #observer: MappingObserver;

  constructor(observer: MappingObserver) {
    this.#observer = observer;
  }

  get count(): number {
    return this.#mappings.length;
  }

  all(): readonly Mapping[] {
    return this.#mappings;
  }

  find(address: number): Mapping | undefined {
    const mapping = this.#mappings[this.#firstEndingAfter(address)];
    return mapping !== undefined && mapping.start <= address ? mapping : undefined;
  }

  /** The lowest mapping that ends after `address`. */
  findNext(address: number): Mapping | undefined {
    return this.#mappings[this.#firstEndingAfter(address)];
  }

  /** The parts of mappings between `start` and `end`, in order. */
  within(start: number, end: number): Mapping[] {
    const parts: Mapping[] = [];
    for (let i = this.#firstEndingAfter(start); i < this.#mappings.length; i++) {
      const mapping = this.#mappings[i]!;
      if (mapping.start >= end) break;
      parts.push(slice(mapping, Math.max(start, mapping.start), Math.min(end, mapping.end)));
    }
    return parts;
  }

  isFree(start: number, end: number): boolean {
    const next = this.findNext(start);
    return next === undefined || next.start >= end;
  }

  /** Like `isFree`, and clear of the guard gap of a stack above. Linux applies it only where it chooses the place. */
  isFreeForPlacement(start: number, end: number): boolean {
    const next = this.findNext(start);
    return next === undefined || guardedStart(next) >= end;
  }

  /** The highest free place for `length` bytes between `low` and `high`, or -1. */
  highestGap(length: number, low: number, high: number): number {
    let top = high;
    for (let i = this.#firstEndingAfter(high - 1); i >= 0; i--) {
      const mapping = this.#mappings[i];
      if (mapping === undefined) continue;
      if (mapping.end <= top - length && top - length >= low) return top - length;
      top = Math.min(top, guardedStart(mapping));
      if (top - length < low) return -1;
    }
    return top - length >= low ? top - length : -1;
  }

  /** The lowest free place for `length` bytes between `low` and `high`, or -1. */
  lowestGap(length: number, low: number, high: number): number {
    let bottom = low;
    for (let i = this.#firstEndingAfter(low); i < this.#mappings.length; i++) {
      const mapping = this.#mappings[i]!;
      if (guardedStart(mapping) >= bottom + length) break;
      bottom = Math.max(bottom, mapping.end);
    }
    return bottom + length <= high ? bottom : -1;
  }

  /** How many mappings more there would be with `start` to `end` cut out. */
  splitsBy(start: number, end: number): number {
    const mapping = this.find(start);
    return mapping !== undefined && mapping.start < start && mapping.end > end ? 1 : 0;
  }

  /** Adds a mapping where nothing is. */
  insert(mapping: Mapping): void {
    this.#splice(this.#firstEndingAfter(mapping.start), 0, [mapping]);
  }

  /** Cuts the range out, and puts `parts` (sorted, inside the range) in its place. */
  replace(start: number, end: number, parts: readonly Mapping[]): void {
    const list = this.#mappings;
    const first = this.#firstEndingAfter(start);
    let last = first;
    while (last < list.length && list[last]!.start < end) last++;
    const pieces = [...parts];
    if (first < last) {
      const head = list[first]!;
      const tail = list[last - 1]!;
      if (head.start < start) pieces.unshift(slice(head, head.start, start));
      if (tail.end > end) pieces.push(slice(tail, end, tail.end));
    }
    this.#splice(first, last - first, pieces);
  }

  /** Replaces `count` mappings at `index` by `pieces`, merged with each other and with both neighbours. */
  #splice(index: number, count: number, pieces: Mapping[]): void {
    const list = this.#mappings;
    let first = index;
    let last = index + count;
    const before = list[first - 1];
    if (before !== undefined && pieces.length > 0 && continues(before, pieces[0]!)) {
      pieces.unshift(before);
      first--;
    }
    const after = list[last];
    if (after !== undefined && pieces.length > 0 && continues(pieces[pieces.length - 1]!, after)) {
      pieces.push(after);
      last++;
    }
    const merged: Mapping[] = [];
    for (const piece of pieces) {
      const left = merged[merged.length - 1];
      if (left !== undefined && continues(left, piece)) merged[merged.length - 1] = { ...left, end: piece.end };
      else merged.push(piece);
    }
    for (let i = first; i < last; i++) this.#account(list[i]!, -1);
    list.splice(first, last - first, ...merged);
    for (const mapping of merged) this.#account(mapping, 1);
  }

  #account(mapping: Mapping, sign: 1 | -1): void {
    const bytes = sign * (mapping.end - mapping.start);
    this.totalBytes += bytes;
    if (isData(mapping)) this.dataBytes += bytes;
    if (sign > 0) this.#observer.added(mapping);
    else this.#observer.removed(mapping);
  }

  /** Index of the first mapping with `end > address`; the list's length if none. */
  #firstEndingAfter(address: number): number {
    let low = 0;
    let high = this.#mappings.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#mappings[middle]!.end > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Whether it counts against RLIMIT_DATA (man 2 getrlimit; Linux since 4.7). */
export function isData(mapping: { protection: number; shared: boolean; growsDown: boolean }): boolean {
  return (mapping.protection & PAGE_WRITE) !== 0 && !mapping.shared && !mapping.growsDown;
}

function guardedStart(mapping: Mapping): number {
  return mapping.growsDown ? Math.max(mapping.start - STACK_GUARD_GAP, PAGE_SIZE) : mapping.start;
}
