/** One line that says how far a long run is: rewritten in place on a terminal, printed now and then elsewhere. */
const LOG_INTERVAL = 15_000;
const TERMINAL_INTERVAL = 100;

export class Progress {
  readonly #label: string;
  readonly #total: number;
  readonly #started = performance.now();
  #done = 0;
  #failed = 0;
  #printed = 0;

  constructor(label: string, total: number) {
    this.#label = label;
    this.#total = total;
    this.#printed = performance.now();
  }

  step(failed: boolean | number = false, count = 1): void {
    this.#done += count;
    this.#failed += Number(failed);
    const now = performance.now();
    if (now - this.#printed < (process.stderr.isTTY ? TERMINAL_INTERVAL : LOG_INTERVAL)) return;
    this.#printed = now;
    this.#write(this.#line());
  }

  /** Prints a line about a case without tearing the progress line. */
  note(text: string): void {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K`);
    process.stderr.write(`${text}\n`);
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K`);
    process.stderr.write(`${this.#line()}\n`);
  }

  #line(): string {
    const seconds = Math.round((performance.now() - this.#started) / 1000);
    const failed = this.#failed ? `, ${this.#failed} to look at` : "";
    return `${this.#label}: ${this.#done} of ${this.#total}${failed}, ${seconds} s`;
  }

  #write(line: string): void {
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  }
}
