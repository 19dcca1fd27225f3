/** What a Linux kernel tells programs of an ARM processor: AT_HWCAP, AT_PLATFORM, uname's machine, /proc/cpuinfo. */
import { FEATURES } from "../cpu/arm/models.ts";
import type { ArmModel, Feature } from "../cpu/arm/models.ts";

/** AT_HWCAP by bit (uapi/asm/hwcap.h), with the names that /proc/cpuinfo has and what of a model they follow from. */
const HWCAP: readonly (readonly [bit: number, name: string, needs: Feature | null])[] = [
  [0, "swp", null],
  [1, "half", null],
  [2, "thumb", null],
  [4, "fastmult", null],
  [6, "vfp", "vfp2"],
  [7, "edsp", "v5te"],
  [12, "neon", "neon"],
  [13, "vfpv3", "vfp3"],
  [15, "tls", "v6k"],
  [16, "vfpv4", "vfp4"],
  [17, "idiva", "divide"],
  [18, "idivt", "divide"],
  [19, "vfpd32", "neon"],
  // Atomic 64-bit accesses: every core with the division instructions has the large address extension too.
  [20, "lpae", "divide"],
];
const HWCAP2: readonly (readonly [bit: number, name: string, needs: Feature])[] = [
  [0, "aes", "crypto"],
  [1, "pmull", "crypto"],
  [2, "sha1", "crypto"],
  [3, "sha2", "crypto"],
  [4, "crc32", "crc32"],
];

interface Identity {
  /** What the kernel calls the architecture: uname's machine and AT_PLATFORM are these with an "l". */
  readonly machine: string;
  readonly platform: string;
  readonly name: string;
  /** The fields of the main identification register, as /proc/cpuinfo has them. */
  readonly architecture: string;
  readonly implementer: number;
  readonly variant: number;
  readonly part: number;
  readonly revision: number;
}

const V7 = { machine: "armv7", platform: "v7", name: "ARMv7 Processor", architecture: "7", implementer: 0x41 } as const;

/** `max` is what no one made: an ARMv7-A core with ARMv8's additions, which a 32-bit kernel calls armv7 too. */
const IDENTITIES: Readonly<Record<ArmModel, Identity>> = {
  arm926: {
    machine: "armv5tej",
    platform: "v5",
    name: "ARM926EJ-S",
    architecture: "5TEJ",
    implementer: 0x41,
    variant: 0,
    part: 0x926,
    revision: 5,
  },
  "cortex-a7": { ...V7, variant: 0, part: 0xc07, revision: 5 },
  "cortex-a9": { ...V7, variant: 4, part: 0xc09, revision: 1 },
  "cortex-a15": { ...V7, variant: 2, part: 0xc0f, revision: 1 },
  max: { ...V7, implementer: 0, variant: 0, part: 0x051, revision: 0 },
};

export interface ArmProcessor {
  readonly hwcap: number;
  readonly hwcap2: number;
  readonly platform: string;
  readonly machine: string;
  readonly cpuinfo: string;
}

export function armProcessor(model: ArmModel): ArmProcessor {
  const features = FEATURES[model];
  const has = ([, , needs]: readonly [number, string, Feature | null]) => needs === null || features.has(needs);
  const [first, second] = [HWCAP.filter(has), HWCAP2.filter(has)];
  const bits = (rows: readonly (readonly [number, ...unknown[]])[]) => rows.reduce((sum, [bit]) => sum | (1 << bit), 0);
  const id = IDENTITIES[model];
  return {
    hwcap: bits(first),
    hwcap2: bits(second),
    platform: `${id.platform}l`,
    machine: `${id.machine}l`,
    cpuinfo: cpuinfo(
      id,
      [...first, ...second].map(([, name]) => name),
    ),
  };
}

/** As Linux prints it (arch/arm/kernel/setup.c). */
function cpuinfo(id: Identity, features: readonly string[]): string {
  const hex = (value: number, digits = 1) => `0x${value.toString(16).padStart(digits, "0")}`;
  const lines = [
    "processor\t: 0",
    `model name\t: ${id.name} rev ${id.revision} (${id.platform}l)`,
    "BogoMIPS\t: 1000.00",
    `Features\t: ${features.join(" ")} `,
    `CPU implementer\t: ${hex(id.implementer, 2)}`,
    `CPU architecture: ${id.architecture}`,
    `CPU variant\t: ${hex(id.variant)}`,
    `CPU part\t: ${hex(id.part, 3)}`,
    `CPU revision\t: ${id.revision}`,
    "",
    "Hardware\t: Generic DT based system",
    "Revision\t: 0000",
    "Serial\t\t: 0000000000000000",
  ];
  return `${lines.join("\n")}\n`;
}
