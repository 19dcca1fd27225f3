/** Compiles guest programs, each once: a result is kept under the hash of all that went into it. */
import { existsSync, renameSync } from "node:fs";
import path from "node:path";
import { cacheFolder, contentKey } from "./cache.ts";
import { runTool } from "./child.ts";
import { compilerOf, type Target } from "./target.ts";

const versions = new Map<string, string>();

/** A compiler's name, version and build, as a part of the key. */
export async function compilerVersion(compiler: string): Promise<string> {
  let version = versions.get(compiler);
  if (version === undefined) {
    try {
      version = await runTool(compiler, ["--version"]);
    } catch (error) {
      const reason = (error as Error).message;
      throw new Error(
        reason.endsWith("not installed") ? `${reason}; on Debian: apt-get install ${packageOf(compiler)}` : reason,
      );
    }
    versions.set(compiler, version);
  }
  return version;
}

function packageOf(compiler: string): string {
  const triple = compiler.replace(/-gcc$/, "");
  return `gcc-${triple} libc6-dev-${DEBIAN_CROSS[triple] ?? triple}-cross`;
}
const DEBIAN_CROSS: Readonly<Record<string, string>> = {
  "mipsel-linux-gnu": "mipsel",
  "mips-linux-gnu": "mips",
  "arm-linux-gnueabihf": "armhf",
  "arm-linux-gnueabi": "armel",
};

export interface Build {
  /** "native" is the host's own gcc. */
  readonly target: Target | "native";
  /** Everything on the command line but `-o`. File names are relative to `cwd` or absolute. */
  readonly args: readonly string[];
  readonly cwd: string;
  /** Stands for the content of the sources: a package version, or the text itself. */
  readonly content: string;
}

/** The path of the program. Throws one line with the compiler's first error. */
export async function build(request: Build): Promise<string> {
  const compiler = request.target === "native" ? "gcc" : compilerOf(request.target);
  const key = contentKey(await compilerVersion(compiler), request.content, ...request.args);
  const program = path.join(cacheFolder("programs", key.slice(0, 2)), key);
  if (existsSync(program)) return program;
  const temporary = `${program}.${process.pid}`;
  await runTool(compiler, ["-pipe", ...request.args, "-o", temporary], {
    cwd: request.cwd,
    env: { PATH: process.env.PATH ?? "", LC_ALL: "C" },
  });
  renameSync(temporary, program);
  return program;
}
