/** Sending and receiving: send(2), recvmsg(2), recvmmsg(2) and their kin. */
import { Errno, errno } from "../kernel/errno.ts";
import { gather } from "../kernel/fs/file-description.ts";
import { MSG, releaseRights, type Outgoing, type Received } from "../kernel/net/message.ts";
import { identityOf, type Socket } from "../kernel/net/socket.ts";
import { raiseInTask } from "../kernel/signal-sending.ts";
import { Wait, type WakeReason } from "../kernel/wait.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { readControl, writeControl } from "./control-messages.ts";
import { buffer, guardWait, vector } from "./guest-buffers.ts";
import { full, type SyscallRow } from "./row.ts";
import { encodeAddress, readAddress } from "./socket-address.ts";
import { addressIn, addressOut, lengthPointer } from "./socket-arguments.ts";
import { callerOf, socketOf } from "./socket-descriptor.ts";
import { timespecTimeout, type Timeout } from "./timeouts.ts";

/** UIO_MAXIOV, which also bounds sendmmsg(2) and recvmmsg(2). */
const MAX_MESSAGES = 1024;

// ── sending ─────────────────────────────────────────────────────────────────────────────────────────────────────────
/** Sends, and when that is over releases what the message holds; a broken pipe brings SIGPIPE unless MSG_NOSIGNAL. */
function send(
  call: SyscallContext,
  socket: Socket,
  message: Outgoing,
  views: readonly Uint8Array[],
): number | Wait<number> {
  const settle = (run: () => number | Wait<number>): number | Wait<number> => {
    let result: number | Wait<number>;
    try {
      result = run();
    } catch (error) {
      releaseRights(message.rights);
      const signals = socket.signalsBrokenPipe && (message.flags & MSG.NOSIGNAL) === 0;
      if (error === errno.EPIPE && signals) raiseInTask(call.task, "SIGPIPE");
      throw error;
    }
    if (!(result instanceof Wait)) {
      releaseRights(message.rights);
      return result;
    }
    const { queues, deadline, abandon } = result;
    const waiting = result;
    const resume = (reason: WakeReason) => settle(() => waiting.resume(reason));
    return new Wait(queues, deadline, resume, () => {
      abandon?.();
      releaseRights(message.rights);
    });
  };
  return settle(() => guardWait(socket.send(message), call, views, "read"));
}

function sendTo(
  call: SyscallContext,
  fd: number,
  address: number,
  length: number,
  flags: number,
  to: number,
  toLength: number,
): number | Wait<number> {
  const socket = socketOf(call, fd);
  if (socket.type !== "stream") {
    if (length > 0x7fffffff) throw errno.EMSGSIZE;
    call.memory.check(address, length, "read");
  }
  const bytes = buffer(call, address, length, "read");
  const destination = to === 0 ? null : readAddress(call, to, toLength);
  const message = { bytes, to: destination, sender: identityOf(callerOf(call)), rights: [], flags };
  return send(call, socket, message, [bytes]);
}

function sendMessage(call: SyscallContext, socket: Socket, address: number, flags: number): number | Wait<number> {
  const header = call.abi.structs.msghdr.read(call.memory, address);
  const nameLength = Number(header.msg_namelen);
  if (nameLength < 0) throw errno.EINVAL;
  const count = Number(header.msg_iovlen);
  if (count > MAX_MESSAGES) throw errno.EMSGSIZE;
  const name = Number(header.msg_name);
  const to = name === 0 || nameLength === 0 ? null : readAddress(call, name, nameLength);
  const views = vector(call, Number(header.msg_iov), count, "read");
  const control = readControl(call, socket, Number(header.msg_control), Number(header.msg_controllen));
  const only = views.length === 1 ? views[0] : undefined;
  // Several buffers are copied into one, which is then ours.
  return send(call, socket, { bytes: only ?? gather(views), to, ...control, flags }, only ? [only] : []);
}

// ── receiving ───────────────────────────────────────────────────────────────────────────────────────────────────────
/** recv(2)'s answer: with MSG_TRUNC what the datagram's length was. */
const answer = ({ length, size }: Received, flags: number): number => ((flags & MSG.TRUNC) !== 0 ? size : length);

/** Receives into guest buffers; `deliver` runs when there is something. */
function receive(
  call: SyscallContext,
  socket: Socket,
  views: readonly Uint8Array[],
  flags: number,
  deliver: (received: Received) => number,
): number | Wait<number> {
  if ((flags & MSG.ERRQUEUE) !== 0) throw errno.EAGAIN;
  const received = guardWait(socket.receive(views, flags), call, views, "write");
  return received instanceof Wait ? received.then(deliver) : deliver(received);
}

/** The sender's address; nothing, where it has no name. */
function sourceOf(call: SyscallContext, { from }: Received): Uint8Array {
  return from === null || (from.family === "unix" && from.name === "") ? new Uint8Array() : encodeAddress(call, from);
}

function receiveFrom(
  call: SyscallContext,
  fd: number,
  address: number,
  length: number,
  flags: number,
  from: number,
  fromLengthAt: number,
): number | Wait<number> {
  const socket = socketOf(call, fd);
  const into = buffer(call, address, length, "write");
  return receive(call, socket, [into], flags, (received) => {
    releaseRights(received.rights);
    if (from !== 0) {
      const room = call.memory.readS32(fromLengthAt);
      if (room < 0) throw errno.EINVAL;
      const name = sourceOf(call, received);
      call.memory.writeBytes(from, name.subarray(0, room));
      call.memory.writeS32(fromLengthAt, name.length);
    }
    return answer(received, flags);
  });
}

function receiveMessage(call: SyscallContext, socket: Socket, address: number, flags: number): number | Wait<number> {
  const { msghdr } = call.abi.structs;
  const header = msghdr.read(call.memory, address);
  const room = Number(header.msg_namelen);
  if (room < 0) throw errno.EINVAL;
  const count = Number(header.msg_iovlen);
  if (count > MAX_MESSAGES) throw errno.EMSGSIZE;
  const views = vector(call, Number(header.msg_iov), count, "write");
  const closeOnExec = (flags & MSG.CMSG_CLOEXEC) !== 0;
  return receive(call, socket, views, flags, (received) => {
    const control = Number(header.msg_control);
    const controlRoom = control === 0 ? 0 : Number(header.msg_controllen);
    const { used, flags: more } = writeControl(call, socket, received, control, controlRoom, closeOnExec);
    const nameAt = Number(header.msg_name);
    if (nameAt !== 0) {
      const name = sourceOf(call, received);
      call.memory.writeBytes(nameAt, name.subarray(0, room));
      call.memory.writeS32(address + msghdr.offsetOf("msg_namelen"), name.length);
    }
    call.memory.writeU32(address + msghdr.offsetOf("msg_controllen"), used);
    const kept = flags & MSG.CMSG_CLOEXEC;
    call.memory.writeU32(address + msghdr.offsetOf("msg_flags"), received.flags | more | kept);
    return answer(received, flags);
  });
}

// ── several at once ─────────────────────────────────────────────────────────────────────────────────────────────────
/** Runs `one` for each message until one fails or there is no more; the number of those that went well. */
function each(
  call: SyscallContext,
  socket: Socket,
  address: number,
  count: number,
  one: (at: number, index: number) => number | Wait<number>,
  mayGoOn: () => boolean,
): number | Wait<number> {
  const { mmsghdr } = call.abi.structs;
  const most = Math.min(count, MAX_MESSAGES);
  const step = (index: number): number | Wait<number> => {
    for (let done = index; done < most; done++) {
      const at = address + done * mmsghdr.size;
      const result = attempt(done, () => one(at, done));
      if (result === null) return done;
      if (result instanceof Wait) return resumed(done, at, result);
      finish(at, result);
      if (!mayGoOn()) return done + 1;
    }
    return most;
  };
  const finish = (at: number, length: number): void => {
    call.memory.writeU32(at + mmsghdr.offsetOf("msg_len"), length);
  };
  const resumed = (done: number, at: number, wait: Wait<number>): Wait<number> => {
    const resume = (reason: WakeReason): number | Wait<number> => {
      const result = attempt(done, () => wait.resume(reason));
      if (result === null) return done;
      if (result instanceof Wait) return resumed(done, at, result);
      finish(at, result);
      return mayGoOn() ? step(done + 1) : done + 1;
    };
    return new Wait(wait.queues, wait.deadline, resume, wait.abandon);
  };
  /** Null: it failed, after others went well. A socket keeps the error for the next call. */
  const attempt = (done: number, run: () => number | Wait<number>): number | Wait<number> | null => {
    try {
      return run();
    } catch (error) {
      if (done === 0) throw error;
      if (error instanceof Errno && !TRANSIENT.has(error)) socket.pendingError = error;
      return null;
    }
  };
  return step(0);
}

const TRANSIENT: ReadonlySet<Errno> = new Set([errno.EAGAIN, errno.EINTR, errno.ERESTARTSYS]);

function receiveSeveral(
  call: SyscallContext,
  fd: number,
  address: number,
  count: number,
  flags: number,
  timeout: Timeout | null,
): number | Wait<number> {
  const socket = socketOf(call, fd);
  const waitsForOne = (flags & MSG.WAITFORONE) !== 0;
  const common = flags & ~MSG.WAITFORONE;
  // The time-out is looked at after each message only, as Linux does (recvmmsg(2), BUGS).
  const inTime = (): boolean => timeout === null || call.kernel.clock.monotonic() < timeout.deadline;
  const one = (at: number, index: number) =>
    receiveMessage(call, socket, at, waitsForOne && index > 0 ? common | MSG.DONTWAIT : common);
  return each(call, socket, address, count, one, inTime);
}

const messageArguments = [arg.fd, arg.pointer, arg.flags("message")] as const;
const severalArguments = [arg.fd, arg.pointer, arg.uint, arg.flags("message")] as const;

export const MESSAGE_ROWS: readonly SyscallRow[] = [
  full("send", [arg.fd, arg.input(2), arg.size, arg.flags("message")], (call, fd, address, length, flags) =>
    sendTo(call, fd, address, length, flags, 0, 0),
  ),
  full("sendto", [arg.fd, arg.input(2), arg.size, arg.flags("message"), addressIn(5), arg.int], sendTo),
  full("sendmsg", messageArguments, (call, fd, address, flags) =>
    sendMessage(call, socketOf(call, fd), address, flags),
  ),
  full("sendmmsg", severalArguments, (call, fd, address, count, flags) => {
    const socket = socketOf(call, fd);
    return each(
      call,
      socket,
      address,
      count,
      (at) => sendMessage(call, socket, at, flags),
      () => true,
    );
  }),
  full("recv", [arg.fd, arg.output, arg.size, arg.flags("message")], (call, fd, address, length, flags) =>
    receiveFrom(call, fd, address, length, flags, 0, 0),
  ),
  full("recvfrom", [arg.fd, arg.output, arg.size, arg.flags("message"), addressOut(5), lengthPointer], receiveFrom),
  full("recvmsg", messageArguments, (call, fd, address, flags) =>
    receiveMessage(call, socketOf(call, fd), address, flags),
  ),
  full(
    "recvmmsg",
    [...severalArguments, arg.structIn("timespec32", "timespec")],
    (call, fd, at, count, flags, timeout) =>
      receiveSeveral(call, fd, at, count, flags, timespecTimeout(call, timeout, call.abi.word === 8)),
  ),
  full(
    "recvmmsg_time64",
    [...severalArguments, arg.structIn("timespec64", "timespec")],
    (call, fd, at, count, flags, timeout) =>
      receiveSeveral(call, fd, at, count, flags, timespecTimeout(call, timeout, true)),
  ),
];
