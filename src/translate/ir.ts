/**
 * The intermediate form of one basic block: values (a graph of `Node`s) and, in order, the effects that use them. It is
 * built by `BlockBuilder` (the `Emitter` that instruction semantics talk to) and turned into Wasm by `codegen.ts` and the writers it names.
 */
import type { Exception, Helper, Slot, Type, Value } from "../cpu/emitter.ts";

/** What a node is, where it is not a pure operator (those have their Wasm opcode, which is positive). */
export const CONST = -1;
/** The value that a cached slot had when the node was made. */
export const GET = -2;
/** `a ? b : c`. */
export const SELECT = -3;
/** Made by an effect (load, call, either …), which leaves it in a local. */
export const RESULT = -4;

export class Node<T extends Type = Type> implements Value<T> {
  readonly op: number;
  readonly type: T;
  readonly a: Node | null;
  readonly b: Node | null;
  readonly c: Node | null;
  /** For CONST of type i32 and f32: the bits, as a signed 32-bit number. */
  bits = 0;
  /** For CONST of type i64, f64 and v128 (low half). */
  bits64 = 0n;
  bits64High = 0n;
  /** For GET. */
  slot: Slot | null = null;
  /** For an operator with immediates: a lane's number, or the sixteen of a shuffle. */
  immediates: readonly number[] | null = null;
  /** Grows within a region: a node with a smaller id was made earlier. */
  readonly id: number;
  /** How often the block's code needs the value; counted just before code is made. */
  uses = 0;
  /** How many of those are still to come. */
  remaining = 0;
  /** Visited by the data-flow analysis. */
  seen = false;
  /** The Wasm local that holds the value, or -1. */
  local = -1;

  constructor(id: number, op: number, type: T, a: Node | null = null, b: Node | null = null, c: Node | null = null) {
    this.id = id;
    this.op = op;
    this.type = type;
    this.a = a;
    this.b = b;
    this.c = c;
  }
}

/** A guest memory access: Wasm opcode, type of the value, width in bytes. */
export interface Access {
  readonly opcode: number;
  readonly type: Type;
  readonly width: 1 | 2 | 4 | 8 | 16;
  /** For 16-bit loads. */
  readonly signed?: boolean;
}

export type Effect =
  | {
      readonly kind: "load";
      readonly pc: number;
      readonly access: Access;
      readonly address: Node;
      readonly offset: number;
      readonly result: Node;
    }
  | {
      readonly kind: "store";
      readonly pc: number;
      readonly access: Access;
      readonly address: Node;
      readonly offset: number;
      readonly value: Node;
    }
  | {
      readonly kind: "compareExchange";
      readonly pc: number;
      readonly load: Access;
      readonly store: Access;
      readonly address: Node;
      readonly expected: Node;
      readonly replacement: Node;
      readonly result: Node;
    }
  /** `displaced`: nodes that were in the slot (or stood for it) until now. */
  | { readonly kind: "set"; readonly slot: Slot; readonly value: Node; readonly displaced: readonly Node[] }
  | { readonly kind: "readState"; readonly slot: Slot; readonly result: Node }
  | { readonly kind: "writeState"; readonly slot: Slot; readonly value: Node }
  | { readonly kind: "call"; readonly helper: Helper; readonly args: readonly Node[]; readonly result: Node | null }
  | {
      readonly kind: "when";
      readonly condition: Node;
      readonly then: Arm;
      readonly otherwise: Arm | null;
      readonly result: Node | null;
      /** Nodes with this id or a larger one were made inside the arms. */
      readonly firstId: number;
    }
  | {
      readonly kind: "raiseIf";
      readonly pc: number;
      readonly condition: Node;
      readonly exception: Exception;
      readonly info: Node | null;
      readonly firstId: number;
    };

export interface Arm {
  readonly effects: readonly Effect[];
  readonly value: Node | null;
}

/** Targets are keys of blocks (a guest address is the key of the block there), except where it says address. */
export type Terminator =
  /** `link`: a return in the copy of a function, whose target is known to be in that slot. */
  | { readonly kind: "jump"; readonly target: number; readonly link?: Slot }
  | { readonly kind: "branch"; readonly condition: Node; readonly taken: number; readonly notTaken: number }
  /** `target` and `returnAddress` are addresses; the call goes on in block `returnKey`. */
  | { readonly kind: "call"; readonly target: number; readonly returnAddress: number; readonly returnKey: number }
  /** `copies`: functions, by address, that are in the region for this call, at `key`. */
  | {
      readonly kind: "callIndirect";
      readonly target: Node;
      readonly returnAddress: number;
      readonly returnKey: number;
      readonly copies: readonly { readonly pc: number; readonly key: number }[];
    }
  /** `candidates`: likely targets, ascending. */
  | { readonly kind: "jumpIndirect"; readonly target: Node; readonly candidates: readonly number[] }
  /** `expected`: in the copy of a function, where its call goes on if the target is that address. */
  | {
      readonly kind: "return";
      readonly target: Node;
      readonly expected: { readonly address: number; readonly key: number } | null;
    }
  | { readonly kind: "systemCall"; readonly next: number }
  | { readonly kind: "leave"; readonly next: Node }
  | { readonly kind: "raise"; readonly exception: Exception; readonly info: Node | null };

/**
 * A basic block. Blocks are named by guest PC; the extra block on a branch's taken edge, and those of functions that are
 * copied into a region, get negative numbers.
 */
export interface Block {
  readonly key: number;
  /** The first instruction's address. */
  readonly pc: number;
  /** The last instruction's address: where a `raise` stops. */
  readonly lastPc: number;
  readonly effects: readonly Effect[];
  readonly terminator: Terminator;
}

/** The nodes that an effect uses directly. */
export function operands(effect: Effect): readonly Node[] {
  switch (effect.kind) {
    case "load":
      return [effect.address];
    case "store":
      return [effect.address, effect.value];
    case "compareExchange":
      return [effect.address, effect.expected, effect.replacement];
    case "set":
    case "writeState":
      return [effect.value];
    case "call":
      return effect.args;
    case "when":
      return [effect.condition];
    case "raiseIf":
      return effect.info ? [effect.condition, effect.info] : [effect.condition];
    case "readState":
      return [];
  }
}
