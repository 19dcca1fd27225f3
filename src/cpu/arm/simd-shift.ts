/** Advanced SIMD: shifts by a constant, narrowing, widening (ARM DDI 0406C A7.4.4, and the narrowing moves of A7.4.5). */
import type { Emitter, V128 } from "../emitter.ts";
import type { Fields } from "../decode-table.ts";
import type { ArmRow } from "./row.ts";
import { rowsOf } from "./row.ts";
import * as lanes from "./simd-lanes.ts";
import { both, even, evenIfQuad, registerOf, saturated, setVector, sizes, vector } from "./simd-lift.ts";

const row = rowsOf("Advanced SIMD shift");
const needs = "neon";

/** Bits 21 to 16 and bit 7 by lane size: the position of the highest one among L and imm6 is the size. */
const IMMEDIATES = ["001iii", "01iiii", "1iiiii", "iiiiii"] as const;
const EIGHTS = [0, 1, 2, 3] as const;

/** Right by 1 to the size: encoded as what is missing to the size. */
const rightAmount = (z: number, i: number): number => lanes.laneBits(z) - i;

type Meaning = (
  e: Emitter,
  at: { readonly z: number; readonly u: boolean; readonly n: number; readonly d: V128 },
  m: V128,
) => V128;
const shift = (
  name: string,
  type: string,
  u: "u" | 0 | 1,
  opcode: string,
  direction: "left" | "right",
  meaning: Meaning,
): ArmRow[] =>
  EIGHTS.map((z) =>
    row(
      `${name}.${type}${lanes.laneBits(z)}`,
      `1111 001${u} 1D${IMMEDIATES[z].slice(0, 2)} ${IMMEDIATES[z].slice(2)} dddd ${opcode} ${z === 3 ? 1 : 0}qM1 mmmm` as string,
      `Vd, Vm, ${direction}${lanes.laneBits(z)}`,
      (e, fields) => {
        const quad = fields["q"] === 1;
        const d = registerOf(fields, "d");
        const n = direction === "left" ? fields["i"]! : rightAmount(z, fields["i"]!);
        setVector(
          e,
          quad,
          d,
          meaning(e, { z, u: fields["u"] === 1, n, d: vector(e, quad, d) }, vector(e, quad, registerOf(fields, "m"))),
        );
      },
      { needs, when: evenIfQuad("d", "m") },
    ),
  );

/** The bits that a shift moves in, of a lane. */
const insertMask = (e: Emitter, z: number, left: boolean, n: number): V128 => {
  const all = (1n << BigInt(lanes.laneBits(z))) - 1n;
  return lanes.splat(e, z, left ? all << BigInt(n) : all >> BigInt(n));
};

const SAME_LENGTH: readonly ArmRow[] = [
  ...shift("vshr", "{su}", "u", "0000", "right", (e, { z, u, n }, m) => lanes.shiftRight(e, z, u, m, n)),
  ...shift("vsra", "{su}", "u", "0001", "right", (e, { z, u, n, d }, m) =>
    lanes.add(e, z, d, lanes.shiftRight(e, z, u, m, n)),
  ),
  ...shift("vrshr", "{su}", "u", "0010", "right", (e, { z, u, n }, m) => lanes.shiftRightRounding(e, z, u, m, n)),
  ...shift("vrsra", "{su}", "u", "0011", "right", (e, { z, u, n, d }, m) =>
    lanes.add(e, z, d, lanes.shiftRightRounding(e, z, u, m, n)),
  ),
  ...shift("vsri", "", 1, "0100", "right", (e, { z, n, d }, m) =>
    e.v128.bitselect(lanes.shiftRight(e, z, true, m, n), d, insertMask(e, z, false, n)),
  ),
  ...shift("vshl", "s", 0, "0101", "left", (e, { z, n }, m) => lanes.shiftLeft(e, z, m, n)),
  ...shift("vsli", "", 1, "0101", "left", (e, { z, n, d }, m) =>
    e.v128.bitselect(lanes.shiftLeft(e, z, m, n), d, insertMask(e, z, true, n)),
  ),
  ...shift("vqshlu", "s", 1, "0110", "left", (e, { z, n }, m) =>
    saturated(e, lanes.shiftLeftSaturating(e, z, false, true, m, n)),
  ),
  ...shift("vqshl", "{su}", "u", "0111", "left", (e, { z, u, n }, m) =>
    saturated(e, lanes.shiftLeftSaturating(e, z, u, u, m, n)),
  ),
];

// ── narrowing: of wide lanes, shifted right, the lower halves ─────────────────────────────────────────────────────

/** What of a wide lane goes into the narrow one. */
type Narrowing = "wrap" | "signed" | "signedToUnsigned" | "unsigned";
function narrowed(e: Emitter, wide: number, how: Narrowing, m: V128): V128 {
  const value =
    how === "wrap" ? m : saturated(e, lanes.clampToNarrow(e, wide, how === "unsigned", how !== "signed", m));
  return lanes.narrow(e, wide, value, value);
}
const narrowing = (name: string, type: string, u: 0 | 1, opcode: string, how: Narrowing, rounding: boolean): ArmRow[] =>
  ([0, 1, 2] as const).map((z) =>
    row(
      `${name}.${type}${2 * lanes.laneBits(z)}`,
      `1111 001${u} 1D${IMMEDIATES[z].slice(0, 2)} ${IMMEDIATES[z].slice(2)} dddd ${opcode.slice(0, 4)} ${opcode.slice(4)}M1 mmmm` as string,
      `Dd, Qm, right${lanes.laneBits(z)}`,
      (e, fields) => {
        const n = rightAmount(z, fields["i"]!);
        const m = vector(e, true, registerOf(fields, "m"));
        const unsigned = how === "unsigned";
        const shifted = rounding
          ? lanes.shiftRightRounding(e, z + 1, unsigned, m, n)
          : lanes.shiftRight(e, z + 1, unsigned, m, n);
        setVector(e, false, registerOf(fields, "d"), narrowed(e, z + 1, how, shifted));
      },
      { needs, when: even("m") },
    ),
  );
/** Without a shift: `op` is bits 7 and 6. */
const narrowingMove = (mnemonic: string, op: string, how: Narrowing): ArmRow =>
  row(
    mnemonic,
    `1111 0011 1D11 zz10 dddd 0010 ${op}M0 mmmm` as string,
    "Dd, Qm",
    (e, fields) => {
      setVector(
        e,
        false,
        registerOf(fields, "d"),
        narrowed(e, fields["z"]! + 1, how, vector(e, true, registerOf(fields, "m"))),
      );
    },
    { needs, when: both(even("m"), sizes(0, 1, 2)) },
  );

// ── widening ──────────────────────────────────────────────────────────────────────────────────────────────────────

const widening: readonly ArmRow[] = ([0, 1, 2] as const).flatMap((z): ArmRow[] => {
  const bits = `1111 001u 1D${IMMEDIATES[z].slice(0, 2)} ${IMMEDIATES[z].slice(2)} dddd 1010 00M1 mmmm`;
  return [
    row(
      `vshll.{su}${lanes.laneBits(z)}` as string,
      bits as string,
      `Qd, Dm, left${lanes.laneBits(z)}`,
      (e, fields) => {
        const wide = lanes.extendLow(e, z, fields["u"] === 1, vector(e, false, registerOf(fields, "m")));
        setVector(e, true, registerOf(fields, "d"), lanes.shiftLeft(e, z + 1, wide, fields["i"]!));
      },
      { needs, when: even("d") },
    ),
    row(
      `vmovl.{su}${lanes.laneBits(z)}`,
      bits.replaceAll("i", "0") as string,
      "Qd, Dm",
      (e, fields) => {
        setVector(
          e,
          true,
          registerOf(fields, "d"),
          lanes.extendLow(e, z, fields["u"] === 1, vector(e, false, registerOf(fields, "m"))),
        );
      },
      { needs, when: even("d"), alias: true },
    ),
  ];
});
const widenByWhole = row(
  "vshll.i{size}",
  "1111 0011 1D11 zz10 dddd 0011 00M0 mmmm",
  "Qd, Dm, #size",
  (e, fields) => {
    const wide = lanes.extendLow(e, fields.z, true, vector(e, false, registerOf(fields, "m")));
    setVector(e, true, registerOf(fields, "d"), lanes.shiftLeft(e, fields.z + 1, wide, lanes.laneBits(fields.z)));
  },
  { needs, when: both(even("d"), sizes(0, 1, 2)) },
);

export const SIMD_SHIFT_ROWS: readonly ArmRow[] = [
  ...SAME_LENGTH,
  ...narrowing("vshrn", "i", 0, "100000", "wrap", false),
  ...narrowing("vrshrn", "i", 0, "100001", "wrap", true),
  ...narrowing("vqshrun", "s", 1, "100000", "signedToUnsigned", false),
  ...narrowing("vqrshrun", "s", 1, "100001", "signedToUnsigned", true),
  ...narrowing("vqshrn", "s", 0, "100100", "signed", false),
  ...narrowing("vqshrn", "u", 1, "100100", "unsigned", false),
  ...narrowing("vqrshrn", "s", 0, "100101", "signed", true),
  ...narrowing("vqrshrn", "u", 1, "100101", "unsigned", true),
  narrowingMove("vmovn.i{wide}", "00", "wrap"),
  narrowingMove("vqmovun.s{wide}", "01", "signedToUnsigned"),
  narrowingMove("vqmovn.s{wide}", "10", "signed"),
  narrowingMove("vqmovn.u{wide}", "11", "unsigned"),
  ...widening,
  widenByWhole,
];

const leftAmount = (n: number): string => (n > 32 ? `#${n}\t@ 0x${n.toString(16)}` : `#${n}`);

/** How the amounts are printed. */
export const SHIFT_FORMATS: Readonly<Record<string, (fields: Fields) => string>> = Object.fromEntries(
  EIGHTS.flatMap((z) => [
    [`left${lanes.laneBits(z)}`, (fields: Fields) => leftAmount(fields["i"]!)],
    [`right${lanes.laneBits(z)}`, (fields: Fields) => `#${rightAmount(z, fields["i"]!)}`],
  ]),
);
