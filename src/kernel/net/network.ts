/** The network of one run: who has which name and port, and where an address leads. */
import { errno } from "../errno.ts";
import type { Clock } from "../kernel.ts";
import type { Process } from "../process.ts";
import { raiseInProcess } from "../signal-sending.ts";
import type { SignalName } from "../signal.ts";
import type { Task } from "../task.ts";
import { isAny, isIp6, isLoopback, isMulticast, type Endpoint } from "./address.ts";
import { HostNetwork } from "./host-network.ts";
import { LOOPBACK, type NetworkInterface } from "./interfaces.ts";
import { NOBODY, type PacketHeader, type PeerIdentity } from "./message.ts";
import { NetlinkPorts } from "./netlink-socket.ts";
import { NetPermission } from "./permission.ts";
import { PortTable } from "./ports.ts";
import type { InFlight } from "./receive-queue.ts";
import { identityOf, type Socket, type SocketCaller } from "./socket.ts";
import type { TcpSocket } from "./tcp-socket.ts";
import { IPPROTO_UDP, IPPROTO_UDPLITE, type UdpSocket } from "./udp-socket.ts";
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
  readonly datagramPorts = {
    [IPPROTO_UDP]: new PortTable<UdpSocket>(false),
    [IPPROTO_UDPLITE]: new PortTable<UdpSocket>(false),
  };
  readonly netlink = new NetlinkPorts();
  readonly host: HostNetwork;
  readonly inFlight: InFlight = { count: 0 };
  readonly #surroundings: NetworkSurroundings;
  #lastIno = 0n;

  constructor(surroundings: NetworkSurroundings, permission: NetPermission = NetPermission.NONE) {
    this.host = new HostNetwork(permission);
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
  /** What netdevice(7) and rtnetlink(7) tell of. */
  get interfaces(): readonly NetworkInterface[] {
    return [LOOPBACK, ...this.host.interfaces];
  }

  /** An address that a socket can be bound to. */
  isOurs(ip: string): boolean {
    return isLoopback(ip) || this.#ofHost(ip);
  }

  #ofHost(ip: string): boolean {
    return this.host.interfaces.some(({ addresses }) => addresses.some((each) => each.ip === ip));
  }

  /** "Any" as a destination is this machine. */
  destination(to: Endpoint): Endpoint {
    if (!isAny(to.ip)) return to;
    return { ip: isIp6(to.ip) ? "::1" : "127.0.0.1", port: to.port };
  }

  /** The address that packets to `ip` come from. */
  sourceFor(ip: string): string {
    const loopback = isIp6(ip) ? "::1" : "127.0.0.1";
    if (isLoopback(ip)) return loopback;
    const addresses = this.host.interfaces.flatMap((each) => each.addresses);
    return addresses.find((each) => isIp6(each.ip) === isIp6(ip))?.ip ?? loopback;
  }

  /** Throws ENETUNREACH. */
  requireRoute(to: Endpoint): void {
    if (!isLoopback(to.ip) && !this.host.permits(to)) throw errno.ENETUNREACH;
  }

  // ── TCP ────────────────────────────────────────────────────────────────────────────────────────────────────────
  /** How to get to `to`: starts the attempt when called, and then returns what stops it. Throws ENETUNREACH. */
  routeTcp(socket: TcpSocket, to: Endpoint): () => () => void {
    this.requireRoute(to);
    return () => {
      const listener = this.isOurs(to.ip) ? this.tcpPorts.find(to, (holder) => holder.isListening) : null;
      if (listener !== null) return socket.connectLocally(listener, to);
      if (this.host.permits(to)) return this.host.connect(socket, to);
      socket.failed(errno.ECONNREFUSED);
      return () => undefined;
    };
  }

  // ── UDP ────────────────────────────────────────────────────────────────────────────────────────────────────────
  sendDatagram(socket: UdpSocket, to: Endpoint, bytes: Uint8Array, header: PacketHeader): void {
    const from = socket.isAnywhere ? { ip: this.sourceFor(to.ip), port: socket.local.port } : socket.local;
    const isInside = this.isOurs(to.ip) || isMulticast(to.ip);
    const receiver = isInside ? socket.name.ports.find(to, (holder) => holder.hears(from, to)) : null;
    if (receiver !== null) receiver.arrive(from, to, bytes, header);
    else if (!socket.isLite && this.host.permits(to)) this.host.send(socket, to, bytes);
    else socket.refused();
  }
}
