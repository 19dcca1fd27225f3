/** What a login gives a program that starts in a root directory: a home, and its name looked up along PATH. */
import { Errno } from "../kernel/errno.ts";
import { fromText, toText, type ByteString } from "../kernel/fs/byte-string.ts";
import type { FileDescription } from "../kernel/fs/file-description.ts";
import { O } from "../kernel/fs/flags.ts";
import type { FsContext } from "../kernel/fs/fs-context.ts";
import { Wait } from "../kernel/wait.ts";
import type { CString } from "../loader/index.ts";

/** More of a file than this is not read: it is the guest's. */
const LONGEST = 1 << 20;

/** Lines of one of passwd(5)'s files, split at the colons; none if it cannot be read. */
function* records(fs: FsContext, path: ByteString): Iterable<readonly ByteString[]> {
  for (const line of contents(fs, path).split("\n")) if (!line.startsWith("#")) yield line.split(":");
}

function contents(fs: FsContext, path: ByteString): ByteString {
  let file: FileDescription | Wait<FileDescription>;
  try {
    file = fs.open(null, path, O.RDONLY | O.NONBLOCK, 0);
  } catch (error) {
    if (error instanceof Errno) return "";
    throw error;
  }
  if (file instanceof Wait) return "";
  file.retain();
  try {
    const bytes = Buffer.alloc(Math.min(file.stat().size, LONGEST));
    const count = file.pread(bytes, 0);
    return count instanceof Wait ? "" : bytes.toString("latin1", 0, count);
  } catch (error) {
    if (error instanceof Errno) return "";
    throw error;
  } finally {
    file.release();
  }
}

/** passwd(5): the home directory of a user, `/` if the root directory does not know one. */
function homeOf(fs: FsContext, uid: number): string {
  for (const [, , id, , , home] of records(fs, "/etc/passwd")) {
    if (id === String(uid) && home !== undefined && home !== "") return toText(home);
  }
  return uid === 0 ? "/root" : "/";
}

/** The variables, with HOME if they have none. */
export function withHome(fs: FsContext, uid: number, env: readonly CString[]): readonly CString[] {
  return variable(env, "HOME") === undefined ? [...env, `HOME=${homeOf(fs, uid)}`] : env;
}

/** The first program of that name along PATH, as execvp(3) finds it; the name itself if there is none or it has a slash. */
export function findAlongPath(fs: FsContext, name: string, env: readonly CString[]): string {
  if (name.includes("/")) return name;
  const path = variable(env, "PATH") ?? "/bin:/usr/bin";
  for (const folder of path.split(":")) {
    const candidate = `${folder === "" ? "." : folder}/${name}`;
    try {
      const file = fs.openExecutable(fromText(candidate));
      file.retain();
      file.release();
      return candidate;
    } catch (error) {
      if (!(error instanceof Errno)) throw error;
    }
  }
  return name;
}

function variable(env: readonly CString[], name: string): string | undefined {
  const found = env.find((each) => typeof each === "string" && each.startsWith(`${name}=`));
  return typeof found === "string" ? found.slice(name.length + 1) : undefined;
}
