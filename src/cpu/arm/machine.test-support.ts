/** An ARM processor for tests: decodes and evaluates one instruction (or IT block) at a time, given as encodings. */
import type { Slot } from "../emitter.ts";
import type { EvaluatorOptions, Exit } from "../evaluator.test-support.ts";
import { Evaluator } from "../evaluator.test-support.ts";
import type { CodeReader, Isa } from "../isa.ts";
import { armIsa } from "./isa.ts";
import type { ArmModel } from "./models.ts";
import { GPR, readCpsr, writeCpsr } from "./registers.ts";
import type { ArmInstruction } from "./row.ts";

/** Where the code of `execute` lies. */
export const CODE = 0x8000;

/** Code at an address: A32 words, or Thumb's as halfwords (a T32 instruction is two of them, or one word above 0xffff). */
export function codeAt(at: number, encodings: readonly number[], thumb: boolean): CodeReader {
  const halves = thumb
    ? encodings.flatMap((n) => (n > 0xffff ? [n >>> 16, n & 0xffff] : [n]))
    : encodings.flatMap((n) => [n & 0xffff, n >>> 16]);
  const read16 = (address: number): number => halves[(address - at) / 2] ?? 0;
  return { read16, read32: (address) => (read16(address) | (read16(address + 2) << 16)) >>> 0 };
}

export class TestMachine extends Evaluator {
  readonly isa: Isa<ArmInstruction>;
  /** Where the next instruction is, with the Thumb bit. */
  place = CODE;

  constructor(cpu: ArmModel = "max", memory: Omit<EvaluatorOptions, "littleEndian"> = {}) {
    super({ littleEndian: true, ...memory });
    this.isa = armIsa({ cpu });
  }

  /** Registers by name: `r0` to `r14`, `cpsr`. Unsigned. */
  set registers(values: Readonly<Record<string, number>>) {
    for (const [name, value] of Object.entries(values)) {
      if (name === "cpsr") writeCpsr(this.state, value);
      else this.write(slotOf(name), value | 0);
    }
  }

  register(name: string): number {
    if (name === "cpsr") return readCpsr(this.state, 0);
    return (this.read(slotOf(name)) as number) >>> 0;
  }

  decode(encodings: readonly number[], thumb = false): ArmInstruction {
    return this.isa.decode(codeAt(CODE, encodings, thumb), CODE | Number(thumb), this.isa.mode(this.state));
  }

  /** Runs one instruction of the code at `CODE`, the one at `place`. */
  step(code: CodeReader): Exit {
    const mode = this.isa.mode(this.state);
    const instruction = this.isa.decode(code, this.place, mode);
    const exit = this.run(() => this.isa.lift(this, instruction, mode));
    // isa.ts: "Emits the end of the block exactly if flow.kind is not next"; an exception may come from anywhere.
    if (exit.kind !== "exception" && (exit.kind === "next") !== (instruction.flow.kind === "next")) {
      throw new Error(`flow ${instruction.flow.kind} ended with ${exit.kind}: ${this.isa.disassemble(instruction)}`);
    }
    if (exit.kind === "next") this.place = (this.place + instruction.size) >>> 0;
    return exit;
  }

  /** Runs the first instruction of `encodings`. */
  execute(encodings: readonly number[], thumb = false): Exit {
    this.place = CODE | Number(thumb);
    return this.step(codeAt(CODE, encodings, thumb));
  }
}

function slotOf(name: string): Slot<"i32"> {
  const slot = GPR[Number(name.slice(1))];
  if (slot === undefined) throw new Error(`no register ${name}`);
  return slot;
}
