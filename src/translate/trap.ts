/** From a Wasm trap back to the guest instruction: V8's stack trace names the module and the byte offset in it. */

/** By module number: pairs of (offset in the module of an access, guest PC), ascending. */
export type TrapTable = Map<number, Uint32Array>;

/** Modules are named by number (`b12`), which V8 puts into the URL that it makes up. */
export const moduleName = (number: number): string => `b${number}`;
const FRAME = /wasm:\/\/wasm\/b(\d+)-[0-9a-f]+:wasm-function\[\d+\]:0x([0-9a-f]+)/;

/** The guest PC of a memory access that trapped; null if `error` is something else. */
export function findTrap(error: unknown, table: TrapTable): number | null {
  if (!(error instanceof WebAssembly.RuntimeError)) return null;
  const frame = FRAME.exec(error.stack?.split("\n")[1] ?? "");
  const pairs = table.get(Number(frame?.[1]));
  if (!frame || !pairs) return null;
  const offset = Number.parseInt(frame[2] as string, 16);
  let low = 0;
  let high = pairs.length / 2;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((pairs[middle * 2] as number) <= offset) low = middle;
    else high = middle;
  }
  return pairs[low * 2] === offset ? (pairs[low * 2 + 1] as number) : null;
}
