/** Calls that move bytes from one description to another: sendfile, copy_file_range, splice. */
import { errno } from "../errno.ts";
import { PipeDescription } from "../pipe.ts";
import { Wait } from "../wait.ts";
import type { FileDescription } from "./file-description.ts";
import { O, S } from "./flags.ts";

/** Moved at a time; a call may move less than it was asked for. */
const PIECE = 1 << 16;
/** Moved by one call at most, so that a huge copy leaves room for signals and other tasks. */
const MOST = 1 << 24;

/**
 * `offset` null: the description's own position, which moves; else the position that is read (and not moved). Waits
 * only as long as nothing was moved.
 */
function move(
  from: FileDescription,
  fromOffset: number | null,
  to: FileDescription,
  toOffset: number | null,
  count: number,
): number | Wait<number> {
  const most = Math.min(count, MOST);
  const buffer = new Uint8Array(Math.min(most, PIECE));
  let moved = 0;
  while (moved < most) {
    const piece = buffer.subarray(0, Math.min(buffer.length, most - moved));
    let got: number | Wait<number>;
    try {
      got = fromOffset === null ? from.read(piece) : from.pread(piece, fromOffset + moved);
    } catch (error) {
      if (moved > 0) return moved;
      throw error;
    }
    if (got instanceof Wait) {
      if (moved > 0) return moved;
      return got.then((arrived) => (arrived === 0 ? 0 : deliver(piece.subarray(0, arrived))));
    }
    if (got === 0) break;
    const sent = deliver(piece.subarray(0, got));
    if (sent instanceof Wait) {
      const before = moved;
      return sent.then((last) => before + last);
    }
    moved += sent;
    if (sent < got) break;
  }
  return moved;

  /** Writes; what does not go stays unread where the source has a position. */
  function deliver(bytes: Uint8Array): number | Wait<number> {
    const settle = (sent: number): number => {
      if (sent < bytes.length && fromOffset === null && isSeekable(from)) from.seek(sent - bytes.length, 1);
      return sent;
    };
    try {
      const sent = toOffset === null ? to.write(bytes) : to.pwrite(bytes, toOffset + moved);
      return sent instanceof Wait ? sent.then(settle) : settle(sent);
    } catch (error) {
      settle(0);
      if (moved > 0) return 0;
      throw error;
    }
  }
}

function isSeekable(description: FileDescription): boolean {
  return description.path.inode.type === S.IFREG;
}

/** sendfile(2) */
export function sendfile(
  to: FileDescription,
  from: FileDescription,
  offset: number | null,
  count: number,
): number | Wait<number> {
  if (!from.readable || !to.writable) throw errno.EBADF;
  if (from.path.inode.isDirectory || (to.flags & O.APPEND) !== 0) throw errno.EINVAL;
  if (offset !== null && !isSeekable(from)) throw errno.ESPIPE;
  if (offset !== null && offset < 0) throw errno.EINVAL;
  return move(from, offset, to, null, count);
}

/** copy_file_range(2): bytes copied; both must be regular files. */
export function copyFileRange(
  from: FileDescription,
  fromOffset: number | null,
  to: FileDescription,
  toOffset: number | null,
  count: number,
): number | Wait<number> {
  if (from.path.inode.isDirectory || to.path.inode.isDirectory) throw errno.EISDIR;
  if (!isSeekable(from) || !isSeekable(to)) throw errno.EINVAL;
  if (!from.readable || !to.writable || (to.flags & O.APPEND) !== 0) throw errno.EBADF;
  if ((fromOffset ?? 0) < 0 || (toOffset ?? 0) < 0) throw errno.EINVAL;
  if (from.path.inode.identity === to.path.inode.identity) {
    const source = fromOffset ?? from.position;
    const target = toOffset ?? to.position;
    if (source < target + count && target < source + count) throw errno.EINVAL;
  }
  return move(from, fromOffset, to, toOffset, count);
}

/** splice(2): one of both must be a pipe (EINVAL). */
export function splice(
  from: FileDescription,
  fromOffset: number | null,
  to: FileDescription,
  toOffset: number | null,
  count: number,
  nonBlocking: boolean,
): number | Wait<number> {
  if (!from.readable || !to.writable) throw errno.EBADF;
  const fromPipe = from instanceof PipeDescription ? from.pipe : null;
  const toPipe = to instanceof PipeDescription ? to.pipe : null;
  if (fromPipe === null && toPipe === null) throw errno.EINVAL;
  if ((fromPipe !== null && fromOffset !== null) || (toPipe !== null && toOffset !== null)) throw errno.ESPIPE;
  if (fromPipe !== null && fromPipe === toPipe) throw errno.EINVAL;
  if (toPipe === null && (to.flags & O.APPEND) !== 0) throw errno.EINVAL;
  let most = count;
  if (fromPipe !== null) {
    if (fromPipe.count === 0 && fromPipe.writers > 0 && nonBlocking) throw errno.EAGAIN;
    if (fromPipe.count > 0) most = Math.min(most, fromPipe.count);
  }
  if (toPipe !== null) {
    if (toPipe.readers === 0) throw errno.EPIPE;
    if (toPipe.room === 0 && nonBlocking) throw errno.EAGAIN;
    // Never more than fits: what was read could not be given back to a pipe.
    most = Math.min(most, Math.max(toPipe.room, 1));
  }
  return move(from, fromOffset, to, toOffset, most);
}

/** tee(2): copies what the pipe `from` holds to the pipe `to`, and takes nothing away. */
export function tee(
  from: FileDescription,
  to: FileDescription,
  count: number,
  nonBlocking: boolean,
): number | Wait<number> {
  if (!(from instanceof PipeDescription) || !(to instanceof PipeDescription) || from.pipe === to.pipe)
    throw errno.EINVAL;
  if (!from.readable || !to.writable) throw errno.EBADF;
  const attempt = (): number | null => {
    if (to.pipe.readers === 0) throw errno.EPIPE;
    if (from.pipe.count === 0) return from.pipe.writers === 0 ? 0 : null;
    const length = Math.min(count, from.pipe.count, to.pipe.room);
    if (length === 0 && count > 0) return null;
    const bytes = new Uint8Array(length);
    from.pipe.peek(bytes);
    return to.pipe.write(bytes, false);
  };
  const done = attempt();
  if (done !== null) return done;
  if (nonBlocking) throw errno.EAGAIN;
  const wait: Wait<number> = new Wait([from.pipe.readQueue, to.pipe.writeQueue], null, (reason) => {
    if (reason === "signal") throw errno.ERESTARTSYS;
    return attempt() ?? wait;
  });
  return wait;
}
