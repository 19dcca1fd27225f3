/** UDP of the host, through Node's dgram, which is loaded when a program first needs it. */
import type { Socket } from "node:dgram";
import type { HostAddress } from "./tcp.ts";

const dgram = () => process.getBuiltinModule("node:dgram");

export interface DatagramEvents {
  message(bytes: Uint8Array, from: HostAddress): void;
  /** The host's errno name. */
  failed(code: string): void;
}

export class HostDatagrams {
  readonly #socket: Socket;
  readonly #events: DatagramEvents;
  #closed = false;
  /** `close`, as a value of its own. */
  readonly end = (): void => this.close();

  constructor(family: "inet" | "inet6", ipv6Only: boolean, events: DatagramEvents) {
    this.#events = events;
    this.#socket = dgram().createSocket({ type: family === "inet" ? "udp4" : "udp6", ipv6Only });
    this.#socket.on("message", (bytes, { address, port }) => {
      if (!this.#closed) events.message(bytes, { ip: address.replace(/%.*$/, ""), port });
    });
    this.#socket.on("error", (error) => this.#fail(error));
  }

  #fail(error: Error): void {
    if (!this.#closed) this.#events.failed("code" in error && typeof error.code === "string" ? error.code : "EIO");
  }

  /** Calls `done` when it is bound; `failed` tells when that was not to be. */
  bind(at: HostAddress, done: () => void): void {
    this.#socket.bind({ address: at.ip, port: at.port, exclusive: true }, done);
  }

  /** Copies the bytes. */
  send(bytes: Uint8Array, to: HostAddress): void {
    this.#socket.send(Buffer.from(bytes), to.port, to.ip, (error) => {
      if (error !== null) this.#fail(error);
    });
  }

  setBroadcast(on: boolean): void {
    this.#socket.setBroadcast(on);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // Closing throws away what is not sent, and a program may send its last and end: the host gets its turn first.
    setImmediate(() => this.#socket.close());
  }
}
