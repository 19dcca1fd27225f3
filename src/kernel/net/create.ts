/** socket(2), socketpair(2): which kind of socket it is. */
import { errno } from "../errno.ts";
import { NetlinkSocket, type NetlinkAnswer } from "./netlink-socket.ts";
import type { Network } from "./network.ts";
import type { Socket, SocketCaller } from "./socket.ts";
import { IPPROTO_TCP, TcpSocket } from "./tcp-socket.ts";
import { IPPROTO_UDP, IPPROTO_UDPLITE, UdpSocket } from "./udp-socket.ts";
import { UnixDatagramSocket } from "./unix-datagram.ts";
import { UnixStreamSocket } from "./unix-stream.ts";

/** What a program can ask for; not all of it is to be had. */
export type RequestedFamily = "unix" | "inet" | "inet6" | "netlink" | "packet" | "other";
export type RequestedType = "stream" | "datagram" | "seqpacket" | "raw" | "other";

/** PF_UNIX as a protocol is no protocol. */
const PF_UNIX = 1;
const NETLINK_ROUTE = 0;
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;

/**
 * `flags`: O.NONBLOCK; `answer`: of the kernel to a netlink socket. Throws EAFNOSUPPORT, ESOCKTNOSUPPORT, EPROTONOSUPPORT, and EPERM and EACCES for what lets a program
 * see or forge others' packets.
 */
export function createSocket(
  network: Network,
  family: RequestedFamily,
  type: RequestedType,
  protocol: number,
  { credentials }: SocketCaller,
  flags: number,
  answer: NetlinkAnswer,
): Socket {
  switch (family) {
    case "unix": {
      const kind = unixType(type, protocol);
      if (kind === "datagram") return new UnixDatagramSocket(network, credentials, flags);
      return new UnixStreamSocket(network, kind, credentials, flags);
    }
    case "inet":
    case "inet6":
      if (type === "stream" && (protocol === 0 || protocol === IPPROTO_TCP)) {
        return new TcpSocket(network, family, credentials, flags);
      }
      if (type === "datagram" && (protocol === 0 || protocol === IPPROTO_UDP || protocol === IPPROTO_UDPLITE)) {
        return new UdpSocket(network, family, protocol === 0 ? IPPROTO_UDP : protocol, credentials, flags);
      }
      throw refusal(family, type, protocol);
    case "netlink":
      if (type !== "raw" && type !== "datagram") throw errno.ESOCKTNOSUPPORT;
      if (protocol !== NETLINK_ROUTE) throw errno.EPROTONOSUPPORT;
      return new NetlinkSocket(network, type, credentials, flags, answer);
    case "packet":
      throw errno.EPERM;
    case "other":
      throw errno.EAFNOSUPPORT;
  }
}

function refusal(family: "inet" | "inet6", type: RequestedType, protocol: number): unknown {
  if (type === "raw") return protocol === 0 ? errno.EPROTONOSUPPORT : errno.EPERM;
  // net.ipv4.ping_group_range is empty.
  if (type === "datagram" && protocol === (family === "inet" ? IPPROTO_ICMP : IPPROTO_ICMPV6)) return errno.EACCES;
  return type === "stream" || type === "datagram" ? errno.EPROTONOSUPPORT : errno.ESOCKTNOSUPPORT;
}

export function createPair(
  network: Network,
  family: RequestedFamily,
  type: RequestedType,
  protocol: number,
  caller: SocketCaller,
  flags: number,
): readonly [Socket, Socket] {
  if (family === "inet" || family === "inet6") {
    createSocket(network, family, type, protocol, caller, flags, () => []);
    throw errno.EOPNOTSUPP;
  }
  if (family === "netlink") throw errno.EOPNOTSUPP;
  if (family !== "unix") throw family === "packet" ? errno.EPERM : errno.EAFNOSUPPORT;
  const kind = unixType(type, protocol);
  if (kind === "datagram") return UnixDatagramSocket.pair(network, caller.credentials, flags);
  return UnixStreamSocket.pair(network, kind, caller, flags);
}

function unixType(type: RequestedType, protocol: number): "stream" | "datagram" | "seqpacket" {
  if (protocol !== 0 && protocol !== PF_UNIX) throw errno.EPROTONOSUPPORT;
  if (type === "other") throw errno.ESOCKTNOSUPPORT;
  // SOCK_RAW is an old name for datagrams here (unix(7)'s sources).
  return type === "raw" ? "datagram" : type;
}
