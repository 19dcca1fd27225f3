/** The local address of an internet socket: bind(2), and the port that it gets by itself. */
import { errno } from "../errno.ts";
import { anyOf, fromEndpoint, isAny, isIp6, isLoopback, isMulticast, toEndpoint } from "./address.ts";
import type { Endpoint, InetAddress, SocketAddress } from "./address.ts";
import type { PortHolder, PortTable } from "./ports.ts";
import type { SocketCaller } from "./socket.ts";

/** net.ipv4.ip_unprivileged_port_start */
const FIRST_UNPRIVILEGED = 1024;

export class InetName<H extends PortHolder> {
  /** Where its port is one. */
  readonly ports: PortTable<H>;
  readonly #holder: H;
  readonly #family: InetAddress["family"];
  #local: Endpoint;
  #held = false;
  /** The program chose its name itself (bind(2)). */
  #chosen = false;
  /** The address before a connection narrowed it. */
  #given: string | null = null;

  constructor(ports: PortTable<H>, holder: H, family: InetAddress["family"]) {
    this.ports = ports;
    this.#holder = holder;
    this.#family = family;
    this.#local = { ip: anyOf(family), port: 0 };
  }

  get local(): Endpoint {
    return this.#local;
  }
  get address(): InetAddress {
    return fromEndpoint(this.#local, this.#family);
  }
  get isBound(): boolean {
    return this.#held;
  }

  /** bind(2); `isOurs` says which addresses the machine has. Throws EINVAL, EADDRNOTAVAIL, EACCES, EADDRINUSE. */
  bind(address: SocketAddress, caller: SocketCaller, isOurs: (ip: string) => boolean): void {
    const wanted = this.#check(address);
    if (this.#held) throw errno.EINVAL;
    if (!isAny(wanted.ip) && !isLoopback(wanted.ip) && !isMulticast(wanted.ip) && !isOurs(wanted.ip)) {
      throw errno.EADDRNOTAVAIL;
    }
    if (wanted.port > 0 && wanted.port < FIRST_UNPRIVILEGED && !caller.credentials.isPrivileged) throw errno.EACCES;
    this.take(wanted);
    this.#chosen = true;
  }

  #check(address: SocketAddress): Endpoint {
    if (address.family !== this.#family) throw errno.EAFNOSUPPORT;
    const wanted = toEndpoint(address);
    if (this.#family === "inet6" && !isIp6(wanted.ip) && this.#holder.options.v6Only) throw errno.EINVAL;
    return wanted;
  }

  /** Takes the port at `wanted`, or for port 0 a free one. Throws EADDRINUSE. */
  take(wanted: Endpoint): void {
    const port = this.ports.choose(this.#holder, wanted);
    this.#local = { ip: wanted.ip, port };
    this.#held = true;
    this.ports.add(this.#holder);
  }

  /** A connection is from one address: the port stays. */
  narrow(ip: string): void {
    if (!isAny(this.#local.ip)) return;
    this.#given = this.#local.ip;
    this.#local = { ip, port: this.#local.port };
  }

  /** connect(2) with AF_UNSPEC: what `narrow` did is undone. */
  widen(): void {
    if (this.#given !== null) this.#local = { ip: this.#given, port: this.#local.port };
    this.#given = null;
  }

  /** A connection came to nothing, or is over: a name that nobody asked for is free again. */
  letGo(): void {
    if (this.#chosen) this.widen();
    else {
      this.release();
      this.#given = null;
      this.#local = { ip: anyOf(this.#family), port: 0 };
    }
  }

  /** Of a connection that a listener accepted, which shares its listener's port. */
  share(local: Endpoint): void {
    this.#local = local;
  }

  /** The host has given it another. */
  replace(local: Endpoint): void {
    this.release();
    this.#local = local;
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.ports.remove(this.#holder);
  }
}
