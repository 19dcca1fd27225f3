/** Ancillary data of sendmsg(2) and recvmsg(2): cmsg(3) in, and out. */
import { errno } from "../kernel/errno.ts";
import type { FileDescription } from "../kernel/fs/file-description.ts";
import { parseIp } from "../kernel/net/address.ts";
import { MSG, releaseRights, type PacketHeader, type PeerIdentity, type Received } from "../kernel/net/message.ts";
import { identityOf, type Socket } from "../kernel/net/socket.ts";
import { UdpSocket } from "../kernel/net/udp-socket.ts";
import type { SyscallContext } from "./context.ts";
import { description } from "./guest-buffers.ts";
import { callerOf } from "./socket-descriptor.ts";

/** SCM_MAX_FD */
const MAX_RIGHTS = 253;
/** net.core.optmem_max: what may go along with one message. */
const MAX_CONTROL = 131_072;

export interface Control {
  /** Retained: whoever reads them releases them when the call is over. */
  readonly rights: readonly FileDescription[];
  readonly sender: PeerIdentity;
  readonly header: Partial<PacketHeader>;
}

/** What of a packet's header can be said and is told, by level: the message's name, how it is told, and its least value. */
interface HeaderField {
  readonly name: string;
  readonly field: "hops" | "trafficClass";
  readonly option: "hops" | "trafficClass" | "hops6" | "trafficClass6";
  readonly least: number;
  /** A single byte: IP_TOS is told as one, and may be said as one. */
  readonly isByte?: true;
}

const HEADER_FIELDS: Readonly<Record<"SOL_IP" | "SOL_IPV6", readonly HeaderField[]>> = {
  SOL_IP: [
    { name: "IP_TTL", field: "hops", option: "hops", least: 1 },
    { name: "IP_TOS", field: "trafficClass", option: "trafficClass", least: 0, isByte: true },
  ],
  // -1: what the socket has.
  SOL_IPV6: [
    { name: "IPV6_HOPLIMIT", field: "hops", option: "hops6", least: -1 },
    { name: "IPV6_TCLASS", field: "trafficClass", option: "trafficClass6", least: -1 },
  ],
};

const align = (call: SyscallContext, length: number): number => Math.ceil(length / call.abi.word) * call.abi.word;

/** What a message is to carry. Throws EINVAL, EPERM, EBADF, ETOOMANYREFS. */
export function readControl(call: SyscallContext, socket: Socket, address: number, length: number): Control {
  const caller = callerOf(call);
  let sender = identityOf(caller);
  if (length === 0) return { rights: [], sender, header: {} };
  if (length > MAX_CONTROL) throw errno.ENOBUFS;
  const { cmsghdr } = call.abi.structs;
  const { socketLevel, controlMessage } = call.abi.constants;
  const numbers: number[] = [];
  let header: Partial<PacketHeader> = {};
  for (let at = 0; at + cmsghdr.size <= length;) {
    const { cmsg_len, cmsg_level, cmsg_type } = cmsghdr.read(call.memory, address + at);
    const size = Number(cmsg_len);
    if (size < cmsghdr.size || size > length - at) throw errno.EINVAL;
    const data = address + at + cmsghdr.size;
    at += align(call, size);
    const level = socketLevel.nameOf(Number(cmsg_level));
    if (socket instanceof UdpSocket && (level === "SOL_IP" || level === "SOL_IPV6")) {
      header = { ...header, ...readHeader(call, level, Number(cmsg_type), data, size - cmsghdr.size) };
    }
    if (level !== "SOL_SOCKET" || socket.family !== "unix") continue;
    switch (controlMessage.nameOf(Number(cmsg_type))) {
      case "SCM_RIGHTS":
        for (let n = 0; n < Math.floor((size - cmsghdr.size) / 4); n++) numbers.push(call.memory.readS32(data + 4 * n));
        break;
      case "SCM_CREDENTIALS":
        sender = readCredentials(call, data, size - cmsghdr.size);
        break;
      default:
        throw errno.EINVAL;
    }
  }
  return { rights: hold(call, numbers), sender, header };
}

/** One field of the header that a packet is to have. Throws EINVAL. */
function readHeader(
  call: SyscallContext,
  level: "SOL_IP" | "SOL_IPV6",
  type: number,
  address: number,
  size: number,
): Partial<PacketHeader> {
  const subject = call.abi.constants[level === "SOL_IP" ? "ipOption" : "ip6Option"];
  const row = HEADER_FIELDS[level].find(({ name }) => subject.guest[name] === type);
  if (row === undefined) return {};
  if (size !== 4 && !(size === 1 && row.isByte === true)) throw errno.EINVAL;
  const value = size === 1 ? call.memory.readU8(address) : call.memory.readS32(address);
  if (value < row.least || value > 255) throw errno.EINVAL;
  return value < 0 ? {} : { [row.field]: value };
}

/** Everybody may say who they are; root may say anything. */
function readCredentials(call: SyscallContext, address: number, size: number): PeerIdentity {
  const { ucred } = call.abi.structs;
  if (size !== ucred.size) throw errno.EINVAL;
  const given = ucred.read(call.memory, address);
  const [pid, uid, gid] = [Number(given.pid), Number(given.uid), Number(given.gid)];
  const { credentials } = call.task;
  const { user, group } = credentials;
  if (!credentials.isPrivileged) {
    if (pid !== call.process.pid) throw errno.EPERM;
    if (![user.real, user.effective, user.saved].includes(uid)) throw errno.EPERM;
    if (![group.real, group.effective, group.saved].includes(gid)) throw errno.EPERM;
  }
  return { pid, uid, gid };
}

function hold(call: SyscallContext, numbers: readonly number[]): readonly FileDescription[] {
  if (numbers.length === 0) return [];
  if (numbers.length > MAX_RIGHTS) throw errno.EINVAL;
  const files = numbers.map((fd) => description(call, fd));
  // Descriptors in messages would otherwise be out of every limit's reach.
  const limit = call.process.limits.soft("RLIMIT_NOFILE");
  if (call.kernel.network.inFlight.count + files.length > limit) throw errno.ETOOMANYREFS;
  for (const file of files) file.retain();
  return files;
}

/** One thing to tell: its level, its type, its bytes. */
interface Item {
  readonly level: number;
  readonly type: number;
  readonly data: Uint8Array;
}

/** Writes what came with a message; how many bytes that took, and MSG.CTRUNC if it was not enough. */
export function writeControl(
  call: SyscallContext,
  socket: Socket,
  received: Received,
  address: number,
  length: number,
  closeOnExec: boolean,
): { readonly used: number; readonly flags: number } {
  let used = 0;
  let flags = 0;
  const put = ({ level, type, data }: Item): void => {
    const { cmsghdr } = call.abi.structs;
    const room = length - used;
    if (room < cmsghdr.size) {
      flags |= MSG.CTRUNC;
      return;
    }
    const kept = data.subarray(0, room - cmsghdr.size);
    if (kept.length < data.length) flags |= MSG.CTRUNC;
    const size = cmsghdr.size + kept.length;
    cmsghdr.write(call.memory, address + used, { cmsg_len: size, cmsg_level: level, cmsg_type: type });
    call.memory.writeBytes(address + used + cmsghdr.size, kept);
    used += Math.min(align(call, size), room);
  };
  try {
    for (const item of facts(call, socket, received)) put(item);
    if (received.rights.length > 0) {
      const room = Math.floor((length - used - call.abi.structs.cmsghdr.size) / 4);
      const numbers = install(call, received.rights, Math.max(room, 0), closeOnExec);
      if (numbers.length < received.rights.length) flags |= MSG.CTRUNC;
      const level = call.abi.constants.socketLevel.guest["SOL_SOCKET"]!;
      const type = call.abi.constants.controlMessage.guest["SCM_RIGHTS"]!;
      if (numbers.length > 0) put({ level, type, data: words(call, numbers) });
    }
  } finally {
    releaseRights(received.rights);
  }
  return { used, flags };
}

/** Descriptors for as many as have room, and as the process may have. */
function install(
  call: SyscallContext,
  rights: readonly FileDescription[],
  room: number,
  closeOnExec: boolean,
): readonly number[] {
  const numbers: number[] = [];
  for (const file of rights.slice(0, room)) {
    try {
      numbers.push(call.process.files.add(file, closeOnExec));
    } catch (error) {
      if (error === errno.EMFILE) break;
      throw error;
    }
  }
  return numbers;
}

function words(call: SyscallContext, values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, n) => {
    view.setUint32(4 * n, value, call.abi.littleEndian);
  });
  return bytes;
}

/** What the options of the socket ask to be told with every message. */
function* facts(call: SyscallContext, socket: Socket, received: Received): IterableIterator<Item> {
  const { constants, structs } = call.abi;
  const { options } = socket;
  const level = constants.socketLevel.guest["SOL_SOCKET"]!;
  if (options.timestamps !== "none" && received.time !== 0n) {
    const seconds = received.time / 1_000_000_000n;
    const rest = received.time % 1_000_000_000n;
    const micro = options.timestamps === "microseconds";
    const data = micro
      ? structs.timeval.pack({ tv_sec: seconds, tv_usec: rest / 1000n })
      : structs.timespec32.pack({ tv_sec: seconds, tv_nsec: rest });
    const type = constants.socketOption.guest[micro ? "SO_TIMESTAMP_OLD" : "SO_TIMESTAMPNS_OLD"]!;
    yield { level, type, data };
  }
  if (options.passCredentials && received.sender !== null) {
    const { pid, uid, gid } = received.sender;
    const type = constants.controlMessage.guest["SCM_CREDENTIALS"]!;
    yield { level, type, data: structs.ucred.pack({ pid, uid, gid }) };
  }
  const to = received.to === null ? null : parseIp(received.to);
  if (to === null) return;
  // struct in_pktinfo: the interface (lo), the local address, the address in the header.
  if (options.packetInfo && to.length === 4) {
    const data = Uint8Array.from([...words(call, [LOOPBACK_INDEX]), ...to, ...to]);
    yield { level: constants.socketLevel.guest["SOL_IP"]!, type: constants.ipOption.guest["IP_PKTINFO"]!, data };
  }
  if (options.packetInfo6 && to.length === 16) {
    const data = Uint8Array.from([...to, ...words(call, [LOOPBACK_INDEX])]);
    yield { level: constants.socketLevel.guest["SOL_IPV6"]!, type: constants.ip6Option.guest["IPV6_PKTINFO"]!, data };
  }
  const { header } = received;
  if (header === null) return;
  const ipLevel = to.length === 4 ? "SOL_IP" : "SOL_IPV6";
  const types = to.length === 4 ? constants.ipOption : constants.ip6Option;
  for (const { name, field, option, isByte } of HEADER_FIELDS[ipLevel]) {
    if (!options[option]) continue;
    const value = header[field];
    const data = isByte === true ? Uint8Array.of(value) : words(call, [value]);
    yield { level: constants.socketLevel.guest[ipLevel]!, type: types.guest[name]!, data };
  }
}

const LOOPBACK_INDEX = 1;
