/**
 * timerfd_create(2): a timer as a file. Expirations are counted when somebody looks; the host's clock is only asked to
 * ring for those who wait.
 */
import { anonymousPath } from "./anonymous-inode.ts";
import { errno } from "./errno.ts";
import { FileDescription, WOULD_BLOCK } from "./fs/file-description.ts";
import { O, POLL } from "./fs/flags.ts";
import type { Clock } from "./kernel.ts";
import type { TimerSetting } from "./timers.ts";
import { WaitQueue } from "./wait.ts";

export interface TimerFdOptions {
  readonly clock: Clock;
  readonly kind: "realtime" | "monotonic";
  /** For /proc/PID/fdinfo: the guest's number of the clock. */
  readonly clockId: number;
  readonly nonBlocking: boolean;
  readonly littleEndian: boolean;
}

export class TimerFd extends FileDescription {
  readonly #options: TimerFdOptions;
  readonly #expired = new WaitQueue();
  /** On its own clock; null: not armed. */
  #next: bigint | null = null;
  #interval = 0n;
  /** Expirations that nobody has read. */
  #count = 0n;
  #cancel: (() => void) | null = null;

  constructor(options: TimerFdOptions) {
    super(anonymousPath("[timerfd]"), O.RDWR | (options.nonBlocking ? O.NONBLOCK : 0));
    this.#options = options;
  }

  #now(): bigint {
    const { clock, kind } = this.#options;
    return kind === "realtime" ? clock.realtime() : clock.monotonic();
  }

  /** Counts what has expired since the last look. */
  #update(): void {
    if (this.#next === null) return;
    const late = this.#now() - this.#next;
    if (late < 0n) return;
    if (this.#interval === 0n) {
      this.#count++;
      this.#next = null;
      return;
    }
    const periods = late / this.#interval + 1n;
    this.#count += periods;
    this.#next += this.#interval * periods;
  }

  #ringAtNext(): void {
    this.#cancel?.();
    this.#cancel = null;
    if (this.#next === null) return;
    const { clock } = this.#options;
    const left = this.#next - this.#now();
    this.#cancel = clock.setAlarm(clock.monotonic() + (left > 0n ? left : 0n), () => {
      this.#cancel = null;
      this.#update();
      if (this.#count > 0n) this.#expired.wake();
      // Once it is readable, it rings again only after it was read: an interval of a nanosecond must not keep the host busy.
      else this.#ringAtNext();
    });
  }

  /** timerfd_gettime(2): time left and interval. */
  getTime(): TimerSetting {
    this.#update();
    const left = this.#next === null ? 0n : this.#next - this.#now();
    return { value: left, interval: this.#interval };
  }

  /** timerfd_settime(2): at `value` on the clock itself if `absolute`, else from now; 0 disarms. The setting before. */
  setTime(setting: TimerSetting, absolute: boolean): TimerSetting {
    const before = this.getTime();
    this.#count = 0n;
    this.#interval = setting.interval;
    if (setting.value === 0n) this.#next = null;
    else this.#next = absolute ? setting.value : this.#now() + setting.value;
    this.#ringAtNext();
    return before;
  }

  protected override tryRead(into: Uint8Array): number {
    if (into.length < 8) throw errno.EINVAL;
    this.#update();
    if (this.#count === 0n) return WOULD_BLOCK;
    new DataView(into.buffer, into.byteOffset).setBigUint64(
      0,
      BigInt.asUintN(64, this.#count),
      this.#options.littleEndian,
    );
    this.#count = 0n;
    this.#ringAtNext();
    return 8;
  }

  /** A vector call reads one number. */
  protected override get mayReadMore(): boolean {
    return false;
  }

  override poll(): number {
    this.#update();
    return this.#count > 0n ? POLL.IN | POLL.RDNORM : 0;
  }
  override waitQueue(): WaitQueue {
    return this.#expired;
  }

  protected override close(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  override describe(): string {
    const { value, interval } = this.getTime();
    const pair = (time: bigint): string => `(${time / 1_000_000_000n}, ${time % 1_000_000_000n})`;
    return `clockid: ${this.#options.clockId}\nticks: ${this.#count}\nsettime flags: 00\nit_value: ${pair(value)}\nit_interval: ${pair(interval)}\n`;
  }
}
