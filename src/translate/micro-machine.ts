/** Runs micro-operations (micro-operations.ts), with the interpreter for what they do not have. */
import { EXCEPTIONS, type Exception, type I32 } from "../cpu/emitter.ts";
import type { Instruction, Isa } from "../cpu/isa.ts";
import { asBigint, asNumber, asValue } from "./computing.ts";
import { type Interpreter, type InterpreterOptions, RAISED } from "./interpreter.ts";
import { MAY_READ, MAY_WRITE, PAGE_COUNT, PAGE_SHIFT, PAGE_TABLE } from "./layout.ts";
import type { MicroBlock } from "./micro-blocks.ts";
import { FIRST_TEMPORARY, MICRO, MICRO_WORDS, microWord, placeConstants, placeOfConstant } from "./micro-operations.ts";

/** Half of guest memory. V8 makes poor code of indices that do not fit 32 bits with a sign. */
const HALF = 0x80000000;
const PAGE_MASK = (1 << PAGE_SHIFT) - 1;
/** After so many runs V8 has begun to note what it sees. */
const EXERCISES = 20;

export class MicroMachine {
  readonly #interpreter: Interpreter;
  readonly #littleEndian: boolean;
  readonly #file: Int32Array;
  readonly #pages: Uint8Array;
  readonly #low: Uint8Array;
  readonly #high: Uint8Array;
  readonly #halfwords: Uint16Array;
  readonly #memory: Int32Array;

  constructor(interpreter: Interpreter, { littleEndian, memory, state }: InterpreterOptions) {
    this.#interpreter = interpreter;
    this.#littleEndian = littleEndian;
    this.#file = new Int32Array(state.buffer);
    this.#pages = new Uint8Array(state.buffer, PAGE_TABLE, PAGE_COUNT);
    this.#low = new Uint8Array(memory.buffer, 0, HALF);
    this.#high = new Uint8Array(memory.buffer, HALF);
    this.#halfwords = new Uint16Array(memory.buffer);
    this.#memory = new Int32Array(memory.buffer);
    placeConstants(this.#file);
    this.#exercise();
  }

  /**
   * Runs every operation that needs no process. V8 throws optimised code away when it comes to one that has not run before
   * it was made, which in a long switch happens again and again.
   */
  #exercise(): void {
    const words = new Int32Array(MICRO_WORDS * (MICRO.select + 2));
    const [one, two] = [placeOfConstant(1), placeOfConstant(2)];
    for (let operation = 0; operation <= MICRO.select; operation++)
      words.set([microWord(operation, FIRST_TEMPORARY, two), one | (one << 16)], operation * MICRO_WORDS);
    words.set([MICRO.end, 0], MICRO_WORDS * (MICRO.select + 1));
    for (let n = 0; n < EXERCISES; n++) this.#operate(words, 0);
  }

  /** Runs a block; the interpreter's `ending` and its companions say what came of it. */
  run(isa: Isa, { words, start, instructions }: MicroBlock, mode: number): void {
    const interpreter = this.#interpreter;
    interpreter.ending = "next";
    try {
      let at = start;
      while ((at = this.#operate(words, at)) >= 0) {
        const instruction = instructions?.[words[at + 1] as number] as Instruction;
        interpreter.pc = instruction.pc;
        isa.lift(interpreter, instruction, mode);
        if (interpreter.ending !== "next") return;
        at += MICRO_WORDS;
      }
    } catch (thrown) {
      if (thrown !== RAISED) throw thrown;
    }
  }

  // What is aligned and allowed is done here; the rest, and how it fails, is the interpreter's.

  #may(address: number, permission: number): boolean {
    return ((this.#pages[address >>> PAGE_SHIFT] as number) & permission) !== 0;
  }

  #load8(address: number, pc: number): number {
    if (this.#may(address, MAY_READ))
      return (address >= 0 ? this.#low[address] : this.#high[address & 0x7fffffff]) as number;
    return asNumber(this.#at(pc).load8U(asValue(address)));
  }

  #load16(address: number, pc: number): number {
    if ((address & 1) === 0 && this.#may(address, MAY_READ)) {
      const half = this.#halfwords[address >>> 1] as number;
      return this.#littleEndian ? half : swap16(half);
    }
    return asNumber(this.#at(pc).load16U(asValue(address)));
  }

  #load32(address: number, pc: number): number {
    if ((address & 3) === 0 && this.#may(address, MAY_READ)) {
      const word = this.#memory[address >>> 2] as number;
      return this.#littleEndian ? word : swap32(word);
    }
    return asNumber(this.#at(pc).load32(asValue(address)));
  }

  #store8(address: number, value: number, pc: number): void {
    if (!this.#may(address, MAY_WRITE)) this.#at(pc).store8(asValue(address), asValue(value));
    else if (address >= 0) this.#low[address] = value;
    else this.#high[address & 0x7fffffff] = value;
  }

  #store16(address: number, value: number, pc: number): void {
    if ((address & 1) === 0 && this.#may(address, MAY_WRITE))
      this.#halfwords[address >>> 1] = this.#littleEndian ? value : swap16(value);
    else this.#at(pc).store16(asValue(address), asValue(value));
  }

  #store32(address: number, value: number, pc: number): void {
    if ((address & 3) === 0 && this.#may(address, MAY_WRITE))
      this.#memory[address >>> 2] = this.#littleEndian ? value : swap32(value);
    else this.#at(pc).store32(asValue(address), asValue(value));
  }

  /** Both words are aligned, and in one page. */
  #mayBoth(address: number, permission: number): boolean {
    return (address & 3) === 0 && (address & PAGE_MASK) < PAGE_MASK - 4 && this.#may(address, permission);
  }

  #load64(address: number, to: number, pc: number): void {
    const file = this.#file;
    if (this.#mayBoth(address, MAY_READ)) {
      const at = address >>> 2;
      const [first, second] = [this.#memory[at] as number, this.#memory[at + 1] as number];
      file[to] = this.#littleEndian ? first : swap32(second);
      file[to + 1] = this.#littleEndian ? second : swap32(first);
    } else {
      const bits = asBigint(this.#at(pc).load64(asValue(address)));
      file[to] = Number(BigInt.asIntN(32, bits));
      file[to + 1] = Number(bits >> 32n);
    }
  }

  #store64(address: number, from: number, pc: number): void {
    const [low, high] = [this.#file[from] as number, this.#file[from + 1] as number];
    if (this.#mayBoth(address, MAY_WRITE)) {
      const at = address >>> 2;
      this.#memory[at] = this.#littleEndian ? low : swap32(high);
      this.#memory[at + 1] = this.#littleEndian ? high : swap32(low);
    } else {
      const bits = (BigInt(high) << 32n) | BigInt(low >>> 0);
      this.#at(pc).store64(asValue(address), asValue(bits));
    }
  }

  /** The interpreter, at an instruction. */
  #at(pc: number): Interpreter {
    this.#interpreter.pc = pc >>> 0;
    return this.#interpreter;
  }

  #raise(exception: number, info: number, pc: number): never {
    this.#at(pc).raise(EXCEPTIONS[exception] as Exception, asValue(info));
    throw RAISED;
  }

  /**
   * Runs from `at` on to the end of the block, and returns -1; or to an instruction that the interpreter is to run, and
   * returns where it stands.
   */
  #operate(words: Int32Array, start: number): number {
    const file = this.#file;
    for (let at = start; ; at += MICRO_WORDS) {
      const word = words[at] as number;
      const second = words[at + 1] as number;
      const to = (word >>> 8) & 0xfff;
      const a = word >>> 20;
      const b = second & 0xffff;
      switch (word & 0xff) {
        case 0: // eq
          file[to] = file[a] === file[b] ? 1 : 0;
          break;
        case 1: // ne
          file[to] = file[a] !== file[b] ? 1 : 0;
          break;
        case 2: // ltS
          file[to] = (file[a] as number) < (file[b] as number) ? 1 : 0;
          break;
        case 3: // ltU
          file[to] = (file[a] as number) >>> 0 < (file[b] as number) >>> 0 ? 1 : 0;
          break;
        case 4: // gtS
          file[to] = (file[a] as number) > (file[b] as number) ? 1 : 0;
          break;
        case 5: // gtU
          file[to] = (file[a] as number) >>> 0 > (file[b] as number) >>> 0 ? 1 : 0;
          break;
        case 6: // leS
          file[to] = (file[a] as number) <= (file[b] as number) ? 1 : 0;
          break;
        case 7: // leU
          file[to] = (file[a] as number) >>> 0 <= (file[b] as number) >>> 0 ? 1 : 0;
          break;
        case 8: // geS
          file[to] = (file[a] as number) >= (file[b] as number) ? 1 : 0;
          break;
        case 9: // geU
          file[to] = (file[a] as number) >>> 0 >= (file[b] as number) >>> 0 ? 1 : 0;
          break;
        case 10: // eqz
          file[to] = file[a] === 0 ? 1 : 0;
          break;
        case 11: // clz
          file[to] = Math.clz32(file[a] as number);
          break;
        case 12: // ctz
          file[to] = file[a] === 0 ? 32 : 31 - Math.clz32((file[a] as number) & (~(file[a] as number) + 1));
          break;
        case 13: // popcnt
          file[to] = countBits(file[a] as number);
          break;
        case 14: // add
          file[to] = ((file[a] as number) + (file[b] as number)) | 0;
          break;
        case 15: // sub
          file[to] = ((file[a] as number) - (file[b] as number)) | 0;
          break;
        case 16: // mul
          file[to] = Math.imul(file[a] as number, file[b] as number);
          break;
        case 17: // divS
          file[to] = ((file[a] as number) / (file[b] as number)) | 0;
          break;
        case 18: // divU
          file[to] = (((file[a] as number) >>> 0) / ((file[b] as number) >>> 0)) | 0;
          break;
        case 19: // remS
          file[to] = ((file[a] as number) % (file[b] as number)) | 0;
          break;
        case 20: // remU
          file[to] = (((file[a] as number) >>> 0) % ((file[b] as number) >>> 0)) | 0;
          break;
        case 21: // and
          file[to] = (file[a] as number) & (file[b] as number);
          break;
        case 22: // or
          file[to] = (file[a] as number) | (file[b] as number);
          break;
        case 23: // xor
          file[to] = (file[a] as number) ^ (file[b] as number);
          break;
        case 24: // shl
          file[to] = (file[a] as number) << (file[b] as number);
          break;
        case 25: // shrS
          file[to] = (file[a] as number) >> (file[b] as number);
          break;
        case 26: // shrU
          file[to] = ((file[a] as number) >>> (file[b] as number)) | 0;
          break;
        case 27: // rotl
          file[to] =
            ((file[a] as number) << (file[b] as number)) | ((file[a] as number) >>> (32 - (file[b] as number)));
          break;
        case 28: // rotr
          file[to] =
            ((file[a] as number) >>> (file[b] as number)) | ((file[a] as number) << (32 - (file[b] as number)));
          break;
        case 29: // extend8S
          file[to] = ((file[a] as number) << 24) >> 24;
          break;
        case 30: // extend16S
          file[to] = ((file[a] as number) << 16) >> 16;
          break;
        case 31: // constant
          file[to] = second;
          break;
        case 32: // copy
          file[to] = file[a] as number;
          break;
        case 33: // select
          file[to] = (file[a] !== 0 ? file[b] : file[second >>> 16]) as number;
          break;
        case 34: // load8U
          file[to] = this.#load8(file[a] as number, second);
          break;
        case 35: // load8S
          file[to] = (this.#load8(file[a] as number, second) << 24) >> 24;
          break;
        case 36: // load16U
          file[to] = this.#load16(file[a] as number, second);
          break;
        case 37: // load16S
          file[to] = (this.#load16(file[a] as number, second) << 16) >> 16;
          break;
        case 38: // load32
          file[to] = this.#load32(file[a] as number, second);
          break;
        case 39: // store8
          this.#store8(file[a] as number, file[to] as number, second);
          break;
        case 40: // store16
          this.#store16(file[a] as number, file[to] as number, second);
          break;
        case 41: // store32
          this.#store32(file[a] as number, file[to] as number, second);
          break;
        case 42: // skipUnless
          if (file[a] === 0) at += second - MICRO_WORDS;
          break;
        case 43: // skip
          at += second - MICRO_WORDS;
          break;
        case 44: // interpret
          return at;
        case 45: // raiseIf
          if (file[a] !== 0) this.#raise(words[at + 2] as number, file[to] as number, second);
          at += MICRO_WORDS;
          break;
        case 46: // raise
          this.#raise(words[at + 2] as number, file[to] as number, second);
        // no break: it has thrown
        case 56: // load64
          this.#load64(file[a] as number, to, second);
          break;
        case 57: // store64
          this.#store64(file[a] as number, to, second);
          break;
        case 58: // copy64
          file[to] = file[a] as number;
          file[to + 1] = file[a + 1] as number;
          break;
        default:
          this.#end(word & 0xff, a, second, words[at + 2] as number);
          return -1;
      }
    }
  }

  /** The operations that end a block, with their operand a and words 1 and 2. */
  #end(operation: number, a: number, second: number, third: number): void {
    const file = this.#file;
    const interpreter = this.#interpreter;
    switch (operation) {
      case 47: // jump
        interpreter.jump(second);
        break;
      case 48: // branch
        interpreter.jump(file[a] !== 0 ? second : third);
        break;
      case 49: // callDirect
        interpreter.callDirect(second, third);
        break;
      case 50: // callIndirect
        this.#at(second).callIndirect(asValue(file[a] as number), third);
        break;
      case 51: // jumpIndirect
        this.#at(second).jumpIndirect(asValue(file[a] as number));
        break;
      case 52: // returnTo
        interpreter.returnTo(asValue(file[a] as number));
        break;
      case 53: // systemCall
        interpreter.systemCall(second);
        break;
      case 54: // leave
        interpreter.leave(asValue<I32>(file[a] as number));
        break;
    }
  }
}

function countBits(n: number): number {
  let count = 0;
  for (let rest = n; rest !== 0; rest &= rest - 1) count++;
  return count;
}

const swap16 = (n: number): number => ((n << 8) | ((n >>> 8) & 0xff)) & 0xffff;
const swap32 = (n: number): number => (n << 24) | ((n & 0xff00) << 8) | ((n >>> 8) & 0xff00) | (n >>> 24);
