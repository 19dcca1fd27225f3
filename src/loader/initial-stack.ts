/**
 * The stack of a new program (System V ABI MIPS supplement, "Process stack and registers"), from high to low: a zero
 * word, the program's name, the environment's strings, the arguments' strings; platform names and random bytes; then,
 * aligned to 16 bytes, auxiliary vector, pointers to the environment, pointers to the arguments, argc.
 */
import type { AddressSpace } from "../memory/address-space.ts";
import { LoadError } from "./error.ts";
import type { CString } from "./image.ts";

export interface InitialStack {
  readonly stackPointer: number;
  readonly auxv: readonly (readonly [number, number])[];
  readonly arguments: readonly [number, number];
  readonly environment: readonly [number, number];
}

export interface StackContents {
  readonly top: number;
  readonly size: number;
  readonly execFileName: string;
  readonly argv: readonly CString[];
  readonly envp: readonly CString[];
  /** Sixteen bytes. */
  readonly random: Uint8Array;
  /** Strings that entries of the auxiliary vector point to. */
  readonly platform: { readonly [name: string]: string };
  /** The auxiliary vector, without AT_NULL, given the addresses of `random`, `execFileName` and each platform name. */
  readonly auxv: (at: (name: string) => number) => readonly (readonly [number, number])[];
}

const AT_NULL = 0;
const POINTER = 4;

/** Writes the stack below `top`, where memory is already mapped. Throws `LoadError` (E2BIG). */
export function writeInitialStack(space: AddressSpace, path: string, contents: StackContents): InitialStack {
  const { top, argv, envp } = contents;
  const strings = [...argv, ...envp, contents.execFileName].map(bytesOf);
  const stringBytes = strings.reduce((sum, each) => sum + each.length + 1, POINTER);
  const pointerBytes = (argv.length + envp.length + 3) * POINTER;
  // Linux lets arguments and environment take a quarter of the stack.
  if (stringBytes + pointerBytes > contents.size / 4) {
    throw new LoadError(path, "E2BIG", "arguments and environment are too long for the stack");
  }

  const block = new Uint8Array(stringBytes);
  const stringsAt = top - stringBytes;
  const addresses: number[] = [];
  let at = 0;
  for (const string of strings) {
    addresses.push(stringsAt + at);
    block.set(string, at);
    at += string.length + 1;
  }
  space.poke(stringsAt, block);

  const named = new Map([["execFileName", addresses[addresses.length - 1]!]]);
  let below = stringsAt;
  for (const [name, text] of Object.entries(contents.platform)) {
    const bytes = bytesOf(`${text}\0`);
    below -= bytes.length;
    space.poke(below, bytes);
    named.set(name, below);
  }
  below = ((below - contents.random.length) & ~15) >>> 0;
  space.poke(below, contents.random);
  named.set("random", below);

  const auxv = [...contents.auxv((name) => named.get(name) ?? 0), [AT_NULL, 0] as const];
  const words = [
    argv.length,
    ...addresses.slice(0, argv.length),
    0,
    ...addresses.slice(argv.length, -1),
    0,
    ...auxv.flat(),
  ];
  const stackPointer = ((below - words.length * POINTER) & ~15) >>> 0;
  const table = new DataView(new ArrayBuffer(words.length * POINTER));
  words.forEach((word, i) => table.setUint32(i * POINTER, word, space.littleEndian));
  space.poke(stackPointer, new Uint8Array(table.buffer));

  const environmentAt = addresses[argv.length]!;
  return {
    stackPointer,
    auxv,
    arguments: [stringsAt, environmentAt],
    environment: [environmentAt, addresses[addresses.length - 1]!],
  };
}

/** UTF-8, up to a 0 byte if there is one. */
function bytesOf(string: CString): Uint8Array {
  return typeof string === "string" ? Buffer.from(string) : string;
}
