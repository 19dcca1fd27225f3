/**
 * The cryptography extension of ARMv8: AES, SHA1, SHA256 and the 64-bit polynomial product (ARM DDI 0487 F6.1, J1.2.4).
 * Each instruction is a helper: a call costs little beside what it saves a program that would else use tables.
 */
import type { Emitter, Helper, V128 } from "../emitter.ts";
import { HELPER_ARGUMENTS, HELPER_RESULT } from "../emitter.ts";
import type { ArmRow } from "./row.ts";
import { rowsOf } from "./row.ts";
import { even, registerOf } from "./simd-lift.ts";
import { Q } from "./vfp-registers.ts";

const row = rowsOf("Advanced SIMD cryptography");
const needs = "crypto";
const [FIRST, SECOND, THIRD] = [HELPER_ARGUMENTS, HELPER_ARGUMENTS + 16, HELPER_ARGUMENTS + 32] as const;

const helper = (name: string, run: (state: DataView) => void): Helper<"v128"> => ({ name, result: "v128", run });
const words = (state: DataView, at: number): [number, number, number, number] => [
  state.getUint32(at, true),
  state.getUint32(at + 4, true),
  state.getUint32(at + 8, true),
  state.getUint32(at + 12, true),
];
const putWords = (state: DataView, values: readonly number[]): void =>
  values.forEach((value, n) => state.setInt32(HELPER_RESULT + 4 * n, value, true));

// ── the polynomial product ────────────────────────────────────────────────────────────────────────────────────────

/** Two doublewords over {0, 1}. */
export const POLYNOMIAL_LONG = helper("vmull.p64", (state) => {
  const a = state.getBigUint64(FIRST, true);
  const b = state.getBigUint64(SECOND, true);
  let product = 0n;
  for (let n = 0n; n < 64n; n++) if (((a >> n) & 1n) === 1n) product ^= b << n;
  state.setBigUint64(HELPER_RESULT, BigInt.asUintN(64, product), true);
  state.setBigUint64(HELPER_RESULT + 8, product >> 64n, true);
});

// ── AES (FIPS 197) ────────────────────────────────────────────────────────────────────────────────────────────────

/** Multiplication by x in GF(2^8). */
const double = (a: number): number => ((a << 1) ^ ((a & 0x80) !== 0 ? 0x11b : 0)) & 0xff;
function times(a: number, b: number): number {
  let [result, power] = [0, a];
  for (let rest = b; rest !== 0; rest >>= 1) {
    if ((rest & 1) !== 0) result ^= power;
    power = double(power);
  }
  return result;
}
const SBOX = new Uint8Array(256);
const INVERSE_SBOX = new Uint8Array(256);
{
  // p runs through the powers of 3, q through those of its inverse.
  let [p, q] = [1, 1];
  do {
    p = times(p, 3);
    q = times(q, 0xf6);
    const rotated = (n: number): number => ((q << n) | (q >> (8 - n))) & 0xff;
    SBOX[p] = q ^ rotated(1) ^ rotated(2) ^ rotated(3) ^ rotated(4) ^ 0x63;
  } while (p !== 1);
  SBOX[0] = 0x63;
  SBOX.forEach((value, n) => {
    INVERSE_SBOX[value] = n;
  });
}
/** Key addition, row shift and substitution; `step` is how many columns further a row's byte comes from, per row. */
const round = (name: string, box: Uint8Array, step: 1 | -1): Helper<"v128"> =>
  helper(name, (state) => {
    for (let i = 0; i < 16; i++) {
      const from = (i + 4 * step * (i & 3)) & 15;
      state.setUint8(HELPER_RESULT + i, box[state.getUint8(FIRST + from) ^ state.getUint8(SECOND + from)]!);
    }
  });
const mixer = (name: string, row0: readonly [number, number, number, number]): Helper<"v128"> => {
  const products = row0.map((factor) => Uint8Array.from({ length: 256 }, (_, a) => times(a, factor)));
  return helper(name, (state) => {
    for (let column = 0; column < 16; column += 4)
      for (let i = 0; i < 4; i++) {
        let sum = 0;
        for (let k = 0; k < 4; k++) sum ^= products[k]![state.getUint8(FIRST + column + ((i + k) & 3))]!;
        state.setUint8(HELPER_RESULT + column + i, sum);
      }
  });
};
const AESE = round("aese", SBOX, 1);
const AESD = round("aesd", INVERSE_SBOX, -1);
const AESMC = mixer("aesmc", [2, 3, 1, 1]);
const AESIMC = mixer("aesimc", [14, 11, 13, 9]);

// ── SHA (FIPS 180-4) ──────────────────────────────────────────────────────────────────────────────────────────────

const rotateLeft = (x: number, n: number): number => (x << n) | (x >>> (32 - n));
const choose = (x: number, y: number, z: number): number => z ^ (x & (y ^ z));
const parity = (x: number, y: number, z: number): number => x ^ y ^ z;
const majority = (x: number, y: number, z: number): number => (x & y) | (z & (x | y));

/** Four rounds of SHA1. */
const sha1 = (name: string, mix: (x: number, y: number, z: number) => number): Helper<"v128"> =>
  helper(name, (state) => {
    let [a, b, c, d] = words(state, FIRST);
    let e = state.getUint32(SECOND, true);
    for (const w of words(state, THIRD)) {
      const next = rotateLeft(a, 5) + mix(b, c, d) + e + w;
      [a, b, c, d, e] = [next | 0, a, rotateLeft(b, 30), c, d];
    }
    putWords(state, [a, b, c, d]);
  });
const SHA1C = sha1("sha1c", choose);
const SHA1P = sha1("sha1p", parity);
const SHA1M = sha1("sha1m", majority);
const SHA1SU0 = helper("sha1su0", (state) => {
  const [d, n, m] = [words(state, FIRST), words(state, SECOND), words(state, THIRD)];
  putWords(state, [d[2] ^ d[0] ^ m[0], d[3] ^ d[1] ^ m[1], n[0] ^ d[2] ^ m[2], n[1] ^ d[3] ^ m[3]]);
});
const SHA1SU1 = helper("sha1su1", (state) => {
  const [d, m] = [words(state, FIRST), words(state, SECOND)];
  const t = [d[0] ^ m[1], d[1] ^ m[2], d[2] ^ m[3], d[3]] as const;
  putWords(state, [
    rotateLeft(t[0], 1),
    rotateLeft(t[1], 1),
    rotateLeft(t[2], 1),
    rotateLeft(t[3], 1) ^ rotateLeft(t[0], 2),
  ]);
});
/** Four rounds of SHA256 on both halves of the hash; `second`: which half the result is. */
const sha256 = (name: string, second: boolean): Helper<"v128"> =>
  helper(name, (state) => {
    const [d, n] = [words(state, FIRST), words(state, SECOND)];
    const [x, y] = second ? [n, d] : [d, n];
    for (const w of words(state, THIRD)) {
      const sigma1 = rotateLeft(y[0], 26) ^ rotateLeft(y[0], 21) ^ rotateLeft(y[0], 7);
      const sigma0 = rotateLeft(x[0], 30) ^ rotateLeft(x[0], 19) ^ rotateLeft(x[0], 10);
      const t = (y[3] + sigma1 + choose(y[0], y[1], y[2]) + w) | 0;
      const top = (x[3] + t) | 0;
      const next = (t + sigma0 + majority(x[0], x[1], x[2])) | 0;
      y.unshift(top);
      x.unshift(next);
    }
    putWords(state, (second ? y : x).slice(0, 4));
  });
const SHA256H = sha256("sha256h", false);
const SHA256H2 = sha256("sha256h2", true);
const SHA256SU0 = helper("sha256su0", (state) => {
  const [d, m] = [words(state, FIRST), words(state, SECOND)];
  const next = [d[1], d[2], d[3], m[0]];
  putWords(
    state,
    d.map((value, n) => {
      const x = next[n]!;
      return value + (rotateLeft(x, 25) ^ rotateLeft(x, 14) ^ (x >>> 3));
    }),
  );
});
const SHA256SU1 = helper("sha256su1", (state) => {
  const [d, n, m] = [words(state, FIRST), words(state, SECOND), words(state, THIRD)];
  const shifted = [n[1], n[2], n[3], m[0]];
  const result: number[] = [];
  for (let i = 0; i < 4; i++) {
    const x = i < 2 ? m[i + 2]! : result[i - 2]!;
    result.push((d[i]! + shifted[i]! + (rotateLeft(x, 15) ^ rotateLeft(x, 13) ^ (x >>> 10))) | 0);
  }
  putWords(state, result);
});

// ── rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const two = (mnemonic: string, opcode: string, meaning: (e: Emitter, d: V128, m: V128) => V128): ArmRow =>
  row(
    mnemonic,
    `1111 0011 1D11 ${opcode.slice(0, 4)} dddd ${opcode.slice(4)}M0 mmmm` as string,
    "Qd, Qm",
    (e, fields) => {
      const d = Q[registerOf(fields, "d") >> 1]!;
      e.set(d, meaning(e, e.get(d), e.get(Q[registerOf(fields, "m") >> 1]!)));
    },
    { needs, when: even("d", "m") },
  );
const three = (mnemonic: string, u: 0 | 1, size: string, operation: Helper<"v128">): ArmRow =>
  row(
    mnemonic,
    `1111 001${u} 0D${size} nnnn dddd 1100 N1M0 mmmm` as string,
    "Qd, Qn, Qm",
    (e, fields) => {
      const d = Q[registerOf(fields, "d") >> 1]!;
      e.set(
        d,
        e.call(operation, e.get(d), e.get(Q[registerOf(fields, "n") >> 1]!), e.get(Q[registerOf(fields, "m") >> 1]!)),
      );
    },
    { needs, when: even("d", "n", "m") },
  );

export const SIMD_CRYPTO_ROWS: readonly ArmRow[] = [
  two("aese.8", "0000001100", (e, d, m) => e.call(AESE, d, m)),
  two("aesd.8", "0000001101", (e, d, m) => e.call(AESD, d, m)),
  two("aesmc.8", "0000001110", (e, _d, m) => e.call(AESMC, m)),
  two("aesimc.8", "0000001111", (e, _d, m) => e.call(AESIMC, m)),
  two("sha1h.32", "1001001011", (e, _d, m) => {
    const rotated = e.i32.rotl(e.i32x4.extractLane(m, 0), e.const32(30));
    return e.i32x4.replaceLane(e.constV128(0n, 0n), rotated, 0);
  }),
  two("sha1su1.32", "1010001110", (e, d, m) => e.call(SHA1SU1, d, m)),
  two("sha256su0.32", "1010001111", (e, d, m) => e.call(SHA256SU0, d, m)),
  three("sha1c.32", 0, "00", SHA1C),
  three("sha1p.32", 0, "01", SHA1P),
  three("sha1m.32", 0, "10", SHA1M),
  three("sha1su0.32", 0, "11", SHA1SU0),
  three("sha256h.32", 1, "00", SHA256H),
  three("sha256h2.32", 1, "01", SHA256H2),
  three("sha256su1.32", 1, "10", SHA256SU1),
];
