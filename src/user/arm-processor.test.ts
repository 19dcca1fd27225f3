import { describe, expect, test } from "vitest";
import { MODELS } from "../cpu/arm/models.ts";
import { armProcessor } from "./arm-processor.ts";

/** `HWCAP_…` of uapi/asm/hwcap.h. */
const [SWP, HALF, THUMB, FAST_MULT, VFP, EDSP] = [1, 2, 4, 0x10, 0x40, 0x80];
const [NEON, VFPV3, TLS, VFPV4, IDIVA, IDIVT, VFPD32, LPAE] = [12, 13, 15, 16, 17, 18, 19, 20].map((bit) => 1 << bit);
const OLD = SWP | HALF | THUMB | FAST_MULT | VFP | EDSP;

describe("what an ARM program is told of its processor", () => {
  test.each([
    ["arm926", OLD, 0, "v5l", "armv5tejl"],
    ["cortex-a9", OLD | NEON! | VFPV3! | TLS! | VFPD32!, 0, "v7l", "armv7l"],
    ["cortex-a7", OLD | NEON! | VFPV3! | TLS! | VFPD32! | VFPV4! | IDIVA! | IDIVT! | LPAE!, 0, "v7l", "armv7l"],
    ["max", OLD | NEON! | VFPV3! | TLS! | VFPD32! | VFPV4! | IDIVA! | IDIVT! | LPAE!, 0x1f, "v7l", "armv7l"],
  ] as const)("%s", (model, hwcap, hwcap2, platform, machine) => {
    expect(armProcessor(model)).toMatchObject({ hwcap, hwcap2, platform, machine });
  });

  test.each(MODELS)("/proc/cpuinfo of %s lists the same", (model) => {
    const { cpuinfo, hwcap, hwcap2 } = armProcessor(model);
    const features = /^Features\t: (.*) $/m.exec(cpuinfo)?.[1]?.split(" ") ?? [];
    const bits = (word: number) => [...word.toString(2)].filter((bit) => bit === "1").length;
    expect(features).toHaveLength(bits(hwcap) + bits(hwcap2));
    expect(cpuinfo.startsWith("processor\t: 0\nmodel name\t: ")).toBe(true);
  });
});
