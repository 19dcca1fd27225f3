/** A process's timers: setitimer(2), alarm(2) and timer_create(2). */
import type { Process } from "./process.ts";

export class ProcessTimers {
  readonly process: Process;
  constructor(process: Process) {
    this.process = process;
  }
}
