#!/usr/bin/env node
// The published command. Written so that any Node that knows ES modules can read it and say what is missing.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const NEEDED = 24;
const major = (version) => Number(version.split(".")[0]);

if (major(process.versions.node) >= NEEDED) {
  const bundle = new URL("../dist/cli.js", import.meta.url);
  if (existsSync(bundle)) {
    const { enableCompileCache } = await import("node:module");
    enableCompileCache?.();
    await import(bundle.href);
  } else {
    console.error("babelf: not built yet; run: npm install");
    process.exitCode = 125;
  }
} else {
  // In a clone, npm has put a current Node beside us.
  const windows = process.platform === "win32";
  const newer = fileURLToPath(new URL(`../node_modules/node/bin/node${windows ? ".exe" : ""}`, import.meta.url));
  if (existsSync(newer) && process.env.BABELF_NODE !== newer) {
    const { spawnSync } = await import("node:child_process");
    const { status, signal } = spawnSync(newer, process.argv.slice(1), {
      stdio: "inherit",
      env: { ...process.env, BABELF_NODE: newer },
    });
    if (signal) process.kill(process.pid, signal);
    else process.exitCode = status ?? 125;
  } else {
    console.error(
      `babelf: needs Node.js ${NEEDED} or newer, this is ${process.versions.node}; try: npx -p node@${NEEDED} -p babelf babelf …, or https://nodejs.org`,
    );
    process.exitCode = 125;
  }
}
