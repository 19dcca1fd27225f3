import { describe, expect, test } from "vitest";
import { targetByName } from "../harness/target.ts";
import { flagsOfX, planTest, selects, tclWords } from "./dejagnu.ts";

const mipsel = targetByName("mipsel");

describe("tclWords", () => {
  test("words, quotes and nested braces", () => {
    expect(tclWords('dg-x "a b" { c { d } } e')).toEqual(["dg-x", "a b", " c { d } ", "e"]);
  });
});

describe("selects", () => {
  test("triplets by glob", () => {
    expect(selects("mips*-*-*", mipsel)).toBe(true);
    expect(selects("*-*-*", mipsel)).toBe(true);
    expect(selects("{ i?86-*-* x86_64-*-* }", mipsel)).toBe(false);
  });
  test("negation and connectives", () => {
    expect(selects("! { i?86-*-* x86_64-*-* }", mipsel)).toBe(true);
    expect(selects("{ { i?86-*-* x86_64-*-* } && ia32 }", mipsel)).toBe(false);
    expect(selects("! alloca", mipsel)).toBe(false);
  });
  test("a name that nobody knows is an error", () => {
    expect(() => selects("quantum", mipsel)).toThrow("quantum");
  });
});

describe("planTest", () => {
  test("dg-options replaces, dg-additional-options adds, both by target", () => {
    const source = `/* { dg-options "-fwrapv" } */
/* { dg-options "-mno-mmx" { target { x86_64-*-* i?86-*-* } } } */
/* { dg-additional-options "-fno-inline -fpic" { target fpic } } */`;
    expect(planTest(source, mipsel, "-O2")).toEqual({ options: ["-fwrapv", "-fno-inline", "-fpic"] });
  });
  test("a missing effective target skips", () => {
    expect(planTest("// { dg-require-effective-target int128 }", mipsel, "-O0").skip).toBe("needs int128");
  });
  test("dg-skip-if for a level only", () => {
    const source = '/* { dg-skip-if "higher" { *-*-* } "-O1" "" } */';
    expect(planTest(source, mipsel, "-O1").skip).toBe("higher");
    expect(planTest(source, mipsel, "-O2").skip).toBeUndefined();
  });
  test("dg-skip-if with excluded flags", () => {
    const source = '/* { dg-skip-if "io" { mips*-*-* } { "*" } { "-O0" } } */';
    expect(planTest(source, mipsel, "-O2").skip).toBe("io");
    expect(planTest(source, mipsel, "-O0").skip).toBeUndefined();
  });
});

describe("flagsOfX", () => {
  test("set replaces, lappend adds, conditions are left out", () => {
    expect(flagsOfX("set additional_flags -fno-builtin-abs\nreturn 0", ["-a"])).toEqual(["-fno-builtin-abs"]);
    expect(flagsOfX('lappend additional_flags "-b" "-c"', ["-a"])).toEqual(["-a", "-b", "-c"]);
    expect(flagsOfX("if { [x] } {\n    lappend additional_flags -z\n}", ["-a"])).toEqual(["-a"]);
  });
});
