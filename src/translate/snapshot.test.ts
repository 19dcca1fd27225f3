import { deserialize, serialize } from "node:v8";
import { describe, expect, test, vi } from "vitest";
import { CODE, DATA, TestMachine } from "./machine.test-support.ts";
import { unpack } from "./packed-functions.ts";
import { restore, type Snapshot, take } from "./snapshot.ts";
import { TranslationCache } from "./translation-cache.ts";

const TRANSLATE_AFTER = 2;
/** A time slice, small enough that many of them end in the program. */
const FUEL = 997;

/** Runs a program with what a snapshot holds; returns what it leaves in v0, and where the functions begin that were made. */
function run(source: string, a0: number, snapshot: Snapshot | null) {
  const cache = new TranslationCache(TRANSLATE_AFTER);
  if (snapshot) restore(cache, snapshot);
  const machine = new TestMachine(true, cache);
  machine.pages[DATA >>> 12] = 3;
  machine.load(source);
  machine.set("a0", a0);
  machine.set("sp", DATA + 0x1000);
  machine.engine.pc = CODE;
  expect(machine.goOn(FUEL)).toEqual({ reason: "left" });
  const mode = cache.modes()[0]!;
  const made = new Set([...mode.translations.values()].flat().map(({ kept }) => kept?.entries[0]));
  made.delete(undefined);
  return { v0: machine.get("v0"), made: [...made], busy: mode.busy, cache };
}

const PROGRAMS = {
  /** Goes by a computed jump to one of two labels that lie further down. */
  "a computed goto": `
    lui t1,${CODE >>> 16}
    andi t0,a0,1              # 4: the loop
    sll t0,t0,4
    addu t0,t0,t1
    addiu t0,t0,36
    jr t0
    nop
    nop
    nop
    addiu v0,v0,3             # 36: even
    beq zero,zero,${CODE + 60}
    nop
    nop
    addiu v0,v0,5             # 52: odd
    nop
    addiu a0,a0,-1            # 60
    bne a0,zero,${CODE + 4}
    nop
    syscall`,
  /** A sum by recursion: the function calls itself. */
  "a function that calls itself": `
    addiu s1,zero,200
    addu a0,s1,zero           # 4: the loop
    jal ${CODE + 40}
    nop
    addiu s1,s1,-1
    bne s1,zero,${CODE + 4}
    nop
    syscall
    nop
    nop
    bne a0,zero,${CODE + 60}  # 40
    nop
    addu v0,zero,zero
    jr ra
    nop
    addiu sp,sp,-8            # 60
    sw ra,0(sp)
    sw a0,4(sp)
    jal ${CODE + 40}
    addiu a0,a0,-1
    lw a0,4(sp)
    lw ra,0(sp)
    addu v0,v0,a0
    jr ra
    addiu sp,sp,8`,
};

describe.each(Object.entries(PROGRAMS))("%s", (_, source) => {
  test("what was made of it serves a later run, as it was made last", () => {
    const first = run(source, 20_000, null);
    expect(first.made.length).toBeGreaterThan(0);
    expect(first.busy.size).toBeGreaterThan(0);

    const snapshot = take(first.cache, null)!;
    const second = run(source, 20_000, deserialize(serialize(snapshot)) as Snapshot);
    expect(second.v0).toBe(first.v0);
    expect([...second.busy]).toEqual(expect.arrayContaining([...first.busy]));
    // A time slice may end where none has ended before.
    for (const start of second.made) expect(first.made).not.toContain(start);
  });

  test("a module comes into the table once", () => {
    const snapshot = take(run(source, 20_000, null).cache, null)!;
    const instances = vi.spyOn(WebAssembly, "Instance");
    run(source, 20_000, snapshot);
    const modules = instances.mock.calls.map(([module]) => module);
    instances.mockRestore();
    expect(modules.length).toBeGreaterThan(1);
    expect(new Set(modules).size).toBe(modules.length);
  });

  test("each entry belongs to one function", () => {
    const { functions } = take(run(source, 20_000, null).cache, null)!;
    const entries = unpack(functions).flatMap(({ code }) => code.entries);
    expect(new Set(entries).size).toBe(entries.length);
  });
});
