/** Stopping and continuing whole processes (signal(7), "stop" and "continue"). */
import { tellParentOfContinuation, tellParentOfStop } from "./exit.ts";
import type { Process } from "./process.ts";

/** A stop signal's default action: no task of the process runs until it is continued. What they wait for may come meanwhile. */
export function stopProcess(process: Process, signal: number): void {
  const { kernel } = process;
  if (process.stopSignal !== 0 || process.exit !== null) return;
  process.stopSignal = signal;
  process.continued = false;
  process.stopUnseen = true;
  for (const task of process.tasks) kernel.scheduler.hold(task);
  tellParentOfStop(process, signal);
  kernel.onProcessStop(process, signal);
}

/** SIGCONT, whatever the process does with that signal; `killed`: it goes on only to die, and nobody is told. */
export function continueProcess(process: Process, killed = false): void {
  if (process.stopSignal === 0) return;
  process.stopSignal = 0;
  process.stopUnseen = false;
  for (const task of process.tasks) process.kernel.scheduler.release(task);
  if (killed) return;
  process.continued = true;
  tellParentOfContinuation(process);
}
