/** A terminal as the kernel sees it: line settings, size, and who is in the foreground. */

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
