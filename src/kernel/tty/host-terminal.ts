/** The host's own terminal. Process groups are the guest's: the host's job control goes on outside. */
import * as host from "../../host/terminal.ts";
import { errno } from "../errno.ts";
import type { Path } from "../fs/dentry.ts";
import type { FileDescription } from "../fs/file-description.ts";
import { fromHost } from "../fs/host-errors.ts";
import type { DeviceNumber } from "../fs/inode.ts";
import { Terminal } from "./terminal.ts";
import type { FlowAction, TerminalQueue, WindowSize } from "./terminal.ts";
import type { Termios, TermiosWhen } from "./termios.ts";

/** Opens the host's terminal once more. */
export type HostTerminalOpener = (path: Path, flags: number, terminal: HostTerminal) => FileDescription;

export class HostTerminal extends Terminal {
  readonly #fd: number;
  readonly #opener: HostTerminalOpener;
  /** As the guest sees it, among its own pseudo-terminals. */
  device: DeviceNumber = { major: 136, minor: 0 };

  constructor(fd: number, opener: HostTerminalOpener) {
    super();
    this.#fd = fd;
    this.#opener = opener;
  }

  override getAttributes(): Termios {
    return fromHost(() => host.getSettings(this.#fd));
  }
  override setAttributes(when: TermiosWhen, termios: Termios): void {
    const order = { now: 0, drain: 1, flush: 2 } as const;
    fromHost(() => {
      host.setSettings(this.#fd, order[when], termios);
    });
  }
  override getWindowSize(): WindowSize {
    return fromHost(() => host.getSize(this.#fd));
  }
  /** The host's kernel sends SIGWINCH, if the size is another. */
  override setWindowSize(size: WindowSize): void {
    fromHost(() => {
      host.setSize(this.#fd, size);
    });
  }
  override flush(which: TerminalQueue): void {
    const queue = { input: 0, output: 1, both: 2 } as const;
    fromHost(() => {
      host.flush(this.#fd, queue[which]);
    });
  }
  override control(action: FlowAction): void {
    const order = { stopOutput: 0, startOutput: 1, stopInput: 2, startInput: 3 } as const;
    fromHost(() => {
      host.controlFlow(this.#fd, order[action]);
    });
  }
  override hangUp(): void {
    throw errno.EPERM;
  }
  override open(path: Path, flags: number): FileDescription {
    return this.#opener(path, flags, this);
  }
}
