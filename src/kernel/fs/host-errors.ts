/** What the host's calls throw, as a guest's errno. */
import { Errno, errno, type ErrnoName } from "../errno.ts";

export function toErrno(error: unknown): Errno {
  if (error instanceof Errno) return error;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code !== "string") throw error;
  if (Object.hasOwn(errno, code)) return errno[code as ErrnoName];
  // macOS says ENOTSUP where Linux says EOPNOTSUPP; Node has codes of its own for arguments that it refuses.
  if (code === "ENOTSUP") return errno.EOPNOTSUPP;
  return code.startsWith("ERR_") ? errno.EINVAL : errno.EIO;
}

export function fromHost<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw toErrno(error);
  }
}
