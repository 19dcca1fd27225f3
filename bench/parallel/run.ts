/** Do two guest threads run in parallel on two cores? Prints the table of docs/parallel.md. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Worker } from "node:worker_threads";
import { runTool } from "../../conformance/harness/child.ts";
import { median } from "../table.ts";
import type { Job } from "./worker.ts";

const BASE = 0x400000;
const STACK = 0x7fff0000;
const ROUNDS = 5;
const PREFIX = "arm-linux-gnueabihf-";

/** The guest program as it lies in memory from `BASE` on, and where it begins. */
async function build(): Promise<{ image: Uint8Array; entry: number }> {
  const folder = mkdtempSync(path.join(tmpdir(), "babelf-parallel-"));
  const [elf, image] = [path.join(folder, "threads"), path.join(folder, "image")];
  const options = [
    "-O2",
    "-marm",
    "-nostdlib",
    "-static",
    "-Wl,--build-id=none",
    "-Wl,-N",
    `-Wl,-Ttext=0x${BASE.toString(16)}`,
  ];
  await runTool(`${PREFIX}gcc`, [...options, path.join(import.meta.dirname, "threads.c"), "-o", elf]);
  const zeros = ["--set-section-flags", ".bss=alloc,load,contents"];
  await runTool(`${PREFIX}objcopy`, ["-O", "binary", ...zeros, elf, image]);
  const built = { image: Uint8Array.from(readFileSync(image)), entry: readFileSync(elf).readUInt32LE(0x18) };
  rmSync(folder, { recursive: true });
  return built;
}

interface Answer {
  readonly seconds: number;
  readonly result: number;
}

const ask = (worker: Worker, job: Job): Promise<Answer> =>
  new Promise((resolve) => {
    worker.once("message", resolve);
    worker.postMessage(job);
  });

const { image, entry } = await build();
const memory = new WebAssembly.Memory({ initial: 65536, maximum: 65536, shared: true });
const load = (): void => new Uint8Array(memory.buffer).set(image, BASE);
load();
const workers = [0, 1].map((thread) => {
  const url = new URL("worker.ts", import.meta.url);
  return new Worker(url, { workerData: { memory, thread } });
}) as [Worker, Worker];

/** Seconds until all of them are done, and what each has found; the memory is as it was loaded before each round. */
async function measure(threads: readonly Worker[], job: Omit<Job, "entry" | "stack">) {
  const times: number[] = [];
  let results: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    load();
    const answers = await Promise.all(threads.map((worker) => ask(worker, { ...job, entry, stack: STACK })));
    // The first round translates.
    if (round > 0) times.push(Math.max(...answers.map(({ seconds }) => seconds)));
    results = answers.map(({ result }) => result);
  }
  return { seconds: median(times), results };
}

console.log(`Printed by \`node bench/parallel/run.ts\`: seconds until all threads are done, median of ${ROUNDS}.\n`);
console.log("| work of each thread | one thread | two threads | two ÷ one |");
console.log("| --- | ---: | ---: | ---: |");
const row = async (name: string, job: Omit<Job, "entry" | "stack">): Promise<readonly number[]> => {
  const one = await measure([workers[0]], job);
  const two = await measure(workers, job);
  const times = [one.seconds.toFixed(2), two.seconds.toFixed(2), (two.seconds / one.seconds).toFixed(2)];
  console.log(`| ${name} | ${times.join(" | ")} |`);
  return two.results;
};
await row("400,000,000 rounds of arithmetic in a table of its own", { rounds: 400_000_000, what: 0 });
const COUNTS = 100_000_000;
const found = Math.max(
  ...(await row("100,000,000 increments of one counter, by ldrex and strex", { rounds: COUNTS, what: 1 })),
);
console.log(`\nThe counter should be at ${2 * COUNTS} after two threads; it was at ${found}.`);
await Promise.all(workers.map((worker) => worker.terminate()));
