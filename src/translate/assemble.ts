/** Regions → one module, as bytes. */
import type { Helper } from "../cpu/emitter.ts";
import { compileRegion, helpersIn, type Target } from "./codegen.ts";
import { STATE_BYTES } from "./layout.ts";
import type { Region } from "./region.ts";
import { ModuleWriter } from "./wasm/module.ts";

export interface Assembled {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What the module imports by name, besides what every module does. */
  readonly helpers: readonly Helper[];
  /** Pairs of (offset in the module of an access, guest PC), ascending. */
  readonly traps: Uint32Array;
  /** Guest addresses at which it can be entered; the first is where the first region begins. */
  readonly entries: readonly number[];
}

/** What of the target does not depend on the module. */
export type ModuleTarget = Omit<
  Target,
  "functionOf" | "helperIndex" | "systemCallIndex" | "resolveIndex" | "regionType"
>;

/** `name`: how a trap finds its module. */
export function assemble(name: string, regions: readonly Region[], target: ModuleTarget): Assembled {
  const writer = new ModuleWriter(name);
  const regionType = writer.type(["i32", "i32"], ["i32"]);
  const systemCallIndex = writer.importFunction("systemCall", writer.type([], ["i32"]));
  const resolveIndex = writer.importFunction("resolve", writer.type(["i32"], ["i32"]));
  const helpers = new Set<Helper>();
  for (const region of regions) helpersIn(region, helpers);
  const helperType = helpers.size > 0 ? writer.type([], []) : -1;
  const helperIndices = new Map([...helpers].map((helper) => [helper, writer.importFunction(helper.name, helperType)]));
  writer.importMemory({ field: "m", pages: 65536, shared: true });
  writer.importMemory({ field: "s", pages: STATE_BYTES / 65536, shared: false });
  writer.importTable("t", 1);
  const functions = new Map(
    regions.map((region, i) => [region.entries[0] as number, resolveIndex + 1 + helpers.size + i]),
  );
  const entries: number[] = [];
  const pairs = regions.map((region) => {
    const compiled = compileRegion(region, {
      ...target,
      functionOf: (pc) => functions.get(pc) ?? -1,
      helperIndex: (helper) => helperIndices.get(helper) as number,
      systemCallIndex,
      resolveIndex,
      regionType,
    });
    writer.add({
      typeIndex: regionType,
      locals: compiled.locals,
      code: compiled.code,
      hints: compiled.hints,
      tableSlot: target.slotOf(region.entries[0] as number),
      otherSlots: compiled.entries.map((pc) => target.slotOf(pc)),
    });
    entries.push(region.entries[0] as number, ...compiled.entries);
    return compiled.traps;
  });
  const { bytes, codeOffsets } = writer.finish();
  const traps = pairs.flatMap((list, i) =>
    list.map((value, n) => (n % 2 === 0 ? (codeOffsets[i] as number) + value : value)),
  );
  return { bytes, helpers: [...helpers], traps: Uint32Array.from(traps), entries };
}
