import { expect, test } from "vitest";
import { checksum, decode, encode } from "./kept-format.ts";

const VALUE = {
  numbers: [1, 2, 3],
  nested: [
    { words: Int32Array.of(-1, 2), flag: true },
    { bytes: Uint8Array.of(1, 2, 3), none: null },
  ],
  empty: new Uint32Array(0),
  large: Uint32Array.of(0xffffffff),
};

test("what is decoded is what was encoded, wherever the bytes lie", () => {
  const bytes = encode(VALUE);
  expect(decode(bytes)).toEqual(VALUE);
  for (let offset = 1; offset < 8; offset++) {
    const moved = Buffer.concat([Buffer.alloc(offset), bytes]).subarray(offset);
    expect(decode(moved)).toEqual(VALUE);
  }
});

test("damaged bytes are nothing", () => {
  const bytes = encode(VALUE);
  for (let at = 0; at < bytes.length; at++) {
    expect(decode(Buffer.from(bytes.with(at, bytes[at]! ^ 4)))).toBeUndefined();
    expect(decode(bytes.subarray(0, at))).toBeUndefined();
  }
});

test("bytes with a right checksum that are something else are nothing", () => {
  for (const json of ["{", '["array","Int32Array",0,9]', '["array","Float64Array",0,1]']) {
    const bytes = Buffer.alloc(8 + json.length);
    bytes.writeUInt32LE(json.length, 4);
    bytes.write(json, 8);
    bytes.writeUInt32LE(checksum(bytes.subarray(4)), 0);
    expect(decode(bytes)).toBeUndefined();
  }
});

test("a checksum does not depend on where the bytes lie, but on every one of them and on the seed", () => {
  const bytes = Buffer.from("some bytes, more than one word of them");
  const sum = checksum(bytes);
  expect(checksum(Buffer.concat([Buffer.alloc(1), bytes]).subarray(1))).toBe(sum);
  expect(checksum(bytes, 1)).not.toBe(sum);
  for (let at = 0; at < bytes.length; at++) expect(checksum(bytes.with(at, 0))).not.toBe(sum);
});
