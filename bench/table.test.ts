import { expect, test } from "vitest";
import type { Measurement, Sample } from "./case.ts";
import { geometricMean, markdown, median } from "./table.ts";

const sample = (wall: number, cpu = wall, peak = 10): Sample => ({ wall, cpu, peak });
const bench = (measurements: readonly Measurement[]) => [{ machine: "m", command: "c", rounds: 1, measurements }];

test("median of odd and even counts", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});

test("geometric mean", () => {
  expect(geometricMean([2, 8])).toBeCloseTo(4);
});

test("a table gives time under babelf by time under qemu, and leaves out what failed", () => {
  const text = markdown(
    bench([
      { class: "integer", name: "fib", target: "mipsel", samples: { babelf: [sample(1, 2)], qemu: [sample(4)] } },
      { class: "integer", name: "crc", target: "mipsel", samples: { babelf: [sample(4)], qemu: [sample(4)] } },
      { class: "integer", name: "sieve", target: "mipsel", samples: { qemu: [sample(3)] }, failure: "babelf: x" },
    ]),
  );
  expect(text).toContain("| fib | 1.00 | 4.00 | 0.25 | 2.00 | 4.00 | 0.50 | 10 | 10 |");
  expect(text).toContain("| sieve | – | 3.00 | – | – | 3.00 | – | – | 10 |");
  expect(text).toContain("| **geometric mean** |  |  | **0.50** |");
  expect(text).toContain("| Integer kernels | mipsel | 3 | **0.50** | 0.71 | crc 1.00 | 1 of 2 |");
  expect(text).toContain("- sieve failed: babelf: x");
});

test("a way that no row has is no column", () => {
  const samples = { babelf: [sample(1)], qemu: [sample(2)], cold: [sample(3)] };
  const text = markdown(bench([{ class: "short", name: "hello", target: "armhf", samples }]));
  expect(text).toContain("| case | babelf | cold | qemu | **babelf ÷ qemu** | cold ÷ qemu |");
});

test("proportion is a table of growth", () => {
  const samples = { babelf: [sample(1)], "babelf×10": [sample(9)], qemu: [sample(2)], "qemu×10": [sample(20)] };
  const text = markdown(bench([{ class: "proportion", name: "lua", target: "armhf", samples }]), "Notes.");
  expect(text).toContain("| lua | 1.00 | 9.00 | 2.00 | 20.00 | 9.00 | 10.00 | 9.00 | 10.00 |");
  expect(text.endsWith("Notes.\n")).toBe(true);
});
