/** The reciprocal and reciprocal square root estimates of Advanced SIMD: eight bits, exactly as the manual says (ARM DDI 0406C A2.7.7). */

/** RecipEstimate: of a number in [0.5, 1) given as 256 to 511, the reciprocal in the same units (256 to 511 for 1 to 2). */
export function reciprocalEstimate(n: number): number {
  const quotient = Math.trunc(2 ** 19 / (2 * n + 1));
  return (quotient + 1) >> 1;
}

/** RecipSqrtEstimate: of a number in [0.25, 1) given as 128 to 511. */
export function reciprocalRootEstimate(n: number): number {
  const a = n < 256 ? 2 * n + 1 : 4 * (n >> 1) + 2;
  let b = 512;
  while (a * (b + 1) * (b + 1) < 2 ** 28) b += 1;
  return (b + 1) >> 1;
}

/** UnsignedRecipEstimate: fixed point, 32 bits after the point. */
export const unsignedReciprocalEstimate = (n: number): number =>
  n >>> 31 === 0 ? 0xffffffff : (reciprocalEstimate(n >>> 23) << 23) >>> 0;

/** UnsignedRSqrtEstimate. */
export const unsignedReciprocalRootEstimate = (n: number): number =>
  n >>> 30 === 0 ? 0xffffffff : (reciprocalRootEstimate(n >>> 23) << 23) >>> 0;
