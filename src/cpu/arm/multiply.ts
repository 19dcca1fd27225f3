/** Multiplication and division (ARM DDI 0406C, A4.4.3, A4.4.8; encodings in A5.2.5, A5.2.7, A5.4.4 and A6.3.16, A6.3.17). */
import type { Fields } from "../decode-table.ts";
import type { Emitter, I32, I64 } from "../emitter.ts";
import { setNz, setNz64 } from "./flags.ts";
import { PC, QF, readGpr, writeGpr } from "./registers.ts";
import type { LiftContext } from "./row.ts";
import { twinRows, withoutPc } from "./row.ts";

const { a32, t32, both, row } = twinRows("Multiply and divide");
export const MULTIPLY_A32 = a32;
export const MULTIPLY_T32 = t32;

interface Three {
  readonly d: number;
  readonly n: number;
  readonly m: number;
}
interface Four extends Three {
  readonly a: number;
}
/** RdHi is `d`, RdLo is `l`. */
interface Long extends Three {
  readonly l: number;
}

const signed = (e: Emitter, value: I32): I64 => e.i64.extendI32S(value);
const unsigned = (e: Emitter, value: I32): I64 => e.i64.extendI32U(value);
const low = (e: Emitter, value: I64): I32 => e.i32.wrapI64(value);
const high = (e: Emitter, value: I64): I32 => e.i32.wrapI64(e.i64.shrU(value, e.const64(32n)));
const joined = (e: Emitter, lowHalf: I32, highHalf: I32): I64 =>
  e.i64.or(unsigned(e, lowHalf), e.i64.shl(unsigned(e, highHalf), e.const64(32n)));
/** One half of a register, sign-extended; which 0 is the bottom one. */
const half = (e: Emitter, value: I32, which: number): I32 =>
  which === 0 ? e.i32.extend16S(value) : e.i32.shrS(value, e.const32(16));

/** Q becomes set if `condition` is not zero. */
export function stickQ(e: Emitter, condition: I32): void {
  e.set(QF, e.i32.or(e.get(QF), condition));
}

const operands = (
  e: Emitter,
  context: LiftContext,
  { n, m }: { readonly n: number; readonly m: number },
): [I32, I32] => [readGpr(e, context, n), readGpr(e, context, m)];

// ── 32 bits ───────────────────────────────────────────────────────────────────────────────────────────────────────

const product =
  (combine: (e: Emitter, product: I32, accumulator: I32) => I32) =>
  (e: Emitter, fields: Three & { readonly a?: number; readonly S?: number }, context: LiftContext): void => {
    const [n, m] = operands(e, context, fields);
    const result = combine(e, e.i32.mul(n, m), fields.a === undefined ? e.const32(0) : readGpr(e, context, fields.a));
    writeGpr(e, context, fields.d, result);
    if (fields.S === 1) setNz(e, result);
  };
const noFlags = (fields: Fields): boolean => fields["S"] !== 1;
const PRODUCT = { guarded: noFlags, harmless: true, when: withoutPc } as const;

a32.push(
  row(
    "mul{s}{c}",
    "cccc 0000000 S dddd 0000 mmmm 1001 nnnn",
    "rd, rn, rm",
    product((_e, p) => p),
    PRODUCT,
  ),
  row(
    "mla{s}{c}",
    "cccc 0000001 S dddd aaaa mmmm 1001 nnnn",
    "rd, rn, rm, ra",
    product((e, p, a) => e.i32.add(a, p)),
    PRODUCT,
  ),
);
t32.push(
  row(
    "mul{c}{w}",
    "11111011 0000 nnnn 1111 dddd 0000 mmmm",
    "rd, rn, rm",
    product((_e, p) => p),
    { ...PRODUCT, needs: "v6t2" },
  ),
  row(
    "mla{c}",
    "11111011 0000 nnnn aaaa dddd 0000 mmmm",
    "rd, rn, rm, ra",
    product((e, p, a) => e.i32.add(a, p)),
    { ...PRODUCT, needs: "v6t2" },
  ),
);
both(
  "mls{c}",
  "cccc 00000110 dddd aaaa mmmm 1001 nnnn",
  "11111011 0000 nnnn aaaa dddd 0001 mmmm",
  "rd, rn, rm, ra",
  product((e, p, a) => e.i32.sub(a, p)),
  { ...PRODUCT, needs: "v6t2" },
);

// A quotient that Wasm would trap on: by zero it is 0, and the most negative number by -1 is itself (A8.8.165).
const divides = { needs: "divide", harmless: true, when: withoutPc } as const;
both(
  "sdiv{c}",
  "cccc 01110001 dddd 1111 mmmm 0001 nnnn",
  "11111011 1001 nnnn 1111 dddd 1111 mmmm",
  "rd, rn, rm",
  (e, fields, context) => {
    const [n, m] = operands(e, context, fields);
    const dangerous = e.i32.leU(e.i32.add(m, e.const32(1)), e.const32(1));
    writeGpr(
      e,
      context,
      fields.d,
      e.either(
        dangerous,
        () => e.i32.mul(n, m),
        () => e.i32.divS(n, m),
      ),
    );
  },
  divides,
);
both(
  "udiv{c}",
  "cccc 01110011 dddd 1111 mmmm 0001 nnnn",
  "11111011 1011 nnnn 1111 dddd 1111 mmmm",
  "rd, rn, rm",
  (e, fields, context) => {
    const [n, m] = operands(e, context, fields);
    writeGpr(
      e,
      context,
      fields.d,
      e.either(
        m,
        () => e.i32.divU(n, m),
        () => e.const32(0),
      ),
    );
  },
  divides,
);

// ── 64 bits ───────────────────────────────────────────────────────────────────────────────────────────────────────

type Extend = (e: Emitter, value: I32) => I64;

const long =
  (extend: Extend, accumulate: (e: Emitter, product: I64, low: I32, high: I32) => I64) =>
  (e: Emitter, fields: Long & { readonly S?: number }, context: LiftContext): void => {
    const [n, m] = operands(e, context, fields);
    const product64 = e.i64.mul(extend(e, n), extend(e, m));
    const result = accumulate(e, product64, readGpr(e, context, fields.l), readGpr(e, context, fields.d));
    writeLong(e, fields, context, result);
    if (fields.S === 1) setNz64(e, low(e, result), high(e, result));
  };

function writeLong(
  e: Emitter,
  { l, d }: { readonly l: number; readonly d: number },
  context: LiftContext,
  result: I64,
): void {
  writeGpr(e, context, l, low(e, result));
  writeGpr(e, context, d, high(e, result));
}

const LONG = {
  guarded: noFlags,
  harmless: true,
  when: (fields: Long) => withoutPc(fields as never) && fields.l !== fields.d,
} as const;
const alone = (_e: Emitter, p: I64): I64 => p;
const accumulated = (e: Emitter, p: I64, l: I32, h: I32): I64 => e.i64.add(p, joined(e, l, h));
const twoAccumulated = (e: Emitter, p: I64, l: I32, h: I32): I64 =>
  e.i64.add(e.i64.add(p, unsigned(e, l)), unsigned(e, h));

for (const [name, arm, thumb, extend, accumulate] of [
  ["umull", "0000100", "1010", unsigned, alone],
  ["umlal", "0000101", "1110", unsigned, accumulated],
  ["smull", "0000110", "1000", signed, alone],
  ["smlal", "0000111", "1100", signed, accumulated],
] as const) {
  const lift = long(extend, accumulate);
  a32.push(row(`${name}{s}{c}`, `cccc ${arm} S dddd llll mmmm 1001 nnnn` as "Sdlmn", "rl, rd, rn, rm", lift, LONG));
  t32.push(
    row(`${name}{c}`, `11111011 ${thumb} nnnn llll dddd 0000 mmmm` as "dlmn", "rl, rd, rn, rm", lift, {
      ...LONG,
      needs: "v6t2",
    }),
  );
}
both(
  "umaal{c}",
  "cccc 00000100 dddd llll mmmm 1001 nnnn",
  "11111011 1110 nnnn llll dddd 0110 mmmm",
  "rl, rd, rn, rm",
  long(unsigned, twoAccumulated),
  {
    ...LONG,
    needs: "v6",
  },
);

// ── halfwords (ARMv5TE) ───────────────────────────────────────────────────────────────────────────────────────────

/** `a + b`, with Q set where that overflows. */
function addStickingQ(e: Emitter, a: I32, b: I32): I32 {
  const sum = e.i32.add(a, b);
  stickQ(e, e.i32.shrU(e.i32.and(e.i32.xor(a, sum), e.i32.xor(b, sum)), e.const32(31)));
  return sum;
}

const DSP = { needs: "v5te", harmless: true, when: withoutPc } as const;
const PURE_DSP = { ...DSP, guarded: true } as const;

interface Halves {
  readonly x: number;
  readonly y: number;
}
const halfProduct = (
  e: Emitter,
  context: LiftContext,
  fields: { readonly n: number; readonly m: number } & Halves,
): I32 => {
  const [n, m] = operands(e, context, fields);
  return e.i32.mul(half(e, n, fields.x), half(e, m, fields.y));
};
/** A register times a halfword, shifted right by 16. */
const wideProduct = (
  e: Emitter,
  context: LiftContext,
  fields: { readonly n: number; readonly m: number; readonly y: number },
): I32 => {
  const [n, m] = operands(e, context, fields);
  return low(e, e.i64.shrS(e.i64.mul(signed(e, n), signed(e, half(e, m, fields.y))), e.const64(16n)));
};

both(
  "smla{halfx}{halfy}{c}",
  "cccc 00010000 dddd aaaa mmmm 1 y x 0 nnnn",
  "11111011 0001 nnnn aaaa dddd 00 x y mmmm",
  "rd, rn, rm, ra",
  (e, fields, context) =>
    writeGpr(e, context, fields.d, addStickingQ(e, halfProduct(e, context, fields), readGpr(e, context, fields.a))),
  DSP,
);
both(
  "smlaw{halfy}{c}",
  "cccc 00010010 dddd aaaa mmmm 1 y 00 nnnn",
  "11111011 0011 nnnn aaaa dddd 000 y mmmm",
  "rd, rn, rm, ra",
  (e, fields, context) =>
    writeGpr(e, context, fields.d, addStickingQ(e, wideProduct(e, context, fields), readGpr(e, context, fields.a))),
  DSP,
);
both(
  "smulw{halfy}{c}",
  "cccc 00010010 dddd 0000 mmmm 1 y 10 nnnn",
  "11111011 0011 nnnn 1111 dddd 000 y mmmm",
  "rd, rn, rm",
  (e, fields, context) => writeGpr(e, context, fields.d, wideProduct(e, context, fields)),
  PURE_DSP,
);
both(
  "smlal{halfx}{halfy}{c}",
  "cccc 00010100 dddd llll mmmm 1 y x 0 nnnn",
  "11111011 1100 nnnn llll dddd 10 x y mmmm",
  "rl, rd, rn, rm",
  (e, fields, context) => {
    const p = signed(e, halfProduct(e, context, fields));
    writeLong(e, fields, context, accumulated(e, p, readGpr(e, context, fields.l), readGpr(e, context, fields.d)));
  },
  { ...PURE_DSP, when: LONG.when },
);
both(
  "smul{halfx}{halfy}{c}",
  "cccc 00010110 dddd 0000 mmmm 1 y x 0 nnnn",
  "11111011 0001 nnnn 1111 dddd 00 x y mmmm",
  "rd, rn, rm",
  (e, fields, context) => writeGpr(e, context, fields.d, halfProduct(e, context, fields)),
  PURE_DSP,
);

// ── two halfwords at once, and the most significant word (ARMv6) ──────────────────────────────────────────────────

/** The two products of halfwords, with the second operand's halves exchanged if `x`. */
function twoProducts(
  e: Emitter,
  context: LiftContext,
  fields: { readonly n: number; readonly m: number; readonly x: number },
): [I32, I32] {
  const [n, m] = operands(e, context, fields);
  return [e.i32.mul(half(e, n, 0), half(e, m, fields.x)), e.i32.mul(half(e, n, 1), half(e, m, 1 - fields.x))];
}

const V6 = { needs: "v6", harmless: true, when: withoutPc } as const;
for (const [name, arm, thumb, subtracts] of [
  ["smlad", "00", "0010", false],
  ["smlsd", "01", "0100", true],
] as const) {
  const total = (e: Emitter, context: LiftContext, fields: Three & { readonly x: number }): I64 => {
    const [first, second] = twoProducts(e, context, fields);
    return subtracts ? e.i64.sub(signed(e, first), signed(e, second)) : e.i64.add(signed(e, first), signed(e, second));
  };
  /** The low word, with Q set where the sum does not fit. */
  const write = (e: Emitter, fields: Three, context: LiftContext, sum: I64): void => {
    stickQ(e, e.i64.ne(sum, e.i64.extend32S(sum)));
    writeGpr(e, context, fields.d, low(e, sum));
  };
  both(
    `${name}{exchange}{c}`,
    `cccc 01110000 dddd aaaa mmmm ${arm} x 1 nnnn` as "dnmax",
    `11111011 ${thumb} nnnn aaaa dddd 000 x mmmm` as "dnmax",
    "rd, rn, rm, ra",
    (e, fields, context) =>
      write(e, fields, context, e.i64.add(total(e, context, fields), signed(e, readGpr(e, context, fields.a)))),
    V6,
  );
  both(
    `${subtracts ? "smusd" : "smuad"}{exchange}{c}`,
    `cccc 01110000 dddd 1111 mmmm ${arm} x 1 nnnn` as "dnmx",
    `11111011 ${thumb} nnnn 1111 dddd 000 x mmmm` as "dnmx",
    "rd, rn, rm",
    (e, fields, context) => write(e, fields, context, total(e, context, fields)),
    V6,
  );
  both(
    `${subtracts ? "smlsld" : "smlald"}{exchange}{c}`,
    `cccc 01110100 dddd llll mmmm ${arm} x 1 nnnn` as "dlnmx",
    `11111011 ${subtracts ? "1101" : "1100"} nnnn llll dddd 110 x mmmm` as "dlnmx",
    "rl, rd, rn, rm",
    (e, fields, context) =>
      writeLong(
        e,
        fields,
        context,
        accumulated(e, total(e, context, fields), readGpr(e, context, fields.l), readGpr(e, context, fields.d)),
      ),
    { ...V6, guarded: true, when: LONG.when },
  );
}

const mostSignificant =
  (subtracts: boolean) =>
  (e: Emitter, fields: Three & { readonly a?: number; readonly r: number }, context: LiftContext): void => {
    const [n, m] = operands(e, context, fields);
    const product64 = e.i64.mul(signed(e, n), signed(e, m));
    const accumulator =
      fields.a === undefined ? e.const64(0n) : e.i64.shl(unsigned(e, readGpr(e, context, fields.a)), e.const64(32n));
    const sum = subtracts ? e.i64.sub(accumulator, product64) : e.i64.add(accumulator, product64);
    writeGpr(e, context, fields.d, high(e, fields.r === 1 ? e.i64.add(sum, e.const64(0x80000000n)) : sum));
  };
const PURE_V6 = { ...V6, guarded: true } as const;
both(
  "smmla{round}{c}",
  "cccc 01110101 dddd aaaa mmmm 00 r 1 nnnn",
  "11111011 0101 nnnn aaaa dddd 000 r mmmm",
  "rd, rn, rm, ra",
  mostSignificant(false),
  PURE_V6,
);
both(
  "smmul{round}{c}",
  "cccc 01110101 dddd 1111 mmmm 00 r 1 nnnn",
  "11111011 0101 nnnn 1111 dddd 000 r mmmm",
  "rd, rn, rm",
  mostSignificant(false),
  PURE_V6,
);
both(
  "smmls{round}{c}",
  "cccc 01110101 dddd aaaa mmmm 11 r 1 nnnn",
  "11111011 0110 nnnn aaaa dddd 000 r mmmm",
  "rd, rn, rm, ra",
  mostSignificant(true),
  {
    ...PURE_V6,
    when: (fields: Four) => withoutPc({ ...fields, a: 0 }) && fields.a !== PC,
  },
);
