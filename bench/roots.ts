/**
 * Where whole programs come from: for ports that Debian 12 has, its own packages in a root of their own; for big-endian
 * MIPS, which it has not, programs cross-compiled from Debian's sources.
 */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { cacheFolder, completeFolder, contentKey } from "../conformance/harness/cache.ts";
import { runTool } from "../conformance/harness/child.ts";
import { unpackPackages, unpackSource, withDependencies } from "../conformance/harness/debian.ts";
import { compilerOf, type Target } from "../conformance/harness/target.ts";

/** What apt is asked for; dependencies come along. */
const PACKAGES = [
  "base-files",
  "bash",
  "bzip2",
  "coreutils",
  "dash",
  "findutils",
  "gcc-12",
  "git",
  "gzip",
  "libc6-dev",
  "lua5.4",
  "openssl",
  "perl",
  "python3",
  "sqlite3",
  "xz-utils",
  "zstd",
] as const;
/** Dependencies that no case needs: they would only be fetched. */
const NEVER_NEEDED = new Set(["adduser", "debconf", "passwd", "systemd", "perl-doc"]);

/** Files that Debian's maintainer scripts would have made. */
const SYSTEM_FILES: Readonly<Record<string, string>> = {
  "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
  "etc/group": "root:x:0:\nnogroup:x:65534:\n",
};

/** Where the peer lies in a root, and where it works there. */
export const PEER_FOLDER = ".peer";
export const WORK_FOLDER = "work";

/** Debian's tree for a target, with the peer's static program in it. */
export async function debianRoot(target: Target): Promise<string> {
  const architecture = target.debian;
  if (architecture === undefined) throw new Error(`Debian 12 has no ${target.name} port`);
  const packages = (await withDependencies(architecture, PACKAGES)).filter((name) => !NEVER_NEEDED.has(name));
  const root = await unpackPackages(architecture, `bench-${contentKey(...packages).slice(0, 8)}`, packages);
  for (const [name, text] of Object.entries(SYSTEM_FILES)) writeFileSync(path.join(root, name), text);
  mkdirSync(path.join(root, "tmp"), { recursive: true });
  chmodSync(path.join(root, "tmp"), 0o1777);
  const sink = path.join(root, "dev/null"); // the peer has no /dev of its own; only root can make it as it should be
  if (!existsSync(sink)) {
    if (process.getuid?.() === 0) await runTool("mknod", ["-m", "666", sink, "c", "1", "3"]);
    else writeFileSync(sink, "");
  }
  const peer = path.join(root, PEER_FOLDER, `${target.qemu}-static`);
  if (!existsSync(peer)) {
    const host = (await runTool("dpkg", ["--print-architecture"])).trim();
    const packaged = await unpackPackages(host, "qemu-user-static", ["qemu-user-static"]);
    mkdirSync(path.dirname(peer), { recursive: true });
    copyFileSync(path.join(packaged, "usr/bin", path.basename(peer)), peer);
  }
  return root;
}

/** How each program is built for a target without a Debian port: a shell script in the source tree, with $CC and $HOST. */
const RECIPES: Readonly<
  Record<string, { readonly source: string; readonly product: string; readonly script: string }>
> = {
  gzip: {
    source: "gzip",
    product: "gzip",
    script:
      "./configure -q --host=$HOST CC=$CC CFLAGS=-O2 LDFLAGS=-static && make -s version.h && make -s -C lib && make -s gzip",
  },
  bzip2: {
    source: "bzip2",
    product: "bzip2",
    script: "make -s CC=$CC LDFLAGS=-static bzip2",
  },
  "lua5.4": {
    source: "lua5.4",
    product: "src/lua",
    script: "cd src && rm -f luac.c && $CC -O2 -static -DLUA_USE_POSIX -o lua *.c -lm",
  },
  sqlite3: {
    source: "sqlite3",
    product: "sqlite3",
    script:
      "./configure -q --host=$HOST --disable-tcl --disable-readline --disable-shared CC=$CC BCC=gcc && make -s sqlite3.c shell.c && " +
      "$CC -O2 -static -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION -o sqlite3 shell.c sqlite3.c -lm",
  },
};

export const isCrossBuilt = (name: string) => name in RECIPES;

/** A program of Debian's, built static from Debian's source by the cross compiler. */
export async function crossBuilt(target: Target, name: string): Promise<string> {
  const { source, product, script } = RECIPES[name];
  const tree = path.dirname(await unpackSource(source, "*"));
  const key = contentKey(script).slice(0, 8);
  const folder = await completeFolder(
    path.join(cacheFolder("cross", target.name), `${name}-${key}`),
    async (temporary) => {
      process.stderr.write(`building ${name} for ${target.name}\n`);
      await runTool("cp", ["-a", `${tree}/.`, temporary]);
      await runTool("sh", ["-c", script], {
        cwd: temporary,
        env: { ...(process.env as Record<string, string>), CC: compilerOf(target), HOST: target.triple },
      });
      for (const other of readdirSync(temporary))
        if (other !== product.split("/")[0]) await runTool("rm", ["-rf", path.join(temporary, other)]);
    },
  );
  return path.join(folder, product);
}
