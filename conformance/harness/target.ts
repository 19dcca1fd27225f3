/** The guests under test: which cross compiler builds for them, which program of QEMU runs them, what Debian calls them. */

export interface Target {
  readonly name: string;
  /** GNU triplet, which is also the prefix of the cross tools and the name of their sysroot under /usr. */
  readonly triple: string;
  /** The peer's program. */
  readonly qemu: string;
  /** Debian's architecture name, where the release still has that port. */
  readonly debian?: string;
  readonly littleEndian: boolean;
  /** Which of `random`'s instruction sets it has. */
  readonly isa: "mips" | "arm";
  /** How c-torture builds its tests: the command-line options of each build, as one string. */
  readonly levels: readonly string[];
  /** GCC's effective targets that this target has and others lack (see suites/dejagnu.ts). */
  readonly effective: readonly string[];
}

export const TARGETS: readonly Target[] = [
  {
    name: "mipsel",
    triple: "mipsel-linux-gnu",
    qemu: "qemu-mipsel",
    debian: "mipsel",
    littleEndian: true,
    isa: "mips",
    levels: ["-O0", "-O2"],
    effective: [],
  },
  {
    name: "mips",
    triple: "mips-linux-gnu",
    qemu: "qemu-mips",
    littleEndian: false,
    isa: "mips",
    levels: ["-O0", "-O2"],
    effective: [],
  },
  {
    name: "armhf",
    triple: "arm-linux-gnueabihf",
    qemu: "qemu-arm",
    debian: "armhf",
    littleEndian: true,
    isa: "arm",
    levels: ["-O0", "-O2", "-O3 -marm -mfpu=neon-vfpv4"],
    effective: [],
  },
  {
    name: "armel",
    triple: "arm-linux-gnueabi",
    qemu: "qemu-arm",
    debian: "armel",
    littleEndian: true,
    isa: "arm",
    levels: ["-O2"],
    effective: [],
  },
];

export function targetByName(name: string): Target {
  const target = TARGETS.find((t) => t.name === name);
  if (!target) throw new Error(`no target "${name}"; there are ${TARGETS.map((t) => t.name).join(", ")}`);
  return target;
}

export function compilerOf(target: Target): string {
  return `${target.triple}-gcc`;
}

/** Where Debian's cross libc lies: what `-L` wants for dynamic programs built by the cross compiler. */
export function crossSysroot(target: Target): string {
  return `/usr/${target.triple}`;
}
