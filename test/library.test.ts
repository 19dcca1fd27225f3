/** The library's promises: what a program sees, what it cannot, and how a run ends. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { run } from "../src/index.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url).pathname;
const hello = join(FIXTURES, "mipsel/hello");

describe("run", () => {
  test("a program from its bytes", async () => {
    const result = await run({ program: readFileSync(hello), args: ["bytes"] });
    expect(result).toMatchObject({ exitCode: 0, signal: null, failure: null, stdout: "Hello, bytes!\n", stderr: "" });
  });

  test("a script whose interpreter lies in memory", async () => {
    const files = { "/bin/greet": readFileSync(hello) };
    const result = await run({ program: Buffer.from("#!/bin/greet dear reader\n"), files });
    expect(result.stdout).toBe("Hello, dear reader!\n");
  });

  test("a program of the sysroot is where the sysroot has it", async () => {
    const sysroot = mkdtempSync(join(tmpdir(), "babelf-test-"));
    copyFileSync(join(FIXTURES, "mipsel/arguments"), join(sysroot, "arguments"));
    writeFileSync(join(sysroot, "script"), "#!/arguments\n", { mode: 0o755 });
    const { stdout } = await run({ program: join(sysroot, "script"), sysroot });
    expect(stdout).toContain('argv[1] "/script"\n');
    rmSync(sysroot, { recursive: true });
  });

  test("a program that changes its root as root leaves the directory as it was, with an overlay", async () => {
    const base = mkdtempSync(join(tmpdir(), "babelf-test-"));
    const [rootfs, directory] = [join(base, "root"), join(base, "changes")];
    mkdirSync(join(rootfs, "tmp"), { recursive: true });
    copyFileSync(join(FIXTURES, "armhf/files"), join(rootfs, "files"));
    const identity = { uid: 0, gid: 0 };
    for (const overlay of ["memory", { directory }, { directory }] as const) {
      const result = await run({ program: "/files", rootfs, overlay, identity });
      expect(result).toMatchObject({ exitCode: 0, failure: null });
    }
    expect(readdirSync(rootfs).sort()).toEqual(["files", "tmp"]);
    expect(readdirSync(join(rootfs, "tmp"))).toEqual([]);
    expect(readdirSync(directory).sort()).toEqual(["data", "journal"]);
    expect((await run({ program: hello, overlay: "memory" })).failure).toMatch(/--rootfs/);
    rmSync(base, { recursive: true });
  });

  test("output as it comes", async () => {
    const pieces: string[] = [];
    await run({ program: hello, onStdout: (bytes) => pieces.push(Buffer.from(bytes).toString()) });
    expect(pieces.join("")).toBe("Hello, World!\n");
  });

  test("several at once do not disturb each other", async () => {
    const results = await Promise.all(["a", "b", "c"].map((name) => run({ program: hello, args: [name] })));
    expect(results.map((each) => each.stdout)).toEqual(["Hello, a!\n", "Hello, b!\n", "Hello, c!\n"]);
  });

  test("a signal that ends the program is the result, not an exception", async () => {
    const result = await run({ program: join(FIXTURES, "mipsel/signals") });
    expect(result).toMatchObject({ exitCode: null, signal: "SIGTERM", signalNumber: 15, failure: null });
  });

  test.each([
    ["not found", "/nowhere/at/all", 127, /not found/],
    ["not a program", join(FIXTURES, "cases.txt"), 126, /.+/],
    ["another processor's", process.execPath, 126, /built for|permission|ELF/],
  ])("%s", async (_, program, code, message) => {
    const result = await run({ program });
    expect(result.exitCode).toBe(code);
    expect(result.failure).toMatch(message);
  });

  test("strace lines", async () => {
    const lines: string[] = [];
    await run({ program: hello, onSyscall: (line) => lines.push(line) });
    expect(lines[0]).toMatch(/^write\(1, "Hello, World!\\n", 14\) += 14$/);
    expect(lines[1]).toMatch(/^exit_group\(0\) += \?$/);
  });

  test("a time limit ends a program that never would", async () => {
    // b . ; nop, at the entry of an otherwise empty program
    const result = await run({ program: endless(), limits: { wallTime: 0.3 } });
    expect(result.exitCode).toBe(124);
    expect(result.failure).toMatch(/limit/);
  });
});

/** The smallest ELF program: one segment, an endless loop. */
function endless(): Uint8Array {
  const words = [
    0x464c457f,
    0x00010101,
    0,
    0,
    0x00080002,
    1,
    0x400054,
    52,
    0,
    0x70001000,
    0x00200034,
    1,
    0, // header
    1,
    0,
    0x400000,
    0x400000,
    0x5c,
    0x5c,
    5,
    0x1000, // program header
    0x1000ffff,
    0,
  ];
  return new Uint8Array(Uint32Array.from(words).buffer);
}
