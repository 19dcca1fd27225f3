/** `node second-run.mjs PROGRAM`: what a run costs after others in the same process; the median of ten, as a Sample. */
import { run } from "../dist/index.js";

const program = process.argv[2];
const walls = [];
const cpus = [];
for (let i = 0; i < 13; i++) {
  const start = performance.now();
  const before = process.cpuUsage();
  const { exitCode, stdout } = await run({ program });
  const { user, system } = process.cpuUsage(before);
  if (exitCode !== 0 || Buffer.from(stdout).toString() !== "hello\n")
    throw new Error(`run ${i} ended with ${exitCode}`);
  if (i < 3) continue;
  walls.push((performance.now() - start) / 1000);
  cpus.push((user + system) / 1e6);
}
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
const peak = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify({ wall: median(walls), cpu: median(cpus), peak }));
