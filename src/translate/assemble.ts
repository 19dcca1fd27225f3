/** Regions → one module, as bytes: a region that was just found, or functions that were made earlier and kept. */
import type { Helper, Type } from "../cpu/emitter.ts";
import { compileRegion, helpersIn, type Target } from "./codegen.ts";
import { STATE_BYTES } from "./layout.ts";
import type { Region } from "./region.ts";
import { ModuleWriter } from "./wasm/module.ts";

/** The code of one region, which stands in any module that imports no helpers. */
export interface RegionCode {
  /** Guest addresses at which it can be entered; the first is where the region begins. */
  readonly entries: readonly number[];
  readonly locals: readonly Type[];
  readonly code: Uint8Array;
  /** See `Compiled` in codegen.ts. */
  readonly traps: ArrayLike<number>;
  readonly hints: ArrayLike<number>;
  readonly ownIndices: ArrayLike<number>;
}

export interface Assembled {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What the module imports by name, besides what every module does. */
  readonly helpers: readonly Helper[];
  /** Pairs of (offset in the module of an access, guest PC), ascending. */
  readonly traps: Uint32Array;
  /** See `RegionCode`. */
  readonly entries: readonly number[];
  /** The region's code, if it can be kept: it calls no helpers. */
  readonly kept: RegionCode | null;
}

/** What of the target does not depend on the module. */
export type ModuleTarget = Omit<Target, "start" | "helperIndex" | "systemCallIndex" | "resolveIndex" | "regionType">;

/** A module that has its imports: the same, in the same order, for all. */
function beginModule(name: string, helpers: readonly Helper[]) {
  const writer = new ModuleWriter(name);
  const regionType = writer.type(["i32", "i32"], ["i32"]);
  const systemCallIndex = writer.importFunction("systemCall", writer.type([], ["i32"]));
  const resolveIndex = writer.importFunction("resolve", writer.type(["i32"], ["i32"]));
  const helperType = helpers.length > 0 ? writer.type([], []) : -1;
  const helperIndices = new Map(helpers.map((helper) => [helper, writer.importFunction(helper.name, helperType)]));
  writer.importMemory({ field: "m", pages: 65536, shared: true });
  writer.importMemory({ field: "s", pages: STATE_BYTES / 65536, shared: false });
  writer.importTable("t", 1);
  return { writer, regionType, systemCallIndex, resolveIndex, helperIndices };
}

/** The traps of functions, moved to where their code lies in the module. */
function placeTraps(functions: readonly ArrayLike<number>[], codeOffsets: readonly number[]): Uint32Array {
  const traps: number[] = [];
  functions.forEach((pairs, i) => {
    for (let p = 0; p < pairs.length; p += 2)
      traps.push((codeOffsets[i] as number) + (pairs[p] as number), pairs[p + 1] as number);
  });
  return Uint32Array.from(traps);
}

/** `name`: how a trap finds its module. */
export function assemble(name: string, region: Region, target: ModuleTarget): Assembled {
  const helperSet = new Set<Helper>();
  helpersIn(region, helperSet);
  const helpers = [...helperSet];
  const { writer, regionType, systemCallIndex, resolveIndex, helperIndices } = beginModule(name, helpers);
  const start = region.entries[0] as number;
  const { entries: others, ...compiled } = compileRegion(region, {
    ...target,
    start,
    helperIndex: (helper) => helperIndices.get(helper) as number,
    systemCallIndex,
    resolveIndex,
    regionType,
  });
  const entries = [start, ...others];
  const kept = helpers.length === 0 ? { ...compiled, entries, code: compiled.code.slice() } : null;
  writer.add({ ...compiled, typeIndex: regionType, ...slots(entries, target) });
  const { bytes, codeOffsets } = writer.finish();
  return { bytes, helpers, traps: placeTraps([compiled.traps], codeOffsets), entries, kept };
}

/** Where a function goes in the table. */
function slots([first, ...others]: readonly number[], { slotOf }: Pick<Target, "slotOf">) {
  return { tableSlot: slotOf(first as number), otherSlots: others.map(slotOf) };
}

/** Functions that were kept, in one module. */
export function link(
  name: string,
  functions: readonly RegionCode[],
  target: Pick<Target, "slotOf">,
): Pick<Assembled, "bytes" | "traps"> {
  const { writer, regionType } = beginModule(name, []);
  for (const each of functions) writer.add({ ...each, typeIndex: regionType, ...slots(each.entries, target) });
  const { bytes, codeOffsets } = writer.finish();
  const traps = placeTraps(
    functions.map((each) => each.traps),
    codeOffsets,
  );
  return { bytes, traps };
}
