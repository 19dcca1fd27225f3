/** A MIPS processor for tests: assembles, decodes and evaluates one instruction (with its delay slot) at a time. */
import type { Exit } from "../evaluator.test-support.ts";
import { Evaluator } from "../evaluator.test-support.ts";
import type { Slot } from "../emitter.ts";
import type { CodeReader, Isa } from "../isa.ts";
import { assemble } from "./assemble.test-support.ts";
import { mipsIsa } from "./isa.ts";
import { GPR, GPR_NAMES, HI, LO } from "./registers.ts";
import type { MipsInstruction } from "./row.ts";

/** Register values by o32 name, `hi` or `lo`; unsigned 32-bit numbers. */
export type Registers = Readonly<Record<string, number>>;

function slotOf(name: string): Slot<"i32"> {
  if (name === "hi") return HI;
  if (name === "lo") return LO;
  const n = (GPR_NAMES as readonly string[]).indexOf(name);
  if (n < 0) throw new Error(`no register ${name}`);
  return GPR[n]!;
}

/** Code at one address: words, or assembly, one instruction a line. */
export function codeAt(pc: number, source: string | readonly number[]): CodeReader {
  const lines = typeof source === "string" ? source.split("\n").filter((line) => line.trim() !== "") : [];
  const words = typeof source === "string" ? lines.map((line, n) => assemble(line, pc + 4 * n)) : source;
  return {
    read16: () => {
      throw new Error("MIPS code is read by words");
    },
    read32: (address) => words[(address - pc) / 4] ?? 0,
  };
}

export class TestMachine extends Evaluator {
  readonly isa: Isa<MipsInstruction>;

  constructor(options: { readonly littleEndian: boolean; readonly release?: 1 | 2 } = { littleEndian: true }) {
    super({ littleEndian: options.littleEndian });
    this.isa = mipsIsa(options);
  }

  set registers(values: Registers) {
    for (const [name, value] of Object.entries(values)) this.write(slotOf(name), value | 0);
  }

  register(name: string): number {
    return (this.read(slotOf(name)) as number) >>> 0;
  }

  decode(source: string | readonly number[], pc = 0x400000): MipsInstruction {
    return this.isa.decode(codeAt(pc, source), pc, this.isa.mode(this.state));
  }

  /** Runs the instruction at the start of `source`, with its delay slot. */
  execute(source: string | readonly number[], pc = 0x400000): Exit {
    const instruction = this.decode(source, pc);
    const exit = this.run(() => this.isa.lift(this, instruction, this.isa.mode(this.state)));
    // isa.ts: "Emits the end of the block exactly if flow.kind is not next"; an exception may come from anywhere.
    if (exit.kind !== "exception" && (exit.kind === "next") !== (instruction.flow.kind === "next")) {
      throw new Error(`flow ${instruction.flow.kind} ended with ${exit.kind}: ${this.isa.disassemble(instruction)}`);
    }
    return exit;
  }
}
