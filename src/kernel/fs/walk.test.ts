import { describe, expect, test } from "vitest";
import { AT, O, RESOLVE, S } from "./flags.ts";
import { failure, names, open, read, stranger, view, write } from "./testing.ts";

function tree() {
  const fs = view();
  fs.umask = 0o022;
  fs.chdir("/tmp");
  fs.mkdir(null, "a", 0o755);
  fs.mkdir(null, "a/b", 0o755);
  write(fs, "a/b/file", "hello");
  fs.symlink("b", null, "a/link");
  fs.symlink("/tmp/a/b/file", null, "a/absolute");
  fs.symlink("nowhere", null, "a/dangling");
  return fs;
}

describe("path resolution", () => {
  test("names, dots, doubled and trailing slashes", () => {
    const fs = tree();
    expect(read(fs, "/tmp/a/b/file")).toBe("hello");
    expect(read(fs, "//tmp///a/./b/../b//file")).toBe("hello");
    expect(read(fs, "a/link/file")).toBe("hello");
    expect(read(fs, "a/absolute")).toBe("hello");
    expect(failure(() => fs.stat(null, "a/b/file/", 0))).toBe("ENOTDIR");
    expect(failure(() => fs.stat(null, "a/b/file/.", 0))).toBe("ENOTDIR");
    expect(failure(() => fs.stat(null, "", 0))).toBe("ENOENT");
    expect(fs.stat(null, "a/link/", AT.SYMLINK_NOFOLLOW).mode & S.IFMT).toBe(S.IFDIR);
    expect(fs.stat(null, "a/link", AT.SYMLINK_NOFOLLOW).mode & S.IFMT).toBe(S.IFLNK);
  });

  test("`..` at the root is the root", () => {
    const fs = tree();
    expect(read(fs, "/../../../tmp/a/b/file")).toBe("hello");
    expect(read(fs, "../../../../../../tmp/a/b/file")).toBe("hello");
  });

  test("links that lead to themselves, and chains beyond 40", () => {
    const fs = tree();
    fs.symlink("loop2", null, "loop1");
    fs.symlink("loop1", null, "loop2");
    expect(failure(() => fs.stat(null, "loop1", 0))).toBe("ELOOP");
    expect(failure(() => fs.stat(null, "loop1/x", 0))).toBe("ELOOP");
    write(fs, "c0", "end");
    for (let index = 1; index <= 41; index++) fs.symlink(`c${index - 1}`, null, `c${index}`);
    expect(read(fs, "c40")).toBe("end");
    expect(failure(() => read(fs, "c41"))).toBe("ELOOP");
  });

  test("limits on names and paths, and NUL never gets through", () => {
    const fs = tree();
    expect(failure(() => fs.mkdir(null, "x".repeat(255), 0o755))).toBe("ok");
    expect(failure(() => fs.mkdir(null, "x".repeat(256), 0o755))).toBe("ENAMETOOLONG");
    expect(failure(() => fs.stat(null, "/".repeat(4096), 0))).toBe("ENAMETOOLONG");
    expect(failure(() => fs.stat(null, "./".repeat(2047), 0))).toBe("ok");
  });

  test("creating through dangling links, and what O_EXCL and O_NOFOLLOW say", () => {
    const fs = tree();
    write(fs, "a/dangling", "made");
    expect(read(fs, "a/nowhere")).toBe("made");
    expect(failure(() => open(fs, "a/link", O.RDONLY | O.NOFOLLOW))).toBe("ELOOP");
    expect(failure(() => open(fs, "a/link", O.RDONLY | O.NOFOLLOW | O.DIRECTORY))).toBe("ENOTDIR");
    expect(failure(() => open(fs, "a/dangling", O.WRONLY | O.CREAT | O.EXCL))).toBe("EEXIST");
    expect(failure(() => open(fs, "a/new/", O.WRONLY | O.CREAT))).toBe("EISDIR");
    expect(failure(() => open(fs, "a/b", O.WRONLY))).toBe("EISDIR");
    expect(failure(() => open(fs, "a/b", O.RDONLY | O.CREAT))).toBe("EISDIR");
  });

  test("openat2's RESOLVE flags", () => {
    const fs = tree();
    const at = open(fs, "a", O.RDONLY | O.DIRECTORY);
    const attempt = (path: string, resolve: number) => failure(() => fs.open(at, path, O.RDONLY, 0, resolve));
    expect(attempt("b/file", RESOLVE.BENEATH)).toBe("ok");
    expect(attempt("../a/b/file", RESOLVE.BENEATH)).toBe("EXDEV");
    expect(attempt("b/../../a", RESOLVE.BENEATH)).toBe("EXDEV");
    expect(attempt("/tmp/a", RESOLVE.BENEATH)).toBe("EXDEV");
    expect(attempt("absolute", RESOLVE.BENEATH)).toBe("EXDEV");
    expect(attempt("../../../b/file", RESOLVE.IN_ROOT)).toBe("ok");
    expect(attempt("/b/file", RESOLVE.IN_ROOT)).toBe("ok");
    expect(attempt("absolute", RESOLVE.IN_ROOT)).toBe("ENOENT");
    expect(attempt("link/file", RESOLVE.NO_SYMLINKS)).toBe("ELOOP");
    expect(attempt("../../dev/null", RESOLVE.NO_XDEV)).toBe("EXDEV");
    expect(attempt("b", 0x1000)).toBe("EINVAL");
    expect(attempt("b", RESOLVE.BENEATH | RESOLVE.IN_ROOT)).toBe("EINVAL");
  });

  test("search permission counts for those who are not root", () => {
    const fs = tree();
    fs.chmod(null, "a", 0o700, 0);
    const other = fs.clone(stranger());
    expect(failure(() => read(other, "/tmp/a/b/file"))).toBe("EACCES");
    expect(failure(() => other.mkdir(null, "/tmp/a/x", 0o755))).toBe("EACCES");
    fs.chmod(null, "a", 0o711, 0);
    expect(read(other, "/tmp/a/b/file")).toBe("hello");
    expect(failure(() => names(other, "/tmp/a"))).toBe("EACCES");
    // /tmp is sticky: only the owner removes.
    expect(failure(() => other.rename(null, "/tmp/a", null, "/tmp/z", 0))).toBe("EPERM");
  });
});

describe("renames, links and what is open meanwhile", () => {
  test("a working directory follows its directory's rename, and knows when it is gone", () => {
    const fs = tree();
    fs.chdir("a/b");
    fs.rename(null, "/tmp/a", null, "/tmp/z", 0);
    expect(fs.getcwd()).toBe("/tmp/z/b");
    expect(read(fs, "file")).toBe("hello");
    expect(fs.stat(null, "..", 0).ino).toBe(fs.stat(null, "/tmp/z", 0).ino);
    fs.unlink(null, "file", 0);
    fs.rmdir(null, "/tmp/z/b");
    expect(failure(() => fs.getcwd())).toBe("ENOENT");
    expect(failure(() => write(fs, "new", ""))).toBe("ENOENT");
    expect(failure(() => fs.mkdir(null, "new", 0o755))).toBe("ENOENT");
  });

  test("rename's refusals", () => {
    const fs = tree();
    const rename = (from: string, to: string, flags = 0) => failure(() => fs.rename(null, from, null, to, flags));
    expect(rename("a", "a/b/c")).toBe("EINVAL");
    expect(rename("a/b", "a")).toBe("ENOTEMPTY");
    expect(rename("a/b/file", "a/b")).toBe("ENOTEMPTY");
    fs.mkdir(null, "empty", 0o755);
    expect(rename("a/b/file", "empty")).toBe("EISDIR");
    expect(rename("a/b", "a/b/file")).toBe("EINVAL");
    expect(rename("a/b", "a/absolute")).toBe("ENOTDIR");
    expect(rename("a/.", "x")).toBe("EBUSY");
    expect(rename("a/b/file", "x/")).toBe("ENOTDIR");
    expect(rename("a/b/file", "a/absolute", 1)).toBe("EEXIST");
    expect(rename("a", "x", 2)).toBe("ENOENT");
    expect(rename("/tmp", "/x")).toBe("EBUSY");
    expect(rename("a/b/file", "/dev/shm/x")).toBe("EXDEV");
  });

  test("exchange", () => {
    const fs = tree();
    write(fs, "one", "1");
    fs.rename(null, "one", null, "a/b", 2);
    expect(read(fs, "a/b")).toBe("1");
    expect(read(fs, "one/file")).toBe("hello");
  });

  test("an open file's name follows, and a removed one says so", () => {
    const fs = tree();
    const file = open(fs, "a/b/file");
    expect(fs.nameOf(file.path)).toBe("/tmp/a/b/file");
    fs.rename(null, "a/b/file", null, "a/moved", 0);
    expect(fs.nameOf(file.path)).toBe("/tmp/a/moved");
    fs.unlink(null, "a/moved", 0);
    expect(fs.nameOf(file.path)).toBe("/tmp/a/moved (deleted)");
    expect(file.stat().nlink).toBe(0);
  });

  test("unlink and rmdir know the difference", () => {
    const fs = tree();
    expect(failure(() => fs.unlink(null, "a/b", 0))).toBe("EISDIR");
    expect(failure(() => fs.unlink(null, "a/b/file/", 0))).toBe("ENOTDIR");
    expect(failure(() => fs.unlink(null, "a/link/", 0))).toBe("ENOTDIR");
    expect(failure(() => fs.rmdir(null, "a/b/file"))).toBe("ENOTDIR");
    expect(failure(() => fs.rmdir(null, "a/link"))).toBe("ENOTDIR");
    expect(failure(() => fs.rmdir(null, "a/b"))).toBe("ENOTEMPTY");
    expect(failure(() => fs.rmdir(null, "a/b/."))).toBe("EINVAL");
    expect(failure(() => fs.rmdir(null, "a/b/.."))).toBe("ENOTEMPTY");
    expect(failure(() => fs.rmdir(null, "/"))).toBe("EBUSY");
    expect(failure(() => fs.rmdir(null, "/tmp"))).toBe("EBUSY");
    expect(failure(() => fs.unlink(null, "a/link", 0))).toBe("ok");
    expect(read(fs, "a/b/file")).toBe("hello");
  });

  test("hard links, O_TMPFILE and memfds", () => {
    const fs = tree();
    fs.link(null, "a/b/file", null, "second", 0);
    expect(fs.stat(null, "second", 0).nlink).toBe(2);
    expect(failure(() => fs.link(null, "a", null, "third", 0))).toBe("EPERM");
    const nameless = open(fs, "a", O.TMPFILE | O.RDWR);
    expect(nameless.stat().nlink).toBe(0);
    nameless.write(Buffer.from("soon"));
    fs.link(nameless, "", null, "named", AT.EMPTY_PATH);
    expect(read(fs, "named")).toBe("soon");
    const memfd = fs.memfd("x", true);
    expect(fs.nameOf(memfd.path)).toBe("/memfd:x (deleted)");
    memfd.write(Buffer.from("1234"));
    memfd.addSeals(2 | 4 | 8);
    expect(failure(() => memfd.write(Buffer.from("5")))).toBe("EPERM");
    expect(failure(() => memfd.truncate(1))).toBe("EPERM");
    expect(failure(() => nameless.seals)).toBe("EINVAL");
  });
});
