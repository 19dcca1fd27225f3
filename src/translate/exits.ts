/** The ways out of a region to the dispatcher: what is left in CPU state for it, and in which order. */
import { EXCEPTIONS, type Exception } from "../cpu/emitter.ts";
import type { FunctionWriter } from "./function-writer.ts";
import type { Node } from "./ir.ts";
import { BUSY_REGION, EXIT_INFO, EXIT_REASON, PC } from "./layout.ts";
import type { RegisterLocals } from "./register-locals.ts";
import type { ValueWriter } from "./value-writer.ts";

/** A region's return value for "look at CPU state"; no guest code lies there. */
export const EXIT = -1;
export const EXIT_YIELD = 1;
export const EXIT_LEFT = 2;
/** Exit reasons from here on are guest exceptions: this plus the index in `EXCEPTIONS`. */
export const EXIT_EXCEPTION = 3;

export class ExitWriter {
  readonly #out: FunctionWriter;
  readonly #registers: RegisterLocals;
  readonly #values: ValueWriter;
  readonly #start: number;

  /** `start`: the guest address at which the region begins. */
  constructor(out: FunctionWriter, registers: RegisterLocals, values: ValueWriter, start: number) {
    this.#start = start;
    this.#out = out;
    this.#registers = registers;
    this.#values = values;
  }

  #exit(reason: number): void {
    this.#out.storeState32(EXIT_REASON, reason);
    this.exitAsSaid();
  }

  /** CPU state says already why. */
  exitAsSaid(): void {
    this.#out.const32(EXIT);
    this.#out.return();
  }

  #exitFor(exception: Exception, pc: number): void {
    this.#out.storeState32(PC, pc);
    this.#exit(EXIT_EXCEPTION + EXCEPTIONS.indexOf(exception));
  }

  /** The instruction at `pc` raises an exception. */
  raise(exception: Exception, info: Node | null, pc: number): void {
    this.#registers.flush();
    this.#out.const32(0);
    if (info) this.#values.value(info);
    else this.#out.const32(0);
    this.#out.storeState("i32", EXIT_INFO);
    this.#exitFor(exception, pc);
  }

  /** The instruction at `pc` may not access the address in `local`. */
  memoryFault(local: number, pc: number): void {
    this.#registers.flush();
    this.#out.storeStateLocal("i32", EXIT_INFO, local);
    this.#exitFor("memory", pc);
  }

  /** The dispatcher goes on at the address that `push` pushes. Registers must have been stored. */
  yieldTo(push: () => void): void {
    this.#out.const32(0);
    push();
    this.#out.storeState("i32", PC);
    this.#out.storeState32(BUSY_REGION, this.#start);
    this.#exit(EXIT_YIELD);
  }
}
