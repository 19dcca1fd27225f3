/** termios(3) in asm-generic's numbers: what the kernel works with, and what a host with that ABI is told. */

export interface Termios {
  readonly inputFlags: number;
  readonly outputFlags: number;
  /** Speed included (CBAUD bits). */
  readonly controlFlags: number;
  readonly localFlags: number;
  readonly line: number;
  /** c_cc, 19 bytes, by `CC`. */
  readonly controlCharacters: Uint8Array;
}

/** TCSANOW, TCSADRAIN, TCSAFLUSH: when the settings change. */
export type TermiosWhen = "now" | "drain" | "flush";

export const INPUT = {
  PARMRK: 0o10,
  ISTRIP: 0o40,
  INLCR: 0o100,
  IGNCR: 0o200,
  ICRNL: 0o400,
  IUCLC: 0o1000,
  IXON: 0o2000,
  IXANY: 0o4000,
  IXOFF: 0o10000,
  IMAXBEL: 0o20000,
  IUTF8: 0o40000,
} as const;

export const OUTPUT = {
  OPOST: 0o1,
  OLCUC: 0o2,
  ONLCR: 0o4,
  OCRNL: 0o10,
  ONOCR: 0o20,
  ONLRET: 0o40,
  TABDLY: 0o14000,
  /** TAB3: tabs become blanks. */
  XTABS: 0o14000,
} as const;

export const LOCAL = {
  ISIG: 0o1,
  ICANON: 0o2,
  ECHO: 0o10,
  ECHOE: 0o20,
  ECHOK: 0o40,
  ECHONL: 0o100,
  NOFLSH: 0o200,
  TOSTOP: 0o400,
  ECHOCTL: 0o1000,
  ECHOPRT: 0o2000,
  ECHOKE: 0o4000,
  IEXTEN: 0o100000,
  EXTPROC: 0o200000,
} as const;

/** B38400 | CS8 | CREAD; a pseudo-terminal has nobody whom the rest would concern. */
const CONTROL = 0o277;
/** CSIZE, PARENB, CREAD: a pseudo-terminal keeps 8 bits without parity, whatever is asked for. */
const FIXED_CONTROL = 0o660;
const FIXED_VALUE = 0o260;

/** Indices into c_cc. */
export const CC = {
  VINTR: 0,
  VQUIT: 1,
  VERASE: 2,
  VKILL: 3,
  VEOF: 4,
  VTIME: 5,
  VMIN: 6,
  VSTART: 8,
  VSTOP: 9,
  VSUSP: 10,
  VEOL: 11,
  VREPRINT: 12,
  VDISCARD: 13,
  VWERASE: 14,
  VLNEXT: 15,
  VEOL2: 16,
} as const;

/** A control character of this value is switched off. */
export const DISABLED = 0;

/** What a terminal starts with (Linux: tty_std_termios). */
export function initialTermios(): Termios {
  const controlCharacters = new Uint8Array(19);
  // ^C ^\ DEL ^U ^D, time 0, min 1, no switch, ^Q ^S ^Z, no end of line, ^R ^O ^W ^V
  controlCharacters.set([3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0]);
  return {
    inputFlags: INPUT.ICRNL | INPUT.IXON,
    outputFlags: OUTPUT.OPOST | OUTPUT.ONLCR,
    controlFlags: CONTROL,
    localFlags:
      LOCAL.ISIG | LOCAL.ICANON | LOCAL.ECHO | LOCAL.ECHOE | LOCAL.ECHOK | LOCAL.ECHOCTL | LOCAL.ECHOKE | LOCAL.IEXTEN,
    line: 0,
    controlCharacters,
  };
}

/** The settings as a pseudo-terminal takes them. */
export function forPty(termios: Termios): Termios {
  return { ...termios, controlFlags: (termios.controlFlags & ~FIXED_CONTROL) | FIXED_VALUE };
}

/** Settings in which nothing is locked (TIOCSLCKTRMIOS in ioctl_tty(2)). */
export function noLocks(): Termios {
  return {
    inputFlags: 0,
    outputFlags: 0,
    controlFlags: 0,
    localFlags: 0,
    line: 0,
    controlCharacters: new Uint8Array(19),
  };
}

/** `asked`, but as `before` where `locks` has a bit, or for the line and a control character anything but zero. */
export function keepLocked(before: Termios, asked: Termios, locks: Termios): Termios {
  const bits = (old: number, value: number, locked: number) => (old & locked) | (value & ~locked);
  return {
    inputFlags: bits(before.inputFlags, asked.inputFlags, locks.inputFlags),
    outputFlags: bits(before.outputFlags, asked.outputFlags, locks.outputFlags),
    controlFlags: bits(before.controlFlags, asked.controlFlags, locks.controlFlags),
    localFlags: bits(before.localFlags, asked.localFlags, locks.localFlags),
    line: locks.line === 0 ? asked.line : before.line,
    controlCharacters: asked.controlCharacters.map((value, at) =>
      (locks.controlCharacters[at] ?? 0) === 0 ? value : (before.controlCharacters[at] ?? 0),
    ),
  };
}
