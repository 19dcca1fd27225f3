/** Calls that move bytes from one description to another: sendfile, copy_file_range, splice, tee. */
import type { Wait } from "../wait.ts";
import type { FileDescription } from "./file-description.ts";

/** `offset` null: the description's own position, which moves; else the position that is read (and not moved). */
export declare function sendfile(to: FileDescription, from: FileDescription, offset: number | null, count: number): number | Wait<number>;
/** copy_file_range(2): bytes copied; both must be regular files. */
export declare function copyFileRange(
  from: FileDescription,
  fromOffset: number | null,
  to: FileDescription,
  toOffset: number | null,
  count: number,
): number | Wait<number>;
/** splice(2): one of both must be a pipe (EINVAL). */
export declare function splice(
  from: FileDescription,
  fromOffset: number | null,
  to: FileDescription,
  toOffset: number | null,
  count: number,
  nonBlocking: boolean,
): number | Wait<number>;
