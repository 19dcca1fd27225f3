/** `struct sockaddr` of each family, in and out (sockaddr(3type)). The family is in the guest's byte order, all else is not. */
import { errno } from "../kernel/errno.ts";
import { fromBytes, toBytes } from "../kernel/fs/byte-string.ts";
import { formatIp, parseIp, type SocketAddress } from "../kernel/net/address.ts";
import type { SocketFamily } from "../kernel/net/socket.ts";
import type { SyscallContext } from "./context.ts";

/** struct sockaddr_storage */
const MAX_LENGTH = 128;
const SUN_PATH = 2;
const UNIX_PATH_MAX = 108;
const SIZE_IN = 16;
/** Without sin6_scope_id, as RFC 2133 had it. */
const SIZE_IN6_OLD = 24;
const SIZE_IN6 = 28;
const SIZE_NL = 12;

export const FAMILY_NAMES: Readonly<Record<SocketFamily, string>> = {
  unix: "AF_UNIX",
  inet: "AF_INET",
  inet6: "AF_INET6",
  netlink: "AF_NETLINK",
};

/** An address that a call was given. Throws EINVAL, EAFNOSUPPORT. */
export function readAddress(call: SyscallContext, address: number, length: number): SocketAddress {
  if (length < 0 || length > MAX_LENGTH) throw errno.EINVAL;
  const bytes = call.memory.readBytes(address, length);
  return decodeAddress(call, bytes);
}

export function decodeAddress(call: SyscallContext, bytes: Uint8Array): SocketAddress {
  const { length } = bytes;
  if (length < 2) throw errno.EINVAL;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const little = call.abi.littleEndian;
  switch (call.abi.constants.socketFamily.nameOf(view.getUint16(0, little))) {
    case "AF_UNSPEC":
      return { family: "unspecified" };
    case "AF_UNIX":
      if (length > SUN_PATH + UNIX_PATH_MAX) throw errno.EINVAL;
      return { family: "unix", name: unixName(bytes.subarray(SUN_PATH)) };
    case "AF_INET":
      if (length < SIZE_IN) throw errno.EINVAL;
      return { family: "inet", ip: formatIp(bytes.subarray(4, 8)), port: view.getUint16(2) };
    case "AF_INET6":
      if (length < SIZE_IN6_OLD) throw errno.EINVAL;
      return {
        family: "inet6",
        ip: formatIp(bytes.subarray(8, 24)),
        port: view.getUint16(2),
        flow: view.getUint32(4),
        scope: length < SIZE_IN6 ? 0 : view.getUint32(24, little),
      };
    case "AF_NETLINK":
      if (length < SIZE_NL) throw errno.EINVAL;
      return { family: "netlink", pid: view.getUint32(4, little), groups: view.getUint32(8, little) };
    default:
      throw errno.EAFNOSUPPORT;
  }
}

/** An abstract name is all of it, a path ends at its NUL. */
function unixName(bytes: Uint8Array): string {
  if (bytes.length === 0) return "";
  if (bytes[0] === 0) return fromBytes(bytes);
  const end = bytes.indexOf(0);
  return fromBytes(end === -1 ? bytes : bytes.subarray(0, end));
}

export function encodeAddress(call: SyscallContext, address: SocketAddress): Uint8Array {
  const little = call.abi.littleEndian;
  const family = address.family === "unspecified" ? "AF_UNSPEC" : FAMILY_NAMES[address.family];
  const bytes = new Uint8Array(MAX_LENGTH);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, call.abi.constants.socketFamily.guest[family] ?? 0, little);
  switch (address.family) {
    case "unspecified":
      return bytes.subarray(0, 2);
    case "unix": {
      const name = toBytes(address.name);
      bytes.set(name, SUN_PATH);
      const isPath = name.length > 0 && name[0] !== 0;
      return bytes.subarray(0, SUN_PATH + name.length + (isPath ? 1 : 0));
    }
    case "inet":
      view.setUint16(2, address.port);
      bytes.set(parseIp(address.ip) ?? [], 4);
      return bytes.subarray(0, SIZE_IN);
    case "inet6":
      view.setUint16(2, address.port);
      view.setUint32(4, address.flow ?? 0);
      bytes.set(parseIp(address.ip) ?? [], 8);
      view.setUint32(24, address.scope ?? 0, little);
      return bytes.subarray(0, SIZE_IN6);
    case "netlink":
      view.setUint32(4, address.pid, little);
      view.setUint32(8, address.groups, little);
      return bytes.subarray(0, SIZE_NL);
  }
}

/** Fills a caller's buffer, whose size stands at `lengthAt`, and tells there how long the address is. Throws EINVAL. */
export function writeAddress(call: SyscallContext, to: SocketAddress, address: number, lengthAt: number): void {
  const room = call.memory.readS32(lengthAt);
  if (room < 0) throw errno.EINVAL;
  const bytes = encodeAddress(call, to);
  call.memory.writeBytes(address, bytes.subarray(0, room));
  call.memory.writeS32(lengthAt, bytes.length);
}
