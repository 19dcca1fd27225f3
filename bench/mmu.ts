/**
 * `node bench/mmu.ts`: what page protection by the host's MMU costs, and what a forbidden access does to the process
 * when translated code, a Wasm atomic or JavaScript makes it. The deadly ones run in processes of their own.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createMmu, mmuUnavailable } from "../src/host/mmu.ts";
import { AddressSpace } from "../src/memory/address-space.ts";
import { PAGE_COUNT, PAGE_READ, PAGE_WRITE } from "../src/memory/page-table.ts";
import { hostProtection, softwareProtection } from "../src/memory/protection.ts";

/**
 * (module (import "m" "memory" (memory 65536 65536 shared))
 *   (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
 *   (func (export "atomicLoad") (param i32) (result i32) (i32.atomic.load (local.get 0))))
 */
const MODULE = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01, 0x7f, 0x02, 0x12, 0x01,
  0x01, 0x6d, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x03, 0x80, 0x80, 0x04, 0x80, 0x80, 0x04, 0x03, 0x03,
  0x02, 0x00, 0x00, 0x07, 0x15, 0x02, 0x04, 0x6c, 0x6f, 0x61, 0x64, 0x00, 0x00, 0x0a, 0x61, 0x74, 0x6f, 0x6d, 0x69,
  0x63, 0x4c, 0x6f, 0x61, 0x64, 0x00, 0x01, 0x0a, 0x12, 0x02, 0x07, 0x00, 0x20, 0x00, 0x28, 0x02, 0x00, 0x0b, 0x08,
  0x00, 0x20, 0x00, 0xfe, 0x10, 0x02, 0x00, 0x0b,
]);
const ADDRESS = 0x10000000;
const PAGE = 4096;

const memory = new WebAssembly.Memory({ initial: 65536, maximum: 65536, shared: true });
const mmu = createMmu(memory);
if (mmu === null) {
  console.error(`no MMU on this host: ${mmuUnavailable()}`);
  process.exit(1);
}
const instance = new WebAssembly.Instance(new WebAssembly.Module(MODULE), { m: { memory } });
const load = instance.exports["load"] as (address: number) => number;
const atomicLoad = instance.exports["atomicLoad"] as (address: number) => number;

const ACCESSES: Readonly<Record<string, () => unknown>> = {
  "plain Wasm load": () => load(ADDRESS),
  "atomic Wasm load": () => atomicLoad(ADDRESS),
  "JavaScript, Uint8Array": () => new Uint8Array(memory.buffer)[ADDRESS],
  "JavaScript, Atomics.load": () => Atomics.load(new Int32Array(memory.buffer), ADDRESS / 4),
  "system call (fs.writeSync of a view)": () => {
    const { writeSync } = process.getBuiltinModule("node:fs");
    writeSync(1, new Uint8Array(memory.buffer, ADDRESS, 1));
  },
};

const chosen = process.argv[2];
if (chosen !== undefined) {
  mmu.protect(ADDRESS, PAGE, "none");
  try {
    ACCESSES[chosen]!();
    console.log("went through");
  } catch (error) {
    console.log(`catchable ${(error as Error).name}: ${(error as Error).message}`);
  }
  process.exit(0);
}

console.log("An access to a protected page:");
for (const name of Object.keys(ACCESSES)) {
  const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), name], { encoding: "utf8" });
  const outcome = child.signal === null ? child.stdout.trim() : `the process dies of ${child.signal}`;
  console.log(`  ${name.padEnd(38)} ${outcome}`);
}

/** Median over five rounds of the time for one call, printed in microseconds. */
function measure(name: string, calls: number, run: (i: number) => void): void {
  const rounds: number[] = [];
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    for (let i = 0; i < calls; i++) run(i);
    rounds.push(((performance.now() - start) * 1000) / calls);
  }
  rounds.sort((a, b) => a - b);
  console.log(`  ${name.padEnd(38)} ${rounds[2]!.toFixed(3)} µs`);
}

console.log("\nThe host:");
measure("mprotect, one page, changed each time", 20_000, (i) =>
  mmu.protect(ADDRESS, PAGE, (i & 1) === 0 ? "none" : "read"),
);
measure("mprotect, one page, unchanged", 20_000, () => mmu.protect(ADDRESS, PAGE, "none"));
measure("a trap caught in JavaScript", 5_000, () => {
  try {
    load(ADDRESS);
  } catch {
    // What is measured.
  }
});
mmu.protect(ADDRESS, PAGE, "none");

for (const kind of ["mmu", "software"] as const) {
  const own = kind === "mmu" ? memory : new WebAssembly.Memory({ initial: 65536, maximum: 65536, shared: true });
  const space = new AddressSpace({
    memory: own,
    pageTable: new Uint8Array(PAGE_COUNT),
    protection: kind === "mmu" ? hostProtection(own, mmu) : softwareProtection(own),
    limit: 0x80000000,
    mmapBase: 0x77000000,
    littleEndian: true,
  });
  const request = {
    address: 0,
    length: 16 * PAGE,
    protection: PAGE_READ | PAGE_WRITE,
    fixed: false,
    noReplace: false,
    shared: false,
    backing: null,
    offset: 0,
  };
  const block = space.map(request);
  console.log(`\nAddressSpace, ${kind}:`);
  measure("map and unmap 64 KiB", 5_000, () => space.unmap(space.map(request), 16 * PAGE));
  measure("map, touch, unmap 64 KiB", 2_000, () => {
    const address = space.map(request);
    space.guest.fill(address, 16 * PAGE, 1);
    space.unmap(address, 16 * PAGE);
  });
  measure("protect one page, changed each time", 10_000, (i) =>
    space.protect(block + PAGE, PAGE, (i & 1) === 0 ? 1 : 3),
  );
  measure("readU32", 2_000_000, (i) => space.guest.readU32(block + (i & 255) * 4));
  measure("writeU32", 2_000_000, (i) => space.guest.writeU32(block + (i & 255) * 4, i));
  space.destroy();
}
