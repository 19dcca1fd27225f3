/** ioctl(2) on sockets: the interfaces (netdevice(7)), and where urgent data was. */
import { errno } from "../kernel/errno.ts";
import type { FileDescription } from "../kernel/fs/file-description.ts";
import { isIp6, parseIp } from "../kernel/net/address.ts";
import { IFF, type NetworkInterface } from "../kernel/net/interfaces.ts";
import { Socket } from "../kernel/net/socket.ts";
import { TcpSocket } from "../kernel/net/tcp-socket.ts";
import type { SyscallContext } from "./context.ts";
import { encodeAddress } from "./socket-address.ts";

type Request = (call: SyscallContext, file: FileDescription, argument: number, fd: number) => number;

/** struct ifreq of 32 bits: a name, then a union. */
const NAME = 16;
const IFREQ = 32;
const ARPHRD = { ETHER: 1, LOOPBACK: 772 } as const;

function interfacesOf(call: SyscallContext, file: FileDescription): readonly NetworkInterface[] {
  if (!(file instanceof Socket)) throw errno.ENOTTY;
  return call.kernel.network.interfaces;
}

/** Asks the interface whose name is in the struct, and puts the answer behind the name. */
const ofInterface =
  (put: (call: SyscallContext, each: NetworkInterface, at: number) => void): Request =>
  (call, file, argument) => {
    const interfaces = interfacesOf(call, file);
    const name = Buffer.from(call.memory.readBytes(argument, NAME)).toString("latin1").replace(/\0.*$/s, "");
    // An alias such as eth0:1 is eth0.
    const found = interfaces.find((each) => each.name === name.replace(/:.*$/, ""));
    if (found === undefined) throw errno.ENODEV;
    put(call, found, argument + NAME);
    return 0;
  };

function putAddress(call: SyscallContext, ip: string, at: number): void {
  call.memory.writeBytes(at, encodeAddress(call, { family: "inet", ip, port: 0 }));
}

/** Only IPv4 addresses can be asked for this way. */
function firstAddress(each: NetworkInterface) {
  const found = each.addresses.find(({ ip }) => !isIp6(ip));
  if (found === undefined) throw errno.EADDRNOTAVAIL;
  return found;
}

function maskOf(prefix: number): string {
  const mask = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (mask >>> shift) & 0xff).join(".");
}

function broadcastOf({ ip, prefix }: { readonly ip: string; readonly prefix: number }): string {
  const mask = parseIp(maskOf(prefix))!;
  return [...parseIp(ip)!].map((byte, n) => (byte | ~mask[n]!) & 0xff).join(".");
}

export const SOCKET_REQUESTS: Readonly<Record<string, Request>> = {
  SIOCATMARK: (call, file, argument) => {
    if (!(file instanceof TcpSocket)) throw errno.ENOTTY;
    call.memory.writeS32(argument, Number(file.atMark));
    return 0;
  },
  SIOCGIFCONF: (call, file, argument) => {
    const { ifconf } = call.abi.structs;
    const interfaces = interfacesOf(call, file);
    const { ifc_len, ifc_buf } = ifconf.read(call.memory, argument);
    const withAddress = interfaces.filter((each) => each.addresses.some(({ ip }) => !isIp6(ip)));
    const fit = Number(ifc_buf) === 0 ? withAddress : withAddress.slice(0, Math.floor(Number(ifc_len) / IFREQ));
    if (Number(ifc_buf) !== 0) {
      fit.forEach((each, n) => {
        const at = Number(ifc_buf) + n * IFREQ;
        call.memory.fill(at, IFREQ, 0);
        call.memory.writeBytes(at, Buffer.from(each.name, "latin1"));
        putAddress(call, firstAddress(each).ip, at + NAME);
      });
    }
    call.memory.writeS32(argument + ifconf.offsetOf("ifc_len"), fit.length * IFREQ);
    return 0;
  },
  SIOCGIFNAME: (call, file, argument) => {
    const index = call.memory.readS32(argument + NAME);
    const found = interfacesOf(call, file).find((each) => each.index === index);
    if (found === undefined) throw errno.ENODEV;
    call.memory.writeBytes(argument, Buffer.from(found.name.padEnd(NAME, "\0"), "latin1"));
    return 0;
  },
  SIOCGIFINDEX: ofInterface((call, { index }, at) => call.memory.writeS32(at, index)),
  SIOCGIFFLAGS: ofInterface((call, { flags }, at) => call.memory.writeU16(at, flags & 0xffff)),
  SIOCGIFMTU: ofInterface((call, { mtu }, at) => call.memory.writeS32(at, mtu)),
  SIOCGIFMETRIC: ofInterface((call, _each, at) => call.memory.writeS32(at, 0)),
  SIOCGIFTXQLEN: ofInterface((call, _each, at) => call.memory.writeS32(at, 1000)),
  SIOCGIFADDR: ofInterface((call, each, at) => putAddress(call, firstAddress(each).ip, at)),
  SIOCGIFDSTADDR: ofInterface((call, each, at) => putAddress(call, firstAddress(each).ip, at)),
  SIOCGIFNETMASK: ofInterface((call, each, at) => putAddress(call, maskOf(firstAddress(each).prefix), at)),
  SIOCGIFBRDADDR: ofInterface((call, each, at) =>
    putAddress(call, (each.flags & IFF.BROADCAST) === 0 ? "0.0.0.0" : broadcastOf(firstAddress(each)), at),
  ),
  SIOCGIFHWADDR: ofInterface((call, each, at) => {
    call.memory.fill(at, NAME, 0);
    call.memory.writeU16(at, each.isLoopback ? ARPHRD.LOOPBACK : ARPHRD.ETHER);
    call.memory.writeBytes(at + 2, each.hardware);
  }),
};
