/** pidfd_open(2): a process as a file, which becomes readable when the process has ended. */
import { anonymousPath } from "./anonymous-inode.ts";
import { errno } from "./errno.ts";
import { FileDescription } from "./fs/file-description.ts";
import { O, POLL } from "./fs/flags.ts";
import type { Process } from "./process.ts";
import type { WaitQueue } from "./wait.ts";

export class PidFd extends FileDescription {
  readonly process: Process;

  constructor(process: Process, nonBlocking: boolean) {
    super(anonymousPath("[pidfd]"), O.RDWR | (nonBlocking ? O.NONBLOCK : 0));
    this.process = process;
  }

  protected override tryRead(): number {
    throw errno.EINVAL;
  }
  protected override tryWrite(): number {
    throw errno.EINVAL;
  }

  override poll(): number {
    return this.process.exit === null ? 0 : POLL.IN | POLL.RDNORM;
  }
  override waitQueue(): WaitQueue {
    return this.process.ended;
  }

  override describe(): string {
    const { process } = this;
    const isReaped = process.exit !== null && process.kernel.processes.get(process.pid) !== process;
    return `Pid:\t${isReaped ? -1 : process.pid}\nNSpid:\t${isReaped ? -1 : process.pid}\n`;
  }
}
