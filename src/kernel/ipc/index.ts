/**
 * System V IPC (sysvipc(7)): one namespace for each run, and gone with it. The objects are the kernel's own; processes
 * hold shared memory by mapping it and semaphores by what they would undo.
 */
import { Quota } from "../fs/sparse-bytes.ts";
import type { Process } from "../process.ts";
import { MessageQueues } from "./message-queues.ts";
import type { IpcClock } from "./objects.ts";
import { Semaphores } from "./semaphores.ts";
import { SharedMemory } from "./shared-memory.ts";

/** Bytes that all objects of a run may take together. */
const DEFAULT_MEMORY = 1 << 30;

export class Ipc {
  readonly sharedMemory: SharedMemory;
  readonly semaphores: Semaphores;
  readonly messageQueues: MessageQueues;

  constructor(clock: IpcClock, memory: number = DEFAULT_MEMORY) {
    const quota = new Quota(memory);
    this.sharedMemory = new SharedMemory(clock, quota);
    this.semaphores = new Semaphores(clock, quota);
    this.messageQueues = new MessageQueues(clock, quota);
  }

  /** The process has ended. */
  endProcess(process: Process): void {
    this.semaphores.endProcess(process);
  }
}
