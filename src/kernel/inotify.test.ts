import { beforeEach, expect, test } from "vitest";
import { Credentials } from "./credentials.ts";
import { Errno } from "./errno.ts";
import { O } from "./fs/flags.ts";
import type { FsContext } from "./fs/fs-context.ts";
import { buildView } from "./fs/view.ts";
import { IN } from "./fs/watches.ts";
import { Inotify, WATCH } from "./inotify.ts";
import { Wait } from "./wait.ts";

let fs: FsContext;
let queue: Inotify;

beforeEach(() => {
  fs = buildView({ credentials: new Credentials(0, 0, []) });
  fs.mkdir(null, "/d", 0o755);
  // Each event is a line of text here.
  queue = new Inotify(true, ({ wd, mask, name }) => Buffer.from(`${wd} ${mask.toString(16)} ${name ?? "-"}\n`));
  queue.retain();
});

function events(): string[] {
  const into = new Uint8Array(1 << 20);
  try {
    const count = queue.read(into);
    if (count instanceof Wait) throw new Error("it waits");
    return Buffer.from(into.subarray(0, count)).toString().trim().split("\n");
  } catch (error) {
    if (error instanceof Errno && error.name === "EAGAIN") return [];
    throw error;
  }
}

const watch = (path: string, mask: number, change: "replace" | "add" | "create" = "replace") =>
  queue.watch(fs.resolve(null, path, true), mask, change);

test("a second watch of the same file changes the first one", () => {
  expect([watch("/d", IN.CREATE), watch("/d", IN.DELETE)]).toEqual([1, 1]);
  fs.mkdir(null, "/d/x", 0o755);
  expect(events()).toEqual([]);
  watch("/d", IN.CREATE, "add");
  fs.rmdir(null, "/d/x");
  fs.mkdir(null, "/d/y", 0o755);
  expect(events()).toEqual(["1 40000200 x", "1 40000100 y"]);
  expect(() => watch("/d", IN.CREATE, "create")).toThrow("File exists");
});

test("the same event twice in a row is one, unless it has been read in between", () => {
  watch("/d", IN.ATTRIB);
  fs.chmod(null, "/d", 0o700, 0);
  fs.chmod(null, "/d", 0o711, 0);
  expect(events()).toEqual(["1 40000004 -"]);
  fs.chmod(null, "/d", 0o700, 0);
  expect(events()).toEqual(["1 40000004 -"]);
});

test("a queue that overflows says so once, and goes on when it has been read", () => {
  watch("/d", IN.CREATE);
  for (let n = 0; n < 16400; n++) queue.push({ wd: 1, mask: IN.CREATE, cookie: 0, name: String(n) });
  const all = events();
  expect(all.length).toBe(16385);
  expect(all.at(-1)).toBe("-1 4000 -");
  fs.mkdir(null, "/d/x", 0o755);
  expect(events()).toEqual(["1 40000100 x"]);
});

test("IN_EXCL_UNLINK: nothing is heard of files that have no name any more", () => {
  watch("/d", IN.MODIFY | IN.CLOSE_WRITE | WATCH.EXCL_UNLINK);
  const file = fs.open(null, "/d/f", O.WRONLY | O.CREAT, 0o644);
  if (file instanceof Wait) throw new Error("it waits");
  file.retain();
  file.write(Uint8Array.of(1));
  expect(events()).toEqual(["1 2 f"]);
  fs.unlink(null, "/d/f", 0);
  file.write(Uint8Array.of(1));
  file.release();
  expect(events()).toEqual([]);
});

test("closing it takes its watches away", () => {
  watch("/d", IN.CREATE);
  const { watches } = fs.root.mount;
  expect(watches.isIdle).toBe(false);
  queue.release();
  expect(watches.isIdle).toBe(true);
});
