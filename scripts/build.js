// Builds dist/: the library as one bundled file, what loads it, the command, and the library's type declarations.
// Plain JavaScript, because `npm install` may run it on a Node that does not strip types.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
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
 * costs 15 ms, a third of the start of Node itself. Of what `getBuiltinModule` returns only the names in use are read.
 */
const lazyBuiltins = {
  name: "lazy-builtins",
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: "builtin", sideEffects: false }));
    build.onLoad({ filter: /.*/, namespace: "builtin" }, async ({ path }) => {
      const names = Object.keys(await import(path)).filter((name) => name !== "default");
      const read = (name) => `/* @__PURE__ */ (() => builtin[${JSON.stringify(name)}])()`;
      const exported = names.map((name) => `const ${name}_ = ${read(name)};\nexport { ${name}_ as ${name} };\n`);
      const builtin = `/* @__PURE__ */ process.getBuiltinModule(${JSON.stringify(path)})`;
      return { contents: `const builtin = ${builtin};\n${exported.join("")}export default builtin;\n` };
    });
    // elfy loads assert at once, and uses it only where it reads section headers, which babelf never asks of it.
    build.onResolve({ filter: /^assert$/ }, () => ({ path: "assert", namespace: "on-use" }));
    build.onLoad({ filter: /.*/, namespace: "on-use" }, ({ path }) => ({
      contents: `module.exports = new Proxy({}, { get: (_, name) => process.getBuiltinModule("${path}")[name] });`,
    }));
  },
};

/** `debug` opens the terminal to see whether it has colours: 10 ms, for nothing unless somebody asked for a log. */
const lazyDebug = {
  name: "lazy-debug",
  setup(build) {
    build.onResolve({ filter: /^debug$/ }, ({ path, namespace }) =>
      namespace === "on-demand" ? { path, external: true } : { path, namespace: "on-demand" },
    );
    build.onLoad({ filter: /.*/, namespace: "on-demand" }, () => ({
      contents: `
        const load = () => require("debug");
        const createDebug = (name) => {
          let logger;
          const get = () => (process.env.DEBUG ? (logger ??= load()(name)) : undefined);
          const debug = (...words) => get()?.(...words);
          return Object.defineProperty(debug, "enabled", { get: () => get()?.enabled ?? false });
        };
        createDebug.enable = (names) => load().enable(names);
        Object.defineProperty(createDebug, "log", { set: (log) => void (load().log = log) });
        module.exports = createDebug;`,
    }));
  },
};

const common = {
  bundle: true,
  platform: "node",
  target: "node24",
  // Native code, and what only rare command lines need, stay packages.
  external: ["koffi", "yargs"],
  plugins: [lazyBuiltins, lazyDebug],
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: true,
  sourcesContent: false,
  legalComments: "linked",
  logLevel: "warning",
};

rmSync("dist", { recursive: true, force: true });
// A script, because V8 keeps code for scripts only (src/start). One file: a module that is loaded by import() stays in
// it, as a function that runs when it is asked for.
await esbuild.build({
  ...common,
  entryPoints: { babelf: "src/index.ts" },
  outdir: "dist",
  outExtension: { ".js": ".cjs" },
  format: "cjs",
  define: { "import.meta.url": "__filename" },
});

const { metafile } = await esbuild.build({
  entryPoints: ["src/index.ts"],
  format: "esm",
  outdir: "dist",
  metafile: true,
  write: false,
});
const [{ exports }] = Object.values(metafile.outputs);
writeFileSync(
  "dist/index.js",
  `import { loadLibrary } from "./library.js";
export const { ${exports.join(", ")} } = (await loadLibrary({ useCache: true })).library;
`,
);

const hash = createHash("sha256").update(readFileSync("dist/babelf.cjs")).digest("hex").slice(0, 16);
await esbuild.build({
  ...common,
  entryPoints: { cli: "src/cli/main.ts", library: "src/start/library.ts" },
  outdir: "dist",
  format: "esm",
  define: { BUNDLE_HASH: JSON.stringify(hash) },
  banner: {
    js: 'const require = process.getBuiltinModule("node:module").createRequire(import.meta.url);',
  },
});

const require = createRequire(import.meta.url);
// Declarations only: types are checked by `npm run check`, so that a type error never keeps anyone from running.
const tsc = fileURLToPath(new URL("bin/tsc", `file://${require.resolve("typescript/package.json")}`));
const declarations = spawnSync(process.execPath, [tsc, "-p", "tsconfig.types.json"], { stdio: "inherit" });
process.exitCode = declarations.status ?? 1;
