/** The network of one run: who has which name and port, and where an address leads. */
import { errno } from "../errno.ts";
import type { Clock } from "../kernel.ts";
import type { Process } from "../process.ts";
import { raiseInProcess } from "../signal-sending.ts";
import type { SignalName } from "../signal.ts";
import type { Task } from "../task.ts";
import { isAny, isIp6, isLoopback, type Endpoint } from "./address.ts";
import { LOOPBACK, type NetworkInterface } from "./interfaces.ts";
import { NOBODY, type PeerIdentity } from "./message.ts";
import { NetlinkPorts } from "./netlink-socket.ts";
import { PortTable } from "./ports.ts";
import type { InFlight } from "./receive-queue.ts";
import { identityOf, type Socket, type SocketCaller } from "./socket.ts";
import type { TcpSocket } from "./tcp-socket.ts";
import type { UdpSocket } from "./udp-socket.ts";
import { UnixNames } from "./unix-socket.ts";

/** What the network needs of the kernel. */
export interface NetworkSurroundings {
  readonly clock: Clock;
  readonly processes: ReadonlyMap<number, Process>;
  readonly scheduler: { readonly current: Task | null };
}

export class Network {
  readonly clock: Clock;
  readonly unixNames = new UnixNames();
  readonly tcpPorts = new PortTable<TcpSocket>(true);
  readonly udpPorts = new PortTable<UdpSocket>(false);
  readonly netlink = new NetlinkPorts();
  /** What netdevice(7) and rtnetlink(7) tell of. */
  readonly interfaces: readonly NetworkInterface[] = [LOOPBACK];
  readonly inFlight: InFlight = { count: 0 };
  readonly #surroundings: NetworkSurroundings;
  #lastIno = 0n;

  constructor(surroundings: NetworkSurroundings) {
    this.clock = surroundings.clock;
    this.#surroundings = surroundings;
  }

  nextIno(): bigint {
    return ++this.#lastIno;
  }

  /** The task that makes the call under way. */
  caller(): SocketCaller {
    const task = this.#surroundings.scheduler.current;
    if (task === null) throw errno.ESRCH;
    return { pid: task.process.pid, credentials: task.credentials, fs: task.process.fs };
  }

  /** As whom write(2) sends. */
  writer(): PeerIdentity {
    return this.#surroundings.scheduler.current === null ? NOBODY : identityOf(this.caller());
  }

  /** A signal to whom fcntl(F_SETOWN) named. */
  signalOwner(socket: Socket, name: SignalName): void {
    const { owner } = socket;
    if (owner === 0) return;
    for (const process of this.#surroundings.processes.values()) {
      if (process.pid === owner || process.pgid === -owner) raiseInProcess(process, name);
    }
  }

  // ── addresses ──────────────────────────────────────────────────────────────────────────────────────────────────
  /** An address that a socket can be bound to. */
  isOurs(ip: string): boolean {
    return isLoopback(ip);
  }

  /** "Any" as a destination is this machine. */
  destination(to: Endpoint): Endpoint {
    if (!isAny(to.ip)) return to;
    return { ip: isIp6(to.ip) ? "::1" : "127.0.0.1", port: to.port };
  }

  /** The address that packets to `ip` come from. */
  sourceFor(ip: string): string {
    return isIp6(ip) ? "::1" : "127.0.0.1";
  }

  /** Throws ENETUNREACH. */
  requireRoute(_socket: Socket, to: Endpoint): void {
    if (!isLoopback(to.ip)) throw errno.ENETUNREACH;
  }

  // ── TCP ────────────────────────────────────────────────────────────────────────────────────────────────────────
  /** How to get to `to`: starts the attempt when called, and then returns what stops it. Throws ENETUNREACH. */
  routeTcp(socket: TcpSocket, to: Endpoint, _caller: SocketCaller): () => () => void {
    this.requireRoute(socket, to);
    return () => {
      const listener = this.tcpPorts.find(to, (holder) => holder.isListening);
      if (listener !== null) return socket.connectLocally(listener, to);
      socket.failed(errno.ECONNREFUSED);
      return () => undefined;
    };
  }

  stopListening(_socket: TcpSocket): void {}

  // ── UDP ────────────────────────────────────────────────────────────────────────────────────────────────────────
  sendDatagram(socket: UdpSocket, to: Endpoint, bytes: Uint8Array): void {
    const from = socket.isAnywhere ? { ip: this.sourceFor(to.ip), port: socket.local.port } : socket.local;
    const receiver = this.udpPorts.find(to, (holder) => holder.hears(from, to));
    if (receiver === null) socket.refused();
    else receiver.arrive(from, to, bytes);
  }

  closeDatagrams(_socket: UdpSocket): void {}
}
