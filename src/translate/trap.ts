/** From a Wasm trap back to the guest instruction: V8's stack trace names the function and the byte offset in its module. */

export interface RegionTraps {
  /** Offset in the module of the region's first code byte. */
  readonly base: number;
  /** Pairs of (offset in the region's code, guest PC), ascending. */
  readonly pairs: Uint32Array;
}

/** By region number, which is in the Wasm function's name (`g12`). */
export type TrapTable = Map<number, RegionTraps>;

const FRAME = /\bg(\d+) \(wasm:\/\/[^)]*:0x([0-9a-f]+)\)/;

/** The guest PC of a memory access that trapped; null if `error` is something else. */
export function findTrap(error: unknown, table: TrapTable): number | null {
  if (!(error instanceof WebAssembly.RuntimeError)) return null;
  const frame = FRAME.exec(error.stack?.split("\n")[1] ?? "");
  if (!frame) return null;
  const region = table.get(Number(frame[1]));
  if (!region) return null;
  const offset = Number.parseInt(frame[2] as string, 16) - region.base;
  const { pairs } = region;
  let low = 0;
  let high = pairs.length / 2;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((pairs[middle * 2] as number) <= offset) low = middle;
    else high = middle;
  }
  return pairs[low * 2] === offset ? (pairs[low * 2 + 1] as number) : null;
}
