import { expect, test } from "vitest";
import { geometricMean, markdown, median } from "./table.ts";

test("median of odd and even counts", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});

test("geometric mean", () => {
  expect(geometricMean([2, 8])).toBeCloseTo(4);
});

test("a table says how often as fast, and leaves out what failed", () => {
  const text = markdown(
    [
      { group: "kernels", program: "fib", target: "mipsel", times: { babelf: [1], qemu: [3], native: [0.5] } },
      { group: "kernels", program: "sieve", target: "mipsel", times: { qemu: [3], native: [0.5] }, failure: "x" },
    ],
    { machine: "m", command: "c", rounds: 1 },
  );
  expect(text).toContain("| fib | 1.000 | 3.000 | 0.500 | 3.00 | 2.00 |");
  expect(text).toContain("| sieve | – | 3.000 | 0.500 | – | – |");
  expect(text).toContain("**3.00** | **2.00**");
});

test("a start is shown beside that of Node", () => {
  const times = { babelf: [0.1], qemu: [0.01], native: [0.001], node: [0.04] };
  const text = markdown([{ group: "system", program: "hello", target: "mipsel", times }], {
    machine: "m",
    command: "c",
    rounds: 1,
  });
  expect(text).toContain("| `node -e 0` | 0.040 | – | – | – | – |");
});
