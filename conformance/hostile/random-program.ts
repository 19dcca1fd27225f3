/** Well-formed ELF files whose code is noise: every word random, or random instructions between random system calls. */
import type { Random } from "../random/prng.ts";
import type { Target } from "../harness/target.ts";

const BASE = 0x400000;
const HEADERS = 52 + 32;
const [EM_MIPS, EM_ARM] = [8, 40];
/** e_flags: MIPS32 release 2, o32; ARM EABI 5. */
const FLAGS = { mips: 0x70001000, arm: 0x05000000 } as const;

function elf(code: Uint8Array, target: Target): Buffer {
  const le = target.littleEndian;
  const file = Buffer.alloc(HEADERS + code.length);
  const view = new DataView(file.buffer, file.byteOffset);
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, le ? 1 : 2, 1]);
  const half = (at: number, value: number) => view.setUint16(at, value, le);
  const word = (at: number, value: number) => view.setUint32(at, value, le);
  half(16, 2); // ET_EXEC
  half(18, target.isa === "mips" ? EM_MIPS : EM_ARM);
  word(20, 1);
  word(24, BASE + HEADERS);
  word(28, 52);
  word(36, FLAGS[target.isa]);
  half(40, 52);
  half(42, 32);
  half(44, 1);
  const segment = [1, 0, BASE, BASE, file.length, file.length + 0x10000, 7, 0x1000]; // PT_LOAD, readable, writable, executable
  segment.forEach((value, n) => word(52 + 4 * n, value));
  file.set(code, HEADERS);
  return file;
}

/** Words that are more often instructions than chance would have it. */
function mipsWord(random: Random): number {
  const field = () => random.below(32);
  switch (random.below(8)) {
    case 0:
      return random.word();
    case 1: // SPECIAL
      return (field() << 21) | (field() << 16) | (field() << 11) | (field() << 6) | random.below(64);
    case 2: // a system call with a number that may exist
      return 0x24020000 | (4000 + random.below(450));
    case 3:
      return 0x0000000c;
    case 4: // lui, addiu, ori with small values
      return (
        (random.pick([0x0f, 0x09, 0x0d]) << 26) |
        ((random.below(2) * field()) << 21) |
        (field() << 16) |
        (random.word() & 0xffff)
      );
    case 5: // a short branch
      return (
        (random.pick([1, 4, 5, 6, 7, 0x14, 0x15]) << 26) |
        (field() << 21) |
        (random.below(20) << 16) |
        ((random.below(64) - 32) & 0xffff)
      );
    case 6: // COP1, COP1X, SPECIAL2, SPECIAL3
      return (random.pick([0x11, 0x13, 0x1c, 0x1f]) << 26) | (random.word() & 0x3ffffff);
    default: // a load or store around the stack or the code
      return (
        ((0x20 + random.below(0x20)) << 26) |
        (random.pick([29, 28, 0, field()]) << 21) |
        (field() << 16) |
        (random.word() & 0xffff)
      );
  }
}

export function randomProgram(random: Random, target: Target): Buffer {
  const words = 64 + random.below(2000);
  const code = Buffer.alloc(words * 4);
  const view = new DataView(code.buffer, code.byteOffset);
  const noise = random.oneIn(2) || target.isa !== "mips";
  for (let n = 0; n < words; n++)
    view.setUint32(4 * n, noise ? random.word() : mipsWord(random) >>> 0, target.littleEndian);
  return elf(code, target);
}
