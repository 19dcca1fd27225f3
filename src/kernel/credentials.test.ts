import { expect, test } from "vitest";
import { Credentials, UNCHANGED } from "./credentials.ts";
import { ResourceLimits, UNLIMITED, limitOf } from "./limits.ts";

const failing = (name: string) => expect.objectContaining({ name });

test("a user may only take the ids it has; root takes any and then has none other", () => {
  const user = new Credentials(1000, 1000, []);
  expect(() => user.set("user", 0)).toThrow(failing("EPERM"));
  expect(() => user.setAll("group", UNCHANGED, 5, UNCHANGED)).toThrow(failing("EPERM"));
  user.setRealEffective("user", 1000, 1000);
  const root = new Credentials(0, 0, []);
  root.setAll("user", 1, 2, 3);
  expect(root.user).toEqual({ real: 1, effective: 2, saved: 3, fs: 2 });
  root.set("user", 3);
  expect(root.user).toEqual({ real: 1, effective: 3, saved: 3, fs: 3 });
  expect(root.setFs("user", 77)).toBe(3);
  expect(root.user.fs).toBe(3);
  expect(() => root.setGroups([1])).toThrow(failing("EPERM"));
});

test("setreuid moves the saved id along when the real one is set or the effective one changes away from it", () => {
  const root = new Credentials(0, 0, []);
  root.setRealEffective("user", UNCHANGED, 7);
  expect(root.user).toEqual({ real: 0, effective: 7, saved: 7, fs: 7 });
});

test("resource limits: soft below hard, hard only down, numbers by architecture", () => {
  const limits = new ResourceLimits();
  expect(() => limits.set("RLIMIT_CORE", { soft: 2n, hard: 1n }, true)).toThrow(failing("EINVAL"));
  limits.set("RLIMIT_NOFILE", { soft: 5n, hard: 10n }, false);
  expect(() => limits.set("RLIMIT_NOFILE", { soft: 5n, hard: 11n }, false)).toThrow(failing("EPERM"));
  limits.set("RLIMIT_NOFILE", { soft: 5n, hard: 11n }, true);
  expect(limits.soft("RLIMIT_NOFILE")).toBe(5);
  expect(limits.get("RLIMIT_FSIZE").hard).toBe(UNLIMITED);
  expect(limits.soft("RLIMIT_FSIZE")).toBe(Infinity);
  expect([limitOf("mips", 5), limitOf("generic", 5), limitOf("mips", 99)]).toEqual([
    "RLIMIT_NOFILE",
    "RLIMIT_RSS",
    null,
  ]);
});
