import { expect, test } from "vitest";
import { testNetwork } from "../kernel/net/net.test-support.ts";
import { END_OF_STREAM } from "../kernel/net/message.ts";
import { ROOM, testCalls } from "./call.test-support.ts";
import { readControl, writeControl } from "./control-messages.ts";

const socket = testNetwork().make("inet6", "datagram");

/** A control message at ROOM; its length. */
function put(calls: ReturnType<typeof testCalls>, level: number, type: number, data: readonly number[]): number {
  const { cmsghdr } = calls.context.abi.structs;
  const size = cmsghdr.size + data.length;
  cmsghdr.write(calls.memory, ROOM, { cmsg_len: size, cmsg_level: level, cmsg_type: type });
  calls.memory.writeBytes(ROOM + cmsghdr.size, Uint8Array.from(data));
  return size;
}

test("hop limit and traffic class of a packet: an int from 0 to 255, -1 for the socket's own", () => {
  const calls = testCalls([]);
  calls.kernel.network.caller = () => ({ pid: 1, credentials: calls.task.credentials, fs: calls.task.process.fs });
  const header = (level: number, type: number, data: readonly number[]) => {
    const length = put(calls, level, type, data);
    try {
      return readControl(calls.context, socket, ROOM, length).header;
    } catch (error) {
      return String((error as Error & { name: string }).name);
    }
  };
  expect(header(41, 52, [3, 0, 0, 0])).toEqual({ hops: 3 });
  expect(header(41, 67, [32, 0, 0, 0])).toEqual({ trafficClass: 32 });
  expect(header(41, 67, [255, 255, 255, 255])).toEqual({});
  expect(header(41, 52, [0, 1, 0, 0])).toBe("EINVAL");
  expect(header(41, 67, [3, 0, 0, 0, 0])).toBe("EINVAL");
  expect(header(0, 1, [16])).toEqual({ trafficClass: 16 });
  expect(header(0, 2, [16])).toBe("EINVAL");
});

test("what of a packet's header was asked for comes along, cut off where there is no room", () => {
  const calls = testCalls([]);
  const received = { ...END_OF_STREAM, to: "::1", header: { hops: 3, trafficClass: 32, coverage: 0 } };
  const written = (room: number) => writeControl(calls.context, socket, received, ROOM, room, false);
  expect(written(100).used).toBe(0);
  Object.assign(socket.options, { hops6: true, trafficClass6: true });
  expect(written(100)).toEqual({ used: 32, flags: 0 });
  expect([...calls.memory.readBytes(ROOM, 32)].filter((_, at) => at % 4 === 0)).toEqual([
    16, 41, 52, 3, 16, 41, 67, 32,
  ]);
  expect(written(20)).toEqual({ used: 16, flags: 8 });
});
