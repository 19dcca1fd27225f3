import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const ROOT = new URL("../..", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "babelf-translations-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a program in a process of its own, because a process keeps what it translates; says how much that was. */
function runOnce(version = "1"): { stdout: string; translated: number } {
  const script = `
    import { run } from ${JSON.stringify(join(ROOT, "src/index.ts"))};
    const program = ${JSON.stringify(join(ROOT, "fixtures/mipsel/control"))};
    const keep = { folder: ${JSON.stringify(folder)}, version: "${version}" };
    process.stdout.write((await run({ program, translateAfter: 2, keep })).stdout);`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    env: { ...process.env, DEBUG: "babelf:translate" },
  });
  expect(status).toBe(0);
  return { stdout, translated: stderr.match(/ blocks, /g)?.length ?? 0 };
}

test("what a run has translated serves the next one, unless it was damaged or another version's", () => {
  const first = runOnce();
  expect(first.stdout).toMatch(/^switch \d+\n/);
  expect(first.translated).toBeGreaterThan(5);
  const [name, ...others] = readdirSync(folder) as [string];
  expect(others).toEqual([]);

  const second = runOnce();
  expect(second.stdout).toBe(first.stdout);
  expect(second.translated).toBeLessThan(first.translated / 2);

  /** How much exactly depends on when time slices end. */
  const expectAnew = ({ stdout, translated }: ReturnType<typeof runOnce>) => {
    expect(stdout).toBe(first.stdout);
    expect(translated).toBeGreaterThan(first.translated / 2);
  };
  expectAnew(runOnce("2"));

  const bytes = readFileSync(join(folder, name));
  for (const damaged of [
    bytes.with(bytes.length >> 1, bytes[bytes.length >> 1]! ^ 16),
    bytes.subarray(0, 3),
    bytes.subarray(9),
  ]) {
    writeFileSync(join(folder, name), damaged);
    expectAnew(runOnce());
  }
}, 120_000);
