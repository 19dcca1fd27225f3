/** `babelf [options] program [args…]`: runs a program in the foreground and ends as it ended. */
import { join } from "node:path";
import type { RunOptions } from "../index.ts";
import { loadLibrary } from "../start/library.ts";
import { cacheFolder } from "../host/cache-folder.ts";
import { dieBySignal } from "../host/signals.ts";
import { guestEnvironment } from "./environment.ts";
import { openLog, showLogItems } from "./log.ts";
import { type CommandLine, UsageError } from "./parse.ts";
import { parseMount, parseOverlay } from "./mount.ts";
import { parseCount, parseSize, parseTime, parseUser } from "./quantity.ts";

export async function runCommand({ given, program }: CommandLine): Promise<void> {
  const { library, keepCode, version } = await loadLibrary({ useCache: !given.has("no-cache") });
  const { CPU_MODELS, run } = library;
  const one = (name: Parameters<typeof given.get>[0]): string | undefined => given.get(name)?.[0];
  const all = (name: Parameters<typeof given.get>[0]): readonly string[] => given.get(name) ?? [];

  const cpu = one("cpu");
  if (cpu === "help" || cpu === "?") return listCpus(CPU_MODELS);
  if (cpu !== undefined && !(cpu in CPU_MODELS)) {
    throw new UsageError(`no such processor: ${cpu}; babelf has ${Object.keys(CPU_MODELS).join(", ")}`);
  }
  if (one("log") === "help") return showLogItems();
  const [path, ...args] = program;
  if (path === undefined)
    throw new UsageError("which program? Write: babelf [options] program [args…]; see babelf --help");

  const rootfs = one("rootfs");
  const everything = given.has("allow-all");
  const names = all("allow-env");
  const log = openLog({ file: one("log-file"), items: one("log"), strace: given.has("strace") });
  const options: RunOptions = {
    program: path,
    args,
    ...defined("argv0", one("argv0")),
    env: guestEnvironment(process.env, {
      all: everything || names.includes(""),
      names,
      set: all("env"),
      unset: all("unset-env"),
      hasHome: rootfs !== undefined,
    }),
    stdio: "inherit",
    ...(rootfs === undefined ? { cwd: process.cwd() } : { rootfs }),
    ...defined("sysroot", one("sysroot")),
    ...defined("overlay", map(one("overlay"), parseOverlay)),
    ...defined("identity", map(one("user"), parseUser)),
    ...defined("start", one("chdir")),
    mounts: all("mount").map(parseMount),
    tmpfs: all("tmpfs"),
    allow: { fsRead: all("allow-fs-read"), fsWrite: all("allow-fs-write"), net: parseNet(given), all: everything },
    limits: {
      ...defined(
        "wallTime",
        map(one("timeout"), (text) => parseTime("timeout", text)),
      ),
      ...defined(
        "cpuTime",
        map(one("cpu-time"), (text) => parseTime("cpu-time", text)),
      ),
      ...defined(
        "memory",
        map(one("memory"), (text) => parseSize("memory", text)),
      ),
      ...defined(
        "output",
        map(one("output"), (text) => parseSize("output", text)),
      ),
      ...defined(
        "openFiles",
        map(one("open-files"), (text) => parseCount("open-files", text)),
      ),
      ...defined(
        "processes",
        map(one("processes"), (text) => parseCount("processes", text)),
      ),
    },
    ...defined(
      "stackSize",
      map(one("stack-size"), (text) => parseSize("stack-size", text)),
    ),
    ...defined("cpu", cpu),
    ...defined("release", one("uname")),
    ...defined(
      "translateAfter",
      map(one("translate-after"), (text) => parseCount("translate-after", text)),
    ),
    ffi: !given.has("no-ffi"),
    forwardSignals: true,
    ...(version === null || log.listsCode ? {} : { keep: { folder: join(cacheFolder(), "translations"), version } }),
    ...(log.strace ? { onSyscall: log.write } : {}),
    onWarning: (line) => process.stderr.write(`babelf: ${line}\n`),
  };
  const result = await run(options).catch((error: unknown) => {
    // An option's value that makes no sense.
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  });
  log.close();
  keepCode();
  if (result.failure !== null) process.stderr.write(`babelf: ${result.failure}\n`);
  if (result.signal !== null) dieBySignal(result.signal, result.signalNumber ?? 0);
  process.exitCode = result.exitCode ?? 0;
}

function listCpus(models: Readonly<Record<string, { readonly description: string }>>): void {
  for (const [name, { description }] of Object.entries(models)) {
    process.stdout.write(`${name.padEnd(11)} ${description}\n`);
  }
}

function map<T>(text: string | undefined, parse: (text: string) => T): T | undefined {
  return text === undefined ? undefined : parse(text);
}

/** `{ [key]: value }`, or nothing where there is no value (exactOptionalPropertyTypes). */
function defined<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]: V });
}

/** `--allow-net` alone is everything. */
function parseNet(given: CommandLine["given"]): boolean | readonly string[] {
  const rules = given.get("allow-net") ?? [];
  return rules.includes("") || rules;
}
