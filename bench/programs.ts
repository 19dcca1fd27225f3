/** Cases that are other people's programs: Debian's own packages, or cross-compiled from Debian's sources. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { cacheFolder } from "../conformance/harness/cache.ts";
import type { Case, ClassName, Run, Setting, Way } from "./case.ts";
import * as inputs from "./inputs.ts";
import { crossBuilt, debianRoot, isCrossBuilt, PEER_FOLDER, WORK_FOLDER } from "./roots.ts";

export interface Program {
  readonly class: ClassName;
  readonly name: string;
  /** The program's path in Debian's tree, and its arguments; `peer` is what must run further programs, or nothing. */
  readonly argv: (peer: readonly string[], scale: number, root: Root) => readonly string[];
  /** Puts its input into the working directory. */
  readonly input?: (scale: number) => Promise<(cwd: string) => void>;
  readonly stdin?: (scale: number) => string;
  readonly env?: Readonly<Record<string, string>>;
  readonly makes?: string;
  /** Also without babelf's caches. */
  readonly cold?: true;
}

/** What of a root a command line needs to know. */
export interface Root {
  /** "arm-linux-gnueabihf". */
  readonly triple: string;
}

/** Big-endian MIPS has only what is built for it. */
const DEBIAN = ["armhf", "mipsel", "armel"];

async function waysOf(program: Program, setting: Setting, scale: number): Promise<Partial<Record<Way, Run>>> {
  const { target, babelf } = setting;
  const prepare = await program.input?.(scale);
  const shared = {
    ...(prepare ? { prepare } : {}),
    ...(program.stdin ? { stdin: Buffer.from(program.stdin(scale)) } : {}),
    ...(program.makes ? { makes: program.makes } : {}),
  };
  const env = { PATH: "/usr/bin:/bin", HOME: "/", LC_ALL: "C", ...program.env };
  const variables = Object.entries(env).flatMap(([name, value]) => ["-E", `${name}=${value}`]);
  const folder = (way: string) => path.join(cacheFolder("work"), `bench-${process.pid}-${way}`);
  const [file, ...args] = program.argv([], scale, target);
  if (target.debian === undefined) {
    const guest = await crossBuilt(target, path.basename(file));
    return {
      babelf: { ...shared, argv: [...babelf, ...variables, guest, ...args], cwd: folder("babelf") },
      qemu: { ...shared, argv: [target.qemu, guest, ...args], cwd: folder("qemu"), env },
    };
  }
  const root = await debianRoot(target);
  const peer = `/${PEER_FOLDER}/${target.qemu}-static`;
  const [, ...peerArgs] = program.argv([peer], scale, target);
  const namespace = process.getuid?.() === 0 ? [] : ["--user", "--map-current-user"];
  const work = path.join(WORK_FOLDER, String(process.pid));
  const ours = (way: string, options: readonly string[]): Run => ({
    ...shared,
    argv: [...babelf, ...options, "-L", root, ...variables, "-0", `/${file}`, path.join(root, file), ...args],
    cwd: folder(way),
  });
  return {
    babelf: ours("babelf", []),
    ...(program.cold ? { cold: ours("cold", ["--no-cache"]) } : {}),
    // Locked into the tree, because its own -L leaves some calls to the host's files.
    qemu: {
      ...shared,
      argv: ["unshare", ...namespace, "-R", root, "-w", `/${work}`, peer, "-0", `/${file}`, `/${file}`, ...peerArgs],
      cwd: path.join(root, work),
      env,
    },
  };
}

export function program(one: Program): Case {
  return {
    class: one.class,
    name: one.name,
    targets: isCrossBuilt(one.name) ? [...DEBIAN, "mips"] : DEBIAN,
    ways: (setting) => waysOf(one, setting, 1),
  };
}

/** Does ten times the input take ten times as long? */
export function tenfold(one: Program): Case {
  return {
    class: "proportion",
    name: one.name,
    targets: isCrossBuilt(one.name) ? [...DEBIAN, "mips"] : DEBIAN,
    rounds: 1,
    ways: async (setting) => {
      const [single, ten] = [await waysOf(one, setting, 1), await waysOf(one, setting, 10)];
      return { babelf: single.babelf!, "babelf×10": ten.babelf!, qemu: single.qemu!, "qemu×10": ten.qemu! };
    },
  };
}

const script = (name: string, content: string) => (cwd: string) => writeFileSync(path.join(cwd, name), content);
const both = (a: (cwd: string) => void, b: (cwd: string) => void) => (cwd: string) => (a(cwd), b(cwd));
const MB = 1_000_000;

const compressor = (file: string, options: readonly string[], bytes: number): Program => ({
  class: "program",
  name: path.basename(file),
  argv: () => [file, ...options, "-c", "text"],
  input: async (scale) => inputs.copies({ text: await inputs.text(bytes * scale) }),
});

const pythonScript = (name: string, content: string, scale: number, withText: boolean): Program => ({
  class: "program",
  name: `python3 ${name}`,
  argv: (_, times) => ["usr/bin/python3.11", "script.py", String(scale * times)],
  input: async () => {
    const file = script("script.py", content);
    return withText ? both(file, inputs.copies({ text: await inputs.text(MB / 2) })) : file;
  },
});

export const GZIP = compressor("bin/gzip", ["-n", "-6"], 12 * MB);
export const LOOPS = pythonScript("loops", inputs.PYTHON_LOOPS, 12, false);
export const LUA: Program = {
  class: "program",
  name: "lua5.4",
  argv: (_, scale) => ["usr/bin/lua5.4", "script.lua", String(8 * scale)],
  input: async () => script("script.lua", inputs.LUA),
};

/** The compiler's work: one of Lua's sources, of about 2,000 lines. */
const GCC: Program = {
  class: "short",
  name: "gcc -O2 -c",
  argv: (peer, _, { triple }) => [
    `usr/bin/${triple}-gcc-12`,
    ...(peer.length > 0 ? ["-wrapper", peer.join(",")] : []),
    ..."-O2 -c lvm.c -o lvm.o".split(" "),
  ],
  input: async () => {
    const folder = path.join(await inputs.sourceTree("lua5.4"), "src");
    return (cwd) => execFileSync("sh", ["-c", `cp ${folder}/*.h ${folder}/lvm.c ${cwd}`]);
  },
  makes: "lvm.o",
  cold: true,
};

export const PROGRAMS: readonly Program[] = [
  GZIP,
  compressor("bin/bzip2", ["-9"], 3 * MB),
  compressor("usr/bin/xz", ["-2"], 3 * MB),
  compressor("usr/bin/zstd", ["-q", "-6"], 12 * MB),
  {
    class: "program",
    name: "openssl sha256",
    argv: () => ["usr/bin/openssl", "dgst", "-sha256", "text"],
    input: async () => inputs.copies({ text: await inputs.text(40 * MB) }),
  },
  {
    class: "program",
    name: "openssl aes-256-cbc",
    argv: () => [
      ..."usr/bin/openssl enc -aes-256-cbc -in text -out coded -iv 00112233445566778899aabbccddeeff -K".split(" "),
      "0123456789abcdef".repeat(4),
    ],
    input: async () => inputs.copies({ text: await inputs.text(20 * MB) }),
    makes: "coded",
  },
  {
    // Powers modulo a long number, as RSA's; 2^1279 - 1 is prime.
    class: "program",
    name: "openssl prime",
    argv: () => ["usr/bin/openssl", "prime", "-hex", `7${"F".repeat(319)}`],
  },
  {
    class: "program",
    name: "sqlite3",
    argv: () => ["usr/bin/sqlite3", ":memory:"],
    stdin: (scale) => inputs.SQL(50_000 * scale),
  },
  LUA,
  {
    class: "program",
    name: "perl",
    argv: (_, scale) => ["usr/bin/perl", "script.pl", String(4 * scale)],
    input: async () => both(script("script.pl", inputs.PERL), inputs.copies({ text: await inputs.text(MB / 2) })),
  },
  LOOPS,
  pythonScript("json", inputs.PYTHON_JSON, 12, false),
  pythonScript("regex", inputs.PYTHON_REGEX, 3, true),
  GCC,
  { class: "short", name: "bash -c :", argv: () => ["bin/bash", "-c", ":"], cold: true },
  { class: "short", name: "python3 -c pass", argv: () => ["usr/bin/python3.11", "-c", "pass"], cold: true },
  {
    class: "kernel",
    name: "shell loop of 500 forks",
    argv: () => ["bin/bash", "-c", "for ((i = 0; i < 500; i++)); do (:); done; echo $i"],
  },
  {
    class: "kernel",
    name: "find /usr | xargs echo",
    argv: (peer) => {
      const run = (file: string) => [...peer, file].join(" ");
      const find = `${run("/usr/bin/find")} /usr/bin /usr/lib/python3.11 -type f`;
      const echo = `${run("/usr/bin/xargs")} -n 200 ${run("/bin/echo")}`;
      return ["bin/dash", "-c", `${find} | ${echo} | ${run("/usr/bin/wc")} -w`];
    },
  },
  {
    class: "kernel",
    name: "git status",
    argv: () => ["usr/bin/git", "-c", "safe.directory=*", "status", "--short"],
    input: async () => {
      const repository = gitRepository();
      return (cwd) => execFileSync("cp", ["-r", `${repository}/.`, cwd]);
    },
  },
];

let repository: string | undefined;

/** A thousand files in a hundred folders, all committed, three changed and one new. */
function gitRepository(): string {
  if (repository !== undefined) return repository;
  const folder = path.join(cacheFolder("bench-inputs"), `repository-${process.pid}`);
  for (let i = 0; i < 1000; i++) {
    const parent = path.join(folder, `folder${i % 100}`);
    mkdirSync(parent, { recursive: true });
    writeFileSync(path.join(parent, `file${i}`), `line ${i}\n`.repeat(1 + (i % 200)));
  }
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=bench", "-c", "user.email=bench@localhost", ...args], { cwd: folder });
  git("init", "-q");
  git("add", ".");
  git("commit", "-q", "-m", "all");
  for (const i of [3, 333, 999]) writeFileSync(path.join(folder, `folder${i % 100}`, `file${i}`), "changed\n");
  writeFileSync(path.join(folder, "new"), "new\n");
  process.on("exit", () => execFileSync("rm", ["-rf", folder]));
  return (repository = folder);
}
