import { describe, expect, test } from "vitest";
import { dropUnits } from "./generator.ts";
import { makeBranch } from "./arm-branches.ts";
import { ROWS, makeInstruction } from "./arm-instructions.ts";
import { SCRATCH } from "./arm-program.ts";
import { INSTRUCTIONS } from "./mips-instructions.ts";
import { SCRATCH_SIZE, makeSequence } from "./mips-sequence.ts";
import { Random } from "./prng.ts";
import { LAYOUT, RECORD_SIZE, differences } from "./mips-record.ts";

describe("Random", () => {
  test("comes back, and streams differ", () => {
    const take = (seed: number, stream: number) =>
      Array.from(
        { length: 4 },
        (
          (r) => () =>
            r.word()
        )(new Random(seed, stream)),
      );
    expect(take(1, 2)).toEqual(take(1, 2));
    expect(take(1, 2)).not.toEqual(take(1, 3));
    expect(take(1, 2)).not.toEqual(take(2, 2));
  });
});

describe("makeSequence", () => {
  test("every instruction comes up, no hole is left, and nothing touches what the harness keeps", () => {
    const seen = new Set<string>();
    for (let n = 0; n < 4000; n++) {
      for (const line of makeSequence(new Random(3, n), true).flatMap((unit) => unit.lines)) {
        seen.add(line.split(" ", 1)[0]);
        expect(line).not.toMatch(/%(?!hi|lo)/);
        expect(line.replace(/\(\$28\)|, \$28$|^c[tf]c1 (\$\d+), .*/, "$1")).not.toMatch(/\$2[6789]\b/);
        const offset = /(\d+)\(\$28\)/.exec(line);
        if (offset) expect(Number(offset[1])).toBeLessThan(SCRATCH_SIZE);
      }
    }
    for (const { text } of INSTRUCTIONS) expect(seen).toContain(text.split(" ", 1)[0].split("\n")[0]);
  });
  test("with FR=0 doubles lie in even registers", () => {
    for (let n = 0; n < 2000; n++)
      for (const line of makeSequence(new Random(4, n), false).flatMap((unit) => unit.lines))
        if (/^(add|sub|mul|div|sqrt|mov|neg|abs)\.d/.test(line)) expect(line).not.toMatch(/\$f\d*[13579]\b/);
  });
});

describe("arm", () => {
  test.each(["arm", "thumb", "vfp", "neon"] as const)("%s: every row can be made", (kind) => {
    const missing = ROWS[kind].filter((row, n) =>
      [0, 1, 2, 3].every(
        (attempt) => makeInstruction(new Random(attempt, n), row, kind === "thumb" || attempt % 2 === 1) === undefined,
      ),
    );
    expect(missing.map(({ mnemonic, bits }) => `${mnemonic} ${bits}`)).toEqual([]);
  });
  test("a load or store hits the scratch memory", () => {
    const load = ROWS.arm.find(({ mnemonic, bits }) => mnemonic === "ldr{user}{c}" && bits.includes("mmmm"));
    for (let n = 0; n < 50; n++) {
      const { setup, fields } = makeInstruction(new Random(n), load!, false, {
        P: 1,
        W: 0,
        n: 1,
        t: 2,
        m: 3,
        h: 0,
        U: 1,
      })!;
      const [[, base], [, index]] = setup as [[number, number], [number, number]];
      const address = (base + (index << fields["k"]!)) >>> 0;
      expect(address - SCRATCH).toBeGreaterThanOrEqual(0);
      expect(address - SCRATCH).toBeLessThanOrEqual(508);
    }
  });
  test("branches have no hole left", () => {
    for (let n = 0; n < 500; n++) expect(makeBranch(new Random(n), n % 2 === 1, 1, 2).join("\n")).not.toMatch(/%|@C/);
  });
});

describe("dropUnits", () => {
  test("moves the targets behind what is gone", () => {
    const unit = (line: string) => ({ lines: [line] });
    const units = [unit("b @to(3)"), unit("b @to(2)"), unit("x"), unit("y")];
    expect(dropUnits(units, 1, 2).map((u) => u.lines[0])).toEqual(["b @to(1)", "y"]);
    expect(dropUnits(units, 3, 1).map((u) => u.lines[0])).toEqual(["b @to(3)", "b @to(2)", "x"]);
  });
});

describe("differences", () => {
  const record = (changes: Record<number, number>) => {
    const view = new DataView(new ArrayBuffer(RECORD_SIZE));
    for (const [index, value] of Object.entries(changes)) view.setUint32(Number(index) * 4, value, true);
    return new Uint8Array(view.buffer);
  };
  test("names the register", () => {
    const found = differences(record({ 7: 1, [LAYOUT.fpr + 5]: 2 }), record({}), true);
    expect(found.map((d) => d.where)).toEqual(["$7", "$f2 (second word)"]);
    expect(found[0]).toMatchObject({ ours: "0x00000001", peer: "0x00000000" });
  });
  test("forgives Cause bits only after SIGFPE", () => {
    const causes = 0x1000;
    expect(differences(record({ [LAYOUT.fcsr]: causes }), record({}), true)).toHaveLength(1);
    const fpe = { [LAYOUT.signal]: 8, [LAYOUT.signalCode]: 6 };
    expect(differences(record({ ...fpe, [LAYOUT.fcsr]: causes }), record(fpe), true)).toHaveLength(0);
  });
  test("si_code comes from the enabled causes", () => {
    const before = { [LAYOUT.signal]: 8 };
    // Underflow and inexact happened, inexact alone is enabled.
    const peer = record({ ...before, [LAYOUT.signalCode]: 5, [LAYOUT.fcsr]: 0x3080 });
    expect(differences(record({ ...before, [LAYOUT.signalCode]: 6, [LAYOUT.fcsr]: 0x80 }), peer, true)).toHaveLength(0);
    expect(differences(record({ ...before, [LAYOUT.signalCode]: 5, [LAYOUT.fcsr]: 0x80 }), peer, true)).toHaveLength(1);
  });
});
