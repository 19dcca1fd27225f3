/** Which processor and which ABI a program gets. The one place that knows every guest architecture by name. */
import type { ArmModel } from "../cpu/arm/models.ts";
import type { Machine, Personality } from "../loader/index.ts";
import { modelFor } from "./cpu-models.ts";
import type { MipsModel } from "./cpu-models.ts";
import type { Guest } from "./guest.ts";

export type { Guest, KernelPage } from "./guest.ts";

/** Guests are tables without state, and a cache of compiled code: made once, used by every run. */
const guests = new Map<string, Guest>();

/** The guest that runs such a program; null: `cpu` is another architecture's. `translateAfter`: see `TranslationCache`. */
export async function guestFor(
  { machine, endian }: Personality,
  cpu?: string,
  translateAfter?: number,
): Promise<Guest | null> {
  const model = modelFor(machine, cpu);
  if (model === null) return null;
  const make = await LOAD[machine]();
  const key = `${machine} ${endian} ${model} ${translateAfter}`;
  let guest = guests.get(key);
  if (guest === undefined || guest.translations.isFull) guests.set(key, (guest = make(model, endian, translateAfter)));
  return guest;
}

type MakeGuest = (model: string, endian: Personality["endian"], translateAfter?: number) => Guest;

/** An instruction set's tables take 5 to 20 ms to set up: only those of the program's are. */
const LOAD: Readonly<Record<Machine, () => Promise<MakeGuest>>> = {
  async mips() {
    const { mipsGuest } = await import("./mips-guest.ts");
    return (model, endian, translateAfter) => mipsGuest(model as MipsModel, endian === "little", translateAfter);
  },
  async arm() {
    const { armGuest } = await import("./arm-guest.ts");
    return (model, _endian, translateAfter) => armGuest(model as ArmModel, translateAfter);
  },
};
