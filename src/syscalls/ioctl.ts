/** ioctl(2): one row a request. The few requests that every file knows; those of terminals are in `terminals.ts`. */
import { updateAsync } from "../kernel/async-io.ts";
import { errno } from "../kernel/errno.ts";
import { O, S } from "../kernel/fs/flags.ts";
import type { FileDescription } from "../kernel/fs/file-description.ts";
import { copyFileRange } from "../kernel/fs/transfer.ts";
import { Socket } from "../kernel/net/socket.ts";
import type { Wait } from "../kernel/wait.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { description, fileOffset } from "./guest-buffers.ts";
import { partial, type SyscallRow } from "./row.ts";
import { SOCKET_REQUESTS } from "./socket-ioctl.ts";
import { TERMINAL_REQUESTS } from "./terminals.ts";

/** One request; `argument` is a number or a guest address. */
export type Request = (
  call: SyscallContext,
  file: FileDescription,
  argument: number,
  fd: number,
) => number | Wait<number>;

function setFlag(flag: number): Request {
  return (call, file, argument, fd) => {
    const on = call.memory.readS32(argument) !== 0;
    file.setFlags(on ? file.flags | flag : file.flags & ~flag);
    updateAsync(call.kernel, file, fd);
    return 0;
  };
}

/** FICLONE by copying: the clone has the same bytes, though not the same blocks. */
function clone(
  call: SyscallContext,
  to: FileDescription,
  fd: number,
  from: number,
  at: number,
  length: number,
): number | Wait<number> {
  const source = call.process.files.get(fd);
  if (!source.readable || !to.writable) throw errno.EBADF;
  const { size } = source.stat();
  const count = length === 0 ? size - from : length;
  const result = copyFileRange(source, from, to, at, count);
  return typeof result === "number" ? 0 : result.then(() => 0);
}

/** By the request's name; the number is the ABI's. */
const REQUESTS: Readonly<Record<string, Request>> = {
  ...TERMINAL_REQUESTS,
  ...SOCKET_REQUESTS,
  /** SIOCOUTQ has the same number. */
  TIOCOUTQ: (call, file, argument, fd) => {
    if (!(file instanceof Socket)) return TERMINAL_REQUESTS["TIOCOUTQ"]!(call, file, argument, fd);
    call.memory.writeS32(argument, file.unsent);
    return 0;
  },
  FIONREAD: (call, file, argument) => {
    // Of a regular file: what is left of it behind the position (Linux: vfs ioctl).
    const count = file.path.inode.type === S.IFREG ? Math.max(0, file.stat().size - file.position) : file.available();
    call.memory.writeS32(argument, Math.min(count, 0x7fffffff));
    return 0;
  },
  FIOQSIZE: (call, file, argument) => {
    const { type } = file.path.inode;
    if (type !== S.IFREG && type !== S.IFDIR && type !== S.IFLNK) throw errno.ENOTTY;
    call.memory.writeS64(argument, BigInt(file.stat().size));
    return 0;
  },
  FIONBIO: setFlag(O.NONBLOCK),
  FIOASYNC: setFlag(O.ASYNC),
  FIOCLEX: (call, _file, _argument, fd) => {
    call.process.files.setCloseOnExec(fd, true);
    return 0;
  },
  FIONCLEX: (call, _file, _argument, fd) => {
    call.process.files.setCloseOnExec(fd, false);
    return 0;
  },
  FICLONE: (call, file, argument) => clone(call, file, argument | 0, 0, 0, 0),
  FICLONERANGE: (call, file, argument) => {
    const range = call.abi.structs.fileCloneRange.read(call.memory, argument);
    const [from, length, at] = [range.src_offset, range.src_length, range.dest_offset].map(fileOffset);
    return clone(call, file, Number(range.src_fd), from!, at!, length!);
  },
};

function ioctl(call: SyscallContext, fd: number, request: number, argument: number): number | Wait<number> {
  const file = description(call, fd);
  if ((file.flags & O.PATH) !== 0) throw errno.EBADF;
  const name = call.abi.constants.ioctl.nameOf(request);
  const run = name === undefined ? undefined : REQUESTS[name];
  if (run === undefined) throw errno.ENOTTY;
  return run(call, file, argument, fd);
}

/** ioctl's third argument, by request. */
const ioctlArgument: typeof arg.pointer = {
  ...arg.pointer,
  out: true,
  show: (value, { call, args, result }) => {
    const name = call.abi.constants.ioctl.nameOf(Number(args[1]));
    if (result === null) return arg.showPointer(value);
    if (name === "TIOCGWINSZ" || name === "TIOCSWINSZ") return arg.showStruct(call, "winsize", value);
    if (name === "FIONREAD" || name === "TIOCGPGRP" || name === "FIONBIO" || name === "TIOCSPGRP") {
      return arg.guarded(value, () => `[${call.memory.readS32(value)}]`);
    }
    if (name === "FIOCLEX" || name === "FIONCLEX") return "";
    return arg.showPointer(value);
  },
};

const requestNumber: typeof arg.hexadecimal = {
  ...arg.hexadecimal,
  name: "unsigned long request",
  show: (value, { call }) => call.abi.constants.ioctl.showValue(value),
};

export const IOCTL_ROWS: readonly SyscallRow[] = [
  partial(
    "ioctl",
    [arg.fd, requestNumber, ioctlArgument],
    `${Object.keys(REQUESTS).join(", ")}; all others are ENOTTY`,
    ioctl,
  ),
];
