import { describe, expect, test } from "vitest";
import { guestEnvironment, splitAssignments } from "./environment.ts";
import { parseMount } from "./mount.ts";
import { parseCommandLine } from "./parse.ts";
import { parseSize, parseTime, parseUser } from "./quantity.ts";

const parse = (...words: string[]) => {
  const { given, program } = parseCommandLine(words);
  return { given: Object.fromEntries(given), program };
};

describe("the command line", () => {
  test("ends at the program", () => {
    expect(parse("-L", "/r", "prog", "-L", "--help")).toEqual({
      given: { sysroot: ["/r"] },
      program: ["prog", "-L", "--help"],
    });
    expect(parse("--", "-prog")).toEqual({ given: {}, program: ["-prog"] });
  });

  test("qemu's spellings and ours", () => {
    for (const words of [["-cpu", "a"], ["-cpu=a"], ["--cpu", "a"], ["--cpu=a"]]) {
      expect(parse(...words, "p").given).toEqual({ cpu: ["a"] });
    }
    expect(parse("-E", "A=1", "--env=B=2", "p").given).toEqual({ env: ["A=1", "B=2"] });
  });

  test("the last of an option that is given once counts", () => {
    expect(parse("-L", "a", "-L", "b", "p").given).toEqual({ sysroot: ["b"] });
  });

  test("an optional value only after =", () => {
    expect(parse("--allow-env", "p").given).toEqual({ "allow-env": [""] });
    expect(parse("--allow-env=A", "--allow-env=B", "p").given).toEqual({ "allow-env": ["A", "B"] });
  });
});

test("sizes and times", () => {
  expect(["4096", "64K", "1.5M", "2G", "0x1000", "8MiB"].map((text) => parseSize("s", text))).toEqual([
    4096,
    65536,
    1572864,
    2 ** 31,
    4096,
    2 ** 23,
  ]);
  expect(["500ms", "10", "10s", "2m", "1h"].map((text) => parseTime("t", text))).toEqual([0.5, 10, 10, 120, 3600]);
  for (const text of ["", "-1", "10 s", "1d"]) expect(() => parseTime("t", text)).toThrow(/write a time/);
});

test("the guest's environment", () => {
  const host = { TERM: "xterm", SECRET: "1", LC_ALL: "C", HOME: "/home/me", WANTED: "2" };
  const wishes = { all: false, names: ["WANTED"], set: ["A=1"], unset: ["TERM"] };
  const { PATH, ...rest } = guestEnvironment(host, wishes);
  expect(PATH).toContain("/usr/bin");
  expect(rest).toEqual({ HOME: "/", LC_ALL: "C", WANTED: "2", A: "1" });
  expect(guestEnvironment(host, { ...wishes, all: true, set: [], unset: [] })).toEqual(host);
  expect(splitAssignments("A=1,B=x,y,C=")).toEqual(["A=1", "B=x,y", "C="]);
});

test("mounts", () => {
  expect(parseMount("src:/srv")).toEqual({ host: "src", guest: "/srv", readOnly: false });
  expect(parseMount("/a:b:/c/d:ro")).toEqual({ host: "/a:b", guest: "/c/d", readOnly: true });
  expect(parseMount("C:\\a:/c:rw")).toEqual({ host: "C:\\a", guest: "/c", readOnly: false });
  for (const text of ["", "a", "a:b", ":/b"]) expect(() => parseMount(text)).toThrow(/--mount/);
});

test("users", () => {
  expect(["root", "1000", "1000:100"].map(parseUser)).toEqual([
    { uid: 0, gid: 0 },
    { uid: 1000, gid: 1000 },
    { uid: 1000, gid: 100 },
  ]);
  for (const text of ["", "me", "-1", "1:", "1:2:3"]) expect(() => parseUser(text)).toThrow(/--user/);
});
