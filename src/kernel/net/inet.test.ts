import { describe, expect, test } from "vitest";
import { errno } from "../errno.ts";
import { failure, now } from "../fs/testing.ts";
import { O, POLL } from "../fs/flags.ts";
import type { Socket } from "./socket.ts";
import { Parked } from "../kernel.test-support.ts";
import { MSG } from "./message.ts";
import { at, outgoing, received, testNetwork, textOf, type TestNetwork } from "./net.test-support.ts";

const SOMEWHERE = { family: "inet", ip: "0.0.0.0", port: 0 } as const;

/** A listener, and its port. */
function listener(net: TestNetwork, ip = "127.0.0.1", backlog = 5): readonly [Socket, number] {
  const server = net.make(ip.includes(":") ? "inet6" : "inet", "stream");
  now(server.bind(at(0, ip), net.caller));
  now(server.listen(backlog, net.caller));
  const name = server.localAddress();
  if (name.family !== "inet" && name.family !== "inet6") throw new Error(name.family);
  return [server, name.port];
}

function connection(net: TestNetwork): readonly [client: Socket, server: Socket] {
  const [server, port] = listener(net);
  const client = net.make("inet", "stream");
  now(client.connect(at(port), net.caller));
  const accepted = now(server.accept(false));
  accepted.retain();
  return [client, accepted];
}

describe("TCP inside the run", () => {
  test("a connection has two ends that know each other", () => {
    const net = testNetwork();
    const [client, server] = connection(net);
    expect(client.peerAddress()).toEqual(server.localAddress());
    expect(server.peerAddress()).toEqual(client.localAddress());
    now(client.send(outgoing("to the server")));
    now(server.send(outgoing("to the client")));
    expect([textOf(server), textOf(client)]).toEqual(["to the server", "to the client"]);
  });

  test("a send buffer that is made smaller on a connection bounds what is under way", () => {
    const net = testNetwork();
    const [client, server] = connection(net);
    client.options.setSendBuffer(4096);
    server.options.setReceiveBuffer(4096);
    const sent = client.send({ ...outgoing("x".repeat(100_000)), flags: MSG.DONTWAIT });
    expect(sent).toBeLessThanOrEqual(16_384);
    expect(sent).toBeGreaterThan(8192);
  });

  test("an attempt that need not wait is told after the call, as over Linux's loopback", () => {
    const net = testNetwork();
    const [, port] = listener(net);
    const client = net.make("inet", "stream", O.NONBLOCK);
    const connect = () => client.connect(at(port), net.caller);
    expect(failure(connect)).toBe("EINPROGRESS");
    expect(client.poll() & POLL.OUT).toBe(POLL.OUT);
    expect(failure(connect)).toBe("ok");
    expect(failure(connect)).toBe("EISCONN");
    const other = net.make("inet", "stream", O.NONBLOCK);
    expect(failure(() => other.connect(at(1), net.caller))).toBe("EINPROGRESS");
    expect(other.poll() & (POLL.ERR | POLL.HUP)).toBe(POLL.ERR | POLL.HUP);
    expect(other.takeError()).toBe(errno.ECONNREFUSED);
  });

  test("a full queue makes clients wait", () => {
    const net = testNetwork();
    const [server, port] = listener(net, "127.0.0.1", 0);
    now(net.make("inet", "stream").connect(at(port), net.caller));
    const client = net.make("inet", "stream");
    const connecting = new Parked(client.connect(at(port), net.caller));
    expect(connecting.result).toBeUndefined();
    now(server.accept(false));
    expect(connecting.result).toBe(0);
    const refused = new Parked(net.make("inet", "stream").connect(at(port), net.caller));
    server.release();
    expect(refused.error).toBe(errno.ECONNREFUSED);
    // The one that was in the queue has lost its other side.
    expect(failure(() => received(client))).toBe("ECONNRESET");
  });

  test("after an end of file one can still send, until the other side is closed", () => {
    const net = testNetwork();
    const [client, server] = connection(net);
    client.shutdown(false, true);
    expect(received(server).length).toBe(0);
    now(server.send(outgoing("still")));
    expect(textOf(client)).toBe("still");
    client.release();
    expect(now(server.send(outgoing("x")))).toBe(1);
    expect(failure(() => server.send(outgoing("x")))).toBe("EPIPE");
    expect(received(server).length).toBe(0);
  });

  test("SO_LINGER of zero seconds resets", () => {
    const net = testNetwork();
    const [client, server] = connection(net);
    now(client.send(outgoing("last")));
    client.options.linger = 0;
    client.release();
    expect(textOf(server)).toBe("last");
    expect(failure(() => received(server))).toBe("ECONNRESET");
  });

  test("urgent data", () => {
    const net = testNetwork();
    const [client, server] = connection(net);
    now(client.send(outgoing("ab")));
    now(client.send(outgoing("!", { flags: MSG.OOB })));
    now(client.send(outgoing("cd")));
    expect(server.poll() & POLL.PRI).toBe(POLL.PRI);
    expect(received(server, MSG.OOB).text).toBe("!");
    expect([textOf(server), textOf(server)]).toEqual(["ab", "cd"]);
  });
});

describe("ports", () => {
  test("one address, one listener", () => {
    const net = testNetwork();
    const [, port] = listener(net);
    const bind = (ip: string, reuse = false, v6Only = false) => {
      const socket = net.make(ip.includes(":") ? "inet6" : "inet", "stream");
      socket.options.reuseAddress = reuse;
      socket.options.v6Only = v6Only;
      return failure(() => socket.bind(at(port, ip), net.caller));
    };
    expect(bind("127.0.0.1")).toBe("EADDRINUSE");
    expect(bind("127.0.0.1", true)).toBe("EADDRINUSE");
    expect(bind("0.0.0.0")).toBe("EADDRINUSE");
    expect(bind("::")).toBe("EADDRINUSE");
    expect(bind("127.0.0.2")).toBe("ok");
    expect(bind("::", false, true)).toBe("ok");
    expect(bind("192.0.2.1")).toBe("EADDRNOTAVAIL");
  });

  test("a port that nobody asked for is free again when a connection comes to nothing", () => {
    const net = testNetwork();
    const socket = net.make("inet", "stream");
    expect(failure(() => socket.connect(at(9), net.caller))).toBe("ECONNREFUSED");
    expect(socket.localAddress()).toMatchObject({ ip: "0.0.0.0", port: 0 });
    now(socket.bind(at(0), net.caller));
    const bound = socket.localAddress();
    expect(failure(() => socket.connect(at(9), net.caller))).toBe("ECONNREFUSED");
    expect(socket.localAddress()).toEqual(bound);
  });

  test("low ones are root's", () => {
    const net = testNetwork();
    expect(failure(() => net.make("inet", "stream").bind(at(80), net.caller))).toBe("EACCES");
  });

  test("an IPv6 listener takes IPv4 connections, too", () => {
    const net = testNetwork();
    const [server, port] = listener(net, "::");
    const client = net.make("inet", "stream");
    now(client.connect(at(port), net.caller));
    expect(now(server.accept(false)).peerAddress()).toMatchObject({ family: "inet6", ip: "::ffff:127.0.0.1" });
  });
});

describe("UDP inside the run", () => {
  test("to a name, and back", () => {
    const net = testNetwork();
    const server = net.make("inet", "datagram");
    now(server.bind(SOMEWHERE, net.caller));
    const name = server.localAddress();
    const client = net.make("inet", "datagram");
    now(client.send(outgoing("ask", { to: { ...name, ip: "127.0.0.1" } as never })));
    const got = received(server);
    expect(got.text).toBe("ask");
    now(server.send(outgoing("answer", { to: got.from })));
    expect(textOf(client)).toBe("answer");
  });

  test("hops and traffic class are the message's, else the socket's, else 64 and 0", () => {
    const net = testNetwork();
    const server = net.make("inet6", "datagram");
    now(server.bind(at(7000, "::"), net.caller));
    const client = net.make("inet6", "datagram");
    const header = (more = {}) => {
      now(client.send(outgoing("x", { to: at(7000, "::1"), header: more })));
      return received(server).header;
    };
    expect(header()).toEqual({ hops: 64, trafficClass: 0, coverage: 0 });
    client.options.kept.set("IPV6_UNICAST_HOPS", 9).set("IPV6_TCLASS", -1).set("IP_TOS", 4);
    expect(header()).toEqual({ hops: 9, trafficClass: 0, coverage: 0 });
    expect(header({ hops: 3, trafficClass: 32 })).toEqual({ hops: 3, trafficClass: 32, coverage: 0 });
    now(client.send(outgoing("x", { to: at(7000, "::ffff:127.0.0.1") })));
    expect(received(server).header).toEqual({ hops: 64, trafficClass: 4, coverage: 0 });
  });

  test("UDP-Lite has ports of its own, and drops what the checksum covers too little of", () => {
    const net = testNetwork();
    const [server, plain, client] = [136, 17, 136].map((protocol) => net.make("inet", "datagram", 0, protocol));
    now(server!.bind(at(7000), net.caller));
    now(plain!.bind(at(7000), net.caller));
    const send = (text: string) => now(client!.send(outgoing(text, { to: at(7000) })));
    send("all");
    expect(textOf(server!)).toBe("all");
    expect(failure(() => received(plain!))).toBe("EAGAIN");
    server!.options.kept.set("UDPLITE_RECV_CSCOV", 20);
    for (const [text, coverage] of [
      ["too little of me", 19],
      ["enough of me....", 20],
      ["all", 12],
    ] as const) {
      client!.options.kept.set("UDPLITE_SEND_CSCOV", coverage);
      send(text);
    }
    expect([textOf(server!), textOf(server!)]).toEqual(["enough of me....", "all"]);
    expect(failure(() => received(server!))).toBe("EAGAIN");
    expect(failure(() => client!.send(outgoing("x", { to: at(7000, "192.0.2.1") })))).toBe("ENETUNREACH");
  });

  test("nobody there: a connected socket hears of it", () => {
    const net = testNetwork();
    const client = net.make("inet", "datagram");
    now(client.connect(at(9), net.caller));
    expect(now(client.send(outgoing("x")))).toBe(1);
    expect(failure(() => client.send(outgoing("x")))).toBe("ECONNREFUSED");
    expect(failure(() => received(client))).toBe("EAGAIN");
  });

  test("a full queue loses what comes", () => {
    const net = testNetwork();
    const server = net.make("inet", "datagram");
    now(server.bind(at(0), net.caller));
    const client = net.make("inet", "datagram");
    now(client.connect(server.localAddress(), net.caller));
    for (let n = 0; n < 100; n++) now(client.send(outgoing("x".repeat(60_000))));
    let count = 0;
    for (; failure(() => received(server)) === "ok";) count++;
    expect(count).toBe(3);
  });

  test("the rest of the world is out of reach", () => {
    const net = testNetwork();
    const to = at(53, "192.0.2.1");
    expect(failure(() => net.make("inet", "datagram").send(outgoing("x", { to })))).toBe("ENETUNREACH");
    expect(failure(() => net.make("inet", "stream").connect(to, net.caller))).toBe("ENETUNREACH");
    expect(failure(() => net.make("inet6", "stream").connect(at(1, "2001:db8::1"), net.caller))).toBe("ENETUNREACH");
  });
});
