/** Which processor and which ABI a program gets. The one place that knows every guest architecture by name. */
import type { Machine, Personality } from "../loader/index.ts";
import { ARM_MODELS, armGuest } from "./arm-guest.ts";
import type { Guest } from "./guest.ts";
import { MIPS_MODELS, mipsGuest } from "./mips-guest.ts";
import type { MipsModel } from "./mips-guest.ts";

export type { Guest, KernelPage } from "./guest.ts";

const MODELS = { mips: MIPS_MODELS, arm: ARM_MODELS } as const;

/** CPU models by the name that `--cpu` takes; the first of each architecture is its default. */
export const CPU_MODELS: Readonly<Record<string, { readonly machine: Machine; readonly description: string }>> =
  Object.fromEntries(
    (Object.keys(MODELS) as Machine[]).flatMap((machine) =>
      Object.entries(MODELS[machine]).map(([name, { description }]) => [name, { machine, description }]),
    ),
  );

/** Guests are tables without state, and a cache of compiled code: made once, used by every run. */
const guests = new Map<string, Guest>();

/** The model for a program; null: `cpu` cannot run it. */
function modelFor(personality: Personality, cpu: string | undefined): string | null {
  if (cpu === undefined) return Object.keys(MODELS[personality.machine])[0]!;
  return CPU_MODELS[cpu]?.machine === personality.machine ? cpu : null;
}

/** The guest that runs such a program; null: `cpu` is another architecture's. */
export function guestFor(personality: Personality, cpu?: string): Guest | null {
  const model = modelFor(personality, cpu);
  if (model === null) return null;
  const key = `${personality.machine} ${personality.endian} ${model}`;
  let guest = guests.get(key);
  if (guest === undefined || guest.translations.isFull) {
    guest =
      personality.machine === "arm"
        ? armGuest(model as keyof typeof ARM_MODELS)
        : mipsGuest(model as MipsModel, personality.endian === "little");
    guests.set(key, guest);
  }
  return guest;
}
