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

/**
 * An `import` of a built-in module reads all its exports, and with them everything that Node loads lazily: `node:fs` alone
 * costs 15 ms, a third of the start of Node itself. What `getBuiltinModule` returns is read only where it is used.
 */
const lazyBuiltins = {
  name: "lazy-builtins",
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: "builtin", sideEffects: false }));
    build.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
    // elfy loads assert at once, and uses it only where it reads section headers, which babelf never asks of it.
    build.onResolve({ filter: /^assert$/ }, () => ({ path: "assert", namespace: "on-use" }));
    build.onLoad({ filter: /.*/, namespace: "on-use" }, ({ path }) => ({
      contents: `module.exports = new Proxy({}, { get: (_, name) => process.getBuiltinModule("${path}")[name] });`,
    }));
  },
};

/** The command uses the library's file, so that the two together are read once. */
const libraryApart = {
  name: "library-apart",
  setup(build) {
    build.onResolve({ filter: /\/index\.ts$/ }, ({ importer, path }) =>
      importer.endsWith("/cli/run.ts") ? { path: "./index.js", external: true } : undefined,
    );
  },
};

rmSync("dist", { recursive: true, force: true });
// Without splitting: a module that is loaded by import() stays in the file, as a function that runs when it is asked for.
await esbuild.build({
  entryPoints: { cli: "src/cli/main.ts", index: "src/index.ts" },
  outdir: "dist",
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node24",
  // Native code, and what only rare command lines need, stay packages.
  external: ["koffi", "yargs"],
  banner: {
    js: 'const require = process.getBuiltinModule("node:module").createRequire(import.meta.url);',
  },
  plugins: [lazyBuiltins, libraryApart],
  minifyWhitespace: true,
  minifySyntax: true,
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
