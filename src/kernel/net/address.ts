/** Socket addresses in the kernel's words. How a guest lays them out is its ABI's business (`syscalls/socket-address.ts`). */
import { errno } from "../errno.ts";
import type { ByteString } from "../fs/byte-string.ts";

/** unix(7): a path, an abstract name (its first byte is NUL), or "" for a socket without a name. */
export interface UnixAddress {
  readonly family: "unix";
  readonly name: ByteString;
}

/** ip(7), ipv6(7). `ip` is canonical text, so that equal addresses are equal strings; ports in host order. */
export interface InetAddress {
  readonly family: "inet" | "inet6";
  readonly ip: string;
  readonly port: number;
  /** sin6_flowinfo and sin6_scope_id; 0 for IPv4. */
  readonly flow?: number;
  readonly scope?: number;
}

/** netlink(7) */
export interface NetlinkAddress {
  readonly family: "netlink";
  readonly pid: number;
  readonly groups: number;
}

/** AF_UNSPEC: takes the peer of a datagram socket away. */
export interface NoAddress {
  readonly family: "unspecified";
}

export type SocketAddress = UnixAddress | InetAddress | NetlinkAddress | NoAddress;

export const UNNAMED: UnixAddress = { family: "unix", name: "" };

/** Where a packet goes. An IPv4 address that an IPv6 socket writes as ::ffff:a.b.c.d is the IPv4 address here. */
export interface Endpoint {
  readonly ip: string;
  readonly port: number;
}

export const isIp6 = (ip: string): boolean => ip.includes(":");
export const isAny = (ip: string): boolean => ip === "0.0.0.0" || ip === "::";
/** The whole of 127.0.0.0/8 is this machine. */
export const isLoopback = (ip: string): boolean => ip === "::1" || ip.startsWith("127.");
export const isMulticast = (ip: string): boolean => {
  if (isIp6(ip)) return ip.startsWith("ff") && ip.indexOf(":") === 4;
  const first = Number(ip.slice(0, ip.indexOf(".")));
  return first >= 224 && first < 240;
};

/** The address that means "every one of this machine's". */
export const anyOf = (family: InetAddress["family"]): string => (family === "inet" ? "0.0.0.0" : "::");

const MAPPED = "::ffff:";

/** Throws EAFNOSUPPORT where the address is not of the internet. */
export function toEndpoint(address: SocketAddress): Endpoint {
  if (address.family !== "inet" && address.family !== "inet6") throw errno.EAFNOSUPPORT;
  const { ip, port } = address;
  return { ip: ip.startsWith(MAPPED) && ip.includes(".") ? ip.slice(MAPPED.length) : ip, port };
}

/** As a socket of `family` is told of it. */
export function fromEndpoint({ ip, port }: Endpoint, family: InetAddress["family"]): InetAddress {
  if (family === "inet" || isIp6(ip)) return { family, ip, port };
  return { family, ip: ip === "0.0.0.0" ? "::" : MAPPED + ip, port };
}

/** Four or sixteen bytes in network order, as text (inet_ntop(3)). */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const groups = Array.from({ length: 8 }, (_, n) => view.getUint16(2 * n));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return MAPPED + bytes.subarray(12, 16).join(".");
  }
  // The longest run of zeros, of two at least, is left out (RFC 5952).
  let best = { from: 0, length: 1 };
  for (let from = 0; from < 8; from++) {
    let end = from;
    while (end < 8 && groups[end] === 0) end++;
    if (end - from > best.length) best = { from, length: end - from };
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(":");
  if (best.length === 1) return hex(groups);
  return `${hex(groups.slice(0, best.from))}::${hex(groups.slice(best.from + best.length))}`;
}

/** Text of an address as bytes: four for IPv4, sixteen for IPv6; null where it is none. */
export function parseIp(text: string): Uint8Array | null {
  if (!text.includes(":")) return parseIp4(text);
  const [head, tail, ...more] = text.split("::");
  if (head === undefined || more.length > 0) return null;
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  if (left === null || right === null) return null;
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  [...left, ...Array.from({ length: missing }, () => 0), ...right].forEach((group, n) => {
    view.setUint16(2 * n, group);
  });
  return bytes;
}

function parseIp4(text: string): Uint8Array | null {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return null;
  return Uint8Array.from(parts, Number);
}

/** The 16-bit groups between colons; a dotted IPv4 address at the end is two. */
function groupsOf(text: string): number[] | null {
  if (text === "") return [];
  const groups: number[] = [];
  for (const part of text.split(":")) {
    if (part.includes(".")) {
      const bytes = parseIp4(part);
      if (bytes === null) return null;
      groups.push((bytes[0]! << 8) | bytes[1]!, (bytes[2]! << 8) | bytes[3]!);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return null;
  }
  return groups;
}
