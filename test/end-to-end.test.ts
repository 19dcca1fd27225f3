/**
 * Every fixture, through the library, for every target and with both kinds of page protection: what it prints and how
 * it ends must be what qemu-user (or, where that is wrong, a real kernel) does. See fixtures/build and fixtures/cases.txt.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run, type RunResult } from "../src/index.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url).pathname;

const cases = readFileSync(join(FIXTURES, "cases.txt"), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => {
    const fields = line.replace(/^!/, "").split("|") as [string, string, string, string, string?];
    const [name, program, args, stdin, only = ""] = fields;
    return { name, program, args: words(args), stdin: stdin.replaceAll("\\n", "\n"), only: words(only) };
  });

function words(text: string): string[] {
  return text.split(" ").filter((each) => each !== "");
}

/** The guest's numbers: what a shell would say of a program that a signal ended. */
const status = (result: RunResult): number => result.exitCode ?? 128 + result.signalNumber!;

describe.each(["mipsel", "mips", "armhf", "armel"])("%s", (target) => {
  let root = "";
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "babelf-test-"));
    mkdirSync(join(root, "lib"));
    copyFileSync(join(FIXTURES, target, "linker"), join(root, "lib", "linker"));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  describe.each([
    ["the host's page protection", true],
    ["software page protection", false],
  ])("with %s", (_, ffi) => {
    const own = cases.filter(({ only }) => only.length === 0 || only.includes(target));
    test.each(own)("$name", async ({ name, program, args, stdin }) => {
      const result = await run({
        program: join(FIXTURES, target, program),
        args,
        stdin,
        env: { X_VARIABLE: "a b" },
        sysroot: root,
        ffi,
        limits: { wallTime: 25 },
      });
      expect(result.failure).toBeNull();
      const expected = readFileSync(join(FIXTURES, "expected", target, name), "utf8");
      expect(`${result.stdout}[exit ${status(result)}]\n`).toBe(expected);
      expect(result.stderr).toBe("");
    });
  });
});
