/** Failures that are known, each with its reason. A listed failure that passes is itself reported, so the list stays true. */
import type { ExpectedFailure } from "../harness/report.ts";

export const EXPECTED_FAILURES: readonly ExpectedFailure[] = [
  {
    suite: "c-torture",
    name: "20101011-1",
    side: "peer",
    targets: ["mipsel", "mips"],
    reason: "QEMU 7.2 raises SIGTRAP for teq with code 7, where a kernel raises SIGFPE with FPE_INTDIV",
  },
];
