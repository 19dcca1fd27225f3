/** One core: an engine with CPU state and translations of its own, on guest memory that all cores share. */
import { parentPort, workerData } from "node:worker_threads";
import { armIsa } from "../../src/cpu/arm/isa.ts";
import { GPR } from "../../src/cpu/arm/registers.ts";
import { Engine } from "../../src/translate/engine.ts";
import { PAGE_TABLE, STATE_BYTES } from "../../src/translate/layout.ts";

export interface Job {
  readonly entry: number;
  readonly stack: number;
  readonly rounds: number;
  readonly what: number;
}

const { memory, thread } = workerData as { memory: WebAssembly.Memory; thread: number };
const state = new WebAssembly.Memory({ initial: STATE_BYTES / 65536, maximum: STATE_BYTES / 65536 });
new Uint8Array(state.buffer, PAGE_TABLE).fill(7);
const view = new DataView(memory.buffer);
const engine = new Engine({
  isa: armIsa({ cpu: "max" }),
  memory,
  state,
  code: { read16: (at) => view.getUint16(at, true), read32: (at) => view.getUint32(at, true) },
  softwareChecks: false,
  systemCall: () => false,
});

parentPort!.on("message", ({ entry, stack, rounds, what }: Job) => {
  const set = (register: number, value: number): void => engine.view.setUint32(GPR[register]!.offset, value, true);
  [thread, rounds, what].forEach((value, n) => set(n, value));
  set(13, stack - thread * 0x10000);
  engine.pc = entry;
  const started = performance.now();
  let exit = engine.run(1_000_000);
  while (exit.reason === "yield") exit = engine.run(1_000_000);
  if (exit.reason !== "left") throw new Error(JSON.stringify(exit));
  parentPort!.postMessage({
    seconds: (performance.now() - started) / 1000,
    result: engine.view.getUint32(GPR[0]!.offset, true),
  });
});
