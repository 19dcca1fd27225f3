/** TCP connections that leave the run: a socket of the host's behind a socket of the guest's. */
import type { HostConnection } from "../../host/tcp.ts";
import { errno, type Errno, type ErrnoName } from "../errno.ts";
import type { Outlet } from "./connection.ts";
import type { TcpSocket } from "./tcp-socket.ts";

/** Bytes under way to the host, and read ahead from it, at most (a piece more). */
const CAPACITY = 1 << 18;

/** A host's errno name as the guest's. */
export function hostErrno(code: string): Errno {
  return Object.hasOwn(errno, code) ? errno[code as ErrnoName] : errno.EIO;
}

export class HostOutlet implements Outlet {
  readonly capacity = CAPACITY;
  readonly #connection: HostConnection;
  readonly #socket: TcpSocket;
  readonly #gone: () => void;
  #paused = false;

  /** `gone`: called once, when the host's socket needs no more looking after. */
  constructor(connection: HostConnection, socket: TcpSocket, gone: () => void) {
    this.#connection = connection;
    this.#socket = socket;
    this.#gone = gone;
  }

  /** Bytes come in from now on. */
  start(): void {
    const socket = this.#socket;
    this.#connection.tell({
      connected: () => undefined,
      data: (bytes) => {
        if (socket.receiveShut) return;
        socket.arrive(bytes, {});
        if (socket.incoming.bytes < CAPACITY || this.#paused) return;
        this.#paused = true;
        this.#connection.pause();
      },
      ended: () => socket.end(),
      drained: () => socket.mayWrite(),
      closed: (code) => {
        this.#gone();
        if (code !== null) socket.break(hostErrno(code));
        else if (!socket.ended) socket.end();
      },
    });
    this.#connection.flow();
  }

  get room(): number {
    return CAPACITY - this.#connection.buffered;
  }
  send(bytes: Uint8Array): void {
    this.#connection.write(bytes);
  }
  finish(): void {
    this.#connection.finish();
  }
  close(reset: boolean): void {
    this.#gone();
    this.#connection.close(reset);
  }
  drained(): void {
    if (!this.#paused || this.#socket.incoming.bytes * 2 > CAPACITY) return;
    this.#paused = false;
    this.#connection.resume();
  }
}
