/** ELF files of a few instructions, for tests of whole runs. */

const BASE = 0x400000;
const HEADERS = 52 + 32;

/** A little-endian MIPS program of one readable, writable and executable segment with these instructions. */
export function smallProgram(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(HEADERS + 4 * words.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  const half = (at: number, value: number) => view.setUint16(at, value, true);
  const word = (at: number, value: number) => view.setUint32(at, value, true);
  half(16, 2); // ET_EXEC
  half(18, 8); // EM_MIPS
  word(20, 1);
  word(24, BASE + HEADERS);
  word(28, 52);
  word(36, 0x7000_1005); // mips32r2, o32, noreorder, cpic
  half(40, 52);
  half(42, 32);
  half(44, 1);
  const segment = [1, 0, BASE, BASE, bytes.length, bytes.length, 7, 0x1000];
  segment.forEach((value, index) => word(52 + 4 * index, value));
  words.forEach((value, index) => word(HEADERS + 4 * index, value));
  return bytes;
}
