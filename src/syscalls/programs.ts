/** Another program in the same process: execve(2), execveat(2). */
import { errno } from "../kernel/errno.ts";
import type { ByteString } from "../kernel/fs/byte-string.ts";
import { AT, O } from "../kernel/fs/flags.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { directory, readPath } from "./guest-buffers.ts";
import { KEEP_REGISTERS, full } from "./row.ts";
import type { Result, SyscallRow } from "./row.ts";

/** MAX_ARG_STRLEN: one string, with its NUL. */
const MOST_STRING = 131072;
/** MAX_ARG_STRINGS is 0x7fffffff; all pointers and strings together take at most a quarter of the stack, 6 MiB at most. */
const MOST_STRINGS = 0x600000 / 4;

/** argv or envp. A null pointer is an empty list, as Linux has it. Throws E2BIG. */
function readStrings(call: SyscallContext, address: number): Uint8Array[] {
  if (address === 0) return [];
  const pointers = call.memory.readWordArray(address, MOST_STRINGS);
  if (pointers === null) throw errno.E2BIG;
  return pointers.map((pointer) => {
    const bytes = call.memory.readCString(pointer, MOST_STRING);
    if (bytes === null) throw errno.E2BIG;
    return bytes;
  });
}

function execveat(
  call: SyscallContext,
  dirfd: number,
  pathAt: number,
  argvAt: number,
  envpAt: number,
  flags: number,
): Result {
  if ((flags & ~(AT.EMPTY_PATH | AT.SYMLINK_NOFOLLOW)) !== 0) throw errno.EINVAL;
  const path = readPath(call, pathAt);
  if (path === "" && (flags & AT.EMPTY_PATH) === 0) throw errno.ENOENT;
  const at = dirfd === arg.AT_FDCWD ? null : path === "" ? call.process.files.get(dirfd) : directory(call, dirfd, path);
  const argv = readStrings(call, argvAt);
  const envp = readStrings(call, envpAt);
  const name = nameOf(call, dirfd, path, at !== null);
  call.machine.exec(call, { at, path, flags, name, argv, envp });
  return KEEP_REGISTERS;
}

/** What the program is called: a path that its interpreter can open (execveat(2), NOTES). */
function nameOf(call: SyscallContext, dirfd: number, path: ByteString, isAt: boolean): ByteString | null {
  if (!isAt) return path;
  // By the time a script's interpreter opens it the descriptor is closed.
  const [file, closes] = [call.process.files.get(dirfd), call.process.files.closeOnExec(dirfd)];
  if (closes && (file.flags & O.PATH) === 0 && path === "") return null;
  return path === "" ? `/dev/fd/${dirfd}` : `/dev/fd/${dirfd}/${path}`;
}

const strings = arg.pointer;

export const PROGRAM_ROWS: readonly SyscallRow[] = [
  full("execve", [arg.path, strings, strings], (call, path, argv, envp) =>
    execveat(call, arg.AT_FDCWD, path, argv, envp, 0),
  ),
  full("execveat", [arg.directoryFd, arg.path, strings, strings, arg.flags("at")], execveat),
];
