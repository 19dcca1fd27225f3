/**
 * Pseudo-terminals, pty(7): a terminal (the slave) whose other end is a file (the master) instead of a cable.
 *
 *     master's write ─▶ line discipline ─▶ slave's read
 *     master's read  ◀─ output processing ◀─ slave's write, echo
 */
import { ByteQueue } from "../byte-queue.ts";
import { errno } from "../errno.ts";
import type { Path } from "../fs/dentry.ts";
import { FileDescription, WOULD_BLOCK, gather } from "../fs/file-description.ts";
import { POLL } from "../fs/flags.ts";
import type { DeviceNumber } from "../fs/inode.ts";
import { Wait, WaitQueue } from "../wait.ts";
import type { WakeReason } from "../wait.ts";
import { LineDiscipline } from "./line-discipline.ts";
import type { Line, TypedSignal } from "./line-discipline.ts";
import { hangUpSession } from "./sessions.ts";
import { Terminal } from "./terminal.ts";
import type { FlowAction, TerminalQueue, WindowSize } from "./terminal.ts";
import { CC, DISABLED, INPUT, LOCAL, forPty, initialTermios } from "./termios.ts";
import type { Termios, TermiosWhen } from "./termios.ts";

/** The device number of /dev/pts/N: Unix 98 slaves begin at 136:0 (Linux's devices.txt). */
export const slaveDevice = (index: number): DeviceNumber => ({ major: 136 + (index >> 8), minor: index & 0xff });

/** Bytes that wait in one direction, beyond what the line discipline holds. */
const BUFFER = 16384;
/** The most that one byte of output becomes: a tab of blanks. */
const WIDEST = 8;
const TENTH = 100_000_000n;

/** TIOCPKT's status bits (ioctl_tty(2)). */
const PACKET = { FLUSHREAD: 1, FLUSHWRITE: 2, STOP: 4, START: 8, NOSTOP: 16, DOSTOP: 32, IOCTL: 64 } as const;

export class Pty extends Terminal implements Line {
  readonly index: number;
  readonly device: DeviceNumber;
  readonly #discipline = new LineDiscipline(initialTermios(), this);
  readonly #monotonic: () => bigint;
  readonly #gone: () => void;
  /** Written by the master, not yet taken by the line discipline. */
  readonly #toSlave = new ByteQueue();
  readonly #toMaster = new ByteQueue();
  #size: WindowSize = { rows: 0, columns: 0, xPixels: 0, yPixels: 0 };
  #outputStopped = false;

  /** Woken when either side can go on, or has to look. */
  readonly slaveQueue = new WaitQueue();
  readonly masterQueue = new WaitQueue();

  /** TIOCSPTLCK: the slave cannot be opened yet. */
  locked = true;
  #masterOpen = true;
  #slaves = 0;
  /** The slave was open and is no longer. */
  #slaveClosed = false;
  /** Descriptions from before a hangup are of no use any more. */
  generation = 0;

  /** TIOCPKT */
  packetMode = false;
  #packetStatus = 0;

  /** `gone`: both ends are closed, the number is free. */
  constructor(index: number, monotonic: () => bigint, gone: () => void) {
    super();
    this.index = index;
    this.device = slaveDevice(index);
    this.#monotonic = monotonic;
    this.#gone = gone;
  }

  // ── Terminal ───────────────────────────────────────────────────────────────────────────────────────────────────
  override getAttributes(): Termios {
    return this.#discipline.termios;
  }

  override setAttributes(when: TermiosWhen, termios: Termios): void {
    if (when === "flush") this.#flushInput();
    const before = this.#discipline.termios;
    this.#discipline.termios = forPty(termios);
    const wasFlow = hasFlowControl(before);
    const isFlow = hasFlowControl(termios);
    let status = 0;
    if (wasFlow !== isFlow) status |= isFlow ? PACKET.DOSTOP : PACKET.NOSTOP;
    if (((before.localFlags ^ termios.localFlags) & LOCAL.EXTPROC) !== 0) status |= PACKET.IOCTL;
    if (status !== 0) this.#tellMaster(status, wasFlow === isFlow ? 0 : PACKET.DOSTOP | PACKET.NOSTOP);
    if (this.#outputStopped && (termios.inputFlags & INPUT.IXON) === 0 && (before.inputFlags & INPUT.IXON) !== 0) {
      this.startOutput();
    }
    this.#pump();
    this.slaveQueue.wake();
  }

  override getWindowSize(): WindowSize {
    return this.#size;
  }

  override setWindowSize(size: WindowSize): void {
    const { rows, columns, xPixels, yPixels } = this.#size;
    const same = size.rows === rows && size.columns === columns && size.xPixels === xPixels && size.yPixels === yPixels;
    if (same) return;
    this.#size = size;
    this.signalForeground("SIGWINCH");
  }

  override flush(which: TerminalQueue): void {
    if (which !== "output") this.#flushInput();
    if (which !== "input") this.#dropOutput();
  }

  override control(action: FlowAction): void {
    const { controlCharacters } = this.#discipline.termios;
    const send = (which: "VSTOP" | "VSTART"): void => {
      const character = controlCharacters[CC[which]] ?? DISABLED;
      if (character !== DISABLED) this.send(Uint8Array.of(character));
    };
    if (action === "stopOutput") this.stopOutput();
    else if (action === "startOutput") this.startOutput();
    else send(action === "stopInput" ? "VSTOP" : "VSTART");
  }

  override hangUp(): void {
    this.generation++;
    hangUpSession(this);
    this.slaveQueue.wake();
    this.masterQueue.wake();
  }

  override open(path: Path, flags: number): FileDescription {
    if (!this.#masterOpen) throw errno.EIO;
    return new PtySlave(path, flags, this);
  }

  // ── Line: what the line discipline asks for ────────────────────────────────────────────────────────────────────
  /** Echo goes through even when output is stopped or the buffer is full, as long as that is not absurd. */
  send(bytes: Uint8Array): void {
    if (!this.#masterOpen || this.#toMaster.length > 2 * BUFFER) return;
    this.#toMaster.push(bytes);
    this.masterQueue.wake();
  }

  signal(name: TypedSignal): void {
    this.signalForeground(name);
  }

  interrupt(): void {
    this.#dropOutput();
    this.#tellMaster(PACKET.FLUSHREAD, 0);
  }

  #dropOutput(): void {
    this.#toMaster.clear();
    this.#tellMaster(PACKET.FLUSHWRITE, 0);
    this.slaveQueue.wake();
  }

  stopOutput(): void {
    if (this.#outputStopped) return;
    this.#outputStopped = true;
    this.#tellMaster(PACKET.STOP, PACKET.START);
  }

  startOutput(): void {
    if (!this.#outputStopped) return;
    this.#outputStopped = false;
    this.#tellMaster(PACKET.START, PACKET.STOP);
    this.slaveQueue.wake();
  }

  #tellMaster(set: number, clear: number): void {
    if (!this.packetMode) return;
    this.#packetStatus = (this.#packetStatus & ~clear) | set;
    this.masterQueue.wake();
  }

  #flushInput(): void {
    this.#toSlave.clear();
    this.#discipline.flushInput();
    this.#tellMaster(PACKET.FLUSHREAD, 0);
    this.masterQueue.wake();
  }

  // ── the master's side ──────────────────────────────────────────────────────────────────────────────────────────
  setPacketMode(on: boolean): void {
    if (on && !this.packetMode) this.#packetStatus = 0;
    this.packetMode = on;
  }

  masterRead(into: Uint8Array): number {
    if (into.length === 0) return 0;
    if (this.packetMode && this.#packetStatus !== 0) {
      into[0] = this.#packetStatus;
      this.#packetStatus = 0;
      return 1;
    }
    if (this.#toMaster.length === 0) {
      if (this.#slaveClosed) throw errno.EIO;
      return WOULD_BLOCK;
    }
    // A packet of data begins with TIOCPKT_DATA, which is zero.
    const head = this.packetMode ? 1 : 0;
    if (head === 1) into[0] = 0;
    const count = this.#toMaster.shift(into.subarray(head));
    this.slaveQueue.wake();
    return head + count;
  }

  masterWrite(from: Uint8Array): number {
    const count = Math.min(from.length, BUFFER - this.#toSlave.length);
    if (count <= 0) return from.length === 0 ? 0 : WOULD_BLOCK;
    this.#toSlave.push(from.subarray(0, count));
    this.#pump();
    return count;
  }

  /** Lets the line discipline have what it can take. */
  #pump(): void {
    if (this.#toSlave.length === 0) return;
    const count = this.#discipline.receive(this.#toSlave.all);
    if (count === 0) return;
    this.#toSlave.drop(count);
    this.slaveQueue.wake();
    this.masterQueue.wake();
  }

  get masterPoll(): number {
    let bits = 0;
    if (this.packetMode && this.#packetStatus !== 0) bits |= POLL.PRI | POLL.IN | POLL.RDNORM;
    if (this.#toMaster.length > 0) bits |= POLL.IN | POLL.RDNORM;
    if (this.#toSlave.length < BUFFER) bits |= POLL.OUT | POLL.WRNORM;
    if (this.#slaveClosed) bits |= POLL.HUP;
    return bits;
  }

  get masterAvailable(): number {
    return this.#toMaster.length;
  }

  masterClosed(): void {
    this.#masterOpen = false;
    this.hangUp();
    if (this.#slaves === 0) this.#gone();
  }

  get isMasterOpen(): boolean {
    return this.#masterOpen;
  }

  // ── the slave's side ───────────────────────────────────────────────────────────────────────────────────────────
  slaveOpened(): void {
    this.#slaves++;
    this.#slaveClosed = false;
    this.masterQueue.wake();
  }

  slaveLeft(): void {
    if (--this.#slaves > 0) return;
    this.#slaveClosed = true;
    this.masterQueue.wake();
    if (!this.#masterOpen) this.#gone();
  }

  /** Bytes taken; `WOULD_BLOCK` where there is no room for any. */
  slaveWrite(from: Uint8Array): number {
    if (from.length === 0) return 0;
    if (this.#outputStopped) return WOULD_BLOCK;
    const { output } = this.#discipline;
    const processed: number[] = [];
    let count = 0;
    while (count < from.length && this.#toMaster.length + processed.length + WIDEST <= BUFFER) {
      output.write(from[count++] ?? 0, processed);
    }
    if (count === 0) return WOULD_BLOCK;
    this.#toMaster.push(Uint8Array.from(processed));
    this.masterQueue.wake();
    return count;
  }

  get slavePoll(): number {
    let bits = 0;
    const { controlCharacters } = this.#discipline.termios;
    const least = controlCharacters[CC.VTIME] === 0 ? Math.max(controlCharacters[CC.VMIN] ?? 1, 1) : 1;
    const { isCanonical, hasLine, available } = this.#discipline;
    if (isCanonical ? hasLine : available >= least) bits |= POLL.IN | POLL.RDNORM;
    if (!this.#outputStopped && this.#toMaster.length + WIDEST <= BUFFER) bits |= POLL.OUT | POLL.WRNORM;
    return bits;
  }

  get slaveAvailable(): number {
    return this.#discipline.available;
  }

  /**
   * read(2) of the slave. Canonical: a line, or what of it fits. Else by VMIN and VTIME (termios(3)); what was read
   * before the wait is not lost when a signal ends it.
   */
  slaveRead(into: Uint8Array, isNonBlocking: () => boolean, isHungUp: () => boolean): number | Wait<number> {
    if (into.length === 0) return 0;
    const start = this.#monotonic();
    let got = 0;
    const step = (reason: WakeReason | null): number | Wait<number> => {
      if (isHungUp()) return got;
      const { controlCharacters } = this.#discipline.termios;
      const least = controlCharacters[CC.VMIN] ?? 1;
      const time = BigInt(controlCharacters[CC.VTIME] ?? 0) * TENTH;
      let deadline: bigint | null = null;
      if (this.#discipline.isCanonical) {
        if (this.#discipline.hasLine) return got + this.#take(into.subarray(got));
      } else {
        got += this.#take(into.subarray(got));
        if (got === into.length || (got > 0 && got >= least)) return got;
        if (least === 0 && time === 0n) return got;
        if (reason === "timeout") return got;
        if (time > 0n && least === 0) deadline = start + time;
        else if (time > 0n && got > 0) deadline = this.#monotonic() + time;
      }
      if (got > 0 && (reason === "signal" || isNonBlocking())) return got;
      if (isNonBlocking()) throw errno.EAGAIN;
      if (reason === "signal") throw errno.ERESTARTSYS;
      return new Wait([this.slaveQueue], deadline, step);
    };
    return step(null);
  }

  #take(into: Uint8Array): number {
    let count = this.#discipline.read(into);
    this.#pump();
    // What had no room may have it now, and belongs to the same read.
    while (!this.#discipline.isCanonical && count < into.length && this.#discipline.available > 0) {
      count += this.#discipline.read(into.subarray(count));
      this.#pump();
    }
    this.masterQueue.wake();
    return count;
  }
}

function hasFlowControl({ inputFlags, controlCharacters }: Termios): boolean {
  const usual = controlCharacters[CC.VSTOP] === 0o23 && controlCharacters[CC.VSTART] === 0o21;
  return (inputFlags & INPUT.IXON) !== 0 && usual;
}

/** What open("/dev/ptmx") gives. */
export class PtyMaster extends FileDescription {
  readonly pty: Pty;

  constructor(path: Path, flags: number, pty: Pty) {
    super(path, flags);
    this.pty = pty;
  }

  protected override tryRead(into: Uint8Array): number {
    return this.pty.masterRead(into);
  }
  protected override get mayReadMore(): boolean {
    return false;
  }
  protected override tryWrite(from: Uint8Array): number {
    return this.pty.masterWrite(from);
  }
  protected override get writesAll(): boolean {
    return true;
  }
  override poll(): number {
    return this.pty.masterPoll;
  }
  override waitQueue(): WaitQueue {
    return this.pty.masterQueue;
  }
  override available(): number {
    return this.pty.masterAvailable;
  }
  /** The slave's: its settings can be asked for and changed here, too. */
  override get terminal(): Terminal {
    return this.pty;
  }
  override get jobControl(): null {
    return null;
  }
  protected override close(): void {
    this.pty.masterClosed();
  }
}

/** The terminal itself, opened by its name or as /dev/tty. */
export class PtySlave extends FileDescription {
  readonly #pty: Pty;
  readonly #generation: number;

  constructor(path: Path, flags: number, pty: Pty) {
    super(path, flags);
    this.#pty = pty;
    this.#generation = pty.generation;
    pty.slaveOpened();
  }

  get #isHungUp(): boolean {
    return this.#generation !== this.#pty.generation;
  }

  override read(into: Uint8Array): number | Wait<number> {
    if (!this.readable) throw errno.EBADF;
    return this.#pty.slaveRead(
      into,
      () => this.nonBlocking,
      () => this.#isHungUp,
    );
  }
  override readv(into: readonly Uint8Array[]): number | Wait<number> {
    const only = into.length === 1 ? into[0] : undefined;
    if (only !== undefined) return this.read(only);
    const all = gather(into);
    const spread = (count: number): number => {
      let at = 0;
      for (const view of into) {
        view.set(all.subarray(at, Math.min(at + view.length, count)));
        at = Math.min(at + view.length, count);
      }
      return count;
    };
    const result = this.read(all);
    return typeof result === "number" ? spread(result) : result.then(spread);
  }
  protected override tryWrite(from: Uint8Array): number {
    if (this.#isHungUp) throw errno.EIO;
    return this.#pty.slaveWrite(from);
  }
  protected override get writesAll(): boolean {
    return true;
  }
  override poll(): number {
    if (this.#isHungUp) return POLL.IN | POLL.OUT | POLL.ERR | POLL.HUP | POLL.RDNORM | POLL.WRNORM;
    return this.#pty.slavePoll;
  }
  override waitQueue(): WaitQueue {
    return this.#pty.slaveQueue;
  }
  override available(): number {
    if (this.#isHungUp) throw errno.EIO;
    return this.#pty.slaveAvailable;
  }
  /** Throws EIO after a hangup. */
  override get terminal(): Terminal {
    if (this.#isHungUp) throw errno.EIO;
    return this.#pty;
  }
  override get jobControl(): Terminal | null {
    return this.#isHungUp ? null : this.#pty;
  }
  protected override close(): void {
    this.#pty.slaveLeft();
  }
}
