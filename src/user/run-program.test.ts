/** Whole runs of programs of a few instructions, written here: how they end, and that the host goes on. */
import { describe, expect, test } from "vitest";
import { runProgram } from "./run-program.ts";
import type { ProgramOptions } from "./run-program.ts";
import { smallProgram } from "./small-program.test-support.ts";

const li = (register: number, value: number) => 0x2400_0000 | (register << 16) | (value & 0xffff);
const [V0, A0, A1, A2] = [2, 4, 5, 6];
const SYSCALL = 0x0000_000c;
const NOP = 0;
const LOOP = [0x1000_ffff, NOP];
const call = (number: number, ...args: readonly number[]) => [
  ...args.map((value, index) => li(A0 + index, value)),
  li(V0, number),
  SYSCALL,
];
const [EXIT, PAUSE, GETPID, KILL, WRITE] = [4001, 4029, 4020, 4037, 4004];
const MOVE_A0_V0 = 0x0040_2025;
const killSelf = (signal: number) => [...call(GETPID), MOVE_A0_V0, li(A1, signal), li(V0, KILL), SYSCALL];

async function run(words: readonly number[], options: Partial<ProgramOptions> = {}) {
  const warnings: string[] = [];
  let output = 0;
  const outcome = await runProgram({
    program: "/program",
    argv: ["program"],
    env: [],
    view: { files: { "/program": smallProgram(words) } },
    streams: [{ kind: "null" }, { kind: "sink", write: (bytes) => void (output += bytes.length) }, { kind: "null" }],
    warn: (line) => warnings.push(line),
    ...options,
  });
  return { outcome, warnings, output };
}

describe.each([true, false])("page protection by the host's MMU: %s", (useMmu) => {
  test("exit code", async () => {
    expect((await run(call(EXIT, 42), { useMmu })).outcome).toEqual({ kind: "exited", code: 42 });
    expect((await run(call(EXIT, -1), { useMmu })).outcome).toEqual({ kind: "exited", code: 255 });
  });

  test("a signal without handler", async () => {
    const { outcome } = await run([...killSelf(15), ...LOOP], { useMmu });
    expect(outcome).toEqual({ kind: "killed", signal: "SIGTERM", number: 15 });
  });

  test("a store far below the stack", async () => {
    // sp - 0x60000000 is nowhere.
    const lui = 0x3c01_6000;
    const { outcome } = await run([lui, 0x03a1_0823, 0xac20_0000, ...call(EXIT, 0)], { useMmu });
    expect(outcome).toEqual({ kind: "killed", signal: "SIGSEGV", number: 11 });
  });

  test("falling off the end of the code, and jumping nowhere", async () => {
    expect((await run([0x0000_0008, NOP], { useMmu })).outcome).toMatchObject({ signal: "SIGSEGV" });
    expect(
      (
        await run(
          Array.from({ length: 8 }, () => NOP),
          { useMmu },
        )
      ).outcome.kind,
    ).toBe("killed");
  });

  test("memories are used again, and are empty then", async () => {
    // Leaves 1 at sp - 4096 only if 0 was there; else exit code 1.
    const probe = [0x8fa8_f000, li(9, 1), 0xafa9_f000, 0x0100_2025, li(V0, EXIT), SYSCALL];
    for (let n = 0; n < 3; n++) expect((await run(probe, { useMmu })).outcome).toEqual({ kind: "exited", code: 0 });
  });
});

test("an instruction that is not supported is named in one line", async () => {
  const { outcome, warnings } = await run([0x7c00_0000 | (0x12 << 0), ...LOOP]);
  expect(outcome).toEqual({ kind: "killed", signal: "SIGILL", number: 4 });
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/^illegal instruction 0x7c000012 at 0x00400054: /);
});

describe("limits", () => {
  test.each([
    ["a loop", LOOP],
    ["a pause", [...call(PAUSE), ...LOOP]],
    ["system calls", [...call(GETPID), 0x1000_fffd, NOP]],
  ])("wall time of %s", async (_name, words) => {
    const { outcome } = await run(words, { limits: { wallTime: 0.1 } });
    expect(outcome).toEqual({ kind: "failed", code: 124, message: "the limit of 0.1 s of wall time is reached" });
  });

  test("processor time", async () => {
    const { outcome } = await run(LOOP, { limits: { cpuTime: 0.1 } });
    expect(outcome).toEqual({ kind: "failed", code: 124, message: "the limit of 0.1 s of processor time is reached" });
  });

  test("output: what is beyond the limit is not passed on", async () => {
    const write = [li(A0, 1), 0x03a0_2825, li(A2, 64), li(V0, WRITE), SYSCALL];
    const { outcome, output } = await run([...write, 0x1000_fffa, NOP], { limits: { output: 100 } });
    expect(outcome).toEqual({ kind: "failed", code: 123, message: "the limit of 100 bytes of output is reached" });
    expect(output).toBe(100);
  });

  test("memory: a program that does not fit is refused", async () => {
    const { outcome } = await run(call(EXIT, 0), { limits: { memory: 4096 } });
    expect(outcome).toMatchObject({ kind: "failed", code: 126 });
  });
});

test("a missing and a broken file", async () => {
  const missing = await run([], { program: "/nothing" });
  expect(missing.outcome).toMatchObject({ kind: "failed", code: 127 });
  const broken = await run([], { view: { files: { "/program": "not a program" } } });
  expect(broken.outcome).toMatchObject({ kind: "failed", code: 126 });
});

test("two runs at the same time know nothing of each other", async () => {
  const both = await Promise.all([
    run([...call(GETPID), MOVE_A0_V0, li(V0, EXIT), SYSCALL]),
    run([...call(GETPID), MOVE_A0_V0, li(V0, EXIT), SYSCALL]),
  ]);
  expect(both.map(({ outcome }) => outcome)).toEqual([
    { kind: "exited", code: 2 },
    { kind: "exited", code: 2 },
  ]);
});
