/** From what was asked for (`--allow-net`) to what the run may use, and the files in /etc that go with it. */
import { lookUp, nameServers } from "../host/names.ts";
import { isAny, parseIp, formatIp } from "../kernel/net/address.ts";
import { NetPermission, type NetRule } from "../kernel/net/permission.ts";

/** True: everything. Otherwise rules, each `HOST:PORT`, `HOST`, `:PORT`; HOST is a name, an address (IPv6 in brackets) or `*`. */
export type NetworkWish = boolean | readonly string[];

export interface NetworkAccess {
  readonly permission: NetPermission;
  /** Guest path to text, for paths that lead to nothing otherwise. */
  readonly files: Readonly<Record<string, string>>;
}

interface ParsedRule {
  /** Null: every host. */
  readonly host: string | null;
  readonly port: number | null;
}

const RULE = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}|\*))?$/;

/** Throws RangeError with a line for whoever wrote the rule. */
export function parseNetRule(text: string): ParsedRule {
  const bare = parseIp(text) !== null && text.includes(":");
  const [, bracketed, plain, portText] = bare ? [text, text, undefined, undefined] : (RULE.exec(text) ?? []);
  const name = bracketed ?? plain;
  const port = portText === undefined || portText === "*" ? null : Number(portText);
  const isBadHost =
    name === undefined || /[\s/\[\]]/.test(name) || (bracketed !== undefined && parseIp(bracketed) === null);
  if (isBadHost || text === "" || (port !== null && (port < 1 || port > 65535))) {
    throw new RangeError(`not a network address: ${text || "(nothing)"}; write HOST:PORT, HOST or :PORT`);
  }
  return { host: name === "" || name === "*" ? null : name, port };
}

/** Looks names up, once, before the program starts: it can reach the addresses that they have now. */
export async function networkAccess(wish: NetworkWish, hostname: string): Promise<NetworkAccess> {
  const hosts = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback", `127.0.1.1 ${hostname}`];
  const resolver = nameServers;
  if (wish === true) return { permission: NetPermission.ALL, files: files(hosts, resolver()) };
  const rules: NetRule[] = [];
  for (const { host, port } of wish === false ? [] : wish.map(parseNetRule)) {
    const bytes = host === null ? null : parseIp(host);
    if (host === null) rules.push({ ip: null, port });
    else if (bytes !== null) {
      const ip = formatIp(bytes);
      rules.push({ ip: isAny(ip) ? null : ip, port });
    } else {
      for (const ip of await lookUp(host)) {
        rules.push({ ip, port });
        hosts.push(`${ip} ${host}`);
      }
    }
  }
  const permission = new NetPermission(rules);
  const servers = permission.isNone ? [] : resolver().filter((ip) => permission.permits({ ip, port: 53 }));
  return { permission, files: files(hosts, servers) };
}

function files(hosts: readonly string[], servers: readonly string[]): Readonly<Record<string, string>> {
  return {
    "/etc/hosts": lines(hosts),
    // Without it glibc asks the network first.
    "/etc/nsswitch.conf": lines(["hosts: files dns"]),
    ...(servers.length === 0 ? {} : { "/etc/resolv.conf": lines(servers.map((server) => `nameserver ${server}`)) }),
  };
}

const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join("");
