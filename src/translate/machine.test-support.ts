/** A machine with nothing but a CPU, for tests of the engine: its programs are MIPS assembly. */
import { assemble } from "../cpu/mips/assemble.test-support.ts";
import { mipsIsa } from "../cpu/mips/isa.ts";
import { GPR, GPR_NAMES } from "../cpu/mips/registers.ts";
import { CodeFault } from "../cpu/isa.ts";
import { Engine, type Exit } from "./engine.ts";
import { PAGE_TABLE, STATE_BYTES } from "./layout.ts";
import { TranslationCache } from "./translation-cache.ts";

/** In three ways: by the interpreter alone, by translated code alone, and by both in turn. Each with how often code is interpreted. */
export const WAYS = [
  ["interpreted", Number.POSITIVE_INFINITY],
  ["translated", 0],
  ["mixed", 2],
] as const;

/** Where the tests' code lies, and a page of data. */
export const CODE = 0x400000;
export const DATA = 0x500000;
export const ENOUGH = 1_000_000;

/** One for all, because there is only so much address space. */
let memory: WebAssembly.Memory | undefined;

/** Pages are checked in software. */
export class TestMachine {
  readonly engine: Engine;
  readonly bytes: DataView;
  readonly pages: Uint8Array;
  calls = 0;
  onCall: () => boolean = () => false;
  readonly #littleEndian: boolean;

  constructor(littleEndian = true, cache = new TranslationCache()) {
    this.#littleEndian = littleEndian;
    memory ??= new WebAssembly.Memory({ initial: 65536, maximum: 65536, shared: true });
    const state = new WebAssembly.Memory({ initial: STATE_BYTES / 65536, maximum: STATE_BYTES / 65536 });
    this.bytes = new DataView(memory.buffer);
    new Uint8Array(memory.buffer, CODE, 0x4000).fill(0);
    new Uint8Array(memory.buffer, DATA, 0x2000).fill(0);
    this.pages = new Uint8Array(state.buffer, PAGE_TABLE, 1 << 20);
    this.pages.fill(7, CODE >>> 12, (CODE >>> 12) + 4);
    this.pages[DATA >>> 12] = 3;
    this.engine = new Engine({
      isa: mipsIsa({ littleEndian }),
      memory,
      state,
      code: {
        read16: (at) => this.bytes.getUint16(this.#executable(at), littleEndian),
        read32: (at) => this.bytes.getUint32(this.#executable(at), littleEndian),
      },
      softwareChecks: true,
      cache,
      systemCall: () => {
        this.calls++;
        return this.onCall();
      },
    });
  }

  #executable(at: number): number {
    if (((this.pages[at >>> 12] as number) & 4) === 0) throw new CodeFault(at);
    return at;
  }

  load(source: string, at = CODE): void {
    const lines = source.split("\n").map((line) => line.replace(/#.*/, "").trim());
    lines
      .filter(Boolean)
      .forEach((line, i) => this.bytes.setUint32(at + 4 * i, assemble(line, at + 4 * i), this.#littleEndian));
  }

  get(register: string): number {
    return this.engine.view.getInt32(
      (GPR[(GPR_NAMES as readonly string[]).indexOf(register)] as { offset: number }).offset,
      true,
    );
  }
  set(register: string, value: number): void {
    this.engine.view.setInt32(
      (GPR[(GPR_NAMES as readonly string[]).indexOf(register)] as { offset: number }).offset,
      value,
      true,
    );
  }

  /** Loads and runs a program until it leaves by something else than fuel. */
  run(source: string, fuel = ENOUGH): Exit {
    this.load(source);
    this.engine.pc = CODE;
    return this.goOn(fuel);
  }
  goOn(fuel = ENOUGH): Exit {
    for (let slices = 0; slices < 1_000_000; slices++) {
      const exit = this.engine.run(fuel);
      if (exit.reason !== "yield") return exit;
    }
    throw new Error("the program does not end");
  }
}
