/** The way out of the run: connections, listeners and datagrams of the host's, as far as they are allowed. */
import { hostInterfaces } from "../../host/names.ts";
import { connectTcp, listenTcp, type HostConnection } from "../../host/tcp.ts";
import { HostDatagrams } from "../../host/udp.ts";
import { errno, type Errno } from "../errno.ts";
import { Wait } from "../wait.ts";
import { isAny, isIp6, isLoopback, type Endpoint } from "./address.ts";
import { HostOutlet, hostErrno } from "./host-tcp.ts";
import { IFF, LOOPBACK, type NetworkInterface } from "./interfaces.ts";
import type { NetPermission } from "./permission.ts";
import type { TcpSocket } from "./tcp-socket.ts";
import type { UdpSocket } from "./udp-socket.ts";

const SOMAXCONN = 4096;
const ETHERNET_MTU = 1500;

export class HostNetwork {
  readonly #permission: NetPermission;
  /** What ends each thing of the host's that is still open. */
  readonly #open = new Set<() => void>();
  readonly #listeners = new Map<TcpSocket, (() => void)[]>();
  readonly #datagrams = new Map<UdpSocket, Map<"inet" | "inet6", HostDatagrams>>();
  #interfaces: readonly NetworkInterface[] | null = null;

  constructor(permission: NetPermission) {
    this.#permission = permission;
  }

  /** The run is over. */
  close(): void {
    for (const end of [...this.#open]) end();
    this.#open.clear();
  }

  #keep(end: () => void): () => void {
    this.#open.add(end);
    return () => void this.#open.delete(end);
  }

  permits(to: Endpoint): boolean {
    return this.#permission.permits(to);
  }

  /** What there is beside the loopback; nothing of it is told to a run that has no way out. */
  get interfaces(): readonly NetworkInterface[] {
    return (this.#interfaces ??= this.#permission.isNone
      ? []
      : hostInterfaces().map(({ name, hardware, addresses }, n) => ({
          index: LOOPBACK.index + 1 + n,
          name: name.slice(0, 15),
          flags: IFF.UP | IFF.BROADCAST | IFF.RUNNING | IFF.MULTICAST | IFF.LOWER_UP,
          mtu: ETHERNET_MTU,
          isLoopback: false,
          hardware,
          addresses,
        })));
  }

  isHosts(ip: string): boolean {
    return isAny(ip) || isLoopback(ip) || this.interfaces.some(({ addresses }) => addresses.some((at) => at.ip === ip));
  }

  // ── TCP ────────────────────────────────────────────────────────────────────────────────────────────────────────
  /** Starts to connect; returns what stops it. */
  connect(socket: TcpSocket, to: Endpoint): () => void {
    const connection = connectTcp(to);
    const forget = this.#keep(() => connection.destroy());
    connection.tell({
      connected: () => {
        const outlet = new HostOutlet(connection, socket, forget);
        socket.name.replace(connection.local);
        socket.established(outlet);
        outlet.start();
      },
      data: () => undefined,
      ended: () => undefined,
      drained: () => undefined,
      closed: (code) => {
        forget();
        socket.failed(code === null ? errno.ECONNREFUSED : hostErrno(code));
      },
    });
    return () => {
      forget();
      connection.destroy();
    };
  }

  /** Makes a listener of the run the host's as well, where that is allowed; waits until the host has said yes. */
  listen(socket: TcpSocket, backlog: number): number | Wait<number> {
    const { port } = socket.local;
    const addresses = this.#permission.reachableAt(socket.local, (ip) => this.isHosts(ip));
    if (addresses.length === 0) return 0;
    const ends: (() => void)[] = [];
    this.#listeners.set(socket, ends);
    let pending = addresses.length;
    let failed: Errno | null = null;
    for (const ip of addresses) {
      const options = {
        backlog: backlog < 0 ? SOMAXCONN : Math.max(backlog, 1),
        ipv6Only: socket.options.v6Only || socket.family === "inet",
      };
      const end = listenTcp({ ip, port }, options, {
        listening() {
          pending--;
          socket.writeQueue.wake();
        },
        failed(code) {
          pending--;
          failed ??= hostErrno(code);
          socket.writeQueue.wake();
        },
        connection: (connection) => this.#admit(socket, connection),
      });
      const forget = this.#keep(end);
      ends.push(() => {
        forget();
        end();
      });
    }
    const wait: Wait<number> = new Wait([socket.writeQueue], null, (reason) => {
      if (pending > 0 && failed === null && reason !== "signal") return wait;
      if (pending === 0 && failed === null) return 0;
      this.stopListening(socket);
      socket.unlisten();
      throw failed ?? errno.ERESTARTSYS;
    });
    return wait;
  }

  #admit(listener: TcpSocket, connection: HostConnection): void {
    const accepted = listener.admit(connection.local, connection.remote);
    if (accepted === null) {
      connection.destroy();
      return;
    }
    const outlet = new HostOutlet(
      connection,
      accepted,
      this.#keep(() => connection.destroy()),
    );
    accepted.outlet = outlet;
    outlet.start();
    listener.queue(accepted);
  }

  stopListening(socket: TcpSocket): void {
    for (const end of this.#listeners.get(socket) ?? []) end();
    this.#listeners.delete(socket);
  }

  // ── UDP ────────────────────────────────────────────────────────────────────────────────────────────────────────
  /** Makes a bound socket the host's as well, where that is allowed; waits until the host has said yes. */
  bind(socket: UdpSocket): number | Wait<number> {
    const [ip] = this.#permission.reachableAt(socket.local, (each) => this.isHosts(each));
    if (ip === undefined) return 0;
    let answer: Errno | "bound" | null = null;
    const settle = (said: Errno | "bound"): void => {
      answer ??= said;
      socket.writeQueue.wake();
    };
    const family = isIp6(ip) ? "inet6" : "inet";
    const datagrams = this.#datagramsOf(socket, family, (error) =>
      answer === null ? settle(error) : socket.fail(error),
    );
    datagrams.bind({ ip, port: socket.local.port }, () => settle("bound"));
    const wait: Wait<number> = new Wait([socket.writeQueue], null, (reason) => {
      if (answer === "bound") return 0;
      if (answer === null && reason !== "signal") return wait;
      this.closeDatagrams(socket);
      socket.name.release();
      throw answer ?? errno.ERESTARTSYS;
    });
    return wait;
  }

  send(socket: UdpSocket, to: Endpoint, bytes: Uint8Array): void {
    const family = isIp6(to.ip) ? "inet6" : "inet";
    const datagrams = this.#datagramsOf(socket, family, (error) => socket.fail(error));
    datagrams.send(bytes, to);
  }

  #datagramsOf(socket: UdpSocket, family: "inet" | "inet6", failed: (error: Errno) => void): HostDatagrams {
    let ofSocket = this.#datagrams.get(socket);
    if (ofSocket === undefined) this.#datagrams.set(socket, (ofSocket = new Map()));
    const existing = ofSocket.get(family);
    if (existing !== undefined) return existing;
    const isReachable = this.#permission.reachableAt(socket.local, (ip) => this.isHosts(ip)).length > 0;
    const made = new HostDatagrams(family, socket.options.v6Only || family === "inet6", {
      message: (bytes, from) => {
        // Answers come from where one may send to; strangers reach only those who may be reached.
        const to = { ip: socket.local.ip, port: socket.local.port };
        if ((isReachable || this.permits(from)) && socket.hears(from, to)) socket.arrive(from, to, bytes, null);
      },
      failed: (code) => failed(hostErrno(code)),
    });
    ofSocket.set(family, made);
    this.#open.add(made.end);
    return made;
  }

  closeDatagrams(socket: UdpSocket): void {
    for (const datagrams of this.#datagrams.get(socket)?.values() ?? []) {
      this.#open.delete(datagrams.end);
      datagrams.close();
    }
    this.#datagrams.delete(socket);
  }
}
