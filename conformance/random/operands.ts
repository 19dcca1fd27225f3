/** What registers hold when a random sequence starts: values at the edges, mixed with noise. */
import type { Random } from "./prng.ts";

const INTEGERS = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 33, 63, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7ffffffe,
  0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 0xffff8000, 0xffffff80, 0x55555555, 0xaaaaaaaa,
];

export function integerOperand(random: Random): number {
  switch (random.below(4)) {
    case 0:
      return random.pick(INTEGERS);
    case 1:
      return (random.word() >> random.below(32)) >>> 0;
    default:
      return random.word();
  }
}

const SINGLES = [
  0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x807fffff, 0x00800000, 0x80800000, 0x3f800000,
  0xbf800000, 0x3fc00000, 0x40000000, 0x3f000000, 0x4b000000, 0x4b7fffff, 0x4effffff, 0x4f000000, 0xcf000000,
  0x4f800000, 0x5effffff, 0x5f000000, 0xdf000000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x34000000,
  0x3effffff, 0x33ffffff,
  // Not a number: in the legacy encoding a set top fraction bit means signalling.
  0x7f800001, 0x7fbfffff, 0xffbfffff, 0x7fc00000, 0xffc00001, 0x7fffffff, 0x7fa00000,
];

const DOUBLES: readonly bigint[] = [
  0x0000000000000000n,
  0x8000000000000000n,
  0x0000000000000001n,
  0x8000000000000001n,
  0x000fffffffffffffn,
  0x800fffffffffffffn,
  0x0010000000000000n,
  0x8010000000000000n,
  0x3ff0000000000000n,
  0xbff0000000000000n,
  0x3ff8000000000000n,
  0x4000000000000000n,
  0x3fe0000000000000n,
  0x4330000000000000n,
  0x433fffffffffffffn,
  0x41dfffffffc00000n,
  0x41dfffffffe00000n,
  0x41e0000000000000n,
  0xc1e0000000000000n,
  0xc1e0000000100000n,
  0xc1e0000000200000n,
  0x43dfffffffffffffn,
  0x43e0000000000000n,
  0xc3e0000000000000n,
  0x7fefffffffffffffn,
  0xffefffffffffffffn,
  0x7ff0000000000000n,
  0xfff0000000000000n,
  0x3fdfffffffffffffn,
  0x47efffffe0000000n,
  0x47efffffefffffffn,
  0x47effffff0000000n,
  0x380fffffc0000000n,
  0x36a0000000000000n,
  0x369fffffffffffffn,
  0x3810000000000000n,
  0x7ff0000000000001n,
  0x7ff7ffffffffffffn,
  0xfff7ffffffffffffn,
  0x7ff8000000000000n,
  0xfff8000000000001n,
  0x7fffffffffffffffn,
  0x7ff4000000000000n,
];

/** 64 bits for a floating-point register: a double, two singles, or noise. */
export function floatOperand(random: Random): bigint {
  const word = () => BigInt(random.word());
  switch (random.below(6)) {
    case 0:
      return random.pick(DOUBLES);
    case 1:
    case 2:
      return (BigInt(singleOperand(random)) << 32n) | BigInt(singleOperand(random));
    case 3: {
      // A double of moderate size, so that sums and products stay in range.
      const exponent = BigInt(1023 - 40 + random.below(80));
      return ((word() & 1n) << 63n) | (exponent << 52n) | (((word() << 32n) | word()) & 0xfffffffffffffn);
    }
    case 4:
      // A small whole number.
      return (
        new BigInt64Array(new Float64Array([(random.word() | 0) >> random.below(32)]).buffer)[0] & 0xffffffffffffffffn
      );
    default:
      return (word() << 32n) | word();
  }
}

function singleOperand(random: Random): number {
  switch (random.below(4)) {
    case 0:
      return random.word();
    case 1: {
      const exponent = 127 - 20 + random.below(40);
      return ((random.below(2) << 31) | (exponent << 23) | (random.word() & 0x7fffff)) >>> 0;
    }
    default:
      return random.pick(SINGLES);
  }
}

/** FCSR without Cause bits: with an enabled one among them, writing it would trap (AFP vol. I-A, FCSR). */
export function fcsrOperand(random: Random): number {
  const conditions = random.word() & 0xfe800000;
  const flush = random.oneIn(8) ? 1 << 24 : 0;
  const enables = random.oneIn(8) ? random.below(32) << 7 : 0;
  const flags = random.below(32) << 2;
  return (conditions | flush | enables | flags | random.below(4)) >>> 0;
}
