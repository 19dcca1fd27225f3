/** Bringing files to the disk, and hints about how they will be used. */
import { errno } from "../kernel/errno.ts";
import { O, S } from "../kernel/fs/flags.ts";
import type { FileDescription } from "../kernel/fs/file-description.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { description } from "./guest-buffers.ts";
import { full, partial, type SyscallRow } from "./row.ts";

function opened(call: SyscallContext, fd: number): FileDescription {
  const file = description(call, fd);
  if ((file.flags & O.PATH) !== 0) throw errno.EBADF;
  return file;
}

function sync(call: SyscallContext, fd: number, dataOnly: boolean): number {
  const file = opened(call, fd);
  if (file.path.inode.type === S.IFREG) {
    call.process.space.flushShared(file.path.inode.identity, 0, Number.MAX_SAFE_INTEGER);
  }
  file.sync(dataOnly);
  return 0;
}

/** All advice is taken and none of it needed; what is checked is what Linux checks. */
function fadvise(call: SyscallContext, fd: number, length: bigint, advice: number): number {
  const file = opened(call, fd);
  if (file.path.inode.type === S.IFIFO) throw errno.ESPIPE;
  if (call.abi.constants.fadvise.nameOf(advice) === undefined || length < 0n) throw errno.EINVAL;
  return 0;
}

function syncFileRange(call: SyscallContext, fd: number, offset: bigint, length: bigint, flags: number): number {
  if (offset < 0n || length < 0n || (flags & ~7) !== 0) throw errno.EINVAL;
  const file = opened(call, fd);
  const { type } = file.path.inode;
  if (type !== S.IFREG && type !== S.IFBLK && type !== S.IFDIR && type !== S.IFLNK) throw errno.ESPIPE;
  return sync(call, fd, true);
}

export const SYNC_ROWS: readonly SyscallRow[] = [
  full("fsync", [arg.fd], (call, fd) => sync(call, fd, false)),
  full("fdatasync", [arg.fd], (call, fd) => sync(call, fd, true)),
  partial("sync", [], "nothing to do: whatever the guest wrote is with the host already", () => 0),
  partial("syncfs", [arg.fd], "nothing to do: whatever the guest wrote is with the host already", (call, fd) => {
    opened(call, fd);
    return 0;
  }),
  full("sync_file_range", [arg.fd, arg.offset64, arg.offset64, arg.flags("syncRange")], syncFileRange),
  // ARM's own order, so that no register is lost to the alignment of a pair.
  full(
    "arm_sync_file_range",
    [arg.fd, arg.flags("syncRange"), arg.offset64, arg.offset64],
    (call, fd, flags, offset, length) => syncFileRange(call, fd, offset, length, flags),
  ),
  full("fadvise64", [arg.fd, arg.offset64, arg.offset64, arg.choice("fadvise")], (call, fd, _offset, length, advice) =>
    fadvise(call, fd, length, advice),
  ),
  full(
    "arm_fadvise64_64",
    [arg.fd, arg.choice("fadvise"), arg.offset64, arg.offset64],
    (call, fd, advice, _offset, length) => fadvise(call, fd, length, advice),
  ),
];
