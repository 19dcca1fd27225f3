/**
 * T32's coprocessor, VFP and Advanced SIMD words as A32 words (ARM DDI 0406C, A6.3.18, A7.4, A7.7): these instructions
 * are written down once, in their A32 form.
 */

/** The A32 word of a T32 word (first halfword in the upper half); undefined where it is none of these instructions. */
export function coprocessorWord(word: number): number | undefined {
  // 111U 1111 …: Advanced SIMD data processing, in A32 1111 001U ….
  if ((word & 0xef000000) >>> 0 === 0xef000000)
    return (0xf2000000 | ((word >>> 4) & 0x01000000) | (word & 0x00ffffff)) >>> 0;
  // 1111 1001 …0: Advanced SIMD element and structure loads and stores, in A32 1111 0100 …0.
  if ((word & 0xff100000) >>> 0 === 0xf9000000) return (0xf4000000 | (word & 0x00ffffff)) >>> 0;
  // 111x 1100 to 111x 1110: coprocessors, VFP, and transfers to and from them; in A32 the same with the condition AL or 1111.
  if ((word & 0xec000000) >>> 0 === 0xec000000) return word >>> 0;
  return undefined;
}
