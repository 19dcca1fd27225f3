/** Signal-driven input and output: O_ASYNC with F_SETOWN and F_SETSIG (fcntl(2), "Managing signals"). */
import type { FileDescription } from "./fs/file-description.ts";
import { O, POLL } from "./fs/flags.ts";
import type { Kernel } from "./kernel.ts";
import { membersOf } from "./process-group.ts";
import type { Process } from "./process.ts";
import { kernelSignal } from "./siginfo.ts";
import type { SignalInfo } from "./siginfo.ts";
import { sendToProcess } from "./signal-sending.ts";

/** si_code of SIGIO. */
const POLL_IN = 1;
const POLL_OUT = 2;
const POLL_HUP = 6;

/** Descriptions that are watched, and how to stop that. */
const watched = new WeakMap<FileDescription, () => void>();

/** The description's flags may have changed; `fd` is what signals will call it. */
export function updateAsync(kernel: Kernel, file: FileDescription, fd: number): void {
  const wanted = (file.flags & O.ASYNC) !== 0 && file.pollable;
  const stop = watched.get(file);
  if (wanted === (stop !== undefined)) return;
  if (stop !== undefined) {
    stop();
    watched.delete(file);
    return;
  }
  let before = file.poll();
  const look = (events: number): void => {
    const now = file.poll();
    const news = now & ~before;
    before = now;
    if ((events & POLL.IN) !== 0 && (now & POLL.IN) !== 0) notify(kernel, file, fd, POLL_IN, POLL.IN | POLL.RDNORM);
    if ((news & POLL.OUT) !== 0) notify(kernel, file, fd, POLL_OUT, POLL.OUT | POLL.WRNORM | POLL.WRBAND);
    if ((news & POLL.HUP) !== 0) notify(kernel, file, fd, POLL_HUP, POLL.HUP | POLL.ERR);
    // Some files watch the host only when they are asked (`FileDescription.waitQueue`).
    file.waitQueue(events);
  };
  const reading = file.waitQueue(POLL.IN);
  const writing = file.waitQueue(POLL.OUT);
  const stops = [reading.listen(() => look(POLL.IN))];
  if (writing !== reading) stops.push(writing.listen(() => look(POLL.OUT)));
  const stopAll = (): void => {
    for (const each of stops) each();
  };
  watched.set(file, stopAll);
  file.onRelease(stopAll);
}

function notify(kernel: Kernel, file: FileDescription, fd: number, code: number, band: number): void {
  const signal = file.ownerSignal === 0 ? kernel.signals.number("SIGIO") : file.ownerSignal;
  // Only who chose the signal is told what it is about.
  const info: SignalInfo =
    file.ownerSignal === 0 ? kernelSignal(signal) : { signal, errno: 0, code, fields: { kind: "poll", band, fd } };
  for (const process of ownersOf(kernel, file.owner)) sendToProcess(process, info);
}

/** F_SETOWN: a process, or a group as a negative number; 0: nobody. */
function ownersOf(kernel: Kernel, owner: number): readonly Process[] {
  if (owner < 0) return membersOf(kernel, -owner);
  const process = kernel.processes.get(owner) ?? kernel.tasks.get(owner)?.process;
  return process === undefined || process.exit !== null ? [] : [process];
}
