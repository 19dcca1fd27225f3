/** All cases, in the order in which they run and are printed. */
import type { Case } from "./case.ts";
import { ballast, kernel, secondRun, system, tenfoldKernel } from "./compiled.ts";
import { GZIP, LOOPS, LUA, PROGRAMS, program, tenfold } from "./programs.ts";

export const CASES: readonly Case[] = [
  kernel("integer", "sieve"),
  kernel("integer", "crc32"),
  kernel("integer", "sha256"),
  kernel("integer", "fib"),
  kernel("integer", "quicksort"),
  kernel("integer", "callbacks"),
  kernel("integer", "switch"),
  kernel("integer", "goto"),
  kernel("integer", "copy"),
  kernel("integer", "records"),
  kernel("float", "matmul"),
  kernel("float", "mandelbrot"),
  kernel("float", "nbody"),
  kernel("float", "vector", { targets: ["armhf"], armFlags: ["-mfpu=neon"] }),
  ...PROGRAMS.filter((one) => one.class === "program").map(program),
  system("short", "hello", { cold: true }),
  system("short", "hello", { cold: true, dynamic: true }),
  secondRun,
  ...PROGRAMS.filter((one) => one.class === "short").map(program),
  system("kernel", "getppid"),
  system("kernel", "read1"),
  system("kernel", "files"),
  system("kernel", "pingpong"),
  system("kernel", "forks"),
  system("kernel", "forkexec", { emulator: true }),
  ...PROGRAMS.filter((one) => one.class === "kernel").map(program),
  tenfoldKernel("sha256"),
  tenfoldKernel("records"),
  tenfold(GZIP),
  tenfold(LUA),
  tenfold(LOOPS),
  ballast,
];
