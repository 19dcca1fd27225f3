/** A terminal as the kernel sees it: line settings, size, and whose it is (credentials(7), "Sessions"). */
import { errno } from "../errno.ts";
import type { Path } from "../fs/dentry.ts";
import type { FileDescription } from "../fs/file-description.ts";
import type { DeviceNumber } from "../fs/inode.ts";
import type { Kernel } from "../kernel.ts";
import { raiseInGroup } from "../signal-sending.ts";
import type { SignalName } from "../signal.ts";
import { noLocks } from "./termios.ts";
import type { Termios, TermiosWhen } from "./termios.ts";

export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
  readonly xPixels: number;
  readonly yPixels: number;
}

/** Whom a terminal belongs to: it is the controlling terminal of this session. */
export interface TerminalOwner {
  readonly kernel: Kernel;
  readonly session: number;
}

/** TCFLSH */
export type TerminalQueue = "input" | "output" | "both";
/** TCXONC: TCOOFF, TCOON, TCIOFF, TCION. */
export type FlowAction = "stopOutput" | "startOutput" | "stopInput" | "startInput";

export abstract class Terminal {
  /** Null while it is nobody's controlling terminal. */
  owner: TerminalOwner | null = null;
  /** TIOCGPGRP and TIOCSPGRP: a process group, 0 for none. */
  foregroundGroup = 0;
  /** TIOCEXCL: nobody but root can open it. */
  exclusive = false;
  /** TIOCSLCKTRMIOS: what of the settings cannot be changed. */
  locks: Termios = noLocks();

  /** TCGETS */
  abstract getAttributes(): Termios;
  /** TCSETS, TCSETSW, TCSETSF */
  abstract setAttributes(when: TermiosWhen, termios: Termios): void;
  /** TIOCGWINSZ */
  abstract getWindowSize(): WindowSize;
  /** TIOCSWINSZ */
  abstract setWindowSize(size: WindowSize): void;
  /** TCFLSH */
  abstract flush(which: TerminalQueue): void;
  /** TCXONC */
  abstract control(action: FlowAction): void;
  /** TIOCVHANGUP, vhangup(2): whoever has it open reads its end and cannot write. */
  abstract hangUp(): void;
  /** A new description, for /dev/tty. */
  abstract open(path: Path, flags: number): FileDescription;
  /** Of the device: what /proc/PID/stat calls tty_nr. */
  abstract readonly device: DeviceNumber;

  /** From the terminal to whoever is in the foreground. False: nobody is. */
  signalForeground(name: SignalName): boolean {
    if (this.owner === null || this.foregroundGroup === 0) return false;
    return raiseInGroup(this.owner.kernel, this.foregroundGroup, name);
  }

  /** Throws EBUSY. */
  checkExclusive(isPrivileged: boolean): void {
    if (this.exclusive && !isPrivileged) throw errno.EBUSY;
  }
}
