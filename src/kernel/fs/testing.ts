/** For tests: trees, and errno names instead of thrown objects. */
import { Credentials } from "../credentials.ts";
import { Errno } from "../errno.ts";
import { Wait } from "../wait.ts";
import type { FileDescription } from "./file-description.ts";
import { O } from "./flags.ts";
import type { FsContext } from "./fs-context.ts";
import { buildView, type ViewOptions } from "./view.ts";

export const hostUser = (): Credentials => new Credentials(process.geteuid?.() ?? 0, process.getegid?.() ?? 0, []);
export const stranger = (): Credentials => new Credentials(54321, 54321, []);

export function view(options: Partial<ViewOptions> = {}): FsContext {
  return buildView({ credentials: hostUser(), ...options });
}

/** The name of the errno that `act` throws, or "ok". */
export function failure(act: () => unknown): string {
  try {
    act();
    return "ok";
  } catch (error) {
    if (error instanceof Errno) return error.name;
    throw error;
  }
}

export function now<T>(result: T | Wait<T>): T {
  if (result instanceof Wait) throw new Error("it waits");
  return result;
}

export function open(fs: FsContext, path: string, flags: number = O.RDONLY, mode = 0o666): FileDescription {
  const opened = now(fs.open(null, path, flags, mode));
  opened.retain();
  return opened;
}

export function write(fs: FsContext, path: string, text: string): void {
  const file = open(fs, path, O.WRONLY | O.CREAT | O.TRUNC);
  now(file.write(Buffer.from(text)));
  file.release();
}

export function read(fs: FsContext, path: string): string {
  const file = open(fs, path);
  const text = readAll(file);
  file.release();
  return text;
}

export function readAll(file: FileDescription): string {
  const pieces: Buffer[] = [];
  for (;;) {
    const piece = Buffer.alloc(4096);
    const count = now(file.read(piece));
    if (count === 0) return Buffer.concat(pieces).toString("latin1");
    pieces.push(piece.subarray(0, count));
  }
}

export function names(fs: FsContext, path: string): string[] {
  const directory = open(fs, path, O.RDONLY | O.DIRECTORY);
  const found: string[] = [];
  directory.listEntries(({ name }) => found.push(name) > 0);
  directory.release();
  return found.filter((name) => name !== "." && name !== "..").sort();
}
