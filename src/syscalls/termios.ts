/** struct termios between the guest's numbers and the kernel's: three layouts, and indices of c_cc that differ. */
import type { Termios } from "../kernel/tty/termios.ts";
import type { SyscallContext } from "./context.ts";

/** Which layout: termios(2)'s, with speeds in numbers (TCGETS2), or the 16-bit one of System V (TCGETA). */
export type TermiosLayout = "termios" | "termios2" | "termio";

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

export function writeTermios(call: SyscallContext, termios: Termios, address: number, layout: TermiosLayout): number {
  const { constants, structs } = call.abi;
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

/** `old`: the settings before, for what a layout does not say. */
export function readTermios(call: SyscallContext, old: Termios, address: number, layout: TermiosLayout): Termios {
  const { constants, structs } = call.abi;
  const struct = structs[layout];
  const values = struct.read(call.memory, address);
  const characters = call.memory.readBytes(
    address + struct.offsetOf("c_cc"),
    layout === "termio" ? 8 : struct.size - struct.offsetOf("c_cc"),
  );
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
