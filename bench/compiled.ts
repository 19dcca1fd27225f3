/** Cases that are C programs of our own: kernels that compute, and programs that make system calls. */
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { build } from "../conformance/harness/build.ts";
import { cacheFolder, contentKey } from "../conformance/harness/cache.ts";
import { runTool } from "../conformance/harness/child.ts";
import type { Target } from "../conformance/harness/target.ts";
import type { Case, Run, Setting, Way } from "./case.ts";

/** One compiler's product must mean the same everywhere: no fused multiply-add on one side only. */
const FLAGS = ["-O2", "-ffp-contract=off", "-fno-math-errno"];
const KERNELS = path.join(import.meta.dirname, "kernels");
const SYSTEM = path.join(import.meta.dirname, "system");
const RUN_WASM = path.join(import.meta.dirname, "run-wasm.mjs");

/** Everything that a source may include. */
const headers = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".h"))
    .map((name) => readFileSync(path.join(folder, name), "utf8"))
    .join("\0");

const compiled = (target: Target | "native", folder: string, sources: readonly string[], flags: readonly string[]) => {
  const files = sources.map((name) => path.join(folder, name));
  const content = files.map((file) => readFileSync(file, "utf8")).join("\0") + headers(folder);
  return build({
    target,
    args: [...FLAGS, ...flags, ...files, ...(folder === SYSTEM ? ["-pthread"] : []), "-lm"],
    cwd: "/",
    content,
  });
};

/** clang's WebAssembly of a kernel, which no translator of machine code can hope to beat by much. */
async function wasm(name: string): Promise<string> {
  const sources = [`${name}.c`, "wasm.c"].map((file) => path.join(KERNELS, file));
  const key = contentKey(...sources.map((file) => readFileSync(file, "utf8")), headers(KERNELS));
  const program = path.join(cacheFolder("programs", "wasm"), `${key}.wasm`);
  const options = ["--target=wasm32", ...FLAGS, "-mbulk-memory", "-msimd128", "-nostdlib"];
  await runTool("clang", [...options, "-Wl,--no-entry", "-Wl,--export=kernel", ...sources, "-o", program]);
  return program;
}

/** Where a run works: in the harness's own folder, a folder for each way. */
const workFolder = (way: string) => path.join(cacheFolder("work"), `bench-${process.pid}-${way}`);

/** Kernels run so many times as long as their own unit: some seconds under the peer, since start-up has cases of its own. */
const KERNEL_TIMES = 4;

interface KernelOptions {
  readonly targets?: readonly string[];
  readonly armFlags?: readonly string[];
}

async function kernelWays(name: string, setting: Setting, scale: number, options: KernelOptions) {
  const sources = [`${name}.c`, "main.c"];
  const flags = ["-static", ...(setting.target.isa === "arm" ? (options.armFlags ?? []) : [])];
  const guest = await compiled(setting.target, KERNELS, sources, flags);
  const scaled = scale === 1 ? [] : [String(scale)];
  const run = (way: string, argv: readonly string[]): Run => ({ argv: [...argv, ...scaled], cwd: workFolder(way) });
  return {
    babelf: run("babelf", [...setting.babelf, guest]),
    qemu: run("qemu", [setting.target.qemu, guest]),
    native: async () => run("native", [await compiled("native", KERNELS, sources, ["-static"])]),
    wasm: async () => run("wasm", [process.execPath, RUN_WASM, await wasm(name)]),
  };
}

export function kernel(kind: "integer" | "float", name: string, options: KernelOptions = {}): Case {
  return {
    class: kind,
    name,
    ...(options.targets ? { targets: options.targets } : {}),
    ways: async (setting) => {
      const { native, wasm, ...ours } = await kernelWays(name, setting, KERNEL_TIMES, options);
      return { ...ours, native: await native(), wasm: await wasm() };
    },
  };
}

/** Does ten times the work take ten times as long? */
export function tenfoldKernel(name: string): Case {
  return {
    class: "proportion",
    name,
    rounds: 1,
    ways: async (setting) => {
      const [one, ten] = [await kernelWays(name, setting, 1, {}), await kernelWays(name, setting, 10, {})];
      return { babelf: one.babelf, "babelf×10": ten.babelf, qemu: one.qemu, "qemu×10": ten.qemu };
    },
  };
}

/** Does a program of 100 MB start as quickly as the same program without the ballast? */
export const ballast: Case = {
  class: "proportion",
  name: "100 MB binary",
  ways: async (setting) => {
    const of = async (flags: readonly string[]) =>
      compiled(setting.target, SYSTEM, ["ballast.c"], ["-static", ...flags]);
    const [small, large] = [await of([]), await of(["-DBALLAST"])];
    const run = (way: string, argv: readonly string[]): Run => ({ argv, cwd: workFolder(way) });
    return {
      babelf: run("babelf", [...setting.babelf, small]),
      "babelf×10": run("babelf", [...setting.babelf, large]),
      qemu: run("qemu", [setting.target.qemu, small]),
      "qemu×10": run("qemu", [setting.target.qemu, large]),
    };
  },
};

/** A program in system/: babelf warm, the peer, native. With `emulator`, its argument is what must run a program that it executes. */
export function system(
  kind: "kernel" | "short",
  name: string,
  options: { emulator?: true; cold?: true; dynamic?: true } = {},
): Case {
  return {
    class: kind,
    name: options.dynamic ? `dynamic ${name}` : name,
    ways: async (setting) => {
      const { target, babelf } = setting;
      const flags = options.dynamic ? [] : ["-static"];
      const guest = await compiled(target, SYSTEM, [`${name}.c`], flags);
      const native = await compiled("native", SYSTEM, [`${name}.c`], flags);
      const sysroot = options.dynamic ? ["-L", `/usr/${target.triple}`] : [];
      const run = (way: string, argv: readonly string[]): Run => ({ argv, cwd: workFolder(way) });
      const emulator = options.emulator ? [await pathOf(target.qemu)] : [];
      const ways: Partial<Record<Way, Run>> = {
        babelf: run("babelf", [...babelf, ...sysroot, guest]),
        ...(options.cold ? { cold: run("cold", [...babelf, "--no-cache", ...sysroot, guest]) } : {}),
        qemu: run("qemu", [target.qemu, ...sysroot, guest, ...emulator]),
        native: run("native", [native]),
        // What of babelf's start is Node's own.
        ...(kind === "short" ? { node: { ...run("node", [process.execPath, "-e", "0"]), incomparable: true } } : {}),
      };
      return ways;
    },
  };
}

const pathOf = async (program: string) => (await runTool("sh", ["-c", `command -v ${program}`])).trim();

/** The library: what a further run in the same process costs. The peer has no such thing; it starts a process. */
export const secondRun: Case = {
  class: "short",
  name: "second run() of hello",
  ways: async ({ target }) => {
    const guest = await compiled(target, SYSTEM, ["hello.c"], ["-static"]);
    const script = path.join(import.meta.dirname, "second-run.mjs");
    return {
      babelf: { argv: [process.execPath, script, guest], cwd: workFolder("babelf"), samples: true },
      qemu: { argv: [target.qemu, guest], cwd: workFolder("qemu") },
    };
  },
};
