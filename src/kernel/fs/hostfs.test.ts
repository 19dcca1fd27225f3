import { execFileSync } from "node:child_process";
import host from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AT, O, S, SEEK } from "./flags.ts";
import { failure, names, now, open, read, readAll, view, write } from "./testing.ts";

let base = "";
let inside = "";

beforeEach(() => {
  base = host.realpathSync(host.mkdtempSync(join(tmpdir(), "babelf-hostfs-")));
  inside = join(base, "inside");
  host.mkdirSync(inside);
  host.writeFileSync(join(base, "secret"), "secret");
  host.writeFileSync(join(inside, "plain"), "plain");
});
afterEach(() => {
  host.rmSync(base, { recursive: true, force: true });
});

/** The guest works in `inside`; what lies beside it on the host is not its. */
const guest = () => view({ cwd: inside });

describe("a host directory keeps its guest inside", () => {
  test("symbolic links mean places in the guest's tree", () => {
    host.symlinkSync(join(base, "secret"), join(inside, "absolute"));
    host.symlinkSync("../secret", join(inside, "relative"));
    host.symlinkSync("..", join(inside, "up"));
    host.symlinkSync("/", join(inside, "root"));
    const fs = guest();
    expect(failure(() => read(fs, "absolute"))).toBe("ENOENT");
    expect(failure(() => read(fs, "relative"))).toBe("ENOENT");
    expect(failure(() => read(fs, "up/secret"))).toBe("ENOENT");
    expect(failure(() => read(fs, `root${base}/secret`))).toBe("ENOENT");
    expect(names(fs, "up")).toEqual(["inside"]);
    expect(failure(() => fs.truncate("absolute", 0))).toBe("ENOENT");
    fs.umask = 0;
    // The place beside the working directory is the guest's own /tmp, in memory: what root makes there stays there.
    failure(() => write(fs, "relative", "changed"));
    expect(host.readFileSync(join(base, "secret"), "utf8")).toBe("secret");
  });

  test("`..` stops where the tree ends", () => {
    const fs = guest();
    expect(failure(() => read(fs, "../secret"))).toBe("ENOENT");
    expect(failure(() => read(fs, `${inside}/../secret`))).toBe("ENOENT");
    expect(failure(() => read(fs, "../../../../../../etc/passwd"))).toBe("ENOENT");
    expect(failure(() => fs.link(null, "../secret", null, "stolen", 0))).toBe("ENOENT");
    expect(failure(() => fs.rename(null, "plain", null, "../stolen", 0))).not.toBe("ok");
    expect(read(fs, "plain")).toBe("plain");
  });

  test("a directory swapped for a link under the guest's feet leads nowhere", () => {
    const fs = guest();
    fs.mkdir(null, "dir", 0o755);
    write(fs, "dir/secret", "mine");
    const dir = open(fs, "dir", O.RDONLY | O.DIRECTORY);
    fs.chdir("dir");
    host.renameSync(join(inside, "dir"), join(inside, "old"));
    host.symlinkSync(base, join(inside, "dir"));
    // What is held open is still the old directory.
    expect(read(fs, "secret")).toBe("mine");
    expect(readAll(now(fs.open(dir, "secret", O.RDONLY, 0)))).toBe("mine");
    expect(failure(() => read(fs, `${inside}/dir/secret`))).toBe("ENOENT");
    write(fs, "new", "x");
    expect(host.existsSync(join(inside, "old/new"))).toBe(true);
    expect(host.existsSync(join(base, "new"))).toBe(false);
  });

  test("a directory moved out of the tree gives no way up", () => {
    const fs = guest();
    fs.mkdir(null, "dir", 0o755);
    fs.chdir("dir");
    host.renameSync(join(inside, "dir"), join(base, "dir"));
    expect(failure(() => read(fs, "../secret"))).toBe("ENOENT");
    expect(read(fs, "../plain")).toBe("plain");
  });

  test("special files neither block nor leak", () => {
    execFileSync("mkfifo", [join(inside, "fifo")]);
    const fs = guest();
    const reader = open(fs, "fifo", O.RDONLY | O.NONBLOCK);
    expect(failure(() => open(fs, "fifo", O.WRONLY | O.NONBLOCK))).toBe("ok");
    reader.release();
    expect(fs.stat(null, "fifo", 0).mode & S.IFMT).toBe(S.IFIFO);
    if (process.getuid?.() === 0) {
      execFileSync("mknod", [join(inside, "zero"), "c", "1", "5"]);
      expect(failure(() => open(fs, "zero"))).toBe("EACCES");
    }
    expect(failure(() => fs.mknod(null, "dev", S.IFCHR | 0o666, { major: 1, minor: 3 }))).toBe("EPERM");
  });

  test("names with NUL, slashes or dots never reach the host", () => {
    const fs = guest();
    expect(failure(() => read(fs, "plain\0.txt"))).toBe("EINVAL");
    expect(failure(() => write(fs, "a\0b", ""))).toBe("EINVAL");
    expect(failure(() => write(fs, "x".repeat(300), ""))).toBe("ENAMETOOLONG");
  });

  test("a read-only view stays as it is", () => {
    const fs = view({ allowRead: [inside] });
    expect(read(fs, `${inside}/plain`)).toBe("plain");
    const attempts = [
      () => write(fs, `${inside}/new`, ""),
      () => open(fs, `${inside}/plain`, O.RDWR),
      () => open(fs, `${inside}/plain`, O.RDONLY | O.TRUNC),
      () => fs.truncate(`${inside}/plain`, 0),
      () => fs.unlink(null, `${inside}/plain`, 0),
      () => fs.mkdir(null, `${inside}/d`, 0o755),
      () => fs.symlink("x", null, `${inside}/l`),
      () => fs.link(null, `${inside}/plain`, null, `${inside}/l`, 0),
      () => fs.rename(null, `${inside}/plain`, null, `${inside}/l`, 0),
      () => fs.chmod(null, `${inside}/plain`, 0o777, 0),
      () => fs.chown(null, `${inside}/plain`, 1, 1, 0),
      () => fs.setTimes(null, `${inside}/plain`, 0n, 0n, 0),
      () => fs.access(null, `${inside}/plain`, 2, 0),
    ];
    for (const attempt of attempts) expect(failure(attempt), attempt.toString()).toBe("EROFS");
    expect(host.readdirSync(inside)).toEqual(["plain"]);
  });
});

describe("what the host has is what the guest sees", () => {
  test("stat passes through, times to the nanosecond", () => {
    const fs = guest();
    fs.setTimes(null, "plain", 1_000_000_000_123_456_789n, "omit", 0);
    fs.setTimes(null, "plain", "omit", -1_500_000_001n, 0);
    const stat = fs.stat(null, "plain", 0);
    const real = host.statSync(join(inside, "plain"), { bigint: true });
    expect([stat.ino, BigInt(stat.mode), BigInt(stat.size), stat.mtime]).toEqual([
      real.ino,
      real.mode,
      real.size,
      real.mtimeNs,
    ]);
    expect(stat.atime).toBe(1_000_000_000_123_456_789n);
    expect(stat.mtime).toBe(-1_500_000_001n);
  });

  test("modes do not lose the bits of the host's umask", () => {
    const fs = guest();
    fs.umask = 0;
    fs.mkdir(null, "d", 0o777);
    open(fs, "f", O.WRONLY | O.CREAT, 0o666).release();
    expect(host.statSync(join(inside, "d")).mode & 0o777).toBe(0o777);
    expect(host.statSync(join(inside, "f")).mode & 0o777).toBe(0o666);
    fs.umask = 0o077;
    open(fs, "g", O.RDWR | O.CREAT, 0o444).release();
    expect(host.statSync(join(inside, "g")).mode & 0o777).toBe(0o400);
  });

  test("names that are not UTF-8", () => {
    const fs = guest();
    write(fs, "\xff\xfe\xe9", "bytes");
    expect(host.readdirSync(inside, { encoding: "latin1" }).sort()).toEqual(["plain", "\xff\xfe\xe9"]);
    expect(names(fs, ".")).toEqual(["plain", "\xff\xfe\xe9"]);
    expect(read(fs, "\xff\xfe\xe9")).toBe("bytes");
    fs.symlink("\xff\xfe\xe9", null, "l");
    expect(fs.readlink(null, "l")).toBe("\xff\xfe\xe9");
    fs.unlink(null, "\xff\xfe\xe9", 0);
    expect(names(fs, ".")).toEqual(["l", "plain"]);
  });

  test("appending, seeking, holes, truncation", () => {
    const fs = guest();
    const log = open(fs, "log", O.RDWR | O.CREAT | O.APPEND);
    now(log.write(Buffer.from("one")));
    host.appendFileSync(join(inside, "log"), "two");
    now(log.write(Buffer.from("three")));
    expect(log.position).toBe(11);
    expect(host.readFileSync(join(inside, "log"), "utf8")).toBe("onetwothree");
    log.setFlags(0);
    now(log.pwrite(Buffer.from("ONE"), 0));
    expect(host.readFileSync(join(inside, "log"), "utf8")).toBe("ONEtwothree");
    log.truncate(1 << 20);
    expect(log.seek(0, SEEK.END)).toBe(1 << 20);
    expect(log.seek(0, SEEK.DATA)).toBe(0);
    expect(log.seek(0, SEEK.HOLE)).toBeGreaterThan(10);
    expect(failure(() => log.seek(1 << 21, SEEK.DATA))).toBe("ENXIO");
    expect(failure(() => log.seek(-1, SEEK.SET))).toBe("EINVAL");
    log.release();
  });

  test("fchmod and fstat mean the open file, whatever its name leads to now", () => {
    const fs = guest();
    const file = open(fs, "plain", O.RDWR);
    const { ino } = file.stat();
    host.renameSync(join(inside, "plain"), join(inside, "old"));
    host.writeFileSync(join(inside, "plain"), "another");
    fs.fchmod(file, 0o600);
    expect(file.stat().ino).toBe(ino);
    expect(host.statSync(join(inside, "old")).mode & 0o777).toBe(0o600);
    expect(fs.stat(null, "plain", 0).size).toBe(7);
    file.release();
  });

  test("more directories than may be held open", () => {
    const fs = guest();
    for (let index = 0; index < 300; index++) {
      fs.mkdir(null, `d${index}`, 0o755);
      write(fs, `d${index}/f`, String(index));
    }
    for (let index = 0; index < 300; index++) expect(read(fs, `d${index}/f`)).toBe(String(index));
    fs.rename(null, "d7", null, "d8/deep", 0);
    expect(read(fs, "d8/deep/f")).toBe("7");
    expect(host.readdirSync("/proc/self/fd").length).toBeLessThan(400);
  });

  test("a tree deeper than anything that is kept", () => {
    const fs = guest();
    for (let index = 0; index < 1500; index++) {
      fs.mkdir(null, "d", 0o755);
      fs.chdir("d");
    }
    write(fs, "deep", "deep");
    fs.rename(null, "deep", null, `${inside}/up`, 0);
    expect(read(fs, `${inside}/up`)).toBe("deep");
    // All the way up again, through directories that were closed long ago.
    for (let index = 0; index < 1500; index += 15) fs.chdir("../../../../../../../../../../../../../../..");
    expect(fs.getcwd()).toBe(inside);
    fs.rename(null, "d", null, "e", 0);
    expect(host.readdirSync("/proc/self/fd").length).toBeLessThan(400);
  });

  test("a mapping outlives its descriptor", () => {
    const fs = guest();
    const file = open(fs, "plain", O.RDWR);
    const backing = file.backing();
    backing.retain?.();
    file.release();
    const bytes = new Uint8Array(5);
    expect(backing.read(bytes, 0)).toBe(5);
    expect(Buffer.from(bytes).toString()).toBe("plain");
    expect(backing.write?.(Buffer.from("P"), 0)).toBe(1);
    expect(backing.name).toBe(join(inside, "plain"));
    backing.release?.();
    expect(failure(() => open(fs, "plain", O.WRONLY).backing())).toBe("EACCES");
  });

  test("directory entries: cookies, removal while reading, inode numbers", () => {
    const fs = guest();
    for (let index = 0; index < 20; index++) write(fs, `f${index}`, "");
    const directory = open(fs, ".", O.RDONLY | O.DIRECTORY);
    const seen: string[] = [];
    let cookie = 0;
    directory.listEntries((entry) => {
      if (seen.length === 5) return false;
      seen.push(entry.name);
      cookie = entry.next;
      return true;
    });
    for (const name of seen) if (name.startsWith("f")) fs.unlink(null, name, 0);
    directory.listEntries(({ name, ino }) => {
      expect(fs.stat(null, name, AT.SYMLINK_NOFOLLOW).ino).toBe(ino);
      return seen.push(name) > 0;
    });
    expect(new Set(seen).size).toBe(23);
    directory.seek(cookie, SEEK.SET);
    const again: string[] = [];
    directory.listEntries(({ name }) => again.push(name) > 0);
    expect(again).toEqual(seen.slice(5));
    directory.release();
  });
});
