/** `--mount HOST:GUEST[:ro]`, `--overlay DIR|memory`. */
import type { RunOptions } from "../index.ts";
import { UsageError } from "./parse.ts";

export type Mount = NonNullable<RunOptions["mounts"]>[number];

/** The guest path is absolute, so that the first `:/` from the right parts the two, and a host path may hold colons. */
export function parseMount(text: string): Mount {
  const match = /^(.+):(\/.*?)(?::(ro|rw))?$/s.exec(text);
  const [, host, guest, rights] = match ?? [];
  if (host === undefined || guest === undefined) {
    throw new UsageError(`--mount ${text}: write HOST:GUEST or HOST:GUEST:ro, with an absolute path in the guest`);
  }
  return { host, guest, readOnly: rights === "ro" };
}

/** A directory called memory is written `./memory`. */
export function parseOverlay(text: string): NonNullable<RunOptions["overlay"]> {
  return text === "memory" ? "memory" : { directory: text };
}
