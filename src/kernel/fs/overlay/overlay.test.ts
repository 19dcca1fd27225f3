import host from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Credentials } from "../../credentials.ts";
import { AT, O, RENAME, S } from "../flags.ts";
import type { FsContext } from "../fs-context.ts";
import { failure, names, now, open, read, readAll, view, write } from "../testing.ts";
import { closeView, ViewError, type OverlayPlace } from "../view.ts";

let base = "";
let lower = "";
let directory = "";
const opened: FsContext[] = [];

beforeEach(() => {
  base = host.realpathSync(host.mkdtempSync(join(tmpdir(), "babelf-overlay-")));
  lower = join(base, "lower");
  directory = join(base, "changes");
  host.mkdirSync(join(lower, "etc/deep/deeper"), { recursive: true });
  host.mkdirSync(join(lower, "usr"));
  host.writeFileSync(join(lower, "etc/passwd"), "root", { mode: 0o644 });
  host.writeFileSync(join(lower, "etc/group"), "group");
  host.writeFileSync(join(lower, "etc/deep/deeper/file"), "deep");
  host.writeFileSync(join(lower, "usr/tool"), "tool", { mode: 0o755 });
  host.symlinkSync("passwd", join(lower, "etc/link"));
});
afterEach(() => {
  for (const fs of opened.splice(0)) closeView(fs);
  host.rmSync(base, { recursive: true, force: true });
});

const root = () => new Credentials(0, 0, []);

/** What the lower tree holds, with times, modes and contents. */
function snapshot(): unknown {
  return host.readdirSync(lower, { recursive: true, encoding: "utf8" }).map((name) => {
    const path = join(lower, name);
    const { mode, mtimeMs, size } = host.lstatSync(path);
    return [name, mode, mtimeMs, size, host.lstatSync(path).isFile() ? host.readFileSync(path, "utf8") : ""];
  });
}

describe.each(["memory", "disk"] as const)("an overlay: %s", (kind) => {
  const place = (): OverlayPlace => (kind === "memory" ? "memory" : { directory });
  const mount = (credentials = root()): FsContext => {
    const fs = view({ rootfs: lower, overlay: place(), virtualUser: true, credentials });
    opened.push(fs);
    return fs;
  };
  /** The same tree, as the next run finds it: on disk all must have been kept. */
  const again = (fs: FsContext): FsContext => {
    if (kind === "memory") return fs;
    opened.splice(opened.indexOf(fs), 1);
    closeView(fs);
    return mount();
  };
  const stat = (fs: FsContext, path: string) => fs.stat(null, path, AT.SYMLINK_NOFOLLOW);

  test("writes, new files and removals leave the lower tree alone", () => {
    const before = snapshot();
    let fs = mount();
    write(fs, "/etc/passwd", "changed");
    write(fs, "/etc/new", "n");
    fs.unlink(null, "/etc/group", 0);
    fs.mkdir(null, "/srv", 0o755);
    write(fs, "/srv/x", "x");
    fs.chmod(null, "/usr/tool", 0o4711, 0);
    fs.symlink("/srv/x", null, "/etc/to");
    fs = again(fs);
    expect(read(fs, "/etc/passwd")).toBe("changed");
    expect(read(fs, "/etc/link")).toBe("changed");
    expect(read(fs, "/etc/to")).toBe("x");
    expect(names(fs, "/etc")).toEqual(["deep", "link", "new", "passwd", "to"]);
    expect(failure(() => read(fs, "/etc/group"))).toBe("ENOENT");
    expect(read(fs, "/usr/tool")).toBe("tool");
    expect(stat(fs, "/usr/tool").mode & 0o7777).toBe(0o4711);
    expect(snapshot()).toEqual(before);
  });

  test("a number stays when a file is copied up", () => {
    let fs = mount();
    const { ino, mtime } = stat(fs, "/etc/passwd");
    fs.chmod(null, "/etc/passwd", 0o600, 0);
    expect(stat(fs, "/etc/passwd")).toMatchObject({ ino, mtime, size: 4 });
    const file = open(fs, "/etc/passwd", O.RDWR);
    now(file.pwrite(Buffer.from("X"), 0));
    file.release();
    fs = again(fs);
    expect(stat(fs, "/etc/passwd")).toMatchObject({ ino, size: 4 });
    expect(read(fs, "/etc/passwd")).toBe("Xoot");
    expect(host.readFileSync(join(lower, "etc/passwd"), "utf8")).toBe("root");
  });

  test("who has a file open sees what others write to it", () => {
    const fs = mount();
    const reader = open(fs, "/etc/passwd");
    write(fs, "/etc/passwd", "new contents");
    expect(readAll(reader)).toBe("new contents");
    fs.unlink(null, "/etc/passwd", 0);
    expect(reader.stat().size).toBe(12);
    expect(reader.stat().nlink).toBe(0);
    reader.release();
  });

  test("a file that is open and removed is changed without coming back", () => {
    let fs = mount();
    const file = open(fs, "/etc/group");
    fs.unlink(null, "/etc/group", 0);
    fs.fchmod(file, 0o600);
    expect(file.stat().mode & 0o777).toBe(0o600);
    expect(readAll(file)).toBe("group");
    file.release();
    fs = again(fs);
    expect(failure(() => read(fs, "/etc/group"))).toBe("ENOENT");
  });

  test("owners, devices and attributes are the guest's own", () => {
    let fs = mount();
    expect(stat(fs, "/etc/passwd")).toMatchObject({ uid: 0, gid: 0 });
    fs.chown(null, "/etc/passwd", 33, 44, 0);
    fs.chown(null, "/etc/link", 5, 6, AT.SYMLINK_NOFOLLOW);
    fs.mknod(null, "/null", S.IFCHR | 0o666, { major: 1, minor: 3 });
    fs.mknod(null, "/disk", S.IFBLK | 0o660, { major: 8, minor: 1 });
    fs.mknod(null, "/pipe", S.IFIFO | 0o644, { major: 0, minor: 0 });
    fs.setTimes(null, "/pipe", 8n, 9n, 0);
    fs.chmod(null, "/pipe", 0o600, 0);
    fs.setXattr(null, "/usr/tool", "security.capability", Buffer.from([1, 255]), 0);
    fs.setTimes(null, "/usr/tool", 5n, 7_000_000_001n, 0);
    fs.setTimes(null, "/etc", 1n, 3n, 0);
    fs = again(fs);
    expect(stat(fs, "/etc/passwd")).toMatchObject({ uid: 33, gid: 44 });
    expect(stat(fs, "/etc/link")).toMatchObject({ uid: 5, gid: 6 });
    expect(stat(fs, "/disk")).toMatchObject({ mode: S.IFBLK | 0o640, rdev: { major: 8, minor: 1 } });
    expect(stat(fs, "/pipe")).toMatchObject({ mode: S.IFIFO | 0o600, atime: 8n, mtime: 9n });
    write(fs, "/null", "swallowed");
    expect(read(fs, "/null")).toBe("");
    expect(failure(() => open(fs, "/disk"))).toBe("ENXIO");
    expect([...fs.getXattr(null, "/usr/tool", "security.capability", 0)]).toEqual([1, 255]);
    expect(failure(() => fs.getXattr(null, "/usr/tool", "user.none", 0))).toBe("ENODATA");
    expect(stat(fs, "/usr/tool")).toMatchObject({ atime: 5n, mtime: 7_000_000_001n });
    expect(stat(fs, "/etc")).toMatchObject({ atime: 1n, mtime: 3n });
  });

  test("a user is judged by the guest's owners and modes", () => {
    const fs = mount(new Credentials(1000, 1000, []));
    expect(read(fs, "/etc/passwd")).toBe("root");
    expect(failure(() => write(fs, "/etc/passwd", "x"))).toBe("EACCES");
    expect(failure(() => write(fs, "/new", "x"))).toBe("EACCES");
    expect(failure(() => fs.chmod(null, "/etc/passwd", 0o666, 0))).toBe("EPERM");
    expect(failure(() => fs.mknod(null, "/null", S.IFCHR | 0o666, { major: 1, minor: 3 }))).toBe("EPERM");
  });

  test("renames: files, whole directories of the lower tree, exchange", () => {
    let fs = mount();
    fs.rename(null, "/etc/group", null, "/usr/group", 0);
    fs.rename(null, "/etc/deep", null, "/usr/moved", 0);
    fs.rename(null, "/usr/tool", null, "/etc/passwd", RENAME.EXCHANGE);
    fs = again(fs);
    expect(read(fs, "/usr/group")).toBe("group");
    expect(read(fs, "/usr/moved/deeper/file")).toBe("deep");
    expect(read(fs, "/etc/passwd")).toBe("tool");
    expect(read(fs, "/usr/tool")).toBe("root");
    expect(names(fs, "/etc")).toEqual(["link", "passwd"]);
    // What is below a renamed directory is copied up where it is now.
    write(fs, "/usr/moved/deeper/file", "changed");
    write(fs, "/usr/moved/deeper/other", "o");
    fs.rename(null, "/usr/moved", null, "/back", 0);
    fs = again(fs);
    expect(read(fs, "/back/deeper/file")).toBe("changed");
    expect(names(fs, "/back/deeper")).toEqual(["file", "other"]);
    expect(failure(() => stat(fs, "/usr/moved"))).toBe("ENOENT");
  });

  test("a directory made in a removed one's place is empty", () => {
    let fs = mount();
    expect(failure(() => fs.rmdir(null, "/etc/deep/deeper"))).toBe("ENOTEMPTY");
    fs.unlink(null, "/etc/deep/deeper/file", 0);
    fs.rmdir(null, "/etc/deep/deeper");
    fs.mkdir(null, "/etc/deep/deeper", 0o755);
    fs = again(fs);
    expect(names(fs, "/etc/deep/deeper")).toEqual([]);
    fs.rmdir(null, "/etc/deep/deeper");
    fs.rmdir(null, "/etc/deep");
    fs = again(fs);
    expect(names(fs, "/etc")).toEqual(["group", "link", "passwd"]);
    write(fs, "/etc/deep", "a file now");
    fs = again(fs);
    expect(read(fs, "/etc/deep")).toBe("a file now");
    fs.mkdir(null, "/x", 0o755);
    expect(failure(() => fs.rename(null, "/x", null, "/usr", 0))).toBe("ENOTEMPTY");
  });

  test("hard links are one file", () => {
    let fs = mount();
    fs.link(null, "/etc/passwd", null, "/usr/also", 0);
    write(fs, "/usr/also", "one");
    fs = again(fs);
    expect(read(fs, "/etc/passwd")).toBe("one");
    const { ino, nlink } = stat(fs, "/usr/also");
    expect(nlink).toBe(2);
    expect(stat(fs, "/etc/passwd").ino).toBe(ino);
    fs.unlink(null, "/etc/passwd", 0);
    fs = again(fs);
    expect(stat(fs, "/usr/also").nlink).toBe(1);
    expect(read(fs, "/usr/also")).toBe("one");
  });

  test("d_ino is st_ino, and all numbers differ and have 32 bits", () => {
    const fs = mount();
    write(fs, "/etc/new", "n");
    fs.chmod(null, "/etc/passwd", 0o600, 0);
    const etc = open(fs, "/etc", O.DIRECTORY);
    const listed = new Map<string, bigint>();
    etc.listEntries(({ name, ino }) => listed.set(name, ino).size > 0);
    etc.release();
    listed.delete("..");
    for (const [name, ino] of listed) expect(stat(fs, `/etc/${name}`).ino).toBe(ino);
    expect(new Set(listed.values()).size).toBe(listed.size);
    for (const ino of listed.values()) expect(ino < 1n << 32n).toBe(true);
  });

  test("copying keeps holes and stops at what truncation leaves", () => {
    const big = join(lower, "big");
    host.writeFileSync(big, "");
    host.truncateSync(big, 50 << 20);
    host.writeSync(host.openSync(big, "r+"), "end", 40 << 20);
    const fs = mount();
    fs.truncate("/big", (40 << 20) + 2);
    const { size, blocks } = stat(fs, "/big");
    expect(size).toBe((40 << 20) + 2);
    expect(blocks * 512).toBeLessThan(1 << 20);
    const file = open(fs, "/big");
    const bytes = Buffer.alloc(4);
    expect(file.pread(bytes, (40 << 20) - 1)).toBe(3);
    expect(bytes.toString("latin1", 0, 3)).toBe("\0en");
    file.release();
  });
});

describe("an overlay on disk", () => {
  const mount = (): FsContext => {
    const fs = view({ rootfs: lower, overlay: { directory }, virtualUser: true, credentials: root() });
    opened.push(fs);
    return fs;
  };
  const unmount = (fs: FsContext): void => {
    opened.splice(opened.indexOf(fs), 1);
    closeView(fs);
  };
  const journal = () => join(directory, "journal");

  test("is one run's at a time", () => {
    mount();
    expect(mount).toThrow(/in use/);
  });

  test("is an empty directory at first, and nothing else", () => {
    host.mkdirSync(directory);
    host.writeFileSync(join(directory, "precious"), "");
    expect(mount).toThrow(/neither an overlay nor empty/);
    expect(host.readdirSync(directory)).not.toContain("journal");
  });

  test("a line that a crash cut off is as if it had not been", () => {
    const fs = mount();
    write(fs, "/a", "a");
    unmount(fs);
    host.appendFileSync(journal(), '{"in":1,"name":"b"');
    const after = mount();
    expect(names(after, "/")).toContain("a");
    write(after, "/c", "c");
    unmount(after);
    expect(names(mount(), "/")).toContain("c");
  });

  test("a damaged journal is refused, with the line", () => {
    unmount(mount());
    const whole = host.readFileSync(journal(), "utf8");
    for (const line of ["{", "[]", "7", '{"in":1}', '{"in":1,"name":"x","node":-1,"at":"0"}', '{"node":1}']) {
      host.writeFileSync(journal(), `${whole}${line}\n`);
      expect(mount).toThrow(ViewError);
    }
    host.writeFileSync(journal(), "something else\n");
    expect(mount).toThrow(/not an overlay/);
  });

  test("names that no directory has lead nowhere", () => {
    unmount(mount());
    const node = '{"node":9,"mode":"40755","uid":0,"gid":0,"ino":"9","times":["0","0","0","0"],"lower":"../"}';
    host.appendFileSync(
      journal(),
      `${node}\n{"in":1,"name":"up","node":9,"at":"0"}\n{"in":1,"name":"..","node":9,"at":"0"}\n`,
    );
    const fs = mount();
    expect(names(fs, "/up")).toEqual([]);
    expect(fs.stat(null, "/..", 0).ino).toBe(fs.stat(null, "/", 0).ino);
  });

  test("history is forgotten, and the data of what is gone", () => {
    let fs = mount();
    write(fs, "/kept", "kept");
    for (let n = 0; n < 500; n++) {
      write(fs, "/temporary", "t");
      fs.unlink(null, "/temporary", 0);
    }
    unmount(fs);
    const before = host.statSync(journal()).size;
    fs = mount();
    expect(host.statSync(journal()).size).toBeLessThan(before / 10);
    expect(host.readdirSync(join(directory, "data"))).toHaveLength(1);
    write(fs, "/later", "l");
    unmount(fs);
    fs = mount();
    expect([read(fs, "/kept"), read(fs, "/later")]).toEqual(["kept", "l"]);
  });
});
