/** For tests: a network without a kernel, and what a scheduler does with waits. */
import { view } from "../fs/testing.ts";
import { Credentials } from "../credentials.ts";
import { TestClock } from "../kernel.test-support.ts";
import { Wait } from "../wait.ts";
import type { InetAddress, UnixAddress } from "./address.ts";
import { createPair, createSocket } from "./create.ts";
import type { RequestedFamily, RequestedType } from "./create.ts";
import { MSG, type Outgoing, type Received } from "./message.ts";
import { Network } from "./network.ts";
import type { NetPermission } from "./permission.ts";
import type { Socket, SocketCaller } from "./socket.ts";

export interface TestNetwork {
  readonly network: Network;
  readonly clock: TestClock;
  readonly caller: SocketCaller;
  /** A socket that a descriptor refers to. */
  make(family: RequestedFamily, type: RequestedType, flags?: number, protocol?: number): Socket;
  pair(type: RequestedType): readonly [Socket, Socket];
}

export function testNetwork(permission?: NetPermission): TestNetwork {
  const clock = new TestClock();
  const network = new Network({ clock, processes: new Map(), scheduler: { current: null } }, permission);
  const credentials = new Credentials(1000, 1000, []);
  const caller = { pid: 7, credentials, fs: view({ credentials }) };
  network.caller = () => caller;
  const held = <S extends Socket>(socket: S): S => {
    socket.retain();
    return socket;
  };
  return {
    network,
    clock,
    caller,
    make: (family, type, flags = 0, protocol = 0) =>
      held(createSocket(network, family, type, protocol, caller, flags, () => [])),
    pair(type) {
      const [one, other] = createPair(network, "unix", type, 0, caller, 0);
      return [held(one), held(other)];
    },
  };
}

export const named = (name: string): UnixAddress => ({ family: "unix", name });
export const at = (port: number, ip = "127.0.0.1"): InetAddress => ({
  family: ip.includes(":") ? "inet6" : "inet",
  ip,
  port,
});

export function outgoing(text: string, more: Partial<Outgoing> = {}): Outgoing {
  return {
    bytes: Buffer.from(text),
    to: null,
    sender: { pid: 7, uid: 1000, gid: 1000 },
    rights: [],
    flags: 0,
    ...more,
  };
}

/** Text that is there now, without waiting. */
export function received(socket: Socket, flags = 0, room = 1000): { text: string } & Received {
  const into = new Uint8Array(room);
  const got = socket.receive([into], flags | MSG.DONTWAIT);
  if (got instanceof Wait) throw new Error("it waits");
  return { ...got, text: Buffer.from(into.subarray(0, got.length)).toString() };
}

export const textOf = (socket: Socket): string => received(socket).text;
