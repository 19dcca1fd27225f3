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
  /** Shown in stack traces: how a trap finds its way back to the region. */
  readonly name: string;
  readonly typeIndex: number;
  /** Locals beyond the parameters, in index order. */
  readonly locals: readonly Type[];
  /** Code up to and including the final `end`. */
  readonly code: Uint8Array;
  /** Put into the table at this slot when the module is instantiated; null: not. */
  readonly tableSlot: number | null;
  readonly exportName?: string | undefined;
}

export interface MemoryImport {
  readonly field: string;
  readonly pages: number;
  /** Shared: guest memory, whose pages may be protected. */
  readonly shared: boolean;
}

export class ModuleWriter {
  readonly #types: { params: readonly Type[]; results: readonly Type[] }[] = [];
  readonly #memories: MemoryImport[] = [];
  #table: { field: string; minimum: number } | null = null;
  readonly #functionImports: { field: string; typeIndex: number }[] = [];
  readonly #bodies: FunctionBody[] = [];

  type(params: readonly Type[], results: readonly Type[]): number {
    const key = `${params}>${results}`;
    const found = this.#types.findIndex((t) => `${t.params}>${t.results}` === key);
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

  add(body: FunctionBody): number {
    return this.#functionImports.length + this.#bodies.push(body) - 1;
  }

  /** The module, and for each body the offset in the module of its first code byte. */
  finish(): { bytes: Uint8Array<ArrayBuffer>; codeOffsets: number[] } {
    const out = new Bytes();
    out.fixed32(0x6d736100);
    out.fixed32(1);
    const part = new Bytes();
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
    const exported = this.#bodies.flatMap((body, i) => (body.exportName ? [{ name: body.exportName, index: this.#functionImports.length + i }] : []));
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
    const placed = this.#bodies.flatMap((body, i) => (body.tableSlot === null ? [] : [{ slot: body.tableSlot, index: this.#functionImports.length + i }]));
    if (placed.length > 0) {
      section(SECTION.element, () => {
        part.u32(placed.length);
        for (const { slot, index } of placed) {
          part.byte(0x00);
          part.byte(0x41);
          part.s32(slot);
          part.byte(0x0b);
          part.u32(1);
          part.u32(index);
        }
      });
    }
    const heads = this.#bodies.map(({ locals }) => localDeclarations(locals));
    const starts: number[] = [];
    section(SECTION.code, () => {
      part.u32(this.#bodies.length);
      this.#bodies.forEach(({ code }, i) => {
        const head = heads[i] as Uint8Array;
        part.u32(head.length + code.length);
        part.append(head);
        starts.push(part.length);
        part.append(code);
      });
    });
    const base = out.length - part.length;
    section(SECTION.custom, () => {
      part.name("name");
      const names = new Bytes();
      names.u32(this.#bodies.length);
      this.#bodies.forEach(({ name }, i) => {
        names.u32(this.#functionImports.length + i);
        names.name(name);
      });
      part.byte(0x01);
      part.u32(names.length);
      part.append(names.view());
    });
    return { bytes: out.view().slice() as Uint8Array<ArrayBuffer>, codeOffsets: starts.map((start) => base + start) };
  }
}

/** Locals as runs of equal types (core specification 5.5.13). */
function localDeclarations(locals: readonly Type[]): Uint8Array {
  const runs: { type: Type; count: number }[] = [];
  for (const type of locals) {
    const last = runs.at(-1);
    if (last?.type === type) last.count++;
    else runs.push({ type, count: 1 });
  }
  const out = new Bytes();
  out.u32(runs.length);
  for (const { type, count } of runs) {
    out.u32(count);
    out.byte(TYPE_CODES[type]);
  }
  return out.view();
}
