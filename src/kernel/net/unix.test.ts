import { describe, expect, test } from "vitest";
import { errno } from "../errno.ts";
import { failure, now, view } from "../fs/testing.ts";
import { O, POLL, S } from "../fs/flags.ts";
import { createPipe } from "../pipe.ts";
import { Parked } from "../kernel.test-support.ts";
import { MSG } from "./message.ts";
import { named, outgoing, received, testNetwork, textOf } from "./net.test-support.ts";

describe("a pair of streams", () => {
  test("bytes run together, and end", () => {
    const [a, b] = testNetwork().pair("stream");
    for (const text of ["one ", "two ", "three"]) now(a.send(outgoing(text)));
    expect(received(b, MSG.PEEK, 5).text).toBe("one t");
    expect(textOf(b)).toBe("one two three");
    expect(failure(() => received(b))).toBe("EAGAIN");
    const reading = new Parked(b.read(new Uint8Array(4)));
    a.shutdown(false, true);
    expect(reading.result).toBe(0);
    expect(b.poll() & POLL.RDHUP).toBe(POLL.RDHUP);
    expect(failure(() => a.send(outgoing("x")))).toBe("EPIPE");
  });

  test("a full one holds the writer up until half of it is read; a signal tells how much went", () => {
    const [a, b] = testNetwork().pair("stream");
    const much = "x".repeat(1 << 19);
    const writing = new Parked(a.write(Buffer.from(much)));
    expect(a.poll() & POLL.OUT).toBe(0);
    let read = 0;
    while (writing.result === undefined) read += received(b, 0, 50_000).length;
    expect(writing.result).toBe(much.length);
    while (b.available() > 0) read += received(b, 0, 50_000).length;
    expect(read).toBe(much.length);
    const cut = new Parked(a.write(Buffer.from(much)));
    cut.resume("signal");
    expect(cut.result).toBe(b.available());
  });

  test("MSG_WAITALL waits for all, and takes what there is at the end", () => {
    const [a, b] = testNetwork().pair("stream");
    const into = new Uint8Array(8);
    const reading = new Parked(b.receive([into], MSG.WAITALL));
    now(a.send(outgoing("abc")));
    now(a.send(outgoing("def")));
    expect(reading.result).toBeUndefined();
    a.release();
    expect(reading.result?.length).toBe(6);
    expect(Buffer.from(into).toString("latin1")).toBe("abcdef\0\0");
  });

  test("SO_RCVTIMEO", () => {
    const net = testNetwork();
    const [, b] = net.pair("stream");
    b.options.receiveTimeout = 5_000_000n;
    const reading = new Parked(b.receive([new Uint8Array(1)], 0));
    expect(reading.deadline).toBe(net.clock.now + 5_000_000n);
    reading.resume("timeout");
    expect(reading.error).toBe(errno.EAGAIN);
    const interrupted = new Parked(b.receive([new Uint8Array(1)], 0));
    interrupted.resume("signal");
    expect(interrupted.error).toBe(errno.EINTR);
  });

  test("closing with bytes unread resets the other side", () => {
    const [a, b] = testNetwork().pair("stream");
    now(a.send(outgoing("unread")));
    b.release();
    expect(a.poll() & (POLL.ERR | POLL.HUP)).toBe(POLL.ERR | POLL.HUP);
    expect(failure(() => received(a))).toBe("ECONNRESET");
    expect(received(a).length).toBe(0);
  });
});

describe("descriptors in messages", () => {
  test("they end a read, and are closed if nobody takes them", () => {
    const net = testNetwork();
    const [a, b] = net.pair("stream");
    const { reader, writer } = createPipe(0);
    reader.retain();
    writer.retain();
    now(a.send(outgoing("before")));
    now(a.send(outgoing("with", { rights: [writer] })));
    now(a.send(outgoing("after")));
    writer.release();
    expect(net.network.inFlight.count).toBe(1);
    const got = received(b);
    expect(got.text).toBe("beforewith");
    expect(got.rights).toEqual([writer]);
    expect(net.network.inFlight.count).toBe(0);
    now(a.send(outgoing("again", { rights: [writer] })));
    writer.release();
    expect(now(reader.read(new Uint8Array(0)))).toBe(0);
    expect(reader.poll()).toBe(0);
    b.release();
    expect(reader.poll()).toBe(POLL.HUP);
  });

  test("a socket in its own queue does not keep closing for ever", () => {
    const net = testNetwork();
    const [a, b] = net.pair("stream");
    now(a.send(outgoing("x", { rights: [b] })));
    b.release();
    now(b.receive([new Uint8Array(1)], 0)).rights[0]!.release();
    expect(a.poll() & POLL.HUP).toBe(POLL.HUP);
  });
});

describe("datagrams and sequenced packets", () => {
  test("boundaries stay; what does not fit is lost", () => {
    for (const type of ["datagram", "seqpacket"] as const) {
      const [a, b] = testNetwork().pair(type);
      now(a.send(outgoing("first")));
      now(a.send(outgoing("")));
      now(a.send(outgoing("second")));
      const got = received(b, 0, 3);
      expect([got.text, got.size, got.flags & MSG.TRUNC]).toEqual(["fir", 5, MSG.TRUNC]);
      expect([textOf(b), textOf(b)]).toEqual(["", "second"]);
    }
  });

  test("a full receiver holds senders up", () => {
    const net = testNetwork();
    const server = net.make("unix", "datagram");
    now(server.bind(named("\0server"), net.caller));
    const client = net.make("unix", "datagram");
    const to = named("\0server");
    for (let n = 0; n < 11; n++) now(client.send(outgoing(String(n), { to })));
    const sending = new Parked(client.send(outgoing("late", { to })));
    expect(textOf(server)).toBe("0");
    expect(sending.result).toBe(4);
    now(client.connect(to, net.caller));
    expect(client.poll() & POLL.OUT).toBe(0);
    server.release();
    expect(failure(() => client.send(outgoing("x")))).toBe("ECONNREFUSED");
  });
});

describe("names", () => {
  test("in the tree: an inode that outlives the socket", () => {
    const net = testNetwork();
    const { caller } = net;
    const { fs } = caller;
    const server = net.make("unix", "stream");
    now(server.bind(named("/tmp/s"), caller));
    expect(fs.stat(null, "/tmp/s", 0).mode & S.IFMT).toBe(S.IFSOCK);
    expect(failure(() => fs.open(null, "/tmp/s", O.RDWR, 0))).toBe("ENXIO");
    const client = net.make("unix", "stream", O.NONBLOCK);
    expect(failure(() => client.connect(named("/tmp/s"), caller))).toBe("ECONNREFUSED");
    now(server.listen(0, caller));
    expect(now(client.connect(named("/tmp/s"), caller))).toBe(0);
    const late = net.make("unix", "stream", O.NONBLOCK);
    expect(failure(() => late.connect(named("/tmp/s"), caller))).toBe("EAGAIN");
    const accepted = now(server.accept(false));
    expect(accepted.localAddress()).toEqual(named("/tmp/s"));
    expect(client.peerIdentity).toEqual({ pid: 7, uid: 1000, gid: 1000 });
    server.release();
    expect(failure(() => late.connect(named("/tmp/s"), caller))).toBe("ECONNREFUSED");
    const second = net.make("unix", "stream");
    expect(failure(() => second.bind(named("/tmp/s"), caller))).toBe("EADDRINUSE");
  });

  test("abstract and automatic ones", () => {
    const net = testNetwork();
    const one = net.make("unix", "stream");
    now(one.bind(named("\0a\0b"), net.caller));
    const two = net.make("unix", "stream");
    expect(failure(() => two.bind(named("\0a\0b"), net.caller))).toBe("EADDRINUSE");
    now(two.bind(named(""), net.caller));
    expect(two.localAddress().family === "unix" && two.localAddress()).toEqual(named("\x0000001"));
    one.release();
    now(net.make("unix", "stream").bind(named("\0a\0b"), net.caller));
  });

  test("who may not write to the name may not connect", () => {
    const net = testNetwork();
    const server = net.make("unix", "stream");
    now(server.bind(named("/tmp/s"), net.caller));
    now(server.listen(5, net.caller));
    net.caller.fs.chmod(null, "/tmp/s", 0o500, 0);
    const client = net.make("unix", "stream");
    expect(failure(() => client.connect(named("/tmp/s"), net.caller))).toBe("EACCES");
    const other = { ...net.caller, fs: view() };
    expect(failure(() => client.connect(named("/tmp/s"), other))).toBe("ENOENT");
  });
});
