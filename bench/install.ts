/** Installs what the bench needs of Debian's packages on this machine, if it may. */
import { existsSync } from "node:fs";
import { runTool } from "../conformance/harness/child.ts";
import { compilerOf, type Target } from "../conformance/harness/target.ts";

/** A program, and the packages that it comes with. */
type Need = readonly [program: string, packages: readonly string[]];

const ALWAYS: readonly Need[] = [
  ["gcc", ["gcc", "libc6-dev"]],
  ["make", ["make"]],
  ["git", ["git"]],
  ["tclsh", ["tcl"]], // makes SQLite's single source file
  ["clang", ["clang"]],
  ["wasm-ld", ["lld"]],
  ["dpkg-source", ["dpkg-dev"]],
  ["xz", ["xz-utils"]],
];

const CROSS: Readonly<Record<string, string>> = {
  "arm-linux-gnueabihf": "armhf",
  "arm-linux-gnueabi": "armel",
  "mipsel-linux-gnu": "mipsel",
  "mips-linux-gnu": "mips",
};

export async function install(targets: readonly Target[]): Promise<void> {
  const needs: Need[] = [
    ...ALWAYS,
    ...targets.flatMap((target): Need[] => [
      [compilerOf(target), [`gcc-${target.triple}`, `libc6-dev-${CROSS[target.triple]}-cross`]],
      [target.qemu, ["qemu-user"]],
    ]),
  ];
  const missing = needs.filter(([program]) => !isInstalled(program)).flatMap(([, packages]) => packages);
  if (missing.length === 0) return;
  const packages = [...new Set(missing)];
  if (process.getuid?.() !== 0) throw new Error(`missing; on Debian: sudo apt-get install ${packages.join(" ")}`);
  process.stderr.write(`installing ${packages.join(" ")}\n`);
  const env = { ...(process.env as Record<string, string>), DEBIAN_FRONTEND: "noninteractive" };
  await runTool("apt-get", ["update", "-q"], { env });
  await runTool("apt-get", ["install", "-q", "-y", "--no-install-recommends", ...packages], { env });
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? "").split(":").some((folder) => existsSync(`${folder}/${program}`));
}
