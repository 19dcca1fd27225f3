/** Sizes, times, counts and users as people write them. */
import { UsageError } from "./parse.ts";

const SIZES: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };
const TIMES: Readonly<Record<string, number>> = { ms: 0.001, "": 1, s: 1, m: 60, h: 3600 };

/** "64M" → bytes. */
export function parseSize(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?|0x[0-9a-f]+)([KMG]?)(?:i?B)?$/i.exec(text);
  if (match === null) throw new UsageError(`--${option} ${text}: write a size such as 4096, 64M or 1G`);
  return Math.floor(Number(match[1]) * SIZES[match[2]!.toUpperCase()]!);
}

/** "500ms" → seconds. */
export function parseTime(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|)$/.exec(text);
  if (match === null) throw new UsageError(`--${option} ${text}: write a time such as 500ms, 10s or 2m`);
  return Number(match[1]) * TIMES[match[2]!]!;
}

export function parseCount(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--${option} ${text}: write a whole number`);
  return Number(text);
}

/** "root", "1000" (its group has the same number), "1000:100". */
export function parseUser(text: string): { readonly uid: number; readonly gid: number } {
  if (text === "root") return { uid: 0, gid: 0 };
  const match = /^(\d{1,9})(?::(\d{1,9}))?$/.exec(text);
  if (match === null) throw new UsageError(`--user ${text}: write root, UID or UID:GID`);
  return { uid: Number(match[1]), gid: Number(match[2] ?? match[1]) };
}
