/** The host mount where the host's C library cannot be called: Node's own calls only. */
import host from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { O, SEEK } from "./flags.ts";
import { failure, names, now, open, read, view, write } from "./testing.ts";

vi.mock("../../host/libc.ts", () => ({ getLibc: () => null }));

let inside = "";
beforeEach(() => {
  inside = host.realpathSync(host.mkdtempSync(join(tmpdir(), "babelf-plain-")));
  host.writeFileSync(join(inside, "plain"), "plain");
});
afterEach(() => {
  host.rmSync(inside, { recursive: true, force: true });
});

test("files, directories and links", () => {
  const fs = view({ cwd: inside });
  fs.mkdir(null, "d", 0o751);
  write(fs, "d/\xff", "bytes");
  expect(names(fs, "d")).toEqual(["\xff"]);
  expect(read(fs, "d/\xff")).toBe("bytes");
  fs.rename(null, "d", null, "e", 0);
  fs.link(null, "e/\xff", null, "l", 0);
  expect(fs.stat(null, "l", 0)).toMatchObject({ nlink: 2, size: 5 });
  expect(fs.stat(null, "e", 0).mode & 0o777).toBe(0o751);
  expect(failure(() => fs.rename(null, "l", null, "plain", 1))).toBe("EEXIST");
  expect(failure(() => fs.rename(null, "l", null, "plain", 2))).toBe("EINVAL");
  fs.unlink(null, "e/\xff", 0);
  fs.rmdir(null, "e");
  expect(failure(() => fs.stat(null, "e", 0))).toBe("ENOENT");
  fs.symlink("../../../../etc/passwd", null, "out");
  expect(failure(() => read(fs, "out"))).toBe("ENOENT");
  fs.setTimes(null, "plain", 5_000_000_000n, 7_000_000_000n, 0);
  expect(fs.stat(null, "plain", 0)).toMatchObject({ atime: 5_000_000_000n, mtime: 7_000_000_000n });
});

test("contents", () => {
  const fs = view({ cwd: inside });
  const file = open(fs, "plain", O.RDWR);
  now(file.pwrite(Buffer.from("P"), 0));
  expect(file.seek(0, SEEK.HOLE)).toBe(5);
  expect(failure(() => file.allocate(0, 0, 100))).toBe("EOPNOTSUPP");
  fs.fchmod(file, 0o640);
  expect(file.stat()).toMatchObject({ size: 5, mode: 0o100640 });
  file.release();
  expect(read(fs, "plain")).toBe("Plain");
});
