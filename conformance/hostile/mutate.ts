/** Damaged ELF files: the same seed makes the same damage. */
import type { Random } from "../random/prng.ts";

const ABSURD = [
  0, 1, 2, 3, 4, 7, 0x1f, 0x20, 0x34, 0xff, 0x100, 0xfff, 0x1000, 0x1001, 0x7fff, 0x8000, 0xffff, 0x10000, 0x400000,
  0x10000000, 0x7fff0000, 0x7fffffff, 0x80000000, 0xfffff000, 0xfffffffe, 0xffffffff,
];
const HEADER_SIZE = 52;
const PROGRAM_HEADER_SIZE = 32;
/** Offsets and sizes of the ELF32 header's fields. */
const HEADER_FIELDS = [
  [4, 1],
  [5, 1],
  [6, 1],
  [7, 1],
  [16, 2],
  [18, 2],
  [20, 4],
  [24, 4],
  [28, 4],
  [32, 4],
  [36, 4],
  [40, 2],
  [42, 2],
  [44, 2],
  [46, 2],
  [48, 2],
  [50, 2],
] as const;

type Damage = (bytes: Buffer, random: Random, littleEndian: boolean) => Buffer;

function put(bytes: Buffer, at: number, size: 1 | 2 | 4, value: number, littleEndian: boolean): void {
  if (at + size > bytes.length) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (size === 1) view.setUint8(at, value);
  else if (size === 2) view.setUint16(at, value, littleEndian);
  else view.setUint32(at, value >>> 0, littleEndian);
}

function flip(bytes: Buffer, below: number, count: number, random: Random): Buffer {
  for (let n = 0; n < count; n++) bytes[random.below(Math.min(below, bytes.length))] ^= 1 << random.below(8);
  return bytes;
}

/** An absurd value, or the old one nudged. */
function absurd(bytes: Buffer, at: number, size: 1 | 2 | 4, random: Random, littleEndian: boolean): void {
  put(bytes, at, size, random.oneIn(4) ? random.word() : random.pick(ABSURD), littleEndian);
}

const DAMAGES: readonly Damage[] = [
  (bytes, random) => flip(bytes, HEADER_SIZE, 1 + random.below(4), random),
  (bytes, random) => flip(bytes, HEADER_SIZE + 12 * PROGRAM_HEADER_SIZE, 1 + random.below(8), random),
  (bytes, random) => flip(bytes, bytes.length, 1 + random.below(64), random),
  (bytes, random) => bytes.subarray(0, random.below(random.oneIn(2) ? 512 : bytes.length)),
  (bytes, random, littleEndian) => {
    for (let n = random.below(3); n >= 0; n--) {
      const [at, size] = random.pick(HEADER_FIELDS);
      absurd(bytes, at, size, random, littleEndian);
    }
    return bytes;
  },
  (bytes, random, littleEndian) => {
    for (let n = random.below(4); n >= 0; n--)
      absurd(
        bytes,
        HEADER_SIZE + random.below(10) * PROGRAM_HEADER_SIZE + 4 * random.below(8),
        4,
        random,
        littleEndian,
      );
    return bytes;
  },
  (bytes, random) => {
    // A piece overwritten with another piece, or with nothing.
    const size = Math.min(1 + random.below(4096), bytes.length >> 2);
    const to = random.below(bytes.length - size);
    if (random.oneIn(2)) bytes.fill(0, to, to + size);
    else bytes.copy(bytes, to, random.below(bytes.length - size), bytes.length);
    return bytes;
  },
];

export function mutate(original: Uint8Array, random: Random, littleEndian: boolean): Buffer {
  let bytes: Buffer = Buffer.from(original);
  do bytes = random.pick(DAMAGES)(bytes, random, littleEndian);
  while (random.oneIn(4) && bytes.length > 64);
  return bytes;
}
