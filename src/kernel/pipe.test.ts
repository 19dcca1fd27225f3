import { describe, expect, test } from "vitest";
import { errno } from "./errno.ts";
import { FileTable } from "./fs/file-table.ts";
import type { FileDescription } from "./fs/file-description.ts";
import { O, POLL, S } from "./fs/flags.ts";
import { flock, getRecordLock, lockedFiles, setRecordLock } from "./fs/locks.ts";
import { failure, now, open, readAll, view } from "./fs/testing.ts";
import { copyFileRange, sendfile, splice, tee } from "./fs/transfer.ts";
import { Parked } from "./kernel.test-support.ts";
import { createPipe } from "./pipe.ts";
import { poll } from "./poll.ts";
import { Wait } from "./wait.ts";

function pipe(flags = 0): { reader: FileDescription; writer: FileDescription } {
  const ends = createPipe(flags);
  ends.reader.retain();
  ends.writer.retain();
  return ends;
}
const bytes = (length: number, value = 1): Uint8Array => new Uint8Array(length).fill(value);

describe("pipe", () => {
  test("bytes come out in order, through many turns of the ring", () => {
    const { reader, writer } = pipe();
    let next = 0;
    let expected = 0;
    let wrong = 0;
    for (let round = 0; round < 2000; round++) {
      const part = Uint8Array.from({ length: (round * 37) % 700 }, () => next++ & 0xff);
      expect(now(writer.write(part))).toBe(part.length);
      const into = new Uint8Array((round * 53) % 900);
      if (reader.available() === 0) continue;
      const count = now(reader.read(into));
      for (let index = 0; index < count; index++) if (into[index] !== (expected++ & 0xff)) wrong++;
    }
    expect(wrong).toBe(0);
    expect(reader.available()).toBe(next - expected);
  });

  test("a full pipe takes 64 KiB and no small write in part", () => {
    const { reader, writer } = pipe(O.NONBLOCK);
    expect(now(writer.write(bytes(100_000)))).toBe(65536);
    expect(failure(() => writer.write(bytes(1)))).toBe("EAGAIN");
    now(reader.read(bytes(100)));
    expect(failure(() => writer.write(bytes(101)))).toBe("EAGAIN");
    expect(now(writer.write(bytes(100)))).toBe(100);
    now(reader.read(bytes(4096)));
    expect(now(writer.write(bytes(10_000)))).toBe(4096);
  });

  test("a signal interrupts a read only if there is nothing to read, not even the end of file", () => {
    const { reader, writer } = pipe();
    const nothing = new Parked(reader.read(bytes(10)));
    nothing.resume("signal");
    expect(nothing.error).toBe(errno.ERESTARTSYS);
    // As of a task that a signal takes off its queues before the writer writes.
    const wait = reader.read(bytes(10));
    now(writer.write(bytes(3)));
    if (!(wait instanceof Wait)) throw new Error("it does not wait");
    expect(wait.resume("signal")).toBe(3);
    const last = reader.read(bytes(10));
    writer.release();
    if (!(last instanceof Wait)) throw new Error("it does not wait");
    expect(last.resume("signal")).toBe(0);
  });

  test("a blocking write goes on until all is written; a signal cuts it short", () => {
    const { reader, writer } = pipe();
    const writing = new Parked(writer.write(bytes(200_000)));
    expect(readSome(reader, 65536)).toBe(65536);
    expect(writing.done).toBe(false);
    expect(readSome(reader, 65536)).toBe(65536);
    expect(readSome(reader, 65536)).toBe(65536);
    expect(writing.result).toBe(200_000);
    now(reader.read(bytes(65536)));
    const cut = new Parked(writer.write(bytes(100_000)));
    cut.resume("signal");
    expect(cut.result).toBe(65536);
    const none = new Parked(writer.write(bytes(1)));
    none.resume("signal");
    expect(none.error).toBe(errno.ERESTARTSYS);
  });

  test("the end of file, the broken pipe", () => {
    const { reader, writer } = pipe();
    const reading = new Parked(reader.read(bytes(10)));
    writer.release();
    expect(reading.result).toBe(0);
    expect(reader.poll()).toBe(POLL.HUP);
    const other = pipe();
    const writing = new Parked(other.writer.write(bytes(100_000)));
    other.reader.release();
    expect(writing.error).toBe(errno.EPIPE);
    expect(failure(() => other.writer.write(bytes(1)))).toBe("EPIPE");
    expect(other.writer.poll() & POLL.ERR).toBe(POLL.ERR);
  });

  test("the wrong end, no position, size", () => {
    const { reader, writer } = pipe();
    expect(failure(() => reader.write(bytes(1)))).toBe("EBADF");
    expect(failure(() => writer.read(bytes(1)))).toBe("EBADF");
    expect(failure(() => reader.seek(0, 0))).toBe("ESPIPE");
    expect(failure(() => reader.pread(bytes(1), 0))).toBe("ESPIPE");
    expect(reader.setPipeSize(5000)).toBe(8192);
    expect(writer.pipeSize).toBe(8192);
    expect(failure(() => reader.setPipeSize(2 ** 24))).toBe("EPERM");
    now(writer.write(bytes(8192)));
    expect(failure(() => reader.setPipeSize(4096))).toBe("EBUSY");
  });

  test("packets of O_DIRECT", () => {
    const { reader, writer } = pipe(O.DIRECT);
    now(writer.write(bytes(10, 1)));
    now(writer.write(bytes(10, 2)));
    const into = bytes(100, 0);
    expect(now(reader.read(into.subarray(0, 4)))).toBe(4);
    expect(now(reader.read(into))).toBe(10);
    expect(into[0]).toBe(2);
  });

  test("readv and writev", () => {
    const { reader, writer } = pipe();
    expect(now(writer.writev([bytes(3, 1), bytes(0), bytes(4, 2)]))).toBe(7);
    const parts = [bytes(2, 0), bytes(10, 0)];
    expect(now(reader.readv(parts))).toBe(7);
    expect([...(parts[1] ?? [])]).toEqual([1, 2, 2, 2, 2, 0, 0, 0, 0, 0]);
  });
});

function readSome(reader: FileDescription, length: number): number {
  let total = 0;
  while (total < length) total += now(reader.read(bytes(length - total)));
  return total;
}

describe("FIFO", () => {
  test("each side waits for the other", () => {
    const fs = view();
    fs.mknod(null, "/tmp/fifo", S.IFIFO | 0o600, { major: 0, minor: 0 });
    expect(failure(() => fs.open(null, "/tmp/fifo", O.WRONLY | O.NONBLOCK, 0))).toBe("ENXIO");
    const opening = new Parked(fs.open(null, "/tmp/fifo", O.RDONLY, 0));
    expect(opening.done).toBe(false);
    const writer = open(fs, "/tmp/fifo", O.WRONLY);
    const reader = opening.result;
    if (reader === undefined) throw new Error("still waiting");
    reader.retain();
    now(writer.write(Buffer.from("through")));
    writer.release();
    expect(readAll(reader)).toBe("through");
    reader.release();
    const interrupted = new Parked(fs.open(null, "/tmp/fifo", O.WRONLY, 0));
    interrupted.resume("signal");
    expect(interrupted.error).toBe(errno.ERESTARTSYS);
    const early = open(fs, "/tmp/fifo", O.RDONLY | O.NONBLOCK);
    expect(early.poll()).toBe(0);
    expect(now(early.read(bytes(1)))).toBe(0);
  });
});

describe("poll", () => {
  test("reports, ignores, waits and gives up", () => {
    const { reader, writer } = pipe();
    const entry = { description: reader, events: POLL.IN, result: 0 };
    const bad = { description: null, events: POLL.IN, result: 0 };
    const skipped = { description: null, events: POLL.IN, ignored: true, result: 9 };
    expect(poll([entry, skipped], null, true)).toBe(0);
    expect(skipped.result).toBe(0);
    expect(poll([entry, bad], null)).toBe(1);
    expect(bad.result).toBe(POLL.NVAL);
    const waiting = new Parked(poll([entry], 5n));
    now(writer.write(bytes(1)));
    expect([waiting.result, entry.result]).toEqual([1, POLL.IN]);
    now(reader.read(bytes(1)));
    const timed = new Parked(poll([entry], 5n));
    timed.resume("timeout");
    expect(timed.result).toBe(0);
    const signalled = new Parked(poll([entry], null));
    signalled.resume("signal");
    expect(signalled.error).toBe(errno.ERESTARTNOHAND);
  });
});

describe("file table", () => {
  test("lowest numbers first, limits, close-on-exec", () => {
    const files = new FileTable(() => 5);
    const { reader, writer } = createPipe(0);
    expect([files.add(reader), files.add(writer, true), files.duplicate(0, 3)]).toEqual([0, 1, 3]);
    expect(files.duplicate(0)).toBe(2);
    expect(files.duplicate(0)).toBe(4);
    expect(failure(() => files.duplicate(0))).toBe("EMFILE");
    expect(failure(() => files.duplicateTo(0, 5))).toBe("EBADF");
    expect(failure(() => files.duplicateTo(9, 0))).toBe("EBADF");
    expect(failure(() => files.get(-1))).toBe("EBADF");
    files.close(2);
    expect(files.duplicate(0)).toBe(2);
    files.closeForExec();
    expect([files.has(0), files.has(1)]).toEqual([true, false]);
    expect(now(reader.read(bytes(1)))).toBe(0);
    const copy = files.clone();
    files.closeRange(0, 0xffffffff);
    expect([...files.entries()]).toEqual([]);
    expect(reader.references).toBe(4);
    copy.closeAll();
    expect(reader.references).toBe(0);
    expect(failure(() => files.closeRange(3, 2))).toBe("EINVAL");
  });
});

describe("locks", () => {
  test("record locks split, conflict, wait and go with the descriptor", () => {
    const file = {};
    const one = {};
    const two = {};
    const lock = (owner: object, type: "read" | "write" | "unlock", start: number, end: number) => ({
      owner,
      type,
      start,
      end,
      pid: 1,
    });
    expect(setRecordLock(file, lock(one, "write", 0, 100), false)).toBe(0);
    expect(setRecordLock(file, lock(one, "unlock", 40, 60), false)).toBe(0);
    expect(setRecordLock(file, lock(two, "write", 40, 60), false)).toBe(0);
    expect(failure(() => setRecordLock(file, lock(two, "read", 0, 50), false))).toBe("EAGAIN");
    expect(getRecordLock(file, lock(two, "read", 10, Infinity))).toMatchObject({ start: 0, end: 40 });
    const waiting = new Parked(setRecordLock(file, lock(two, "write", 90, Infinity), true));
    expect(waiting.done).toBe(false);
    setRecordLock(file, lock(one, "unlock", 0, Infinity), false);
    expect(waiting.result).toBe(0);
    setRecordLock(file, lock(two, "unlock", 0, Infinity), false);
    expect(lockedFiles()).toBe(0);
  });

  test("flock shares reads", () => {
    const [file, one, two] = [{}, {}, {}];
    expect(flock(file, one, "read", false)).toBe(0);
    expect(flock(file, two, "read", false)).toBe(0);
    expect(failure(() => flock(file, one, "write", false))).toBe("EAGAIN");
    flock(file, one, "unlock", false);
    const waiting = new Parked(flock(file, one, "write", true));
    flock(file, two, "unlock", false);
    expect(waiting.result).toBe(0);
    flock(file, one, "unlock", false);
    expect(lockedFiles()).toBe(0);
  });
});

describe("moving bytes between descriptions", () => {
  test("sendfile, copy_file_range, splice, tee", () => {
    const fs = view();
    const from = open(fs, "/tmp/from", O.RDWR | O.CREAT);
    const to = open(fs, "/tmp/to", O.RDWR | O.CREAT);
    now(from.write(Uint8Array.from({ length: 200_000 }, (_, index) => index % 251)));
    from.seek(0, 0);
    expect(now(sendfile(to, from, null, 1000))).toBe(1000);
    expect(now(sendfile(to, from, 5, 10))).toBe(10);
    expect(from.position).toBe(1000);
    expect(now(copyFileRange(from, 0, to, 0, 300_000))).toBe(200_000);
    expect(to.stat().size).toBe(200_000);
    expect(failure(() => copyFileRange(from, 0, from, 10, 100))).toBe("EINVAL");
    const { reader, writer } = pipe();
    expect(now(splice(from, 0, writer, null, 200_000, false))).toBe(65536);
    expect(failure(() => splice(from, 0, writer, null, 10, true))).toBe("EAGAIN");
    const other = pipe();
    expect(now(tee(reader, other.writer, 100, true))).toBe(100);
    expect(reader.available()).toBe(65536);
    to.seek(0, 0);
    expect(now(splice(reader, null, to, null, 10, false))).toBe(10);
    expect(to.position).toBe(10);
    expect(failure(() => splice(from, null, to, null, 1, false))).toBe("EINVAL");
    const full = pipe(O.NONBLOCK);
    now(full.writer.write(bytes(65536)));
    from.seek(100, 0);
    expect(failure(() => sendfile(full.writer, from, null, 10))).toBe("EAGAIN");
    expect(from.position).toBe(100);
  });
});
