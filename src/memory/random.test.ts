import { describe, expect, test } from "vitest";
import { GuestFault } from "./guest-fault.ts";
import { PAGE_EXEC, pageBits, PAGE_READ, PAGE_SIZE, PAGE_WRITE } from "./page-table.ts";
import { at, codeOf, KINDS, newSpace } from "./testing.ts";

const PAGES = 24;
const BASE = 0x10000000;
const STEPS = 1500;

/** A page as the simplest possible model has it; null: not mapped. */
interface ModelPage {
  protection: number;
  value: number;
}

/** mulberry32: numbers from 0 to 1 that are the same in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

describe.each(KINDS)("random calls against a model of one entry a page, %s", (kind) => {
  test.each([1, 2, 3, 4])("seed %i", (seed) => {
    const next = random(seed);
    const space = newSpace(kind);
    const model: (ModelPage | null)[] = Array.from({ length: PAGES }, () => null);
    const protections = [
      0,
      PAGE_READ,
      PAGE_READ | PAGE_WRITE,
      PAGE_WRITE,
      PAGE_READ | PAGE_EXEC,
      PAGE_READ | PAGE_WRITE | PAGE_EXEC,
    ];

    for (let step = 0; step < STEPS; step++) {
      const first = next(PAGES);
      const count = 1 + next(Math.min(PAGES - first, 8));
      const range = model.slice(first, first + count);
      const address = BASE + first * PAGE_SIZE;
      const length = count * PAGE_SIZE - next(2) * next(PAGE_SIZE);
      const protection = protections[next(protections.length)]!;
      let code = "";
      let expected = "";
      switch (next(8)) {
        case 0: {
          code = codeOf(() => space.map(at(address, length, { protection })));
          for (let i = 0; i < count; i++) model[first + i] = { protection, value: 0 };
          break;
        }
        case 1: {
          code = codeOf(() => space.map(at(address, length, { protection, noReplace: true })));
          if (range.some((page) => page !== null)) expected = "EEXIST";
          else for (let i = 0; i < count; i++) model[first + i] = { protection, value: 0 };
          break;
        }
        case 2: {
          code = codeOf(() => space.unmap(address, length));
          model.fill(null, first, first + count);
          break;
        }
        case 3: {
          code = codeOf(() => space.protect(address, length, protection));
          const gap = range.indexOf(null);
          if (gap >= 0) expected = "ENOMEM";
          for (const page of gap < 0 ? range : range.slice(0, gap)) page!.protection = protection;
          break;
        }
        case 4: {
          code = codeOf(() => space.advise(address, length, "dontneed"));
          if (range.includes(null)) expected = "ENOMEM";
          for (const page of range) if (page !== null) page.value = 0;
          break;
        }
        case 5: {
          // Move one page to another place.
          const target = next(PAGES);
          code = codeOf(() =>
            space.remap({
              address,
              oldLength: PAGE_SIZE,
              newLength: PAGE_SIZE,
              mayMove: true,
              fixed: BASE + target * PAGE_SIZE,
              dontUnmap: false,
            }),
          );
          if (range[0] === null) expected = "EFAULT";
          else if (target === first) expected = "EINVAL";
          else {
            model[target] = range[0]!;
            model[first] = null;
          }
          break;
        }
        default: {
          const value = 1 + next(255);
          try {
            space.guest.writeU8(address + 5, value);
          } catch (error) {
            if (!(error instanceof GuestFault)) throw error;
            code = "fault";
          }
          const page = range[0];
          if (page === null || (page!.protection & PAGE_WRITE) === 0) expected = "fault";
          else page!.value = value;
        }
      }
      expect(code, `step ${step}`).toBe(expected);
      for (const [i, page] of model.entries()) {
        const start = BASE + i * PAGE_SIZE;
        const byte = space.pageTable[start / PAGE_SIZE]!;
        if (byte !== (page === null ? 0 : pageBits(page.protection))) {
          expect.fail(`step ${step}: page ${i} has bits ${byte}, the model ${JSON.stringify(page)}`);
        }
        if (page !== null && page.protection !== 0 && space.guest.readU8(start + 5) !== page.value) {
          expect.fail(`step ${step}: page ${i} holds ${space.guest.readU8(start + 5)}, the model ${page.value}`);
        }
      }
      let previousEnd = 0;
      let mapped = 0;
      for (const mapping of space.mappings()) {
        if (mapping.start < previousEnd || mapping.end <= mapping.start) expect.fail(`step ${step}: not sorted`);
        previousEnd = mapping.end;
        mapped += mapping.end - mapping.start;
      }
      expect(mapped).toBe(model.filter((page) => page !== null).length * PAGE_SIZE);
      expect(space.totalBytes).toBe(mapped);
    }
  });
});
