/** Changes of files: inotify_init(2) and its kin. */
import { errno } from "../kernel/errno.ts";
import { toBytes } from "../kernel/fs/byte-string.ts";
import { ACCESS, O } from "../kernel/fs/flags.ts";
import { require } from "../kernel/fs/permission.ts";
import { IN } from "../kernel/fs/watches.ts";
import { Inotify, WATCH } from "../kernel/inotify.ts";
import type { InotifyEvent } from "../kernel/inotify.ts";
import type { Abi } from "./abi/abi.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { description, readPath } from "./guest-buffers.ts";
import { full, partial, type SyscallRow } from "./row.ts";

/** inotify_add_watch(2)'s flags that are no events; the same on every architecture. */
const ONLYDIR = 0x01000000;
const DONT_FOLLOW = 0x02000000;
const MASK_CREATE = 0x10000000;
const MASK_ADD = 0x20000000;

const KNOWN = IN.ALL_EVENTS | ONLYDIR | DONT_FOLLOW | WATCH.EXCL_UNLINK | MASK_CREATE | MASK_ADD | WATCH.ONESHOT;

/** The struct, and the name with zeros up to the struct's next multiple. */
function pack({ structs }: Abi, { wd, mask, cookie, name }: InotifyEvent): Uint8Array {
  const { inotifyEvent } = structs;
  const length = name === null ? 0 : Math.ceil((name.length + 1) / inotifyEvent.size) * inotifyEvent.size;
  const event = new Uint8Array(inotifyEvent.size + length);
  event.set(inotifyEvent.pack({ wd, mask, cookie, len: length }));
  if (name !== null) event.set(toBytes(name), inotifyEvent.size);
  return event;
}

function create(call: SyscallContext, guestFlags: number): number {
  // IN_NONBLOCK and IN_CLOEXEC are open(2)'s numbers.
  const flags = call.abi.constants.open.bitsToKernel(guestFlags);
  if ((flags & ~(O.NONBLOCK | O.CLOEXEC)) !== 0) throw errno.EINVAL;
  const { abi } = call;
  const file = new Inotify((flags & O.NONBLOCK) !== 0, (event) => pack(abi, event));
  return call.process.files.add(file, (flags & O.CLOEXEC) !== 0);
}

/** Throws EBADF, EINVAL. */
function inotify(call: SyscallContext, fd: number): Inotify {
  const file = description(call, fd);
  if (!(file instanceof Inotify)) throw errno.EINVAL;
  return file;
}

function addWatch(call: SyscallContext, fd: number, pathAt: number, mask: number): number {
  if ((mask & IN.ALL_EVENTS) === 0 || (mask & ~KNOWN) !== 0) throw errno.EINVAL;
  const [adds, creates] = [(mask & MASK_ADD) !== 0, (mask & MASK_CREATE) !== 0];
  if (adds && creates) throw errno.EINVAL;
  const queue = inotify(call, fd);
  const { fs } = call.process;
  const path = fs.resolve(null, readPath(call, pathAt), (mask & DONT_FOLLOW) === 0);
  if ((mask & ONLYDIR) !== 0 && !path.inode.isDirectory) throw errno.ENOTDIR;
  require(path.inode, ACCESS.R_OK, fs.credentials);
  return queue.watch(path, mask, adds ? "add" : creates ? "create" : "replace");
}

const NOTE = "changes that the guest itself makes; what others do to the host's files is not seen";

export const INOTIFY_ROWS: readonly SyscallRow[] = [
  full("inotify_init", [], (call) => create(call, 0)),
  full("inotify_init1", [arg.openFlags], create),
  partial("inotify_add_watch", [arg.fd, arg.path, arg.hexadecimal], NOTE, addWatch),
  full("inotify_rm_watch", [arg.fd, arg.int], (call, fd, wd) => {
    inotify(call, fd).remove(wd);
    return 0;
  }),
];
