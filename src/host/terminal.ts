/**
 * The host's terminal: settings and size, by ioctl(2) where the host's C library can be called (Linux). Elsewhere the
 * size is what Node knows, and settings can only be told, not changed.
 */
import { getLibc } from "./libc.ts";

const TCGETS = 0x5401;
const TCSETS = 0x5402;
const TCXONC = 0x540a;
const TCFLSH = 0x540b;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;

/** `struct termios` of the Linux kernel (asm-generic): four flag words, the line discipline, 19 characters. */
const TERMIOS_BYTES = 36;
const CHARACTERS = 17;

export interface Settings {
  readonly inputFlags: number;
  readonly outputFlags: number;
  readonly controlFlags: number;
  readonly localFlags: number;
  readonly line: number;
  readonly controlCharacters: Uint8Array;
}

export interface Size {
  readonly rows: number;
  readonly columns: number;
  readonly xPixels: number;
  readonly yPixels: number;
}

/** Hosts with asm-generic's ioctl numbers and struct. */
const GENERIC = ["x64", "arm64", "arm", "ia32", "riscv64", "loong64", "s390x"].includes(process.arch);

function hostError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** False where the host cannot be asked; throws what it answers otherwise. */
function call(fd: number, request: number, argument: Uint8Array): boolean {
  const libc = GENERIC ? getLibc() : null;
  if (libc === null) return false;
  if (libc.ioctl(fd, request, argument) < 0) throw hostError(libc.errorName());
  return true;
}

/** Node's own module takes 5 ms to load, and Linux has no need of it. */
const tty = () => process.getBuiltinModule("node:tty");

export function isTerminal(fd: number): boolean {
  try {
    return call(fd, TCGETS, new Uint8Array(64)) || tty().isatty(fd);
  } catch {
    return false;
  }
}

/** A terminal as `stty sane` leaves it: for hosts that do not tell. */
function saneSettings(): Settings {
  const characters = new Uint8Array(19);
  characters.set([3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22]);
  return {
    inputFlags: 0o2400 | 0o40000,
    outputFlags: 0o5,
    controlFlags: 0o277,
    localFlags: 0o105073,
    line: 0,
    controlCharacters: characters,
  };
}

export function getSettings(fd: number): Settings {
  const bytes = new Uint8Array(64);
  if (!call(fd, TCGETS, bytes)) return saneSettings();
  const words = new Uint32Array(bytes.buffer, 0, 4);
  return {
    inputFlags: words[0] ?? 0,
    outputFlags: words[1] ?? 0,
    controlFlags: words[2] ?? 0,
    localFlags: words[3] ?? 0,
    line: bytes[16] ?? 0,
    controlCharacters: bytes.slice(CHARACTERS, TERMIOS_BYTES),
  };
}

/** `when`: 0 now, 1 after output has drained, 2 that and input dropped. Throws EPERM where the host cannot. */
export function setSettings(fd: number, when: 0 | 1 | 2, settings: Settings): void {
  const bytes = new Uint8Array(64);
  const { inputFlags, outputFlags, controlFlags, localFlags } = settings;
  new Uint32Array(bytes.buffer, 0, 4).set([inputFlags, outputFlags, controlFlags, localFlags]);
  bytes[16] = settings.line;
  bytes.set(settings.controlCharacters.subarray(0, 19), CHARACTERS);
  if (!call(fd, TCSETS + when, bytes)) throw hostError("EPERM");
}

export function getSize(fd: number): Size {
  const bytes = new Uint8Array(8);
  if (call(fd, TIOCGWINSZ, bytes)) {
    const [rows = 0, columns = 0, xPixels = 0, yPixels = 0] = new Uint16Array(bytes.buffer);
    return { rows, columns, xPixels, yPixels };
  }
  const [columns, rows] = new (tty().WriteStream)(fd).getWindowSize();
  return { rows, columns, xPixels: 0, yPixels: 0 };
}

export function setSize(fd: number, size: Size): void {
  const { rows, columns, xPixels, yPixels } = size;
  const bytes = new Uint8Array(new Uint16Array([rows, columns, xPixels, yPixels]).buffer);
  if (!call(fd, TIOCSWINSZ, bytes)) throw hostError("EPERM");
}

/** `queue`: 0 input, 1 output, 2 both (TCIFLUSH …). */
export function flush(fd: number, queue: 0 | 1 | 2): void {
  const libc = GENERIC ? getLibc() : null;
  if (libc === null) throw hostError("EPERM");
  if (libc.ioctlNumber(fd, TCFLSH, queue) < 0) throw hostError(libc.errorName());
}

/** `action`: 0 stops output, 1 lets it go on, 2 sends the character that stops input, 3 the one that starts it. */
export function controlFlow(fd: number, action: 0 | 1 | 2 | 3): void {
  const libc = GENERIC ? getLibc() : null;
  if (libc === null) throw hostError("EPERM");
  if (libc.ioctlNumber(fd, TCXONC, action) < 0) throw hostError(libc.errorName());
}

/** FIONREAD: bytes that can be read at once; 0 where the host does not tell. */
export function bytesWaiting(fd: number): number {
  const bytes = new Uint8Array(4);
  return call(fd, 0x541b, bytes) ? (new Int32Array(bytes.buffer)[0] ?? 0) : 0;
}
