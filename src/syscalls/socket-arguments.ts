/** How strace prints what the socket calls are given. */
import { Errno } from "../kernel/errno.ts";
import { toBytes } from "../kernel/fs/byte-string.ts";
import type { SocketAddress } from "../kernel/net/address.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import type { ArgumentType } from "./row.ts";
import { readAddress } from "./socket-address.ts";

export const socketType: ArgumentType<number> = {
  ...arg.int,
  show: (value, { call }) => {
    const { socketFlag, socketType: types } = call.abi.constants;
    const flags = socketFlag.bitsToKernel(value & ~0xf);
    const type = types.showValue(value & 0xf);
    return flags === 0 ? type : `${type}|${socketFlag.showBits(value & ~0xf)}`;
  },
};

function showAddress(call: SyscallContext, address: number, length: number): string {
  if (address === 0) return "NULL";
  return arg.guarded(address, () => {
    try {
      return describe(readAddress(call, address, length));
    } catch (error) {
      if (error instanceof Errno) return arg.showPointer(address);
      throw error;
    }
  });
}

function describe(address: SocketAddress): string {
  switch (address.family) {
    case "unspecified":
      return "{sa_family=AF_UNSPEC}";
    case "unix": {
      const { name } = address;
      if (name === "") return "{sa_family=AF_UNIX}";
      const text = name.startsWith("\0") ? `@${arg.quote(toBytes(name.slice(1)))}` : arg.quote(toBytes(name));
      return `{sa_family=AF_UNIX, sun_path=${text}}`;
    }
    case "inet":
      return `{sa_family=AF_INET, sin_port=htons(${address.port}), sin_addr=inet_addr("${address.ip}")}`;
    case "inet6":
      return `{sa_family=AF_INET6, sin6_port=htons(${address.port}), inet_pton(AF_INET6, "${address.ip}", &sin6_addr)}`;
    case "netlink":
      return `{sa_family=AF_NETLINK, nl_pid=${address.pid}, nl_groups=${address.groups}}`;
  }
}

/** An address that goes in; its length is argument `lengthAt`. */
export function addressIn(lengthAt: number): ArgumentType<number> {
  return {
    ...arg.pointer,
    name: "const struct sockaddr *",
    show: (value, { call, args }) => showAddress(call, value, Number(args[lengthAt])),
  };
}

/** An address that comes out; a pointer to its length is argument `lengthAt`. */
export function addressOut(lengthAt: number): ArgumentType<number> {
  return {
    ...arg.pointer,
    name: "struct sockaddr *",
    out: true,
    show: (value, { call, args, result }) => {
      const at = Number(args[lengthAt]);
      if (result === null || value === 0 || at === 0) return arg.showPointer(value);
      return arg.guarded(value, () => showAddress(call, value, call.memory.readS32(at)));
    },
  };
}

/** `socklen_t *` that goes in and comes out. */
export const lengthPointer: ArgumentType<number> = {
  ...arg.pointer,
  name: "socklen_t *",
  out: true,
  show: (value, { call }) => (value === 0 ? "NULL" : arg.guarded(value, () => `[${call.memory.readS32(value)}]`)),
};

const OPTIONS_BY_LEVEL: Readonly<
  Record<string, "socketOption" | "ipOption" | "ip6Option" | "tcpOption" | "udpliteOption" | "netlinkOption">
> = {
  SOL_SOCKET: "socketOption",
  SOL_IP: "ipOption",
  SOL_IPV6: "ip6Option",
  SOL_TCP: "tcpOption",
  SOL_UDPLITE: "udpliteOption",
  SOL_NETLINK: "netlinkOption",
};

/** The name of an option, whose level is the argument before. */
export const optionName: ArgumentType<number> = {
  ...arg.int,
  show: (value, { call, args, index }) => {
    const level = call.abi.constants.socketLevel.nameOf(Number(args[index - 1])) ?? "";
    const subject = OPTIONS_BY_LEVEL[level];
    return subject === undefined ? String(value) : call.abi.constants[subject].showValue(value);
  },
};
