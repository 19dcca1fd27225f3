/** From a descriptor to a socket, and from a call to who makes it. */
import { errno } from "../kernel/errno.ts";
import { O } from "../kernel/fs/flags.ts";
import { Socket, type SocketCaller } from "../kernel/net/socket.ts";
import type { SyscallContext } from "./context.ts";
import { description } from "./guest-buffers.ts";

/** Throws EBADF, ENOTSOCK. */
export function socketOf(call: SyscallContext, fd: number): Socket {
  const file = description(call, fd);
  if ((file.flags & O.PATH) !== 0) throw errno.EBADF;
  if (!(file instanceof Socket)) throw errno.ENOTSOCK;
  return file;
}

export function callerOf(call: SyscallContext): SocketCaller {
  return { pid: call.process.pid, credentials: call.task.credentials, fs: call.process.fs };
}
