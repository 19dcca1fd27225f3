/** Process groups: what a shell calls a job (setpgid(2), credentials(7)). */
import type { Kernel } from "./kernel.ts";
import type { Process } from "./process.ts";

/** The group's processes that have not ended. */
export function membersOf(kernel: Kernel, pgid: number): readonly Process[] {
  return [...kernel.processes.values()].filter((process) => process.pgid === pgid && process.exit === null);
}

/**
 * Whether nobody in the session but the group itself could continue its members (POSIX 3.264, orphaned process group).
 * `ending`: a process that is about to end, and still counts.
 */
export function isOrphaned(kernel: Kernel, pgid: number, ending: Process | null = null): boolean {
  for (const member of kernel.processes.values()) {
    if (member.pgid !== pgid || (member.exit !== null && member !== ending)) continue;
    const { parent } = member;
    if (parent === null) {
      // Whoever started babelf looks after the initial program; init, which gets all orphans, after nobody.
      if (member === kernel.initial && member.sid === kernel.init.sid) return false;
    } else if (
      (parent.exit === null || parent === ending) &&
      parent.pgid !== member.pgid &&
      parent.sid === member.sid
    ) {
      return false;
    }
  }
  return true;
}
