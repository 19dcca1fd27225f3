// Builds dist/: one bundled file for the command, one for the library, and the library's type declarations.
// Plain JavaScript, because `npm install` may run it on a Node that does not strip types.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

let esbuild;
try {
  esbuild = await import("esbuild");
} catch {
  console.error("babelf: development dependencies are not installed, so dist/ is not built");
  process.exit(0);
}

rmSync("dist", { recursive: true, force: true });
await esbuild.build({
  entryPoints: { cli: "src/cli/main.ts", index: "src/index.ts" },
  outdir: "dist",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  // Native code, and what only rare command lines need, stay packages; the rest is one read at start-up.
  external: ["koffi", "yargs"],
  banner: {
    js: 'import { createRequire as babelfCreateRequire } from "node:module"; const require = babelfCreateRequire(import.meta.url);',
  },
  sourcemap: true,
  sourcesContent: false,
  legalComments: "linked",
  logLevel: "warning",
});

// Declarations only: types are checked by `npm run check`, so that a type error never keeps anyone from running.
const require = createRequire(import.meta.url);
const tsc = fileURLToPath(new URL("bin/tsc", `file://${require.resolve("typescript/package.json")}`));
const declarations = spawnSync(process.execPath, [tsc, "-p", "tsconfig.types.json"], { stdio: "inherit" });
process.exitCode = declarations.status ?? 1;
