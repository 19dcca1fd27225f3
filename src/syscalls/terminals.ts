/** ioctl(2)'s requests of terminals (ioctl_tty(2)), pseudo-terminals among them. */
import { errno } from "../kernel/errno.ts";
import type { FileDescription } from "../kernel/fs/file-description.ts";
import { O } from "../kernel/fs/flags.ts";
import { DevPts } from "../kernel/tty/devpts.ts";
import { PtyMaster } from "../kernel/tty/pty.ts";
import { giveUpTerminal, requireForeground, setForegroundGroup, takeTerminal } from "../kernel/tty/sessions.ts";
import type { FlowAction, Terminal } from "../kernel/tty/terminal.ts";
import { keepLocked, type TermiosWhen } from "../kernel/tty/termios.ts";
import type { SyscallContext } from "./context.ts";
import type { Request } from "./ioctl.ts";
import { readTermios, writeTermios, type TermiosLayout } from "./termios.ts";

type TerminalRequest = (
  call: SyscallContext,
  terminal: Terminal,
  argument: number,
  file: FileDescription,
) => number | undefined;

/** ENOTTY on anything but a terminal. */
const onTerminal =
  (request: TerminalRequest): Request =>
  (call, file, argument) => {
    const { terminal } = file;
    if (terminal === null) throw errno.ENOTTY;
    return request(call, terminal, argument, file) ?? 0;
  };

/** What changes the terminal is stopped in the background (SIGTTOU). */
const inForeground = (request: TerminalRequest): Request =>
  onTerminal((call, terminal, argument, file) => {
    requireForeground(call.task, terminal, "SIGTTOU");
    return request(call, terminal, argument, file);
  });

/** ENOTTY on anything but a master. */
const onMaster =
  (request: (call: SyscallContext, master: PtyMaster, argument: number) => number | undefined): Request =>
  (call, file, argument) => {
    if (!(file instanceof PtyMaster)) throw errno.ENOTTY;
    return request(call, file, argument) ?? 0;
  };

const getTermios = (layout: TermiosLayout): Request =>
  onTerminal((call, terminal, argument) => writeTermios(call, terminal.getAttributes(), argument, layout));
const setTermios = (layout: TermiosLayout, when: TermiosWhen): Request =>
  inForeground((call, terminal, argument) => {
    const before = terminal.getAttributes();
    terminal.setAttributes(when, keepLocked(before, readTermios(call, before, argument, layout), terminal.locks));
  });

/** TCFLSH's and TCXONC's arguments. */
const QUEUES = ["input", "output", "both"] as const;
const ACTIONS: readonly FlowAction[] = ["stopOutput", "startOutput", "stopInput", "startInput"];

/**
 * Session and foreground group are told to those whose terminal it is, and to the master. Throws ENOTTY.
 */
function checkOwn(call: SyscallContext, terminal: Terminal, file: FileDescription): void {
  if (!(file instanceof PtyMaster) && call.process.terminal !== terminal) throw errno.ENOTTY;
}

/** TIOCGPTPEER: the slave of this very master, whatever is mounted where. */
function openPeer(call: SyscallContext, { pty, path }: PtyMaster, guestFlags: number): number {
  const flags = call.abi.constants.open.bitsToKernel(guestFlags & ~3) | (guestFlags & 3);
  const devpts = path.mount.tree.find(({ fs }) => fs instanceof DevPts)?.fs;
  if (!(devpts instanceof DevPts)) throw errno.EIO;
  return call.process.files.add(devpts.openPeer(path, pty, flags), (flags & O.CLOEXEC) !== 0);
}

/** TIOCSIG: a signal to the foreground of the slave. */
const SENDABLE = ["SIGINT", "SIGQUIT", "SIGTSTP"] as const;

/** By the request's name; the number is the ABI's. */
export const TERMINAL_REQUESTS: Readonly<Record<string, Request>> = {
  TCGETS: getTermios("termios"),
  TCSETS: setTermios("termios", "now"),
  TCSETSW: setTermios("termios", "drain"),
  TCSETSF: setTermios("termios", "flush"),
  TCGETS2: getTermios("termios2"),
  TCSETS2: setTermios("termios2", "now"),
  TCSETSW2: setTermios("termios2", "drain"),
  TCSETSF2: setTermios("termios2", "flush"),
  TCGETA: getTermios("termio"),
  TCSETA: setTermios("termio", "now"),
  TCSETAW: setTermios("termio", "drain"),
  TCSETAF: setTermios("termio", "flush"),
  TIOCGLCKTRMIOS: onTerminal((call, { locks }, argument) => writeTermios(call, locks, argument, "termios")),
  TIOCSLCKTRMIOS: onTerminal((call, terminal, argument) => {
    if (!call.task.credentials.isPrivileged) throw errno.EPERM;
    terminal.locks = readTermios(call, terminal.locks, argument, "termios");
  }),
  // A break concerns serial lines; output of a pseudo-terminal is with its master at once, so there is none to wait for.
  TCSBRK: inForeground(() => 0),
  TCSBRKP: inForeground(() => 0),
  TIOCSBRK: inForeground(() => 0),
  TIOCCBRK: inForeground(() => 0),
  TCXONC: inForeground((_call, terminal, argument) => {
    const action = ACTIONS[argument];
    if (action === undefined) throw errno.EINVAL;
    terminal.control(action);
  }),
  TCFLSH: inForeground((_call, terminal, which) => {
    const queue = QUEUES[which];
    if (queue === undefined) throw errno.EINVAL;
    terminal.flush(queue);
  }),
  TIOCEXCL: onTerminal((_call, terminal) => {
    terminal.exclusive = true;
    return 0;
  }),
  TIOCNXCL: onTerminal((_call, terminal) => {
    terminal.exclusive = false;
    return 0;
  }),
  TIOCGEXCL: onTerminal((call, terminal, argument) => {
    call.memory.writeS32(argument, Number(terminal.exclusive));
    return 0;
  }),
  TIOCGWINSZ: onTerminal((call, terminal, argument) => {
    const { rows, columns, xPixels, yPixels } = terminal.getWindowSize();
    call.abi.structs.winsize.write(call.memory, argument, {
      ws_row: rows,
      ws_col: columns,
      ws_xpixel: xPixels,
      ws_ypixel: yPixels,
    });
    return 0;
  }),
  TIOCSWINSZ: onTerminal((call, terminal, argument) => {
    const size = call.abi.structs.winsize.read(call.memory, argument);
    terminal.setWindowSize({
      rows: Number(size.ws_row),
      columns: Number(size.ws_col),
      xPixels: Number(size.ws_xpixel),
      yPixels: Number(size.ws_ypixel),
    });
    return 0;
  }),
  TIOCOUTQ: onTerminal((call, _terminal, argument) => {
    call.memory.writeS32(argument, 0);
    return 0;
  }),
  TIOCGETD: onTerminal((call, _terminal, argument) => {
    // N_TTY
    call.memory.writeS32(argument, 0);
    return 0;
  }),
  TIOCSETD: inForeground((call, _terminal, argument) => {
    if (call.memory.readS32(argument) !== 0) throw errno.EINVAL;
    return 0;
  }),
  TIOCGDEV: onTerminal((call, terminal, argument) => {
    const { major, minor } = terminal.device;
    call.memory.writeU32(argument, (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12));
    return 0;
  }),
  // Typing on somebody's behalf is how a guest would get out of what it was put into (Linux: dev.tty.legacy_tiocsti=0).
  TIOCSTI: onTerminal(() => {
    throw errno.EIO;
  }),

  // ── sessions ───────────────────────────────────────────────────────────────────────────────────────────────────
  TIOCGPGRP: onTerminal((call, terminal, argument, file) => {
    checkOwn(call, terminal, file);
    call.memory.writeS32(argument, terminal.foregroundGroup);
    return 0;
  }),
  TIOCSPGRP: inForeground((call, terminal, argument) => {
    setForegroundGroup(call.process, terminal, call.memory.readS32(argument));
  }),
  TIOCGSID: onTerminal((call, terminal, argument, file) => {
    checkOwn(call, terminal, file);
    if (terminal.owner === null) throw errno.ENOTTY;
    call.memory.writeS32(argument, terminal.owner.session);
    return 0;
  }),
  TIOCSCTTY: onTerminal((call, terminal, argument, file) => {
    takeTerminal(call.task, terminal, argument === 1, file.readable);
    return 0;
  }),
  TIOCNOTTY: onTerminal((call, terminal) => {
    giveUpTerminal(call.process, terminal);
    return 0;
  }),
  TIOCVHANGUP: onTerminal((call, terminal) => {
    if (!call.task.credentials.isPrivileged) throw errno.EPERM;
    terminal.hangUp();
    return 0;
  }),

  // ── masters of pseudo-terminals ────────────────────────────────────────────────────────────────────────────────
  TIOCGPTN: onMaster((call, { pty }, argument) => {
    call.memory.writeU32(argument, pty.index);
    return 0;
  }),
  TIOCSPTLCK: onMaster((call, { pty }, argument) => {
    pty.locked = call.memory.readS32(argument) !== 0;
    return 0;
  }),
  TIOCGPTLCK: onMaster((call, { pty }, argument) => {
    call.memory.writeS32(argument, Number(pty.locked));
    return 0;
  }),
  TIOCGPTPEER: onMaster(openPeer),
  TIOCPKT: onMaster((call, { pty }, argument) => {
    pty.setPacketMode(call.memory.readS32(argument) !== 0);
    return 0;
  }),
  TIOCGPKT: onMaster((call, { pty }, argument) => {
    call.memory.writeS32(argument, Number(pty.packetMode));
    return 0;
  }),
  TIOCSIG: onMaster((call, { pty }, argument) => {
    const name = SENDABLE.find((each) => call.kernel.signals.number(each) === argument);
    if (name === undefined) throw errno.EINVAL;
    pty.signalForeground(name);
    return 0;
  }),
};
