import { expect, test } from "vitest";
import { armIsa } from "../cpu/arm/isa.ts";
import { mipsIsa } from "../cpu/mips/isa.ts";
import { listingOf } from "./listing.ts";

const code = (words: Readonly<Record<number, number>>) => ({
  read16: (address: number) => (words[address & ~3]! >>> (8 * (address & 2))) & 0xffff,
  read32: (address: number) => words[address]!,
});

test("an instruction a line, with what belongs to it", () => {
  const arm = armIsa({ cpu: "max" });
  const a32 = arm.decode(code({ 0x10000: 0xe0810002 }), 0x10000, 0);
  expect(listingOf(arm, a32)).toEqual(["00010000:\te0810002\tadd\tr0, r1, r2"]);
  const it = arm.decode(code({ 0x10000: 0x2001bf08 }), 0x10001, 0);
  expect(listingOf(arm, it)).toEqual(["00010000:\tbf08\tit\teq", "        \t        \tmoveq\tr0, #1"]);
  const mips = mipsIsa({ littleEndian: true });
  const branch = mips.decode(code({ 0x10000: 0x03e00008, 0x10004: 0x24020001 }), 0x10000, 0);
  expect(listingOf(mips, branch)).toEqual(["00010000:\t03e00008\tjr\tra", "        \t        \tli\tv0,1"]);
});
