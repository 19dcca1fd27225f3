/** The line that is being typed (ICANON): erasing characters, words and all of it, and how that looks (ECHOE …). */
import type { OutputProcessor } from "./output.ts";
import { INPUT, LOCAL } from "./termios.ts";
import type { Termios } from "./termios.ts";

const TAB = 0x09;
const NEWLINE = 0x0a;
const SLASH = 0x2f;
const BACKSLASH = 0x5c;

const isWordByte = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x5f;

export class LineEditor {
  readonly #output: OutputProcessor;
  #termios: Termios;
  #line: number[] = [];
  /** ECHOPRT: between the backslash and the slash that enclose what was erased. */
  #erasing = false;

  constructor(termios: Termios, output: OutputProcessor) {
    this.#termios = termios;
    this.#output = output;
  }

  set termios(termios: Termios) {
    this.#termios = termios;
  }

  get length(): number {
    return this.#line.length;
  }

  add(byte: number): void {
    this.#line.push(byte);
  }

  /** The line so far; the next one begins. */
  take(): readonly number[] {
    const line = this.#line;
    this.#line = [];
    return line;
  }

  #local(flag: number): boolean {
    return (this.#termios.localFlags & flag) !== 0;
  }

  /** Echoes a typed byte. */
  show(byte: number, echo: number[]): void {
    this.finishErasing(echo);
    if (this.#line.length === 0) this.#output.startLine();
    if (byte === NEWLINE) this.#output.write(byte, echo);
    else this.#output.echo(byte, echo);
  }

  /** The slash comes with whatever is echoed next, an end of line excepted. */
  finishErasing(echo: number[]): void {
    if (!this.#erasing) return;
    this.#output.write(SLASH, echo);
    this.#erasing = false;
  }

  /** VERASE; `typed` is its character. */
  erase(typed: number, echo: number[]): void {
    if (this.#line.length === 0) return;
    const bytes = this.#pop();
    if (this.#local(LOCAL.ECHO)) {
      if (this.#local(LOCAL.ECHOPRT)) this.#print(bytes, echo);
      else if (this.#local(LOCAL.ECHOE)) this.#rubOut(bytes, echo);
      else this.#output.echo(typed, echo);
    }
    this.#emptied(echo);
  }

  /** VWERASE: what is no part of a word, then the word. */
  eraseWord(echo: number[]): void {
    let inWord = false;
    while (this.#line.length > 0) {
      const isWord = isWordByte(this.#line[this.#line.length - 1] ?? 0);
      if (inWord && !isWord) break;
      inWord ||= isWord;
      this.#eraseShown(echo);
    }
    this.#emptied(echo);
  }

  /** VKILL */
  kill(typed: number, echo: number[]): void {
    if (this.#line.length === 0) return;
    if (!this.#local(LOCAL.ECHO)) {
      this.take();
      return;
    }
    if (!this.#local(LOCAL.ECHOK) || !this.#local(LOCAL.ECHOKE) || !this.#local(LOCAL.ECHOE)) {
      this.#line = [];
      this.finishErasing(echo);
      this.#output.echo(typed, echo);
      if (this.#local(LOCAL.ECHOK)) this.#output.write(NEWLINE, echo);
      return;
    }
    while (this.#line.length > 0) this.#eraseShown(echo);
    this.#emptied(echo);
  }

  /** VREPRINT: the line once more, on a fresh one. */
  reprint(typed: number, echo: number[]): void {
    this.finishErasing(echo);
    this.#output.echo(typed, echo);
    this.#output.write(NEWLINE, echo);
    for (const byte of this.#line) this.#output.echo(byte, echo);
  }

  #eraseShown(echo: number[]): void {
    const bytes = this.#pop();
    if (!this.#local(LOCAL.ECHO)) return;
    if (this.#local(LOCAL.ECHOPRT)) this.#print(bytes, echo);
    else this.#rubOut(bytes, echo);
  }

  /** The last character's bytes, the first one first. */
  #pop(): readonly number[] {
    let start = this.#line.length - 1;
    if ((this.#termios.inputFlags & INPUT.IUTF8) !== 0) {
      while (start > 0 && this.#output.continues(this.#line[start] ?? 0)) start--;
    }
    return this.#line.splice(start);
  }

  #print(bytes: readonly number[], echo: number[]): void {
    if (!this.#erasing) {
      this.#output.write(BACKSLASH, echo);
      this.#erasing = true;
    }
    for (const byte of bytes) this.#output.echo(byte, echo);
  }

  #rubOut(bytes: readonly number[], echo: number[]): void {
    const [first = 0] = bytes;
    if (first === TAB) {
      for (let n = this.#tabWidth(); n > 0; n--) this.#output.stepBack(echo);
      return;
    }
    for (let n = this.#output.echoedWidth(first); n > 0; n--) this.#output.rubOut(echo);
  }

  /** Of the tab that has just been taken off the line's end: it reached to the next multiple of 8. */
  #tabWidth(): number {
    let column = this.#output.lineStart;
    for (const byte of this.#line) column += byte === TAB ? 8 - (column & 7) : this.#output.echoedWidth(byte);
    return 8 - (column & 7);
  }

  #emptied(echo: number[]): void {
    if (this.#line.length === 0 && this.#local(LOCAL.ECHO)) this.finishErasing(echo);
  }
}
