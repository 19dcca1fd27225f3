/**
 * Puts a Wasm module together: types, imports, functions, active element segments, a name for each function. Only what
 * translated code needs; see the core specification, chapter 5.
 */
import type { Type } from "../../cpu/operators.ts";
import { Bytes } from "./bytes.ts";

export const TYPE_CODES: { readonly [T in Type]: number } = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };
const FUNCREF = 0x70;

const SECTION = { custom: 0, type: 1, import: 2, function: 3, export: 7, element: 9, code: 10 } as const;

export interface FunctionBody {
  readonly typeIndex: number;
  /** Locals beyond the parameters, in index order. */
  readonly locals: readonly Type[];
  /** Code up to and including the final `end`; copied at once. */
  readonly code: Uint8Array;
  /** Pairs of (offset in `code` of an `if`, 0: hardly ever taken or 1: nearly always), ascending. */
  readonly hints?: ArrayLike<number>;
  /** Offsets in `code` where the function's own index goes, in two bytes. */
  readonly ownIndices?: ArrayLike<number>;
  /** Put into the table at this slot when the module is instantiated; null: not. */
  readonly tableSlot: number | null;
  /** More such places. */
  readonly otherSlots?: readonly number[];
  readonly exportName?: string | undefined;
}

export interface MemoryImport {
  readonly field: string;
  readonly pages: number;
  /** Shared: guest memory, whose pages may be protected. */
  readonly shared: boolean;
}

/** Buffers of writers that are done: large enough already, for the next ones. */
const spare: Bytes[] = [];
/** What `finish` puts together, and the section that it is at. */
const out = new Bytes();
const part = new Bytes();

export class ModuleWriter {
  readonly #name: string;
  readonly #types: { params: readonly Type[]; results: readonly Type[] }[] = [];
  readonly #memories: MemoryImport[] = [];
  #table: { field: string; minimum: number } | null = null;
  readonly #functionImports: { field: string; typeIndex: number }[] = [];
  readonly #bodies: { typeIndex: number; tableSlots: readonly number[]; exportName: string | undefined }[] = [];
  /** The code section's function bodies, and where in it each one's code begins. */
  readonly #code = spare.pop() ?? new Bytes();
  readonly #starts: number[] = [];
  /** By body: branch hints, with offsets from the body's first byte. */
  readonly #hints: { index: number; pairs: number[] }[] = [];

  /** `name` (below 128 characters) is shown in stack traces: how a trap finds its way back to guest code. */
  constructor(name: string) {
    this.#name = name;
  }

  type(params: readonly Type[], results: readonly Type[]): number {
    const same = (a: readonly Type[], b: readonly Type[]): boolean =>
      a.length === b.length && a.every((type, i) => type === b[i]);
    const found = this.#types.findIndex((type) => same(type.params, params) && same(type.results, results));
    return found >= 0 ? found : this.#types.push({ params, results }) - 1;
  }

  importMemory(memory: MemoryImport): number {
    return this.#memories.push(memory) - 1;
  }

  importTable(field: string, minimum: number): void {
    this.#table = { field, minimum };
  }

  /** Import functions before the first `add`: they take the first indices. */
  importFunction(field: string, typeIndex: number): number {
    return this.#functionImports.push({ field, typeIndex }) - 1;
  }

  add({ typeIndex, locals, code, hints, ownIndices, tableSlot, otherSlots = [], exportName }: FunctionBody): number {
    const index = this.#functionImports.length + this.#bodies.length;
    const head = localDeclarations(locals);
    if (hints && hints.length > 0) {
      const pairs = Array.from(hints, (value, i) => (i % 2 === 0 ? value + head.length : value));
      this.#hints.push({ index, pairs });
    }
    this.#code.u32(head.length + code.length);
    this.#code.append(head);
    const start = this.#code.length;
    this.#starts.push(start);
    this.#code.append(code);
    for (const offset of Array.from(ownIndices ?? [])) {
      this.#code.replace(start + offset, (index & 0x7f) | 0x80);
      this.#code.replace(start + offset + 1, index >>> 7);
    }
    const tableSlots = tableSlot === null ? otherSlots : [tableSlot, ...otherSlots];
    this.#bodies.push({ typeIndex, tableSlots, exportName });
    return index;
  }

  /** Functions by table slot, neighbours together. */
  #tableRuns(): { slot: number; functions: number[] }[] {
    const placed = this.#bodies.flatMap((body, i) =>
      body.tableSlots.map((slot) => ({ slot, index: this.#functionImports.length + i })),
    );
    const runs: { slot: number; functions: number[] }[] = [];
    for (const { slot, index } of placed.sort((a, b) => a.slot - b.slot)) {
      const last = runs.at(-1);
      if (last && last.slot + last.functions.length === slot) last.functions.push(index);
      else runs.push({ slot, functions: [index] });
    }
    return runs;
  }

  /** Once, and last. The module, and for each body the offset in the module of its first code byte. */
  finish(): { bytes: Uint8Array<ArrayBuffer>; codeOffsets: number[] } {
    out.clear();
    out.fixed32(0x6d736100);
    out.fixed32(1);
    const section = (id: number, fill: () => void): void => {
      part.clear();
      fill();
      out.byte(id);
      out.u32(part.length);
      out.append(part.view());
    };
    section(SECTION.type, () => {
      part.u32(this.#types.length);
      for (const { params, results } of this.#types) {
        part.byte(0x60);
        part.u32(params.length);
        for (const t of params) part.byte(TYPE_CODES[t]);
        part.u32(results.length);
        for (const t of results) part.byte(TYPE_CODES[t]);
      }
    });
    section(SECTION.import, () => {
      part.u32(this.#memories.length + (this.#table ? 1 : 0) + this.#functionImports.length);
      for (const { field, typeIndex } of this.#functionImports) {
        part.name("e");
        part.name(field);
        part.byte(0x00);
        part.u32(typeIndex);
      }
      for (const { field, pages, shared } of this.#memories) {
        part.name("e");
        part.name(field);
        part.byte(0x02);
        part.byte(shared ? 3 : 1);
        // Below a memory's minimum, V8 takes an access to a constant address for one that cannot fail, and gives it no
        // trap: a protected page there would end the host process. Guest memory promises nothing, at no cost: its
        // guard regions make the check.
        part.u32(shared ? 0 : pages);
        part.u32(pages);
      }
      if (this.#table) {
        part.name("e");
        part.name(this.#table.field);
        part.byte(0x01);
        part.byte(FUNCREF);
        part.byte(0x00);
        part.u32(this.#table.minimum);
      }
    });
    section(SECTION.function, () => {
      part.u32(this.#bodies.length);
      for (const { typeIndex } of this.#bodies) part.u32(typeIndex);
    });
    const exported = this.#bodies.flatMap((body, i) =>
      body.exportName ? [{ name: body.exportName, index: this.#functionImports.length + i }] : [],
    );
    if (exported.length > 0) {
      section(SECTION.export, () => {
        part.u32(exported.length);
        for (const { name, index } of exported) {
          part.name(name);
          part.byte(0x00);
          part.u32(index);
        }
      });
    }
    const runs = this.#tableRuns();
    if (runs.length > 0) {
      section(SECTION.element, () => {
        part.u32(runs.length);
        for (const { slot, functions } of runs) {
          part.byte(0x00);
          part.byte(0x41);
          part.s32(slot);
          part.byte(0x0b);
          part.u32(functions.length);
          for (const index of functions) part.u32(index);
        }
      });
    }
    if (this.#hints.length > 0) {
      // The branch-hinting proposal; engines that do not know it skip it.
      section(SECTION.custom, () => {
        part.name("metadata.code.branch_hint");
        part.u32(this.#hints.length);
        for (const { index, pairs } of this.#hints) {
          part.u32(index);
          part.u32(pairs.length / 2);
          for (let i = 0; i < pairs.length; i += 2) {
            part.u32(pairs[i] as number);
            part.u32(1);
            part.byte(pairs[i + 1] as number);
          }
        }
      });
    }
    section(SECTION.code, () => {
      part.u32(this.#bodies.length);
      part.append(this.#code.view());
    });
    const base = out.length - this.#code.length;
    section(SECTION.custom, () => {
      part.name("name");
      part.byte(0x00);
      part.u32(this.#name.length + 1);
      part.name(this.#name);
    });
    this.#code.clear();
    spare.push(this.#code);
    return {
      bytes: out.view().slice() as Uint8Array<ArrayBuffer>,
      codeOffsets: this.#starts.map((start) => base + start),
    };
  }
}

const declarations = new Bytes();

/** Locals as runs of equal types (core specification 5.5.13); valid until the next call. */
function localDeclarations(locals: readonly Type[]): Uint8Array {
  declarations.clear();
  let runs = 0;
  for (let i = 0; i < locals.length; i++) if (i === 0 || locals[i] !== locals[i - 1]) runs++;
  declarations.u32(runs);
  for (let i = 0; i < locals.length;) {
    const type = locals[i] as Type;
    let end = i + 1;
    while (end < locals.length && locals[end] === type) end++;
    declarations.u32(end - i);
    declarations.byte(TYPE_CODES[type]);
    i = end;
  }
  return declarations.view();
}
