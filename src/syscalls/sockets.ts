/** Making sockets and connecting them: socket(2), bind(2), connect(2), accept4(2) and their kin; socketcall(2). */
import { errno } from "../kernel/errno.ts";
import { O } from "../kernel/fs/flags.ts";
import { createPair, createSocket, type RequestedFamily, type RequestedType } from "../kernel/net/create.ts";
import type { Socket } from "../kernel/net/socket.ts";
import { Wait } from "../kernel/wait.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { routeAnswer } from "./netlink.ts";
import { full, partial, type Result, type SyscallRow } from "./row.ts";
import { readAddress, writeAddress } from "./socket-address.ts";
import { addressIn, addressOut, lengthPointer, socketType } from "./socket-arguments.ts";
import { callerOf, socketOf } from "./socket-descriptor.ts";
import { MESSAGE_ROWS } from "./socket-messages.ts";
import { OPTION_ROWS } from "./socket-options.ts";

const FAMILIES: Readonly<Record<string, RequestedFamily>> = {
  AF_UNIX: "unix",
  AF_INET: "inet",
  AF_INET6: "inet6",
  AF_NETLINK: "netlink",
  AF_PACKET: "packet",
};
const TYPES: Readonly<Record<string, RequestedType>> = {
  SOCK_STREAM: "stream",
  SOCK_DGRAM: "datagram",
  SOCK_RAW: "raw",
  SOCK_SEQPACKET: "seqpacket",
};
/** The type's own bits (SOCK_TYPE_MASK). */
const TYPE_MASK = 0xf;

/** SOCK_NONBLOCK and SOCK_CLOEXEC. Throws EINVAL for any other bit. */
function socketFlags(call: SyscallContext, guest: number): { readonly status: number; readonly closeOnExec: boolean } {
  const { SOCK_NONBLOCK, SOCK_CLOEXEC } = call.abi.constants.socketFlag.guest;
  if ((guest & ~(SOCK_NONBLOCK! | SOCK_CLOEXEC!)) !== 0) throw errno.EINVAL;
  return {
    status: (guest & SOCK_NONBLOCK!) === 0 ? 0 : O.NONBLOCK,
    closeOnExec: (guest & SOCK_CLOEXEC!) !== 0,
  };
}

function requested(call: SyscallContext, family: number, type: number) {
  const { constants } = call.abi;
  const { status, closeOnExec } = socketFlags(call, type & ~TYPE_MASK);
  return {
    family: FAMILIES[constants.socketFamily.nameOf(family) ?? ""] ?? "other",
    type: TYPES[constants.socketType.nameOf(type & TYPE_MASK) ?? ""] ?? "other",
    status,
    closeOnExec,
  } as const;
}

function socket(call: SyscallContext, guestFamily: number, guestType: number, protocol: number): number {
  const { family, type, status, closeOnExec } = requested(call, guestFamily, guestType);
  const made = createSocket(call.kernel.network, family, type, protocol, callerOf(call), status, routeAnswer(call));
  return call.process.files.add(made, closeOnExec);
}

function socketpair(
  call: SyscallContext,
  guestFamily: number,
  guestType: number,
  protocol: number,
  address: number,
): number {
  const { family, type, status, closeOnExec } = requested(call, guestFamily, guestType);
  call.memory.check(address, 8, "write");
  const { files } = call.process;
  files.reserve(2);
  const [one, other] = createPair(call.kernel.network, family, type, protocol, callerOf(call), status);
  call.memory.writeS32(address, files.add(one, closeOnExec));
  call.memory.writeS32(address + 4, files.add(other, closeOnExec));
  return 0;
}

function accept(
  call: SyscallContext,
  fd: number,
  address: number,
  lengthAt: number,
  flags: number,
): number | Wait<number> {
  const { status, closeOnExec } = socketFlags(call, flags);
  const listener = socketOf(call, fd);
  const { files } = call.process;
  files.reserve(1);
  const install = (accepted: Socket): number => {
    accepted.flags |= status;
    const accepting = files.add(accepted, closeOnExec);
    if (address === 0) return accepting;
    try {
      writeAddress(call, peerOf(accepted), address, lengthAt);
    } catch (error) {
      files.close(accepting);
      throw error;
    }
    return accepting;
  };
  const accepted = listener.accept(listener.nonBlocking);
  return accepted instanceof Wait ? accepted.then(install) : install(accepted);
}

/** A client may be gone before it is accepted. */
function peerOf(accepted: Socket) {
  try {
    return accepted.peerAddress();
  } catch (error) {
    if (error === errno.ENOTCONN) throw errno.ECONNABORTED;
    throw error;
  }
}

const addressArguments = [arg.fd, addressIn(2), arg.int] as const;
const nameArguments = [arg.fd, addressOut(2), lengthPointer] as const;

const CONNECTION_ROWS: readonly SyscallRow[] = [
  partial(
    "socket",
    [arg.choice("socketFamily"), socketType, arg.int],
    "AF_UNIX, TCP and UDP over AF_INET and AF_INET6, NETLINK_ROUTE (listing only); raw and packet sockets are EPERM",
    socket,
  ),
  full("socketpair", [arg.choice("socketFamily"), socketType, arg.int, arg.intsOut(2)], socketpair),
  full("bind", addressArguments, (call, fd, address, length) => {
    const bound = socketOf(call, fd);
    return bound.bind(readAddress(call, address, length), callerOf(call));
  }),
  full("connect", addressArguments, (call, fd, address, length) => {
    const connecting = socketOf(call, fd);
    return connecting.connect(readAddress(call, address, length), callerOf(call));
  }),
  full("listen", [arg.fd, arg.int], (call, fd, backlog) => socketOf(call, fd).listen(backlog, callerOf(call))),
  full("accept", [arg.fd, addressOut(2), lengthPointer], (call, fd, address, length) =>
    accept(call, fd, address, length, 0),
  ),
  full("accept4", [arg.fd, addressOut(2), lengthPointer, arg.flags("socketFlag")], accept),
  full("getsockname", nameArguments, (call, fd, address, length) => {
    writeAddress(call, socketOf(call, fd).localAddress(), address, length);
    return 0;
  }),
  full("getpeername", nameArguments, (call, fd, address, length) => {
    writeAddress(call, socketOf(call, fd).peerAddress(), address, length);
    return 0;
  }),
  full("shutdown", [arg.fd, arg.choice("shutdown")], (call, fd, how) => {
    const shut = socketOf(call, fd);
    if (how < 0 || how > 2) throw errno.EINVAL;
    shut.shutdown(how !== 1, how !== 0);
    return 0;
  }),
];

const DIRECT_ROWS: readonly SyscallRow[] = [...CONNECTION_ROWS, ...MESSAGE_ROWS, ...OPTION_ROWS];

/** socketcall(2)'s numbers, from 1 (Linux: include/uapi/linux/net.h). */
const SOCKETCALLS = `
  socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown setsockopt
  getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg
`
  .trim()
  .split(/\s+/);

/** All socket calls through one, their arguments in memory. */
function socketcall(call: SyscallContext, number: number, address: number): Result | Wait<Result> {
  const name = SOCKETCALLS[number - 1];
  const row = DIRECT_ROWS.find((each) => each.name === name);
  if (row === undefined || row.handler === null) throw errno.EINVAL;
  const args = row.args.map(({ signed }, index) => {
    const at = address + call.abi.word * index;
    return signed ? call.memory.readS32(at) : call.memory.readU32(at);
  });
  return (row.handler as (call: SyscallContext, ...args: number[]) => Result | Wait<Result>)(call, ...args);
}

export const SOCKET_ROWS: readonly SyscallRow[] = [
  ...DIRECT_ROWS,
  full("socketcall", [arg.int, arg.pointer], socketcall),
];
