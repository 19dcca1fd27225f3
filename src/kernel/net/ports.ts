/** Who has which port: one table for TCP, one for UDP. IPv4 and IPv6 share the numbers (ipv6(7), IPV6_V6ONLY). */
import { errno } from "../errno.ts";
import { isAny, isIp6, type Endpoint } from "./address.ts";

/** ip_local_port_range */
const FIRST_EPHEMERAL = 32768;
const LAST_EPHEMERAL = 60999;

export interface PortHolder {
  readonly local: Endpoint;
  readonly isListening: boolean;
  readonly options: { readonly reuseAddress: boolean; readonly reusePort: boolean; readonly v6Only: boolean };
  /** Whose it is: SO_REUSEPORT is among sockets of one user. */
  readonly user: number;
}

export class PortTable<H extends PortHolder> {
  readonly #ports = new Map<number, Set<H>>();
  /** TCP: two that may share an address must not both listen. */
  readonly #oneListener: boolean;
  #next = FIRST_EPHEMERAL;

  constructor(oneListener: boolean) {
    this.#oneListener = oneListener;
  }

  /** The port for a socket that wants to be at `wanted`: that one, or for port 0 a free one. Throws EADDRINUSE. */
  choose(holder: H, wanted: Endpoint): number {
    if (wanted.port !== 0) {
      if (this.conflicts(holder, wanted)) throw errno.EADDRINUSE;
      return wanted.port;
    }
    for (let tries = FIRST_EPHEMERAL; tries <= LAST_EPHEMERAL; tries++) {
      const port = this.#next;
      this.#next = port === LAST_EPHEMERAL ? FIRST_EPHEMERAL : port + 1;
      if (!this.#ports.has(port)) return port;
    }
    throw errno.EADDRINUSE;
  }

  /** The holder's `local` says where. */
  add(holder: H): void {
    const { port } = holder.local;
    let holders = this.#ports.get(port);
    if (holders === undefined) this.#ports.set(port, (holders = new Set()));
    holders.add(holder);
  }

  remove(holder: H): void {
    const holders = this.#ports.get(holder.local.port);
    holders?.delete(holder);
    if (holders?.size === 0) this.#ports.delete(holder.local.port);
  }

  conflicts(holder: H, wanted: Endpoint, listens = holder.isListening): boolean {
    for (const other of this.#ports.get(wanted.port) ?? []) {
      if (other === holder || !overlap(wanted.ip, holder.options.v6Only, other.local.ip, other.options.v6Only))
        continue;
      if (holder.options.reusePort && other.options.reusePort && holder.user === other.user) continue;
      const bothReuse = holder.options.reuseAddress && other.options.reuseAddress;
      if (bothReuse && !(this.#oneListener && (other.isListening || listens))) continue;
      return true;
    }
    return false;
  }

  /** The socket that something for `to` is for: the most exact address wins. */
  find(to: Endpoint, fits: (holder: H) => boolean): H | null {
    let best: H | null = null;
    let bestRank = 0;
    for (const holder of this.#ports.get(to.port) ?? []) {
      const rank = rankOf(holder, to.ip);
      if (rank > bestRank && fits(holder)) [best, bestRank] = [holder, rank];
    }
    return best;
  }

  *all(): IterableIterator<H> {
    for (const holders of this.#ports.values()) yield* holders;
  }
}

function rankOf({ local, options }: PortHolder, ip: string): number {
  if (local.ip === ip) return 3;
  if (!isAny(local.ip)) return 0;
  if (isIp6(local.ip) === isIp6(ip)) return 2;
  return isIp6(local.ip) && !options.v6Only ? 1 : 0;
}

function overlap(a: string, aOnly6: boolean, b: string, bOnly6: boolean): boolean {
  if (isIp6(a) === isIp6(b)) return a === b || isAny(a) || isAny(b);
  // `::` without IPV6_V6ONLY is every IPv4 address as well.
  return isIp6(a) ? a === "::" && !aOnly6 : b === "::" && !bOnly6;
}
