/**
 * rtnetlink(7): what `getifaddrs`, `if_nameindex`, `getaddrinfo` and `ip` ask. Interfaces, addresses and (no) routes can
 * be listed; changing them is refused.
 */
import type { Errno } from "../kernel/errno.ts";
import { errno } from "../kernel/errno.ts";
import { isIp6, parseIp } from "../kernel/net/address.ts";
import type { NetworkInterface } from "../kernel/net/interfaces.ts";
import type { NetlinkAnswer } from "../kernel/net/netlink-socket.ts";
import type { SyscallContext } from "./context.ts";

const NLMSG = { ERROR: 2, DONE: 3, MIN_TYPE: 16 } as const;
const NLM_F = { MULTI: 2, ACK: 4, DUMP: 0x300 } as const;
/** Four kinds of message an object, in this order: new, delete, get, set. */
const RTM = { NEWLINK: 16, GETLINK: 18, NEWADDR: 20, GETADDR: 22, GETROUTE: 26 } as const;
const IFLA = { ADDRESS: 1, BROADCAST: 2, IFNAME: 3, MTU: 4, QDISC: 6, TXQLEN: 13, OPERSTATE: 16 } as const;
const IFA = { ADDRESS: 1, LOCAL: 2, LABEL: 3 } as const;
const ARPHRD = { ETHER: 1, LOOPBACK: 772 } as const;
const HEADER = 16;
const IFINFOMSG = 16;
/** RT_SCOPE_UNIVERSE, RT_SCOPE_HOST; IFA_F_PERMANENT. */
const SCOPE = { universe: 0, host: 254 } as const;
const PERMANENT = 0x80;
const OPERSTATE = { unknown: 0, up: 6 } as const;

/** Bytes of a message, grown as fields are added, in the guest's byte order. */
class Message {
  readonly #bytes: number[] = [];
  readonly #little: boolean;
  constructor(littleEndian: boolean) {
    this.#little = littleEndian;
  }
  #number(value: number, size: number): this {
    for (let n = 0; n < size; n++) this.#bytes.push((value >>> (8 * (this.#little ? n : size - 1 - n))) & 0xff);
    return this;
  }
  u8(...values: readonly number[]): this {
    for (const value of values) this.#number(value, 1);
    return this;
  }
  u16(value: number): this {
    return this.#number(value, 2);
  }
  u32(...values: readonly number[]): this {
    for (const value of values) this.#number(value, 4);
    return this;
  }
  bytes(bytes: Iterable<number>): this {
    this.#bytes.push(...bytes);
    while (this.#bytes.length % 4 !== 0) this.#bytes.push(0);
    return this;
  }
  /** struct rtattr */
  attribute(type: number, data: Uint8Array): this {
    return this.u16(4 + data.length)
      .u16(type)
      .bytes(data);
  }
  get content(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

const cString = (text: string): Uint8Array => Buffer.from(`${text}\0`, "latin1");

/** A request's header, and what of the body is looked at. */
interface Request {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

export function routeAnswer({ abi, kernel }: SyscallContext): NetlinkAnswer {
  const little = abi.littleEndian;
  const { interfaces } = kernel.network;

  const wrap = (type: number, flags: number, sequence: number, port: number, body: Uint8Array): Uint8Array =>
    new Message(little)
      .u32(HEADER + body.length)
      .u16(type)
      .u16(flags)
      .u32(sequence, port)
      .bytes(body).content;

  const word = (value: number): Uint8Array => new Message(little).u32(value).content;

  const link = (each: NetworkInterface): Uint8Array =>
    new Message(little)
      .u8(0, 0)
      .u16(each.isLoopback ? ARPHRD.LOOPBACK : ARPHRD.ETHER)
      .u32(each.index, each.flags, 0)
      .attribute(IFLA.IFNAME, cString(each.name))
      .attribute(IFLA.TXQLEN, word(1000))
      .attribute(IFLA.OPERSTATE, Uint8Array.of(each.isLoopback ? OPERSTATE.unknown : OPERSTATE.up))
      .attribute(IFLA.MTU, word(each.mtu))
      .attribute(IFLA.QDISC, cString("noqueue"))
      .attribute(IFLA.ADDRESS, each.hardware)
      .attribute(IFLA.BROADCAST, each.isLoopback ? each.hardware : new Uint8Array(6).fill(0xff)).content;

  const addressesOf = (each: NetworkInterface, family: number): Uint8Array[] => {
    const { guest } = abi.constants.socketFamily;
    return each.addresses.flatMap(({ ip, prefix }) => {
      const own = guest[isIp6(ip) ? "AF_INET6" : "AF_INET"]!;
      if (family !== 0 && family !== own) return [];
      const bytes = parseIp(ip)!;
      const message = new Message(little)
        .u8(own, prefix, PERMANENT, each.isLoopback ? SCOPE.host : SCOPE.universe)
        .u32(each.index)
        .attribute(IFA.ADDRESS, bytes);
      if (!isIp6(ip)) message.attribute(IFA.LOCAL, bytes).attribute(IFA.LABEL, cString(each.name));
      return [message.content];
    });
  };

  const failure = ({ sequence, bytes }: Request, port: number, error: Errno | null): Uint8Array => {
    const number = error === null ? 0 : -abi.errnoNumber(error);
    const body = Uint8Array.from([...word(number), ...bytes.subarray(0, HEADER)]);
    return wrap(NLMSG.ERROR, 0, sequence, port, body);
  };

  const dump = ({ sequence }: Request, port: number, type: number, bodies: readonly Uint8Array[]): Uint8Array[] => [
    ...(bodies.length === 0
      ? []
      : [Buffer.concat(bodies.map((body) => wrap(type, NLM_F.MULTI, sequence, port, body)))]),
    wrap(NLMSG.DONE, NLM_F.MULTI, sequence, port, word(0)),
  ];

  const one = (request: Request, port: number): Uint8Array[] => {
    const { type, flags, sequence, bytes } = request;
    const family = bytes[HEADER] ?? 0;
    const isDump = (flags & NLM_F.DUMP) !== 0;
    if (type < NLMSG.MIN_TYPE) return (flags & NLM_F.ACK) !== 0 ? [failure(request, port, null)] : [];
    // Only what asks is for everybody.
    if (type % 4 !== 2) return [failure(request, port, errno.EPERM)];
    if (type === RTM.GETLINK && isDump) return dump(request, port, RTM.NEWLINK, interfaces.map(link));
    if (type === RTM.GETLINK) {
      const found = askedFor(bytes, little, interfaces);
      if (found === undefined) return [failure(request, port, errno.ENODEV)];
      return [wrap(RTM.NEWLINK, 0, sequence, port, link(found))];
    }
    if (type === RTM.GETADDR && isDump) {
      return dump(
        request,
        port,
        RTM.NEWADDR,
        interfaces.flatMap((each) => addressesOf(each, family)),
      );
    }
    if (type === RTM.GETROUTE && isDump) return dump(request, port, 0, []);
    return [failure(request, port, errno.EOPNOTSUPP)];
  };

  return (bytes, port) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const answers: Uint8Array[] = [];
    for (let at = 0; at + HEADER <= bytes.length;) {
      const length = view.getUint32(at, little);
      if (length < HEADER || length > bytes.length - at) break;
      const request = {
        type: view.getUint16(at + 4, little),
        flags: view.getUint16(at + 6, little),
        sequence: view.getUint32(at + 8, little),
        bytes: bytes.subarray(at, at + length),
      };
      answers.push(...one(request, port));
      at += Math.ceil(length / 4) * 4;
    }
    return answers;
  };
}

/** The interface that a request names, by index or by IFLA_IFNAME. */
function askedFor(
  bytes: Uint8Array,
  little: boolean,
  interfaces: readonly NetworkInterface[],
): NetworkInterface | undefined {
  if (bytes.length < HEADER + IFINFOMSG) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const index = view.getInt32(HEADER + 4, little);
  if (index > 0) return interfaces.find((each) => each.index === index);
  for (let at = HEADER + IFINFOMSG; at + 4 <= bytes.length;) {
    const length = view.getUint16(at, little);
    if (length < 4) break;
    if (view.getUint16(at + 2, little) === IFLA.IFNAME) {
      const name = Buffer.from(bytes.subarray(at + 4, at + length))
        .toString("latin1")
        .replace(/\0.*$/s, "");
      return interfaces.find((each) => each.name === name);
    }
    at += Math.ceil(length / 4) * 4;
  }
  return undefined;
}
