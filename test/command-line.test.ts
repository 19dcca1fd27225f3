/** The command as people start it: its own process, its exit code, its one-line messages. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = new URL("..", import.meta.url).pathname;
const FIXTURES = join(ROOT, "fixtures");

function babelf(args: readonly string[], options: { input?: string; env?: NodeJS.ProcessEnv } = {}) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "src/cli/main.ts"), ...args], {
    cwd: FIXTURES,
    encoding: "utf8",
    ...options,
  });
  return { status, signal, stdout, stderr };
}

describe("babelf", () => {
  test("runs a program; what follows it is the program's", () => {
    expect(babelf(["mipsel/hello", "--help"])).toMatchObject({ status: 0, stdout: "Hello, --help!\n", stderr: "" });
    expect(babelf(["--", "mips/hello", "-L"])).toMatchObject({ status: 0, stdout: "Hello, -L!\n" });
  });

  test("ends by the program's exit code or signal", () => {
    expect(babelf(["mipsel/integers"]).status).toBe(42);
    expect(babelf(["mipsel/signals"])).toMatchObject({ status: null, signal: "SIGTERM" });
  });

  test("passes standard input on", () => {
    const { stdout } = babelf(["mipsel/libc"], { input: "one\ntwo\n" });
    expect(stdout).toMatch(/> one\n> two\n$/);
  });

  test("variables: -E and -U, and nothing of the host's unasked", () => {
    const env = { ...process.env, X_SECRET: "1", X_SHOWN: "2" };
    const words = ["--allow-env=X_SHOWN", "-E", "X_SET=3,X_ALSO=4", "-U", "X_ALSO", "mipsel/arguments"];
    const { stdout } = babelf(words, { env });
    expect(stdout.match(/^X_.*$/gm)!.sort()).toEqual(["X_SET=3", "X_SHOWN=2"]);
  });

  test("--rootfs: a root directory is all there is, and a bare name is found along PATH", () => {
    const root = mkdtempSync(join(tmpdir(), "babelf-test-"));
    mkdirSync(join(root, "usr/bin"), { recursive: true });
    copyFileSync(join(FIXTURES, "mipsel/arguments"), join(root, "usr/bin/arguments"));
    const { status, stdout } = babelf(["--rootfs", root, "arguments", "x"]);
    // It exits with the number of its arguments, its name being one.
    expect(status).toBe(2);
    // As after a login: there is no /etc/passwd that says another.
    expect(stdout).toMatch(process.getuid?.() === 0 ? /^HOME=\/root$/m : /^HOME=\/$/m);
    expect(babelf(["--rootfs", root, "mipsel/hello"]).status).toBe(127);
    expect(babelf(["--rootfs", root, "--mount", `${FIXTURES}/mipsel:/opt:ro`, "/opt/hello"]).status).toBe(0);
    rmSync(root, { recursive: true });
  });

  test("--strace and -D", () => {
    const directory = mkdtempSync(join(tmpdir(), "babelf-test-"));
    const file = join(directory, "log");
    expect(babelf(["-strace", "-D", file, "mipsel/hello"]).stderr).toBe("");
    expect(readFileSync(file, "utf8")).toMatch(/^write\(1, "Hello, World!\\n", 14\) += 14\n/);
    rmSync(directory, { recursive: true });
  });

  test.each(["armhf", "mipsel"])("-d in_asm lists the guest's code (%s)", (guest) => {
    const { status, stderr } = babelf(["-d", "in_asm", `${guest}/hello`]);
    expect(status).toBe(0);
    expect(stderr).toMatch(guest === "armhf" ? /\t[0-9a-f]{4}\tsvc\t0\n/ : /\t[0-9a-f]{8}\tsyscall/);
  });

  test("-d in_asm lists it in every run of the published command, whatever earlier runs have kept", () => {
    spawnSync(process.execPath, ["scripts/build.js"], { cwd: ROOT });
    const cache = mkdtempSync(join(tmpdir(), "babelf-cache-"));
    const listed = (...options: string[]): string =>
      spawnSync(process.execPath, ["bin/babelf.js", ...options, "fixtures/armhf/hello"], {
        cwd: ROOT,
        encoding: "utf8",
        env: { ...process.env, XDG_CACHE_HOME: cache },
      }).stderr;
    expect(listed()).toBe("");
    expect(readdirSync(join(cache, "babelf")).sort()).toEqual(["code", "translations"]);
    expect(listed("-d", "in_asm")).toMatch(/ 000100d0:\te1a0000d\tmov\tr0, sp\n/);
    rmSync(cache, { recursive: true });
  });

  test("qemu's one-dash words", () => {
    expect(babelf(["-cpu", "24Kf", "-0", "me", "mipsel/hello"]).status).toBe(0);
    expect(babelf(["-cpu", "help"]).stdout).toMatch(/24Kf/);
    expect(babelf(["-version"]).stdout).toMatch(/^babelf \d+\.\d+\.\d+, Node\.js/);
  });

  test("--help shows examples and every option", () => {
    const { status, stdout } = babelf(["--help"]);
    expect(status).toBe(0);
    for (const text of ["babelf ./hello World", "--allow-fs-read", "--timeout", "-L", "127"])
      expect(stdout).toContain(text);
  });

  test.each([
    [["--sysrot", "x", "p"], /did you mean --sysroot/],
    [["-g", "1234", "p"], /qemu's; a gdb server/],
    [["-L"], /-L needs a value/],
    [["--strace=1", "p"], /takes no value/],
    [["--memory", "lots", "mipsel/hello"], /write a size/],
    [["--cpu", "Z80", "mipsel/hello"], /24Kf/],
    [[], /which program/],
  ])("%j is a wrong command line", (args, message) => {
    const { status, stderr } = babelf(args);
    expect(status).toBe(125);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  test.each([
    ["./nowhere", 127, /^babelf: \.\/nowhere: not found$/],
    ["src/hello.c", 126, /^babelf: src\/hello\.c: .+$/],
  ])("%s cannot be run", (program, code, message) => {
    const { status, stderr } = babelf([program]);
    expect(status).toBe(code);
    expect(stderr.trim()).toMatch(message);
  });
});
