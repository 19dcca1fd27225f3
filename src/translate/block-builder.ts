/** The `Emitter` that instruction semantics talk to: builds the blocks of a region as `Node`s and `Effect`s. */
import type { Emitter, Exception, F32, F64, Helper, I32, I64, Slot, Type, V128, Value } from "../cpu/emitter.ts";
import { type AnyOperator, OPERATORS, type Operators } from "../cpu/operators.ts";
import { overlap } from "./containers.ts";
import { fold } from "./fold.ts";
import {
  type Access,
  type Arm,
  type Block,
  CONST,
  type Effect,
  GET,
  Node,
  RESULT,
  SELECT,
  type Terminator,
} from "./ir.ts";
import { W } from "./wasm/opcodes.ts";

const ACCESS = {
  load8U: { opcode: W.i32Load8U, type: "i32", width: 1 },
  load8S: { opcode: W.i32Load8S, type: "i32", width: 1, signed: true },
  load16U: { opcode: W.i32Load16U, type: "i32", width: 2 },
  load16S: { opcode: W.i32Load16S, type: "i32", width: 2, signed: true },
  load32: { opcode: W.i32Load, type: "i32", width: 4 },
  load64: { opcode: W.i64Load, type: "i64", width: 8 },
  loadF32: { opcode: W.f32Load, type: "f32", width: 4 },
  loadF64: { opcode: W.f64Load, type: "f64", width: 8 },
  store8: { opcode: W.i32Store8, type: "i32", width: 1 },
  store16: { opcode: W.i32Store16, type: "i32", width: 2 },
  store32: { opcode: W.i32Store, type: "i32", width: 4 },
  store64: { opcode: W.i64Store, type: "i64", width: 8 },
  storeF32: { opcode: W.f32Store, type: "f32", width: 4 },
  storeF64: { opcode: W.f64Store, type: "f64", width: 8 },
  loadV128: { opcode: W.v128Load, type: "v128", width: 16 },
  storeV128: { opcode: W.v128Store, type: "v128", width: 16 },
} as const satisfies Record<string, Access>;

/** Pages below this address are never mapped (mmap_min_addr), so `address + offset` may be left to Wasm's own addition. */
const FOLDABLE_OFFSET = 0x10000;

/** No slot crosses a 16-byte border, so slots that overlap are in the same cell. */
const cellOf = ({ offset }: Slot): number => offset >> 4;

/** Every value that `cpu/` holds was made here. */
const asNode = (value: Value): Node => value as Node;

const returnPoint = (pc: number): { returnAddress: number; returnKey: number } => ({
  returnAddress: pc >>> 0,
  returnKey: pc >>> 0,
});

interface Known {
  readonly slot: Slot;
  readonly node: Node;
}

type Namespace = keyof typeof OPERATORS;

export class BlockBuilder implements Emitter {
  readonly computes = false;
  readonly i32 = this.#operators("i32");
  readonly i64 = this.#operators("i64");
  readonly f32 = this.#operators("f32");
  readonly f64 = this.#operators("f64");
  readonly v128 = this.#operators("v128");
  readonly i8x16 = this.#operators("i8x16");
  readonly i16x8 = this.#operators("i16x8");
  readonly i32x4 = this.#operators("i32x4");
  readonly i64x2 = this.#operators("i64x2");
  readonly f32x4 = this.#operators("f32x4");
  readonly f64x2 = this.#operators("f64x2");

  /** Blocks that are complete; taken by the region builder. */
  blocks: Block[] = [];
  /** Where the computed jump at an address is likely to go; set by the region builder. */
  candidatesOf: (pc: number) => readonly number[] = () => [];

  #nextId = 0;
  #nextSyntheticKey = -1;
  #key = 0;
  #start = 0;
  #pc = 0;
  #effects: Effect[] = [];
  #ended = true;
  /** What is known to be in the slots, by `cellOf`. */
  #known = new Map<number, Known[]>();

  /** Begins the block at guest address `pc`. */
  begin(key: number, pc = key): void {
    this.#key = key;
    this.#start = pc;
    this.#pc = pc;
    this.#effects = [];
    this.#ended = false;
    this.#known = new Map();
  }

  /** The instruction at `pc` comes next. */
  at(pc: number): void {
    this.#pc = pc;
  }

  get ended(): boolean {
    return this.#ended;
  }

  #end(terminator: Terminator): void {
    if (this.#ended) throw new Error("block ended twice");
    this.#ended = true;
    this.blocks.push({ key: this.#key, pc: this.#start, lastPc: this.#pc, effects: this.#effects, terminator });
  }

  // ── values ──────────────────────────────────────────────────────────────────────────────────────────────────

  #node<T extends Type>(
    op: number,
    type: T,
    a: Node | null = null,
    b: Node | null = null,
    c: Node | null = null,
  ): Node<T> {
    return new Node(this.#nextId++, op, type, a, b, c);
  }

  #operators<N extends Namespace>(namespace: N): Operators[N] {
    const methods: Record<string, unknown> = {};
    for (const [name, row] of Object.entries(OPERATORS[namespace] as Record<string, AnyOperator>)) {
      const { opcode, result } = row;
      if (row.lanes !== undefined || row.shuffle) methods[name] = this.#withImmediates(row);
      else if (row.params.length > 2)
        methods[name] = (a: Node, b: Node, c: Node) => this.#node(opcode, result, a, b, c);
      else
        methods[name] = (a: Node, b?: Node) =>
          fold(opcode, a, b ?? null, (n) => this.const32(n)) ?? this.#node(opcode, result, a, b ?? null);
    }
    return methods as unknown as Operators[N];
  }

  #withImmediates({ opcode, params, result }: AnyOperator): (...operands: readonly unknown[]) => Node {
    const binary = params.length === 2;
    return (a, second, third) => {
      const node = this.#node(opcode, result, a as Node, binary ? (second as Node) : null);
      const immediates = (binary ? third : second) as number | readonly number[];
      node.immediates = typeof immediates === "number" ? [immediates] : immediates;
      return node;
    };
  }

  const32(n: number): Node<"i32"> {
    const node = this.#node(CONST, "i32");
    node.bits = n | 0;
    return node;
  }
  const64(n: bigint): Node<"i64"> {
    const node = this.#node(CONST, "i64");
    node.bits64 = BigInt.asUintN(64, n);
    return node;
  }
  constF32(bits: number): Node<"f32"> {
    const node = this.#node(CONST, "f32");
    node.bits = bits | 0;
    return node;
  }
  constF64(bits: bigint): Node<"f64"> {
    const node = this.#node(CONST, "f64");
    node.bits64 = BigInt.asUintN(64, bits);
    return node;
  }
  constV128(lo: bigint, hi: bigint): Node<"v128"> {
    const node = this.#node(CONST, "v128");
    node.bits64 = BigInt.asUintN(64, lo);
    node.bits64High = BigInt.asUintN(64, hi);
    return node;
  }

  select<T extends Type>(condition: I32, ifTrue: Value<T>, ifFalse: Value<T>): Value<T> {
    const c = condition as Node;
    if (c.op === CONST) return c.bits !== 0 ? ifTrue : ifFalse;
    if (ifTrue === ifFalse) return ifTrue;
    return this.#node(SELECT, ifTrue.type, c, asNode(ifTrue), asNode(ifFalse));
  }

  // ── CPU state ───────────────────────────────────────────────────────────────────────────────────────────────

  get<T extends Type>(slot: Slot<T>): Value<T> {
    if (!slot.cached) {
      const result = this.#node(RESULT, slot.type);
      this.#effects.push({ kind: "readState", slot, result });
      return result;
    }
    for (const known of this.#known.get(cellOf(slot)) ?? []) {
      if (known.slot.offset === slot.offset && known.slot.type === slot.type) return known.node as Node<T>;
    }
    const node = this.#node(GET, slot.type);
    node.slot = slot;
    this.#remember(slot, node);
    return node;
  }

  #remember(slot: Slot, node: Node): void {
    const list = this.#known.get(cellOf(slot));
    if (list) list.push({ slot, node });
    else this.#known.set(cellOf(slot), [{ slot, node }]);
  }

  /** Forgets what overlaps `slot`; returns the nodes that stood for it. */
  #forget(slot: Slot): Node[] {
    const displaced: Node[] = [];
    const list = this.#known.get(cellOf(slot));
    if (!list) return displaced;
    const kept = list.filter((known) => {
      if (!overlap(known.slot, slot)) return true;
      displaced.push(known.node);
      return false;
    });
    this.#known.set(cellOf(slot), kept);
    return displaced;
  }

  set<T extends Type>(slot: Slot<T>, value: Value<T>): void {
    const node = asNode(value);
    if (!slot.cached) {
      this.#effects.push({ kind: "writeState", slot, value: node });
      return;
    }
    const displaced = this.#forget(slot);
    this.#effects.push({ kind: "set", slot, value: node, displaced });
    this.#remember(slot, node);
  }

  // ── guest memory ────────────────────────────────────────────────────────────────────────────────────────────

  #split(address: I32): { base: Node; offset: number } {
    const node = address as Node;
    if (
      node.op === OPERATORS.i32.add.opcode &&
      node.b?.op === CONST &&
      node.b.bits >= 0 &&
      node.b.bits < FOLDABLE_OFFSET
    ) {
      return { base: node.a as Node, offset: node.b.bits };
    }
    return { base: node, offset: 0 };
  }

  #load<T extends Type>(access: Access & { type: T }, address: I32): Node<T> {
    const result = this.#node(RESULT, access.type);
    const { base, offset } = this.#split(address);
    this.#effects.push({ kind: "load", pc: this.#pc, access, address: base, offset, result });
    return result;
  }

  #store(access: Access, address: I32, value: Value): void {
    const { base, offset } = this.#split(address);
    this.#effects.push({ kind: "store", pc: this.#pc, access, address: base, offset, value: value as Node });
  }

  load8U(address: I32): I32 {
    return this.#load(ACCESS.load8U, address);
  }
  load8S(address: I32): I32 {
    return this.#load(ACCESS.load8S, address);
  }
  load16U(address: I32): I32 {
    return this.#load(ACCESS.load16U, address);
  }
  load16S(address: I32): I32 {
    return this.#load(ACCESS.load16S, address);
  }
  load32(address: I32): I32 {
    return this.#load(ACCESS.load32, address);
  }
  load64(address: I32): I64 {
    return this.#load(ACCESS.load64, address);
  }
  loadF32(address: I32): F32 {
    return this.#load(ACCESS.loadF32, address);
  }
  loadF64(address: I32): F64 {
    return this.#load(ACCESS.loadF64, address);
  }
  loadV128(address: I32): V128 {
    return this.#load(ACCESS.loadV128, address);
  }
  store8(address: I32, value: I32): void {
    this.#store(ACCESS.store8, address, value);
  }
  store16(address: I32, value: I32): void {
    this.#store(ACCESS.store16, address, value);
  }
  store32(address: I32, value: I32): void {
    this.#store(ACCESS.store32, address, value);
  }
  store64(address: I32, value: I64): void {
    this.#store(ACCESS.store64, address, value);
  }
  storeF32(address: I32, value: F32): void {
    this.#store(ACCESS.storeF32, address, value);
  }
  storeF64(address: I32, value: F64): void {
    this.#store(ACCESS.storeF64, address, value);
  }
  storeV128(address: I32, value: V128): void {
    this.#store(ACCESS.storeV128, address, value);
  }

  #compareExchange<T extends Type>(
    load: Access & { type: T },
    store: Access,
    address: I32,
    expected: Value,
    replacement: Value,
  ): Node<T> {
    const result = this.#node(RESULT, load.type);
    this.#effects.push({
      kind: "compareExchange",
      pc: this.#pc,
      load,
      store,
      address: address as Node,
      expected: expected as Node,
      replacement: replacement as Node,
      result,
    });
    return result;
  }
  compareExchange8(address: I32, expected: I32, replacement: I32): I32 {
    return this.#compareExchange(ACCESS.load8U, ACCESS.store8, address, expected, replacement);
  }
  compareExchange16(address: I32, expected: I32, replacement: I32): I32 {
    return this.#compareExchange(ACCESS.load16U, ACCESS.store16, address, expected, replacement);
  }
  compareExchange32(address: I32, expected: I32, replacement: I32): I32 {
    return this.#compareExchange(ACCESS.load32, ACCESS.store32, address, expected, replacement);
  }
  compareExchange64(address: I32, expected: I64, replacement: I64): I64 {
    return this.#compareExchange(ACCESS.load64, ACCESS.store64, address, expected, replacement);
  }
  /** One JavaScript thread runs all guest tasks of a process, in program order: nothing to do. */
  fence(): void {}

  // ── choices inside one instruction ──────────────────────────────────────────────────────────────────────────

  /** Builds one arm. What it learns about slots holds only inside; what it sets is unknown afterwards. */
  #arm(build: () => Node | null): Arm {
    const outerEffects = this.#effects;
    const outerKnown = this.#known;
    this.#effects = [];
    this.#known = new Map([...outerKnown].map(([cell, list]) => [cell, list.slice()]));
    const value = build();
    const effects = this.#effects;
    this.#effects = outerEffects;
    this.#known = outerKnown;
    return { effects, value };
  }

  #forgetSetIn(arm: Arm | null): void {
    for (const effect of arm?.effects ?? []) {
      if (effect.kind === "set") this.#forget(effect.slot);
      if (effect.kind === "when") {
        this.#forgetSetIn(effect.then);
        this.#forgetSetIn(effect.otherwise);
      }
    }
  }

  when(condition: I32, then: () => void): void {
    const c = condition as Node;
    if (c.op === CONST) {
      if (c.bits !== 0) then();
      return;
    }
    const firstId = this.#nextId;
    const arm = this.#arm(() => {
      then();
      return null;
    });
    this.#effects.push({ kind: "when", condition: c, then: arm, otherwise: null, result: null, firstId });
    this.#forgetSetIn(arm);
  }

  either<T extends Type>(condition: I32, then: () => Value<T>, otherwise: () => Value<T>): Value<T> {
    const c = condition as Node;
    if (c.op === CONST) return c.bits !== 0 ? then() : otherwise();
    const firstId = this.#nextId;
    const thenArm = this.#arm(() => asNode(then()));
    const otherArm = this.#arm(() => asNode(otherwise()));
    const result = this.#node(RESULT, (thenArm.value as Node<T>).type);
    this.#effects.push({ kind: "when", condition: c, then: thenArm, otherwise: otherArm, result, firstId });
    this.#forgetSetIn(thenArm);
    this.#forgetSetIn(otherArm);
    return result;
  }

  call<R extends Type>(helper: Helper<R>, ...args: Value[]): Value<R> {
    const result = this.#node(RESULT, helper.result);
    this.#effects.push({ kind: "call", helper, args: args as Node[], result });
    return result;
  }

  callVoid(helper: Helper<"none">, ...args: Value[]): void {
    this.#effects.push({ kind: "call", helper, args: args as Node[], result: null });
  }

  // ── leaving ─────────────────────────────────────────────────────────────────────────────────────────────────

  raiseIf(condition: I32, exception: Exception, info?: I32): void {
    const c = condition as Node;
    if (c.op === CONST && c.bits === 0) return;
    this.#effects.push({
      kind: "raiseIf",
      pc: this.#pc,
      condition: c,
      exception,
      info: (info as Node | undefined) ?? null,
      firstId: this.#nextId,
    });
  }

  raise(exception: Exception, info?: I32): void {
    this.#end({ kind: "raise", exception, info: (info as Node | undefined) ?? null });
  }
  jump(target: number): void {
    this.#end({ kind: "jump", target: target >>> 0 });
  }
  branch(condition: I32, taken: number, notTaken: number, onTaken?: () => void): void {
    const c = condition as Node;
    if (c.op === CONST && c.bits === 0) {
      this.jump(notTaken);
      return;
    }
    if (c.op === CONST) {
      onTaken?.();
      if (!this.#ended) this.jump(taken);
      return;
    }
    if (!onTaken) {
      if (taken >>> 0 === notTaken >>> 0) this.jump(taken);
      else this.#end({ kind: "branch", condition: c, taken: taken >>> 0, notTaken: notTaken >>> 0 });
      return;
    }
    const key = this.#nextSyntheticKey--;
    const pc = this.#pc;
    this.#end({ kind: "branch", condition: c, taken: key, notTaken: notTaken >>> 0 });
    this.begin(key, pc);
    onTaken();
    if (!this.#ended) this.jump(taken);
  }
  callDirect(target: number, returnAddress: number): void {
    this.#end({ kind: "call", target: target >>> 0, ...returnPoint(returnAddress) });
  }
  callIndirect(target: I32, returnAddress: number): void {
    const node = target as Node;
    if (node.op === CONST) this.callDirect(node.bits, returnAddress);
    else this.#end({ kind: "callIndirect", target: node, ...returnPoint(returnAddress), copies: [] });
  }
  jumpIndirect(target: I32): void {
    const node = target as Node;
    if (node.op === CONST) this.jump(node.bits);
    else this.#end({ kind: "jumpIndirect", target: node, candidates: this.candidatesOf(this.#pc) });
  }
  returnTo(target: I32): void {
    this.#end({ kind: "return", target: target as Node, expected: null });
  }
  systemCall(next: number): void {
    this.#end({ kind: "systemCall", next: next >>> 0 });
  }
  leave(next: number | I32): void {
    this.#end({ kind: "leave", next: typeof next === "number" ? this.const32(next) : asNode(next) });
  }
}
