import host from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { O, S } from "./flags.ts";
import { failure, names, now, open, read, view, write } from "./testing.ts";
import { NoSuchPath, ViewError } from "./view.ts";

let base = "";
let sysroot = "";
let cwd = "";

beforeEach(() => {
  base = host.realpathSync(host.mkdtempSync(join(tmpdir(), "babelf-view-")));
  sysroot = join(base, "sysroot");
  cwd = join(base, "work");
  host.mkdirSync(join(sysroot, "lib"), { recursive: true });
  host.mkdirSync(join(sysroot, "etc"));
  host.mkdirSync(cwd);
  host.writeFileSync(join(sysroot, "lib/libc.so.6"), "libc");
  host.writeFileSync(join(sysroot, "etc/passwd"), "sysroot's");
  host.symlinkSync("/lib/libc.so.6", join(sysroot, "lib/libc.so"));
  host.symlinkSync("/../../etc/shadow", join(sysroot, "etc/up"));
  host.writeFileSync(join(cwd, "data"), "data");
  host.writeFileSync(join(base, "program"), "ELF");
  host.writeFileSync(join(base, "other"), "other");
});
afterEach(() => {
  host.rmSync(base, { recursive: true, force: true });
});

describe("the default view", () => {
  test("without a sysroot: working directory, program, /tmp, /dev, and nothing else", () => {
    const fs = view({ cwd, program: join(base, "program") });
    expect(fs.getcwd()).toBe(cwd);
    expect(read(fs, "data")).toBe("data");
    write(fs, "out", "x");
    expect(host.readFileSync(join(cwd, "out"), "utf8")).toBe("x");
    expect(read(fs, join(base, "program"))).toBe("ELF");
    expect(failure(() => write(fs, join(base, "program"), "x"))).toBe("EROFS");
    expect(failure(() => fs.unlink(null, join(base, "program"), 0))).toBe("EBUSY");
    expect(failure(() => read(fs, join(base, "other")))).toBe("ENOENT");
    expect(failure(() => read(fs, "/etc/passwd"))).toBe("ENOENT");
    expect(names(fs, "/")).toEqual(["dev", "sys", "tmp"]);
    expect(names(fs, base)).toEqual(["program", "work"]);
  });

  test("/tmp is private", () => {
    const fs = view({ cwd });
    write(fs, "/tmp/babelf-private", "x");
    expect(host.existsSync("/tmp/babelf-private")).toBe(false);
    expect(fs.stat(null, "/tmp", 0).mode & 0o7777).toBe(0o1777);
    expect(failure(() => read(view({ cwd }), "/tmp/babelf-private"))).toBe("ENOENT");
  });

  test("a sysroot is the root, and its absolute links stay in it", () => {
    const fs = view({ sysroot, cwd });
    expect(read(fs, "/lib/libc.so")).toBe("libc");
    expect(read(fs, "/etc/passwd")).toBe("sysroot's");
    expect(failure(() => read(fs, "/etc/up"))).toBe("ENOENT");
    expect(failure(() => write(fs, "/etc/passwd", ""))).toBe("EROFS");
    expect(read(fs, join(cwd, "data"))).toBe("data");
    // Ways to mount points that the sysroot does not have are seen, too.
    expect(names(fs, "/")).toEqual(["dev", "etc", "lib", "sys", "tmp"]);
    expect(host.readdirSync(sysroot)).toEqual(["etc", "lib"]);
  });

  test("the host's / as working directory shows nothing", () => {
    const fs = view({ cwd: "/" });
    expect(fs.getcwd()).toBe("/");
    expect(names(fs, "/")).toEqual(["dev", "sys", "tmp"]);
  });
});

describe("permissions", () => {
  test("--allow-fs-read and --allow-fs-write show single files and directories", () => {
    const fs = view({ allowRead: [join(base, "other"), sysroot], allowWrite: [cwd] });
    expect(read(fs, join(base, "other"))).toBe("other");
    expect(failure(() => write(fs, join(base, "other"), ""))).toBe("EROFS");
    expect(failure(() => write(fs, join(sysroot, "etc/passwd"), ""))).toBe("EROFS");
    write(fs, join(cwd, "new"), "n");
    expect(host.readFileSync(join(cwd, "new"), "utf8")).toBe("n");
  });

  test("writable below read-only, and no second mount where one already shows it", () => {
    const fs = view({ allowRead: [base], allowWrite: [cwd], cwd });
    write(fs, join(cwd, "new"), "n");
    expect(failure(() => write(fs, join(base, "new"), "n"))).toBe("EROFS");
    const wide = view({ allowWrite: [base], cwd });
    // One mount: a rename from the working directory to its parent is a plain rename.
    wide.rename(null, "data", null, "../moved", 0);
    expect(host.readFileSync(join(base, "moved"), "utf8")).toBe("data");
  });

  test("a path that does not exist is an error with its name", () => {
    expect(() => view({ allowRead: [join(base, "missing")] })).toThrow(NoSuchPath);
    expect(() => view({ sysroot: join(base, "missing") })).toThrow("sysroot");
    expect(() => view({ allowRead: ["/"] })).toThrow("--allow-all");
  });

  test("--allow-all is the host, but /proc and /dev are the kernel's", () => {
    const fs = view({ allowAll: true, cwd });
    expect(read(fs, join(base, "other"))).toBe("other");
    write(fs, join(base, "new"), "n");
    expect(host.readFileSync(join(base, "new"), "utf8")).toBe("n");
    expect(names(fs, "/dev")).toEqual([
      "fd",
      "full",
      "mqueue",
      "null",
      "ptmx",
      "pts",
      "random",
      "shm",
      "stderr",
      "stdin",
      "stdout",
      "tty",
      "urandom",
      "zero",
    ]);
    const both = view({ allowAll: true, sysroot, cwd });
    expect(read(both, "/etc/passwd")).toBe("sysroot's");
    expect(read(both, join(base, "other"))).toBe("other");
  });

  test("files in memory", () => {
    const fs = view({ files: { "/etc/motd": "hi", "/tmp/in": new Uint8Array([65]) }, start: "/etc" });
    expect(read(fs, "motd")).toBe("hi");
    expect(read(fs, "/tmp/in")).toBe("A");
    const over = view({ sysroot, files: { "/etc/passwd": "mine", "/new/deep/file": "made" } });
    expect(read(over, "/etc/passwd")).toBe("mine");
    expect(read(over, "/new/deep/file")).toBe("made");
    expect(host.readFileSync(join(sysroot, "etc/passwd"), "utf8")).toBe("sysroot's");
  });

  test("memory for files ends with ENOSPC, and comes back", () => {
    const fs = view({ memoryLimit: 1 << 20 });
    const file = open(fs, "/tmp/big", O.RDWR | O.CREAT);
    const chunk = new Uint8Array(1 << 16);
    let written = 0;
    const code = failure(() => {
      for (;;) written += now(file.write(chunk));
    });
    expect(code).toBe("ENOSPC");
    expect(written).toBeGreaterThan(900_000);
    // A sparse file of any size costs nothing.
    file.truncate(0);
    file.truncate(2 ** 50);
    now(file.pwrite(new Uint8Array([1]), 2 ** 49));
    file.release();
    fs.unlink(null, "/tmp/big", 0);
    write(fs, "/tmp/again", "x".repeat(500_000));
    let count = 0;
    const flood = failure(() => {
      for (; count < 10_000; count++) fs.mkdir(null, `/dev/shm/${count}`, 0o755);
    });
    expect(flood).toBe("ENOSPC");
    expect(count).toBeLessThan(2000);
  });
});

describe("devices", () => {
  test("null, zero, full, urandom", () => {
    const fs = view();
    const bytes = new Uint8Array(100_000).fill(7);
    expect(now(open(fs, "/dev/null").read(bytes))).toBe(0);
    expect(now(open(fs, "/dev/zero").read(bytes))).toBe(bytes.length);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    expect(now(open(fs, "/dev/urandom").read(bytes))).toBe(bytes.length);
    expect(new Set(bytes).size).toBe(256);
    expect(now(open(fs, "/dev/null", O.WRONLY).write(bytes))).toBe(bytes.length);
    expect(failure(() => open(fs, "/dev/full", O.WRONLY).write(bytes))).toBe("ENOSPC");
    expect(fs.stat(null, "/dev/null", 0)).toMatchObject({ mode: S.IFCHR | 0o666, rdev: { major: 1, minor: 3 } });
    expect(failure(() => open(fs, "/dev/tty"))).toBe("ENXIO");
    expect(failure(() => write(fs, "/dev/new", ""))).toBe("EROFS");
    write(fs, "/dev/shm/x", "x");
  });
});

describe("a root directory", () => {
  test("is the whole tree, and writable; the program starts in /", () => {
    const fs = view({ rootfs: sysroot });
    expect(fs.getcwd()).toBe("/");
    write(fs, "etc/new", "n");
    expect(host.readFileSync(join(sysroot, "etc/new"), "utf8")).toBe("n");
    expect(read(fs, "/lib/libc.so")).toBe("libc");
    expect(failure(() => read(fs, "/etc/up"))).toBe("ENOENT");
    expect(names(fs, "/")).toEqual(["dev", "etc", "lib", "sys"]);
    expect(() => view({ rootfs: sysroot, sysroot })).toThrow("exclude each other");
    expect(() => view({ rootfs: join(base, "missing") })).toThrow(NoSuchPath);
  });

  test("mounts are seen at their own place only", () => {
    const mounts = [
      { host: cwd, guest: "/srv/deep/work" },
      { host: join(base, "other"), guest: "/etc/passwd", readOnly: true },
    ];
    const fs = view({ rootfs: sysroot, mounts, start: "/srv/deep" });
    expect(fs.getcwd()).toBe("/srv/deep");
    write(fs, "work/out", "o");
    expect(host.readFileSync(join(cwd, "out"), "utf8")).toBe("o");
    expect(read(fs, "/etc/passwd")).toBe("other");
    expect(failure(() => write(fs, "/etc/passwd", ""))).toBe("EROFS");
    expect(host.readFileSync(join(sysroot, "etc/passwd"), "utf8")).toBe("sysroot's");
    expect(failure(() => read(fs, cwd))).toBe("ENOENT");
    // `..` leaves a mount on the guest's side.
    expect(names(fs, "work/../../..")).toEqual(["dev", "etc", "lib", "srv", "sys"]);
  });

  test("directories in memory", () => {
    const fs = view({ rootfs: sysroot, tmpfs: ["/lib", "/run/new"] });
    expect(names(fs, "/lib")).toEqual([]);
    write(fs, "/lib/x", "x");
    write(fs, "/run/new/x", "x");
    expect(host.readdirSync(join(sysroot, "lib"))).toEqual(["libc.so", "libc.so.6"]);
    expect(host.existsSync(join(sysroot, "run"))).toBe(false);
  });

  test("a place in the guest is an absolute path without ..", () => {
    for (const guest of ["relative", "/a/../b", "/a\0b", "/"]) {
      expect(() => view({ rootfs: sysroot, mounts: [{ host: cwd, guest }] })).toThrow(ViewError);
    }
    expect(() => view({ mounts: [{ host: join(base, "missing"), guest: "/x" }] })).toThrow(NoSuchPath);
  });
});

test("/sys tells how many processors there are", () => {
  const fs = view({ sysroot });
  expect(read(fs, "/sys/devices/system/cpu/online")).toBe("0\n");
  expect(names(fs, "/sys/devices/system/cpu")).toContain("cpu0");
  expect(failure(() => write(fs, "/sys/devices/system/cpu/online", "1"))).toBe("EROFS");
});
