import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { compile, keep } from "./code-cache.ts";

const folder = mkdtempSync(join(tmpdir(), "babelf-code-"));
const path = join(folder, "code", "kept");
/**
 * Long enough that a cut or a damaged byte is somewhere inside. Different each time, because a process looks into no file
 * for what it has compiled already; and equally long, because that is all that V8 compares.
 */
let made = 100;
const source = () =>
  `(function () { ${Array.from({ length: 200 }, (_, n) => `function f${n}(a) { return a + ${n}; }`).join("\n")} return f7(1); /* ${made++} */ })`;

const run = (script: ReturnType<typeof compile>["script"]): unknown => script.runInThisContext()();

beforeEach(() => {
  rmSync(join(folder, "code"), { recursive: true, force: true });
  const compiled = compile(source(), "kept.js", path);
  expect(compiled.seconds).toBe(0);
  run(compiled.script);
  keep(compiled, path);
});
afterAll(() => rmSync(folder, { recursive: true }));

test("code is kept, and found", () => {
  const { script, seconds } = compile(source(), "kept.js", path);
  expect(seconds).toBeGreaterThan(0);
  expect(run(script)).toBe(8);
  expect(readdirSync(join(folder, "code"))).toEqual(["kept"]);
});

test("a damaged file is not used", () => {
  const whole = readFileSync(path);
  const broken = [0, 5, 13, 21, 22, 29, 40, 70, 500, whole.length - 80, whole.length - 30, whole.length - 1].map(
    (at) => {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 0xff;
      return bytes;
    },
  );
  for (const bytes of [...broken, whole.subarray(0, -3), whole.subarray(3), whole.subarray(0, 100), Buffer.alloc(0)]) {
    writeFileSync(path, bytes);
    const { script, seconds } = compile(source(), "kept.js", path);
    expect(seconds).toBe(0);
    expect(run(script)).toBe(8);
  }
});

test("another source does not take it", () => {
  const { script, seconds } = compile("(function () { return 9; })", "kept.js", path);
  expect(seconds).toBe(0);
  expect(run(script)).toBe(9);
});

test("files of other versions go when there are many", () => {
  for (let n = 0; n < 9; n++) writeFileSync(join(folder, "code", `old${n}`), "");
  keep({ ...compile("(function () { return 10; })", "kept.js", path) }, path);
  expect(readdirSync(join(folder, "code"))).toHaveLength(4);
});
