import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { getLibc } from "./libc.ts";
import { HostStream, NOT_READY, kindOf, openMode } from "./stream.ts";

const libc = getLibc();

function pipe(): [number, number] {
  const ends = new Int32Array(2);
  expect(libc?.pipe(ends)).toBe(0);
  return [ends[0] ?? -1, ends[1] ?? -1];
}
const event = (ask: (ready: () => void) => void): Promise<void> => new Promise((resolve) => ask(resolve));

describe.skipIf(libc === null)("a blocking host pipe", () => {
  test("reading never blocks, takes only what was asked for, and is told when to go on", async () => {
    const [reader, writer] = pipe();
    const stream = new HostStream(reader);
    const into = new Uint8Array(2);
    expect(stream.kind).toBe("pipe");
    expect(stream.read(into)).toBe(NOT_READY);
    const ready = event((resume) => {
      stream.whenReadable(resume);
    });
    fs.writeSync(writer, "abc");
    await ready;
    expect(stream.read(into)).toBe(2);
    // The third byte is still the pipe's: another program on the same input finds it.
    expect(fs.readSync(reader, new Uint8Array(8))).toBe(1);
    expect(stream.read(into)).toBe(NOT_READY);
    fs.closeSync(writer);
    expect(stream.hungUp).toBe(true);
    expect(stream.read(into)).toBe(0);
    fs.closeSync(reader);
  });

  test("writing stops where the pipe is full, and goes on when there is room", async () => {
    const [reader, writer] = pipe();
    const stream = new HostStream(writer);
    const chunk = new Uint8Array(100_000);
    expect(stream.write(chunk)).toBe(65536);
    expect(stream.write(chunk)).toBe(NOT_READY);
    const ready = event((resume) => {
      stream.whenWritable(resume);
    });
    fs.readSync(reader, new Uint8Array(65536));
    await ready;
    expect(stream.write(chunk)).toBe(65536);
    fs.closeSync(reader);
    expect(() => stream.write(chunk)).toThrow("EPIPE");
    fs.closeSync(writer);
  });

  test("waiting can be given up", async () => {
    const [reader, writer] = pipe();
    const stream = new HostStream(reader);
    let called = 0;
    stream.whenReadable(() => called++);
    stream.stopWatching();
    fs.writeSync(writer, "x");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(called).toBe(0);
    await event((resume) => {
      stream.whenReadable(resume);
    });
    expect(stream.canRead).toBe(true);
    fs.closeSync(reader);
    fs.closeSync(writer);
  });

  test("what a descriptor is and how it is open", () => {
    const [reader, writer] = pipe();
    expect(openMode(reader)).toEqual({ access: "read", append: false });
    expect(openMode(writer)).toEqual({ access: "write", append: false });
    const path = join(tmpdir(), `babelf-stream-${process.pid}`);
    const file = fs.openSync(path, "a+");
    expect([kindOf(file), openMode(file)]).toEqual(["file", { access: "readWrite", append: true }]);
    const device = fs.openSync("/dev/null", "r");
    expect(kindOf(device)).toBe("device");
    for (const fd of [reader, writer, file, device]) fs.closeSync(fd);
    fs.unlinkSync(path);
  });
});
