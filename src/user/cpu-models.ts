/** The processor models that `--cpu` names. Apart from the guests themselves, whose tables are loaded only for a run. */
import type { ArmModel } from "../cpu/arm/models.ts";
import type { Machine } from "../loader/index.ts";

/** The first is the default. */
export const MIPS_MODELS = {
  "24Kf": { release: 2, description: "MIPS32 release 2" },
  "4Kc": { release: 1, description: "MIPS32 release 1" },
} as const;
export type MipsModel = keyof typeof MIPS_MODELS;

/** The first is the default. */
export const ARM_MODELS: Readonly<Record<ArmModel, { readonly description: string }>> = {
  max: { description: "ARMv7-A with NEON and VFPv4, and ARMv8's additions" },
  "cortex-a15": { description: "ARMv7-A with NEON, VFPv4 and division" },
  "cortex-a9": { description: "ARMv7-A with NEON and VFPv3" },
  "cortex-a7": { description: "ARMv7-A with NEON, VFPv4 and division" },
  arm926: { description: "ARMv5TEJ with VFPv2" },
};

const MODELS = { mips: MIPS_MODELS, arm: ARM_MODELS } as const;

/** Every model by name; the first of each architecture is its default. */
export const CPU_MODELS: Readonly<Record<string, { readonly machine: Machine; readonly description: string }>> =
  Object.fromEntries(
    (Object.keys(MODELS) as Machine[]).flatMap((machine) =>
      Object.entries(MODELS[machine]).map(([name, { description }]) => [name, { machine, description }]),
    ),
  );

/** The model for a machine; null: `cpu` is another architecture's. */
export function modelFor(machine: Machine, cpu: string | undefined): string | null {
  if (cpu === undefined) return Object.keys(MODELS[machine])[0]!;
  return CPU_MODELS[cpu]?.machine === machine ? cpu : null;
}
