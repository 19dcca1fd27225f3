/** `-d`, `-D` and `--strace`: what is printed about a run, and where. */
import { appendFileSync, closeSync, openSync } from "node:fs";
import { format } from "node:util";
import createDebug from "debug";
import { LOG_ITEMS } from "./options.ts";
import { UsageError } from "./parse.ts";

export interface Log {
  /** Whether system calls are asked for. */
  readonly strace: boolean;
  /** Guest code is listed as it is read, so that nothing kept may stand in for it. */
  readonly listsCode: boolean;
  /** Writes one line at once, so that it stands in the right place among the program's own output. */
  readonly write: (line: string) => void;
  readonly close: () => void;
}

export function openLog(wishes: { file: string | undefined; items: string | undefined; strace: boolean }): Log {
  const items = (wishes.items ?? "").split(",").filter((item) => item !== "");
  for (const item of items) {
    if (!(item in LOG_ITEMS)) throw new UsageError(`-d ${item}: not known; -d help lists what is`);
  }
  const loggers = items.filter((item) => item !== "strace").map((item) => `babelf:${item}`);
  if (loggers.length > 0) createDebug.enable([process.env.DEBUG, ...loggers].filter(Boolean).join(","));

  let fd = 2;
  if (wishes.file !== undefined) {
    try {
      fd = openSync(wishes.file, "w");
    } catch (error) {
      throw new UsageError(`-D ${wishes.file}: ${(error as Error).message}`);
    }
  }
  const write = (line: string): void => appendFileSync(fd, `${line}\n`);
  if (fd !== 2) createDebug.log = (...words: unknown[]) => write(format(...words));
  return {
    strace: wishes.strace || items.includes("strace"),
    listsCode: items.includes("in_asm"),
    write,
    close: () => {
      if (fd !== 2) closeSync(fd);
    },
  };
}

export function showLogItems(): void {
  for (const [name, what] of Object.entries(LOG_ITEMS)) process.stdout.write(`${name.padEnd(12)} ${what}\n`);
}
