/** getsockopt(2), setsockopt(2): one row an option, by level. */
import { errno, type Errno } from "../kernel/errno.ts";
import { TcpSocket } from "../kernel/net/tcp-socket.ts";
import { UdpSocket } from "../kernel/net/udp-socket.ts";
import { formatIp } from "../kernel/net/address.ts";
import type { SocketOptions } from "../kernel/net/options.ts";
import type { Socket } from "../kernel/net/socket.ts";
import * as arg from "./arguments.ts";
import type { ConstantSubject } from "./abi/constants.ts";
import type { SyscallContext } from "./context.ts";
import { partial, type SyscallRow } from "./row.ts";
import { encodeAddress, FAMILY_NAMES } from "./socket-address.ts";
import { lengthPointer, optionName } from "./socket-arguments.ts";
import { socketOf } from "./socket-descriptor.ts";

/** What setsockopt(2) was given. */
interface Given {
  readonly address: number;
  readonly length: number;
}

interface Option {
  /** Numbers are ints of the guest. Left out: ENOPROTOOPT. */
  get?(call: SyscallContext, socket: Socket): number | Uint8Array;
  set?(call: SyscallContext, socket: Socket, given: Given): void;
}

/** Throws EINVAL where less than an int was given. */
function int(call: SyscallContext, { address, length }: Given): number {
  if (length < 4) throw errno.EINVAL;
  return call.memory.readS32(address);
}

/** Options of IP take a single byte for an int. */
function intOrByte(call: SyscallContext, given: Given): number {
  if (given.length >= 4) return int(call, given);
  if (given.length < 1) throw errno.EINVAL;
  return call.memory.readU8(given.address);
}

type Flag = {
  [K in keyof SocketOptions]: SocketOptions[K] extends boolean ? K : never;
}[keyof SocketOptions];

const flag = (name: Flag): Option => ({
  get: (_call, { options }) => Number(options[name]),
  set(call, { options }, given) {
    options[name] = intOrByte(call, given) !== 0;
  },
});

/** A number that is kept and told, and otherwise without effect inside of one machine. */
const kept = (name: string, initial: number, min = -0x80000000, max = 0x7fffffff): Option => ({
  get: (_call, { options }) => options.kept.get(name) ?? initial,
  set(call, { options }, given) {
    const value = intOrByte(call, given);
    if (value < min || value > max) throw errno.EINVAL;
    options.kept.set(name, value);
  },
});
const keptFlag = (name: string, initial = 0): Option => ({
  get: (_call, { options }) => options.kept.get(name) ?? initial,
  set(call, { options }, given) {
    options.kept.set(name, intOrByte(call, given) === 0 ? 0 : 1);
  },
});

const told = (get: NonNullable<Option["get"]>): Option => ({ get });

const MICROSECOND = 1000n;
const SECOND = 1_000_000_000n;

/** SO_RCVTIMEO and SO_SNDTIMEO, in the struct with the guest's `long` or (`wide`) the one with 64 bits. */
const timeout = (name: "receiveTimeout" | "sendTimeout", wide: boolean): Option => ({
  get(call, { options }) {
    const layout = wide ? call.abi.structs.sockTimeval : call.abi.structs.timeval;
    return layout.pack({ tv_sec: options[name] / SECOND, tv_usec: (options[name] % SECOND) / MICROSECOND });
  },
  set(call, { options }, { address, length }) {
    const layout = wide ? call.abi.structs.sockTimeval : call.abi.structs.timeval;
    if (length < layout.size) throw errno.EINVAL;
    const time = layout.read(call.memory, address);
    const [seconds, micro] = [BigInt(time.tv_sec), BigInt(time.tv_usec)];
    if (micro < 0n || micro >= 1_000_000n) throw errno.EDOM;
    // A negative time is over at once.
    options[name] = seconds < 0n ? 1n : seconds * SECOND + micro * MICROSECOND;
  },
});

const timestamps = (unit: "microseconds" | "nanoseconds"): Option => ({
  get: (_call, { options }) => Number(options.timestamps === unit),
  set(call, { options }, given) {
    options.timestamps = int(call, given) === 0 ? "none" : unit;
  },
});

const TYPE_NAMES = {
  stream: "SOCK_STREAM",
  datagram: "SOCK_DGRAM",
  seqpacket: "SOCK_SEQPACKET",
  raw: "SOCK_RAW",
} as const;

const SOCKET_OPTIONS: Readonly<Record<string, Option>> = {
  SO_DEBUG: kept("SO_DEBUG", 0, 0, 0),
  SO_REUSEADDR: flag("reuseAddress"),
  SO_REUSEPORT: flag("reusePort"),
  SO_KEEPALIVE: flag("keepAlive"),
  SO_BROADCAST: flag("broadcast"),
  SO_OOBINLINE: flag("outOfBandInline"),
  SO_DONTROUTE: keptFlag("SO_DONTROUTE"),
  SO_NO_CHECK: keptFlag("SO_NO_CHECK"),
  SO_PRIORITY: kept("SO_PRIORITY", 0, 0, 6),
  SO_BSDCOMPAT: kept("SO_BSDCOMPAT", 0),
  SO_RXQ_OVFL: keptFlag("SO_RXQ_OVFL"),
  SO_INCOMING_CPU: told(() => 0),
  SO_TYPE: told((call, { type }) => call.abi.constants.socketType.guest[TYPE_NAMES[type]]!),
  SO_DOMAIN: told((call, { family }) => call.abi.constants.socketFamily.guest[FAMILY_NAMES[family]]!),
  SO_PROTOCOL: told((_call, { protocol }) => protocol),
  SO_ACCEPTCONN: told((_call, { isListening }) => Number(isListening)),
  SO_ERROR: told((call, socket) => {
    const error = socket.takeError();
    return error === null ? 0 : call.abi.errnoNumber(error);
  }),
  SO_SNDBUF: {
    get: (_call, { options }) => options.sendBuffer,
    set: (call, { options }, given) => options.setSendBuffer(int(call, given) >>> 0),
  },
  SO_RCVBUF: {
    get: (_call, { options }) => options.receiveBuffer,
    set: (call, { options }, given) => options.setReceiveBuffer(int(call, given) >>> 0),
  },
  SO_RCVLOWAT: {
    get: (_call, { options }) => options.receiveLowWater,
    set(call, { options }, given) {
      options.receiveLowWater = Math.max(int(call, given), 1);
    },
  },
  SO_SNDLOWAT: told(() => 1),
  SO_LINGER: {
    get: (call, { options }) =>
      call.abi.structs.linger.pack({ l_onoff: Number(options.linger !== null), l_linger: options.linger ?? 0 }),
    set(call, { options }, { address, length }) {
      const { linger } = call.abi.structs;
      if (length < linger.size) throw errno.EINVAL;
      const { l_onoff, l_linger } = linger.read(call.memory, address);
      options.linger = Number(l_onoff) === 0 ? null : Number(l_linger);
    },
  },
  SO_PASSCRED: flag("passCredentials"),
  SO_PEERCRED: told((call, { peerIdentity: { pid, uid, gid } }) => {
    // Nobody's ids are -1 here, and not the overflow ids.
    const unknown = pid === 0;
    return call.abi.structs.ucred.pack({ pid, uid: unknown ? 0xffffffff : uid, gid: unknown ? 0xffffffff : gid });
  }),
  SO_TIMESTAMP_OLD: timestamps("microseconds"),
  SO_TIMESTAMPNS_OLD: timestamps("nanoseconds"),
  SO_RCVTIMEO_OLD: timeout("receiveTimeout", false),
  SO_SNDTIMEO_OLD: timeout("sendTimeout", false),
  SO_RCVTIMEO_NEW: timeout("receiveTimeout", true),
  SO_SNDTIMEO_NEW: timeout("sendTimeout", true),
  SO_SNDBUFFORCE: forced(),
  SO_RCVBUFFORCE: forced(),
  SO_MARK: { get: () => 0, set: forced().set! },
};

/** Beyond the limits: what CAP_NET_ADMIN is for, which nobody has here. */
function forced(): Option {
  return {
    set() {
      throw errno.EPERM;
    },
  };
}

/** struct ip_mreq(n): the group, then the interface, which can only be lo. */
const membership = (joins: boolean, groupLength: number): Option => ({
  set(call, socket, { address, length }) {
    if (length < groupLength + 4) throw errno.EINVAL;
    if (!(socket instanceof UdpSocket)) throw errno.EPROTO;
    const group = formatIp(call.memory.readBytes(address, groupLength));
    if (socket.groups.has(group) === joins) throw joins ? errno.EADDRINUSE : errno.EADDRNOTAVAIL;
    if (joins) socket.groups.add(group);
    else socket.groups.delete(group);
  },
});

const LOOPBACK_MTU = 65536;

const IP_OPTIONS: Readonly<Record<string, Option>> = {
  IP_TOS: kept("IP_TOS", 0, 0, 255),
  IP_TTL: kept("IP_TTL", 64, 1, 255),
  IP_PKTINFO: flag("packetInfo"),
  IP_MTU_DISCOVER: kept("IP_MTU_DISCOVER", 1, 0, 5),
  IP_RECVERR: keptFlag("IP_RECVERR"),
  IP_RECVTTL: flag("hops"),
  IP_RECVTOS: flag("trafficClass"),
  IP_FREEBIND: keptFlag("IP_FREEBIND"),
  IP_TRANSPARENT: { get: () => 0, set: forced().set! },
  IP_BIND_ADDRESS_NO_PORT: keptFlag("IP_BIND_ADDRESS_NO_PORT"),
  IP_MULTICAST_TTL: kept("IP_MULTICAST_TTL", 1, 0, 255),
  IP_MULTICAST_LOOP: keptFlag("IP_MULTICAST_LOOP", 1),
  IP_MULTICAST_ALL: keptFlag("IP_MULTICAST_ALL", 1),
  IP_MULTICAST_IF: kept("IP_MULTICAST_IF", 0),
  IP_ADD_MEMBERSHIP: membership(true, 4),
  IP_DROP_MEMBERSHIP: membership(false, 4),
  IP_MTU: told((_call, socket) => {
    if (!(socket instanceof TcpSocket || socket instanceof UdpSocket) || socket.remote === null) throw errno.ENOTCONN;
    return LOOPBACK_MTU;
  }),
};

const IP6_OPTIONS: Readonly<Record<string, Option>> = {
  IPV6_V6ONLY: {
    get: (_call, { options }) => Number(options.v6Only),
    set(call, socket, given) {
      const value = int(call, given) !== 0;
      if ((socket instanceof TcpSocket || socket instanceof UdpSocket) && socket.name.isBound) throw errno.EINVAL;
      socket.options.v6Only = value;
    },
  },
  IPV6_UNICAST_HOPS: kept("IPV6_UNICAST_HOPS", 64, -1, 255),
  IPV6_MULTICAST_HOPS: kept("IPV6_MULTICAST_HOPS", 1, -1, 255),
  IPV6_MULTICAST_LOOP: keptFlag("IPV6_MULTICAST_LOOP", 1),
  IPV6_MULTICAST_IF: kept("IPV6_MULTICAST_IF", 0),
  IPV6_ADD_MEMBERSHIP: membership(true, 16),
  IPV6_DROP_MEMBERSHIP: membership(false, 16),
  IPV6_MTU_DISCOVER: kept("IPV6_MTU_DISCOVER", 1, 0, 5),
  IPV6_RECVERR: keptFlag("IPV6_RECVERR"),
  IPV6_RECVPKTINFO: flag("packetInfo6"),
  IPV6_RECVHOPLIMIT: flag("hops6"),
  IPV6_RECVTCLASS: flag("trafficClass6"),
  IPV6_TCLASS: kept("IPV6_TCLASS", 0, -1, 255),
  IPV6_DONTFRAG: keptFlag("IPV6_DONTFRAG"),
};

/** What Linux has without extra modules, and begins with. */
const CONGESTION = "cubic";

const TCP_OPTIONS: Readonly<Record<string, Option>> = {
  TCP_NODELAY: keptFlag("TCP_NODELAY"),
  TCP_CORK: keptFlag("TCP_CORK"),
  TCP_MAXSEG: { ...kept("TCP_MAXSEG", 536, 88, 32767), get: (_call, socket) => maxSegment(socket) },
  TCP_KEEPIDLE: kept("TCP_KEEPIDLE", 7200, 1, 32767),
  TCP_KEEPINTVL: kept("TCP_KEEPINTVL", 75, 1, 32767),
  TCP_KEEPCNT: kept("TCP_KEEPCNT", 9, 1, 127),
  TCP_SYNCNT: kept("TCP_SYNCNT", 6, 1, 127),
  TCP_LINGER2: kept("TCP_LINGER2", 60),
  TCP_DEFER_ACCEPT: kept("TCP_DEFER_ACCEPT", 0),
  TCP_WINDOW_CLAMP: kept("TCP_WINDOW_CLAMP", 0, 0),
  TCP_QUICKACK: keptFlag("TCP_QUICKACK", 1),
  TCP_USER_TIMEOUT: kept("TCP_USER_TIMEOUT", 0, 0),
  TCP_FASTOPEN: kept("TCP_FASTOPEN", 0, 0),
  TCP_NOTSENT_LOWAT: kept("TCP_NOTSENT_LOWAT", 0),
  TCP_CONGESTION: {
    get: () => Buffer.from(`${CONGESTION}\0`.padEnd(16, "\0"), "latin1"),
    set(call, _socket, { address, length }) {
      const name = Buffer.from(call.memory.readBytes(address, Math.min(length, 15))).toString("latin1");
      if (name.replace(/\0.*$/s, "") !== CONGESTION) throw errno.ENOENT;
    },
  },
};

/** udplite(7): 1 to 7 are the header's eight bytes, and no packet is longer than 16 bits say. */
const coverage = (name: string): Option => ({
  get: (_call, { options }) => options.kept.get(name) ?? 0,
  set(call, { options }, given) {
    const bytes = int(call, given);
    options.kept.set(name, bytes === 0 ? 0 : bytes > 0 && bytes < 8 ? 8 : Math.min(bytes >>> 0, 0xffff));
  },
});

const UDPLITE_OPTIONS: Readonly<Record<string, Option>> = {
  UDPLITE_SEND_CSCOV: coverage("UDPLITE_SEND_CSCOV"),
  UDPLITE_RECV_CSCOV: coverage("UDPLITE_RECV_CSCOV"),
};

const NETLINK_OPTIONS: Readonly<Record<string, Option>> = {
  NETLINK_ADD_MEMBERSHIP: { set: (call, _socket, given) => void int(call, given) },
  NETLINK_DROP_MEMBERSHIP: { set: (call, _socket, given) => void int(call, given) },
  NETLINK_PKTINFO: keptFlag("NETLINK_PKTINFO"),
  NETLINK_NO_ENOBUFS: keptFlag("NETLINK_NO_ENOBUFS"),
  NETLINK_CAP_ACK: keptFlag("NETLINK_CAP_ACK"),
};

function maxSegment(socket: Socket): number {
  const set = socket.options.kept.get("TCP_MAXSEG");
  if (set !== undefined) return set;
  return socket instanceof TcpSocket && socket.isConnected ? 32741 : 536;
}

interface Level {
  readonly subject: ConstantSubject;
  readonly options: Readonly<Record<string, Option>>;
  readonly has: (socket: Socket) => boolean;
}

const isInet = ({ family }: Socket): boolean => family === "inet" || family === "inet6";

const LEVELS: Readonly<Record<string, Level>> = {
  SOL_SOCKET: { subject: "socketOption", options: SOCKET_OPTIONS, has: () => true },
  SOL_IP: { subject: "ipOption", options: IP_OPTIONS, has: isInet },
  SOL_IPV6: { subject: "ip6Option", options: IP6_OPTIONS, has: ({ family }) => family === "inet6" },
  // NETLINK_ADD_MEMBERSHIP and the like: there is nothing that a group could hear of.
  SOL_NETLINK: { subject: "netlinkOption", options: NETLINK_OPTIONS, has: ({ family }) => family === "netlink" },
  SOL_TCP: { subject: "tcpOption", options: TCP_OPTIONS, has: (socket) => socket instanceof TcpSocket },
  SOL_UDPLITE: {
    subject: "udpliteOption",
    options: UDPLITE_OPTIONS,
    has: (socket) => socket instanceof UdpSocket && socket.isLite,
  },
};

/** `otherLevel`: what is said of a level that the socket does not have. Throws that, or ENOPROTOOPT. */
function find(call: SyscallContext, socket: Socket, level: number, option: number, otherLevel: Errno): Option {
  const entry = LEVELS[call.abi.constants.socketLevel.nameOf(level) ?? ""];
  if (entry === undefined || !entry.has(socket)) throw otherLevel;
  const found = entry.options[call.abi.constants[entry.subject].nameOf(option) ?? ""];
  if (found === undefined) throw errno.ENOPROTOOPT;
  return found;
}

function getsockopt(
  call: SyscallContext,
  fd: number,
  level: number,
  option: number,
  address: number,
  lengthAt: number,
): number {
  const socket = socketOf(call, fd);
  const room = call.memory.readS32(lengthAt);
  if (room < 0) throw errno.EINVAL;
  const otherLevel = socket.family === "inet6" ? errno.ENOPROTOOPT : errno.EOPNOTSUPP;
  const found = () => find(call, socket, level, option, otherLevel).get?.(call, socket);
  const value = peerName(call, socket, level, option) ?? found();
  if (value === undefined) throw errno.ENOPROTOOPT;
  const bytes = typeof value === "number" ? intBytes(call, value) : value;
  const length = Math.min(room, bytes.length);
  call.memory.writeBytes(address, bytes.subarray(0, length));
  call.memory.writeS32(lengthAt, length);
  return 0;
}

/** SO_PEERNAME, which has no name in the C library's headers. */
const SO_PEERNAME = 28;

function peerName(call: SyscallContext, socket: Socket, level: number, option: number): Uint8Array | null {
  if (option !== SO_PEERNAME || call.abi.constants.socketLevel.nameOf(level) !== "SOL_SOCKET") return null;
  return encodeAddress(call, socket.peerAddress());
}

function intBytes(call: SyscallContext, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, call.abi.littleEndian);
  return bytes;
}

function setsockopt(
  call: SyscallContext,
  fd: number,
  level: number,
  option: number,
  address: number,
  length: number,
): number {
  const socket = socketOf(call, fd);
  if (length < 0) throw errno.EINVAL;
  const otherLevel = isInet(socket) ? errno.ENOPROTOOPT : errno.EOPNOTSUPP;
  const { set } = find(call, socket, level, option, otherLevel);
  if (set === undefined) throw errno.ENOPROTOOPT;
  set(call, socket, { address, length });
  return 0;
}

const names = [SOCKET_OPTIONS, IP_OPTIONS, IP6_OPTIONS, TCP_OPTIONS, UDPLITE_OPTIONS, NETLINK_OPTIONS].flatMap(
  (options) => Object.keys(options),
);
const NOTE = `${names.join(", ")}; all others are ENOPROTOOPT`;

export const OPTION_ROWS: readonly SyscallRow[] = [
  partial("getsockopt", [arg.fd, arg.choice("socketLevel"), optionName, arg.pointer, lengthPointer], NOTE, getsockopt),
  partial("setsockopt", [arg.fd, arg.choice("socketLevel"), optionName, arg.pointer, arg.int], NOTE, setsockopt),
];
