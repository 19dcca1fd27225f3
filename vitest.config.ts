import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: [
      "src/**/*.test.ts",
      "test/**/*.test.ts",
      "scripts/**/*.test.ts",
      "conformance/**/*.test.ts",
      "bench/**/*.test.ts",
    ],
    // Wasm traps, page protection and signals belong to a process: one process a test file, never a worker thread.
    pool: "forks",
    testTimeout: 30_000,
  },
});
