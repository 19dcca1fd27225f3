/** Why a program cannot be run. */

/** The errno that execve(2) gives for a `LoadError`. */
export type LoadErrno =
  "ENOENT" | "ENOTDIR" | "EACCES" | "ENOEXEC" | "ELIBBAD" | "ENOMEM" | "ELOOP" | "E2BIG" | "EINVAL" | "EIO";

/** Exit codes as shells give them: the program is not there, or it is there and cannot be run. */
export const EXIT_NOT_FOUND = 127;
export const EXIT_NOT_RUNNABLE = 126;

/** A refusal: one line for people (`babelf: PATH: REASON`), an errno for a guest's execve, an exit code for the shell. */
export class LoadError extends Error {
  readonly path: string;
  readonly errno: LoadErrno;
  constructor(path: string, errno: LoadErrno, reason: string) {
    super(`${path}: ${reason}`);
    this.name = "LoadError";
    this.path = path;
    this.errno = errno;
  }
  get exitCode(): number {
    return this.errno === "ENOENT" || this.errno === "ENOTDIR" ? EXIT_NOT_FOUND : EXIT_NOT_RUNNABLE;
  }
}
