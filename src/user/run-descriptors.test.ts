/** What a run opens on the host is closed when it is over, however it ends. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runProgram } from "./run-program.ts";
import type { ProgramOptions } from "./run-program.ts";
import { smallProgram } from "./small-program.test-support.ts";

const RUNS = 50;
const top = mkdtempSync(join(tmpdir(), "babelf-descriptors-"));
afterAll(() => rmSync(top, { recursive: true }));

const sysroot = join(top, "sysroot");
const cwd = join(top, "cwd");
const program = join(top, "bin/program");
for (const folder of [sysroot, cwd, join(top, "bin"), join(cwd, "a/b/c")]) mkdirSync(folder, { recursive: true });
writeFileSync(join(cwd, "a/b/c/file"), "contents");
const li = (register: number, value: number) => 0x2400_0000 | (register << 16) | (value & 0xffff);
const [V0, A1] = [2, 5];
const SYSCALL = 0x0000_000c;
const [EXIT, OPEN] = [4001, 4005];
/** "a/b/c/file" and NUL. */
const PATH = [0x2f62_2f61, 0x662f_632f, 0x0065_6c69];
/** Opens that file, and with it all directories on the way, and leaves it open; exit code 0 if it could. */
const code = [
  // The path follows the code.
  0x0411_0001, // bal .+8
  0,
  0x27e4_0000 | (8 * 4), // addiu a0, ra, 32
  li(A1, 0),
  li(V0, OPEN),
  SYSCALL,
  0x0007_2025, // move a0, a3
  li(V0, EXIT),
  SYSCALL,
  0,
  ...PATH,
];
writeFileSync(program, smallProgram(code), { mode: 0o755 });

const descriptors = () => readdirSync("/proc/self/fd").length;

async function run(options: Partial<ProgramOptions> = {}) {
  const outcome = await runProgram({
    program,
    argv: [program],
    env: [],
    view: { cwd, sysroot, program },
    streams: [{ kind: "null" }, { kind: "null" }, { kind: "null" }],
    ...options,
  });
  return outcome;
}

test.runIf(process.platform === "linux").each([
  ["a program that ends", {}, { kind: "exited", code: 0 }],
  ["a program that is not there", { program: "/nowhere" }, { kind: "failed", code: 127 }],
  ["a sysroot that is not there", { view: { cwd, sysroot: join(top, "none") } }, { kind: "failed", code: 126 }],
  [
    "a permission for a path that is not there",
    { view: { cwd, sysroot, allowRead: [cwd, join(top, "none")] } },
    { kind: "failed", code: 126 },
  ],
] as const)("%s leaves no descriptor open", async (_name, options, ending) => {
  expect(await run(options)).toMatchObject(ending);
  const before = descriptors();
  for (let n = 0; n < RUNS; n++) await run(options);
  expect(descriptors()).toBe(before);
});
