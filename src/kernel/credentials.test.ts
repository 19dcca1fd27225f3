import { describe, expect, test } from "vitest";
import { ALL_CAPABILITIES, Credentials, UNCHANGED } from "./credentials.ts";
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

describe("a new program", () => {
  const user = (): Credentials => new Credentials(1000, 100, []);
  test("runs as its owner if its mode says so, and can go back", () => {
    const after = user().afterExec({ mode: 0o104755, uid: 0, gid: 0 });
    expect(after.user).toEqual({ real: 1000, effective: 0, saved: 0, fs: 0 });
    expect(after.group.effective).toBe(100);
    after.setRealEffective("user", UNCHANGED, 1000);
    expect(after.user).toEqual({ real: 1000, effective: 1000, saved: 0, fs: 1000 });
    // The next program keeps nothing of it.
    expect(after.afterExec({ mode: 0o100755, uid: 0, gid: 0 }).user.saved).toBe(1000);
  });
  test("runs as its group only if the group may execute it", () => {
    expect(user().afterExec({ mode: 0o102755, uid: 0, gid: 5 }).egid).toBe(5);
    expect(user().afterExec({ mode: 0o102745, uid: 0, gid: 5 }).egid).toBe(100);
    expect(user().afterExec(null).egid).toBe(100);
  });
});

describe("capabilities", () => {
  const all = ALL_CAPABILITIES;
  test("go with root's ids, and come back with a saved one", () => {
    const root = new Credentials(0, 0, []);
    root.setRealEffective("user", 5, 5);
    expect(root.capabilities).toMatchObject({ effective: 0n, permitted: 0n });
    const saved = new Credentials(0, 0, []);
    saved.setAll("user", 0, 5, 0);
    expect(saved.capabilities).toMatchObject({ effective: 0n, permitted: all });
    expect(saved.isPrivileged).toBe(false);
    saved.setAll("user", UNCHANGED, 0, UNCHANGED);
    expect(saved.capabilities.effective).toBe(all);
  });
  test("stay permitted if that is asked for, until another program", () => {
    const user = new Credentials(0, 0, []);
    user.keepsCapabilities = true;
    user.setAll("user", 5, 5, 5);
    expect(user.capabilities).toMatchObject({ effective: 0n, permitted: all });
    user.setCapabilities({ permitted: all, effective: all, inheritable: 0n });
    expect(user.isPrivileged).toBe(true);
    expect(user.afterExec(null).capabilities).toMatchObject({ effective: 0n, permitted: 0n });
  });
  test("are given up for good", () => {
    const root = new Credentials(0, 0, []);
    root.setCapabilities({ permitted: 1n, effective: 0n, inheritable: 0n });
    expect(root.isPrivileged).toBe(false);
    expect(() => root.setCapabilities({ permitted: 3n, effective: 0n, inheritable: 0n })).toThrow(failing("EPERM"));
    expect(() => root.setCapabilities({ permitted: 0n, effective: 1n, inheritable: 0n })).toThrow(failing("EPERM"));
  });
});
