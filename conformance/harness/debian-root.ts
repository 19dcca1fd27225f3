/** A root directory of Debian packages for a target, with what their maintainer scripts would have made of it. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { completeFolder, contentKey } from "./cache.ts";
import { unpackPackages, withDependencies } from "./debian.ts";
import { describeEnding } from "./outcome.ts";
import { rootedPeer } from "./rooted-peer.ts";
import type { Target } from "./target.ts";

const SYSTEM_FILES: Readonly<Record<string, string>> = {
  "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
  "etc/group": "root:x:0:\nnogroup:x:65534:\n",
  "etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost\n",
};

/** update-alternatives' links and what stands in for dash, made where the program is there and the name is not. */
const ALTERNATIVES: Readonly<Record<string, string>> = {
  "usr/bin/awk": "mawk",
  "bin/sh": "busybox",
};

const PYTHON = "usr/bin/python3.11";

/** The root of these packages and all that they depend on; made once. */
export async function debianRoot(target: Target, packages: readonly string[]): Promise<string> {
  const architecture = target.debian;
  if (architecture === undefined) throw new Error(`Debian 12 has no ${target.name} port`);
  const all = await withDependencies(architecture, packages);
  const root = await unpackPackages(architecture, `sysroot-${contentKey(...all).slice(0, 8)}`, all);
  for (const [name, text] of Object.entries(SYSTEM_FILES)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  }
  for (const [name, target] of Object.entries(ALTERNATIVES)) {
    const link = path.join(root, name);
    if (!existsSync(link) && existsSync(path.resolve(path.dirname(link), target))) symlinkSync(target, link);
  }
  if (existsSync(path.join(root, PYTHON))) await compilePython(target, root);
  return root;
}

/** Python's library as bytecode, as py3compile leaves it: without, each start compiles what it imports. */
async function compilePython(target: Target, root: string): Promise<void> {
  await completeFolder(path.join(root, ".python-compiled"), async () => {
    process.stderr.write(`compiling Python's library for ${target.name}\n`);
    const peer = await rootedPeer(target, root);
    const outcome = await peer.run({
      program: path.join(root, PYTHON),
      args: ["-m", "compileall", "-q", "-x", "lib2to3|bad_|badsyntax", "/usr/lib/python3.11"],
      cwd: root,
      timeout: 1800,
    });
    if (outcome.ending.kind === "exit") return; // 1: some file is meant not to compile
    throw new Error(`compileall under the peer: ${describeEnding(outcome.ending)}`);
  });
}
