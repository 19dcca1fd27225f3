/** TCP of the host, through Node's net, which is loaded when a program first needs it. */
import type { Server, Socket } from "node:net";

const net = () => process.getBuiltinModule("node:net");

export interface HostAddress {
  readonly ip: string;
  readonly port: number;
}

export interface ConnectionEvents {
  connected(): void;
  /** The bytes are the listener's to keep. */
  data(bytes: Uint8Array): void;
  /** The other side sends no more. */
  ended(): void;
  /** What was buffered is on its way. */
  drained(): void;
  /** The connection is gone; `code`: the host's errno name, null where nothing went wrong. */
  closed(code: string | null): void;
}

const NO_EVENTS: ConnectionEvents = {
  connected: () => undefined,
  data: () => undefined,
  ended: () => undefined,
  drained: () => undefined,
  closed: () => undefined,
};

export class HostConnection {
  readonly #socket: Socket;
  #events: ConnectionEvents = NO_EVENTS;
  #code: string | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    // An error is told with the end that follows it.
    socket.on("error", (error) => {
      this.#code = "code" in error && typeof error.code === "string" ? error.code : "EIO";
    });
    socket.on("connect", () => this.#events.connected());
    socket.on("end", () => this.#events.ended());
    socket.on("drain", () => this.#events.drained());
    socket.on("close", () => this.#events.closed(this.#code));
    // Latency is the guest's to trade.
    socket.setNoDelay(true);
  }

  /** From now on what happens is told to these. */
  tell(events: ConnectionEvents): void {
    this.#events = events;
  }

  /** From now on bytes come in, those that are there already first. */
  flow(): void {
    this.#socket.on("data", (bytes) => this.#events.data(typeof bytes === "string" ? Buffer.from(bytes) : bytes));
    this.#socket.resume();
  }

  get local(): HostAddress {
    return { ip: plain(this.#socket.localAddress ?? ""), port: this.#socket.localPort ?? 0 };
  }
  get remote(): HostAddress {
    return { ip: plain(this.#socket.remoteAddress ?? ""), port: this.#socket.remotePort ?? 0 };
  }
  /** Bytes that were written and not sent yet. */
  get buffered(): number {
    return this.#socket.writableLength;
  }

  /** Copies the bytes. */
  write(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(Buffer.from(bytes));
  }
  finish(): void {
    this.#socket.end();
  }
  pause(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }

  /** Nobody listens any more: what is buffered is still sent, or with `reset` thrown away. */
  close(reset: boolean): void {
    this.#events = NO_EVENTS;
    if (reset) this.#socket.resetAndDestroy();
    else this.#socket.destroySoon();
  }

  /** At once, whatever is buffered. */
  destroy(): void {
    this.#events = NO_EVENTS;
    this.#socket.destroy();
  }
}

export function connectTcp(to: HostAddress): HostConnection {
  return new HostConnection(
    net().connect({ host: to.ip, port: to.port, allowHalfOpen: true, autoSelectFamily: false }),
  );
}

export interface ListenerEvents {
  listening(): void;
  /** The host's errno name. */
  failed(code: string): void;
  connection(connection: HostConnection): void;
}

export interface ListenOptions {
  readonly backlog: number;
  readonly ipv6Only: boolean;
}

/** Returns what ends it. */
export function listenTcp(at: HostAddress, options: ListenOptions, events: ListenerEvents): () => void {
  const server: Server = net().createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
    events.connection(new HostConnection(socket)),
  );
  server.on("error", (error) => {
    events.failed("code" in error && typeof error.code === "string" ? error.code : "EIO");
  });
  server.on("listening", () => events.listening());
  server.listen({ host: at.ip, port: at.port, backlog: options.backlog, ipv6Only: options.ipv6Only, exclusive: true });
  return () => server.close();
}

/** Node writes IPv4 addresses of an IPv6 listener as ::ffff:a.b.c.d. */
function plain(ip: string): string {
  return ip.startsWith("::ffff:") && ip.includes(".") ? ip.slice("::ffff:".length) : ip;
}
