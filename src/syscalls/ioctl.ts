/** ioctl(2): one row a request. Terminals, and the few requests that every file knows. */
import { errno } from "../kernel/errno.ts";
import { O, S } from "../kernel/fs/flags.ts";
import type { FileDescription } from "../kernel/fs/file-description.ts";
import { copyFileRange } from "../kernel/fs/transfer.ts";
import type { Terminal, Termios, TermiosWhen } from "../kernel/tty.ts";
import type { Wait } from "../kernel/wait.ts";
import * as arg from "./arguments.ts";
import type { SyscallContext } from "./context.ts";
import { description, fileOffset } from "./guest-buffers.ts";
import { partial, type SyscallRow } from "./row.ts";

type Request = (call: SyscallContext, file: FileDescription, argument: number, fd: number) => number | Wait<number>;
type TerminalRequest = (call: SyscallContext, terminal: Terminal, argument: number) => number;

/** ENOTTY on anything but a terminal. */
const onTerminal =
  (request: TerminalRequest): Request =>
  (call, file, argument) => {
    const { terminal } = file;
    if (terminal === null) throw errno.ENOTTY;
    return request(call, terminal, argument);
  };

// ── struct termios between the guest's numbers and the kernel's ─────────────────────────────────────────────────────
/** Which layout: termios(2)'s, with speeds in numbers (TCGETS2), or the 16-bit one of System V (TCGETA). */
type Layout = "termios" | "termios2" | "termio";

/** CBAUD in c_cflag, and the speeds that its values mean. */
const CBAUD = 0x100f;
const BOTHER = 0x1000;
const SPEEDS: readonly number[] = [0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400];
const HIGH_SPEEDS: readonly number[] = [
  57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000,
  4000000,
];

function speedOf(controlFlags: number): number {
  const code = controlFlags & CBAUD;
  return (code & 0x1000) !== 0 ? (HIGH_SPEEDS[(code & 0xf) - 1] ?? 0) : (SPEEDS[code] ?? 0);
}

function codeOf(speed: number): number {
  const low = SPEEDS.indexOf(speed);
  if (low >= 0) return low;
  const high = HIGH_SPEEDS.indexOf(speed);
  return high >= 0 ? 0x1001 + high : BOTHER;
}

/** Moves c_cc between two orders of indices. */
function mapCharacters(
  call: SyscallContext,
  from: Uint8Array,
  length: number,
  direction: "toGuest" | "toKernel",
): Uint8Array {
  const { guest, generic } = call.abi.constants.controlCharacter;
  const to = new Uint8Array(length);
  for (const name of Object.keys(guest)) {
    const source = direction === "toGuest" ? generic[name]! : guest[name]!;
    const target = direction === "toGuest" ? guest[name]! : generic[name]!;
    if (target < length) to[target] = from[source] ?? 0;
  }
  return to;
}

function writeTermios(call: SyscallContext, terminal: Terminal, address: number, layout: Layout): number {
  const { constants, structs } = call.abi;
  const termios = terminal.getAttributes();
  const speed = speedOf(termios.controlFlags);
  const struct = structs[layout];
  const values = {
    c_iflag: constants.termiosInput.bitsToGuest(termios.inputFlags),
    c_oflag: constants.termiosOutput.bitsToGuest(termios.outputFlags),
    c_cflag: termios.controlFlags,
    c_lflag: constants.termiosLocal.bitsToGuest(termios.localFlags),
    c_line: termios.line,
    c_cc: mapCharacters(call, termios.controlCharacters, 23, "toGuest"),
  };
  if (layout === "termios2")
    structs.termios2.write(call.memory, address, { ...values, c_ispeed: speed, c_ospeed: speed });
  else struct.write(call.memory, address, values);
  return 0;
}

function readTermios(call: SyscallContext, terminal: Terminal, address: number, layout: Layout): Termios {
  const { constants, structs } = call.abi;
  const struct = structs[layout];
  const values = struct.read(call.memory, address);
  const characters = call.memory.readBytes(
    address + struct.offsetOf("c_cc"),
    layout === "termio" ? 8 : struct.size - struct.offsetOf("c_cc"),
  );
  const old = terminal.getAttributes();
  // A struct termio sets the low halves only (Linux: user_termio_to_kernel_termios).
  const merge = (before: number, value: number): number =>
    layout === "termio" ? (before & ~0xffff) | (value & 0xffff) : value;
  let control = merge(old.controlFlags, Number(values.c_cflag));
  if (layout === "termios2" && (control & CBAUD) === BOTHER) {
    const { c_ospeed } = structs.termios2.read(call.memory, address);
    control = (control & ~CBAUD) | codeOf(Number(c_ospeed));
  }
  const guest = mapCharacters(call, old.controlCharacters, 23, "toGuest");
  guest.set(characters.subarray(0, Math.min(characters.length, guest.length)));
  return {
    inputFlags: constants.termiosInput.bitsToKernel(
      merge(constants.termiosInput.bitsToGuest(old.inputFlags), Number(values.c_iflag)),
    ),
    outputFlags: constants.termiosOutput.bitsToKernel(
      merge(constants.termiosOutput.bitsToGuest(old.outputFlags), Number(values.c_oflag)),
    ),
    controlFlags: control,
    localFlags: constants.termiosLocal.bitsToKernel(
      merge(constants.termiosLocal.bitsToGuest(old.localFlags), Number(values.c_lflag)),
    ),
    line: Number(values.c_line),
    controlCharacters: mapCharacters(call, guest, 19, "toKernel"),
  };
}

const getTermios = (layout: Layout): Request =>
  onTerminal((call, terminal, argument) => writeTermios(call, terminal, argument, layout));
const setTermios = (layout: Layout, when: TermiosWhen): Request =>
  onTerminal((call, terminal, argument) => {
    terminal.setAttributes(when, readTermios(call, terminal, argument, layout));
    return 0;
  });

// ── requests ────────────────────────────────────────────────────────────────────────────────────────────────────────
function setFlag(flag: number): Request {
  return (call, file, argument) => {
    const on = call.memory.readS32(argument) !== 0;
    file.setFlags(on ? file.flags | flag : file.flags & ~flag);
    return 0;
  };
}

const FLUSH = ["input", "output", "both"] as const;

/** FICLONE by copying: the clone has the same bytes, though not the same blocks. */
function clone(
  call: SyscallContext,
  to: FileDescription,
  fd: number,
  from: number,
  at: number,
  length: number,
): number | Wait<number> {
  const source = call.process.files.get(fd);
  if (!source.readable || !to.writable) throw errno.EBADF;
  const { size } = source.stat();
  const count = length === 0 ? size - from : length;
  const result = copyFileRange(source, from, to, at, count);
  return typeof result === "number" ? 0 : result.then(() => 0);
}

/** By the request's name; the number is the ABI's. */
const REQUESTS: Readonly<Record<string, Request>> = {
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
  // A break, flow control and exclusive use concern serial lines; a pseudo-terminal takes them and does nothing.
  TCSBRK: onTerminal(() => 0),
  TCSBRKP: onTerminal(() => 0),
  TCXONC: onTerminal((_call, _terminal, action) => {
    if (action > 3) throw errno.EINVAL;
    return 0;
  }),
  TIOCEXCL: onTerminal(() => 0),
  TIOCNXCL: onTerminal(() => 0),
  TCFLSH: onTerminal((_call, terminal, which) => {
    const queue = FLUSH[which];
    if (queue === undefined) throw errno.EINVAL;
    terminal.flush(queue);
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
  TIOCGPGRP: onTerminal((call, terminal, argument) => {
    call.memory.writeS32(argument, terminal.foregroundGroup);
    return 0;
  }),
  TIOCSPGRP: onTerminal((call, terminal, argument) => {
    const group = call.memory.readS32(argument);
    if (group < 0) throw errno.EINVAL;
    const known = [...call.kernel.processes.values()].find((process) => process.pgid === group);
    if (known === undefined) throw errno.ESRCH;
    if (known.sid !== call.process.sid) throw errno.EPERM;
    terminal.foregroundGroup = group;
    return 0;
  }),
  TIOCGSID: onTerminal((call, terminal, argument) => {
    call.memory.writeS32(argument, terminal.session);
    return 0;
  }),
  TIOCSCTTY: onTerminal((call, terminal) => {
    if (terminal.session !== call.process.sid) throw errno.EPERM;
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

  FIONREAD: (call, file, argument) => {
    // Of a regular file: what is left of it behind the position (Linux: vfs ioctl).
    const count = file.path.inode.type === S.IFREG ? Math.max(0, file.stat().size - file.position) : file.available();
    call.memory.writeS32(argument, Math.min(count, 0x7fffffff));
    return 0;
  },
  FIOQSIZE: (call, file, argument) => {
    const { type } = file.path.inode;
    if (type !== S.IFREG && type !== S.IFDIR && type !== S.IFLNK) throw errno.ENOTTY;
    call.memory.writeS64(argument, BigInt(file.stat().size));
    return 0;
  },
  FIONBIO: setFlag(O.NONBLOCK),
  FIOASYNC: setFlag(O.ASYNC),
  FIOCLEX: (call, _file, _argument, fd) => {
    call.process.files.setCloseOnExec(fd, true);
    return 0;
  },
  FIONCLEX: (call, _file, _argument, fd) => {
    call.process.files.setCloseOnExec(fd, false);
    return 0;
  },
  FICLONE: (call, file, argument) => clone(call, file, argument | 0, 0, 0, 0),
  FICLONERANGE: (call, file, argument) => {
    const range = call.abi.structs.fileCloneRange.read(call.memory, argument);
    const [from, length, at] = [range.src_offset, range.src_length, range.dest_offset].map(fileOffset);
    return clone(call, file, Number(range.src_fd), from!, at!, length!);
  },
};

function ioctl(call: SyscallContext, fd: number, request: number, argument: number): number | Wait<number> {
  const file = description(call, fd);
  if ((file.flags & O.PATH) !== 0) throw errno.EBADF;
  const name = call.abi.constants.ioctl.nameOf(request);
  const run = name === undefined ? undefined : REQUESTS[name];
  if (run === undefined) throw errno.ENOTTY;
  return run(call, file, argument, fd);
}

/** ioctl's third argument, by request. */
const ioctlArgument: typeof arg.pointer = {
  ...arg.pointer,
  out: true,
  show: (value, { call, args, result }) => {
    const name = call.abi.constants.ioctl.nameOf(Number(args[1]));
    if (result === null) return arg.showPointer(value);
    if (name === "TIOCGWINSZ" || name === "TIOCSWINSZ") return arg.showStruct(call, "winsize", value);
    if (name === "FIONREAD" || name === "TIOCGPGRP" || name === "FIONBIO" || name === "TIOCSPGRP") {
      return arg.guarded(value, () => `[${call.memory.readS32(value)}]`);
    }
    if (name === "FIOCLEX" || name === "FIONCLEX") return "";
    return arg.showPointer(value);
  },
};

const requestNumber: typeof arg.hexadecimal = {
  ...arg.hexadecimal,
  name: "unsigned long request",
  show: (value, { call }) => call.abi.constants.ioctl.showValue(value),
};

export const IOCTL_ROWS: readonly SyscallRow[] = [
  partial(
    "ioctl",
    [arg.fd, requestNumber, ioctlArgument],
    `${Object.keys(REQUESTS).join(", ")}; all others are ENOTTY`,
    ioctl,
  ),
];
