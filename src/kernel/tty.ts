/** A terminal as the kernel sees it: line settings, size, and who is in the foreground. */

import * as host from "../host/terminal.ts";
import { fromHost } from "./fs/host-errors.ts";

/** `struct termios` in asm-generic's numbers. */
export interface Termios {
  readonly inputFlags: number;
  readonly outputFlags: number;
  /** Speed included (CBAUD bits). */
  readonly controlFlags: number;
  readonly localFlags: number;
  readonly line: number;
  /** c_cc, 19 bytes: VINTR VQUIT VERASE VKILL VEOF VTIME VMIN VSWTC VSTART VSTOP VSUSP VEOL … */
  readonly controlCharacters: Uint8Array;
}

/** TCSANOW, TCSADRAIN, TCSAFLUSH: when the settings change. */
export type TermiosWhen = "now" | "drain" | "flush";

export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
  readonly xPixels: number;
  readonly yPixels: number;
}

export interface Terminal {
  /** TCGETS */
  getAttributes(): Termios;
  /** TCSETS, TCSETSW, TCSETSF */
  setAttributes(when: TermiosWhen, termios: Termios): void;
  /** TIOCGWINSZ */
  getWindowSize(): WindowSize;
  /** TIOCSWINSZ */
  setWindowSize(size: WindowSize): void;
  /** TIOCGPGRP and TIOCSPGRP: a guest process group. */
  foregroundGroup: number;
  /** TIOCGSID: a guest session. */
  session: number;
  /** TCFLSH */
  flush(which: "input" | "output" | "both"): void;
}

/** The host's own terminal. Process groups are the guest's: the host's job control goes on outside. */
export class HostTerminal implements Terminal {
  readonly #fd: number;
  foregroundGroup = 0;
  session = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  getAttributes(): Termios {
    return fromHost(() => host.getSettings(this.#fd));
  }
  setAttributes(when: TermiosWhen, termios: Termios): void {
    const order = { now: 0, drain: 1, flush: 2 } as const;
    fromHost(() => {
      host.setSettings(this.#fd, order[when], termios);
    });
  }
  getWindowSize(): WindowSize {
    return fromHost(() => host.getSize(this.#fd));
  }
  setWindowSize(size: WindowSize): void {
    fromHost(() => {
      host.setSize(this.#fd, size);
    });
  }
  flush(which: "input" | "output" | "both"): void {
    const queue = { input: 0, output: 1, both: 2 } as const;
    fromHost(() => {
      host.flush(this.#fd, queue[which]);
    });
  }
}

/** The terminal that a run's standard streams lead to, if any: what /dev/tty opens. */
export interface ControllingTerminal {
  current: HostTerminal | null;
}
