/**
 * What of the host's network a run may use (`--allow-net`). Without any it has its own loopback and nothing else.
 *
 * A rule allows an address (or every one) and a port (or every one), for connecting as well as for listening. The run's
 * own loopback always comes first: a connection to 127.0.0.1 or ::1 goes to whoever listens there inside the run, and only
 * if nobody does, and a rule allows it, to the host's. A listener that a rule allows is the host's, too.
 */
import { isAny, isIp6, type Endpoint } from "./address.ts";

export interface NetRule {
  /** Null: every address. */
  readonly ip: string | null;
  /** Null: every port. */
  readonly port: number | null;
}

export class NetPermission {
  readonly #rules: readonly NetRule[];

  constructor(rules: readonly NetRule[]) {
    this.#rules = rules;
  }

  static readonly NONE = new NetPermission([]);
  static readonly ALL = new NetPermission([{ ip: null, port: null }]);

  get isNone(): boolean {
    return this.#rules.length === 0;
  }

  permits({ ip, port }: Endpoint): boolean {
    return this.#rules.some((rule) => (rule.ip ?? ip) === ip && (rule.port ?? port) === port);
  }

  /** The host's addresses at which a socket that is bound to `local` may be reached: of "any" those that are allowed. */
  reachableAt({ ip, port }: Endpoint, isHosts: (ip: string) => boolean): string[] {
    const found = new Set<string>();
    for (const rule of this.#rules) {
      if ((rule.port ?? port) !== port) continue;
      if (rule.ip === null || rule.ip === ip) return [ip];
      if (isAny(ip) && (isIp6(ip) || !isIp6(rule.ip)) && isHosts(rule.ip)) found.add(rule.ip);
    }
    return [...found];
  }
}
