/**
 * The hand-written Wasm functions around translated code: the dispatcher's inner loop, the stub that stands where nothing
 * has been translated, the way into the interpreter, and what runs where no code can be fetched or no fuel is left.
 */
import { EXCEPTIONS } from "../cpu/emitter.ts";
import { OPERATORS } from "../cpu/operators.ts";
import { EXIT, EXIT_EXCEPTION, EXIT_YIELD } from "./exits.ts";
import { EXIT_INFO, EXIT_REASON, FUEL, INDIRECT_CACHE_ENTRIES, NEXT_SLOT, PC, STATE_BYTES } from "./layout.ts";
import { Bytes } from "./wasm/bytes.ts";
import { ModuleWriter } from "./wasm/module.ts";
import { VOID, W } from "./wasm/opcodes.ts";

export interface RuntimeExports {
  /** Runs regions from guest address `pc` until one exits. */
  readonly run: (pc: number, depth: number, indirectCache: number) => void;
  readonly stub: (pc: number, depth: number) => number;
  /** Stands for every address that the interpreter runs. */
  readonly interpret: (pc: number, depth: number) => number;
  /** Calls what is in a table slot. */
  readonly enter: (pc: number, depth: number, slot: number) => number;
  readonly fetchFault: (pc: number, depth: number) => number;
  /** Leaves, to go on at `pc` in the next run. */
  readonly pause: (pc: number, depth: number) => number;
}

const { i32 } = OPERATORS;

class Assembler {
  readonly code = new Bytes();
  op(...opcodes: number[]): this {
    for (const opcode of opcodes) this.code.byte(opcode);
    return this;
  }
  const32(n: number): this {
    this.code.byte(W.i32Const);
    this.code.s32(n);
    return this;
  }
  get(local: number): this {
    this.code.byte(W.localGet);
    this.code.u32(local);
    return this;
  }
  set(local: number): this {
    this.code.byte(W.localSet);
    this.code.u32(local);
    return this;
  }
  tee(local: number): this {
    this.code.byte(W.localTee);
    this.code.u32(local);
    return this;
  }
  /** A load or store at `offset` of CPU state, the only memory here. */
  access(opcode: number, offset: number): this {
    this.code.byte(opcode);
    this.code.byte(0);
    this.code.u32(offset);
    return this;
  }
  finish(): Uint8Array {
    this.code.byte(W.end);
    return this.code.view();
  }
}

/** Stores the constant or local at an offset of CPU state. */
function storeLocal(a: Assembler, offset: number, local: number): void {
  a.const32(0).get(local).access(W.i32Store, offset);
}

let compiled: WebAssembly.Module | undefined;

/** The functions, with an engine's imports: its CPU state, its table, its `resolve`. */
export function instantiateRuntime(imports: Record<string, WebAssembly.ImportValue>): RuntimeExports {
  compiled ??= new WebAssembly.Module(runtimeModule());
  return new WebAssembly.Instance(compiled, { e: imports }).exports as unknown as RuntimeExports;
}

function runtimeModule(): Uint8Array<ArrayBuffer> {
  const writer = new ModuleWriter("runtime");
  const regionType = writer.type(["i32", "i32"], ["i32"]);
  const resolve = writer.importFunction("resolve", writer.type(["i32"], ["i32"]));
  const interpretHere = writer.importFunction("interpret", regionType);
  writer.importMemory({ field: "s", pages: STATE_BYTES / 65536, shared: false });
  writer.importTable("t", 1);

  const stub = new Assembler();
  stub.get(0).get(1).get(0).op(W.call);
  stub.code.u32(resolve);
  stub.op(W.returnCallIndirect);
  stub.code.u32(regionType);
  stub.op(0);
  writer.add({ exportName: "stub", typeIndex: regionType, locals: [], code: stub.finish(), tableSlot: null });

  // The interpreter has come to translated code, which goes on in its place; or it is done.
  const SLOT = 2;
  const interpret = new Assembler();
  interpret.get(0).get(1).op(W.call);
  interpret.code.u32(interpretHere);
  interpret.set(0).const32(0).access(W.i32Load, NEXT_SLOT).tee(SLOT).op(W.if, VOID);
  interpret.get(0).get(1).get(SLOT).op(W.returnCallIndirect);
  interpret.code.u32(regionType);
  interpret.op(0, W.end).get(0);
  const code = interpret.finish();
  writer.add({ exportName: "interpret", typeIndex: regionType, locals: ["i32"], code, tableSlot: null });

  const enter = new Assembler();
  enter.get(0).get(1).get(2).op(W.callIndirect);
  enter.code.u32(regionType);
  enter.op(0);
  const enterType = writer.type(["i32", "i32", "i32"], ["i32"]);
  writer.add({ exportName: "enter", typeIndex: enterType, locals: [], code: enter.finish(), tableSlot: null });

  const fault = new Assembler();
  storeLocal(fault, PC, 0);
  storeLocal(fault, EXIT_INFO, 0);
  fault
    .const32(0)
    .const32(EXIT_EXCEPTION + EXCEPTIONS.indexOf("fetch"))
    .access(W.i32Store, EXIT_REASON);
  fault.const32(EXIT);
  writer.add({ exportName: "fetchFault", typeIndex: regionType, locals: [], code: fault.finish(), tableSlot: null });

  const pause = new Assembler();
  storeLocal(pause, PC, 0);
  pause.const32(0).const32(EXIT_YIELD).access(W.i32Store, EXIT_REASON).const32(EXIT);
  writer.add({ exportName: "pause", typeIndex: regionType, locals: [], code: pause.finish(), tableSlot: null });

  const [PC_LOCAL, DEPTH, CACHE, ENTRY, FUEL_LOCAL] = [0, 1, 2, 3, 4];
  const run = new Assembler();
  run.op(W.loop, VOID);
  // One unit of fuel for each region entered from here.
  run
    .const32(0)
    .const32(0)
    .access(W.i32Load, FUEL)
    .const32(1)
    .op(i32.sub.opcode)
    .tee(FUEL_LOCAL)
    .access(W.i32Store, FUEL);
  run.get(FUEL_LOCAL).const32(0).op(i32.ltS.opcode, W.if, VOID);
  storeLocal(run, PC, PC_LOCAL);
  run.const32(0).const32(EXIT_YIELD).access(W.i32Store, EXIT_REASON).op(W.return, W.end);
  run.get(PC_LOCAL).get(DEPTH);
  run
    .get(CACHE)
    .get(PC_LOCAL)
    .const32(1)
    .op(i32.shl.opcode)
    .const32((INDIRECT_CACHE_ENTRIES - 1) << 3)
    .op(i32.and.opcode, i32.add.opcode)
    .tee(ENTRY);
  run.access(W.i32Load, 0).get(PC_LOCAL).op(i32.eq.opcode, W.if, 0x7f);
  run.get(ENTRY).access(W.i32Load, 4).op(W.else).get(PC_LOCAL).op(W.call);
  run.code.u32(resolve);
  run.op(W.end, W.callIndirect);
  run.code.u32(regionType);
  run.op(0).tee(PC_LOCAL).const32(EXIT).op(i32.ne.opcode, W.brIf, 0, W.end);
  writer.add({
    exportName: "run",
    typeIndex: writer.type(["i32", "i32", "i32"], []),
    locals: ["i32", "i32"],
    code: run.finish(),
    tableSlot: null,
  });

  return writer.finish().bytes;
}
