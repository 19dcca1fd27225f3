/** Which instructions a processor model has. */

/** What an instruction may need beyond ARMv4T. Architecture versions include the ones before them. */
export type Feature =
  | "v5" // ARMv5T: blx, clz, bkpt
  | "v5te" // DSP multiplies, saturating addition, ldrd/strd, pld
  | "v6" // media instructions, ldrex/strex, setend, rev
  | "v6k" // ldrexb/h/d, clrex, hints
  | "v6t2" // Thumb-2, movw/movt, bit fields, mls, rbit
  | "v7" // dmb/dsb/isb, pli
  | "divide" // sdiv, udiv
  | "v8" // lda/stl, sevl, and the floating-point and SIMD additions
  | "crc32"
  | "crypto" // AES, SHA1, SHA256, PMULL
  | "vfp2"
  | "vfp3"
  | "fp16" // half-precision conversions
  | "vfp4" // fused multiply-add
  | "neon";

export const MODELS = ["arm926", "cortex-a7", "cortex-a9", "cortex-a15", "max"] as const;
export type ArmModel = (typeof MODELS)[number];

const V5TE: readonly Feature[] = ["v5", "v5te"];
const V7: readonly Feature[] = [...V5TE, "v6", "v6k", "v6t2", "v7", "vfp2", "vfp3", "fp16", "neon"];
const V7VE: readonly Feature[] = [...V7, "divide", "vfp4"];

/** The features of each model. `arm926` is ARMv5TEJ with VFPv2, the Cortex-A cores are ARMv7-A with Advanced SIMD. */
export const FEATURES: Readonly<Record<ArmModel, ReadonlySet<Feature>>> = {
  arm926: new Set<Feature>([...V5TE, "vfp2"]),
  "cortex-a9": new Set(V7),
  "cortex-a7": new Set(V7VE),
  "cortex-a15": new Set(V7VE),
  max: new Set<Feature>([...V7VE, "v8", "crc32", "crypto"]),
};
