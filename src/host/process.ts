/** What the host says about itself and about the user who runs babelf. */
import { freemem, hostname, totalmem } from "node:os";

export interface HostIdentity {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** The user; 1000 where the host has no numbers for users (Windows). */
export function hostIdentity(): HostIdentity {
  return {
    uid: process.getuid?.() ?? 1000,
    gid: process.getgid?.() ?? 1000,
    groups: process.getgroups?.() ?? [],
  };
}

export const hostName = (): string => hostname();
/** Bytes. */
export const totalMemory = (): number => totalmem();
export const freeMemory = (): number => freemem();
