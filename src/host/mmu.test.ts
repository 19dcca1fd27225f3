import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { createMmu } from "./mmu.ts";

/**
 * (module (import "m" "memory" (memory 65536 65536 shared))
 *   (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
 *   (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1))))
 */
const MODULE = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x0b, 0x02, 0x60, 0x01, 0x7f, 0x01, 0x7f, 0x60, 0x02, 0x7f,
  0x7f, 0x00, 0x02, 0x12, 0x01, 0x01, 0x6d, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x03, 0x80, 0x80, 0x04,
  0x80, 0x80, 0x04, 0x03, 0x03, 0x02, 0x00, 0x01, 0x07, 0x10, 0x02, 0x04, 0x6c, 0x6f, 0x61, 0x64, 0x00, 0x00, 0x05,
  0x73, 0x74, 0x6f, 0x72, 0x65, 0x00, 0x01, 0x0a, 0x13, 0x02, 0x07, 0x00, 0x20, 0x00, 0x28, 0x02, 0x00, 0x0b, 0x09,
  0x00, 0x20, 0x00, 0x20, 0x01, 0x36, 0x02, 0x00, 0x0b,
]);

const memory = new WebAssembly.Memory({ initial: 65536, maximum: 65536, shared: true });
const mmu = createMmu(memory);
const exports = new WebAssembly.Instance(new WebAssembly.Module(MODULE), { m: { memory } }).exports;
const load = exports["load"] as (address: number) => number;
const store = exports["store"] as (address: number, value: number) => void;
const A = 0x7fff0000;

describe.skipIf(mmu === null)("the host's MMU under WebAssembly", () => {
  test("none: loads and stores trap; read: stores trap; readWrite: neither", () => {
    expect(mmu!.protect(A, 4096, "readWrite")).toBe(true);
    store(A + 8, 77);
    mmu!.protect(A, 4096, "none");
    expect(() => load(A + 8)).toThrow(WebAssembly.RuntimeError);
    expect(() => store(A + 8, 1)).toThrow(WebAssembly.RuntimeError);
    mmu!.protect(A, 4096, "read");
    expect(load(A + 8)).toBe(77);
    expect(() => store(A + 8, 1)).toThrow(WebAssembly.RuntimeError);
    mmu!.protect(A, 4096, "readWrite");
    store(A + 8, 78);
    expect(load(A + 8)).toBe(78);
  });

  test("an access that reaches into a protected page by one byte traps", () => {
    mmu!.protect(A, 4096, "readWrite");
    mmu!.protect(A + 4096, 4096, "none");
    expect(load(A + 4092)).toBe(0);
    expect(() => load(A + 4093)).toThrow(WebAssembly.RuntimeError);
  });

  test("the highest addresses and all 4 GiB at once", () => {
    expect(mmu!.protect(0, 2 ** 32, "none")).toBe(true);
    for (const address of [0, 0x7fffffff, -1, -4, -4096]) {
      expect(() => load(address)).toThrow(WebAssembly.RuntimeError);
    }
    mmu!.protect(0xfffff000, 4096, "readWrite");
    store(-4, 5);
    expect(load(-4)).toBe(5);
    expect(mmu!.renew(0, 2 ** 32, "none")).toBe(true);
  });

  test("renewed pages are zero and have the new protection", () => {
    mmu!.protect(A, 8192, "readWrite");
    store(A, 1);
    store(A + 4096, 2);
    expect(mmu!.renew(A, 4096, "read")).toBe(true);
    expect([load(A), load(A + 4096)]).toEqual([0, 2]);
    expect(() => store(A, 1)).toThrow(WebAssembly.RuntimeError);
  });

  test("a refusal is told, not thrown", () => {
    expect(mmu!.protect(A + 1, 4096, "none")).toBe(false);
    for (const [address, length] of [
      [-4096, 4096],
      [0xfffff000, 8192],
      [A, 0],
      [A, -4096],
      [Number.NaN, 4096],
    ] as const) {
      expect(mmu!.protect(address, length, "none")).toBe(false);
      expect(mmu!.renew(address, length, "none")).toBe(false);
    }
  });
});

test("no MMU without V8's trap handler", () => {
  const script = `
    import { createMmu, mmuUnavailable } from ${JSON.stringify(new URL("./mmu.ts", import.meta.url).href)};
    const memory = new WebAssembly.Memory({ initial: 65536, maximum: 65536, shared: true });
    console.log(createMmu(memory), mmuUnavailable());`;
  const output = execFileSync(process.execPath, ["--disable-wasm-trap-handler", "--input-type=module", "-e", script], {
    encoding: "utf8",
  });
  expect(output).toBe("null V8's WebAssembly trap handler is off\n");
});
