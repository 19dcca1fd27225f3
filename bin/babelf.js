#!/usr/bin/env node
// The published command. Written so that any Node that knows ES modules can read it and say what is missing.
const NEEDED = 24;

if (Number(process.versions.node.split(".")[0]) >= NEEDED) {
  process.getBuiltinModule("node:module").enableCompileCache();
  await import("../dist/cli.js").catch((error) => {
    if (error.code !== "ERR_MODULE_NOT_FOUND" || !error.url?.endsWith("/dist/cli.js")) throw error;
    console.error("babelf: not built yet; run: npm install");
    process.exitCode = 125;
  });
} else {
  const { existsSync } = await import("node:fs");
  const { fileURLToPath } = await import("node:url");
  // In a clone, npm has put a current Node beside us.
  const suffix = process.platform === "win32" ? ".exe" : "";
  const newer = fileURLToPath(new URL(`../node_modules/node/bin/node${suffix}`, import.meta.url));
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
