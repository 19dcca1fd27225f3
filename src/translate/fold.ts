/** Constant folding and identities for 32-bit integers: what address arithmetic and register moves are full of. */
import { OPERATORS } from "../cpu/operators.ts";
import { CONST, type Node } from "./ir.ts";

const { i32 } = OPERATORS;

/** Results of operators on two constants; signed 32-bit in and out. */
const BINARY = new Map<number, (a: number, b: number) => number>([
  [i32.add.opcode, (a, b) => (a + b) | 0],
  [i32.sub.opcode, (a, b) => (a - b) | 0],
  [i32.mul.opcode, (a, b) => Math.imul(a, b)],
  [i32.and.opcode, (a, b) => a & b],
  [i32.or.opcode, (a, b) => a | b],
  [i32.xor.opcode, (a, b) => a ^ b],
  [i32.shl.opcode, (a, b) => a << b],
  [i32.shrS.opcode, (a, b) => a >> b],
  [i32.shrU.opcode, (a, b) => (a >>> b) | 0],
  [i32.eq.opcode, (a, b) => Number(a === b)],
  [i32.ne.opcode, (a, b) => Number(a !== b)],
  [i32.ltS.opcode, (a, b) => Number(a < b)],
  [i32.ltU.opcode, (a, b) => Number(a >>> 0 < b >>> 0)],
  [i32.geS.opcode, (a, b) => Number(a >= b)],
  [i32.geU.opcode, (a, b) => Number(a >>> 0 >= b >>> 0)],
  [i32.leS.opcode, (a, b) => Number(a <= b)],
  [i32.gtS.opcode, (a, b) => Number(a > b)],
]);

/** Operators for which a right operand of zero changes nothing. */
const ZERO_IS_NEUTRAL = new Set<number>([
  i32.add.opcode,
  i32.sub.opcode,
  i32.or.opcode,
  i32.xor.opcode,
  i32.shl.opcode,
  i32.shrS.opcode,
  i32.shrU.opcode,
]);

/** A simpler node for `opcode(a, b)`, or null. */
export function fold(opcode: number, a: Node, b: Node | null, constant: (n: number) => Node): Node | null {
  if (b === null) return opcode === i32.eqz.opcode && a.op === CONST ? constant(Number(a.bits === 0)) : null;
  if (b.op === CONST && b.type === "i32") {
    if (a.op === CONST) {
      const compute = BINARY.get(opcode);
      if (compute) return constant(compute(a.bits, b.bits));
    }
    if (b.bits === 0 && ZERO_IS_NEUTRAL.has(opcode)) return a;
    if (b.bits === -1 && opcode === i32.and.opcode) return a;
    return null;
  }
  if (
    a.op === CONST &&
    a.type === "i32" &&
    a.bits === 0 &&
    (opcode === i32.add.opcode || opcode === i32.or.opcode || opcode === i32.xor.opcode)
  ) {
    return b;
  }
  return null;
}
