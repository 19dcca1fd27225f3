/**
 * The line discipline N_TTY: what becomes of typed bytes before a program reads them (termios(3)). Mapping, echo,
 * editing of the line under way, characters that send signals or stop output. It knows no processes and no descriptors;
 * what it wants of them it asks of its `Line`.
 */
import { LineEditor } from "./line-editor.ts";
import { OutputProcessor } from "./output.ts";
import { CC, DISABLED, INPUT, LOCAL } from "./termios.ts";
import type { Termios } from "./termios.ts";

/** The signal that a character stands for. */
export type TypedSignal = "SIGINT" | "SIGQUIT" | "SIGTSTP";

/** What hangs on the line discipline. */
export interface Line {
  /** Bytes to the terminal: echo. */
  send(bytes: Uint8Array): void;
  /** ISIG: to the foreground process group. */
  signal(name: TypedSignal): void;
  /** Without NOFLSH, such a character drops all input, which has happened, and output that is under way. */
  interrupt(): void;
  /** IXON: output stops (^S), goes on (^Q). */
  stopOutput(): void;
  startOutput(): void;
}

/** Bytes that wait to be read (Linux: N_TTY_BUF_SIZE); a line is one shorter, for its end. */
const INPUT_SIZE = 4096;

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const BELL = 0x07;
const CARET = 0x5e;
const BACKSPACE = 0x08;

/** An entry of the queue that ends a line without being read: an end of file, typed. */
const END_OF_FILE = -1;
/** Added to a byte that ends a line. */
const LINE_END = 0x100;

export class LineDiscipline {
  readonly #line: Line;
  readonly output: OutputProcessor;
  readonly #editor: LineEditor;
  #termios: Termios;
  /** Lines that are complete, or bytes as they came: a byte each, `LINE_END` added to those that end a line. */
  #queue: number[] = [];
  /** How many entries of the queue end a line. */
  #ends = 0;
  #literalNext = false;

  constructor(termios: Termios, line: Line) {
    this.#termios = termios;
    this.#line = line;
    this.output = new OutputProcessor(termios);
    this.#editor = new LineEditor(termios, this.output);
  }

  get termios(): Termios {
    return this.#termios;
  }

  /** New settings count for what is typed from now on; what has been typed can be read by the new rules. */
  set termios(termios: Termios) {
    const wasCanonical = this.#isCanonical;
    this.#termios = termios;
    this.output.termios = termios;
    this.#editor.termios = termios;
    this.#literalNext = false;
    if (wasCanonical === this.#isCanonical) return;
    if (wasCanonical) {
      for (const byte of this.#editor.take()) this.#queue.push(byte);
      this.#queue = this.#queue.map((entry) => (entry === END_OF_FILE ? 0 : entry & 0xff));
      this.#ends = 0;
    } else if (this.#queue.length > 0) {
      // What came byte by byte is one line now.
      this.#queue.push((this.#queue.pop() ?? 0) | LINE_END);
      this.#ends = 1;
    }
  }

  get #isCanonical(): boolean {
    return (this.#termios.localFlags & LOCAL.ICANON) !== 0;
  }
  #input(flag: number): boolean {
    return (this.#termios.inputFlags & flag) !== 0;
  }
  #local(flag: number): boolean {
    return (this.#termios.localFlags & flag) !== 0;
  }
  #is(byte: number, which: keyof typeof CC): boolean {
    const character = this.#termios.controlCharacters[CC[which]] ?? DISABLED;
    return character !== DISABLED && character === byte;
  }

  // ── what comes from the terminal ───────────────────────────────────────────────────────────────────────────────
  /** No more is taken in until somebody reads. A line without an end never fills up: what does not fit only rings the bell. */
  get #isFull(): boolean {
    if (this.#isCanonical && this.#ends === 0) return false;
    return this.#queue.length + this.#editor.length >= INPUT_SIZE - 1;
  }

  /** Takes typed bytes in, and returns how many: the rest is to come again. */
  receive(bytes: Uint8Array): number {
    const echo: number[] = [];
    let count = 0;
    while (count < bytes.length && !this.#isFull) this.#receiveByte(bytes[count++] ?? 0, echo);
    if (echo.length > 0) this.#line.send(Uint8Array.from(echo));
    return count;
  }

  #receiveByte(received: number, echo: number[]): void {
    let byte = this.#input(INPUT.ISTRIP) ? received & 0x7f : received;
    if (this.#input(INPUT.IUCLC) && this.#local(LOCAL.IEXTEN) && byte >= 0x41 && byte <= 0x5a) byte += 0x20;
    if (this.#local(LOCAL.EXTPROC)) {
      this.#accept(byte, echo, false);
      return;
    }
    if (this.#literalNext) {
      this.#literalNext = false;
      this.#accept(byte, echo, true);
      return;
    }
    if (this.#input(INPUT.IXON) && this.#controlFlow(byte)) return;
    if (this.#local(LOCAL.ISIG) && this.#typedSignal(byte, echo)) return;
    if (byte === RETURN) {
      if (this.#input(INPUT.IGNCR)) return;
      if (this.#input(INPUT.ICRNL)) byte = NEWLINE;
    } else if (byte === NEWLINE && this.#input(INPUT.INLCR)) byte = RETURN;
    if (this.#isCanonical && this.#edit(byte, echo)) return;
    this.#accept(byte, echo, true);
  }

  /** IXON's characters never reach a reader. */
  #controlFlow(byte: number): boolean {
    if (this.#is(byte, "VSTART")) this.#line.startOutput();
    else if (this.#is(byte, "VSTOP")) this.#line.stopOutput();
    else {
      if (this.#input(INPUT.IXANY)) this.#line.startOutput();
      return false;
    }
    return true;
  }

  #typedSignal(byte: number, echo: number[]): boolean {
    let name: TypedSignal;
    if (this.#is(byte, "VINTR")) name = "SIGINT";
    else if (this.#is(byte, "VQUIT")) name = "SIGQUIT";
    else if (this.#is(byte, "VSUSP")) name = "SIGTSTP";
    else return false;
    if (!this.#local(LOCAL.NOFLSH)) {
      echo.length = 0;
      this.flushInput();
      this.#line.interrupt();
    }
    this.#line.signal(name);
    if (this.#input(INPUT.IXON)) this.#line.startOutput();
    if (this.#local(LOCAL.ECHO)) this.output.echo(byte, echo);
    return true;
  }

  /** Characters with a meaning while a line is edited. False: an ordinary one. */
  #edit(byte: number, echo: number[]): boolean {
    const extended = this.#local(LOCAL.IEXTEN);
    const echoes = this.#local(LOCAL.ECHO);
    if (this.#is(byte, "VERASE")) this.#editor.erase(byte, echo);
    else if (this.#is(byte, "VKILL")) this.#editor.kill(byte, echo);
    else if (extended && this.#is(byte, "VWERASE")) this.#editor.eraseWord(echo);
    else if (extended && this.#is(byte, "VLNEXT")) {
      this.#literalNext = true;
      if (echoes && this.#local(LOCAL.ECHOCTL)) echo.push(CARET, BACKSPACE);
    } else if (extended && echoes && this.#is(byte, "VREPRINT")) this.#editor.reprint(byte, echo);
    else if (byte === NEWLINE) {
      if (echoes || this.#local(LOCAL.ECHONL)) this.output.write(NEWLINE, echo);
      this.#endLine(NEWLINE | LINE_END);
    } else if (this.#is(byte, "VEOF")) this.#endLine(END_OF_FILE);
    else if (this.#is(byte, "VEOL") || (extended && this.#is(byte, "VEOL2"))) {
      if (echoes) this.#editor.show(byte, echo);
      this.#endLine(byte | LINE_END);
    } else return false;
    return true;
  }

  #endLine(end: number): void {
    const line = this.#editor.take();
    for (const byte of line) this.#queue.push(byte);
    this.#queue.push(end);
    this.#ends++;
  }

  /** An ordinary byte: into the line, or straight to the readers. `marked`: PARMRK doubles a 0xff. */
  #accept(byte: number, echo: number[], marked: boolean): void {
    const held = this.#queue.length + this.#editor.length;
    if (held >= INPUT_SIZE - 1) {
      if (this.#input(INPUT.IMAXBEL)) echo.push(BELL);
      return;
    }
    if (this.#local(LOCAL.ECHO)) this.#editor.show(byte, echo);
    const doubled = marked && byte === 0xff && this.#input(INPUT.PARMRK);
    if (this.#isCanonical) {
      this.#editor.add(byte);
      if (doubled) this.#editor.add(byte);
    } else {
      this.#queue.push(byte);
      if (doubled) this.#queue.push(byte);
    }
  }

  // ── what a program reads ───────────────────────────────────────────────────────────────────────────────────────
  /** In canonical mode: a line can be read. Else: so many bytes can. */
  get hasLine(): boolean {
    return this.#ends > 0;
  }
  get isCanonical(): boolean {
    return this.#isCanonical;
  }
  /** FIONREAD: bytes of complete lines, or all there are. */
  get available(): number {
    if (!this.#isCanonical) return this.#queue.length;
    return this.#queue.reduce((count, entry) => count + (entry === END_OF_FILE ? 0 : 1), 0);
  }

  /** Moves what can be read into `into`: up to the end of a line in canonical mode, where 0 is an end of file. */
  read(into: Uint8Array): number {
    const most = Math.min(into.length, this.#queue.length);
    let count = 0;
    let taken = 0;
    while (count < most && taken < this.#queue.length) {
      const entry = this.#queue[taken++] ?? END_OF_FILE;
      if (entry !== END_OF_FILE) into[count++] = entry & 0xff;
      if (this.#isCanonical && (entry === END_OF_FILE || entry >= LINE_END)) {
        this.#ends--;
        this.#queue.splice(0, taken);
        return count;
      }
    }
    // A line that fills the buffer to its last byte ends with it: no empty read follows.
    if (this.#isCanonical && count > 0 && this.#queue[taken] === END_OF_FILE) {
      this.#ends--;
      taken++;
    }
    this.#queue.splice(0, taken);
    return count;
  }

  /** TCIFLUSH */
  flushInput(): void {
    this.#queue = [];
    this.#ends = 0;
    this.#editor.take();
    this.#literalNext = false;
  }
}
