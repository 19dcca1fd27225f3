import { expect, test } from "vitest";
import { updateAsync } from "./async-io.ts";
import { O } from "./fs/flags.ts";
import { testKernel } from "./kernel.test-support.ts";
import { createPipe } from "./pipe.ts";

test("O_ASYNC: the owner gets SIGIO, or the signal of its choice with what has happened", () => {
  const { kernel, task, handle, number } = testKernel();
  const { process } = task;
  handle("SIGIO");
  handle("SIGUSR1");
  const { reader, writer } = createPipe(O.NONBLOCK);
  reader.retain();
  writer.retain();
  const take = () => process.signals.take(~0n);
  reader.owner = process.pid;
  writer.write(Uint8Array.of(1));
  expect(take()).toBe(null);

  reader.setFlags(reader.flags | O.ASYNC);
  updateAsync(kernel, reader, 7);
  expect(take()).toBe(null);
  writer.write(Uint8Array.of(1));
  expect(take()).toMatchObject({ signal: number("SIGIO"), code: 0x80 });

  reader.ownerSignal = number("SIGUSR1");
  reader.owner = -process.pgid;
  writer.write(Uint8Array.of(1));
  expect(take()).toMatchObject({ signal: number("SIGUSR1"), code: 1, fields: { kind: "poll", band: 0x41, fd: 7 } });
  // Taking bytes out is no news for the reader.
  reader.read(new Uint8Array(10));
  expect(take()).toBe(null);

  reader.setFlags(reader.flags & ~O.ASYNC);
  updateAsync(kernel, reader, 7);
  writer.write(Uint8Array.of(1));
  expect(take()).toBe(null);
});
