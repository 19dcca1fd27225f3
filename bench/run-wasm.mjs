/** `node run-wasm.mjs FILE [SCALE]`: runs a kernel that clang compiled to WebAssembly. */
import { readFileSync } from "node:fs";

const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const { kernel } = new WebAssembly.Instance(module).exports;
console.log(String(kernel(Number(process.argv[3] ?? 1)) >>> 0));
