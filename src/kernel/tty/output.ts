/** Output processing (termios(3), OPOST): from what a program writes to what the terminal is sent. */
import { INPUT, LOCAL, OUTPUT } from "./termios.ts";
import type { Termios } from "./termios.ts";

const BACKSPACE = 0x08;
const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const BLANK = 0x20;
const CARET = 0x5e;

const isControl = (byte: number): boolean => byte < 0x20 || byte === 0x7f;

/** Knows where the cursor is, as far as output goes: what erases a tab must know how wide it was. */
export class OutputProcessor {
  #termios: Termios;
  /** Columns from the left margin. */
  column = 0;
  /** The column where the line that is being typed began. */
  lineStart = 0;

  constructor(termios: Termios) {
    this.#termios = termios;
  }

  set termios(termios: Termios) {
    this.#termios = termios;
  }

  /** The first character of a line is about to be echoed. */
  startLine(): void {
    this.lineStart = this.column;
  }

  /** One byte of a program's output. */
  write(byte: number, to: number[]): void {
    const flags = this.#termios.outputFlags;
    if ((flags & OUTPUT.OPOST) === 0) {
      to.push(byte);
      return;
    }
    switch (byte) {
      case NEWLINE:
        if ((flags & (OUTPUT.ONLCR | OUTPUT.ONLRET)) !== 0) this.column = 0;
        this.lineStart = this.column;
        if ((flags & OUTPUT.ONLCR) !== 0) to.push(RETURN);
        break;
      case RETURN:
        if ((flags & OUTPUT.ONOCR) !== 0 && this.column === 0) return;
        if ((flags & OUTPUT.OCRNL) !== 0) {
          if ((flags & OUTPUT.ONLRET) !== 0) this.column = 0;
          this.lineStart = this.column;
          to.push(NEWLINE);
          return;
        }
        this.lineStart = this.column = 0;
        break;
      case TAB: {
        const width = 8 - (this.column & 7);
        this.column += width;
        if ((flags & OUTPUT.TABDLY) === OUTPUT.XTABS) {
          for (let n = 0; n < width; n++) to.push(BLANK);
          return;
        }
        break;
      }
      case BACKSPACE:
        if (this.column > 0) this.column--;
        break;
      default:
        if (isControl(byte)) break;
        if (!this.continues(byte)) this.column++;
        if ((flags & OUTPUT.OLCUC) !== 0 && byte >= 0x61 && byte <= 0x7a) byte -= 0x20;
    }
    to.push(byte);
  }

  /** True for the bytes of a UTF-8 character behind its first (IUTF8). */
  continues(byte: number): boolean {
    return (this.#termios.inputFlags & INPUT.IUTF8) !== 0 && (byte & 0xc0) === 0x80;
  }

  /** A typed character as it is shown: control characters as ^X where ECHOCTL says so. */
  echo(byte: number, to: number[]): void {
    if ((this.#termios.localFlags & LOCAL.ECHOCTL) !== 0 && isControl(byte) && byte !== TAB) {
      to.push(CARET, byte ^ 0x40);
      this.column += 2;
    } else this.write(byte, to);
  }

  /** Takes one column of what was shown away. */
  rubOut(to: number[]): void {
    to.push(BACKSPACE, BLANK);
    this.stepBack(to);
  }

  stepBack(to: number[]): void {
    to.push(BACKSPACE);
    if (this.column > 0) this.column--;
  }

  /** How many columns the character took when it was echoed; a tab's depend on its place. */
  echoedWidth(byte: number): number {
    const shown = (this.#termios.localFlags & LOCAL.ECHOCTL) !== 0;
    if (isControl(byte)) return shown ? 2 : 0;
    return this.continues(byte) ? 0 : 1;
  }
}
