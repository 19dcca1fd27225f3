/** Against servers and clients of this very host, over its loopback. */
import { createSocket, type RemoteInfo } from "node:dgram";
import { connect, createServer, type AddressInfo, type Socket as NodeSocket } from "node:net";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { errno } from "../errno.ts";
import { failure, now } from "../fs/testing.ts";
import { O } from "../fs/flags.ts";
import { Parked } from "../kernel.test-support.ts";
import { Wait } from "../wait.ts";
import { at, outgoing, testNetwork, textOf, type TestNetwork } from "./net.test-support.ts";
import { NetPermission } from "./permission.ts";

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function openNetwork(permission = NetPermission.ALL): TestNetwork {
  const net = testNetwork(permission);
  undo.push(() => net.network.host.close());
  return net;
}

/** Runs a wait to its end, with the host's event loop. */
async function finished<T>(wait: T | Wait<T>): Promise<T> {
  if (!(wait instanceof Wait)) return wait;
  const parked = new Parked(wait);
  while (!parked.done) await new Promise((resolve) => setTimeout(resolve, 1));
  if (parked.error !== undefined) throw parked.error;
  return parked.result as T;
}

async function hostServer(serve: (socket: NodeSocket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, serve).listen(0, "127.0.0.1");
  await once(server, "listening");
  undo.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

describe("TCP to the host", () => {
  test("bytes there and back, more than any buffer holds, and both ends", async () => {
    const port = await hostServer((socket) => socket.pipe(socket));
    const net = openNetwork();
    const client = net.make("inet", "stream");
    await finished(client.connect(at(port), net.caller));
    expect(client.localAddress()).toMatchObject({ ip: "127.0.0.1" });
    const much = 3_000_000;
    const sending = finished(client.send(outgoing("x".repeat(much)))).then(() => client.shutdown(false, true));
    let received = 0;
    const into = new Uint8Array(70_000);
    for (;;) {
      const count = await finished(client.read(into));
      if (count === 0) break;
      received += count;
    }
    await sending;
    expect(received).toBe(much);
    client.release();
  });

  test("refused, and not allowed", async () => {
    const port = await freePort();
    const net = openNetwork(new NetPermission([{ ip: "127.0.0.1", port }]));
    const client = net.make("inet", "stream");
    await expect(finished(client.connect(at(port), net.caller))).rejects.toBe(errno.ECONNREFUSED);
    const other = net.make("inet", "stream");
    expect(failure(() => other.connect(at(port, "192.0.2.1"), net.caller))).toBe("ENETUNREACH");
  });

  test("who listens inside the run comes first", async () => {
    const port = await freePort();
    const net = openNetwork(new NetPermission([{ ip: "127.0.0.2", port }]));
    const server = net.make("inet", "stream");
    now(server.bind(at(port), net.caller));
    expect(server.listen(1, net.caller)).toBe(0);
    const client = net.make("inet", "stream");
    expect(client.connect(at(port), net.caller)).toBe(0);
  });

  test("a listener that a rule allows is the host's, too", async () => {
    const port = await freePort();
    const net = openNetwork(new NetPermission([{ ip: "127.0.0.1", port }]));
    const server = net.make("inet", "stream");
    now(server.bind(at(port, "0.0.0.0"), net.caller));
    await finished(server.listen(5, net.caller));
    const client = connect(port, "127.0.0.1");
    undo.push(() => client.destroy());
    client.write("hello");
    const accepted = await finished(server.accept(false));
    accepted.retain();
    expect(accepted.peerAddress()).toMatchObject({ ip: "127.0.0.1", port: client.localPort });
    expect(await finished(accepted.receive([new Uint8Array(10)], 0))).toMatchObject({ length: 5 });
    now(accepted.send(outgoing("bye")));
    accepted.release();
    const [answer] = (await once(client, "data")) as [Buffer];
    expect(answer.toString()).toBe("bye");
    await once(client, "end");
  });

  test("a port that the host has given away already", async () => {
    const port = await hostServer(() => undefined);
    const net = openNetwork();
    const server = net.make("inet", "stream");
    now(server.bind(at(port), net.caller));
    await expect(finished(server.listen(5, net.caller))).rejects.toBe(errno.EADDRINUSE);
    expect(server.isListening).toBe(false);
  });
});

test("UDP to the host", async () => {
  const server = createSocket("udp4");
  server.on("message", (bytes: Buffer, from: RemoteInfo) => server.send(`echo ${bytes}`, from.port, from.address));
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  undo.push(() => server.close());
  const net = openNetwork();
  const client = net.make("inet", "datagram", O.RDWR);
  now(client.connect(at(server.address().port), net.caller));
  now(client.send(outgoing("ask")));
  const into = new Uint8Array(20);
  const { length } = await finished(client.receive([into], 0));
  expect(Buffer.from(into.subarray(0, length)).toString()).toBe("echo ask");
  expect(failure(() => textOf(client))).toBe("EAGAIN");
  client.release();
});

describe("rules", () => {
  const isHosts = (ip: string) => ip === "127.0.0.1" || ip === "192.0.2.7";
  test("where a listener can be reached", () => {
    const rules = new NetPermission([
      { ip: "127.0.0.1", port: 80 },
      { ip: "192.0.2.7", port: null },
      { ip: "198.51.100.1", port: 443 },
    ]);
    expect(rules.reachableAt({ ip: "0.0.0.0", port: 80 }, isHosts)).toEqual(["127.0.0.1", "192.0.2.7"]);
    expect(rules.reachableAt({ ip: "127.0.0.1", port: 80 }, isHosts)).toEqual(["127.0.0.1"]);
    expect(rules.reachableAt({ ip: "127.0.0.1", port: 81 }, isHosts)).toEqual([]);
    expect(rules.reachableAt({ ip: "0.0.0.0", port: 443 }, isHosts)).toEqual(["192.0.2.7"]);
    expect(NetPermission.ALL.reachableAt({ ip: "::", port: 1 }, isHosts)).toEqual(["::"]);
    expect(NetPermission.NONE.permits({ ip: "127.0.0.1", port: 1 })).toBe(false);
  });
});
